//! What the recorded streams of `tests/fixtures/clojure` were asked; one evaluation each.

use prepl_core::{Expression, Origin};
use prepl_sidecar::driver::Ask;

/// Names of the files, and what was asked.
pub fn all() -> Vec<(&'static str, Ask)> {
    vec![
        (
            "forms",
            ask("1 (do (print \"o\") (binding [*out* *err*] (print \"e\")) 2) \"é☃😀\"", 4096),
        ),
        ("throw", ask(":before (throw (ex-info \"no\" {:a 1})) :after", 4096)),
        ("reader", ask("#nope/tag 1", 4096)),
        ("unprintable", ask("[:a (reify Object (toString [_] (throw (Exception. \"p\"))))]", 4096)),
        ("endless", ask("(range)", 20_000)),
        ("input", ask("(read-line)", 4096)),
        ("refused", Ask { namespace: Some("not.here".into()), ..ask("1", 4096) }),
        ("chatty", Ask { output_bytes: 10, ..ask("(print \"0123456789abc\")", 4096) }),
        ("namespace", ask("(ns made.here)", 4096)),
    ]
}

fn ask(text: &str, value_bytes: u32) -> Ask {
    let expression = Expression::new(text).unwrap();
    Ask {
        expression,
        origin: Origin::Typed,
        namespace: None,
        value_bytes,
        output_bytes: 4096,
        read_only: None,
    }
}
