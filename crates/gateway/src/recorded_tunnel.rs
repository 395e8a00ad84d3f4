//! A tunnel of which what goes to the REPL and the end are written to the audit log.

use std::sync::Arc;

use bytes::Bytes;
use prepl_audit::{
    AttachClosed, AttachOpened, AttachSaid, AuditError, Redacted, Redactor, ReplMessage, Said,
};
use prepl_core::{Digest, Reason, RequestId};
use prepl_proto::convert::tunnel::Carried;
use tokio::runtime::Handle;

use crate::record::{Open, Recorder};
use crate::tap::{self, Segment, Tap, Told};
use crate::tunnel::{Traffic, Tunnel};

/// Longest op, session or namespace of a message that is recorded, in bytes.
const MAX_NAME: usize = 128;
/// Longest name of a file, in bytes.
const MAX_FILE: usize = 512;

/// Records what goes up a tunnel before it goes on.
pub(crate) struct Scribe {
    tap: Tap,
    opened: AttachOpened,
    redactor: Redactor,
    recorder: Recorder,
    place: u64,
}

impl Scribe {
    /// Of the tunnel that was opened so, to a REPL of this protocol.
    pub(crate) fn new(
        driver: &str,
        opened: AttachOpened,
        redactor: Redactor,
        recorder: Recorder,
    ) -> Scribe {
        Scribe { tap: Tap::of(driver), opened, redactor, recorder, place: 0 }
    }

    /// What goes on now that a caller says this.
    pub(crate) fn hear(&mut self, carried: &Carried) -> Vec<Segment> {
        match carried {
            Carried::Data(bytes) => self.tap.push(bytes),
            Carried::End => self.tap.end().into_iter().collect(),
        }
    }

    /// Records what is told of these bytes; it is durable afterwards.
    pub(crate) async fn record(&mut self, told: Told, bytes: &Bytes) -> Result<(), AuditError> {
        let said = AttachSaid {
            request: self.opened.request,
            place: self.place,
            who: self.opened.who.clone(),
            replicas: self.opened.replicas.clone(),
            bytes: bytes.len() as u64,
            said: self.said(told.said, bytes),
            asides: told.asides.into_iter().map(|(op, count)| (op.to_owned(), count)).collect(),
        };
        self.place += 1;
        self.recorder.tunnel_said(said).await
    }

    fn said(&self, said: tap::Said, bytes: &Bytes) -> Said {
        match said {
            tap::Said::Text => Said::Text { text: self.redactor.code(bytes) },
            tap::Said::Message(message) => Said::Message(self.message(&message, bytes)),
            tap::Said::Raw => Said::Raw { sha256: Digest::of_bytes(bytes) },
            tap::Said::Nothing => Said::Asides,
        }
    }

    fn message(&self, message: &tap::Message, bytes: &Bytes) -> ReplMessage {
        let tap::Message { op, session, namespace, file, code } = message;
        let short = |text: &Option<String>, most| -> Option<Redacted> {
            text.as_deref().map(|text| self.redactor.short(text, most))
        };
        ReplMessage {
            op: self.redactor.short(op, MAX_NAME),
            session: short(session, MAX_NAME),
            namespace: short(namespace, MAX_NAME),
            file: short(file, MAX_FILE),
            code: code.as_deref().map(|code| self.redactor.code(code)),
            sha256: Digest::of_bytes(bytes),
        }
    }
}

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
