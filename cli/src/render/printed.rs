//! What a run at a prompt prints, line by line as it comes.
//!
//! It is held back at first: a run that is over soon has its output in the folded answers.

use std::collections::HashMap;

use prepl_core::{Done, Event, ReplicaIndex, Report, Selection, Stream};

use super::crowd;
use super::page::{Ink, Page};
use crate::quantity::show_bytes;

/// Longest unfinished line that is kept back; a longer one is written in parts.
const MAX_LINE: usize = 16 << 10;

/// The printed lines of a run.
#[derive(Debug)]
pub struct Printed {
    selection: Selection,
    colour: bool,
    is_live: bool,
    /// Lines nobody has seen yet.
    held: String,
    unfinished: HashMap<(ReplicaIndex, Stream), Vec<u8>>,
    /// Bytes each replica told of what it printed.
    told: HashMap<ReplicaIndex, u64>,
}

impl Printed {
    /// Nothing is printed yet.
    pub fn new(selection: Selection, colour: bool) -> Printed {
        let (unfinished, told) = (HashMap::new(), HashMap::new());
        Printed { selection, colour, is_live: false, held: String::new(), unfinished, told }
    }

    /// Whether what was printed was shown: the answers need not repeat it.
    pub fn was_shown(&self) -> bool {
        self.is_live && !self.told.is_empty()
    }

    /// From now on lines are shown as they come; gives those that were held back.
    pub fn go_live(&mut self) -> String {
        self.is_live = true;
        std::mem::take(&mut self.held)
    }

    /// The lines that a report adds, where they are shown as they come.
    pub fn report(&mut self, report: &Report) -> String {
        if let Report::Replica { replica, event, .. } = report {
            match event {
                Event::Output { stream, bytes } => self.output(*replica, *stream, bytes),
                Event::Done(done) => self.done(*replica, done),
                _ => {}
            }
        }
        self.seen()
    }

    /// Unfinished lines of replicas that were left before their end.
    pub fn end(&mut self) -> String {
        let all: Vec<_> = self.selection.indexed().map(|(index, _)| index).collect();
        all.into_iter().for_each(|replica| self.flush(replica));
        self.seen()
    }

    fn seen(&mut self) -> String {
        if self.is_live { std::mem::take(&mut self.held) } else { String::new() }
    }

    fn output(&mut self, replica: ReplicaIndex, stream: Stream, bytes: &[u8]) {
        *self.told.entry(replica).or_default() += bytes.len() as u64;
        let mut text = self.unfinished.remove(&(replica, stream)).unwrap_or_default();
        text.extend_from_slice(bytes);
        let whole = match text.iter().rposition(|byte| *byte == b'\n') {
            _ if text.len() > MAX_LINE => text.len(),
            Some(last) => last + 1,
            None => 0,
        };
        let rest = text.split_off(whole);
        self.lines(replica, stream, &text);
        if !rest.is_empty() {
            self.unfinished.insert((replica, stream), rest);
        }
    }

    fn done(&mut self, replica: ReplicaIndex, done: &Done) {
        self.flush(replica);
        let told = self.told.get(&replica).copied().unwrap_or_default();
        if told < done.output_bytes {
            let (told, all) = (show_bytes(told), show_bytes(done.output_bytes));
            let mut page = Page::new(self.colour);
            page.put(Ink::Member(replica.get()), &self.name(replica));
            page.put(Ink::Warn, &format!("… {told} of {all} printed bytes shown")).end();
            self.held += &page.finish();
        }
    }

    fn flush(&mut self, replica: ReplicaIndex) {
        for stream in [Stream::Out, Stream::Err] {
            if let Some(rest) = self.unfinished.remove(&(replica, stream)) {
                self.lines(replica, stream, &rest);
            }
        }
    }

    fn lines(&mut self, replica: ReplicaIndex, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let stream = match stream {
            Stream::Out => "out │ ",
            Stream::Err => "err │ ",
        };
        let margin = self.name(replica) + stream;
        let mut page = Page::new(self.colour);
        page.block_of_bytes((Ink::Member(replica.get()), &margin), Ink::Plain, bytes);
        self.held += &page.finish();
    }

    /// Whose line it is; who is asked alone needs no name.
    fn name(&self, replica: ReplicaIndex) -> String {
        match self.selection.len() {
            1 => String::new(),
            _ => crowd::name(&self.selection, replica) + " ",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use prepl_core::Outcome;

    use crate::render::example;

    fn printed(count: usize) -> Printed {
        Printed::new(Selection::of(example::api_fleet(count)), false)
    }

    fn out(replica: u32, text: &str) -> Report {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let event = Event::Output { stream: Stream::Out, bytes };
        Report::Replica { replica: ReplicaIndex(replica), sequence: 0, event }
    }

    fn done(replica: u32, output_bytes: u64) -> Report {
        let done = Done { output_bytes, ..Done::without_answer(Outcome::Ok) };
        Report::Replica { replica: ReplicaIndex(replica), sequence: 1, event: Event::Done(done) }
    }

    #[test]
    fn lines_are_held_back_and_then_come_at_once() {
        let mut printed = printed(2);
        assert_eq!(printed.report(&out(0, "a\n")), "");
        assert!(!printed.was_shown());
        assert_eq!(printed.go_live(), "api-6f7c9-00 out │ a\n");
        assert_eq!(printed.report(&out(1, "b\nc")), "api-6f7c9-01 out │ b\n");
        assert_eq!(printed.report(&done(1, 3)), "api-6f7c9-01 out │ c\n");
        assert!(printed.was_shown());
    }

    #[test]
    fn a_lone_replica_needs_no_name_and_a_cut_is_told() {
        let mut printed = printed(1);
        printed.go_live();
        assert_eq!(printed.report(&out(0, "\x1b[2J\n")), "out │ \\x1b[2J\n");
        assert_eq!(printed.report(&done(0, 2000)), "… 5 B of 2.0 KiB printed bytes shown\n");
    }

    #[test]
    fn a_line_without_end_is_shown_in_parts_or_when_the_run_is_left() {
        let mut printed = printed(1);
        printed.go_live();
        assert!(printed.report(&out(0, &"x".repeat(MAX_LINE + 1))).len() > MAX_LINE);
        assert_eq!(printed.report(&out(0, "rest")), "");
        assert_eq!(printed.end(), "out │ rest\n");
    }
}
