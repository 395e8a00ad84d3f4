//! Who gets no tunnel, and why.

use std::net::{Ipv4Addr, SocketAddr};

use hyper_util::rt::TokioIo;
use prepl_core::{Outcome, Refusal};
use prepl_gateway::tunnel::Broke;
use prepl_gateway::{Dialer, Gateway};
use prepl_identity::{Connector, Credentials, HandshakeFailed, Role};
use prepl_proto::convert::tunnel::{Carried, MAX_CHUNK};
use prepl_proto::v1;
use prepl_proto::v1::sidecar_client::SidecarClient;
use prepl_sidecar::args::{Serve, Source};
use prepl_sidecar::endpoint::Endpoint;
use prepl_sidecar::portion::USER_TUNNELS;
use prepl_sidecar::run::bind;
use prepl_sidecar::tunnel::MAX_TUNNELS;
use prepl_tests::attached::{Local, Plain, attach};
use prepl_tests::{World, access, in_time, shown_tunnel};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tower::service_fn;

use super::{gateway_bundle, world};

#[tokio::test]
async fn only_an_admin_of_a_local_fleet_attaches_and_nobody_else_reaches_the_repl() {
    let repl = Plain::echo().await;
    let world = world(&repl).await;
    for role in [Role::Viewer, Role::Evaluator] {
        let refused = in_time(attach(&world.gateway(role), &world.replicas()[0])).await;
        let outcome = refused.unwrap_err();
        assert!(matches!(&outcome, Outcome::Refused(Refusal::Denied(_))), "{outcome:?}");
        let words = outcome.reason().unwrap().as_str();
        assert!(words.contains("--role admin"), "{words}");
    }
    assert_eq!(repl.taken(), 0);
    in_time(attach(&world.gateway(Role::Admin), &world.replicas()[0])).await.unwrap();
}

#[tokio::test]
async fn the_sidecars_own_engine_and_a_repl_that_is_down_are_told_apart() {
    let mut world = World::of_rhai(1).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    world.add(Endpoint::Nrepl(closed)).await;
    let gateway = world.gateway(Role::Admin);
    let rhai = in_time(attach(&gateway, &world.replicas()[0])).await.unwrap_err();
    assert!(matches!(rhai, Outcome::Refused(Refusal::Limit(_))), "{rhai:?}");
    assert!(rhai.reason().unwrap().as_str().contains("prepl exec"), "{rhai:?}");
    let down = in_time(attach(&gateway, &world.replicas()[1])).await.unwrap_err();
    assert!(matches!(down, Outcome::Unreachable(_)), "{down:?}");
    assert!(down.reason().unwrap().as_str().contains("is the app up"), "{down:?}");
}

#[tokio::test]
async fn a_user_has_a_part_of_the_tunnels_and_gets_it_back() {
    let repl = Plain::echo().await;
    let world = world(&repl).await;
    let replica = &world.replicas()[0];
    let mut open = Vec::new();
    for user in ["mira", "oz", "ana", "leo"] {
        let gateway = world.gateway_with(world.user(Role::Admin, user));
        for _ in 0..USER_TUNNELS {
            open.push(in_time(attach(&gateway, replica)).await.unwrap());
        }
        let more = in_time(attach(&gateway, replica)).await.unwrap_err();
        assert!(more.reason().unwrap().as_str().contains("already"), "{more:?}");
    }
    assert_eq!(open.len(), MAX_TUNNELS);
    let other = world.gateway_with(world.user(Role::Admin, "ida"));
    let full = in_time(attach(&other, replica)).await.unwrap_err();
    assert!(full.reason().unwrap().as_str().contains("in use"), "{full:?}");
    in_time(open.pop().unwrap().close()).await;
    in_time(attach(&other, replica)).await.unwrap();
}

