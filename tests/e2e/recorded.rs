//! What is written down of runs and tunnels: before, after, and when nobody waits for the end.

use std::path::Path;

use prepl_core::{Class, Event, Report};
use prepl_gateway::{Grounds, Mode, Request};
use prepl_identity::Role;
use prepl_tests::attached::{Plain, attach};
use prepl_tests::{App, Asked, World, in_time, permitted, plan};
use serde_json::Value;

/// The records of a log, checked as a whole first.
pub(crate) fn records(folder: &Path) -> Vec<Value> {
    let verified = prepl_audit::verify(folder, None).unwrap();
    assert_eq!(verified.fault, None);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let text: String = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn of_kind<'a>(records: &'a [Value], kind: &'a str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["kind"] == kind).map(|record| &record["body"]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_told_before_it_starts_and_when_it_has_ended() {
    let mut world = World::of_rhai(2).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    world.add_at(closed);
    let gateway = world.gateway(Role::Evaluator);
    let asked = Asked::ask(&gateway, &world.selection(), plan("6 * 7")).await;
    assert_eq!(asked.classes(), [Class::Ok, Class::Ok, Class::Unreachable]);
    let records = records(world.records().folder());
    let kinds: Vec<_> = records.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["chain", "opened", "intent", "outcome"]);
    let (intent, outcome) = (&records[2]["body"], &records[3]["body"]);
    assert_eq!(intent["expression"]["text"], "6 * 7");
    assert_eq!(intent["who"]["username"], "mira");
    assert_eq!(intent["replicas"]["list"].as_array().unwrap().len(), 3);
    assert_eq!(intent["decision"]["rights"][0]["workload"], "deployment/api");
    assert_eq!(intent["run"], outcome["run"]);
    let told = |place: usize| outcome["replicas"][place]["class"].as_str().unwrap();
    assert_eq!([told(0), told(1), told(2)], ["ok", "ok", "unreachable"]);
    assert_eq!(outcome["replicas"][0]["value_count"], 1);
    assert!(outcome["replicas"][2]["reason"].is_string(), "{outcome}");
    assert!(!outcome.to_string().contains("42"), "an answer stands in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_leaves_a_run_leaves_what_is_not_known_of_it() {
    let app = App::start().await;
    let mut world = World::of_rhai(1).await;
    world.add(prepl_sidecar::endpoint::Endpoint::Nrepl(app.address)).await;
    let gateway = world.gateway(Role::Evaluator);
    let mut run = gateway.run(permitted(&world.selection()), plan("1")).await;
    loop {
        match in_time(run.next()).await.unwrap() {
            Report::Replica { event: Event::Done(_), .. } => break,
            Report::Finished(_) => panic!("the app was not asked"),
            _ => {}
        }
    }
    drop(run);
    in_time(world.records().recorder().await.close()).await.unwrap();
    let records = records(world.records().folder());
    let [outcome] = of_kind(&records, "outcome")[..] else { panic!("{records:?}") };
    assert_eq!(outcome["replicas"][0]["class"], "ok");
    assert_eq!(outcome["replicas"][1]["class"], "unknown");
    assert_eq!(records.last().unwrap()["kind"], "closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_is_told_before_it_opens_and_when_it_has_ended() {
    let repl = Plain::echo().await;
    let mut world = World::new();
    world.add(prepl_sidecar::endpoint::Endpoint::Clojure(repl.address)).await;
    let tunnel = attach(&world.gateway(Role::Admin), &world.replicas()[0]).await.unwrap();
    in_time(tunnel.close()).await;
    in_time(world.records().recorder().await.close()).await.unwrap();
    let records = records(world.records().folder());
    let [opened] = of_kind(&records, "attach_opened")[..] else { panic!("{records:?}") };
    let [closed] = of_kind(&records, "attach_closed")[..] else { panic!("{records:?}") };
    assert_eq!(opened["request"], closed["request"]);
    assert_eq!(opened["replicas"]["list"][0]["name"], "api-1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_policy_redacts_is_in_no_file() {
    let world = World::of_rhai(1).await;
    let policies = world.path().join("policies");
    std::fs::create_dir_all(&policies).unwrap();
    let policy = "[[redaction]]\npattern = \"[0-9]{16}\"\nreplace = \"<card>\"";
    std::fs::write(policies.join("cards.toml"), policy).unwrap();
    let folder = world.write_fleet(Role::Evaluator);
    let user = prepl_gateway::local::Fleet::open(&folder).unwrap().user().unwrap();
    let plan = plan("\"card 1234567812345678\"");
    let request = Request {
        mode: Mode::Eval,
        limits: plan.limits,
        expression: Some(plan.expression.clone()),
        read_only: false,
        grounds: Grounds::new("refund of 1234567812345678", "").unwrap(),
    };
    let permit = user.permit(&world.selection(), &request).unwrap();
    let recorder = world.records().recorder().await;
    let recorded = recorder.run(permit, plan, &user.asker(request.grounds)).await.unwrap();
    let mut run = prepl_gateway::Gateway::new(user.dialer()).run(recorded);
    while in_time(run.next()).await.is_some() {}
    let records = records(world.records().folder());
    let [intent] = of_kind(&records, "intent")[..] else { panic!("{records:?}") };
    assert_eq!(intent["expression"]["text"], "\"card <card>\"");
    assert_eq!(intent["reason"], "refund of <card>");
    assert_eq!(intent["decision"]["policies"][0]["policy"], "policies/cards.toml");
    assert!(records.iter().all(|record| !record.to_string().contains("1234567812345678")));
}
