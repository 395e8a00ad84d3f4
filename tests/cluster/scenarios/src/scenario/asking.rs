//! Asking the service.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::cluster::{Problem, ensure, kubectl};
use crate::forward::Forward;
use crate::person::{Person, Ran, ran};
use crate::shop::{self, NAMESPACE, REPLICAS};

fn evaluator() -> Result<Person, Problem> {
    shop::open()?;
    Person::evaluator("mira", NAMESPACE)
}

pub fn a_label_injects() -> Result<String, Problem> {
    shop::open()?;
    let pods = shop::pods(NAMESPACE, "api")?;
    pods.iter().try_for_each(shop::has_sidecar)?;
    let nodes: BTreeSet<_> = pods.iter().map(|pod| pod["spec"]["nodeName"].to_string()).collect();
    ensure(pods.len() == REPLICAS, || format!("{} pods", pods.len()))?;
    ensure(nodes.len() >= 2, || format!("all on {nodes:?}"))?;
    Ok(format!("{} pods on {} nodes", pods.len(), nodes.len()))
}

pub fn answers_fold() -> Result<String, Problem> {
    let asked =
        evaluator()?.prepl(&["exec", "-n", NAMESPACE, "-l", "app=api", "(count-sessions)"])?;
    ensure(asked.code == 0, || format!("exit {}: {}", asked.code, asked.err))?;
    ensure(asked.out.contains("6"), || asked.out.clone())?;
    let closing = asked.err.lines().last().unwrap_or_default().to_owned();
    ensure(closing.contains("6 ok"), || format!("the closing line is {closing:?}"))?;
    Ok(closing)
}

pub fn targets_tell() -> Result<String, Problem> {
    let asked = evaluator()?.prepl(&["targets", "-n", NAMESPACE, "-l", "app=api", "-o", "json"])?;
    ensure(asked.code == 0, || format!("exit {}: {}", asked.code, asked.err))?;
    let told: serde_json::Value =
        serde_json::from_str(&asked.out).map_err(|bad| bad.to_string())?;
    let targets = told["targets"].as_array().cloned().unwrap_or_default();
    ensure(targets.len() == REPLICAS, || asked.out.clone())?;
    for target in &targets {
        for key in ["node", "zone"] {
            let known = target[key].as_str().is_some_and(|text| !text.is_empty());
            ensure(known, || format!("no {key} in {target}"))?;
        }
        ensure(target["language"].as_str() == Some("clojure"), || target.to_string())?;
    }
    Ok(format!("{} targets", targets.len()))
}

const COUNT: &[&str] = &["-l", "app=api", "(count-sessions)"];

fn six_answer(asked: &Ran) -> Result<(), Problem> {
    ensure(asked.code == 0 && asked.err.contains("6 ok"), || {
        format!("exit {}: {}{}", asked.code, asked.out, asked.err)
    })
}

pub fn all_namespaces() -> Result<String, Problem> {
    let local = evaluator()?.prepl(&[&["exec", "-A"], COUNT].concat())?;
    ensure(local.code == 4, || format!("a right in one namespace gave exit {}", local.code))?;
    let person = Person::new("everywhere")?;
    person.may_everywhere("prepl-evaluator")?;
    six_answer(&person.prepl(&[&["exec", "-A"], COUNT].concat())?)?;
    Ok("with a role in all namespaces, and not with one in a single namespace".to_owned())
}

pub fn a_direct_address() -> Result<String, Problem> {
    let person = evaluator()?;
    let gateway = Forward::open(shop::SYSTEM, "svc/prepl-gateway", 7071)?;
    let way = ["exec", "-n", NAMESPACE, "--gateway", &gateway.address];
    six_answer(&person.prepl(&[&way, COUNT].concat())?)?;
    Ok(format!("through {}", gateway.address))
}

pub fn an_exec_plugin() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::evaluator("cloudy", NAMESPACE)?;
    person.use_exec_plugin()?;
    six_answer(&person.prepl(&[&["exec", "-n", NAMESPACE], COUNT].concat())?)?;
    Ok("the kubeconfig's program gave the token".to_owned())
}

pub fn kubectl_prepl() -> Result<String, Problem> {
    let person = evaluator()?;
    six_answer(&person.kubectl_prepl(&[&["exec", "-n", NAMESPACE], COUNT].concat())?)?;
    let help = person.kubectl_prepl(&["targets", "--help"])?;
    ensure(help.out.contains("kubectl prepl targets"), || help.out.clone())?;
    Ok("as a plug-in of kubectl".to_owned())
}

pub fn the_doctor() -> Result<String, Problem> {
    let well = evaluator()?.prepl(&["doctor", "-n", NAMESPACE])?;
    let told = well.code == 0 && well.out.contains("replicas can answer");
    ensure(told, || format!("exit {}: {}{}", well.code, well.out, well.err))?;
    let ill = Person::new("sick")?.prepl(&["doctor", "-n", NAMESPACE])?;
    let told = ill.code == 1 && ill.out.contains("workloads/eval");
    ensure(told, || format!("exit {}: {}{}", ill.code, ill.out, ill.err))?;
    Ok(format!("{} checks", well.out.lines().count()))
}

pub fn a_lost_pod_is_counted() -> Result<String, Problem> {
    let person = evaluator()?;
    let pods = shop::pods(NAMESPACE, "api")?;
    let victim = pods[0]["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let begun = Instant::now();
    let expression = "(do (println \"begun\") (Thread/sleep 8000) 1)";
    let mut child =
        person.start(&["exec", "-n", NAMESPACE, "-l", "app=api", "-o", "jsonl", expression])?;
    begun_everywhere(&mut child)?;
    kubectl(&["-n", NAMESPACE, "delete", "pod", &victim, "--grace-period=0", "--force"])?;
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let asked = ran(&output, begun.elapsed());
    let (lost, ok) = (asked.err.contains("1 unknown"), asked.err.contains("5 ok"));
    ensure(lost && ok && asked.code == 8, || format!("exit {}: {}", asked.code, asked.err))?;
    shop::rolled_out(NAMESPACE, "api")?;
    shop::answering(NAMESPACE, "api")?;
    Ok(asked.err.lines().last().unwrap_or_default().to_owned())
}

/// Reads the stream until every replica has printed; the rest stays with the child.
fn begun_everywhere(child: &mut std::process::Child) -> Result<(), Problem> {
    use std::io::BufRead;
    let out = child.stdout.take().ok_or("no standard output")?;
    let mut reader = std::io::BufReader::new(out);
    let mut seen = 0;
    let mut line = String::new();
    while seen < REPLICAS {
        line.clear();
        let read = reader.read_line(&mut line).map_err(|error| error.to_string())?;
        ensure(read > 0, || format!("the stream ended after {seen} replicas had begun"))?;
        seen += usize::from(line.contains("begun"));
    }
    // Reads on, lest the program stalls on a full pipe.
    std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    Ok(())
}
