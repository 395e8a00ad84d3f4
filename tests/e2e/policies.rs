//! The policies of a local fleet: what they deny is not sent, and what they lower is held by the
//! sidecars (P1).

use std::fs;
use std::path::Path;

use prepl_core::Class;
use prepl_gateway::local::{Fleet, FleetUser};
use prepl_gateway::{Gateway, Grounds, Mode, Plan, RemoteFailed, Request};
use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::{App, Asked, Cluster, Running, World, plan};

/// The user of the world's folder, with this policy in it.
fn held_to(world: &World, policy: &str) -> FleetUser {
    let folder = world.write_fleet(Role::Evaluator);
    write(&folder, policy);
    Fleet::open(&folder).unwrap().user().unwrap()
}

fn write(folder: &Path, policy: &str) {
    fs::create_dir_all(folder.join("policies")).unwrap();
    fs::write(folder.join("policies/rules.toml"), policy).unwrap();
}

fn request(plan: &Plan, reason: &str) -> Request {
    Request {
        mode: Mode::Eval,
        limits: plan.limits,
        expression: Some(plan.expression.clone()),
        read_only: false,
        grounds: Grounds::new(reason, "").unwrap(),
    }
}

async fn ask(world: &World, user: &FleetUser, plan: Plan) -> Asked {
    let permit = user.permit(&world.selection(), &request(&plan, "why")).unwrap();
    let gateway = world.records().with(Gateway::new(user.dialer()));
    Running::permitted(&gateway, permit, plan).await.finish().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_lowered_on_every_replica() {
    let world = World::of_rhai(2).await;
    let user =
        held_to(&world, "[ceilings]\neval_seconds = 1\nvalue_bytes = 10\noutput_bytes = 5\n");
    let asked = ask(&world, &user, plan("loop {}")).await;
    assert_eq!(asked.classes(), [Class::Unknown; 2]);
    assert!(asked.reason(0).contains("1s"), "{}", asked.reason(0));
    let printing = plan("print(\"0123456789\"); \"abcdefghijklmnopqrstuvwxyz\"");
    let asked = ask(&world, &user, printing).await;
    assert_eq!(asked.classes(), [Class::Ok; 2]);
    for place in 0..2 {
        assert!(asked.answers[place].values[0].truncated);
        assert_eq!(asked.values(place)[0].len(), 10);
        assert_eq!(asked.printed(place).len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_denied_or_only_judged_is_not_sent() {
    let app = App::start().await;
    let mut world = World::new();
    world.add(Endpoint::Nrepl(app.address)).await;
    let policy = "[reason]\nrequired = true\n\
                  [[expressions.deny]]\nregex = \"exit\"\nmessage = \"restart the pod instead\"\n\
                  [[expressions.deny]]\nrhai = 'loop {}'\n";
    let user = held_to(&world, policy);
    let selection = world.selection();
    let exit = plan("(exit)");
    let judged = user.judge(&selection, &request(&exit, "why")).unwrap().judged().clone();
    let denied = judged.denied().unwrap().to_string();
    let words = "denied by policies/rules.toml, expression 1: restart the pod instead";
    assert_eq!(denied, format!("{words} (and by one more rule)"));
    let denied = user.permit(&selection, &request(&exit, "")).unwrap_err().to_string();
    assert!(denied.contains("reason: it demands a reason; give one with --reason"), "{denied}");
    let denied = user.permit(&selection, &request(&plan("1"), "why")).unwrap_err().to_string();
    assert!(denied.contains("cannot be judged, and so it denies"), "{denied}");
    assert_eq!(app.evaluations(), 0, "something was sent");
    app.release();
    let user = held_to(&world, "[reason]\nrequired = true\n");
    let asked = ask(&world, &user, plan("1")).await;
    assert_eq!((asked.classes(), app.evaluations()), (vec![Class::Ok], 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_about_the_replicas_that_it_selects() {
    let world = World::of_rhai(2).await;
    let of_others = "selector = \"app=web\"\n[ceilings]\nmode = \"inspect\"\n";
    let user = held_to(&world, of_others);
    assert_eq!(ask(&world, &user, plan("6 * 7")).await.values(1), ["42"]);
    let user = held_to(&world, &of_others.replace("web", "api"));
    let denied = user.permit(&world.selection(), &request(&plan("1"), "")).unwrap_err();
    assert!(denied.to_string().contains("at most inspect is allowed"), "{denied}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_judges_without_running_and_denies_what_it_judges_so() {
    let mut cluster = Cluster::of(World::of_rhai(2).await, 1);
    let mira = cluster.user("mira").await;
    let selection = cluster.world.selection();
    // A replica that the gateway does not know.
    let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    cluster.world.add_at(nowhere);
    let with = |ticket: &str| {
        let grounds = Grounds::new("", ticket).unwrap();
        (Request { grounds: grounds.clone(), ..request(&plan("1"), "") }, mira.because(grounds))
    };
    let (wrong, as_wrong) = with("CHG-1");
    let (judged, gone) = mira.judge(&cluster.world.selection(), &wrong).await.unwrap();
    assert_eq!((judged.limits, gone), (wrong.limits, 1));
    let words = "denied by the test's policy, ticket: the ticket must match ^INC-; give such a one \
                 with --ticket ID";
    assert_eq!(judged.denied().unwrap().to_string(), words);
    let denied = as_wrong.run(&selection, &plan("1")).await.unwrap_err();
    assert!(matches!(&denied, RemoteFailed::Denied(told) if told == words), "{denied}");
    assert_eq!(cluster.runs(0), 0);
    let (right, as_right) = with("INC-1");
    assert!(mira.judge(&selection, &right).await.unwrap().0.denied().is_none());
    assert_eq!(cluster.runs(0), 0, "it was run to be judged");
    let asked = Asked::ask_at(&as_right, &selection, &plan("6 * 7")).await;
    assert_eq!(asked.values(0), ["42"], "{}", asked.reason(0));
    cluster.deny();
    let denied = mira.judge(&selection, &right).await.unwrap_err();
    assert!(matches!(denied, RemoteFailed::Denied(_)), "{denied}");
}
