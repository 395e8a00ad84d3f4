//! A stub nREPL server: it gives every text the value 2, at once.

use bytes::BytesMut;
use prepl_bencode::{Decoder, Value, encode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves for as long as the process lives. A stalling one writes the value and the end in two
/// packets with Nagle's algorithm on, as JVM servers do.
pub async fn serve(listener: TcpListener, stalling: bool) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(async move {
            // A client that leaves is the end of its conversation.
            let _ = converse(client, stalling).await;
        });
    }
}

async fn converse(mut client: TcpStream, stalling: bool) -> std::io::Result<()> {
    client.set_nodelay(!stalling)?;
    let (mut decoder, mut input) = (Decoder::default(), BytesMut::new());
    loop {
        while let Ok(Some(request)) = decoder.decode(&mut input) {
            let answers = answers(&request);
            if stalling {
                for answer in answers {
                    client.write_all(&bytes(&[answer])).await?;
                }
            } else {
                client.write_all(&bytes(&answers)).await?;
            }
        }
        if client.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
    }
}

fn bytes(answers: &[Value]) -> BytesMut {
    let mut out = BytesMut::new();
    answers.iter().for_each(|answer| encode(answer, &mut out));
    out
}

fn answers(request: &Value) -> Vec<Value> {
    let id = Value::from(request.get_str("id").unwrap_or_default());
    let done = || ("status", Value::list(["done"]));
    let reply = |pairs: Vec<(&str, Value)>| {
        Value::dict(pairs.into_iter().chain([("id", id.clone())]).collect::<Vec<_>>())
    };
    let ops = || {
        let empty = || Value::dict(Vec::<(&str, Value)>::new());
        Value::dict(["clone", "close", "describe", "eval", "interrupt"].map(|op| (op, empty())))
    };
    match request.get_str("op") {
        Some("describe") => vec![reply(vec![("ops", ops()), done()])],
        Some("clone") => vec![reply(vec![("new-session", "s-1".into()), done()])],
        Some("eval") => {
            let value = reply(vec![("value", "2".into()), ("ns", "user".into())]);
            vec![value, reply(vec![done()])]
        }
        _ => vec![reply(vec![done()])],
    }
}
