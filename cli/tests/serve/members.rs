//! Replicas that come and go, and state that is lost.

use std::collections::BTreeSet;

use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;

use crate::client::{Answer, Client};
use crate::fleet::{Fleet, Serve};

/// A session in which two replicas know `x`, and a third one that joined later does not.
struct Parted {
    _fleet: Fleet,
    _serve: Serve,
    client: Client,
    session: String,
}

impl Parted {
    fn eval(&mut self, code: &str) -> Answer {
        self.client.eval(&self.session, code)
    }
}

fn parted() -> Parted {
    let mut fleet = Fleet::of_rhai(2);
    let serve = fleet.serve();
    let mut client = serve.client();
    let session = client.session();
    assert_eq!(client.eval(&session, "let x = 1; x").value(), "1");
    fleet.runtime.block_on(fleet.world.add(Endpoint::Rhai));
    fleet.world.write_fleet(Role::Evaluator);
    // Who is there is looked at every two seconds at most.
    let told = loop {
        let answer = client.eval(&session, "1");
        if !answer.text("out").is_empty() {
            break answer;
        }
    };
    assert_eq!((told.value(), &*told.text("out")), ("1", ";; prepl: api-3 joined\n"));
    assert_eq!(client.eval(&session, "1").text("out"), "");
    Parted { _fleet: fleet, _serve: serve, client, session }
}

#[test]
fn different_answers_are_a_map_and_output_that_names_the_replicas() {
    let mut parted = parted();
    let answer = parted.eval("is_def_var(\"x\")");
    assert_eq!(answer.value(), r#"{"api-1" true, "api-2" true, "api-3" false}"#);
    let out = answer.text("out");
    assert!(out.starts_with("◐ 2 answers from 3 replicas\n"), "{out}");
    assert!(out.contains("\n   api-3\n"), "{out}");
}

#[test]
fn an_error_on_one_replica_is_an_error_that_names_it() {
    let mut parted = parted();
    let answer = parted.eval("print(x); x");
    let [value] = answer.values()[..] else { panic!("{answer:?}") };
    assert!(value.starts_with(r#"{"api-1" 1, "api-2" 1, "api-3" {:prepl/error ""#), "{value}");
    assert!(answer.text("err").starts_with("api-3: error: "), "{answer:?}");
    assert_eq!(answer.text("out"), "api-1 | 1\napi-2 | 1\n");
    assert_eq!(answer.status(), BTreeSet::from(["done", "eval-error"]));
}
