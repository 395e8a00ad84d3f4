//! What a user of a local fleet may do: the role in his certificate.
//!
//! The sidecars decide the same again by the same certificate; asking here first means that a
//! user without the right sends nothing, and learns it once instead of once a replica.

use prepl_core::{Reason, Selection};
use prepl_identity::{Holder, Role};
use prepl_policy::{
    Denial, Known, Permit, Policy, Request, Verdict, Verdicts, decide, judge as judge_all,
};

use crate::scripts::Scripts;

/// Decides whether the holder has the role that is needed on the selection.
pub(super) fn permit(
    holder: &Holder,
    needed: Role,
    selection: &Selection,
) -> Result<Permit, Denial> {
    decide(selection, |_| verdict(holder, needed))
}

/// Judges what the holder asks by the policies of his fleet.
pub(super) fn judge(
    permit: Permit,
    holder: &Holder,
    request: &Request,
    policies: &[Policy],
) -> Verdicts {
    let user = match holder {
        Holder::User { name, .. } => name.to_string().into(),
        _ => "".into(),
    };
    // Nobody counts runs or gives approvals where each user has a gateway of his own.
    let known = Known { user, ..Known::default() };
    judge_all(permit, request, &known, policies, &Scripts::new().judging())
}

fn verdict(holder: &Holder, needed: Role) -> Verdict {
    let denied = match holder {
        Holder::User { role, .. } if *role >= needed => return Verdict::Allowed,
        Holder::User { role, name } => format!(
            "user {name} has the role {role}, and this needs {needed}; ask the administrator of \
             the fleet for `prepl fleet issue {name} --role {needed}`"
        ),
        other => format!("the bundle belongs to {other}, not to a user; use the user's folder"),
    };
    Verdict::Denied(Reason::new(denied))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(path: &str, needed: Role) -> Verdict {
        verdict(&path.parse().unwrap(), needed)
    }

    #[test]
    fn a_role_opens_what_needs_it_or_less_and_only_users_have_roles() {
        for (path, evaluates, attaches) in [
            ("user/admin/mira", true, true),
            ("user/evaluator/mira", true, false),
            ("user/viewer/mira", false, false),
            ("sidecar/0d9f", false, false),
            ("gateway/g1", false, false),
        ] {
            assert_eq!(decided(path, Role::Evaluator) == Verdict::Allowed, evaluates, "{path}");
            assert_eq!(decided(path, Role::Admin) == Verdict::Allowed, attaches, "{path}");
        }
    }

    #[test]
    fn a_denied_user_learns_the_missing_role() {
        let Verdict::Denied(reason) = decided("user/viewer/mira", Role::Admin) else {
            panic!("allowed")
        };
        assert!(reason.as_str().contains("fleet issue mira --role admin"), "{reason}");
    }
}
