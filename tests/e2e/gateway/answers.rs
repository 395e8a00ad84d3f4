//! What comes through a gateway is what comes without one.

use std::time::Duration;

use prepl_core::Class;
use prepl_gateway::DEFAULT_WIDTH;
use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::hostile::{Conduct, Hostile};
use prepl_tests::{Asked, Cluster, World, plan};
use tokio::net::TcpListener;

/// Six sidecars: two equal answers, another one, an exception, no REPL, and nobody at all.
async fn mixed() -> (World, Vec<Hostile>) {
    let mut world = World::of_rhai(1).await;
    let mut repls = Vec::new();
    for conduct in [
        Conduct::nrepl_value("42"),
        Conduct::nrepl_value("41"),
        Conduct::nrepl_throws(),
        Conduct::silent().closes(),
    ] {
        let repl = Hostile::start(conduct).await;
        world.add(Endpoint::Nrepl(repl.address)).await;
        repls.push(repl);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.add_at(nobody.local_addr().unwrap());
    (world, repls)
}

/// What two runs have in common.
fn told(asked: &Asked) -> Vec<(Class, Vec<&str>, String, usize)> {
    let places = 0..asked.answers.len();
    let raised = |place: usize| asked.answers[place].raised.len();
    places
        .map(|place| {
            let class = asked.answers[place].class();
            (class, asked.values(place), asked.printed(place), raised(place))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_sidecars_tell_through_a_gateway_what_they_tell_directly() {
    use Class::{Ok, Raised, Unreachable};
    let (world, _repls) = mixed().await;
    let cluster = Cluster::of(world, 1);
    let direct = cluster.world.gateway(Role::Evaluator);
    let direct = Asked::ask(&direct, &cluster.world.selection(), plan("40 + 2")).await;
    let mira = cluster.user("mira").await;
    let listed = prepl_core::Selection::of(mira.list().await.unwrap().replicas);
    assert_eq!(listed, cluster.world.selection());
    let asked = Asked::ask_at(&mira, &listed, &plan("40 + 2")).await;
    assert_eq!(asked.classes(), [Ok, Ok, Ok, Raised, Unreachable, Unreachable]);
    assert_eq!(told(&asked), told(&direct));
    assert_eq!((asked.exit(), asked.summary.counts), (8 - 1, direct.summary.counts));
    assert_eq!(asked.exit(), direct.exit());
    assert_eq!(asked.summary.stopped, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptions_stand_in_the_order_of_the_selection() {
    let (world, _repls) = mixed().await;
    let cluster = Cluster::of(world, 1);
    let selection = cluster.world.selection();
    let mira = cluster.user("mira").await;
    let patience = Duration::from_secs(10);
    let described = mira.describe(&selection, patience, DEFAULT_WIDTH).await.unwrap();
    let direct = cluster.world.gateway(Role::Viewer);
    let direct = direct.describe(&selection, patience, DEFAULT_WIDTH).await;
    let drivers = |all: &[prepl_gateway::gateway::Described]| -> Vec<Option<String>> {
        all.iter().map(|one| one.as_ref().ok().map(|one| one.driver.to_string())).collect()
    };
    assert_eq!(drivers(&described), drivers(&direct));
    assert_eq!(drivers(&described)[0].as_deref(), Some("rhai"));
    assert_eq!(described[4..].iter().filter(|one| one.is_err()).count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_gone_has_an_outcome_and_the_others_keep_their_places() {
    let mut cluster = Cluster::of(World::of_rhai(1).await, 1);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // After the gateway's start: it never hears of this one.
    cluster.world.add_at(nobody.local_addr().unwrap());
    cluster.world.add(Endpoint::Rhai).await;
    let mut replicas = cluster.world.replicas().to_vec();
    replicas.swap(0, 1);
    let mira = cluster.user("mira").await;
    let selection = prepl_core::Selection::of(replicas[..2].to_vec());
    let asked = Asked::ask_at(&mira, &selection, &plan("7")).await;
    assert_eq!(asked.classes(), [Class::NotStarted, Class::Ok], "{}", asked.reason(0));
    assert_eq!((asked.values(1), asked.exit()), (vec!["7"], 7));
}
