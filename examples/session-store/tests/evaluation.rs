//! What an evaluation answers, over a real connection.

mod client;

use client::{Client, SERVICE, all, start_service, status};
use prepl_bencode::Value;

fn in_a_session() -> (Client, String) {
    let mut client = Client::connect(*SERVICE);
    let session = client.new_session();
    (client, session)
}

/// Everything that was printed.
fn printed(answers: &[Value]) -> String {
    all(answers, "out").concat()
}

#[test]
fn every_form_answers_with_one_value() {
    let (mut client, session) = in_a_session();
    let answers = client.eval(&session, "(+ 1 2) ; three\n\"a \\\"b\\\"\" '(1 2 x) (> 2 1)");
    assert_eq!(all(&answers, "value"), ["3", r#""a \"b\"""#, "(1 2 x)", "#true"]);
    assert_eq!(status(&answers), ["done"]);
    assert!(answers.iter().all(|answer| answer.get_str("session") == Some(&session)));
}

#[test]
fn the_service_can_be_asked_about_itself() {
    let (mut client, session) = in_a_session();
    let questions = "(count-sessions) (cache-info) (version) (zone) (feature? 'new-cart) \
                     (feature? 'dark-mode) (length (sessions)) (session \"nobody\")";
    let answers = client.eval(&session, questions);
    let expected = [
        "344",
        "{:gen 118 :size 40212 :ttl 300}",
        r#""2.41.0""#,
        r#""a""#,
        "#true",
        "#false",
        "50",
        "#false",
    ];
    assert_eq!(all(&answers, "value"), expected);
}

#[test]
fn all_sessions_see_the_same_store_and_their_own_definitions() {
    let mut client = Client::connect(start_service());
    let one = client.new_session();
    let two = client.new_session();
    let expired = client.eval(&one, "(define x 1) (expire-sessions! 0) (count-sessions) x");
    let left = all(&expired, "value")[2].to_owned();
    assert_ne!(left, "344");
    let answers = client.eval(&two, "(count-sessions) x");
    assert_eq!(all(&answers, "value"), [left]);
    assert_eq!(all(&answers, "ex"), ["FreeIdentifier"]);
}

#[test]
fn printed_text_comes_before_the_value_of_its_form() {
    let (mut client, session) = in_a_session();
    let answers = client.eval(&session, "(begin (display \"hé\") (newline) 1) (displayln 'x)");
    let kinds =
        |answer: &Value| answer.get_str("out").or(answer.get_str("value")).map(str::to_owned);
    let order: Vec<_> = answers.iter().filter_map(kinds).collect();
    assert_eq!(order, ["hé\n", "1", "x\n", "#<void>"]);
}

#[test]
fn an_error_does_not_stop_the_forms_behind_it() {
    let (mut client, session) = in_a_session();
    let answers = client.eval(&session, "1 (/ 1 0) 2");
    assert_eq!(all(&answers, "value"), ["1", "2"]);
    assert_eq!(all(&answers, "err"), ["Error: /: division by zero\n"]);
    assert_eq!((all(&answers, "ex"), all(&answers, "root-ex")), (vec!["Generic"], vec!["Generic"]));
    assert!(answers.iter().any(|answer| answer.get_strs("status") == ["eval-error"]));
    assert_eq!(status(&answers), ["done"]);
}

#[test]
fn what_cannot_be_read_is_an_error_after_the_forms_before_it() {
    let (mut client, session) = in_a_session();
    let answers = client.eval(&session, "1 (+ 1");
    assert_eq!((all(&answers, "value"), all(&answers, "ex")), (vec!["1"], vec!["Parse"]));
    assert_eq!(status(&client.eval(&session, " ; nothing")), ["done"]);
}

#[test]
fn a_file_answers_with_its_last_value_and_stops_at_an_error() {
    let (mut client, session) = in_a_session();
    let mut load = |file: &str| {
        client.ask(&[
            ("op", "load-file".into()),
            ("session", session.as_str().into()),
            ("file", file.into()),
        ])
    };
    assert_eq!(all(&load("1 2 3"), "value"), ["3"]);
    let failed = load("1 (car '()) (display \"not reached\")");
    assert!(all(&failed, "value").is_empty() && printed(&failed).is_empty());
    assert_eq!(all(&failed, "ex").len(), 1);
}

#[test]
fn the_quota_cuts_a_value_and_says_so() {
    let (mut client, session) = in_a_session();
    let answers = client.ask(&[
        ("op", "eval".into()),
        ("session", session.as_str().into()),
        ("code", "(range 0 100000)".into()),
        ("nrepl.middleware.print/quota", 16.into()),
    ]);
    assert_eq!(all(&answers, "value"), ["(0 1 2 3 4 5 6 7"]);
    assert_eq!(answers[0].get_strs("status"), ["nrepl.middleware.print/truncated"]);
    assert_eq!(answers[0].get_strs("nrepl.middleware.print/truncated-keys"), ["value"]);
}

#[test]
fn a_flood_of_output_is_cut_and_ends_the_evaluation() {
    let (mut client, session) = in_a_session();
    let flood = "(define text (make-string 4000 #\\x)) \
                 (define (flood) (display text) (flood)) (flood)";
    let answers = client.eval(&session, flood);
    assert_eq!(printed(&answers).len(), 1024 * 1024);
    assert!(all(&answers, "err")[0].contains("print less"));
    assert_eq!(all(&client.eval(&session, "(+ 1 1)"), "value"), ["2"]);
}

#[test]
fn without_a_session_nothing_is_kept() {
    let mut client = Client::connect(*SERVICE);
    let define = client.ask(&[("op", "eval".into()), ("code", "(define y 1) y".into())]);
    assert_eq!(all(&define, "value"), ["#<void>", "1"]);
    let lost = client.ask(&[("op", "eval".into()), ("code", "y".into())]);
    assert_eq!(all(&lost, "ex"), ["FreeIdentifier"]);
}

#[test]
fn deep_programs_and_endless_recursion_are_errors() {
    let (mut client, session) = in_a_session();
    assert_eq!(all(&client.eval(&session, &"(".repeat(50_000)), "ex"), ["TooDeep"]);
    let answers = client.eval(&session, "(define (f n) (+ 1 (f n))) (f 1) (+ 1 1)");
    assert_eq!(all(&answers, "ex"), ["Generic"]);
    assert_eq!(all(&answers, "value"), ["#<void>", "2"]);
}

#[test]
fn a_panic_of_the_engine_costs_its_session_the_definitions_and_nothing_else() {
    let (mut client, session) = in_a_session();
    let answers = client.eval(&session, "(define z 1) (assert! #f)");
    assert_eq!((all(&answers, "ex"), status(&answers)), (vec!["EngineBroke"], vec!["done"]));
    let answers = client.eval(&session, "(count-sessions) z");
    assert_eq!(
        (all(&answers, "value"), all(&answers, "ex")),
        (vec!["344"], vec!["FreeIdentifier"])
    );
}

#[test]
fn structures_print_on_one_line_as_edn() {
    let (mut client, session) = in_a_session();
    let code = "(hash \"b\" (hashset 3 1 2) 'a (vector 1 (hash)))";
    assert_eq!(all(&client.eval(&session, code), "value"), ["{\"b\" #{1 2 3} :a [1 {}]}"]);
}
