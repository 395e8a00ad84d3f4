//! Labels and label selectors, with kubectl's syntax.
//!
//! Source: Kubernetes documentation, "Labels and Selectors".

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

/// Labels of a replica: sorted, each key once; clones share them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Arc<BTreeMap<Arc<str>, Arc<str>>>);

impl Labels {
    /// The value of one label.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(AsRef::as_ref)
    }

    /// All labels in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value.as_ref()))
    }
}

impl<K: Into<Arc<str>>, V: Into<Arc<str>>> FromIterator<(K, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter().map(|(key, value)| (key.into(), value.into()));
        Labels(Arc::new(pairs.collect()))
    }
}

/// A conjunction of requirements on labels; the empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// A label selector that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot read the label selector at {at:?}; write it as kubectl does: \
     app=api, app!=api, 'app in (api,web)', 'app notin (api)', app or '!app'"
)]
pub struct UnreadableSelector {
    at: String,
}

impl LabelSelector {
    /// Tells whether every requirement holds.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| requirement.holds(labels))
    }

    /// Adds the requirements of another selector.
    pub fn and(mut self, other: LabelSelector) -> LabelSelector {
        self.0.extend(other.0);
        self
    }

    /// Label keys it speaks of.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|requirement| match requirement {
            Requirement::In(key, _) | Requirement::NotIn(key, _) => key.as_str(),
            Requirement::Exists(key) | Requirement::Absent(key) => key.as_str(),
        })
    }

    /// Tells whether no requirement was named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Requirement {
    fn holds(&self, labels: &Labels) -> bool {
        let has = |key: &str, values: &[String]| {
            labels.get(key).is_some_and(|value| values.iter().any(|wanted| wanted == value))
        };
        match self {
            Requirement::In(key, values) => has(key, values),
            Requirement::NotIn(key, values) => !has(key, values),
            Requirement::Exists(key) => labels.get(key).is_some(),
            Requirement::Absent(key) => labels.get(key).is_none(),
        }
    }
}

impl FromStr for LabelSelector {
    type Err = UnreadableSelector;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        split_outside_parentheses(text)
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| requirement(part).ok_or(UnreadableSelector { at: part.to_owned() }))
            .collect::<Result<_, _>>()
            .map(LabelSelector)
    }
}

fn split_outside_parentheses(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth <= 0
    })
}

fn requirement(text: &str) -> Option<Requirement> {
    if let Some((key, values)) = set_requirement(text, " notin ") {
        return Some(Requirement::NotIn(label_key(key)?, values?));
    }
    if let Some((key, values)) = set_requirement(text, " in ") {
        return Some(Requirement::In(label_key(key)?, values?));
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Some(Requirement::NotIn(label_key(key)?, vec![label_value(value)?]));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Some(Requirement::In(label_key(key)?, vec![label_value(value)?]));
    }
    match text.strip_prefix('!') {
        Some(key) => Some(Requirement::Absent(label_key(key)?)),
        None => Some(Requirement::Exists(label_key(text)?)),
    }
}

type SetRequirement<'a> = (&'a str, Option<Vec<String>>);

fn set_requirement<'a>(text: &'a str, word: &str) -> Option<SetRequirement<'a>> {
    let (key, list) = text.split_once(word)?;
    let inner = list.trim().strip_prefix('(').and_then(|list| list.strip_suffix(')'));
    Some((key, inner.and_then(|inner| inner.split(',').map(label_value).collect())))
}

fn label_key(text: &str) -> Option<String> {
    let text = text.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    (!text.is_empty() && text.len() <= 317 && text.chars().all(allowed)).then(|| text.to_owned())
}

fn label_value(text: &str) -> Option<String> {
    let text = text.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (text.len() <= 63 && text.chars().all(allowed)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels.iter().copied().collect();
        selector.parse::<LabelSelector>().unwrap().matches(&labels)
    }

    #[test]
    fn every_form_of_kubectl_is_understood() {
        let labels = [("app", "api"), ("tier", "web")];
        for yes in ["app=api", "app==api", "app!=x", "app in (x, api)", "tier notin (db)", "app"] {
            assert!(matches(yes, &labels), "{yes}");
        }
        for no in ["app=x", "app!=api", "app in (x)", "tier notin (web,db)", "!app", "other"] {
            assert!(!matches(no, &labels), "{no}");
        }
    }

    #[test]
    fn commas_mean_and() {
        assert!(matches("app=api,tier in (web,db),!canary", &[("app", "api"), ("tier", "web")]));
        assert!(!matches("app=api,tier=db", &[("app", "api"), ("tier", "web")]));
    }

    #[test]
    fn nonsense_names_the_place() {
        for bad in ["app in api", "=x", "a b", "app=(", "app in (a"] {
            let error = bad.parse::<LabelSelector>().unwrap_err();
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
    }

    #[test]
    fn the_empty_selector_matches_everything() {
        assert!(matches("", &[]));
        assert!("".parse::<LabelSelector>().unwrap().is_empty());
    }
}
