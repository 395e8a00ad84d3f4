//! The gateway as a library: from a request to one stream of reports.
//!
//! The pipeline is authenticate → resolve → authorize → record → dispatch → record. In a local
//! fleet the fleet's file is what is resolved, the role in the user's certificate and the fleet's
//! policies permit, and each sidecar checks the certificate again; `prepl` runs this library in its
//! own process. In a cluster `prepl-operator` does the first three by pods, access requests and the
//! cluster's roles and policies, and leaves the rest to this library.
//!
//! This crate must not know the command line, or how answers are folded and shown.
//!
//! Reading order: [`gateway`] the calls · [`record`] what is written down before, and
//! `recorded_run`, [`recorded_input`] and `recorded_tunnel` after, [`tap`] what goes up a tunnel · [`dial`] connections to sidecars · [`line`] one
//! connection, [`claim`] what its user signed, and `coalesce` what it writes together · [`tunnel`]
//! bytes to one REPL and back · [`gather`] reports to answers · [`local`] fleets in a folder ·
//! [`remote`] a gateway of a cluster, from outside · [`running`] a run, wherever it is ·
//! [`scripts`] the scripts of policies.

pub mod claim;
mod coalesce;
pub mod dial;
pub mod gateway;
pub mod gather;
pub mod line;
pub mod local;
pub mod record;
pub mod recorded_input;
mod recorded_run;
mod recorded_tunnel;
pub mod remote;
pub mod running;
pub mod scripts;
pub mod tap;
pub mod tunnel;

pub use dial::Dialer;
pub use gateway::Gateway;
pub use prepl_fanout::{Plan, Stopper, plan::DEFAULT_WIDTH};
pub use prepl_policy::approval;
pub use prepl_policy::{
    Amount, Denial, Denied, Grounds, Judged, Known, Mode, Owed, Permit, Policy, Request, Rule,
    Ruling, Verdict, Verdicts, decide, judge,
};
pub use record::{Asker, NotRecorded, Recorded, RecordedTunnel, Recorder};
pub use recorded_input::{Inputs, NotGiven};
pub use recorded_run::RecordedRun;
pub use recorded_tunnel::TunnelRecord;
pub use remote::{Remote, RemoteFailed};
pub use running::Running;
pub use scripts::Scripts;
pub use tunnel::Tunnel;
