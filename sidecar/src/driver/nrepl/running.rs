//! The running evaluation: what the replies to it say, in the words of every driver.

mod report;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use prepl_core::{Raised, Stream};

use super::codec::Reply;
use super::read_only::{self, Given};
use super::throwable::{self, name, sentence};
use crate::driver::{Ask, End, Refused, Said, Step};
use report::Report;

/// Largest piece of output that is passed on.
const PIECE: usize = 64 << 10;

/// An evaluation that was sent and has not ended.
pub(super) struct Running {
    pub(super) id: u64,
    namespace: Option<Arc<str>>,
    loads_file: bool,
    value_bytes: usize,
    /// The one value holds those of all forms.
    within: bool,
    /// The parts of a value whose namespace has not come yet: streamed values.
    value: Option<Printed>,
    report: Report,
    end: End,
    /// Bytes printed so far, also those that were not kept.
    output_bytes: u64,
    /// Nothing was said yet: the runtime may refuse it and nothing ran.
    untouched: bool,
    /// Whether it threw since it was asked to stop; `None` while it was not asked.
    threw_after_interrupt: Option<bool>,
}

struct Printed {
    text: String,
    truncated: bool,
}

impl Running {
    /// Whether it was not asked to run in another namespace than the session's.
    pub(super) fn is_in_the_sessions_own(&self) -> bool {
        self.namespace.is_none()
    }

    pub(super) fn new(id: u64, ask: &Ask) -> Running {
        Running {
            id,
            namespace: ask.namespace.clone(),
            loads_file: ask.origin.whole_file().is_some(),
            value_bytes: usize::try_from(ask.value_bytes).unwrap_or(usize::MAX),
            within: ask.function().is_some(),
            value: None,
            report: Report::default(),
            end: End::default(),
            output_bytes: 0,
            untouched: true,
            threw_after_interrupt: None,
        }
    }

    /// Bytes that are kept back until more comes.
    pub(super) fn held(&self) -> usize {
        self.value.as_ref().map_or(0, |value| value.text.len())
    }

    /// Notes that the runtime was asked to stop it.
    pub(super) fn interrupted(&mut self) {
        self.threw_after_interrupt = Some(false);
    }

    /// Takes a reply: all of its keys first, then its status. True when the evaluation ended.
    pub(super) fn take(&mut self, mut reply: Reply, steps: &mut VecDeque<Step>) -> bool {
        self.printed(&mut reply, steps);
        self.valued(&mut reply, steps);
        let fails = reply.status.has("eval-error") && !self.end.raised;
        if reply.ex.is_some() || fails {
            self.raised(&mut reply, steps);
        }
        if reply.status.has("need-input") {
            self.say(Said::NeedInput, steps);
        }
        self.end.interrupted |= reply.status.has("interrupted");
        let done = reply.status.is_done();
        if done {
            self.ended(&reply, steps);
        }
        done
    }

    fn printed(&mut self, reply: &mut Reply, steps: &mut VecDeque<Step>) {
        self.count_output(reply);
        if let Some(out) = reply.out.take() {
            for piece in pieces(out) {
                self.say(Said::Output(Stream::Out, piece), steps);
            }
        }
        if let Some(err) = reply.err.take() {
            self.untouched = false;
            let plain = self.report.take(err).into_iter().flat_map(pieces);
            steps.extend(plain.map(|err| Step::Said(Said::Output(Stream::Err, err))));
        }
    }

    /// A message with output has no value: what was left out of it was output.
    fn count_output(&mut self, reply: &Reply) {
        let kept: usize = [&reply.out, &reply.err].into_iter().flatten().map(Bytes::len).sum();
        if kept > 0 {
            self.output_bytes += (kept + reply.left_out) as u64;
            let told = reply.left_out > 0 || self.end.output_bytes.is_some();
            self.end.output_bytes = told.then_some(self.output_bytes);
        }
    }

    fn valued(&mut self, reply: &mut Reply, steps: &mut VecDeque<Step>) {
        if let Some(text) = reply.value.take() {
            // Each of its values was cut where it was printed.
            let most = if self.within { usize::MAX } else { self.value_bytes };
            let value = self.value.get_or_insert(Printed { text: String::new(), truncated: false });
            value.append(text, most);
        }
        if let Some(value) = &mut self.value {
            value.truncated |= reply.value_truncated;
        }
        if let Some(namespace) = reply.namespace.take() {
            self.end.namespace = Some(namespace);
            self.say_value(steps);
        }
    }

    fn raised(&mut self, reply: &mut Reply, steps: &mut VecDeque<Step>) {
        self.say_value(steps);
        let report = self.report.end();
        let raised = raised(reply, &String::from_utf8_lossy(&report));
        self.end.raised = true;
        if let Some(threw) = &mut self.threw_after_interrupt {
            *threw = true;
        }
        self.say(Said::Raised(raised), steps);
    }

