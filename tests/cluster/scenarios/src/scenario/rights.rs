//! Who may, and what a liar gets.

use std::time::{Duration, Instant};

use crate::cluster::{Problem, apply, ensure, kubectl, wait_until};
use crate::person::{Person, Ran, ran};
use crate::shop::{self, IDLE, NAMESPACE};

const LOOK: &[&str] = &["targets", "-n", NAMESPACE, "deploy/api"];
const ASK: &[&str] = &["exec", "-n", NAMESPACE, "deploy/api", "(+ 40 2)"];

fn allowed(asked: &Ran) -> Result<(), Problem> {
    ensure(asked.code == 0, || format!("exit {}: {}{}", asked.code, asked.out, asked.err))
}

fn denied(asked: &Ran, rule: &str) -> Result<(), Problem> {
    let told = asked.code == 4 && asked.err.contains(rule);
    ensure(told, || format!("exit {}, without {rule:?}: {}", asked.code, asked.err))
}

fn sentence(asked: &Ran) -> String {
    asked.err.lines().next().unwrap_or_default().to_owned()
}

pub fn nobody_may() -> Result<String, Problem> {
    shop::open()?;
    let asked = Person::new("nobody")?.prepl(ASK)?;
    denied(&asked, "accessrequests")?;
    Ok(sentence(&asked))
}

pub fn a_viewer_looks() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::new("viewer")?;
    person.may(NAMESPACE, "prepl-viewer")?;
    allowed(&person.prepl(LOOK)?)?;
    let asked = person.prepl(ASK)?;
    denied(&asked, "workloads/eval")?;
    Ok(sentence(&asked))
}

pub fn one_workload() -> Result<String, Problem> {
    shop::open()?;
    apply(&shop::deployment(NAMESPACE, "batch", 1, IDLE))?;
    shop::rolled_out(NAMESPACE, "batch")?;
    apply(
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: only-batch}, rules: [
 {apiGroups: [prepl.dev], resources: [accessrequests], verbs: [create, get, list, watch]},
 {apiGroups: [prepl.dev], resources: [workloads/inspect, workloads/eval], resourceNames: [batch], verbs: [create]}]}",
    )?;
    let person = Person::new("batcher")?;
    person.may(NAMESPACE, "only-batch")?;
    allowed(&person.prepl(&["exec", "-n", NAMESPACE, "deploy/batch", "40 + 2"])?)?;
    let asked = person.prepl(ASK)?;
    denied(&asked, "api")?;
    Ok(sentence(&asked))
}

pub fn another_namespace() -> Result<String, Problem> {
    shop::open()?;
    shop::namespace("bank")?;
    let person = Person::new("banker")?;
    person.may("bank", "prepl-admin")?;
    let asked = person.prepl(ASK)?;
    denied(&asked, NAMESPACE)?;
    Ok(sentence(&asked))
}

fn request(user: &str) -> String {
    let csr = "x".repeat(80);
    format!(
        "{{apiVersion: prepl.dev/v1alpha1, kind: AccessRequest, metadata: {{name: forged, namespace: {NAMESPACE}}},
 spec: {{user: {{username: '{user}', groups: []}}, csr: '{csr}', mode: Eval}}}}"
    )
}

pub fn a_forged_user() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::new("liar")?;
    person.may(NAMESPACE, "prepl-evaluator")?;
    let tried = person.kubectl(&["create", "-f", "-"], &request("admin"))?;
    let refused = tried.code != 0 && tried.err.contains("prepl-access-request-user");
    ensure(refused, || format!("exit {}: {}{}", tried.code, tried.out, tried.err))?;
    Ok(sentence(&tried))
}

pub fn a_forged_status() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::new("owner")?;
    person.may(NAMESPACE, "prepl-evaluator")?;
    // A namespace's administrator: every verb on everything in it.
    person.may(NAMESPACE, "cluster-admin")?;
    allowed(&person.prepl(ASK)?)?;
    let mine = "jsonpath={.items[-1:].metadata.name}";
    let name = kubectl(&["-n", NAMESPACE, "get", "accessrequests", "-o", mine])?;
    let forged = r#"{"status":{"phase":"Active","notAfter":"2999-01-01T00:00:00Z"}}"#;
    let patch = [
        "-n",
        NAMESPACE,
        "patch",
        "accessrequest",
        name.trim(),
        "--subresource=status",
        "--type=merge",
        "-p",
        forged,
    ];
    let tried = person.kubectl(&patch, "")?;
    let refused = tried.code != 0 && tried.err.contains("only the controller writes the status");
    ensure(refused, || format!("exit {}: {}{}", tried.code, tried.out, tried.err))?;
    Ok(sentence(&tried))
}

pub fn revoked() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::new("leaver")?;
    person.may(NAMESPACE, "prepl-evaluator")?;
    allowed(&person.prepl(ASK)?)?;
    let sleeping =
        ["exec", "-n", NAMESPACE, "deploy/api", "--timeout", "60s", "(Thread/sleep 50000)"];
    let child = person.start(&sleeping)?;
    wait_until(Duration::from_secs(10), || is_sleeping(&person))?;
    // No second access request can be made after the first is gone.
    kubectl(&["-n", NAMESPACE, "delete", "rolebinding", "leaver-prepl-evaluator"])?;
    kubectl(&["-n", NAMESPACE, "delete", "accessrequests", "--all"])?;
    let gone = Instant::now();
    let stopped = wait_until(Duration::from_secs(2), || denied(&person.prepl(ASK)?, ""))?;
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let took = gone.elapsed();
    let ended = ran(&output, took);
    ensure(took < Duration::from_secs(5), || format!("the stream ended after {took:?}"))?;
    ensure(ended.code != 0, || "a cut stream looks like a success".to_owned())?;
    Ok(format!("new ones denied after {stopped:.1?}, the stream over after {took:.1?}"))
}

/// The long evaluation has begun: a thread of the first replica sleeps.
fn is_sleeping(person: &Person) -> Result<(), Problem> {
    let count = "(count (filter #(.contains (str (first %)) \"Thread.sleep\") (vals (Thread/getAllStackTraces))))";
    let asked = person.prepl(&[
        "exec",
        "-n",
        NAMESPACE,
        "deploy/api",
        "--pick",
        "1",
        "-o",
        "raw",
        count,
    ])?;
    let sleeping = asked.out.trim().parse::<u32>().unwrap_or(0) > 0;
    ensure(sleeping, || format!("nothing sleeps yet: {}{}", asked.out, asked.err))
}
