//! An app whose evaluations end when the test says so, and which counts them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::task::AbortHandle;

const DESCRIBED: &str = "d2:id1:13:opsl5:clone4:eval9:interrupte6:status4:donee";
const CLONED: &str = "d2:id1:211:new-session1:s6:status4:donee";
/// An evaluation prints this line at its begin, and the other at its end.
const BEGUN: &str = "d2:id1:33:out6:begun\ne";
const ENDED: &str = "d2:id1:33:out6:ended\ne";
/// As Clojure does it: the interrupt throws in the evaluation, and then it has ended.
const INTERRUPTED: &str = "d2:ex17:class a.Exception2:id1:36:statusl10:eval-erroreed2:id1:36:statusl4:done11:interruptedee";
/// It waits for input.
const ASKS: &str = "d2:id1:36:status10:need-inpute";
const DONE: &str = "d2:id1:36:status4:donee";
/// Bytes that a flood writes at once.
const FLOOD: usize = 64 << 10;
/// Bytes of one large output.
const LARGE: usize = 60 << 10;

/// An nREPL server; ends when it is dropped.
#[derive(Debug)]
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    released: watch::Sender<bool>,
    seen: watch::Receiver<Seen>,
    task: AbortHandle,
}

/// What an app did.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    begun: usize,
    interrupted: usize,
    flooded: usize,
    closed: usize,
}

#[derive(Clone, Debug)]
struct Stage {
    released: watch::Receiver<bool>,
    seen: watch::Sender<Seen>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// After so many large outputs.
    Waits(usize),
    Floods(usize),
    Deaf,
    Reads(usize),
}

impl App {
    /// Every evaluation prints `begun`, waits for [`App::release`], prints `ended`, and its value is
    /// how many there were.
    pub async fn start() -> App {
        App::with(Kind::Waits(0)).await
    }

    /// The same, and prints so many times 60 KiB after `begun`.
    pub async fn printing(large: usize) -> App {
        App::with(Kind::Waits(large)).await
    }

    /// Every evaluation prints pieces of this size without end, as fast as they are taken, until
    /// it is interrupted.
    pub async fn flooding(piece: usize) -> App {
        App::with(Kind::Floods(piece)).await
    }

    /// Every evaluation prints `begun`, and nothing ends it.
    pub async fn deaf() -> App {
        App::with(Kind::Deaf).await
    }

    /// Every evaluation prints `begun`, asks for input so many times, and its value is what it got, with
    /// `|` for the ends of lines.
    pub async fn reading(times: usize) -> App {
        App::with(Kind::Reads(times)).await
    }

