//! One evaluation, from its start to the hand-over of its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crate::threads::Job;
use crate::turn::{Listener, Turn};
use crate::{Bounds, Fault, Session, Stop, Value};

/// Takes the session back, and the answer.
pub(crate) type Ended = Box<dyn FnOnce(Session, Result<Value, Fault>) + Send>;

pub(crate) struct Evaluation {
    pub(crate) session: Session,
    pub(crate) text: Arc<str>,
    pub(crate) bounds: Bounds,
    pub(crate) deadline: Instant,
    pub(crate) stop: Stop,
    pub(crate) listener: Listener,
    pub(crate) ended: Ended,
}

impl Evaluation {
    /// Answers without a thread to run on.
    pub(crate) fn refuse(self) {
        (self.ended)(self.session, Err(Fault::NoThread));
    }
}

impl Job for Evaluation {
    fn run(self: Box<Self>) {
        let Self { mut session, text, bounds, deadline, stop, listener, ended } = *self;
        let memory_bytes = session.limits().memory_bytes;
        let turn = Turn::new(deadline, &bounds, memory_bytes, stop, listener);
        // What a panic leaves behind is looked through by `tidy`.
        let answer = turn.during(|| {
            catch_unwind(AssertUnwindSafe(|| session.evaluate(&text, &bounds)))
                .unwrap_or(Err(Fault::Broke))
        });
        let answer = session.tidy().and(answer);
        ended(session, answer);
    }
}
