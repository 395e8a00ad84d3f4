//! Signs the ends of the gateways' audit logs, and keeps them where no gateway can change them.
//!
//! What is signed is decided by [`super::checkpoints`].

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use kube::api::{Api, PostParams};
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::watcher;
use kube::{Client, Resource, ResourceExt};
use prepl_audit::{Checkpoint, Moment, SigningKey};
use prepl_crd::{AuditCheckpoint, AuditCheckpointStatus};
use tokio::time;

use super::audit_key;
use super::checkpoints::{Regress, Step, next_step, with_checkpoint, with_regress};
use super::events::{self, Warning};
use super::metrics::Metrics;

/// How soon something that failed is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// How soon an object that cannot be signed is looked at again, and told of again.
const SELDOM: Duration = Duration::from_secs(300);
/// How long one step may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Ends that follow each other within this time are signed once, however fast a gateway tells them.
const TOGETHER: Duration = Duration::from_millis(300);

/// Why a step was not done; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// The API server refused.
    #[error("the API server refused a checkpoint; check the controller's rights")]
    Cluster(#[from] kube::Error),
    /// The API server did not answer.
    #[error("the API server did not answer in time")]
    TooSlow(#[from] time::error::Elapsed),
    /// A checkpoint has no form for the API server.
    #[error("a checkpoint cannot be written as JSON")]
    Form(#[from] serde_json::Error),
}

/// What signs.
pub struct Notary {
    /// Calls the API server.
    pub client: Client,
    /// Signs.
    pub key: SigningKey,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

/// Signs for the gateways of a namespace, for ever; waits for a cluster that is not there yet.
pub async fn run(client: Client, namespace: &str, metrics: Arc<Metrics>) {
    let key = loop {
        match audit_key::establish(&client, namespace).await {
            Ok(key) => break key,
            Err(error) => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "audit logs are not anchored");
                time::sleep(AGAIN).await;
            }
        }
    };
    let objects: Api<AuditCheckpoint> = Api::namespaced(client.clone(), namespace);
    let notary = Arc::new(Notary { client, key, metrics });
    Controller::new(objects, watcher::Config::default())
        .with_config(Config::default().debounce(TOGETHER).concurrency(4))
        .run(reconcile, |_, _, _| Action::requeue(AGAIN), notary)
        .for_each(|result| async move {
            if let Err(error) = result {
                tracing::warn!(%error, cause = ?std::error::Error::source(&error), "a checkpoint waits");
            }
        })
        .await;
}

async fn reconcile(object: Arc<AuditCheckpoint>, notary: Arc<Notary>) -> Result<Action, NotDone> {
    time::timeout(PATIENCE, notary.attend(&object)).await?
}

impl Notary {
    /// Takes the next step for one object.
    pub async fn attend(&self, object: &AuditCheckpoint) -> Result<Action, NotDone> {
        match next_step(object, &self.key.public(), Moment::now()) {
            Ok(Step::Wait) => Ok(Action::await_change()),
            Ok(Step::Sign(checkpoint)) => self.sign(object, checkpoint).await,
            Ok(Step::Tell(regress)) => self.tell(object, &regress).await,
            Err(error) => {
                tracing::error!(%error, name = object.name_any(), "an audit log is not anchored");
                Ok(Action::requeue(SELDOM))
            }
        }
    }

    async fn sign(
        &self,
        object: &AuditCheckpoint,
        checkpoint: Checkpoint,
    ) -> Result<Action, NotDone> {
        let status = object.status.clone().unwrap_or_default();
        let signed = self.key.sign(checkpoint);
        if self.write(object, with_checkpoint(status, &self.key.public(), &signed)?).await? {
            self.metrics.checkpoints.add();
        }
        Ok(Action::await_change())
    }

    /// Once an object: it stays regressed until a person looked and deleted it.
    async fn tell(&self, object: &AuditCheckpoint, regress: &Regress) -> Result<Action, NotDone> {
        let status = object.status.clone().unwrap_or_default();
        if self.write(object, with_regress(status, regress, object.meta().generation)).await? {
            self.metrics.regressed.add();
            let (name, pod) = (object.name_any(), &object.spec.pod);
            tracing::error!(name, pod, %regress, "an audit log contradicts its checkpoints");
            let about = object.object_ref(&());
            events::write(self.client.clone(), Warning::regressed(about, regress)).await;
        }
        Ok(Action::await_change())
    }

    /// Whether it was written. What has changed since it was read is looked at again as it is then.
    async fn write(
        &self,
        object: &AuditCheckpoint,
        status: AuditCheckpointStatus,
    ) -> Result<bool, NotDone> {
        let namespace = object.namespace().unwrap_or_default();
        let objects: Api<AuditCheckpoint> = Api::namespaced(self.client.clone(), &namespace);
        let mut changed = object.clone();
        changed.status = Some(status);
        let name = object.name_any();
        match objects.replace_status(&name, &PostParams::default(), &changed).await {
            Err(kube::Error::Api(refused)) if matches!(refused.code, 404 | 409) => Ok(false),
            written => Ok(written.map(|_| true)?),
        }
    }
}
