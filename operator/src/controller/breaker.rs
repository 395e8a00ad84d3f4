//! Stops injection when sidecars do not start, so that the next pods come up without one (P7).
//!
//! The decision is [`Tally::of`] and [`State::next`], which know nothing but pods and the time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};
use k8s_openapi::jiff::Timestamp;
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use prepl_crd::labels::{CONTAINER, LABEL_INJECTED};
use tokio::time;

/// Pods up to this age tell how sidecars start now, in seconds: ten minutes.
const YOUNG_SECONDS: i64 = 600;
/// From how many failing pods on injection may stop.
const MIN_FAILING: usize = 3;
/// From how many restarts on a sidecar fails, even while it runs again.
const MAX_RESTARTS: i32 = 3;
/// After how long open is judged anew, in seconds: five minutes.
const OPEN_SECONDS: i64 = 300;
/// How often it is judged: pods grow old without an event.
const EVERY: Duration = Duration::from_secs(5);
/// What a container waits for that does not start.
const FAILURES: [&str; 7] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// The young pods whose sidecars have told how they start; those still being made tell nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// It does not start.
    pub failing: usize,
    /// It runs.
    pub running: usize,
}

impl Tally {
    /// Counts.
    pub fn of<'a>(pods: impl IntoIterator<Item = &'a Pod>, now: Timestamp) -> Self {
        let mut tally = Self::default();
        for status in pods.into_iter().filter(|pod| is_young(pod, now)).filter_map(sidecar) {
            if fails(status) {
                tally.failing += 1;
            } else if status.state.as_ref().is_some_and(|state| state.running.is_some()) {
                tally.running += 1;
            }
        }
        tally
    }

    fn is_bad(self) -> bool {
        self.failing >= MIN_FAILING && self.failing > self.running
    }
}

fn is_young(pod: &Pod, now: Timestamp) -> bool {
    let created = pod.metadata.creation_timestamp.as_ref();
    created.is_some_and(|created| now.as_second() - created.0.as_second() < YOUNG_SECONDS)
}

fn sidecar(pod: &Pod) -> Option<&ContainerStatus> {
    let all = pod.status.as_ref()?.init_container_statuses.as_ref()?;
    all.iter().find(|status| status.name == CONTAINER)
}

fn fails(status: &ContainerStatus) -> bool {
    let waiting = status.state.as_ref().and_then(|state| state.waiting.as_ref());
    let reason = waiting.and_then(|waiting| waiting.reason.as_deref());
    status.restart_count >= MAX_RESTARTS || reason.is_some_and(|reason| FAILURES.contains(&reason))
}

/// Whether pods get sidecars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// They do.
    #[default]
    Closed,
    /// They do not, since then.
    Open(Timestamp),
}

impl State {
    /// Decides. Once open, a single failing pod keeps it open until its time is over.
    #[must_use]
    pub fn next(self, tally: Tally, now: Timestamp) -> Self {
        match self {
            Self::Open(since)
                if tally.failing > 0 && now.as_second() - since.as_second() < OPEN_SECONDS =>
            {
                self
            }
            Self::Open(_) | Self::Closed if tally.is_bad() => Self::Open(now),
            Self::Open(_) | Self::Closed => Self::Closed,
        }
    }
}

/// Whether injection is stopped now.
#[derive(Debug, Default)]
pub struct Breaker(AtomicBool);

impl Breaker {
    /// Whether new pods get no sidecar.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Says whether new pods get no sidecar.
    pub fn set(&self, open: bool) {
        self.0.store(open, Ordering::Relaxed);
    }

    /// Watches the injected pods of all namespaces, for ever.
    pub async fn watch(&self, client: Client) {
        let (pods, writer) = reflector::store();
        let injected = watcher::Config::default().labels(&format!("{LABEL_INJECTED}=true"));
        let events = watcher(Api::all(client), injected).modify(keep_what_is_judged);
        let events = events.default_backoff().reflect(writer).for_each(|event| async move {
            if let Err(error) = event {
                tracing::warn!(%error, "the watch of injected pods is interrupted; it goes on by itself");
            }
        });
        tokio::select! {
            () = events => {}
            () = self.judge(&pods) => {}
        }
    }

    async fn judge(&self, pods: &Store<Pod>) {
        let mut state = State::Closed;
        let mut ticks = time::interval(EVERY);
        loop {
            ticks.tick().await;
            let now = Timestamp::now();
            let tally = Tally::of(pods.state().iter().map(AsRef::as_ref), now);
            let before = state;
            state = before.next(tally, now);
            self.tell(before, state, tally);
        }
    }

    fn tell(&self, before: State, state: State, tally: Tally) {
        let Tally { failing, running } = tally;
        match (before, state) {
            (State::Closed, State::Open(_)) => {
                tracing::error!(failing, running, "sidecars do not start: new pods get none");
            }
            (State::Open(_), State::Closed) => {
                tracing::info!(failing, running, "new pods get sidecars again");
            }
            (State::Closed, State::Closed) | (State::Open(_), State::Open(_)) => {}
        }
        self.set(state != State::Closed);
    }
}

/// A cluster may have many pods, and only this little of each is asked for.
fn keep_what_is_judged(pod: &mut Pod) {
    pod.metadata.managed_fields = None;
    pod.metadata.annotations = None;
    pod.spec = None;
    pod.status = pod.status.take().map(|status| PodStatus {
        init_container_statuses: status.init_container_statuses,
        ..PodStatus::default()
    });
}
