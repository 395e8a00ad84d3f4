//! Who may ask: the certificate decides, and nothing runs for anybody else (P1).

use std::time::Duration;

use prepl_core::ports::{Connect, Line};
use prepl_core::{Class, Limits, Outcome, Refusal, RequestId};
use prepl_gateway::Dialer;
use prepl_identity::{Credentials, Role};
use prepl_tests::{Asked, Running, World, plan};

#[tokio::test]
async fn a_viewer_may_look_and_not_evaluate() {
    let world = World::of_rhai(2).await;
    let gateway = world.gateway(Role::Viewer);
    let described = gateway
        .describe(&world.selection(), plan("1").patience.connect, prepl_gateway::DEFAULT_WIDTH)
        .await;
    assert!(described.iter().all(|described| &*described.as_ref().unwrap().language == "rhai"));
    let asked = Asked::ask(&gateway, &world.selection(), plan("1")).await;
    for answer in &asked.answers {
        assert!(matches!(answer.done.outcome, Outcome::Refused(Refusal::Denied(_))));
    }
    assert!(asked.reason(0).contains("role viewer"), "{}", asked.reason(0));
}

#[tokio::test]
async fn a_user_of_another_fleet_gets_nothing() {
    let (world, other) = (World::of_rhai(1).await, World::new());
    let gateway = world.gateway_with(other.user(Role::Admin, "mira"));
    let asked = Asked::ask(&gateway, &world.selection(), plan("1")).await;
    assert_eq!(asked.classes(), [Class::Unreachable], "{}", asked.reason(0));
}

#[tokio::test]
async fn a_sidecar_that_is_another_replica_is_not_asked() {
    let world = World::of_rhai(2).await;
    let mut crossed = world.replicas().to_vec();
    crossed[0].address = world.replicas()[1].address.clone();
    let selection = prepl_core::Selection::of(crossed);
    let asked = Asked::ask(&world.gateway(Role::Admin), &selection, plan("1")).await;
    assert_eq!(asked.classes(), [Class::Unreachable, Class::Ok], "{}", asked.reason(0));
}

async fn interrupt_as(world: &World, role: Role, name: &str, request: RequestId) {
    let dialer = Dialer::new(&Credentials::fixed(world.user(role, name)));
    dialer.connect(&world.replicas()[0]).await.unwrap().interrupt(request).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_ends_what_another_started_and_an_evaluator_does_not() {
    let world = World::of_rhai(1).await;
    let mut plan = plan("loop {}");
    plan.limits = Limits::new(Duration::from_secs(60), 1024, 1024).unwrap();
    let request = plan.request;
    let mut run = Running::begin(&world.gateway(Role::Evaluator), &world.selection(), plan).await;
    run.until_begun([0]).await;
    interrupt_as(&world, Role::Evaluator, "oz", request).await;
    interrupt_as(&world, Role::Admin, "oz", request).await;
    let asked = run.finish().await;
    assert_eq!(asked.classes(), [Class::Unknown]);
    assert!(!asked.reason(0).contains("within"), "its own time ended it: {}", asked.reason(0));
}
