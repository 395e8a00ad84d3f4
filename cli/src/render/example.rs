//! Made-up fleets and answers for the tests of the screens.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prepl_core::outcome::Counts;
use prepl_core::{
    Answer, Description, Done, InterruptStrength, Labels, Outcome, Raised, Replica, ReplicaId,
    ReplicaIndex, RequestId, RunId, Selection, Stream, Summary, Timings, Value, Workload,
};
use prepl_fold::Comparison;

use super::Results;

/// Replicas of one deployment, in zones a, b and c by turns.
pub fn api_fleet(count: usize) -> Vec<Replica> {
    (0..count).map(|number| replica(&format!("api-6f7c9-{number:02}"), "2.41.0", number)).collect()
}

/// One replica of `deployment/api`.
pub fn replica(name: &str, version: &str, number: usize) -> Replica {
    Replica {
        id: ReplicaId {
            namespace: "shop".into(),
            name: name.into(),
            uid: format!("u-{name}").into(),
        },
        workload: Workload { kind: "deployment".into(), name: "api".into() },
        labels: [("app", "api"), ("tier", "web")].into_iter().collect::<Labels>(),
        node: format!("n-{}", number % 4).into(),
        zone: ["a", "b", "c"][number % 3].into(),
        version: version.into(),
        container: "".into(),
        address: format!("10.0.0.{number}:7070").into(),
    }
}

/// What a replica says of a runtime.
pub fn runtime(language: &str, version: &str) -> Description {
    Description {
        language: language.into(),
        runtime_version: version.into(),
        driver: "nrepl".into(),
        sidecar_version: "0.1.0".into(),
        interrupt: InterruptStrength::Cooperative,
        read_only: None,
        loaded: Vec::new(),
    }
}

/// An answer of one value.
pub fn ok(text: &str) -> Answer {
    let values = vec![Value { form: 0, text: text.into(), truncated: false }];
    Answer { values, ..ended(Outcome::Ok) }
}

/// An answer that threw.
pub fn raised(class: &str, message: &str) -> Answer {
    let trace = vec![Arc::from("shop.locks/release-stale-locks! (locks.clj:88)")];
    let raised = Raised { class: class.into(), message: message.into(), phase: "".into(), trace };
    Answer { raised: vec![raised], ..ended(Outcome::Raised) }
}

/// An answer without a value.
pub fn ended(outcome: Outcome) -> Answer {
    Answer {
        replica: ReplicaIndex(0),
        values: Vec::new(),
        raised: Vec::new(),
        output: Vec::new(),
        notices: Vec::new(),
        done: Done::without_answer(outcome),
    }
}

/// The same answer with printed output.
pub fn printing(mut answer: Answer, stream: Stream, text: &str) -> Answer {
    answer.output.push((stream, Bytes::copy_from_slice(text.as_bytes())));
    answer.done.output_bytes += text.len() as u64;
    answer
}

/// A finished run of these answers, in the order of the replicas.
pub fn results(replicas: Vec<Replica>, answers: Vec<Answer>) -> Results {
    results_compared(replicas, answers, Comparison::Canonical)
}

/// As [`results`], compared another way.
pub fn results_compared(
    replicas: Vec<Replica>,
    mut answers: Vec<Answer>,
    comparison: Comparison,
) -> Results {
    let mut counts = Counts::default();
    for (place, answer) in answers.iter_mut().enumerate() {
        answer.replica = ReplicaIndex(place as u32);
        let total = Duration::from_millis(8 + place as u64 % 20);
        answer.done.timings = Timings { total, ..Timings::default() };
        counts.add(answer.class());
    }
    let skew = Some(Duration::from_millis(11));
    let elapsed = Duration::from_millis(31);
    let summary = Summary { counts, skew, elapsed, stopped: None };
    let run = RunId::from_random([0x3d, 0xc9, 0x31, 0x2d, 0x6c]);
    let request = RequestId::from_random([0xab; 16]);
    Results::new(Selection::of(replicas), answers, summary, run, request, comparison)
}
