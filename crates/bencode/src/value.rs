use std::collections::BTreeMap;

/// One bencoded value.
///
/// nREPL has no nil, no boolean and no float: nil is the empty list, and text is bytes of UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A whole number, `i42e`.
    Int(i64),
    /// A byte string, `5:hello`.
    Bytes(Vec<u8>),
    /// A list, `l…e`.
    List(Vec<Value>),
    /// A dict, `d…e`; accepted with its keys in any order, written in bytewise order.
    Dict(BTreeMap<Vec<u8>, Value>),
}

impl Value {
    /// Builds a dict; of two pairs with the same key the last one counts.
    pub fn dict<K: Into<Vec<u8>>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Value {
        Value::Dict(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// Builds a list.
    pub fn list<V: Into<Value>>(items: impl IntoIterator<Item = V>) -> Value {
        Value::List(items.into_iter().map(Into::into).collect())
    }

    /// The value under `key`; `None` as well when this is not a dict.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Dict(entries) => entries.get(key.as_bytes()),
            _ => None,
        }
    }

    /// The text under `key`; `None` as well when it is not a string of UTF-8.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// The whole number under `key`.
    pub fn get_int(&self, key: &str) -> Option<i64> {
        self.get(key)?.as_int()
    }

    /// The texts of the list under `key`; empty without one, and items that are no text are left out.
    ///
    /// A bare string counts as a list of one: some servers send `status` so.
    pub fn get_strs(&self, key: &str) -> Vec<&str> {
        match self.get(key) {
            Some(Value::List(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(value) => value.as_str().into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// The text of a byte string; `None` when it is not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The content of a byte string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The whole number.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Bytes(text.as_bytes().to_vec())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Bytes(text.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn getters_read_the_keys_of_a_message() {
        let message = Value::dict([
            ("id", Value::from("7")),
            ("n", Value::from(42)),
            ("status", Value::list(["done", "error"])),
        ]);
        assert_eq!(message.get_str("id"), Some("7"));
        assert_eq!(message.get_int("n"), Some(42));
        assert_eq!(message.get_strs("status"), ["done", "error"]);
    }

    #[test]
    fn getters_answer_nothing_for_the_wrong_kind() {
        let message = Value::dict([("n", Value::from(42)), ("raw", Value::Bytes(vec![0xff]))]);
        assert_eq!(message.get_str("n"), None);
        assert_eq!(message.get_str("raw"), None);
        assert_eq!(message.get_int("raw"), None);
        assert_eq!(message.get_str("absent"), None);
        assert!(message.get_strs("n").is_empty());
        assert_eq!(Value::Int(1).get("n"), None);
    }

    #[test]
    fn a_bare_string_reads_as_a_list_of_one() {
        assert_eq!(Value::dict([("status", Value::from("done"))]).get_strs("status"), ["done"]);
    }
}
