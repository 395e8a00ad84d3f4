//! Sessions that are kept by name: who opened one is told, and who ends one.

use prepl_core::{Class, Selection, SessionName};
use prepl_gateway::{Plan, Remote};
use prepl_identity::Role;
use prepl_tests::{App, Asked, Cluster, Running, World, in_time, plan};

use crate::gateway::lasting;

fn name() -> SessionName {
    "fix".parse().unwrap()
}

fn kept(expression: &str) -> Plan {
    Plan { session: Some(name()), ..plan(expression) }
}

/// Whether the session began on each replica.
fn began(asked: &Asked) -> Vec<bool> {
    asked.answers.iter().map(|answer| answer.done.session_began).collect()
}

async fn ask(user: &Remote, replicas: &Selection, plan: &Plan) -> Asked {
    Asked::ask_at(user, replicas, plan).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_begins_is_told_and_only_then() {
    let mut world = World::of_rhai(2).await;
    let mira = world.gateway(Role::Evaluator);
    let ask = async |world: &World, plan| Asked::ask(&mira, &world.selection(), plan).await;
    assert_eq!(began(&ask(&world, plan("1")).await), [false; 2], "nothing is kept");
    assert_eq!(began(&ask(&world, kept("let x = 5;")).await), [true; 2]);
    assert_eq!(began(&ask(&world, kept("x")).await), [false; 2]);
    world.add(prepl_sidecar::endpoint::Endpoint::Rhai).await;
    let joined = ask(&world, kept("x")).await;
    assert_eq!(began(&joined), [false, false, true]);
    assert_eq!(joined.classes(), [Class::Ok, Class::Ok, Class::Raised]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_keeps_a_session_ends_it_and_nobody_else() {
    let world = World::of_rhai(2).await;
    let mira = world.gateway(Role::Evaluator);
    let otto = world.gateway_with(world.user(Role::Admin, "otto"));
    let all = world.selection();
    Asked::ask(&mira, &all, kept("let x = 5;")).await;
    assert_eq!(otto.end_session(&all, &name()).await, 0, "an admin's are his own too");
    assert_eq!(Asked::ask(&mira, &all, kept("x")).await.values(1), ["5"]);
    assert_eq!(mira.end_session(&all, &"other".parse().unwrap()).await, 0);
    assert_eq!(mira.end_session(&all, &name()).await, 2);
    let anew = Asked::ask(&mira, &all, kept("x")).await;
    assert_eq!((anew.classes(), began(&anew)), (vec![Class::Raised; 2], vec![true; 2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_ends_none_and_a_replica_that_is_away_holds_up_nobody() {
    let mut world = World::of_rhai(1).await;
    let all = world.selection();
    Asked::ask(&world.gateway(Role::Evaluator), &all, kept("1")).await;
    assert_eq!(world.gateway(Role::Viewer).end_session(&all, &name()).await, 0);
    // Its sidecar takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.add_at(silent.local_addr().unwrap());
    let mira = world.gateway(Role::Evaluator);
    assert_eq!(in_time(mira.end_session(&world.selection(), &name())).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_gateway_it_is_its_users_alone() {
    let mut cluster = Cluster::of(World::of_rhai(2).await, 2);
    let (mira, otto) = (cluster.user("mira").await, cluster.user("otto").await);
    let all = cluster.world.selection();
    assert_eq!(began(&ask(&mira, &all, &kept("let x = 5;")).await), [true; 2]);
    assert_eq!(in_time(otto.end_session(&all, &name())).await.unwrap(), 0);
    // Whichever gateway brings it.
    cluster.kill(0).await;
    let mira = cluster.user("mira").await;
    assert_eq!(ask(&mira, &all, &kept("x")).await.values(0), ["5"]);
    assert_eq!(in_time(mira.end_session(&all, &name())).await.unwrap(), 2);
    assert_eq!(began(&ask(&mira, &all, &kept("x")).await), [true; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_ends_none_of_a_user_who_asks_himself() {
    let cluster = Cluster::of(World::of_rhai(1).await, 1);
    let all = cluster.world.selection();
    let direct = cluster.world.gateway(Role::Evaluator);
    Asked::ask(&direct, &all, kept("let x = 5;")).await;
    let mira = cluster.user("mira").await;
    assert_eq!(in_time(mira.end_session(&all, &name())).await.unwrap(), 0);
    assert_eq!(Asked::ask(&direct, &all, kept("x")).await.values(0), ["5"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_in_use_ends_after_its_evaluation() {
    let app = App::start().await;
    let cluster = Cluster::of_apps(std::slice::from_ref(&app), 1).await;
    let mira = cluster.user("mira").await;
    let all = cluster.world.selection();
    let used = Plan { session: Some(name()), ..lasting("1") };
    let mut run = Running::begin_at(&mira, &all, &used).await;
    run.until_printed([0]).await;
    assert_eq!(in_time(mira.end_session(&all, &name())).await.unwrap(), 1);
    app.release();
    assert_eq!(run.finish().await.values(0), ["1"]);
    in_time(app.until_closed(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_revoked_leaves_no_session_behind() {
    let app = App::start().await;
    let cluster = Cluster::of_apps(std::slice::from_ref(&app), 1).await;
    let mira = cluster.user("mira").await;
    let used = Plan { session: Some(name()), ..lasting("1") };
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &used).await;
    run.until_printed([0]).await;
    cluster.deny();
    assert_eq!(run.finish().await.classes(), [Class::Unknown]);
    in_time(app.until_closed(1)).await;
}
