use std::sync::Arc;

use prepl_audit::{ChainId, Moment, Tail, Who};
use prepl_core::{Digest, RequestId, RunId};

use super::*;
use crate::audit::entry::{Ran, Text};
use crate::render::page;

fn entry(expression: &str) -> Entry {
    let act = Act::Run {
        run: RunId::from_random([1; 5]),
        request: RequestId::from_random([2; 16]),
        how: How::ReadWrite,
        code: Ran { expression: Text::of(expression), file: None },
        outcomes: None,
    };
    Entry {
        log: Arc::from("log"),
        place: Tail { chain: ChainId::random().unwrap(), seq: 1, hash: Digest::of("") },
        time: Moment::from_millis(0),
        who: Who { username: "mira".to_owned(), uid: String::new(), access: None },
        break_glass: false,
        reason: None,
        ticket: None,
        to: To { workloads: vec!["shop/deployment/api".to_owned()], replicas: 3, only: None },
        act,
    }
}

fn shown(entry: &Entry, width: Option<usize>) -> String {
    let look = Look { colour: false, heads: false, width };
    render(ListFormat::Table, std::slice::from_ref(entry), look)
}

#[test]
fn an_expression_is_cut_to_the_terminal_alone() {
    let long = entry(&"漢字 ab ".repeat(40));
    let line = shown(&long, Some(120));
    assert_eq!(page::width(line.trim_end_matches('\n')).div_ceil(2), 60, "{line}");
    assert!(line.ends_with("…\n"), "{line}");
    assert!(!shown(&long, None).contains('…'));
    assert!(shown(&long, Some(10)).ends_with("…\n"), "a narrow terminal shows some of it");
    assert!(!shown(&entry("(version)"), Some(120)).contains('…'));
    assert!(shown(&entry(&"x".repeat(2000)), None).ends_with("x…\n"), "a list keeps 1 KiB");
}

#[test]
fn a_line_fits_into_the_terminal_whatever_is_in_it() {
    let plain = entry(&"(count-sessions) ".repeat(9));
    let who = Who { username: "somebody@example.com".to_owned(), ..plain.who.clone() };
    let taken = Entry { break_glass: true, who, ..plain.clone() };
    for width in [80, 100, 140] {
        let look = Look { colour: false, heads: true, width: Some(width) };
        let list = render(ListFormat::Table, &[plain.clone(), taken.clone()], look);
        let widest = list.lines().map(page::width).max();
        assert_eq!(widest, Some(width), "{list}");
        assert!(list.contains("api ×3"), "the end of a place tells more: {list}");
    }
}

#[test]
fn a_whole_file_is_told_by_its_name() {
    let mut loaded = entry("(ns shop.core)");
    let Act::Run { code, .. } = &mut loaded.act else { panic!("no run") };
    code.file = Some(Text::of("shop/core.clj"));
    let line = shown(&loaded, None);
    assert!(line.ends_with("  load shop/core.clj\n"), "{line}");
}

#[test]
fn one_replica_is_told_by_its_name() {
    let to = To { only: Some("shop/api-1".to_owned()), replicas: 1, ..entry("").to };
    assert_eq!(place(&to), "shop/api-1");
}

#[test]
fn outcomes_that_are_not_recorded_are_told() {
    let mut counts = Counts::default();
    counts.add(Class::Ok);
    counts.add(Class::Unknown);
    assert_eq!(counted(&counts, 3), "1 ok, 1 unknown, 1 not recorded");
    assert_eq!(counted(&counts, 2), "1 ok, 1 unknown");
}

#[test]
fn input_is_told_with_its_run_and_how_many_read_it() {
    let act = Act::Input { run: RunId::from_random([1; 5]), code: Text::of("yes\n") };
    let to = To { replicas: 3, ..To::default() };
    let input = Entry { act, to, ..entry("") };
    let line = shown(&input, None);
    for part in ["mira", "input", "×3", &RunId::from_random([1; 5]).to_string(), "yes\\n"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn several_workloads_are_summed_up() {
    let more = ["shop/deployment/api", "shop/deployment/web"].map(str::to_owned).to_vec();
    let several = To { workloads: more, replicas: 5, only: None };
    assert_eq!(place(&several), "shop/deployment/api +1 ×5");
    assert_eq!(place(&To::default()), "");
}
