//! Each distinct text is read once, however many replicas printed it.

use std::collections::HashMap;
use std::sync::Arc;

use prepl_core::Value as Printed;

use crate::{Comparison, canonical, read, shape};

/// Longest text that is read as a value; longer ones compare as text.
const MAX_READ: usize = 4 << 20;

/// The text by which a printed value is compared; a cut text stands for itself alone.
fn comparable(printed: &Printed, comparison: Comparison) -> String {
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

/// What printed values mean, each distinct text read once.
pub(crate) struct Meanings<'a> {
    comparison: Comparison,
    // Texts come interned, so one address is one text; different addresses may be one too.
    by_address: HashMap<(*const str, bool), MeaningId>,
    by_text: HashMap<(&'a str, bool), MeaningId>,
    by_meaning: HashMap<(Arc<str>, bool), MeaningId>,
    texts: Vec<Arc<str>>,
}

/// The same for values that compare as equal, within one fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MeaningId(usize);

impl<'a> Meanings<'a> {
    pub(crate) fn new(comparison: Comparison) -> Self {
        Meanings {
            comparison,
            by_address: HashMap::new(),
            by_text: HashMap::new(),
            by_meaning: HashMap::new(),
            texts: Vec::new(),
        }
    }

    /// The text by which values of this meaning were compared.
    pub(crate) fn text(&self, meaning: MeaningId) -> &str {
        &self.texts[meaning.0]
    }

    pub(crate) fn of(&mut self, printed: &'a Printed) -> MeaningId {
        let address = (Arc::as_ptr(&printed.text), printed.truncated);
        if let Some(known) = self.by_address.get(&address) {
            return *known;
        }
        let text = (&*printed.text, printed.truncated);
        let known = self.by_text.get(&text).copied();
        let meaning = known.unwrap_or_else(|| self.read(printed));
        self.by_text.insert(text, meaning);
        self.by_address.insert(address, meaning);
        meaning
    }

    fn read(&mut self, printed: &Printed) -> MeaningId {
        let text: Arc<str> = comparable(printed, self.comparison).into();
        let next = MeaningId(self.texts.len());
        let meaning =
            *self.by_meaning.entry((Arc::clone(&text), printed.truncated)).or_insert(next);
        if meaning == next {
            self.texts.push(text);
        }
        meaning
    }
}
