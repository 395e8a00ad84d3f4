//! Input for evaluations that run: every replica reads it when it asks, and it is recorded first.

use std::sync::LazyLock;
use std::time::Duration;

use prepl_core::ports::{Connect, Line};
use prepl_core::{Class, Input, Limits, NoInput, Selection};
use prepl_gateway::{Dialer, NotGiven, Plan};
use prepl_identity::{Credentials, Role};
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::jvm::Jvm;
use prepl_tests::{App, Asked, Running, World, in_time, plan};

use crate::recorded::{of_kind, records};

/// It is for all tests, and ends with this process.
static JVM: LazyLock<Option<Jvm>> =
    LazyLock::new(|| Jvm::start(&["--nrepl", "0,0", "--socket", "0"]));

/// More than a busy machine needs.
const LONG: Duration = Duration::from_secs(100);

pub(crate) fn interactive(expression: &str) -> Plan {
    let limits = Limits::new(LONG, 1 << 20, 1 << 20).unwrap();
    Plan { interactive: true, limits, ..plan(expression) }
}

pub(crate) async fn reading(apps: usize, times: usize) -> Vec<App> {
    let mut all = Vec::new();
    for _ in 0..apps {
        all.push(App::reading(times).await);
    }
    all
}

async fn world_of(apps: &[App]) -> World {
    let mut world = World::new();
    for app in apps {
        world.add(Endpoint::Nrepl(app.address)).await;
    }
    world
}

