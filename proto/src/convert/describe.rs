//! What a runtime is.

use prepl_core::read_only::Keeper;
use prepl_core::{Description, InterruptStrength};

use super::BadMessage;
use crate::v1::{self, describe_reply::InterruptStrength as Wire, describe_reply::ReadOnly};

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
            read_only: description.read_only.map(|keeper| match keeper {
                Keeper::Engine => ReadOnly::Engine(v1::EngineHolds {}),
                Keeper::Function(name) => ReadOnly::Function(name.to_string()),
            }),
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
        let read_only = wire.read_only.map(|keeper| match keeper {
            ReadOnly::Engine(_) => Ok(Keeper::Engine),
            ReadOnly::Function(name) => name.parse().map(Keeper::Function),
        });
        Ok(Description {
            sidecar_version: wire.sidecar_version.into(),
            driver: wire.driver.into(),
            language: wire.language.into(),
            runtime_version: wire.runtime_version.into(),
            interrupt,
            read_only: read_only.transpose().map_err(|_| BadMessage("read-only function"))?,
        })
    }
}
