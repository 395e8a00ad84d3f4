//! New certificates and new authorities, while streams stay open.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::common::{Answer, bundle, credentials, fleet, gateway, sidecar, sockets, talk};
use prepl_identity::{
    Acceptor, Authority, Bundle, BundleError, Connector, Credentials, HandshakeFailed,
};

/// Two members whose bundles stand in files, with one connector and one acceptor for ever.
struct Pair {
    folder: tempfile::TempDir,
    gateway: Credentials,
    sidecar: Credentials,
    connector: Connector,
    acceptor: Acceptor,
}

impl Pair {
    fn new(authority: &Authority) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = [gateway(), sidecar("a")].map(|name| bundle(authority, &name));
        let paths = [folder.path().join("gateway"), folder.path().join("sidecar")];
        one.write(&paths[0]).unwrap();
        two.write(&paths[1]).unwrap();
        let [gateway, sidecar] = paths.map(|path| Credentials::from_file(&path).unwrap());
        let (connector, acceptor) = (Connector::new(&gateway), Acceptor::new(&sidecar));
        Self { folder, gateway, sidecar, connector, acceptor }
    }

    fn put(&self, file: &str, bundle: &Bundle) {
        bundle.write(&self.folder.path().join(file)).unwrap();
    }

    async fn shake(&self) -> (Answer, Answer) {
        let (near, far) = sockets().await;
        let name = sidecar("a");
        tokio::join!(self.connector.connect(near, &name), self.acceptor.accept(far))
    }
}

#[tokio::test]
async fn the_authority_is_replaced_step_by_step_and_no_stream_drops() {
    let (old, new) = (fleet(), fleet());
    let pair = Pair::new(&old);
    let (near, far) = pair.shake().await;
    let (mut near, mut far) = (near.unwrap(), far.unwrap());

    // First everybody trusts both.
    let both = |authority: &Authority, name, other: &Authority| {
        bundle(authority, &name).trusting(other.certificate_pem()).unwrap()
    };
    pair.put("gateway", &both(&old, gateway(), &new));
    pair.put("sidecar", &both(&old, sidecar("a"), &new));
    pair.gateway.reload().unwrap();
    pair.sidecar.reload().unwrap();
    talk(&mut near, &mut far).await;
    // Then one side after the other gets a certificate of the new one.
    pair.put("sidecar", &both(&new, sidecar("a"), &old));
    pair.sidecar.reload().unwrap();
    let (mixed_near, mixed_far) = pair.shake().await;
    talk(&mut mixed_near.unwrap(), &mut mixed_far.unwrap()).await;
    // Then nobody trusts the old one.
    pair.put("gateway", &bundle(&new, &gateway()));
    pair.put("sidecar", &bundle(&new, &sidecar("a")));
    pair.gateway.reload().unwrap();
    pair.sidecar.reload().unwrap();
    let (last_near, last_far) = pair.shake().await;
    talk(&mut last_near.unwrap(), &mut last_far.unwrap()).await;

    talk(&mut near, &mut far).await;
}

#[tokio::test]
async fn an_authority_taken_away_lets_nobody_in_any_more() {
    let (old, new) = (fleet(), fleet());
    let pair = Pair::new(&old);
    let (near, far) = pair.shake().await;
    assert!(near.is_ok() && far.is_ok());
    pair.sidecar.replace(bundle(&new, &sidecar("a")));
    let (near, _) = pair.shake().await;
    assert!(matches!(near.unwrap_err(), HandshakeFailed::UnknownAuthority));
    pair.gateway.replace(bundle(&old, &gateway()).trusting(new.certificate_pem()).unwrap());
    let (_, far) = pair.shake().await;
    assert!(matches!(far.unwrap_err(), HandshakeFailed::UnknownAuthority));
}

#[tokio::test]
async fn a_new_certificate_is_shown_at_the_next_handshake() {
    let authority = fleet();
    let pair = Pair::new(&authority);
    pair.put("sidecar", &bundle(&authority, &sidecar("renamed")));
    let (near, far) = pair.shake().await;
    assert!(near.is_ok() && far.is_ok(), "nothing changes before the reload");
    pair.sidecar.reload().unwrap();
    let (near, _) = pair.shake().await;
    assert!(matches!(near.unwrap_err(), HandshakeFailed::WrongName { .. }));
}

#[tokio::test]
async fn a_bad_file_is_reported_and_the_old_bundle_stays() {
    let authority = fleet();
    let pair = Pair::new(&authority);
    let before = pair.sidecar.current();
    std::fs::write(pair.folder.path().join("sidecar"), "half a bun").unwrap();
    assert!(matches!(pair.sidecar.reload(), Err(BundleError::Content { .. })));
    std::fs::remove_file(pair.folder.path().join("sidecar")).unwrap();
    assert!(matches!(pair.sidecar.reload(), Err(BundleError::File(_))));
    assert_eq!(pair.sidecar.current().secret_pem(), before.secret_pem());
    let (near, far) = pair.shake().await;
    assert!(near.is_ok() && far.is_ok());
}

const POLL: Duration = Duration::from_secs(60);

fn watched() -> (tempfile::TempDir, PathBuf, Credentials, Authority) {
    let authority = fleet();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    bundle(&authority, &gateway()).write(&path).unwrap();
    let credentials = Credentials::from_file(&path).unwrap();
    (folder, path, credentials, authority)
}

/// Sets the time of the last change, as file systems may count in seconds.
fn touch(path: &std::path::Path, later: u64) {
    let moment = SystemTime::now() + Duration::from_secs(later);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(moment).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_is_taken_by_itself() {
    let (_folder, path, credentials, authority) = watched();
    let mut subscribed = credentials.subscribe();
    bundle(&authority, &sidecar("a")).write(&path).unwrap();
    touch(&path, 10);
    credentials.changed_on_disk(POLL).await.unwrap();
    assert_eq!(credentials.current().name(), &sidecar("a"));
    assert_eq!(subscribed.borrow_and_update().name(), &sidecar("a"));
}

#[tokio::test(start_paused = true)]
async fn a_bad_file_is_reported_once_and_a_good_one_after_it_is_taken() {
    let (_folder, path, credentials, authority) = watched();
    std::fs::write(&path, "half a bun").unwrap();
    touch(&path, 10);
    assert!(credentials.changed_on_disk(POLL).await.is_err());
    let second = tokio::time::timeout(10 * POLL, credentials.changed_on_disk(POLL)).await;
    assert!(second.is_err(), "the same bad file is reported again");
    bundle(&authority, &sidecar("a")).write(&path).unwrap();
    touch(&path, 20);
    credentials.changed_on_disk(POLL).await.unwrap();
    assert_eq!(credentials.current().name(), &sidecar("a"));
}

#[tokio::test(start_paused = true)]
async fn credentials_without_a_file_wait_for_ever() {
    let fixed = credentials(&fleet(), &gateway());
    fixed.reload().unwrap();
    assert!(tokio::time::timeout(100 * POLL, fixed.changed_on_disk(POLL)).await.is_err());
}
