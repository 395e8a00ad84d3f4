//! Real Clojure: twelve replicas in two JVMs, half of them nREPL, half plain socket REPLs.

use std::sync::LazyLock;
use std::time::Duration;

use prepl_core::{Class, Limits, Outcome};
use prepl_gateway::Plan;
use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::jvm::Jvm;
use prepl_tests::{Asked, Recording, Running, World, plan};

const PORTS: [&str; 4] = ["--nrepl", "0,0,0", "--socket", "0,0,0"];

/// They are for all tests, and end with this process.
static JVMS: LazyLock<Option<[Jvm; 2]>> = LazyLock::new(|| {
    let other = ["--sessions", "17", "--version", "1.5.0"];
    Some([Jvm::start(&PORTS)?, Jvm::start(&[&PORTS[..], &other].concat())?])
});

const REPLICAS: usize = 12;
const MIB: u32 = 1 << 20;
const LONG: Duration = Duration::from_secs(100);

/// A fleet, and a gateway to it.
struct Fleet {
    world: World,
    gateway: Recording,
}

impl Fleet {
    /// Six replicas of each JVM; `None` where there is no Java.
    async fn open() -> Option<Fleet> {
        Some(Fleet::of(JVMS.as_ref()?).await)
    }

    async fn of<'a>(jvms: impl IntoIterator<Item = &'a Jvm>) -> Fleet {
        let mut world = World::new();
        for jvm in jvms {
            for address in jvm.addresses("nrepl") {
                world.add(Endpoint::Nrepl(address)).await;
            }
            for address in jvm.addresses("socket") {
                world.add(Endpoint::Clojure(address)).await;
            }
        }
        let gateway = world.gateway(Role::Evaluator);
        Fleet { world, gateway }
    }

    async fn run(&self, plan: Plan) -> Asked {
        Asked::ask(&self.gateway, &self.world.selection(), plan).await
    }

    /// Asks with patience: the machine may be busy.
    async fn ask(&self, expression: &str) -> Asked {
        self.run(within(LONG, expression)).await
    }

    async fn ask_in(&self, session: &str, expression: &str) -> Asked {
        let mut plan = within(LONG, expression);
        plan.session = Some(session.parse().unwrap());
        self.run(plan).await
    }

    /// The one value that every replica gives.
    async fn value(&self, expression: &str) -> String {
        let asked = self.ask(expression).await;
        let first = asked.values(0).concat();
        (0..asked.answers.len()).for_each(|place| assert_eq!(asked.values(place), [&first]));
        first
    }
}

fn within(time: Duration, expression: &str) -> Plan {
    let mut plan = plan(expression);
    plan.limits = Limits::new(time, MIB, MIB).unwrap();
    plan
}

fn is_nrepl(place: usize) -> bool {
    place % 6 < 3
}

