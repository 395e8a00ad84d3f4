//! Nothing a script does is without an end.

mod common;

use std::time::Duration;

use common::{evaluate, once, run, said, session, session_within, text_of};
use prepl_script::{Bound, Fault, Limits, Said, Stop};

fn in_short_time() -> Limits {
    Limits { wall: Duration::from_millis(100), operations: u64::MAX, ..Limits::default() }
}

#[test]
fn an_endless_loop_ends_at_its_deadline() {
    let fault = run(&mut session_within(in_short_time()), "loop {}").unwrap_err();
    assert_eq!(fault, Fault::TimedOut(Duration::from_millis(100)));
    assert!(fault.to_string().contains("100ms"));
}

#[test]
fn a_script_cannot_catch_its_end() {
    let text = "loop { try { loop {} } catch {} }";
    let fault = run(&mut session_within(in_short_time()), text).unwrap_err();
    assert_eq!(fault, Fault::TimedOut(Duration::from_millis(100)));
}

#[test]
fn the_stop_flag_ends_an_endless_loop() {
    let stop = Stop::default();
    let mut session = session_within(Limits {
        wall: Duration::from_secs(600),
        operations: u64::MAX,
        ..Limits::default()
    });
    let result = evaluate(&mut session, "print(1); loop {}", &stop.clone(), &mut |_| stop.stop());
    assert_eq!(result, Err(Fault::Stopped));
}

#[test]
fn a_stop_before_the_start_ends_it_too() {
    let stop = Stop::default();
    stop.stop();
    assert_eq!(evaluate(&mut session(), "loop {}", &stop, &mut |_| ()), Err(Fault::Stopped));
}

#[test]
fn a_loop_ends_when_its_operations_are_used_up() {
    let limits = Limits { operations: 1000, ..Limits::default() };
    let fault = run(&mut session_within(limits), "loop {}").unwrap_err();
    assert_eq!(fault, Fault::TooMuch(Bound::Operations));
}

#[test]
fn endless_recursion_is_an_error() {
    assert_eq!(once("fn f(n) { f(n + 1) } f(0)"), Err(Fault::TooMuch(Bound::CallLevels)));
    let wide = "fn f(n) { if true {if true {if true {if true {if true {if true { [[f(n)]] }}}}}} }";
    assert_eq!(once(&format!("{wide} f(0)")), Err(Fault::TooMuch(Bound::CallLevels)));
}

#[test]
fn recursion_within_the_limit_works_in_every_build() {
    let text = "fn f(n) { if n == 0 { 0 } else { 1 + f(n - 1) } } f(30)";
    assert_eq!(once(text).unwrap().text, "30");
}

#[test]
fn deep_nesting_is_an_error() {
    for (open, close) in [("(", ")"), ("[", "]"), ("#{a:", "}"), ("!", ""), ("if true {", "}")] {
        let text = format!("{}1{}", open.repeat(3000), close.repeat(3000));
        assert_eq!(once(&text), Err(Fault::TooMuch(Bound::ExpressionDepth)), "{open}");
    }
}

#[test]
fn a_value_as_deep_as_the_limits_allow_overflows_no_stack() {
    // A thread's usual 2 MiB end far below; the full limits take minutes in a debug build.
    let deep = "let a = []; for i in 0..3000 { a = [a]; }";
    let deeper = "for i in 0..3000 { a = #{a: a}; }";
    let mut session = session_within(Limits {
        operations: u64::MAX,
        wall: Duration::from_secs(120),
        ..Limits::default()
    });
    run(&mut session, &format!("{deep} {deeper}")).unwrap();
    assert_eq!(text_of(&mut session, "a == a"), "true");
    assert!(run(&mut session, "a").unwrap().truncated);
    let _ = run(&mut session, "print(a)");
    let _ = run(&mut session, "throw a");
    let _ = run(&mut session, "to_json(a)").unwrap_err();
}

