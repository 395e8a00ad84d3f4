//! Events on their way up.

use std::sync::Arc;
use std::time::Duration;

use prepl_core::{Done, Event, Raised, Stream, Timings, Value};

use super::BadMessage;
use crate::v1::{self, event::Kind};

/// A batch of events of one replica.
pub fn batch(run_id: &str, replica_uid: &str, first: u64, events: Vec<Event>) -> v1::EventBatch {
    v1::EventBatch {
        run_id: run_id.to_owned(),
        replica_uid: replica_uid.to_owned(),
        first_sequence: first,
        events: events.into_iter().map(v1::Event::from).collect(),
    }
}

impl From<Event> for v1::Event {
    fn from(event: Event) -> Self {
        let kind = match event {
            Event::Started => Kind::Started(v1::Started {}),
            Event::Output { stream, bytes } => {
                Kind::Output(v1::Output { stream: wire_stream(stream).into(), data: bytes })
            }
            Event::Value(Value { form, text, truncated }) => {
                Kind::Value(v1::Value { form, text: text.to_string(), truncated })
            }
            Event::Raised(raised) => Kind::Raised(raised.into()),
            Event::NeedInput => Kind::NeedInput(v1::NeedInput {}),
            Event::Notice(text) => Kind::Notice(v1::Notice { text: text.to_string() }),
            Event::Done(done) => Kind::Done(done.into()),
        };
        v1::Event { kind: Some(kind) }
    }
}

impl TryFrom<v1::Event> for Event {
    type Error = BadMessage;

    fn try_from(wire: v1::Event) -> Result<Self, BadMessage> {
        Ok(match wire.kind.ok_or(BadMessage("event"))? {
            Kind::Started(_) => Event::Started,
            Kind::Output(output) => Event::Output {
                stream: core_stream(output.stream()).ok_or(BadMessage("output stream"))?,
                bytes: output.data,
            },
            Kind::Value(v1::Value { form, text, truncated }) => {
                Event::Value(Value { form, text: text.into(), truncated })
            }
            Kind::Raised(raised) => Event::Raised(raised.into()),
            Kind::NeedInput(_) => Event::NeedInput,
            Kind::Notice(notice) => Event::Notice(notice.text.into()),
            Kind::Done(done) => Event::Done(done.try_into()?),
        })
    }
}

fn wire_stream(stream: Stream) -> v1::output::Stream {
    match stream {
        Stream::Out => v1::output::Stream::Out,
        Stream::Err => v1::output::Stream::Err,
    }
}

fn core_stream(stream: v1::output::Stream) -> Option<Stream> {
    match stream {
        v1::output::Stream::Unspecified => None,
        v1::output::Stream::Out => Some(Stream::Out),
        v1::output::Stream::Err => Some(Stream::Err),
    }
}

impl From<Raised> for v1::Raised {
    fn from(raised: Raised) -> Self {
        v1::Raised {
            class: raised.class.to_string(),
            message: raised.message.to_string(),
            phase: raised.phase.to_string(),
            trace: raised.trace.iter().map(|frame| frame.to_string()).collect(),
        }
    }
}

impl From<v1::Raised> for Raised {
    fn from(wire: v1::Raised) -> Self {
        Raised {
            class: wire.class.into(),
            message: wire.message.into(),
            phase: wire.phase.into(),
            trace: wire.trace.into_iter().map(Arc::from).collect(),
        }
    }
}

impl From<Done> for v1::Done {
    fn from(done: Done) -> Self {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        v1::Done {
            outcome: Some(done.outcome.into()),
            namespace: done.namespace.as_deref().unwrap_or_default().to_owned(),
            queued_us: micros(done.timings.queued),
            eval_us: micros(done.timings.eval),
            output_bytes: done.output_bytes,
            session_began: done.session_began,
        }
    }
}

impl TryFrom<v1::Done> for Done {
    type Error = BadMessage;

    fn try_from(wire: v1::Done) -> Result<Self, BadMessage> {
        Ok(Done {
            outcome: wire.outcome.ok_or(BadMessage("outcome"))?.try_into()?,
            namespace: (!wire.namespace.is_empty()).then(|| wire.namespace.into()),
            timings: Timings {
                queued: Duration::from_micros(wire.queued_us),
                eval: Duration::from_micros(wire.eval_us),
                ..Timings::default()
            },
            output_bytes: wire.output_bytes,
            session_began: wire.session_began,
        })
    }
}
