//! What a gateway of a cluster costs: its rights, policies, signatures and audit log.
//!
//! ```sh
//! cargo build --profile dist -p prepl-operator
//! cargo run --profile dist -p prepl-tests --example gateway_cost
//! ```
//!
//! The gateway is the real program beside this one; the API server answers at once, from memory.
//! Without fsync the log is in memory (`/dev/shm`), with it in the folder for temporary files.

#![expect(clippy::print_stdout, reason = "it is there to print")]
#![expect(clippy::unwrap_used, reason = "what cannot be measured ends it")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prepl_core::{Class, Report, Selection};
use prepl_gateway::{Dialer, Remote};
use prepl_identity::{Credentials, Role};
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::installation::Installation;
use prepl_tests::{Operator, plan};
use tokio::task::JoinSet;

/// Evaluations of one median. A sidecar remembers 7,168 requests, and is asked no more within a minute:
/// it would not know whether what is signed now has run before.
const ROUND: usize = 300;
/// Medians of each side, taken in turns.
const PAIRS: usize = 9;
/// Sidecars that share the evaluations, for the same reason.
const SIDECARS: usize = 24;
/// How long throughput is measured.
const LONG: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let program = std::env::current_exe().unwrap();
    let program = program.parent().and_then(Path::parent).unwrap().join("prepl-operator");
    assert!(program.exists(), "build it first: see the head of this example");
    // What one has taken of the machine's addresses is free when all have ended.
    let mut ended = vec![added(&program).await];
    for callers in [1, 4, 16, 32] {
        ended.push(audited(&program, callers).await);
    }
}

/// A warm replica through a gateway, beside the sidecar alone.
async fn added(program: &Path) -> Installation {
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let (installation, _gateway) = start(program, 1, Some(memory.path())).await;
    let selection = installation.world.selection();
    let alone = Credentials::fixed(installation.world.user(Role::Evaluator, "mira"));
    let (dialer, remote) = (Arc::new(Dialer::new(&alone)), user(&installation).await);
    let (mut floor, mut added) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let mut direct = Vec::new();
        let mut through = Vec::new();
        for _ in 0..ROUND {
            let begun = Instant::now();
            let mut run = prepl_fanout::start(Arc::clone(&dialer), &selection, plan("40+2"));
            while let Some(report) = run.next().await {
                is_ok(&report);
            }
            direct.push(begun.elapsed());
        }
        for _ in 0..ROUND {
            through.push(ask(&remote, &selection).await);
        }
        let (direct, through) = (median(direct), median(through));
        floor.push(direct);
        added.push(through.saturating_sub(direct));
    }
    let verdict =
        if median(added.clone()) <= Duration::from_micros(600) { "kept" } else { "MISSED" };
    println!("sidecar alone, p50                       {:>9.3?}", median(floor));
    println!(
        "added by the gateway, p50, no fsync      {:>9.3?}   <= 600 µs: {verdict}",
        median(added)
    );
    installation
}

/// So many callers, each of whom waits for his answer before he asks again.
async fn audited(program: &Path, callers: usize) -> Installation {
    let (installation, gateway) = start(program, SIDECARS, None).await;
    let each = installation.world.replicas().iter();
    let each: Vec<_> = each.map(|replica| Selection::of(vec![replica.clone()])).collect();
    let remote = user(&installation).await;
    for selection in &each {
        ask(&remote, selection).await;
    }
    let before = counters(&gateway).await;
    let end = Instant::now() + LONG;
    let mut asking = JoinSet::new();
    for caller in 0..callers {
        let (remote, each) = (remote.clone(), each.clone());
        asking.spawn(async move {
            let mut asked = 0_u64;
            while Instant::now() < end {
                ask(&remote, &each[(caller + asked as usize) % SIDECARS]).await;
                asked += 1;
            }
            asked
        });
    }
    let asked: u64 = asking.join_all().await.into_iter().sum();
    let (records, syncs) = counters(&gateway).await;
    let (records, syncs) = (records - before.0, syncs - before.1);
    assert!(records >= 2 * asked, "an evaluation was not recorded");
    println!(
        "{callers:>2} callers, fsync: {:>6.0} evaluations/s, {:.2} evaluations per fsync, {:.2} records per fsync",
        asked as f64 / LONG.as_secs_f64(),
        asked as f64 / syncs as f64,
        records as f64 / syncs as f64,
    );
    installation
}

async fn start(program: &Path, sidecars: usize, audit: Option<&Path>) -> (Installation, Operator) {
    let mut installation = Installation::of_repls(program, vec![Endpoint::Rhai; sidecars]).await;
    if let Some(audit) = audit {
        installation.keep_audit_in(audit);
    }
    installation.admit("mira");
    let gateway = installation.gateway_ready(1).await;
    (installation, gateway)
}

async fn user(installation: &Installation) -> Remote {
    installation.user("mira", &[1]).await
}

async fn ask(remote: &Remote, selection: &Selection) -> Duration {
    let begun = Instant::now();
    let mut run = remote.run(selection, &plan("40+2")).await.unwrap();
    while let Some(report) = run.next().await {
        is_ok(&report);
    }
    begun.elapsed()
}

fn is_ok(report: &Report) {
    if let Report::Finished(summary) = report {
        assert_eq!(summary.counts.of(Class::Ok), 1, "{summary:?}");
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Records and fsyncs so far.
async fn counters(gateway: &Operator) -> (u64, u64) {
    let told = gateway.metrics().await;
    let value = |name: &str| {
        let line = told.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    (value("prepl_audit_records_total "), value("prepl_audit_syncs_total "))
}
