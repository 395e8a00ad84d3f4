//! What the commands of the prompt do.

use super::command::{Command, Narrowed};
use super::conversation::Conversation;
use super::{help, save, told};
use crate::console::Console;
use crate::problem::Problem;
use crate::render::page::{Ink, Page, Seat};
use crate::render::{Results, View, crowd, diff, json, table};
use crate::talk::Place;
use crate::targets::table as members_table;

/// Groups whose differences are shown.
const MAX_GROUPS: usize = 100;

/// Whether the conversation goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    On,
    /// The user leaves.
    Leave,
}

/// Does what a command says.
pub async fn obey(
    command: Command,
    conversation: &mut Conversation,
    console: &mut Console,
) -> Result<Flow, Problem> {
    let colour = console.out_colour;
    let answer = match command {
        Command::Quit => return Ok(Flow::Leave),
        Command::Help => help::SCREEN.to_owned(),
        Command::All => table::render(last(conversation)?, colour),
        Command::Diff => differences(last(conversation)?, colour),
        Command::Recall => {
            conversation.recall(console).await?;
            String::new()
        }
        Command::Save(place) => saved(last(conversation)?, &place)?,
        Command::Narrow(narrowed) => narrow(conversation, *narrowed)?,
        Command::Widen => {
            conversation.narrowed = None;
            told::asked(&conversation.asked(), &conversation.members.selection())
        }
        Command::Who => conversation.begin().await.0 + "\n",
        Command::Members => members(conversation, colour).await,
        Command::Namespace => namespaces(conversation),
        Command::ReadOnly(on) => {
            conversation.talk.settings.read_only = on;
            told::mode(on).to_owned() + "\n"
        }
        Command::Timeout(time) => {
            conversation.set_timeout(time)?;
            String::new()
        }
    };
    console.answer(&answer);
    Ok(Flow::On)
}

fn last(conversation: &Conversation) -> Result<&Results, Problem> {
    conversation
        .last
        .as_ref()
        .ok_or_else(|| Problem::usage("nothing was answered yet").hint("evaluate something first"))
}

fn differences(results: &Results, colour: bool) -> String {
    diff::render(
        results,
        View { colour, on_terminal: true, max_groups: MAX_GROUPS, seat: Seat::Prompt },
    )
}

fn saved(results: &Results, place: &str) -> Result<String, Problem> {
    let path = save::path(place)?;
    save::save(&path, &json::render(results, results.exit_code(false)))?;
    let mut page = Page::new(false);
    page.put(Ink::Plain, &path.display().to_string()).end();
    Ok(page.finish())
}

fn narrow(conversation: &mut Conversation, narrowed: Narrowed) -> Result<String, Problem> {
    let members = conversation.members.selection();
    let asked = narrowed.query.select(members.replicas());
    if asked.is_empty() {
        return Err(Problem::nothing_matched(format!("no member is {}", narrowed.words))
            .hint(":members shows them; those who were asked still are"));
    }
    conversation.narrowed = Some(narrowed);
    Ok(told::asked(&asked, &members))
}

/// The members that are asked, and the namespaces that the session is in there.
async fn members(conversation: &Conversation, colour: bool) -> String {
    let (asked, told) = conversation.describe().await;
    members_table::table(&asked, &told, false).render(colour) + namespaces(conversation).as_str()
}

fn namespaces(conversation: &Conversation) -> String {
    let mut page = Page::new(false);
    match conversation.talk.place() {
        Place::Unknown => page.put(Ink::Plain, "no namespace is known yet").end(),
        Place::One(namespace) => page.put(Ink::Plain, namespace).end(),
        Place::Several(_) => {
            let asked = conversation.asked();
            for (index, replica) in asked.indexed() {
                let namespace = conversation.talk.namespace_on(replica).map_or("-", |name| name);
                let name = crowd::name(&asked, index);
                page.put(Ink::Plain, &name).tab().put(Ink::Plain, namespace).end();
            }
            &mut page
        }
    };
    page.finish()
}
