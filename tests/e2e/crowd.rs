//! One bad replica does not hold up the others (P10).

use std::time::Duration;

use prepl_core::{Class, Event, Limits, Report};
use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::hostile::{Conduct, Hostile};
use prepl_tests::{World, in_time, permitted, plan};

const GOOD: usize = 97;

/// The bad ones stand first: they are asked first, and hold their places to the end.
async fn world_of_a_hundred(bad: &[Hostile]) -> World {
    let mut world = World::new();
    for repl in bad {
        world.add(Endpoint::Nrepl(repl.address)).await;
    }
    for _ in 0..GOOD {
        world.add(Endpoint::Rhai).await;
    }
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_a_flooding_and_a_babbling_replica_hold_up_nobody() {
    let conducts = [
        Conduct::nrepl(),
        Conduct::nrepl().on_eval("").floods("d2:id1:33:out4:more e".replace(' ', "")),
        Conduct::nrepl().on_eval("").floods("d2:id1:96:statusl5:otheree"),
    ];
    let mut bad = Vec::new();
    for conduct in conducts {
        bad.push(Hostile::start(conduct).await);
    }
    let world = world_of_a_hundred(&bad).await;
    let mut patient = plan("40 + 2");
    patient.limits = Limits::new(Duration::from_secs(3600), 1024, 1024).unwrap();
    let mut run = world.gateway(Role::Evaluator).run(permitted(&world.selection()), patient).await;
    let mut ended = Vec::new();
    in_time(async {
        while let Some(report) = run.next().await {
            if let Report::Replica { replica, event: Event::Done(done), .. } = report {
                ended.push((replica.get(), done.outcome.class()));
            }
            // Only now: nothing else ends the bad ones before their hour is over.
            if ended.len() == GOOD {
                run.stopper().interrupt();
            }
        }
    })
    .await;
    let (good, bad): (Vec<_>, Vec<_>) = ended.into_iter().partition(|(place, _)| *place >= 3);
    assert_eq!((good.len(), bad.len()), (GOOD, 3));
    assert!(good.iter().all(|(_, class)| *class == Class::Ok));
    assert!(bad.iter().all(|(_, class)| *class == Class::Unknown), "{bad:?}");
}
