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

fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Problem::failed(format!("the system gives no random numbers: {error}")))?;
    Ok(bytes)
}
