//! Forty pods: `prepl exec` beside `kubectl exec`, both printed.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::cluster::{Problem, apply, command, ensure};
use crate::person::Person;
use crate::shop::{self, IDLE};

const NAMESPACE: &str = "crowd";
const PODS: usize = 40;
/// `kubectl exec` at a time.
const WIDE: usize = 8;
const ROUNDS: usize = 5;

pub fn forty_pods() -> Result<String, Problem> {
    crate::cluster::kubectl(&["delete", "namespace", NAMESPACE, "--ignore-not-found"])?;
    shop::namespace(NAMESPACE)?;
    apply(&shop::deployment(NAMESPACE, "idle", PODS, IDLE))?;
    shop::rolled_out(NAMESPACE, "idle")?;
    let person = Person::new("hasty")?;
    person.may(NAMESPACE, "prepl-evaluator")?;
    let names: Vec<String> = shop::pods(NAMESPACE, "idle")?
        .iter()
        .filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
        .collect();
    // Warm: connections of the gateway and the access are there.
    ask(&person)?;
    let prepl = median((0..ROUNDS).map(|_| ask(&person)).collect::<Result<_, _>>()?);
    let kubectl = median((0..3).map(|_| exec_all(&names)).collect::<Result<_, _>>()?);
    crate::shop::rolled_out(NAMESPACE, "idle")?;
    crate::cluster::kubectl(&["delete", "namespace", NAMESPACE, "--wait=false"])?;
    let ratio = kubectl.as_secs_f64() / prepl.as_secs_f64();
    let told =
        format!("prepl {prepl:.0?}, kubectl exec {WIDE} wide {kubectl:.2?}: {ratio:.0} times");
    ensure(ratio >= 20.0, || told.clone())?;
    Ok(told)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ask(person: &Person) -> Result<Duration, Problem> {
    let asked = person.prepl(&["exec", "-n", NAMESPACE, "-l", "app=idle", "40 + 2"])?;
    let all = asked.code == 0 && asked.err.contains("40 ok");
    ensure(all, || format!("exit {}: {}", asked.code, asked.err))?;
    Ok(asked.took)
}

fn exec_all(names: &[String]) -> Result<Duration, Problem> {
    let begun = Instant::now();
    let waiting = Mutex::new(names.iter());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WIDE)
            .map(|_| {
                scope.spawn(|| {
                    while let Some(name) = waiting.lock().ok().and_then(|mut left| left.next()) {
                        exec(name)?;
                    }
                    Ok::<(), Problem>(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a thread died")?)
    })?;
    Ok(begun.elapsed())
}

fn exec(name: &str) -> Result<(), Problem> {
    let args = ["-n", NAMESPACE, "exec", name, "-c", "app", "--", "echo", "42"];
    let output = command("kubectl").args(args).output().map_err(|error| error.to_string())?;
    ensure(output.stdout.starts_with(b"42"), || {
        format!("{name}: {}", String::from_utf8_lossy(&output.stderr))
    })
}
