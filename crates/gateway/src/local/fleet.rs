//! The folder of a local fleet.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prepl_audit::Who;
use prepl_core::ports::Discover;
use prepl_core::{Replica, ReplicaId, Selection};
use prepl_identity::{
    Authority, AuthorityError, BundleError, Credentials, FileError, Holder, IssueError,
    MEMBER_LIFETIME, Name, NameError, Role, TrustDomain, USER_LIFETIME,
};
use prepl_policy::{
    Denial, Denied, Grounds, Mode, Permit, Policy, Redaction, Request, Verdicts, redaction,
};

use super::edit::{self, CannotEdit};
use super::file::{BadFleetFile, FleetFile, MAX_BYTES, NewReplica};
use super::sweep::sweep;
use super::{policies, rights, text};
use crate::{Asker, Dialer};

const FLEET_FILE: &str = "fleet.toml";
const USER_BUNDLE: &str = "user.pem";
const AUTHORITY: &str = "ca.pem";
const SIDECARS: &str = "sidecars";

/// A fleet in a folder, read and checked.
#[derive(Clone, Debug)]
pub struct Fleet {
    folder: PathBuf,
    file: FleetFile,
    policies: Arc<[Policy]>,
}

/// The user of a fleet's folder.
#[derive(Debug)]
pub struct FleetUser {
    holder: Holder,
    credentials: Credentials,
    policies: Arc<[Policy]>,
}

impl FleetUser {
    /// The user as whoever asks for something, and why.
    pub fn asker(&self, grounds: Grounds) -> Asker {
        let username = match &self.holder {
            Holder::User { name, .. } => name.to_string(),
            other => other.to_string(),
        };
        let who = Who { username, uid: String::new(), access: None };
        Asker { who, grounds, break_glass: false, approved_by: Vec::new() }
    }

    /// A way to reach the replicas as this user.
    pub fn dialer(&self) -> Dialer {
        Dialer::new(&self.credentials)
    }

    /// What the policies leave out of records; `None` when that cannot be told.
    pub fn redaction(&self) -> Option<Vec<Redaction>> {
        redaction(&self.policies)
    }

    /// What the policies of the fleet say, if the user's role allows what he asks.
    pub fn judge(&self, selection: &Selection, request: &Request) -> Result<Verdicts, Denial> {
        let permit = rights::permit(&self.holder, needed(request.mode), selection)?;
        Ok(rights::judge(permit, &self.holder, request, &self.policies))
    }

    /// The right to what is asked, or why this user has none.
    pub fn permit(&self, selection: &Selection, request: &Request) -> Result<Permit, Denied> {
        self.judge(selection, request)?.permit()
    }

    /// The right to a tunnel to the selected replica, or why this user has none.
    pub fn permit_to_attach(&self, selection: &Selection) -> Result<Permit, Denied> {
        self.permit(selection, &Request::tunnel())
    }
}

