//! What a session keeps and how it answers.

mod common;

use common::{message_of, once, run, said, session, text_of};
use prepl_script::{Fault, Said};

#[test]
fn variables_and_functions_are_there_in_the_next_evaluation() {
    let mut session = session();
    run(&mut session, "let x = 40; fn double(n) { n * 2 }").unwrap();
    assert_eq!(text_of(&mut session, "x + 2"), "42");
    run(&mut session, "x += 1; fn twice(n) { double(double(n)) }").unwrap();
    assert_eq!(text_of(&mut session, "twice(x)"), "164");
}

#[test]
fn a_function_may_be_defined_anew() {
    let mut session = session();
    run(&mut session, "fn f() { 1 }").unwrap();
    run(&mut session, "fn f() { 2 }").unwrap();
    assert_eq!(text_of(&mut session, "f()"), "2");
}

#[test]
fn earlier_statements_do_not_run_again() {
    let mut session = session();
    run(&mut session, "let n = 0; fn f() { 1 }").unwrap();
    run(&mut session, "n += f();").unwrap();
    assert_eq!(text_of(&mut session, "n"), "1");
}

#[test]
fn what_was_changed_before_a_fault_is_kept() {
    let mut session = session();
    run(&mut session, "let x = 1; { let hidden = 2; throw 3; }").unwrap_err();
    assert_eq!(text_of(&mut session, "x"), "1");
    run(&mut session, "hidden").unwrap_err();
}

#[test]
fn a_thousand_lets_of_one_name_stay_one_variable() {
    let mut session = session();
    for n in 0..1000 {
        run(&mut session, &format!("let x = {n}; const C = {n};")).unwrap();
    }
    assert_eq!(text_of(&mut session, "x + C"), "1998");
    assert!(message_of(run(&mut session, "C = 1")).contains('C'));
}

#[test]
fn sessions_share_nothing() {
    let mut session = session();
    run(&mut session, "let x = 1; fn f() {}").unwrap();
    once("x").unwrap_err();
    once("f()").unwrap_err();
}

#[test]
fn an_unfinished_text_asks_for_more() {
    for text in [
        "let x =",
        "1 +",
        "foo(1,",
        "[1, 2",
        "#{a: 1",
        "if true {",
        "fn f(",
        "fn f()",
        "x.",
        "{ let x = 1;",
        "{\n  \n",
        "`abc",
        "`a\nb ${x} c",
        "try { 1 }",
        "for x in",
        "let",
    ] {
        let fault = once(text).unwrap_err();
        assert!(matches!(fault, Fault::Unreadable { incomplete: true, .. }), "{text}: {fault:?}");
        assert!(fault.to_string().contains("add the rest"));
    }
}

#[test]
fn a_wrong_text_does_not_ask_for_more() {
    for text in [")", "let let", "\"abc", "1 2", "foo(1\n2)", "'ab'", "fn f() { 1 } }"] {
        let fault = once(text).unwrap_err();
        assert!(matches!(fault, Fault::Unreadable { incomplete: false, .. }), "{text}: {fault:?}");
    }
}

#[test]
fn an_unreadable_text_says_where_and_runs_nothing() {
    let mut session = session();
    run(&mut session, "let x = 1;").unwrap();
    let fault = run(&mut session, "x = 2;\nfn f() { 1 } )").unwrap_err();
    assert!(matches!(fault, Fault::Unreadable { line: 2, column: 14, .. }), "{fault:?}");
    assert_eq!(text_of(&mut session, "x"), "1");
    run(&mut session, "f()").unwrap_err();
}

#[test]
fn a_thrown_value_is_handed_back() {
    let Err(Fault::Threw { message, line, value }) = once("\nthrow #{code: 7}") else { panic!() };
    assert_eq!(message, "thrown: #{\"code\": 7}");
    assert_eq!(line, Some(2));
    assert_eq!(value.unwrap().text, "#{\"code\": 7}");
    assert_eq!(message_of(once("throw \"no sessions\"")), "line 1: no sessions");
}

#[test]
fn an_error_inside_a_function_is_told_from_its_innermost_cause() {
    let fault = once("fn f() {\n missing }\nfn g() { f() }\ng()").unwrap_err();
    let Fault::Threw { message, line, value: None } = fault else { panic!("{fault:?}") };
    assert_eq!(message, "Variable not found: missing");
    assert_eq!(line, Some(2));
}

#[test]
fn prints_are_heard_in_order() {
    let heard = said(&mut session(), "print(1); print(\"\"); print(\"a\\nb\"); debug(\"x\")");
    let printed = |text: &str| Said::Printed(text.to_owned());
    assert_eq!(heard, [printed("1"), printed(""), printed("a\nb"), printed("\"x\"")]);
}

#[test]
fn values_are_printed_as_rhai_reads_them() {
    for (text, printed) in [
        ("", "()"),
        ("40 + 2", "42"),
        ("1.0", "1.0"),
        ("true", "true"),
        ("'\\''", "'\\''"),
        ("\"a\\\"b\\n\"", "\"a\\\"b\\n\""),
        ("[1, [\"x\"], ()]", "[1, [\"x\"], ()]"),
        ("#{b: 1, a: #{}}", "#{\"a\": #{}, \"b\": 1}"),
        ("1..3", "1..3"),
        ("1..=3", "1..=3"),
        ("blob(2, 255)", "<blob ffff>"),
        ("Fn(\"f\")", "Fn(\"f\")"),
    ] {
        assert_eq!(once(text).unwrap().text, printed, "{text}");
    }
}

#[test]
fn json_goes_both_ways() {
    let text = r#"to_json(parse_json(`{"b":[1,2.5,null,true,"x"],"a":{}}`))"#;
    assert_eq!(once(text).unwrap().text, r#""{\"a\":{},\"b\":[1,2.5,null,true,\"x\"]}""#);
    once("parse_json(\"{\")").unwrap_err();
    once("let s = \"\"; s.pad(100000, '['); parse_json(s)").unwrap_err();
    once("to_json(1.0 / 0.0)").unwrap_err();
}
