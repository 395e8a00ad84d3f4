//! Tunnels through a cluster's gateway.

use prepl_core::RequestId;
use prepl_gateway::RemoteFailed;
use prepl_gateway::tunnel::Broke;
use prepl_proto::convert::tunnel::Carried;
use prepl_tests::attached::{Local, Plain, noise};
use prepl_tests::{Cluster, in_time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::world;

const UID: &str = "uid-1";

fn request(number: u8) -> RequestId {
    RequestId::from_random([number; 16])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_megabytes_come_back_through_a_gateway_and_both_ends_are_told() {
    let repl = Plain::echo().await;
    let cluster = Cluster::of(world(&repl).await, 1);
    let user = cluster.user("mira").await;
    let tunnel = in_time(user.attach(request(1), UID)).await.unwrap();
    assert_eq!(&*tunnel.driver, "clojure");
    let mut local = Local::of(tunnel).await;
    let sent = noise(10_000_000);
    let (mut read, mut write) = local.socket.split();
    let say = async {
        write.write_all(&sent).await?;
        write.shutdown().await
    };
    let mut heard = Vec::new();
    in_time(async { tokio::try_join!(say, read.read_to_end(&mut heard)) }).await.unwrap();
    assert!(heard == *sent, "{} of {} bytes came back", heard.len(), sent.len());
    in_time(local.tunnel).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_taken_away_cuts_the_tunnel_and_says_so() {
    let repl = Plain::echo().await;
    let cluster = Cluster::of(world(&repl).await, 1);
    let user = cluster.user("mira").await;
    let mut local = Local::of(in_time(user.attach(request(2), UID)).await.unwrap()).await;
    local.socket.write_all(b"x\n").await.unwrap();
    in_time(local.socket.read_u16()).await.unwrap();
    cluster.deny();
    let broke = in_time(local.tunnel).await.unwrap().unwrap_err();
    assert!(matches!(&broke, Broke::Cut(words) if words.contains("the test denies it")), "{broke}");
    let read = in_time(local.socket.read_u8()).await;
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_taken_away_cuts_a_tunnel_that_nobody_reads() {
    let (tell, mut cut_off) = mpsc::channel(1);
    let repl = Plain::start(move |mut peer: TcpStream| {
        let tell = tell.clone();
        async move {
            while peer.write_all(&[b'x'; 64 << 10]).await.is_ok() {}
            tell.send(()).await.unwrap();
        }
    })
    .await;
    let cluster = Cluster::of(world(&repl).await, 1);
    let user = cluster.user("mira").await;
    let mut tunnel = in_time(user.attach(request(3), UID)).await.unwrap();
    cluster.deny();
    in_time(cut_off.recv()).await.unwrap();
    let cut = async {
        loop {
            match tunnel.down.next().await.unwrap() {
                Ok(carried) => assert_ne!(carried, Carried::End),
                Err(broke) => return broke,
            }
        }
    };
    let broke = in_time(cut).await;
    assert!(matches!(&broke, Broke::Cut(words) if words.contains("the test denies it")), "{broke}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_lost_is_no_end_to_the_client() {
    let repl = Plain::echo().await;
    let mut cluster = Cluster::of(world(&repl).await, 1);
    let user = cluster.user("mira").await;
    let mut local = Local::of(in_time(user.attach(request(4), UID)).await.unwrap()).await;
    local.socket.write_all(b"x\n").await.unwrap();
    in_time(local.socket.read_u16()).await.unwrap();
    cluster.kill(0).await;
    in_time(local.tunnel).await.unwrap().unwrap_err();
    let read = in_time(local.socket.read_u8()).await;
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_is_not_there_and_one_without_a_repl_give_none() {
    let cluster = Cluster::of(prepl_tests::World::of_rhai(1).await, 1);
    let user = cluster.user("mira").await;
    for (uid, why) in [("uid-9", "gone"), (UID, "prepl exec")] {
        let failed = in_time(user.attach(request(9), uid)).await.unwrap_err();
        assert!(matches!(&failed, RemoteFailed::Replica(words) if words.contains(why)), "{failed}");
    }
}
