//! What runtimes print is read as values; everything else stays text.

use prepl_fold::{MAX_DEPTH, Value, canonical, read};
use proptest::prelude::*;

const BYTES: usize = 4 << 20;

fn canonical_of(text: &str) -> Option<String> {
    read(text, BYTES).as_ref().map(canonical)
}

fn assert_reads(pairs: &[(&str, &str)]) {
    for (text, expected) in pairs {
        assert_eq!(canonical_of(text).as_deref(), Some(*expected), "{text}");
    }
}

#[test]
fn edn_is_read_as_clojure_prints_it() {
    assert_reads(&[
        ("nil", "nil"),
        ("{:b 1, :a [1 2N 1/3 1.5M ##Inf -0.5e3]}", "{:a [1 2N 1/3 1.5M ##Inf -0.5e3], :b 1}"),
        ("#{3 1 2}", "#{1 2 3}"),
        ("(a b.c/d :k/w \\a \\newline \\( )", "(a b.c/d :k/w \\a \\newline \\()"),
        ("\"tab\\t bell\\b form\\f quote\\\"\"", "\"tab\\t bell\\u0008 form\\u000c quote\\\"\""),
        ("#inst \"2024-01-01T00:00:00.000-00:00\"", "#inst \"2024-01-01T00:00:00.000-00:00\""),
        ("#shop.Cart{:id 1}", "#shop.Cart {:id 1}"),
        ("#'shop.core/cart", "#'shop.core/cart"),
        ("[#\"a\\\"]+\" 1]", "[#\"a\\\"]+\" 1]"),
        ("^{:doc \"x\"} [1]", "[1]"),
        (
            "#:shop{:id 1, :_/bare 2, :other/k 3, \"s\" 4}",
            "{\"s\" 4, :bare 2, :other/k 3, :shop/id 1}",
        ),
        ("#error {:cause \"x\" :via [{:type E}]}", "#error {:cause \"x\", :via [{:type E}]}"),
        ("(1 2 ... #)", "(1 2 ... #)"),
    ]);
}

#[test]
fn an_identity_hash_is_no_part_of_a_value() {
    let one = "#object[clojure.lang.Atom 0x1f2e {:status :ready, :val 1}]";
    let other = "#object[clojure.lang.Atom 0x5a {:val 1, :status :ready}]";
    assert_eq!(read(one, BYTES), read(other, BYTES));
    assert_reads(&[(one, "#object [clojure.lang.Atom {:status :ready, :val 1}]")]);
    let text = "#object[java.lang.Object 0x1f \"java.lang.Object@1f2e3d\"]";
    assert_reads(&[(text, "#object [java.lang.Object \"java.lang.Object@…\"]")]);
}

#[test]
fn json_and_its_relatives_are_read() {
    assert_reads(&[
        ("{\"b\": 1, \"a\": [true, null, 1.5]}", "{\"a\" [true nil 1.5], \"b\" 1}"),
        ("{\"b\":1,\"a\":\"\\ud83d\\ude00\\/\"}", "{\"a\" \"😀/\", \"b\" 1}"),
        ("{\"a\":true,\"b\":{}}", "{\"a\" true, \"b\" {}}"),
        ("#{\"b\": 1, \"a\": ()}", "{\"a\" nil, \"b\" 1}"),
        ("{'a': (1, 'x y'), 'b': None}", "{\"a\" (1 \"x y\"), \"b\" nil}"),
        ("{ name: 'x y', n: 1 }", "{n 1, name \"x y\"}"),
    ]);
}

#[test]
fn scheme_is_read() {
    assert_reads(&[
        ("#true", "true"),
        ("#f", "false"),
        ("'(a #\\b \"c\")", "'(a \\b \"c\")"),
        ("'#hash((b . 2) (a . 1))", "'{a 1, b 2}"),
        ("#(1 2)", "[1 2]"),
        ("#<void>", "#<void>"),
    ]);
}

#[test]
fn a_keyword_map_is_not_mistaken_for_json() {
    assert_reads(&[("{\"a\" :1}", "{\"a\" :1}")]);
    assert_ne!(canonical_of("{\"a\":1}"), canonical_of("{\"a\" :1}"));
}

