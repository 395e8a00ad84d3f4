//! What is written within one turn of the scheduler leaves together.
//!
//! HTTP/2 hands over the head of a request, and its body a moment later from another task. Written
//! at once they are two system calls, two TLS records and often two wake-ups of the sidecar.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream whose first write after each flush lets the other tasks have their turn before.
#[derive(Debug)]
pub(crate) struct Together<S> {
    stream: S,
    others_had_their_turn: bool,
}

impl<S> Together<S> {
    pub(crate) fn new(stream: S) -> Together<S> {
        Together { stream, others_had_their_turn: false }
    }

    fn let_others_first(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.others_had_their_turn {
            return Poll::Ready(());
        }
        self.others_had_their_turn = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Together<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Together<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.let_others_first(cx));
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.let_others_first(cx));
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.others_had_their_turn = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn the_first_write_after_a_flush_lets_others_go_first_and_the_next_ones_do_not() {
        let (near, mut far) = duplex(64);
        let mut near = Together::new(near);
        for _ in 0..2 {
            let first = poll_fn(|cx| Poll::Ready(Pin::new(&mut near).poll_write(cx, b"a"))).await;
            assert!(first.is_pending());
            near.write_all(b"a").await.unwrap();
            let next = poll_fn(|cx| Poll::Ready(Pin::new(&mut near).poll_write(cx, b"b"))).await;
            assert!(matches!(next, Poll::Ready(Ok(1))));
            near.flush().await.unwrap();
        }
        drop(near);
        let mut all = String::new();
        far.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, "abab");
    }

    #[tokio::test]
    async fn more_than_the_stream_takes_at_once_arrives_whole() {
        let (near, mut far) = duplex(7);
        let sent: Vec<u8> = (0..=255).collect();
        let text = sent.clone();
        let writing = tokio::spawn(async move {
            let mut near = Together::new(near);
            near.write_all(&text).await.unwrap();
            near.shutdown().await.unwrap();
        });
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        writing.await.unwrap();
        assert_eq!(all, sent);
    }
}