    fn ended(&mut self, reply: &Reply, steps: &mut VecDeque<Step>) {
        self.say_value(steps);
        if reply.status.has("error") && !self.end.raised {
            self.failed(reply, steps);
        }
        self.say_report(steps);
        self.end.may_still_run = self.end.interrupted && self.threw_after_interrupt != Some(true);
        steps.push_back(Step::Ended(std::mem::take(&mut self.end)));
    }

    /// An end with `error` and no exception: refused when nothing ran, else it failed somehow.
    fn failed(&mut self, reply: &Reply, steps: &mut VecDeque<Step>) {
        match self.refusal(reply) {
            Some(refused) if self.untouched => {
                self.end.refused = Some(refused);
            }
            _ => {
                let report = self.report.end();
                let text = String::from_utf8_lossy(&report);
                let words = format!("the REPL reports: {}", reply.status.in_words());
                let message = if text.is_empty() { &words } else { text.trim_end() };
                self.end.raised = true;
                let raised = Raised { message: sentence(message), ..Raised::default() };
                self.say(Said::Raised(raised), steps);
            }
        }
    }

    fn refusal(&self, reply: &Reply) -> Option<Refused> {
        let has = |word| reply.status.has(word);
        if has("unknown-session") || has("session-closed") {
            let lost = "the REPL has forgotten this session and its state; use a new session";
            Some(Refused::Forgotten(lost.into()))
        } else if has("namespace-not-found") {
            let namespace = self.namespace.as_deref().unwrap_or("of that name");
            let none =
                format!("the runtime has no namespace {namespace}; load it first, or leave it out");
            Some(Refused::Runtime(none.into()))
        } else if has("unknown-op") {
            Some(Refused::Runtime(self.unknown_operation().into()))
        } else if has("no-code") || has("unknown-code-type") {
            Some(Refused::Runtime("the REPL found no code in the expression".into()))
        } else {
            None
        }
    }

    fn unknown_operation(&self) -> &'static str {
        match self.loads_file {
            true => {
                "the REPL loads no whole files: it does not know the operation load-file; evaluate \
                 the text of the file instead"
            }
            false => "the REPL does not know the operation eval; is it an nREPL server?",
        }
    }

    fn say_value(&mut self, steps: &mut VecDeque<Step>) {
        let Some(Printed { text, truncated }) = self.value.take() else { return };
        let given = if self.within { read_only::given(&text) } else { None };
        match given {
            None => self.say(Said::Value { text: text.into(), truncated }, steps),
            Some(Given::Refused(why)) => self.end.refused = Some(Refused::Function(why.into())),
            Some(Given::Values(values)) => {
                for (text, truncated) in values {
                    let mut value = Printed { text: String::new(), truncated };
                    value.append(text, self.value_bytes);
                    let Printed { text, truncated } = value;
                    self.say(Said::Value { text: text.into(), truncated }, steps);
                }
            }
        }
    }

    /// A report of an error that no exception followed was just output.
    fn say_report(&mut self, steps: &mut VecDeque<Step>) {
        let report = self.report.end();
        if !report.is_empty() {
            steps.push_back(Step::Said(Said::Output(Stream::Err, report)));
        }
    }

    fn say(&mut self, said: Said, steps: &mut VecDeque<Step>) {
        self.untouched = false;
        self.say_report(steps);
        steps.push_back(Step::Said(said));
    }
}

/// Large output in copies of its pieces: one piece in a queue must not keep the whole alive.
fn pieces(output: Bytes) -> impl Iterator<Item = Bytes> {
    let is_small = output.len() <= PIECE;
    let whole = is_small.then(|| output.clone());
    let copies: Vec<_> = match is_small {
        true => Vec::new(),
        false => output.chunks(PIECE).map(Bytes::copy_from_slice).collect(),
    };
    whole.into_iter().chain(copies)
}

impl Printed {
    /// Servers that ignore the quota, or count characters, send more than was asked for.
    fn append(&mut self, text: String, most: usize) {
        let room = most - self.text.len().min(most);
        let end = text.floor_char_boundary(room);
        self.truncated |= end < text.len();
        if self.text.is_empty() && end == text.len() {
            self.text = text;
        } else {
            self.text.push_str(text.get(..end).unwrap_or_default());
        }
    }
}

/// Puts together what the printed exception, the class names and the report tell.
fn raised(reply: &mut Reply, report: &str) -> Raised {
    let printed = reply.throwable.take().and_then(|text| throwable::read(&text));
    let mut raised = printed.unwrap_or_default();
    let class = reply.root_ex.take().or(reply.ex.take()).unwrap_or_default();
    let (class, text) = class_and_text(&class);
    if raised.class.is_empty() {
        raised.class = name(class);
    }
    if raised.message.is_empty() {
        raised.message = sentence(report::message(report).unwrap_or(text));
    }
    if raised.phase.is_empty() {
        raised.phase = report::phase(report).unwrap_or_default().into();
    }
    raised
}

/// `class a.B` is a class; what has white space in it is a text instead (Basilisp's traceback).
fn class_and_text(ex: &str) -> (&str, &str) {
    let class = ex.trim().strip_prefix("class ").unwrap_or(ex.trim());
    if class.contains(char::is_whitespace) { ("", class) } else { (class, "") }
}
