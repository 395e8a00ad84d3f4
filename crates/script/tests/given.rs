//! What a session is given: seen by scripts, changed by none, and nothing else is seen.

mod common;

use common::run;
use prepl_script::{Engine, Given, Limits, Session, Sight};

fn session() -> Session {
    let mut session = Session::new(Engine::new(Sight::nothing(), Limits::default()));
    session.give("text", Given::Text("say \"hi\"\n${x}".to_owned()));
    let values = vec!["db".to_owned(), "web".to_owned()];
    session.give("lists", Given::Lists(vec![("tier".to_owned(), values)]));
    session
}

fn says(text: &str, value: &str) {
    match run(&mut session(), text) {
        Ok(printed) => assert_eq!(printed.text, value, "{text}"),
        Err(fault) => panic!("{text}: {fault}"),
    }
}

#[test]
fn a_text_is_what_it_is_and_no_part_of_the_script() {
    says("text.contains(\"\\\"hi\\\"\")", "true");
    says("text.len()", "13");
    says("text", "\"say \\\"hi\\\"\\n${x}\"");
}

#[test]
fn lists_are_looked_up_and_what_is_not_there_is_unit() {
    says("\"db\" in lists.tier", "true");
    says("\"x\" in lists.tier", "false");
    says("lists.other == ()", "true");
}

#[test]
fn what_is_given_is_not_changed() {
    assert!(run(&mut session(), "text = \"x\"; text").is_err());
    assert!(run(&mut session(), "lists.tier = []; lists").is_err());
}

#[test]
fn nothing_else_is_seen() {
    for text in ["env_names()", "http_get(\"http://127.0.0.1:1/\")", "read_file(\"/etc/hostname\")"]
    {
        assert!(run(&mut session(), text).is_err(), "{text}");
    }
}
