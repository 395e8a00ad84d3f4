//! The merged stream of one run.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use prepl_core::ports::Connect;
use prepl_core::report::Stopped;
use prepl_core::{Counts, Digest, Done, Event, Outcome, ReplicaIndex, Report, Selection, Summary};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::Plan;
use crate::input::{Feeder, Given, input};
use crate::replica::{End, Part, Told};
use crate::stop::{StopSign, Stopper, stop};
use crate::window::{TICK, Window};

/// Batches of events that may wait for the reader: one for each replica at work of a default run.
/// When they are full, the replicas wait, down to their runtimes.
const WAITING_BATCHES: usize = 64;

/// One expression on its way over one selection; ends with [`Report::Finished`].
///
/// Dropping it ends the run here; evaluations that were sent go on to their own time limits.
#[derive(Debug)]
pub struct Run {
    told: mpsc::Receiver<Told>,
    stopper: Stopper,
    feeder: Feeder,
    begun: Instant,
    texts: HashSet<Digest>,
    replicas: Vec<Progress>,
    counts: Counts,
    starts: Option<(Instant, Instant)>,
    ready: VecDeque<Report>,
    finished: bool,
    _tasks: JoinSet<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    next_sequence: u64,
    done: bool,
}

/// Starts a plan over a selection; needs a tokio runtime.
pub fn start<C: Connect>(connect: Arc<C>, selection: &Selection, plan: Plan) -> Run {
    let (tell, told) = mpsc::channel(WAITING_BATCHES);
    let (stopper, sign) = stop();
    let (feeder, given) = input(plan.interactive);
    let begun = Instant::now();
    let deadline = plan.patience.deadline;
    let parts = parts(&connect, selection, plan, begun, &sign, &given, tell);
    let mut tasks = JoinSet::new();
    if let Some(deadline) = deadline {
        let stopper = stopper.clone();
        tasks.spawn(async move {
            sleep(deadline).await;
            stopper.stop(Stopped::Deadline);
        });
    }
    tasks.spawn(dispatch(parts));
    Run {
        told,
        stopper,
        feeder,
        begun,
        texts: HashSet::new(),
        replicas: vec![Progress::default(); selection.len()],
        counts: Counts::default(),
        starts: None,
        ready: VecDeque::new(),
        finished: false,
        _tasks: tasks,
    }
}

fn parts<C: Connect>(
    connect: &Arc<C>,
    selection: &Selection,
    plan: Plan,
    begun: Instant,
    stop: &StopSign,
    given: &Given,
    tell: mpsc::Sender<Told>,
) -> Vec<Part<C>> {
    let plan = Arc::new(plan);
    let part = |(index, replica): (ReplicaIndex, &prepl_core::Replica)| Part {
        connect: Arc::clone(connect),
        plan: Arc::clone(&plan),
        index,
        replica: replica.clone(),
        begun,
        stop: stop.clone(),
        given: given.clone(),
        tell: tell.clone(),
    };
    selection.indexed().map(part).collect()
}

async fn dispatch<C: Connect>(parts: Vec<Part<C>>) {
    let Some(plan) = parts.first().map(|part| Arc::clone(&part.plan)) else { return };
    if plan.barrier {
        return start_together(parts, plan.width.get()).await;
    }
    let mut at_work = JoinSet::new();
    let mut window = Window::new(plan.width);
    for mut part in parts {
        while at_work.len() >= window.open() {
            tokio::select! {
                _ = at_work.join_next() => window.ended(),
                () = sleep(TICK), if window.is_opening() => window.ticked(),
            }
        }
        at_work.spawn(async move {
            let ready = part.connect().await;
            part.finish(ready).await;
        });
    }
    while at_work.join_next().await.is_some() {}
}

/// Connects to all, `width` at a time, and starts all that are ready at one moment.
async fn start_together<C: Connect>(parts: Vec<Part<C>>, width: usize) {
    let window = Arc::new(Semaphore::new(width));
    let mut connecting = JoinSet::new();
    for mut part in parts {
        let window = Arc::clone(&window);
        connecting.spawn(async move {
            // The window is never closed; without a place the connect would only come earlier.
            let _place = window.acquire_owned().await;
            let ready = part.connect().await;
            (part, ready)
        });
    }
    let ready = connecting.join_all().await;
    let at_work: JoinSet<()> = ready.into_iter().map(|(part, ready)| part.finish(ready)).collect();
    at_work.join_all().await;
}

impl Run {
    /// The next report; `None` after [`Report::Finished`]. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<Report> {
        loop {
            if let Some(report) = self.ready.pop_front() {
                return Some(report);
            }
            if self.finished {
                return None;
            }
            match self.told.recv().await {
                Some(told) => self.take(told),
                None => self.finish(),
            }
        }
    }

    /// A handle that ends the run early.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// A handle that gives input to the run.
    pub fn feeder(&self) -> Feeder {
        self.feeder.clone()
    }

    /// Replicas that have no outcome yet.
    pub fn pending(&self) -> impl Iterator<Item = ReplicaIndex> {
        let places = (0..).map(ReplicaIndex).zip(&self.replicas);
        places.filter(|(_, progress)| !progress.done).map(|(index, _)| index)
    }

    fn take(&mut self, Told { replica, events, end }: Told) {
        for event in events {
            if let Event::Value(value) = &event {
                let (digest, text) = &value.text;
                if self.texts.insert(*digest) {
                    self.ready.push_back(Report::Text(*digest, Arc::clone(text)));
                }
            }
            self.report(replica, event.map_text(|(digest, _)| digest));
        }
        let Some(End { done, started }) = end else { return };
        if let Some(at) = started {
            let (first, last) = self.starts.unwrap_or((at, at));
            self.starts = Some((first.min(at), last.max(at)));
        }
        self.report(replica, Event::Done(done));
    }

    fn report(&mut self, replica: ReplicaIndex, event: Event<Digest>) {
        // Indices come from this run's own parts.
        let Some(progress) = self.replicas.get_mut(replica.get()).filter(|p| !p.done) else {
            return;
        };
        let sequence = progress.next_sequence;
        progress.next_sequence += 1;
        if let Event::Done(done) = &event {
            progress.done = true;
            self.counts.add(done.outcome.class());
        }
        self.ready.push_back(Report::Replica { replica, sequence, event });
    }

    /// Every task has ended. One that ended without its outcome broke: that is unknown.
    fn finish(&mut self) {
        let lost: Vec<_> = self.pending().collect();
        for replica in lost {
            let outcome = Outcome::unknown("prepl lost this replica; this is a fault of prepl");
            self.report(replica, Event::Done(Done::without_answer(outcome)));
        }
        let started: u32 = self.counts.total();
        let skew = self.starts.filter(|_| started > 1).map(|(first, last)| last - first);
        self.ready.push_back(Report::Finished(Summary {
            counts: self.counts,
            skew,
            elapsed: self.begun.elapsed(),
            stopped: self.stopper.stopped(),
        }));
        self.finished = true;
    }
}
