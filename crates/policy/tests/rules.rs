//! Each rule: what passes, what it lowers, and what it denies in which words.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::time::Duration;

use prepl_core::Limits;
use prepl_policy::draft::Ceilings;
use prepl_policy::{
    Amount, BreakGlass, Draft, Grounds, Known, Mode, Owed, Policy, Request, Ruling, Scope,
};
use support::*;

fn known() -> Known {
    Known { user: "mira".into(), ..Known::default() }
}

fn fails(ruling: Option<Ruling>, words: &str) {
    match ruling {
        Some(Ruling::Fail(sentence)) => assert!(sentence.as_str().contains(words), "{sentence}"),
        other => panic!("{other:?} in place of {words:?}"),
    }
}

fn passes(ruling: Option<Ruling>) {
    assert_eq!(ruling, Some(Ruling::Pass));
}

#[test]
fn modes_have_their_order() {
    for (most, asked, passed) in [
        (Mode::Inspect, Mode::Eval, false),
        (Mode::Eval, Mode::Eval, true),
        (Mode::Eval, Mode::Attach, false),
        (Mode::Attach, Mode::Attach, true),
    ] {
        let draft = ceilings(Ceilings { mode: Some(most), ..Ceilings::default() });
        let request = Request { mode: asked, ..request("1") };
        match (passed, ruling(draft, &request, &known(), "mode")) {
            (true, ruling) => passes(ruling),
            (false, ruling) => fails(ruling, &format!("at most {most} is allowed")),
        }
    }
}

#[test]
fn looking_is_nothing_that_a_policy_is_about() {
    let draft = Draft { reason: required(None), ..deny(vec![regex(".", "")]) };
    let request = Request { mode: Mode::Inspect, ..request("1") };
    let broken = Policy::unreadable("b", Scope::Everywhere, prepl_core::Reason::new("why"));
    let verdicts = judged(&[policy(draft), broken], &request, &known());
    assert!(verdicts.judged().rules.is_empty() && verdicts.permit().is_ok());
}

#[test]
fn a_tunnel_needs_a_policy_that_knows_it_where_limits_would_not_hold() {
    let tunnel = Request { mode: Mode::Attach, expression: None, ..request("1") };
    let knows = Ceilings { mode: Some(Mode::Attach), ..Ceilings::default() };
    let limits = Ceilings { eval_seconds: Some(5), ..Ceilings::default() };
    for draft in [
        ceilings(limits.clone()),
        ceilings(Ceilings { value_bytes: Some(5), ..Ceilings::default() }),
        ceilings(Ceilings { runs_per_minute: Some(5), ..Ceilings::default() }),
        deny(vec![regex("x", "")]),
    ] {
        fails(ruling(draft.clone(), &tunnel, &known(), "mode"), "do not hold in a tunnel");
        let draft = Draft { ceilings: knows.clone(), ..draft };
        passes(ruling(draft.clone(), &tunnel, &known(), "mode"));
        assert!(judged(&[policy(draft)], &tunnel, &known()).permit().is_ok());
    }
    let few = Ceilings { replicas: Some(9), ..Ceilings::default() };
    assert!(judged(&[policy(ceilings(few))], &tunnel, &known()).permit().is_ok());
}

#[test]
fn only_what_is_read_only_is_allowed_where_that_is_demanded() {
    let draft = || ceilings(Ceilings { read_only: true, ..Ceilings::default() });
    fails(ruling(draft(), &request("1"), &known(), "read-only"), "give --read-only");
    let read = Request { read_only: true, ..request("1") };
    passes(ruling(draft(), &read, &known(), "read-only"));
    let whether = Request { expression: None, ..request("1") };
    assert_eq!(ruling(draft(), &whether, &known(), "read-only"), Some(Ruling::Open));
    let attach = Ceilings { mode: Some(Mode::Attach), read_only: true, ..Ceilings::default() };
    let tunnel = Request { mode: Mode::Attach, expression: None, ..request("1") };
    fails(ruling(ceilings(attach), &tunnel, &known(), "read-only"), "a tunnel is none");
    // Of its own accord an evaluation may be read-only anywhere.
    assert!(judged(&[policy(Draft::default())], &read, &known()).permit().is_ok());
}

#[test]
fn replicas_are_those_that_the_policy_selects() {
    let of = |selector: &str, most| Draft {
        selector: selector.into(),
        ..ceilings(Ceilings { replicas: Some(most), ..Ceilings::default() })
    };
    passes(ruling(of("app=api", 3), &request("1"), &known(), "replicas"));
    fails(ruling(of("app=api", 2), &request("1"), &known(), "replicas"), "--pick 2");
    passes(ruling(of("tier=db", 1), &request("1"), &known(), "replicas"));
    assert_eq!(ruling(of("app=web", 1), &request("1"), &known(), "replicas"), None);
}

