//! `-o stream`: lines as they arrive, each behind its replica's name.

use std::collections::HashMap;
use std::sync::Arc;

use prepl_core::{
    Class, Digest, Done, Event, Raised, ReplicaIndex, Report, Selection, Stream, Value,
};

use super::fold::sign;
use super::page::{self, Ink, Page};
use super::{crowd, sentence};

/// Longest name that others are aligned behind.
const MAX_NAME: usize = 40;

/// Longest unfinished line that is kept back; a longer one is written in parts.
const MAX_LINE: usize = 16 << 10;

/// The state of a streaming screen.
#[derive(Debug)]
pub struct Screen {
    selection: Selection,
    colour: bool,
    width: usize,
    texts: HashMap<Digest, Arc<str>>,
    unfinished: HashMap<(ReplicaIndex, Stream), Vec<u8>>,
}

impl Screen {
    /// A screen for the replicas of a run.
    pub fn new(selection: Selection, colour: bool) -> Screen {
        let names =
            selection.indexed().map(|(index, _)| page::width(&crowd::name(&selection, index)));
        let width = names.max().unwrap_or(0).min(MAX_NAME);
        Screen { selection, colour, width, texts: HashMap::new(), unfinished: HashMap::new() }
    }

    /// The lines that a report adds.
    pub fn report(&mut self, report: &Report) -> String {
        let mut page = Page::new(self.colour);
        match report {
            Report::Text(digest, text) => {
                self.texts.insert(*digest, Arc::clone(text));
            }
            Report::Replica { replica, event, .. } => self.event(&mut page, *replica, event),
            Report::Finished(_) => {}
        }
        page.finish()
    }

    fn event(&mut self, page: &mut Page, replica: ReplicaIndex, event: &Event<Digest>) {
        match event {
            Event::Started => {}
            Event::Output { stream, bytes } => self.output(page, replica, *stream, bytes),
            Event::Value(value) => self.value(page, replica, value),
            Event::Raised(raised) => self.raised(page, replica, raised),
            Event::NeedInput => {
                self.line(page, replica, (Ink::Warn, "·"), "waits for input; it gets none");
            }
            Event::Notice(text) => self.line(page, replica, (Ink::Faint, "·"), text),
            Event::Done(done) => self.done(page, replica, done),
        }
    }

    fn output(&mut self, page: &mut Page, replica: ReplicaIndex, stream: Stream, bytes: &[u8]) {
        let mut text = self.unfinished.remove(&(replica, stream)).unwrap_or_default();
        text.extend_from_slice(bytes);
        let whole = match text.iter().rposition(|byte| *byte == b'\n') {
            _ if text.len() > MAX_LINE => text.len(),
            Some(last) => last + 1,
            None => 0,
        };
        let rest = text.split_off(whole);
        if !text.is_empty() {
            self.block(page, replica, stream, &text);
        }
        if !rest.is_empty() {
            self.unfinished.insert((replica, stream), rest);
        }
    }

    fn block(&self, page: &mut Page, replica: ReplicaIndex, stream: Stream, bytes: &[u8]) {
        let mark = match stream {
            Stream::Out => "│ ",
            Stream::Err => "! ",
        };
        let margin = format!("{} {mark}", self.name(replica));
        page.block_of_bytes((Ink::Member(replica.get()), &margin), Ink::Plain, bytes);
    }

    fn value(&mut self, page: &mut Page, replica: ReplicaIndex, value: &Value<Digest>) {
        self.flush(page, replica);
        let text = self.texts.get(&value.text).cloned().unwrap_or_default();
        let margin = format!("{} = ", self.name(replica));
        page.block((Ink::Member(replica.get()), &margin), Ink::Strong, &text);
        if value.truncated {
            let note = "the value is cut; --limit-bytes allows more";
            self.line(page, replica, (Ink::Warn, "·"), note);
        }
    }

    fn raised(&mut self, page: &mut Page, replica: ReplicaIndex, raised: &Raised) {
        self.flush(page, replica);
        let text = sentence::raised(Some(raised));
        self.line(page, replica, sign_of(Class::Raised), &text);
    }

    fn done(&mut self, page: &mut Page, replica: ReplicaIndex, done: &Done) {
        self.flush(page, replica);
        let class = done.outcome.class();
        if !matches!(class, Class::Ok | Class::Raised) {
            let reason = done.outcome.reason().map_or("", |reason| reason.as_str());
            self.line(page, replica, sign_of(class), &format!("{class}: {reason}"));
        }
    }

    fn flush(&mut self, page: &mut Page, replica: ReplicaIndex) {
        for stream in [Stream::Out, Stream::Err] {
            if let Some(rest) = self.unfinished.remove(&(replica, stream)) {
                self.block(page, replica, stream, &rest);
            }
        }
    }

    fn line(&self, page: &mut Page, replica: ReplicaIndex, mark: (Ink, &str), text: &str) {
        page.put(Ink::Member(replica.get()), &self.name(replica));
        page.put(mark.0, &format!(" {} ", mark.1)).put(Ink::Plain, text).end();
    }

    fn name(&self, replica: ReplicaIndex) -> String {
        let name = crowd::name(&self.selection, replica);
        let fill = self.width.saturating_sub(page::width(&name));
        name + " ".repeat(fill).as_str()
    }
}

fn sign_of(class: Class) -> (Ink, &'static str) {
    let (sign, ink) = sign(class);
    (ink, sign)
}
