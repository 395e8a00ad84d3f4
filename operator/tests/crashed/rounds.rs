//! Many runs at once over gateways that die at points which a seed chooses.

use std::pin::pin;

use futures_util::future::join_all;
use prepl_fault::LABELS;
use prepl_gateway::Plan;
use prepl_tests::{Operator, plan};

use super::histories::Written;
use super::stage::{ALLOWED, FORBIDDEN, NO_RIGHT, Seen, Stage};

const SEEDS: std::ops::Range<u64> = 0..12;
/// Runs of one round, of which some are denied.
const RUNS: usize = 8;
/// The gateway that does not die.
const HEALTHY: usize = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_at_once_break_no_promise_wherever_their_gateway_dies() {
    let stage = Stage::new().await;
    let _healthy = stage.installation.gateway_ready(HEALTHY).await;
    let mut all = Vec::new();
    for (number, seed) in (HEALTHY + 1..).zip(SEEDS) {
        all.extend(round(&stage, number, seed).await);
    }
    // What was on its way when its gateway died has arrived by now.
    let gateways = HEALTHY..=HEALTHY + SEEDS.count();
    let folders: Vec<_> = gateways.map(|gateway| stage.audit(gateway)).collect();
    let logs = Written::read(folders.iter().map(AsRef::as_ref));
    stage.judge(&all, &logs, "at the end");
}

/// When a gateway dies.
#[derive(Debug)]
enum Death {
    /// At a labelled point.
    At(String),
    /// When an app has evaluated so many more, wherever the gateway is then.
    After { app: usize, evaluations: usize },
}

/// Plays one round; gives the runs that were not denied.
async fn round(stage: &Stage, number: usize, seed: u64) -> Vec<Seen> {
    let mut random = Random(seed);
    let death = random.death(stage.apps.len());
    let when = format!("seed {seed}, {death:?}");
    let mut dying = match &death {
        Death::At(point) => stage.start_dying(number, point),
        Death::After { .. } => stage.installation.start(number, stage.installation.command(number)),
    };
    let _ = dying.ready_or_ended().await;
    let asked = ask_all(stage, &mut random, seed, &mut dying, [number, HEALTHY], &death).await;
    dying.kill().await;
    stage.installation.gateway_ready(number).await.kill().await;

    let folders = [number, HEALTHY].map(|gateway| stage.audit(gateway));
    let logs = Written::read(folders.iter().map(AsRef::as_ref));
    let (taken, denied): (Vec<_>, Vec<_>) = asked.into_iter().partition(may_run);
    stage.judge(&taken, &logs, &when);
    stage.judge_denied(&denied, &logs, &when);
    taken
}

async fn ask_all(
    stage: &Stage,
    random: &mut Random,
    seed: u64,
    dying: &mut Operator,
    gateways: [usize; 2],
    death: &Death,
) -> Vec<Seen> {
    let runs: Vec<_> = (0..RUNS).map(|run| random.run(seed, run)).collect();
    let mut asked =
        pin!(join_all(runs.into_iter().map(|(user, plan)| { stage.ask(user, &gateways, plan) })));
    if let Death::After { app, evaluations } = death {
        tokio::select! {
            asked = &mut asked => return asked,
            () = stage.apps[*app].until_more(*evaluations) => dying.kill().await,
        }
    }
    asked.await
}

fn may_run(seen: &Seen) -> bool {
    seen.plan.expression.as_str().starts_with("(book!")
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    fn death(&mut self, apps: usize) -> Death {
        match self.below(3) {
            0 => Death::After { app: self.below(apps), evaluations: 1 + self.below(RUNS / 2) },
            _ => {
                let label = LABELS[self.below(LABELS.len())];
                Death::At(format!("{label}:{}", 1 + self.below(RUNS)))
            }
        }
    }

    /// Who asks, and what; one or three replicas at a time.
    fn run(&mut self, seed: u64, run: usize) -> (&'static str, Plan) {
        let (user, head) = match self.below(4) {
            0 => (NO_RIGHT, "(steal!"),
            1 => (ALLOWED, FORBIDDEN),
            _ => (ALLOWED, "(book!"),
        };
        let width = [1, 3][self.below(2)].try_into().unwrap();
        (user, Plan { width, ..plan(&format!("{head} {seed}-{run})")) })
    }
}
