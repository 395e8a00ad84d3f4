//! Random names of runs and requests, from the operating system.

use prepl_core::{RequestId, RunId};

use crate::problem::Problem;

/// A new run id.
pub fn run() -> Result<RunId, Problem> {
    random().map(RunId::from_random)
}

/// A new request id.
pub fn request() -> Result<RequestId, Problem> {
    random().map(RequestId::from_random)
}

fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Problem::failed(format!("the system gives no random numbers: {error}")))?;
    Ok(bytes)
}
