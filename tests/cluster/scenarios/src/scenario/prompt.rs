//! What lasts: the fleet's prompt and its nREPL server, while gateways and pods come and go.

use crate::cluster::{Problem, ensure, kubectl};
use crate::person::Person;
use crate::scenario::attach::{delete_accesses, speak};
use crate::shop::{self, NAMESPACE, SYSTEM};
use crate::talk::Talk;

pub fn a_prompt_outlives_gateways() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::evaluator("talker", NAMESPACE)?;
    let mut prompt = Talk::start(&person, &["repl", "-n", NAMESPACE, "deploy/api"])?;
    prompt.say("(def kept 42)")?;
    prompt.hear("#'user/kept")?;
    let label = "app.kubernetes.io/component=gateway";
    kubectl(&["-n", SYSTEM, "delete", "pods", "-l", label, "--force", "--grace-period=0"])?;
    shop::gateways_rolled_out()?;
    prompt.say("(inc *1)")?;
    // `*1` is the var: the session is that of before.
    prompt.hear("cannot be cast")?;
    prompt.say("(inc kept)")?;
    prompt.hear("43")?;
    let victim = shop::pods(NAMESPACE, "api")?[0]["metadata"]["name"].clone();
    let victim = victim.as_str().unwrap_or_default();
    kubectl(&["-n", NAMESPACE, "delete", "pod", victim])?;
    shop::rolled_out(NAMESPACE, "api")?;
    shop::answering(NAMESPACE, "api")?;
    // Texts from a pipe are not waited for as keys are: who came and went is told before the next.
    prompt.say("(resolve 'kept)")?;
    prompt.hear_all(&[victim, "left", "joined", "#'user/kept", "nil"])?;
    Ok(format!("one session before and after three gateways died; {victim} left, and it was told"))
}

pub fn an_editor_on_the_fleet() -> Result<String, Problem> {
    shop::open()?;
    let person = Person::evaluator("editor", NAMESPACE)?;
    let mut server = Talk::start(&person, &["serve", "nrepl", "-n", NAMESPACE, "deploy/api"])?;
    server.hear("nrepl://")?;
    server.hear("\n")?;
    let said = server.heard_line("nrepl://")?;
    let address = said.trim().to_owned();
    let value = speak(&address)?;
    delete_accesses(&person)?;
    // A new one is asked for: the right is there still.
    speak(&address)?;
    kubectl(&["-n", NAMESPACE, "delete", "rolebinding", "editor-prepl-evaluator"])?;
    let denied = speak(&address);
    ensure(denied.is_err(), || "it answered after the right was taken away".to_owned())?;
    Ok(format!("an editor's {value} is that of the fleet, for as long as its user may"))
}
