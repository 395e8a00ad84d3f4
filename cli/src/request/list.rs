//! The list of what waits for others, or was done without them.

use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;
use prepl_crd::AccessRequest;
use serde_json::{Value as Json, json};

use super::RequestFormat;
use super::stand::{Stand, age, given};
use crate::cluster::requests::Seen;
use crate::render::columns::{Columns, Row};
use crate::render::crowd;
use crate::render::page::Ink;
use crate::render::{json, yaml};

/// Columns of an expression that a row shows.
const EXPRESSION: usize = 40;

/// The list in one of its forms; accesses to which nobody has anything to say are left out.
pub fn rendered(format: RequestFormat, all: &[Seen], everywhere: bool, colour: bool) -> String {
    let now = Timestamp::now();
    let shown: Vec<&Seen> = all.iter().filter(|seen| is_for_others(&seen.request)).collect();
    let data = || json!({"requests": shown.iter().map(|one| record(one, now)).collect::<Vec<_>>()});
    match format {
        RequestFormat::Table => table(&shown, everywhere, now).render(colour),
        RequestFormat::Json => json::written(&data()),
        RequestFormat::Yaml => yaml::written(&data()),
    }
}

fn is_for_others(request: &AccessRequest) -> bool {
    request.spec.run.is_some() || request.spec.break_glass
}

fn table(shown: &[&Seen], everywhere: bool, now: Timestamp) -> Columns {
    let heads = ["NAME", "USER", "WHERE", "STATE", "APPROVALS", "AGE", "WHAT"];
    let heads = ["NAMESPACE"].into_iter().filter(|_| everywhere).chain(heads);
    let mut table = Columns::new(heads.map(str::to_owned).collect());
    for seen in shown {
        let request = &seen.request;
        let stand = Stand::of(request, now);
        let namespace = request.metadata.namespace.clone().filter(|_| everywhere);
        let cells = [
            request.metadata.name.clone().unwrap_or_default(),
            request.spec.user.username.clone(),
            place(request),
            stand.as_str().to_owned(),
            given(seen, now).to_string(),
            age(request.metadata.creation_timestamp.as_ref().map(|time| time.0), now),
            what(request),
        ];
        let ink = match stand {
            Stand::ReviewOwed => Ink::Warn,
            Stand::Denied => Ink::Bad,
            Stand::Over => Ink::Faint,
            Stand::New | Stand::Open => Ink::Plain,
        };
        table.push(Row { ink, cells: namespace.into_iter().chain(cells).collect() });
    }
    table
}

/// The workloads of a run, and how many replicas.
pub fn place(request: &AccessRequest) -> String {
    let Some(run) = &request.spec.run else { return "all that the user may".to_owned() };
    let workloads: BTreeSet<&str> = run.replicas.iter().map(|one| &*one.workload).collect();
    let workloads = match workloads.len() {
        0..=2 => workloads.into_iter().collect::<Vec<_>>().join(","),
        many => crowd::counted(many, "workload"),
    };
    format!("{workloads} ({})", run.replicas.len())
}

fn what(request: &AccessRequest) -> String {
    let Some(run) = &request.spec.run else { return "break-glass".to_owned() };
    let line: String = run.expression.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXPRESSION) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

/// A request as data.
pub fn record(seen: &Seen, now: Timestamp) -> Json {
    let (request, spec) = (&seen.request, &seen.request.spec);
    let said = seen.said.iter().map(|one| {
        json!({
            "by": one.spec.approver.username,
            "decision": one.spec.decision,
            "comment": one.spec.comment,
            "time": one.metadata.creation_timestamp,
        })
    });
    let digests = spec.run.as_ref().map(|run| {
        json!({
            "expression": run.expression_digest().to_string(),
            "replicas": run.replicas_digest().to_string(),
        })
    });
    json!({
        "namespace": request.metadata.namespace,
        "name": request.metadata.name,
        "uid": request.metadata.uid,
        "user": spec.user.username,
        "mode": spec.mode,
        "break_glass": spec.break_glass,
        "reason": spec.reason,
        "ticket": spec.ticket,
        "run": spec.run,
        "digests": digests,
        "state": Stand::of(request, now).as_str(),
        "until": request.status.as_ref().and_then(|status| status.not_after.clone()),
        "approvals": given(seen, now),
        "said": said.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use prepl_crd::{AccessApproval, Decision, UserInfo};

    /// A run of mira over two replicas of shop's api, open.
    pub fn request(change: impl FnOnce(&mut Json)) -> AccessRequest {
        let replica = |name: &str| json!({"namespace": "shop", "name": name, "uid": format!("uid-{name}"), "workload": "deployment/api"});
        let run = json!({
            "requestId": "0".repeat(32), "expression": "(count-sessions)\n\x1b[2J",
            "replicas": [replica("api-1"), replica("api-2")],
        });
        let mut request = json!({
            "apiVersion": "prepl.dev/v1alpha1", "kind": "AccessRequest",
            "metadata": {"name": "prepl-1", "namespace": "shop", "uid": "r1",
                "creationTimestamp": "2025-12-31T23:58:00Z"},
            "spec": {"user": {"username": "mira"}, "csr": "", "mode": "Eval", "ticket": "INC-7",
                "reason": "stale cache", "run": run},
            "status": {"phase": "Active", "notAfter": "2026-01-01T00:00:01Z"},
        });
        change(&mut request);
        serde_json::from_value(request).unwrap()
    }

    /// What somebody says to it.
    pub fn said(request: &AccessRequest, name: &str, decision: Decision) -> AccessApproval {
        let approver = UserInfo { username: name.to_owned(), ..UserInfo::default() };
        let mut said = AccessApproval::new("a", request.approval(approver, decision));
        said.metadata.namespace = request.metadata.namespace.clone();
        said.metadata.creation_timestamp = request.metadata.creation_timestamp.clone();
        said
    }

    #[test]
    fn a_row_tells_who_asks_for_what_and_nothing_of_it_drives_a_terminal() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let run = request(|_| {});
        let approved =
            vec![said(&run, "otto", Decision::Approve), said(&run, "mira", Decision::Approve)];
        let glass = request(|one| {
            one["spec"]["run"] = Json::Null;
            one["spec"]["breakGlass"] = json!(true);
            one["metadata"]["finalizers"] = json!(["prepl.dev/review"]);
            one["status"]["phase"] = json!("Expired");
        });
        let glass = Seen { request: glass, said: Vec::new() };
        let run = Seen { request: run, said: approved };
        let text = table(&[&run, &glass], true, now).render(false);
        insta::assert_snapshot!(text, @r"
        NAMESPACE  NAME     USER  WHERE                  STATE        APPROVALS  AGE  WHAT
        shop       prepl-1  mira  deployment/api (2)     open         1          2m   (count-sessions) \x1b[2J
        shop       prepl-1  mira  all that the user may  review owed  0          2m   break-glass
        ");
    }

    #[test]
    fn an_ordinary_access_is_nothing_to_say_anything_to() {
        let ordinary = request(|one| one["spec"]["run"] = Json::Null);
        assert!(!is_for_others(&ordinary) && is_for_others(&request(|_| {})));
        let seen = Seen { request: ordinary, said: Vec::new() };
        let text = rendered(RequestFormat::Json, &[seen], false, false);
        assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), json!({"requests": []}));
    }
}
