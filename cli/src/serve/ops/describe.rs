//! `describe`: what this server is and can do.

use prepl_bencode::Value;
use prepl_core::Description;

use super::OWN;
use crate::serve::connection::Connection;
use crate::serve::reply::Reply;
use crate::serve::request::Request;

/// The version of nREPL whose messages are spoken.
const NREPL: &str = "1.0.0";

impl Connection {
    /// Answers at once, from what is known.
    pub(super) async fn describe(&self, request: &Request) {
        let lead = self.server().lead.iter().flat_map(|lead| lead.ops());
        let ops = OWN.into_iter().chain(lead);
        let reply = Reply::done()
            .with("ops", Value::dict(ops.map(|op| (op, nothing()))))
            .with("versions", versions(&self.server().known()))
            .with("aux", nothing());
        self.replies(request).done(reply).await;
    }
}

/// Some editors take an empty list or text for a missing operation.
fn nothing() -> Value {
    Value::dict::<&str>([])
}

/// Of nREPL, of prepl, and of Clojure where all replicas have the same.
fn versions(known: &[Description]) -> Value {
    let own = [("nrepl", NREPL), ("prepl", env!("CARGO_PKG_VERSION"))];
    let mut versions: Vec<_> = own.map(|(name, text)| (name, version(text))).into();
    // What follows the number is told by some drivers alone: the version of Java.
    let number = |one: &Description| one.runtime_version.split(' ').next().map(str::to_owned);
    let mut told = known.iter().map(|one| (&*one.language, number(one)));
    let first = told.next();
    if let Some(("clojure", Some(text))) = &first
        && told.all(|other| Some(other) == first)
    {
        versions.push(("clojure", version(text)));
    }
    Value::dict(versions)
}

/// `1.12.6-rc1` as nREPL tells it: its numbers, and the whole.
fn version(text: &str) -> Value {
    let number = |part: &str| part.split(|c: char| !c.is_ascii_digit()).next()?.parse::<i64>().ok();
    let parts = ["major", "minor", "incremental"].into_iter().zip(text.split('.'));
    let parts = parts.filter_map(|(name, part)| Some((name, Value::Int(number(part)?))));
    Value::dict(parts.chain([("version-string", text.into())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::InterruptStrength;

    fn runtime(language: &str, version: &str) -> Description {
        Description {
            sidecar_version: "1".into(),
            driver: "nrepl".into(),
            language: language.into(),
            runtime_version: version.into(),
            interrupt: InterruptStrength::None,
            read_only: None,
            loaded: Vec::new(),
        }
    }

    #[test]
    fn a_version_has_its_numbers() {
        let told = version("1.12.6-rc1");
        assert_eq!(
            (told.get_int("major"), told.get_int("minor"), told.get_int("incremental")),
            (Some(1), Some(12), Some(6))
        );
        assert_eq!(version("v20").get_int("major"), None);
        assert_eq!(version("v20").get_str("version-string"), Some("v20"));
    }

    #[test]
    fn clojure_is_told_when_all_have_the_same() {
        let same = [runtime("clojure", "1.12.6"), runtime("clojure", "1.12.6 on Java 17")];
        assert_eq!(versions(&same).get("clojure"), Some(&version("1.12.6")));
        let versions_of =
            |one, other| versions(&[runtime("clojure", "1.12.6"), runtime(one, other)]);
        assert_eq!(versions_of("clojure", "1.11.1").get("clojure"), None);
        assert_eq!(versions_of("rhai", "1.12.6").get("clojure"), None);
        assert_eq!(versions(&[]).get("clojure"), None);
        assert!(versions(&[]).get("prepl").is_some());
    }
}
