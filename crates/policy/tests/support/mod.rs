//! Requests and policies for the tests.

#![allow(dead_code, reason = "each test file uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::time::Duration;

use prepl_core::{Expression, Labels, Limits, Reason, Replica, ReplicaId, Selection, Workload};
use prepl_policy::approval::{Approval, Decision, Person, Subject, count};
use prepl_policy::draft::{Approvals, BreakGlass, Ceilings, Demand, Deny};
use prepl_policy::{
    Draft, Expressions, Grounds, Known, Mode, Policy, Request, Ruling, Scope, Seen, Verdict,
    Verdicts, decide, judge,
};

pub fn replica(namespace: &str, number: usize, labels: &[(&str, &str)]) -> Replica {
    Replica {
        id: ReplicaId {
            namespace: namespace.into(),
            name: format!("api-{number}").into(),
            uid: format!("{namespace}-{number}").into(),
        },
        workload: Workload { kind: "deployment".into(), name: "api".into() },
        labels: labels.iter().copied().collect::<Labels>(),
        node: "".into(),
        zone: "".into(),
        version: "".into(),
        container: "".into(),
        address: "127.0.0.1:1".into(),
    }
}

/// Three of shop/api, and one of bank with the label tier=db.
pub fn selection() -> Selection {
    let shop = (0..3).map(|number| replica("shop", number, &[("app", "api")]));
    Selection::of(shop.chain([replica("bank", 9, &[("app", "ledger"), ("tier", "db")])]).collect())
}

pub fn request(expression: &str) -> Request {
    Request {
        mode: Mode::Eval,
        limits: Limits::new(Duration::from_secs(30), 1000, 2000).unwrap(),
        expression: Some(Expression::new(expression).unwrap()),
        read_only: false,
        grounds: Grounds::default(),
    }
}

pub fn policy(draft: Draft) -> Policy {
    Policy::checked("p", Scope::Everywhere, draft).unwrap()
}

pub fn ceilings(ceilings: Ceilings) -> Draft {
    Draft { ceilings, ..Draft::default() }
}

pub fn required(pattern: Option<&str>) -> Demand {
    Demand { required: true, pattern: pattern.map(str::to_owned) }
}

pub fn regex(pattern: &str, message: &str) -> Deny {
    let message = (!message.is_empty()).then(|| message.to_owned());
    Deny { regex: Some(pattern.to_owned()), rhai: None, message }
}

pub fn script(text: &str) -> Deny {
    Deny { regex: None, rhai: Some(text.to_owned()), message: None }
}

pub fn deny(rules: Vec<Deny>) -> Draft {
    Draft { expressions: prepl_policy::draft::Expressions { deny: rules }, ..Draft::default() }
}

pub fn people(count: u32, modes: Vec<Mode>) -> Approvals {
    Approvals { count, modes, ..Approvals::default() }
}

pub fn person(name: &str, uid: &str) -> Person {
    Person { name: name.into(), uid: uid.into() }
}

/// The run that mira asks for.
pub fn subject() -> Subject {
    Subject {
        request: "r1".into(),
        expression: "e1".into(),
        replicas: "s1".into(),
        mode: Mode::Eval,
    }
}

pub fn approval(by: Person, seconds: u64) -> Approval {
    let age = Duration::from_secs(seconds);
    Approval { subject: subject(), by, decision: Decision::Approve, age }
}

/// So many approvals of mira's run that count.
pub fn counted(number: u32) -> prepl_policy::Approvals {
    let by = |number| approval(person(&format!("p{number}"), &format!("u{number}")), 0);
    count(&person("mira", "u-mira"), &subject(), &(0..number).map(by).collect::<Vec<_>>())
}

pub fn glass(allowed: bool) -> BreakGlass {
    BreakGlass { allowed, max_seconds: Some(600), max_unreviewed: Some(2) }
}

/// Scripts that are one word of what they see, or `fail`.
pub struct Words;

impl Expressions for Words {
    fn denies(&self, script: &str, seen: &Seen<'_>) -> Result<bool, Reason> {
        match script {
            "fail" => Err(Reason::new("its script took too long")),
            "db" => Ok(seen.labels.get("tier").is_some_and(|values| values.contains("db"))),
            user => Ok(seen.user == user),
        }
    }
}

pub fn judged(policies: &[Policy], request: &Request, known: &Known) -> Verdicts {
    judged_on(&selection(), policies, request, known)
}

pub fn judged_on(
    selection: &Selection,
    policies: &[Policy],
    request: &Request,
    known: &Known,
) -> Verdicts {
    let permit = decide(selection, |_| Verdict::Allowed).unwrap();
    judge(permit, request, known, policies, &Words)
}

/// What the rule of that name says, if there is one.
pub fn ruling(draft: Draft, request: &Request, known: &Known, rule: &str) -> Option<Ruling> {
    let verdicts = judged(&[policy(draft)], request, known);
    verdicts.judged().rules.iter().find(|one| &*one.rule == rule).map(|one| one.ruling.clone())
}
