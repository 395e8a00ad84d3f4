//! A session over a byte stream: the I/O of every [`Conversation`].
//!
//! `TCP_QUICKACK` is armed before every read. JVM servers write a value and the end of an
//! evaluation in two small packets with Nagle's algorithm on; without it the second packet waits
//! 40 ms for the delayed acknowledgement of the first.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::{Ask, Conversation, End, Garbage, Refused, Runtime, Said, Step, Unreadable};
use crate::budget::{FREE_BYTES, NoRoom, Share};
use crate::input::Inbox;
use crate::stop::Stop;

/// Read this much at once: a few large messages, without growing for each.
const READ_CHUNK: usize = 16 << 10;

/// A session with a runtime on the other end of a connection.
pub struct StreamSession {
    socket: TcpStream,
    conversation: Box<dyn Conversation>,
    input: BytesMut,
    output: BytesMut,
    steps: VecDeque<Step>,
    share: Share,
    /// Bytes that ended evaluations printed since the last one began.
    late: usize,
    /// How often the running evaluation asked for input and has none yet.
    asked_for_input: usize,
    /// The connection is of no more use; what the peer said before that still counts.
    broken: Option<Unusable>,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// Nothing listens, or it closed at once.
    #[error("no REPL at {address}: {source}; is the app up, and its REPL listening there?")]
    Connect {
        /// Where the REPL should be.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// It did not answer the greeting.
    #[error("the REPL at {address} did not answer within {}s; is it of that protocol?", .limit.as_secs())]
    Silent {
        /// Where it is.
        address: SocketAddr,
        /// How long we waited.
        limit: Duration,
    },
    /// It speaks another protocol, or says too much.
    #[error("what listens at {address} is of no use: {reason}; is it of that protocol?")]
    Unusable {
        /// Where it is.
        address: SocketAddr,
        /// What was wrong.
        reason: Unusable,
    },
}

/// How one evaluation ended, as the session saw it.
#[derive(Debug)]
pub enum Ending {
    /// The runtime said that it ended.
    Answered(End),
    /// Nothing was sent: the runtime cannot read the text.
    Unreadable(Unreadable),
    /// Stopped, and the runtime did not confirm it; the evaluation may still run.
    Unconfirmed,
    /// The connection broke; the evaluation may still run.
    Lost(Arc<str>),
}

impl Ending {
    /// Whether the session may be used again.
    pub fn keeps_session(&self) -> bool {
        match self {
            Ending::Answered(end) => {
                !matches!(end.refused, Some(Refused::Forgotten(_))) && !end.may_still_run
            }
            Ending::Unreadable(_) => true,
            Ending::Unconfirmed | Ending::Lost(_) => false,
        }
    }
}

impl StreamSession {
    /// Connects and opens a session; bounded by `limit`, its memory by `share`.
    pub async fn open(
        address: SocketAddr,
        conversation: Box<dyn Conversation>,
        share: Share,
        limit: Duration,
    ) -> Result<(StreamSession, Runtime), NotOpened> {
        let until = Instant::now() + limit;
        let silent = |_| NotOpened::Silent { address, limit };
        let connect = |source| NotOpened::Connect { address, source };
        let socket = timeout_at(until, TcpStream::connect(address)).await.map_err(silent)?;
        let socket = socket.map_err(connect)?;
        socket.set_nodelay(true).map_err(connect)?;
        let mut session = StreamSession {
            socket,
            conversation,
            input: BytesMut::new(),
            output: BytesMut::new(),
            steps: VecDeque::new(),
            share,
            late: 0,
            asked_for_input: 0,
            broken: None,
        };
        session.conversation.open(&mut session.output);
        let opened = timeout_at(until, session.opened(address)).await.map_err(silent)?;
        opened.map(|runtime| (session, runtime))
    }

    async fn opened(&mut self, address: SocketAddr) -> Result<Runtime, NotOpened> {
        loop {
            self.flush().await.map_err(|source| NotOpened::Connect { address, source })?;
            let opened = self.steps.drain(..).find_map(|step| match step {
                Step::Opened(runtime) => Some(runtime),
                _ => None,
            });
            if let Some(runtime) = opened.filter(|_| self.broken.is_none()) {
                return Ok(runtime);
            }
            self.read().await.map_err(|broken| match broken {
                Broken::Io(source) => NotOpened::Connect { address, source },
                Broken::Unusable(reason) => NotOpened::Unusable { address, reason },
            })?;
        }
    }

    /// Evaluates; what the runtime says goes to `said`, and a slow receiver slows the runtime down.
    ///
    /// It reads from `inbox`. `stop` asks for an interrupt; the runtime gets `grace` to confirm it.
    pub async fn evaluate(
        &mut self,
        ask: &Ask,
        said: &mpsc::Sender<Said>,
        inbox: &Inbox,
        stop: &mut Stop,
        grace: Duration,
    ) -> Ending {
        if let Err(unreadable) = self.conversation.evaluate(ask, &mut self.output) {
            return Ending::Unreadable(unreadable);
        }
        self.asked_for_input = 0;
        self.tell_late_output(said).await;
        let answered = tokio::select! {
            ending = self.until_ended(said, inbox) => Some(ending),
            () = stop.asked() => None,
        };
        match answered {
            Some(ending) => ending,
            None => self.interrupt(said, inbox, grace).await,
        }
    }

