//! Each distinct text is read once, however many replicas printed it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use prepl_core::Value as Printed;

use crate::{Comparison, canonical, read, shape};

/// Longest text that is read as a value; longer ones compare as text.
const MAX_READ: usize = 4 << 20;

/// The text by which a printed value is compared; a cut text stands for itself alone.
pub(crate) fn comparable(printed: &Printed, comparison: Comparison) -> String {
    let text: &str = &printed.text;
    if printed.truncated || comparison == Comparison::Exact {
        return text.to_owned();
    }
    match read(text, MAX_READ) {
        None => text.to_owned(),
        Some(value) if comparison == Comparison::Shape => canonical(&shape(&value)),
        Some(value) => canonical(&value),
    }
}

/// The value as a tree, in the terms of the comparison.
pub(crate) fn tree(printed: &Printed, comparison: Comparison) -> Option<crate::Value> {
    let value = read(&printed.text, MAX_READ).filter(|_| !printed.truncated)?;
    Some(if comparison == Comparison::Shape { shape(&value) } else { value })
}

/// Numbers for distinct things, from 0.
pub(crate) struct Numbers<K>(HashMap<K, u32>);

impl<K: Hash + Eq> Numbers<K> {
    pub(crate) fn new() -> Self {
        Numbers(HashMap::new())
    }

    pub(crate) fn of(&mut self, key: K) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(key).or_insert(next)
    }
}

/// Numbers for printed values: the same number for equal ones.
pub(crate) struct Values<'a> {
    comparison: Comparison,
    // Texts come interned, so one address is one text; different addresses may be one too.
    by_address: HashMap<(*const str, bool), u32>,
    by_text: HashMap<(&'a str, bool), u32>,
    by_meaning: Numbers<(String, bool)>,
}

impl<'a> Values<'a> {
    pub(crate) fn new(comparison: Comparison) -> Self {
        let by_meaning = Numbers::new();
        Values { comparison, by_address: HashMap::new(), by_text: HashMap::new(), by_meaning }
    }

    pub(crate) fn number(&mut self, printed: &'a Printed) -> u32 {
        let address = (Arc::as_ptr(&printed.text), printed.truncated);
        if let Some(number) = self.by_address.get(&address) {
            return *number;
        }
        let by_meaning = &mut self.by_meaning;
        let meaning = || by_meaning.of((comparable(printed, self.comparison), printed.truncated));
        let text = (&*printed.text, printed.truncated);
        let number = *self.by_text.entry(text).or_insert_with(meaning);
        self.by_address.insert(address, number);
        number
    }
}
