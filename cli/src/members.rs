//! Who is asked over a longer time: the replicas that a query names, as they come and go.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prepl_core::selection::Pattern;
use prepl_core::{ExitCode, Query, Replica, Selection, SessionName};
use prepl_gateway::gateway::Described;
use prepl_gateway::{Grounds, Plan};
use tokio::time::timeout;

use crate::cluster::fleet::Scope;
use crate::command::Global;
use crate::problem::Problem;
use crate::reach::{Attached, Purpose, Reach, Started};
use crate::select::{self, SelectArgs};

/// How long a replica may take to say what it is.
const DESCRIBE_PATIENCE: Duration = Duration::from_secs(5);
/// How many are asked that at the same time.
const DESCRIBE_WIDTH: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);
/// How long a look may take: another gateway may have to be found, and an access to be asked for.
const LOOK_PATIENCE: Duration = Duration::from_secs(20);

/// The replicas that a query names, and the way to them.
pub struct Members {
    global: Global,
    scope: Scope,
    purpose: Purpose,
    query: Query,
    seen: RwLock<Seen>,
}

/// What the last look showed.
#[derive(Clone)]
struct Seen {
    reach: Arc<Reach>,
    selection: Selection,
    /// Streams to gateways that had been opened then.
    openings: usize,
    /// How often the way was another one than at the look before.
    renewals: usize,
}

/// Who came and went between two looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Replicas that were not there before.
    pub joined: Vec<Replica>,
    /// Replicas that are not there any more.
    pub left: Vec<Replica>,
}

impl Change {
    /// From one selection to the next; a replica is another one when its UID is.
    pub fn between(before: &Selection, now: &Selection) -> Change {
        let without = |all: &Selection, others: &Selection| {
            let others: HashSet<&str> = others.replicas().iter().map(|one| &*one.id.uid).collect();
            let all = all.replicas().iter();
            all.filter(|one| !others.contains(&*one.id.uid)).cloned().collect()
        };
        Change { joined: without(now, before), left: without(before, now) }
    }

    /// Whether nobody came or went.
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty()
    }
}

impl Members {
    /// Opens the way to the replicas of a query; there has to be one.
    pub async fn open(
        global: &Global,
        select: &SelectArgs,
        target: Option<Pattern>,
        purpose: Purpose,
    ) -> Result<Members, Problem> {
        let (scope, query) = (select.scope(), select.query(target));
        let reach = Reach::open(global, &scope, purpose).await?;
        let selection = reach.resolve(&query)?;
        let (openings, renewals) = (reach.openings(), 0);
        let seen = RwLock::new(Seen { reach: Arc::new(reach), selection, openings, renewals });
        Ok(Members { global: global.clone(), scope, purpose, query, seen })
    }

    /// Those of the last look.
    pub fn selection(&self) -> Selection {
        self.seen().selection
    }

    /// How often a look went another way than the one before: by another connection to a gateway,
    /// or with another access.
    pub fn renewals(&self) -> usize {
        self.seen().renewals
    }

    /// What tells their fleet from every other one of the user.
    pub fn fleet(&self) -> String {
        self.reach().fleet()
    }

    /// A line for each part of the query that changes nothing.
    pub fn idle_parts(&self) -> String {
        select::warnings(&self.query, self.seen().reach.replicas())
    }

    /// Looks again, by a new way if the old one is gone.
    pub async fn look(&self) -> Result<Change, Problem> {
        let before = self.seen();
        let again = before.reach.again(&self.global, &self.scope, self.purpose);
        let reach = timeout(LOOK_PATIENCE, again).await.unwrap_or_else(|_| {
            Err(Problem::failed(format!("the fleet told nothing within {LOOK_PATIENCE:?}")))
        })?;
        let selection = self.query.select(reach.replicas());
        let change = Change::between(&before.selection, &selection);
        // A poisoned lock is safe: the value is replaced as a whole.
        let openings = reach.openings();
        let is_new = openings != before.openings || !reach.has_access_of(&before.reach);
        let renewals = before.renewals + usize::from(is_new);
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) =
            Seen { reach: Arc::new(reach), selection, openings, renewals };
        Ok(change)
    }

    /// Asks replicas what they are, in the order of the selection.
    pub async fn describe(&self, selection: &Selection) -> Result<Vec<Described>, Problem> {
        self.reach().describe(selection, DESCRIBE_PATIENCE, DESCRIBE_WIDTH).await
    }

    /// Starts a plan. Where the way is gone, another one is looked for once; nothing ran then.
    pub async fn start(
        &self,
        selection: &Selection,
        plan: Plan,
        grounds: Grounds,
    ) -> Result<Started, Problem> {
        let reach = self.reach();
        let failed = match reach.start(selection, plan.clone(), grounds.clone()).await {
            Err(failed) if may_be_the_way(&failed, &reach) => failed,
            started => return started,
        };
        if self.look().await.is_err() {
            return Err(failed);
        }
        let renewed = self.reach();
        // Of an access that is the same still, a denial is the policies' word.
        if failed.code == ExitCode::Denied && renewed.has_access_of(&reach) {
            return Err(failed);
        }
        renewed.start(selection, plan, grounds).await
    }

    /// Ends the session that replicas keep for the user under a name, as far as that can be done:
    /// they end it by themselves too.
    pub async fn end_session(&self, selection: &Selection, name: &SessionName) {
        let _ = self.reach().end_session(selection, name).await;
    }

    /// Opens a tunnel to the REPL of a replica.
    pub async fn attach(&self, replica: &Replica) -> Result<Attached, Problem> {
        self.reach().attach(replica).await
    }

    /// Lines about the record of what happened.
    pub fn warnings(&self) -> String {
        self.reach().warnings()
    }

    /// Waits until all that happened is recorded.
    pub async fn close(self) -> Result<(), Problem> {
        let seen = self.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        match Arc::into_inner(seen.reach) {
            Some(reach) => reach.close().await,
            // A run that still goes on records its own end.
            None => Ok(()),
        }
    }

    fn reach(&self) -> Arc<Reach> {
        self.seen().reach
    }

    fn seen(&self) -> Seen {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether another way could start what this one did not.
fn may_be_the_way(failed: &Problem, reach: &Reach) -> bool {
    let ended = matches!(failed.code, ExitCode::Failed | ExitCode::Denied);
    ended && matches!(reach, Reach::Cluster(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    fn names(replicas: &[Replica]) -> Vec<&str> {
        replicas.iter().map(|replica| &*replica.id.name).collect()
    }

    #[test]
    fn a_replaced_replica_left_and_joined() {
        let mut replicas = example::api_fleet(3);
        let before = Selection::of(replicas.clone());
        replicas.remove(0);
        replicas[0].id.uid = "another".into();
        let change = Change::between(&before, &Selection::of(replicas));
        assert_eq!(names(&change.joined), ["api-6f7c9-01"]);
        assert_eq!(names(&change.left), ["api-6f7c9-00", "api-6f7c9-01"]);
        assert!(Change::between(&before, &before).is_empty());
    }
}
