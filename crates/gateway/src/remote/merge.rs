//! What one gateway told of a run, and what the next one told after it: each event once.
//!
//! The second gateway asks only the replicas that had not ended, and asks them to recall. Their
//! sidecars tell the first answer from its beginning; of a large one they leave some events out, so
//! what is new is told by counting each kind.

use prepl_core::{
    Class, Counts, Digest, Done, Event, Outcome, Reason, Refusal, ReplicaIndex, Report, Summary,
};

/// A run so far.
#[derive(Debug)]
pub struct Merge {
    replicas: Vec<Progress>,
    counts: Counts,
    /// Places of the replicas that the present gateway was asked about.
    asked: Vec<ReplicaIndex>,
    /// An earlier gateway may have sent the evaluation already.
    again: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Events told so far, by kind.
    told: [u64; KINDS],
    /// Events heard of the present gateway, by kind.
    heard: [u64; KINDS],
    done: bool,
}

const KINDS: usize = 7;

fn kind(event: &Event<Digest>) -> usize {
    match event {
        Event::Started => 0,
        Event::Output { .. } => 1,
        Event::Value(_) => 2,
        Event::Raised(_) => 3,
        Event::NeedInput => 4,
        Event::Notice(_) => 5,
        Event::Done(_) => 6,
    }
}

impl Progress {
    /// The number of an event among those told, if it is new.
    fn take(&mut self, event: &Event<Digest>) -> Option<u64> {
        let sequence = self.told.iter().sum();
        let (told, heard) = (self.told.get_mut(kind(event))?, self.heard.get_mut(kind(event))?);
        *heard += 1;
        if self.done || heard <= told {
            return None;
        }
        *told = *heard;
        self.done = matches!(event, Event::Done(_));
        Some(sequence)
    }
}

impl Merge {
    /// A run over so many replicas, at its begin.
    pub fn new(replicas: usize) -> Merge {
        Merge {
            replicas: vec![Progress::default(); replicas],
            counts: Counts::default(),
            asked: places(replicas).collect(),
            again: false,
        }
    }

    /// Takes a report of the present gateway; gives what of it is new.
    pub fn take(&mut self, report: Report) -> Option<Report> {
        let again = self.again;
        match report {
            Report::Text(..) => Some(report),
            Report::Replica { replica, event, .. } => {
                let replica = *self.asked.get(replica.get())?;
                let event = if again { recalled(event) } else { event };
                self.event(replica, event)
            }
            // Told when all have ended, by `finished`.
            Report::Finished(_) => None,
        }
    }

    fn event(&mut self, replica: ReplicaIndex, event: Event<Digest>) -> Option<Report> {
        let sequence = self.replicas.get_mut(replica.get())?.take(&event)?;
        if let Event::Done(done) = &event {
            self.counts.add(done.outcome.class());
        }
        Some(Report::Replica { replica, sequence, event })
    }

    /// Another gateway is asked from now on; gives the places that it is to be asked about.
    pub fn resume(&mut self) -> &[ReplicaIndex] {
        self.asked = self.left().collect();
        self.again = true;
        self.replicas.iter_mut().for_each(|replica| replica.heard = [0; KINDS]);
        &self.asked
    }

    fn left(&self) -> impl Iterator<Item = ReplicaIndex> {
        let all = places(self.replicas.len()).zip(&self.replicas);
        all.filter(|(_, one)| !one.done).map(|(place, _)| place)
    }

    /// Whether every replica has its outcome.
    pub fn is_complete(&self) -> bool {
        self.replicas.iter().all(|replica| replica.done)
    }

    /// Gives up on the replicas without an outcome: they may have run it.
    pub fn give_up(&mut self, why: &str) -> Vec<Report> {
        let left: Vec<_> = self.left().collect();
        let lost = |_| Event::Done(Done::without_answer(Outcome::unknown(why)));
        left.into_iter().filter_map(|place| self.event(place, lost(place))).collect()
    }

    /// The end of the whole run; `told` is what the last gateway said of its part.
    pub fn finished(&self, told: Summary) -> Report {
        // A part knows the starts of its own replicas only.
        let skew = told.skew.filter(|_| !self.again);
        Report::Finished(Summary { counts: self.counts, skew, ..told })
    }
}

fn places(replicas: usize) -> impl Iterator<Item = ReplicaIndex> {
    (0..).map(ReplicaIndex).take(replicas)
}