/// Why a fleet cannot be used or changed.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// There is no fleet.
    #[error(
        "no fleet in {0}: there is no fleet.toml; make one with `prepl fleet init`, or name \
         another folder with --fleet"
    )]
    NoFleet(PathBuf),
    /// There is one already.
    #[error("{0} holds a fleet already; name another folder")]
    Exists(PathBuf),
    /// The fleet file is broken.
    #[error("{path}, {bad}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        bad: BadFleetFile,
    },
    /// A change cannot be made.
    #[error(transparent)]
    Edit(#[from] CannotEdit),
    /// A name that two replicas have.
    #[error("the name is that of {0} and of {1}; write NAMESPACE/NAME")]
    Ambiguous(String, String),
    /// Not the administrator's folder.
    #[error(
        "{0} has no ca.pem: only the folder of the fleet's administrator can issue certificates"
    )]
    NotAdministrator(PathBuf),
    /// The user's or the fleet's name is no name.
    #[error("{0:?} is no name: {1}")]
    Name(String, #[source] NameError),
    /// A key file.
    #[error(transparent)]
    KeyFile(#[from] FileError),
    /// The user's bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A certificate.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The file system.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Fleet {
    /// Reads the fleet of a folder; `path` may name its `fleet.toml` as well.
    pub fn open(path: &Path) -> Result<Fleet, FleetError> {
        let folder = match path.file_name() {
            Some(name) if name == FLEET_FILE => path.parent().unwrap_or(Path::new(".")),
            _ => path,
        };
        let text = read_text(folder)?;
        let bad = |bad| FleetError::File { path: folder.join(FLEET_FILE), bad };
        let file = FleetFile::parse(&text).map_err(bad)?;
        let policies = policies::read(folder)?.into();
        Ok(Fleet { folder: folder.to_owned(), file, policies })
    }

    /// Makes a fleet with an authority of its own; `user` becomes its administrator.
    pub fn init(folder: &Path, name: &str, user: &str) -> Result<Fleet, FleetError> {
        let domain: TrustDomain = named(name)?;
        let administrator = Name::user(&domain, Role::Admin, user)
            .map_err(|error| FleetError::Name(user.to_owned(), error))?;
        if folder.join(FLEET_FILE).exists() || folder.join(AUTHORITY).exists() {
            return Err(FleetError::Exists(folder.to_owned()));
        }
        make_folder(&folder.join(SIDECARS))?;
        let authority = Authority::create(&domain)?;
        authority.write(&folder.join(AUTHORITY))?;
        authority.issue(&administrator, USER_LIFETIME)?.write(&folder.join(USER_BUNDLE))?;
        write_text(folder, &edit::empty(&domain))?;
        Fleet::open(folder)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The replicas in the order of the file.
    pub fn replicas(&self) -> &[Replica] {
        &self.file.replicas
    }

    /// The folder's user: how he reaches the replicas, and what he may.
    pub fn user(&self) -> Result<FleetUser, FleetError> {
        let credentials = Credentials::from_file(&self.folder.join(USER_BUNDLE))?;
        let holder = credentials.current().name().holder.clone();
        Ok(FleetUser { holder, credentials, policies: Arc::clone(&self.policies) })
    }

    /// Adds a replica with the given UID, and gives the bundle that its sidecar needs.
    pub fn add(&mut self, replica: &NewReplica, uid: &str) -> Result<PathBuf, FleetError> {
        let authority = self.authority()?;
        let name = Name::sidecar(&self.file.name, uid)
            .map_err(|error| FleetError::Name(uid.to_owned(), error))?;
        let bundle = self.bundle(&replica.namespace, &replica.name);
        self.change(|text| {
            let changed = edit::add(text, replica, uid)?;
            let bad = |bad| FleetError::File { path: self.folder.join(FLEET_FILE), bad };
            FleetFile::parse(&changed).map_err(bad)?;
            authority.issue(&name, MEMBER_LIFETIME)?.write(&bundle)?;
            Ok(changed)
        })?;
        *self = Fleet::open(&self.folder)?;
        Ok(bundle)
    }

    /// Removes a replica by `NAME` or `NAMESPACE/NAME`, and its bundle.
    ///
    /// Its certificate stays good until it ends; nobody dials it any more.
    pub fn remove(&mut self, name: &str) -> Result<(), FleetError> {
        let removed = self.named(name)?;
        self.change(|text| Ok(edit::remove(text, &removed.to_string())?))?;
        let bundle = self.bundle(&removed.namespace, &removed.name);
        match fs::remove_file(&bundle) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(FleetError::Io { what: "remove", path: bundle, source });
            }
            _ => {}
        }
        *self = Fleet::open(&self.folder)?;
        Ok(())
    }

    /// Writes a folder with which a user can ask this fleet: its file, its policies and a bundle of
    /// his own.
    pub fn issue(&self, user: &str, role: Role, out: &Path) -> Result<(), FleetError> {
        let name = Name::user(&self.file.name, role, user)
            .map_err(|error| FleetError::Name(user.to_owned(), error))?;
        if out.join(FLEET_FILE).exists() {
            return Err(FleetError::Exists(out.to_owned()));
        }
        let bundle = self.authority()?.issue(&name, USER_LIFETIME)?;
        make_folder(out)?;
        bundle.write(&out.join(USER_BUNDLE))?;
        policies::copy(&self.folder, out)?;
        write_text(out, &read_text(&self.folder)?)
    }

    /// The one replica of that name; a bare name in two namespaces is nobody's.
    fn named(&self, name: &str) -> Result<ReplicaId, FleetError> {
        let ids = self.file.replicas.iter().map(|replica| &replica.id);
        let mut named = ids.filter(|id| *id.name == *name || id.to_string() == name);
        match (named.next(), named.next()) {
            (Some(id), None) => Ok(id.clone()),
            (None, _) => Err(CannotEdit::Unknown(name.to_owned()).into()),
            (Some(one), Some(other)) => {
                Err(FleetError::Ambiguous(one.to_string(), other.to_string()))
            }
        }
    }

    fn bundle(&self, namespace: &str, name: &str) -> PathBuf {
        let file = match namespace {
            "default" => format!("{name}.pem"),
            other => format!("{other}.{name}.pem"),
        };
        self.folder.join(SIDECARS).join(file)
    }

    fn authority(&self) -> Result<Authority, FleetError> {
        let path = self.folder.join(AUTHORITY);
        if !path.exists() {
            return Err(FleetError::NotAdministrator(self.folder.clone()));
        }
        Ok(Authority::read(&path)?)
    }

    /// Changes the file while nobody else does.
    fn change(
        &self,
        edit: impl FnOnce(&str) -> Result<String, FleetError>,
    ) -> Result<(), FleetError> {
        let io = |what| {
            let path = self.folder.clone();
            move |source| FleetError::Io { what, path, source }
        };
        let lock = File::open(&self.folder).map_err(io("open"))?;
        lock.lock().map_err(io("lock"))?;
        sweep(&self.folder);
        sweep(&self.folder.join(SIDECARS));
        write_text(&self.folder, &edit(&read_text(&self.folder)?)?)
    }
}

