use std::sync::Arc;

use prepl_audit::{ChainId, Moment, Tail, Who};
use prepl_core::{Digest, RequestId, RunId};

use super::*;
use crate::audit::entry::Text;

fn entry(expression: &str) -> Entry {
    let act = Act::Run {
        run: RunId::from_random([1; 5]),
        request: RequestId::from_random([2; 16]),
        how: How::ReadWrite,
        expression: Text::of(expression),
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
        to: To { workloads: vec!["shop/deployment/api".to_owned()], replicas: 3 },
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
    assert_eq!(place(&To { workloads: more, replicas: 5 }), "shop/deployment/api +1 ×5");
    assert_eq!(place(&To::default()), "");
}
