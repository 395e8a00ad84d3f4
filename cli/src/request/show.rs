//! One request: who and why, the whole expression, every replica, and what was said to it.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use prepl_core::Replica;
use prepl_crd::asked_run::SourceFile;
use prepl_crd::{AccessApproval, AccessRequest, Decision};
use prepl_gateway::approval;

use super::list::{place, record};
use super::now::{Change, changes};
use super::stand::{Stand, age};
use super::{RequestFormat, expression};
use crate::cluster::requests::Seen;
use crate::problem::Problem;
use crate::render::page::{Ink, Page};
use crate::render::{json, yaml};

/// Width of what stands before the colon.
const HEAD: usize = 12;

/// What there is now of the replicas, or why that cannot be seen.
pub type Now = Result<Vec<Replica>, Problem>;

/// A request in one of its forms.
pub fn rendered(format: RequestFormat, seen: &Seen, now: &Now, colour: bool) -> String {
    let at = Timestamp::now();
    match format {
        RequestFormat::Table => page(seen, now, at, colour),
        RequestFormat::Json => json::written(&record(seen, at)),
        RequestFormat::Yaml => yaml::written(&record(seen, at)),
    }
}

/// The screen.
pub fn page(seen: &Seen, now: &Now, at: Timestamp, colour: bool) -> String {
    let mut page = Page::new(colour);
    facts(&mut page, &seen.request, at);
    if let Some(run) = &seen.request.spec.run {
        let (digest, size) = (run.expression_digest(), expression::size(&run.expression));
        line(&mut page, "expression", &format!("sha256 {digest}, {size}"));
        expression::put(&mut page, &run.expression);
        line(&mut page, "replicas", &place(&seen.request));
        if let Err(why) = now {
            let told = "the names are as whoever asks told them";
            let text = format!("{told}; what is there now cannot be seen: {}", why.message);
            line(&mut page, "", &text);
        }
        for (change, name) in changes(run, now.as_ref().ok().map(Vec::as_slice)) {
            let (mark, ink, why) = match change {
                Change::Same | Change::Unknown => ("  ", Ink::Plain, ""),
                Change::Misnamed => ("! ", Ink::Bad, "  named falsely; this run is denied"),
                Change::Gone => ("- ", Ink::Bad, "  gone since"),
                Change::New => ("+ ", Ink::Warn, "  came since; not in this run"),
            };
            page.put(Ink::Plain, "  ").put(ink, mark).put(ink, &name).put(Ink::Faint, why).end();
        }
    }
    for one in &seen.said {
        said(&mut page, &seen.request, one, at);
    }
    page.finish()
}

fn facts(page: &mut Page, request: &AccessRequest, at: Timestamp) {
    let spec = &request.spec;
    let name = request.metadata.name.as_deref().unwrap_or_default();
    let namespace = request.metadata.namespace.as_deref().unwrap_or_default();
    line(page, "request", &format!("{name} in {namespace}"));
    let uid = Some(&spec.user.uid).filter(|uid| !uid.is_empty());
    let uid = uid.map(|uid| format!(" (uid {uid})")).unwrap_or_default();
    line(page, "user", &format!("{}{uid}", spec.user.username));
    line(page, "state", &state(request, at));
    let read_only = spec.run.as_ref().is_some_and(|run| run.read_only);
    let mode = spec.mode.subresource();
    match (spec.break_glass, read_only) {
        (true, _) => line(page, "mode", &format!("{mode}, by break-glass: without approvals")),
        (false, true) => line(page, "mode", &format!("{mode}, read-only")),
        (false, false) => line(page, "mode", mode),
    }
    let run = spec.run.as_ref();
    let file = run.and_then(|run| run.file.as_ref()).map(file);
    let others = [
        ("reason", spec.reason.as_deref()),
        ("ticket", spec.ticket.as_deref()),
        ("session", run.and_then(|run| run.session.as_deref())),
        ("namespace", run.and_then(|run| run.namespace.as_deref())),
        ("file", file.as_deref()),
    ];
    for (head, text) in others {
        text.into_iter().for_each(|text| line(page, head, text));
    }
}

fn file(SourceFile { name, at }: &SourceFile) -> String {
    match at {
        Some(at) => format!("{name}:{}:{}", at.line, at.column),
        None => format!("{name}, loaded as a whole"),
    }
}

