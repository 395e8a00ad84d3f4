//! One line of the list: something that somebody did or was not allowed to, with its end.

use std::sync::Arc;

use prepl_audit::{
    AccessRef, Asked, Asking, AttachClosed, AttachSaid, Body, Mode, Moment, Outcomes, Redacted,
    Said, Stored, Tail, Who,
};
use prepl_core::outcome::Counts;
use prepl_core::{RequestId, RunId};

/// Longest text of a record that a list keeps, in bytes; `show` has the whole.
const MAX_TEXT: usize = 1 << 10;
/// Most workloads of one entry that are named.
const MAX_WORKLOADS: usize = 16;

/// Something that somebody did or was not allowed to.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The log that it stands in.
    pub log: Arc<str>,
    /// Where it stands there.
    pub place: Tail,
    /// When.
    pub time: Moment,
    /// Who.
    pub who: Who,
    /// By a right that is for emergencies.
    pub break_glass: bool,
    /// Why, in his words.
    pub reason: Option<Text>,
    /// The ticket that he named.
    pub ticket: Option<Text>,
    /// Where it went.
    pub to: To,
    /// What.
    pub act: Act,
}

/// What it was.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// An expression, with the outcomes that are recorded.
    Run { run: RunId, request: RequestId, how: How, code: Ran, outcomes: Option<Counts> },
    /// A tunnel, with the bytes to and from the replica once it ended.
    Tunnel { request: RequestId, end: Option<(u64, u64)> },
    /// Something that he gives the evaluations of a run to read.
    Input { run: RunId, code: Text },
    /// Something that he says through a tunnel: the op of a message, and what may be evaluated.
    Said { request: RequestId, op: Option<Text>, code: Option<Text>, bytes: u64 },
    /// Something that he may not; a tunnel has no expression.
    Denied { request: RequestId, expression: Option<Text>, why: Text },
    /// He took a right that is for emergencies.
    BreakGlass,
    /// He approved what somebody else was about to run.
    Approval { access: AccessRef },
}

/// What ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// It.
    pub expression: Text,
    /// The name of the file, where the expression is a whole one.
    pub file: Option<Text>,
}

/// How an expression was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It may change something.
    ReadWrite,
    /// It reads.
    ReadOnly,
    /// The answer of an earlier time was asked for, and nothing ran.
    Recall,
}

/// Replicas, as far as a list tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct To {
    /// The first of their workloads, each once: `shop/deployment/api`.
    pub workloads: Vec<String>,
    /// How many replicas.
    pub replicas: usize,
    /// The replica, where it is only one: `shop/api-1`.
    pub only: Option<String>,
}

/// A text of a record, perhaps without its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Whether the end is missing.
    pub cut: bool,
}

impl Text {
    /// The beginning of a text.
    pub fn of(text: &str) -> Text {
        let end = text.floor_char_boundary(MAX_TEXT);
        Text { text: text[..end].to_owned(), cut: end < text.len() }
    }

    fn asked(asked: &Asked) -> Text {
        let text = Text::of(asked.text());
        Text { cut: text.cut || asked.is_cut(), ..text }
    }

    fn words(words: Option<Redacted>) -> Option<Text> {
        words.map(|words| Text::of(words.as_str()))
    }
}

impl Act {
    /// What is said through a tunnel; `None` for the end of its asides.
    fn of_said(told: &AttachSaid) -> Option<Act> {
        let op = match &told.said {
            Said::Message(message) => Some(Text::of(message.op.as_str())),
            Said::Text { .. } | Said::Raw { .. } => None,
            Said::Asides => return None,
        };
        let (request, code) = (told.request, told.code().map(Text::asked));
        Some(Act::Said { request, op, code, bytes: told.bytes })
    }
}

impl To {
    fn of(replicas: &[Asking]) -> To {
        let mut workloads: Vec<String> = Vec::new();
        for one in replicas {
            let workload = format!("{}/{}", one.namespace, one.workload);
            if workloads.len() < MAX_WORKLOADS && !workloads.contains(&workload) {
                workloads.push(workload);
            }
        }
        let only = match replicas {
            [one] => Some(format!("{}/{}", one.namespace, one.name)),
            _ => None,
        };
        To { workloads, replicas: replicas.len(), only }
    }
}

