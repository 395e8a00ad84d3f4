//! What a tunnel carries once it is open, in either direction and on either leg.

use bytes::Bytes;

use super::BadMessage;
use crate::v1;

/// The largest chunk of a tunnel.
pub const MAX_CHUNK: usize = 64 << 10;

/// One message of an open tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Bytes: one to [`MAX_CHUNK`].
    Data(Bytes),
    /// This side writes no more; the other one may go on.
    End,
}

impl Carried {
    /// How many bytes it carries.
    pub fn bytes(&self) -> u64 {
        match self {
            Carried::Data(data) => data.len() as u64,
            Carried::End => 0,
        }
    }
}

fn data(data: Bytes) -> Result<Carried, BadMessage> {
    let fits = (1..=MAX_CHUNK).contains(&data.len());
    fits.then_some(Carried::Data(data)).ok_or(BadMessage("size of a tunnel's chunk"))
}

macro_rules! carries {
    ($message:ident, $parts:ident) => {
        impl TryFrom<v1::$message> for Carried {
            type Error = BadMessage;

            fn try_from(wire: v1::$message) -> Result<Self, BadMessage> {
                match wire.part {
                    Some(v1::$parts::Part::Data(bytes)) => data(bytes),
                    Some(v1::$parts::Part::End(_)) => Ok(Carried::End),
                    // An opening comes first and once.
                    _ => Err(BadMessage("part of a tunnel")),
                }
            }
        }

        impl From<Carried> for v1::$message {
            fn from(carried: Carried) -> Self {
                let part = match carried {
                    Carried::Data(data) => v1::$parts::Part::Data(data),
                    Carried::End => v1::$parts::Part::End(v1::TunnelEnd {}),
                };
                v1::$message { part: Some(part) }
            }
        }
    };
}

carries!(TunnelUp, tunnel_up);
carries!(TunnelDown, tunnel_down);
carries!(AttachUp, attach_up);
carries!(AttachDown, attach_down);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried_comes_back_as_it_went() {
        for carried in [Carried::Data(vec![0; MAX_CHUNK].into()), Carried::End] {
            assert_eq!(Carried::try_from(v1::TunnelUp::from(carried.clone())), Ok(carried.clone()));
            assert_eq!(Carried::try_from(v1::AttachDown::from(carried.clone())), Ok(carried));
        }
    }

    #[test]
    fn chunks_that_are_too_large_or_empty_and_a_second_opening_are_refused() {
        for size in [0, MAX_CHUNK + 1] {
            let wire = v1::TunnelDown::from(Carried::Data(vec![0; size].into()));
            assert!(Carried::try_from(wire).is_err(), "{size}");
        }
        let open = v1::attach_up::Part::Open(v1::AttachOpen::default());
        assert!(Carried::try_from(v1::AttachUp { part: Some(open) }).is_err());
        assert!(Carried::try_from(v1::AttachUp { part: None }).is_err());
    }
}
