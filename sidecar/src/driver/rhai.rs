//! Rhai: the sidecar's own engine over what it can see; there is no stream and no other process.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prepl_core::{InterruptStrength, Patience, Raised, Stream};
use prepl_script as script;
use tokio::sync::{mpsc, oneshot};

use super::stream::Ending;
use super::{Ask, End, Refused, Runtime, Said, Unreadable};
use crate::stop::Stop;

/// The session, and what it answered.
type Ended = (script::Session, Result<script::Value, script::Fault>);

/// A session of the sidecar's own engine.
pub struct RhaiSession {
    /// `None` while an evaluation that did not end in time still has it.
    session: Option<script::Session>,
}

/// What the engine is.
pub fn runtime() -> Runtime {
    Runtime {
        language: "rhai".into(),
        version: Arc::from(script::VERSION),
        interrupt: InterruptStrength::Forced,
    }
}

/// The bounds of the engine; time, values and output have the evaluation's own besides.
pub fn limits() -> script::Limits {
    let (_, longest) = prepl_core::Limits::TIME_RANGE;
    let (_, most) = prepl_core::Limits::BYTES_RANGE;
    script::Limits {
        wall: longest + Patience::INTERRUPT_GRACE,
        text_bytes: prepl_core::expression::MAX_BYTES,
        output_bytes: usize::MAX,
        value_bytes: most as usize,
        ..script::Limits::default()
    }
}

impl RhaiSession {
    /// A fresh session on the shared engine.
    pub fn new(engine: script::Engine) -> RhaiSession {
        RhaiSession { session: Some(script::Session::new(engine)) }
    }

    /// Evaluates in the engine, beside this thread if it takes more than a moment; see [`super::stream::StreamSession::evaluate`].
    pub async fn evaluate(
        &mut self,
        ask: &Ask,
        said: &mpsc::Sender<Said>,
        stop: &mut Stop,
        grace: Duration,
    ) -> Ending {
        let Some(session) = self.session.take() else { return Ending::Unconfirmed };
        let flag = script::Stop::default();
        // Whoever stops it should be the one who says why; this is for the case that nobody does.
        let wall = stop.deadline().duration_since(tokio::time::Instant::now()) + grace;
        let mut work = start(session, ask, wall, said.clone(), flag.clone());
        let ended = tokio::select! {
            // Most have ended by now, and need no timer.
            biased;
            ended = &mut work => ended,
            () = stop.asked() => {
                flag.stop();
                match tokio::time::timeout(grace, &mut work).await {
                    Ok(ended) => ended,
                    Err(_) => return Ending::Unconfirmed,
                }
            }
        };
        match ended {
            Ok((session, answer)) => {
                self.session = Some(session);
                ending(answer, said).await
            }
            Err(broken) => Ending::Lost(broken.to_string().into()),
        }
    }
}

fn start(
    session: script::Session,
    ask: &Ask,
    wall: Duration,
    said: mpsc::Sender<Said>,
    flag: script::Stop,
) -> oneshot::Receiver<Ended> {
    let bounds = script::Bounds {
        wall,
        // The receiver cuts it, and tells how much there was.
        output_bytes: usize::MAX,
        value_bytes: ask.value_bytes as usize,
        read_only: ask.read_only.is_some(),
    };
    let (to_session, by_engine) = oneshot::channel();
    let gone = flag.clone();
    let listener = move |printed| {
        if said.blocking_send(saying(printed)).is_err() {
            gone.stop();
        }
    };
    session.start(
        ask.expression.as_str().into(),
        bounds,
        flag,
        listener,
        move |session, answer| {
            // Without a receiver, the evaluation was given up.
            let _ = to_session.send((session, answer));
        },
    );
    by_engine
}

async fn ending(answer: Result<script::Value, script::Fault>, said: &mpsc::Sender<Said>) -> Ending {
    let (last, end) = match answer {
        Ok(value) => {
            let truncated = value.truncated;
            (Said::Value { text: value.text.into(), truncated }, End::default())
        }
        Err(fault) => match fault {
            script::Fault::Unreadable { .. } => {
                return Ending::Unreadable(Unreadable(fault.to_string().into()));
            }
            script::Fault::NoThread => {
                let refused = Some(Refused::Runtime(fault.to_string().into()));
                return Ending::Answered(End { refused, ..End::default() });
            }
            script::Fault::Stopped | script::Fault::TimedOut(_) => {
                return Ending::Answered(End { interrupted: true, ..End::default() });
            }
            fault => (Said::Raised(raised(&fault)), End { raised: true, ..End::default() }),
        },
    };
    // The receiver waits for this session's end, and is gone only with the sidecar.
    let _ = said.send(last).await;
    Ending::Answered(end)
}

fn saying(said: script::Said) -> Said {
    match said {
        script::Said::Printed(text) => Said::Output(Stream::Out, Bytes::from(text + "\n")),
        script::Said::Cut => Said::Notice("output cut; raise --limit-bytes for more".into()),
    }
}

fn raised(fault: &script::Fault) -> Raised {
    let class = match fault {
        script::Fault::Threw { value: Some(_), .. } => "throw",
        script::Fault::TooMuch(_) => "limit",
        _ => "error",
    };
    Raised {
        class: class.into(),
        message: fault.to_string().into(),
        phase: "execution".into(),
        trace: Vec::new(),
    }
}
