//! What a runtime printed, read as a tree.

use std::cmp::Ordering;

/// A printed value; maps and sets are sorted, so equal values are equal trees.
///
/// The order is total and only for sorting: it means nothing in any language.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// `nil`, `null`, `None`.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of any size.
    Int(Digits),
    /// Any other number as it was printed: `1/3`, `1.5M`, `0x1f`, `##Inf`.
    Number(String),
    /// A character as it was printed, without the backslash.
    Char(String),
    /// The content of a string.
    Str(String),
    /// A keyword with its colon.
    Keyword(String),
    /// A symbol, or any other bare word.
    Symbol(String),
    /// `(1 2)`.
    List(Vec<Value>),
    /// `[1 2]`.
    Vector(Vec<Value>),
    /// Pairs, sorted.
    Map(Vec<(Value, Value)>),
    /// Members, sorted.
    Set(Vec<Value>),
    /// A tag and what it stands before: `#inst "…"`, `#shop.Cart{…}`.
    Tagged(String, Box<Value>),
    /// Text that has no parts: `#<void>`, `#"a+"`, `#'shop/cart`.
    Opaque(String),
}

impl Value {
    /// A map of these pairs, in any order.
    pub fn map(mut pairs: Vec<(Value, Value)>) -> Value {
        pairs.sort();
        Value::Map(pairs)
    }

    /// A set of these members, in any order.
    pub fn set(mut members: Vec<Value>) -> Value {
        members.sort();
        Value::Set(members)
    }
}

/// An integer as it was printed: a sign, digits and perhaps an `N`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Digits(String);

impl Digits {
    /// Reads an integer; `None` for any other text.
    pub fn read(text: &str) -> Option<Digits> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let digits = unsigned.strip_suffix('N').unwrap_or(unsigned);
        let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        all_digits.then(|| Digits(text.to_owned()))
    }

    /// The integer as it was printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn sorts_by_size(&self) -> (bool, usize, &str) {
        (!self.0.starts_with('-'), self.0.len(), &self.0)
    }
}

impl Ord for Digits {
    fn cmp(&self, other: &Digits) -> Ordering {
        match (self.sorts_by_size(), other.sorts_by_size()) {
            (left @ (false, ..), right @ (false, ..)) => right.cmp(&left),
            (left, right) => left.cmp(&right),
        }
    }
}

impl PartialOrd for Digits {
    fn partial_cmp(&self, other: &Digits) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_sort_by_size() {
        let mut numbers: Vec<_> =
            ["10", "-2", "9", "-10", "0"].into_iter().filter_map(Digits::read).collect();
        numbers.sort();
        let texts: Vec<_> = numbers.iter().map(Digits::as_str).collect();
        assert_eq!(texts, ["-10", "-2", "0", "9", "10"]);
    }

    #[test]
    fn a_word_is_no_integer() {
        assert_eq!(["", "-", "N", "1.5", "0x1"].map(Digits::read), [const { None }; 5]);
    }
}
