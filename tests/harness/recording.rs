//! A way to the replicas of a world that records what it is about to do, as every gateway must.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prepl_audit::{Log, Settings, Who};
use prepl_core::ports::Connect;
use prepl_core::{Outcome, RequestId};
use prepl_gateway::{
    Asker, Dialer, Gateway, Grounds, Permit, Plan, RecordedRun, Recorder, Tunnel, TunnelRecord,
};
use tokio::sync::OnceCell;

/// The audit log of a world, begun when the first run is recorded.
#[derive(Clone, Debug)]
pub struct Records {
    folder: Arc<Path>,
    recorder: Arc<OnceCell<Recorder>>,
}

/// A gateway and the log that it writes.
#[derive(Debug)]
pub struct Recording<C = Dialer> {
    gateway: Gateway<C>,
    records: Records,
}

impl Records {
    /// A log that will be in this folder.
    pub fn in_folder(folder: PathBuf) -> Records {
        Records { folder: folder.into(), recorder: Arc::default() }
    }

    /// Where the log is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes to the log.
    pub async fn recorder(&self) -> &Recorder {
        let open = || async {
            let log = Log::open(&self.folder, Settings::new("a test")).await;
            Recorder::new(log.expect("an audit log"))
        };
        self.recorder.get_or_init(open).await
    }

    /// A gateway that writes here.
    pub fn with<C: Connect>(&self, gateway: Gateway<C>) -> Recording<C> {
        Recording { gateway, records: self.clone() }
    }
}

impl<C: Connect> Recording<C> {
    /// Records a plan, and starts it.
    pub async fn run(&self, permit: Permit, plan: Plan) -> RecordedRun {
        let recorder = self.records.recorder().await;
        let recorded = recorder.run(permit, plan, &asker("mira")).await;
        self.gateway.run(recorded.expect("a log that is written"))
    }
}

impl Recording {
    /// Records a tunnel, and opens it.
    pub async fn attach(
        &self,
        permit: Permit,
        patience: Duration,
    ) -> Result<(Tunnel, TunnelRecord), Outcome> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let request = RequestId::from_random(u128::from(number).to_be_bytes());
        let recorder = self.records.recorder().await;
        let recorded = recorder.tunnel(permit, request, &asker("mira")).await;
        self.gateway.attach(recorded.expect("a log that is written"), patience).await
    }
}

impl<C> Deref for Recording<C> {
    type Target = Gateway<C>;

    fn deref(&self) -> &Gateway<C> {
        &self.gateway
    }
}

/// Somebody of this name, who gives no reason.
pub fn asker(username: &str) -> Asker {
    let who = Who { username: username.to_owned(), uid: String::new(), access: None };
    Asker { who, grounds: Grounds::default(), break_glass: false, approved_by: Vec::new() }
}
