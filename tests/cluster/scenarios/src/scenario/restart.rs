//! Gateways that restart, end and crash in mid-run, and pods that come and go.

use crate::cluster::{Problem, ensure, get, kubectl};
use crate::person::Person;
use crate::shop::{self, NAMESPACE, REPLICAS, SYSTEM};
use crate::stream::{Stream, joined};

fn counting(person: &Person, seconds: u32) -> Result<Stream, Problem> {
    let expression = format!("(dotimes [i {seconds}] (println i) (Thread/sleep 1000))");
    let mut stream = Stream::start(
        person,
        &["-n", NAMESPACE, "-l", "app=api", "--timeout", "120s", &expression],
    )?;
    stream.until_printed(REPLICAS)?;
    Ok(stream)
}

pub fn gateways_restart() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::evaluator("patient", NAMESPACE)?;
    // One that ends while its gateway drains, and one that outlives it.
    let (short, long) = (counting(&person, 8)?.read_on(), counting(&person, 30)?.read_on());
    kubectl(&["-n", SYSTEM, "rollout", "restart", shop::GATEWAYS])?;
    shop::gateways_rolled_out()?;
    for (reading, end) in [(short, 8), (long, 30)] {
        let seen = joined(reading)?;
        seen.all_ok(REPLICAS)?;
        seen.counted_to(end)?;
    }
    Ok("two runs lost no outcome and no line of output".to_owned())
}

pub fn gateways_crash() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::evaluator("unlucky", NAMESPACE)?;
    let reading = counting(&person, 15)?.read_on();
    let label = "app.kubernetes.io/component=gateway";
    kubectl(&["-n", SYSTEM, "delete", "pods", "-l", label, "--force", "--grace-period=0"])?;
    let seen = joined(reading)?;
    seen.all_ok(REPLICAS)?;
    seen.counted_to(15)?;
    shop::gateways_rolled_out()?;
    Ok("all gateways were killed, and the run lost no outcome".to_owned())
}

pub fn pods_come_and_go() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::evaluator("watcher", NAMESPACE)?;
    let reading = counting(&person, 12)?.read_on();
    let victim = shop::pods(NAMESPACE, "api")?[0]["metadata"]["name"].clone();
    let victim = victim.as_str().unwrap_or_default();
    kubectl(&["-n", NAMESPACE, "delete", "pod", victim, "--force", "--grace-period=0"])?;
    let crash =
        ["exec", "-n", NAMESPACE, "deploy/api", "-x", victim, "--pick", "1", "(System/exit 1)"];
    let crashed = person.prepl(&crash)?;
    ensure(crashed.code == 8, || format!("exit {}: {}", crashed.code, crashed.err))?;
    let more = (REPLICAS + 2).to_string();
    kubectl(&["-n", NAMESPACE, "scale", "deployment/api", "--replicas", &more])?;
    let seen = joined(reading)?;
    let fewer = REPLICAS.to_string();
    kubectl(&["-n", NAMESPACE, "scale", "deployment/api", "--replicas", &fewer])?;
    shop::rolled_out(NAMESPACE, "api")?;
    shop::answering(NAMESPACE, "api")?;
    let classes: Vec<&str> = seen.outcomes.values().flatten().map(String::as_str).collect();
    let count = |class| classes.iter().filter(|one| **one == class).count();
    let exact = classes.len() == REPLICAS && seen.outcomes.len() == REPLICAS;
    ensure(exact && count("ok") == REPLICAS - 2 && count("unknown") == 2, || {
        format!("{:?} {}", seen.outcomes, seen.err)
    })?;
    Ok(seen.err.lines().last().unwrap_or_default().to_owned())
}

/// A pod of prepl that is ready.
pub fn ready_pod(component: &str) -> Result<String, Problem> {
    let label = format!("app.kubernetes.io/component={component}");
    let pods = get(&["pods", "-n", SYSTEM, "-l", &label])?;
    let pods = pods["items"].as_array().cloned().unwrap_or_default();
    let ready = |pod: &&serde_json::Value| {
        let conditions = pod["status"]["conditions"].as_array();
        let is = |one: &serde_json::Value| one["type"] == "Ready" && one["status"] == "True";
        pod["metadata"]["deletionTimestamp"].is_null()
            && conditions.is_some_and(|all| all.iter().any(is))
    };
    let name = pods.iter().find(ready).and_then(|pod| pod["metadata"]["name"].as_str());
    name.map(str::to_owned).ok_or_else(|| format!("no {component} is ready"))
}
