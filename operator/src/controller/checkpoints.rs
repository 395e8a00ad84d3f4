//! Whether the end of an audit log that a gateway tells is signed, and which checkpoints are kept.
//!
//! A pure decision over the object, the key and the time. A gateway is believed nothing but that
//! its log grows: an end that contradicts a checkpoint is never signed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use prepl_audit::{Checkpoint, Moment, PublicKey, SignedCheckpoint};
use prepl_crd::audit_checkpoint::{MAX_CHECKPOINTS, SignedHead};
use prepl_crd::{AuditCheckpoint, AuditCheckpointStatus};
use serde_json::json;

use crate::checkpoint_form;

/// The condition of a chain whose end went back.
pub const REGRESSED: &str = "Regressed";

/// What is to be done with an object now.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is signed, or its contradiction was told before.
    Wait,
    /// Sign this.
    Sign(Checkpoint),
    /// Tell that the end contradicts a checkpoint.
    Tell(Regress),
}

/// How the end of a chain contradicts what was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Regress {
    /// Records are gone.
    #[error(
        "the chain ends with record {told} and did end with {signed}: records were cut off, or an \
         old copy was restored; keep a copy of this object and of the log, and verify the log"
    )]
    Back {
        /// Number of the last record that was signed.
        signed: u64,
        /// Number of the last record now.
        told: u64,
    },
    /// The last record is another one.
    #[error(
        "record {0} of the chain is another than the one that was signed: the log was rewritten; \
         keep a copy of this object and of the log, and verify the log"
    )]
    Rewritten(u64),
}

/// Why nothing can be signed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsignable {
    /// The schema does not allow this.
    #[error("it names no place in a chain; look at who changed the definition, and delete it")]
    Unreadable,
    /// The last checkpoint is signed by another key, or not at all.
    #[error(
        "its last checkpoint is not signed by the key of this installation; restore the Secret \
         prepl-audit-key, or keep a copy of the object and delete it"
    )]
    OtherKey,
}

/// Decides. A checkpoint is never older than the one before, whatever the clocks of controllers say.
pub fn next_step(
    object: &AuditCheckpoint,
    key: &PublicKey,
    now: Moment,
) -> Result<Step, Unsignable> {
    let head = head(object, now)?;
    let Some(last) = last(object)? else { return Ok(Step::Sign(head)) };
    if !key.signed(&last) || last.checkpoint.chain != head.chain {
        return Err(Unsignable::OtherKey);
    }
    let signed = last.checkpoint;
    Ok(match head.seq.cmp(&signed.seq) {
        std::cmp::Ordering::Greater => {
            Step::Sign(Checkpoint { time: now.max(signed.time), ..head })
        }
        std::cmp::Ordering::Equal if head.hash == signed.hash => Step::Wait,
        _ if is_regressed(object) => Step::Wait,
        std::cmp::Ordering::Equal => Step::Tell(Regress::Rewritten(head.seq)),
        std::cmp::Ordering::Less => {
            Step::Tell(Regress::Back { signed: signed.seq, told: head.seq })
        }
    })
}

fn head(object: &AuditCheckpoint, now: Moment) -> Result<Checkpoint, Unsignable> {
    let head = &object.spec.head;
    let place =
        json!({"chain": object.name_any(), "seq": head.seq, "hash": head.hash, "time": now});
    serde_json::from_value(place).map_err(|_| Unsignable::Unreadable)
}

fn last(object: &AuditCheckpoint) -> Result<Option<SignedCheckpoint>, Unsignable> {
    let last = object.status.as_ref().and_then(|status| status.checkpoints.last());
    last.map(|last| checkpoint_form::read(last).ok_or(Unsignable::OtherKey)).transpose()
}

fn is_regressed(object: &AuditCheckpoint) -> bool {
    let conditions = object.status.iter().flat_map(|status| &status.conditions);
    conditions.into_iter().any(|one| one.type_ == REGRESSED && one.status == "True")
}

/// The status with one more checkpoint.
pub fn with_checkpoint(
    status: AuditCheckpointStatus,
    key: &PublicKey,
    next: &SignedCheckpoint,
) -> Result<AuditCheckpointStatus, serde_json::Error> {
    let mut checkpoints = thinned(status.checkpoints, signed_at);
    checkpoints.push(checkpoint_form::written(next)?);
    Ok(AuditCheckpointStatus { key: Some(key.to_string()), checkpoints, ..status })
}

/// The status that tells, from now on, that the chain went back.
#[must_use]
pub fn with_regress(
    mut status: AuditCheckpointStatus,
    regress: &Regress,
    generation: Option<i64>,
) -> AuditCheckpointStatus {
    status.conditions.retain(|one| one.type_ != REGRESSED);
    status.conditions.push(Condition {
        type_: REGRESSED.into(),
        status: "True".into(),
        reason: match regress {
            Regress::Back { .. } => "WentBack".into(),
            Regress::Rewritten(_) => "Rewritten".into(),
        },
        message: regress.to_string(),
        last_transition_time: Time(Timestamp::now()),
        observed_generation: generation,
    });
    status
}

/// Makes room for one more where there is none, by when they were signed, in milliseconds.
///
/// The newest half stays whole. Of the older ones that goes which is least missed: its neighbours
/// are near for its age. So gaps grow with age, and the whole history stays covered. Records are no
/// measure, nor is any other number that a gateway chooses: it could push out what speaks against it.
#[must_use]
pub fn thinned<T>(mut kept: Vec<T>, signed: impl Fn(&T) -> u64) -> Vec<T> {
    while kept.len() >= MAX_CHECKPOINTS {
        let Some(place) = least_missed(&kept, &signed) else { break };
        kept.remove(place);
    }
    kept
}

fn least_missed<T>(kept: &[T], signed: impl Fn(&T) -> u64) -> Option<usize> {
    let newest = signed(kept.last()?);
    let gap_for_age = |[before, own, after]: [&T; 3]| {
        let gap = signed(after).saturating_sub(signed(before));
        gap as f64 / (newest.saturating_sub(signed(own)) as f64 + 1.0)
    };
    let older = kept.get(..=kept.len() / 2)?.windows(3);
    let gaps = (1..).zip(older.map(|near| match near {
        [before, own, after] => gap_for_age([before, own, after]),
        _ => f64::INFINITY,
    }));
    gaps.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(place, _)| place)
}

/// When the controller signed it; what cannot be read is of no time.
fn signed_at(kept: &SignedHead) -> u64 {
    kept.checkpoint.time.parse::<Moment>().map_or(0, Moment::as_millis)
}
