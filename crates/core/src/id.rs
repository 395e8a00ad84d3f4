//! Names of runs, requests and sessions.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Crockford's alphabet: no I, L, O or U, so a run id can be read aloud.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Name of one run, short enough to type: 8 characters, 40 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId([u8; 8]);

impl RunId {
    /// Makes an id from five random bytes.
    pub fn from_random(random: [u8; 5]) -> RunId {
        let bits = random.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        RunId(std::array::from_fn(|place| ALPHABET[(bits >> (35 - 5 * place) & 31) as usize]))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that does not name what it should name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// Not eight characters of Crockford's alphabet.
    #[error("a run id is 8 letters or digits, as the closing line of a run shows it")]
    Run,
    /// Not 32 hexadecimal digits.
    #[error("a request id is 32 hexadecimal digits")]
    Request,
    /// Empty, longer than 64, or with other characters than letters, digits, '-', '_' and '.'.
    #[error("a session name is 1 to 64 letters, digits, '-', '_' or '.'")]
    Session,
}

impl FromStr for RunId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let bytes: [u8; 8] = text.as_bytes().try_into().map_err(|_| BadId::Run)?;
        bytes.iter().all(|byte| ALPHABET.contains(byte)).then_some(RunId(bytes)).ok_or(BadId::Run)
    }
}

/// Name of one request; a sidecar runs each at most once (P3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; 16]);

impl RequestId {
    /// Makes an id from sixteen random bytes.
    pub fn from_random(random: [u8; 16]) -> RequestId {
        RequestId(random)
    }

    /// The bytes that cross the wire.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<&[u8]> for RequestId {
    type Error = BadId;

    fn try_from(bytes: &[u8]) -> Result<Self, BadId> {
        bytes.try_into().map(RequestId).map_err(|_| BadId::Request)
    }
}

impl FromStr for RequestId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let digit = |at: usize| text.get(2 * at..2 * at + 2);
        let byte = |at| digit(at).and_then(|two| u8::from_str_radix(two, 16).ok());
        let plain = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let bytes: Option<Vec<u8>> = (0..16).map(byte).collect();
        bytes.filter(|_| plain).and_then(|b| RequestId::try_from(&b[..]).ok()).ok_or(BadId::Request)
    }
}

/// Name of REPL state kept on a replica between evaluations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionName(Arc<str>);

impl SessionName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SessionName {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let good = (1..=64).contains(&text.len()) && text.chars().all(allowed);
        good.then(|| SessionName(text.into())).ok_or(BadId::Session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn run_ids_survive_their_text(random: [u8; 5]) {
            let id = RunId::from_random(random);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn request_ids_survive_their_text(random: [u8; 16]) {
            let id = RequestId::from_random(random);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn no_text_is_too_strange_to_refuse(text: String) {
            let _ = text.parse::<RunId>();
            let _ = text.parse::<RequestId>();
            let _ = text.parse::<SessionName>();
        }
    }

    #[test]
    fn ids_that_are_not_ids_are_refused() {
        assert_eq!("7Q4K2".parse::<RunId>(), Err(BadId::Run));
        assert_eq!("+1".repeat(16).parse::<RequestId>(), Err(BadId::Request));
        assert_eq!("a b".parse::<SessionName>(), Err(BadId::Session));
        assert_eq!("x".repeat(65).parse::<SessionName>(), Err(BadId::Session));
    }
}
