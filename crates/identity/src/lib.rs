//! Workload names, certificates and mutual TLS.
//!
//! Every member of a fleet holds one [`Bundle`]: a private key, a certificate that names it by a
//! URI ([`Name`]), and the authorities it trusts. Two members talk over mutual TLS 1.3, and each
//! learns the [`Name`] of the other from the certificate: never from an address or a DNS name.
//!
//! This is the only crate that names rustls and rcgen; its users see [`Acceptor`], [`Connector`]
//! and the byte stream [`Secure`]. It must not know what passes over the stream (gRPC, sessions)
//! or what a role may do (policy).
//!
//! Reading order:
//!
//! - `name`: who somebody is, as a URI
//! - `certificate`: what this crate reads from an X.509 certificate
//! - `file`: reading and writing files that hold a private key
//! - `sections`: the parts of a PEM text
//! - `bundle`: everything one member needs
//! - `authority`: the fleet's CA, which issues bundles
//! - `key_request`: a key that somebody else's authority certifies
//! - `credentials`: the bundle in use, replaced without a restart
//! - `expected`: whom a caller expects at the other end
//! - `signature`: a text signed with a member's key, and who signed it
//! - `verify`: what is demanded of the other side's certificate
//! - `tls`: the rustls configurations
//! - `handshake`: streams in, named streams out
//! - `failure`: why a handshake failed, in words

mod authority;
mod bundle;
mod certificate;
mod credentials;
mod expected;
mod failure;
mod file;
mod handshake;
mod key_request;
mod name;
mod sections;
mod signature;
mod tls;
mod verify;

pub use authority::{
    AUTHORITY_LIFETIME, Authority, AuthorityError, AuthorityProblem, CLOCK_SKEW, IssueError,
    MEMBER_LIFETIME, USER_LIFETIME,
};
pub use bundle::{Bundle, BundleError, BundleProblem};
pub use certificate::{CertificateProblem, Details};
pub use credentials::Credentials;
pub use expected::Expected;
pub use failure::{HandshakeFailed, Since};
pub use file::{FileError, MAX_FILE_BYTES};
pub use handshake::{Acceptor, Connector, HANDSHAKE_TIMEOUT, Refusal, Secure};
pub use key_request::{KeyRequest, MAX_REQUEST_BYTES, NoKey, NotAKey};
pub use name::{Holder, MAX_NAME_BYTES, Name, NameError, Part, Role, TrustDomain};
pub use sections::{MAX_CERTIFICATES, PemProblem};
pub use signature::{CannotSign, NotSigned, Signature, Signer, claimed_name};
