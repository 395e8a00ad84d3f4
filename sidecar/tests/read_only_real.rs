//! Evaluations within a function of the app, over nREPL and the socket REPL of a real JVM.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by a panic, and skips aloud"
)]

#[path = "support/jvm.rs"]
#[expect(dead_code, reason = "this file uses a part")]
mod jvm;

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use jvm::Jvm;
use prepl_core::read_only::Keeper;
use prepl_core::{Expression, Origin, Stream};
use prepl_sidecar::budget::Budget;
use prepl_sidecar::driver::clojure::Clojure;
use prepl_sidecar::driver::nrepl::Nrepl;
use prepl_sidecar::driver::stream::{Ending, StreamSession};
use prepl_sidecar::driver::{Ask, Conversation, End, Refused, Said};
use prepl_sidecar::input::Inbox;
use prepl_sidecar::stop::stop_at;
use tokio::sync::mpsc;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(30);

/// What apps may do with what they are given, the right thing first.
const FUNCTIONS: &str = r#"
(create-ns 'hold)
(intern 'hold 'inside? (.setDynamic (intern 'hold '*inside?* false)))
(intern 'hold 'right (fn [ask] (with-bindings {(resolve 'hold/*inside?*) true} (ask))))
(intern 'hold 'never (fn [_] :nothing))
(intern 'hold 'away (fn [_] (throw (ex-info "the database is away" {}))))
(intern 'hold 'twice (fn [ask] (ask) (ask)))
(intern 'hold 'elsewhere (fn [ask] @(future (ask))))
(intern 'hold 'silent (fn [ask] (try (ask) (catch Throwable _ :fine))))
(intern 'hold 'late (fn [ask] (ask) (throw (ex-info "no commit" {}))))
(intern 'hold 'kept (atom nil))
(intern 'hold 'keeps (fn [ask] (reset! @(resolve 'hold/kept) ask) (ask)))
"#;

/// One for all tests; it ends when its standard input does, with this process.
static JVM: LazyLock<Option<Jvm>> =
    LazyLock::new(|| Jvm::start(&["--nrepl", "0", "--socket", "0"]));

/// A session of each driver, with the functions defined.
async fn drivers() -> Vec<Session> {
    let Some(jvm) = JVM.as_ref() else { return Vec::new() };
    let nrepl = Session::open(jvm.addresses("nrepl")[0], Box::new(Nrepl::new())).await;
    let clojure = Session::open(jvm.addresses("socket")[0], Box::new(Clojure::new())).await;
    let mut sessions = vec![nrepl, clojure];
    for session in &mut sessions {
        let end = session.ask(None, FUNCTIONS).await.1;
        assert!(!end.raised);
    }
    sessions
}

struct Session(StreamSession);

impl Session {
    async fn open(address: SocketAddr, conversation: Box<dyn Conversation>) -> Session {
        let share = Budget::default().share();
        let opened = StreamSession::open(address, conversation, share, PATIENCE).await;
        let (session, _) = opened.unwrap();
        assert!(session.evaluates_within());
        Session(session)
    }

    async fn ask(&mut self, function: Option<&str>, text: &str) -> (Vec<Said>, End) {
        let read_only = function.map(|name| Keeper::Function(name.parse().unwrap()));
        let expression = Expression::new(text).unwrap();
        let (value_bytes, output_bytes) = (1000, 1000);
        self.run(
            &Ask {
                expression,
                origin: Origin::Typed,
                namespace: None,
                value_bytes,
                output_bytes,
                read_only,
            },
            PATIENCE,
        )
        .await
    }

    async fn run(&mut self, ask: &Ask, time: Duration) -> (Vec<Said>, End) {
        let (sender, mut receiver) = mpsc::channel(8);
        let (_interrupter, mut stop) = stop_at(Instant::now() + time);
        let gather = async {
            let mut said = Vec::new();
            while let Some(saying) = receiver.recv().await {
                said.push(saying);
            }
            said
        };
        let evaluate = async {
            let sender = sender;
            self.0.evaluate(ask, &sender, &Inbox::closed(), &mut stop, PATIENCE).await
        };
        match tokio::join!(gather, evaluate) {
            (said, Ending::Answered(end)) => (said, end),
            (said, ending) => panic!("{ending:?} after {said:?}"),
        }
    }

    /// The values of a text that ends well.
    async fn values(&mut self, function: &str, text: &str) -> Vec<String> {
        let (said, end) = self.ask(Some(function), text).await;
        assert_eq!((end.raised, &end.refused), (false, &None), "{said:?}");
        values(&said)
    }

    /// What a text raises.
    async fn raises(&mut self, function: &str, text: &str) -> String {
        let (said, end) = self.ask(Some(function), text).await;
        assert!(end.raised && end.refused.is_none(), "{end:?}");
        match said.last() {
            Some(Said::Raised(raised)) => raised.message.to_string(),
            last => panic!("{last:?}"),
        }
    }

    /// Why a text is refused; nothing of it ran.
    async fn refuses(&mut self, function: &str) -> String {
        let (said, end) = self.ask(Some(function), "(intern 'hold 'ran true)").await;
        assert_eq!(said, []);
        let Some(Refused::Function(reason)) = end.refused else { panic!("{end:?}") };
        assert_eq!(values(&self.ask(None, "(resolve 'hold/ran)").await.0), ["nil"]);
        reason.to_string()
    }
}

fn values(said: &[Said]) -> Vec<String> {
    let texts = said.iter().filter_map(|said| match said {
        Said::Value { text, .. } => Some(text.to_string()),
        _ => None,
    });
    texts.collect()
}

#[tokio::test]
async fn every_form_runs_within_the_function_and_has_its_value() {
    for mut session in drivers().await {
        let text = "(print \"o\") hold/*inside?* (def two 2) (+ two 1) \"é☃😀\" *1 ; end";
        let (said, end) = session.ask(Some("hold/right"), text).await;
        assert!(said.contains(&Said::Output(Stream::Out, "o".into())), "{said:?}");
        let printed = ["nil", "true", "#'user/two", "3", "\"é☃😀\"", "\"é☃😀\""];
        assert_eq!((values(&said), end.raised), (printed.map(str::to_owned).to_vec(), false));
        assert_eq!(values(&session.ask(None, "hold/*inside?*").await.0), ["false"]);
        assert_eq!(session.values("hold/right", "; nothing").await, [""; 0]);
    }
}

#[tokio::test]
async fn what_is_computed_while_it_is_printed_is_within_too() {
    for mut session in drivers().await {
        let text = "(map (fn [_] hold/*inside?*) [1 2])";
        assert_eq!(session.values("hold/right", text).await, ["(true true)"]);
        let text = "(reify Object (toString [_] (str hold/*inside?*)))";
        assert!(session.values("hold/right", text).await[0].contains("true"));
    }
}

#[tokio::test]
async fn an_endless_value_is_cut_and_the_next_one_is_whole() {
    for mut session in drivers().await {
        let (said, _) = session.ask(Some("hold/right"), "(range) 7").await;
        let [Said::Value { text, truncated: true }, Said::Value { text: next, truncated: false }] =
            &said[..]
        else {
            panic!("{said:?}")
        };
        assert!(text.starts_with("(0 1 2 ") && text.len() == 1000, "{}", text.len());
        assert_eq!(&**next, "7");
        let (said, _) = session.ask(Some("hold/right"), "(apply str (repeat 999 \"☃\"))").await;
        assert!(matches!(&said[..], [Said::Value { text, truncated: true }] if text.len() > 990));
    }
}

#[tokio::test]
async fn many_large_values_end_the_room_and_not_the_answer() {
    for mut session in drivers().await {
        let expression = Expression::new("(repeat 1000000 1) ".repeat(6)).unwrap();
        let read_only = Some(Keeper::Function("hold/right".parse().unwrap()));
        let (value_bytes, output_bytes) = (1 << 20, 1000);
        let ask = Ask {
            expression,
            origin: Origin::Typed,
            namespace: None,
            value_bytes,
            output_bytes,
            read_only,
        };
        let (said, end) = session.run(&ask, PATIENCE).await;
        assert_eq!((said.len(), end.raised), (6, false));
        assert!(said.iter().all(|said| matches!(said, Said::Value { truncated: true, .. })));
    }
}

#[tokio::test]
async fn a_function_that_calls_nothing_runs_nothing_and_the_session_stays() {
    for mut session in drivers().await {
        session.ask(None, "(def mine 5)").await;
        for (function, reason) in [
            ("hold/never", "hold/never did not call"),
            ("hold/away", "the database is away"),
            ("hold/elsewhere", "on the thread that it is called on"),
            ("clojure.string/none", "no such function"),
            ("no.such.space/none", "no/such/space"),
        ] {
            let refused = session.refuses(function).await;
            assert!(refused.contains(reason), "{refused}");
        }
        assert_eq!(session.values("hold/right", "mine").await, ["5"]);
    }
}

#[tokio::test]
async fn what_a_text_throws_is_told_whatever_the_function_does_with_it() {
    for mut session in drivers().await {
        for function in ["hold/right", "hold/silent", "hold/twice"] {
            let raised = session.raises(function, "(throw (ex-info \"mine\" {}))").await;
            assert_eq!(raised, "mine", "{function}");
        }
        assert!(session.raises("hold/right", "(nope)").await.contains("nope"));
        assert!(session.raises("hold/right", "#nope/tag 1").await.contains("nope/tag"));
    }
}

#[tokio::test]
async fn nothing_runs_twice_and_a_late_throw_is_told() {
    for mut session in drivers().await {
        session.ask(None, "(def n (atom 0))").await;
        assert!(session.raises("hold/twice", "(swap! n inc)").await.contains("called once"));
        assert_eq!(values(&session.ask(None, "@n").await.0), ["1"]);
        assert_eq!(session.raises("hold/late", "1").await, "no commit");
        assert_eq!(session.values("hold/keeps", "(swap! n inc)").await, ["2"]);
        assert!(session.raises("hold/right", "(@hold/kept)").await.contains("called once"));
    }
}

#[tokio::test]
async fn a_long_text_is_one_too() {
    for mut session in drivers().await {
        let text = format!("; {}\n7", "☃\"".repeat(100_000));
        assert_eq!(session.values("hold/right", &text).await, ["7"]);
    }
}

#[tokio::test]
async fn it_can_be_interrupted() {
    for mut session in drivers().await {
        let expression = Expression::new("(Thread/sleep 60000)").unwrap();
        let read_only = Some(Keeper::Function("hold/right".parse().unwrap()));
        let (value_bytes, output_bytes) = (1000, 1000);
        let ask = Ask {
            expression,
            origin: Origin::Typed,
            namespace: None,
            value_bytes,
            output_bytes,
            read_only,
        };
        let (_, end) = session.run(&ask, Duration::from_millis(100)).await;
        assert!(end.interrupted, "{end:?}");
    }
}

#[tokio::test]
async fn names_mean_the_same_in_a_namespace_without_clojure() {
    for mut session in drivers().await {
        session.ask(None, "(create-ns 'bare)").await;
        let expression = Expression::new("(clojure.core/str clojure.core/*ns*)").unwrap();
        let read_only = Some(Keeper::Function("hold/right".parse().unwrap()));
        let (namespace, value_bytes, output_bytes) = (Some("bare".into()), 1000, 1000);
        let ask = Ask {
            expression,
            origin: Origin::Typed,
            namespace,
            value_bytes,
            output_bytes,
            read_only,
        };
        let (said, end) = session.run(&ask, PATIENCE).await;
        assert_eq!((values(&said), end.raised), (vec!["\"bare\"".to_owned()], false), "{said:?}");
    }
}
