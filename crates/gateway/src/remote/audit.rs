//! The audit log of one gateway, as it is told: nothing of it is believed here.

use std::time::{Duration, SystemTime};

use prepl_proto::convert::BadMessage;
use prepl_proto::v1;
use prepl_proto::v1::audit_part::Part;
use tonic::{Code, Streaming};

use super::client::{Remote, RemoteFailed};

/// Bytes that a gateway puts into one message at most.
const MAX_CHUNK: usize = 64 << 10;

/// The files of a gateway's audit log on their way; dropping it ends that.
#[derive(Debug)]
pub struct AuditFiles {
    remote: Remote,
    parts: Streaming<v1::AuditPart>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditPart {
    /// The name of a file, as the gateway tells it; what follows is of it.
    File(String),
    /// Bytes: 1 to 64 KiB.
    Data(Vec<u8>),
}

impl Remote {
    /// Asks for the files that hold something since a moment, oldest first; without one, for all.
    ///
    /// The gateway that tells them is the one that this connection leads to.
    pub async fn audit(&self, since: Option<SystemTime>) -> Result<AuditFiles, RemoteFailed> {
        let since = since.and_then(|since| since.duration_since(SystemTime::UNIX_EPOCH).ok());
        let millis = |since: Duration| u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let request = v1::AuditRequest { since_ms: since.map_or(0, millis) };
        let parts = self.client().audit(request).await.map_err(|status| match status.code() {
            Code::Unimplemented => {
                RemoteFailed::Refused("it is of a version that tells no audit log".to_owned())
            }
            _ => self.failed(status),
        })?;
        Ok(AuditFiles { remote: self.clone(), parts: parts.into_inner() })
    }
}

impl AuditFiles {
    /// The next part; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<AuditPart>, RemoteFailed> {
        let part = self.parts.message().await.map_err(|status| match status.code() {
            // It says why; the connection is well.
            Code::Aborted => RemoteFailed::Refused(status.message().to_owned()),
            _ => self.remote.failed(status),
        })?;
        match part {
            None => Ok(None),
            Some(part) => Ok(Some(AuditPart::try_from(part)?)),
        }
    }
}

impl TryFrom<v1::AuditPart> for AuditPart {
    type Error = BadMessage;

    fn try_from(wire: v1::AuditPart) -> Result<AuditPart, BadMessage> {
        match wire.part.ok_or(BadMessage("part of an audit log"))? {
            Part::File(name) => Ok(AuditPart::File(name)),
            Part::Data(data) if (1..=MAX_CHUNK).contains(&data.len()) => Ok(AuditPart::Data(data)),
            Part::Data(_) => Err(BadMessage("size of a part of an audit log")),
        }
    }
}
