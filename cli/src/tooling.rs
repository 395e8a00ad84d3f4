//! What the runtimes themselves know of names, for those who type: completions, and lookups.
//!
//! Asked in a session that is thrown away, by one expression of ours that looks at namespaces and
//! evaluates nothing. It is a run as any other: it needs the right, and the audit log has it.
//! Runtimes other than Clojure are not asked.

pub mod complete;
pub mod lookup;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prepl_core::{Answer, Class, Description, Expression, Limits, Origin, Patience, Selection};
use prepl_fold::Value;

use crate::gather::Gathering;
use crate::members::Members;
use crate::problem::Problem;
use crate::talk::{Ask, Settings, Talk};
use prepl_gateway::Running as _;
use prepl_gateway::gateway::Described;

/// Longest name or beginning of one that is asked for, in bytes.
pub const MAX_NAME: usize = 256;
/// Longest answer that is read; complete and lookup stay below it.
const MAX_ANSWER: u32 = 64 << 10;
/// Longest time of one question; whoever types gives up sooner.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where it is evaluated: no app changes what a name of Clojure's own means there.
const NAMESPACE: &str = "clojure.core";

/// Asks the runtimes of a fleet.
pub struct Tooling {
    talk: Talk,
    /// What replicas are, by UID; a replica that did not tell is asked again.
    known: Mutex<HashMap<Arc<str>, Description>>,
}

impl Tooling {
    /// Asks within 5 s, whatever `settings` say of limits.
    pub fn new(members: Arc<Members>, settings: &Settings) -> Result<Tooling, Problem> {
        let limits = Limits::new(PATIENCE, MAX_ANSWER, MAX_ANSWER).map_err(Problem::usage)?;
        let patience = Patience { deadline: Some(PATIENCE), ..settings.patience };
        let settings = Settings { limits, patience, ..settings.clone() };
        Ok(Tooling { talk: Talk::new(members, settings)?, known: Mutex::default() })
    }

    /// What each replica is, in the order of the selection; `None` where it does not tell.
    pub async fn descriptions(&self, selection: &Selection) -> Vec<Option<Description>> {
        let asked = selection.replicas().iter().zip(self.known(selection));
        let unknown = asked.filter(|(_, known)| known.is_none());
        let unknown = Selection::of(unknown.map(|(replica, _)| replica.clone()).collect());
        let told = match unknown.is_empty() {
            true => Vec::new(),
            false => self.talk.members.describe(&unknown).await.unwrap_or_default(),
        };
        self.learn(&unknown, told);
        self.known(selection)
    }

    /// The same without asking anybody.
    pub fn known(&self, selection: &Selection) -> Vec<Option<Description>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let replicas = selection.replicas().iter();
        replicas.map(|replica| known.get(&replica.id.uid).cloned()).collect()
    }

    fn learn(&self, asked: &Selection, told: Vec<Described>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (replica, told) in asked.replicas().iter().zip(told) {
            if let Ok(description) = told {
                known.insert(Arc::clone(&replica.id.uid), description);
            }
        }
    }

    /// Those of a selection whose runtime is Clojure, as far as they tell.
    pub async fn clojure(&self, selection: &Selection) -> Selection {
        let descriptions = self.descriptions(selection).await;
        let asked = selection.replicas().iter().zip(descriptions);
        let is_clojure =
            |told: Option<Description>| told.is_some_and(|told| &*told.language == "clojure");
        let clojure = asked.filter_map(|(replica, told)| is_clojure(told).then(|| replica.clone()));
        Selection::of(clojure.collect())
    }

    /// Evaluates on those that are Clojure; gives what each printed into its one value.
    async fn ask(&self, selection: &Selection, expression: &str) -> Result<Vec<Value>, Problem> {
        let selection = self.clojure(selection).await;
        if selection.is_empty() {
            return Ok(Vec::new());
        }
        let expression = Expression::new(expression).map_err(Problem::usage)?;
        let ask = Ask {
            expression,
            origin: Origin::Typed,
            namespace: Some(NAMESPACE.into()),
            interactive: false,
        };
        let mut run = self.talk.aside(&selection, ask).await?;
        let (mut gathering, begun) = (Gathering::new(&selection), Instant::now());
        while let Some(report) = run.next().await {
            gathering.take(report);
        }
        let (answers, _) = gathering.finish(begun.elapsed());
        Ok(answers.iter().filter_map(printed).collect())
    }
}

/// The value that the text stands for which an answer gives.
fn printed(answer: &Answer) -> Option<Value> {
    let [value] = &answer.values[..] else { return None };
    let most = MAX_ANSWER as usize;
    match prepl_fold::read(&value.text, most)? {
        Value::Str(text) if answer.class() == Class::Ok => prepl_fold::read(&text, most),
        _ => None,
    }
}

/// Puts literals in the place of words.
fn filled(template: &str, words: [(&str, &str); 2]) -> String {
    words.iter().fold(template.to_owned(), |text, (word, meaning)| {
        text.replacen(word, &prepl_reader::text_literal(meaning), 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;
    use prepl_core::Outcome;

    #[test]
    fn an_answer_is_one_text_that_can_be_read() {
        assert_eq!(printed(&example::ok("\"(1)\"")), prepl_fold::read("(1)", 10));
        let raised =
            Answer { values: example::ok("\"(1)\"").values, ..example::ended(Outcome::Raised) };
        for none in [example::ok("(1)"), example::ok("\"(1\""), example::ok("\""), raised] {
            assert_eq!(printed(&none), None);
        }
    }

    #[test]
    fn a_name_stands_in_the_text_as_a_literal_alone() {
        let text = filled("(f A B)", [("A", "\") (x"), ("B", "é")]);
        assert_eq!(text, r#"(f "\") (x" "é")"#);
    }
}
