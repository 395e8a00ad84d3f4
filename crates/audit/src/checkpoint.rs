//! Signed words about the end of a chain, to be kept where the log's writer cannot change them.

use prepl_core::Digest;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::chain::{ChainId, NoRandom, Tail};
use crate::moment::Moment;
use crate::text::{self, hex};

/// What is signed begins with this, so that no signature of the key means anything else.
const CONTEXT: &str = "prepl audit checkpoint v1\n";

/// At this time, this was the end of this chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Which chain.
    pub chain: ChainId,
    /// Number of its last record.
    pub seq: u64,
    /// Hash of its last record.
    #[serde(with = "hex")]
    pub hash: Digest,
    /// When.
    pub time: Moment,
}

/// A checkpoint with an Ed25519 signature (RFC 8032).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// 128 hexadecimal digits.
    pub signature: String,
}

/// An Ed25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// A private key for checkpoints. `Debug` shows the public half.
#[derive(Debug)]
pub struct SigningKey(Ed25519KeyPair);

/// Something that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not an Ed25519 key in PKCS#8.
    #[error("it is no Ed25519 private key in PKCS#8; make one anew")]
    Private,
    /// Not 64 hexadecimal digits.
    #[error("an Ed25519 public key is written as 64 hexadecimal digits in lower case")]
    Public,
}

impl Checkpoint {
    /// A checkpoint about this end of a chain.
    #[must_use]
    pub fn of(tail: Tail, time: Moment) -> Checkpoint {
        let Tail { chain, seq, hash } = tail;
        Checkpoint { chain, seq, hash, time }
    }

    /// The bytes that are signed: a context, then the checkpoint as canonical JSON.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let Checkpoint { chain, seq, hash, time } = self;
        let json = format!(r#"{{"chain":"{chain}","hash":"{hash}","seq":{seq},"time":"{time}"}}"#);
        [CONTEXT, &json].concat().into_bytes()
    }
}

impl SigningKey {
    /// Makes a key, as PKCS#8 (DER): whoever keeps it keeps it from the log's writer.
    pub fn generate_pkcs8() -> Result<Vec<u8>, NoRandom> {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        made.map(|der| der.as_ref().to_vec()).map_err(|_| NoRandom)
    }

    /// Reads a key in PKCS#8 (DER).
    pub fn from_pkcs8(der: &[u8]) -> Result<SigningKey, BadKey> {
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
        key.map(SigningKey).map_err(|_| BadKey::Private)
    }

    /// The half that verifies.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    /// Signs a checkpoint.
    #[must_use]
    pub fn sign(&self, checkpoint: Checkpoint) -> SignedCheckpoint {
        let signature = text::digits(self.0.sign(&checkpoint.message()).as_ref());
        SignedCheckpoint { checkpoint, signature }
    }
}

impl PublicKey {
    /// Whether the key that belongs to this one signed it.
    #[must_use]
    pub fn signed(&self, signed: &SignedCheckpoint) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.0);
        let signature: Option<[u8; 64]> = text::bytes(&signed.signature);
        let message = signed.checkpoint.message();
        signature.is_some_and(|signature| key.verify(&message, &signature).is_ok())
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&text::digits(&self.0))
    }
}

impl std::str::FromStr for PublicKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<PublicKey, BadKey> {
        text::bytes(text).map(PublicKey).ok_or(BadKey::Public)
    }
}
