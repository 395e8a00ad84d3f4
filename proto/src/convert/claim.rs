//! What a user signs, and that a replica is one of those he named.

use std::time::{Duration, SystemTime};

use prepl_core::claim::{Claim, Deed};
use prepl_core::membership::Proof;
use prepl_core::{Digest, Origin, RequestId};
use prost::Message as _;

use super::BadMessage;
use super::text::{file_name, origin, place};
use crate::v1::{self, claim::Deed as Wire};

/// The most bytes of a claim.
const MAX_CLAIM_BYTES: usize = 4096;
/// The most neighbours on the way to a root.
const MAX_NEIGHBOURS: usize = 32;

/// The text that is signed for the bytes of a claim: no other text of prepl begins like it.
pub fn signed_text(claim: &[u8]) -> Vec<u8> {
    [&b"prepl claim 1\0"[..], claim].concat()
}

/// The bytes of a claim.
pub fn bytes(claim: &Claim) -> Vec<u8> {
    v1::Claim::from(claim.clone()).encode_to_vec()
}

/// The claim of these bytes.
pub fn read(bytes: &[u8]) -> Result<Claim, BadMessage> {
    let bad = BadMessage("claim");
    let short = bytes.len() <= MAX_CLAIM_BYTES;
    let wire = short.then(|| v1::Claim::decode(bytes)).ok_or_else(|| bad.clone())?;
    wire.map_err(|_| bad)?.try_into()
}

impl From<Claim> for v1::Claim {
    fn from(claim: Claim) -> Self {
        let deed = match claim.deed {
            Deed::Tunnel => Wire::Tunnel(v1::TunnelDeed {}),
            Deed::Input { data, place, end } => {
                let data = data.as_bytes().to_vec();
                Wire::Input(v1::InputDeed { data, place, end })
            }
            Deed::Evaluate {
                expression,
                origin,
                session,
                namespace,
                limits,
                recall,
                read_only,
                interactive,
            } => {
                let deed = v1::EvaluateDeed {
                    expression: expression.as_bytes().to_vec(),
                    session: session.map(|name| name.as_str().to_owned()).unwrap_or_default(),
                    namespace: namespace.as_deref().unwrap_or_default().to_owned(),
                    limits: Some(limits.into()),
                    recall,
                    interactive,
                    at: place(&origin),
                };
                match origin {
                    Origin::File(file) => {
                        let (evaluation, file) = (Some(deed), file.to_string());
                        Wire::Load(v1::LoadDeed { evaluation, file, read_only })
                    }
                    Origin::Typed | Origin::At { .. } if read_only => Wire::Read(deed),
                    Origin::Typed | Origin::At { .. } => Wire::Evaluate(deed),
                }
            }
        };
        v1::Claim {
            request_id: claim.request.as_bytes().to_vec(),
            deed: Some(deed),
            replicas: claim.replicas.as_bytes().to_vec(),
            count: claim.count,
            issued_us: micros(claim.issued),
            expires_us: micros(claim.expires),
        }
    }
}

impl TryFrom<v1::Claim> for Claim {
    type Error = BadMessage;

    fn try_from(wire: v1::Claim) -> Result<Self, BadMessage> {
        let request = RequestId::try_from(&wire.request_id[..]);
        Ok(Claim {
            request: request.map_err(|_| BadMessage("request id"))?,
            deed: deed(wire.deed.ok_or(BadMessage("deed"))?)?,
            replicas: digest(&wire.replicas)?,
            count: wire.count,
            issued: moment(wire.issued_us)?,
            expires: moment(wire.expires_us)?,
        })
    }
}

