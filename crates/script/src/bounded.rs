//! Text that stops growing at a limit.

/// A string of at most `limit` bytes; what does not fit is left out.
#[derive(Debug)]
pub(crate) struct Bounded {
    text: String,
    limit: usize,
    full: bool,
}

impl Bounded {
    pub(crate) fn new(limit: usize) -> Self {
        Self { text: String::new(), limit, full: false }
    }

    /// Appends what fits, never half a character; once cut, nothing follows.
    pub(crate) fn push(&mut self, more: &str) {
        if self.full {
            return;
        }
        let fits = more.floor_char_boundary(self.limit - self.text.len());
        self.text.push_str(&more[..fits]);
        self.full = fits < more.len();
    }

    pub(crate) fn cut_here(&mut self) {
        self.full = true;
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// The text and whether something was left out.
    pub(crate) fn finish(self) -> (String, bool) {
        (self.text, self.full)
    }
}

/// Returns the first `limit` bytes of `text`, never half a character.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_never_cut_in_half() {
        let mut text = Bounded::new(4);
        text.push("abc");
        text.push("é");
        text.push("x");
        assert_eq!(text.finish(), ("abc".to_owned(), true));
        assert_eq!(cut("aé", 2), "a");
    }

    #[test]
    fn text_that_fits_exactly_is_not_cut() {
        let mut text = Bounded::new(3);
        text.push("abc");
        text.push("");
        assert_eq!(text.finish(), ("abc".to_owned(), false));
    }
}
