//! One matter in full: each of its records, in their order.

use std::collections::BTreeMap;

use clap::ValueEnum;
use prepl_audit::{
    AccessRef, Approval, Asked, Asking, AttachClosed, AttachSaid, Body, Decision, Denied,
    InputGiven, Intent, Mode, Outcomes, ReplMessage, ReplicaSet, Said, SourceFile, Who,
};
use serde_json::{Value as Json, json};

use super::find::Found;
use crate::quantity::show_bytes;
use crate::render::columns::{Columns, Row};
use crate::render::json;
use crate::render::page::{Ink, Page};

/// Columns of the names of facts.
const NAMES: usize = 12;

/// Form of the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ShowFormat {
    /// For people
    #[default]
    Table,
    /// One JSON document with the records as they are stored
    Json,
}

/// The records in one of the forms.
pub fn render(format: ShowFormat, found: &[Found], colour: bool) -> String {
    match format {
        ShowFormat::Table => sheet(found, colour),
        ShowFormat::Json => document(found),
    }
}

/// The records as they stand in their logs, in one document.
fn document(found: &[Found]) -> String {
    let log = |one: &Found| {
        let records = one.records.iter().map(|(_, line)| serde_json::from_slice(line));
        let records: Vec<Json> = records.map(Result::unwrap_or_default).collect();
        json!({ "log": one.log, "records": records, "more": one.more })
    };
    json::written(&json!({ "logs": found.iter().map(log).collect::<Vec<_>>() }))
}

/// The records for people.
fn sheet(found: &[Found], colour: bool) -> String {
    found.iter().map(|one| sheet_of_log(one, colour)).collect::<Vec<_>>().join("\n")
}

fn sheet_of_log(found: &Found, colour: bool) -> String {
    let names = replica_names(found);
    let mut sheet = Sheet { text: String::new(), colour };
    for (stored, _) in &found.records {
        let head = format!("{} #{}  {}", found.log, stored.place.seq, stored.kind);
        sheet.head(&head);
        sheet.fact("time", &stored.time.to_string());
        match &stored.body {
            Some(body) => sheet.body(body, &names),
            None => sheet.fact("body", "of a kind that this version does not know; -o json has it"),
        }
        sheet.fact("chain", &stored.place.chain.to_string());
        sheet.fact("hash", &stored.place.hash.to_string());
    }
    if found.more > 0 {
        sheet.head(&format!("{} has {} more records of it", found.log, found.more));
    }
    sheet.text
}

/// Names of replicas by their UIDs: outcomes tell UIDs alone.
fn replica_names(found: &Found) -> BTreeMap<&str, String> {
    let bodies = found.records.iter().filter_map(|(stored, _)| match &stored.body {
        Some(Body::Intent(intent)) => Some(intent.replicas.list()),
        _ => None,
    });
    bodies
        .flatten()
        .map(|one| (one.uid.as_str(), format!("{}/{}", one.namespace, one.name)))
        .collect()
}

struct Sheet {
    text: String,
    colour: bool,
}

impl Sheet {
    fn head(&mut self, head: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.put(|page| {
            page.put(Ink::Strong, head).end();
        });
    }

    fn fact(&mut self, name: &str, fact: &str) {
        self.put(|page| {
            page.cell(Ink::Faint, name, NAMES).put(Ink::Plain, fact).end();
        });
    }

    fn put(&mut self, write: impl FnOnce(&mut Page)) {
        let mut page = Page::new(self.colour);
        write(&mut page);
        self.text += &page.finish();
    }

    fn body(&mut self, body: &Body, names: &BTreeMap<&str, String>) {
        match body {
            Body::Chain(chain) => {
                let before = chain.previous.as_ref();
                let before = before.map(|one| format!("{} to record {}", one.file, one.seq));
                self.fact("after", &before.unwrap_or_else(|| "nothing: it begins here".to_owned()));
            }
            Body::Opened(opened) => {
                self.fact("program", &opened.program);
                self.fact("cut", &show_bytes(opened.cut_bytes));
            }
            Body::Closed(_) => {}
            Body::Intent(intent) => self.intent(intent),
            Body::Outcome(told) => self.outcomes(told, names),
            Body::Denied(denied) => self.denied(denied),
            Body::AttachOpened(opened) => {
                self.fact("request", &opened.request.to_string());
                self.who(&opened.who);
                self.words("reason", opened.reason.as_ref().map(|words| words.as_str()));
                self.break_glass(opened.break_glass);
                self.decision(&opened.decision);
                self.replicas(&opened.replicas);
            }
            Body::InputGiven(given) => self.input(given),
            Body::AttachSaid(told) => self.said(told),
            Body::AttachClosed(closed) => self.closed(closed),
            Body::BreakGlass(taken) => {
                self.who(&taken.who);
                self.words("reason", Some(taken.reason.as_str()));
                self.words("ticket", taken.ticket.as_ref().map(|words| words.as_str()));
            }
            Body::Approval(given) => self.approval(given),
        }
    }

    fn intent(&mut self, intent: &Intent) {
        self.fact("run", intent.run.as_str());
        self.fact("request", &intent.request.to_string());
        self.who(&intent.who);
        self.fact(
            "mode",
            match intent.mode {
                _ if intent.recall => "recall: an earlier answer is asked for, and nothing runs",
                Mode::ReadOnly => "read-only",
                Mode::ReadWrite => "read-write",
            },
        );
        self.words("reason", intent.reason.as_ref().map(|words| words.as_str()));
        self.words("ticket", intent.ticket.as_ref().map(|words| words.as_str()));
        self.break_glass(intent.break_glass);
        self.decision(&intent.decision);
        self.file(intent.file.as_ref());
        self.expression(&intent.expression);
        self.replicas(&intent.replicas);
    }

