//! What all connections share: the fleet.

use std::sync::Arc;
use std::time::Duration;

use prepl_core::{Description, Replica, Selection};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::lead::Lead;
use super::token::Token;
use crate::members::Members;
use crate::problem::Problem;
use crate::talk::{Settings, Talk};
use crate::tooling::Tooling;

/// Editors send their requests in bursts; who is there is looked at no more often.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The fleet that is served.
pub struct Server {
    /// Who is asked.
    pub members: Arc<Members>,
    /// What runtimes know of names.
    pub tooling: Tooling,
    /// What a client has to know, if anything.
    pub token: Option<Token>,
    /// Who answers what the fleet cannot, if anybody.
    pub lead: Option<Lead>,
    settings: Settings,
    looked: Mutex<Instant>,
}

impl Server {
    /// Of members that were just looked at.
    pub fn new(
        members: Arc<Members>,
        settings: Settings,
        token: Option<Token>,
        lead: Option<Lead>,
    ) -> Result<Server, Problem> {
        let tooling = Tooling::new(Arc::clone(&members), &settings)?;
        Ok(Server { members, tooling, token, lead, settings, looked: Mutex::new(Instant::now()) })
    }

    /// A new session with all members.
    pub fn talk(&self) -> Result<Talk, Problem> {
        Talk::new(Arc::clone(&self.members), self.settings.clone())
    }

    /// Who is there now.
    pub async fn selection(&self) -> Result<Selection, Problem> {
        let mut looked = self.looked.lock().await;
        if looked.elapsed() >= LOOK_AGAIN {
            self.members.look().await?;
            *looked = Instant::now();
        }
        let selection = self.members.selection();
        match selection.is_empty() {
            false => Ok(selection),
            true => Err(Problem::nothing_matched("no replica is left of those that were named")),
        }
    }

    /// What the replicas are, as far as they have told.
    pub fn known(&self) -> Vec<Description> {
        self.tooling.known(&self.members.selection()).into_iter().flatten().collect()
    }

    /// The one replica that is asked about names: the lead, else the first that is Clojure.
    pub async fn adviser(&self) -> Selection {
        let selection = self.members.selection();
        let lead = self.lead.as_ref().and_then(|lead| lead.among(&selection));
        let adviser: Option<Replica> = match lead {
            Some(lead) => Some(lead.clone()),
            None => self.tooling.clojure(&selection).await.replicas().first().cloned(),
        };
        Selection::of(adviser.into_iter().collect())
    }
}
