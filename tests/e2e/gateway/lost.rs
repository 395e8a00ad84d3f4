//! A gateway that is lost in the middle of a run (P3, P4).

use std::num::NonZeroUsize;

use prepl_core::report::Stopped;
use prepl_core::{Class, Event, Limits};
use prepl_gateway::Plan;
use prepl_gateway::remote::run::RESUME_PATIENCE;
use prepl_tests::rogue::{Conduct, Then};
use prepl_tests::{App, Asked, Cluster, Running, World, fickle, in_time};
use tokio::time::{Duration, Instant};

use super::{apps, evaluations, lasting};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_at_another_gateway_and_nothing_runs_twice() {
    let apps = apps(4).await;
    let mut cluster = Cluster::of_apps(&apps, 2).await;
    let mira = cluster.user("mira").await;
    let selection = cluster.world.selection();
    let mut run = Running::begin_at(&mira, &selection, &lasting("(book!)")).await;
    run.until_printed(0..4).await;
    cluster.kill(0).await;
    apps.iter().for_each(App::release);
    let asked = run.finish().await;
    assert_eq!(asked.classes(), [Class::Ok; 4], "{}", asked.reason(0));
    assert_eq!((evaluations(&apps), cluster.runs(1)), (vec![1; 4], 1));
    for place in 0..4 {
        assert_eq!((asked.values(place), &*asked.printed(place)), (vec!["1"], "begun\nended\n"));
    }
    assert_eq!((asked.exit(), asked.summary.stopped), (0, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_had_ended_are_not_asked_again() {
    let apps = apps(2).await;
    let mut cluster = Cluster::of_apps(&apps, 2).await;
    let mira = cluster.user("mira").await;
    let selection = cluster.world.selection();
    let mut run = Running::begin_at(&mira, &selection, &lasting("(book!)")).await;
    run.until_printed(0..2).await;
    apps[0].release();
    run.until_ended([0]).await;
    cluster.kill(0).await;
    cluster.until_run(1).await;
    apps[1].release();
    let asked = run.finish().await;
    assert_eq!((asked.values(0), asked.values(1)), (vec!["1"], vec!["1"]));
    assert_eq!((asked.classes(), evaluations(&apps)), (vec![Class::Ok; 2], vec![1; 2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_were_not_asked_yet_are_unknown_and_never_run() {
    let apps = apps(3).await;
    let mut cluster = Cluster::of_apps(&apps, 2).await;
    let mira = cluster.user("mira").await;
    let one_by_one = Plan { width: NonZeroUsize::MIN, ..lasting("(book!)") };
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &one_by_one).await;
    run.until_printed([0]).await;
    cluster.kill(0).await;
    apps.iter().for_each(App::release);
    let asked = run.finish().await;
    assert_eq!(asked.classes(), [Class::Ok, Class::Unknown, Class::Unknown]);
    assert_eq!((evaluations(&apps), asked.exit()), (vec![1, 0, 0], 8));
    assert!(asked.reason(1).contains("does not know this request"), "{}", asked.reason(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_answer_too_large_to_be_kept_the_value_and_the_loss_are_told() {
    const LARGE: usize = 8;
    let apps = [App::printing(LARGE).await];
    let mut cluster = Cluster::of_apps(&apps, 2).await;
    let mira = cluster.user("mira").await;
    let selection = cluster.world.selection();
    let mut run = Running::begin_at(&mira, &selection, &lasting("(book!)")).await;
    run.until_outputs(0, 1 + LARGE).await;
    cluster.kill(0).await;
    apps[0].release();
    let asked = run.finish().await;
    assert_eq!((asked.classes(), asked.values(0)), (vec![Class::Ok], vec!["1"]));
    let notices = &asked.answers[0].notices;
    assert!(notices.iter().any(|notice| notice.contains("are not kept")), "{notices:?}");
    assert_eq!(asked.printed(0).matches("begun").count(), 1);
    assert_eq!(asked.printed(0).matches('x').count(), LARGE * (60 << 10));
}

/// The time is the test's own: nothing here waits for a real clock.
#[tokio::test]
async fn without_any_gateway_the_rest_is_unknown_when_the_patience_is_over() {
    let mut world = World::new();
    let mut rogues = Vec::new();
    for _ in 0..3 {
        let begins = Conduct::new(vec![Event::Started], Then::Hangs);
        rogues.push(world.add_rogue(begins).await);
    }
    let mut cluster = Cluster::of(world, 2);
    let mira = cluster.user("mira").await;
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &lasting("1")).await;
    run.until_begun(0..3).await;
    cluster.kill(1).await;
    cluster.kill(0).await;
    tokio::time::pause();
    let from = Instant::now();
    let asked = run.finish().await;
    let waited = from.elapsed();
    assert_eq!((asked.classes(), asked.exit()), (vec![Class::Unknown; 3], 8));
    assert!(asked.reason(0).contains("the gateway went away"), "{}", asked.reason(0));
    let longest = RESUME_PATIENCE + Duration::from_secs(2);
    assert!((RESUME_PATIENCE..longest).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn a_gateway_that_takes_the_connection_and_says_nothing_does_not_outlast_the_patience() {
    let mut world = World::new();
    let _rogue = world.add_rogue(Conduct::new(vec![Event::Started], Then::Hangs)).await;
    let mut cluster = Cluster::of(world, 1);
    let mira = cluster.user("mira").await;
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &lasting("1")).await;
    run.until_begun([0]).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    cluster.add_gateway_at(silent.local_addr().unwrap());
    cluster.kill(0).await;
    tokio::time::pause();
    let from = Instant::now();
    let asked = run.finish().await;
    assert_eq!(asked.classes(), [Class::Unknown]);
    assert!(from.elapsed() < RESUME_PATIENCE + Duration::from_secs(2), "{:?}", from.elapsed());
}

#[tokio::test(start_paused = true)]
async fn gateways_that_take_the_run_and_tell_nothing_do_not_outlast_the_patience() {
    let mut world = World::new();
    world.add_at(([127, 0, 0, 1], 1).into());
    let cluster = Cluster::of(world, 0);
    let (mira, runs) =
        fickle::connect(cluster.gateway_bundle("gateway-1"), cluster.access("mira")).await;
    let from = Instant::now();
    let asked = Asked::ask_at(&mira, &cluster.world.selection(), &lasting("1")).await;
    assert_eq!((asked.classes(), asked.exit()), (vec![Class::Unknown], 8));
    assert!(asked.reason(0).contains("it ended early"), "{}", asked.reason(0));
    let longest = RESUME_PATIENCE + Duration::from_secs(2);
    assert!((RESUME_PATIENCE..longest).contains(&from.elapsed()), "{:?}", from.elapsed());
    assert!((10..1000).contains(&*runs.borrow()), "it is asked again, with pauses");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_passes_though_nobody_reads() {
    let app = App::flooding(60 << 10).await;
    let cluster = Cluster::of_apps(std::slice::from_ref(&app), 1).await;
    let mira = cluster.user("mira").await;
    let mut large = lasting("1");
    large.limits = Limits::new(Duration::from_secs(3600), 1024, 16 << 20).unwrap();
    let run = Running::begin_at(&mira, &cluster.world.selection(), &large).await;
    // By then the ways up are full, and the sidecar throws the rest away.
    in_time(app.until_flooded(32 << 20)).await;
    run.interrupt();
    in_time(app.until_interrupted()).await;
    assert_eq!(run.finish().await.exit(), 130);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_passes_a_gateway() {
    let apps = apps(2).await;
    let cluster = Cluster::of_apps(&apps, 1).await;
    let mira = cluster.user("mira").await;
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &lasting("1")).await;
    run.until_printed(0..2).await;
    run.interrupt();
    is_interrupted(&run.finish().await, &apps);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_passes_the_second_gateway_too() {
    let apps = apps(2).await;
    let mut cluster = Cluster::of_apps(&apps, 2).await;
    let mira = cluster.user("mira").await;
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &lasting("1")).await;
    run.until_printed(0..2).await;
    cluster.kill(0).await;
    cluster.until_run(1).await;
    run.interrupt();
    is_interrupted(&run.finish().await, &apps);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_while_no_gateway_is_there_is_told_to_the_next_one() {
    let apps = apps(2).await;
    let mut cluster = Cluster::of_apps(&apps, 1).await;
    let mira = cluster.user("mira").await;
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &lasting("1")).await;
    run.until_printed(0..2).await;
    cluster.kill(0).await;
    run.interrupt();
    cluster.start_gateway();
    is_interrupted(&run.finish().await, &apps);
}

fn is_interrupted(asked: &Asked, apps: &[App]) {
    assert_eq!(asked.classes(), vec![Class::Unknown; apps.len()]);
    assert!(asked.reason(0).contains("interrupted; it had started"), "{}", asked.reason(0));
    assert_eq!((asked.summary.stopped, asked.exit()), (Some(Stopped::Interrupted), 130));
    assert!(apps.iter().all(|app| (app.evaluations(), app.interrupts()) == (1, 1)));
}
