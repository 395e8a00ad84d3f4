//! `prepl audit`, as an auditor has it.

use std::time::Duration;

use serde_json::Value;

use super::audit::gateways;
use crate::cluster::{Problem, ensure, wait_until};
use crate::log_copy::LogCopy;
use crate::person::{Person, Ran};
use crate::shop::{self, NAMESPACE};

const ASK: &[&str] = &["exec", "-n", NAMESPACE, "deploy/api", "(+ 40 2)"];
/// In the member `body` of a log's first record, which is as long for every log.
const WITHIN_A_RECORD: usize = 3;

pub fn a_run_is_listed_and_logs_are_whole() -> Result<String, Problem> {
    shop::open()?;
    let (asker, auditor) = people()?;
    ended(&asker.prepl(ASK)?, 0)?;
    let listed = auditor.prepl(&["audit", "list", "--since", "5m", "-o", "json"])?;
    ended(&listed, 0)?;
    let document: Value = serde_json::from_str(&listed.out).map_err(|error| error.to_string())?;
    let entries = document["entries"].as_array().into_iter().flatten();
    let user = "system:serviceaccount:default:listed";
    let mut own = entries.filter(|entry| entry["user"] == user && entry["denied"] == false);
    let own = own.next_back().ok_or_else(|| format!("no run of {user}: {}", listed.out))?;
    let (ok, replicas) = (&own["outcomes"]["ok"], &own["replicas"]);
    ensure(own["expression"] == "(+ 40 2)" && ok == replicas, || own.to_string())?;
    let run = own["run"].as_str().unwrap_or_default();
    let shown = auditor.prepl(&["audit", "show", run])?;
    ended(&shown, 0)?;
    ensure(shown.out.contains("eval on shop/"), || shown.out.clone())?;
    let verified = auditor.prepl(&["audit", "verify"])?;
    ended(&verified, 0)?;
    let logs = verified.out.matches("  whole").count();
    ensure(logs == gateways()?.len(), || verified.out.clone())?;
    Ok(format!("the run is listed with {ok} ok of {replicas}, and {logs} logs are whole"))
}

pub fn who_is_no_auditor_reads_nothing() -> Result<String, Problem> {
    shop::open()?;
    let asker = Person::evaluator("unlisted", NAMESPACE)?;
    let tried = asker.prepl(&["audit", "list"])?;
    ended(&tried, 4)?;
    ensure(tried.err.contains("prepl-auditor") && tried.out.is_empty(), || tried.err.clone())?;
    // An access of prepl's own namespace is not enough: the right on logs is another.
    asker.may_everywhere("prepl-evaluator")?;
    let tried = asker.prepl(&["audit", "list"])?;
    ended(&tried, 4)?;
    ensure(tried.err.contains("may not read the audit log"), || tried.err.clone())?;
    Ok("an evaluator of one and of all namespaces is denied".to_owned())
}

pub fn a_log_changed_on_its_volume_is_found() -> Result<String, Problem> {
    shop::open()?;
    let (_, auditor) = people()?;
    let pod = gateways()?.into_iter().next().ok_or("there is no gateway")?;
    let before = LogCopy::overwrite(&pod, WITHIN_A_RECORD, '#')?;
    let found = auditor.prepl(&["audit", "verify"]);
    LogCopy::overwrite(&pod, WITHIN_A_RECORD, before)?;
    let found = found?;
    ended(&found, 9)?;
    ensure(found.out.contains(&pod) && found.out.contains(" line 1: "), || found.out.clone())?;
    wait_until(Duration::from_secs(10), || ended(&auditor.prepl(&["audit", "verify"])?, 0))?;
    Ok("one byte is found by its line, and put back the log is whole".to_owned())
}

fn people() -> Result<(Person, Person), Problem> {
    let (asker, auditor) = (Person::evaluator("listed", NAMESPACE)?, Person::new("reader")?);
    auditor.may_audit()?;
    Ok((asker, auditor))
}

fn ended(tried: &Ran, code: i32) -> Result<(), Problem> {
    ensure(tried.code == code, || format!("exit {}: {}{}", tried.code, tried.out, tried.err))
}
