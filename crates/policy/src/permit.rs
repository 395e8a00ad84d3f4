//! The decision that somebody may do what he asks with the replicas of one selection.

use std::collections::BTreeSet;
use std::sync::Arc;

use prepl_core::{Limits, Reason, Replica, Selection, Workload};

use crate::policy::Redaction;

/// What is known about a caller's right on one workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A rule allows it.
    Allowed,
    /// No rule allows it, or one denies it; a sentence that names the missing one.
    Denied(Reason),
}

/// The right to do once what was asked (to look, to evaluate, or to open a tunnel) with these
/// replicas, and no others, within these limits.
#[derive(Debug)]
pub struct Permit {
    selection: Selection,
    ceiling: Limits,
    redaction: Vec<Redaction>,
    policies: Vec<Arc<str>>,
}

impl Permit {
    /// The replicas it is for.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// The most that each of them may be given.
    #[must_use]
    pub fn ceiling(&self) -> Limits {
        self.ceiling
    }

    /// What a record of the run leaves out.
    #[must_use]
    pub fn redaction(&self) -> &[Redaction] {
        &self.redaction
    }

    /// The names of the policies that were asked and allow it.
    #[must_use]
    pub fn policies(&self) -> &[Arc<str>] {
        &self.policies
    }

    /// The same right, with more that a record of the run leaves out.
    #[must_use]
    pub fn leaving_out(self, more: Vec<Redaction>) -> Permit {
        Permit { redaction: self.redaction.into_iter().chain(more).collect(), ..self }
    }

    /// The same right to less, as these policies demand.
    pub(crate) fn lowered(self, demands: Demands) -> Permit {
        let Demands { ceiling, redaction, policies } = demands;
        let redaction = self.redaction.into_iter().chain(redaction).collect();
        let policies = self.policies.into_iter().chain(policies).collect();
        Permit { ceiling: self.ceiling.at_most(ceiling), redaction, policies, ..self }
    }
}

/// What policies take away from a right.
#[derive(Debug)]
pub(crate) struct Demands {
    pub ceiling: Limits,
    pub redaction: Vec<Redaction>,
    pub policies: Vec<Arc<str>>,
}

/// Why there is no permit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Denial {
    /// The first workload that is denied, with its namespace.
    pub workload: (Arc<str>, Workload),
    /// How many more are denied.
    pub others: usize,
    /// A sentence about the first.
    pub reason: Reason,
}

impl std::fmt::Display for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (namespace, workload) = &self.workload;
        write!(f, "denied on {workload} in {namespace}: {}", self.reason)?;
        match self.others {
            0 => Ok(()),
            1 => write!(f, " (and on one more workload)"),
            others => write!(f, " (and on {others} more workloads)"),
        }
    }
}

/// Asks for a verdict on each distinct workload of the selection; one denial denies them all.
pub fn decide(
    selection: &Selection,
    mut verdict: impl FnMut(&Replica) -> Verdict,
) -> Result<Permit, Denial> {
    let mut seen = BTreeSet::new();
    let distinct = selection
        .replicas()
        .iter()
        .filter(|replica| seen.insert((Arc::clone(&replica.id.namespace), &replica.workload)));
    let mut denied = distinct.filter_map(|replica| match verdict(replica) {
        Verdict::Allowed => None,
        Verdict::Denied(reason) => Some((replica, reason)),
    });
    match denied.next() {
        None => Ok(Permit {
            selection: selection.clone(),
            ceiling: Limits::WIDEST,
            redaction: Vec::new(),
            policies: Vec::new(),
        }),
        Some((replica, reason)) => Err(Denial {
            workload: (Arc::clone(&replica.id.namespace), replica.workload.clone()),
            others: denied.count(),
            reason,
        }),
    }
}
