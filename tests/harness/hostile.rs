//! REPLs that say what a script tells them, and misbehave on purpose.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Bytes that a flood writes at once.
const FLOOD: usize = 64 << 10;

/// What a REPL does on each connection: cues with the answers to them, and then the rest.
#[derive(Clone, Debug, Default)]
pub struct Conduct {
    script: Vec<(Vec<u8>, Vec<u8>)>,
    then: Then,
}

#[derive(Clone, Debug, Default)]
enum Then {
    #[default]
    Silence,
    Closes,
    Floods(Vec<u8>),
}

impl Conduct {
    /// Says nothing.
    pub fn silent() -> Conduct {
        Conduct::default()
    }

    /// Greets like an nREPL server; its evaluation will have the id 3.
    pub fn nrepl() -> Conduct {
        Conduct::silent()
            .on("2:op8:describe", "d2:id1:13:opsl5:clone4:eval9:interrupte6:status4:donee")
            .on("2:op5:clone", "d2:id1:211:new-session1:s6:status4:donee")
    }

    /// Greets like an upgraded socket REPL; its evaluation will have the id 1.
    pub fn clojure() -> Conduct {
        Conduct::silent().says("\u{1}- hello 1 MS4xMi42 MTc=\n")
    }

    /// An nREPL server to which everything has this value.
    pub fn nrepl_value(value: &str) -> Conduct {
        let length = value.len();
        let value = format!("d2:id1:32:ns4:user5:value{length}:{value}e");
        Conduct::nrepl().on_eval(value + "d2:id1:36:status4:donee")
    }

    /// An nREPL server on which everything throws.
    pub fn nrepl_throws() -> Conduct {
        let thrown = "d2:ex17:class a.Exception2:id1:36:statusl10:eval-erroree";
        Conduct::nrepl().on_eval(format!("{thrown}d2:id1:36:status4:donee"))
    }

    /// Waits for a cue and answers.
    pub fn on(mut self, cue: impl AsRef<[u8]>, answer: impl AsRef<[u8]>) -> Conduct {
        self.script.push((cue.as_ref().to_vec(), answer.as_ref().to_vec()));
        self
    }

    /// Answers an evaluation of either protocol.
    pub fn on_eval(self, answer: impl AsRef<[u8]>) -> Conduct {
        let greets_nrepl = self.script.iter().any(|(cue, _)| cue.starts_with(b"2:op"));
        self.on(if greets_nrepl { "2:op4:eval" } else { "E 1 " }, answer)
    }

    /// Says something unasked.
    pub fn says(self, text: impl AsRef<[u8]>) -> Conduct {
        self.on("", text)
    }

    /// Closes the connection then.
    pub fn closes(mut self) -> Conduct {
        self.then = Then::Closes;
        self
    }

    /// Says this then, over and over, as fast as it is taken.
    pub fn floods(mut self, text: impl AsRef<[u8]>) -> Conduct {
        let text = text.as_ref();
        self.then = Then::Floods(text.repeat(FLOOD.div_ceil(text.len())));
        self
    }
}

/// A scripted REPL; ends when it is dropped.
#[derive(Debug)]
pub struct Hostile {
    /// Where it listens.
    pub address: SocketAddr,
    conduct: watch::Sender<Conduct>,
    heard: watch::Receiver<usize>,
    task: AbortHandle,
}

impl Hostile {
    /// Starts one.
    pub async fn start(conduct: Conduct) -> Hostile {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (conduct, conducted) = watch::channel(conduct);
        let (hears, heard) = watch::channel(0);
        let task = tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                tokio::spawn(behave(peer, conducted.clone(), hears.clone()));
            }
        });
        Hostile { address, conduct, heard, task: task.abort_handle() }
    }

    /// Closes all connections and behaves otherwise on the next.
    pub fn turn(&self, conduct: Conduct) {
        self.conduct.send_replace(conduct);
    }

    /// Waits until a connection has heard the last cue of its script.
    pub async fn heard_all(&self) {
        let cues = self.conduct.borrow().script.len();
        let heard = self.heard.clone().wait_for(|heard| *heard >= cues).await.map(|heard| *heard);
        heard.expect("a REPL that runs");
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn behave(
    peer: TcpStream,
    mut conducted: watch::Receiver<Conduct>,
    hears: watch::Sender<usize>,
) {
    let conduct = conducted.borrow_and_update().clone();
    tokio::select! {
        () = play(peer, conduct, hears) => {}
        _ = conducted.changed() => {}
    }
}

/// Ends when the peer leaves: it is the peer who is tested.
async fn play(mut peer: TcpStream, conduct: Conduct, hears: watch::Sender<usize>) {
    let mut unread = Vec::new();
    for (number, (cue, answer)) in conduct.script.iter().enumerate() {
        if !hear(&mut peer, &mut unread, cue).await {
            return;
        }
        hears.send_modify(|heard| *heard = (*heard).max(number + 1));
        if peer.write_all(answer).await.is_err() {
            return;
        }
    }
    match conduct.then {
        Then::Silence => while hear_more(&mut peer, &mut Vec::new()).await {},
        Then::Closes => {}
        Then::Floods(bytes) => while peer.write_all(&bytes).await.is_ok() {},
    }
}

async fn hear(peer: &mut TcpStream, unread: &mut Vec<u8>, cue: &[u8]) -> bool {
    loop {
        let at = unread.windows(cue.len().max(1)).position(|window| window == cue);
        match at {
            _ if cue.is_empty() => return true,
            Some(at) => {
                unread.drain(..at + cue.len());
                return true;
            }
            None if !hear_more(peer, unread).await => return false,
            None => {}
        }
    }
}

async fn hear_more(peer: &mut TcpStream, unread: &mut Vec<u8>) -> bool {
    matches!(peer.read_buf(unread).await, Ok(1..))
}
