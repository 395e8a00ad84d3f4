//! Every selected replica gets exactly one outcome (P4), whatever the others do (P10).

#![expect(clippy::unwrap_used, reason = "a run that cannot be made is a failed test")]

mod input;
mod support;

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prepl_core::report::Stopped;
use prepl_core::{Class, Event, Outcome, Report, Summary};
use prepl_fanout::{Plan, Run, start};
use proptest::prelude::*;
use support::{Connector, Fleet, Script, plan, selection};

fn run(scripts: &[Script], plan: Plan) -> (Run, Arc<Fleet>) {
    let fleet = Arc::new(Fleet { scripts: scripts.to_vec(), ..Fleet::default() });
    let connect = Arc::new(Connector(Arc::clone(&fleet)));
    (start(connect, &selection(scripts.len()), plan), fleet)
}

async fn all(mut run: Run) -> (Vec<Report>, Summary) {
    let mut reports = Vec::new();
    while let Some(report) = run.next().await {
        if let Report::Finished(summary) = report {
            assert_eq!(run.next().await, None, "nothing follows the end");
            return (reports, summary);
        }
        reports.push(report);
    }
    panic!("the run ended without its summary");
}

fn outcomes(reports: &[Report]) -> Vec<(u32, Outcome)> {
    let done = |report: &Report| match report {
        Report::Replica { replica, event: Event::Done(done), .. } => {
            Some((replica.0, done.outcome.clone()))
        }
        _ => None,
    };
    let mut outcomes: Vec<_> = reports.iter().filter_map(done).collect();
    outcomes.sort_by_key(|(replica, _)| *replica);
    outcomes
}

fn expected(script: &Script) -> Class {
    match script {
        Script::Answers(..) | Script::Floods(0..=1024) => Class::Ok,
        Script::Raises => Class::Raised,
        Script::Unreachable | Script::ConnectsNever => Class::Unreachable,
        _ => Class::Unknown,
    }
}

fn script() -> impl Strategy<Value = Script> {
    prop_oneof![
        (0_u64..50).prop_map(|after| Script::Answers("344", after)),
        (0_usize..2000).prop_map(Script::Floods),
        Just(Script::Raises),
        Just(Script::Unreachable),
        Just(Script::ConnectsNever),
        Just(Script::Silent),
        Just(Script::Interruptible),
        Just(Script::EndsEarly),
        Just(Script::Breaks),
        Just(Script::Panics),
    ]
}

fn paused<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_replica_gets_one_outcome_of_the_right_class(
        scripts in proptest::collection::vec(script(), 0..20),
        width in 1_usize..5,
        barrier: bool,
    ) {
        let width = NonZeroUsize::new(width).unwrap();
        let (reports, summary) = paused(async { all(run(&scripts, Plan { width, barrier, ..plan() }).0).await });
        let outcomes = outcomes(&reports);
        let replicas: Vec<u32> = outcomes.iter().map(|(replica, _)| *replica).collect();
        prop_assert_eq!(replicas, (0..scripts.len() as u32).collect::<Vec<_>>());
        prop_assert_eq!(summary.counts.total() as usize, scripts.len());
        if !scripts.iter().any(|script| matches!(script, Script::Panics)) {
            for ((_, outcome), script) in outcomes.iter().zip(&scripts) {
                prop_assert_eq!(outcome.class(), expected(script), "{:?}", script);
            }
        }
    }

    #[test]
    fn a_text_is_told_once_and_before_its_use(picks in proptest::collection::vec(0_usize..3, 1..40)) {
        let texts = ["1", "2", "3"];
        let scripts: Vec<_> = picks.iter().map(|pick| Script::Answers(texts[*pick], 0)).collect();
        let (reports, _) = paused(async { all(run(&scripts, plan()).0).await });
        let mut told = HashSet::new();
        for report in reports {
            match report {
                Report::Text(digest, _) => prop_assert!(told.insert(digest), "told twice"),
                Report::Replica { event: Event::Value(value), .. } => {
                    prop_assert!(told.contains(&value.text), "used before it was told");
                }
                _ => {}
            }
        }
        prop_assert_eq!(told.len(), picks.iter().collect::<HashSet<_>>().len());
    }
}

