//! Logs: one line an event on standard error; never an expression, an answer or a key.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Flags for logs, the same for every daemon.
#[derive(Clone, Debug, Args)]
pub struct LogArgs {
    /// What is logged: error, warn, info, debug, or TARGET=LEVEL,…
    #[arg(
        long = "log",
        value_name = "FILTER",
        env = "PREPL_LOG",
        default_value = "info",
        global = true
    )]
    filter: String,

    /// Form of a log line
    #[arg(long = "log-format", value_name = "FORM", default_value = "text", global = true)]
    format: Format,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Logs that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum NoLogs {
    /// The filter cannot be read.
    #[error("cannot read the log filter {0:?}; write a level such as info, or TARGET=LEVEL")]
    Filter(String, #[source] ParseError),
    /// Something else in this process logs already.
    #[error("logs are set up already")]
    Twice,
}

impl LogArgs {
    /// Sets logs up for the whole process.
    pub fn init(&self) -> Result<(), NoLogs> {
        let filter = EnvFilter::try_new(&self.filter)
            .map_err(|error| NoLogs::Filter(self.filter.clone(), error))?;
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        match self.format {
            Format::Text => lines.try_init(),
            Format::Json => lines.json().try_init(),
        }
        .map_err(|_| NoLogs::Twice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let args = LogArgs { filter: "info,=".into(), format: Format::Text };
        let error = args.init().unwrap_err().to_string();
        assert!(error.contains("info,="), "{error}");
    }
}
