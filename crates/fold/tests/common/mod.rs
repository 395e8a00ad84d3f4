//! Answers and replicas for the tests, built from the few facts that matter.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use bytes::Bytes;
use prepl_core::{
    Answer, Done, Outcome, Raised, Replica, ReplicaId, ReplicaIndex, Selection, Stream, Value,
    Workload,
};

pub fn ended(replica: u32, outcome: Outcome) -> Answer {
    Answer {
        replica: ReplicaIndex(replica),
        values: Vec::new(),
        raised: Vec::new(),
        output: Vec::new(),
        notices: Vec::new(),
        done: Done::without_answer(outcome),
    }
}

pub fn answer(replica: u32, text: &str) -> Answer {
    let value = Value { form: 0, text: Arc::from(text), truncated: false };
    Answer { values: vec![value], ..ended(replica, Outcome::Ok) }
}

pub fn printing(mut answer: Answer, stream: Stream, text: &'static str) -> Answer {
    answer.output.push((stream, Bytes::from_static(text.as_bytes())));
    answer
}

pub fn raised(replica: u32, class: &str, message: &str, frame: &str) -> Answer {
    let raised = Raised {
        class: class.into(),
        message: message.into(),
        phase: "execution".into(),
        trace: vec![frame.into(), "clojure.core/eval".into()],
    };
    Answer { raised: vec![raised], ..ended(replica, Outcome::Raised) }
}

/// A replica of a version, a zone and a node.
pub fn replica(name: &str, version: &str, zone: &str, node: &str) -> Replica {
    Replica {
        id: ReplicaId { namespace: "shop".into(), name: name.into(), uid: name.into() },
        workload: Workload { kind: "deployment".into(), name: "api".into() },
        labels: [("app", "api"), ("pod", name)].into_iter().collect(),
        node: node.into(),
        zone: zone.into(),
        version: version.into(),
        container: "".into(),
        address: "127.0.0.1:7070".into(),
    }
}

pub fn selection(facts: &[[&str; 3]]) -> Selection {
    let replicas = facts.iter().enumerate().map(|(place, [version, zone, node])| {
        replica(&format!("api-{place}"), version, zone, node)
    });
    Selection::of(replicas.collect())
}

pub fn places(numbers: impl IntoIterator<Item = u32>) -> Vec<ReplicaIndex> {
    numbers.into_iter().map(ReplicaIndex).collect()
}
