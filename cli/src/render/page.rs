//! A page for a person: the only writer of colour, and every text on it is made safe.

use unicode_width::UnicodeWidthStr as _;

use super::safe::{self, Layout};

/// What a piece of text is; colour never says more than the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Ordinary text.
    Plain,
    /// Headings and labels of groups.
    Strong,
    /// What is well.
    Good,
    /// What wants attention.
    Warn,
    /// What went wrong.
    Bad,
    /// Side information.
    Faint,
    /// One of several replicas, told apart by number.
    Member(usize),
}

/// Colours that tell replicas apart; red and yellow are left to [`Ink::Bad`] and [`Ink::Warn`].
const MEMBER_COLOURS: [&str; 6] = ["36", "35", "34", "32", "96", "95"];

impl Ink {
    fn code(self) -> Option<&'static str> {
        match self {
            Ink::Plain => None,
            Ink::Strong => Some("1"),
            Ink::Good => Some("32"),
            Ink::Warn => Some("33"),
            Ink::Bad => Some("31"),
            Ink::Faint => Some("2"),
            Ink::Member(number) => Some(MEMBER_COLOURS[number % MEMBER_COLOURS.len()]),
        }
    }
}

/// Where the reader of a page sits: it decides what he writes to see more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seat {
    /// At a shell, where a command has flags.
    #[default]
    Shell,
    /// At a prompt of ours, which has commands of its own.
    Prompt,
    /// There too, when he has just asked again for the same answers.
    Recalled,
}

impl Seat {
    /// The words for a shell, or those for a prompt.
    pub fn either<'a>(self, shell: &'a str, prompt: &'a str) -> &'a str {
        match self {
            Seat::Shell => shell,
            Seat::Prompt | Seat::Recalled => prompt,
        }
    }
}

/// Lines of text for a person.
#[derive(Clone, Debug)]
pub struct Page {
    text: String,
    colour: bool,
    /// Where its reader sits.
    pub seat: Seat,
}

impl Page {
    /// An empty page for somebody at a shell.
    pub fn new(colour: bool) -> Page {
        Page::at(Seat::Shell, colour)
    }

    /// An empty page.
    pub fn at(seat: Seat, colour: bool) -> Page {
        Page { text: String::new(), colour, seat }
    }

    /// Adds text to the current line.
    pub fn put(&mut self, ink: Ink, text: &str) -> &mut Page {
        self.paint(ink, &safe::text(text, Layout::Line));
        self
    }

    /// Adds text and fills up to a width in columns; longer text is not cut.
    pub fn cell(&mut self, ink: Ink, text: &str, width: usize) -> &mut Page {
        let shown = safe::text(text, Layout::Line);
        let fill = width.saturating_sub(shown.width());
        self.paint(ink, &shown);
        self.text.extend(std::iter::repeat_n(' ', fill));
        self
    }

    /// Adds a tab of ours.
    pub fn tab(&mut self) -> &mut Page {
        self.text.push('\t');
        self
    }

    /// Ends the current line.
    pub fn end(&mut self) -> &mut Page {
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
        self
    }

    /// Adds a text of many lines, each behind a margin of ours.
    pub fn block(&mut self, margin: (Ink, &str), ink: Ink, text: &str) -> &mut Page {
        self.lines(margin, ink, &safe::text(text, Layout::Block))
    }

    /// As [`Page::block`], for bytes that may be no text.
    pub fn block_of_bytes(&mut self, margin: (Ink, &str), ink: Ink, bytes: &[u8]) -> &mut Page {
        self.lines(margin, ink, &safe::bytes(bytes, Layout::Block))
    }

    /// The whole page.
    pub fn finish(self) -> String {
        self.text
    }

    fn lines(&mut self, margin: (Ink, &str), ink: Ink, shown: &str) -> &mut Page {
        for line in shown.strip_suffix('\n').unwrap_or(shown).split('\n') {
            self.paint(margin.0, &safe::text(margin.1, Layout::Line));
            self.paint(ink, line);
            self.text.push('\n');
        }
        self
    }

    fn paint(&mut self, ink: Ink, shown: &str) {
        match ink.code().filter(|_| self.colour && !shown.is_empty()) {
            Some(code) => self.text.extend(["\x1b[", code, "m", shown, "\x1b[0m"]),
            None => self.text.push_str(shown),
        }
    }
}

/// Columns a text takes once it is made safe.
pub fn width(text: &str) -> usize {
    safe::text(text, Layout::Line).width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_page_itself_paints() {
        let mut page = Page::new(true);
        page.put(Ink::Bad, "\x1b[0mx").end();
        assert_eq!(page.finish(), "\x1b[31m\\x1b[0mx\x1b[0m\n");
    }

    #[test]
    fn cells_align_by_columns_not_by_bytes() {
        let mut page = Page::new(false);
        page.cell(Ink::Plain, "漢字", 6).put(Ink::Plain, "|").end();
        page.cell(Ink::Plain, "abcd", 6).put(Ink::Plain, "|").end();
        assert_eq!(page.finish(), "漢字  |\nabcd  |\n");
    }

    #[test]
    fn each_line_of_a_block_has_its_margin() {
        let mut page = Page::new(false);
        page.block((Ink::Faint, "│ "), Ink::Plain, "a\nb\n");
        assert_eq!(page.finish(), "│ a\n│ b\n");
    }
}
