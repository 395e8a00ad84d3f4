//! The reports of a run as messages of nREPL: one value for each form, whoever gave it.
//!
//! A form is told when every replica has answered it or ended. Replicas answer forms in order, so
//! the values and exceptions of each are counted. What they print is kept back until then, as
//! equal output is told once; what takes longer is told as it comes, behind its replica's name.
//! The last value waits for the end, which tells the namespace.
//!
//! Reading order: [`Fold`] · `track` what a replica said · `slot` one form's value · `output`
//! what was printed · `failures` what went wrong · `afterwards` what is told at the end.

mod afterwards;
mod failures;
mod output;
mod slot;
#[cfg(test)]
mod tests;
mod track;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prepl_core::{
    Answer, Digest, Event, Raised, ReplicaIndex, Report, RequestId, RunId, Selection, Stream,
};

use self::output::{Lines, Printed};
use self::slot::{Entry, Slot};
use self::track::Track;
use super::reply::Reply;
use crate::gather::Gathering;

/// Most output that is kept back, in bytes, of all replicas together.
const MAX_HELD: usize = 1 << 20;

/// The least that a value may have in bytes, and the most: a message to a client holds it.
pub const QUOTA: (usize, usize) = (64, 4 << 20);

/// What is evaluated, as far as it matters to what is told.
#[derive(Clone, Debug)]
pub struct About {
    /// Whose reports.
    pub selection: Selection,
    /// The run and its request.
    pub names: (RunId, RequestId),
    /// The session's namespace before it.
    pub namespace: Option<Arc<str>>,
    /// Whether the client named another one to evaluate in.
    pub elsewhere: bool,
    /// Which values are told.
    pub values: Values,
    /// Most bytes of a value.
    pub quota: usize,
}

/// Which values of a text are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// That of each form, and the namespace.
    Each,
    /// The last alone, as of a file.
    Last,
}

/// Reports under way.
#[derive(Debug)]
pub struct Fold {
    about: About,
    texts: HashMap<Digest, Arc<str>>,
    tracks: Vec<Track>,
    lines: Lines,
    /// Output is told as it comes.
    streams: bool,
    /// Bytes of output that are kept back.
    held: usize,
    /// A value that is kept back.
    value: Option<Reply>,
    /// Something was kept back at the last tick already.
    waited: bool,
    /// How often input was asked for.
    inputs: u32,
    /// Replicas gave different values of some form.
    differs: bool,
    gathering: Gathering,
}

/// All that is left at the end.
#[derive(Debug)]
pub struct Ended {
    /// Messages before the last.
    pub replies: Vec<Reply>,
    /// The last message.
    pub done: Reply,
    /// The answers, in the order of the selection.
    pub answers: Vec<Answer>,
}

impl Fold {
    /// Of a run that begins.
    pub fn new(about: About) -> Fold {
        let selection = about.selection.clone();
        Fold {
            texts: HashMap::new(),
            tracks: selection.indexed().map(|_| Track::default()).collect(),
            streams: selection.len() == 1,
            gathering: Gathering::new(&selection),
            lines: Lines::new(selection),
            held: 0,
            value: None,
            waited: false,
            inputs: 0,
            differs: false,
            about,
        }
    }

    /// What a report adds.
    pub fn take(&mut self, report: Report) -> Vec<Reply> {
        let mut replies = Vec::new();
        match &report {
            Report::Text(digest, text) => drop(self.texts.insert(*digest, Arc::clone(text))),
            Report::Replica { replica, event, .. } => self.event(*replica, event, &mut replies),
            Report::Finished(_) => {}
        }
        self.gathering.take(report);
        replies
    }

    /// Time has passed: what was kept back at the last tick already is told.
    pub fn tick(&mut self) -> Vec<Reply> {
        let mut replies = Vec::new();
        if self.waited {
            self.tell_value(&mut replies);
            if self.held > 0 {
                self.stream(&mut replies);
            }
        }
        self.waited = self.value.is_some() || self.held > 0;
        replies
    }

