//! The access of an earlier command, kept for the next one.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use prepl_core::Digest;
use prepl_crd::Mode;
use prepl_identity::Bundle;

use crate::cluster::context::Cluster;

/// An access that ends so soon after its use is renewed.
const SPARE: Duration = Duration::from_secs(60);

/// Where the access of this user, namespace and mode lies; `None` for a user without a home.
pub fn place(cluster: &Cluster, mode: Mode) -> Option<PathBuf> {
    let folder = folder(std::env::var_os("XDG_RUNTIME_DIR"), std::env::var_os("HOME"))?;
    let name = file_name(&cluster.server, &cluster.user, &cluster.namespace, mode);
    Some(folder.join(name))
}

fn folder(
    runtime: Option<std::ffi::OsString>,
    home: Option<std::ffi::OsString>,
) -> Option<PathBuf> {
    let runtime = runtime.map(PathBuf::from).filter(|path| path.is_absolute());
    let home = home.map(PathBuf::from).filter(|path| path.is_absolute());
    runtime.map(|path| path.join("prepl")).or(home.map(|path| path.join(".cache/prepl/access")))
}

/// No name holds a zero byte, so that two different keys never read alike.
fn file_name(server: &str, user: &str, namespace: &str, mode: Mode) -> String {
    let key = [server, user, namespace, mode.subresource()].join("\0");
    format!("{}.pem", Digest::of(&key))
}

/// The kept access, if it can be read and lasts until then, and somewhat longer.
pub fn kept(place: &Path, until: SystemTime) -> Option<Bundle> {
    Bundle::read(place).ok().filter(|bundle| until + SPARE < bundle.details().not_after)
}

/// Keeps an access for the next command, readable by its owner alone.
///
/// A failure is no problem: the next command asks again.
pub fn keep(place: &Path, bundle: &Bundle) {
    let folder =
        place.parent().map(|folder| DirBuilder::new().recursive(true).mode(0o700).create(folder));
    if folder.is_some_and(|made| made.is_ok()) {
        let _ = bundle.write(place);
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

    #[test]
    fn a_kept_access_comes_back_until_a_minute_before_its_end() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("prepl/one.pem");
        let bundle = bundle(Duration::from_secs(600));
        keep(&place, &bundle);
        let end = bundle.details().not_after;
        assert!(kept(&place, end - Duration::from_secs(61)).is_some());
        assert!(kept(&place, end - Duration::from_secs(60)).is_none());
    }

    #[test]
    fn nobody_else_reads_a_kept_access() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("prepl/one.pem");
        keep(&place, &bundle(Duration::from_secs(600)));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(place.parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn what_is_no_access_is_asked_for_again() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("one.pem");
        assert!(kept(&place, SystemTime::now()).is_none());
        std::fs::write(&place, "not a bundle").unwrap();
        assert!(kept(&place, SystemTime::now()).is_none());
    }

    #[test]
    fn every_part_of_the_key_tells_accesses_apart() {
        let name = |s, u, n, m| file_name(s, u, n, m);
        let one = name("https://a", "mira", "shop", Mode::Eval);
        assert_eq!(one, name("https://a", "mira", "shop", Mode::Eval));
        assert_ne!(one, name("https://b", "mira", "shop", Mode::Eval));
        assert_ne!(one, name("https://a", "otto", "shop", Mode::Eval));
        assert_ne!(one, name("https://a", "mira", "bank", Mode::Eval));
        assert_ne!(one, name("https://a", "mira", "shop", Mode::Inspect));
    }

    #[test]
    fn the_runtime_folder_is_preferred_to_the_home() {
        let both = folder(Some("/run/user/1".into()), Some("/home/mira".into()));
        assert_eq!(both.unwrap(), Path::new("/run/user/1/prepl"));
        let home = folder(Some("".into()), Some("/home/mira".into()));
        assert_eq!(home.unwrap(), Path::new("/home/mira/.cache/prepl/access"));
        assert_eq!(folder(None, None), None);
    }
}