    fn denied(&mut self, denied: &Denied) {
        self.fact("request", &denied.request.to_string());
        self.who(&denied.who);
        self.fact("why", denied.why.as_str());
        if let Some(expression) = &denied.expression {
            self.expression(expression);
        }
        self.replicas(&denied.replicas);
    }

    fn input(&mut self, given: &InputGiven) {
        self.fact("run", given.run.as_str());
        let last = if given.end { ", the last" } else { "" };
        self.fact("place", &format!("{}{last}", given.place));
        self.who(&given.who);
        self.expression(&given.code);
        self.fact("to", &format!("{} replicas, as far as they have not ended", given.replicas));
    }

    fn said(&mut self, told: &AttachSaid) {
        self.fact("request", &told.request.to_string());
        self.fact("place", &told.place.to_string());
        self.who(&told.who);
        self.fact("bytes", &show_bytes(told.bytes));
        for (op, count) in &told.asides {
            self.fact("aside", &format!("{count} times {op}"));
        }
        match &told.said {
            Said::Message(message) => self.message(message),
            Said::Raw { sha256 } => self.fact("unread", &format!("sha256 {sha256}")),
            Said::Text { .. } | Said::Asides => {}
        }
        if let Some(code) = told.code() {
            self.expression(code);
        }
        self.replicas(&told.replicas);
    }

    fn message(&mut self, message: &ReplMessage) {
        self.fact("op", message.op.as_str());
        let ReplMessage { session, namespace, file, .. } = message;
        for (name, words) in [("session", session), ("namespace", namespace), ("file", file)] {
            self.words(name, words.as_ref().map(|words| words.as_str()));
        }
        self.fact("message", &format!("sha256 {}", message.sha256));
    }

    fn closed(&mut self, closed: &AttachClosed) {
        self.fact("request", &closed.request().to_string());
        self.fact("to replica", &show_bytes(closed.bytes_to_replica()));
        self.fact("from it", &show_bytes(closed.bytes_from_replica()));
        self.fact("why", closed.why().as_str());
    }

    fn approval(&mut self, given: &Approval) {
        self.who(&given.who);
        self.fact("of", &of_access(&given.access));
        self.fact("shown", &format!("sha256 {}", given.shown));
    }

    fn who(&mut self, who: &Who) {
        let uid = Some(who.uid.as_str()).filter(|uid| !uid.is_empty());
        let uid = uid.map(|uid| format!(" (uid {uid})")).unwrap_or_default();
        self.fact("user", &format!("{}{uid}", who.username));
        if let Some(access) = &who.access {
            self.fact("access", &of_access(access));
        }
    }

    fn file(&mut self, file: Option<&SourceFile>) {
        let Some(SourceFile { name, at }) = file else { return };
        let told = match at {
            Some(at) => format!("{}:{}:{}", name.as_str(), at.line, at.column),
            None => format!("{}, loaded as a whole", name.as_str()),
        };
        self.fact("file", &told);
    }

    fn words(&mut self, name: &str, words: Option<&str>) {
        words.into_iter().for_each(|words| self.fact(name, words));
    }

    fn break_glass(&mut self, taken: bool) {
        if taken {
            self.fact("break-glass", "yes: by a right that is for emergencies");
        }
    }

    fn decision(&mut self, decision: &Decision) {
        for right in &decision.rights {
            let on = format!("{} on {}/{}", right.right, right.namespace, right.workload);
            self.fact("right", &on);
        }
        for policy in &decision.policies {
            self.fact("policy", &policy.policy);
        }
    }

    fn expression(&mut self, asked: &Asked) {
        let cut = if asked.is_cut() { ", its end is missing" } else { "" };
        self.fact("sha256", &format!("{} before redaction", asked.sha256()));
        self.fact("redacted", &format!("{} times{cut}", asked.replaced()));
        self.put(|page| {
            page.block((Ink::Faint, "│ "), Ink::Plain, asked.text());
        });
    }

    fn replicas(&mut self, replicas: &ReplicaSet) {
        self.fact("replicas", &format!("{}, sha256 {}", replicas.list().len(), replicas.digest()));
        let heads = ["REPLICA", "WORKLOAD", "NODE", "UID"];
        let mut table = Columns::new(heads.map(str::to_owned).to_vec());
        for Asking { namespace, name, uid, workload, node } in replicas.list() {
            let node = if node.is_empty() { "-" } else { node };
            let cells = [&format!("{namespace}/{name}"), workload.as_str(), node, uid];
            table.push(Row { ink: Ink::Plain, cells: cells.map(str::to_owned).to_vec() });
        }
        self.text += &table.render(self.colour);
    }

    fn outcomes(&mut self, told: &Outcomes, names: &BTreeMap<&str, String>) {
        self.fact("run", told.run.as_str());
        let heads = ["REPLICA", "CLASS", "TIME", "OUTPUT", "VALUES", "WHY", "SHA256"];
        let mut table = Columns::new(heads.map(str::to_owned).to_vec());
        for one in &told.replicas {
            let values = one.values().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
            let cells = vec![
                names.get(one.uid()).cloned().unwrap_or_else(|| one.uid().to_owned()),
                one.class().as_str().to_owned(),
                format!("{} ms", one.eval_ms()),
                show_bytes(one.output_bytes()),
                one.value_count().to_string(),
                dash(one.reason().unwrap_or_default()),
                dash(&values),
            ];
            table.push(Row { ink: Ink::Plain, cells });
        }
        self.text += &table.render(self.colour);
    }
}

fn of_access(access: &AccessRef) -> String {
    format!("{}/{} (uid {})", access.namespace, access.name, access.uid)
}
