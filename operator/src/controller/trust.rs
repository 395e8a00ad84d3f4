//! Who signs and who is trusted, as the Secret of the installation holds it.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::api::ObjectMeta;
use prepl_identity::{Authority, AuthorityProblem, IssueError, TrustDomain};
use tokio::sync::watch;

use super::rotation::{Stage, Step};

/// The Secret.
pub(super) const SECRET: &str = "prepl-authority";
/// Key and certificate of the authority that signs.
const SIGNING: &str = "authority.pem";
/// Key and certificate of the one that will.
const SUCCESSOR: &str = "successor.pem";
/// Certificates of those that did, the newest first.
const PREDECESSOR: &str = "predecessor.pem";
/// So many authorities that sign no more are trusted.
const MAX_PREDECESSORS: usize = 4;
/// Since when the successor, or the predecessor, is there.
const SINCE: &str = "prepl.dev/since";
/// Asks for another authority.
const ROTATE: &str = "prepl.dev/rotate";

/// What is wrong with the Secret.
#[derive(Debug, thiserror::Error)]
pub enum BadSecret {
    /// It lacks an entry.
    #[error("the Secret {SECRET} has no text {SIGNING}; restore it, or delete the Secret")]
    NoText,
    /// An entry is no authority.
    #[error("the Secret {SECRET} holds no usable authority: {0}; restore it, or delete the Secret")]
    Unusable(#[from] AuthorityProblem),
    /// It is of another domain.
    #[error("the Secret {SECRET} is of the trust domain {0}; set trustDomain to it, or delete it")]
    OtherDomain(TrustDomain),
    /// It does not tell since when.
    #[error(
        "the Secret {SECRET} has no time in its annotation {SINCE}; write the present time there"
    )]
    NoTime,
}

/// The authority that signs, and all that are trusted.
#[derive(Debug)]
pub struct Trust {
    /// Signs.
    pub signing: Authority,
    /// The certificates of all that are trusted, in PEM.
    pub anchors: String,
}

/// Who signs and who is trusted now; clones see the same.
#[derive(Clone, Debug)]
pub struct Authorities(watch::Receiver<Arc<Trust>>);

impl Authorities {
    /// What the sender of `trust` says.
    #[must_use]
    pub fn new(trust: watch::Receiver<Arc<Trust>>) -> Authorities {
        Authorities(trust)
    }

    /// Those of one authority that never changes.
    #[must_use]
    pub fn fixed(signing: Authority) -> Authorities {
        let anchors = signing.certificate_pem().to_owned();
        Authorities(watch::channel(Arc::new(Trust { signing, anchors })).1)
    }

    /// Who signs and who is trusted now.
    #[must_use]
    pub fn current(&self) -> Arc<Trust> {
        Arc::clone(&self.0.borrow())
    }

    /// Waits until it changes; for ever once nobody changes it any more.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The Secret of a new installation.
pub fn first(domain: &TrustDomain) -> Result<Secret, IssueError> {
    let authority = Authority::create(domain)?;
    Ok(Secret {
        metadata: ObjectMeta { name: Some(SECRET.into()), ..ObjectMeta::default() },
        data: Some(BTreeMap::from([entry(SIGNING, authority.secret_pem())])),
        ..Secret::default()
    })
}

/// Reads who signs and who is trusted.
pub fn read(secret: &Secret, domain: &TrustDomain) -> Result<Trust, BadSecret> {
    let signing = Authority::parse(text(secret, SIGNING).ok_or(BadSecret::NoText)?)?;
    if signing.domain() != domain {
        return Err(BadSecret::OtherDomain(signing.domain().clone()));
    }
    let mut anchors = signing.certificate_pem().to_owned();
    if let Some(successor) = text(secret, SUCCESSOR) {
        anchors += Authority::parse(successor)?.certificate_pem();
    }
    anchors += text(secret, PREDECESSOR).unwrap_or_default();
    Ok(Trust { signing, anchors })
}

/// Where a change of authority stands.
pub fn stage(secret: &Secret, trust: &Trust) -> Result<Stage, BadSecret> {
    let annotation = |key| secret.metadata.annotations.as_ref().and_then(|all| all.get(key));
    let since = || {
        let time = annotation(SINCE).and_then(|text| text.parse::<Timestamp>().ok());
        time.ok_or(BadSecret::NoTime)
    };
    let asked = annotation(ROTATE).is_some_and(|value| value == "true");
    Ok(match (text(secret, SUCCESSOR), text(secret, PREDECESSOR)) {
        (Some(_), _) => Stage::Announced(since()?),
        (None, Some(_)) => Stage::Switched { since: since()?, asked },
        (None, None) => Stage::Settled {
            // A time that no clock shows is far away.
            end: Timestamp::try_from(trust.signing.not_after()).unwrap_or(Timestamp::MAX),
            asked,
        },
    })
}

/// The Secret after a step.
pub fn after(secret: Secret, step: Step, now: Timestamp) -> Result<Secret, NotChanged> {
    let mut changed = secret;
    let data = changed.data.get_or_insert_default();
    match step {
        Step::Wait => {}
        Step::Announce => {
            let old = Authority::parse(entry_text(data, SIGNING)).map_err(BadSecret::from)?;
            let (key, text) = entry(SUCCESSOR, Authority::create(old.domain())?.secret_pem());
            data.insert(key, text);
        }
        Step::Switch => {
            let old = Authority::parse(entry_text(data, SIGNING)).map_err(BadSecret::from)?;
            let successor = data.remove(SUCCESSOR).ok_or(BadSecret::NoText)?;
            data.insert(SIGNING.into(), successor);
            let before = entry_text(data, PREDECESSOR);
            let (key, text) = entry(PREDECESSOR, newest(old.certificate_pem(), before));
            data.insert(key, text);
        }
        Step::Retire => drop(data.remove(PREDECESSOR)),
    }
    let annotations = changed.metadata.annotations.get_or_insert_default();
    if step == Step::Announce {
        annotations.remove(ROTATE);
    }
    annotations.insert(SINCE.into(), now.to_string());
    Ok(changed)
}

/// The certificate and those before it, but for the oldest of many.
fn newest(certificate: &str, before: &str) -> String {
    const END: &str = "-----END CERTIFICATE-----\n";
    let before = before.split_inclusive(END).take(MAX_PREDECESSORS - 1);
    std::iter::once(certificate).chain(before).collect()
}

/// Why a step cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum NotChanged {
    /// The Secret is damaged.
    #[error(transparent)]
    Secret(#[from] BadSecret),
    /// No successor could be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

fn entry(key: &str, text: String) -> (String, ByteString) {
    (key.into(), ByteString(text.into_bytes()))
}

fn text<'a>(secret: &'a Secret, key: &str) -> Option<&'a str> {
    secret.data.as_ref()?.get(key).and_then(|text| std::str::from_utf8(&text.0).ok())
}

