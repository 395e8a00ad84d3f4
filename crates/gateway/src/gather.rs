//! Reports of a run to one answer for each replica.

use std::collections::HashMap;
use std::sync::Arc;

use prepl_core::report::Report;
use prepl_core::{Answer, Digest, Done, Event, Outcome, Reason, ReplicaIndex, Summary, Value};

/// Collects what every replica said.
#[derive(Debug)]
pub struct Gatherer {
    texts: HashMap<Digest, Arc<str>>,
    answers: Vec<Answer>,
    summary: Option<Summary>,
}

impl Gatherer {
    /// For a selection of so many replicas.
    pub fn new(replicas: usize) -> Gatherer {
        let empty = |replica| Answer {
            replica,
            values: Vec::new(),
            raised: Vec::new(),
            output: Vec::new(),
            notices: Vec::new(),
            done: Done::without_answer(Outcome::NotStarted(Reason::new("nothing heard yet"))),
        };
        let answers = (0..).map(ReplicaIndex).take(replicas).map(empty).collect();
        Gatherer { texts: HashMap::new(), answers, summary: None }
    }

    /// Takes one report.
    pub fn take(&mut self, report: Report) {
        match report {
            Report::Text(digest, text) => {
                self.texts.insert(digest, text);
            }
            Report::Replica { replica, event, .. } => self.event(replica, event),
            Report::Finished(summary) => self.summary = Some(summary),
        }
    }

    /// The answers so far, in the order of the selection.
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// The end of the run, once it came.
    pub fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    fn event(&mut self, replica: ReplicaIndex, event: Event<Digest>) {
        let Some(answer) = self.answers.get_mut(replica.get()) else { return };
        match event {
            Event::Started | Event::NeedInput => {}
            Event::Output { stream, bytes } => answer.output.push((stream, bytes)),
            Event::Value(Value { form, text, truncated }) => {
                let text = self.texts.get(&text).cloned().unwrap_or_default();
                answer.values.push(Value { form, text, truncated });
            }
            Event::Raised(raised) => answer.raised.push(raised),
            Event::Notice(text) => answer.notices.push(text),
            Event::Done(done) => answer.done = done,
        }
    }
}
