use bytes::BytesMut;
use prepl_bencode::{Value, encode};

use super::words;

/// A request of ours; the caller gives each an id of its own.
#[derive(Clone, Copy)]
pub enum Request<'a> {
    /// What can the server do?
    Describe,
    /// Make a session.
    Clone,
    /// Evaluate a text.
    Eval {
        /// Session; without one nothing is kept.
        session: Option<&'a str>,
        /// The text.
        code: &'a str,
        /// Namespace to evaluate in.
        namespace: Option<&'a str>,
        /// Most characters of a printed value.
        quota: u32,
        /// Print a thrown exception in full: Clojure can.
        print_throwable: bool,
    },
    /// Stop the evaluation with this id.
    Interrupt {
        /// Its session.
        session: Option<&'a str>,
        /// Its id.
        evaluation: u64,
    },
    /// There is no more input.
    EndOfInput {
        /// The session that waits.
        session: Option<&'a str>,
    },
    /// End a session.
    Close {
        /// Which.
        session: &'a str,
    },
}

impl Request<'_> {
    /// Appends the message.
    pub fn encode(self, id: u64, out: &mut BytesMut) {
        let mut message = self.particulars();
        message.push(("op", self.op().into()));
        message.push(("id", id.to_string().into()));
        message.extend(self.session().map(|session| ("session", session.into())));
        encode(&Value::dict(message), out);
    }

    fn op(&self) -> &'static str {
        match self {
            Request::Describe => "describe",
            Request::Clone => "clone",
            Request::Eval { .. } => "eval",
            Request::Interrupt { .. } => "interrupt",
            Request::EndOfInput { .. } => "stdin",
            Request::Close { .. } => "close",
        }
    }

    fn session(&self) -> Option<&str> {
        match *self {
            Request::Describe | Request::Clone => None,
            Request::Eval { session, .. }
            | Request::Interrupt { session, .. }
            | Request::EndOfInput { session } => session,
            Request::Close { session } => Some(session),
        }
    }

    fn particulars(&self) -> Vec<(&'static str, Value)> {
        match *self {
            Request::Describe | Request::Close { .. } => Vec::new(),
            Request::Clone => vec![
                ("client-name", "prepl".into()),
                ("client-version", env!("CARGO_PKG_VERSION").into()),
            ],
            Request::Eval { code, namespace, quota, print_throwable, .. } => {
                let mut pairs =
                    vec![("code", code.into()), (words::QUOTA, i64::from(quota).into())];
                pairs.extend(namespace.map(|namespace| ("ns", namespace.into())));
                pairs.extend(print_throwable.then(|| (words::PRINT_THROWABLE, 1.into())));
                pairs
            }
            Request::Interrupt { evaluation, .. } => {
                vec![("interrupt-id", evaluation.to_string().into())]
            }
            Request::EndOfInput { .. } => vec![("stdin", "".into())],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(request: Request<'_>) -> String {
        let mut out = BytesMut::new();
        request.encode(7, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn requests_are_written_as_nrepl_reads_them() {
        assert_eq!(bytes(Request::Describe), "d2:id1:72:op8:describee");
        assert_eq!(
            bytes(Request::Interrupt { session: Some("s"), evaluation: 6 }),
            "d2:id1:712:interrupt-id1:62:op9:interrupt7:session1:se",
        );
        assert_eq!(
            bytes(Request::EndOfInput { session: Some("s") }),
            "d2:id1:72:op5:stdin7:session1:s5:stdin0:e",
        );
        assert_eq!(bytes(Request::Close { session: "s" }), "d2:id1:72:op5:close7:session1:se");
        assert!(bytes(Request::Clone).starts_with("d11:client-name5:prepl14:client-version"));
    }

    #[test]
    fn what_an_evaluation_does_not_need_is_left_out() {
        let plain = Request::Eval {
            session: None,
            code: "é",
            namespace: None,
            quota: 64,
            print_throwable: false,
        };
        assert_eq!(bytes(plain), "d4:code2:é2:id1:728:nrepl.middleware.print/quotai64e2:op4:evale",);
        let full = Request::Eval {
            session: Some("s"),
            code: "1",
            namespace: Some("a.b"),
            quota: 64,
            print_throwable: true,
        };
        assert!(bytes(full).contains("2:ns3:a.b"));
        assert!(bytes(full).contains("30:nrepl.middleware.caught/print?i1e"));
    }
}
