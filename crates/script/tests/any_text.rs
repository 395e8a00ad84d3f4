//! Properties: any text has an answer, and any value a printed form.

mod common;

use std::time::Duration;

use common::{run, session, session_within};
use prepl_script::{Fault, Limits};
use proptest::prelude::*;

fn small() -> Limits {
    Limits {
        wall: Duration::from_millis(500),
        operations: 10_000,
        value_bytes: 100,
        ..Limits::default()
    }
}

/// Texts made of the words of the language, so that many of them parse.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "let",
        "x",
        "y",
        "=",
        "==",
        "+",
        "-",
        "*",
        "1",
        "0",
        "9223372036854775807",
        "2.5",
        "\"é\"",
        "'c'",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "#{",
        ":",
        ",",
        ";",
        ".",
        "..",
        "..=",
        "|a|",
        "fn",
        "f",
        "if",
        "else",
        "loop",
        "while",
        "for",
        "in",
        "switch",
        "=>",
        "try",
        "catch",
        "throw",
        "return",
        "break",
        "this",
        "map",
        "filter",
        "push",
        "pad",
        "call",
        "Fn",
        "print",
        "`",
        "${",
        "len",
        "<<",
        "<<=",
        "%",
        "/",
        "**",
        "?.",
        "??",
        "\n",
        "true",
        "process",
        "to_json",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

/// Values as text: what is printed for them must read back as the same.
fn literal() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(|n| n.to_string()),
        (-1e9f64..1e9).prop_map(|n| format!("{n:?}")),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<String>().prop_map(|s| quoted(&s)),
        Just("()".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let entries = prop::collection::btree_map(any::<String>(), inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            entries.prop_map(|entries| {
                let entries = entries.iter().map(|(key, value)| format!("{}:{value}", quoted(key)));
                format!("#{{{}}}", entries.collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

fn quoted(text: &str) -> String {
    let letters = text.chars().map(|letter| format!("\\U{:08x}", u32::from(letter)));
    format!("\"{}\"", letters.collect::<String>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_text_has_an_answer(text in any::<String>()) {
        prop_assert_ne!(run(&mut session_within(small()), &text), Err(Fault::Broke));
    }

    #[test]
    fn any_words_have_an_answer_within_its_bound(text in words()) {
        match run(&mut session_within(small()), &text) {
            Ok(value) => prop_assert!(value.text.len() <= 100),
            Err(fault) => prop_assert_ne!(fault, Fault::Broke),
        }
    }

    #[test]
    fn what_is_printed_reads_back_as_the_same(text in literal()) {
        let mut session = session();
        let printed = run(&mut session, &text).unwrap();
        prop_assert!(!printed.truncated);
        prop_assert_eq!(&run(&mut session, &printed.text).unwrap(), &printed);
    }

    #[test]
    fn a_cut_value_is_the_beginning_of_the_whole(text in literal(), limit in 0usize..60) {
        let whole = run(&mut session(), &text).unwrap().text;
        let limits = Limits { value_bytes: limit, ..Limits::default() };
        let cut = run(&mut session_within(limits), &text).unwrap();
        prop_assert!(whole.starts_with(&cut.text));
        prop_assert!(cut.text.len() <= limit);
        prop_assert_eq!(cut.truncated, cut.text.len() < whole.len());
    }
}
