//! Runs over a world.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prepl_core::exit::Findings;
use prepl_core::ports::Connect;
use prepl_core::{
    Answer, Class, Event, ExitCode, Expression, Limits, Origin, Outcome, Patience, Refusal, Report,
    RequestId, RunId, Selection, Summary,
};
use prepl_gateway::gather::Gatherer;
use prepl_gateway::remote::RemoteRun;
use prepl_gateway::{
    DEFAULT_WIDTH, NotGiven, Permit, Plan, RecordedRun, Remote, RemoteFailed, Running as Reports,
    Verdict, decide,
};

use crate::Recording;
use crate::promises::Promises;

/// What a run gave.
#[derive(Debug)]
pub struct Asked {
    /// One answer for each replica, in the order of the selection.
    pub answers: Vec<Answer>,
    /// The run as a whole.
    pub summary: Summary,
}

/// Far more than anything here takes: what is not over by then hangs.
const HANGS_AFTER: Duration = Duration::from_secs(120);

/// Waits for what must not hang.
pub async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANGS_AFTER, work).await.expect("something hangs")
}

/// A plan with an id of its own, 10 s and 1 MiB.
pub fn plan(expression: &str) -> Plan {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    Plan {
        run: RunId::from_random([id[0], id[1], id[2], id[3], id[4]]),
        request: RequestId::from_random(id),
        recall: false,
        read_only: false,
        interactive: false,
        expression: Expression::new(expression).expect("an expression"),
        origin: Origin::Typed,
        session: None,
        namespace: None,
        limits: Limits::new(Duration::from_secs(10), 1 << 20, 1 << 20).expect("good limits"),
        patience: Patience::default(),
        width: DEFAULT_WIDTH,
        barrier: false,
    }
}

/// A permit that asks nobody: what a gateway allows wrongly is for the sidecars to refuse.
pub fn permitted(selection: &Selection) -> Permit {
    decide(selection, |_| Verdict::Allowed).expect("every verdict allows")
}

/// A run under way.
#[derive(Debug)]
pub struct Running<R = RecordedRun> {
    run: R,
    gatherer: Gatherer,
    promises: Promises,
    begun: BTreeSet<usize>,
    asked: BTreeMap<usize, usize>,
    printed: BTreeSet<usize>,
    ended: BTreeSet<usize>,
}

impl Running {
    /// Starts a plan.
    pub async fn begin<C: Connect>(
        gateway: &Recording<C>,
        selection: &Selection,
        plan: Plan,
    ) -> Running {
        Running::permitted(gateway, permitted(selection), plan).await
    }

    /// Starts a plan with a permit that was asked for.
    pub async fn permitted<C: Connect>(
        gateway: &Recording<C>,
        permit: Permit,
        plan: Plan,
    ) -> Running {
        let selection = permit.selection().clone();
        Running::of(gateway.run(permit, plan).await, &selection)
    }

    /// How many replicas have no outcome yet.
    pub fn pending(&self) -> usize {
        self.run.pending().count()
    }
}

impl Running<RemoteRun> {
    /// Starts a plan through a gateway of a cluster.
    pub async fn begin_at(gateway: &Remote, selection: &Selection, plan: &Plan) -> Self {
        Running::try_begin_at(gateway, selection, plan).await.expect("a run")
    }

    /// The same with a gateway that may refuse, or go away.
    pub async fn try_begin_at(
        gateway: &Remote,
        selection: &Selection,
        plan: &Plan,
    ) -> Result<Self, RemoteFailed> {
        let run = in_time(gateway.run(selection, plan)).await?;
        Ok(Running::of(run, selection))
    }
}

impl<R: Reports> Running<R> {
    fn of(run: R, selection: &Selection) -> Running<R> {
        Running {
            run,
            gatherer: Gatherer::new(selection.len()),
            promises: Promises::default(),
            begun: BTreeSet::new(),
            asked: BTreeMap::new(),
            printed: BTreeSet::new(),
            ended: BTreeSet::new(),
        }
    }

    /// Waits until all of these places have begun to evaluate.
    pub async fn until_begun(&mut self, places: impl IntoIterator<Item = usize>) {
        let places: BTreeSet<usize> = places.into_iter().collect();
        while !self.begun.is_superset(&places) {
            assert!(self.step().await, "the run ended before that");
        }
    }