    /// The run is over; replicas that told no end are unknown.
    pub fn end(mut self, elapsed: Duration, interrupted: bool) -> Ended {
        let mut replies = Vec::new();
        let nothing = Gathering::new(&Selection::of(Vec::new()));
        let gathering = std::mem::replace(&mut self.gathering, nothing);
        let (answers, summary) = gathering.finish(elapsed);
        for (track, answer) in self.tracks.iter_mut().zip(&answers) {
            track.end(answer.done.outcome.clone());
        }
        self.advance(&mut replies);
        self.rest(&mut replies);
        let About { selection, names, .. } = &self.about;
        replies.extend(afterwards::notices(selection, &answers).map(Reply::out));
        if self.differs {
            let screen = afterwards::differences(selection, &answers, summary, *names);
            replies.extend(screen.map(Reply::out));
        }
        self.tell_last(&answers, &mut replies);
        let done = self.failures(&answers, &mut replies).unwrap_or_else(|| match interrupted {
            true => Reply::status(["done", "interrupted"]),
            false => Reply::done(),
        });
        Ended { replies, done, answers }
    }

    fn event(&mut self, replica: ReplicaIndex, event: &Event<Digest>, replies: &mut Vec<Reply>) {
        let track = self.tracks.get_mut(replica.get()).filter(|track| track.ended().is_none());
        let Some(track) = track else { return };
        match event {
            Event::Started | Event::Notice(_) => {}
            Event::Output { stream, bytes } => self.printed(replica, *stream, bytes, replies),
            Event::Value(value) => {
                let text = self.texts.get(&value.text).cloned().unwrap_or_default();
                track.push(Slot::Value(text, value.truncated));
            }
            Event::Raised(raised) => track.push(Slot::Raised(raised.clone())),
            Event::NeedInput => {
                let asked = track.asks();
                self.needs_input(asked, replies);
            }
            Event::Done(done) => track.end(done.outcome.clone()),
        }
        self.advance(replies);
    }

    /// What is sent goes to all replicas, so they are told as one.
    fn needs_input(&mut self, asked: u32, replies: &mut Vec<Reply>) {
        if asked > self.inputs {
            self.inputs = asked;
            self.tell_value(replies);
            replies.push(Reply::status(["need-input"]));
        }
    }

    fn printed(
        &mut self,
        replica: ReplicaIndex,
        stream: Stream,
        bytes: &bytes::Bytes,
        replies: &mut Vec<Reply>,
    ) {
        if self.streams {
            self.tell_value(replies);
            replies.extend(self.lines.add(replica, stream, bytes));
            return;
        }
        if let Some(track) = self.tracks.get_mut(replica.get()) {
            track.print(stream, bytes.clone());
        }
        self.held += bytes.len();
        if self.held > MAX_HELD {
            self.stream(replies);
        }
    }

    /// Tells what was kept back, and from now on everything as it comes.
    fn stream(&mut self, replies: &mut Vec<Reply>) {
        self.streams = true;
        self.held = 0;
        self.tell_value(replies);
        for (track, index) in self.tracks.iter_mut().zip((0..).map(ReplicaIndex)) {
            for (stream, bytes) in track.take_printed() {
                replies.extend(self.lines.add(index, stream, &bytes));
            }
        }
    }

    /// Tells the forms that every replica has answered or will not.
    fn advance(&mut self, replies: &mut Vec<Reply>) {
        let complete = |track: &Track| track.has_slot() || track.ended().is_some();
        while self.tracks.iter().any(Track::has_slot) && self.tracks.iter().all(complete) {
            self.form(replies);
        }
    }

    fn form(&mut self, replies: &mut Vec<Reply>) {
        let (mut printed, mut slots) = (Vec::new(), Vec::new());
        for (track, index) in self.tracks.iter_mut().zip((0..).map(ReplicaIndex)) {
            let (before, slot) = track.take_slot().unzip();
            printed.extend(before.map(|before| (index, before)));
            slots.push((index, slot));
        }
        self.tell_value(replies);
        self.output(printed, replies);
        self.values(&slots, replies);
    }

