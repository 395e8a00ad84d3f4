//! Whole files: what is loaded, told, remembered and refused, over three real JVMs.

use std::sync::LazyLock;
use std::time::Duration;

use prepl_core::{Class, Digest, Limits, LoadedFile, Origin};
use prepl_gateway::{DEFAULT_WIDTH, Plan};
use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::jvm::Jvm;
use prepl_tests::{Asked, Cluster, Recording, World, plan};

use crate::recorded::{of_kind, records};

/// For all tests; they end with this process, as their standard inputs do.
static JVMS: LazyLock<Option<[Jvm; 3]>> =
    LazyLock::new(|| Some([start("--nrepl")?, start("--nrepl")?, start("--socket")?]));

const LONG: Duration = Duration::from_secs(60);

fn start(protocol: &str) -> Option<Jvm> {
    Jvm::start(&[protocol, "0"])
}

fn endpoint(jvm: &Jvm) -> Endpoint {
    match jvm.addresses("nrepl").first() {
        Some(address) => Endpoint::Nrepl(*address),
        None => Endpoint::Clojure(jvm.addresses("socket")[0]),
    }
}

fn file(name: &str, text: &str) -> Plan {
    let limits = Limits::new(LONG, 1 << 20, 1 << 20).unwrap();
    Plan { origin: Origin::File(name.parse().unwrap()), limits, ..plan(text) }
}

/// A sidecar for each JVM, and a gateway to them.
struct Fleet {
    world: World,
    gateway: Recording,
}

impl Fleet {
    async fn of(jvms: &[&Jvm]) -> Fleet {
        let mut world = World::new();
        for jvm in jvms {
            world.add(endpoint(jvm)).await;
        }
        let gateway = world.gateway(Role::Evaluator);
        Fleet { world, gateway }
    }

    /// `None` where there is no Java.
    async fn open() -> Option<Fleet> {
        Some(Fleet::of(&JVMS.as_ref()?.each_ref()).await)
    }

    async fn ask(&self, plan: Plan) -> Asked {
        Asked::ask(&self.gateway, &self.world.selection(), plan).await
    }

    async fn loaded(&self) -> Vec<Vec<LoadedFile>> {
        let all = self.world.selection();
        let told = self.gateway.describe(&all, LONG, DEFAULT_WIDTH).await;
        told.into_iter().map(|one| one.unwrap().loaded).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_loaded_with_its_lines_and_told_afterwards() {
    let Some(fleet) = Fleet::open().await else { return };
    let text = "(ns e2e.loaded)\n(defn boom []\n  (throw (ex-info \"x\" {})))\n:done";
    let asked = fleet.ask(file("e2e/loaded.clj", text)).await;
    assert_eq!(asked.classes(), [Class::Ok; 3], "{}", asked.reason(0));
    (0..3).for_each(|place| assert_eq!(asked.values(place), [":done"]));
    let thrown = fleet.ask(plan("(e2e.loaded/boom)")).await;
    for answer in &thrown.answers {
        let trace = &answer.raised[0].trace;
        assert!(trace.iter().any(|frame| frame.contains("(loaded.clj:3)")), "{trace:?}");
    }
    for files in fleet.loaded().await {
        let told: Vec<_> = files.iter().map(|one| (one.file.as_str(), one.digest)).collect();
        assert_eq!(told, [("e2e/loaded.clj", Digest::of(text))]);
    }
    let records = records(fleet.world.records().folder());
    let intents = of_kind(&records, "intent");
    assert_eq!(intents[0]["file"], serde_json::json!({ "name": "e2e/loaded.clj" }));
    assert_eq!(intents[1].get("file"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_throws_is_not_told_as_loaded_and_its_later_forms_do_not_run() {
    let Some(fleet) = Fleet::open().await else { return };
    assert_eq!(fleet.ask(file("throws.clj", "1")).await.classes(), [Class::Ok; 3]);
    assert!(fleet.loaded().await.iter().all(|files| files.len() == 1));
    let text = "(def e2e-count (atom 1))\n(/ 1 0)\n(reset! e2e-count 2)";
    let asked = fleet.ask(file("throws.clj", text)).await;
    assert_eq!(asked.classes(), [Class::Raised; 3]);
    let counted = fleet.ask(plan("@user/e2e-count")).await;
    (0..3).for_each(|place| assert_eq!(counted.values(place), ["1"]));
    assert_eq!(fleet.loaded().await, [const { Vec::new() }; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_loaded_is_forgotten_with_the_process() {
    for protocol in ["--nrepl", "--socket"] {
        let Some(mut jvm) = start(protocol) else { return };
        let fleet = Fleet::of(&[&jvm]).await;
        assert_eq!(fleet.ask(file("a.clj", "1")).await.classes(), [Class::Ok]);
        assert_eq!(fleet.loaded().await[0].len(), 1);
        let address = endpoint(&jvm).address().unwrap();
        jvm.kill();
        let port = address.port().to_string();
        let _next = Jvm::start(&[protocol, &port]).unwrap();
        assert_eq!(fleet.loaded().await, [Vec::new()]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_file_is_never_read_only() {
    let world = World::of_rhai(1).await;
    let gateway = world.gateway(Role::Evaluator);
    let read_only = Plan { read_only: true, ..file("a.rhai", "6 * 7") };
    let asked = Asked::ask(&gateway, &world.selection(), read_only).await;
    assert_eq!(asked.classes(), [Class::Refused]);
    assert!(asked.reason(0).starts_with("to load a file is to write"), "{}", asked.reason(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_of_the_sidecars_own_engine_is_a_file_through_a_gateway_too() {
    let cluster = Cluster::of(World::of_rhai(2).await, 1);
    let mira = cluster.user("mira").await;
    let all = cluster.world.selection();
    let asked = Asked::ask_at(&mira, &all, &file("ops/check.rhai", "let x = 6;\nx * 7")).await;
    assert_eq!(asked.classes(), [Class::Ok; 2], "{}", asked.reason(0));
    (0..2).for_each(|place| assert_eq!(asked.values(place), ["42"]));
    let at = Origin::at("ops/check.rhai".parse().unwrap(), 7, 1);
    let asked = Asked::ask_at(&mira, &all, &Plan { origin: at, ..plan("1") }).await;
    assert_eq!(asked.classes(), [Class::Ok; 2], "{}", asked.reason(0));
    let told = mira.describe(&all, LONG, DEFAULT_WIDTH).await.unwrap();
    for told in told {
        let loaded = told.unwrap().loaded;
        assert_eq!(loaded.len(), 1, "a place is no whole file");
        assert_eq!(loaded[0].file.as_str(), "ops/check.rhai");
    }
}