fn state(request: &AccessRequest, at: Timestamp) -> String {
    let status = request.status.as_ref();
    let until = status.and_then(|status| status.not_after.as_ref());
    let ready = status.and_then(|status| status.ready());
    let stand = Stand::of(request, at);
    match (stand, until, ready) {
        (Stand::Open, Some(until), _) => format!("open until {}", until.0),
        (Stand::Denied, _, Some(why)) => format!("denied: {}", why.message),
        _ => stand.as_str().to_owned(),
    }
}

fn said(page: &mut Page, request: &AccessRequest, one: &AccessApproval, at: Timestamp) {
    let (ink, word) = match one.spec.decision {
        Decision::Approve => (Ink::Good, "approved"),
        Decision::Deny => (Ink::Bad, "denied"),
        Decision::Review => (Ink::Good, "reviewed"),
    };
    let why_not = why_not(request, one, at);
    let ink = if why_not.is_some() { Ink::Warn } else { ink };
    let made = one.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let by = &one.spec.approver.username;
    page.cell(Ink::Strong, "said", HEAD).put(ink, word);
    page.put(Ink::Plain, &format!(" by {by}, {} ago", age(made, at)));
    if let Some(comment) = &one.spec.comment {
        page.put(Ink::Plain, &format!(": {comment}"));
    }
    if let Some(why) = why_not {
        page.put(ink, &format!(" (it does not count: {why})"));
    }
    page.end();
}

/// Why an approval does not count, as far as no policy says otherwise.
fn why_not(request: &AccessRequest, one: &AccessApproval, at: Timestamp) -> Option<String> {
    if one.spec.decision != Decision::Approve {
        return None;
    }
    let Some(subject) = request.subject() else {
        return Some("there is no single run to approve".to_owned());
    };
    let user = request.spec.user.person();
    let counted = approval::count(&user, &subject, &[one.said(at)]);
    let (number, why) = counted.within(Duration::MAX, true);
    why.first().filter(|_| number == 0).map(ToString::to_string)
}

fn line(page: &mut Page, head: &str, text: &str) {
    page.cell(Ink::Strong, head, HEAD).put(Ink::Plain, text).end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::list::tests::{request, said};

    #[test]
    fn a_file_is_shown_with_its_place_or_as_a_whole() {
        let shown = |file: serde_json::Value| {
            let run = request(|one| one["spec"]["run"]["file"] = file);
            let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
            let there = Err(Problem::denied("you may not"));
            page(&Seen { request: run, said: Vec::new() }, &there, at, false)
        };
        let whole = shown(serde_json::json!({ "name": "shop/core.clj" }));
        assert!(whole.contains("\nfile        shop/core.clj, loaded as a whole\n"), "{whole}");
        let place = serde_json::json!({ "line": 12, "column": 3 });
        let placed = shown(serde_json::json!({ "name": "a\u{1b}.clj", "at": place }));
        assert!(placed.contains("\nfile        a\\x1b.clj:12:3\n"), "{placed}");
    }

    #[test]
    fn everything_of_a_request_is_shown_and_nothing_of_it_drives_a_terminal() {
        let run = request(|_| {});
        let swapped = request(|one| one["spec"]["run"]["expression"] = "(drop!)".into());
        let mut other = said(&swapped, "ada", Decision::Approve);
        other.spec.comment = Some("fine\x1b[2J".to_owned());
        let words = vec![said(&run, "otto", Decision::Approve), other];
        let now = Err(Problem::denied("you may not"));
        let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let digest = run.spec.run.as_ref().unwrap().expression_digest().to_string();
        let text = page(&Seen { request: run, said: words }, &now, at, false);
        let text = text.replace(&digest, "EXPRESSION");
        insta::assert_snapshot!(text, @r"
        request     prepl-1 in shop
        user        mira
        state       open until 2026-01-01T00:00:01Z
        mode        eval
        reason      stale cache
        ticket      INC-7
        expression  sha256 EXPRESSION, 2 lines, 21 bytes
          │ (count-sessions)
          │ \x1b[2J
        replicas    deployment/api (2)
                    the names are as whoever asks told them; what is there now cannot be seen: you may not
            shop/api-1
            shop/api-2
        said        approved by otto, 2m ago
        said        approved by ada, 2m ago: fine\x1b[2J (it does not count: ada approved another expression)
        ");
    }
}
