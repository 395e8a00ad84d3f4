//! An evaluation on its way down.

use std::time::Duration;

use prepl_core::{Evaluation, Limits, RequestId};

use super::BadMessage;
use super::text::Text;
use crate::v1;

impl From<Evaluation> for v1::EvalRequest {
    fn from(evaluation: Evaluation) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let Text { expression, read_only_expression, at, file } =
            Text::of(&evaluation.expression, &evaluation.origin, evaluation.read_only);
        v1::EvalRequest {
            request_id: evaluation.request.as_bytes().to_vec(),
            run_id: evaluation.run.to_string(),
            replica_uid: evaluation.replica_uid.to_string(),
            expression,
            read_only_expression,
            at,
            file,
            session: text(evaluation.session.as_ref().map(|name| name.as_str())),
            namespace: text(evaluation.namespace.as_deref()),
            limits: Some(evaluation.limits.into()),
            recall: evaluation.recall,
            interactive: evaluation.interactive,
            // Whoever asks for somebody else writes it in.
            caller: String::new(),
            signed: None,
            membership: None,
        }
    }
}

impl TryFrom<v1::EvalRequest> for Evaluation {
    type Error = BadMessage;

    fn try_from(wire: v1::EvalRequest) -> Result<Self, BadMessage> {
        let request = RequestId::try_from(&wire.request_id[..]);
        let session = (!wire.session.is_empty()).then(|| wire.session.parse()).transpose();
        let namespace = (!wire.namespace.is_empty()).then(|| wire.namespace.into());
        let text = Text {
            expression: wire.expression,
            read_only_expression: wire.read_only_expression,
            at: wire.at,
            file: wire.file,
        };
        let (expression, origin, read_only) = text.read()?;
        Ok(Evaluation {
            request: request.map_err(|_| BadMessage("request id"))?,
            run: wire.run_id.parse().map_err(|_| BadMessage("run id"))?,
            replica_uid: wire.replica_uid.into(),
            expression,
            origin,
            read_only,
            session: session.map_err(|_| BadMessage("session name"))?,
            namespace,
            limits: wire.limits.ok_or(BadMessage("limits"))?.try_into()?,
            recall: wire.recall,
            interactive: wire.interactive,
        })
    }
}

impl From<Limits> for v1::Limits {
    fn from(limits: Limits) -> Self {
        v1::Limits {
            // The longest time, one hour, fits.
            time_ms: u32::try_from(limits.time().as_millis()).unwrap_or(u32::MAX),
            value_bytes: limits.value_bytes(),
            output_bytes: limits.output_bytes(),
        }
    }
}

impl TryFrom<v1::Limits> for Limits {
    type Error = BadMessage;

    fn try_from(wire: v1::Limits) -> Result<Self, BadMessage> {
        let time = Duration::from_millis(wire.time_ms.into());
        Limits::new(time, wire.value_bytes, wire.output_bytes).map_err(|_| BadMessage("limits"))
    }
}
