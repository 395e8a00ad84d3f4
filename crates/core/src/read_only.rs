//! What keeps a read-only evaluation from writing.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest name of a function.
const MAX_NAME: usize = 200;

/// A function of the app that calls what it is given while its database refuses to write, by its
/// whole name in Clojure: `shop.db/read-only`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function(Arc<str>);

/// A text that names no function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("names no function; write its namespace and its name, for example shop.db/read-only")]
pub struct BadFunction;

impl FromStr for Function {
    type Err = BadFunction;

    fn from_str(name: &str) -> Result<Function, BadFunction> {
        let (namespace, own) = name.split_once('/').ok_or(BadFunction)?;
        let is_name = name.len() <= MAX_NAME && is_part(namespace) && is_part(own);
        is_name.then(|| Function(name.into())).ok_or(BadFunction)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What keeps an evaluation from writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// The sidecar's own engine: its language has nothing that writes.
    Engine,
    /// A database, within this function of the app; nothing keeps the app's memory.
    Function(Function),
}

/// Letters, digits and what names have besides: nothing that ends a symbol or a string.
fn is_part(part: &str) -> bool {
    let is_named = |c: char| c.is_ascii_alphanumeric() || "*+!_?<>=.-".contains(c);
    part.starts_with(|c: char| c.is_ascii_alphabetic() || "*+!_?<>=-".contains(c))
        && part.chars().all(is_named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_with_its_namespace() {
        for name in ["shop.db/read-only", "a/b", "a.b-c/ro?", "a1/*ro*"] {
            assert_eq!(name.parse::<Function>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn what_could_be_anything_else_is_refused() {
        let long = format!("a/{}", "b".repeat(MAX_NAME));
        for name in [
            "",
            "/",
            "a/",
            "/b",
            "read-only",
            "a/b/c",
            "a b/c",
            "a/b)",
            "a/b\"",
            "a/\\b",
            "a/b;",
            "a/b\n",
            "a/@b",
            "a/#b",
            "1a/b",
            "a/1b",
            "ä/b",
            ".a/b",
            "a/b&c=d",
            &long,
        ] {
            assert_eq!(name.parse::<Function>(), Err(BadFunction), "{name:?}");
        }
    }
}
