//! One evaluation, from its request to all but its last message.

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prepl_core::{Answer, ExitCode, Selection};
use prepl_gateway::Running as _;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::fold::{About, Ended, Fold, QUOTA, Values};
use super::reply::{Replies, Reply};
use super::turn::Order;
use crate::problem::Problem;
use crate::reach::Started;
use crate::talk::{Ask, Talk};

/// Output is kept back for one to two of these, to be folded.
const TICK: Duration = Duration::from_millis(250);

/// An evaluation that a client asked for.
#[derive(Clone, Debug)]
pub struct Job {
    /// What.
    pub ask: Ask,
    /// Which values it wants to see.
    pub values: Values,
    /// Most bytes of a value, where it says so.
    pub quota: Option<usize>,
    /// Whether its session's state is to be changed by it.
    pub kept: bool,
}

/// What is left of a job when all but the last message was told.
#[derive(Debug)]
pub struct Conducted {
    /// The last message.
    pub done: Reply,
    /// The answers, in the order of the selection; none when it did not start.
    pub answers: Vec<Answer>,
    /// Who asked to interrupt it, to be told after the last message.
    pub interrupts: Vec<Replies>,
}

/// A job under way.
pub struct Conduct<'a> {
    replies: &'a Replies,
    orders: &'a mut mpsc::Receiver<Order>,
    interrupted: bool,
    interrupts: Vec<Replies>,
    /// The client has left: nothing is told any more.
    left: bool,
}

impl<'a> Conduct<'a> {
    /// Tells the answers there, and obeys these orders.
    pub fn new(replies: &'a Replies, orders: &'a mut mpsc::Receiver<Order>) -> Conduct<'a> {
        let interrupts = Vec::new();
        Conduct { replies, orders, interrupted: false, interrupts, left: false }
    }

    /// Evaluates; a client that leaves meanwhile interrupts it.
    pub async fn run(mut self, talk: &Talk, selection: &Selection, job: Job) -> Conducted {
        let begun = Instant::now();
        let (fold, started) = match self.start(talk, selection, job).await {
            Ok(started) => started,
            Err(problem) => return self.not_started(&problem).await,
        };
        let fold = self.follow(started, fold).await;
        let Ended { replies, done, answers } = fold.end(begun.elapsed(), self.interrupted);
        self.tell(replies).await;
        Conducted { done, answers, interrupts: self.interrupts }
    }

    async fn start(
        &mut self,
        talk: &Talk,
        selection: &Selection,
        job: Job,
    ) -> Result<(Fold, Started), Problem> {
        let elsewhere = job.ask.namespace.is_some();
        let mut plan = talk.plan(job.ask)?;
        if !job.kept {
            plan.session = None;
        }
        let fold = Fold::new(About {
            selection: selection.clone(),
            names: (plan.run, plan.request),
            namespace: plan.namespace.clone(),
            elsewhere,
            values: job.values,
            quota: job.quota.unwrap_or(QUOTA.1).clamp(QUOTA.0, QUOTA.1),
        });
        let mut starting = pin!(talk.start(selection, plan));
        loop {
            tokio::select! {
                // An interrupt that came before it begins.
                biased;
                Some(order) = self.orders.recv() => match order {
                    Order::Interrupt(who) => {
                        self.interrupted = true;
                        self.interrupts.extend(who);
                        return Err(interrupted());
                    }
                    Order::Input(_, who) => who.done(Reply::refused("no-input")).await,
                },
                started = &mut starting => return Ok((fold, started?)),
                () = self.replies.left() => return Err(interrupted()),
            }
        }
    }

    async fn follow(&mut self, mut run: Started, mut fold: Fold) -> Fold {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let told = tokio::select! {
                report = run.next() => match report {
                    Some(report) => fold.take(report),
                    None => return fold,
                },
                () = self.replies.left(), if !self.left => {
                    self.left = true;
                    run.interrupt();
                    Vec::new()
                }
                Some(order) = self.orders.recv() => {
                    self.obey(order, &run).await;
                    Vec::new()
                }
                _ = ticks.tick() => fold.tick(),
            };
            self.tell(told).await;
        }
    }

    async fn obey(&mut self, order: Order, run: &Started) {
        match order {
            Order::Interrupt(who) => {
                self.interrupted = true;
                self.interrupts.extend(who);
                run.interrupt();
            }
            Order::Input(data, who) => input(run, data, who).await,
        }
    }

    async fn tell(&mut self, replies: Vec<Reply>) {
        for reply in replies {
            if self.left || !self.replies.tell(reply).await {
                return;
            }
        }
    }

    /// Tells why it does not begin.
    pub async fn not_started(mut self, problem: &Problem) -> Conducted {
        let done = if self.interrupted { vec!["done", "interrupted"] } else { vec!["done"] };
        self.tell(tell_problem(problem).into()).await;
        Conducted { done: Reply::status(done), answers: Vec::new(), interrupts: self.interrupts }
    }
}

/// How a client is told that nothing ran.
pub fn tell_problem(problem: &Problem) -> [Reply; 2] {
    let kind = match problem.code {
        ExitCode::Denied => "prepl/denied",
        ExitCode::Usage => "prepl/refused",
        ExitCode::NothingMatched => "prepl/nothing-matched",
        ExitCode::Interrupted => "prepl/interrupted",
        _ => "prepl/failed",
    };
    let error = Reply::status(["eval-error"]).with("ex", kind).with("root-ex", kind);
    [Reply::err(format!("{problem}\n")), error]
}

/// Gives input to all replicas of a run; nothing is the end of it.
async fn input(run: &Started, data: Bytes, who: Replies) {
    let end = data.is_empty();
    match run.input(data, end).await {
        Ok(()) => who.done(Reply::done()).await,
        Err(not_given) => {
            who.tell(Reply::err(format!("{}\n", Problem::of(&not_given)))).await;
            who.done(Reply::refused("no-input")).await;
        }
    }
}

fn interrupted() -> Problem {
    Problem::interrupted("interrupted before it began")
        .hint("should a replica have begun, that ends by its own time limit")
}
