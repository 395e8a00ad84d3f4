//! What somebody says to another's request: shown first, asked for, and told at once when it
//! cannot count.

use std::io::{BufRead as _, IsTerminal as _};

use clap::Args;
use k8s_openapi::jiff::Timestamp;
use prepl_core::ExitCode;
use prepl_crd::{AccessRequest, Decision, UserInfo};

use super::stand::Stand;
use super::{expression, now, show};
use crate::cluster::context::Cluster;
use crate::cluster::{requests, rights};
use crate::command::Global;
use crate::console::Console;
use crate::problem::Problem;

/// Longest comment in characters, as the definition has it.
const MAX_COMMENT: usize = 500;

/// Which request, and why.
#[derive(Args, Clone, Debug)]
pub struct DecideArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// Why, in a sentence that everybody can read
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Do not ask again; needed where there is no terminal
    #[arg(long)]
    yes: bool,
}

/// Shows the request, asks, and says it.
pub async fn decide(
    args: &DecideArgs,
    decision: Decision,
    global: &Global,
    cluster: &Cluster,
    console: &mut Console,
) -> Result<ExitCode, Problem> {
    if args.comment.as_ref().is_some_and(|text| text.chars().count() > MAX_COMMENT) {
        return Err(Problem::usage(format!("a comment has at most {MAX_COMMENT} characters")));
    }
    let seen = requests::one(cluster, &args.name).await?;
    let user = rights::who(cluster).await?;
    can_count(&seen.request, &user, decision, Timestamp::now())?;
    let there = now::look(global, cluster, &seen.request).await;
    console.tell(&show::page(&seen, &there, Timestamp::now(), console.err_colour));
    if !args.yes && !agreed(&question(&seen.request, decision), console)? {
        return Err(Problem::denied("nothing was said to it"));
    }
    let comment = args.comment.clone().filter(|text| !text.is_empty());
    let said = prepl_crd::AccessApprovalSpec { comment, ..seen.request.approval(user, decision) };
    requests::say(cluster, &seen.request, said).await?;
    console.answer(&format!("{}: {}\n", done(decision), args.name));
    Ok(ExitCode::Ok)
}

/// Refuses what could not count anyway.
fn can_count(
    request: &AccessRequest,
    user: &UserInfo,
    decision: Decision,
    now: Timestamp,
) -> Result<(), Problem> {
    let own = user.person().is(&request.spec.user.person());
    let stand = Stand::of(request, now);
    match (decision, stand) {
        (Decision::Approve | Decision::Review, _) if own => {
            Err(Problem::denied("you asked for it yourself, so your word does not count")
                .hint("somebody else has to look at it"))
        }
        (Decision::Approve, _) if request.spec.run.is_none() => {
            Err(Problem::denied("it is for no single run, so there is nothing to approve"))
        }
        (Decision::Approve | Decision::Deny, Stand::Denied | Stand::Over | Stand::ReviewOwed) => {
            Err(Problem::denied(format!("it is {} already", stand.as_str())))
        }
        (Decision::Review, Stand::Open | Stand::New) => {
            Err(Problem::denied("it is not over, so there can be more to look at")
                .hint("review it then; prepl request deny ends it now"))
        }
        (Decision::Review, _) if !request.owes_review() => {
            Err(Problem::denied("no review of it is owed"))
        }
        _ => Ok(()),
    }
}

fn agreed(question: &str, console: &Console) -> Result<bool, Problem> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Problem::usage("there is no terminal to ask at, so nothing was said to it")
            .hint("read it with prepl request show, and say --yes"));
    }
    console.tell(&format!("{question} [y/N] "));
    let mut line = String::new();
    let read = std::io::Read::take(stdin.lock(), 64).read_line(&mut line);
    read.map_err(|error| Problem::failed(format!("cannot read the answer: {error}")))?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

fn question(request: &AccessRequest, decision: Decision) -> String {
    match (decision, &request.spec.run) {
        (Decision::Approve, Some(run)) => {
            format!("Approve exactly this ({})?", expression::size(&run.expression))
        }
        (Decision::Approve, None) => "Approve exactly this?".to_owned(),
        (Decision::Deny, _) => "Deny it, for good?".to_owned(),
        (Decision::Review, _) => "You looked at what was done, and it was right?".to_owned(),
    }
}

fn done(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "approved",
        Decision::Deny => "denied",
        Decision::Review => "reviewed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::list::tests::request;
    use serde_json::{Value, json};

    fn counts(
        name: &str,
        decision: Decision,
        change: impl FnOnce(&mut Value),
    ) -> Result<(), String> {
        let user = UserInfo { username: name.to_owned(), ..UserInfo::default() };
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        can_count(&request(change), &user, decision, now).map_err(|problem| problem.message)
    }

    fn glass(phase: &'static str) -> impl FnOnce(&mut Value) {
        move |one| {
            one["spec"]["run"] = Value::Null;
            one["spec"]["breakGlass"] = json!(true);
            one["metadata"]["finalizers"] = json!(["prepl.dev/review"]);
            one["status"]["phase"] = json!(phase);
        }
    }

    #[test]
    fn ones_own_word_never_counts_for_oneself() {
        let own = counts("mira", Decision::Approve, |_| {}).unwrap_err();
        assert!(own.contains("you asked for it yourself"), "{own}");
        assert!(counts("mira", Decision::Review, glass("Expired")).is_err());
        assert_eq!(counts("mira", Decision::Deny, |_| {}), Ok(()));
        assert_eq!(counts("otto", Decision::Approve, |_| {}), Ok(()));
    }

    #[test]
    fn who_approves_is_told_how_much_there_is_to_read() {
        let asked = question(&request(|_| {}), Decision::Approve);
        assert_eq!(asked, "Approve exactly this (2 lines, 21 bytes)?");
    }

    #[test]
    fn what_is_over_is_neither_approved_nor_denied() {
        let over = |one: &mut Value| one["status"]["phase"] = json!("Expired");
        assert!(counts("otto", Decision::Approve, over).is_err());
        assert!(counts("otto", Decision::Deny, over).is_err());
    }

    #[test]
    fn a_review_is_of_break_glass_that_is_over() {
        let early = counts("otto", Decision::Review, glass("Active")).unwrap_err();
        assert!(early.contains("not over"), "{early}");
        assert_eq!(counts("otto", Decision::Review, glass("Expired")), Ok(()));
        let over = |one: &mut Value| one["status"]["phase"] = json!("Expired");
        assert_eq!(counts("otto", Decision::Review, over).unwrap_err(), "no review of it is owed");
        assert!(counts("otto", Decision::Approve, glass("Active")).is_err());
    }
}
