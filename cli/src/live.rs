//! What is written while a run goes on: nothing, prefixed lines, or JSON lines.

use prepl_core::{Answer, Event, Report, RequestId, RunId, Selection};

use crate::render::{Format, jsonl, stream};

/// The live side of a form.
#[derive(Debug)]
pub enum Live {
    /// The form waits for the end.
    Waiting,
    /// `-o stream`.
    Stream(stream::Screen),
    /// `-o jsonl`.
    Lines(Selection),
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
            Live::Waiting | Live::Stream(_) => String::new(),
        }
    }
}
