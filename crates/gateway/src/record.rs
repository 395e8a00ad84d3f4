//! What is about to happen is written down first: the way from a permit to what may be dispatched.
//!
//! [`Recorder`] makes the only [`Recorded`] and [`RecordedTunnel`], and a gateway dispatches
//! nothing else: what is not durable in the audit log does not start (P2).

use std::sync::Arc;

use prepl_audit::{
    Approval, AskedPolicy, AskedRight, AttachClosed, AttachOpened, AttachSaid, AuditError, BadRule,
    BreakGlass, Decision, Denied, InputGiven, Intent, Log, Mode, Outcomes, Receipt, Redacted,
    Redactor, ReplicaSet, Sentence, SourceFile, Who,
};
use prepl_core::{Digest, Expression, Reason, Replica, RequestId, Selection};
use prepl_fanout::Plan;
use prepl_policy::{Grounds, Permit, Redaction};
use tokio::sync::watch;

/// Writes to one audit log; clones write to the same.
#[derive(Clone, Debug)]
pub struct Recorder {
    log: Arc<Log>,
    /// Runs and tunnels whose ends are not written yet.
    open: watch::Sender<usize>,
}

/// Whoever asks, and why.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Who he is.
    pub who: Who,
    /// What he says it is for.
    pub grounds: Grounds,
    /// He took a right that is for emergencies.
    pub break_glass: bool,
    /// Those who approved it.
    pub approved_by: Vec<Who>,
}

/// A run that may start: it is permitted, and its intent is durable.
#[derive(Debug)]
#[must_use = "what was recorded as about to happen should happen"]
pub struct Recorded {
    permit: Permit,
    plan: Plan,
    receipt: Receipt<Intent>,
    redactor: Redactor,
    recorder: Recorder,
}

/// A tunnel that may be opened: it is permitted, and its opening is durable.
#[derive(Debug)]
#[must_use = "what was recorded as about to happen should happen"]
pub struct RecordedTunnel {
    permit: Permit,
    receipt: Receipt<AttachOpened>,
    redactor: Redactor,
    recorder: Recorder,
}

/// What somebody may not do.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// The request.
    pub request: RequestId,
    /// What it would evaluate; nothing for a tunnel.
    pub expression: Option<&'a Expression>,
    /// The replicas that it names.
    pub selection: &'a Selection,
    /// What the policies about them leave out of records.
    pub redaction: &'a [Redaction],
    /// Why not.
    pub why: &'a Reason,
}

