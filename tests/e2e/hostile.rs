//! REPLs that break their protocol: a class and a reason for each, and never a hang.

use std::time::Duration;

use prepl_core::{Class, Limits};
use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::hostile::{Conduct, Hostile};
use prepl_tests::{Asked, World, in_time, plan};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Replicas of one protocol behind scripts, and the classes they should end in.
struct Zoo {
    world: World,
    repls: Vec<Hostile>,
    names: Vec<&'static str>,
    wanted: Vec<Class>,
}

type Case = (&'static str, Class, Conduct);

impl Zoo {
    async fn of(protocol: fn(std::net::SocketAddr) -> Endpoint, cases: Vec<Case>) -> Zoo {
        let mut zoo =
            Zoo { world: World::new(), repls: Vec::new(), names: Vec::new(), wanted: Vec::new() };
        for (name, class, conduct) in cases {
            let repl = Hostile::start(conduct).await;
            zoo.world.add(protocol(repl.address)).await;
            zoo.repls.push(repl);
            zoo.names.push(name);
            zoo.wanted.push(class);
        }
        zoo
    }

    async fn ask(&self, expression: &str) -> Asked {
        let mut plan = plan(expression);
        plan.limits = Limits::new(Duration::from_secs(1), 1024, 1024).unwrap();
        Asked::ask(&self.world.gateway(Role::Evaluator), &self.world.selection(), plan).await
    }

    /// Every replica ends in its class, with a reason; then all REPLs mend and are of use again.
    async fn holds(self, mended: Conduct) {
        let asked = self.ask("1").await;
        for (place, name) in self.names.iter().enumerate() {
            let answer = &asked.answers[place];
            assert_eq!(answer.class(), self.wanted[place], "{name}: {answer:?}");
            assert!(answer.class() == Class::Ok || asked.reason(place).len() > 20, "{name}");
        }
        self.repls.iter().for_each(|repl| repl.turn(mended.clone()));
        in_time(self.until_all_are_ok()).await;
    }

    /// A sidecar learns at its next evaluation that a session it kept in store was closed.
    async fn until_all_are_ok(&self) {
        while self.ask("1").await.classes().iter().any(|class| *class != Class::Ok) {}
    }
}

fn deep() -> Vec<u8> {
    b"l".repeat(1 << 20)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_nrepl_server_that_greets_badly_is_not_asked() {
    use Class::{Refused, Unreachable};
    let cases = vec![
        ("another protocol", Unreachable, Conduct::silent().says("HTTP/1.1 400 Bad\r\n\r\n")),
        ("a bad length", Unreachable, Conduct::silent().says("d99999999999999999999:")),
        ("a length without an end", Unreachable, Conduct::silent().floods("1")),
        ("a negative length", Unreachable, Conduct::silent().says("d-4:spam")),
        ("a huge length", Unreachable, Conduct::silent().says("d2147483647:").floods("x")),
        ("endless digits", Unreachable, Conduct::silent().says("di").floods("7")),
        ("deep nesting", Unreachable, Conduct::silent().says(deep())),
        ("no dict", Unreachable, Conduct::silent().says("l4:spame")),
        ("closes at once", Unreachable, Conduct::silent().closes()),
        ("closes in a message", Unreachable, Conduct::silent().says("d2:id1:1").closes()),
        ("no eval", Unreachable, Conduct::silent().says("d2:id1:13:opsl5:clonee6:status4:donee")),
        ("silence", Refused, Conduct::silent()),
        ("half a message", Refused, Conduct::silent().says("d2:id1:13:ops")),
        ("other ids only", Refused, Conduct::silent().floods("d2:id1:96:status4:donee")),
    ];
    Zoo::of(Endpoint::Nrepl, cases).await.holds(Conduct::nrepl_value("2")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_nrepl_server_that_breaks_off_in_an_evaluation_leaves_it_unknown() {
    use Class::{Ok, Unknown};
    let nrepl = |answer: &[u8]| Conduct::nrepl().on_eval(answer);
    let value = b"d2:id1:32:ns4:user5:value1:2ed2:id1:36:status4:donee";
    let cases = vec![
        ("a bad length", Unknown, nrepl(b"d99999999999999999999:")),
        ("no key", Unknown, nrepl(b"di1ei2ee")),
        ("deep nesting", Unknown, nrepl(&deep())),
        ("no dict", Unknown, nrepl(b"4:spam")),
        ("silence", Unknown, nrepl(b"")),
        ("half a message", Unknown, nrepl(b"d2:id1:35:value5:ab")),
        ("closes at once", Unknown, nrepl(b"").closes()),
        ("closes in a message", Unknown, nrepl(b"d2:id1:35:val").closes()),
        ("values and no end", Unknown, nrepl(b"").floods("d2:id1:35:value3:abce")),
        ("others' answers", Unknown, nrepl(b"").floods("d2:id1:75:value1:7e")),
        ("output and no end", Unknown, nrepl(b"").floods("d2:id1:33:out3:abce")),
        ("endless exceptions", Unknown, nrepl(b"").floods("d2:ex9:class a.B2:id1:3e")),
        (
            "asks for input without end",
            Unknown,
            nrepl(b"").floods("d2:id1:36:status10:need-inpute"),
        ),
        ("not UTF-8", Ok, nrepl(b"d2:id1:32:ns4:user5:value2:\xff\xfeed2:id1:36:status4:donee")),
        ("output after the end", Ok, nrepl(value).floods("d2:id1:33:out3:abce")),
        ("garbage with the end", Ok, nrepl(&[&value[..], b"nonsense"].concat())),
    ];
    Zoo::of(Endpoint::Nrepl, cases).await.holds(Conduct::nrepl_value("2")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_repl_that_breaks_its_lines_is_not_believed() {
    use Class::{Ok, Refused, Unknown, Unreachable};
    let clojure = |answer: &str| Conduct::clojure().on_eval(answer);
    let done = "\u{1}1 done dXNlcg== 0 0 0\n";
    let value = format!("\u{1}1 part Mg==\n\u{1}1 value 0\n{done}");
    let cases = vec![
        ("an endless line", Unreachable, Conduct::silent().floods("x")),
        ("endless lines", Unreachable, Conduct::silent().floods("user=> \n")),
        ("closes at once", Unreachable, Conduct::silent().closes()),
        ("not UTF-8", Unreachable, Conduct::silent().floods(b"\xff\xfe\n")),
        ("silence", Refused, Conduct::silent()),
        ("a prompt alone", Refused, Conduct::silent().says("user=> ")),
        ("a line without our mark", Unknown, clojure("user=> 2\n")),
        ("an unknown tag", Unknown, clojure("\u{1}1 boo\n")),
        ("no base64", Unknown, clojure("\u{1}1 out ~~\n")),
        ("an id that was never sent", Unknown, clojure("\u{1}2 input\n")),
        ("a number beyond all", Unknown, clojure("\u{1}99999999999999999999 input\n")),
        ("an endless line in an answer", Unknown, clojure("\u{1}1 out ").floods("QUJD")),
        ("an endless value", Unknown, clojure("").floods("\u{1}1 part QUJD\n")),
        ("endless output", Unknown, clojure("").floods("\u{1}1 out QUJD\n")),
        ("endless exceptions", Unknown, clojure("").floods("\u{1}1 raised QQ== QQ== QQ==\n")),
        ("silence after a question", Unknown, clojure("")),
        ("half a line", Unknown, clojure("\u{1}1 done dXN").closes()),
        ("output after the end", Ok, clojure(&value).floods("\u{1}1 out QUJD\n")),
        ("a second end", Ok, clojure(&format!("{value}{done}"))),
    ];
    let mended = Conduct::clojure().on_eval(&value);
    Zoo::of(Endpoint::Clojure, cases).await.holds(mended).await;
}

#[tokio::test]
async fn what_was_said_before_a_break_is_kept() {
    let said = b"d2:id1:33:out3:abced2:id1:32:ns4:user5:value1:2e";
    let cases = vec![("breaks", Class::Unknown, Conduct::nrepl().on_eval(said).closes())];
    let asked = Zoo::of(Endpoint::Nrepl, cases).await.ask("1 (boom)").await;
    assert_eq!(asked.classes(), [Class::Unknown]);
    assert_eq!((asked.values(0), asked.answers[0].done.output_bytes), (vec!["2"], 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_sidecar_is_unreachable() {
    let mut world = World::of_rhai(1).await;
    let conducts = [
        Conduct::silent(),
        Conduct::silent().closes(),
        Conduct::silent().says("SSH-2.0-OpenSSH_9.2\r\n"),
        Conduct::silent().floods("\u{16}\u{3}\u{1}"),
    ];
    let mut peers = Vec::new();
    for conduct in conducts {
        let peer = Hostile::start(conduct).await;
        world.add_at(peer.address);
        peers.push(peer);
    }
    let asked = Asked::ask(&world.gateway(Role::Evaluator), &world.selection(), plan("1")).await;
    assert_eq!(asked.classes()[0], Class::Ok);
    assert!(asked.classes()[1..].iter().all(|class| *class == Class::Unreachable));
    assert!((1..5).all(|place| asked.reason(place).len() > 20));
    assert_eq!(asked.exit(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_that_never_shake_hands_do_not_keep_a_rightful_one_out() {
    const SILENT: usize = 300;
    let world = World::of_rhai(1).await;
    let address = world.replicas()[0].address.clone();
    let (connected, mut connections) = tokio::sync::mpsc::channel(SILENT);
    let mut silent = tokio::task::JoinSet::new();
    for _ in 0..SILENT {
        let (address, connected) = (address.clone(), connected.clone());
        silent.spawn(async move {
            loop {
                let Ok(mut peer) = TcpStream::connect(&*address).await else { continue };
                let _ = connected.try_send(());
                while matches!(peer.read_buf(&mut Vec::new()).await, Ok(1..)) {}
            }
        });
    }
    for _ in 0..SILENT {
        in_time(connections.recv()).await;
    }
    let asked = Asked::ask(&world.gateway(Role::Evaluator), &world.selection(), plan("1")).await;
    assert_eq!(asked.classes(), [Class::Ok], "{}", asked.reason(0));
}
