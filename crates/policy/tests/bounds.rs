//! Every number and length of a policy has its bounds, and each error names its field.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use prepl_policy::draft::{Approvals, BreakGlass, Ceilings, Demand, Deny, Redaction};
use prepl_policy::{BadGrounds, Draft, Grounds, Known, Mode, Policy, Scope};
use support::*;

fn refused(draft: Draft) -> (String, String) {
    let bad = Policy::checked("p", Scope::Everywhere, draft).unwrap_err();
    (bad.field, bad.problem)
}

fn pattern(text: &str) -> Draft {
    Draft { reason: Demand { required: false, pattern: Some(text.to_owned()) }, ..Draft::default() }
}

#[test]
fn what_is_out_of_bounds_is_refused_by_its_field() {
    let none = Ceilings::default;
    let both = Deny { regex: Some("x".into()), rhai: Some("x".into()), message: None };
    let message = Deny { message: Some("m".repeat(201)), ..regex("x", "") };
    let redact = |pattern: &str, replace: String| Draft {
        redaction: vec![Redaction { pattern: pattern.into(), replace }],
        ..Draft::default()
    };
    let glass = |glass| Draft { break_glass: glass, ..Draft::default() };
    let approvals = |count, modes| Draft { approvals: people(count, modes), ..<_>::default() };
    let lasting = |seconds| Approvals { expires_seconds: Some(seconds), ..<_>::default() };
    let bad: Vec<(&str, Draft)> = vec![
        ("selector", Draft { selector: "app=(".into(), ..Draft::default() }),
        ("selector", Draft { selector: "a,".repeat(3000), ..Draft::default() }),
        ("ceilings.replicas", ceilings(Ceilings { replicas: Some(0), ..none() })),
        ("ceilings.replicas", ceilings(Ceilings { replicas: Some(10_001), ..none() })),
        ("ceilings.eval_seconds", ceilings(Ceilings { eval_seconds: Some(3601), ..none() })),
        ("ceilings.value_bytes", ceilings(Ceilings { value_bytes: Some(0), ..none() })),
        (
            "ceilings.output_bytes",
            ceilings(Ceilings { output_bytes: Some((16 << 20) + 1), ..none() }),
        ),
        ("ceilings.runs_per_minute", ceilings(Ceilings { runs_per_minute: Some(601), ..none() })),
        ("reason.pattern", pattern("")),
        ("reason.pattern", pattern("(")),
        ("reason.pattern", pattern(&"a".repeat(513))),
        ("approvals.count", approvals(9, vec![])),
        ("approvals.modes", approvals(1, vec![Mode::Inspect])),
        ("approvals.expires_seconds", Draft { approvals: lasting(0), ..Draft::default() }),
        ("approvals.expires_seconds", Draft { approvals: lasting(86_401), ..Draft::default() }),
        ("expressions.deny", deny(vec![regex("x", ""); 17])),
        ("expressions.deny.0", deny(vec![both])),
        ("expressions.deny.1", deny(vec![regex("x", ""), Deny::default()])),
        ("expressions.deny.0.message", deny(vec![message])),
        ("expressions.deny.0.regex", deny(vec![regex("[", "")])),
        ("expressions.deny.0.rhai", deny(vec![script(" ")])),
        ("expressions.deny.0.rhai", deny(vec![script(&"x".repeat(4097))])),
        ("redaction.0.pattern", redact("(", String::new())),
        ("redaction.0.replace", redact("x", "y".repeat(65))),
        ("break_glass", glass(BreakGlass { allowed: true, ..<_>::default() })),
        ("break_glass.max_seconds", glass(BreakGlass { max_seconds: Some(0), ..<_>::default() })),
        (
            "break_glass.max_unreviewed",
            glass(BreakGlass { max_unreviewed: Some(0), ..<_>::default() }),
        ),
    ];
    for (field, draft) in bad {
        assert_eq!(refused(draft.clone()).0, field, "{draft:?}");
    }
}

#[test]
fn a_pattern_of_a_huge_program_is_refused_when_it_is_read() {
    for huge in
        ["(((a{1000}){1000}){1000})", "(x{1,999}){1,999}", r"\w{500}\w{500}", &"(".repeat(500)]
    {
        let (field, problem) = refused(pattern(huge));
        assert!(
            field == "reason.pattern" && problem.contains("no regular expression"),
            "{problem}"
        );
    }
}

/// A backtracking matcher would not live to see the end of it.
#[test]
fn a_pattern_that_makes_others_backtrack_is_judged_on_the_largest_text() {
    let text = "a".repeat(64 << 10);
    for hostile in ["(a+)+$b", "(a|a)*b", "(a*)*(a*)*(a*)*b", "(.*)(.*)(.*)(.*)[x]"] {
        let verdicts =
            judged(&[policy(deny(vec![regex(hostile, "")]))], &request(&text), &Known::default());
        assert!(verdicts.permit().is_ok(), "{hostile}");
    }
}

#[test]
fn an_expression_too_large_to_judge_is_denied_only_where_there_are_rules() {
    let large = request(&"a".repeat((64 << 10) + 1));
    let denied = judged(&[policy(deny(vec![regex("b", "")]))], &large, &Known::default());
    assert!(denied.permit().unwrap_err().to_string().contains("is not judged"));
    assert!(judged(&[policy(Draft::default())], &large, &Known::default()).permit().is_ok());
}

#[test]
fn replicas_with_too_many_labels_are_not_judged_by_scripts() {
    let labelled = |count| {
        let pod = |number| replica("shop", number, &[("pod", format!("p{number}").as_str())]);
        prepl_core::Selection::of((0..count).map(pod).collect())
    };
    let policies = [policy(deny(vec![script("db")]))];
    let judged = |count| judged_on(&labelled(count), &policies, &request("1"), &Known::default());
    assert!(judged(4000).permit().is_ok());
    assert!(judged(4001).permit().unwrap_err().to_string().contains("too many labels"));
}

#[test]
fn reasons_and_tickets_are_short_lines() {
    assert_eq!(Grounds::new("a\nb", ""), Err(BadGrounds::Reason));
    assert_eq!(Grounds::new(&"r".repeat(501), ""), Err(BadGrounds::Reason));
    assert_eq!(Grounds::new("", "a b"), Err(BadGrounds::Ticket));
    assert_eq!(Grounds::new("", &"t".repeat(65)), Err(BadGrounds::Ticket));
    let grounds = Grounds::new(" why ", "").unwrap();
    assert_eq!((grounds.reason(), grounds.ticket()), (Some("why"), None));
}
