//! A policy that was checked, or that cannot be read and denies what it selects.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use prepl_core::{LabelSelector, Limits, Reason, Replica};

use crate::draft::{BadPolicy, Draft};
use crate::mode::Mode;
use crate::pattern::Pattern;

/// Ceilings and demands for the replicas that it selects.
#[derive(Clone, Debug)]
pub struct Policy {
    name: Arc<str>,
    scope: Scope,
    selector: LabelSelector,
    spec: Result<Spec, Reason>,
}

/// Where a policy came from, and so how far it reaches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// It is about all namespaces.
    Everywhere,
    /// It is about one namespace.
    Namespace(Arc<str>),
}

/// What a policy demands.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub mode: Option<Mode>,
    pub replicas: Option<NonZeroU32>,
    pub time: Option<Duration>,
    pub value_bytes: Option<u32>,
    pub output_bytes: Option<u32>,
    /// The three of them, with the widest limits in place of those left out.
    pub ceiling: Limits,
    pub runs_per_minute: Option<NonZeroU32>,
    pub read_only: bool,
    pub reason: Demand,
    pub ticket: Demand,
    pub approvals: Option<Approvals>,
    pub redaction: Vec<Redaction>,
    pub deny: Vec<Deny>,
    pub break_glass: Option<MayBreak>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Demand {
    pub required: bool,
    pub pattern: Option<Pattern>,
}

#[derive(Clone, Debug)]
pub(crate) struct Approvals {
    pub count: NonZeroU32,
    pub modes: Vec<Mode>,
    /// How long one lasts.
    pub lasting: Duration,
    pub from_service_accounts: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Deny {
    pub by: By,
    pub message: Option<Reason>,
}

#[derive(Clone, Debug)]
pub(crate) enum By {
    Pattern(Pattern),
    Script(Arc<str>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct MayBreak {
    pub longest: Duration,
    pub max_unreviewed: u32,
}

/// What a record of a run shows in place of what a pattern matches.
///
/// It is for records alone: the user who asks sees the answers as they are.
#[derive(Clone, Debug)]
pub struct Redaction {
    pub(crate) pattern: Pattern,
    pub(crate) replace: Arc<str>,
}

impl Redaction {
    /// The regular expression.
    #[must_use]
    pub fn pattern(&self) -> &str {
        self.pattern.as_str()
    }

    /// What stands in the place of each match, as it is written.
    #[must_use]
    pub fn replace(&self) -> &str {
        &self.replace
    }
}

impl Policy {
    /// Checks a policy; `name` is what people are told when it denies.
    pub fn checked(
        name: impl Into<Arc<str>>,
        scope: Scope,
        draft: Draft,
    ) -> Result<Policy, BadPolicy> {
        let (selector, spec) = crate::check::checked(draft)?;
        Ok(Policy { name: name.into(), scope, selector, spec: Ok(spec) })
    }

    /// The same, and one that cannot be used denies what it selects; without a selector that can
    /// be read, all of its scope.
    pub fn lenient(name: impl Into<Arc<str>>, scope: Scope, draft: Draft) -> Policy {
        let selector = crate::check::selector(&draft).unwrap_or_default();
        match crate::check::checked(draft) {
            Ok((selector, spec)) => Policy { name: name.into(), scope, selector, spec: Ok(spec) },
            Err(bad) => {
                let spec = Err(Reason::new(bad.to_string()));
                Policy { name: name.into(), scope, selector, spec }
            }
        }
    }

    /// A policy of which nothing can be read: it denies everything in its scope.
    pub fn unreadable(name: impl Into<Arc<str>>, scope: Scope, why: Reason) -> Policy {
        let selector = LabelSelector::default();
        Policy { name: name.into(), scope, selector, spec: Err(why) }
    }

    /// What people are told when it denies.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Where it came from.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Why it cannot be read, if so.
    #[must_use]
    pub fn problem(&self) -> Option<&Reason> {
        self.spec.as_ref().err()
    }

    /// Whether it is about a replica.
    #[must_use]
    pub fn selects(&self, replica: &Replica) -> bool {
        let reaches = match &self.scope {
            Scope::Everywhere => true,
            Scope::Namespace(own) => *own == replica.id.namespace,
        };
        reaches && self.selector.matches(&replica.labels)
    }

    pub(crate) fn spec(&self) -> &Result<Spec, Reason> {
        &self.spec
    }
}
