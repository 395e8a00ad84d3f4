//! Rights that are not there, or are taken away meanwhile (P1).

use std::time::SystemTime;

use prepl_core::report::Stopped;
use prepl_core::{Class, Event};
use prepl_gateway::RemoteFailed;
use prepl_gateway::claim::signed_run;
use prepl_gateway::remote::wire::start_run;
use prepl_proto::v1::run_command::Command;
use prepl_proto::v1::{RunCommand, StartRun};
use prepl_tests::rogue::{Conduct, Then};
use prepl_tests::{App, Cluster, Running, World, in_time};
use tokio_stream::StreamExt;

use super::{apps, evaluations, lasting};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denied_run_is_denied_before_anything_is_evaluated() {
    let apps = apps(2).await;
    let cluster = Cluster::of_apps(&apps, 1).await;
    let mira = cluster.user("mira").await;
    cluster.deny();
    let denied = mira.run(&cluster.world.selection(), &lasting("1")).await.unwrap_err();
    let RemoteFailed::Denied(words) = denied else { panic!("{denied}") };
    assert!(words.contains("denied on deployment/api in shop"), "{words}");
    assert_eq!((evaluations(&apps), cluster.runs(0)), (vec![0, 0], 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_right_is_taken_away_is_interrupted_and_says_so() {
    let apps = apps(2).await;
    let cluster = Cluster::of_apps(&apps, 1).await;
    let mira = cluster.user("mira").await;
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &lasting("1")).await;
    run.until_printed(0..2).await;
    cluster.deny();
    let asked = run.finish().await;
    assert_eq!(asked.classes(), [Class::Unknown; 2]);
    assert!(asked.reason(0).contains("interrupted"), "{}", asked.reason(0));
    assert_eq!((asked.summary.stopped, asked.exit()), (Some(Stopped::Revoked), 4));
    assert!(apps.iter().all(|app| app.interrupts() == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_cannot_be_interrupted_does_not_keep_a_revoked_run_alive() {
    let deaf = App::deaf().await;
    let cluster = Cluster::of_apps(std::slice::from_ref(&deaf), 1).await;
    let mira = cluster.user("mira").await;
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &lasting("1")).await;
    run.until_printed([0]).await;
    cluster.deny();
    let asked = run.finish().await;
    assert_eq!(asked.classes(), [Class::Unknown]);
    assert_eq!((asked.summary.stopped, asked.exit()), (Some(Stopped::Revoked), 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sidecar_that_says_nothing_does_not_keep_a_revoked_run_alive() {
    let mut world = World::new();
    let _rogue = world.add_rogue(Conduct::new(vec![Event::Started], Then::Hangs)).await;
    let cluster = Cluster::of(world, 2);
    let mira = cluster.user("mira").await;
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &lasting("1")).await;
    run.until_begun([0]).await;
    cluster.deny();
    let asked = run.finish().await;
    assert_eq!(asked.classes(), [Class::Unknown]);
    assert!(asked.reason(0).contains("the test denies it"), "{}", asked.reason(0));
    assert_eq!((asked.summary.stopped, asked.exit()), (Some(Stopped::Revoked), 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_gone_when_the_next_gateway_is_asked_is_told_as_such() {
    let apps = apps(1).await;
    let mut cluster = Cluster::of_apps(&apps, 1).await;
    let mira = cluster.user("mira").await;
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &lasting("1")).await;
    run.until_printed([0]).await;
    cluster.kill(0).await;
    cluster.deny();
    cluster.start_gateway();
    let asked = run.finish().await;
    assert_eq!((asked.classes(), evaluations(&apps)), (vec![Class::Unknown], vec![1]));
    assert_eq!((asked.summary.stopped, asked.exit()), (Some(Stopped::Revoked), 4));
    assert!(asked.reason(0).contains("the test denies it"), "{}", asked.reason(0));
}

/// Floods through a gateway to a reader that reads nothing, and takes his right away then.
async fn flood(app: App, bytes: usize) {
    let cluster = Cluster::of_apps(std::slice::from_ref(&app), 1).await;
    let start = start_run(&cluster.world.selection(), &lasting("1"));
    let signed = Some(signed_run(&cluster.access("mira"), &start, SystemTime::now()).unwrap());
    let start = StartRun { signed, ..start };
    let start = RunCommand { command: Some(Command::Start(start)) };
    let commands = tokio_stream::once(start).chain(tokio_stream::pending());
    let mut mira = cluster.raw("mira").await;
    let mut unread = in_time(mira.run(commands)).await.unwrap().into_inner();
    in_time(app.until_flooded(bytes)).await;
    cluster.deny();
    in_time(app.until_interrupted()).await;
    // The gateway has let go of him, even if he begins to read only now.
    in_time(async { while let Ok(Some(_)) = unread.message().await {} }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_does_not_keep_a_revoked_evaluation_alive() {
    // Small pieces stop the whole way down to the app; large ones are cut at the sidecar's limit.
    flood(App::flooding(6).await, 1 << 20).await;
    flood(App::flooding(60 << 10).await, 32 << 20).await;
}
