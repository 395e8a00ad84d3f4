//! Random names of runs, requests and sessions, from the operating system.

use prepl_core::{RequestId, RunId, SessionName};

use crate::problem::Problem;

/// A new run id.
pub fn run() -> Result<RunId, Problem> {
    random().map(RunId::from_random)
}

/// A new request id.
pub fn request() -> Result<RequestId, Problem> {
    random().map(RequestId::from_random)
}

/// A name for a new session.
pub fn session() -> Result<SessionName, Problem> {
    let name = request()?.to_string();
    // Hexadecimal digits are such a name.
    name.parse().map_err(|_| Problem::failed("a request id is no name of a session"))
}

/// A random UUID: version 4 of RFC 9562, section 5.4.
pub fn uuid() -> Result<String, Problem> {
    let mut bytes: [u8; 16] = random()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = RequestId::from_random(bytes).to_string();
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    Ok(parts.join("-"))
}

fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Problem::failed(format!("the system gives no random numbers: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_that_it_is_random() {
        let uuid = uuid().unwrap();
        let lengths: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!((lengths, &uuid[14..15]), (vec![8, 4, 4, 4, 12], "4"));
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }
}
