//! A session with the socket REPL of a real JVM, and what tests ask of it.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use prepl_core::{Expression, Origin, Raised, Stream};
use prepl_sidecar::budget::Budget;
use prepl_sidecar::driver::clojure::Clojure;
use prepl_sidecar::driver::stream::{Ending, StreamSession};
use prepl_sidecar::driver::{Ask, End, Runtime, Said};
use prepl_sidecar::input::Inbox;
use prepl_sidecar::stop::stop_at;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::jvm::Jvm;

/// One for all tests; it ends when its standard input does, with this process.
static JVM: LazyLock<Option<Jvm>> = LazyLock::new(|| Jvm::start(&["--socket", "0"]));

/// Long enough for everything that comes to an end.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// For what does not.
pub const SHORT: Duration = Duration::from_millis(300);

pub fn address() -> Option<SocketAddr> {
    JVM.as_ref().map(|jvm| jvm.addresses("socket")[0])
}

/// One session.
pub struct Session(pub StreamSession);

impl Session {
    /// `None` where there is no Java.
    pub async fn open() -> Option<Session> {
        Some(Session::open_at(address()?).await.0)
    }

    pub async fn open_at(address: SocketAddr) -> (Session, Runtime) {
        let conversation = Box::new(Clojure::new());
        let (session, runtime) =
            StreamSession::open(address, conversation, Budget::default().share(), PATIENCE)
                .await
                .unwrap();
        (Session(session), runtime)
    }

    pub async fn run(&mut self, ask: &Ask, time: Duration) -> (Vec<Said>, Ending) {
        self.run_reading(ask, &Inbox::closed(), time).await
    }

    pub async fn run_reading(
        &mut self,
        ask: &Ask,
        inbox: &Inbox,
        time: Duration,
    ) -> (Vec<Said>, Ending) {
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
            self.0.evaluate(ask, &sender, inbox, &mut stop, Duration::from_secs(2)).await
        };
        tokio::join!(gather, evaluate)
    }

    pub async fn answer(&mut self, ask: &Ask) -> (Vec<Said>, End) {
        match self.run(ask, PATIENCE).await {
            (said, Ending::Answered(end)) => (said, end),
            (said, ending) => panic!("{ending:?} after {said:?}"),
        }
    }

    /// What a text says, which has to end well.
    pub async fn say(&mut self, text: &str) -> Vec<Said> {
        let (said, end) = self.answer(&ask(text)).await;
        assert_eq!((end.raised, end.interrupted, end.refused), (false, false, None), "{said:?}");
        said
    }

    /// The value of a text that says nothing else.
    pub async fn value(&mut self, text: &str) -> String {
        match &self.say(text).await[..] {
            [Said::Value { text, truncated: false }] => text.to_string(),
            said => panic!("not one value: {said:?}"),
        }
    }

    /// Asks again and again until a text has this value.
    pub async fn until(&mut self, text: &str, value: &str) {
        let end = Instant::now() + PATIENCE;
        while self.value(text).await != value {
            assert!(Instant::now() < end, "{text} never became {value}");
        }
    }

    pub async fn raises(&mut self, text: &str) -> (Vec<Said>, Raised) {
        let (mut said, end) = self.answer(&ask(text)).await;
        match said.pop() {
            Some(Said::Raised(raised)) if end.raised => (said, raised),
            last => panic!("{last:?} after {said:?}"),
        }
    }
}

pub async fn two() -> Option<(Session, Session)> {
    Some((Session::open().await?, Session::open().await?))
}

pub fn ask(text: &str) -> Ask {
    Ask {
        expression: Expression::new(text).unwrap(),
        origin: Origin::Typed,
        namespace: None,
        value_bytes: 1 << 20,
        output_bytes: 1 << 20,
        read_only: None,
    }
}

pub fn value(text: &str) -> Said {
    Said::Value { text: text.into(), truncated: false }
}

pub fn printed(said: &[Said], wanted: Stream) -> Vec<u8> {
    let pieces = said.iter().filter_map(|said| match said {
        Said::Output(stream, bytes) if *stream == wanted => Some(bytes.to_vec()),
        _ => None,
    });
    pieces.flatten().collect()
}
