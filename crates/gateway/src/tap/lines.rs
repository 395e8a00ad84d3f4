//! A socket REPL: lines of text, those that came together told together.

use bytes::{Bytes, BytesMut};

use super::{Asides, MAX_HELD, Said, Segment, Unreadable};

/// The line that has no end yet.
#[derive(Default)]
pub(super) struct Lines {
    held: BytesMut,
}

impl Lines {
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        segments: &mut Vec<Segment>,
    ) -> Result<(), Unreadable> {
        let ended = bytes.iter().rposition(|&byte| byte == b'\n');
        let ended = ended.map(|at| self.held.len() + at + 1);
        self.held.extend_from_slice(bytes);
        if let Some(ended) = ended {
            segments.push(text(self.held.split_to(ended).freeze()));
        }
        if self.held.len() > MAX_HELD { Err(Unreadable) } else { Ok(()) }
    }

    /// A line without an end; it is text if it is short enough.
    pub(super) fn rest(&mut self) -> Option<Segment> {
        let held = self.held.split().freeze();
        match held.len() {
            0 => None,
            1..=MAX_HELD => Some(text(held)),
            _ => Some(Segment::raw(held, Asides::new())),
        }
    }
}

fn text(bytes: Bytes) -> Segment {
    Segment::told(bytes, Said::Text, Asides::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tap::Tap;

    /// What goes on, with a mark for what is told as text.
    fn heard(tap: &mut Tap, bytes: &[u8]) -> Vec<(Bytes, bool)> {
        let is_text = |one: &Segment| one.told.as_ref().is_some_and(|told| told.said == Said::Text);
        let segments = tap.push(&Bytes::copy_from_slice(bytes));
        segments.into_iter().map(|one| (one.bytes.clone(), is_text(&one))).collect()
    }

    #[test]
    fn lines_that_come_together_go_on_together_and_half_a_line_waits() {
        let mut tap = Tap::of("clojure");
        assert_eq!(heard(&mut tap, b"(+ 1"), []);
        assert_eq!(heard(&mut tap, b"\n 2)\n(inc"), [(Bytes::from_static(b"(+ 1\n 2)\n"), true)]);
        assert_eq!(heard(&mut tap, b" 1)\n"), [(Bytes::from_static(b"(inc 1)\n"), true)]);
        assert!(tap.end().is_none());
    }

    #[test]
    fn at_the_end_half_a_line_is_text_too() {
        let mut tap = Tap::of("clojure");
        assert_eq!(heard(&mut tap, b"(exit)"), []);
        let rest = tap.end().unwrap();
        assert_eq!(&rest.bytes[..], b"(exit)");
        assert!(rest.told.unwrap().said == Said::Text);
        assert!(tap.end().is_none());
    }

    #[test]
    fn a_line_without_end_is_raw_and_so_is_all_after_it() {
        let mut tap = Tap::of("clojure");
        assert_eq!(heard(&mut tap, &[b'x'; MAX_HELD]), []);
        let gone = heard(&mut tap, b"y");
        assert_eq!(
            gone.iter().map(|(bytes, text)| (bytes.len(), *text)).collect::<Vec<_>>(),
            [(MAX_HELD + 1, false)]
        );
        assert_eq!(heard(&mut tap, b"z\n"), [(Bytes::from_static(b"z\n"), false)]);
    }
}
