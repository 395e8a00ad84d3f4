//! Runs through a cluster's gateway, without Kubernetes.

mod answers;
mod audited;
mod caller;
mod drained;
mod input;
mod lost;
mod revoked;
mod stolen;
mod strangers;

use std::time::Duration;

use prepl_core::Limits;
use prepl_gateway::Plan;
use prepl_tests::{App, plan};

/// Apps whose evaluations wait for the test.
async fn apps(count: usize) -> Vec<App> {
    let mut apps = Vec::new();
    for _ in 0..count {
        apps.push(App::start().await);
    }
    apps
}

fn evaluations(apps: &[App]) -> Vec<usize> {
    apps.iter().map(App::evaluations).collect()
}

/// A plan whose evaluations nothing ends but the test.
pub(crate) fn lasting(expression: &str) -> Plan {
    let mut plan = plan(expression);
    plan.limits = Limits::new(Duration::from_secs(3600), 1 << 20, 1 << 20).unwrap();
    plan
}
