//! What a gateway asks for a user is what that user signed, or it is not done.
//!
//! A gateway whose every key is stolen can drop and read what passes it. It cannot invent an
//! evaluation, widen one, do one again, or take it to another replica.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use prepl_core::claim::{CLOCK_SKEW, Claim, Looked, NotCovered};
use prepl_core::membership::Proof;
use prepl_core::{Evaluation, Input, Outcome, Reason, Refusal, RequestId};
use prepl_identity::{Credentials, Holder, Name, NotSigned, Signature, Signer};
use prepl_proto::convert::{BadMessage, claim};
use prepl_proto::v1;

/// Tunnels whose request ids are remembered.
const MAX_TUNNEL_IDS: usize = 1024;

/// Where the pod of this sidecar is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The pod's namespace.
    pub namespace: String,
    /// The namespace of prepl: access requests there are for all others.
    pub system: String,
}

/// Looks at what users signed.
#[derive(Debug)]
pub struct Claims {
    credentials: Credentials,
    place: Option<Place>,
    tunnels: Mutex<Used>,
}

/// Request ids of tunnels, the oldest first.
#[derive(Debug)]
struct Used {
    ids: VecDeque<(RequestId, SystemTime)>,
    remembers_since: SystemTime,
}

/// Why something is not done for a user.
#[derive(Debug, thiserror::Error)]
pub enum Unsigned {
    /// The gateway shows nothing.
    #[error("the gateway shows nothing that its user signed; use a prepl that signs")]
    Missing,
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] BadMessage),
    /// Nobody of the fleet signed it.
    #[error(transparent)]
    Nobody(#[from] NotSigned),
    /// Somebody else signed it.
    #[error("{0} signed it, and not the holder of an access request")]
    NotAUser(Box<Name>),
    /// The access request is of another namespace.
    #[error("the access request is of namespace {0}, and this replica of another")]
    OtherNamespace(String),
    /// Something else was signed.
    #[error("what the user signed does not cover it: {0}")]
    NotCovered(#[from] NotCovered),
    /// A tunnel a second time.
    #[error("what the user signed was used for a tunnel already")]
    Again,
}

impl From<Unsigned> for Outcome {
    fn from(unsigned: Unsigned) -> Outcome {
        Outcome::Refused(Refusal::Denied(Reason::new(unsigned.to_string())))
    }
}

/// What a gateway shows.
#[derive(Debug)]
pub struct Shown {
    signed: v1::Signed,
    proof: Proof,
}

impl Shown {
    /// Takes it from a message.
    pub fn of(
        signed: Option<v1::Signed>,
        membership: Option<v1::Membership>,
    ) -> Result<Shown, Unsigned> {
        let (Some(signed), Some(membership)) = (signed, membership) else {
            return Err(Unsigned::Missing);
        };
        Ok(Shown { signed, proof: membership.try_into()? })
    }
}

impl Claims {
    /// Trusts whom `credentials` trust; without a place every namespace will do.
    pub fn new(credentials: Credentials, place: Option<Place>) -> Claims {
        let ids = VecDeque::new();
        let tunnels = Mutex::new(Used { ids, remembers_since: SystemTime::now() });
        Claims { credentials, place, tunnels }
    }

    /// Who signed this evaluation: the holder of an access.
    pub fn evaluation(
        &self,
        shown: Shown,
        asked: &Evaluation,
        remembers_since: SystemTime,
    ) -> Result<Signer, Unsigned> {
        let now = SystemTime::now();
        let (claim, signer) = self.read(shown.signed, now)?;
        let looked = Looked { uid: &asked.replica_uid, now, remembers_since };
        claim.covers(asked, &shown.proof, looked)?;
        Ok(signer)
    }

    /// Who signed a piece of input for this replica's evaluation of a request.
    pub fn input(
        &self,
        shown: Shown,
        request: RequestId,
        input: &Input,
        uid: &str,
    ) -> Result<Signer, Unsigned> {
        let now = SystemTime::now();
        let (claim, signer) = self.read(shown.signed, now)?;
        // It is good while its evaluation runs, which no earlier process knew of.
        let looked = Looked { uid, now, remembers_since: SystemTime::UNIX_EPOCH };
        claim.covers_input(request, input, &shown.proof, looked)?;
        Ok(signer)
    }

    /// Who signed a tunnel to this replica; each may be used once.
    pub fn tunnel(&self, shown: Shown, uid: &str) -> Result<Signer, Unsigned> {
        let now = SystemTime::now();
        let (claim, signer) = self.read(shown.signed, now)?;
        // A poisoned lock is safe: no step between two changes can panic.
        let mut used = self.tunnels.lock().unwrap_or_else(PoisonError::into_inner);
        let looked = Looked { uid, now, remembers_since: used.remembers_since };
        claim.covers_tunnel(claim.request, &shown.proof, looked)?;
        used.note(claim.request, now).then_some(signer).ok_or(Unsigned::Again)
    }

    fn read(&self, signed: v1::Signed, now: SystemTime) -> Result<(Claim, Signer), Unsigned> {
        let v1::Signed { claim: bytes, signature, chain } = signed;
        let claim = claim::read(&bytes)?;
        let signature = Signature { bytes: signature, chain };
        let own = self.credentials.current();
        let signer = own.signer(&claim::signed_text(&bytes), &signature, now)?;
        match &signer.name.holder {
            Holder::Access { namespace, .. } => self.reaches(namespace.as_str())?,
            _ => return Err(Unsigned::NotAUser(Box::new(signer.name))),
        }
        Ok((claim, signer))
    }

    fn reaches(&self, namespace: &str) -> Result<(), Unsigned> {
        let reaches = self
            .place
            .as_ref()
            .is_none_or(|place| place.namespace == namespace || place.system == namespace);
        reaches.then_some(()).ok_or_else(|| Unsigned::OtherNamespace(namespace.to_owned()))
    }
}

impl Used {
    /// Whether the id is new; it is noted.
    fn note(&mut self, id: RequestId, now: SystemTime) -> bool {
        if self.ids.iter().any(|(known, _)| *known == id) {
            return false;
        }
        if self.ids.len() >= MAX_TUNNEL_IDS
            && let Some((_, arrived)) = self.ids.pop_front()
        {
            self.remembers_since = self.remembers_since.max(arrived + CLOCK_SKEW);
        }
        self.ids.push_back((id, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_tunnels_id_is_taken_once_and_what_is_forgotten_is_told() {
        let begun = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let mut used = Used { ids: VecDeque::new(), remembers_since: begun };
        let id = |number: u16| {
            let mut bytes = [0; 16];
            bytes[..2].copy_from_slice(&number.to_le_bytes());
            RequestId::from_random(bytes)
        };
        assert!(used.note(id(0), begun) && !used.note(id(0), begun));
        for number in 1..=MAX_TUNNEL_IDS as u16 {
            assert!(used.note(id(number), begun));
        }
        assert_eq!(used.ids.len(), MAX_TUNNEL_IDS);
        assert_eq!(used.remembers_since, begun + CLOCK_SKEW);
    }
}
