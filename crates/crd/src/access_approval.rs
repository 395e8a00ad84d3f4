//! What somebody else says to an access request: yes, no, or that he looked at it afterwards.
//!
//! A kind of its own, so that who may say it is one line of a role, each word has its own entry in
//! the API server's audit log, and nothing of it can be changed.

#![allow(clippy::duplicated_attributes, reason = "each printed column has its own type")]

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use prepl_policy::{Approval, Person, Subject, approval};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccessRequest, Mode, UserInfo};

/// One person's word to one access request of the same namespace.
///
/// The API server vouches for `approver`, as it does for the user of an access request.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "prepl.dev",
    version = "v1alpha1",
    kind = "AccessApproval",
    namespaced,
    shortname = "aappr",
    printcolumn(name = "Request", type_ = "string", json_path = ".spec.request.name"),
    printcolumn(name = "Approver", type_ = "string", json_path = ".spec.approver.username"),
    printcolumn(name = "Decision", type_ = "string", json_path = ".spec.decision"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    selectable = ".spec.request.name",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self == oldSelf").message("an approval does not change; create another one"))]
#[x_kube(validation = Rule::new("self.decision != 'Approve' || (has(self.expression) && has(self.replicas))").message("an approval names the digests of what it approves"))]
pub struct AccessApprovalSpec {
    /// What it is about.
    pub request: RequestName,
    /// Whose word it is, as the API server knows him.
    pub approver: UserInfo,
    /// The word.
    pub decision: Decision,
    /// SHA-256 of the expression, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub expression: Option<String>,
    /// Root of the hash tree over the replicas' UIDs, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub replicas: Option<String>,
    /// What is to be done there.
    pub mode: Mode,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub comment: Option<String>,
}

/// An access request, and which of those that had its name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct RequestName {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its UID.
    #[schemars(length(min = 1, max = 128))]
    pub uid: String,
}

/// What somebody says to an access request.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The run may be.
    Approve,
    /// It must not be; one is enough.
    Deny,
    /// It was done by break-glass, and I looked at it.
    Review,
}

impl AccessRequest {
    /// What an approval of its run is of; `None` when it is for no run.
    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        let run = self.spec.run.as_ref()?;
        Some(Subject {
            request: self.metadata.uid.as_deref().unwrap_or_default().into(),
            expression: run.expression_digest().to_string().into(),
            replicas: run.replicas_digest().to_string().into(),
            mode: self.spec.mode.into(),
        })
    }

    /// The approval that somebody gives to it.
    #[must_use]
    pub fn approval(&self, approver: UserInfo, decision: Decision) -> AccessApprovalSpec {
        let subject = self.subject();
        let text = |of: fn(&Subject) -> &str| subject.as_ref().map(|one| of(one).to_owned());
        AccessApprovalSpec {
            request: RequestName {
                name: self.metadata.name.clone().unwrap_or_default(),
                uid: self.metadata.uid.clone().unwrap_or_default(),
            },
            approver,
            decision,
            expression: text(|one| &one.expression),
            replicas: text(|one| &one.replicas),
            mode: self.spec.mode,
            comment: None,
        }
    }
}

impl AccessApproval {
    /// The same in the words of policies, at a moment.
    #[must_use]
    pub fn said(&self, now: Timestamp) -> Approval {
        let spec = &self.spec;
        let text = |text: &Option<String>| text.as_deref().unwrap_or_default().into();
        let created = self.metadata.creation_timestamp.as_ref().map(|time| time.0);
        let age = created.map_or(Duration::MAX, |created| {
            // The clocks differ: what was given in the future was given now.
            Duration::try_from(now.duration_since(created)).unwrap_or_default()
        });
        Approval {
            subject: Subject {
                request: spec.request.uid.as_str().into(),
                expression: text(&spec.expression),
                replicas: text(&spec.replicas),
                mode: spec.mode.into(),
            },
            by: spec.approver.person(),
            decision: spec.decision.into(),
            age,
        }
    }
}

impl UserInfo {
    /// By what two people are told apart.
    #[must_use]
    pub fn person(&self) -> Person {
        Person { name: self.username.as_str().into(), uid: self.uid.as_str().into() }
    }
}

impl From<Decision> for approval::Decision {
    fn from(decision: Decision) -> approval::Decision {
        match decision {
            Decision::Approve => approval::Decision::Approve,
            Decision::Deny => approval::Decision::Deny,
            Decision::Review => approval::Decision::Review,
        }
    }
}

impl From<Mode> for prepl_policy::Mode {
    fn from(mode: Mode) -> prepl_policy::Mode {
        match mode {
            Mode::Inspect => prepl_policy::Mode::Inspect,
            Mode::Eval => prepl_policy::Mode::Eval,
            Mode::Attach => prepl_policy::Mode::Attach,
        }
    }
}
