//! Names of chains and places in them.

use std::fmt;
use std::str::FromStr;

use prepl_core::Digest;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::text;

/// Name of one chain: 128 random bits, told by every record of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ChainId([u8; 16]);

/// A text that names no chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a chain's name is 32 hexadecimal digits in lower case")]
pub struct BadChainId;

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes; look at its log")]
pub struct NoRandom;

impl ChainId {
    /// A name that no other chain has.
    pub fn random() -> Result<ChainId, NoRandom> {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandom)?;
        Ok(ChainId(bytes))
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ChainId {
    type Err = BadChainId;

    fn from_str(text: &str) -> Result<ChainId, BadChainId> {
        text::bytes(text).map(ChainId).ok_or(BadChainId)
    }
}

impl From<ChainId> for String {
    fn from(chain: ChainId) -> String {
        chain.to_string()
    }
}

impl TryFrom<String> for ChainId {
    type Error = BadChainId;

    fn try_from(text: String) -> Result<ChainId, BadChainId> {
        text.parse()
    }
}

/// The last record of a chain, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Which chain.
    pub chain: ChainId,
    /// Number of the record, from 0.
    pub seq: u64,
    /// Its hash, which stands for it and all before it.
    pub hash: Digest,
}

/// Name of the file whose first record has this number; names sort as the numbers do.
pub(crate) fn file_name(first: u64) -> String {
    format!("audit-{first:020}.jsonl")
}

/// Whether a name is one that a log gives to its files.
#[must_use]
pub fn is_file_name(name: &str) -> bool {
    let number = name.strip_prefix("audit-").and_then(|rest| rest.strip_suffix(".jsonl"));
    number.is_some_and(|digits| digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()))
}
