//! Local fleets: a folder with a file of replicas, an authority of its own and bundles.
//!
//! | file | what | who has it |
//! | --- | --- | --- |
//! | `fleet.toml` | the replicas | everybody who asks the fleet |
//! | `policies/NAME.toml` | what the users hold themselves to | everybody who asks the fleet |
//! | `user.pem` | key and certificate of the user, mode 0600 | that user |
//! | `ca.pem` | key and certificate of the fleet's authority, mode 0600 | the administrator |
//! | `audit/N/` | what the user ran and was denied | that user |
//! | `sidecars/NAME.pem` | bundle of one replica's sidecar, mode 0600 | moved to that machine |
//!
//! Reading order: [`file`] the file of replicas · [`edit`] changing it · [`sweep`] what a killed
//! process left · `text` texts of the folder, bounded · `rights` what the user may · [`policies`]
//! what he may at most · [`records`] what he did · [`fleet`] the folder.

pub mod edit;
pub mod file;
pub mod fleet;
pub mod policies;
pub mod records;
mod rights;
pub mod sweep;
mod text;

pub use file::{BadFleetFile, FleetFile, NewReplica};
pub use fleet::{Fleet, FleetError, FleetUser};
pub use records::Records;
