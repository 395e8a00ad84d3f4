//! What the commands of the prompt do.

use super::command::{Command, Narrowed};
use super::conversation::Conversation;
use super::{help, save, told};
use crate::console::Console;
use crate::problem::Problem;
use crate::render::page::{Ink, Page, Seat};
use crate::render::{Results, View, crowd, diff, group, json, table};
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
        Command::All => all(last(conversation)?, colour),
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
        Command::Who => who(conversation).await,
        Command::Members => members(conversation, colour).await,
        Command::Namespace => namespaces(conversation),
        Command::ReadOnly(on) => {
            let read_only = &mut conversation.talk.settings.read_only;
            *read_only = on.unwrap_or(*read_only);
            told::mode(*read_only).to_owned() + "\n"
        }
        Command::Timeout(time) => {
            time.map_or(Ok(()), |time| conversation.set_timeout(time))?;
            told::time(conversation.talk.settings.limits.time()) + "\n"
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

/// A row a replica, and below what each printed.
fn all(results: &Results, colour: bool) -> String {
    let mut page = Page::new(colour);
    for answer in results.answers.iter().filter(|answer| answer.done.output_bytes > 0) {
        let name = crowd::name(&results.selection, answer.replica);
        page.end().put(Ink::Strong, &name).end();
        group::output(&mut page, &answer.output, answer.done.output_bytes);
    }
    table::render(results, colour) + page.finish().as_str()
}

async fn who(conversation: &Conversation) -> String {
    let (first, _) = conversation.begin().await;
    let longest = conversation.talk.settings.limits.time();
    told::who_and_how(&first, &conversation.asked(), longest)
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
    let asked = narrowed.select(members.replicas());
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
    let label = match conversation.talk.place() {
        Place::Unknown => "",
        Place::One(_) => "namespace  ",
        Place::Several(_) => "namespaces\n",
    };
    members_table::table(&asked, &told, false).render(colour)
        + label
        + namespaces(conversation).as_str()
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
