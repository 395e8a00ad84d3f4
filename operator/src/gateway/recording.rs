//! What a gateway writes into its audit log of whoever calls.

use prepl_audit::{AccessRef, Who};
use prepl_core::{Expression, Reason, RequestId, Selection};
use prepl_gateway::record::Refusal;
use prepl_gateway::{Asker, NotRecorded};
use prepl_identity::Holder;
use prepl_policy::approval::{Approvals, Person};
use prepl_policy::{Grounds, Permit, redaction};

use super::access::{Caller, Refused, Scope};
use super::doorkeeper::Guest;
use super::policies::Policies;
use super::service::GatewayService;

/// Somebody asks for this.
pub(super) struct Attempt<'a> {
    pub guest: &'a Guest,
    /// Who he is, once that is known.
    pub caller: Option<&'a Caller>,
    pub grounds: &'a Grounds,
    pub request: RequestId,
    pub expression: Option<&'a Expression>,
    pub selection: &'a Selection,
}

/// The caller, and why he asks.
pub(super) fn asker(caller: &Caller, grounds: &Grounds) -> Asker {
    let who = Who {
        username: caller.user.username.clone(),
        uid: caller.user.uid.clone(),
        access: Some(caller.access.clone()),
    };
    let break_glass = caller.purpose.breaks_glass();
    Asker { who, grounds: grounds.clone(), break_glass, approved_by: Vec::new() }
}

/// The same with those who approved what he asks.
pub(super) fn approved(asker: Asker, approvals: &Approvals) -> Asker {
    let who = |person: &Person| Who {
        username: person.name.to_string(),
        uid: person.uid.to_string(),
        access: None,
    };
    Asker { approved_by: approvals.given().map(who).collect(), ..asker }
}

/// Somebody of whom nothing is known but his certificate.
fn stranger(guest: &Guest, grounds: &Grounds) -> Asker {
    let access = match &*guest.holder {
        Holder::Access { namespace, name, uid } => Some(AccessRef {
            namespace: namespace.to_string(),
            name: name.to_string(),
            uid: uid.to_string(),
        }),
        _ => None,
    };
    let who = Who { username: guest.person.to_string(), uid: String::new(), access };
    Asker { who, grounds: grounds.clone(), break_glass: false, approved_by: Vec::new() }
}

impl GatewayService {
    /// Counts that somebody is refused, and records it if he is denied.
    pub(super) async fn refuse(&self, attempt: Attempt<'_>, refused: Refused) -> Refused {
        self.metrics.refused(&refused);
        if let Refused::Denied(why) = &refused {
            self.record_denial(attempt, &Reason::new(why)).await;
        }
        refused
    }

    async fn record_denial(&self, attempt: Attempt<'_>, why: &Reason) {
        let Attempt { guest, caller, grounds, request, expression, selection } = attempt;
        let asker = caller.map_or_else(|| stranger(guest, grounds), |one| asker(one, grounds));
        let Some(left_out) = self.denials.may_record(&asker.who.username) else { return };
        let why = &counted(why, left_out);
        // Of a stranger it is not known how far he reaches.
        let scope = caller.map_or(&Scope::All, |caller| &caller.scope);
        // What must not be written cannot be told, so nothing of it is.
        let redaction = redaction(&self.judges.policies.within(scope));
        let expression = expression.filter(|_| redaction.is_some());
        let redaction = &redaction.unwrap_or_default();
        let refusal = Refusal { request, expression, selection, redaction, why };
        self.recorder.denied(&asker, refusal).await;
    }
}

/// The sentence, with how many denials before it were not recorded.
fn counted(why: &Reason, left_out: u64) -> Reason {
    match left_out {
        0 => why.clone(),
        _ => Reason::new(format!("{why} (and {left_out} denials before it are not recorded)")),
    }
}

/// A permit over some of the replicas that were named: whose the others were, nobody can tell, so
/// what the policies of the whole scope leave out is left out.
pub(super) fn careful(
    permit: Permit,
    policies: &Policies,
    scope: &Scope,
) -> Result<Permit, Refused> {
    let more = redaction(&policies.within(scope)).ok_or_else(|| {
        let words = "pods are gone, and a policy that may be about them cannot be read; ask again";
        Refused::Denied(words.to_owned())
    })?;
    Ok(permit.leaving_out(more))
}

impl From<NotRecorded> for Refused {
    fn from(not: NotRecorded) -> Refused {
        Refused::NotRecorded(not.to_string())
    }
}
