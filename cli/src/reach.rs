//! The way from a fleet's folder to its replicas.

use std::path::Path;

use prepl_gateway::local::{Fleet, FleetUser};
use tokio::runtime::{Builder, Runtime};

use crate::problem::Problem;

/// Opens the fleet that the user chose.
pub fn open(path: Option<&Path>) -> Result<Fleet, Problem> {
    Fleet::open(chosen(path)?).map_err(|error| Problem::of(&error))
}

/// The folder that the user chose.
pub fn chosen(path: Option<&Path>) -> Result<&Path, Problem> {
    path.ok_or_else(|| {
        Problem::usage("no fleet named").hint(
            "name its folder with --fleet PATH or PREPL_FLEET; \
             make one with: prepl fleet init, or try: prepl demo",
        )
    })
}

/// The folder's user.
pub fn user(fleet: &Fleet) -> Result<FleetUser, Problem> {
    fleet.user().map_err(|error| Problem::of(&error))
}

/// Two threads do the work of a thousand replicas; more would only cost start-up time.
pub fn runtime() -> Result<Runtime, Problem> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| Problem::failed(format!("cannot start: {error}")))
}
