//! The session store as a program of its own.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use session_store::{Config, MAX_STORED_SESSIONS};

/// A small session store with a Scheme REPL that speaks nREPL.
#[derive(Debug, Parser)]
#[command(name = "session-store")]
struct Arguments {
    /// Where the REPL listens: a loopback address, port 0 for a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The version that this replica says it is
    #[arg(long, default_value = "2.41.0")]
    version: String,
    /// The zone that this replica says it runs in
    #[arg(long, default_value = "a")]
    zone: String,
    /// Sessions to start with
    #[arg(long, default_value_t = 344, value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_STORED_SESSIONS)))]
    sessions: u32,
    /// The generation of its cache
    #[arg(long, default_value_t = 118)]
    cache_generation: u32,
    /// Entries in its cache
    #[arg(long, default_value_t = 40_212)]
    cache_size: u32,
    /// Seconds that an entry of its cache lives
    #[arg(long, default_value_t = 300)]
    cache_ttl: u32,
    /// A feature that is switched on; may be given more than once
    #[arg(long = "feature")]
    features: Vec<String>,
    /// The same seed makes the same sessions
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

impl From<Arguments> for Config {
    fn from(arguments: Arguments) -> Config {
        Config {
            listen: arguments.listen,
            version: arguments.version,
            zone: arguments.zone,
            sessions: arguments.sessions,
            cache_generation: arguments.cache_generation,
            cache_size: arguments.cache_size,
            cache_ttl: arguments.cache_ttl,
            features: arguments.features,
            seed: arguments.seed,
        }
    }
}

#[expect(clippy::print_stderr, reason = "a program says on stderr why it ends")]
fn main() -> ExitCode {
    match session_store::run(Arguments::parse().into()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(unusable) => {
            let cause = unusable.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("session-store: {unusable}{cause}");
            ExitCode::FAILURE
        }
    }
}
