//! What is typed: an expression, or a command of the prompt itself.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Parser;
use prepl_core::selection::Pattern;
use prepl_core::{Query, Replica, Selection};

use crate::problem::Problem;
use crate::quantity;
use crate::select::SelectArgs;

/// The words of all commands, for completion.
pub const WORDS: [&str; 13] = [
    ":all",
    ":diff",
    ":exit",
    ":help",
    ":members",
    ":ns",
    ":quit",
    ":read-only",
    ":recall",
    ":save",
    ":timeout",
    ":w",
    ":who",
];

/// What a text is.
#[derive(Clone, Debug)]
pub enum Typed {
    /// White space.
    Nothing,
    /// Something to evaluate.
    Expression,
    /// A command.
    Command(Command),
}

/// A command of the prompt.
#[derive(Clone, Debug)]
pub enum Command {
    /// Every replica's last answer.
    All,
    /// What differs between the last answers.
    Diff,
    /// Asks for the last answers again, and runs nothing.
    Recall,
    /// Keeps the last answers under a name or in a file.
    Save(String),
    /// Ask some of the members alone.
    Narrow(Box<Narrowed>),
    /// Ask all members again.
    Widen,
    /// Who is asked, and how.
    Who,
    /// Each member.
    Members,
    /// Where the session is.
    Namespace,
    /// Whether something must keep evaluations from writing; without a word, tells.
    ReadOnly(Option<bool>),
    /// The longest time of an evaluation; without a word, tells.
    Timeout(Option<Duration>),
    /// All commands.
    Help,
    /// Leave.
    Quit,
}

/// Some of the members.
#[derive(Clone, Debug)]
pub struct Narrowed {
    /// As it was typed.
    pub words: String,
    /// Those that any of these names; all where there are none.
    targets: Vec<Query>,
    /// What else must be true of them.
    query: Query,
}

impl Narrowed {
    /// Those among the members.
    pub fn select(&self, members: &[Replica]) -> Selection {
        let named = self.targets.iter().map(|target| target.select(members));
        let named: BTreeSet<_> = named
            .flat_map(|some| some.replicas().iter().map(|one| one.id.clone()).collect::<Vec<_>>())
            .collect();
        let is_named = |one: &&Replica| self.targets.is_empty() || named.contains(&one.id);
        let members: Vec<_> = members.iter().filter(is_named).cloned().collect();
        self.query.select(&members)
    }
}

/// The words behind `:w`.
#[derive(Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct NarrowArgs {
    targets: Vec<Pattern>,
    #[command(flatten)]
    select: SelectArgs,
}

impl Typed {
    /// Reads a text. A colon and a word begin a command: a keyword alone has nothing to evaluate.
    pub fn read(text: &str) -> Result<Typed, Problem> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Typed::Nothing);
        }
        if is_command(text) {
            Command::read(text).map(Typed::Command)
        } else {
            Ok(Typed::Expression)
        }
    }
}

/// Whether a text is a command, though it may be an unknown one.
pub fn is_command(text: &str) -> bool {
    let word = text.trim_start().strip_prefix(':');
    word.is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
}

impl Command {
    fn read(text: &str) -> Result<Command, Problem> {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        let words: Vec<_> = words.collect();
        let command = match (name, &words[..]) {
            (":all", []) => Command::All,
            (":diff", []) => Command::Diff,
            (":recall", []) => Command::Recall,
            (":save", [place]) => Command::Save((*place).to_owned()),
            (":w", []) => Command::Widen,
            (":w", words) => {
                let words: Vec<_> = words.iter().map(|word| unquoted(word)).collect();
                Command::Narrow(Box::new(narrowed(&words)?))
            }
            (":who", []) => Command::Who,
            (":members", []) => Command::Members,
            (":ns", []) => Command::Namespace,
            (":read-only", []) => Command::ReadOnly(None),
            (":read-only", ["on"]) => Command::ReadOnly(Some(true)),
            (":read-only", ["off"]) => Command::ReadOnly(Some(false)),
            (":timeout", []) => Command::Timeout(None),
            (":timeout", [time]) => {
                Command::Timeout(Some(quantity::duration(time).map_err(Problem::usage)?))
            }
            (":help", []) => Command::Help,
            (":quit" | ":exit", []) => Command::Quit,
            (name, _) if WORDS.contains(&name) => {
                return Err(
                    Problem::usage(format!("{name} is used another way")).hint(":help shows how")
                );
            }
            (name, _) => {
                return Err(Problem::usage(format!("there is no command {name}")).hint(
                    ":help shows all; to evaluate a keyword, write it in a form: (do :key)",
                ));
            }
        };
        Ok(command)
    }
}