fn deed(wire: Wire) -> Result<Deed, BadMessage> {
    let (mut wire, file, read_only) = match wire {
        Wire::Tunnel(_) => return Ok(Deed::Tunnel),
        Wire::Input(v1::InputDeed { data, place, end }) => {
            return Ok(Deed::Input { data: digest(&data)?, place, end });
        }
        Wire::Evaluate(wire) => (wire, None, false),
        Wire::Read(wire) => (wire, None, true),
        Wire::Load(v1::LoadDeed { evaluation, file, read_only }) => {
            (evaluation.ok_or(BadMessage("deed"))?, Some(file_name(&file)?), read_only)
        }
    };
    let origin = match file {
        Some(file) => Origin::File(file),
        None => origin(wire.at.take())?,
    };
    let session = (!wire.session.is_empty()).then(|| wire.session.parse()).transpose();
    Ok(Deed::Evaluate {
        expression: digest(&wire.expression)?,
        origin,
        session: session.map_err(|_| BadMessage("session name"))?,
        namespace: (!wire.namespace.is_empty()).then(|| wire.namespace.into()),
        limits: wire.limits.ok_or(BadMessage("limits"))?.try_into()?,
        recall: wire.recall,
        read_only,
        interactive: wire.interactive,
    })
}

impl From<Proof> for v1::Membership {
    fn from(proof: Proof) -> Self {
        let neighbours = proof.neighbours.iter().map(|digest| digest.as_bytes().to_vec());
        v1::Membership { place: proof.place, neighbours: neighbours.collect() }
    }
}

impl TryFrom<v1::Membership> for Proof {
    type Error = BadMessage;

    fn try_from(wire: v1::Membership) -> Result<Self, BadMessage> {
        if wire.neighbours.len() > MAX_NEIGHBOURS {
            return Err(BadMessage("membership"));
        }
        let neighbours = wire.neighbours.iter().map(|bytes| digest(bytes));
        Ok(Proof { place: wire.place, neighbours: neighbours.collect::<Result<_, _>>()? })
    }
}

pub(super) fn digest(bytes: &[u8]) -> Result<Digest, BadMessage> {
    bytes.try_into().map(Digest::from_bytes).map_err(|_| BadMessage("digest"))
}

pub(super) fn micros(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

pub(super) fn moment(micros: u64) -> Result<SystemTime, BadMessage> {
    let moment = SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(micros));
    moment.ok_or(BadMessage("time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::Limits;

    fn claim(deed: Deed) -> Claim {
        Claim {
            request: RequestId::from_random([7; 16]),
            deed,
            replicas: Digest::of("root"),
            count: 3,
            issued: SystemTime::UNIX_EPOCH + Duration::from_secs(1000),
            expires: SystemTime::UNIX_EPOCH + Duration::from_secs(1060),
        }
    }

    fn evaluate(read_only: bool) -> Deed {
        evaluate_at(Origin::Typed, read_only)
    }

    fn evaluate_at(origin: Origin, read_only: bool) -> Deed {
        Deed::Evaluate {
            expression: Digest::of("(+ 1 2)"),
            origin,
            session: Some("s1".parse().unwrap()),
            namespace: Some("shop.core".into()),
            limits: Limits::default(),
            recall: true,
            read_only,
            interactive: read_only,
        }
    }

    #[test]
    fn a_claim_comes_back_as_it_went() {
        let file = || "shop/core.clj".parse().unwrap();
        let input = Deed::Input { data: Digest::of("yes"), place: 3, end: true };
        let mut deeds = vec![Deed::Tunnel, input];
        for read_only in [false, true] {
            for origin in [Origin::Typed, Origin::at(file(), 3, 7), Origin::File(file())] {
                deeds.push(evaluate_at(origin, read_only));
            }
        }
        for deed in deeds {
            let claim = claim(deed);
            assert_eq!(read(&bytes(&claim)).as_ref(), Ok(&claim));
        }
    }

    #[test]
    fn what_is_no_claim_is_refused() {
        let claim = || claim(evaluate(true));
        let good = bytes(&claim());
        assert!((0..good.len()).all(|end| read(&good[..end]) != Ok(claim())), "cut anywhere");
        assert!(read(&[0xff; 10]).is_err() && read(&vec![0; 5000]).is_err());
        let neighbours = vec![vec![0; 32]; 33];
        assert!(Proof::try_from(v1::Membership { place: 0, neighbours }).is_err());
        let neighbours = vec![vec![0; 31]];
        assert!(Proof::try_from(v1::Membership { place: 0, neighbours }).is_err());
    }
}
