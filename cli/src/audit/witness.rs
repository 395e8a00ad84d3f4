//! Checkpoints to compare logs with, from where the log's writer cannot change them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use prepl_audit::{ChainId, PublicKey, Witness};

use crate::problem::Problem;

/// Most bytes of a file of checkpoints that are read: a year of one every 30 s.
const MAX_BYTES: u64 = 512 << 20;

/// Checkpoints of logs.
#[derive(Debug, Default)]
pub enum Checkpoints {
    /// There are none.
    #[default]
    Unknown,
    /// A file of them, about one log.
    File { file: File, name: String, bytes: u64, key: PublicKey },
    /// Those of every chain that is known elsewhere.
    OfChains(BTreeMap<ChainId, OfChain>),
}

/// The checkpoints of one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfChain {
    /// Where they come from.
    pub name: String,
    /// The key that signed them.
    pub key: PublicKey,
    /// As lines of JSON, in the order of their records.
    pub lines: String,
    /// Number of the last record that they know.
    pub last: Option<u64>,
    /// Whoever signs was told of an end that contradicts them; what he says of it.
    pub regressed: Option<String>,
}

/// What a log is compared with.
#[derive(Default)]
pub struct Taken {
    /// The checkpoints of its chain, if there are some.
    pub witness: Option<Witness<'static>>,
    /// Whoever signs them was told of an end that contradicts them.
    pub regressed: Option<String>,
}

impl OfChain {
    fn into_taken(self) -> Taken {
        let OfChain { name, key, lines, regressed, .. } = self;
        let lines = Box::new(Cursor::new(lines));
        Taken { witness: Some(Witness { key, name, lines }), regressed }
    }
}

impl Checkpoints {
    /// The checkpoints that stand in a file now; what is appended later does not count, as the log
    /// is read later than this.
    pub fn of_file(path: &Path, key: PublicKey) -> Result<Checkpoints, Problem> {
        let unread = |error: io::Error| {
            Problem::failed(format!("cannot read the checkpoints {}: {error}", path.display()))
                .hint("name a file with one signed checkpoint a line")
        };
        let file = File::open(path).map_err(unread)?;
        let bytes = file.metadata().map_err(unread)?.len();
        if bytes > MAX_BYTES {
            return Err(unread(io::Error::other("it has more than 512 MiB")));
        }
        Ok(Checkpoints::File { file, name: path.display().to_string(), bytes, key })
    }

    /// Those about a chain, taken out: what is left at the end has no log.
    pub fn take(&mut self, chain: Option<ChainId>) -> io::Result<Taken> {
        match self {
            Checkpoints::Unknown => Ok(Taken::default()),
            Checkpoints::File { file, name, bytes, key } => {
                let lines = Box::new(file.try_clone()?.take(*bytes));
                let witness = Witness { key: *key, name: name.clone(), lines };
                Ok(Taken { witness: Some(witness), regressed: None })
            }
            Checkpoints::OfChains(chains) => {
                let found = chain.and_then(|chain| chains.remove(&chain));
                Ok(found.map(OfChain::into_taken).unwrap_or_default())
            }
        }
    }

    /// Chains that are known elsewhere and were not taken: their logs are not here.
    pub fn left(&self) -> impl Iterator<Item = (&ChainId, &OfChain)> {
        let chains = match self {
            Checkpoints::OfChains(chains) => Some(chains),
            Checkpoints::Unknown | Checkpoints::File { .. } => None,
        };
        chains.into_iter().flatten()
    }
}