/// That the answer cannot be recalled does not mean that it did not run.
fn recalled(event: Event<Digest>) -> Event<Digest> {
    let Event::Done(done) = event else { return event };
    let lost = match &done.outcome {
        Outcome::Refused(Refusal::Denied(reason)) => Some(reason),
        outcome if matches!(outcome.class(), Class::Unreachable | Class::NotStarted) => {
            outcome.reason()
        }
        _ => None,
    };
    let outcome = lost.map(|why: &Reason| {
        Outcome::unknown(format!("its gateway went away, and its answer cannot be had: {why}"))
    });
    Event::Done(match outcome {
        Some(outcome) => Done { outcome, ..done },
        None => done,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn started(replica: u32, sequence: u64) -> Report {
        Report::Replica { replica: ReplicaIndex(replica), sequence, event: Event::Started }
    }

    fn done(replica: u32, sequence: u64, outcome: Outcome) -> Report {
        let event = Event::Done(Done::without_answer(outcome));
        Report::Replica { replica: ReplicaIndex(replica), sequence, event }
    }

    fn class(report: Option<Report>) -> Option<(u32, Class)> {
        match report? {
            Report::Replica { replica, event: Event::Done(done), .. } => {
                Some((replica.0, done.outcome.class()))
            }
            _ => None,
        }
    }

    fn told() -> Summary {
        let skew = Some(Duration::from_millis(1));
        Summary { counts: Counts::default(), skew, elapsed: Duration::ZERO, stopped: None }
    }

    #[test]
    fn the_second_gateway_is_asked_about_the_rest_and_its_places_are_mapped() {
        let mut merge = Merge::new(3);
        assert!(merge.take(started(1, 0)).is_some());
        assert!(merge.take(done(1, 1, Outcome::Ok)).is_some());
        assert_eq!(merge.resume(), [ReplicaIndex(0), ReplicaIndex(2)]);
        assert_eq!(class(merge.take(done(1, 1, Outcome::Ok))), Some((2, Class::Ok)));
        assert!(!merge.is_complete());
        assert_eq!(class(merge.take(done(0, 0, Outcome::Raised))), Some((0, Class::Raised)));
        assert!(merge.is_complete());
        let Report::Finished(summary) = merge.finished(told()) else { panic!("no end") };
        assert_eq!((summary.counts.total(), summary.skew), (3, None));
    }

    fn notice(text: &str) -> Report {
        let event = Event::Notice(text.into());
        Report::Replica { replica: ReplicaIndex(0), sequence: 0, event }
    }

    #[test]
    fn what_was_seen_is_not_told_again_but_the_end_always_is() {
        let mut merge = Merge::new(1);
        assert!(merge.take(started(0, 0)).is_some());
        assert!(merge.take(notice("a")).is_some());
        merge.resume();
        assert!(merge.take(started(0, 0)).is_none());
        assert!(merge.take(notice("a")).is_none());
        assert!(merge.take(notice("b")).is_some());
        assert!(merge.take(done(0, 3, Outcome::Ok)).is_some());
        assert!(merge.take(done(0, 9, Outcome::Ok)).is_none());
    }

    #[test]
    fn what_is_new_is_told_though_the_recalled_answer_lacks_events() {
        let mut merge = Merge::new(1);
        for report in [started(0, 0), started(0, 1), started(0, 2)] {
            assert!(merge.take(report).is_some());
        }
        merge.resume();
        assert!(merge.take(started(0, 0)).is_none());
        let told = merge.take(notice("2 events are not kept"));
        assert!(matches!(told, Some(Report::Replica { sequence: 3, .. })), "{told:?}");
    }

    #[test]
    fn an_answer_that_cannot_be_recalled_may_have_run() {
        let why = || Reason::new("why");
        for outcome in [
            Outcome::Unreachable(why()),
            Outcome::NotStarted(why()),
            Outcome::Refused(Refusal::Denied(why())),
        ] {
            let mut merge = Merge::new(1);
            assert_ne!(
                class(Merge::new(1).take(done(0, 0, outcome.clone()))).unwrap().1,
                Class::Unknown
            );
            merge.resume();
            assert_eq!(class(merge.take(done(0, 0, outcome))), Some((0, Class::Unknown)));
        }
    }

    proptest! {
        /// Whatever gateways tell, in whatever order: one outcome each, and they add up.
        #[test]
        fn every_replica_has_one_outcome(
            reports in proptest::collection::vec((0_u32..6, 0_u64..4, 0_u8..4), 0..60),
        ) {
            let mut merge = Merge::new(4);
            let mut ends = vec![0; 4];
            let mut taken = Vec::new();
            for (replica, sequence, kind) in reports {
                taken.extend(match kind {
                    0 => { merge.resume(); None }
                    1 => merge.take(done(replica, sequence, Outcome::Ok)),
                    2 => merge.take(Report::Text(Digest::of("x"), "x".into())),
                    _ => merge.take(started(replica, sequence)),
                });
            }
            taken.extend(merge.give_up("gone"));
            let mut next = [0; 4];
            for report in taken {
                let Report::Replica { replica, sequence, event } = report else { continue };
                prop_assert!(sequence >= next[replica.get()], "an event came twice");
                next[replica.get()] = sequence + 1;
                ends[replica.get()] += i32::from(matches!(event, Event::Done(_)));
            }
            prop_assert_eq!(ends, vec![1; 4]);
            let Report::Finished(summary) = merge.finished(told()) else { panic!("no end") };
            prop_assert_eq!(summary.counts.total(), 4);
        }
    }
}