    /// Waits until all of these places have printed something.
    pub async fn until_printed(&mut self, places: impl IntoIterator<Item = usize>) {
        let places: BTreeSet<usize> = places.into_iter().collect();
        while !self.printed.is_superset(&places) {
            assert!(self.step().await, "the run ended before that");
        }
    }

    /// Waits until a place has printed so many pieces.
    pub async fn until_outputs(&mut self, place: usize, pieces: usize) {
        while self.gatherer.answers()[place].output.len() < pieces {
            assert!(self.step().await, "the run ended before that");
        }
    }

    /// Waits until a place has asked for input so many times.
    pub async fn until_asked(&mut self, place: usize, times: usize) {
        while self.asked.get(&place).copied().unwrap_or_default() < times {
            assert!(self.step().await, "the run ended before that");
        }
    }

    /// Gives input to the run; `end` says that nothing follows.
    pub async fn input(&self, text: &str, end: bool) -> Result<(), NotGiven> {
        in_time(self.run.input(text.to_owned().into(), end)).await
    }

    /// Waits until all of these places have their outcome.
    pub async fn until_ended(&mut self, places: impl IntoIterator<Item = usize>) {
        let places: BTreeSet<usize> = places.into_iter().collect();
        while !self.ended.is_superset(&places) {
            assert!(self.step().await, "the run ended before that");
        }
    }

    /// Ends the run early.
    pub fn interrupt(&self) {
        self.run.interrupt();
    }

    /// Follows the run to its end.
    pub async fn finish(mut self) -> Asked {
        while self.step().await {}
        let replicas = self.gatherer.answers().len();
        let summary = self.gatherer.summary().cloned().expect("every run ends with its summary");
        assert_eq!(summary.counts.total() as usize, replicas, "outcomes add up to the selection");
        Asked { answers: self.gatherer.answers().to_vec(), summary }
    }

    async fn step(&mut self) -> bool {
        let Some(report) = in_time(self.run.next()).await else { return false };
        self.promises.check(&report);
        match &report {
            Report::Replica { replica, event: Event::Started, .. } => {
                self.begun.insert(replica.get());
            }
            Report::Replica { replica, event: Event::NeedInput, .. } => {
                *self.asked.entry(replica.get()).or_default() += 1;
            }
            Report::Replica { replica, event: Event::Output { .. }, .. } => {
                self.printed.insert(replica.get());
            }
            Report::Replica { replica, event: Event::Done(_), .. } => {
                self.ended.insert(replica.get());
            }
            _ => {}
        }
        self.gatherer.take(report);
        true
    }
}

impl Asked {
    /// Runs a plan to its end.
    pub async fn ask<C: Connect>(
        gateway: &Recording<C>,
        selection: &Selection,
        plan: Plan,
    ) -> Asked {
        Running::begin(gateway, selection, plan).await.finish().await
    }

    /// The same through a gateway of a cluster.
    pub async fn ask_at(gateway: &Remote, selection: &Selection, plan: &Plan) -> Asked {
        Running::begin_at(gateway, selection, plan).await.finish().await
    }

    /// The classes in the order of the selection.
    pub fn classes(&self) -> Vec<Class> {
        self.answers.iter().map(Answer::class).collect()
    }

    /// The texts of a replica's values.
    pub fn values(&self, place: usize) -> Vec<&str> {
        self.answers[place].values.iter().map(|value| value.text.as_ref()).collect()
    }

    /// What a replica printed.
    pub fn printed(&self, place: usize) -> String {
        let parts = self.answers[place].output.iter().map(|(_, bytes)| &bytes[..]);
        String::from_utf8_lossy(&parts.collect::<Vec<_>>().concat()).into_owned()
    }

    /// Why a replica has no answer; empty when it has one.
    pub fn reason(&self, place: usize) -> &str {
        self.answers[place].done.outcome.reason().map(|reason| reason.as_str()).unwrap_or_default()
    }

    /// The exit code of the command line.
    pub fn exit(&self) -> u8 {
        let refused = |wanted: fn(&Refusal) -> bool| {
            let count = self.answers.iter().filter(|answer| {
                matches!(&answer.done.outcome, Outcome::Refused(refusal) if wanted(refusal))
            });
            u32::try_from(count.count()).expect("a small fleet")
        };
        let findings = Findings {
            denied: refused(|refusal| matches!(refusal, Refusal::Denied(_))),
            unreadable: refused(|refusal| matches!(refusal, Refusal::Unreadable(_))),
            expectation_failed: false,
        };
        ExitCode::of(&self.summary, findings).number()
    }
}
