//! What every stream of reports promises, checked while it comes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use prepl_core::{Digest, Event, Report};

/// A stream of reports so far.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    last: BTreeMap<usize, u64>,
    ended: BTreeSet<usize>,
    texts: HashSet<Digest>,
    finished: bool,
}

impl Promises {
    /// Fails the test when a report breaks a promise.
    pub(crate) fn check(&mut self, report: &Report) {
        assert!(!self.finished, "nothing follows the end of a run");
        match report {
            Report::Text(digest, _) => {
                self.texts.insert(*digest);
            }
            Report::Replica { replica, sequence, event } => {
                self.event(replica.get(), *sequence, event);
            }
            Report::Finished(summary) => {
                self.finished = true;
                let total = summary.counts.total() as usize;
                assert_eq!(total, self.ended.len(), "outcomes add up to the selection");
            }
        }
    }

    fn event(&mut self, replica: usize, sequence: u64, event: &Event<Digest>) {
        let before = self.last.insert(replica, sequence);
        assert!(before.is_none_or(|before| before < sequence), "an event came late, or twice");
        assert!(!self.ended.contains(&replica), "nothing follows an outcome");
        match event {
            Event::Done(_) => {
                self.ended.insert(replica);
            }
            Event::Value(value) => {
                assert!(self.texts.contains(&value.text), "a text comes before its use");
            }
            _ => {}
        }
    }
}
