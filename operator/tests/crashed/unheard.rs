//! A connection that breaks before the gateway's first word: what was asked may have been heard.

use std::net::{Ipv4Addr, SocketAddr};

use prepl_tests::{in_time, plan};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::histories::Written;
use super::stage::{ALLOWED, Stage};

const GATEWAY: usize = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hears_no_word_of_his_run_is_not_told_that_nothing_ran() {
    let stage = Stage::new().await;
    let gateway = stage.installation.gateway_ready(GATEWAY).await;
    let way = Way::to(gateway.address).await;
    let remote = stage.installation.user_through(ALLOWED, vec![way.address, gateway.address]).await;
    way.state.send_replace(State::OneWay);
    let run = stage.ask_by(&remote, plan("(book! unheard)"));
    let heard = async {
        in_time(stage.apps[0].until_more(1)).await;
        way.state.send_replace(State::Broken);
    };
    let (seen, ()) = tokio::join!(run, heard);
    let logs = Written::read([&*stage.audit(GATEWAY)]);
    stage.judge(&[seen], &logs, "a connection broke before the first word");
}

/// What a way to a gateway lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// To the gateway alone.
    OneWay,
    Broken,
}

struct Way {
    address: SocketAddr,
    state: watch::Sender<State>,
}

impl Way {
    async fn to(gateway: SocketAddr) -> Way {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, seen) = watch::channel(State::Open);
        tokio::spawn(async move {
            // The next connection goes elsewhere.
            let (client, _) = listener.accept().await.unwrap();
            drop(listener);
            pass(client, TcpStream::connect(gateway).await.unwrap(), seen).await;
        });
        Way { address, state }
    }
}

async fn pass(client: TcpStream, server: TcpStream, state: watch::Receiver<State>) {
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let mut broken = state.clone();
    tokio::select! {
        _ = copy(&mut from_client, &mut to_server) => {}
        () = tell(from_server, to_client, state) => {}
        _ = broken.wait_for(|state| *state == State::Broken) => {}
    }
}

async fn tell(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut state: watch::Receiver<State>,
) {
    let mut bytes = vec![0; 4096];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if state.wait_for(|state| *state == State::Open).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
