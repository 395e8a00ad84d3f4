//! One session on one connection: `describe`, `clone`, then one evaluation after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::BytesMut;
use prepl_bencode::Decoder;
use prepl_core::{InterruptStrength, Origin};

use super::WORN_AFTER;
use super::codec::{
    LEAST_KEPT, LEAST_QUOTA, MAX_MESSAGE, MOST_QUOTA, Ops, Printing, Reply, Request, Server,
};
use super::read_only;
use super::running::Running;
use crate::budget::MAX_VALUE;
use crate::driver::{Ask, Conversation, End, Garbage, Runtime, Step, Unreadable};

/// A session with an nREPL server.
pub struct Nrepl {
    decoder: Decoder,
    phase: Phase,
    /// The last id given to a request; ids are never used twice on a connection.
    last_id: u64,
    /// Evaluations in the server's session so far.
    evaluations: u32,
    /// Where the session is, as the server last said; a clone begins in `user`, and is told with
    /// each evaluation where it is to be.
    here: Option<Arc<str>>,
    is_clone: bool,
    /// An evaluation that waits for the clone of a worn session.
    renewing: Option<Renewing>,
    server: Server,
    /// `None` with servers that know no sessions.
    session: Option<Arc<str>>,
    running: Option<Running>,
}

struct Renewing {
    /// Of the request for the clone.
    id: u64,
    ask: Ask,
    /// It was to be stopped before it began.
    interrupted: bool,
}

enum Phase {
    Unopened,
    /// Waits for the end of the answer to `describe` with this id.
    Describing(u64),
    /// Waits for the answer to `clone` with this id.
    Cloning(u64),
    Open,
    /// Waits for the answer to `close` with this id.
    Closing(u64),
}

fn decoder() -> Decoder {
    let mut decoder = Decoder::new(MAX_MESSAGE);
    decoder.keep_of_each_string(LEAST_KEPT);
    decoder
}

impl Default for Nrepl {
    fn default() -> Nrepl {
        Nrepl {
            decoder: decoder(),
            phase: Phase::Unopened,
            last_id: 0,
            evaluations: 0,
            here: None,
            is_clone: false,
            renewing: None,
            server: Server::default(),
            session: None,
            running: None,
        }
    }
}

impl Nrepl {
    /// A session that is not open yet.
    pub fn new() -> Nrepl {
        Nrepl::default()
    }

    fn send(&mut self, request: Request<'_>, out: &mut BytesMut) -> u64 {
        self.last_id += 1;
        request.encode(self.last_id, out);
        self.last_id
    }

    fn is_clojure(&self) -> bool {
        &*self.server.language == "clojure"
    }

    /// Why the text cannot be read, in a language whose delimiters are known.
    fn flaw(&self, code: &str) -> Option<prepl_reader::Flaw> {
        let known = match &*self.server.language {
            "clojure" => true,
            // The same delimiters, but for `|symbols|` and `#| comments |#`.
            "steel" => !code.contains('|'),
            _ => false,
        };
        if known { prepl_reader::flaw(code) } else { None }
    }

    fn take(
        &mut self,
        reply: Reply,
        out: &mut BytesMut,
        steps: &mut VecDeque<Step>,
    ) -> Result<(), Garbage> {
        match self.phase {
            Phase::Describing(id) if reply.id == Some(id) => self.described(reply, out, steps),
            Phase::Cloning(id) if reply.id == Some(id) => self.cloned(reply, steps),
            Phase::Open if self.renewing.as_ref().is_some_and(|new| reply.id == Some(new.id)) => {
                self.renewed(&reply, out);
                Ok(())
            }
            Phase::Open => {
                self.answered(reply, steps);
                Ok(())
            }
            Phase::Closing(id) if reply.id == Some(id) => {
                steps.push_back(Step::Closed);
                Ok(())
            }
            Phase::Unopened | Phase::Describing(_) | Phase::Cloning(_) | Phase::Closing(_) => {
                Ok(())
            }
        }
    }