#[test]
fn what_is_no_single_value_stays_text() {
    let texts = [
        "",
        "  ",
        "two words",
        "(1",
        "1)",
        "{:a}",
        "\"open",
        "\"\\q\"",
        "##x",
        "\\",
        "''#\\x",
        "^a",
        "'",
        "\"\\ud83d\"",
        "\"\\u+123\"",
        "; comment",
        "[1 : 2]",
        "#<a",
        "<Cart object at 0x7f>",
        "{\"a\": 1 \"b\": 2}",
        "#::{:a 1}",
        "#inst",
    ];
    for text in texts {
        assert_eq!(read(text, BYTES), None, "{text}");
    }
}

#[test]
fn texts_beyond_a_bound_stay_text() {
    assert_eq!(read("[1 2 3]", 6), None);
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read(&nested(MAX_DEPTH), BYTES).is_some());
    assert!(read(&nested(MAX_DEPTH + 2), BYTES).is_none());
    assert_eq!(read(&format!("[{}]", "1 ".repeat(300_000)), BYTES), None);
}

#[test]
fn deep_nesting_does_not_overflow() {
    for open in ["[", "{", "(", "#{", "'", "^", "#a ", "#", "{\"a\": ", "[1, {a: ", "#<", "#:a{"] {
        assert!(read(&open.repeat(100_000), BYTES).is_none(), "{open}");
    }
}

fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[0-9]{1,20}N?",
        "-?[0-9]{1,3}\\.[0-9]{1,3}M?",
        ":[a-z]{1,5}(/[a-z]{1,3})?",
        "[a-z][a-z*!?-]{0,5}",
        "\\\\[a-z(]",
        any::<String>().prop_map(|content| canonical(&Value::Str(content))),
        Just("#<fn 0x12>".to_owned()),
        Just("#object[C 0x1f \"C@12345f\"]".to_owned()),
        Just("#'a/b".to_owned()),
    ]
}

fn edn() -> impl Strategy<Value = String> {
    leaf().prop_recursive(5, 60, 6, |inner| {
        let items = proptest::collection::vec(inner.clone(), 0..6);
        let pairs = proptest::collection::vec((inner.clone(), inner.clone()), 0..4);
        prop_oneof![
            items.clone().prop_map(|items| format!("[{}]", items.join(" "))),
            items.clone().prop_map(|items| format!("({})", items.join(", "))),
            items.prop_map(|items| format!("#{{{}}}", items.join(" "))),
            pairs.prop_map(|pairs| map_text(&pairs, " ", ", ")),
            inner.prop_map(|value| format!("#my/tag {value}")),
        ]
    })
}

fn map_text(pairs: &[(String, String)], between: &str, after: &str) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}{between}{value}")).collect();
    format!("{{{}}}", pairs.join(after))
}

proptest! {
    #[test]
    fn a_canonical_text_is_its_own_canonical_text(text in edn()) {
        let once = canonical_of(&text);
        prop_assert!(once.is_some(), "{text}");
        prop_assert_eq!(once.as_deref().and_then(canonical_of), once);
    }

    #[test]
    fn no_text_panics_and_what_reads_reads_again(
        text in "([\\[\\](){}\"'#^:,; \\\\a0x@<>/.-]|[A-F\u{e9}\u{1f600}N_]|nil|##){0,40}",
    ) {
        if let Some(value) = read(&text, BYTES) {
            prop_assert_eq!(read(&canonical(&value), BYTES), Some(value), "{}", text);
        }
    }

    #[test]
    fn any_unicode_is_survived(text in any::<String>()) {
        let _ = read(&text, BYTES);
    }

    #[test]
    fn a_permuted_map_or_set_is_the_same_value(
        (pairs, permuted) in proptest::collection::vec((edn(), edn()), 0..6)
            .prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle())),
    ) {
        let map = |pairs: &[(String, String)]| canonical_of(&map_text(pairs, " ", " ,\n"));
        prop_assert_eq!(map(&pairs), map(&permuted));
        let set = |pairs: &[(String, String)]| {
            canonical_of(&format!("#{}", map_text(pairs, " ", " ")))
        };
        let swapped: Vec<_> = permuted.iter().map(|(key, value)| (value.clone(), key.clone())).collect();
        prop_assert_eq!(set(&pairs), set(&swapped));
        prop_assert!(map(&pairs).is_some());
    }
}
