//! Whatever the policies: one more never allows more, and their order changes nothing.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::time::Duration;

use prepl_core::Limits;
use prepl_policy::draft::{BreakGlass, Ceilings, Demand};
use prepl_policy::{Draft, Grounds, Known, Mode, Policy, Request, Scope};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use support::*;

fn mode() -> impl Strategy<Value = Mode> {
    select(vec![Mode::Inspect, Mode::Eval, Mode::Attach])
}

fn ceilings_of() -> impl Strategy<Value = Ceilings> {
    let numbers = (of(1u32..6), of(1u32..60), of(1u32..3000), of(1u32..3000), of(1u32..4));
    let asked = (of(mode()), any::<bool>(), numbers);
    asked.prop_map(|(mode, read_only, (replicas, eval_seconds, value, output, runs))| Ceilings {
        mode,
        replicas,
        eval_seconds,
        value_bytes: value,
        output_bytes: output,
        runs_per_minute: runs,
        read_only,
    })
}

fn demand() -> impl Strategy<Value = Demand> {
    (any::<bool>(), of(select(vec!["^INC", "x", "("])))
        .prop_map(|(required, pattern)| Demand { required, pattern: pattern.map(str::to_owned) })
}

fn draft() -> impl Strategy<Value = Draft> {
    let rules = select(vec![
        vec![],
        vec![regex("exit", "")],
        vec![script("db")],
        vec![script("fail")],
        vec![script("mira"), regex("drop", "no")],
    ]);
    let approvals = (0u32..2, prop::collection::vec(select(vec![Mode::Eval, Mode::Attach]), 0..2));
    let selector = select(vec!["", "app=api", "tier=db", "app=web", "app=("]);
    let glass = (any::<bool>(), of(1u32..900));
    (selector, ceilings_of(), demand(), demand(), approvals, rules, glass).prop_map(
        |(selector, ceilings, reason, ticket, (count, modes), rules, (allowed, max_seconds))| {
            Draft {
                selector: selector.to_owned(),
                ceilings,
                reason,
                ticket,
                approvals: people(count, modes),
                break_glass: BreakGlass { allowed, max_seconds, max_unreviewed: None },
                ..deny(rules)
            }
        },
    )
}

/// Broken ones too: about one in five has a pattern or a selector that cannot be read.
fn policies() -> impl Strategy<Value = Vec<Policy>> {
    let scope = select(vec![Scope::Everywhere, Scope::Namespace("shop".into())]);
    prop::collection::vec((scope, draft()), 0..5).prop_map(|all| {
        let named = |(number, (scope, draft)): (usize, (Scope, Draft))| {
            Policy::lenient(format!("p{number}"), scope, draft)
        };
        all.into_iter().enumerate().map(named).collect()
    })
}

fn asked() -> impl Strategy<Value = (Request, Known)> {
    let expression = of(select(vec!["1", "(exit)", "drop"]));
    let grounds = (select(vec!["", "x"]), select(vec!["", "INC-1"]));
    let numbers = (0u32..3, 0u32..4, of(1u64..900), 1u64..60, 1u32..4000);
    ((mode(), any::<bool>()), expression, grounds, numbers).prop_map(
        |(
            (mode, read_only),
            expression,
            (reason, ticket),
            (approvals, earlier_runs, glass, seconds, bytes),
        )| {
            let limits = Limits::new(Duration::from_secs(seconds), bytes, bytes).unwrap();
            let grounds = Grounds::new(reason, ticket).unwrap();
            let expression = expression.and_then(|text| request(text).expression);
            let lasting = |seconds| prepl_policy::BreakGlass {
                lasting: Duration::from_secs(seconds),
                unreviewed: 0,
            };
            let break_glass = glass.map(lasting);
            let approvals = counted(approvals);
            let known = Known { user: "mira".into(), approvals, earlier_runs, break_glass };
            (Request { mode, limits, expression, read_only, grounds }, known)
        },
    )
}

/// What is allowed: nothing, or something within limits.
fn allowed(policies: &[Policy], request: &Request, known: &Known) -> Option<Limits> {
    judged(policies, request, known).permit().ok().map(|permit| permit.ceiling())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn one_policy_more_never_allows_more((request, known) in asked(), policies in policies()) {
        let mut before = Some(Limits::WIDEST);
        for count in 0..=policies.len() {
            let now = allowed(&policies[..count], &request, &known);
            match (before, now) {
                (_, None) => {}
                (None, Some(_)) => prop_assert!(false, "policy {count} allows what was denied"),
                (Some(before), Some(now)) => prop_assert_eq!(now.at_most(before), now),
            }
            before = now;
        }
    }

    #[test]
    fn nobody_gets_more_than_he_asked((request, known) in asked(), policies in policies()) {
        if let Some(allowed) = allowed(&policies, &request, &known) {
            prop_assert_eq!(allowed.at_most(request.limits), allowed);
        }
    }

    #[test]
    fn the_order_of_policies_does_not_matter(
        (request, known) in asked(),
        (policies, others) in policies().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let (one, other) = (judged(&policies, &request, &known), judged(&others, &request, &known));
        prop_assert_eq!(&one.judged().rules, &other.judged().rules);
        prop_assert_eq!(one.judged().limits, other.judged().limits);
        let (one, other) = (one.permit().map(drop), other.permit().map(drop));
        prop_assert_eq!(one, other);
    }
}
