//! A run whose outcomes are written to the audit log before its end is told.

use prepl_audit::{Intent, Outcomes, Receipt, Redactor, ReplicaOutcome};
use prepl_core::{Class, Digest, Done, Event, Reason, ReplicaIndex, Report, RunId, Selection};
use prepl_fanout::{Run, Stopper};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::record::{Open, Recorder};
use crate::recorded_input::{Inputs, Of};

/// A run under way; ends with [`Report::Finished`], told when the outcomes are in the log.
///
/// Dropping it ends the run here, and writes what is known: the other replicas are `unknown`.
#[derive(Debug)]
pub struct RecordedRun {
    run: Run,
    recorder: Recorder,
    inputs: Inputs,
    known: Option<Known>,
    /// The end, and the writing that it waits for.
    ending: Option<(Report, JoinHandle<()>)>,
    answered: bool,
}

/// What is known of each replica so far.
#[derive(Debug)]
struct Known {
    run: RunId,
    /// Number of its record.
    intent: u64,
    replicas: Vec<Told>,
    /// Dropped when it is written.
    open: Open,
}

#[derive(Debug)]
struct Told {
    uid: String,
    values: Vec<Digest>,
    value_count: u64,
    done: Option<Done>,
}

impl RecordedRun {
    /// What was started on this receipt, which is used up.
    pub(crate) fn new(
        run: Run,
        receipt: Receipt<Intent>,
        selection: &Selection,
        (redactor, recorder): (Redactor, Recorder),
    ) -> Self {
        let told = |uid: &str| Told {
            uid: uid.to_owned(),
            values: Vec::new(),
            value_count: 0,
            done: None,
        };
        let replicas = selection.replicas().iter().map(|replica| told(&replica.id.uid)).collect();
        let (intent, open) = (receipt.seq(), recorder.opened());
        let Intent { run: id, who, .. } = receipt.into_record();
        let of = Of { run: id, intent, who, replicas: selection.len() as u64, redactor };
        let inputs = Inputs::new(run.feeder(), of, recorder.clone());
        let known = Some(Known { run: id, intent, replicas, open });
        RecordedRun { run, recorder, inputs, known, ending: None, answered: false }
    }

    /// The next report; `None` after [`Report::Finished`]. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<Report> {
        if self.ending.is_none() {
            let report = self.run.next().await?;
            let Report::Finished(_) = &report else {
                self.hear(&report);
                return Some(report);
            };
            let Some(writing) = self.write() else { return Some(report) };
            self.ending = Some((report, writing));
        }
        let (_, writing) = self.ending.as_mut()?;
        // One that failed has told so in its own log.
        let _ = writing.await;
        self.ending.take().map(|(report, _)| report)
    }

    /// A handle that ends the run early.
    pub fn stopper(&self) -> Stopper {
        self.run.stopper()
    }

    /// A handle that gives input to the run.
    pub fn inputs(&self) -> Inputs {
        self.inputs.clone()
    }

    /// Replicas that have no outcome yet.
    pub fn pending(&self) -> impl Iterator<Item = ReplicaIndex> {
        self.run.pending()
    }

    fn hear(&mut self, report: &Report) {
        let Report::Replica { replica, event, .. } = report else { return };
        if matches!(event, Event::Done(_)) && !std::mem::replace(&mut self.answered, true) {
            prepl_fault::point("run.answered");
        }
        let known = self.known.as_mut();
        if let Some(told) = known.and_then(|known| known.replicas.get_mut(replica.get())) {
            told.hear(event);
        }
    }

    /// Starts to write what is known.
    fn write(&mut self) -> Option<JoinHandle<()>> {
        let Known { run, intent, replicas, open } = self.known.take()?;
        let replicas = replicas.into_iter().map(Told::outcome).collect();
        let recorder = self.recorder.clone();
        // A task of its own: whoever waits for it may stop waiting.
        let runtime = Handle::try_current().ok()?;
        Some(runtime.spawn(async move {
            recorder.outcomes(Outcomes { run, intent, replicas }).await;
            drop(open);
        }))
    }
}

impl Drop for RecordedRun {
    fn drop(&mut self) {
        drop(self.write());
    }
}

impl Told {
    fn hear(&mut self, event: &Event<Digest>) {
        match event {
            Event::Value(value) => {
                self.value_count += 1;
                if self.values.len() < prepl_audit::MAX_DIGESTS {
                    self.values.push(value.text);
                }
            }
            Event::Done(done) => self.done = Some(done.clone()),
            _ => {}
        }
    }

    fn outcome(self) -> ReplicaOutcome {
        let Some(done) = self.done else {
            let left = Reason::new("whoever asked left before the end");
            return ReplicaOutcome::new(&self.uid, Class::Unknown, 0, 0).because(&left);
        };
        let millis = u64::try_from(done.timings.eval.as_millis()).unwrap_or(u64::MAX);
        let class = done.outcome.class();
        let outcome = ReplicaOutcome::new(&self.uid, class, millis, done.output_bytes);
        let outcome = outcome.with_values(self.values, self.value_count);
        match done.outcome.reason() {
            Some(reason) => outcome.because(reason),
            None => outcome,
        }
    }
}
