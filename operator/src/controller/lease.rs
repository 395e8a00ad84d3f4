//! Of several controllers one leads: the holder of the Lease `prepl-controller`.
//!
//! The decision is [`decide`], which knows nothing but the Lease, who asks and the time. Another's
//! Lease is over when it was *seen* unchanged for its whole time: the clocks of two machines are
//! never compared.

use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::time::{self, Instant};

use super::metrics::Metrics;

/// The Lease.
const NAME: &str = "prepl-controller";
/// How long it stays taken when nobody renews it.
const LEASE_SECONDS: u16 = 15;
const LEASE: Duration = Duration::from_secs(LEASE_SECONDS as u64);
/// The longest that the Lease of another version of prepl is waited for.
const MAX_LEASE: Duration = Duration::from_secs(60);
/// How often the leader renews it.
const EVERY: Duration = Duration::from_secs(5);
/// When a leader that could not renew it stops, which is before another may take it.
const TERM: Duration = Duration::from_secs(10);
/// How soon to look again: at a Lease of another, or after a failure.
const AGAIN: Duration = Duration::from_secs(2);
/// How long one call to the API server may take: a renewal has two, and must fit into the term.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the one who asks stands.
#[derive(Clone, Copy, Debug)]
pub enum Standing {
    /// He leads.
    Leads,
    /// He waits, and has seen the Lease as it is since then.
    Waits(Instant),
}

/// What is to be done about the Lease now.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Take it: nobody holds it any more.
    Acquire,
    /// Keep it.
    Renew,
    /// Another holds it; look again then.
    Wait(Duration),
    /// Another took it: stop leading.
    Lost,
}

/// Decides.
#[must_use]
pub fn decide(lease: Option<&Lease>, me: &str, standing: Standing, now: Instant) -> Step {
    let spec = lease.and_then(|lease| lease.spec.as_ref());
    match (spec.and_then(holder), standing) {
        (None, _) => Step::Acquire,
        (Some(holder), _) if holder == me => Step::Renew,
        (Some(_), Standing::Leads) => Step::Lost,
        (Some(_), Standing::Waits(since)) => {
            let left = duration(spec).saturating_sub(now.saturating_duration_since(since));
            if left.is_zero() { Step::Acquire } else { Step::Wait(left.min(AGAIN)) }
        }
    }
}

fn holder(spec: &LeaseSpec) -> Option<&str> {
    spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// Never less than our own, whatever stands there: a holder leads that long.
fn duration(spec: Option<&LeaseSpec>) -> Duration {
    let seconds = spec.and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default()).clamp(LEASE, MAX_LEASE)
}

/// The Lease as its next holder writes it; the API server refuses it if it has changed meanwhile.
fn claimed(lease: Option<Lease>, me: &str) -> Lease {
    let now = Some(MicroTime(Timestamp::now()));
    let Lease { metadata, spec } = lease.unwrap_or_default();
    let mut spec = spec.unwrap_or_default();
    if holder(&spec) != Some(me) {
        spec.acquire_time.clone_from(&now);
        spec.lease_transitions = Some(spec.lease_transitions.unwrap_or_default().saturating_add(1));
    }
    spec.holder_identity = Some(me.to_owned());
    spec.lease_duration_seconds = Some(LEASE_SECONDS.into());
    spec.renew_time = now;
    Lease { metadata: ObjectMeta { name: Some(NAME.into()), ..metadata }, spec: Some(spec) }
}

/// Why the Lease could not be read or written; it is tried again.
#[derive(Debug, thiserror::Error)]
enum NoTurn {
    #[error(
        "the API server refused to read or write the Lease {NAME}; check the controller's rights"
    )]
    Cluster(#[from] kube::Error),
    #[error("the API server did not answer in time about the Lease {NAME}")]
    TooSlow,
}

/// What became of one look at the Lease.
enum Turn {
    /// Held, counted from then.
    Mine(Instant),
    /// Look again then.
    Wait(Duration),
    Lost,
}

/// One controller that would lead.
pub struct Candidate {
    leases: Api<Lease>,
    me: String,
    /// The version of the Lease that was seen last, and since when.
    seen: Option<(Option<String>, Instant)>,
}

impl Candidate {
    /// `me` is the pod's UID: no other has it, and a container that starts again has its Lease back.
    #[must_use]
    pub fn new(client: Client, namespace: &str, me: &str) -> Self {
        Self { leases: Api::namespaced(client, namespace), me: me.to_owned(), seen: None }
    }