#[test]
fn huge_values_are_an_error() {
    for text in [
        "let s = \"aaaaaaaa\"; loop { s += s; }",
        "let a = [1]; loop { a += a; }",
        "let a = [1]; loop { a = [a, a]; }",
        "let a = []; loop { a.push(1); }",
        "let a = []; a.pad(1000000000, 0)",
        "let s = \"\"; s.pad(1000000000, 'x')",
        "blob(1000000000)",
        "let s = \"a\"; s.pad(500000, 'a'); let t = s; s.replace(\"a\", t)",
        "let s = \"a\"; s.pad(500000, 'a'); let t = s; s.replace('a', t)",
        "let s = \"a\"; s.pad(500000, 'a'); let t = s; s.replace(\"\", t)",
        "let s = \"a\"; s.pad(1000000, 'a'); `${s}${s}${s}`",
    ] {
        let limits = Limits { array_size: 500, map_size: 500, ..Limits::default() };
        let fault = run(&mut session_within(limits), text).unwrap_err();
        assert_eq!(fault, Fault::TooMuch(Bound::ValueSize), "{text}");
    }
}

#[test]
fn a_map_that_grows_unseen_by_the_engine_is_ended_by_its_memory() {
    let limits =
        Limits { memory_bytes: 16 << 20, wall: Duration::from_secs(120), ..Limits::default() };
    let text = "let m = #{}; let i = 0; loop { m[`${i}`] = 1; i += 1; }";
    let mut session = session_within(limits);
    let fault = run(&mut session, text).unwrap_err();
    assert!(matches!(fault, Fault::TooMuch(Bound::Memory | Bound::ValueSize)), "{fault:?}");
    assert_eq!(text_of(&mut session, "is_def_var(\"m\")"), "false");
}

#[test]
fn an_oversized_variable_is_not_kept() {
    let limits = Limits { array_size: 50, map_size: 50, ..Limits::default() };
    let mut session = session_within(limits);
    let text = "let small = [1]; let m = #{}; for i in 0..200 { m[`${i}`] = 1; } 7";
    assert_eq!(run(&mut session, text), Err(Fault::TooMuch(Bound::ValueSize)));
    assert_eq!(text_of(&mut session, "small"), "[1]");
    assert!(run(&mut session, "m").is_err());
}

#[test]
fn too_many_variables_and_functions_are_an_error() {
    let limits = Limits { variables: 3, functions: 2, ..Limits::default() };
    let mut session = session_within(limits);
    let fault = run(&mut session, "let a = 1; let b = 1; let c = 1; let d = 1;").unwrap_err();
    assert_eq!(fault, Fault::TooMuch(Bound::Variables));
    run(&mut session, "fn f() {} fn g() {}").unwrap();
    assert_eq!(run(&mut session, "fn h() {}"), Err(Fault::TooMuch(Bound::Functions)));
    run(&mut session, "fn f() { 2 }").unwrap();
}

#[test]
fn a_long_text_is_not_read() {
    let text = " ".repeat(Limits::default().text_bytes + 1);
    assert_eq!(once(&text), Err(Fault::TooMuch(Bound::Text)));
}

#[test]
fn a_flood_of_output_is_cut_once() {
    let limits = Limits { output_bytes: 8, ..Limits::default() };
    let heard = said(&mut session_within(limits), "for i in 0..1000 { print(\"éé\"); }");
    let printed = |text: &str| Said::Printed(text.to_owned());
    assert_eq!(heard, [printed("éé"), printed("é"), Said::Cut]);
}

#[test]
fn empty_lines_are_output_too() {
    let limits = Limits { output_bytes: 3, ..Limits::default() };
    let heard = said(&mut session_within(limits), "for i in 0..1000 { print(\"\"); }");
    let empty = Said::Printed(String::new());
    assert_eq!(heard, [empty.clone(), empty.clone(), empty, Said::Cut]);
}

#[test]
fn output_arrives_while_the_script_runs() {
    let stop = Stop::default();
    let mut heard = 0;
    let result = evaluate(&mut session(), "loop { print(1); }", &stop.clone(), &mut |_| {
        heard += 1;
        if heard == 3 {
            stop.stop();
        }
    });
    assert_eq!(result, Err(Fault::Stopped));
}

#[test]
fn a_value_of_fifty_megabytes_is_cut() {
    let limits = Limits { string_bytes: 60 << 20, value_bytes: 1001, ..Limits::default() };
    let value = run(&mut session_within(limits), "let s = \"\"; s.pad(25000000, 'é'); s").unwrap();
    assert!(value.truncated);
    assert_eq!(value.text.len(), 1001);
    assert!(value.text.capacity() < 4096);
}

#[test]
fn zero_is_no_way_to_lift_a_limit() {
    let limits = Limits { operations: 0, ..Limits::default() };
    let fault = run(&mut session_within(limits), "loop {}").unwrap_err();
    assert_eq!(fault, Fault::TooMuch(Bound::Operations));
}