#[test]
fn time_and_bytes_are_lowered_and_never_raised() {
    let draft = ceilings(Ceilings {
        eval_seconds: Some(5),
        value_bytes: Some(10),
        output_bytes: Some(9000),
        ..Ceilings::default()
    });
    let verdicts = judged(&[policy(draft)], &request("1"), &known());
    let rulings: Vec<_> = verdicts.judged().rules.iter().map(|rule| rule.ruling.clone()).collect();
    let seconds = |seconds| Amount::Time(Duration::from_secs(seconds));
    assert_eq!(
        rulings,
        [
            Ruling::Lowered(seconds(30), seconds(5)),
            Ruling::Lowered(Amount::Bytes(1000), Amount::Bytes(10)),
            Ruling::Pass,
        ]
    );
    let lowered = Limits::new(Duration::from_secs(5), 10, 2000).unwrap();
    assert_eq!(verdicts.judged().limits, lowered);
    assert_eq!(verdicts.permit().unwrap().ceiling(), lowered);
}

#[test]
fn the_run_after_the_last_of_a_minute_is_denied() {
    let draft = || ceilings(Ceilings { runs_per_minute: Some(2), ..Ceilings::default() });
    let after = |earlier_runs| Known { earlier_runs, ..known() };
    passes(ruling(draft(), &request("1"), &after(1), "runs per minute"));
    fails(ruling(draft(), &request("1"), &after(2), "runs per minute"), "at most 2 runs");
}

#[test]
fn a_reason_and_a_ticket_are_demanded_and_matched() {
    let draft = || Draft {
        reason: required(None),
        ticket: required(Some("^(INC|CHG)-[0-9]+$")),
        ..Draft::default()
    };
    let with = |reason: &str, ticket: &str| Request {
        grounds: Grounds::new(reason, ticket).unwrap(),
        ..request("1")
    };
    fails(ruling(draft(), &with("", ""), &known(), "reason"), "give one with --reason TEXT");
    fails(ruling(draft(), &with("", ""), &known(), "ticket"), "give one with --ticket ID");
    passes(ruling(draft(), &with("why", ""), &known(), "reason"));
    fails(ruling(draft(), &with("why", "X-1"), &known(), "ticket"), "must match ^(INC|CHG)");
    passes(ruling(draft(), &with("why", "INC-7"), &known(), "ticket"));
}

#[test]
fn a_pattern_alone_judges_what_is_given() {
    let ticket = prepl_policy::draft::Demand { required: false, pattern: Some("^INC".into()) };
    let draft = || Draft { ticket: ticket.clone(), ..Draft::default() };
    passes(ruling(draft(), &request("1"), &known(), "ticket"));
    let wrong = Request { grounds: Grounds::new("", "CHG-1").unwrap(), ..request("1") };
    fails(ruling(draft(), &wrong, &known(), "ticket"), "must match");
}

#[test]
fn approvals_are_owed_for_their_modes() {
    let draft = |modes| Draft { approvals: people(2, modes), ..Draft::default() };
    let given = |count| Known { approvals: counted(count), ..known() };
    let owed =
        |modes, approvals| ruling(draft(modes), &request("1"), &given(approvals), "approvals");
    let missing = |missing| Some(Ruling::Owed(Owed { missing, uncounted: Vec::new() }));
    assert_eq!(owed(vec![], 0), missing(2));
    assert_eq!(owed(vec![Mode::Eval], 1), missing(1));
    passes(owed(vec![], 2));
    passes(owed(vec![], 3));
    assert_eq!(owed(vec![Mode::Attach], 0), None);
    let denied = judged(&[policy(draft(vec![]))], &request("1"), &given(1)).permit().unwrap_err();
    assert_eq!(
        denied.to_string(),
        "denied by p, approvals: 1 approval of another person is missing"
    );
}

