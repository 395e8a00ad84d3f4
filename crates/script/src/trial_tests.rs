use super::*;
use crate::{Engine, Sight, Value};
use proptest::prelude::*;

fn trial() -> Trial {
    Trial::new(&Limits::default())
}

fn value_of(text: &str) -> Option<String> {
    // A machine that was busy for a moment ends a trial early.
    let tried = (0..100).find_map(|_| trial().run(text));
    tried.map(|(value, _)| Value::print(&value, 1000).text)
}

#[test]
fn a_short_text_has_its_value_at_once() {
    let texts = [
        ("40+2", "42"),
        ("let x = 6; if x > 5 { x * 7 } else { 0 }", "42"),
        ("[1, 2, 3].len() + #{a: 4}.a", "7"),
        ("\"a-b\".split(\"-\")", "[\"a\", \"b\"]"),
        ("", "()"),
    ];
    for (text, value) in texts {
        assert_eq!(value_of(text).as_deref(), Some(value), "{text}");
    }
}

#[test]
fn its_variables_stay() {
    let tried = (0..100).find_map(|_| trial().run("let x = 41; x"));
    let (_, scope) = tried.unwrap();
    assert_eq!(scope.get_value::<i64>("x"), Some(41));
}

#[test]
fn what_needs_a_thread_is_not_tried_to_its_end() {
    let texts = [
        "loop {}",
        "for x in 0..3 {}",
        "while true {}",
        "do {} while true",
        "fn f() { 1 } 1",
        "[1].map(|x| x)",
        "processes()",
        "env_names()",
        "http_get(\"http://127.0.0.1:1/\")",
        "read_file(\"/etc/hostname\")",
        "Fn(\"processes\").call()",
        "[1].map(Fn(\"print\")); 1",
        "print(1)",
        "print(1); 1",
        "debug(1); 1",
        "throw 1",
        "1 +",
        "x",
        "eval(\"1\")",
    ];
    for text in texts {
        assert_eq!(value_of(text), None, "{text}");
    }
}

#[test]
fn a_script_never_learns_that_it_is_on_trial() {
    for text in ["try { processes() } catch { 1 }", "try { \"x\".pad(999, 'x') } catch { 1 }"] {
        assert_eq!(value_of(text), None, "{text}");
    }
}

#[test]
fn what_grows_is_for_a_thread() {
    for text in [
        "\"x\".pad(100000, 'y')",
        "[].pad(100000, 1)",
        "blob(100000)",
        &"1+".repeat(127).replace("1+", "(1+"),
        &format!("{}1", "1+".repeat(127)),
        &format!("1{}", " ".repeat(TEXT_BYTES)),
    ] {
        assert_eq!(value_of(text), None, "{text}");
    }
    // Rhai does not see a map grow by assignment.
    let doubled = format!("let m = #{{}};{}", "m.a=m;m.b=m;".repeat(20));
    assert_eq!(value_of(&doubled), None);
}

#[test]
fn the_limits_of_the_engine_hold_where_they_are_smaller() {
    let limits = Limits { string_bytes: 3, ..Limits::default() };
    assert!((0..100).all(|_| Trial::new(&limits).run("\"ab\" + \"cd\"").is_none()));
}

/// Nested as deep as it goes, by each means, within the longest text.
#[test]
fn the_deepest_text_fits_a_small_stack() {
    let fill = |unit: &str, end: &str| {
        let times = (TEXT_BYTES - 20 - end.len()) / unit.len();
        format!("let m = #{{}};{}{end}", unit.repeat(times))
    };
    let nested = |n: usize| ["(", "[", "-", "!", "{", "if true {"].map(|open| open.repeat(n) + "1");
    let mut texts: Vec<String> = (1..40).flat_map(nested).collect();
    texts.extend([fill("m=#{a:m};", "m"), fill("m.a=m;", "m"), fill("m=[m];", "m==m")]);
    texts.push(fill("m.a.a.a.a.a.a=m;", ""));
    texts.push(format!("let m=[];{}m", "m=[m];".repeat(31)));
    let run = move || texts.iter().for_each(|text| drop(trial().run(text)));
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run);
    thread.unwrap().join().unwrap();
}

/// Texts of which many parse.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "1",
        "2",
        "2.5",
        "\"ab\"",
        "'c'",
        "x",
        "let x = 3;",
        "+",
        "-",
        "*",
        "/",
        "**",
        "%",
        "==",
        "<",
        "..",
        "(",
        ")",
        "[",
        "]",
        "#{a: 1}",
        ".a",
        ".len()",
        ".to_string()",
        "if true {",
        "}",
        ",",
        ";",
        "in",
        "&&",
        "!",
        ".pad(300, 'x')",
        ".contains('a')",
        "??",
        "type_of(",
        "is_def_var(",
    ]);
    prop::collection::vec(word, 1..12).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn what_passes_has_the_answer_of_the_real_engine(text in words()) {
        let engine = Engine::new(Sight::default(), Limits::default());
        if let Some((value, _)) = engine.trial().run(&text) {
            let real: Dynamic = engine.rhai().eval(&text).unwrap();
            prop_assert_eq!(Value::print(&value, 1000), Value::print(&real, 1000));
        }
    }

    #[test]
    fn any_text_leaves_the_trial_as_it_was(text in "[0-9a-z+*(){}\\[\\]#:;=. \"]{0,60}") {
        let trial = trial();
        drop(trial.run(&text));
        prop_assert!((0..100).any(|_| trial.run("1").is_some()));
    }
}