fn all(class: Class) -> Vec<Class> {
    vec![class; REPLICAS]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_that_differ_are_told_per_replica() {
    let Some(fleet) = Fleet::open().await else { return };
    let asked = fleet.ask("[(count-sessions) (version)]").await;
    assert_eq!((asked.classes(), asked.exit()), (all(Class::Ok), 0));
    for place in 0..REPLICAS {
        let wanted = if place < 6 { "[12 \"1.4.2\"]" } else { "[17 \"1.5.0\"]" };
        assert_eq!(asked.values(place), [wanted]);
        assert_eq!(asked.answers[place].done.namespace.as_deref(), Some("user"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throw_is_told_with_its_class_and_message() {
    let Some(fleet) = Fleet::open().await else { return };
    let asked = fleet.ask("(throw (ex-info \"no stock\" {:sku 7}))").await;
    assert_eq!((asked.classes(), asked.exit()), (all(Class::Raised), 5));
    for answer in &asked.answers {
        let [raised] = &answer.raised[..] else { panic!("{answer:?}") };
        assert_eq!((&*raised.class, &*raised.message), ("clojure.lang.ExceptionInfo", "no stock"));
        assert_eq!(&*raised.phase, "execution");
    }
    let some = fleet.ask("(if (= 12 (count-sessions)) :few (throw (Exception. \"many\")))").await;
    let wanted = [vec![Class::Ok; 6], vec![Class::Raised; 6]].concat();
    assert_eq!((some.classes(), some.exit()), (wanted, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compile_error_raises_and_names_the_symbol() {
    let Some(fleet) = Fleet::open().await else { return };
    let asked = fleet.ask("(no-such-function 1)").await;
    assert_eq!((asked.classes(), asked.exit()), (all(Class::Raised), 5));
    for answer in &asked.answers {
        let [raised] = &answer.raised[..] else { panic!("{answer:?}") };
        assert!(raised.message.contains("no-such-function"), "{raised:?}");
        assert_eq!(&*raised.phase, "compile-syntax-check");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unfinished_text_is_refused_everywhere_and_nothing_of_it_runs() {
    let Some(fleet) = Fleet::open().await else { return };
    let asked = fleet.ask("(def unfinished-ran true) (count-sessions").await;
    assert_eq!((asked.classes(), asked.exit()), (all(Class::Refused), 2));
    assert_eq!(fleet.value("(resolve 'unfinished-ran)").await, "nil");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_out_is_unknown_interrupted_and_over() {
    let Some(fleet) = Fleet::open().await else { return };
    // Sessions that are open: the time is the sleep's alone.
    fleet.ask_in("sleeper", ":awake").await;
    let mut plan = within(Duration::from_secs(5), "(Thread/sleep 60000)");
    plan.session = Some("sleeper".parse().unwrap());
    let asked = fleet.run(plan).await;
    assert_eq!((asked.classes(), asked.exit()), (all(Class::Unknown), 8));
    for (place, answer) in asked.answers.iter().enumerate() {
        let outcome = &answer.done.outcome;
        assert!(matches!(outcome, Outcome::Unknown { may_still_run: false, .. }), "{outcome:?}");
        assert!(asked.reason(place).contains("interrupted"), "{}", asked.reason(place));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_megabytes_of_output_are_counted_and_cut() {
    let Some(fleet) = Fleet::open().await else { return };
    let line =
        "(let [line (apply str (repeat 99999 \\x))] (dotimes [_ 500] (println line)) :printed)";
    let asked = fleet.ask(line).await;
    assert_eq!((asked.classes(), asked.exit()), (all(Class::Ok), 0), "{}", asked.reason(0));
    for (place, answer) in asked.answers.iter().enumerate() {
        let output: usize = answer.output.iter().map(|(_, bytes)| bytes.len()).sum();
        assert_eq!((output, asked.values(place)), (MIB as usize, vec![":printed"]), "{place}");
        assert_eq!(answer.done.output_bytes, 50_000_000, "{place}");
        assert!(answer.notices.iter().any(|notice| notice.contains("of 50000000 bytes")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_fifty_megabytes_is_cut_and_said_to_be() {
    let Some(jvms) = &*JVMS else { return };
    let mut fleet = Fleet { world: World::new(), gateway: World::new().gateway(Role::Viewer) };
    fleet.world.add(Endpoint::Nrepl(jvms[0].addresses("nrepl")[0])).await;
    fleet.world.add(Endpoint::Clojure(jvms[1].addresses("socket")[0])).await;
    fleet.gateway = fleet.world.gateway(Role::Evaluator);
    let asked = fleet.ask("(String. (byte-array 50000000 (byte 97)))").await;
    assert_eq!(asked.classes(), [Class::Ok; 2], "{} {}", asked.reason(0), asked.reason(1));
    for answer in &asked.answers {
        let [value] = &answer.values[..] else { panic!("{} values", answer.values.len()) };
        assert!(value.truncated && value.text.starts_with("\"aaa"));
        assert!(value.text.len() <= MIB as usize && value.text.len() > MIB as usize - 8);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_forms_have_a_value_each_beside_the_one_that_throws() {
    let Some(fleet) = Fleet::open().await else { return };
    let asked = fleet.ask("1 (print \"two\") (/ 1 0) :after").await;
    assert_eq!((asked.classes(), asked.exit()), (all(Class::Raised), 5));
    for (place, answer) in asked.answers.iter().enumerate() {
        // nREPL itself evaluates the forms after one that threw; the upgraded socket REPL ends.
        let after: &[&str] = if is_nrepl(place) { &[":after"] } else { &[] };
        assert_eq!(asked.values(place), [&["1", "nil"], after].concat());
        assert_eq!(answer.raised.len(), 1);
        let printed: Vec<u8> = answer.output.iter().flat_map(|(_, bytes)| bytes.to_vec()).collect();
        assert_eq!(printed, b"two");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_is_used_when_it_is_there_and_refused_when_it_is_not() {
    let Some(fleet) = Fleet::open().await else { return };
    let in_namespace = |name: &str| {
        let mut plan = within(LONG, "[(str *ns*) (count-sessions)]");
        plan.namespace = Some(name.into());
        plan
    };
    let asked = fleet.run(in_namespace("session-store.core")).await;
    assert_eq!(asked.classes(), all(Class::Ok));
    assert_eq!(asked.values(0), ["[\"session-store.core\" 12]"]);
    assert_eq!(asked.values(11), ["[\"session-store.core\" 17]"]);
    let missing = fleet.run(in_namespace("not.here")).await;
    assert_eq!((missing.classes(), missing.exit()), (all(Class::Refused), 7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_session_keeps_its_namespace_and_last_value_and_others_do_not() {
    let Some(fleet) = Fleet::open().await else { return };
    fleet.ask_in("kept", "(ns made.here) (+ 40 2)").await;
    let kept = fleet.ask_in("kept", "[(str *ns*) *1]").await;
    let fresh = fleet.ask("[(str *ns*) *1]").await;
    for place in 0..REPLICAS {
        assert_eq!(kept.values(place), ["[\"made.here\" 42]"]);
        assert_eq!(kept.answers[place].done.namespace.as_deref(), Some("made.here"));
        assert_eq!(fresh.values(place), ["[\"user\" nil]"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_twice_runs_once() {
    let Some(fleet) = Fleet::open().await else { return };
    fleet.ask("(def times-run (atom 0))").await;
    let once = within(LONG, "(swap! times-run inc)");
    let first = fleet.run(once.clone()).await;
    let second = fleet.run(once).await;
    for place in 0..REPLICAS {
        assert_eq!(first.values(place), second.values(place));
    }
    assert_eq!(fleet.value("@times-run").await, "6", "six replicas share a JVM");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_ends_the_run_and_the_sleep() {
    let Some(fleet) = Fleet::open().await else { return };
    fleet.ask("(def woken (atom 0))").await;
    let sleep = "(try (Thread/sleep 3600000) (finally (swap! woken inc)))";
    let mut run =
        Running::begin(&fleet.gateway, &fleet.world.selection(), within(LONG * 10, sleep)).await;
    run.until_begun(0..REPLICAS).await;
    run.interrupt();
    let asked = run.finish().await;
    assert_eq!(asked.exit(), 130);
    let told = |class: &Class| matches!(class, Class::Raised | Class::Unknown);
    assert!(asked.classes().iter().all(told), "{:?}", asked.classes());
    assert_eq!(fleet.value("@woken").await, "6", "six replicas share a JVM");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_of_a_run_ends_it() {
    let Some(fleet) = Fleet::open().await else { return };
    let mut plan = within(LONG * 10, "(Thread/sleep 3600000)");
    plan.patience.deadline = Some(Duration::from_secs(2));
    let asked = fleet.run(plan).await;
    assert_eq!(asked.exit(), 124);
    assert!(!asked.classes().contains(&Class::Ok), "{:?}", asked.classes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jvm_that_dies_takes_its_own_replicas_along_and_no_other() {
    let Some(jvms) = &*JVMS else { return };
    let Some(mut doomed) = Jvm::start(&["--sessions", "99", "--nrepl", "0,0", "--socket", "0,0"])
    else {
        return;
    };
    let fleet = Fleet::of([&jvms[0], &doomed]).await;
    let text = "(if (= 99 (count-sessions)) (Thread/sleep 3600000) :alive)";
    let mut run =
        Running::begin(&fleet.gateway, &fleet.world.selection(), within(LONG * 10, text)).await;
    run.until_begun(6..10).await;
    doomed.kill();
    let asked = run.finish().await;
    let (living, dead) = (&asked.classes()[..6], &asked.classes()[6..]);
    assert_eq!((asked.summary.counts.of(Class::Unknown), asked.exit()), (4, 8));
    assert!(living.iter().all(|class| *class == Class::Ok));
    assert!(dead.iter().all(|class| *class == Class::Unknown));

    let down = fleet.ask("(count-sessions)").await;
    let wanted = [vec![Class::Ok; 6], vec![Class::Unreachable; 4]].concat();
    assert_eq!((down.classes(), down.exit()), (wanted, 7));
    for place in 6..10 {
        assert!(down.reason(place).contains("is the app up"), "{}", down.reason(place));
    }
}
