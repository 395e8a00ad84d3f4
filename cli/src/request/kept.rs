//! The key of a run that waits for others, and how it is to be done, in the user's own folder.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::num::NonZeroUsize;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use prepl_core::{Digest, Limits, Patience};
use prepl_gateway::Plan;
use prepl_identity::Bundle;
use serde_json::{Value as Json, json};

use crate::cluster::context::Cluster;
use crate::problem::Problem;
use crate::state;

/// Largest file that is read.
const MAX_BYTES: u64 = 4096;
/// Files that are looked through for those that are over.
const MAX_FILES: usize = 2000;

/// What of a plan does not stand in its access request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bounds of each evaluation.
    pub limits: Limits,
    /// How long to wait.
    pub patience: Patience,
    /// Replicas at work at the same time.
    pub width: NonZeroUsize,
    /// Whether all start at one moment.
    pub barrier: bool,
    /// Whether it was started already: then only its answers are asked for.
    pub started: bool,
}

/// Where both lie.
#[derive(Clone, Debug)]
pub struct Place(PathBuf);

impl Place {
    /// That of a request; an error for a user without a home.
    pub fn of(cluster: &Cluster, name: &str) -> Result<Place, Problem> {
        let folder = state::folder().ok_or_else(|| {
            Problem::failed("there is no place to keep the key of the run in")
                .hint("set HOME or XDG_STATE_HOME to a folder of your own")
        })?;
        // No name holds a zero byte, so that two different keys never read alike.
        let key = [&*cluster.server, &*cluster.namespace, name].join("\0");
        Ok(Place(folder.join("requests").join(Digest::of(&key).to_string())))
    }

    /// Keeps both, readable by their owner alone, and forgets those that are over.
    pub fn keep(&self, bundle: &Bundle, pace: &Pace) -> Result<(), Problem> {
        let folder = self.0.parent().unwrap_or(Path::new("."));
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| unkept(&error))?;
        forget_old(folder, SystemTime::now());
        bundle.write(&self.key()).map_err(|error| Problem::of(&error))?;
        self.write(pace).map_err(|error| unkept(&error))
    }

    /// Reads both.
    pub fn read(&self) -> Result<(Bundle, Pace), Problem> {
        let missing = || {
            Problem::failed("this machine has no key of that request, so it cannot run it")
                .hint("run it where it was asked for, as the same user and with the same context")
        };
        let bundle = Bundle::read(&self.key()).map_err(|_| missing())?;
        let pace = self.pace().ok_or_else(missing)?;
        Ok((bundle, pace))
    }

    /// Writes down that the run was started; before it is.
    pub fn start(&self, pace: &Pace) -> Result<(), Problem> {
        let started = Pace { started: true, ..pace.clone() };
        self.write(&started).map_err(|error| unkept(&error))
    }

    /// Writes down that it was not: it was denied before anything of it ran.
    pub fn unstart(&self, pace: &Pace) -> Result<(), Problem> {
        self.write(&Pace { started: false, ..pace.clone() }).map_err(|error| unkept(&error))
    }

    fn key(&self) -> PathBuf {
        self.0.with_extension("pem")
    }

    fn plan(&self) -> PathBuf {
        self.0.with_extension("json")
    }

    fn write(&self, pace: &Pace) -> io::Result<()> {
        let unfinished = self.0.with_extension("new");
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(pace.json().to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, self.plan())
    }

    fn pace(&self) -> Option<Pace> {
        let mut text = String::new();
        let file = fs::File::open(self.plan()).ok()?;
        file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
        Pace::read(&serde_json::from_str(&text).ok()?)
    }
}

fn unkept(error: &io::Error) -> Problem {
    Problem::failed(format!("cannot keep the key of the run: {error}"))
}

