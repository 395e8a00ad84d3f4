//! What is known of one name.

use prepl_core::Selection;
use prepl_fold::Value;

use super::{MAX_NAME, Tooling, filled};
use crate::problem::Problem;

/// Most argument lists of one function.
const MAX_ARGLISTS: usize = 50;

/// What a runtime knows of a var or a special form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The namespace it belongs to.
    pub namespace: String,
    /// Its name there.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its argument lists, each as it is written: `[x & more]`.
    pub arglists: Vec<String>,
    /// The file it was read from, as the runtime names it.
    pub file: Option<String>,
    /// The line there, from 1.
    pub line: Option<u32>,
    /// The column there, from 1.
    pub column: Option<u32>,
    /// It is a macro.
    pub is_macro: bool,
    /// It is a special form, or a macro that passes for one.
    pub is_special: bool,
    /// The version it came with.
    pub added: Option<String>,
    /// The version it is deprecated since, or `true`.
    pub deprecated: Option<String>,
}

impl Tooling {
    /// What the first replica that knows a name tells of it; without a namespace, of that in `user`.
    ///
    /// Nothing from replicas whose runtime is not Clojure.
    pub async fn lookup(
        &self,
        selection: &Selection,
        symbol: &str,
        namespace: Option<&str>,
    ) -> Result<Option<Known>, Problem> {
        let namespace = namespace.unwrap_or_default();
        if symbol.is_empty() || symbol.len().max(namespace.len()) > MAX_NAME {
            return Ok(None);
        }
        let words = [("PREPL-SYMBOL", symbol), ("PREPL-NAMESPACE", namespace)];
        let told = self.ask(selection, &filled(include_str!("lookup.clj"), words)).await?;
        Ok(told.into_iter().find_map(known))
    }
}

fn known(told: Value) -> Option<Known> {
    let Value::Map(pairs) = told else { return None };
    let mut known = Known::default();
    for (key, value) in pairs {
        let Value::Keyword(key) = key else { return None };
        match (&*key, value) {
            (":arglists", Value::Vector(lists)) => known.arglists = arglists(lists)?,
            (key, Value::Str(text)) => known.learn(key, text),
            _ => return None,
        }
    }
    let named = !known.namespace.is_empty() && !known.name.is_empty();
    named.then_some(known)
}

fn arglists(lists: Vec<Value>) -> Option<Vec<String>> {
    let text = |list| match list {
        Value::Str(text) => Some(text),
        _ => None,
    };
    lists.into_iter().take(MAX_ARGLISTS).map(text).collect()
}

impl Known {
    fn learn(&mut self, key: &str, text: String) {
        match key {
            ":ns" => self.namespace = text,
            ":name" => self.name = text,
            ":doc" => self.doc = Some(text),
            ":file" => self.file = Some(text),
            ":line" => self.line = text.parse().ok(),
            ":column" => self.column = text.parse().ok(),
            ":macro" => self.is_macro = true,
            ":special-form" => self.is_special = true,
            ":added" => self.added = Some(text),
            ":deprecated" => self.deprecated = Some(text),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<Known> {
        known(prepl_fold::read(text, 1 << 20)?)
    }

    #[test]
    fn what_is_told_of_a_macro_is_read() {
        let text = r#"{:ns "clojure.core", :name "when", :macro "true", :line "495", :column "x",
                       :arglists ["[test & body]"], :doc "Evaluates\ntest.", :other "1"}"#;
        let when = told(text).unwrap();
        assert_eq!((&*when.namespace, &*when.name, when.is_macro), ("clojure.core", "when", true));
        assert_eq!((when.line, when.column), (Some(495), None));
        assert_eq!(when.arglists, ["[test & body]"]);
        assert_eq!(when.doc.as_deref(), Some("Evaluates\ntest."));
    }

    #[test]
    fn an_answer_of_another_form_tells_nothing() {
        for text in [
            "nil",
            "{}",
            r#"{:ns "x"}"#,
            r#"{:ns "x" :name y}"#,
            r#"{"ns" "x" "name" "y"}"#,
            r#"{:ns "x" :name "y" :arglists [1]}"#,
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
