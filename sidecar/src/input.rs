//! Input for a running evaluation: kept until the runtime asks for it, and given line by line.
//!
//! What a runtime did not ask for is dropped with the evaluation: nREPL would keep it for the next one.

use std::sync::Arc;

use bytes::BytesMut;
use prepl_core::input::MAX_BYTES;
use prepl_core::{Input, NoInput};
use tokio::sync::{Semaphore, watch};

use crate::driver::cut::whole_characters;

/// Pieces of one evaluation that may wait for room. More come only from who does not wait.
const MAX_WAITING: usize = 2;

/// The end that gives.
#[derive(Clone, Debug)]
pub struct Feed(Arc<Way>);

#[derive(Debug)]
struct Way {
    buffer: watch::Sender<Buffer>,
    waiting: Semaphore,
}

/// The end that an evaluation reads; nothing is taken any more when it is dropped.
#[derive(Debug)]
pub struct Inbox(Option<watch::Sender<Buffer>>);

/// Why an evaluation does not get a piece of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It takes none, or not this one.
    #[error(transparent)]
    No(#[from] NoInput),
    /// Others wait for the same.
    #[error("pieces of input wait here already; give one after the other")]
    Busy,
}

#[derive(Debug, Default)]
struct Buffer {
    stage: Stage,
    /// Pieces that were taken.
    taken: u32,
    bytes: BytesMut,
    /// No piece follows.
    ended: bool,
}

/// How far the evaluation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// It waits for its turn: what it takes would be held for nothing.
    #[default]
    Waiting,
    Running,
    Over,
}

/// What becomes of a piece.
enum Fate {
    Taken,
    /// There is no room for it now.
    Waits,
    /// The evaluation does not run.
    TooLate,
}

/// The two ends for an evaluation; nothing is given to one that is not interactive.
pub fn ends(interactive: bool) -> (Option<Feed>, Inbox) {
    if !interactive {
        return (None, Inbox::closed());
    }
    let buffer = watch::Sender::new(Buffer::default());
    let inbox = Inbox(Some(buffer.clone()));
    let way = Way { buffer, waiting: Semaphore::new(MAX_WAITING) };
    (Some(Feed(Arc::new(way))), inbox)
}

impl Feed {
    /// Gives a piece, once there is room for it; one that was given already is not given again.
    /// Tells whether the evaluation has it: one that does not run has nothing.
    pub async fn give(&self, input: &Input) -> Result<bool, NotTaken> {
        let Way { buffer, waiting } = &*self.0;
        let _place = waiting.try_acquire().map_err(|_| NotTaken::Busy)?;
        let mut changes = buffer.subscribe();
        loop {
            changes.mark_unchanged();
            let mut fate = Ok(Fate::Waits);
            buffer.send_if_modified(|buffer| {
                let before = buffer.taken;
                fate = buffer.take(input);
                buffer.taken > before
            });
            match fate? {
                Fate::Taken => return Ok(true),
                Fate::TooLate => return Ok(false),
                // The sender is this feed's own.
                Fate::Waits => drop(changes.changed().await),
            }
        }
    }
}

impl Inbox {
    /// That of an evaluation without input: it reads the end.
    pub fn closed() -> Inbox {
        Inbox(None)
    }

    /// The evaluation begins: pieces are taken from now on.
    pub fn open(&self) {
        if let Some(buffer) = &self.0 {
            buffer.send_modify(|buffer| buffer.stage = Stage::Running);
        }
    }

    /// The next line; what there is of it, when it does not end; nothing, when the input has ended.
    /// May be dropped while it waits.
    pub async fn line(&self) -> BytesMut {
        let Some(sender) = &self.0 else { return BytesMut::new() };
        // The sender is this inbox's own.
        let _ = sender.subscribe().wait_for(Buffer::has_line).await;
        let mut line = BytesMut::new();
        sender.send_modify(|buffer| line = buffer.line());
        line
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        if let Some(buffer) = &self.0 {
            buffer.send_modify(|buffer| {
                *buffer = Buffer { stage: Stage::Over, taken: buffer.taken, ..Buffer::default() };
            });
        }
    }
}

impl Buffer {
    fn take(&mut self, input: &Input) -> Result<Fate, NoInput> {
        if self.stage != Stage::Running {
            return Ok(Fate::TooLate);
        }
        if input.place() < self.taken {
            return Ok(Fate::Taken);
        }
        if self.ended {
            return Err(NoInput::Ended);
        }
        if input.place() > self.taken {
            return Err(NoInput::Gap);
        }
        // The beginning of a character waits for the rest of it, and must not keep it out.
        if self.next() > 0 && self.bytes.len() + input.data().len() > MAX_BYTES {
            return Ok(Fate::Waits);
        }
        self.taken += 1;
        self.bytes.extend_from_slice(input.data());
        self.ended = input.is_last();
        Ok(Fate::Taken)
    }

    fn has_line(&self) -> bool {
        self.ended || self.next() > 0
    }

    fn line(&mut self) -> BytesMut {
        let next = if self.ended && self.next() == 0 { self.bytes.len() } else { self.next() };
        self.bytes.split_to(next)
    }

