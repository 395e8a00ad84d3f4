//! What goes through a tunnel.

use std::sync::Arc;
use std::time::Duration;

use prepl_gateway::tunnel::Broke;
use prepl_gateway::{Dialer, Gateway};
use prepl_identity::Credentials;
use prepl_proto::convert::tunnel::Carried;
use prepl_tests::attached::{Local, Plain, attach, noise};
use prepl_tests::{access, in_time, shown_tunnel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{gateway_bundle, tunnel, world};

const TEN_MB: usize = 10_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_megabytes_come_back_byte_for_byte_and_both_ends_are_told() {
    let repl = Plain::echo().await;
    let world = world(&repl).await;
    let Local { mut socket, tunnel } = Local::of(tunnel(&world).await).await;
    let sent = noise(TEN_MB);
    let (mut read, mut write) = socket.split();
    let mut heard = Vec::new();
    let hear = read.read_to_end(&mut heard);
    let say = async {
        write.write_all(&sent).await?;
        write.shutdown().await
    };
    in_time(async { tokio::try_join!(say, hear) }).await.unwrap();
    assert!(heard == *sent, "{} of {} bytes came back", heard.len(), sent.len());
    in_time(tunnel).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_small_writes_arrive_in_order() {
    let repl = Plain::echo().await;
    let world = world(&repl).await;
    let mut local = Local::of(tunnel(&world).await).await;
    let sent = noise(20_000);
    let (mut read, mut write) = local.socket.split();
    let say = async {
        for part in sent.chunks(3) {
            write.write_all(part).await?;
        }
        write.shutdown().await
    };
    let mut heard = Vec::new();
    in_time(async { tokio::try_join!(say, read.read_to_end(&mut heard)) }).await.unwrap();
    assert!(heard == *sent, "{} of {} bytes came back", heard.len(), sent.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repl_answers_after_the_client_has_said_all() {
    let repl = Plain::start(|mut peer| async move {
        let mut heard = Vec::new();
        peer.read_to_end(&mut heard).await.unwrap();
        heard.reverse();
        peer.write_all(&heard).await.unwrap();
    })
    .await;
    let world = world(&repl).await;
    let mut local = Local::of(tunnel(&world).await).await;
    local.socket.write_all(b"abc").await.unwrap();
    local.socket.shutdown().await.unwrap();
    let mut heard = String::new();
    in_time(local.socket.read_to_string(&mut heard)).await.unwrap();
    assert_eq!(heard, "cba");
    in_time(local.tunnel).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_goes_on_after_the_repl_has_said_all() {
    let (tell, mut told) = mpsc::channel(1);
    let repl = Plain::start(move |mut peer: TcpStream| {
        let tell = tell.clone();
        async move {
            peer.write_all(b"bye").await.unwrap();
            peer.shutdown().await.unwrap();
            let mut heard = Vec::new();
            peer.read_to_end(&mut heard).await.unwrap();
            tell.send(heard).await.unwrap();
        }
    })
    .await;
    let world = world(&repl).await;
    let mut local = Local::of(tunnel(&world).await).await;
    let mut heard = String::new();
    in_time(local.socket.read_to_string(&mut heard)).await.unwrap();
    assert_eq!(heard, "bye");
    let sent = noise(1_000_000);
    in_time(local.socket.write_all(&sent)).await.unwrap();
    local.socket.shutdown().await.unwrap();
    assert!(in_time(told.recv()).await.unwrap() == *sent);
    in_time(local.tunnel).await.unwrap().unwrap();
}

/// What the REPL would say, if somebody read it.
const OFFERED: usize = 128 << 20;
/// What the sockets' buffers between REPL and sidecar may take, and some windows.
const TAKEN: usize = 24 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_stops_the_repl() {
    let (tell, mut told) = mpsc::channel(1);
    let repl = Plain::start(move |mut peer: TcpStream| {
        let tell = tell.clone();
        async move {
            let (chunk, mut written) = (vec![b'x'; 64 << 10], 0);
            while written < OFFERED {
                match timeout(Duration::from_secs(2), peer.write(&chunk)).await {
                    Ok(more) => written += more.unwrap(),
                    Err(_stalled) => break,
                }
            }
            tell.send(written).await.unwrap();
        }
    })
    .await;
    let world = world(&repl).await;
    let mut tunnel = tunnel(&world).await;
    let written = in_time(told.recv()).await.unwrap();
    assert!(written < TAKEN, "{written} bytes are kept somewhere");
    let mut heard = 0;
    while let Some(carried) = in_time(tunnel.down.next()).await {
        match carried.unwrap() {
            Carried::Data(data) => heard += data.len(),
            Carried::End => break,
        }
    }
    assert_eq!(heard, written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_cut_off_is_no_end_to_the_repl() {
    let (tell, mut told) = mpsc::channel(1);
    let repl = Plain::start(move |mut peer: TcpStream| {
        let tell = tell.clone();
        async move {
            peer.write_all(b"hello").await.unwrap();
            let read = peer.read_to_end(&mut Vec::new()).await;
            tell.send(read.map_err(|error| error.kind())).await.unwrap();
        }
    })
    .await;
    let world = world(&repl).await;
    let mut tunnel = tunnel(&world).await;
    assert!(in_time(tunnel.down.next()).await.unwrap().is_ok());
    assert!(tunnel.up.send(Carried::Data("(drop-all\n".into())).await.unwrap());
    drop(tunnel);
    let read = in_time(told.recv()).await.unwrap();
    assert_eq!(read, Err(std::io::ErrorKind::ConnectionReset));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repl_that_breaks_off_is_no_end_to_the_client() {
    let repl = Plain::start(|mut peer| async move {
        peer.write_all(b"half an ans").await.unwrap();
        peer.read_u8().await.unwrap();
        peer.set_zero_linger().unwrap();
    })
    .await;
    let world = world(&repl).await;
    let mut local = Local::of(tunnel(&world).await).await;
    local.socket.write_all(b"x\n").await.unwrap();
    let mut heard = Vec::new();
    let read = in_time(local.socket.read_to_end(&mut heard)).await;
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    let broke = in_time(local.tunnel).await.unwrap().unwrap_err();
    assert!(matches!(&broke, Broke::Cut(words) if words.contains("REPL broke")), "{broke}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_client_that_stalls_holds_up_no_other() {
    let flood: Arc<[u8]> = vec![b'x'; 1 << 20].into();
    let repl = Plain::start(move |mut peer: TcpStream| {
        let flood = Arc::clone(&flood);
        async move {
            let floods = peer.read_u8().await.unwrap() == b'f';
            while floods && peer.write_all(&flood).await.is_ok() {}
            let _ = peer.write_all(b"here").await;
        }
    })
    .await;
    let world = world(&repl).await;
    let dialer = Dialer::new(&Credentials::fixed(gateway_bundle(&world)));
    let replica = &world.replicas()[0];
    let as_user = |user: &str, number: u8| {
        let shown = shown_tunnel(&access(world.authority(), user), number, &replica.id.uid);
        world.records().with(Gateway::new(dialer.on_behalf_of(user.into(), Some(shown))))
    };
    let mut stalled = Vec::new();
    // More than the windows of one connection.
    for number in 0..8 {
        let user = ["mira", "oz"][number % 2];
        let mut tunnel = in_time(attach(&as_user(user, number as u8), replica)).await.unwrap();
        assert!(tunnel.up.send(Carried::Data("f\n".into())).await.unwrap());
        stalled.push(tunnel);
    }
    let mut local = Local::of(in_time(attach(&as_user("ana", 100), replica)).await.unwrap()).await;
    local.socket.write_all(b"x\n").await.unwrap();
    let mut heard = [0; 4];
    in_time(local.socket.read_exact(&mut heard)).await.unwrap();
    assert_eq!(&heard, b"here");
}
