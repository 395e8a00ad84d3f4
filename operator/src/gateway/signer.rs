//! What a caller sends is signed with the access by which he calls.
//!
//! Sidecars take who signed for who asks. So what somebody else signed would be answered as his,
//! whoever sends it: a gateway does not pass it on.

use prepl_gateway::claim;
use prepl_proto::v1;

use super::access::Refused;
use super::doorkeeper::Guest;

/// Denied when what he shows names another access; what the signature is worth, sidecars check.
pub(super) fn is_his(guest: &Guest, signed: Option<&v1::Signed>) -> Result<(), Refused> {
    let Some(signed) = signed else { return Ok(()) };
    let signer = claim::signer(signed).map(|name| name.holder);
    match signer.is_some_and(|signer| signer == *guest.holder) {
        true => Ok(()),
        false => {
            let words = "it is signed by somebody else, or with another access; sign it yourself";
            Err(Refused::Denied(words.to_owned()))
        }
    }
}