#[test]
fn break_glass_skips_approvals_where_it_is_allowed_and_nothing_else() {
    let draft = |allowed| Draft {
        approvals: people(1, vec![]),
        break_glass: glass(allowed),
        ..Draft::default()
    };
    let broken = |seconds, unreviewed| Known {
        break_glass: Some(BreakGlass { lasting: Duration::from_secs(seconds), unreviewed }),
        ..known()
    };
    let grounds = |reason: &str, ticket: &str| Request {
        grounds: Grounds::new(reason, ticket).unwrap(),
        ..request("1")
    };
    let good = grounds("outage", "INC-1");
    let judged =
        |draft, request: &Request, known: &Known| ruling(draft, request, known, "break-glass");
    passes(judged(draft(true), &good, &broken(600, 1)));
    passes(ruling(draft(true), &good, &broken(600, 1), "approvals"));
    fails(judged(draft(false), &good, &broken(600, 0)), "has no break-glass");
    fails(judged(draft(true), &good, &broken(601, 0)), "600s at most");
    fails(judged(draft(true), &good, &broken(600, 2)), "wait for their review");
    fails(judged(draft(true), &grounds("outage", ""), &broken(600, 0)), "a reason and a ticket");
    assert_eq!(judged(draft(true), &good, &known()), None);
}

#[test]
fn expressions_are_denied_by_patterns_and_scripts() {
    let rules = || deny(vec![regex("System/exit", "use the restart command"), script("db")]);
    let on = |expression: &str, rule| ruling(rules(), &request(expression), &known(), rule);
    passes(on("(+ 1 2)", "expression 1"));
    fails(on("(System/exit 0)", "expression 1"), "use the restart command");
    fails(on("(+ 1 2)", "expression 2"), "is not allowed here");
    let failing = ruling(deny(vec![script("fail")]), &request("1"), &known(), "expression 1");
    fails(failing, "took too long");
    passes(ruling(deny(vec![script("otto")]), &request("1"), &known(), "expression 1"));
}

#[test]
fn an_expression_that_is_not_known_is_open_and_gives_no_permit() {
    let unknown = Request { expression: None, ..request("1") };
    let draft = || deny(vec![regex("x", "")]);
    assert_eq!(ruling(draft(), &unknown, &known(), "expression 1"), Some(Ruling::Open));
    assert!(judged(&[policy(draft())], &unknown, &known()).permit().is_err());
}

#[test]
fn a_policy_is_about_its_namespace_and_a_broken_one_denies_what_it_selects() {
    let draft = |selector: &str| Draft {
        selector: selector.into(),
        reason: prepl_policy::draft::Demand { required: false, pattern: Some("(".into()) },
        ..Draft::default()
    };
    let shop = || Scope::Namespace("shop".into());
    let denies = |policy: Policy| judged(&[policy], &request("1"), &known()).permit().is_err();
    assert!(denies(Policy::lenient("p", shop(), draft("app=api"))));
    assert!(!denies(Policy::lenient("p", shop(), draft("tier=db"))));
    assert!(denies(Policy::lenient("p", Scope::Everywhere, draft("tier=db"))));
    assert!(denies(Policy::lenient("p", shop(), draft("tier=db,("))));
    let words = judged(&[Policy::lenient("p", shop(), draft(""))], &request("1"), &known());
    let words = words.permit().unwrap_err().to_string();
    assert!(words.starts_with("denied by p, itself: it cannot be read"), "{words}");
    assert!(words.contains("reason.pattern: it is no regular expression"), "{words}");
}

#[test]
fn the_first_denial_is_told_and_the_others_are_counted() {
    let demanding = |name: &str| {
        let draft = Draft { reason: required(None), ticket: required(None), ..Draft::default() };
        Policy::checked(name, Scope::Everywhere, draft).unwrap()
    };
    let policies = [demanding("b"), demanding("a")];
    let denied = judged(&policies, &request("1"), &known()).permit().unwrap_err();
    assert_eq!(
        denied.to_string(),
        "denied by a, reason: it demands a reason; give one with --reason TEXT (and by 3 more rules)"
    );
}

#[test]
fn more_policies_than_can_be_judged_deny() {
    let many = |count: usize| -> Vec<Policy> {
        let named =
            |number| Policy::checked(format!("{number}"), Scope::Everywhere, Draft::default());
        (0..count).map(|number| named(number).unwrap()).collect()
    };
    assert!(judged(&many(64), &request("1"), &known()).permit().is_ok());
    let denied = judged(&many(65), &request("1"), &known()).permit().unwrap_err();
    assert!(denied.to_string().contains("at most 64"), "{denied}");
}

#[test]
fn redactions_come_with_the_permit() {
    let redaction =
        prepl_policy::draft::Redaction { pattern: "[0-9]{16}".into(), replace: "<card $0>".into() };
    let draft = Draft { redaction: vec![redaction], ..Draft::default() };
    let permit = judged(&[policy(draft)], &request("1"), &known()).permit().unwrap();
    let [redaction] = permit.redaction() else { panic!("{:?}", permit.redaction()) };
    assert_eq!((redaction.pattern(), redaction.replace()), ("[0-9]{16}", "<card $0>"));
}
