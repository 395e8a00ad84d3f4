//! Pieces of input on their way down.

use prepl_core::claim::Signed;
use prepl_core::{Input, RequestId};

use super::BadMessage;
use crate::v1;

impl v1::InputRequest {
    /// A piece for the evaluation of a request on one replica.
    #[must_use]
    pub fn of(request: RequestId, replica_uid: &str, input: &Input) -> v1::InputRequest {
        v1::InputRequest {
            request_id: request.as_bytes().to_vec(),
            replica_uid: replica_uid.to_owned(),
            place: input.place(),
            data: input.data().clone(),
            end: input.is_last(),
            signed: input.signed().map(v1::Signed::from),
            // Whoever asks for somebody else writes them in.
            caller: String::new(),
            membership: None,
        }
    }

    /// Which request it is for, and the piece without what was signed of it.
    pub fn read(&self) -> Result<(RequestId, Input), BadMessage> {
        let request = RequestId::try_from(&self.request_id[..]);
        let input = Input::new(self.place, self.data.clone(), self.end);
        Ok((
            request.map_err(|_| BadMessage("request id"))?,
            input.map_err(|_| BadMessage("input"))?,
        ))
    }
}

impl From<&Input> for v1::GiveInput {
    fn from(input: &Input) -> Self {
        v1::GiveInput {
            place: input.place(),
            data: input.data().clone(),
            end: input.is_last(),
            signed: input.signed().map(v1::Signed::from),
        }
    }
}

impl TryFrom<v1::GiveInput> for Input {
    type Error = BadMessage;

    fn try_from(wire: v1::GiveInput) -> Result<Self, BadMessage> {
        let input = Input::new(wire.place, wire.data, wire.end);
        let input = input.map_err(|_| BadMessage("input"))?;
        Ok(input.with(wire.signed.map(Signed::from)))
    }
}

impl From<&Signed> for v1::Signed {
    fn from(signed: &Signed) -> Self {
        let Signed { claim, signature, chain } = signed.clone();
        v1::Signed { claim, signature, chain }
    }
}

impl From<v1::Signed> for Signed {
    fn from(wire: v1::Signed) -> Self {
        let v1::Signed { claim, signature, chain } = wire;
        Signed { claim, signature, chain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece() -> Input {
        let signed = Signed { claim: vec![1], signature: vec![2], chain: vec![vec![3]] };
        Input::new(7, "a\n".into(), true).unwrap().with(Some(signed))
    }

    #[test]
    fn a_piece_comes_back_as_it_went() {
        assert_eq!(Input::try_from(v1::GiveInput::from(&piece())), Ok(piece()));
        let request = RequestId::from_random([7; 16]);
        let wire = v1::InputRequest::of(request, "u1", &piece());
        assert_eq!((&*wire.replica_uid, wire.signed.is_some()), ("u1", true));
        assert_eq!(wire.read(), Ok((request, piece().with(None))));
    }

    #[test]
    fn what_is_no_piece_is_refused() {
        let large = vec![b'x'; prepl_core::input::MAX_BYTES + 1];
        for data in [Vec::new(), large] {
            let wire = v1::GiveInput { data: data.clone().into(), ..v1::GiveInput::default() };
            assert!(Input::try_from(wire).is_err());
            let request_id = vec![7; 16];
            let data = data.into();
            assert!(v1::InputRequest { request_id, data, ..Default::default() }.read().is_err());
        }
        let short = v1::InputRequest { request_id: vec![7; 15], end: true, ..Default::default() };
        assert_eq!(short.read(), Err(BadMessage("request id")));
    }
}
