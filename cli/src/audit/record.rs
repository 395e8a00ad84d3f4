//! Entries as JSON.

use prepl_audit::AccessRef;
use prepl_core::Class;
use prepl_core::outcome::Counts;
use serde_json::{Value as Json, json};

use super::entry::{Act, Entry, Text};
use super::list;
use crate::render::record::class as word;

/// All entries in one document.
pub fn document(entries: &[Entry]) -> Json {
    json!({ "entries": entries.iter().map(entry).collect::<Vec<_>>() })
}

/// One entry; what is not known is `null`.
pub fn entry(entry: &Entry) -> Json {
    let mut object = json!({
        "time": entry.time.to_string(),
        "user": entry.who.username,
        "what": list::what(entry),
        "denied": entry.is_denied(),
        "break_glass": entry.break_glass,
        "run": entry.run().map(|run| run.to_string()),
        "request": entry.request().map(|request| request.to_string()),
        "access": entry.who.access.as_ref().map(access),
        "reason": text(entry.reason.as_ref()),
        "ticket": text(entry.ticket.as_ref()),
        "workloads": entry.to.workloads,
        "replicas": entry.to.replicas,
        "expression": text(entry.expression()),
        "expression_cut": entry.expression().map(|expression| expression.cut),
        "log": &*entry.log,
        "chain": entry.place.chain.to_string(),
        "seq": entry.place.seq,
        "hash": entry.place.hash.to_string(),
    });
    match &entry.act {
        Act::Run { outcomes, .. } => object["outcomes"] = outcomes.as_ref().map(counts).into(),
        Act::Tunnel { end, .. } => {
            object["bytes_to_replica"] = end.map(|(to, _)| to).into();
            object["bytes_from_replica"] = end.map(|(_, from)| from).into();
        }
        Act::Said { op, bytes, .. } => {
            object["op"] = text(op.as_ref());
            object["bytes_to_replica"] = (*bytes).into();
        }
        Act::Denied { why, .. } => object["why"] = why.text.as_str().into(),
        Act::Input { .. } | Act::BreakGlass => {}
        Act::Approval { access: of } => object["of"] = access(of),
    }
    object
}

fn access(access: &AccessRef) -> Json {
    json!({ "namespace": access.namespace, "name": access.name, "uid": access.uid })
}

fn text(text: Option<&Text>) -> Json {
    text.map(|text| text.text.as_str()).into()
}

fn counts(counts: &Counts) -> Json {
    Class::ALL.into_iter().map(|class| (word(class).to_owned(), counts.of(class))).collect()
}
