//! What runs in a session now, and how it is reached while it runs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use prepl_bencode::Value;
use tokio::sync::mpsc;

use super::reply::Replies;

/// Orders that wait for one evaluation; a client that sends more is not heard.
const MAX_ORDERS: usize = 64;

/// Something for the evaluation that runs.
#[derive(Debug)]
pub enum Order {
    /// End it; whoever asks is told when it has ended.
    Interrupt(Option<Replies>),
    /// Input that it may read; empty is the end of it.
    Input(Bytes, Replies),
}

/// The one evaluation that runs in a session, if there is one.
#[derive(Debug, Default)]
pub struct Turn(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Evaluations that were asked for before the last interrupt do not begin any more.
    interrupts: u64,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    id: Option<Value>,
    orders: mpsc::Sender<Order>,
}

/// How many interrupts there were when something was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// What becomes of an interrupt.
#[derive(Debug)]
pub enum Interrupted {
    /// It is on its way; who asked is told later.
    Asked,
    /// Nothing runs that could take it.
    Idle(Replies),
    /// Something else runs.
    Other(Replies),
}

impl Turn {
    /// Now, in interrupts.
    pub fn now(&self) -> Moment {
        Moment(self.state().interrupts)
    }

    /// Begins the evaluation of this id, unless it was asked for before the last interrupt.
    pub fn begin(&self, asked: Moment, id: Option<Value>) -> Option<mpsc::Receiver<Order>> {
        let mut state = self.state();
        if asked < Moment(state.interrupts) {
            return None;
        }
        let (orders, receiver) = mpsc::channel(MAX_ORDERS);
        state.running = Some(Running { id, orders });
        Some(receiver)
    }

    /// Ends it; nobody reaches it any more.
    pub fn end(&self) {
        self.state().running = None;
    }

    /// Interrupts the evaluation that runs, if it has this id or none is named; those that wait
    /// behind it do not begin.
    pub fn interrupt(&self, id: Option<&Value>, replies: Replies) -> Interrupted {
        let mut state = self.state();
        let Some(running) = &state.running else { return Interrupted::Idle(replies) };
        if id.is_some() && id != running.id.as_ref() {
            return Interrupted::Other(replies);
        }
        let Ok(place) = running.orders.try_reserve() else { return Interrupted::Idle(replies) };
        place.send(Order::Interrupt(Some(replies)));
        state.interrupts += 1;
        Interrupted::Asked
    }

    /// Gives input to the evaluation that runs; gives it back when none does.
    pub fn input(&self, data: Bytes, replies: Replies) -> Result<(), (Bytes, Replies)> {
        let state = self.state();
        match state.running.as_ref().and_then(|running| running.orders.try_reserve().ok()) {
            Some(place) => {
                place.send(Order::Input(data, replies));
                Ok(())
            }
            None => Err((data, replies)),
        }
    }

    /// Ends all there is, as the session is left.
    pub fn leave(&self) {
        let mut state = self.state();
        state.interrupts += 1;
        if let Some(running) = &state.running {
            // A full line of orders has interrupts or a run that is about to end.
            let _ = running.orders.try_send(Order::Interrupt(None));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No step leaves it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies() -> Replies {
        Replies::new(mpsc::channel(1).0, None, String::new())
    }

    fn id(id: i64) -> Option<Value> {
        Some(Value::Int(id))
    }

    #[test]
    fn an_interrupt_is_for_what_runs_and_for_what_waits_behind_it() {
        let turn = Turn::default();
        assert!(matches!(turn.interrupt(None, replies()), Interrupted::Idle(_)));
        let (first, behind) = (turn.now(), turn.now());
        let mut orders = turn.begin(first, id(1)).unwrap();
        assert!(matches!(turn.interrupt(id(2).as_ref(), replies()), Interrupted::Other(_)));
        assert!(matches!(turn.interrupt(id(1).as_ref(), replies()), Interrupted::Asked));
        assert!(matches!(orders.try_recv(), Ok(Order::Interrupt(Some(_)))));
        turn.end();
        assert!(turn.begin(behind, id(2)).is_none());
        assert!(turn.begin(turn.now(), id(3)).is_some());
    }

    #[test]
    fn what_is_refused_for_its_id_holds_up_nothing() {
        let turn = Turn::default();
        let (first, behind) = (turn.now(), turn.now());
        let _orders = turn.begin(first, None);
        assert!(matches!(turn.interrupt(id(2).as_ref(), replies()), Interrupted::Other(_)));
        assert!(turn.begin(behind, id(2)).is_some());
    }

    #[test]
    fn input_is_for_what_runs_and_comes_back_otherwise() {
        let turn = Turn::default();
        let data = Bytes::from_static(b"x\n");
        assert_eq!(turn.input(data.clone(), replies()).unwrap_err().0, data);
        let mut orders = turn.begin(turn.now(), None).unwrap();
        turn.input(data.clone(), replies()).unwrap();
        assert!(matches!(orders.try_recv(), Ok(Order::Input(told, _)) if told == data));
    }

    #[test]
    fn orders_are_bounded() {
        let turn = Turn::default();
        let _orders = turn.begin(turn.now(), None);
        (0..MAX_ORDERS).for_each(|_| turn.input(Bytes::new(), replies()).unwrap());
        assert!(turn.input(Bytes::new(), replies()).is_err());
        turn.leave();
        assert!(turn.begin(Moment(0), None).is_none());
    }
}
