//! The one replica that answers what the fleet cannot.

use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;

use crate::fleet::{Fleet, JVMS};

/// Of nREPL's own middleware, older and newer, and none of the operations of this server.
const OPS: [&str; 2] = ["ls-middleware", "forward-system-output"];

fn jvms(role: Role) -> Option<Fleet> {
    let [one, _, three] = JVMS.as_ref()?;
    Some(Fleet::with_role(role, async |world| {
        world.add(Endpoint::Nrepl(one.addresses("nrepl")[0])).await;
        world.add(Endpoint::Nrepl(three.addresses("nrepl")[0])).await;
    }))
}

#[test]
fn an_operation_of_its_middleware_is_answered_by_the_lead_and_marked() {
    let Some(fleet) = jvms(Role::Admin) else { return };
    let serve = fleet.serve_with(&["--lead", "api-2"]);
    let mut client = serve.client();
    let described = client.ask("describe", &[]);
    let ops = described.0[0].get("ops").unwrap();
    let op = OPS.into_iter().find(|op| ops.get(op).is_some()).unwrap();
    let session = client.session();
    for _ in 0..2 {
        let answer = client.ask(op, &[("session", &session)]);
        assert!(!answer.status().contains("error"), "{answer:?}");
        let names = answer.all("prepl/replica");
        assert_eq!(names, vec!["api-2"; answer.0.len()], "{answer:?}");
    }
    assert!(client.ask("no-such-op", &[]).status().contains("unknown-op"));
    assert_eq!(client.eval(&session, "(count-sessions)").value(), r#"{"api-1" 12, "api-2" 17}"#);
    drop(client);
    serve.end("-INT");
    let attached = fleet.recorded().iter().filter(|entry| entry["what"] == "attach").count();
    assert_eq!(attached, 2, "one to learn what it can do, one for the client");
}

#[test]
fn without_the_right_to_attach_the_lead_answers_for_names_alone() {
    let Some(fleet) = jvms(Role::Evaluator) else { return };
    let mut serve = fleet.serve_with(&["--lead", "api-2"]);
    let said = serve.says();
    assert!(said.starts_with("warning: api-2 answers nothing by itself: "), "{said}");
    let mut client = serve.client();
    assert!(client.ask(OPS[0], &[]).status().contains("unknown-op"));
    assert!(client.ask("info", &[("symbol", "inc")]).text("arglists-str").contains("[x]"));
}

#[test]
fn a_lead_without_an_nrepl_of_its_own_answers_nothing_by_itself() {
    let fleet = Fleet::with_role(Role::Admin, async |world| {
        world.add(Endpoint::Rhai).await;
    });
    let mut serve = fleet.serve_with(&["--lead", "api-1"]);
    assert!(serve.says().starts_with("warning: api-1 answers nothing by itself: "));
    assert!(serve.client().ask(OPS[0], &[]).status().contains("unknown-op"));
}
