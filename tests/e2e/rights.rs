//! Who may ask: the certificate decides, and nothing runs for anybody else (P1).

use prepl_core::{Class, Outcome, Refusal};
use prepl_identity::Role;
use prepl_tests::{Asked, World, plan};

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
