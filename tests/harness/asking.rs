//! Runs over a world.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prepl_core::ports::Connect;
use prepl_core::{
    Answer, Class, Expression, Limits, Patience, RequestId, RunId, Selection, Summary,
};
use prepl_gateway::gather::Gatherer;
use prepl_gateway::{DEFAULT_WIDTH, Gateway, Plan, Run};

/// What a run gave.
#[derive(Debug)]
pub struct Asked {
    /// One answer for each replica, in the order of the selection.
    pub answers: Vec<Answer>,
    /// The run as a whole.
    pub summary: Summary,
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
        expression: Expression::new(expression).expect("an expression"),
        session: None,
        namespace: None,
        limits: Limits::new(Duration::from_secs(10), 1 << 20, 1 << 20).expect("good limits"),
        patience: Patience::default(),
        width: DEFAULT_WIDTH,
        barrier: false,
    }
}

impl Asked {
    /// Runs a plan to its end.
    pub async fn ask<C: Connect>(gateway: &Gateway<C>, selection: &Selection, plan: Plan) -> Asked {
        Asked::finish(gateway.run(selection, plan), selection.len()).await
    }

    /// Follows a run to its end.
    pub async fn finish(mut run: Run, replicas: usize) -> Asked {
        let mut gatherer = Gatherer::new(replicas);
        while let Some(report) = run.next().await {
            gatherer.take(report);
        }
        let summary = gatherer.summary().cloned().expect("every run ends with its summary");
        assert_eq!(summary.counts.total() as usize, replicas, "outcomes add up to the selection");
        Asked { answers: gatherer.answers().to_vec(), summary }
    }

    /// The classes in the order of the selection.
    pub fn classes(&self) -> Vec<Class> {
        self.answers.iter().map(Answer::class).collect()
    }

    /// The texts of a replica's values.
    pub fn values(&self, place: usize) -> Vec<&str> {
        self.answers[place].values.iter().map(|value| value.text.as_ref()).collect()
    }

    /// Why a replica has no answer; empty when it has one.
    pub fn reason(&self, place: usize) -> &str {
        self.answers[place].done.outcome.reason().map(|reason| reason.as_str()).unwrap_or_default()
    }
}
