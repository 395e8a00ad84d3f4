//! One sidecar in front of one REPL.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prepl_core::{Limits, Selection, SessionName};
use prepl_gateway::Dialer;
use prepl_identity::Connector;
use prepl_sidecar::budget::Budget;
use prepl_sidecar::driver::Ask;
use prepl_sidecar::driver::nrepl::Nrepl;
use prepl_sidecar::driver::stream::StreamSession;
use prepl_sidecar::input::Inbox;
use prepl_sidecar::stop::stop_at;
use tokio::sync::mpsc;

use crate::Failure;
use crate::ask::{dialer, fan_out};
use crate::child::{Kind, Serving};
use crate::direct::Client;
use crate::fleet::Fleet;
use crate::floor::FloorLine;
use crate::jvm::Jvm;
use crate::pairs::{Pairs, Spread};
use crate::table::{self, Goal};

/// Calls of one measurement; its median counts.
const CALLS: usize = 500;
/// Evaluations of a whole stall row: at 44 ms each, 44 s.
const STALLED: usize = 1000;
const SUM: (&str, &str) = ("(+ 1 1)", "2");

/// `rhai:` through a sidecar against the bare hop.
pub async fn hop(pairs: usize) -> Result<(), Failure> {
    let fleet = Fleet::new(1)?;
    let floor = Serving::start(Kind::Floor, &fleet, 1, "rhai:")?;
    let sidecar = Serving::start(Kind::Sidecars, &fleet, 1, "rhai:")?;
    let mut line = bare(&fleet, floor.addresses[0]).await?;
    let (dialer, selection) = (dialer(&fleet), Fleet::selection(&sidecar.addresses));
    let mut measured = Pairs::default();
    for _ in 0..pairs {
        let bare = median_of_bare(&mut line).await?;
        measured.add(bare, median(&dialer, &selection, ("40+2", "42")).await?);
    }
    table::pairs("rhai 40+2 through a sidecar, of a bare hop", &measured, Goal::None);
    Ok(())
}

/// What a sidecar adds to an evaluation on an nREPL server that does not stall.
pub async fn added(pairs: usize) -> Result<(), Failure> {
    let repl = Serving::repl(false)?;
    let fleet = Fleet::new(1)?;
    let floor = Serving::start(Kind::Floor, &fleet, 1, "rhai:")?;
    let url = format!("nrepl://{}", repl.addresses[0]);
    let sidecar = Serving::start(Kind::Sidecars, &fleet, 1, &url)?;
    let mut line = bare(&fleet, floor.addresses[0]).await?;
    let mut client = Client::connect(repl.addresses[0], true)?;
    let (dialer, selection) = (dialer(&fleet), Fleet::selection(&sidecar.addresses));
    let (mut measured, mut added, mut hops) = (Pairs::default(), Vec::new(), Vec::new());
    for _ in 0..pairs {
        let direct = median_of_direct(&mut client)?;
        let through = median(&dialer, &selection, SUM).await?;
        hops.push(median_of_bare(&mut line).await?.as_secs_f64());
        measured.add(direct, through);
        added.push(through.as_secs_f64() - direct.as_secs_f64());
    }
    table::pairs("nREPL through a sidecar, of a direct client", &measured, Goal::None);
    let (added, hop) = (Spread::of(added.into_iter()), Spread::of(hops.into_iter()));
    let verdict = if added.median <= 0.3e-3 { "<= 0.3 ms: kept" } else { "<= 0.3 ms: MISSED" };
    table::figure("what the sidecar adds to the p50", &table::time(added.median), verdict);
    table::figure("a bare hop in the same run, p50", &table::time(hop.median), "");
    Ok(())
}

/// 1,000 evaluations one after another on servers that write answers in two packets.
pub async fn stall() -> Result<(), Failure> {
    let stub = Serving::repl(true)?;
    stall_on("1000 x (+ 1 1), stub that stalls", stub.addresses[0]).await?;
    match Jvm::start(1) {
        Ok(jvm) => stall_on("1000 x (+ 1 1), nREPL on a JVM", jvm.nrepl[0]).await,
        Err(lacks) => {
            table::left_out("1000 x (+ 1 1), nREPL on a JVM", &lacks.to_string());
            Ok(())
        }
    }
}

async fn stall_on(name: &str, address: SocketAddr) -> Result<(), Failure> {
    let mut measured = Pairs::default();
    let mut client = Client::connect(address, false)?;
    let begun = Instant::now();
    for _ in 0..STALLED {
        client.evaluate(SUM.0, SUM.1)?;
    }
    let plain = begun.elapsed();
    measured.add(plain, with_driver(address).await?);
    table::pairs(name, &measured, Goal::FasterBy(20.0));
    Ok(())
}

/// The same through the sidecar's driver.
async fn with_driver(address: SocketAddr) -> Result<Duration, Failure> {
    let patience = Duration::from_secs(10);
    let (mut session, _) =
        StreamSession::open(address, Box::new(Nrepl::new()), Budget::default().share(), patience)
            .await?;
    let limits = Limits::default();
    let ask = Ask {
        expression: prepl_core::Expression::new(SUM.0)?,
        origin: prepl_core::Origin::Typed,
        namespace: None,
        value_bytes: limits.value_bytes(),
        output_bytes: limits.output_bytes(),
        read_only: None,
    };
    let (said, mut saying) = mpsc::channel(64);
    let begun = Instant::now();
    for _ in 0..STALLED {
        let (_interrupter, mut stop) = stop_at(tokio::time::Instant::now() + patience);
        session.evaluate(&ask, &said, &Inbox::closed(), &mut stop, patience).await;
        match saying.try_recv()? {
            prepl_sidecar::driver::Said::Value { text, .. } if *text == *SUM.1 => {}
            other => return Err(format!("{other:?} instead of a value").into()),
        }
    }
    Ok(begun.elapsed())
}

async fn bare(fleet: &Fleet, address: SocketAddr) -> Result<FloorLine, Failure> {
    FloorLine::connect(&Connector::new(fleet.user()), &fleet.name(0)?, address).await
}

async fn median_of_bare(line: &mut FloorLine) -> Result<Duration, Failure> {
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let begun = Instant::now();
        line.call().await?;
        times.push(begun.elapsed());
    }
    Ok(middle(times))
}

fn median_of_direct(client: &mut Client) -> Result<Duration, Failure> {
    let times = (0..CALLS).map(|_| client.evaluate(SUM.0, SUM.1));
    Ok(middle(times.collect::<Result<_, _>>()?))
}

/// Through gateway and sidecar, in a session that is kept as the direct client's is.
async fn median(
    dialer: &Arc<Dialer>,
    selection: &Selection,
    question: (&str, &str),
) -> Result<Duration, Failure> {
    let session: SessionName = "bench".parse()?;
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        times.push(fan_out(dialer, selection, question, Some(session.clone())).await?.all);
    }
    Ok(middle(times))
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
