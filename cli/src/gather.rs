//! The stream of a run gathered, and which replicas have not ended.

use std::time::Duration;

use prepl_core::outcome::Counts;
use prepl_core::report::Stopped;
use prepl_core::{Answer, Done, Event, Outcome, Report, Selection, Summary};
use prepl_gateway::gather::Gatherer;

/// Answers under way; a replica that is left without an end is unknown, never lost.
#[derive(Debug)]
pub struct Gathering {
    gatherer: Gatherer,
    ended: Vec<bool>,
}

impl Gathering {
    /// Waits for one answer of each replica.
    pub fn new(selection: &Selection) -> Gathering {
        Gathering { gatherer: Gatherer::new(selection.len()), ended: vec![false; selection.len()] }
    }

    /// Takes a report; gives the answer that it completes.
    pub fn take(&mut self, report: Report) -> Option<&Answer> {
        let ended = match &report {
            Report::Replica { replica, event: Event::Done(_), .. } => Some(replica.get()),
            _ => None,
        };
        self.gatherer.take(report);
        let ended = ended?;
        *self.ended.get_mut(ended)? = true;
        self.gatherer.answers().get(ended)
    }

    /// Replicas without an end.
    pub fn pending(&self) -> usize {
        self.ended.iter().filter(|ended| !**ended).count()
    }

    /// All answers and the summary; made here when the run was left before its own came.
    pub fn finish(self, elapsed: Duration) -> (Vec<Answer>, Summary) {
        let mut answers = self.gatherer.answers().to_vec();
        for (answer, _) in answers.iter_mut().zip(&self.ended).filter(|(_, ended)| !**ended) {
            let reason = "prepl left before the replica told its end";
            answer.done = Done::without_answer(Outcome::unknown(reason));
        }
        let summary = self.gatherer.summary().cloned().unwrap_or_else(|| {
            let mut counts = Counts::default();
            answers.iter().for_each(|answer| counts.add(answer.class()));
            Summary { counts, skew: None, elapsed, stopped: Some(Stopped::Interrupted) }
        });
        (answers, summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;
    use prepl_core::{Class, Digest, ReplicaIndex, Value};

    fn gathering(count: usize) -> Gathering {
        Gathering::new(&Selection::of(example::api_fleet(count)))
    }

    fn event(replica: u32, event: Event<Digest>) -> Report {
        Report::Replica { replica: ReplicaIndex(replica), sequence: 0, event }
    }

    #[test]
    fn values_get_their_text_back() {
        let mut gathering = gathering(1);
        let digest = Digest::of("42");
        gathering.take(Report::Text(digest, "42".into()));
        let value = Value { form: 0, text: digest, truncated: false };
        assert!(gathering.take(event(0, Event::Value(value))).is_none());
        let done = event(0, Event::Done(Done::without_answer(Outcome::Ok)));
        assert_eq!(&*gathering.take(done).unwrap().values[0].text, "42");
        assert_eq!(gathering.pending(), 0);
    }

    #[test]
    fn a_replica_that_told_no_end_is_unknown() {
        let mut gathering = gathering(3);
        gathering.take(event(1, Event::Done(Done::without_answer(Outcome::Ok))));
        assert_eq!(gathering.pending(), 2);
        let (answers, summary) = gathering.finish(Duration::ZERO);
        assert_eq!(answers[0].class(), Class::Unknown);
        assert_eq!((summary.counts.of(Class::Unknown), summary.counts.total()), (2, 3));
        assert_eq!(summary.stopped, Some(Stopped::Interrupted));
    }

    #[test]
    fn a_replica_nobody_asked_is_ignored() {
        assert!(gathering(1).take(event(7, Event::Started)).is_none());
    }
}
