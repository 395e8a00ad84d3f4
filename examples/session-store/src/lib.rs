//! A small session store with a Scheme REPL that speaks nREPL.
//!
//! The service of prepl's demo: it holds some sessions of pretended users in memory, and an
//! operator asks it questions in Scheme, in the running process. It knows nothing of prepl; it is
//! a service like the ones prepl is for. The Scheme is Steel, embedded; one engine per
//! nREPL session, on a thread of its own, all of them over the same store.
//!
//! The port is a loopback port and has no password, as nREPL's have: whoever reaches it may do
//! what the process may do.
//!
//! In reading order: [`Config`] (`config`), the sessions of the pretended users (`store`); the
//! Scheme: its functions (`functions`), its engine (`scheme`), how text is cut into forms
//! (`forms`), how values are printed (`print`), what is printed on the way (`output`); nREPL:
//! answers (`reply`), ending an evaluation (`interrupt`), one session (`session`), all of
//! them (`sessions`), the operations (`ops`), and the port ([`Server`], `server`).

mod config;
mod forms;
mod functions;
mod interrupt;
mod ops;
mod output;
mod print;
mod reply;
mod scheme;
mod server;
mod session;
mod sessions;
mod store;

use std::io::Write;

pub use config::{Config, MAX_STORED_SESSIONS, Unusable};
pub use server::{MAX_CONNECTIONS, MAX_MESSAGE, Server};
pub use sessions::MAX_SESSIONS;

/// Runs the service until its process ends.
///
/// Says on stdout, in one line, where its REPL listens once it does.
///
/// # Errors
///
/// [`Unusable`] when the port cannot be opened.
pub fn run(config: Config) -> Result<(), Unusable> {
    let server = Server::bind(config)?;
    let port = server.address().port();
    let address = server.address().ip();
    // Nobody may be reading: the service runs all the same.
    let _ = writeln!(
        std::io::stdout(),
        "nREPL server started on port {port} on host {address} - nrepl://{address}:{port}"
    );
    server.serve();
    Ok(())
}
