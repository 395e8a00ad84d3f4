//! Where it listens, who may connect, and how it ends.

use std::fs;
use std::net::TcpListener;

use prepl_identity::Role;

use crate::client::Client;
use crate::fleet::Fleet;

#[test]
fn the_port_is_told_and_written_down_while_it_serves() {
    let fleet = Fleet::of_rhai(2);
    let mut serve = fleet.serve();
    let port = serve.port();
    let file = fleet.work().join(".nrepl-port");
    assert_eq!(fs::read_to_string(&file).unwrap(), port.to_string());
    assert!(serve.says().starts_with("api · 2 replicas · rhai "));
    assert_eq!(serve.client().aside("1 + 2").value(), "3");
    let (code, _) = serve.end("-INT");
    assert_eq!(code, Some(0));
    assert!(!file.exists());
}

#[test]
fn the_port_of_another_living_server_stays_written_down() {
    let fleet = Fleet::of_rhai(1);
    let first = fleet.serve();
    let second = fleet.serve();
    let file = fleet.work().join(".nrepl-port");
    assert_eq!(second.client().aside("1").value(), "1");
    let (code, said) = second.end("-TERM");
    let wanted = format!("that of a server on port {}; it stays", first.port());
    assert!(said.contains(&wanted), "{said}");
    assert_eq!((code, fs::read_to_string(&file).unwrap()), (Some(0), first.port().to_string()));
    first.end("-HUP");
    assert!(!file.exists());
}

#[test]
fn what_keeps_it_from_serving_is_told() {
    let fleet = Fleet::of_rhai(2);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, said) = fleet.refused(&["-A", "--port", &port]);
    assert!(code == 1 && said.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{said}");
    let (code, said) = fleet.refused(&["deploy/other"]);
    assert!(code == 3 && said.contains("no deployment/other"), "{said}");
    let (code, said) = fleet.refused(&[]);
    assert!(code == 2 && said.contains("no replicas named"), "{said}");
    let (code, said) = fleet.refused(&["-A", "--lead", "api-9"]);
    assert!(code == 2 && said.contains("called api-9"), "{said}");
    let (code, said) = fleet.refused(&["-A", "--port", "1", "--socket", "x"]);
    assert!(code == 2 && said.contains("cannot be used with"), "{said}");
}

#[test]
fn a_socket_is_served_in_a_folder_of_ones_own() {
    let fleet = Fleet::of_rhai(1);
    let path = fleet.work().join("own/repl");
    let serve = fleet.serve_with(&["--socket", path.to_str().unwrap()]);
    assert_eq!(
        serve.line,
        format!("nREPL server started on socket nrepl+unix:{}\n", path.display())
    );
    assert_eq!(Client::connect_to(&path).aside("40 + 2").value(), "42");
    assert!(!fleet.work().join(".nrepl-port").exists());
    serve.end("-INT");
    assert!(!path.exists());
}

#[test]
fn a_token_is_asked_for_before_anything_else() {
    let fleet = Fleet::of_rhai(1);
    let mut serve = fleet.serve_with(&["--token"]);
    serve.says();
    let line = serve.says();
    let path = line.trim_end().strip_prefix("the token is in ").unwrap();
    let token = fs::read_to_string(path).unwrap();
    for wrong in ["", "x", "00000000-0000-4000-8000-000000000000"] {
        let mut stranger = serve.client();
        let answer = stranger.ask("auth", &[("token", wrong)]);
        assert!(answer.status().contains("unauthenticated"), "{answer:?}");
        assert!(stranger.next().is_none());
    }
    let mut stranger = serve.client();
    assert!(stranger.aside("1").status().contains("unauthenticated"));
    assert!(stranger.next().is_none());
    let mut friend = serve.client();
    assert_eq!(friend.ask("auth", &[("token", token.trim())]).status().len(), 1);
    assert_eq!(friend.aside("1").value(), "1");
    let (path, fleet_log) = (path.to_owned(), fleet.recorded());
    assert_eq!(fleet_log.len(), 1);
    serve.end("-INT");
    assert!(!std::path::Path::new(&path).exists());
}

#[test]
fn clients_have_sessions_of_their_own_and_do_not_see_the_others() {
    let fleet = Fleet::of_rhai(2);
    let serve = fleet.serve();
    let (mut one, mut two) = (serve.client(), serve.client());
    let (mine, other) = (one.session(), two.session());
    assert_eq!(one.ask("ls-sessions", &[]).0[0].get_strs("sessions"), [&mine]);
    assert!(two.eval(&mine, "1").status().contains("unknown-session"));
    one.eval(&mine, "let x = 1;");
    two.eval(&other, "let x = 2;");
    assert_eq!((one.eval(&mine, "x").value(), two.eval(&other, "x").value()), ("1", "2"));
}

#[test]
fn a_client_has_no_more_sessions_than_its_share() {
    let fleet = Fleet::of_rhai(1);
    let serve = fleet.serve();
    let mut client = serve.client();
    let sessions: Vec<_> = (0..16).map(|_| client.session()).collect();
    let refused = client.ask("clone", &[]);
    assert!(refused.status().contains("clone-error") && refused.text("err").contains("close one"));
    client.ask("close", &[("session", &sessions[0])]);
    assert!(!client.session().is_empty());
}

#[test]
fn a_viewer_is_told_at_each_evaluation_that_he_may_not() {
    let fleet = Fleet::with_role(Role::Viewer, async |world| {
        world.add(prepl_sidecar::endpoint::Endpoint::Rhai).await;
    });
    let serve = fleet.serve();
    let answer = serve.client().aside("1");
    assert_eq!((answer.values(), answer.text("ex")), (vec![], "prepl/denied".to_owned()));
    assert!(answer.text("err").contains("evaluator"), "{answer:?}");
    assert_eq!(fleet.recorded()[0]["what"], "denied eval");
}