#[tokio::test]
async fn a_gateways_users_have_a_part_each() {
    let repl = Plain::echo().await;
    let world = world(&repl).await;
    let dialer = Dialer::new(&Credentials::fixed(gateway_bundle(&world)));
    let replica = &world.replicas()[0];
    let as_user = |user: &str, number: u8| {
        let shown = shown_tunnel(&access(world.authority(), user), number, &replica.id.uid);
        world.records().with(Gateway::new(dialer.on_behalf_of(user.into(), Some(shown))))
    };
    let mut open = Vec::new();
    for number in 0..USER_TUNNELS as u8 {
        open.push(in_time(attach(&as_user("mira", number), replica)).await.unwrap());
    }
    in_time(attach(&as_user("mira", 100), replica)).await.unwrap_err();
    in_time(attach(&as_user("oz", 101), replica)).await.unwrap();
}

#[tokio::test]
async fn a_sidecar_that_ends_cuts_its_tunnels_and_says_so() {
    let repl = Plain::echo().await;
    let mut world = World::new();
    let bundle = world.bundle_file(0);
    world.sidecar_bundle(0).write(&bundle).unwrap();
    let args = Serve {
        source: Source::of_bundle(bundle),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        repl: Endpoint::Clojure(repl.address).into(),
        roots: Vec::new(),
    };
    let bound = bind(&args).await.unwrap();
    world.add_at(bound.address().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve(async {
        stopped.await.unwrap();
    }));
    let local = Local::of(super::tunnel(&world).await).await;
    stop.send(()).unwrap();
    let broke = in_time(local.tunnel).await.unwrap().unwrap_err();
    assert!(matches!(&broke, Broke::Cut(words) if words.contains("is ending")), "{broke}");
    in_time(serving).await.unwrap().unwrap();
}

/// Somebody who says to the sidecar what he likes.
async fn raw(world: &World) -> SidecarClient<Channel> {
    let connector = Connector::new(&Credentials::fixed(world.user(Role::Admin, "mira")));
    let name = world.sidecar_bundle(0).name().clone();
    let address = world.replicas()[0].address.clone();
    let connect = service_fn(move |_| {
        let (connector, name, address) = (connector.clone(), name.clone(), address.clone());
        async move {
            let stream = TcpStream::connect(&*address).await.map_err(HandshakeFailed::from)?;
            connector.connect(stream, &name).await.map(TokioIo::new)
        }
    });
    let endpoint = Channel::from_static("http://sidecar");
    SidecarClient::new(in_time(endpoint.connect_with_connector(connect)).await.unwrap())
}

async fn say(world: &World, ups: Vec<v1::TunnelUp>) -> Result<Streaming<v1::TunnelDown>, Status> {
    let open = tokio_stream::StreamExt::chain(tokio_stream::iter(ups), tokio_stream::pending());
    in_time(raw(world).await.tunnel(open)).await.map(tonic::Response::into_inner)
}

fn open(uid: &str, caller: &str) -> v1::TunnelUp {
    let (replica_uid, caller) = (uid.to_owned(), caller.to_owned());
    let open = v1::TunnelOpen { replica_uid, caller, ..v1::TunnelOpen::default() };
    v1::TunnelUp { part: Some(v1::tunnel_up::Part::Open(open)) }
}

#[tokio::test]
async fn another_replicas_uid_another_user_and_another_beginning_are_refused() {
    let repl = Plain::echo().await;
    let world = world(&repl).await;
    let begun = Carried::Data("x".into()).into();
    for (first, code) in [
        (open("uid-2", ""), Code::FailedPrecondition),
        (open("", ""), Code::FailedPrecondition),
        (open("uid-1", "oz"), Code::PermissionDenied),
        (begun, Code::InvalidArgument),
    ] {
        let words = format!("{first:?}");
        assert_eq!(say(&world, vec![first]).await.unwrap_err().code(), code, "{words}");
    }
    assert_eq!(repl.taken(), 0);
    say(&world, vec![open("uid-1", "")]).await.unwrap();
}

#[tokio::test]
async fn a_chunk_that_is_too_large_cuts_the_tunnel() {
    let repl = Plain::echo().await;
    let world = world(&repl).await;
    let fits = Carried::Data(vec![b'x'; MAX_CHUNK].into()).into();
    let large = Carried::Data(vec![b'x'; MAX_CHUNK + 1].into()).into();
    let mut down = say(&world, vec![open("uid-1", ""), fits, large]).await.unwrap();
    let ended = loop {
        match in_time(down.message()).await {
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };
    assert_eq!(ended.unwrap_err().code(), Code::InvalidArgument);
}