    fn values(&mut self, slots: &[(ReplicaIndex, Option<Slot>)], replies: &mut Vec<Reply>) {
        let entries = slots.iter().zip(&self.tracks).filter_map(|((index, slot), track)| {
            let slot = slot.as_ref().map(Entry::Slot);
            Some((*index, slot.or(track.ended().map(Entry::Ended))?))
        });
        let entries: Vec<_> = entries.collect();
        let raised = entries.iter().filter_map(|(index, entry)| match entry {
            Entry::Slot(Slot::Raised(raised)) => Some((*index, raised)),
            _ => None,
        });
        let raised: Vec<(ReplicaIndex, &Raised)> = raised.collect();
        let selection = &self.about.selection;
        let error = raised.first().map(|(_, first)| {
            [Reply::err(failures::raised(selection, &raised)), failures::raised_error(first)]
        });
        let shown = slot::shown(selection, &entries, self.about.quota);
        self.differs |= shown.as_ref().is_some_and(|shown| shown.differs);
        self.value = shown.map(slot::Shown::reply);
        if let Some(error) = error {
            self.tell_value(replies);
            replies.extend(error);
        }
    }

    /// Tells output that was kept back until its form was complete.
    fn output(&mut self, printed: Vec<(ReplicaIndex, Printed)>, replies: &mut Vec<Reply>) {
        let pieces = printed.iter().flat_map(|(_, pieces)| pieces);
        self.held = self.held.saturating_sub(pieces.map(|(_, bytes)| bytes.len()).sum());
        if !self.streams && output::same(&printed) {
            let first = printed.first().into_iter();
            return replies.extend(first.flat_map(|(_, pieces)| output::once(pieces)));
        }
        for (index, pieces) in printed {
            for (stream, bytes) in pieces {
                replies.extend(self.lines.add(index, stream, &bytes));
            }
            replies.extend(self.lines.flush(index));
        }
    }

    /// Tells what was printed after the last form.
    fn rest(&mut self, replies: &mut Vec<Reply>) {
        let tracks = self.tracks.iter_mut().zip((0..).map(ReplicaIndex));
        let printed: Vec<_> = tracks.map(|(track, index)| (index, track.take_printed())).collect();
        if printed.iter().any(|(_, pieces)| !pieces.is_empty()) {
            self.tell_value(replies);
        }
        self.output(printed, replies);
    }

    /// Tells the value that is kept back, but for a file's: that may not be the last.
    fn tell_value(&mut self, replies: &mut Vec<Reply>) {
        if self.about.values == Values::Each {
            let namespace = afterwards::place(self.about.namespace.as_deref());
            replies.extend(self.value.take().map(|value| value.with("ns", namespace)));
        }
    }

    /// Tells the last value, with the namespace after it.
    fn tell_last(&mut self, answers: &[Answer], replies: &mut Vec<Reply>) {
        let now = afterwards::namespace(answers);
        let has_moved = now.is_some() && now != self.about.namespace;
        self.about.namespace = now.or(self.about.namespace.take());
        let namespace = afterwards::place(self.about.namespace.as_deref());
        match (self.value.take(), self.about.values) {
            (value, Values::Last) => replies.extend(value),
            (Some(value), Values::Each) => replies.push(value.with("ns", namespace)),
            (None, Values::Each) if has_moved => {
                replies.push(Reply::default().with("ns", namespace));
            }
            (None, Values::Each) => {}
        }
    }

    /// Tells which replicas gave no answer; gives the last message where that says why.
    fn failures(&self, answers: &[Answer], replies: &mut Vec<Reply>) -> Option<Reply> {
        let silent = afterwards::silent(answers);
        let (_, first) = silent.first()?;
        replies.push(Reply::err(failures::silent(&self.about.selection, &silent)));
        let all = silent.len() == answers.len();
        let lacking = silent.iter().all(|(_, outcome)| afterwards::lacks_namespace(outcome));
        if self.about.elsewhere && all && lacking {
            let namespace = afterwards::place(self.about.namespace.as_deref());
            return Some(Reply::refused("namespace-not-found").with("ns", namespace));
        }
        replies.push(failures::silent_error(first));
        None
    }
}
