//! The objects of the machine forms; `json`, `jsonl` and `yaml` write the same ones.

use std::time::Duration;

use prepl_core::report::Stopped;
use prepl_core::{
    Answer, Class, Digest, ExitCode, Outcome, Raised, ReplicaIndex, RequestId, RunId, Selection,
    Stream, Summary,
};
use serde_json::{Map, Value as Json, json};

use super::closing::Percentiles;
use super::parsed::parsed;
use super::{Results, crowd};
use crate::problem::Problem;

/// What will be asked: run, request and the selected replicas.
pub fn plan(selection: &Selection, run: RunId, request: RequestId) -> Json {
    let replicas: Vec<_> = selection.indexed().map(|(index, _)| who(selection, index)).collect();
    json!({
        "run": run.to_string(),
        "request": request.to_string(),
        "selected": selection.len(),
        "replicas": replicas,
    })
}

/// Who a replica is.
pub fn who(selection: &Selection, index: ReplicaIndex) -> Json {
    let Some(replica) = selection.get(index) else { return json!({ "index": index.0 }) };
    json!({
        "replica": &*replica.id.name,
        "namespace": &*replica.id.namespace,
        "uid": &*replica.id.uid,
        "workload": replica.workload.to_string(),
        "node": &*replica.node,
        "zone": &*replica.zone,
        "version": &*replica.version,
    })
}

/// One replica's whole answer; every `digest` is that of the `text` beside it.
pub fn result(selection: &Selection, answer: &Answer) -> Json {
    let mut result = match who(selection, answer.replica) {
        Json::Object(who) => who,
        _ => Map::new(),
    };
    result.insert("class".to_owned(), class(answer.class()).into());
    values(&mut result, answer);
    outcome(&mut result, &answer.done.outcome);
    if !answer.raised.is_empty() {
        result.insert("raised".to_owned(), answer.raised.iter().map(raised).collect());
    }
    printed(&mut result, answer);
    if !answer.notices.is_empty() {
        let notices: Json = answer.notices.iter().map(|notice| Json::from(&**notice)).collect();
        result.insert("notices".to_owned(), notices);
    }
    if let Some(namespace) = &answer.done.namespace {
        result.insert("session_namespace".to_owned(), (&**namespace).into());
    }
    if answer.done.session_began {
        result.insert("session_began".to_owned(), true.into());
    }
    let timings = &answer.done.timings;
    result.insert(
        "ms".to_owned(),
        json!({
            "connect": millis(timings.connect),
            "queued": millis(timings.queued),
            "eval": millis(timings.eval),
            "total": millis(timings.total),
        }),
    );
    Json::Object(result)
}

/// `text` and `value` are those of the last form; `values` lists all when there are several.
fn values(result: &mut Map<String, Json>, answer: &Answer) {
    if let Some(last) = answer.values.last() {
        result.extend(value(last));
    }
    if answer.values.len() > 1 {
        let all = answer.values.iter().map(|one| Json::Object(value(one)));
        result.insert("values".to_owned(), all.collect());
    }
}

fn value(value: &prepl_core::Value) -> Map<String, Json> {
    let mut object = Map::new();
    object.insert("form".to_owned(), value.form.into());
    object.insert("text".to_owned(), (&*value.text).into());
    if let Some(parsed) = parsed(&value.text).filter(|_| !value.truncated) {
        object.insert("value".to_owned(), parsed);
    }
    object.insert("truncated".to_owned(), value.truncated.into());
    object.insert("digest".to_owned(), Digest::of(&value.text).to_string().into());
    object
}

fn outcome(result: &mut Map<String, Json>, outcome: &Outcome) {
    if let Some(reason) = outcome.reason() {
        result.insert("reason".to_owned(), reason.as_str().into());
    }
    if let Outcome::Unknown { may_still_run, .. } = outcome {
        result.insert("may_still_run".to_owned(), (*may_still_run).into());
    }
}

