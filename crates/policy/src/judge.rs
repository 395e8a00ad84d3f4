//! All policies that are about a selection, rule by rule.
//!
//! Every rule of every policy has to pass, ceilings of time and bytes lower what is asked, and so
//! one policy more never allows more. The order in which policies come changes nothing.

use std::fmt;
use std::sync::Arc;

use prepl_core::{Limits, Reason, Replica, Selection};

use crate::expressions::Expressions;
use crate::mode::Mode;
use crate::permit::{Demands, Denial, Permit};
use crate::policy::{Policy, Redaction};
use crate::request::{Known, Request};
use crate::rules::{Case, Ruled};
use crate::ruling::{Rule, Ruling};

/// Most policies that may be about one selection: judging all of them has to end.
pub const MAX_POLICIES: usize = 64;

/// What all rules say, and the permit that waits for them.
#[derive(Debug)]
pub struct Verdicts {
    judged: Judged,
    redaction: Vec<Redaction>,
    asked: Vec<Arc<str>>,
    permit: Permit,
}

/// What all rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Each rule, by the names of the policies.
    pub rules: Vec<Rule>,
    /// What was asked for, lowered to what the ceilings leave.
    pub limits: Limits,
}

/// Why there is no permit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The caller has no right to it.
    #[error(transparent)]
    Right(#[from] Denial),
    /// A policy is against it.
    #[error(transparent)]
    Policy(#[from] Against),
}

/// The first rule that is against it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Against {
    /// The rule.
    pub rule: Rule,
    /// How many more are against it.
    pub others: usize,
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule { policy, rule, ruling } = &self.rule;
        write!(f, "denied by {policy}, {rule}: {ruling}")?;
        match self.others {
            0 => Ok(()),
            1 => f.write_str(" (and by one more rule)"),
            others => write!(f, " (and by {others} more rules)"),
        }
    }
}

/// Judges a request, which the caller has the right to make, by the policies about its replicas.
pub fn judge(
    permit: Permit,
    request: &Request,
    known: &Known,
    policies: &[Policy],
    expressions: &impl Expressions,
) -> Verdicts {
    let mut verdicts = Verdicts {
        judged: Judged { rules: Vec::new(), limits: request.limits },
        redaction: Vec::new(),
        asked: Vec::new(),
        permit,
    };
    // No policy is about looking.
    if request.mode == Mode::Inspect {
        return verdicts;
    }
    let selection = verdicts.permit.selection().clone();
    let applicable = applicable(policies, &selection);
    if applicable.len() > MAX_POLICIES {
        verdicts.judged.rules.push(too_many(applicable.len()));
        return verdicts;
    }
    for (policy, replicas) in applicable {
        let case = Case { request, known, replicas: &replicas, expressions };
        verdicts.add(policy, &case);
    }
    verdicts
}

/// What all of these policies leave out of records, whichever replicas they select; `None` when one of
/// them cannot be read.
///
/// It is for what is recorded without a permit: a replica that is gone cannot say whose it was.
#[must_use]
pub fn redaction(policies: &[Policy]) -> Option<Vec<Redaction>> {
    let rules = policies.iter().map(|policy| Some(policy.spec().as_ref().ok()?.redaction.clone()));
    rules.collect::<Option<Vec<_>>>().map(|all| all.concat())
}

/// The policies about a selection, by their names, each with the replicas that it is about.
fn applicable<'a>(
    policies: &'a [Policy],
    selection: &'a Selection,
) -> Vec<(&'a Policy, Vec<&'a Replica>)> {
    let about = |policy: &'a Policy| {
        let replicas = selection.replicas().iter().filter(|replica| policy.selects(replica));
        (policy, replicas.collect::<Vec<_>>())
    };
    let all = policies.iter().map(about);
    let mut some: Vec<_> = all.filter(|(_, replicas)| !replicas.is_empty()).collect();
    some.sort_by_key(|(policy, _)| (policy.scope(), policy.name()));
    some
}

fn too_many(count: usize) -> Rule {
    let words = format!(
        "{count} policies are about these replicas, and at most {MAX_POLICIES} are judged; choose \
         fewer replicas, or ask for policies that are joined"
    );
    Rule {
        policy: "all policies".into(),
        rule: "number".into(),
        ruling: Ruling::Fail(Reason::new(words)),
    }
}

impl Verdicts {
    /// What each rule says.
    #[must_use]
    pub fn judged(&self) -> &Judged {
        &self.judged
    }

    /// The permit with all ceilings, if every rule allows it.
    pub fn permit(self) -> Result<Permit, Denied> {
        let Verdicts { judged, redaction, asked: policies, permit } = self;
        match judged.against(|ruling| !ruling.allows()) {
            None => Ok(permit.lowered(Demands { ceiling: judged.limits, redaction, policies })),
            Some(against) => Err(against.into()),
        }
    }

    fn add<E: Expressions>(&mut self, policy: &Policy, case: &Case<'_, E>) {
        self.asked.push(policy.name().clone());
        let Judged { rules, limits } = &mut self.judged;
        let rulings = match policy.spec() {
            Ok(spec) => {
                *limits = limits.at_most(spec.ceiling);
                self.redaction.extend(spec.redaction.iter().cloned());
                case.rulings(spec)
            }
            Err(why) => vec![broken(why)],
        };
        rules.extend(rulings.into_iter().map(|(about, ruling)| {
            let policy = policy.name().clone();
            Rule { policy, rule: about.into(), ruling }
        }));
    }
}

impl Judged {
    /// What denies it, whatever the expression is.
    #[must_use]
    pub fn denied(&self) -> Option<Against> {
        self.against(Ruling::denies)
    }

    fn against(&self, is_against: impl Fn(&Ruling) -> bool) -> Option<Against> {
        let mut all = self.rules.iter().filter(|rule| is_against(&rule.ruling));
        let rule = all.next()?.clone();
        Some(Against { rule, others: all.count() })
    }
}

fn broken(why: &Reason) -> Ruled {
    let words = format!("it cannot be read, so it denies all it is about: {why}");
    ("itself".to_owned(), Ruling::Fail(Reason::new(words)))
}
