//! One message of a client, as far as it is understood.

use prepl_bencode::Value;

/// A message that asks for something.
#[derive(Clone, Debug)]
pub struct Request(Value);

impl Request {
    /// Takes a message as it came.
    pub fn new(message: Value) -> Request {
        Request(message)
    }

    /// What it asks for; empty when it does not say.
    pub fn op(&self) -> &str {
        self.0.get_str("op").unwrap_or_default()
    }

    /// The name that the client has for it.
    pub fn id(&self) -> Option<Value> {
        self.0.get("id").cloned()
    }

    /// The session that it is for.
    pub fn session(&self) -> Option<&str> {
        // Whatever else stands there is no session of ours, and so an unknown one.
        self.0.get("session").map(|session| session.as_str().unwrap_or_default())
    }

    /// A text; nothing where it is empty, as nREPL's nil is.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get_str(key).filter(|text| !text.is_empty())
    }

    /// The first of some keys that has a text: clients call the same differently.
    pub fn first(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.text(key))
    }

    /// A whole number that is not negative; some clients write it as a text.
    pub fn number(&self, key: &str) -> Option<u32> {
        match self.0.get(key)? {
            Value::Int(number) => (*number).try_into().ok(),
            other => other.as_str()?.parse().ok(),
        }
    }

    /// A value as it came.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The whole message.
    pub fn message(&self) -> &Value {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_write_differently_is_read_alike() {
        let request = Request::new(Value::dict([
            ("op", Value::from("eval")),
            ("line", "7".into()),
            ("column", Value::Int(3)),
            ("big", Value::Int(-1)),
            ("ns", "".into()),
            ("symbol", "map".into()),
        ]));
        assert_eq!(
            (request.op(), request.number("line"), request.number("column")),
            ("eval", Some(7), Some(3))
        );
        assert_eq!(
            (request.number("big"), request.text("ns"), request.session()),
            (None, None, None)
        );
        assert_eq!(request.first(&["sym", "symbol"]), Some("map"));
        assert_eq!(Request::new(Value::dict([("session", Value::Int(1))])).session(), Some(""));
    }
}