    fn described(
        &mut self,
        reply: Reply,
        out: &mut BytesMut,
        steps: &mut VecDeque<Step>,
    ) -> Result<(), Garbage> {
        let done = reply.status.is_done();
        self.server = reply.server.unwrap_or(std::mem::take(&mut self.server));
        match self.server.ops {
            _ if !done => {}
            Some(Ops { eval: false, .. }) => {
                return Err(Garbage("the nREPL server does not offer the operation eval".into()));
            }
            Some(Ops { clone: false, .. }) => self.opened(steps),
            // A server that cannot describe itself may still make sessions.
            Some(Ops { clone: true, .. }) | None => {
                self.phase = Phase::Cloning(self.send(Request::Clone { from: None }, out));
            }
        }
        Ok(())
    }

    /// Goes on in the clone; where the server makes none, in the session that there is.
    fn renewed(&mut self, reply: &Reply, out: &mut BytesMut) {
        if let Some(clone) = &reply.new_session
            && let Some(worn) = self.session.replace(Arc::clone(clone))
        {
            self.is_clone = true;
            self.send(Request::Close { session: &worn }, out);
        } else if !reply.status.is_done() {
            return;
        }
        self.evaluations = 0;
        if let Some(Renewing { ask, interrupted, .. }) = self.renewing.take() {
            self.begin(&ask, out);
            if interrupted {
                self.interrupt(out);
            }
        }
    }

    fn begin(&mut self, ask: &Ask, out: &mut BytesMut) {
        let code = ask.expression.as_str();
        let session = self.session.clone();
        let here = self.here.clone().filter(|_| self.is_clone);
        let form = ask.function().map(|function| read_only::form(ask, function));
        let quota = match form {
            Some(_) => MOST_QUOTA,
            None => ask.value_bytes.clamp(LEAST_QUOTA, MOST_QUOTA),
        };
        let printing = Printing { quota, throwable: self.is_clojure() };
        let request = match (&ask.origin, &form) {
            (Origin::File(file), None) => {
                Request::LoadFile { session: session.as_deref(), text: code, file, printing }
            }
            (origin, form) => Request::Eval {
                session: session.as_deref(),
                code: form.as_deref().unwrap_or(code),
                namespace: ask.namespace.as_deref().or(here.as_deref()),
                // The text of a form of ours stands in it as a string.
                place: origin.place().filter(|_| form.is_none()),
                printing,
            },
        };
        let id = self.send(request, out);
        self.decoder.keep_of_each_string(kept_of_each_string(ask));
        self.evaluations = self.evaluations.saturating_add(1);
        self.running = Some(Running::new(id, ask));
    }

    fn cloned(&mut self, reply: Reply, steps: &mut VecDeque<Step>) -> Result<(), Garbage> {
        let done = reply.status.is_done();
        match reply.new_session {
            Some(session) => self.session = Some(session),
            None if !done => return Ok(()),
            None if reply.status.has("unknown-op") => {}
            None => {
                let words = reply.status.in_words();
                return Err(Garbage(format!("the nREPL server made no session: {words}").into()));
            }
        }
        self.opened(steps);
        Ok(())
    }

    fn opened(&mut self, steps: &mut VecDeque<Step>) {
        self.phase = Phase::Open;
        let can_interrupt = self.server.ops.is_some_and(|ops| ops.interrupt);
        steps.push_back(Step::Opened(Runtime {
            language: self.server.language.clone(),
            version: self.server.version.clone(),
            interrupt: if can_interrupt {
                InterruptStrength::Cooperative
            } else {
                InterruptStrength::None
            },
        }));
    }