/// Removes the keys of accesses that are over; what cannot be removed stays.
fn forget_old(folder: &Path, now: SystemTime) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().take(MAX_FILES);
    for path in files.map(|file| file.path()) {
        let is_key = path.extension().is_some_and(|extension| extension == "pem");
        let over = |bundle: Bundle| bundle.details().not_after < now;
        if is_key && Bundle::read(&path).is_ok_and(over) {
            let _ = fs::remove_file(path.with_extension("json"));
            let _ = fs::remove_file(&path);
        }
    }
}

impl Pace {
    /// That of a plan that was not started.
    pub fn of(plan: &Plan) -> Pace {
        Pace {
            limits: plan.limits,
            patience: plan.patience,
            width: plan.width,
            barrier: plan.barrier,
            started: false,
        }
    }

    fn json(&self) -> Json {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        json!({
            "time_ms": millis(self.limits.time()),
            "value_bytes": self.limits.value_bytes(),
            "output_bytes": self.limits.output_bytes(),
            "connect_ms": millis(self.patience.connect),
            "deadline_ms": self.patience.deadline.map(millis),
            "width": self.width.get(),
            "barrier": self.barrier,
            "started": self.started,
        })
    }

    fn read(json: &Json) -> Option<Pace> {
        let millis = |name: &str| json[name].as_u64().map(Duration::from_millis);
        let bytes = |name: &str| u32::try_from(json[name].as_u64()?).ok();
        let limits = Limits::new(millis("time_ms")?, bytes("value_bytes")?, bytes("output_bytes")?);
        Some(Pace {
            limits: limits.ok()?,
            patience: Patience { connect: millis("connect_ms")?, deadline: millis("deadline_ms") },
            width: NonZeroUsize::new(usize::try_from(json["width"].as_u64()?).ok()?)?,
            barrier: json["barrier"].as_bool()?,
            started: json["started"].as_bool()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use prepl_identity::{Authority, Name, Role, TrustDomain};

    use super::*;

    fn bundle(lifetime: Duration) -> Bundle {
        let domain: TrustDomain = "shop".parse().unwrap();
        let name = Name::user(&domain, Role::Evaluator, "mira").unwrap();
        Authority::create(&domain).unwrap().issue(&name, lifetime).unwrap()
    }

    fn pace() -> Pace {
        Pace {
            limits: Limits::default(),
            patience: Patience { connect: Duration::from_secs(3), deadline: None },
            width: NonZeroUsize::MIN,
            barrier: true,
            started: false,
        }
    }

    #[test]
    fn what_is_kept_comes_back_and_nobody_else_reads_it() {
        let home = tempfile::tempdir().unwrap();
        let place = Place(home.path().join("requests/one"));
        place.keep(&bundle(Duration::from_secs(600)), &pace()).unwrap();
        assert_eq!(place.read().unwrap().1, pace());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place.key()), mode(&place.plan())), (0o600, 0o600));
        assert_eq!(mode(place.0.parent().unwrap()), 0o700);
        place.start(&pace()).unwrap();
        assert!(place.read().unwrap().1.started);
    }

    #[test]
    fn what_is_missing_or_no_plan_is_a_problem_and_no_panic() {
        let home = tempfile::tempdir().unwrap();
        let place = Place(home.path().join("one"));
        assert!(place.read().unwrap_err().message.contains("no key"));
        place.keep(&bundle(Duration::from_secs(600)), &pace()).unwrap();
        for bad in ["", "{}", "[1", "{\"time_ms\": -1}", &"x".repeat(9000)] {
            fs::write(place.plan(), bad).unwrap();
            assert!(place.read().is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_that_are_over_are_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let place = Place(home.path().join("one"));
        let bundle = bundle(Duration::from_secs(600));
        place.keep(&bundle, &pace()).unwrap();
        forget_old(home.path(), SystemTime::now());
        assert!(place.read().is_ok());
        forget_old(home.path(), bundle.details().not_after + Duration::from_secs(1));
        assert!(place.read().is_err() && !place.plan().exists());
    }
}
