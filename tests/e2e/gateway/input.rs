//! Input through a gateway: what its user signed, in his order, and nothing else.

use prepl_core::ports::{Connect, Line};
use prepl_core::{Class, Input};
use prepl_gateway::{Dialer, Gateway, Plan};
use prepl_identity::Credentials;
use prepl_tests::{Cluster, Running, in_time, shown, shown_input};

use crate::input::{interactive, reading};
use crate::recorded::{of_kind, records};

fn piece(place: u32, text: &str) -> Input {
    Input::new(place, text.to_owned().into(), false).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_replica_reads_what_is_given_and_the_gateway_records_it_first() {
    let apps = reading(2, 2).await;
    let cluster = Cluster::of_apps(&apps, 1).await;
    let mira = cluster.user("mira").await;
    let all = cluster.world.selection();
    let mut run = Running::begin_at(&mira, &all, &interactive("1")).await;
    run.until_asked(0, 1).await;
    run.until_asked(1, 1).await;
    run.input("one\n", false).await.unwrap();
    run.until_asked(1, 2).await;
    let folder = cluster.world.path().join("records/gateway-1");
    let begun = records(&folder);
    let [given] = of_kind(&begun, "input_given")[..] else { panic!("{begun:?}") };
    assert_eq!((&given["code"]["text"], &given["replicas"]), (&"one\n".into(), &2.into()));
    run.input("two\n", true).await.unwrap();
    let asked = run.finish().await;
    assert_eq!(asked.classes(), [Class::Ok; 2], "{}", asked.reason(0));
    assert_eq!((asked.values(0), asked.values(1)), (vec!["one|two|"], vec!["one|two|"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_reads_on_at_another_gateway_and_nothing_twice() {
    let apps = reading(1, 3).await;
    let mut cluster = Cluster::of_apps(&apps, 2).await;
    let mira = cluster.user("mira").await;
    let all = cluster.world.selection();
    let mut run = Running::begin_at(&mira, &all, &interactive("1")).await;
    run.until_asked(0, 1).await;
    run.input("one\n", false).await.unwrap();
    run.until_asked(0, 2).await;
    cluster.kill(0).await;
    run.input("two\n", false).await.unwrap();
    cluster.until_run(1).await;
    run.input("three\n", false).await.unwrap();
    let asked = run.finish().await;
    assert_eq!(asked.values(0), ["one|two|three|"], "{}", asked.reason(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn input_that_its_gateway_cannot_record_ends_the_run() {
    let apps = reading(1, 1).await;
    let cluster = Cluster::of_apps(&apps, 1).await;
    let mira = cluster.user("mira").await;
    let all = cluster.world.selection();
    let mut run = Running::begin_at(&mira, &all, &interactive("1")).await;
    run.until_asked(0, 1).await;
    cluster.close_log(0).await;
    run.input("unrecorded\n", true).await.unwrap();
    let asked = run.finish().await;
    assert_eq!((asked.classes(), asked.values(0).len()), (vec![Class::Unknown], 0));
}

/// A gateway whose every key is stolen, and an evaluation that mira signed and that waits for input.
struct Thief {
    cluster: Cluster,
    plan: Plan,
    dialer: Dialer,
}

impl Thief {
    async fn with(cluster: Cluster) -> Thief {
        let plan = interactive("1");
        let all = cluster.world.selection();
        let shown = shown(&cluster.access("mira"), &all, &plan);
        let stolen = Credentials::fixed(cluster.gateway_bundle("stolen"));
        let dialer = Dialer::new(&stolen).on_behalf_of("mira".into(), Some(shown));
        Thief { cluster, plan, dialer }
    }

    async fn begin(&self) -> Running {
        let gateway = self.cluster.world.records().with(Gateway::new(self.dialer.clone()));
        let all = self.cluster.world.selection();
        let mut run = Running::begin(&gateway, &all, self.plan.clone()).await;
        run.until_asked(0, 1).await;
        run
    }

    fn signed_by(&self, user: &str, plan: &Plan, input: Input) -> Input {
        shown_input(&self.cluster.access(user), &self.cluster.world.selection(), plan, input)
    }

    /// Gives a piece to the first replica; why it does not get it.
    async fn give(&self, input: &Input) -> Result<(), String> {
        let line = self.dialer.connect(&self.cluster.world.replicas()[0]).await.unwrap();
        let given = in_time(line.input(self.plan.request, "uid-1", input)).await;
        given.map_err(|why| why.to_string())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_gateway_invents_widens_reorders_and_repeats_no_input() {
    let apps = reading(1, 2).await;
    let thief = Thief::with(Cluster::of_apps(&apps, 0).await).await;
    let mut run = thief.begin().await;
    let refused = async |input: &Input, why: &str| {
        let told = thief.give(input).await.unwrap_err();
        assert!(told.contains(why), "{why:?} in {told}");
    };
    let plan = &thief.plan;
    let first = thief.signed_by("mira", plan, piece(0, "one\n"));
    let second = thief.signed_by("mira", plan, piece(1, "two\n"));
    let signed = |input: &Input| input.signed().cloned();
    refused(&piece(0, "forged\n"), "shows nothing that its user signed").await;
    refused(&piece(0, "forged\n").with(signed(&first)), "another piece of input").await;
    refused(&piece(0, "two\n").with(signed(&second)), "another piece of input").await;
    let end = Input::new(0, "one\n".into(), true).unwrap().with(signed(&first));
    refused(&end, "another piece of input").await;
    refused(&second, "a piece of input is missing before").await;
    let another = Plan { request: interactive("1").request, ..plan.clone() };
    refused(&thief.signed_by("mira", &another, piece(0, "one\n")), "for another request").await;
    // It is otto's own then, who has nothing that runs here.
    thief.give(&thief.signed_by("otto", plan, piece(0, "otto\n"))).await.unwrap();
    thief.give(&first).await.unwrap();
    run.until_asked(0, 2).await;
    // Once more, and another text that mira signed for the same place.
    thief.give(&first).await.unwrap();
    thief.give(&thief.signed_by("mira", plan, piece(0, "changed\n"))).await.unwrap();
    thief.give(&second).await.unwrap();
    assert_eq!(run.finish().await.values(0), ["one|two|"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_evaluation_that_was_signed_without_input_reads_none() {
    let apps = reading(1, 1).await;
    let cluster = Cluster::of_apps(&apps, 0).await;
    let plain = Plan { interactive: false, ..interactive("1") };
    let all = cluster.world.selection();
    let shown = shown(&cluster.access("mira"), &all, &plain);
    let stolen = Credentials::fixed(cluster.gateway_bundle("stolen"));
    let dialer = Dialer::new(&stolen).on_behalf_of("mira".into(), Some(shown));
    let gateway = cluster.world.records().with(Gateway::new(dialer));
    let wider = Plan { interactive: true, ..plain };
    let asked = Running::begin(&gateway, &all, wider).await.finish().await;
    assert_eq!(asked.classes(), [Class::Refused]);
    assert!(asked.reason(0).contains("without input"), "{}", asked.reason(0));
}
