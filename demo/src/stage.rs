//! The running fleet: services, sidecars, and the folder that names them.

use std::io;
use std::path::Path;
use std::process::Command;

use prepl_gateway::local::NewReplica;
use prepl_gateway::local::edit::{self, CannotEdit};
use prepl_identity::{
    Authority, FileError, IssueError, MEMBER_LIFETIME, Name, NameError, Role, TrustDomain,
    USER_LIFETIME,
};
use tempfile::TempDir;

use crate::args::Demo;
use crate::cast::{self, Part};
use crate::child::Process;
use crate::clojure;

/// A fleet that runs until this is dropped.
pub struct Stage {
    // Fields drop in order: first the sidecars, then what they speak to, then the folder.
    _sidecars: Vec<Process>,
    _services: Vec<Process>,
    folder: TempDir,
    replicas: usize,
}

/// Why there is no fleet.
#[derive(Debug, thiserror::Error)]
pub enum NoStage {
    /// A process of the demo does not start.
    #[error("cannot start {what}: {source}")]
    Start {
        /// Which one.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// The system refuses.
    #[error("the system refused: {0}")]
    System(#[source] io::Error),
    /// A certificate cannot be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A name is no name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A key file cannot be written.
    #[error(transparent)]
    KeyFile(#[from] FileError),
    /// The fleet file cannot be written.
    #[error(transparent)]
    Edit(#[from] CannotEdit),
}

impl Stage {
    /// Starts everything and waits until all of it is ready.
    pub fn set(demo: &Demo) -> Result<Stage, NoStage> {
        let folder = tempfile::Builder::new().prefix("prepl-demo-").tempdir();
        let folder = folder.map_err(NoStage::System)?;
        let parts = cast::parts(demo.replicas);
        let (services, repls) = match demo.clojure {
            true => clojure_services(demo, folder.path(), &parts)?,
            false => scheme_services(folder.path(), &parts)?,
        };
        let domain: TrustDomain = "demo.fleet.prepl".parse()?;
        let authority = Authority::create(&domain)?;
        let user = Name::user(&domain, Role::Admin, "demo")?;
        authority.issue(&user, USER_LIFETIME)?.write(&folder.path().join("user.pem"))?;
        let sidecars = sidecars(folder.path(), &authority, &parts, &repls)?;
        let (sidecars, addresses) = ready(sidecars, &parts)?;
        let mut text = edit::empty(&domain);
        for (part, address) in parts.iter().zip(addresses) {
            text = edit::add(&text, &entry(part, address), &part.name)?;
        }
        std::fs::write(folder.path().join("fleet.toml"), text).map_err(NoStage::System)?;
        let replicas = parts.len();
        Ok(Stage { _sidecars: sidecars, _services: services, folder, replicas })
    }

    /// The folder of the fleet.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How to use a fleet that stays up, and what ends it.
    pub fn instructions(&self, end: &str) -> String {
        format!(
            "{} replicas of a session store are up, each with a sidecar. In another terminal:\n\n  \
             export PREPL_FLEET={}\n  \
             prepl targets -l app=api\n  \
             prepl exec -l app=api '(count-sessions)'\n  \
             prepl exec -l app=api -o diff '(cache-info)'\n\n\
             {end} ends them all.\n",
            self.replicas,
            self.folder().display(),
        )
    }
}

type Services = (Vec<Process>, Vec<String>);

fn scheme_services(folder: &Path, parts: &[Part]) -> Result<Services, NoStage> {
    let started = parts.iter().map(|part| {
        let figures = &part.service;
        let mut command = own_program()?;
        command.arg("part-service");
        // Steel wants a folder of its own, and otherwise makes one in the user's home.
        command.env("STEEL_HOME", folder.join("steel"));
        command.args(["--version", &figures.version, "--zone", &figures.zone]);
        command.args(["--sessions", &figures.sessions.to_string()]);
        command.args(["--cache-generation", &figures.cache_generation.to_string()]);
        command.args(["--cache-size", &figures.cache_size.to_string()]);
        command.args(figures.features.iter().flat_map(|feature| ["--feature", feature]));
        start(&mut command, &part.name)
    });
    let (services, lines) = ready(started.collect::<Result<_, _>>()?, parts)?;
    let repl = |line: String| line.rsplit(' ').next().unwrap_or_default().to_owned();
    Ok((services, lines.into_iter().map(repl).collect()))
}

fn clojure_services(demo: &Demo, folder: &Path, parts: &[Part]) -> Result<Services, NoStage> {
    let figures = &parts[0].service;
    let class_path = demo.class_path.as_ref();
    let jvm = clojure::start(folder, class_path, parts.len(), &figures.version, figures.sessions);
    let jvm =
        jvm.map_err(|source| NoStage::Start { what: "the Clojure service".into(), source })?;
    Ok((vec![jvm.process], jvm.repls))
}

fn sidecars(
    folder: &Path,
    authority: &Authority,
    parts: &[Part],
    repls: &[String],
) -> Result<Vec<Process>, NoStage> {
    let sidecar = |(part, repl): (&Part, &String)| {
        let bundle = folder.join(format!("{}.pem", part.name));
        let name = Name::sidecar(authority.domain(), &part.name)?;
        authority.issue(&name, MEMBER_LIFETIME)?.write(&bundle)?;
        let mut command = own_program()?;
        command.args(["part-sidecar", "--listen", "127.0.0.1:0", "--repl", repl]);
        command.arg("--bundle").arg(bundle);
        start(&mut command, &part.name)
    };
    parts.iter().zip(repls).map(sidecar).collect()
}

fn start(command: &mut Command, what: &str) -> Result<Process, NoStage> {
    Process::start(command).map_err(|source| NoStage::Start { what: what.to_owned(), source })
}

/// Waits for the first line of each, in order.
fn ready(
    mut started: Vec<Process>,
    parts: &[Part],
) -> Result<(Vec<Process>, Vec<String>), NoStage> {
    let lines = started.iter_mut().zip(parts).map(|(process, part)| {
        process.first_line().map_err(|source| NoStage::Start { what: part.name.clone(), source })
    });
    let lines = lines.collect::<Result<_, _>>()?;
    Ok((started, lines))
}

fn own_program() -> Result<Command, NoStage> {
    std::env::current_exe().map(Command::new).map_err(NoStage::System)
}

fn entry(part: &Part, address: String) -> NewReplica {
    let labels = [("app", "api"), ("version", part.service.version.as_str())];
    NewReplica {
        name: part.name.clone(),
        namespace: "shop".to_owned(),
        workload: "deployment/api".to_owned(),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        node: part.node.clone(),
        zone: part.service.zone.clone(),
        version: part.service.version.clone(),
        address,
    }
}
