//! The merged stream of a run, as a gateway of a cluster sends it.

use std::time::Duration;

use prepl_core::outcome::{Class, Counts};
use prepl_core::report::Stopped;
use prepl_core::{Digest, Event, ReplicaIndex, Report, Summary, Value};

use super::BadMessage;
use crate::v1::{self, event::Kind, finished::Stopped as Wire, report::Report as Kinds};

impl From<Report> for v1::Report {
    fn from(report: Report) -> Self {
        let report = match report {
            Report::Text(digest, text) => {
                let digest = digest.as_bytes().to_vec();
                Kinds::Text(v1::Text { digest, text: text.to_string() })
            }
            Report::Replica { replica, sequence, event } => {
                Kinds::Replica(replica_event(replica, sequence, event))
            }
            Report::Finished(summary) => Kinds::Finished(summary.into()),
        };
        v1::Report { report: Some(report) }
    }
}

/// The text of a value is empty beside its digest.
fn replica_event(replica: ReplicaIndex, sequence: u64, event: Event<Digest>) -> v1::ReplicaEvent {
    let value_digest = match &event {
        Event::Value(value) => value.text.as_bytes().to_vec(),
        _ => Vec::new(),
    };
    let (connect_us, total_us) = match &event {
        Event::Done(done) => (micros(done.timings.connect), micros(done.timings.total)),
        _ => (0, 0),
    };
    let event = Some(event.map_text(|_| "".into()).into());
    v1::ReplicaEvent { replica: replica.0, sequence, event, value_digest, connect_us, total_us }
}

impl TryFrom<v1::Report> for Report {
    type Error = BadMessage;

    fn try_from(wire: v1::Report) -> Result<Self, BadMessage> {
        Ok(match wire.report.ok_or(BadMessage("report"))? {
            Kinds::Text(text) => Report::Text(digest(&text.digest)?, text.text.into()),
            Kinds::Replica(told) => Report::Replica {
                replica: ReplicaIndex(told.replica),
                sequence: told.sequence,
                event: event(told)?,
            },
            Kinds::Finished(finished) => Report::Finished(finished.try_into()?),
        })
    }
}

fn event(told: v1::ReplicaEvent) -> Result<Event<Digest>, BadMessage> {
    let (connect, total) = (told.connect_us, told.total_us);
    let wire = told.event.ok_or(BadMessage("event of a replica"))?;
    if let Some(Kind::Value(v1::Value { form, truncated, .. })) = wire.kind {
        let text = digest(&told.value_digest)?;
        return Ok(Event::Value(Value { form, text, truncated }));
    }
    // Only a value carries a digest, and that one is done.
    let event = Event::try_from(wire)?.map_text(|text| Digest::of(&text));
    Ok(match event {
        Event::Done(mut done) => {
            done.timings.connect = Duration::from_micros(connect);
            done.timings.total = Duration::from_micros(total);
            Event::Done(done)
        }
        other => other,
    })
}

fn digest(bytes: &[u8]) -> Result<Digest, BadMessage> {
    bytes.try_into().map(Digest::from_bytes).map_err(|_| BadMessage("digest"))
}

impl From<Summary> for v1::Finished {
    fn from(summary: Summary) -> Self {
        let stopped = match summary.stopped {
            None => Wire::Unspecified,
            Some(Stopped::Interrupted) => Wire::Interrupted,
            Some(Stopped::Deadline) => Wire::Deadline,
            Some(Stopped::Revoked) => Wire::Revoked,
        };
        v1::Finished {
            skew_us: summary.skew.map(micros),
            elapsed_us: micros(summary.elapsed),
            stopped: stopped.into(),
            counts: Some(summary.counts.into()),
        }
    }
}

impl TryFrom<v1::Finished> for Summary {
    type Error = BadMessage;

    fn try_from(wire: v1::Finished) -> Result<Self, BadMessage> {
        let stopped = match wire.stopped() {
            Wire::Unspecified => None,
            Wire::Interrupted => Some(Stopped::Interrupted),
            Wire::Deadline => Some(Stopped::Deadline),
            Wire::Revoked => Some(Stopped::Revoked),
        };
        Ok(Summary {
            counts: wire.counts.ok_or(BadMessage("counts"))?.into(),
            skew: wire.skew_us.map(Duration::from_micros),
            elapsed: Duration::from_micros(wire.elapsed_us),
            stopped,
        })
    }
}

impl From<Counts> for v1::Counts {
    fn from(counts: Counts) -> Self {
        v1::Counts {
            ok: counts.of(Class::Ok),
            raised: counts.of(Class::Raised),
            refused: counts.of(Class::Refused),
            unreachable: counts.of(Class::Unreachable),
            not_started: counts.of(Class::NotStarted),
            unknown: counts.of(Class::Unknown),
        }
    }
}

impl From<v1::Counts> for Counts {
    fn from(wire: v1::Counts) -> Self {
        Counts::of_classes(|class| match class {
            Class::Ok => wire.ok,
            Class::Raised => wire.raised,
            Class::Refused => wire.refused,
            Class::Unreachable => wire.unreachable,
            Class::NotStarted => wire.not_started,
            Class::Unknown => wire.unknown,
        })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
