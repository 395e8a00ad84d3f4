//! Has the end of this gateway's audit log signed by the controller, which also keeps it where no
//! gateway can change it: in the status of an `AuditCheckpoint`.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use kube::api::{Api, PostParams};
use prepl_audit::{
    Anchor, Cadence, Checkpoint, Moment, NotAnchored, SignedCheckpoint, Signer, Tail, keep_anchored,
};
use prepl_crd::audit_checkpoint::Head;
use prepl_crd::{AuditCheckpoint, AuditCheckpointSpec};
use tokio::sync::watch;
use tokio::time;

use crate::checkpoint_form;

/// How often it is looked whether the controller has signed. A busy log tells its end no more often.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long one checkpoint may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Has the log's end signed until the log is closed, and then once more; that takes five seconds at
/// most. Without an API server or a controller the log goes on, and this tries again.
pub fn keep(
    client: Client,
    namespace: &str,
    pod: &str,
    tail: watch::Receiver<Option<Tail>>,
) -> impl Future<Output = ()> + Send + use<> {
    let controller =
        Controller { objects: Api::namespaced(client, namespace), pod: pod.to_owned() };
    keep_anchored(tail, Cadence::default(), Arc::new(Moment::now), controller, Kept)
}

/// Signs by telling the controller and waiting for its answer.
struct Controller {
    objects: Api<AuditCheckpoint>,
    pod: String,
}

/// What the controller signed it has stored before.
struct Kept;

impl Anchor for Kept {
    async fn store(&mut self, _: &SignedCheckpoint) -> Result<(), NotAnchored> {
        Ok(())
    }
}

impl Signer for Controller {
    async fn sign(&mut self, checkpoint: Checkpoint) -> Result<SignedCheckpoint, NotAnchored> {
        let late = || {
            let text =
                "the controller did not sign in time; look whether one leads, and at its log";
            NotAnchored(text.to_owned())
        };
        let signed = time::timeout(PATIENCE, self.ask(&checkpoint)).await;
        signed.unwrap_or_else(|_| Err(late()))
    }
}

impl Controller {
    async fn ask(&self, checkpoint: &Checkpoint) -> Result<SignedCheckpoint, NotAnchored> {
        let name = checkpoint.chain.to_string();
        let refused = |error: kube::Error| {
            let why = match error {
                kube::Error::Api(status) => status.message,
                other => other.to_string(),
            };
            NotAnchored(format!(
                "the API server does not take the AuditCheckpoint {name}: {why}; check the \
                 gateway's rights"
            ))
        };
        self.tell(&name, checkpoint).await.map_err(refused)?;
        loop {
            time::sleep(LOOK_EVERY).await;
            let found = self.objects.get_opt(&name).await.map_err(refused)?;
            match found.map(|object| answer(&object, checkpoint)) {
                Some(Answer::Signed(signed)) => return Ok(signed),
                Some(Answer::Contradicted) => return Err(contradicted(&name)),
                Some(Answer::NotYet) | None => {}
            }
        }
    }

    /// Reads before it writes: a write that was given up and comes late is not of the newest
    /// version any more, and cannot take the end back.
    async fn tell(&self, name: &str, checkpoint: &Checkpoint) -> kube::Result<()> {
        let spec = AuditCheckpointSpec {
            pod: self.pod.clone(),
            head: Head {
                seq: checkpoint.seq,
                hash: checkpoint.hash.to_string(),
                time: checkpoint.time.to_string(),
            },
        };
        let params = PostParams::default();
        match self.objects.get_opt(name).await? {
            // Told before, and not signed in time: it waits there for its signature.
            Some(found) if is_same(&found.spec.head, &spec.head) => Ok(()),
            Some(mut found) => {
                found.spec = spec;
                self.objects.replace(name, &params, &found).await.map(drop)
            }
            None => self.objects.create(&params, &AuditCheckpoint::new(name, spec)).await.map(drop),
        }
    }
}

/// Whether both are one record, whenever it was told.
fn is_same(one: &Head, other: &Head) -> bool {
    (one.seq, &one.hash) == (other.seq, &other.hash)
}

fn contradicted(name: &str) -> NotAnchored {
    NotAnchored(format!(
        "the controller has signed another end of the chain {name} than this log has; keep copies \
         of the AuditCheckpoint and of the log, verify the log, then delete the AuditCheckpoint"
    ))
}

/// What an object says about an end that it was told.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is signed.
    Signed(SignedCheckpoint),
    /// It never will be: what is signed is another end, or a later one.
    Contradicted,
    /// Not seen yet.
    NotYet,
}

/// Reads the answer.
#[must_use]
pub fn answer(object: &AuditCheckpoint, asked: &Checkpoint) -> Answer {
    let last = object.status.as_ref().and_then(|status| status.checkpoints.last());
    match last.and_then(checkpoint_form::read) {
        Some(last) if last.checkpoint.seq < asked.seq => Answer::NotYet,
        None => Answer::NotYet,
        // The time is the controller's.
        Some(last) if (Checkpoint { time: asked.time, ..last.checkpoint }) == *asked => {
            Answer::Signed(last)
        }
        Some(_) => Answer::Contradicted,
    }
}
