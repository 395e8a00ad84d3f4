//! Sessions that nobody needs any more are closed in the app, not only left.

use std::time::Duration;

use prepl_script::Sight;
use prepl_sidecar::endpoint::Endpoint;
use prepl_sidecar::session::Sessions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

const DESCRIBED: &[u8] = b"d2:id1:13:opsd5:clonede5:closede4:evaldee6:statusl4:doneee";
const CLONED: &[u8] = b"d2:id1:211:new-session3:s-16:statusl4:doneee";
const CLOSED: &[u8] = b"d2:id1:36:statusl4:doneee";

#[tokio::test]
async fn an_idle_spare_session_is_closed_by_name() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut heard = Vec::with_capacity(4096);
        for answer in [DESCRIBED, CLONED, CLOSED] {
            client.read_buf(&mut heard).await.unwrap();
            client.write_all(answer).await.unwrap();
        }
        String::from_utf8(heard).unwrap()
    });
    let sessions = Sessions::new(Endpoint::Nrepl(address), Sight::default());
    sessions.refill().await;
    sessions.retire(Instant::now()).await;
    assert!(!server.is_finished(), "it is young");
    sessions.retire(Instant::now() + Duration::from_secs(61)).await;
    let heard = server.await.unwrap();
    assert!(heard.contains("2:op5:close7:session3:s-1"), "{heard}");
}