    async fn with(kind: Kind) -> App {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (released, waits) = watch::channel(false);
        let (sees, seen) = watch::channel(Seen::default());
        let stage = Stage { released: waits, seen: sees, kind };
        let task = tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                let (reader, writer) = peer.into_split();
                let unread = Vec::new();
                tokio::spawn(Talk { reader, writer, unread }.play(stage.clone()));
            }
        });
        App { address, released, seen, task: task.abort_handle() }
    }

    /// Lets all evaluations end, those to come too.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    /// How many evaluations have begun.
    pub fn evaluations(&self) -> usize {
        self.seen.borrow().begun
    }

    /// How many were interrupted.
    pub fn interrupts(&self) -> usize {
        self.seen.borrow().interrupted
    }

    /// Waits until an evaluation has begun.
    pub async fn until_begun(&self) {
        self.until(|seen| seen.begun > 0).await;
    }

    /// Waits until an evaluation was interrupted.
    pub async fn until_interrupted(&self) {
        self.until_interrupted_times(1).await;
    }

    /// Waits until so many were.
    pub async fn until_interrupted_times(&self, times: usize) {
        self.until(|seen| seen.interrupted >= times).await;
    }

    /// Waits until so many sessions that have evaluated were closed with a good-bye.
    pub async fn until_closed(&self, sessions: usize) {
        self.until(|seen| seen.closed == sessions).await;
    }

    /// Waits until the flood has so many bytes.
    pub async fn until_flooded(&self, bytes: usize) {
        self.until(|seen| seen.flooded >= bytes).await;
    }

    async fn until(&self, so: impl Fn(&Seen) -> bool) {
        self.seen.clone().wait_for(so).await.map(drop).expect("an app that runs");
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection: describe, clone, and one evaluation, which has the id 3.
struct Talk {
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    unread: Vec<u8>,
}

impl Talk {
    /// Ends when the peer leaves: it is the peer who is tested.
    async fn play(mut self, stage: Stage) {
        let _ = self.converse(stage).await;
    }

    async fn converse(&mut self, mut stage: Stage) -> io::Result<()> {
        for (cue, answer) in
            [("2:op8:describe", DESCRIBED), ("2:op5:clone", CLONED), ("2:op4:eval", "")]
        {
            self.hear(cue).await?;
            self.writer.write_all(answer.as_bytes()).await?;
        }
        let mut number = 0;
        stage.seen.send_modify(|seen| {
            seen.begun += 1;
            number = seen.begun;
        });
        self.writer.write_all(BEGUN.as_bytes()).await?;
        match stage.kind {
            Kind::Waits(large) => {
                self.writer.write_all(output(LARGE).repeat(large).as_bytes()).await?;
                self.evaluate(&mut stage, number).await
            }
            Kind::Floods(piece) => self.flood(&stage, piece).await,
            Kind::Deaf => self.hear("nothing at all").await,
            Kind::Reads(times) => self.read(times).await,
        }
    }

    async fn evaluate(&mut self, stage: &mut Stage, number: usize) -> io::Result<()> {
        let end = tokio::select! {
            released = stage.released.wait_for(|released| *released) => {
                released.map(drop).map_err(io::Error::other)?;
                let value = number.to_string();
                format!("{ENDED}d2:id1:32:ns4:user5:value{}:{value}e{DONE}", value.len())
            }
            heard = self.hear("2:op9:interrupt") => {
                heard?;
                stage.seen.send_modify(|seen| seen.interrupted += 1);
                INTERRUPTED.to_owned()
            }
        };
        self.writer.write_all(end.as_bytes()).await?;
        self.hear("2:op5:close").await?;
        stage.seen.send_modify(|seen| seen.closed += 1);
        self.hear("nothing any more").await
    }

    async fn read(&mut self, times: usize) -> io::Result<()> {
        let mut read = String::new();
        for _ in 0..times {
            self.writer.write_all(ASKS.as_bytes()).await?;
            read += &self.input().await?.replace('\n', "|");
        }
        let end = format!("d2:id1:32:ns4:user5:value{}:{read}e{DONE}", read.len());
        self.writer.write_all(end.as_bytes()).await?;
        self.hear("nothing any more").await
    }

    /// The text of the next input.
    async fn input(&mut self) -> io::Result<String> {
        self.hear("2:op5:stdin").await?;
        self.hear("5:stdin").await?;
        let head = loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b':') {
                break self.unread.drain(..=end).collect::<Vec<_>>();
            }
            self.reader.read_buf(&mut self.unread).await?;
        };
        let size =
            String::from_utf8_lossy(&head[..head.len() - 1]).parse().map_err(io::Error::other)?;
        while self.unread.len() < size {
            self.reader.read_buf(&mut self.unread).await?;
        }
        let text = self.unread.drain(..size).collect();
        String::from_utf8(text).map_err(io::Error::other)
    }

    async fn flood(&mut self, stage: &Stage, piece: usize) -> io::Result<()> {
        let Talk { reader, writer, unread } = self;
        let flood = output(piece).repeat(FLOOD.div_ceil(piece)).into_bytes();
        let write = async {
            loop {
                writer.write_all(&flood).await?;
                stage.seen.send_modify(|seen| seen.flooded += flood.len());
            }
        };
        tokio::select! {
            broke = write => broke,
            heard = hear(reader, unread, "2:op9:interrupt") => {
                heard?;
                stage.seen.send_modify(|seen| seen.interrupted += 1);
                Ok(())
            }
        }
    }

    async fn hear(&mut self, cue: &str) -> io::Result<()> {
        hear(&mut self.reader, &mut self.unread, cue).await
    }
}

fn output(bytes: usize) -> String {
    format!("d2:id1:33:out{bytes}:{}e", "x".repeat(bytes))
}

/// Reads up to the end of a cue. May be dropped while it waits.
async fn hear(reader: &mut OwnedReadHalf, unread: &mut Vec<u8>, cue: &str) -> io::Result<()> {
    loop {
        let at = unread.windows(cue.len()).position(|window| window == cue.as_bytes());
        if let Some(at) = at {
            unread.drain(..at + cue.len());
            return Ok(());
        }
        if reader.read_buf(unread).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
