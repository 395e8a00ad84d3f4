//! Policies: what they deny is denied in words, in every gateway, and a dry run runs nothing.

use std::time::Duration;

use crate::cluster::{Problem, apply, ensure, kubectl, wait_until};
use crate::person::{Person, Ran};
use crate::shop::{self, NAMESPACE};

/// A change is known to every gateway within moments.
const KNOWN_WITHIN: Duration = Duration::from_secs(20);

const RULES: &str = "{reason: {required: true}, ceilings: {evalSeconds: 1, valueBytes: 64}, \
                     expressions: {deny: [{regex: exit, message: restart the pod instead}]}}";
const UNREADABLE: &str = "{reason: {pattern: '('}}";

fn policy(spec: &str) -> Result<(), Problem> {
    apply(&format!(
        "{{apiVersion: prepl.dev/v1alpha1, kind: ReplPolicy, metadata: {{name: scenario, namespace: {NAMESPACE}}}, \
         spec: {spec}}}"
    ))
    .map(drop)
}

fn ask(person: &Person, more: &[&str]) -> Result<Ran, Problem> {
    person.prepl(&[&["exec", "-n", NAMESPACE, "deploy/api"], more].concat())
}

fn denied(asked: &Ran, words: &str) -> Result<(), Problem> {
    let told = asked.code == 4 && asked.err.contains(words);
    ensure(told, || format!("exit {}, without {words:?}: {}{}", asked.code, asked.out, asked.err))
}

fn allowed(asked: &Ran) -> Result<(), Problem> {
    ensure(asked.code == 0, || format!("exit {}: {}{}", asked.code, asked.out, asked.err))
}

pub fn rules_are_held() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::evaluator("held", NAMESPACE)?;
    let seen = played(&person);
    kubectl(&["-n", NAMESPACE, "delete", "replpolicy", "scenario", "--ignore-not-found"])?;
    wait_until(KNOWN_WITHIN, || allowed(&ask(&person, &["(+ 40 2)"])?))?;
    seen
}

fn played(person: &Person) -> Result<String, Problem> {
    allowed(&ask(person, &["(+ 40 2)"])?)?;
    policy(RULES)?;
    wait_until(KNOWN_WITHIN, || denied(&ask(person, &["(+ 40 2)"])?, "--reason TEXT"))?;
    // Each command may meet another gateway.
    for _ in 0..4 {
        denied(&ask(person, &["(+ 40 2)"])?, "ReplPolicy shop/scenario, reason")?;
    }
    allowed(&ask(person, &["--reason", "a scenario", "(+ 40 2)"])?)?;
    let exit = ask(person, &["--reason", "a scenario", "(System/exit 0)"])?;
    denied(&exit, "restart the pod instead")?;
    let plan = ["--dry-run", "plan", "--reason", "a scenario", "(Thread/sleep 60000)"];
    let plan = ask(person, &plan)?;
    allowed(&plan)?;
    let lowered = plan.out.contains("1.0 s, lowered from 30.0 s");
    ensure(lowered, || format!("no lowered time: {}", plan.out))?;
    let may = person.prepl(&["auth", "can-i", "eval", "deploy/api", "-n", NAMESPACE])?;
    let listed = may.code == 4 && may.out.contains("ReplPolicy shop/scenario");
    ensure(listed, || format!("exit {}: {}{}", may.code, may.out, may.err))?;
    policy(UNREADABLE)?;
    wait_until(KNOWN_WITHIN, || denied(&ask(person, &["(+ 40 2)"])?, "it cannot be read"))?;
    Ok(exit.err.lines().next().unwrap_or_default().to_owned())
}
