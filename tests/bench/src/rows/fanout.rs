//! Many sidecars: over kept connections, over new ones, and in processes of their own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prepl_core::Selection;
use prepl_gateway::DEFAULT_WIDTH;
use prepl_identity::Connector;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Failure;
use crate::ask::{Took, dialer, fan_out};
use crate::child::{Kind, Serving, addresses};
use crate::fleet::Fleet;
use crate::floor::FloorLine;
use crate::pairs::{Pairs, Spread};
use crate::table::{self, Goal};

const QUESTION: (&str, &str) = ("40+2", "42");
const WARM_GOAL: Goal = Goal::AtMost(1.5);
const COLD_GOAL: Goal = Goal::AtMost(1.3);
/// A fan-out this small is over in a few hops, and its ratio tells nothing of the goal.
const SMALL: usize = 1;

/// Kept connections.
pub async fn warm(pairs: usize) -> Result<(), Failure> {
    for count in [SMALL, 100, 1000] {
        let fleet = Fleet::new(count)?;
        let floor = Serving::start(Kind::Floor, &fleet, count, "rhai:")?;
        let sidecars = Serving::start(Kind::Sidecars, &fleet, count, "rhai:")?;
        let measured = warm_pairs(&fleet, &floor.addresses, &sidecars.addresses, pairs).await?;
        let goal = if count > SMALL { WARM_GOAL } else { Goal::None };
        table::pairs(&format!("warm fan-out, {count} in one process"), &measured, goal);
    }
    Ok(())
}

/// New connections, with full handshakes.
pub async fn cold(pairs: usize) -> Result<(), Failure> {
    for count in [100, 1000] {
        let fleet = Fleet::new(count)?;
        let floor = Serving::start(Kind::Floor, &fleet, count, "rhai:")?;
        let sidecars = Serving::start(Kind::Sidecars, &fleet, count, "rhai:")?;
        let at = (&floor.addresses[..], &sidecars.addresses[..]);
        let (measured, firsts) = cold_pairs(&fleet, at, pairs).await?;
        table::pairs(&format!("cold fan-out, {count} in one process"), &measured, COLD_GOAL);
        first_answer(count, firsts);
    }
    Ok(())
}

/// A process for each of 1,000.
pub async fn processes(pairs: usize) -> Result<(), Failure> {
    let count = 1000;
    let fleet = Fleet::new(count)?;
    let floor = Serving::start_each(Kind::Floor, &fleet, count)?;
    let sidecars = Serving::start_each(Kind::Sidecars, &fleet, count)?;
    let (floor, sidecars) = (addresses(&floor), addresses(&sidecars));
    let measured = warm_pairs(&fleet, &floor, &sidecars, pairs).await?;
    table::pairs("warm fan-out, 1000 processes", &measured, WARM_GOAL);
    let (measured, firsts) = cold_pairs(&fleet, (&floor, &sidecars), pairs).await?;
    table::pairs("cold fan-out, 1000 processes", &measured, COLD_GOAL);
    first_answer(count, firsts);
    Ok(())
}

fn first_answer(count: usize, firsts: Vec<f64>) {
    let share = Spread::of(firsts.into_iter()).median;
    let verdict = if share <= 0.10 { "<= 10 %: kept" } else { "<= 10 %: MISSED" };
    let name = format!("first answer of {count}, cold, of the whole");
    table::figure(&name, &format!("{:.1} %", share * 100.0), verdict);
}

async fn warm_pairs(
    fleet: &Fleet,
    floor: &[SocketAddr],
    sidecars: &[SocketAddr],
    pairs: usize,
) -> Result<Pairs, Failure> {
    let (_, mut lines) = floor_cold(fleet, floor).await?;
    let dialer = dialer(fleet);
    let selection = Fleet::selection(sidecars);
    fan_out(&dialer, &selection, QUESTION, None).await?;
    let mut measured = Pairs::default();
    for number in 0..=pairs {
        let begun = Instant::now();
        lines = floor_warm(lines).await?;
        let bare = begun.elapsed();
        let took = fan_out(&dialer, &selection, QUESTION, None).await?;
        // The first pair warms up.
        if number > 0 {
            measured.add(bare, took.all);
        }
    }
    Ok(measured)
}

async fn cold_pairs(
    fleet: &Fleet,
    (floor, sidecars): (&[SocketAddr], &[SocketAddr]),
    pairs: usize,
) -> Result<(Pairs, Vec<f64>), Failure> {
    let selection = Fleet::selection(sidecars);
    let (mut measured, mut firsts) = (Pairs::default(), Vec::new());
    let at_rest = tasks();
    for number in 0..=pairs {
        let (bare, lines) = floor_cold(fleet, floor).await?;
        drop(lines);
        settle(at_rest).await;
        let took = prepl_cold(fleet, &selection).await?;
        settle(at_rest).await;
        if number > 0 {
            measured.add(bare, took.all);
            firsts.push(took.first.as_secs_f64() / took.all.as_secs_f64());
        }
    }
    Ok((measured, firsts))
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits until the connections of one side are closed: that is no work of the other side.
async fn settle(at_rest: usize) {
    while tasks() > at_rest {
        sleep(Duration::from_millis(10)).await;
    }
    // The servers' ends close meanwhile.
    sleep(Duration::from_millis(100)).await;
}

async fn prepl_cold(fleet: &Fleet, selection: &Selection) -> Result<Took, Failure> {
    let dialer = dialer(fleet);
    fan_out(&dialer, selection, QUESTION, None).await
}

/// Connects to all and calls each once, in prepl's own window.
async fn floor_cold(
    fleet: &Fleet,
    addresses: &[SocketAddr],
) -> Result<(Duration, Vec<FloorLine>), Failure> {
    let connector = Arc::new(Connector::new(fleet.user()));
    let names = (0..addresses.len()).map(|number| fleet.name(number));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    let window = Arc::new(Semaphore::new(DEFAULT_WIDTH.get()));
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    for (address, name) in addresses.iter().copied().zip(names) {
        let (connector, window) = (Arc::clone(&connector), Arc::clone(&window));
        calls.spawn(async move {
            let _place = window.acquire_owned().await;
            let mut line = FloorLine::connect(&connector, &name, address).await?;
            line.call().await.map(|()| line)
        });
    }
    let lines = calls.join_all().await.into_iter().collect::<Result<Vec<_>, Failure>>()?;
    Ok((begun.elapsed(), lines))
}

async fn floor_warm(lines: Vec<FloorLine>) -> Result<Vec<FloorLine>, Failure> {
    let window = Arc::new(Semaphore::new(DEFAULT_WIDTH.get()));
    let mut calls = JoinSet::new();
    for mut line in lines {
        let window = Arc::clone(&window);
        calls.spawn(async move {
            let _place = window.acquire_owned().await;
            line.call().await.map(|()| line)
        });
    }
    calls.join_all().await.into_iter().collect()
}
