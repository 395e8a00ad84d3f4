//! Servers in processes of their own: this program again, in another role.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::Failure;
use crate::fleet::Fleet;

/// What a process serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bare tonic.
    Floor,
    /// Sidecars.
    Sidecars,
}

/// A running process with servers; it ends when this is dropped.
pub struct Serving {
    process: Child,
    /// Where its servers listen, in the order of their numbers.
    pub addresses: Vec<SocketAddr>,
}

impl Serving {
    /// Servers for the first `count` replicas of a fleet; sidecars in front of `repl`.
    pub fn start(kind: Kind, fleet: &Fleet, count: usize, repl: &str) -> Result<Serving, Failure> {
        let mut serving = Serving::begin(kind, fleet, 0, count, repl)?;
        serving.wait(count)?;
        Ok(serving)
    }

    /// The same, each in a process of its own.
    pub fn start_each(kind: Kind, fleet: &Fleet, count: usize) -> Result<Vec<Serving>, Failure> {
        let begun = (0..count).map(|number| Serving::begin(kind, fleet, number, 1, "rhai:"));
        let mut all = begun.collect::<Result<Vec<_>, _>>()?;
        all.iter_mut().try_for_each(|serving| serving.wait(1))?;
        Ok(all)
    }

    /// A sidecar in a process of its own, in front of `repl`.
    pub fn sidecar(fleet: &Fleet, number: usize, repl: &str) -> Result<Serving, Failure> {
        let mut serving = Serving::begin(Kind::Sidecars, fleet, number, 1, repl)?;
        serving.wait(1)?;
        Ok(serving)
    }

    /// A stub nREPL server.
    pub fn repl(stalling: bool) -> Result<Serving, Failure> {
        let mut command = this_program()?;
        command.arg("serve-repl").args(stalling.then_some("--stalling"));
        let mut serving = Serving::spawn(&mut command)?;
        serving.wait(1)?;
        Ok(serving)
    }

    /// The number of the process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    fn begin(
        kind: Kind,
        fleet: &Fleet,
        first: usize,
        count: usize,
        repl: &str,
    ) -> Result<Serving, Failure> {
        let role = match kind {
            Kind::Floor => "serve-floor",
            Kind::Sidecars => "serve-sidecars",
        };
        let mut command = this_program()?;
        command.arg(role).arg("--folder").arg(fleet.path());
        command.args(["--first", &first.to_string(), "--count", &count.to_string()]);
        command.args(["--repl", repl]);
        Serving::spawn(&mut command)
    }

    fn spawn(command: &mut Command) -> Result<Serving, Failure> {
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        Ok(Serving { process, addresses: Vec::new() })
    }

    /// Reads the addresses, one a line: then all of them are listening.
    fn wait(&mut self, count: usize) -> Result<(), Failure> {
        let said = self.process.stdout.take().ok_or("a process without standard output")?;
        for line in BufReader::new(said).lines().take(count) {
            self.addresses.push(line?.parse()?);
        }
        if self.addresses.len() < count {
            return Err("a server process ended before it served; see its message above".into());
        }
        Ok(())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The addresses of many processes in order.
pub fn addresses(all: &[Serving]) -> Vec<SocketAddr> {
    all.iter().flat_map(|serving| serving.addresses.iter().copied()).collect()
}

fn this_program() -> Result<Command, Failure> {
    Ok(Command::new(std::env::current_exe()?))
}
