//! Replicas that follow a script, in place of sidecars.

#![expect(clippy::unwrap_used, reason = "a script that is wrong is a failed test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prepl_core::ports::{Connect, Events, Line};
use prepl_core::{
    Description, Done, Evaluation, Event, Expression, Input, Limits, Origin, Outcome, Patience,
    Reason, Replica, ReplicaId, RequestId, RunId, Selection, SessionName, Stream, Value, Workload,
};
use prepl_fanout::Plan;
use tokio::sync::watch;

/// How a scripted replica behaves.
#[derive(Clone, Debug)]
pub enum Script {
    /// Answers with this value after so many milliseconds.
    Answers(&'static str, u64),
    /// Sends so many kilobytes of output, one by one, and then answers.
    Floods(usize),
    /// Raises.
    Raises,
    /// Cannot be connected.
    Unreachable,
    /// Never gets connected.
    ConnectsNever,
    /// Takes the evaluation and is silent, also when interrupted.
    Silent,
    /// Takes the evaluation and ends when interrupted.
    Interruptible,
    /// Takes the evaluation, and answers with all its input when that has ended.
    Reads,
    /// Takes the evaluation, and no input.
    ReadsNothing,
    /// Ends the stream without an outcome.
    EndsEarly,
    /// Breaks the stream in the middle.
    Breaks,
    /// Panics inside the connection's code.
    Panics,
}

/// A fleet of scripted replicas that counts how many are at work.
#[derive(Debug, Default)]
pub struct Fleet {
    pub scripts: Vec<Script>,
    pub at_work: AtomicUsize,
    pub most_at_work: AtomicUsize,
}

pub fn selection(count: usize) -> Selection {
    let replica = |index: usize| Replica {
        id: ReplicaId {
            namespace: "shop".into(),
            name: format!("api-{index}").into(),
            uid: index.to_string().into(),
        },
        workload: Workload { kind: "deployment".into(), name: "api".into() },
        labels: Default::default(),
        node: "".into(),
        zone: "".into(),
        version: "".into(),
        container: "".into(),
        address: "127.0.0.1:1".into(),
    };
    Selection::of((0..count).map(replica).collect())
}

pub fn plan() -> Plan {
    Plan {
        run: RunId::from_random([1; 5]),
        request: RequestId::from_random([1; 16]),
        recall: false,
        read_only: false,
        interactive: false,
        expression: Expression::new("(count-sessions)").unwrap(),
        origin: Origin::Typed,
        session: None,
        namespace: None,
        limits: Limits::new(Duration::from_secs(10), 1 << 20, 1 << 20).unwrap(),
        patience: Patience::default(),
        width: prepl_fanout::plan::DEFAULT_WIDTH,
        barrier: false,
    }
}

pub struct Scripted {
    script: Script,
    interrupted: watch::Sender<bool>,
    read: watch::Sender<Vec<Input>>,
    fleet: Arc<Fleet>,
}

pub struct Playing {
    script: Script,
    sent: usize,
    interrupted: watch::Receiver<bool>,
    read: watch::Receiver<Vec<Input>>,
    _at_work: AtWork,
}

struct AtWork(Arc<Fleet>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, Ordering::SeqCst);
    }
}

pub struct Connector(pub Arc<Fleet>);

impl Connect for Connector {
    type Line = Scripted;

    async fn connect(&self, replica: &Replica) -> Result<Scripted, Outcome> {
        let script = self.0.scripts[replica.id.uid.parse::<usize>().unwrap()].clone();
        match script {
            Script::Unreachable => Err(Outcome::Unreachable(Reason::new("nothing listens"))),
            Script::ConnectsNever => std::future::pending().await,
            Script::Panics => panic!("scripted"),
            script => {
                let interrupted = watch::channel(false).0;
                let read = watch::channel(Vec::new()).0;
                Ok(Scripted { script, interrupted, read, fleet: Arc::clone(&self.0) })
            }
        }
    }
}

impl Line for Scripted {
    type Events = Playing;

    async fn evaluate(&self, _: Evaluation) -> Result<Playing, Outcome> {
        let now = self.fleet.at_work.fetch_add(1, Ordering::SeqCst) + 1;
        self.fleet.most_at_work.fetch_max(now, Ordering::SeqCst);
        Ok(Playing {
            script: self.script.clone(),
            sent: 0,
            interrupted: self.interrupted.subscribe(),
            read: self.read.subscribe(),
            _at_work: AtWork(Arc::clone(&self.fleet)),
        })
    }

    async fn interrupt(&self, _: RequestId) {
        self.interrupted.send_replace(true);
    }

    async fn input(&self, _: RequestId, uid: &str, input: &Input) -> Result<(), Reason> {
        if matches!(self.script, Script::ReadsNothing) {
            return Err(Reason::new(format!("replica {uid} does not read")));
        }
        self.read.send_modify(|read| read.push(input.clone()));
        Ok(())
    }

    async fn end_session(&self, _: &SessionName) -> bool {
        false
    }

    async fn describe(&self) -> Result<Description, Outcome> {
        Err(Outcome::Unreachable(Reason::new("not scripted")))
    }
}

fn done(outcome: Outcome) -> Option<Result<Event, Outcome>> {
    Some(Ok(Event::Done(Done::without_answer(outcome))))
}

fn value(text: &str) -> Option<Result<Event, Outcome>> {
    Some(Ok(Event::Value(Value { form: 0, text: text.into(), truncated: false })))
}

impl Events for Playing {
    async fn next(&mut self) -> Option<Result<Vec<Event>, Outcome>> {
        self.one().await.map(|event| event.map(|event| vec![event]))
    }
}

impl Playing {
    async fn one(&mut self) -> Option<Result<Event, Outcome>> {
        let turn = self.sent;
        self.sent += 1;
        match (&self.script, turn) {
            (_, 0) => Some(Ok(Event::Started)),
            (Script::Answers(text, after), 1) => {
                tokio::time::sleep(Duration::from_millis(*after)).await;
                value(text)
            }
            (Script::Answers(..), _) => done(Outcome::Ok),
            (Script::Floods(kilobytes), turn) if turn <= *kilobytes => {
                let bytes = vec![b'x'; 1024].into();
                Some(Ok(Event::Output { stream: Stream::Out, bytes }))
            }
            (Script::Floods(kilobytes), turn) if turn == kilobytes + 1 => value("flooded"),
            (Script::Floods(_), _) => done(Outcome::Ok),
            (Script::Reads, 1) => {
                let ended = |read: &Vec<Input>| read.last().is_some_and(Input::is_last);
                let read = self.read.wait_for(ended).await.unwrap();
                let bytes: Vec<u8> = read.iter().flat_map(|one| one.data().to_vec()).collect();
                value(&String::from_utf8(bytes).unwrap())
            }
            (Script::Reads, _) => done(Outcome::Ok),
            (Script::Raises, _) => done(Outcome::Raised),
            (Script::Interruptible, _) => {
                let _ = self.interrupted.wait_for(|asked| *asked).await;
                done(Outcome::Raised)
            }
            (Script::Breaks, 2) => Some(Err(Outcome::unknown("connection reset"))),
            (Script::Breaks, _) => value("1"),
            (Script::EndsEarly, _) => None,
            _ => std::future::pending().await,
        }
    }
}
