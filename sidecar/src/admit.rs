//! Who may ask this sidecar: a gateway, or a user whose certificate has the role.

use prepl_core::{Outcome, Reason, Refusal};
use prepl_identity::{Holder, Name, Role};

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Learn what the runtime is.
    Describe,
    /// Evaluate, or interrupt an evaluation.
    Evaluate,
    /// Speak to the REPL itself, through a tunnel: evaluate without limits and without a record,
    /// and reach what others run there.
    Attach,
}

/// Decides; everybody else is denied.
pub fn admit(peer: &Name, wish: Wish) -> Result<(), Outcome> {
    let needed = match wish {
        Wish::Describe => Role::Viewer,
        Wish::Evaluate => Role::Evaluator,
        Wish::Attach => Role::Admin,
    };
    let denied = match &peer.holder {
        Holder::Gateway { .. } => return Ok(()),
        Holder::User { role, .. } if *role >= needed => return Ok(()),
        Holder::User { role, name } => format!(
            "user {name} has the role {role}, and this needs {needed}; ask the administrator of \
             the fleet for `prepl fleet issue {name} --role {needed}`"
        ),
        Holder::Sidecar { .. } => "a sidecar may not ask another sidecar".to_owned(),
        Holder::Controller { .. } => "a controller certifies, and may not ask a sidecar".to_owned(),
        Holder::Access { .. } => {
            "an access request is for a gateway; ask there, not the sidecar itself".to_owned()
        }
    };
    Err(Outcome::Refused(Refusal::Denied(Reason::new(denied))))
}

/// Whether this peer may end what another caller started: a user with the role `admin` may.
///
/// A gateway asks under its own name alone, and checks its users itself.
pub fn may_interrupt_others(peer: &Name) -> bool {
    matches!(peer.holder, Holder::User { role: Role::Admin, .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(path: &str, wish: Wish) -> bool {
        admit(&format!("spiffe://fleet/{path}").parse().unwrap(), wish).is_ok()
    }

    #[test]
    fn roles_open_what_they_should_and_no_more() {
        for (path, describe, evaluate, attach) in [
            ("gateway/g1", true, true, true),
            ("user/admin/mira", true, true, true),
            ("user/evaluator/mira", true, true, false),
            ("user/viewer/mira", true, false, false),
            ("sidecar/0d9f", false, false, false),
            ("controller/c1", false, false, false),
            ("access/shop/prepl-x/u1", false, false, false),
        ] {
            assert_eq!(may(path, Wish::Describe), describe, "{path}");
            assert_eq!(may(path, Wish::Evaluate), evaluate, "{path}");
            assert_eq!(may(path, Wish::Attach), attach, "{path}");
        }
    }

    #[test]
    fn only_an_admin_ends_what_others_started() {
        for (path, may) in [
            ("user/admin/mira", true),
            ("user/evaluator/mira", false),
            ("user/viewer/mira", false),
            ("gateway/g1", false),
            ("sidecar/0d9f", false),
        ] {
            let name = format!("spiffe://fleet/{path}").parse().unwrap();
            assert_eq!(may_interrupt_others(&name), may, "{path}");
        }
    }

    #[test]
    fn a_denied_user_learns_the_missing_role() {
        let viewer = "spiffe://fleet/user/viewer/mira".parse().unwrap();
        let denied = admit(&viewer, Wish::Evaluate).unwrap_err();
        let words = denied.reason().unwrap().as_str();
        assert!(words.contains("fleet issue mira --role evaluator"), "{words}");
    }
}
