//! The prompt: in which namespace, and whom an expression goes to.

use prepl_core::Selection;

use crate::render::crowd;
use crate::render::page::{self, Ink, Page};
use crate::talk::Place;

/// Longest name that is shown whole, in characters.
const MAX_NAME: usize = 40;

/// What the members are called: the name of their workload if it is one, else the query.
pub fn name(members: &Selection, query: &str) -> String {
    let replicas = members.replicas();
    let workload = replicas.first().map(|first| &first.workload.name);
    let same = workload.filter(|name| replicas.iter().all(|one| one.workload.name == **name));
    same.map_or_else(|| query.to_owned(), ToString::to_string)
}

/// The prompt without and with colour, of the same width: `shop.core api×12=> `.
pub fn prompt(place: &Place, name: &str, asked: &Selection, colour: bool) -> (String, String) {
    let place = match place {
        Place::Unknown => String::new(),
        Place::One(namespace) => short(namespace) + " ",
        Place::Several(count) => format!("{} ", crowd::counted(*count, "namespace")),
    };
    let who = match asked.replicas() {
        [only] => short(&only.id.name),
        replicas => format!("{}×{}", short(name), replicas.len()),
    };
    let drawn = |colour| {
        let mut page = Page::new(colour);
        page.put(Ink::Strong, &place).put(Ink::Member(0), &who).put(Ink::Plain, "=> ");
        page.finish()
    };
    (drawn(false), drawn(colour))
}

fn short(name: &str) -> String {
    if page::width(name) <= MAX_NAME {
        return name.to_owned();
    }
    let kept: String = name.chars().take(MAX_NAME - 1).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    fn raw(place: &Place, count: usize) -> String {
        let asked = Selection::of(example::api_fleet(count));
        prompt(place, &name(&asked, "-l app=api"), &asked, false).0
    }

    #[test]
    fn it_tells_namespace_name_and_count() {
        assert_eq!(raw(&Place::One("shop.core".into()), 12), "shop.core api×12=> ");
        assert_eq!(raw(&Place::Unknown, 12), "api×12=> ");
        assert_eq!(raw(&Place::Several(2), 3), "2 namespaces api×3=> ");
        assert_eq!(raw(&Place::Unknown, 1), "api-6f7c9-00=> ");
        assert_eq!(raw(&Place::Unknown, 0), "-l app=api×0=> ");
    }

    #[test]
    fn several_workloads_are_called_by_the_query() {
        let mut fleet = example::api_fleet(2);
        fleet[1].workload.name = "web".into();
        assert_eq!(name(&Selection::of(fleet), "-A"), "-A");
    }

    #[test]
    fn what_replicas_say_cannot_drive_the_terminal_and_is_cut() {
        let place = Place::One("a\x1b[2J\nb".into());
        assert_eq!(raw(&place, 2), "a\\x1b[2J\\nb api×2=> ");
        let long = raw(&Place::One("x".repeat(500).into()), 2);
        assert_eq!(long.chars().count(), MAX_NAME + " api×2=> ".chars().count());
    }

    #[test]
    fn colour_changes_no_width() {
        let asked = Selection::of(example::api_fleet(2));
        let (raw, styled) = prompt(&Place::One("user".into()), "api", &asked, true);
        assert_eq!(styled, "\x1b[1muser \x1b[0m\x1b[36mapi×2\x1b[0m=> ");
        assert_eq!(raw, "user api×2=> ");
    }
}
