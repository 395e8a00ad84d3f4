//! A caller's input for his run: his own, and recorded before any replica gets it.

use prepl_core::Input;
use prepl_gateway::{Inputs, NotGiven};
use prepl_proto::v1;

use super::access::Refused;
use super::doorkeeper::Guest;
use super::signer::is_his;

/// Gives a piece to the run, unless it is none of this run's or this caller's.
///
/// An error ends the run: the log does not take it, and without it the rest has no sense.
pub(super) async fn give(
    inputs: &Inputs,
    guest: &Guest,
    wire: v1::GiveInput,
) -> Result<(), Refused> {
    is_his(guest, wire.signed.as_ref())?;
    // Whoever keeps to the rules of his own end sends no other; nothing comes of one that does.
    let Ok(input) = Input::try_from(wire) else { return Ok(()) };
    match inputs.give(input).await {
        Ok(()) | Err(NotGiven::NotTaken(_)) => Ok(()),
        Err(not @ NotGiven::NotRecorded(_)) => Err(Refused::NotRecorded(not.to_string())),
    }
}