impl Discover for Fleet {
    type Error = FleetError;

    async fn replicas(&self) -> Result<Vec<Replica>, FleetError> {
        Ok(self.file.replicas.clone())
    }
}

/// The role for a mode; the sidecars ask for the same.
fn needed(mode: Mode) -> Role {
    match mode {
        Mode::Inspect => Role::Viewer,
        Mode::Eval => Role::Evaluator,
        Mode::Attach => Role::Admin,
    }
}

fn named<T: std::str::FromStr<Err = NameError>>(text: &str) -> Result<T, FleetError> {
    text.parse().map_err(|error| FleetError::Name(text.to_owned(), error))
}

fn read_text(folder: &Path) -> Result<String, FleetError> {
    let path = folder.join(FLEET_FILE);
    text::read(&path, MAX_BYTES).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => FleetError::NoFleet(folder.to_owned()),
        _ => FleetError::Io { what: "read", path, source },
    })
}

/// Writes whole or not at all: a reader sees the old or the new file.
fn write_text(folder: &Path, text: &str) -> Result<(), FleetError> {
    let path = folder.join(FLEET_FILE);
    let io = |source| FleetError::Io { what: "write", path: path.clone(), source };
    let new = folder.join(".fleet.toml.new");
    let mut file = File::create(&new).map_err(io)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
    fs::rename(&new, &path).map_err(io)
}

fn make_folder(folder: &Path) -> Result<(), FleetError> {
    fs::create_dir_all(folder).map_err(|source| FleetError::Io {
        what: "make",
        path: folder.to_owned(),
        source,
    })
}
