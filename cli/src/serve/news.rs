//! What a client should know of the fleet itself, as output of its next evaluation.

use prepl_core::{Replica, Selection};

use crate::members::Change;
use crate::render::safe::{self, Layout};
use crate::talk::Learned;

/// Replicas that are named of each kind; more are counted.
const MAX_NAMES: usize = 10;

/// Who came and went since the last evaluation.
pub fn change(before: &Selection, now: &Selection) -> Option<String> {
    let Change { joined, left } = Change::between(before, now);
    let parts = [("left", left), ("joined", joined)];
    let parts = parts.iter().filter(|(_, who)| !who.is_empty());
    let parts: Vec<_> = parts.map(|(what, who)| format!("{} {what}", names(who))).collect();
    (!parts.is_empty()).then(|| line(&parts.join(", ")))
}

/// What became of the session's state.
pub fn learned(learned: &Learned) -> Option<String> {
    let mut text = String::new();
    if !learned.lost.is_empty() {
        let names = names(&learned.lost);
        text += &line(&format!("state lost on {names}: *1 and the namespace there are new"));
    }
    for (replica, there) in learned.strayed.iter().take(MAX_NAMES) {
        let name = &replica.id.name;
        text += &line(&format!("{name} went to the namespace {there}; the session stays"));
    }
    (!text.is_empty()).then_some(text)
}

fn names(replicas: &[Replica]) -> String {
    let named = replicas.iter().take(MAX_NAMES).map(|replica| &*replica.id.name);
    let named = named.collect::<Vec<_>>().join(" ");
    match replicas.len().saturating_sub(MAX_NAMES) {
        0 => named,
        rest => format!("{named} and {rest} more"),
    }
}

fn line(text: &str) -> String {
    format!(";; prepl: {}\n", safe::text(text, Layout::Line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    #[test]
    fn who_came_and_went_is_one_line() {
        let replicas = example::api_fleet(20);
        let before = Selection::of(replicas[..3].to_vec());
        let now = Selection::of(replicas[1..5].to_vec());
        let told = change(&before, &now).unwrap();
        let wanted = ";; prepl: api-6f7c9-00 left, api-6f7c9-03 api-6f7c9-04 joined\n";
        assert_eq!(told, wanted);
        assert_eq!(change(&now, &now), None);
        let many = change(&before, &Selection::of(replicas)).unwrap();
        assert!(many.ends_with("api-6f7c9-12 and 7 more joined\n"), "{many}");
    }

    #[test]
    fn lost_state_is_told_with_what_it_means() {
        let [one, other] = [example::replica("api-3", "1", 0), example::replica("api-4", "1", 1)];
        let told = Learned { lost: vec![one], strayed: vec![(other, "x\u{1b}".into())] };
        insta::assert_snapshot!(learned(&told).unwrap(), @r"
        ;; prepl: state lost on api-3: *1 and the namespace there are new
        ;; prepl: api-4 went to the namespace x\x1b; the session stays
        ");
        assert_eq!(learned(&Learned::default()), None);
    }
}
