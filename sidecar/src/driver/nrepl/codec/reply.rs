use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use prepl_bencode::Value;

use super::words;

/// Longest name or version of a runtime, and longest name of a namespace, in characters.
const MAX_NAME: usize = 256;

/// What a server said in one message; keys that are not named here are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The request it answers.
    pub id: Option<u64>,
    /// The session that was made.
    pub new_session: Option<Arc<str>>,
    /// Namespace after a form.
    pub namespace: Option<Arc<str>>,
    /// Printed value of a form, or a part of it.
    pub value: Option<String>,
    /// The value was cut by the server.
    pub value_truncated: bool,
    /// Printed on standard output.
    pub out: Option<Bytes>,
    /// Printed on standard error.
    pub err: Option<Bytes>,
    /// Class of an exception, in the words of the server.
    pub ex: Option<String>,
    /// Class of its root cause.
    pub root_ex: Option<String>,
    /// The exception as Clojure prints it.
    pub throwable: Option<String>,
    /// What the server tells about itself.
    pub server: Option<Server>,
    /// How things stand.
    pub status: Status,
    /// Bytes of its texts that were not kept.
    pub left_out: usize,
}

/// The words of a `status`, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status(Vec<String>);

/// What a server tells about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// What it can do; `None` when not told.
    pub ops: Option<Ops>,
    /// Its language; empty when not told.
    pub language: Arc<str>,
    /// The version of it; empty when not told.
    pub version: Arc<str>,
}

/// The operations that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ops {
    /// Makes sessions.
    pub clone: bool,
    /// Evaluates.
    pub eval: bool,
    /// Interrupts.
    pub interrupt: bool,
}

impl Reply {
    /// Reads a message; `None` when it is no dict.
    pub fn read(message: Value) -> Option<Reply> {
        let truncated_keys = words_of(message.get(words::TRUNCATED_KEYS));
        let status = Status(words_of(message.get("status")));
        let server = Server::read(&message);
        let Value::Dict(mut entries) = message else { return None };
        let mut text = |key: &str| entries.remove(key.as_bytes()).and_then(text_of);
        let cuts_value = truncated_keys.is_empty() || truncated_keys.iter().any(|k| k == "value");
        Some(Reply {
            id: text("id").and_then(|id| id.parse().ok()),
            new_session: text("new-session").map(Arc::from),
            namespace: text("ns").map(|name| short(&name).into()),
            value: text("value"),
            value_truncated: status.has(words::TRUNCATED) && cuts_value,
            ex: text("ex"),
            root_ex: text("root-ex"),
            throwable: text(words::THROWABLE),
            out: bytes_of(&mut entries, "out"),
            err: bytes_of(&mut entries, "err"),
            server,
            status,
            left_out: 0,
        })
    }
}

impl Status {
    /// Whether this word is among them.
    pub fn has(&self, word: &str) -> bool {
        self.0.iter().any(|own| own == word)
    }

    /// Whether nothing more follows.
    pub fn is_done(&self) -> bool {
        self.has("done")
    }

    /// The words for a person, a few of them.
    pub fn in_words(&self) -> String {
        let words = self.0.iter().filter(|word| *word != "done").take(5).map(|word| short(word));
        words.collect::<Vec<_>>().join(", ")
    }
}

impl Server {
    fn read(message: &Value) -> Option<Server> {
        let (ops, versions) = (message.get("ops"), message.get("versions"));
        if ops.is_none() && versions.is_none() {
            return None;
        }
        let (language, version) = versions.and_then(runtime_of).unwrap_or_default();
        Some(Server { ops: ops.and_then(Ops::read), language, version })
    }
}

impl Ops {
    /// A dict by the protocol, a list by the draft of its specification; nothing told when empty.
    fn read(ops: &Value) -> Option<Ops> {
        let has = |op: &str| match ops {
            Value::Dict(ops) => ops.contains_key(op.as_bytes()),
            Value::List(ops) => ops.iter().any(|own| own.as_str() == Some(op)),
            _ => false,
        };
        let told = match ops {
            Value::Dict(ops) => !ops.is_empty(),
            Value::List(ops) => !ops.is_empty(),
            _ => false,
        };
        told.then(|| Ops { clone: has("clone"), eval: has("eval"), interrupt: has("interrupt") })
    }
}

