//! Networks that fail, certificates that change: what a run tells of it, and what the next one
//! finds.

use std::time::Duration;

use prepl_core::{Class, Limits, Outcome, Selection};
use prepl_gateway::Plan;
use prepl_identity::{Authority, Role};
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::hostile::{Conduct, Hostile};
use prepl_tests::proxy::Proxy;
use prepl_tests::{Asked, Recording, Running, World, in_time, plan};

/// Two replicas; the network to the second one can fail.
async fn world() -> (World, Proxy) {
    let mut world = World::of_rhai(2).await;
    let proxy = Proxy::to(world.replicas()[1].address.parse().unwrap()).await;
    world.reroute(1, proxy.address);
    (world, proxy)
}

/// A run whose replicas have all begun.
async fn begun(gateway: &Recording, world: &World, plan: Plan) -> Running {
    let mut running = Running::begin(gateway, &world.selection(), plan).await;
    running.until_begun(0..world.replicas().len()).await;
    running
}

fn lasting(expression: &str, time: Duration) -> Plan {
    let mut plan = plan(expression);
    plan.limits = Limits::new(time, 1024, 1024).unwrap();
    plan
}

const ENDLESS: &str = "loop {}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_before_the_answer_is_unknown_and_the_next_run_finds_the_mended_network() {
    let (world, proxy) = world().await;
    let gateway = world.gateway(Role::Evaluator);
    let run = begun(&gateway, &world, lasting(ENDLESS, Duration::from_secs(1))).await;
    proxy.cut();
    let asked = run.finish().await;
    assert_eq!((asked.classes(), asked.exit()), (vec![Class::Unknown; 2], 8));
    assert!(asked.reason(0).contains("interrupted"), "{}", asked.reason(0));
    let broken = &asked.answers[1].done.outcome;
    assert!(matches!(broken, Outcome::Unknown { may_still_run: true, .. }), "{broken:?}");
    assert!(asked.reason(1).contains("broke"), "{}", asked.reason(1));

    let asked = Asked::ask(&gateway, &world.selection(), plan("1")).await;
    assert_eq!(asked.classes(), [Class::Ok, Class::Unreachable], "{}", asked.reason(1));
    proxy.repair();
    let asked = Asked::ask(&gateway, &world.selection(), plan("1")).await;
    assert_eq!(asked.classes(), [Class::Ok, Class::Ok], "{}", asked.reason(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_stalls_is_unknown_when_the_patience_is_over() {
    let (world, proxy) = world().await;
    let gateway = world.gateway(Role::Evaluator);
    let run = begun(&gateway, &world, lasting(ENDLESS, Duration::from_millis(500))).await;
    proxy.stall();
    let asked = run.finish().await;
    assert_eq!(asked.classes(), [Class::Unknown; 2]);
    assert!(asked.reason(1).contains("no word from the sidecar"), "{}", asked.reason(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_network_does_not_hold_up_an_interrupt() {
    let (world, proxy) = world().await;
    let gateway = world.gateway(Role::Evaluator);
    let run = begun(&gateway, &world, lasting(ENDLESS, Duration::from_secs(3600))).await;
    proxy.stall();
    run.interrupt();
    let asked = run.finish().await;
    assert_eq!((asked.classes()[1], asked.exit()), (Class::Unknown, 130));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_cut_off_can_be_had_again_and_ran_once() {
    // Answers when its time is over: surely after the cut.
    let late = "d2:id1:32:ns4:user5:value5:firsted2:id1:36:status4:donee";
    let repl = Hostile::start(Conduct::nrepl().on_eval("").on("2:op9:interrupt", late)).await;
    let mut world = World::new();
    world.add(Endpoint::Nrepl(repl.address)).await;
    let proxy = Proxy::to(world.replicas()[0].address.parse().unwrap()).await;
    world.reroute(0, proxy.address);
    let gateway = world.gateway(Role::Evaluator);
    let request = lasting("(book!)", Duration::from_secs(2));
    let run = begun(&gateway, &world, request.clone()).await;
    proxy.cut();
    assert_eq!(run.finish().await.classes(), [Class::Unknown]);

    proxy.repair();
    let again = Asked::ask(&gateway, &world.selection(), request.clone()).await;
    assert_eq!((again.classes(), again.values(0)), (vec![Class::Ok], vec!["first"]));
    repl.turn(Conduct::nrepl_value("second"));
    let last = Asked::ask(&gateway, &world.selection(), request).await;
    assert_eq!(last.values(0), ["first"]);
    let other = in_time(async {
        loop {
            let other = Asked::ask(&gateway, &world.selection(), plan("(book!)")).await;
            // A session that was kept ready may be one that has just been closed.
            if other.classes() == [Class::Ok] {
                return other;
            }
        }
    });
    assert_eq!(other.await.values(0), ["second"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_authority_and_certificate_drop_no_stream() {
    let world = World::of_rhai(1).await;
    let successor = Authority::create(world.authority().domain()).unwrap();
    let user = world.user(Role::Evaluator, "mira");
    let old = world.gateway_with(user.clone());
    let run = begun(&old, &world, lasting(ENDLESS, Duration::from_secs(3600))).await;

    let successors = world
        .sidecar_bundle_by(&successor, 0)
        .trusting(world.authority().certificate_pem())
        .unwrap();
    successors.write(&world.bundle_file(0)).unwrap();
    let next = world.user_by(&successor, Role::Evaluator, "mira");
    in_time(async {
        // It trusts the successor alone: nothing but the new certificate lets it in.
        while !matches!(ask_with(&world, next.clone()).await, Class::Ok) {}
    })
    .await;
    assert_eq!(ask_with(&world, user).await, Class::Unreachable, "the old one is not shown");

    assert_eq!(run.pending(), 1, "the stream goes on");
    run.interrupt();
    let asked = run.finish().await;
    assert!(!asked.reason(0).contains("broke"), "{}", asked.reason(0));
    assert!(!asked.reason(0).contains("no word"), "{}", asked.reason(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sidecar_with_another_replicas_bundle_answers_in_that_name_alone() {
    let world = World::of_rhai(1).await;
    let gateway = world.gateway(Role::Evaluator);
    let old = world.selection();
    let mut replica = world.replicas()[0].clone();
    replica.id.uid = "uid-2".into();
    let new = Selection::of(vec![replica]);
    let ask = async |selection| {
        let asked = Asked::ask(&gateway, selection, plan("1")).await;
        (asked.classes()[0], asked.reason(0).to_owned())
    };
    assert_eq!(ask(&old).await.0, Class::Ok);
    assert_eq!(ask(&new).await.0, Class::Unreachable);

    world.sidecar_bundle(1).write(&world.bundle_file(0)).unwrap();
    in_time(async { while ask(&new).await.0 != Class::Ok {} }).await;
    // By the connection that is still open.
    let (class, reason) = ask(&old).await;
    assert_eq!(class, Class::Refused, "{reason}");
    assert!(reason.contains("another replica answers at that address"), "{reason}");
}

async fn ask_with(world: &World, user: prepl_identity::Bundle) -> Class {
    let asked = Asked::ask(&world.gateway_with(user), &world.selection(), plan("1")).await;
    asked.classes()[0]
}
