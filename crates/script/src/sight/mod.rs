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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Whether processes and the names of environment variables are seen.
    pub machine: bool,
    /// Folders below which files may be read.
    pub roots: Vec<PathBuf>,
    /// Whether HTTP servers on loopback may be asked.
    pub http: bool,
}

impl Default for Sight {
    fn default() -> Self {
        Self { machine: true, roots: Vec::new(), http: true }
    }
}

impl Sight {
    /// Nothing but what the session is given.
    #[must_use]
    pub fn nothing() -> Self {
        Self { machine: false, roots: Vec::new(), http: false }
    }
}

/// What a function of ours answers: a value, or an error that a script can catch.
type Seen<T> = Result<T, Box<EvalAltResult>>;

pub(crate) fn register(rhai: &mut rhai::Engine, sight: Sight) {
    if sight.machine {
        process::register(rhai);
        environment::register(rhai);
    }
    json::register(rhai);
    files::register(rhai, sight.roots);
    if sight.http {
        http::register(rhai);
    }
}