    async fn interrupt(
        &mut self,
        said: &mpsc::Sender<Said>,
        inbox: &Inbox,
        grace: Duration,
    ) -> Ending {
        self.conversation.interrupt(&mut self.output);
        let confirmed = tokio::time::timeout(grace, self.until_ended(said, inbox)).await;
        confirmed.unwrap_or(Ending::Unconfirmed)
    }

    /// Whether it can evaluate within a function of the app.
    pub fn evaluates_within(&self) -> bool {
        self.conversation.evaluates_within()
    }

    /// Whether the peer still holds the connection; what it sent unasked waits for the next read.
    pub fn is_connected(&mut self) -> bool {
        match self.socket.try_read_buf(&mut self.input) {
            _ if self.broken.is_some() => false,
            Ok(bytes) => bytes > 0,
            Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }

    /// Says good-bye and closes the connection.
    pub async fn close(mut self, limit: Duration) {
        self.conversation.close(&mut self.output);
        let goodbye = async {
            self.flush().await?;
            // A server that answers into a closed socket writes a stack trace into the app's log.
            while !self.steps.contains(&Step::Closed) && self.read().await.is_ok() {}
            self.socket.shutdown().await
        };
        // The app may be gone already: then there is nobody to say good-bye to.
        let _ = tokio::time::timeout(limit, goodbye).await;
    }

    /// Runs until the evaluation ended. May be dropped between any two steps: what was received
    /// stays in `steps` and `input`, what is to be sent stays in `output`.
    async fn until_ended(&mut self, said: &mpsc::Sender<Said>, inbox: &Inbox) -> Ending {
        loop {
            if let Err(error) = self.flush().await {
                return Ending::Lost(error.to_string().into());
            }
            while !self.steps.is_empty() {
                // A place in the channel first: a dropped future must not lose a step.
                let Ok(place) = said.reserve().await else {
                    return Ending::Lost("nobody listens any more".into());
                };
                match self.steps.pop_front() {
                    Some(Step::Said(saying)) => {
                        self.asked_for_input += usize::from(saying == Said::NeedInput);
                        place.send(self.let_go(saying));
                    }
                    Some(Step::Late(bytes)) => self.late += bytes,
                    Some(Step::Ended(end)) => return Ending::Answered(end),
                    Some(Step::Opened(_) | Step::Closed) | None => {}
                }
            }
            let read = tokio::select! {
                line = inbox.line(), if self.asked_for_input > 0 => {
                    self.asked_for_input -= 1;
                    self.conversation.input(&line, &mut self.output);
                    Ok(())
                }
                read = self.read() => read,
            };
            if let Err(broken) = read {
                return Ending::Lost(broken.to_string().into());
            }
        }
    }

    async fn tell_late_output(&mut self, said: &mpsc::Sender<Said>) {
        if self.late > 0 {
            let text = format!("{} bytes printed late by an earlier evaluation dropped", self.late);
            self.late = 0;
            // A receiver that is gone ends the evaluation at its next step.
            let _ = said.send(Said::Notice(text.into())).await;
        }
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        while !self.output.is_empty() {
            self.socket.write_buf(&mut self.output).await?;
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<(), Broken> {
        if let Some(unusable) = &self.broken {
            return Err(Broken::Unusable(unusable.clone()));
        }
        arm_quick_ack(&self.socket);
        self.input.reserve(READ_CHUNK);
        if self.socket.read_buf(&mut self.input).await? == 0 {
            return Err(Broken::Io(std::io::ErrorKind::UnexpectedEof.into()));
        }
        self.broken = self.receive().err();
        Ok(())
    }

    fn receive(&mut self) -> Result<(), Unusable> {
        let Self { input, output, steps, conversation, .. } = self;
        conversation.receive(input, output, steps)?;
        Ok(self.hold()?)
    }

    fn hold(&mut self) -> Result<(), NoRoom> {
        let waiting: usize = self.steps.iter().map(Step::bytes).sum();
        self.share.hold(self.input.len() + self.conversation.held() + waiting)
    }

    /// A large text counts by itself from now on, until its reader has it.
    fn let_go(&mut self, saying: Said) -> Said {
        if let Said::Value { text, .. } = &saying
            && text.len() > FREE_BYTES
        {
            // Less than before is always given.
            let _ = self.hold();
            self.share.passes_on(text);
        }
        saying
    }
}

/// Why a REPL is of no more use on this connection.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unusable {
    /// It does not speak the protocol, or beyond its bounds.
    #[error("the REPL broke its protocol: {0}")]
    Garbage(#[from] Garbage),
    /// Its answers are too large at this time.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

/// Why nothing more can be read.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the connection to the REPL broke: {0}")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Unusable(Unusable),
}

#[cfg(target_os = "linux")]
pub(crate) fn arm_quick_ack(socket: &TcpStream) {
    // A hint: where the system refuses it, answers come later, and that is all.
    let _ = socket2::SockRef::from(socket).set_tcp_quickack(true);
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn arm_quick_ack(_socket: &TcpStream) {}
