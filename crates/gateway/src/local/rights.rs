//! What a user of a local fleet may do: the role in his certificate.
//!
//! The sidecars decide the same again by the same certificate; asking here first means that a
//! user without the right sends nothing, and learns it once instead of once a replica.

use prepl_core::{Reason, Selection};
use prepl_identity::{Holder, Role};
use prepl_policy::{Denial, Permit, Verdict, decide};

/// Decides whether the holder may evaluate on the selection.
pub(super) fn permit(holder: &Holder, selection: &Selection) -> Result<Permit, Denial> {
    decide(selection, |_| verdict(holder))
}

fn verdict(holder: &Holder) -> Verdict {
    let denied = match holder {
        Holder::User { role, .. } if *role >= Role::Evaluator => return Verdict::Allowed,
        Holder::User { role, name } => format!(
            "user {name} has the role {role}, and this needs {needed}; ask the administrator of \
             the fleet for `prepl fleet issue {name} --role {needed}`",
            needed = Role::Evaluator
        ),
        other => format!("the bundle belongs to {other}, not to a user; use the user's folder"),
    };
    Verdict::Denied(Reason::new(denied))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(path: &str) -> Verdict {
        verdict(&path.parse().unwrap())
    }

    #[test]
    fn evaluators_and_administrators_may_evaluate_and_nobody_else() {
        assert_eq!(decided("user/evaluator/mira"), Verdict::Allowed);
        assert_eq!(decided("user/admin/mira"), Verdict::Allowed);
        for path in ["user/viewer/mira", "sidecar/0d9f", "gateway/g1"] {
            assert!(matches!(decided(path), Verdict::Denied(_)), "{path}");
        }
    }

    #[test]
    fn a_denied_user_learns_the_missing_role() {
        let Verdict::Denied(reason) = decided("user/viewer/mira") else { panic!("allowed") };
        assert!(reason.as_str().contains("fleet issue mira --role evaluator"), "{reason}");
    }
}
