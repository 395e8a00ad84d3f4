//! Who does not belong at a gateway's door, and what does not belong on its wire.

use std::error::Error;

use prepl_core::Selection;
use prepl_gateway::remote::wire::{MAX_REPLICAS, start_run};
use prepl_gateway::{Remote, RemoteFailed};
use prepl_identity::{Authority, Bundle, Name, Role, USER_LIFETIME};
use prepl_proto::v1::run_command::Command;
use prepl_proto::v1::{RunCommand, StartRun, StopRun};
use prepl_tests::{Asked, Cluster, World, in_time, plan};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::{Code, Status};

async fn cluster() -> Cluster {
    Cluster::of(World::of_rhai(1).await, 1)
}

/// Every stranger leaves a gateway that serves the rightful.
async fn still_serves(cluster: &Cluster) {
    let before = cluster.runs(0);
    let mira = cluster.user("mira").await;
    let asked = Asked::ask_at(&mira, &cluster.world.selection(), &plan("1")).await;
    assert_eq!((asked.exit(), cluster.runs(0)), (0, before + 1));
}

async fn refused(cluster: &Cluster, first: Vec<RunCommand>) -> Status {
    let mut mira = cluster.raw("mira").await;
    let refused = in_time(mira.run(tokio_stream::iter(first))).await.unwrap_err();
    assert_eq!(cluster.runs(0), 0);
    refused
}

fn start(cluster: &Cluster) -> StartRun {
    start_run(&cluster.world.selection(), &plan("1"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_begins_with_its_start() {
    let cluster = cluster().await;
    let stop = RunCommand { command: Some(Command::Stop(StopRun {})) };
    let late = RunCommand { command: Some(Command::Start(start(&cluster))) };
    for first in [vec![stop, late], vec![RunCommand { command: None }], Vec::new()] {
        let status = refused(&cluster, first).await;
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("begins with its start"), "{status}");
    }
    still_serves(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_uids_has_its_bounds() {
    let cluster = cluster().await;
    let uids = (0..=MAX_REPLICAS).map(|number| format!("uid-{number}")).collect();
    let many = StartRun { uids, ..start(&cluster) };
    let twice = StartRun { uids: vec!["uid-1".into(); 2], ..start(&cluster) };
    for start in [many, twice] {
        let first = vec![RunCommand { command: Some(Command::Start(start)) }];
        let status = refused(&cluster, first).await;
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("UIDs"), "{status}");
    }
    let vast = StartRun { uids: vec!["u".repeat(64 << 10); 64], ..start(&cluster) };
    let status = refused(&cluster, vec![RunCommand { command: Some(Command::Start(vast)) }]).await;
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
    still_serves(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_too_large_a_selection_is_told() {
    let cluster = cluster().await;
    let one = &cluster.world.replicas()[0];
    let replicas = (0..=MAX_REPLICAS).map(|number| {
        let mut replica = one.clone();
        replica.id.uid = format!("uid-{number}").into();
        replica
    });
    let selection = Selection::of(replicas.collect());
    let mira = cluster.user("mira").await;
    let failed = mira.run(&selection, &plan("1")).await.unwrap_err();
    assert!(matches!(failed, RemoteFailed::Refused(_)), "{failed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_cut_off() {
    let cluster = cluster().await;
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16, 3, 1, 0xff, 0xff], &[0; 64 << 10]] {
        let mut peer = TcpStream::connect(cluster.address(0)).await.unwrap();
        // It may be cut before all is written.
        let _ = peer.write_all(garbage).await;
        let _ = peer.shutdown().await;
        let _ = in_time(peer.read_to_end(&mut Vec::new())).await;
    }
    still_serves(&cluster).await;
}

async fn list_as(cluster: &Cluster, bundle: Bundle) -> RemoteFailed {
    match cluster.connect(bundle).await {
        Ok(remote) => in_time(remote.list()).await.unwrap_err(),
        Err(failed) => failed,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_without_an_access_request_are_not_let_in() {
    let cluster = cluster().await;
    for stranger in [
        cluster.world.sidecar_bundle(0),
        cluster.gateway_bundle("gateway-2"),
        cluster.world.user(Role::Admin, "mira"),
    ] {
        let failed = list_as(&cluster, stranger).await;
        assert!(matches!(failed, RemoteFailed::Unreached(_)), "{failed}");
    }
    still_serves(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_that_another_authority_certified_is_not_let_in() {
    let cluster = cluster().await;
    let domain = cluster.world.authority().domain();
    let name = Name::access(domain, "shop", "mira", "u1").unwrap();
    let other = Authority::create(domain).unwrap().issue(&name, USER_LIFETIME).unwrap();
    // It trusts the gateway, and the gateway does not know it.
    let other = other.trusting(cluster.world.authority().certificate_pem()).unwrap();
    match list_as(&cluster, other).await {
        RemoteFailed::Denied(words) => {
            assert!(words.contains("does not know this side's authority"), "{words}");
        }
        // The door closes on bytes that it has not read, and its reason may be lost on the way.
        RemoteFailed::Unreached(_) => {}
        failed => panic!("{failed:?}"),
    }
    still_serves(&cluster).await;
}

fn told(error: &dyn Error) -> String {
    let cause = error.source().map(told);
    std::iter::once(error.to_string()).chain(cause).collect::<Vec<_>>().join(": ")
}

async fn not_shown(cluster: &Cluster, bundle: Bundle) -> (bool, String) {
    let failed = cluster.connect(bundle).await.map(|_: Remote| "it connected").unwrap_err();
    (failed.is_handshake(), told(&failed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_of_another_authority_is_not_asked() {
    let cluster = cluster().await;
    let domain = cluster.world.authority().domain();
    let name = Name::access(domain, "shop", "mira", "u1").unwrap();
    let other = Authority::create(domain).unwrap().issue(&name, USER_LIFETIME).unwrap();
    let (is_handshake, words) = not_shown(&cluster, other).await;
    assert!(is_handshake && words.contains("authority unknown here"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sidecar_is_no_gateway() {
    let cluster = Cluster::of(World::of_rhai(1).await, 0);
    cluster.add_gateway_at(cluster.world.replicas()[0].address.parse().unwrap());
    let (is_handshake, words) = not_shown(&cluster, cluster.access("mira")).await;
    assert!(is_handshake && words.contains("expected a gateway of world.test"), "{words}");
}
