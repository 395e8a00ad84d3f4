//! Input for an evaluation that runs: piece by piece, in order, each once.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::claim::Signed;

/// Largest piece in bytes.
pub const MAX_BYTES: usize = 64 << 10;
/// Most bytes of all pieces of one request: as many as an expression may have.
pub const MAX_TOTAL: usize = 1 << 20;
/// Most pieces of one request.
pub const MAX_PIECES: usize = 4096;

/// One piece of what the evaluations of a request read.
///
/// `Debug` shows its size alone, so that no input reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Input {
    place: u32,
    data: Bytes,
    end: bool,
    signed: Option<Arc<Signed>>,
}

/// Bytes that are no piece of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadInput {
    /// Nothing, and not the end.
    #[error("a piece of input is empty and does not end it")]
    Empty,
    /// Larger than [`MAX_BYTES`].
    #[error("a piece of input has {0} bytes; the limit is {MAX_BYTES}")]
    TooLong(usize),
}

/// Why a piece is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoInput {
    /// The request was made without input.
    #[error("this run takes no input")]
    NotInteractive,
    /// No piece at all.
    #[error(transparent)]
    Bad(#[from] BadInput),
    /// A piece before it is missing.
    #[error("a piece of input is missing before this one")]
    Gap,
    /// It was ended before.
    #[error("the input has ended already")]
    Ended,
    /// Beyond [`MAX_TOTAL`] or [`MAX_PIECES`].
    #[error(
        "a run takes at most {} KiB of input in {MAX_PIECES} pieces; put the rest into a file",
        MAX_TOTAL >> 10
    )]
    TooMuch,
}

impl Input {
    /// The piece at this place of its request, counted from 0; `end` says that none follows.
    pub fn new(place: u32, data: Bytes, end: bool) -> Result<Input, BadInput> {
        match data.len() {
            0 if !end => Err(BadInput::Empty),
            bytes if bytes > MAX_BYTES => Err(BadInput::TooLong(bytes)),
            _ => Ok(Input { place, data, end, signed: None }),
        }
    }

    /// The same with what the user signed of it, for a gateway that passes it on.
    #[must_use]
    pub fn with(self, signed: Option<Signed>) -> Input {
        Input { signed: signed.map(Arc::new), ..self }
    }

    /// What the user signed of it.
    pub fn signed(&self) -> Option<&Signed> {
        self.signed.as_deref()
    }

    /// Its place among the pieces of its request.
    pub fn place(&self) -> u32 {
        self.place
    }

    /// The bytes.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// Whether none follows.
    pub fn is_last(&self) -> bool {
        self.end
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Input({}: {} bytes)", self.place, self.data.len())
    }
}

/// The pieces of one request so far.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    all: Vec<Input>,
    bytes: usize,
}

impl Pieces {
    /// The place of the piece that comes next.
    pub fn next_place(&self) -> u32 {
        // At most `MAX_PIECES`.
        self.all.len() as u32
    }

    /// The piece at a place, once it came.
    pub fn get(&self, place: u32) -> Option<&Input> {
        self.all.get(place as usize)
    }

    /// Whether a piece is new; an error is why it can be none. One that came before is not, whatever
    /// it says.
    pub fn is_new(&self, input: &Input) -> Result<bool, NoInput> {
        if input.place < self.next_place() {
            return Ok(false);
        }
        if self.all.last().is_some_and(Input::is_last) {
            return Err(NoInput::Ended);
        }
        if input.place > self.next_place() {
            return Err(NoInput::Gap);
        }
        let fits = self.bytes + input.data.len() <= MAX_TOTAL && self.all.len() < MAX_PIECES;
        fits.then_some(true).ok_or(NoInput::TooMuch)
    }

    /// Takes a piece, if it is new.
    pub fn take(&mut self, input: Input) -> Result<bool, NoInput> {
        let is_new = self.is_new(&input)?;
        if is_new {
            self.bytes += input.data.len();
            self.all.push(input);
        }
        Ok(is_new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(place: u32, text: &'static str) -> Input {
        Input::new(place, text.into(), false).unwrap()
    }

    #[test]
    fn a_piece_has_bytes_or_is_the_end_and_shows_no_text() {
        assert_eq!(Input::new(0, Bytes::new(), false), Err(BadInput::Empty));
        assert!(Input::new(0, Bytes::new(), true).is_ok());
        let large = |bytes| Input::new(0, vec![b'x'; bytes].into(), false).map(drop);
        assert_eq!(large(MAX_BYTES), Ok(()));
        assert_eq!(large(MAX_BYTES + 1), Err(BadInput::TooLong(MAX_BYTES + 1)));
        assert_eq!(format!("{:?}", piece(3, "secret")), "Input(3: 6 bytes)");
    }

    #[test]
    fn pieces_come_in_order_and_once() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.take(piece(1, "b")), Err(NoInput::Gap));
        assert_eq!(pieces.take(piece(0, "a")), Ok(true));
        assert_eq!(pieces.take(piece(0, "another")), Ok(false));
        assert_eq!(pieces.get(0).map(|piece| &piece.data()[..]), Some(&b"a"[..]));
        let end = Input::new(1, Bytes::new(), true).unwrap();
        assert_eq!(pieces.take(end.clone()), Ok(true));
        assert_eq!(pieces.take(end), Ok(false));
        assert_eq!(pieces.take(piece(2, "c")), Err(NoInput::Ended));
        assert_eq!(pieces.next_place(), 2);
    }

    #[test]
    fn all_of_them_have_a_bound() {
        let mut pieces = Pieces::default();
        let large = |place| Input::new(place, vec![b'x'; MAX_BYTES].into(), false).unwrap();
        let many = (MAX_TOTAL / MAX_BYTES) as u32;
        assert!((0..many).all(|place| pieces.take(large(place)) == Ok(true)));
        assert_eq!(pieces.take(piece(many, "x")), Err(NoInput::TooMuch));
        let mut pieces = Pieces::default();
        assert!((0..MAX_PIECES as u32).all(|place| pieces.take(piece(place, "x")) == Ok(true)));
        assert_eq!(pieces.take(piece(MAX_PIECES as u32, "x")), Err(NoInput::TooMuch));
    }
}