/// Why something is not recorded, and so must not happen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotRecorded {
    /// The log does not take it.
    #[error(transparent)]
    Log(#[from] AuditError),
    /// What must not be written cannot be told from the rest.
    #[error("nothing is recorded, so nothing is run: {0}")]
    Rule(#[from] BadRule),
}

impl Recorder {
    /// Writes to this log.
    #[must_use]
    pub fn new(log: Log) -> Recorder {
        Recorder { log: Arc::new(log), open: watch::Sender::new(0) }
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Records that a plan is about to run; it is durable afterwards.
    pub async fn run(
        &self,
        permit: Permit,
        plan: Plan,
        asker: &Asker,
    ) -> Result<Recorded, NotRecorded> {
        prepl_fault::point("run.permitted");
        let redactor = redactor(permit.redaction())?;
        let grounds = Grounded::of(asker, &redactor);
        self.exceptional(&plan.expression, asker, &grounds).await?;
        let intent = Intent {
            run: plan.run,
            request: plan.request,
            who: asker.who.clone(),
            mode: if plan.read_only { Mode::ReadOnly } else { Mode::ReadWrite },
            recall: plan.recall,
            expression: redactor.expression(&plan.expression),
            file: SourceFile::of(&plan.origin, &redactor),
            session: plan.session.as_ref().map(|name| name.as_str().to_owned()),
            namespace: plan.namespace.as_deref().map(str::to_owned),
            replicas: ReplicaSet::of(permit.selection().replicas()),
            decision: decision(&permit, "eval"),
            reason: grounds.reason,
            ticket: grounds.ticket,
            break_glass: asker.break_glass,
        };
        let receipt = self.log.append(intent).await?;
        prepl_fault::point("run.recorded");
        Ok(Recorded { permit, plan, receipt, redactor, recorder: self.clone() })
    }

    /// Records what else it takes: emergencies, and the approvals of others.
    async fn exceptional(
        &self,
        expression: &Expression,
        asker: &Asker,
        grounds: &Grounded,
    ) -> Result<(), AuditError> {
        if asker.break_glass {
            let Grounded { reason, ticket } = grounds.clone();
            let reason = reason.unwrap_or_else(|| Redactor::default().text(""));
            let _ = self.log.append(BreakGlass { who: asker.who.clone(), reason, ticket }).await?;
        }
        let Some(access) = &asker.who.access else { return Ok(()) };
        for who in &asker.approved_by {
            let (who, access) = (who.clone(), access.clone());
            let shown = Digest::of(expression.as_str());
            let _ = self.log.append(Approval { who, access, shown }).await?;
        }
        Ok(())
    }

    /// Records that a tunnel is about to be opened; it is durable afterwards.
    pub async fn tunnel(
        &self,
        permit: Permit,
        request: RequestId,
        asker: &Asker,
    ) -> Result<RecordedTunnel, NotRecorded> {
        let redactor = redactor(permit.redaction())?;
        let opened = AttachOpened {
            request,
            who: asker.who.clone(),
            replicas: ReplicaSet::of(permit.selection().replicas()),
            decision: decision(&permit, "attach"),
            reason: Grounded::of(asker, &redactor).reason,
            break_glass: asker.break_glass,
        };
        let receipt = self.log.append(opened).await?;
        prepl_fault::point("tunnel.recorded");
        Ok(RecordedTunnel { permit, receipt, redactor, recorder: self.clone() })
    }

    /// Records that somebody may not do what he asks.
    ///
    /// It does not happen in any case, so a failure is the log's to tell.
    pub async fn denied(&self, asker: &Asker, refusal: Refusal<'_>) {
        let Refusal { request, expression, selection, redaction, why } = refusal;
        // With too many rules nothing of it is written.
        let (redactor, expression) = match redactor(redaction) {
            Ok(redactor) => (redactor, expression),
            Err(_) => (Redactor::default(), None),
        };
        let denied = Denied {
            who: asker.who.clone(),
            request,
            expression: expression.map(|expression| redactor.beginning(expression)),
            replicas: ReplicaSet::of(selection.replicas()),
            why: Sentence::from(why),
        };
        let _ = self.log.append(denied).await;
    }

    /// Waits until the ends of all runs and tunnels are written, and closes the log.
    pub async fn close(&self) -> Result<(), AuditError> {
        // The sender is this recorder's own.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
        self.log.close().await
    }

    /// Counts a run or a tunnel until its end is written.
    pub(crate) fn opened(&self) -> Open {
        self.open.send_modify(|open| *open += 1);
        Open(self.open.clone())
    }

    /// Records what is about to go through a tunnel; it is durable afterwards.
    pub(crate) async fn tunnel_said(&self, said: AttachSaid) -> Result<(), AuditError> {
        let _ = self.log.append(said).await?;
        prepl_fault::point("tunnel.told");
        Ok(())
    }

    pub(crate) async fn tunnel_closed(&self, closed: AttachClosed) {
        let _ = self.log.append(closed).await;
    }

    /// Records a piece of input that is about to go to a run; it is durable afterwards.
    pub(crate) async fn input(&self, given: InputGiven) -> Result<(), AuditError> {
        let _ = self.log.append(given).await?;
        prepl_fault::point("input.recorded");
        Ok(())
    }

    pub(crate) async fn outcomes(&self, outcomes: Outcomes) {
        prepl_fault::point("run.finished");
        // It has happened; that the log takes no more is the log's to tell, and stops what is next.
        let _ = self.log.append(outcomes).await;
        prepl_fault::point("run.told");
    }
}

/// Something whose end is not written yet.
#[derive(Debug)]
pub(crate) struct Open(watch::Sender<usize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Recorded {
    /// Takes it apart to be dispatched: the receipt is used up.
    pub(crate) fn into_parts(self) -> (Permit, Plan, Receipt<Intent>, Redactor, Recorder) {
        (self.permit, self.plan, self.receipt, self.redactor, self.recorder)
    }
}

impl RecordedTunnel {
    /// Takes it apart to be opened: the receipt is used up.
    pub(crate) fn into_parts(self) -> (Permit, AttachOpened, Redactor, Recorder) {
        (self.permit, self.receipt.into_record(), self.redactor, self.recorder)
    }
}

fn redactor(rules: &[Redaction]) -> Result<Redactor, BadRule> {
    Redactor::new(rules.iter().map(|rule| (rule.pattern(), rule.replace())))
}

/// A reason and a ticket, without what must not be written.
#[derive(Clone)]
struct Grounded {
    reason: Option<Redacted>,
    ticket: Option<Redacted>,
}

impl Grounded {
    fn of(asker: &Asker, redactor: &Redactor) -> Grounded {
        let text = |text: Option<&str>| text.map(|text| redactor.text(text));
        Grounded { reason: text(asker.grounds.reason()), ticket: text(asker.grounds.ticket()) }
    }
}

fn decision(permit: &Permit, right: &str) -> Decision {
    let mut places: Vec<(&str, String)> =
        permit.selection().replicas().iter().map(workload).collect();
    places.sort();
    places.dedup();
    let rights = places.into_iter().map(|(namespace, workload)| AskedRight {
        right: right.to_owned(),
        namespace: namespace.to_owned(),
        workload,
    });
    let policies =
        permit.policies().iter().map(|policy| AskedPolicy { policy: policy.to_string() });
    Decision { rights: rights.collect(), policies: policies.collect() }
}

fn workload(replica: &Replica) -> (&str, String) {
    (&replica.id.namespace, replica.workload.to_string())
}
