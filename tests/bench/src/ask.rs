//! prepl's side: runs over a gateway, every answer checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prepl_core::{
    Class, Event, Expression, Limits, Patience, Report, RequestId, RunId, Selection, SessionName,
};
use prepl_gateway::{DEFAULT_WIDTH, Dialer, Plan};

use crate::Failure;
use crate::fleet::Fleet;

/// How long one run took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// Until the first replica's end.
    pub first: Duration,
    /// Until the end of the run.
    pub all: Duration,
}

/// A way to the replicas that has no connection yet.
///
/// What a gateway does before and after (rights, policies, its audit log) is not measured here.
pub fn dialer(fleet: &Fleet) -> Arc<Dialer> {
    Arc::new(Dialer::new(fleet.user()))
}

/// Asks every replica, and checks that each gives `value`.
pub async fn fan_out(
    dialer: &Arc<Dialer>,
    selection: &Selection,
    (expression, value): (&str, &str),
    session: Option<SessionName>,
) -> Result<Took, Failure> {
    let plan = plan(expression, session)?;
    let begun = Instant::now();
    let mut run = prepl_fanout::start(Arc::clone(dialer), selection, plan);
    let (mut first, mut texts) = (None, Vec::new());
    while let Some(report) = run.next().await {
        match report {
            Report::Text(_, text) => texts.push(text),
            Report::Replica { event: Event::Done(_), .. } => {
                first.get_or_insert_with(|| begun.elapsed());
            }
            Report::Finished(summary) => {
                let ok = summary.counts.of(Class::Ok) as usize;
                if ok != selection.len() || texts.len() != 1 || *texts[0] != *value {
                    let counts = summary.counts;
                    return Err(format!("{ok} ok of {}, {counts:?}", selection.len()).into());
                }
            }
            Report::Replica { .. } => {}
        }
    }
    Ok(Took { first: first.unwrap_or_default(), all: begun.elapsed() })
}

fn plan(expression: &str, session: Option<SessionName>) -> Result<Plan, Failure> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number);
    Ok(Plan {
        run: RunId::from_random([id[0], id[1], id[2], id[3], id[4]]),
        request: RequestId::from_random(id),
        recall: false,
        read_only: false,
        interactive: false,
        expression: Expression::new(expression)?,
        origin: prepl_core::Origin::Typed,
        session,
        namespace: None,
        limits: Limits::new(Duration::from_secs(30), 16 << 20, 16 << 20)?,
        patience: Patience { connect: Duration::from_secs(30), deadline: None },
        width: DEFAULT_WIDTH,
        barrier: false,
    })
}
