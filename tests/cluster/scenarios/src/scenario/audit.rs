//! The audit logs of the gateways, and what stands outside of them.

use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Problem, ensure, get, kubectl, wait_until};
use crate::log_copy::LogCopy;
use crate::person::{Person, Ran};
use crate::shop::{self, NAMESPACE, SYSTEM};

const ASK: &[&str] = &["exec", "-n", NAMESPACE, "deploy/api", "(+ 1 2)"];
/// A head is told every 30 seconds at the latest.
const A_CHECKPOINT: Duration = Duration::from_secs(90);

pub fn checkpoints_agree() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::evaluator("recorded", NAMESPACE)?;
    let earlier = intents()?;
    for _ in 0..6 {
        let asked = person.prepl(ASK)?;
        ensure(asked.code == 0, || format!("exit {}: {}", asked.code, asked.err))?;
    }
    let mut checkpoints = 0;
    for pod in gateways()? {
        wait_until(A_CHECKPOINT, || is_signed(&checkpoint_of(&pod)?))?;
        let log = LogCopy::of(&pod)?;
        checkpoints += log.agrees_with(&checkpoint_of(&pod)?)?.checkpoints;
    }
    let intents = intents()? - earlier;
    ensure(intents == 6, || format!("{intents} of 6 runs are in the logs"))?;
    Ok(format!("{intents} runs are in the logs, which agree with {checkpoints} checkpoints"))
}

/// How many runs of that person the logs know.
fn intents() -> Result<usize, Problem> {
    let of = |pod: String| LogCopy::of(&pod)?.intents_of("system:serviceaccount:default:recorded");
    gateways()?.into_iter().map(of).sum()
}

pub fn a_killed_gateway_goes_on() -> Result<String, Problem> {
    shop::open()?;
    let pod = a_gateway()?;
    wait_until(A_CHECKPOINT, || is_signed(&checkpoint_of(&pod)?))?;
    let before = checkpoint_of(&pod)?;
    let opened = LogCopy::of(&pod)?.count("opened")?;
    kubectl(&["-n", SYSTEM, "delete", "pod", &pod, "--force", "--grace-period=0"])?;
    shop::gateways_rolled_out()?;
    wait_until(A_CHECKPOINT, || {
        let now = checkpoint_of(&pod)?;
        is_signed(&now)?;
        let (was, is) = (head(&before), head(&now));
        ensure(is > was, || format!("the head is {is} as it was {was}"))
    })?;
    let after = checkpoint_of(&pod)?;
    let (was, is) = (&before["metadata"]["name"], &after["metadata"]["name"]);
    ensure(was == is, || format!("another chain: {was}, then {is}"))?;
    let log = LogCopy::of(&pod)?;
    log.agrees_with(&after)?;
    let again = log.count("opened")?;
    ensure(again > opened, || format!("opened {again} times as {opened} before"))?;
    Ok(format!("{pod} went on with its chain from record {} to {}", head(&before), head(&after)))
}

