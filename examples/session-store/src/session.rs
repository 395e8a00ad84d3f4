use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use prepl_bencode::Value;
use steel::SteelVal;

use crate::forms::{Form, forms};
use crate::functions::SharedStore;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::print::print;
use crate::reply::Reply;
use crate::scheme::{Context, Raised, Scheme};

/// Evaluations that may wait for the one that runs.
const MAX_WAITING: usize = 16;
/// The stack of a session's thread, in bytes: Steel recurses over deep values.
const STACK: usize = 64 * 1024 * 1024;

/// One evaluation as it was asked for.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) program: String,
    /// The most characters of one printed value.
    pub(crate) quota: usize,
    pub(crate) mode: Mode,
    pub(crate) reply: Reply,
}

/// What a job answers, and when it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Every form answers; an error does not stop the forms behind it.
    Forms,
    /// The last form answers; an error stops the file.
    File,
}

/// A thread with a Scheme of its own that evaluates one job after the other.
pub(crate) struct Session {
    pub(crate) interrupt: Arc<Interrupt>,
    jobs: SyncSender<Job>,
    warm: Arc<AtomicBool>,
}

/// Why a session takes no job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// Sixteen evaluations wait already.
    Busy,
    /// Its thread has ended.
    Gone,
}

/// When a session starts its Scheme, which takes a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At once, to be there when it is needed.
    Ahead,
    /// With the first evaluation.
    OnDemand,
}

impl Session {
    /// Starts the thread of a session.
    pub(crate) fn start(store: SharedStore, start: Start) -> io::Result<Session> {
        let (jobs, waiting) = sync_channel(MAX_WAITING);
        let (interrupt, warm) = (Arc::<Interrupt>::default(), Arc::<AtomicBool>::default());
        let context = Context { store, interrupt: interrupt.clone(), output: Output::default() };
        let is_warm = warm.clone();
        let work = move || evaluate_all(context, start, &is_warm, &waiting);
        std::thread::Builder::new().name("session".into()).stack_size(STACK).spawn(work)?;
        Ok(Session { interrupt, jobs, warm })
    }

    /// Whether its Scheme has started.
    pub(crate) fn is_warm(&self) -> bool {
        self.warm.load(Ordering::Relaxed)
    }

    /// Hands over a job; its answers go to the job's reply.
    pub(crate) fn evaluate(&self, job: Job) -> Result<(), NotTaken> {
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => NotTaken::Busy,
            TrySendError::Disconnected(_) => NotTaken::Gone,
        })
    }
}

/// The life of a session's thread: until nobody can send it a job any more.
fn evaluate_all(context: Context, start: Start, warm: &AtomicBool, jobs: &Receiver<Job>) {
    let mut scheme = (start == Start::Ahead).then(|| Scheme::start(&context));
    warm.store(scheme.is_some(), Ordering::Relaxed);
    for job in jobs {
        context.interrupt.begin(job.reply.id.clone());
        context.output.begin(&job.reply);
        let running = scheme.get_or_insert_with(|| Scheme::start(&context));
        let run = AssertUnwindSafe(|| evaluate(&job, running, &context));
        // The peer may be gone; then nobody is left to tell.
        let _ = catch_unwind(run).unwrap_or_else(|_| {
            // What the panic left behind is not used again.
            scheme = None;
            send_raised(&job.reply, Raised::broken_engine())
        });
        context.output.end();
        let _ = finish(&job, context.interrupt.end());
    }
}

fn evaluate(job: &Job, scheme: &mut Scheme, context: &Context) -> io::Result<()> {
    let mut last = None;
    for form in forms(&job.program) {
        if context.interrupt.is_asked() {
            return Ok(());
        }
        let result = match form {
            Form::Whole(text) | Form::Unreadable(text) => scheme.eval(text),
            Form::TooDeep => Err(Raised::too_deep()),
        };
        context.output.flush_now()?;
        match (result, job.mode) {
            (Ok(value), Mode::Forms) => send_value(job, &value)?,
            (Ok(value), Mode::File) => last = Some(value),
            (Err(raised), mode) => {
                send_raised(&job.reply, raised)?;
                if mode == Mode::File {
                    return Ok(());
                }
            }
        }
    }
    last.map_or(Ok(()), |value| send_value(job, &value))
}

fn finish(job: &Job, askers: Option<Vec<Reply>>) -> io::Result<()> {
    match askers {
        None => job.reply.done(&[]),
        Some(askers) => {
            job.reply.done(&["interrupted"])?;
            askers.iter().try_for_each(|asker| asker.done(&[]))
        }
    }
}

fn send_value(job: &Job, value: &SteelVal) -> io::Result<()> {
    let printed = print(value, job.quota);
    // Scheme has no namespaces here; clients make their prompt of this.
    let pairs = [("value", Value::from(printed.text)), ("ns", "user".into())];
    if !printed.truncated {
        return job.reply.send(pairs);
    }
    let truncated = [
        ("status", Value::list(["nrepl.middleware.print/truncated"])),
        ("nrepl.middleware.print/truncated-keys", Value::list(["value"])),
    ];
    job.reply.send(pairs.into_iter().chain(truncated))
}

fn send_raised(reply: &Reply, raised: Raised) -> io::Result<()> {
    reply.send([("err", format!("Error: {}\n", raised.message).into())])?;
    let class = Value::from(raised.class);
    let status = Value::list(["eval-error"]);
    reply.send([("ex", class.clone()), ("root-ex", class), ("status", status)])
}
