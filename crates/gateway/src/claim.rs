//! What a user signs of a run, and what a gateway shows of it to each replica.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prepl_core::claim::{Claim, Deed, LONGEST};
use prepl_core::membership::Members;
use prepl_core::{Digest, Input, Patience, RequestId};
use prepl_identity::{Bundle, CannotSign, Name, claimed_name};
use prepl_proto::convert::text::Text;
use prepl_proto::convert::{BadMessage, claim};
use prepl_proto::v1;

/// What a claim lasts beyond what its run needs: for gateways that restart, and slow clocks.
const SPARE: Duration = Duration::from_secs(60);

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum Unsigned {
    /// What is to be signed cannot be told.
    #[error(transparent)]
    Message(#[from] BadMessage),
    /// The key does not sign.
    #[error(transparent)]
    Key(#[from] CannotSign),
}

/// Signs the first message of a run with the key of an access, at this time.
pub fn signed_run(
    bundle: &Bundle,
    start: &v1::StartRun,
    issued: SystemTime,
) -> Result<v1::Signed, Unsigned> {
    let session = (!start.session.is_empty()).then(|| start.session.parse()).transpose();
    let limits = start.limits.ok_or(BadMessage("limits"))?;
    let text = Text {
        expression: start.expression.clone(),
        read_only_expression: start.read_only_expression.clone(),
        at: start.at.clone(),
        file: start.file.clone(),
    };
    let (expression, origin, read_only) = text.read()?;
    let deed = Deed::Evaluate {
        expression: Digest::of(expression.as_str()),
        origin,
        session: session.map_err(|_| BadMessage("session name"))?,
        namespace: (!start.namespace.is_empty()).then(|| start.namespace.as_str().into()),
        limits: limits.try_into()?,
        recall: start.recall,
        read_only,
        interactive: start.interactive,
    };
    let request = RequestId::try_from(&start.request_id[..]);
    let request = request.map_err(|_| BadMessage("request id"))?;
    let members = Members::of(start.uids.iter().map(String::as_str));
    signed(bundle, request, deed, &members, (issued, longest(start)))
}

/// Signs the input of a run with the key of an access.
#[derive(Debug)]
pub struct InputSigner {
    bundle: Arc<Bundle>,
    request: RequestId,
    members: Members,
    /// A replica that has its turn late reads it late.
    lasting: Duration,
}

impl InputSigner {
    /// For the run that this message starts.
    pub fn of(bundle: &Arc<Bundle>, start: &v1::StartRun) -> Result<InputSigner, BadMessage> {
        let request = RequestId::try_from(&start.request_id[..]);
        Ok(InputSigner {
            bundle: Arc::clone(bundle),
            request: request.map_err(|_| BadMessage("request id"))?,
            members: Members::of(start.uids.iter().map(String::as_str)),
            lasting: longest(start),
        })
    }

    /// Signs a piece, at this time.
    pub fn sign(&self, input: &Input) -> Result<v1::Signed, Unsigned> {
        let data = Digest::of_bytes(input.data());
        let deed = Deed::Input { data, place: input.place(), end: input.is_last() };
        let time = (SystemTime::now(), self.lasting);
        signed(&self.bundle, self.request, deed, &self.members, time)
    }
}

/// Signs one tunnel to one replica.
pub fn signed_tunnel(
    bundle: &Bundle,
    request: RequestId,
    uid: &str,
) -> Result<v1::Signed, Unsigned> {
    let time = (SystemTime::now(), Duration::ZERO);
    signed(bundle, request, Deed::Tunnel, &Members::of([uid]), time)
}

/// Whose certificate is shown with it, if that can be read; nobody has checked it.
pub fn signer(signed: &v1::Signed) -> Option<Name> {
    signed.chain.first().and_then(|certificate| claimed_name(certificate))
}

/// The request that was signed, if it can be read; nobody has checked the signature.
pub fn request(signed: &v1::Signed) -> Option<RequestId> {
    claim::read(&signed.claim).ok().map(|claim| claim.request)
}

fn signed(
    bundle: &Bundle,
    request: RequestId,
    deed: Deed,
    members: &Members,
    (issued, lasting): (SystemTime, Duration),
) -> Result<v1::Signed, Unsigned> {
    let (replicas, count) = (members.root(), members.count());
    let expires = issued + (lasting + SPARE).min(LONGEST);
    let bytes = claim::bytes(&Claim { request, deed, replicas, count, issued, expires });
    let signature = bundle.sign(&claim::signed_text(&bytes))?;
    Ok(v1::Signed { claim: bytes, signature: signature.bytes, chain: signature.chain })
}

/// The longest time after which a replica of the run may still have its turn.
fn longest(start: &v1::StartRun) -> Duration {
    let millis = |time: u32| Duration::from_millis(time.into());
    if start.deadline_ms > 0 {
        return millis(start.deadline_ms);
    }
    let time = start.limits.map(|limits| limits.time_ms).unwrap_or_default();
    let each = millis(start.connect_ms) + millis(time) + Patience::INTERRUPT_GRACE;
    let waves = (start.uids.len() as u32).div_ceil(start.width.max(1));
    each.saturating_mul(waves)
}

/// What a gateway shows to replicas: what the user signed, and that each is one of those he named.
#[derive(Debug)]
pub struct Shown {
    signed: v1::Signed,
    members: Members,
    places: HashMap<Arc<str>, u32>,
}

impl Shown {
    /// What was signed for these UIDs, in their order.
    pub fn of(signed: v1::Signed, uids: &[Arc<str>]) -> Shown {
        Shown {
            signed,
            members: Members::of(uids.iter().map(|uid| &**uid)),
            places: uids.iter().cloned().zip(0..).collect(),
        }
    }

    /// That a replica is one of those that were named; `None` for one that was not.
    pub(crate) fn member(&self, uid: &str) -> Option<v1::Membership> {
        let place = *self.places.get(uid)?;
        Some(self.members.proof(place).into())
    }

    /// The part for one replica; `None` for one that was not named.
    pub(crate) fn to(&self, uid: &str) -> Option<(v1::Signed, v1::Membership)> {
        Some((self.signed.clone(), self.member(uid)?))
    }
}