    /// A reply to the running evaluation, or to something that is over.
    fn answered(&mut self, reply: Reply, steps: &mut VecDeque<Step>) {
        match self.running.take_if(|running| reply.id == Some(running.id)) {
            Some(mut running) => {
                if !running.take(reply, steps) {
                    self.running = Some(running);
                } else if let Some(Step::Ended(End { namespace: Some(there), .. })) = steps.back()
                    && running.is_in_the_sessions_own()
                {
                    self.here = Some(Arc::clone(there));
                }
            }
            None => steps.extend(late(&reply, self.last_id).map(Step::Late)),
        }
    }
}

/// One byte more than the limits, so that a cut is seen, and as many as a character may have.
fn kept_of_each_string(ask: &Ask) -> usize {
    let values = ask.function().map_or(ask.value_bytes, |_| MOST_QUOTA);
    let limits = values.max(ask.output_bytes).min(MAX_VALUE);
    (limits as usize + 4).max(LEAST_KEPT)
}

/// Bytes that an evaluation of ours printed after its end; 0 bytes are not worth a word.
fn late(reply: &Reply, last_id: u64) -> Option<usize> {
    let ours = reply.id.is_some_and(|id| (1..=last_id).contains(&id));
    let printed = [&reply.out, &reply.err].into_iter().flatten().map(|bytes| bytes.len()).sum();
    (ours && printed > 0).then_some(printed)
}

impl Conversation for Nrepl {
    fn open(&mut self, out: &mut BytesMut) {
        self.phase = Phase::Describing(self.send(Request::Describe, out));
    }

    fn evaluates_within(&self) -> bool {
        self.is_clojure()
    }

    fn evaluate(&mut self, ask: &Ask, out: &mut BytesMut) -> Result<(), Unreadable> {
        let code = ask.expression.as_str();
        if let Some(flaw) = self.flaw(code) {
            return Err(Unreadable::of(flaw, &ask.origin));
        }
        match self.session.clone().filter(|_| self.evaluations >= WORN_AFTER) {
            Some(worn) => {
                let id = self.send(Request::Clone { from: Some(&worn) }, out);
                self.renewing = Some(Renewing { id, ask: ask.clone(), interrupted: false });
            }
            None => self.begin(ask, out),
        }
        Ok(())
    }

    fn input(&mut self, line: &[u8], out: &mut BytesMut) {
        let session = self.session.clone();
        self.send(Request::Input { session: session.as_deref(), line }, out);
    }

    /// Nothing is sent to servers that cannot interrupt, nor when the end has come already.
    ///
    /// The answer to it has an id of its own and tells nothing that the evaluation's end does not:
    /// `session-idle` and `interrupt-id-mismatch` mean that the end is on its way.
    fn interrupt(&mut self, out: &mut BytesMut) {
        if let Some(waits) = &mut self.renewing {
            waits.interrupted = true;
            return;
        }
        let can_interrupt = self.server.ops.is_some_and(|ops| ops.interrupt);
        let Some(running) = self.running.as_mut().filter(|_| can_interrupt) else { return };
        running.interrupted();
        let (session, evaluation) = (self.session.clone(), running.id);
        self.send(Request::Interrupt { session: session.as_deref(), evaluation }, out);
    }

    fn close(&mut self, out: &mut BytesMut) {
        if let Some(session) = self.session.take() {
            self.phase = Phase::Closing(self.send(Request::Close { session: &session }, out));
        }
    }

    fn held(&self) -> usize {
        self.decoder.held() + self.running.as_ref().map_or(0, Running::held)
    }

    fn receive(
        &mut self,
        input: &mut BytesMut,
        out: &mut BytesMut,
        steps: &mut VecDeque<Step>,
    ) -> Result<(), Garbage> {
        let malformed = |malformed: prepl_bencode::Malformed| Garbage(malformed.to_string().into());
        while let Some(message) = self.decoder.decode(input).map_err(malformed)? {
            let no_dict = || Garbage("a message of the nREPL server is no dict".into());
            let mut reply = Reply::read(message).ok_or_else(no_dict)?;
            reply.left_out = self.decoder.left_out();
            self.take(reply, out, steps)?;
        }
        Ok(())
    }
}