async fn begin(world: &World, plan: Plan) -> Running {
    Running::begin(&world.gateway(Role::Evaluator), &world.selection(), plan).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_replica_reads_what_is_given_line_by_line() {
    let apps = reading(2, 3).await;
    let world = world_of(&apps).await;
    let mut run = begin(&world, interactive("1")).await;
    run.until_asked(0, 1).await;
    run.input("o", false).await.unwrap();
    run.until_asked(0, 2).await;
    run.input("ne\ntwo\nleft\n", false).await.unwrap();
    let asked = run.finish().await;
    assert_eq!(asked.classes(), [Class::Ok; 2], "{}", asked.reason(0));
    assert_eq!(asked.values(0), ["one|two|"]);
    // The second one may have asked later, for whole lines.
    let second = asked.values(1).concat();
    assert!(["one|two|", "one|two|left|"].contains(&&*second), "{second}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn input_that_comes_before_it_is_asked_for_waits() {
    let app = App::reading(2).await;
    let world = world_of(std::slice::from_ref(&app)).await;
    let run = begin(&world, interactive("1")).await;
    run.input("one\n", false).await.unwrap();
    run.input("two\n", true).await.unwrap();
    assert_eq!(run.finish().await.values(0), ["one|two|"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_input_is_read_as_such() {
    let apps = reading(1, 3).await;
    let world = world_of(&apps).await;
    let run = begin(&world, interactive("1")).await;
    run.input("last", true).await.unwrap();
    assert_eq!(run.finish().await.values(0), ["last"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_evaluation_that_is_not_interactive_reads_the_end_at_once() {
    let apps = reading(1, 2).await;
    let world = world_of(&apps).await;
    let run = begin(&world, plan("1")).await;
    let refused = run.input("one\n", false).await;
    assert!(matches!(refused, Err(NotGiven::NotTaken(NoInput::NotInteractive))), "{refused:?}");
    assert_eq!(run.finish().await.values(0), [""]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_input_too_long_ends_as_any_other() {
    let apps = reading(1, 1).await;
    let world = world_of(&apps).await;
    let limits = Limits::new(Duration::from_millis(300), 1 << 20, 1 << 20).unwrap();
    let asked = begin(&world, Plan { limits, ..interactive("1") }).await.finish().await;
    assert_eq!(asked.classes(), [Class::Unknown]);
    assert!(asked.reason(0).contains("no answer within 300ms"), "{}", asked.reason(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_or_empty_goes_nowhere() {
    let apps = reading(1, 1).await;
    let world = world_of(&apps).await;
    let run = begin(&world, interactive("1")).await;
    for text in ["", &"x".repeat((64 << 10) + 1)] {
        let refused = run.input(text, false).await;
        assert!(matches!(refused, Err(NotGiven::NotTaken(NoInput::Bad(_)))), "{refused:?}");
    }
    run.input("right\n", false).await.unwrap();
    assert_eq!(run.finish().await.values(0), ["right|"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gives_input_to_the_evaluation_of_another() {
    let apps = reading(1, 1).await;
    let world = world_of(&apps).await;
    let asked = interactive("1");
    let request = asked.request;
    let mut run = begin(&world, asked).await;
    run.until_asked(0, 1).await;
    let otto = Credentials::fixed(world.user(Role::Admin, "otto"));
    let line = Dialer::new(&otto).connect(&world.replicas()[0]).await.unwrap();
    let forged = Input::new(0, "forged\n".into(), false).unwrap();
    in_time(line.input(request, "uid-1", &forged)).await.unwrap();
    let elsewhere = in_time(line.input(request, "uid-2", &forged)).await.unwrap_err();
    assert!(elsewhere.as_str().contains("another replica"), "{elsewhere}");
    run.input("mine\n", false).await.unwrap();
    assert_eq!(run.finish().await.values(0), ["mine|"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn input_is_in_the_log_before_it_is_read() {
    let apps = reading(1, 2).await;
    let world = world_of(&apps).await;
    let mut run = begin(&world, interactive("1")).await;
    run.until_asked(0, 1).await;
    run.input("(drop! 7)\n", false).await.unwrap();
    run.until_asked(0, 2).await;
    let begun = records(world.records().folder());
    let [intent] = of_kind(&begun, "intent")[..] else { panic!("{begun:?}") };
    let [given] = of_kind(&begun, "input_given")[..] else { panic!("{begun:?}") };
    assert_eq!(of_kind(&begun, "outcome").len(), 0);
    assert_eq!((&given["run"], given["place"].as_u64()), (&intent["run"], Some(0)));
    assert_eq!(given["code"]["text"], "(drop! 7)\n");
    assert_eq!(given["who"]["username"], "mira");
    run.input("", true).await.unwrap();
    assert_eq!(run.finish().await.values(0), ["(drop! 7)|"]);
    let ended = records(world.records().folder());
    assert_eq!(of_kind(&ended, "input_given")[1]["end"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn input_that_cannot_be_recorded_is_read_by_nobody() {
    let apps = reading(1, 1).await;
    let world = world_of(&apps).await;
    let mut run = begin(&world, interactive("1")).await;
    run.until_asked(0, 1).await;
    world.records().recorder().await.log().close().await.unwrap();
    let refused = run.input("unrecorded\n", true).await;
    assert!(matches!(refused, Err(NotGiven::NotRecorded(_))), "{refused:?}");
    run.interrupt();
    let asked = run.finish().await;
    assert_eq!((asked.classes(), asked.values(0).len()), (vec![Class::Unknown], 0));
}

/// What a program of the app reads, it may evaluate.
const READS: &str = "[(read-line) (eval (read-string (read-line))) (read-line)]";

async fn real() -> Option<(World, Selection)> {
    let jvm = JVM.as_ref()?;
    let mut world = World::new();
    for address in jvm.addresses("nrepl") {
        world.add(Endpoint::Nrepl(address)).await;
    }
    for address in jvm.addresses("socket") {
        world.add(Endpoint::Clojure(address)).await;
    }
    let all = world.selection();
    Some((world, all))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_clojure_reads_it_over_nrepl_and_the_socket() {
    let Some((world, _)) = real().await else { return };
    let mut run = begin(&world, interactive(READS)).await;
    for place in 0..3 {
        run.until_asked(place, 1).await;
    }
    run.input("yes ☃\n", false).await.unwrap();
    run.input("(count-sessions)\n", false).await.unwrap();
    run.input("last", true).await.unwrap();
    let asked = run.finish().await;
    assert_eq!(asked.classes(), [Class::Ok; 3], "{:?}", asked.answers);
    for place in 0..3 {
        assert_eq!(asked.values(place), ["[\"yes ☃\" 12 \"last\"]"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_kept_session_nothing_that_was_not_asked_for_is_read_next() {
    let Some((world, all)) = real().await else { return };
    let session = Some("reads".parse().unwrap());
    let run = begin(&world, Plan { session: session.clone(), ..interactive("(read-line)") }).await;
    run.input("asked\nnot asked\n", false).await.unwrap();
    let first = run.finish().await;
    assert_eq!(first.values(0), ["\"asked\""], "{:?}", first.answers);
    let next = Plan { session, ..interactive("(read-line)") };
    let next = Plan { interactive: false, ..next };
    let next = Asked::ask(&world.gateway(Role::Evaluator), &all, next).await;
    for place in 0..3 {
        assert_eq!(next.values(place), ["nil"], "{:?}", next.answers);
    }
}
