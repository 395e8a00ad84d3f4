//! `-o json`: one valid document, whatever happened.

use prepl_core::ExitCode;
use serde_json::{Value as Json, json};

use super::{Results, record, safe};
use crate::problem::Problem;

/// The document of a run.
pub fn render(results: &Results, code: ExitCode) -> String {
    written(&document(results, code))
}

/// The document of a command before which something went wrong.
pub fn error(problem: &Problem) -> String {
    written(&json!({ "error": record::error(problem) }))
}

/// The parts of a run in one object.
pub fn document(results: &Results, code: ExitCode) -> Json {
    let selection = &results.selection;
    let answers: Vec<_> =
        results.answers.iter().map(|answer| record::result(selection, answer)).collect();
    json!({
        "results": answers,
        "groups": record::groups(results),
        "summary": record::summary(results, code),
    })
}

/// A document as text, safe also on a terminal.
pub fn written(document: &Json) -> String {
    safe::json(&format!("{document:#}\n"))
}
