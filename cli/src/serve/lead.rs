//! The replica that answers what the fleet as a whole cannot: operations of its app's middleware.
//!
//! It is asked through a tunnel, so its user needs the right to attach. Reading order: [`Lead`] who
//! that is · `line` one client's way to it.

mod line;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use prepl_core::{Replica, Selection};
use tokio::sync::Mutex;
use tokio::time::timeout;

use self::line::Line;
use super::connection::Connection;
use super::ops::OWN;
use super::reply::{Replies, Reply};
use super::request::Request;
use crate::members::Members;
use crate::problem::Problem;
use crate::reach::Attached;

/// How long it may take to tell what it can do.
const PATIENCE: Duration = Duration::from_secs(10);
/// Operations of its own that are told to clients.
const MAX_OPS: usize = 512;

/// A replica that was chosen to lead.
pub struct Lead {
    name: String,
    members: Arc<Members>,
    /// What it can do that this server cannot.
    ops: BTreeSet<String>,
}

impl Lead {
    /// The replica of this name; it can do nothing more until [`Lead::learn`].
    pub fn new(name: &str, members: Arc<Members>) -> Lead {
        Lead { name: name.to_owned(), members, ops: BTreeSet::new() }
    }

    /// It, if it is there.
    pub fn among<'a>(&self, selection: &'a Selection) -> Option<&'a Replica> {
        let is_it = |replica: &&Replica| {
            *replica.id.name == self.name || replica.id.to_string() == self.name
        };
        selection.replicas().iter().find(is_it)
    }

    /// What only it can do.
    pub fn ops(&self) -> impl Iterator<Item = &str> {
        self.ops.iter().map(String::as_str)
    }

    /// Asks it what it can do.
    pub async fn learn(&mut self) -> Result<(), Problem> {
        let asked = async {
            let mut line = Line::open(self).await?;
            let ops = line.ops().await;
            line.close().await;
            ops.ok_or_else(|| Problem::failed(format!("{} tells nothing of itself", self.name)))
        };
        let silent =
            || Err(Problem::failed(format!("{} tells nothing in {PATIENCE:?}", self.name)));
        let told = timeout(PATIENCE, asked).await.unwrap_or_else(|_| silent())?;
        let own = |op: &String| OWN.contains(&op.as_str());
        self.ops = told.into_iter().filter(|op| !own(op)).take(MAX_OPS).collect();
        Ok(())
    }

    /// Opens a tunnel to it.
    async fn attach(&self) -> Result<Attached, Problem> {
        let gone = || Problem::nothing_matched(format!("{} is not there any more", self.name));
        let selection = self.members.selection();
        let attached = self.members.attach(self.among(&selection).ok_or_else(gone)?).await?;
        match &*attached.driver() {
            "nrepl" => Ok(attached),
            driver => {
                let wrong = format!("{} speaks {driver}, and not nREPL", self.name);
                attached.close(PATIENCE).await;
                Err(Problem::failed(wrong))
            }
        }
    }
}

/// A client's way to the lead, opened by its first request for it.
#[derive(Clone, Default)]
pub struct Way(Arc<Mutex<Option<Line>>>);

impl Way {
    /// Passes a request on; it is answered when the lead answers.
    async fn pass(&self, lead: &Lead, request: &Request, replies: Replies) {
        let mut line = self.0.lock().await;
        if line.as_ref().is_some_and(Line::is_broken) {
            *line = None;
        }
        let line = match &mut *line {
            Some(line) => line,
            none => match Line::open(lead).await {
                Ok(opened) => none.insert(opened),
                Err(problem) => return refuse(request, replies, Some(&problem)).await,
            },
        };
        line.pass(request, replies).await;
    }

    /// Ends it, and what was opened there.
    pub async fn close(self) {
        if let Some(line) = self.0.lock().await.take() {
            line.close().await;
        }
    }
}

impl Connection {
    /// Passes a request on to the lead, if that can do it.
    pub async fn lead(&mut self, request: Request) {
        let replies = self.replies(&request);
        let (server, way) = (Arc::clone(self.server()), self.way());
        let can = |lead: &Lead| lead.ops.contains(request.op());
        if !server.lead.as_ref().is_some_and(can) {
            return refuse(&request, replies, None).await;
        }
        let crowded = replies.clone();
        let passed = async move {
            if let Some(lead) = &server.lead {
                way.pass(lead, &request, replies).await;
            }
        };
        if !self.spawn(passed) {
            crowded.done(Reply::refused("busy")).await;
        }
    }
}

/// An editor then does without it.
async fn refuse(request: &Request, replies: Replies, why: Option<&Problem>) {
    let unknown = Reply::refused("unknown-op").with("op", request.op());
    let unknown = why.iter().fold(unknown, |reply, why| reply.with("message", why.to_string()));
    replies.done(unknown).await;
}
