//! `-o jsonl`: one object a line with its `kind`, written as the run goes on.

use prepl_core::{Answer, ExitCode, ReplicaIndex, RequestId, RunId, Selection, Stream};
use serde_json::{Value as Json, json};

use super::{Results, record, safe};
use crate::problem::Problem;

/// The first line: what will be asked.
pub fn plan(selection: &Selection, run: RunId, request: RequestId) -> String {
    line("plan", record::plan(selection, run, request))
}

/// A replica was handed the expression.
pub fn start(selection: &Selection, replica: ReplicaIndex) -> String {
    line("start", record::who(selection, replica))
}

/// A replica printed something; bytes that are no UTF-8 become U+FFFD.
pub fn out(selection: &Selection, replica: ReplicaIndex, stream: Stream, bytes: &[u8]) -> String {
    let mut object = record::who(selection, replica);
    let stream = match stream {
        Stream::Out => "out",
        Stream::Err => "err",
    };
    object["stream"] = stream.into();
    object["text"] = String::from_utf8_lossy(bytes).into();
    line("out", object)
}

/// A replica has its outcome.
pub fn result(selection: &Selection, answer: &Answer) -> String {
    line("result", record::result(selection, answer))
}

/// The last lines: a line a group, then the summary.
pub fn end(results: &Results, code: ExitCode) -> String {
    let groups = record::groups(results).into_iter().map(|group| line("group", group));
    groups.chain([line("summary", record::summary(results, code))]).collect()
}

/// The only line when nothing ran.
pub fn error(problem: &Problem) -> String {
    line("error", record::error(problem))
}

/// One object of a kind on a line.
pub fn line(kind: &str, object: Json) -> String {
    let mut document = json!({ "kind": kind });
    if let (Json::Object(line), Json::Object(object)) = (&mut document, object) {
        line.extend(object);
    }
    safe::json(&document.to_string()) + "\n"
}
