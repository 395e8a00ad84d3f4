//! The report of an error that a server prints on standard error before it tells the exception.
//!
//! It is held back until the next reply: when that tells an exception, the report would only say
//! the same a second time. Source of the forms: `clojure.main/ex-str`.

use bytes::{Bytes, BytesMut};

/// More than this is no report of one error.
const MAX_REPORT: usize = 64 << 10;

/// How the first line of a report begins, and the phase it tells.
const BEGINNINGS: [(&str, &str); 9] = [
    ("Execution error", "execution"),
    ("Syntax error reading", "read-source"),
    ("Syntax error compiling", "compile-syntax-check"),
    ("Syntax error macroexpanding", "macro-syntax-check"),
    ("Unexpected error", "macroexpansion"),
    ("Error reading eval result", "read-eval-result"),
    ("Error printing return value", "print-eval-result"),
    ("Error: ", ""),
    ("error: ", ""),
];

/// What is held back.
#[derive(Default)]
pub(super) struct Report(BytesMut);

impl Report {
    /// Takes printed bytes; gives those that are output for sure.
    pub(super) fn take(&mut self, err: Bytes) -> Option<Bytes> {
        let mut err = BytesMut::from(err);
        let plain = if self.0.is_empty() { err.split_to(beginning(&err)) } else { BytesMut::new() };
        self.0.unsplit(err);
        let plain = if self.0.len() > MAX_REPORT { std::mem::take(&mut self.0) } else { plain };
        (!plain.is_empty()).then(|| plain.freeze())
    }

    /// Gives what is held back.
    pub(super) fn end(&mut self) -> Bytes {
        std::mem::take(&mut self.0).freeze()
    }
}

/// What the report says about the error, without its first line where that tells only the place.
pub(super) fn message(report: &str) -> Option<&str> {
    let (first, rest) = report.split_once('\n').unwrap_or((report, ""));
    let told = if rest.trim().is_empty() { first } else { rest };
    let bare = told.strip_prefix("Error: ").or_else(|| told.strip_prefix("error: "));
    Some(bare.unwrap_or(told).trim()).filter(|told| !told.is_empty())
}

/// When the error happened.
pub(super) fn phase(report: &str) -> Option<&'static str> {
    BEGINNINGS.iter().find(|(beginning, _)| report.starts_with(beginning)).map(|&(_, phase)| phase)
}

/// Where a report begins: at the start of a line; the length of `err` where none does.
fn beginning(err: &[u8]) -> usize {
    let begins = |at: &usize| {
        let line = err.get(*at..).unwrap_or_default();
        BEGINNINGS.iter().any(|(beginning, _)| line.starts_with(beginning.as_bytes()))
    };
    let newlines = err.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
    let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1));
    line_starts.into_iter().find(begins).unwrap_or(err.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(report: &mut Report, err: &'static str) -> String {
        let plain = report.take(Bytes::from_static(err.as_bytes())).unwrap_or_default();
        String::from_utf8(plain.to_vec()).unwrap()
    }

    #[test]
    fn a_report_is_held_back_and_what_came_before_it_is_not() {
        let mut report = Report::default();
        assert_eq!(take(&mut report, "warning\nExecution error (X) at a.\n"), "warning\n");
        assert_eq!(take(&mut report, "Divide by zero\n"), "");
        assert_eq!(&report.end()[..], b"Execution error (X) at a.\nDivide by zero\n");
        assert_eq!(take(&mut report, "plain"), "plain");
    }

    #[test]
    fn a_report_without_end_is_output() {
        let mut report = Report::default();
        take(&mut report, "Error: x");
        let long = Bytes::from(vec![b'x'; MAX_REPORT]);
        assert_eq!(report.take(long).unwrap().len(), MAX_REPORT + 8);
        assert!(report.end().is_empty());
    }

    #[test]
    fn the_message_follows_the_line_with_the_place() {
        assert_eq!(
            message("Execution error (X) at a.\nDivide\nby zero\n"),
            Some("Divide\nby zero")
        );
        assert_eq!(message("Error: no such variable\n"), Some("no such variable"));
        assert_eq!(message(" \n"), None);
        assert_eq!(phase("Syntax error reading source at (REPL:2:1).\n"), Some("read-source"));
    }
}
