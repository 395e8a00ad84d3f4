//! What a runtime is.

use prepl_core::{Description, InterruptStrength};

use super::BadMessage;
use crate::v1::{self, describe_reply::InterruptStrength as Wire};

impl From<Description> for v1::DescribeReply {
    fn from(description: Description) -> Self {
        let interrupt = match description.interrupt {
            InterruptStrength::None => Wire::None,
            InterruptStrength::Cooperative => Wire::Cooperative,
            InterruptStrength::Forced => Wire::Forced,
        };
        v1::DescribeReply {
            sidecar_version: description.sidecar_version.to_string(),
            driver: description.driver.to_string(),
            language: description.language.to_string(),
            runtime_version: description.runtime_version.to_string(),
            interrupt: interrupt.into(),
        }
    }
}

impl TryFrom<v1::DescribeReply> for Description {
    type Error = BadMessage;

    fn try_from(wire: v1::DescribeReply) -> Result<Self, BadMessage> {
        let interrupt = match wire.interrupt() {
            Wire::None => InterruptStrength::None,
            Wire::Cooperative => InterruptStrength::Cooperative,
            Wire::Forced => InterruptStrength::Forced,
            Wire::Unspecified => return Err(BadMessage("interrupt strength")),
        };
        Ok(Description {
            sidecar_version: wire.sidecar_version.into(),
            driver: wire.driver.into(),
            language: wire.language.into(),
            runtime_version: wire.runtime_version.into(),
            interrupt,
        })
    }
}
