//! Read-only evaluations: held by a real database, by the engine, or refused.

use std::sync::LazyLock;
use std::time::Duration;

use prepl_core::read_only::{Function, Keeper};
use prepl_core::{Class, RequestId};
use prepl_gateway::gateway::Described;
use prepl_gateway::{DEFAULT_WIDTH, Plan};
use prepl_identity::Role;
use prepl_sidecar::endpoint::{Endpoint, Repl};
use prepl_tests::database::Database;
use prepl_tests::jvm::Jvm;
use prepl_tests::{App, Asked, Recording, World, plan};

const FUNCTION: &str = "shop.db/read-only";

/// For all tests; both end with this process, as their standard inputs do.
static SHOP: LazyLock<Option<(Database, Jvm)>> = LazyLock::new(|| {
    let database = Database::start()?;
    let jvm = database.shop(&["--nrepl", "0", "--socket", "0"])?;
    Some((database, jvm))
});

/// Two replicas of a shop, by nREPL and by socket REPL, and a gateway to them.
struct Shop {
    world: World,
    gateway: Recording,
}

impl Shop {
    /// `None` where there is no database or no Java.
    async fn open() -> Option<Shop> {
        let (_, jvm) = SHOP.as_ref()?;
        let mut world = World::new();
        let read_only: Option<Function> = FUNCTION.parse().ok();
        for endpoint in [
            Endpoint::Nrepl(jvm.addresses("nrepl")[0]),
            Endpoint::Clojure(jvm.addresses("socket")[0]),
        ] {
            world.add(Repl { endpoint, read_only: read_only.clone() }).await;
        }
        let gateway = world.gateway(Role::Evaluator);
        let shop = Shop { world, gateway };
        let prepare = "(require 'shop.db) (locking shop.db/orders (try (shop.db/prepare!) \
                       (catch java.sql.SQLException _ :is-there)))";
        assert_eq!(shop.ask(plan(prepare)).await.classes(), [Class::Ok; 2]);
        Some(shop)
    }

    async fn ask(&self, plan: Plan) -> Asked {
        Asked::ask(&self.gateway, &self.world.selection(), plan).await
    }

    async fn read(&self, expression: &str) -> Asked {
        self.ask(read(expression)).await
    }
}

fn read(expression: &str) -> Plan {
    Plan { read_only: true, ..plan(expression) }
}

