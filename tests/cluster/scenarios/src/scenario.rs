//! The scenarios, in the order in which they are played.

mod asking;
mod outage;
mod rights;
mod speed;

use crate::cluster::Problem;

/// A scenario: what was seen, or why it failed.
pub type Scenario = fn() -> Result<String, Problem>;

/// All of them, by name.
pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("a label puts a sidecar into every pod", asking::a_label_injects),
    ("six replicas give one folded answer", asking::answers_fold),
    ("targets shows node, zone and runtime", asking::targets_tell),
    ("a pod that is deleted in mid-run has one outcome", asking::a_lost_pod_is_counted),
    ("a user without a role is denied in words", rights::nobody_may),
    ("a viewer may look and not evaluate", rights::a_viewer_looks),
    ("a role for one workload opens that one", rights::one_workload),
    ("another namespace stays closed", rights::another_namespace),
    ("a forged user is refused by the API server", rights::a_forged_user),
    ("a forged status is refused by the API server", rights::a_forged_status),
    ("a deleted access request ends everything", rights::revoked),
    ("the app starts while prepl is dead", outage::the_app_does_not_need_prepl),
    ("forty pods, against kubectl exec", speed::forty_pods),
];