/// Clojure where it is told, else the first that is neither nREPL nor what it runs on.
fn runtime_of(versions: &Value) -> Option<(Arc<str>, Arc<str>)> {
    let Value::Dict(versions) = versions else { return None };
    let names = || versions.keys().filter_map(|name| std::str::from_utf8(name).ok());
    let is_language = |name: &&str| !name.contains("nrepl") && !matches!(*name, "java" | "node");
    let name = names().find(|name| *name == "clojure").or_else(|| names().find(is_language))?;
    let version = versions.get(name.as_bytes()).map(version_of).unwrap_or_default();
    Some((short(name).into(), short(&version).into()))
}

/// A version is a text, or a dict with one; some servers send neither.
fn version_of(version: &Value) -> String {
    let told = version.get_str("version-string").or_else(|| version.as_str());
    told.unwrap_or_default().to_owned()
}

fn words_of(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::List(items)) => items.iter().cloned().filter_map(text_of).collect(),
        Some(value) => text_of(value.clone()).into_iter().collect(),
        None => Vec::new(),
    }
}

/// A text that is not UTF-8 is shown with replacement characters rather than lost.
fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Int(number) => Some(number.to_string()),
        Value::Bytes(bytes) => Some(
            String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        ),
        Value::List(_) | Value::Dict(_) => None,
    }
}

fn bytes_of(entries: &mut BTreeMap<Vec<u8>, Value>, key: &str) -> Option<Bytes> {
    match entries.remove(key.as_bytes()) {
        Some(Value::Bytes(bytes)) if !bytes.is_empty() => Some(bytes.into()),
        _ => None,
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use prepl_bencode::Decoder;

    fn reply(bytes: &str) -> Reply {
        let mut input = BytesMut::from(bytes);
        Reply::read(Decoder::default().decode(&mut input).unwrap().unwrap()).unwrap()
    }

    #[test]
    fn keys_come_in_any_order_and_unknown_ones_are_ignored() {
        let reply = reply("d5:value1:33:fool1:xe6:statusl4:done5:extrae2:ns4:user2:id2:12e");
        assert_eq!((reply.id, reply.value.as_deref()), (Some(12), Some("3")));
        assert_eq!(reply.namespace.as_deref(), Some("user"));
        assert!(reply.status.is_done() && reply.status.has("extra"));
    }

    #[test]
    fn an_id_may_be_a_number() {
        assert_eq!(reply("d2:idi12ee").id, Some(12));
        assert_eq!(reply("d2:idlee").id, None);
    }

    #[test]
    fn only_a_cut_value_is_a_cut_value() {
        let cut = "6:statusl32:nrepl.middleware.print/truncatede";
        let keys = "37:nrepl.middleware.print/truncated-keys";
        assert!(reply(&format!("d{cut}e")).value_truncated);
        assert!(reply(&format!("d{keys}l5:valuee{cut}e")).value_truncated);
        assert!(!reply(&format!("d{keys}l3:fooe{cut}e")).value_truncated);
    }

    #[test]
    fn ops_are_a_dict_or_a_list_and_may_be_missing() {
        let ops = Some(Ops { clone: true, eval: true, interrupt: false });
        let of = |bytes| reply(bytes).server.unwrap().ops;
        assert_eq!(of("d3:opsd5:clonede4:evaldeee"), ops);
        assert_eq!(of("d3:opsl5:clone4:evalee"), ops);
        assert_eq!(of("d3:opslee"), None);
    }

    #[test]
    fn versions_are_texts_or_dicts_or_odd() {
        let of = |bytes: &str| {
            let server = reply(bytes).server.unwrap();
            (server.language.to_string(), server.version.to_string())
        };
        let pair = |language: &str, version: &str| (language.to_owned(), version.to_owned());
        let clojure =
            "d8:versionsd4:javad14:version-string2:17e7:clojured14:version-string3:1.1eee";
        assert_eq!(of(clojure), pair("clojure", "1.1"));
        assert_eq!(of("d8:versionsd9:nbb-nrepl1:14:node2:20ee"), pair("", ""));
        assert_eq!(of("d8:versionsd8:basilisp5:0.5.1ee"), pair("basilisp", "0.5.1"));
        assert_eq!(of("d8:versionsd6:schemei3eee"), pair("scheme", ""));
    }

    #[test]
    fn text_that_is_not_utf8_is_not_lost() {
        let entries = BTreeMap::from([(b"value".to_vec(), Value::Bytes(vec![b'a', 0xff]))]);
        assert_eq!(Reply::read(Value::Dict(entries)).unwrap().value.as_deref(), Some("a\u{fffd}"));
    }

    #[test]
    fn what_is_no_dict_is_no_message() {
        assert_eq!(Reply::read(Value::list(["describe"])), None);
    }
}
