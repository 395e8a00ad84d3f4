//! Where logs come from: a folder, a local fleet, or the gateways of a cluster.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use prepl_audit::{Moment, PublicKey};
use prepl_gateway::local::records;
use tempfile::TempDir;

use super::anchored;
use super::fetch::{Asked, fetch};
use super::fetching::Fetching;
use super::logs::{LogFolder, Silent, in_folder};
use super::witness::Checkpoints;
use crate::cluster::context::Cluster;
use crate::command::Global;
use crate::console::Console;
use crate::problem::Problem;
use crate::reach::folder::ANCHORS;
use crate::{quantity, state};

/// Flags that name logs; the same for every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Which log")]
pub struct SourceArgs {
    /// Folder of a copied log, or of several; nobody is asked
    #[arg(long, global = true, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Most bytes to fetch from one gateway of a cluster
    #[arg(
        long,
        global = true,
        default_value = "16Gi",
        value_name = "SIZE",
        value_parser = quantity::size
    )]
    max_bytes: u64,
    /// The longest that one gateway of a cluster may take to send its log
    #[arg(
        long,
        global = true,
        default_value = "10m",
        value_name = "TIME",
        value_parser = quantity::duration
    )]
    timeout: Duration,
}

/// Flags about what logs are compared with.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "What to compare with")]
pub struct WitnessArgs {
    /// Signed checkpoints of the log in --folder, one a line
    #[arg(long, value_name = "FILE", requires = "key")]
    checkpoints: Option<PathBuf>,
    /// The key that signs checkpoints: 64 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    key: Option<PublicKey>,
}

/// Logs that can be read, and what is known of them elsewhere.
pub struct Collected {
    /// The logs.
    pub logs: Vec<LogFolder>,
    /// Gateways that told none.
    pub silent: Vec<Silent>,
    /// What they can be compared with.
    pub checkpoints: Checkpoints,
    /// Holds what was fetched; removes it when it is dropped.
    pub fetched: Option<TempDir>,
}

impl SourceArgs {
    /// Collects logs, with checkpoints if a command wants them.
    ///
    /// Checkpoints are read first: a log only goes on, so it has what they know.
    pub async fn collect(
        &self,
        global: &Global,
        since: Option<Moment>,
        witnesses: Option<&WitnessArgs>,
    ) -> Result<Collected, Problem> {
        if let Some(folder) = &self.folder {
            return self.folder(folder.clone(), global, witnesses);
        }
        if witnesses.is_some_and(|witnesses| witnesses.checkpoints.is_some()) {
            return Err(Problem::usage("--checkpoints is about the log in a folder")
                .hint("name the folder with --folder DIR"));
        }
        match global.fleet() {
            Some(fleet) => of_fleet(fleet, witnesses),
            None => self.of_cluster(global, since, witnesses).await,
        }
    }

    fn folder(
        &self,
        folder: PathBuf,
        global: &Global,
        witnesses: Option<&WitnessArgs>,
    ) -> Result<Collected, Problem> {
        if global.fleet.is_some() || global.cluster.are_given() {
            return Err(Problem::usage("--folder names the logs already")
                .hint("leave out --fleet, --context, --kubeconfig and --gateway"));
        }
        let checkpoints = witnesses.map(WitnessArgs::of_folder).transpose()?.unwrap_or_default();
        let mut logs = in_folder(&folder)?;
        match (&checkpoints, logs.len()) {
            // Somebody may have taken away all of it.
            (Checkpoints::File { .. }, 0) => {
                logs.push(LogFolder { name: folder.display().to_string(), path: folder });
            }
            (Checkpoints::File { .. }, 2..) => {
                return Err(Problem::usage("--checkpoints is about one log")
                    .hint("name the folder of that log with --folder DIR"));
            }
            _ => {}
        }
        Ok(Collected { logs, silent: Vec::new(), checkpoints, fetched: None })
    }

    async fn of_cluster(
        &self,
        global: &Global,
        since: Option<Moment>,
        witnesses: Option<&WitnessArgs>,
    ) -> Result<Collected, Problem> {
        let args = &global.cluster;
        let cluster = Cluster::open(args, Some(&args.operator_namespace)).await?;
        let checkpoints = match witnesses {
            Some(WitnessArgs { key, .. }) => {
                anchored::of_cluster(&cluster, &args.operator_namespace, *key).await?
            }
            None => Checkpoints::Unknown,
        };
        let fetched = private_folder()?;
        let SourceArgs { max_bytes, timeout, .. } = *self;
        let asked = Asked { folder: fetched.path(), since, max_bytes, timeout };
        let mut fetching = Fetching::on(Console::detect(global.color));
        let (logs, silent) = fetch(&cluster, args, asked, &mut fetching).await?;
        Ok(Collected { logs, silent, checkpoints, fetched: Some(fetched) })
    }
}

fn of_fleet(fleet: PathBuf, witnesses: Option<&WitnessArgs>) -> Result<Collected, Problem> {
    let anchors = state::folder().map(|state| records::anchors(&state.join(ANCHORS), &fleet));
    let anchors = anchors.transpose().map_err(|error| {
        Problem::failed(format!("cannot use the fleet {}: {error}", fleet.display()))
            .hint("name its folder with --fleet PATH or PREPL_FLEET")
    })?;
    let checkpoints = match (witnesses, anchors) {
        (Some(_), Some(anchors)) => anchored::of_fleet(&anchors)?,
        _ => Checkpoints::Unknown,
    };
    let folder = fleet.join(records::FOLDER);
    let logs = if folder.is_dir() { in_folder(&folder)? } else { Vec::new() };
    Ok(Collected { logs, silent: Vec::new(), checkpoints, fetched: None })
}

/// A folder that goes when it is dropped: expressions stand in it.
fn private_folder() -> Result<TempDir, Problem> {
    let made = tempfile::Builder::new()
        .prefix("prepl-audit-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir();
    made.map_err(|error| {
        Problem::failed(format!("cannot make a folder for what is fetched: {error}"))
            .hint("look at the disk, or name another one with TMPDIR")
    })
}

impl WitnessArgs {
    fn of_folder(&self) -> Result<Checkpoints, Problem> {
        match (&self.checkpoints, self.key) {
            (Some(path), Some(key)) => Checkpoints::of_file(path, key),
            (None, Some(_)) => Err(Problem::usage("--key has nothing to check")
                .hint("name the checkpoints that it signed with --checkpoints FILE")),
            // Without its key a file of them is refused before.
            (_, None) => Ok(Checkpoints::Unknown),
        }
    }
}
