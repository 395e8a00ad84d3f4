//! Whole files and places of files, by both drivers of a real JVM.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by a panic, and skips aloud"
)]

#[expect(dead_code, reason = "other tests end it early")]
#[path = "support/jvm.rs"]
mod jvm;

use std::sync::LazyLock;
use std::time::Duration;

use jvm::Jvm;
use prepl_core::{Expression, Origin, Raised};
use prepl_sidecar::budget::Budget;
use prepl_sidecar::driver::clojure::Clojure;
use prepl_sidecar::driver::nrepl::Nrepl;
use prepl_sidecar::driver::stream::{Ending, StreamSession};
use prepl_sidecar::driver::{Ask, Conversation, End, Said};
use prepl_sidecar::input::Inbox;
use prepl_sidecar::stop::stop_at;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// One for all tests; it ends when its standard input does, with this process.
static JVM: LazyLock<Option<Jvm>> =
    LazyLock::new(|| Jvm::start(&["--socket", "0", "--nrepl", "0"]));

const PATIENCE: Duration = Duration::from_secs(30);

/// A session, and a name that no other test uses.
struct Session {
    stream: StreamSession,
    own: String,
}

/// One session by each driver; `None` where there is no Java.
async fn sessions(test: &str) -> Option<[Session; 2]> {
    let jvm = JVM.as_ref()?;
    let open = async |protocol: &str, conversation: Box<dyn Conversation>| {
        let address = jvm.addresses(protocol)[0];
        let share = Budget::default().share();
        let opened = StreamSession::open(address, conversation, share, PATIENCE).await;
        Session { stream: opened.unwrap().0, own: format!("{test}-{protocol}") }
    };
    let nrepl = open("nrepl", Box::new(Nrepl::new())).await;
    Some([nrepl, open("socket", Box::new(Clojure::new())).await])
}

impl Session {
    async fn run(&mut self, text: &str, origin: Origin) -> (Vec<Said>, Ending) {
        // What is written OWN is another word for each session.
        let expression = Expression::new(text.replace("OWN", &self.own)).unwrap();
        let (value_bytes, output_bytes) = (1 << 20, 1 << 20);
        let ask =
            Ask { expression, origin, namespace: None, value_bytes, output_bytes, read_only: None };
        let (sender, mut receiver) = mpsc::channel(8);
        let (_interrupter, mut stop) = stop_at(Instant::now() + PATIENCE);
        let gather = async {
            let mut said = Vec::new();
            while let Some(saying) = receiver.recv().await {
                said.push(saying);
            }
            said
        };
        let inbox = Inbox::closed();
        let evaluate = async {
            let sender = sender;
            self.stream.evaluate(&ask, &sender, &inbox, &mut stop, PATIENCE).await
        };
        tokio::join!(gather, evaluate)
    }

    async fn answer(&mut self, text: &str, origin: Origin) -> (Vec<Said>, End) {
        match self.run(text, origin).await {
            (said, Ending::Answered(end)) => (said, end),
            (said, ending) => panic!("{ending:?} after {said:?}"),
        }
    }

    /// The values of a text that says nothing else.
    async fn values(&mut self, text: &str, origin: Origin) -> Vec<String> {
        let (said, end) = self.answer(text, origin).await;
        assert!(!end.raised && end.refused.is_none(), "{end:?} {said:?}");
        let value = |said| match said {
            Said::Value { text, truncated: false } => text.to_string(),
            other => panic!("no value: {other:?}"),
        };
        said.into_iter().map(value).collect()
    }

    async fn value(&mut self, text: &str) -> String {
        self.values(text, Origin::Typed).await.pop().unwrap()
    }

    async fn load(&mut self, text: &str) -> Vec<String> {
        let file = self.file();
        self.values(text, file).await
    }

    /// What was said before a text threw, and what it threw.
    async fn raises(&mut self, text: &str, origin: Origin) -> (Vec<Said>, Raised) {
        let (mut said, end) = self.answer(text, origin).await;
        match said.pop() {
            Some(Said::Raised(raised)) if end.raised => (said, raised),
            last => panic!("{last:?} after {said:?}"),
        }
    }

    fn file(&self) -> Origin {
        Origin::File(format!("lib/{}.clj", self.own).parse().unwrap())
    }

    fn at(&self, line: u32, column: u32) -> Origin {
        Origin::at(format!("lib/{}.clj", self.own).parse().unwrap(), line, column)
    }
}

