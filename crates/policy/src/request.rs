//! What somebody asks for, and what is known about him.

use std::sync::Arc;
use std::time::Duration;

use prepl_core::{Expression, Limits};

use crate::approval::Approvals;
use crate::mode::Mode;

/// Longest reason in bytes.
pub const MAX_REASON_BYTES: usize = 500;
/// Longest name of a ticket in bytes.
pub const MAX_TICKET_BYTES: usize = 64;

/// What the user asks for, in his own words.
#[derive(Clone, Debug)]
pub struct Request {
    /// To do what.
    pub mode: Mode,
    /// Within which limits.
    pub limits: Limits,
    /// Evaluating what; `None` in a tunnel, and for who only asks whether he may.
    pub expression: Option<Expression>,
    /// Only where something keeps it from writing.
    pub read_only: bool,
    /// Why.
    pub grounds: Grounds,
}

impl Request {
    /// What a tunnel is, to a policy: whatever goes through it, nobody sees.
    #[must_use]
    pub fn tunnel() -> Request {
        Request {
            mode: Mode::Attach,
            limits: Limits::WIDEST,
            expression: None,
            read_only: false,
            grounds: Grounds::default(),
        }
    }
}

/// What the user does not say himself.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// His name.
    pub user: Arc<str>,
    /// What others say to what he asks.
    pub approvals: Approvals,
    /// Runs that he started within the last minute.
    pub earlier_runs: u32,
    /// An access by break-glass, if that is what he has.
    pub break_glass: Option<BreakGlass>,
}

/// An access that skips approvals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakGlass {
    /// How long it lasts in all.
    pub lasting: Duration,
    /// The user's earlier ones that nobody has looked at yet.
    pub unreviewed: u32,
}

/// The user's reason and ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grounds {
    reason: Option<Arc<str>>,
    ticket: Option<Arc<str>>,
}

/// A reason or a ticket that cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadGrounds {
    /// Of a reason.
    #[error("a reason is one line of at most {MAX_REASON_BYTES} bytes")]
    Reason,
    /// Of a ticket.
    #[error("a ticket is a name without spaces of at most {MAX_TICKET_BYTES} bytes")]
    Ticket,
}

impl Grounds {
    /// Checks a reason and a ticket; an empty one is none.
    pub fn new(reason: &str, ticket: &str) -> Result<Grounds, BadGrounds> {
        let (reason, ticket) = (reason.trim(), ticket.trim());
        if reason.len() > MAX_REASON_BYTES || reason.contains(char::is_control) {
            return Err(BadGrounds::Reason);
        }
        let unfit = |c: char| c.is_control() || c.is_whitespace();
        if ticket.len() > MAX_TICKET_BYTES || ticket.contains(unfit) {
            return Err(BadGrounds::Ticket);
        }
        let given = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
        Ok(Grounds { reason: given(reason), ticket: given(ticket) })
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// What it belongs to.
    #[must_use]
    pub fn ticket(&self) -> Option<&str> {
        self.ticket.as_deref()
    }
}
