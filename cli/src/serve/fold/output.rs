//! Printed output: once where all printed the same, else each line behind its replica's name.

use std::collections::HashMap;

use bytes::Bytes;
use prepl_core::{ReplicaIndex, Selection, Stream};

use crate::render::crowd;
use crate::render::safe::{self, Layout};
use crate::serve::reply::Reply;

/// Longest unfinished line that is kept back; a longer one is told in parts.
const MAX_LINE: usize = 16 << 10;

/// What one replica printed, in order.
pub type Printed = Vec<(Stream, Bytes)>;

/// Whether all printed the same on each stream.
pub fn same(all: &[(ReplicaIndex, Printed)]) -> bool {
    let on = |printed: &Printed, stream| -> Vec<u8> {
        let pieces = printed.iter().filter(|(on, _)| *on == stream);
        pieces.flat_map(|(_, bytes)| bytes.iter().copied()).collect()
    };
    let both = |printed: &Printed| [on(printed, Stream::Out), on(printed, Stream::Err)];
    let mut all = all.iter().map(|(_, printed)| both(printed));
    let first = all.next();
    all.all(|other| Some(other) == first)
}

/// What all printed, once: pieces of one stream together.
pub fn once(printed: &Printed) -> Vec<Reply> {
    let mut pieces: Vec<(Stream, Vec<u8>)> = Vec::new();
    for (stream, bytes) in printed {
        match pieces.last_mut() {
            Some((last, text)) if last == stream => text.extend_from_slice(bytes),
            _ => pieces.push((*stream, bytes.to_vec())),
        }
    }
    let pieces = pieces.into_iter().filter(|(_, text)| !text.is_empty());
    pieces.map(|(stream, text)| reply(stream, safe::bytes(&text, Layout::Block))).collect()
}

/// Lines as they come, each behind its replica's name; a single replica needs none.
#[derive(Debug)]
pub struct Lines {
    selection: Selection,
    unfinished: HashMap<(ReplicaIndex, Stream), Vec<u8>>,
}

impl Lines {
    /// Of the replicas of a run.
    pub fn new(selection: Selection) -> Lines {
        Lines { selection, unfinished: HashMap::new() }
    }

    /// What a piece adds: whole lines, and of a single replica whole characters.
    pub fn add(&mut self, replica: ReplicaIndex, stream: Stream, bytes: &[u8]) -> Option<Reply> {
        let mut text = self.unfinished.remove(&(replica, stream)).unwrap_or_default();
        text.extend_from_slice(bytes);
        let whole = match self.selection.len() {
            _ if text.len() > MAX_LINE => text.len(),
            1 => whole_characters(&text),
            _ => text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1),
        };
        let rest = text.split_off(whole);
        if !rest.is_empty() {
            self.unfinished.insert((replica, stream), rest);
        }
        self.told(replica, stream, &text)
    }

    /// The unfinished lines of a replica.
    pub fn flush(&mut self, replica: ReplicaIndex) -> impl Iterator<Item = Reply> {
        [Stream::Out, Stream::Err].into_iter().filter_map(move |stream| {
            let rest = self.unfinished.remove(&(replica, stream))?;
            self.told(replica, stream, &rest)
        })
    }

    fn told(&self, replica: ReplicaIndex, stream: Stream, text: &[u8]) -> Option<Reply> {
        if text.is_empty() {
            return None;
        }
        let shown = safe::bytes(text, Layout::Block);
        if self.selection.len() == 1 {
            return Some(reply(stream, shown));
        }
        let name = safe::text(&crowd::name(&self.selection, replica), Layout::Line);
        let lines = shown.strip_suffix('\n').unwrap_or(&shown).split('\n');
        let lines: String = lines.map(|line| format!("{name} | {line}\n")).collect();
        Some(reply(stream, lines))
    }
}

