//! Which approvals count, and why another does not.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::time::Duration;

use prepl_policy::approval::{Approval, Decision, Subject, count, reviewer};
use prepl_policy::{Approvals, Draft, Known, Mode, Person, Ruling};
use proptest::prelude::*;
use proptest::sample::select;
use support::*;

const HOUR: Duration = Duration::from_secs(3600);

fn mira() -> Person {
    person("mira", "u-mira")
}

fn otto() -> Person {
    person("otto", "u-otto")
}

fn given(approvals: &[Approval]) -> Approvals {
    count(&mira(), &subject(), approvals)
}

/// What keeps an approval from counting, told by a rule that wants one of them.
fn why_not(approval: Approval) -> String {
    let (number, reasons) = given(&[approval]).within(HOUR, false);
    assert_eq!(number, 0, "it counts");
    reasons[0].to_string()
}

fn of(change: impl FnOnce(&mut Subject)) -> Approval {
    let mut one = approval(otto(), 0);
    change(&mut one.subject);
    one
}

#[test]
fn another_persons_fresh_approval_of_the_very_run_counts() {
    assert_eq!(given(&[approval(otto(), 3599)]).within(HOUR, false), (1, vec![]));
    assert_eq!(given(&[approval(person("otto", ""), 0)]).within(HOUR, false), (1, vec![]));
}

#[test]
fn every_other_has_a_reason_of_its_own() {
    let robot = person("system:serviceaccount:ci:bot", "u-bot");
    let reasons = [
        why_not(approval(person("mira", "u-2"), 0)),
        why_not(approval(person("not-mira", "u-mira"), 0)),
        why_not(of(|one| one.request = "r0".into())),
        why_not(of(|one| one.expression = "e2".into())),
        why_not(of(|one| one.replicas = "s2".into())),
        why_not(of(|one| one.mode = Mode::Attach)),
        why_not(approval(otto(), 3605)),
        why_not(approval(robot, 0)),
    ];
    assert_eq!(
        reasons,
        [
            "mira asked for it, and nobody approves his own request",
            "not-mira has the UID of whoever asked, so he is no other person",
            "otto approved another request of that name",
            "otto approved another expression",
            "otto approved other replicas",
            "otto approved another mode",
            "the approval of otto was over 5s ago",
            "system:serviceaccount:ci:bot is a service account, and this policy counts people alone",
        ]
    );
}

#[test]
fn people_without_uids_are_told_apart_by_their_names() {
    let user = person("mira", "");
    let approvals = [approval(person("otto", ""), 0), approval(person("ada", ""), 0)];
    assert_eq!(count(&user, &subject(), &approvals).within(HOUR, false), (2, vec![]));
}

#[test]
fn what_looks_like_one_person_counts_once() {
    let twice = [approval(otto(), 0), approval(otto(), 60)];
    let (number, reasons) = given(&twice).within(HOUR, false);
    assert_eq!(number, 1);
    assert_eq!(reasons[0].as_str(), "the approvals of otto are of one person and count once");
    let linked = [
        approval(person("a", "u1"), 0),
        approval(person("b", "u2"), 0),
        approval(person("a", "u2"), 0),
    ];
    assert_eq!(given(&linked[..2]).within(HOUR, false).0, 2);
    let (number, reasons) = given(&linked).within(HOUR, false);
    assert_eq!(number, 1);
    assert_eq!(reasons[0].as_str(), "the approvals of a and b are of one person and count once");
}

#[test]
fn a_service_account_counts_where_the_policy_says_so() {
    let robot = given(&[approval(person("system:serviceaccount:ci:bot", "u-bot"), 0)]);
    assert_eq!(robot.within(HOUR, true), (1, vec![]));
}

#[test]
fn one_denial_is_enough_and_that_of_another_request_is_none() {
    let deny = |request: &str| {
        let mut deny = of(|one| one.request = request.into());
        deny.decision = Decision::Deny;
        deny
    };
    let yes = || approval(person("ada", "u-ada"), 0);
    assert_eq!(given(&[yes(), deny("r1")]).denied_by(), Some("otto"));
    assert_eq!(given(&[yes(), deny("r0")]).denied_by(), None);
    let known = Known { approvals: given(&[yes(), deny("r1")]), ..Known::default() };
    let draft = Draft { approvals: people(1, vec![]), ..Draft::default() };
    let Some(Ruling::Fail(why)) = ruling(draft, &request("1"), &known, "approvals") else {
        panic!("it is not denied")
    };
    assert_eq!(why.as_str(), "otto denied it; ask for another run");
}

