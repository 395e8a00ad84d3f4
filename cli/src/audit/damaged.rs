//! A log that is read though it is not whole: said, and never shown as if it were.

use prepl_audit::Fault;

use crate::render::safe::{self, Layout};

/// A log with a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Which log.
    pub log: String,
    /// The first fault that was met.
    pub fault: Fault,
}

impl Damaged {
    /// A line of warning.
    pub fn warning(&self) -> String {
        let Damaged { log, fault } = self;
        let line = format!(
            "warning: {log} is not whole from {} line {} on, so what is shown may not be what was \
             written; prepl audit verify tells more",
            fault.file, fault.line
        );
        safe::text(&line, Layout::Line) + "\n"
    }

    /// The same for what is not read further.
    pub fn not_further(&self) -> String {
        let Damaged { log, fault } = self;
        let line = format!("warning: {log} is written out up to its fault only: {fault}");
        safe::text(&line, Layout::Line) + "\n"
    }
}