fn says(asked: &Asked, word: &str) -> bool {
    asked.answers.iter().all(|answer| answer.notices.iter().any(|notice| notice.contains(word)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_answers_reads_and_refuses_writes() {
    let Some(shop) = Shop::open().await else { return };
    let asked = shop.read("(<= 0 (shop.db/orders))").await;
    assert_eq!(asked.classes(), [Class::Ok; 2], "{:?}", asked.answers);
    assert_eq!([asked.values(0), asked.values(1)], [["true"], ["true"]]);
    assert!(says(&asked, "within shop.db/read-only") && says(&asked, "nothing keeps memory"));
    let wrote = shop.read("(shop.db/order! 1)").await;
    assert_eq!(wrote.classes(), [Class::Raised; 2]);
    for answer in &wrote.answers {
        assert!(answer.raised[0].message.contains("permission denied for table orders"));
        assert_eq!(&*answer.raised[0].class, "org.postgresql.util.PSQLException");
    }
    // A write that hides in a lazy value is found while it is printed.
    let lazy = shop.read("(map shop.db/order! [1 2])").await;
    assert_eq!(lazy.classes(), [Class::Raised; 2]);
    let there = shop.ask(plan("(shop.db/order! (rand-int 2000000000))")).await;
    assert_eq!(there.classes(), [Class::Ok; 2], "an ordinary evaluation may write");
}

/// What docs/read-only.md says is not held; this shows that it says so with reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_threads_and_other_connections_are_not_held() {
    let Some(shop) = Shop::open().await else { return };
    let written = shop.read("(def box (atom 0)) (reset! box 1) @box").await;
    assert_eq!([written.values(0)[1], written.values(1)[2]], ["1", "1"]);
    let elsewhere = "(with-open [c (shop.db/connect \"owner\") s (.createStatement c)] \
                     (.executeUpdate s \"insert into orders values (floor(random() * 1e15))\"))";
    let own = shop.read(elsewhere).await;
    assert_eq!([own.values(0), own.values(1)], [["1"], ["1"]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_the_function_calls_nothing_and_nothing_runs() {
    let Some(shop) = Shop::open().await else { return };
    let broken = "(alter-var-root #'shop.db/place (constantly \"127.0.0.1:1\"))";
    let Some(jvm) = SHOP.as_ref().and_then(|(database, _)| database.shop(&["--nrepl", "0"])) else {
        return;
    };
    drop(shop);
    let mut world = World::new();
    let endpoint = Endpoint::Nrepl(jvm.addresses("nrepl")[0]);
    world.add(Repl { endpoint, read_only: FUNCTION.parse().ok() }).await;
    let gateway = world.gateway(Role::Evaluator);
    let ask = async |plan| Asked::ask(&gateway, &world.selection(), plan).await;
    ask(plan(&format!("(require 'shop.db) {broken}"))).await;
    let asked = ask(read("(def ran true)")).await;
    assert_eq!(asked.classes(), [Class::Refused], "{:?}", asked.answers);
    assert!(asked.reason(0).contains("shop.db/read-only did not call"), "{}", asked.reason(0));
    assert!(asked.answers[0].notices.is_empty());
    assert_eq!(ask(plan("(resolve 'ran)")).await.values(0), ["nil"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_holds_it_is_refused_and_nothing_is_sent() {
    let app = App::start().await;
    let mut world = World::new();
    world.add(Endpoint::Nrepl(app.address)).await;
    // Its language is not Clojure: the function is of no use there.
    let endpoint = Endpoint::Nrepl(app.address);
    world.add(Repl { endpoint, read_only: FUNCTION.parse().ok() }).await;
    let gateway = world.gateway(Role::Evaluator);
    let asked = Asked::ask(&gateway, &world.selection(), read("(book!)")).await;
    assert_eq!(asked.classes(), [Class::Refused; 2]);
    for place in [0, 1] {
        assert!(asked.reason(place).contains("nothing keeps this REPL from writing"));
    }
    assert_eq!(app.evaluations(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_holds_it_and_asks_no_server() {
    let world = World::of_rhai(1).await;
    let gateway = world.gateway(Role::Evaluator);
    let ask = async |plan| Asked::ask(&gateway, &world.selection(), plan).await;
    let asked = ask(read("6 * 7")).await;
    assert_eq!((asked.values(0), asked.classes()), (vec!["42"], vec![Class::Ok]));
    assert!(says(&asked, "read-only"));
    let get = "http_get(\"http://127.0.0.1:1/\")";
    let asked = ask(read(get)).await;
    assert!(asked.answers[0].raised[0].message.contains("read-only"), "{:?}", asked.answers);
    let asked = ask(plan(get)).await;
    assert!(!asked.answers[0].raised[0].message.contains("read-only"));
    assert!(asked.answers[0].notices.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_recalled_with_or_without_the_flag_and_nothing_runs() {
    let world = World::of_rhai(1).await;
    let gateway = world.gateway(Role::Evaluator);
    let ask = async |plan| Asked::ask(&gateway, &world.selection(), plan).await;
    let first = Plan { request: RequestId::from_random([77; 16]), ..read("6 * 7") };
    ask(first.clone()).await;
    for read_only in [true, false] {
        let recalled = ask(Plan { recall: true, read_only, ..first.clone() }).await;
        assert_eq!(recalled.values(0), ["42"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_replica_tells_what_holds_it() {
    let Some(mut shop) = Shop::open().await else { return };
    shop.world.add(Endpoint::Rhai).await;
    let nrepl = SHOP.as_ref().unwrap().1.addresses("nrepl")[0];
    shop.world.add(Endpoint::Nrepl(nrepl)).await;
    let selection = shop.world.selection();
    let told = shop.gateway.describe(&selection, Duration::from_secs(10), DEFAULT_WIDTH).await;
    let keepers: Vec<Option<Keeper>> =
        told.into_iter().map(|one: Described| one.unwrap().read_only).collect();
    let function = || Some(Keeper::Function(FUNCTION.parse().unwrap()));
    assert_eq!(keepers, [function(), function(), Some(Keeper::Engine), None]);
}
