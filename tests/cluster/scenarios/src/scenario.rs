//! The scenarios, in the order in which they are played.

mod accounts;
mod approvals;
mod asking;
mod attach;
mod audit;
mod auditor;
mod chart;
mod forged;
mod outage;
mod policies;
mod prompt;
mod resigned;
mod restart;
mod rights;
mod rotation;
mod speed;

use crate::cluster::Problem;

/// A scenario: what was seen, or why it failed.
pub type Scenario = fn() -> Result<String, Problem>;

/// All of them, by name.
pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("the chart refuses nonsense", chart::lint_and_template),
    ("a label puts a sidecar into every pod", asking::a_label_injects),
    ("six replicas give one folded answer", asking::answers_fold),
    ("targets shows node, zone and runtime", asking::targets_tell),
    ("a run over all namespaces", asking::all_namespaces),
    ("a gateway's address instead of the API server", asking::a_direct_address),
    ("a kubeconfig with an exec plug-in", asking::an_exec_plugin),
    ("kubectl prepl", asking::kubectl_prepl),
    ("the doctor tells what is well and what is not", asking::the_doctor),
    ("an ordinary client through port-forward", attach::an_ordinary_client),
    (
        "a prompt outlives gateways, and tells who comes and goes",
        prompt::a_prompt_outlives_gateways,
    ),
    ("an editor on the fleet, for as long as its user may", prompt::an_editor_on_the_fleet),
    ("a pod that is deleted in mid-run has one outcome", asking::a_lost_pod_is_counted),
    ("a user without a role is denied in words", rights::nobody_may),
    ("a viewer may look and not evaluate", rights::a_viewer_looks),
    ("a role for one workload opens that one", rights::one_workload),
    ("another namespace stays closed", rights::another_namespace),
    ("a forged user is refused by the API server", rights::a_forged_user),
    ("a forged status is refused by the API server", rights::a_forged_status),
    ("a deleted access request ends everything", rights::revoked),
    ("a token gives no certificate of another pod", forged::anothers_token),
    ("a certificate of another authority is refused", forged::a_forged_certificate),
    ("what was signed is good once, there and then", resigned::sent_again),
    ("policies deny, lower and are judged in a dry run", policies::rules_are_held),
    ("what is approved runs once", approvals::approved_runs_once),
    ("who waits for approval goes on by himself", approvals::who_waits_goes_on),
    ("an approval is of one run: approve and swap", approvals::approve_then_swap),
    ("an approval of one's own counts under no name", approvals::self_approval),
    ("an approval grows old", approvals::an_old_approval),
    ("an approval of a program counts where a policy says so", approvals::a_program_approves),
    ("an approval is of a replica set that may change", approvals::the_replica_set_changed),
    ("a denial instead of an approval ends it", approvals::a_denial_ends_it),
    ("break-glass is loud, and owes a review instead of an approval", approvals::break_glass),
    ("service accounts have the least rights", accounts::rights_are_the_least),
    ("checkpoints agree with the audit logs", audit::checkpoints_agree),
    ("a killed gateway goes on with its audit log", audit::a_killed_gateway_goes_on),
    ("a forged end of an audit log is refused", audit::a_forged_end_is_refused),
    ("an end that goes back is not signed", audit::an_end_that_goes_back_is_not_signed),
    (
        "a run is listed to an auditor, and logs are whole",
        auditor::a_run_is_listed_and_logs_are_whole,
    ),
    ("who is no auditor reads nothing", auditor::who_is_no_auditor_reads_nothing),
    (
        "a log that was changed on its volume is found",
        auditor::a_log_changed_on_its_volume_is_found,
    ),
    ("gateways restart in mid-run", restart::gateways_restart),
    ("gateways are killed in mid-run", restart::gateways_crash),
    ("pods come, go and crash in mid-run", restart::pods_come_and_go),
    ("certificates and authorities change in mid-run", rotation::authorities_change),
    ("the app starts while prepl is dead", outage::the_app_does_not_need_prepl),
    ("the app starts while the webhook hangs", outage::a_hung_webhook),
    ("forty pods, against kubectl exec", speed::forty_pods),
    ("the chart is upgraded, uninstalled and installed", chart::upgrade_uninstall_install),
];
