//! The expression of a run, as those who approve it read it.

use crate::render::page::{Ink, Page};
use crate::render::safe::{self, Layout};

/// Blank lines in a row that are shown; more of them could push what follows off the screen.
const MAX_BLANK: usize = 3;

/// Puts every line of an expression on the page; many blank ones become one that counts them.
pub fn put(page: &mut Page, text: &str) {
    let lines: Vec<&str> = lines(text).collect();
    for alike in lines.chunk_by(|one, next| is_blank(one) == is_blank(next)) {
        if alike.len() > MAX_BLANK && alike.iter().all(|line| is_blank(line)) {
            page.put(Ink::Warn, &format!("  ⋮ {} blank lines", alike.len())).end();
        } else {
            let shown: String = alike.iter().flat_map(|line| [*line, "\n"]).collect();
            page.block((Ink::Faint, "  │ "), Ink::Plain, &shown);
        }
    }
}

/// `3 lines, 70 bytes`: whoever reads it sees whether he has seen it all.
pub fn size(text: &str) -> String {
    let counted = |number: usize, one: &str| match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    };
    format!("{}, {}", counted(lines(text).count(), "line"), counted(text.len(), "byte"))
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.strip_suffix('\n').unwrap_or(text).split('\n')
}

/// Whether nothing of it can be seen once it is made safe.
fn is_blank(line: &str) -> bool {
    safe::text(line, Layout::Block).trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut page = Page::new(false);
        put(&mut page, text);
        page.finish()
    }

    #[test]
    fn blank_lines_hide_nothing() {
        insta::assert_snapshot!(shown("(count)\n\n \n\t\n\n(drop!)\n"), @r"
          │ (count)
          ⋮ 4 blank lines
          │ (drop!)
        ");
        assert_eq!(shown("a\n\n\n\nb"), "  │ a\n  │ \n  │ \n  │ \n  │ b\n");
        assert!(shown(&format!("a{}", "\u{200b}\n".repeat(9))).matches('│').count() == 9);
    }

    #[test]
    fn a_size_counts_the_lines_that_are_shown() {
        assert_eq!(size("(f)"), "1 line, 3 bytes");
        assert_eq!(size("(f)\n"), "1 line, 4 bytes");
        assert_eq!(size("a\n\n\n\n\nb"), "6 lines, 7 bytes");
    }
}
