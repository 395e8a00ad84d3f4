//! Whether logs are whole: each by itself, and against checkpoints.

use std::io;

use prepl_audit::{chain_of, verify};
use prepl_core::ExitCode;

use super::judged::{Judged, without_log};
use super::logs::LogFolder;
use super::witness::{Checkpoints, Taken};

/// What was found.
#[derive(Debug)]
pub struct Findings {
    /// Every log.
    pub judged: Vec<Judged>,
    /// The checkpoints that no log took.
    pub left: Checkpoints,
}

/// Verifies logs, each against the checkpoints of its chain.
pub fn look(logs: &[LogFolder], mut checkpoints: Checkpoints) -> io::Result<Findings> {
    let mut judged = Vec::new();
    for LogFolder { name, path } in logs {
        let chain = chain_of(path)?;
        let Taken { witness, regressed } = checkpoints.take(chain)?;
        let witnessed = witness.is_some();
        let verified = verify(path, witness)?;
        judged.push(Judged { log: name.clone(), chain, witnessed, regressed, verified });
    }
    Ok(Findings { judged, left: checkpoints })
}

impl Findings {
    /// The findings for people, log by log.
    pub fn sheet(&self, colour: bool) -> String {
        let logs = self.judged.iter().map(|one| one.sheet(colour));
        let left = self.left.left().map(|(chain, known)| without_log(chain, known, colour));
        logs.chain(left).collect::<Vec<_>>().join("\n")
    }

    /// 9 when something is wrong; 7 when all that could be read is whole and not all could.
    pub fn exit_code(&self, all_told: bool) -> ExitCode {
        match (self.judged.iter().any(Judged::is_faulty), all_told) {
            (true, _) => ExitCode::Differs,
            (false, true) if self.left.left().next().is_none() => ExitCode::Ok,
            (false, _) => ExitCode::Unreachable,
        }
    }
}
