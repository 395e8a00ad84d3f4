//! Names that begin so: the union of what the replicas know.

use std::collections::BTreeMap;

use prepl_core::Selection;
use prepl_fold::Value;

use super::{MAX_NAME, Tooling, filled};
use crate::problem::Problem;

/// Most candidates of one replica, and of all together.
pub const MAX_CANDIDATES: usize = 200;

/// A name that begins as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The whole name, as it is written there.
    pub text: String,
    /// What it names.
    pub kind: Kind,
    /// How many replicas know it.
    pub replicas: usize,
}

/// The candidates, and how many replicas told theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// Sorted by their text; at most [`MAX_CANDIDATES`].
    pub candidates: Vec<Candidate>,
    /// A candidate of fewer replicas is not known everywhere.
    pub replicas: usize,
}

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it themselves")]
pub enum Kind {
    Function,
    Macro,
    Var,
    SpecialForm,
    Namespace,
    Class,
    StaticMethod,
    StaticField,
}

impl Kind {
    const ALL: [Kind; 8] = [
        Kind::Function,
        Kind::Macro,
        Kind::Var,
        Kind::SpecialForm,
        Kind::Namespace,
        Kind::Class,
        Kind::StaticMethod,
        Kind::StaticField,
    ];

    /// The word that nREPL has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Function => "function",
            Kind::Macro => "macro",
            Kind::Var => "var",
            Kind::SpecialForm => "special-form",
            Kind::Namespace => "namespace",
            Kind::Class => "class",
            Kind::StaticMethod => "static-method",
            Kind::StaticField => "static-field",
        }
    }
}

impl Tooling {
    /// Names that begin with `prefix` in a namespace, without one in `user`.
    ///
    /// None from replicas whose runtime is not Clojure.
    pub async fn complete(
        &self,
        selection: &Selection,
        prefix: &str,
        namespace: Option<&str>,
    ) -> Result<Completions, Problem> {
        let namespace = namespace.unwrap_or_default();
        if prefix.len().max(namespace.len()) > MAX_NAME {
            return Ok(Completions::default());
        }
        let words = [("PREPL-PREFIX", prefix), ("PREPL-NAMESPACE", namespace)];
        let told = self.ask(selection, &filled(include_str!("complete.clj"), words)).await?;
        Ok(union(told.into_iter().filter_map(|value| candidates(value, prefix))))
    }
}

/// What one replica told; nothing when it is no list of candidates.
fn candidates(told: Value, prefix: &str) -> Option<BTreeMap<String, Kind>> {
    let Value::List(items) = told else { return None };
    let candidates = items.into_iter().take(MAX_CANDIDATES).map(candidate);
    let candidates = candidates.collect::<Option<BTreeMap<_, _>>>()?;
    candidates.keys().all(|text| text.starts_with(prefix)).then_some(candidates)
}

fn candidate(item: Value) -> Option<(String, Kind)> {
    let Value::Vector(pair) = item else { return None };
    let Ok([Value::Str(text), Value::Str(kind)]) = <[Value; 2]>::try_from(pair) else {
        return None;
    };
    let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind)?;
    let plain = |c: char| !c.is_whitespace() && !crate::render::safe::is_dangerous(c);
    (text.len() <= MAX_NAME && text.chars().all(plain)).then_some((text, kind))
}

fn union(all: impl Iterator<Item = BTreeMap<String, Kind>>) -> Completions {
    let mut union: BTreeMap<String, (Kind, usize)> = BTreeMap::new();
    let mut replicas = 0;
    for candidates in all {
        replicas += 1;
        for (text, kind) in candidates {
            union.entry(text).or_insert((kind, 0)).1 += 1;
        }
    }
    let candidates = union.into_iter().take(MAX_CANDIDATES);
    let candidates = candidates.map(|(text, (kind, replicas))| Candidate { text, kind, replicas });
    Completions { candidates: candidates.collect(), replicas }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str) -> Option<BTreeMap<String, Kind>> {
        candidates(prepl_fold::read(text, 1 << 20)?, "ma")
    }

    #[test]
    fn how_many_know_a_candidate_is_told() {
        let texts = [
            r#"(["map" "function"] ["macro" "var"])"#,
            r#"(["map" "function"])"#,
            r#"(["map" "macro"] ["max" "function"])"#,
            "()",
        ];
        let completions = union(texts.into_iter().filter_map(told));
        let told: Vec<_> =
            completions.candidates.iter().map(|one| (&*one.text, one.replicas)).collect();
        assert_eq!((told, completions.replicas), (vec![("macro", 1), ("map", 3), ("max", 1)], 4));
        assert_eq!(completions.candidates[1].kind, Kind::Function);
    }

    #[test]
    fn an_answer_that_is_no_list_of_candidates_counts_for_nothing() {
        for text in [
            "nil",
            r#"[["map" "function"]]"#,
            r#"(["map"])"#,
            r#"(["map" "rocket"])"#,
            r#"([map "function"])"#,
            r#"(["other" "function"])"#,
            r#"(["ma p" "function"])"#,
            "([\"ma\\u001b[2J\" \"function\"])",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
        assert_eq!(told(&format!(r#"(["ma{}" "var"])"#, "x".repeat(MAX_NAME))), None);
    }

    #[test]
    fn the_union_is_bounded() {
        let many = |kind: &str| {
            let items = (0..300).map(|number| format!(r#"["ma{kind}{number}" "var"]"#));
            told(&format!("({})", items.collect::<Vec<_>>().join(" "))).unwrap()
        };
        assert_eq!(many("a").len(), MAX_CANDIDATES);
        let completions = union([many("a"), many("b")].into_iter());
        assert_eq!(completions.candidates.len(), MAX_CANDIDATES);
    }

    proptest! {
        #[test]
        fn any_answer_is_survived(text in "[\\[\\]()\"a-z ]{0,60}") {
            let _ = told(&text);
        }
    }
}
