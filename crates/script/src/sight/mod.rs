//! What a script sees of the world around it.

mod environment;
mod files;
mod http;
mod http_reply;
mod json;
mod loopback;
mod process;

use std::path::PathBuf;

use rhai::EvalAltResult;

/// What a script may see; by default no file.
///
/// Processes and the names of environment variables are always seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Folders below which files may be read.
    pub roots: Vec<PathBuf>,
    /// Whether HTTP servers on loopback may be asked.
    pub http: bool,
}

impl Default for Sight {
    fn default() -> Self {
        Self { roots: Vec::new(), http: true }
    }
}

/// What a function of ours answers: a value, or an error that a script can catch.
type Seen<T> = Result<T, Box<EvalAltResult>>;

pub(crate) fn register(rhai: &mut rhai::Engine, sight: Sight) {
    process::register(rhai);
    environment::register(rhai);
    json::register(rhai);
    files::register(rhai, sight.roots);
    if sight.http {
        http::register(rhai);
    }
}
