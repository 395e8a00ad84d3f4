//! A gateway dies at each point that a run or a tunnel comes by, each time that it does.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use prepl_core::Class;
use prepl_fault::LABELS;
use prepl_gateway::RemoteFailed;
use prepl_tests::plan;

use super::histories::{Written, whole};
use super::stage::{ALLOWED, Seen, Stage};
use super::tampered;

/// The gateway that does not die.
const HEALTHY: usize = 1;
/// Far more often than runs and a tunnel come by any point.
const MOST_PASSINGS: usize = 20;
/// What a writer leaves that loses power in the middle of a line.
const TORN: &str = r#"{"body":{"run":"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_dies_at_any_point_breaks_no_promise() {
    let stage = Stage::new().await;
    let _healthy = stage.installation.gateway_ready(HEALTHY).await;
    let numbers = AtomicUsize::new(HEALTHY + 1);
    let deaths = join_all(LABELS.iter().map(|label| deaths(&stage, label, &numbers))).await;
    for (label, deaths) in LABELS.iter().zip(deaths) {
        assert!((1..MOST_PASSINGS).contains(&deaths), "{deaths} deaths at {label}");
    }
}

/// Lets gateways die at the first passing, the second, and so on; how many did.
async fn deaths(stage: &Stage, label: &str, numbers: &AtomicUsize) -> usize {
    for passing in 1..=MOST_PASSINGS {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        if !crash(stage, number, &format!("{label}:{passing}")).await {
            return passing - 1;
        }
    }
    MOST_PASSINGS
}

/// Plays one crash; false when the gateway did not come by the point so often.
async fn crash(stage: &Stage, number: usize, point: &str) -> bool {
    let mut dying = stage.start_dying(number, point);
    let _ = dying.ready_or_ended().await;
    let both = [number, HEALTHY];
    let [run, no_right, forbidden] = stage.ask_together(&both, point).await;
    // By now the gateway, if it lives, has a connection to each replica.
    let second = stage.ask(ALLOWED, &both, plan(&format!("(second {point})"))).await;
    let input = format!("input {point}, {number}\n");
    let reads = plan(&format!("(read! {point}, {number})"));
    let reads = stage.ask_reading(&both, reads, &input).await;
    let tunnel = stage.evaluate_through_tunnel(&format!("tunnels-{number}"), &both).await;
    let died = dying.ready_or_ended().await.is_err();
    assert!(died || matches!(tunnel.told, Ok(true)), "{:?}, {point}", tunnel.told);
    dying.kill().await;

    let folders = both.map(|gateway| stage.audit(gateway));
    tear(&folders[0]);
    let mut restarted = stage.installation.gateway_ready(number).await;
    let third = stage.ask(ALLOWED, &[number], plan(&format!("(third {point})"))).await;
    assert_eq!(third.told.as_ref().unwrap().classes(), [Class::Ok; 3], "restarted, {point}");
    let recalled = stage.recall(HEALTHY, &run).await;
    restarted.kill().await;

    let cuts = Written::read([folders[0].as_ref()]).cuts();
    assert_eq!(cuts.last(), Some(&(TORN.len() as u64)), "{point}");
    is_denied(&no_right, "may not eval", point);
    is_denied(&forbidden, "nothing-forbidden", point);
    let logs = Written::read(folders.iter().map(AsRef::as_ref));
    stage.judge_denied(&[no_right, forbidden], &logs, point);
    stage.judge_input(&reads, &input, &logs, point);
    stage.judge(&[run, second, reads, third, recalled], &logs, point);
    tunnel.judge(&stage.apps[0], &logs, point);
    tampered::every_change_is_found(&folders[0], &folders[1]).await;
    died
}

/// The log is whole after the crash, and gets an incomplete line at its end.
fn tear(log: &Path) {
    assert_eq!(whole(log).torn_bytes, 0, "a write that only a kill ended is whole");
    let (last, _) = tampered::read(log).pop().unwrap();
    let mut file = File::options().append(true).open(log.join(last)).unwrap();
    file.write_all(TORN.as_bytes()).unwrap();
    assert_eq!(whole(log).torn_bytes, TORN.len() as u64);
}

/// Of a gateway that went away before its word nobody knows what it did.
fn is_denied(seen: &Seen, words: &str, point: &str) {
    match &seen.told {
        Err(RemoteFailed::Denied(why)) => assert!(why.contains(words), "{why}, {point}"),
        Err(RemoteFailed::Unreached(_)) => {}
        Ok(asked) if asked.classes() == [Class::Unknown; 3] => {}
        other => panic!("{} is not denied: {other:?}, {point}", seen.plan.expression.as_str()),
    }
}
