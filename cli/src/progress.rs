//! One line on stderr that shows how far a run is; redrawn, and erased at the end.

use std::time::{Duration, Instant};

use prepl_core::Class;
use prepl_core::outcome::Counts;

use crate::console::Console;
use crate::quantity::show_duration;

/// Time between two drawings.
pub const REDRAW: Duration = Duration::from_millis(100);

const BAR_COLUMNS: usize = 24;

/// The progress of one run, as far as it is shown.
#[derive(Debug)]
pub struct Progress {
    counts: Counts,
    selected: usize,
    begun: Instant,
    shown: Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Never,
    NotNow,
    OnScreen,
}

impl Progress {
    /// Progress over so many replicas; invisible unless wanted.
    pub fn new(selected: usize, wanted: bool) -> Progress {
        let shown = if wanted { Shown::NotNow } else { Shown::Never };
        Progress { counts: Counts::default(), selected, begun: Instant::now(), shown }
    }

    /// Counts one replica that has its outcome.
    pub fn done(&mut self, class: Class) {
        self.counts.add(class);
    }

    /// Draws the line.
    pub fn draw(&mut self, console: &Console) {
        if self.shown != Shown::Never {
            let line = line(&self.counts, self.selected, self.begun.elapsed(), console.err_width());
            console.tell(&format!("\r{line}\x1b[K"));
            self.shown = Shown::OnScreen;
        }
    }

    /// Takes the line away, so that something else can be written.
    pub fn erase(&mut self, console: &Console) {
        if self.shown == Shown::OnScreen {
            console.tell("\r\x1b[K");
            self.shown = Shown::NotNow;
        }
    }
}

fn line(counts: &Counts, selected: usize, elapsed: Duration, width: usize) -> String {
    let done = counts.total() as usize;
    let classes = Class::ALL.into_iter().filter(|class| counts.of(*class) > 0);
    let classes: Vec<_> = classes.map(|class| format!("{class} {}", counts.of(class))).collect();
    let bar = bar(done, selected);
    let elapsed = show_duration(elapsed);
    let classes = if classes.is_empty() { String::new() } else { classes.join("  ") + "   " };
    let line = format!(" ▕{bar}▏ {done}/{selected}   {classes}{elapsed}");
    line.chars().take(width.saturating_sub(1)).collect()
}

/// A bar in eighths of a column.
fn bar(done: usize, selected: usize) -> String {
    let eighths = (done * BAR_COLUMNS * 8).checked_div(selected).unwrap_or(0);
    let full = (eighths / 8).min(BAR_COLUMNS);
    let part = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8];
    let bar: String = std::iter::repeat_n('█', full).chain([part]).take(BAR_COLUMNS).collect();
    format!("{bar:<BAR_COLUMNS$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(classes: &[(Class, usize)]) -> Counts {
        let mut counts = Counts::default();
        for (class, times) in classes {
            (0..*times).for_each(|_| counts.add(*class));
        }
        counts
    }

    #[test]
    fn the_line_shows_bar_counts_and_time() {
        let counts = counts(&[(Class::Ok, 409), (Class::Raised, 1), (Class::Unreachable, 2)]);
        let line = line(&counts, 500, Duration::from_millis(380), 100);
        let expected =
            " ▕███████████████████▊    ▏ 412/500   ok 409  raised 1  unreachable 2   380 ms";
        assert_eq!(line, expected);
    }

    #[test]
    fn a_narrow_terminal_gets_a_cut_line() {
        let line = line(&counts(&[(Class::Ok, 3)]), 12, Duration::ZERO, 20);
        assert_eq!(line.chars().count(), 19);
    }

    proptest! {
        #[test]
        fn the_bar_always_has_the_same_width(done in 0..2000_usize, selected in 0..2000_usize) {
            prop_assert_eq!(bar(done, selected).chars().count(), BAR_COLUMNS);
        }
    }
}
