//! How rows are shown.

use crate::pairs::{Pairs, Spread};

/// What a row should keep to.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// prepl may take so many times the floor.
    AtMost(f64),
    /// The floor has to take so many times what prepl takes.
    FasterBy(f64),
    /// To be read only.
    None,
}

/// The head of the table.
pub fn head() {
    println!("load average {}", load());
    println!(
        "{:<44} {:>11} {:>11} {:>7} {:>15}  goal",
        "row", "floor", "prepl", "ratio", "of pairs"
    );
}

/// One row of pairs.
pub fn pairs(name: &str, pairs: &Pairs, goal: Goal) {
    let ratio = match goal {
        Goal::FasterBy(_) => inverse(pairs.ratio()),
        Goal::AtMost(_) | Goal::None => pairs.ratio(),
    };
    let (floor, prepl) = (time(pairs.floor().median), time(pairs.prepl().median));
    let spread = format!("{:.2} to {:.2}", ratio.least, ratio.most);
    let verdict = verdict(ratio.median, goal, pairs.is_noisy());
    println!("{name:<44} {floor:>11} {prepl:>11} {:>7.2} {spread:>15}  {verdict}", ratio.median);
}

/// One row of a single figure.
pub fn figure(name: &str, value: &str, goal: &str) {
    println!("{name:<44} {value:>23} {:>23}  {goal}", "");
}

/// Says that a row is left out, and why.
pub fn left_out(name: &str, why: &str) {
    println!("{name:<44} left out: {why}");
}

/// Seconds for people.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.1} us", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

fn inverse(ratio: Spread) -> Spread {
    Spread { least: 1.0 / ratio.most, median: 1.0 / ratio.median, most: 1.0 / ratio.least }
}

fn verdict(ratio: f64, goal: Goal, noisy: bool) -> String {
    let (kept, goal) = match goal {
        Goal::AtMost(most) => (ratio <= most, format!("<= {most}")),
        Goal::FasterBy(least) => (ratio >= least, format!(">= {least} x faster")),
        Goal::None => return String::new(),
    };
    match (noisy, kept) {
        (true, _) => format!("{goal}: noisy, not judged"),
        (false, true) => format!("{goal}: kept"),
        (false, false) => format!("{goal}: MISSED"),
    }
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
