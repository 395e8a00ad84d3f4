//! Requests and sessions are those of the user whom a gateway asks for (P1, P3).

use prepl_core::ports::{Connect, Line};
use prepl_core::{Class, Outcome, Refusal, RequestId};
use prepl_gateway::{Dialer, Gateway, Plan, Remote};
use prepl_identity::{Credentials, Role};
use prepl_tests::{Asked, Cluster, Running, World, in_time, plan};

use super::{apps, lasting};

fn in_session(expression: &str) -> Plan {
    Plan { session: Some("s1".parse().unwrap()), ..plan(expression) }
}

async fn ask(cluster: &Cluster, user: &Remote, plan: &Plan) -> Asked {
    Asked::ask_at(user, &cluster.world.selection(), plan).await
}

fn is_denied(asked: &Asked) -> bool {
    matches!(asked.answers[0].done.outcome, Outcome::Refused(Refusal::Denied(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_its_users_alone_whichever_gateway_brings_it() {
    let mut cluster = Cluster::of(World::of_rhai(1).await, 2);
    let (mira, otto) = (cluster.user("mira").await, cluster.user("otto").await);
    assert_eq!(ask(&cluster, &mira, &in_session("let x = 5;")).await.exit(), 0);
    let others = ask(&cluster, &otto, &in_session("x")).await;
    assert_eq!(others.classes(), [Class::Raised]);
    assert_eq!(ask(&cluster, &mira, &in_session("x")).await.values(0), ["5"]);
    cluster.kill(0).await;
    let mira = cluster.user("mira").await;
    assert_eq!(ask(&cluster, &mira, &in_session("x")).await.values(0), ["5"]);
    assert_eq!(cluster.runs(1), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_recalled_by_its_user_alone() {
    let cluster = Cluster::of(World::of_rhai(1).await, 1);
    let (mira, otto) = (cluster.user("mira").await, cluster.user("otto").await);
    let asked = plan("6 * 7");
    ask(&cluster, &mira, &asked).await;
    let recalled = Plan { recall: true, ..asked.clone() };
    assert_eq!(ask(&cluster, &mira, &recalled).await.values(0), ["42"]);
    for stolen in [&recalled, &asked] {
        let others = ask(&cluster, &otto, stolen).await;
        assert!(is_denied(&others) && others.values(0).is_empty(), "{}", others.reason(0));
    }
}

/// A gateway that asks for this user, without asking whether he may.
fn dialer(cluster: &Cluster, user: &str) -> Dialer {
    let gateway = Credentials::fixed(cluster.gateway_bundle("gateway-9"));
    Dialer::new(&gateway).on_behalf_of(user.into(), None)
}

async fn interrupt_as(cluster: &Cluster, user: &str, request: RequestId) {
    let line = dialer(cluster, user).connect(&cluster.world.replicas()[0]).await.unwrap();
    in_time(line.interrupt(request)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_evaluation_is_interrupted_by_its_user_alone() {
    let apps = apps(1).await;
    let cluster = Cluster::of_apps(&apps, 1).await;
    let mira = cluster.user("mira").await;
    let asked = lasting("1");
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &asked).await;
    run.until_printed([0]).await;
    interrupt_as(&cluster, "otto", asked.request).await;
    // The gateway's own name is nobody's.
    let gateway = Dialer::new(&Credentials::fixed(cluster.gateway_bundle("gateway-1")));
    let line = gateway.connect(&cluster.world.replicas()[0]).await.unwrap();
    in_time(line.interrupt(asked.request)).await;
    apps[0].release();
    let ended = run.finish().await;
    assert_eq!((ended.values(0), apps[0].interrupts()), (vec!["1"], 0), "{}", ended.reason(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_interrupt_by_its_own_user_ends_it() {
    let apps = apps(1).await;
    let cluster = Cluster::of_apps(&apps, 1).await;
    let mira = cluster.user("mira").await;
    let asked = lasting("1");
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &asked).await;
    run.until_printed([0]).await;
    interrupt_as(&cluster, "mira", asked.request).await;
    let ended = run.finish().await;
    assert_eq!((ended.classes(), apps[0].interrupts()), (vec![Class::Unknown], 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_of_a_sidecar_asks_for_nobody_else() {
    let cluster = Cluster::of(World::of_rhai(1).await, 0);
    let direct = Credentials::fixed(cluster.world.user(Role::Admin, "otto"));
    let as_mira = Gateway::new(Dialer::new(&direct).on_behalf_of("mira".into(), None));
    let as_mira = cluster.world.records().with(as_mira);
    let asked = Asked::ask(&as_mira, &cluster.world.selection(), plan("1")).await;
    assert!(is_denied(&asked), "{:?}", asked.answers);
    assert!(asked.reason(0).contains("only a gateway"), "{}", asked.reason(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_name_has_its_bound() {
    let cluster = Cluster::of(World::of_rhai(1).await, 0);
    for (length, reason) in [(1101, "the caller's name"), (1100, "shows nothing")] {
        let gateway = Gateway::new(dialer(&cluster, &"m".repeat(length)));
        let gateway = cluster.world.records().with(gateway);
        let asked = Asked::ask(&gateway, &cluster.world.selection(), plan("1")).await;
        assert_eq!(asked.classes(), [Class::Refused]);
        assert!(asked.reason(0).contains(reason), "{}", asked.reason(0));
    }
}
