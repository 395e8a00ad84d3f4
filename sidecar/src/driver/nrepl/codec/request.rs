use bytes::BytesMut;
use prepl_bencode::{Value, encode};
use prepl_core::FileName;

use super::words;

/// How a server is to print.
#[derive(Clone, Copy)]
pub struct Printing {
    /// Most characters of a value.
    pub quota: u32,
    /// A thrown exception in full: Clojure can.
    pub throwable: bool,
}

/// A request of ours; the caller gives each an id of its own.
#[derive(Clone, Copy)]
pub enum Request<'a> {
    /// What can the server do?
    Describe,
    /// Make a session: a new one, or one that knows what another does.
    Clone {
        /// The other.
        from: Option<&'a str>,
    },
    /// Evaluate a text.
    Eval {
        /// Session; without one nothing is kept.
        session: Option<&'a str>,
        /// The text.
        code: &'a str,
        /// Namespace to evaluate in.
        namespace: Option<&'a str>,
        /// File, line and column of the text.
        place: Option<(&'a FileName, u32, u32)>,
        /// How to print.
        printing: Printing,
    },
    /// Load a whole file: form by form, up to the first error.
    LoadFile {
        /// Session; without one nothing is kept.
        session: Option<&'a str>,
        /// What stands in it.
        text: &'a str,
        /// Its name.
        file: &'a FileName,
        /// How to print.
        printing: Printing,
    },
    /// Stop the evaluation with this id.
    Interrupt {
        /// Its session.
        session: Option<&'a str>,
        /// Its id.
        evaluation: u64,
    },
    /// Input for an evaluation that waits for some; none is the end of it.
    Input {
        /// The session that waits.
        session: Option<&'a str>,
        /// The bytes.
        line: &'a [u8],
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
            Request::Clone { .. } => "clone",
            Request::Eval { .. } => "eval",
            Request::LoadFile { .. } => "load-file",
            Request::Interrupt { .. } => "interrupt",
            Request::Input { .. } => "stdin",
            Request::Close { .. } => "close",
        }
    }

    fn session(&self) -> Option<&str> {
        match *self {
            Request::Describe => None,
            Request::Clone { from } => from,
            Request::Eval { session, .. }
            | Request::LoadFile { session, .. }
            | Request::Interrupt { session, .. }
            | Request::Input { session, .. } => session,
            Request::Close { session } => Some(session),
        }
    }

    fn particulars(&self) -> Vec<(&'static str, Value)> {
        match *self {
            Request::Describe | Request::Close { .. } => Vec::new(),
            Request::Clone { .. } => vec![
                ("client-name", "prepl".into()),
                ("client-version", env!("CARGO_PKG_VERSION").into()),
            ],
            Request::Eval { code, namespace, place, printing, .. } => {
                let mut pairs = printing.pairs();
                pairs.push(("code", code.into()));
                pairs.extend(namespace.map(|namespace| ("ns", namespace.into())));
                if let Some((file, line, column)) = place {
                    pairs.push(("file", file.as_str().into()));
                    pairs.push(("line", i64::from(line).into()));
                    pairs.push(("column", i64::from(column).into()));
                }
                pairs
            }
            Request::LoadFile { text, file, printing, .. } => {
                let mut pairs = printing.pairs();
                pairs.push(("file", text.into()));
                pairs.push(("file-path", file.as_str().into()));
                pairs.push(("file-name", file.last().into()));
                pairs
            }
            Request::Interrupt { evaluation, .. } => {
                vec![("interrupt-id", evaluation.to_string().into())]
            }
            Request::Input { line, .. } => vec![("stdin", Value::Bytes(line.to_vec()))],
        }
    }
}

impl Printing {
    fn pairs(self) -> Vec<(&'static str, Value)> {
        let mut pairs = vec![(words::QUOTA, i64::from(self.quota).into())];
        pairs.extend(self.throwable.then(|| (words::PRINT_THROWABLE, 1.into())));
        pairs
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
            bytes(Request::Input { session: Some("s"), line: b"" }),
            "d2:id1:72:op5:stdin7:session1:s5:stdin0:e",
        );
        assert!(bytes(Request::Input { session: None, line: b"a\n" }).contains("5:stdin2:a\n"));
        assert_eq!(bytes(Request::Close { session: "s" }), "d2:id1:72:op5:close7:session1:se");
        assert!(
            bytes(Request::Clone { from: None })
                .starts_with("d11:client-name5:prepl14:client-version")
        );
    }

    #[test]
    fn what_an_evaluation_does_not_need_is_left_out() {
        let plain = Request::Eval {
            session: None,
            code: "é",
            namespace: None,
            place: None,
            printing: Printing { quota: 64, throwable: false },
        };
        assert_eq!(bytes(plain), "d4:code2:é2:id1:728:nrepl.middleware.print/quotai64e2:op4:evale",);
        let file = "shop/core.clj".parse().unwrap();
        let full = Request::Eval {
            session: Some("s"),
            code: "1",
            namespace: Some("a.b"),
            place: Some((&file, 12, 3)),
            printing: Printing { quota: 64, throwable: true },
        };
        assert!(bytes(full).contains("2:ns3:a.b"));
        assert!(bytes(full).starts_with("d4:code1:16:columni3e4:file13:shop/core.clj"));
        assert!(bytes(full).contains("4:linei12e"));
        assert!(bytes(full).contains("30:nrepl.middleware.caught/print?i1e"));
    }

    #[test]
    fn a_whole_file_is_named_by_its_path_and_its_last_part() {
        let load = Request::LoadFile {
            session: Some("s"),
            text: "(f)",
            file: &"shop/core.clj".parse().unwrap(),
            printing: Printing { quota: 64, throwable: true },
        };
        assert_eq!(
            bytes(load),
            "d4:file3:(f)9:file-name8:core.clj9:file-path13:shop/core.clj2:id1:7\
             30:nrepl.middleware.caught/print?i1e28:nrepl.middleware.print/quotai64e\
             2:op9:load-file7:session1:se",
        );
    }
}