pub fn a_forged_end_is_refused() -> Result<String, Problem> {
    shop::open()?;
    let pod = a_gateway()?;
    wait_until(A_CHECKPOINT, || is_signed(&checkpoint_of(&pod)?))?;
    let own = checkpoint_of(&pod)?;
    // A namespace's administrator: every verb on everything in it.
    let owner = Person::new("auditor")?;
    owner.may(SYSTEM, "cluster-admin")?;
    let told = owner.kubectl(&["replace", "-f", "-"], &with_head(&own, head(&own) + 1))?;
    refused_with(&told, "only a gateway tells")?;
    let name = own["metadata"]["name"].as_str().unwrap_or_default();
    let status = ["--subresource=status", "--type=merge", "-p", r#"{"status":{"checkpoints":[]}}"#];
    let patch = [&["-n", SYSTEM, "patch", "auditcheckpoint", name], &status[..]].concat();
    refused_with(&owner.kubectl(&patch, "")?, "only the controller signs")?;
    let delete = ["-n", SYSTEM, "delete", "auditcheckpoint", name];
    refused_with(&owner.kubectl(&delete, "")?, "in all namespaces deletes one")?;
    let stranger = as_gateway(&another(&pod)?)?;
    let told = stranger.kubectl(&["replace", "-f", "-"], &with_head(&own, head(&own) + 1))?;
    refused_with(&told, "its own audit log alone")?;
    let deleted = stranger.kubectl(&["-n", SYSTEM, "delete", "auditcheckpoint", name], "")?;
    refused_with(&deleted, "cannot delete")?;
    Ok("an administrator and another gateway cannot tell, sign or delete it".to_owned())
}

fn regressed_events(checkpoint: &Value) -> Result<usize, Problem> {
    let name = checkpoint["metadata"]["name"].as_str().unwrap_or_default();
    let about = format!("involvedObject.name={name},reason=AuditRegressed");
    let events = get(&["events", "-n", SYSTEM, "--field-selector", &about])?;
    Ok(events["items"].as_array().map_or(0, Vec::len))
}

pub fn an_end_that_goes_back_is_not_signed() -> Result<String, Problem> {
    shop::open()?;
    let pod = a_gateway()?;
    wait_until(A_CHECKPOINT, || is_signed(&checkpoint_of(&pod)?))?;
    let before = checkpoint_of(&pod)?;
    let earlier = regressed_events(&before)?;
    let told = as_gateway(&pod)?.kubectl(&["replace", "-f", "-"], &with_head(&before, 0))?;
    ensure(told.code == 0, || told.err.clone())?;
    let seen = wait_until(Duration::from_secs(30), || {
        let now = checkpoint_of(&pod)?;
        let condition = now["status"]["conditions"][0].clone();
        let regressed = condition["type"] == "Regressed" && condition["status"] == "True";
        ensure(regressed, || format!("{}", now["status"]["conditions"]))?;
        let forged = signed_places(&now).into_iter().find(|(seq, _)| *seq == 0);
        ensure(forged.is_none(), || "the forged end is signed".to_owned())
    });
    let name = before["metadata"]["name"].as_str().unwrap_or_default();
    let events = regressed_events(&before)? - earlier;
    // Its gateway makes it anew with the next record.
    kubectl(&["-n", SYSTEM, "delete", "auditcheckpoint", name])?;
    seen?;
    ensure(events == 1, || format!("{events} events tell it"))?;
    Ok("it is a condition and one event, and no checkpoint".to_owned())
}

/// The names of the gateways' pods.
pub fn gateways() -> Result<Vec<String>, Problem> {
    let pods = get(&["pods", "-n", SYSTEM, "-l", "app.kubernetes.io/component=gateway"])?;
    let names = pods["items"].as_array().into_iter().flatten();
    Ok(names.filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned)).collect())
}

fn a_gateway() -> Result<String, Problem> {
    gateways()?.into_iter().next().ok_or_else(|| "there is no gateway".to_owned())
}

fn another(than: &str) -> Result<String, Problem> {
    let other = gateways()?.into_iter().find(|pod| pod != than);
    other.ok_or_else(|| "there is one gateway alone".to_owned())
}

/// Whoever holds the token of a gateway's pod.
fn as_gateway(pod: &str) -> Result<Person, Problem> {
    let bound = ["--bound-object-kind=Pod", "--bound-object-name", pod];
    let create = ["-n", SYSTEM, "create", "token", "prepl-gateway"];
    Person::with_token(pod, &kubectl(&[&create[..], &bound].concat())?)
}

/// The object of the chain that a gateway writes.
fn checkpoint_of(pod: &str) -> Result<Value, Problem> {
    let all = get(&["auditcheckpoints", "-n", SYSTEM])?;
    let mut own = all["items"].as_array().into_iter().flatten();
    let own = own.find(|one| one["spec"]["pod"] == pod).cloned();
    own.ok_or_else(|| format!("{pod} has told no end of its log"))
}

fn head(object: &Value) -> u64 {
    object["spec"]["head"]["seq"].as_u64().unwrap_or_default()
}

/// Numbers and hashes of the records that are signed.
fn signed_places(object: &Value) -> Vec<(u64, String)> {
    let all = object["status"]["checkpoints"].as_array().into_iter().flatten();
    let place = |one: &Value| {
        let place = &one["checkpoint"];
        Some((place["seq"].as_u64()?, place["hash"].as_str()?.to_owned()))
    };
    all.filter_map(place).collect()
}

/// The controller has signed the end that the gateway told.
fn is_signed(object: &Value) -> Result<(), Problem> {
    let last = signed_places(object).pop();
    let hash = object["spec"]["head"]["hash"].as_str().unwrap_or_default().to_owned();
    let told = (head(object), hash);
    ensure(last.as_ref() == Some(&told), || format!("{told:?} is told, {last:?} is signed"))
}

/// The object with another end.
fn with_head(object: &Value, seq: u64) -> String {
    let mut forged = object.clone();
    forged["metadata"]["resourceVersion"] = Value::Null;
    forged["spec"]["head"]["seq"] = seq.into();
    forged["spec"]["head"]["hash"] = "0".repeat(64).into();
    forged.to_string()
}

fn refused_with(tried: &Ran, sentence: &str) -> Result<(), Problem> {
    let refused = tried.code != 0 && tried.err.contains(sentence);
    ensure(refused, || format!("exit {}: {}{}", tried.code, tried.out, tried.err))
}
