//! The user's two streams: answers go to stdout, everything else to stderr.

use std::io::{IsTerminal as _, Write as _};

use clap::ValueEnum;

use crate::problem::Problem;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Also into a pipe
    Always,
    /// Not at all
    Never,
}

impl ColorChoice {
    fn on(self, terminal: bool) -> bool {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        match self {
            ColorChoice::Auto => terminal && !unwanted && !dumb,
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        }
    }
}

/// The user's two streams and what they can show.
#[derive(Debug)]
pub struct Console {
    /// Colour on stdout.
    pub out_colour: bool,
    /// Colour on stderr.
    pub err_colour: bool,
    /// Stdout is a terminal.
    pub out_terminal: bool,
    /// Stderr is a terminal.
    pub err_terminal: bool,
    reader_left: bool,
    lost: Option<std::io::Error>,
}

impl Console {
    /// Looks at the streams of this process.
    pub fn detect(choice: ColorChoice) -> Console {
        let out_terminal = std::io::stdout().is_terminal();
        let err_terminal = std::io::stderr().is_terminal();
        Console {
            out_colour: choice.on(out_terminal),
            err_colour: choice.on(err_terminal),
            out_terminal,
            err_terminal,
            reader_left: false,
            lost: None,
        }
    }

    /// Writes answers; once the reader of a pipe has left, nothing more.
    pub fn answer(&mut self, text: &str) {
        if self.reader_left || self.lost.is_some() || text.is_empty() {
            return;
        }
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        match written {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => self.reader_left = true,
            written => self.lost = written.err(),
        }
    }

    /// Fails when answers could not be written; a reader of a pipe may leave when he likes.
    pub fn written(&self) -> Result<(), Problem> {
        match &self.lost {
            Some(error) => Err(Problem::failed(format!("cannot write the answers: {error}"))),
            None => Ok(()),
        }
    }

    /// Whether nobody reads the answers any more.
    pub fn reader_left(&self) -> bool {
        self.reader_left
    }

    /// Writes what is not an answer; a closed stderr is no reason to fail.
    pub fn tell(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// Columns of the terminal behind stdout; `None` when it is another thing.
    pub fn out_width(&self) -> Option<usize> {
        let size = terminal_size::terminal_size_of(std::io::stdout());
        size.map(|(width, _)| usize::from(width.0)).filter(|_| self.out_terminal)
    }

    /// Columns of the terminal behind stderr; 80 when not known.
    pub fn err_width(&self) -> usize {
        let size = terminal_size::terminal_size_of(std::io::stderr());
        size.map_or(80, |(width, _)| usize::from(width.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_has_no_colour_unless_it_is_asked_for() {
        assert!(!ColorChoice::Auto.on(false));
        assert!(ColorChoice::Always.on(false));
        assert!(!ColorChoice::Never.on(true));
    }
}