    /// How many bytes come next: up to the end of a line, else whole characters.
    fn next(&self) -> usize {
        match self.bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None => whole_characters(&self.bytes).len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn piece(place: u32, text: impl Into<Bytes>) -> Input {
        Input::new(place, text.into(), false).unwrap()
    }

    fn end(place: u32) -> Input {
        Input::new(place, Bytes::new(), true).unwrap()
    }

    fn running() -> (Feed, Inbox) {
        let (feed, inbox) = ends(true);
        inbox.open();
        (feed.unwrap(), inbox)
    }

    #[tokio::test]
    async fn lines_come_one_by_one_and_then_the_end_again_and_again() {
        let (feed, inbox) = running();
        assert_eq!(feed.give(&piece(0, "a\nbc")).await, Ok(true));
        assert_eq!(inbox.line().await, "a\n");
        assert_eq!(inbox.line().await, "bc", "what there is of a line");
        assert_eq!(feed.give(&piece(1, "d\ne")).await, Ok(true));
        assert_eq!(feed.give(&end(2)).await, Ok(true));
        for line in ["d\n", "e", "", ""] {
            assert_eq!(inbox.line().await, line);
        }
        assert_eq!(feed.give(&piece(3, "f")).await, Err(NoInput::Ended.into()));
    }

    #[tokio::test]
    async fn an_evaluation_that_is_not_interactive_reads_the_end_at_once() {
        let (feed, inbox) = ends(false);
        assert!(feed.is_none());
        assert_eq!(inbox.line().await, "");
    }

    #[tokio::test]
    async fn a_place_is_taken_once_and_in_order() {
        let (feed, inbox) = running();
        assert_eq!(feed.give(&piece(1, "b")).await, Err(NoInput::Gap.into()));
        assert_eq!(feed.give(&piece(0, "a\n")).await, Ok(true));
        assert_eq!(feed.give(&piece(0, "again\n")).await, Ok(true));
        assert_eq!(feed.give(&piece(1, "b\n")).await, Ok(true));
        assert_eq!((inbox.line().await, inbox.line().await), ("a\n".into(), "b\n".into()));
    }

    #[tokio::test]
    async fn before_its_turn_and_after_its_end_an_evaluation_takes_nothing() {
        let (feed, inbox) = ends(true);
        let feed = feed.unwrap();
        assert_eq!(feed.give(&piece(0, "a")).await, Ok(false));
        inbox.open();
        assert_eq!(feed.give(&piece(0, "a")).await, Ok(true));
        drop(inbox);
        assert_eq!(feed.give(&piece(1, "b")).await, Ok(false));
    }

    #[tokio::test]
    async fn what_has_no_room_waits_and_no_more_than_two_of_it() {
        let (feed, inbox) = running();
        assert_eq!(feed.give(&piece(0, vec![b'x'; MAX_BYTES])).await, Ok(true));
        let wait = |text: &'static str| {
            let feed = feed.clone();
            tokio::spawn(async move { feed.give(&piece(1, text)).await })
        };
        let waiting = [wait("y\n"), wait("y\n")];
        // One thread: both wait by now.
        tokio::task::yield_now().await;
        assert_eq!(feed.give(&piece(1, "y\n")).await, Err(NotTaken::Busy));
        assert_eq!(inbox.line().await.len(), MAX_BYTES);
        for waited in waiting {
            assert_eq!(waited.await.unwrap(), Ok(true));
        }
        assert_eq!(inbox.line().await, "y\n", "once");
    }

    #[tokio::test]
    async fn whoever_waits_for_room_is_let_go_when_the_evaluation_ends() {
        let (feed, inbox) = running();
        assert_eq!(feed.give(&piece(0, vec![b'x'; MAX_BYTES])).await, Ok(true));
        let waiting = {
            let feed = feed.clone();
            tokio::spawn(async move { feed.give(&piece(1, "y")).await })
        };
        tokio::task::yield_now().await;
        drop(inbox);
        assert_eq!(waiting.await.unwrap(), Ok(false));
    }

    #[tokio::test]
    async fn the_beginning_of_a_character_waits_for_its_rest() {
        let (feed, inbox) = running();
        let (head, rest) = ("☃".as_bytes()[..2].to_vec(), "☃".as_bytes()[2..].to_vec());
        assert_eq!(feed.give(&piece(0, head)).await, Ok(true));
        let large = [&rest[..], &vec![b'x'; MAX_BYTES - 1]].concat();
        assert_eq!(feed.give(&piece(1, large)).await, Ok(true), "it keeps out nothing");
        assert!(inbox.line().await.starts_with("☃x".as_bytes()));
    }

    proptest! {
        /// However it is cut, what is read is what was given.
        #[test]
        fn nothing_is_lost_or_doubled(
            text in "[a\n☃é]{0,40}", cuts in prop::collection::vec(1_usize..7, 40),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (feed, inbox) = running();
                let (mut rest, mut place) = (Bytes::from(text.clone()), 0);
                for cut in cuts {
                    if rest.is_empty() { break }
                    let data = rest.split_to(cut.min(rest.len()));
                    assert_eq!(feed.give(&Input::new(place, data, false).unwrap()).await, Ok(true));
                    place += 1;
                }
                if !rest.is_empty() {
                    assert_eq!(feed.give(&Input::new(place, rest, false).unwrap()).await, Ok(true));
                    place += 1;
                }
                assert_eq!(feed.give(&end(place)).await, Ok(true));
                let mut read = Vec::new();
                loop {
                    let line = inbox.line().await;
                    if line.is_empty() { break }
                    assert!(std::str::from_utf8(&line).is_ok(), "whole characters");
                    read.extend_from_slice(&line);
                }
                assert_eq!(read, text.as_bytes());
            });
        }
    }
}
