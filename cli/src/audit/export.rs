//! Logs written out for other programs.

use std::io::{self, Write};

use clap::ValueEnum;
use prepl_audit::{Form, export};
use prepl_core::ExitCode;

use super::damaged::Damaged;
use super::logs::LogFolder;
use crate::console::Console;
use crate::problem::Problem;
use crate::render::safe;

/// How logs are written out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// The lines as they are stored, which can be verified again
    #[default]
    Jsonl,
    /// OCSF 1.4.0, class Script Activity: an event a line; other records are left out
    Ocsf,
}

/// Bytes that are written at once.
const CHUNK: usize = 64 << 10;

/// Writes out all logs, one after the other; one that is not whole, up to its fault.
pub fn run(
    logs: &[LogFolder],
    format: ExportFormat,
    console: &mut Console,
) -> Result<ExitCode, Problem> {
    let form = match format {
        ExportFormat::Jsonl => Form::Stored,
        ExportFormat::Ocsf => Form::Ocsf,
    };
    let mut code = ExitCode::Ok;
    for log in logs {
        let mut out = Answers { console, waiting: Vec::new() };
        let exported =
            export(&log.path, form, &mut out).and_then(|done| out.flush().map(|()| done));
        let fault = match exported {
            Err(_) if console.reader_left() => return Ok(code),
            Err(error) => return Err(super::unread(&error)),
            Ok(done) => done.fault,
        };
        if let Some(fault) = fault {
            code = ExitCode::Differs;
            console.tell(&Damaged { log: log.name.clone(), fault }.not_further());
        }
    }
    Ok(code)
}

/// Stdout, in chunks of whole lines; a terminal is not driven by what stands in them (P12).
struct Answers<'a> {
    console: &'a mut Console,
    waiting: Vec<u8>,
}

impl Answers<'_> {
    fn write_out(&mut self) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.waiting);
        match self.console.out_terminal {
            true => self.console.answer(&safe::json(&text)),
            false => self.console.answer(&text),
        }
        self.waiting.clear();
        match self.console.reader_left() {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(()),
        }
    }
}

impl Write for Answers<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK && self.waiting.ends_with(b"\n") {
            self.write_out()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_out()
    }
}