fn narrowed(words: &[&str]) -> Result<Narrowed, Problem> {
    let args = NarrowArgs::try_parse_from(flags(words));
    let args = args.map_err(|error| {
        Problem::from(error).hint("write it as for exec: zone=c, -l app=api, --pick 1, api-3")
    })?;
    // All members are named already.
    let query = Query { everything: true, ..args.select.query(None) };
    let target = |pattern| Query { pattern: Some(pattern), per: None, pick: None, ..query.clone() };
    let targets = args.targets.into_iter().map(target).collect();
    Ok(Narrowed { words: words.join(" "), targets, query })
}

/// A word without the quotes that a shell would need around it.
fn unquoted(word: &str) -> &str {
    let inner = |quote| word.strip_prefix(quote)?.strip_suffix(quote);
    inner('\'').or_else(|| inner('"')).unwrap_or(word)
}

/// `zone=c` for `--zone=c`, and `app=api` for `--selector=app=api`.
fn flags(words: &[&str]) -> Vec<String> {
    let behind_flag = |place: usize| place > 0 && words[place - 1].starts_with('-');
    let flag = |(place, word): (usize, &&str)| match word.split_once('=') {
        Some((key, _)) if !word.starts_with('-') && !behind_flag(place) => match key {
            "zone" | "node" | "container" => format!("--{word}"),
            _ => format!("--selector={word}"),
        },
        _ => (*word).to_owned(),
    };
    words.iter().enumerate().map(flag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    fn command(text: &str) -> Command {
        match Typed::read(text).unwrap() {
            Typed::Command(command) => command,
            other => panic!("{text} is {other:?}"),
        }
    }

    fn narrowed_to(words: &str) -> Vec<String> {
        let Command::Narrow(narrowed) = command(&format!(":w {words}")) else { panic!("{words}") };
        let selection = narrowed.select(&example::api_fleet(6));
        selection.replicas().iter().map(|replica| replica.id.name.to_string()).collect()
    }

    #[test]
    fn commands_begin_with_a_colon_and_a_word() {
        assert!(matches!(command(" :all "), Command::All));
        assert!(matches!(command(":save before"), Command::Save(name) if name == "before"));
        assert!(matches!(command(":w"), Command::Widen));
        assert!(matches!(command(":read-only on"), Command::ReadOnly(Some(true))));
        assert!(matches!(command(":timeout"), Command::Timeout(None)));
        assert!(
            matches!(command(":timeout 2m"), Command::Timeout(Some(time)) if time.as_secs() == 120)
        );
        for text in ["(:a b)", "::a", ":", "a :b", "1"] {
            assert!(matches!(Typed::read(text), Ok(Typed::Expression)), "{text}");
        }
        assert!(matches!(Typed::read(" \n"), Ok(Typed::Nothing)));
    }

    #[test]
    fn every_word_is_a_command() {
        for word in WORDS {
            let known = Typed::read(word).map_or_else(|problem| problem.message, |_| String::new());
            assert!(!known.starts_with("there is no command"), "{word}: {known}");
        }
    }

    #[test]
    fn members_are_named_as_for_exec() {
        assert_eq!(narrowed_to("zone=c"), ["api-6f7c9-02", "api-6f7c9-05"]);
        assert_eq!(narrowed_to("api-6f7c9-03"), ["api-6f7c9-03"]);
        assert_eq!(narrowed_to("-l app=api --zone a"), ["api-6f7c9-00", "api-6f7c9-03"]);
        assert_eq!(narrowed_to("app=api node=n-1 zone=b"), ["api-6f7c9-01"]);
        assert_eq!(narrowed_to("-x zone --pick 2").len(), 2);
        assert_eq!(narrowed_to("app=other").len(), 0);
        assert_eq!(narrowed_to("api-6f7c9-01 '.*-04'"), ["api-6f7c9-01", "api-6f7c9-04"]);
        assert_eq!(narrowed_to("zone=b api-6f7c9-01 \"00\""), ["api-6f7c9-01"]);
        assert_eq!(narrowed_to("01 02 03 --pick 1").len(), 1);
    }

    #[test]
    fn a_wrong_command_says_how_to_go_on() {
        let hint = |text: &str| Typed::read(text).unwrap_err().to_string();
        insta::assert_snapshot!(hint(":al"), @r"
        error: there is no command :al
        hint: :help shows all; to evaluate a keyword, write it in a form: (do :key)
        ");
        insta::assert_snapshot!(hint(":save"), @r"
        error: :save is used another way
        hint: :help shows how
        ");
        assert!(hint(":w --zoen c").contains("hint: write it as for exec"));
        assert!(hint(":timeout never").contains("write a duration"));
    }
}