fn raised(raised: &Raised) -> Json {
    let trace: Vec<_> = raised.trace.iter().map(|frame| &**frame).collect();
    json!({
        "class": &*raised.class,
        "message": &*raised.message,
        "phase": &*raised.phase,
        "trace": trace,
    })
}

fn printed(result: &mut Map<String, Json>, answer: &Answer) {
    let printed = |wanted: Stream| {
        let chunks = answer.output.iter().filter(|(stream, _)| *stream == wanted);
        let bytes: Vec<u8> = chunks.flat_map(|(_, bytes)| bytes.iter().copied()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let shown: usize = answer.output.iter().map(|(_, bytes)| bytes.len()).sum();
    for (key, stream) in [("out", Stream::Out), ("err", Stream::Err)] {
        let text = printed(stream);
        if !text.is_empty() {
            result.insert(key.to_owned(), text.into());
        }
    }
    result.insert("bytes_printed".to_owned(), answer.done.output_bytes.into());
    result.insert("bytes_shown".to_owned(), shown.into());
}

/// The groups of the fold, class by class, largest first.
///
/// `text` and `digest` are those of the first replica; `answer_digest` is that of what was
/// compared, the same for equal answers of every run.
pub fn groups(results: &Results) -> Vec<Json> {
    let ok = results.folded.ok.iter().enumerate().map(|(place, group)| {
        let mut object = members(results, Class::Ok, &group.members);
        object.insert("group".to_owned(), group.letter.clone().into());
        object.insert("majority".to_owned(), (place == 0 && results.has_majority()).into());
        object.extend(group.values.last().map(value).unwrap_or_default());
        object.insert("answer_digest".to_owned(), group.digest.to_string().into());
        object
    });
    let raised = results.folded.raised.iter().map(|group| {
        let mut object = members(results, Class::Raised, &group.members);
        object.insert("raised".to_owned(), group.raised.iter().map(raised).collect());
        object
    });
    let silent = results.folded.silent.iter().map(|group| {
        let mut object = members(results, group.outcome.class(), &group.members);
        outcome(&mut object, &group.outcome);
        object
    });
    ok.chain(raised).chain(silent).map(Json::Object).collect()
}

fn members(results: &Results, of: Class, members: &[ReplicaIndex]) -> Map<String, Json> {
    let names = members.iter().map(|index| Json::from(crowd::name(&results.selection, *index)));
    let mut object = Map::new();
    object.insert("class".to_owned(), class(of).into());
    object.insert("count".to_owned(), members.len().into());
    object.insert("replicas".to_owned(), names.collect());
    object
}

/// The run as a whole.
pub fn summary(results: &Results, code: ExitCode) -> Json {
    let Summary { counts, skew, elapsed, stopped } = &results.summary;
    let counted = Class::ALL.into_iter().map(|one| (class(one), counts.of(one)));
    let counts: Map<String, Json> = counted.map(|(name, n)| (name.to_owned(), n.into())).collect();
    let times = Percentiles::of(results);
    json!({
        "run": results.run.to_string(),
        "request": results.request.to_string(),
        "selected": results.selection.len(),
        "counts": counts,
        "answers": results.folded.ok.len(),
        "p50_ms": times.map(|times| millis(times.p50)),
        "p99_ms": times.map(|times| millis(times.p99)),
        "max_ms": times.map(|times| millis(times.max)),
        "skew_ms": skew.map(millis),
        "elapsed_ms": millis(*elapsed),
        "stopped": stopped.map(stopped_word),
        "exit_code": code.number(),
    })
}

/// Why nothing ran.
pub fn error(problem: &Problem) -> Json {
    json!({
        "message": problem.message,
        "hint": problem.hint,
        "exit_code": problem.code.number(),
    })
}

/// The name of a class in machine forms: one word.
pub fn class(class: Class) -> &'static str {
    match class {
        Class::NotStarted => "not_started",
        other => other.as_str(),
    }
}

fn stopped_word(stopped: Stopped) -> &'static str {
    match stopped {
        Stopped::Interrupted => "interrupted",
        Stopped::Deadline => "deadline",
        Stopped::Revoked => "revoked",
    }
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