#[tokio::test]
async fn a_file_is_loaded_with_its_lines_and_its_last_value_alone_is_told() {
    let Some(sessions) = sessions("loaded").await else { return };
    for mut session in sessions {
        let text = "(ns OWN.core)\n\n(defn boom []\n  (throw (ex-info \"x\" {})))\n:last";
        assert_eq!(session.load(text).await, [":last"]);
        // As Clojure itself has it: the session stays where it was.
        assert_eq!(session.value("(str *ns* *1)").await, "\"user:last\"");
        let facts = "((juxt :file :line :column) (meta #'OWN.core/boom))".to_owned();
        assert_eq!(session.value(&facts).await, format!("[\"lib/{}.clj\" 3 1]", session.own));
        let (_, raised) = session.raises("(OWN.core/boom)", Origin::Typed).await;
        let frame = format!("({}.clj:4)", session.own);
        assert!(raised.trace.iter().any(|told| told.contains(&frame)), "{raised:?}");
        assert_eq!(session.value("(str *file*)").await, "\"NO_SOURCE_PATH\"");
    }
}

#[tokio::test]
async fn a_file_stops_at_its_first_error() {
    let Some(sessions) = sessions("stops").await else { return };
    for mut session in sessions {
        session.value("(intern 'user 'OWN (atom 0))").await;
        let text = "(swap! user/OWN inc)\n(do\n  (/ 1 0))\n(swap! user/OWN + 10)";
        let file = session.file();
        let (said, raised) = session.raises(text, file).await;
        assert_eq!(said, [], "a value of a form that is not the last");
        assert_eq!(&*raised.class, "java.lang.ArithmeticException");
        let frame = format!("({}.clj:3)", session.own);
        assert!(raised.trace.iter().any(|told| told.contains(&frame)), "{raised:?}");
        assert_eq!(session.value("@user/OWN").await, "1");
    }
}

#[tokio::test]
async fn what_does_not_compile_is_told_with_its_place() {
    let Some(sessions) = sessions("compiles").await else { return };
    for mut session in sessions {
        let file = session.file();
        let (_, raised) = session.raises("(ns OWN.core)\n  (nope)", file).await;
        let place = format!("(lib/{}.clj, line 2, column 3)", session.own);
        assert!(raised.message.contains(&place), "{raised:?}");
        assert_eq!(&*raised.phase, "compile-syntax-check");
    }
}

#[tokio::test]
async fn a_file_without_an_end_is_refused_by_its_name_and_nothing_of_it_runs() {
    let Some(sessions) = sessions("refused").await else { return };
    for mut session in sessions {
        session.value("(intern 'user 'OWN (atom 0))").await;
        let file = session.file();
        let (said, ending) = session.run("(swap! user/OWN inc)\n(defn f [", file).await;
        let Ending::Unreadable(why) = ending else { panic!("{ending:?} {said:?}") };
        assert!(why.to_string().starts_with(&format!("lib/{}.clj: the ", session.own)), "{why}");
        let at = session.at(7, 1);
        let (_, ending) = session.run("(defn f [", at).await;
        let Ending::Unreadable(why) = ending else { panic!("{ending:?}") };
        assert!(why.to_string().ends_with(&format!("lib/{}.clj:7", session.own)), "{why}");
        assert_eq!(session.value("@user/OWN").await, "0");
    }
}

#[tokio::test]
async fn a_file_of_comments_alone_has_the_value_nil() {
    let Some(sessions) = sessions("comments").await else { return };
    for mut session in sessions {
        assert_eq!(session.load("; nothing\n").await, ["nil"]);
    }
}

#[tokio::test]
async fn a_form_stands_at_its_place() {
    let Some(sessions) = sessions("placed").await else { return };
    for mut session in sessions {
        let at = session.at(41, 7);
        let text = "(def OWN 1) [(:line (meta #'OWN)) (:column (meta #'OWN)) (:file (meta #'OWN)) \
                    *file*]\n(defn boom-OWN []\n  (/ 1 0))";
        let own = session.own.clone();
        let placed = format!("[41 7 \"lib/{own}.clj\" \"lib/{own}.clj\"]");
        let values = session.values(text, at).await;
        assert_eq!(values, [format!("#'user/{own}"), placed, format!("#'user/boom-{own}")]);
        let (_, raised) = session.raises("(boom-OWN)", Origin::Typed).await;
        // nREPL tells traces the line alone, and its session goes on to be in that file.
        let is_nrepl = own.ends_with("nrepl");
        let source = if is_nrepl { "NO_SOURCE_FILE" } else { &format!("{own}.clj") };
        let frame = format!("({source}:43)");
        assert!(raised.trace.iter().any(|told| told.contains(&frame)), "{raised:?}");
        let after = if is_nrepl { format!("lib/{own}.clj") } else { "NO_SOURCE_PATH".into() };
        assert_eq!(session.value("*file*").await, format!("\"{after}\""));
        let far = session.at(u32::MAX, u32::MAX);
        assert_eq!(session.values("1", far).await, ["1"]);
    }
}
