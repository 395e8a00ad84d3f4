//! A client's session: evaluations in it wait in line, and replicas keep its state.

use std::sync::Arc;

use prepl_core::{Answer, Selection};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::conduct::{Conduct, Job};
use super::news;
use super::reply::{Replies, Reply};
use super::server::Server;
use super::turn::{Moment, Order, Turn};
use crate::problem::Problem;
use crate::talk::{Place, Talk};

/// Evaluations that wait in one session.
const MAX_WAITING: usize = 64;

/// A session that is open.
#[derive(Debug)]
pub struct Session {
    line: mpsc::Sender<Waiting>,
    turn: Arc<Turn>,
    namespace: watch::Receiver<Option<Arc<str>>>,
    worker: JoinHandle<()>,
}

#[derive(Debug)]
struct Waiting {
    asked: Moment,
    job: Job,
    replies: Replies,
}

/// Does what is asked in a session, one after the other.
struct Worker {
    server: Arc<Server>,
    talk: Talk,
    turn: Arc<Turn>,
    namespace: watch::Sender<Option<Arc<str>>>,
    /// Those of the last evaluation.
    known: Selection,
}

impl Session {
    /// A new session; no replica hears of it before its first evaluation.
    pub fn open(server: &Arc<Server>) -> Result<Session, Problem> {
        let (line, waiting) = mpsc::channel(MAX_WAITING);
        let (moved, namespace) = watch::channel(None);
        let turn = Arc::<Turn>::default();
        let worker = Worker {
            talk: server.talk()?,
            known: server.members.selection(),
            server: Arc::clone(server),
            turn: Arc::clone(&turn),
            namespace: moved,
        };
        let worker = tokio::spawn(worker.work(waiting));
        Ok(Session { line, turn, namespace, worker })
    }

    /// Puts an evaluation at the end of the line; gives the replies back when the line is full.
    pub fn ask(&self, job: Job, replies: Replies) -> Result<(), Replies> {
        let waiting = Waiting { asked: self.turn.now(), job, replies };
        self.line.try_send(waiting).map_err(|refused| refused.into_inner().replies)
    }

    /// The evaluation that runs.
    pub fn turn(&self) -> &Turn {
        &self.turn
    }

    /// Where it was after the last evaluation, if that is one namespace.
    pub fn namespace(&self) -> Option<Arc<str>> {
        self.namespace.borrow().clone()
    }

    /// Ends it, here and on the replicas: what runs is interrupted, what waits does not begin.
    pub async fn close(self) {
        self.turn.leave();
        drop(self.line);
        // A worker that failed has nothing to be waited for.
        let _ = self.worker.await;
    }
}

impl Worker {
    async fn work(mut self, mut line: mpsc::Receiver<Waiting>) {
        while let Some(Waiting { asked, job, replies }) = line.recv().await {
            match self.turn.begin(asked, replies.id().cloned()) {
                Some(orders) => self.evaluate(job, replies, orders).await,
                None => replies.done(Reply::status(["done", "interrupted"])).await,
            }
        }
        self.talk.end().await;
    }

    async fn evaluate(&mut self, job: Job, replies: Replies, mut orders: mpsc::Receiver<Order>) {
        let namespace = job.ask.namespace.clone();
        let conduct = Conduct::new(&replies, &mut orders);
        let (conducted, selection) = match self.server.selection().await {
            Ok(selection) => {
                if let Some(news) = news::change(&self.known, &selection) {
                    replies.tell(Reply::out(news)).await;
                }
                (conduct.run(&self.talk, &selection, job).await, selection)
            }
            Err(problem) => (conduct.not_started(&problem).await, self.known.clone()),
        };
        self.turn.end();
        if let Some(news) = self.learn(&selection, &conducted.answers, namespace.as_deref()) {
            replies.tell(Reply::out(news)).await;
        }
        self.known = selection;
        replies.done(conducted.done).await;
        for who in conducted.interrupts {
            who.done(Reply::done()).await;
        }
        refuse(orders).await;
    }

    /// Learns where the session is; an evaluation in another namespace does not move it there.
    fn learn(
        &mut self,
        selection: &Selection,
        answers: &[Answer],
        elsewhere: Option<&str>,
    ) -> Option<String> {
        let stayed = |answer: &Answer| {
            let mut answer = answer.clone();
            answer.done.namespace.take_if(|namespace| Some(&**namespace) == elsewhere);
            answer
        };
        let answers: Vec<_> = answers.iter().map(stayed).collect();
        let learned = self.talk.learn(selection, &answers);
        let namespace = match self.talk.place() {
            Place::One(namespace) => Some(Arc::clone(namespace)),
            Place::Unknown | Place::Several(_) => None,
        };
        self.namespace.send_replace(namespace);
        news::learned(&learned)
    }
}

/// Evaluates in a session that is thrown away, and which nobody can interrupt by name.
pub async fn aside(server: Arc<Server>, job: Job, replies: Replies) {
    // Nobody has the other end.
    let (_, mut orders) = mpsc::channel(1);
    let conduct = Conduct::new(&replies, &mut orders);
    let opened = async { Ok::<_, Problem>((server.talk()?, server.selection().await?)) };
    let conducted = match opened.await {
        Ok((talk, selection)) => conduct.run(&talk, &selection, job).await,
        Err(problem) => conduct.not_started(&problem).await,
    };
    replies.done(conducted.done).await;
}

/// Orders that came as the evaluation ended.
async fn refuse(mut orders: mpsc::Receiver<Order>) {
    orders.close();
    while let Some(order) = orders.recv().await {
        match order {
            Order::Interrupt(Some(who)) => who.done(Reply::status(["done", "session-idle"])).await,
            Order::Interrupt(None) => {}
            Order::Input(_, who) => who.done(Reply::refused("session-idle")).await,
        }
    }
}
