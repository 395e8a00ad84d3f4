//! What is written while a run goes on: nothing, prefixed lines, JSON lines, or printed output.

use prepl_core::{Answer, Event, Report, RequestId, RunId, Selection};

use crate::render::{Format, jsonl, printed, stream};

/// The live side of a form.
#[derive(Debug)]
pub enum Live {
    /// The form waits for the end.
    Waiting,
    /// `-o stream`.
    Stream(stream::Screen),
    /// `-o jsonl`.
    Lines(Selection),
    /// A prompt: the end shows the answers.
    Printed(printed::Printed),
}

impl Live {
    /// The live side of a form, and what it writes before the run.
    pub fn begin(
        format: Format,
        selection: &Selection,
        (run, request): (RunId, RequestId),
        colour: bool,
    ) -> (Live, String) {
        match format {
            Format::Stream => {
                (Live::Stream(stream::Screen::new(selection.clone(), colour)), String::new())
            }
            Format::Jsonl => (Live::Lines(selection.clone()), jsonl::plan(selection, run, request)),
            _ => (Live::Waiting, String::new()),
        }
    }

    /// What a report adds, before it is gathered.
    pub fn report(&mut self, report: &Report) -> String {
        match (self, report) {
            (Live::Stream(screen), report) => screen.report(report),
            (Live::Printed(printed), report) => printed.report(report),
            (Live::Lines(selection), Report::Replica { replica, event, .. }) => match event {
                Event::Started => jsonl::start(selection, *replica),
                Event::Output { stream, bytes } => jsonl::out(selection, *replica, *stream, bytes),
                _ => String::new(),
            },
            (Live::Waiting | Live::Lines(_), _) => String::new(),
        }
    }

    /// What a complete answer adds.
    pub fn answer(&self, answer: &Answer) -> String {
        match self {
            Live::Lines(selection) => jsonl::result(selection, answer),
            Live::Waiting | Live::Stream(_) | Live::Printed(_) => String::new(),
        }
    }

    /// What is written once the run lasts so long that progress is drawn.
    pub fn lasts(&mut self) -> String {
        match self {
            Live::Printed(printed) => printed.go_live(),
            Live::Waiting | Live::Stream(_) | Live::Lines(_) => String::new(),
        }
    }

    /// What is written at the end of the run.
    pub fn end(&mut self) -> String {
        match self {
            Live::Printed(printed) => printed.end(),
            Live::Waiting | Live::Stream(_) | Live::Lines(_) => String::new(),
        }
    }

    /// Whether a prompt has shown what was printed.
    pub fn showed_output(&self) -> bool {
        matches!(self, Live::Printed(printed) if printed.was_shown())
    }
}
