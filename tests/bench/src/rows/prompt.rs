//! The prompt of `prepl repl`: how long an answer takes, and what a long session leaves behind.

use std::time::{Duration, Instant};

use crate::Failure;
use crate::child::Serving;
use crate::direct::Client;
use crate::fleet::Fleet;
use crate::jvm::Jvm;
use crate::memory::Memory;
use crate::pairs::{Pairs, Spread};
use crate::prompt::Prompt;
use crate::table::{self, Goal};

/// Replicas of the fleet.
const REPLICAS: usize = 12;
/// Answers of one measurement; their median counts.
const ANSWERS: usize = 50;
/// Evaluations of the long session.
const MANY: usize = 5000;
/// After so many of them the first look is taken: compilers and buffers are warm.
const WARM: usize = 500;
const SUM: (&str, &str) = ("(+ 1 1)", "2");
/// The used heap after a collection.
const HEAP: &str = "(let [r (Runtime/getRuntime)] (System/gc) [:heap (quot (- (.totalMemory r) (.freeMemory r)) 1024) :threads (Thread/activeCount)])";

/// Twelve nREPL servers of one JVM, a sidecar each, and a prompt.
struct World {
    jvm: Jvm,
    sidecars: Vec<Serving>,
    prompt: Prompt,
    _fleet: Fleet,
}

impl World {
    fn new() -> Result<World, Failure> {
        let (jvm, fleet) = (Jvm::start(REPLICAS)?, Fleet::new(REPLICAS)?);
        let urls = jvm.nrepl.iter().map(|address| format!("nrepl://{address}"));
        let sidecars = urls.enumerate().map(|(number, url)| Serving::sidecar(&fleet, number, &url));
        let sidecars = sidecars.collect::<Result<Vec<_>, _>>()?;
        fleet.write(&crate::child::addresses(&sidecars))?;
        let prompt = Prompt::start(fleet.path())?;
        Ok(World { jvm, sidecars, prompt, _fleet: fleet })
    }
}

/// An answer of 12 replicas at the prompt, for one of one replica in a plain client.
pub fn answers(pairs: usize) -> Result<(), Failure> {
    let name = "prompt, 12 replicas, of a client of one";
    let mut world = match World::new() {
        Ok(world) => world,
        Err(lacks) => {
            table::left_out(name, &lacks.to_string());
            return Ok(());
        }
    };
    for (kind, quick_ack, goal) in
        [("", false, Goal::AtMost(1.5)), (" that acknowledges at once", true, Goal::None)]
    {
        let mut client = Client::connect(world.jvm.nrepl[0], quick_ack)?;
        let mut measured = Pairs::default();
        for number in 0..=pairs {
            let plain = median(|| client.evaluate(SUM.0, SUM.1))?;
            let fleet = median(|| world.prompt.evaluate(SUM.0, SUM.1))?;
            // The first pair warms up.
            if number > 0 {
                measured.add(plain, fleet);
            }
        }
        table::pairs(&format!("{name}{kind}"), &measured, goal);
    }
    Ok(())
}

/// One session, and the memory of its three sides.
pub fn session() -> Result<(), Failure> {
    let mut world = match World::new() {
        Ok(world) => world,
        Err(lacks) => {
            table::left_out("5,000 evaluations in one session", &lacks.to_string());
            return Ok(());
        }
    };
    let begun = Instant::now();
    for number in 0..MANY {
        if number == WARM {
            show("after 500 evaluations", &mut world)?;
        }
        // Each answer is another one, so that none is taken for that of another.
        world.prompt.evaluate(&format!("(+ {number} 1)"), &(number + 1).to_string())?;
    }
    show("after 5,000", &mut world)?;
    let took = table::time(begun.elapsed().as_secs_f64());
    table::figure("5,000 evaluations on 12 replicas, one session", &took, "all answered");
    Ok(())
}

fn show(when: &str, world: &mut World) -> Result<(), Failure> {
    let jvm = world.prompt.ask(HEAP, |line| {
        line.split_once("[:heap ")
            .map(|(_, rest)| rest.trim_end_matches(']').replace(" :threads", " kB,"))
    })?;
    table::figure(&format!("{when}: heap and threads of the JVM"), &jvm, "");
    let own = Memory::of(world.prompt.pid())?;
    table::figure(&format!("{when}: prepl, RSS / PSS / private"), &own.in_words(), "");
    let sidecars = world.sidecars.iter().map(|sidecar| Memory::of(sidecar.pid()));
    let private = sidecars.collect::<Result<Vec<_>, _>>()?;
    let private = Spread::of(private.iter().map(|memory| memory.private as f64 / 1024.0));
    let words = format!("{:.1} to {:.1} MB", private.least, private.most);
    table::figure(&format!("{when}: 12 sidecars, private"), &words, "");
    Ok(())
}

fn median(mut evaluate: impl FnMut() -> Result<Duration, Failure>) -> Result<Duration, Failure> {
    let times = (0..ANSWERS).map(|_| evaluate()).collect::<Result<Vec<_>, _>>()?;
    let median = Spread::of(times.iter().map(Duration::as_secs_f64)).median;
    Ok(Duration::from_secs_f64(median))
}