#[test]
fn a_slow_a_silent_and_a_huge_replica_do_not_hold_up_the_others() {
    let mut scripts = vec![Script::Answers("1", 5); 100];
    scripts[0] = Script::Silent;
    scripts[1] = Script::ConnectsNever;
    scripts[2] = Script::Floods(5000);
    paused(async move {
        let (mut run, _) = run(&scripts, plan());
        let begun = tokio::time::Instant::now();
        let mut ok = 0;
        while ok < 97 {
            if let Some(Report::Replica { event: Event::Done(done), .. }) = run.next().await {
                ok += usize::from(done.outcome == Outcome::Ok);
            }
        }
        assert!(begun.elapsed() < Duration::from_millis(50), "{:?}", begun.elapsed());
    });
}

#[test]
fn no_more_than_the_width_are_at_work() {
    let width = NonZeroUsize::new(3).unwrap();
    let fleet = paused(async {
        let (run, fleet) = run(&vec![Script::Answers("1", 10); 20], Plan { width, ..plan() });
        all(run).await;
        fleet
    });
    assert_eq!(fleet.most_at_work.load(Ordering::SeqCst), 3);
}

#[test]
fn a_barrier_starts_all_together_however_narrow_the_connecting() {
    let width = NonZeroUsize::new(2).unwrap();
    let scripts = vec![Script::Answers("1", 10); 20];
    let (fleet, summary) = paused(async {
        let (run, fleet) = run(&scripts, Plan { width, barrier: true, ..plan() });
        (fleet, all(run).await.1)
    });
    assert_eq!(fleet.most_at_work.load(Ordering::SeqCst), 20);
    assert_eq!(summary.skew, Some(Duration::ZERO));
}

#[test]
fn an_interrupt_reaches_the_running_and_starts_no_others() {
    let width = NonZeroUsize::new(2).unwrap();
    let scripts = [Script::Interruptible, Script::Silent, Script::Raises, Script::Raises];
    let (reports, summary) = paused(async move {
        let (mut run, _) = run(&scripts, Plan { width, ..plan() });
        let mut started = 0;
        while started < 2 {
            if let Some(Report::Replica { event: Event::Started, .. }) = run.next().await {
                started += 1;
            }
        }
        run.stopper().interrupt();
        all(run).await
    });
    let classes: Vec<_> = outcomes(&reports).iter().map(|(_, o)| o.class()).collect();
    assert_eq!(classes, [Class::Raised, Class::Unknown, Class::NotStarted, Class::NotStarted]);
    assert_eq!(summary.stopped, Some(Stopped::Interrupted));
}

#[test]
fn the_deadline_of_the_run_ends_it() {
    let mut deadline = plan();
    deadline.patience.deadline = Some(Duration::from_secs(1));
    let scripts = [Script::Answers("1", 5), Script::Silent];
    let (reports, summary) = paused(async { all(run(&scripts, deadline).0).await });
    let classes: Vec<_> = outcomes(&reports).iter().map(|(_, o)| o.class()).collect();
    assert_eq!(classes, [Class::Ok, Class::Unknown]);
    assert_eq!(summary.stopped, Some(Stopped::Deadline));
}

#[test]
fn sequence_numbers_of_a_replica_have_no_gap() {
    let (reports, _) = paused(async { all(run(&[Script::Floods(3)], plan()).0).await });
    let sequences: Vec<u64> = reports
        .iter()
        .filter_map(|report| match report {
            Report::Replica { sequence, .. } => Some(*sequence),
            _ => None,
        })
        .collect();
    assert_eq!(sequences, [0, 1, 2, 3, 4, 5]);
}
