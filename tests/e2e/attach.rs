//! Tunnels: who gets one, and that what goes through is what came in, to the last byte.

mod carried;
mod full_disk;
mod nrepl;
mod recorded;
mod refused;
mod through_a_gateway;

use prepl_gateway::Tunnel;
use prepl_identity::{Bundle, MEMBER_LIFETIME, Name, Role};
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::attached::{Plain, attach};
use prepl_tests::{World, in_time};

/// A world of one replica with this REPL.
async fn world(repl: &Plain) -> World {
    let mut world = World::new();
    world.add(Endpoint::Clojure(repl.address)).await;
    world
}

async fn tunnel(world: &World) -> Tunnel {
    in_time(attach(&world.gateway(Role::Admin), &world.replicas()[0])).await.unwrap()
}

fn gateway_bundle(world: &World) -> Bundle {
    let name = Name::gateway(world.authority().domain(), "g1").unwrap();
    world.authority().issue(&name, MEMBER_LIFETIME).unwrap()
}
