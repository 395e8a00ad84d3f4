//! An nREPL server that opens a session by the book; what comes then is the test's.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const DESCRIBED: &str = "d2:id1:13:opsl5:clone4:evale6:status4:donee";
const CLONED: &str = "d2:id1:211:new-session1:s6:status4:donee";

/// Serves every peer with `answer`, for as long as the test lasts.
pub async fn start<F>(answer: fn(TcpStream) -> F) -> SocketAddr
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((peer, _)) = listener.accept().await {
            tokio::spawn(answer(peer));
        }
    });
    address
}

/// Answers up to the first evaluation, and gives all that was heard with it.
pub async fn open(peer: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut heard = Vec::with_capacity(4096);
    for answer in [DESCRIBED, CLONED] {
        peer.read_buf(&mut heard).await?;
        peer.write_all(answer.as_bytes()).await?;
    }
    peer.read_buf(&mut heard).await?;
    Ok(heard)
}