    /// Does `work` whenever this one leads and drops it when it does not; ends when `work` does.
    pub async fn lead<W: Future<Output = ()>>(&mut self, metrics: &Metrics, work: impl Fn() -> W) {
        loop {
            let begun = self.elected().await;
            metrics.leads.add();
            tracing::info!("this controller leads");
            tokio::select! {
                // First: work that has no right to go on any more must not have another moment.
                biased;
                () = self.keep(begun) => tracing::warn!("this controller leads no more"),
                () = work() => return,
            }
        }
    }

    /// Gives the Lease back, so that the next one need not wait for its end.
    pub async fn release(&self) {
        if let Err(error) = self.give_back().await {
            tracing::warn!(%error, cause = ?std::error::Error::source(&error), "the Lease is not given back; it ends by itself");
        }
    }

    async fn give_back(&self) -> Result<(), NoTurn> {
        let Some(mut lease) = within(self.leases.get_opt(NAME)).await? else { return Ok(()) };
        let Some(spec) = lease.spec.as_mut() else { return Ok(()) };
        if holder(spec) == Some(&self.me) {
            spec.holder_identity = None;
            within(self.leases.replace(NAME, &PostParams::default(), &lease)).await?;
        }
        Ok(())
    }

    /// Completes when this one leads, with the time that its term is counted from.
    async fn elected(&mut self) -> Instant {
        loop {
            match self.turn(false).await {
                Turn::Mine(begun) => return begun,
                Turn::Wait(pause) => time::sleep(pause).await,
                Turn::Lost => time::sleep(AGAIN).await,
            }
        }
    }

    /// Renews until the Lease is lost, or could not be renewed for a term.
    async fn keep(&mut self, mut renewed: Instant) {
        while let Ok(Some(again)) = time::timeout_at(renewed + TERM, self.renew(renewed)).await {
            renewed = again;
        }
    }

    async fn renew(&mut self, renewed: Instant) -> Option<Instant> {
        time::sleep_until(renewed + EVERY).await;
        loop {
            match self.turn(true).await {
                Turn::Mine(begun) => return Some(begun),
                Turn::Wait(pause) => time::sleep(pause).await,
                Turn::Lost => return None,
            }
        }
    }

    async fn turn(&mut self, leads: bool) -> Turn {
        self.try_turn(leads).await.unwrap_or_else(|error| {
            tracing::warn!(%error, cause = ?std::error::Error::source(&error), "the Lease is tried again");
            Turn::Wait(AGAIN)
        })
    }

    /// One look, and the write that it asks for.
    async fn try_turn(&mut self, leads: bool) -> Result<Turn, NoTurn> {
        // Others see the write later than this: their count ends later than the term.
        let begun = Instant::now();
        let lease = within(self.leases.get_opt(NAME)).await?;
        let now = Instant::now();
        let since = self.seen_since(lease.as_ref(), now);
        let standing = if leads { Standing::Leads } else { Standing::Waits(since) };
        match decide(lease.as_ref(), &self.me, standing, now) {
            Step::Acquire | Step::Renew => match self.write(lease).await {
                Ok(()) => Ok(Turn::Mine(begun)),
                // Another was faster; who, the next look tells.
                Err(NoTurn::Cluster(kube::Error::Api(status))) if status.code == 409 => {
                    Ok(Turn::Wait(AGAIN))
                }
                Err(error) => Err(error),
            },
            Step::Wait(pause) => Ok(Turn::Wait(pause)),
            Step::Lost => Ok(Turn::Lost),
        }
    }

    fn seen_since(&mut self, lease: Option<&Lease>, now: Instant) -> Instant {
        let version = lease.and_then(|lease| lease.metadata.resource_version.clone());
        match &self.seen {
            Some((seen, since)) if *seen == version => *since,
            _ => {
                self.seen = Some((version, now));
                now
            }
        }
    }

    async fn write(&self, lease: Option<Lease>) -> Result<(), NoTurn> {
        let exists = lease.is_some();
        let lease = claimed(lease, &self.me);
        let params = PostParams::default();
        if exists {
            within(self.leases.replace(NAME, &params, &lease)).await.map(drop)
        } else {
            within(self.leases.create(&params, &lease)).await.map(drop)
        }
    }
}

async fn within<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, NoTurn> {
    Ok(time::timeout(PATIENCE, call).await.map_err(|_| NoTurn::TooSlow)??)
}