/// Bytes up to the last that may be a whole character.
fn whole_characters(text: &[u8]) -> usize {
    match text.utf8_chunks().last() {
        // What is invalid at the very end may be the beginning of a character.
        Some(last) if last.invalid().len() < 4 => {
            let end = text.len() - last.invalid().len();
            let begins = std::str::from_utf8(last.invalid());
            if begins.is_err_and(|error| error.error_len().is_none()) { end } else { text.len() }
        }
        _ => text.len(),
    }
}

fn reply(stream: Stream, text: String) -> Reply {
    match stream {
        Stream::Out => Reply::out(text),
        Stream::Err => Reply::err(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;
    use proptest::prelude::*;

    fn lines(replicas: usize) -> Lines {
        Lines::new(Selection::of(example::api_fleet(replicas)))
    }

    fn printed(pieces: &[(Stream, &'static str)]) -> Printed {
        pieces.iter().map(|(stream, text)| (*stream, Bytes::from(*text))).collect()
    }

    #[test]
    fn how_output_was_cut_into_pieces_makes_no_difference() {
        let whole = printed(&[(Stream::Out, "ab\n"), (Stream::Err, "x")]);
        let cut = printed(&[(Stream::Out, "a"), (Stream::Err, "x"), (Stream::Out, "b\n")]);
        assert!(same(&[(ReplicaIndex(0), whole.clone()), (ReplicaIndex(1), cut.clone())]));
        let other = printed(&[(Stream::Out, "ab\nx")]);
        assert!(!same(&[(ReplicaIndex(0), whole.clone()), (ReplicaIndex(1), other)]));
        assert_eq!(once(&whole), [Reply::out("ab\n"), Reply::err("x")]);
        assert_eq!(once(&cut).len(), 3);
    }

    #[test]
    fn lines_stand_behind_their_replica() {
        let mut lines = lines(2);
        let (first, second) = (ReplicaIndex(0), ReplicaIndex(1));
        assert_eq!(lines.add(first, Stream::Out, b"a\nb"), Some(Reply::out("api-6f7c9-00 | a\n")));
        assert_eq!(lines.add(second, Stream::Out, b"c"), None);
        assert_eq!(lines.add(first, Stream::Err, b"e\n"), Some(Reply::err("api-6f7c9-00 | e\n")));
        assert_eq!(lines.flush(first).collect::<Vec<_>>(), [Reply::out("api-6f7c9-00 | b\n")]);
        assert_eq!(lines.flush(first).count(), 0);
        assert_eq!(lines.flush(second).count(), 1);
    }

    #[test]
    fn a_single_replica_prints_as_it_is_but_for_what_drives_a_terminal() {
        let mut lines = lines(1);
        let one = ReplicaIndex(0);
        assert_eq!(lines.add(one, Stream::Out, "a é".as_bytes()), Some(Reply::out("a é")));
        assert_eq!(lines.add(one, Stream::Out, b"x\xc3"), Some(Reply::out("x")));
        assert_eq!(lines.add(one, Stream::Out, b"\xa9"), Some(Reply::out("é")));
        assert_eq!(lines.add(one, Stream::Out, b"\x1b\xff."), Some(Reply::out("\\x1b\\xff.")));
        assert_eq!(lines.add(one, Stream::Out, b"\xff"), Some(Reply::out("\\xff")));
    }

    #[test]
    fn a_line_without_an_end_is_told_in_parts() {
        let mut lines = lines(2);
        let long = vec![b'x'; MAX_LINE + 1];
        assert!(lines.add(ReplicaIndex(0), Stream::Out, &long).is_some());
        assert_eq!(lines.flush(ReplicaIndex(0)).count(), 0);
    }

    proptest! {
        #[test]
        fn a_single_replica_loses_nothing(text in "[aé☃\n]{0,30}", size in 1_usize..5) {
            let mut lines = lines(1);
            let mut told = String::new();
            for piece in text.as_bytes().chunks(size) {
                let reply = lines.add(ReplicaIndex(0), Stream::Out, piece);
                told += reply.map(|reply| reply.text("out").to_owned()).as_deref().unwrap_or("");
            }
            prop_assert_eq!(told, text);
        }
    }
}
