//! What the service accounts of prepl may do: exactly what stands here.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cluster::{Problem, ensure, feed};
use crate::shop::{self, SYSTEM};

/// Account, namespace, and its rights there: `verbs group/resource names`.
const TABLE: &[(&str, &str, &[&[&str]])] = &[
    ("prepl-controller", SYSTEM, &[CONTROLLER, CONTROLLER_AT_HOME]),
    ("prepl-controller", shop::NAMESPACE, &[CONTROLLER]),
    ("prepl-gateway", SYSTEM, &[GATEWAY, GATEWAY_AT_HOME]),
    ("prepl-gateway", shop::NAMESPACE, &[GATEWAY]),
    // The pods of the service: a sidecar asks the API server nothing.
    ("default", shop::NAMESPACE, &[]),
];

const CONTROLLER: &[&str] = &[
    "create authentication.k8s.io/tokenreviews",
    "create,delete,get,list,patch,watch prepl.dev/accessrequests",
    "create,list,watch prepl.dev/accessapprovals",
    "get core/namespaces",
    "create core/events",
    "get,list,watch core/pods",
    "get,patch admissionregistration.k8s.io/mutatingwebhookconfigurations prepl-injector",
    "patch prepl.dev/accessrequests/status",
];

/// In prepl's own namespace.
const CONTROLLER_AT_HOME: &[&str] = &[
    "create coordination.k8s.io/leases",
    "create core/configmaps",
    "create core/secrets",
    "get core/secrets prepl-audit-key",
    "get,list,watch prepl.dev/auditcheckpoints",
    "get,patch core/configmaps prepl-authorities",
    "get,update core/secrets prepl-authority",
    "get,update coordination.k8s.io/leases prepl-controller",
    "update prepl.dev/auditcheckpoints/status",
];

const GATEWAY: &[&str] = &[
    "create authorization.k8s.io/subjectaccessreviews",
    "get,list prepl.dev/accessrequests",
    "list prepl.dev/accessapprovals",
    "get,list,watch apps/replicasets",
    "get,list,watch core/nodes,pods",
    "get,list,watch prepl.dev/clusterreplpolicies,replpolicies",
];

/// In prepl's own namespace.
const GATEWAY_AT_HOME: &[&str] = &["create,get,update prepl.dev/auditcheckpoints"];

pub fn rights_are_the_least() -> Result<String, Problem> {
    shop::open()?;
    let everybodys = rights("nobody-in-particular", "default", "default")?;
    for (account, namespace, expected) in TABLE {
        let home = if account.starts_with("prepl") { SYSTEM } else { shop::NAMESPACE };
        let found = rights(account, home, namespace)?;
        let own: BTreeSet<&str> = found.difference(&everybodys).map(String::as_str).collect();
        let expected: BTreeSet<&str> = expected.concat().into_iter().collect();
        ensure(own == expected, || {
            let more: Vec<_> = own.difference(&expected).collect();
            let less: Vec<_> = expected.difference(&own).collect();
            format!("{account} in {namespace}: not in the table {more:?}, not granted {less:?}")
        })?;
    }
    Ok(format!("{} lists of rights are as the table says", TABLE.len()))
}

/// The rules of a service account in a namespace, each as a line.
fn rights(account: &str, home: &str, namespace: &str) -> Result<BTreeSet<String>, Problem> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    });
    let user = format!("--as=system:serviceaccount:{home}:{account}");
    let groups = format!("--as-group=system:serviceaccounts:{home}");
    let args = [
        "create",
        "-f",
        "-",
        "-o",
        "json",
        "--validate=false",
        &user,
        "--as-group=system:serviceaccounts",
        &groups,
        "--as-group=system:authenticated",
    ];
    let answer: Value =
        serde_json::from_str(&feed(&args, &review.to_string())?).map_err(|bad| bad.to_string())?;
    let rules = answer["status"]["resourceRules"].as_array().cloned().unwrap_or_default();
    ensure(answer["status"]["incomplete"] != true, || "the list is incomplete".to_owned())?;
    Ok(rules.iter().map(line).collect())
}

fn line(rule: &Value) -> String {
    let words = |key: &str| -> Vec<String> {
        let all = rule[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut all: Vec<_> =
            all.map(|word| if word.is_empty() { "core" } else { word }.to_owned()).collect();
        all.sort();
        all
    };
    let (verbs, groups) = (words("verbs").join(","), words("apiGroups").join(","));
    let (resources, names) = (words("resources").join(","), words("resourceNames").join(","));
    format!("{verbs} {groups}/{resources} {names}").trim_end().to_owned()
}
