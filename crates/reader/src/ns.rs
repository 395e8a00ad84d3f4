//! The namespace that a file declares, and which others it needs.

use crate::forms::forms;
use crate::tree::{self, Node};

/// What the `ns` form of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NsForm {
    /// The namespace.
    pub name: String,
    /// The namespaces that loading it loads first, each once, in their order.
    pub requires: Vec<String>,
}

/// Reads the first `ns` form of a text, as Clojure on the JVM does; `None` where there is none.
///
/// What `:require` and `:use` name is required, with their prefix lists; `:as-alias` alone loads
/// nothing. `:require-macros` is for ClojureScript and is left out.
pub fn ns_form(text: &str) -> Option<NsForm> {
    forms(text).into_iter().find_map(|range| {
        let read = tree::read(text.get(range)?)?;
        declared(read.first()?)
    })
}

fn declared(form: &Node<'_>) -> Option<NsForm> {
    let Node::List(items) = form else { return None };
    let (head, rest) = items.split_first()?;
    if !matches!(head.word()?, "ns" | "clojure.core/ns") {
        return None;
    }
    let (name, references) = rest.split_first()?;
    let name = name.word().filter(|name| is_namespace(name))?.to_owned();
    let mut requires = Vec::new();
    for reference in references {
        required(reference, &mut requires);
    }
    Some(NsForm { name, requires })
}

/// What one of the references of an `ns` form requires.
fn required(reference: &Node<'_>, found: &mut Vec<String>) {
    let Some((head, libraries)) = reference.items().split_first() else { return };
    let is_use = match head.word().map(|word| word.trim_start_matches(':')) {
        Some("require") => false,
        Some("use") => true,
        _ => return,
    };
    for library in libraries {
        match library.items().split_first() {
            Some((prefix, inner)) if is_prefix_list(library) => {
                let prefix = prefix.word().unwrap_or_default();
                inner.iter().for_each(|inner| one(Some(prefix), inner, is_use, found));
            }
            _ => one(None, library, is_use, found),
        }
    }
}

/// A list, or a vector whose second item is no option.
fn is_prefix_list(library: &Node<'_>) -> bool {
    match library {
        Node::List(_) => true,
        Node::Vector(items) => items.get(1).is_some_and(|second| !is_option(second)),
        Node::Word(_) | Node::Other => false,
    }
}

fn is_option(node: &Node<'_>) -> bool {
    node.word().is_some_and(|word| word.starts_with(':'))
}

/// A library alone or with its options.
fn one(prefix: Option<&str>, library: &Node<'_>, is_use: bool, found: &mut Vec<String>) {
    let name = library.word().or_else(|| library.items().first()?.word());
    let Some(name) = name.filter(|name| is_namespace(name)) else { return };
    let options = library.items();
    let has = |option| options.iter().any(|node| node.word() == Some(option));
    if has(":as-alias") && !has(":as") && !is_use {
        return;
    }
    let name = prefix.map_or_else(|| name.to_owned(), |prefix| format!("{prefix}.{name}"));
    if !found.contains(&name) {
        found.push(name);
    }
}

/// Neither an option like `:reload` nor a number.
fn is_namespace(word: &str) -> bool {
    !word.starts_with(|c: char| c == ':' || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> (String, Vec<String>) {
        let NsForm { name, requires } = ns_form(text).unwrap();
        (name, requires)
    }

    fn requires(references: &str) -> Vec<String> {
        read(&format!("(ns a {references})")).1
    }

    #[test]
    fn a_usual_form() {
        let text = r#"; Copyright
            (ns ^{:author "x"} shop.core
              "Docs (:require not.this)"
              {:added "1"}
              (:refer-clojure :exclude [read])
              (:require [clojure.string :as str]
                        [shop.db :refer [q] :reload true]
                        shop.cart
                        :reload)
              (:use [shop.helpers :only [x]])
              (:import [java.util Date] java.io.File)
              (:gen-class))
            (require 'not.this.either)"#;
        let (name, requires) = read(text);
        assert_eq!(name, "shop.core");
        assert_eq!(requires, ["clojure.string", "shop.db", "shop.cart", "shop.helpers"]);
    }

    #[test]
    fn prefix_lists_name_several() {
        assert_eq!(
            requires("(:require (clojure [set :as s] walk))"),
            ["clojure.set", "clojure.walk"]
        );
        assert_eq!(requires("(:use [clojure set [walk]])"), ["clojure.set", "clojure.walk"]);
        assert_eq!(requires("(:require [clojure.set])"), ["clojure.set"]);
    }

    #[test]
    fn what_loads_nothing_is_left_out() {
        assert_eq!(
            requires("(:require-macros [m]) (:require [a.b :as-alias b] \"react\")"),
            [""; 0]
        );
        assert_eq!(requires("(:require [a.b :as-alias b :as c] [a.b])"), ["a.b"]);
        assert_eq!(
            requires("(:require #_ [a.b] #?(:cljs [c.d] :clj [e.f]) #?@(:clj [[g.h] i]))"),
            ["e.f", "g.h", "i"]
        );
    }

    #[test]
    fn the_first_ns_form_counts_wherever_it_stands() {
        assert_eq!(read("(set! *warn-on-reflection* true) (ns b) (ns c)").0, "b");
        assert_eq!(
            read("#?(:clj (ns d (:require e)) :cljs (ns f))"),
            ("d".into(), vec!["e".into()])
        );
        assert_eq!(read("(clojure.core/ns ^:dev g)").0, "g");
    }

    #[test]
    fn a_text_without_one_has_none() {
        for text in ["", "(in-ns 'a)", "ns a", "(ns)", "(ns \"a\")", "(ns :a)", "'", "[ns a]"] {
            assert_eq!(ns_form(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in r#"(\(ns a|\(:require|[()\[\]{}"\\;#'^?@_: a-c]){0,40}"#) {
            ns_form(&text);
        }
    }
}