impl Entry {
    /// What a record begins; `None` when it tells of an end, or of the log itself.
    pub fn of(log: &Arc<str>, stored: Stored) -> Option<Entry> {
        let Stored { place, time, body, .. } = stored;
        let entry = |who, to, act| {
            let (log, reason, ticket) = (Arc::clone(log), None, None);
            Entry { log, place, time, who, break_glass: false, reason, ticket, to, act }
        };
        Some(match body? {
            Body::Intent(intent) => {
                let how = match intent.mode {
                    _ if intent.recall => How::Recall,
                    Mode::ReadOnly => How::ReadOnly,
                    Mode::ReadWrite => How::ReadWrite,
                };
                let (run, request, outcomes) = (intent.run, intent.request, None);
                let file = intent.file.filter(|file| file.at.is_none());
                let file = file.map(|file| Text::of(file.name.as_str()));
                let code = Ran { expression: Text::asked(&intent.expression), file };
                let act = Act::Run { run, request, how, code, outcomes };
                let entry = entry(intent.who, To::of(intent.replicas.list()), act);
                let (reason, ticket) = (Text::words(intent.reason), Text::words(intent.ticket));
                Entry { break_glass: intent.break_glass, reason, ticket, ..entry }
            }
            Body::AttachOpened(opened) => {
                let act = Act::Tunnel { request: opened.request, end: None };
                let entry = entry(opened.who, To::of(opened.replicas.list()), act);
                let reason = Text::words(opened.reason);
                Entry { break_glass: opened.break_glass, reason, ..entry }
            }
            Body::InputGiven(given) => {
                let act = Act::Input { run: given.run, code: Text::asked(&given.code) };
                let replicas = usize::try_from(given.replicas).unwrap_or(usize::MAX);
                entry(given.who, To { replicas, ..To::default() }, act)
            }
            Body::AttachSaid(said) => {
                let act = Act::of_said(&said)?;
                entry(said.who, To::of(said.replicas.list()), act)
            }
            Body::Denied(denied) => {
                let expression = denied.expression.as_ref().map(Text::asked);
                let why = Text::of(denied.why.as_str());
                let act = Act::Denied { request: denied.request, expression, why };
                entry(denied.who, To::of(denied.replicas.list()), act)
            }
            Body::BreakGlass(taken) => {
                let entry = entry(taken.who, To::default(), Act::BreakGlass);
                let (reason, ticket) = (Text::words(Some(taken.reason)), Text::words(taken.ticket));
                Entry { break_glass: true, reason, ticket, ..entry }
            }
            Body::Approval(given) => {
                let act = Act::Approval { access: given.access };
                entry(given.who, To::default(), act)
            }
            Body::Chain(_) | Body::Opened(_) | Body::Closed(_) => return None,
            Body::Outcome(_) | Body::AttachClosed(_) => return None,
        })
    }

    /// Adds outcomes of its run.
    pub fn add_outcomes(&mut self, told: &Outcomes) {
        if let Act::Run { outcomes, .. } = &mut self.act {
            let counts = outcomes.get_or_insert_with(Counts::default);
            told.replicas.iter().for_each(|one| counts.add(one.class()));
        }
    }

    /// Adds the end of its tunnel.
    pub fn add_end(&mut self, closed: &AttachClosed) {
        if let Act::Tunnel { end, .. } = &mut self.act {
            *end = Some((closed.bytes_to_replica(), closed.bytes_from_replica()));
        }
    }

    /// The run, if it is one.
    pub fn run(&self) -> Option<RunId> {
        match self.act {
            Act::Run { run, .. } | Act::Input { run, .. } => Some(run),
            _ => None,
        }
    }

    /// The request, if it has one.
    pub fn request(&self) -> Option<RequestId> {
        match self.act {
            Act::Run { request, .. }
            | Act::Tunnel { request, .. }
            | Act::Said { request, .. }
            | Act::Denied { request, .. } => Some(request),
            Act::Input { .. } | Act::BreakGlass | Act::Approval { .. } => None,
        }
    }

    /// The expression, if there is one.
    pub fn expression(&self) -> Option<&Text> {
        match &self.act {
            Act::Run { code: Ran { expression, .. }, .. } | Act::Input { code: expression, .. } => {
                Some(expression)
            }
            Act::Said { code: expression, .. } | Act::Denied { expression, .. } => {
                expression.as_ref()
            }
            Act::Tunnel { .. } | Act::BreakGlass | Act::Approval { .. } => None,
        }
    }

    /// The name of the file that was loaded as a whole, if one was.
    pub fn loaded(&self) -> Option<&Text> {
        match &self.act {
            Act::Run { code, .. } => code.file.as_ref(),
            _ => None,
        }
    }

    /// Whether he was not allowed to.
    pub fn is_denied(&self) -> bool {
        matches!(self.act, Act::Denied { .. })
    }
}