#[test]
fn a_policy_tells_how_many_are_missing_and_why_others_do_not_count() {
    let draft = Draft { approvals: people(2, vec![]), ..Draft::default() };
    let said = [approval(otto(), 0), of(|one| one.expression = "e2".into())];
    let known = Known { approvals: given(&said), ..Known::default() };
    let ruling = ruling(draft, &request("1"), &known, "approvals").unwrap();
    assert_eq!(
        ruling.to_string(),
        "1 approval of another person is missing; otto approved another expression"
    );
}

#[test]
fn a_review_is_somebody_elses_and_no_programs() {
    let review = |by| Approval { decision: Decision::Review, ..approval(by, 0) };
    let by = |approval: Approval| reviewer(&mira(), "r1", [approval].iter()).cloned();
    assert_eq!(by(review(otto())), Some(otto()));
    assert_eq!(by(review(mira())), None);
    assert_eq!(by(review(person("not-mira", "u-mira"))), None);
    assert_eq!(by(review(person("system:serviceaccount:ci:bot", ""))), None);
    assert_eq!(by(approval(otto(), 0)), None);
    assert_eq!(reviewer(&mira(), "r2", [review(otto())].iter()), None);
    assert_eq!(given(&[review(otto())]).within(HOUR, true).0, 0);
}

fn anybody() -> impl Strategy<Value = Person> {
    let names = select(vec!["mira", "otto", "ada", "bo", "system:serviceaccount:ci:bot"]);
    let uids = select(vec!["", "u-mira", "u1", "u2", "u3"]);
    (names, uids).prop_map(|(name, uid)| person(name, uid))
}

fn any_subject() -> impl Strategy<Value = Subject> {
    let mostly = |good: &'static str, bad: &'static str| select(vec![good, good, good, bad]);
    (mostly("r1", "r0"), mostly("e1", "e2"), mostly("s1", "s2")).prop_map(
        |(request, expression, replicas)| Subject {
            request: request.into(),
            expression: expression.into(),
            replicas: replicas.into(),
            mode: Mode::Eval,
        },
    )
}

fn any_approval() -> impl Strategy<Value = Approval> {
    let decisions = vec![Decision::Approve, Decision::Approve, Decision::Approve, Decision::Deny];
    let decisions = [decisions, vec![Decision::Review]].concat();
    (anybody(), any_subject(), select(decisions), 0u64..7200).prop_map(
        |(by, subject, decision, seconds)| Approval {
            subject,
            by,
            decision,
            age: Duration::from_secs(seconds),
        },
    )
}

fn some() -> impl Strategy<Value = Vec<Approval>> {
    prop::collection::vec(any_approval(), 0..8)
}

fn is_bad(one: &Approval) -> bool {
    one.decision == Decision::Review
        || one.subject != subject()
        || one.by.is(&mira())
        || one.by.is_service_account()
        || one.age >= HOUR
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn one_more_bad_approval_never_allows_more(mut all in some(), one in any_approval()) {
        prop_assume!(is_bad(&one));
        let (before, denied) = (given(&all).within(HOUR, false).0, given(&all).denied_by().is_some());
        all.push(one);
        prop_assert!(given(&all).within(HOUR, false).0 <= before);
        prop_assert!(given(&all).denied_by().is_some() || !denied);
    }

    #[test]
    fn never_more_than_there_are_names(all in some()) {
        let good: Vec<_> = all.iter()
            .filter(|one| one.decision == Decision::Approve && !is_bad(one)).collect();
        let names: std::collections::BTreeSet<_> = good.iter().map(|one| &one.by.name).collect();
        let number = given(&all).within(HOUR, false).0 as usize;
        prop_assert!(number <= names.len());
    }

    #[test]
    fn any_denial_denies(mut all in some(), place in 0usize..9, by in anybody()) {
        let denial = Approval { decision: Decision::Deny, ..approval(by, 9000) };
        all.insert(place.min(all.len()), denial);
        let known = Known { approvals: given(&all), ..Known::default() };
        let draft = Draft { approvals: people(1, vec![]), ..Draft::default() };
        let ruling = ruling(draft, &request("1"), &known, "approvals").unwrap();
        prop_assert!(matches!(ruling, Ruling::Fail(_)));
    }

    #[test]
    fn the_order_does_not_matter(
        (one, other) in some().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        prop_assert_eq!(given(&one), given(&other));
        for service_accounts in [false, true] {
            let within = |all: &[Approval]| given(all).within(HOUR, service_accounts);
            prop_assert_eq!(within(&one), within(&other));
        }
    }
}
