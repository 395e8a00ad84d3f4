//! A tunnel whose end is written to the audit log.

use std::sync::Arc;

use prepl_audit::AttachClosed;
use prepl_core::{Reason, RequestId};
use tokio::runtime::Handle;

use crate::record::{Open, Recorder};
use crate::tunnel::{Traffic, Tunnel};

/// To be told why a tunnel ended; one that is dropped tells that whoever asked left.
#[derive(Debug)]
pub struct TunnelRecord {
    request: RequestId,
    traffic: Arc<Traffic>,
    open: Option<(Recorder, Open)>,
}

impl TunnelRecord {
    pub(crate) fn new(request: RequestId, tunnel: &Tunnel, recorder: Recorder) -> TunnelRecord {
        let open = recorder.opened();
        TunnelRecord { request, traffic: Arc::clone(&tunnel.traffic), open: Some((recorder, open)) }
    }

    /// Records the end.
    pub async fn closed(mut self, why: &Reason) {
        let closed = self.closing(why);
        if let Some((recorder, _open)) = self.open.take() {
            recorder.tunnel_closed(closed).await;
        }
    }

    fn closing(&self, why: &Reason) -> AttachClosed {
        AttachClosed::new(self.request, self.traffic.up(), self.traffic.down(), why)
    }
}

impl Drop for TunnelRecord {
    fn drop(&mut self) {
        let Some((recorder, open)) = self.open.take() else { return };
        let closed = self.closing(&Reason::new("whoever asked left"));
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                recorder.tunnel_closed(closed).await;
                drop(open);
            });
        }
    }
}