/// Empty where there is none, which is no authority either.
fn entry_text<'a>(data: &'a BTreeMap<String, ByteString>, key: &str) -> &'a str {
    data.get(key).and_then(|text| std::str::from_utf8(&text.0).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain() -> TrustDomain {
        "prepl.cluster".parse().unwrap()
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn anchors(secret: &Secret) -> usize {
        read(secret, &domain()).unwrap().anchors.matches("BEGIN CERTIFICATE").count()
    }

    #[test]
    fn a_change_of_authority_never_leaves_the_signer_untrusted() {
        let first = first(&domain()).unwrap();
        let old = read(&first, &domain()).unwrap();
        assert!(matches!(stage(&first, &old), Ok(Stage::Settled { asked: false, .. })));
        assert_eq!(anchors(&first), 1);

        let announced = after(first, Step::Announce, now()).unwrap();
        let trust = read(&announced, &domain()).unwrap();
        assert_eq!(stage(&announced, &trust).unwrap(), Stage::Announced(now()));
        assert_eq!(trust.signing.certificate_pem(), old.signing.certificate_pem());
        assert_eq!(anchors(&announced), 2);

        let switched = after(announced, Step::Switch, now()).unwrap();
        let trust = read(&switched, &domain()).unwrap();
        assert_eq!(
            stage(&switched, &trust).unwrap(),
            Stage::Switched { since: now(), asked: false }
        );
        assert_ne!(trust.signing.certificate_pem(), old.signing.certificate_pem());
        assert!(trust.anchors.contains(trust.signing.certificate_pem()));
        assert!(trust.anchors.contains(old.signing.certificate_pem()));

        let settled = after(switched, Step::Retire, now()).unwrap();
        let alone = read(&settled, &domain()).unwrap();
        assert!(matches!(stage(&settled, &alone), Ok(Stage::Settled { .. })));
        assert_eq!(alone.anchors, alone.signing.certificate_pem());
    }

    #[test]
    fn several_changes_may_follow_each_other_and_the_oldest_is_forgotten() {
        let mut secret = first(&domain()).unwrap();
        let mut signers = vec![read(&secret, &domain()).unwrap().signing];
        for _ in 0..5 {
            secret = after(secret, Step::Announce, now()).unwrap();
            secret = after(secret, Step::Switch, now()).unwrap();
            signers.push(read(&secret, &domain()).unwrap().signing);
        }
        let trusted = read(&secret, &domain()).unwrap().anchors;
        let is_trusted = |one: &Authority| trusted.contains(one.certificate_pem());
        assert!(!is_trusted(&signers[0]) && signers[1..].iter().all(is_trusted));
    }

    #[test]
    fn somebody_can_ask_for_another_and_is_heard_once() {
        let mut secret = first(&domain()).unwrap();
        let asked = BTreeMap::from([(ROTATE.to_owned(), "true".to_owned())]);
        secret.metadata.annotations = Some(asked);
        let trust = read(&secret, &domain()).unwrap();
        assert!(matches!(stage(&secret, &trust), Ok(Stage::Settled { asked: true, .. })));
        let announced = after(secret, Step::Announce, now()).unwrap();
        assert!(!announced.metadata.annotations.unwrap().contains_key(ROTATE));
    }

    #[test]
    fn a_damaged_secret_is_named() {
        assert!(matches!(read(&Secret::default(), &domain()), Err(BadSecret::NoText)));
        let good = first(&domain()).unwrap();
        assert!(matches!(read(&good, &"other".parse().unwrap()), Err(BadSecret::OtherDomain(_))));
        let mut announced = after(good, Step::Announce, now()).unwrap();
        announced.metadata.annotations = None;
        let trust = read(&announced, &domain()).unwrap();
        assert!(matches!(stage(&announced, &trust), Err(BadSecret::NoTime)));
    }
}
