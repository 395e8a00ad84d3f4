//! What an error of the API server means to the user.

use kube::Error;

use crate::problem::Problem;

/// Puts an error of the API server in words; `doing` completes "cannot …".
pub fn refused(doing: &str, error: &Error) -> Problem {
    match error {
        Error::Api(status) => by_code(doing, status.code, &status.message),
        other => {
            let cause = Problem::of(other).message;
            Problem::failed(format!("cannot {doing}: the API server was not reached: {cause}"))
                .hint("see whether `kubectl version` reaches it with the same context")
        }
    }
}

fn by_code(doing: &str, code: u16, message: &str) -> Problem {
    match code {
        401 => Problem::denied(format!("cannot {doing}: the API server does not know you"))
            .hint("log in again, or choose another user with --context NAME"),
        403 => Problem::denied(format!("cannot {doing}: {message}"))
            .hint("ask for the chart's role prepl-evaluator, or see: prepl auth can-i"),
        _ => Problem::failed(format!("cannot {doing}: {message}")),
    }
}

/// The definitions of prepl are missing.
pub fn not_installed() -> Problem {
    Problem::failed("prepl is not installed in this cluster")
        .hint("install the chart, or use --fleet")
}

/// Whether the API server does not know what was asked for.
pub fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 404)
}

#[cfg(test)]
mod tests {
    use prepl_core::ExitCode;

    use super::*;

    #[test]
    fn only_a_missing_right_is_denied() {
        let code = |code| by_code("see pods", code, "because").code;
        assert_eq!(code(401), ExitCode::Denied);
        assert_eq!(code(403), ExitCode::Denied);
        assert_eq!(code(500), ExitCode::Failed);
        assert_eq!(by_code("see pods", 403, "no rule").message, "cannot see pods: no rule");
    }
}
