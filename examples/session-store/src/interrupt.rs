use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prepl_bencode::Value;
use steel::steel_vm::ThreadStateController;

use crate::reply::Reply;

/// Ends the running evaluation of one session.
///
/// Steel looks for an interrupt before each instruction; our own `sleep-ms` waits for it. A
/// built-in function of Steel that computes for long is ended only when it returns, and only
/// then the interrupt is answered: `interrupted` here means stopped.
#[derive(Default)]
pub(crate) struct Interrupt {
    state: Mutex<State>,
    asked: Condvar,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    engine: Option<ThreadStateController>,
}

struct Running {
    id: Option<Value>,
    asked: bool,
    askers: Vec<Reply>,
}

/// Why there was nothing to interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotInterrupted {
    /// No evaluation runs.
    Idle,
    /// Another evaluation runs.
    OtherId,
}

impl Interrupt {
    /// From here on an interrupt reaches this engine.
    pub(crate) fn reach(&self, engine: ThreadStateController) {
        self.lock().engine = Some(engine);
    }

    /// An evaluation begins.
    pub(crate) fn begin(&self, id: Option<Value>) {
        self.lock().running = Some(Running { id, asked: false, askers: Vec::new() });
    }

    /// The evaluation ended; gives the replies to those who asked for that, if anybody did.
    pub(crate) fn end(&self) -> Option<Vec<Reply>> {
        let mut state = self.lock();
        if let Some(engine) = &state.engine {
            engine.resume();
        }
        state.running.take().filter(|running| running.asked).map(|running| running.askers)
    }

    /// Asks the running evaluation to end; the reply is sent when it has.
    pub(crate) fn ask(&self, id: Option<&Value>, reply: Reply) -> Result<(), NotInterrupted> {
        let mut state = self.lock();
        let running = state.running.as_mut().ok_or(NotInterrupted::Idle)?;
        if id.is_some() && id != running.id.as_ref() {
            return Err(NotInterrupted::OtherId);
        }
        running.askers.push(reply);
        self.stop(&mut state);
        Ok(())
    }

    /// Ends whatever runs, with nobody to tell.
    pub(crate) fn stop_anything(&self) {
        self.stop(&mut self.lock());
    }

    /// Whether the running evaluation was asked to end.
    pub(crate) fn is_asked(&self) -> bool {
        self.lock().running.as_ref().is_some_and(|running| running.asked)
    }

    /// Waits; says whether an interrupt came before the time was over.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let not_asked = |state: &mut State| !state.running.as_ref().is_some_and(|it| it.asked);
        let waited = self.asked.wait_timeout_while(self.lock(), time, not_asked);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn stop(&self, state: &mut State) {
        if let Some(running) = &mut state.running {
            running.asked = true;
            if let Some(engine) = &state.engine {
                engine.interrupt();
            }
            self.asked.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
