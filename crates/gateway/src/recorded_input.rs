//! Input for a run, recorded before it is passed on.

use std::sync::Arc;

use bytes::Bytes;
use prepl_audit::{AuditError, InputGiven, Redactor, Who};
use prepl_core::{Input, NoInput, RunId};
use prepl_fanout::Feeder;
use tokio::sync::Mutex;

use crate::record::Recorder;

/// Why a run does not get a piece of input.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotGiven {
    /// The run takes none, or not this one.
    #[error(transparent)]
    NotTaken(#[from] NoInput),
    /// The log does not take it.
    #[error("the input is not recorded, so it goes nowhere: {0}")]
    NotRecorded(#[from] AuditError),
}

/// Gives input to a run, when it is recorded; clones give to the same.
#[derive(Clone, Debug)]
pub struct Inputs {
    feeder: Feeder,
    of: Arc<Of>,
    recorder: Recorder,
    /// One piece after the other: their records stand in their order.
    turn: Arc<Mutex<()>>,
}

/// Of which run.
#[derive(Debug)]
pub(crate) struct Of {
    pub(crate) run: RunId,
    pub(crate) intent: u64,
    pub(crate) who: Who,
    pub(crate) replicas: u64,
    pub(crate) redactor: Redactor,
}

impl Inputs {
    pub(crate) fn new(feeder: Feeder, of: Of, recorder: Recorder) -> Inputs {
        Inputs { feeder, of: Arc::new(of), recorder, turn: Arc::default() }
    }

    /// Gives what comes next; `end` says that nothing follows.
    pub async fn next(&self, data: Bytes, end: bool) -> Result<(), NotGiven> {
        let _turn = self.turn.lock().await;
        let input = Input::new(self.feeder.next_place(), data, end).map_err(NoInput::from)?;
        self.record_and_give(input).await
    }

    /// Gives a piece that has its place; one that was given already is not given again.
    pub async fn give(&self, input: Input) -> Result<(), NotGiven> {
        let _turn = self.turn.lock().await;
        self.record_and_give(input).await
    }

    async fn record_and_give(&self, input: Input) -> Result<(), NotGiven> {
        if !self.feeder.is_new(&input)? {
            return Ok(());
        }
        self.recorder.input(self.told(&input)).await?;
        Ok(self.feeder.give(input)?)
    }

    fn told(&self, input: &Input) -> InputGiven {
        let Of { run, intent, who, replicas, redactor } = &*self.of;
        InputGiven {
            run: *run,
            intent: *intent,
            place: input.place().into(),
            who: who.clone(),
            replicas: *replicas,
            code: redactor.code(input.data()),
            end: input.is_last(),
        }
    }
}
