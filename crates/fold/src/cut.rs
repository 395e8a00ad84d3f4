//! Long texts cut so that what differs stays in sight.

/// Longest text of one side of a change, in characters.
const MAX_CHARACTERS: usize = 120;

/// Characters kept before the first that differs.
const BEFORE: usize = 24;

/// Both texts, cut to where they first differ when they are long.
pub(crate) fn cut_pair(from: &str, to: &str) -> (String, String) {
    let longest = from.chars().count().max(to.chars().count());
    let common = from.chars().zip(to.chars()).take_while(|(left, right)| left == right).count();
    let start = if longest > MAX_CHARACTERS { common.saturating_sub(BEFORE) } else { 0 };
    (window(from, start), window(to, start))
}

/// The beginning of a text.
pub(crate) fn cut(text: &str) -> String {
    window(text, 0)
}

fn window(text: &str, start: usize) -> String {
    let mut rest = text.chars().skip(start);
    let kept: String = rest.by_ref().take(MAX_CHARACTERS).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if rest.next().is_some() { "…" } else { "" };
    format!("{before}{kept}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_stay_whole() {
        assert_eq!(cut_pair("abc", "abd"), ("abc".into(), "abd".into()));
    }

    #[test]
    fn long_texts_show_where_they_differ() {
        let common = "x".repeat(1000);
        let (from, to) = cut_pair(&format!("{common}1"), &format!("{common}2"));
        let shown = "x".repeat(BEFORE);
        assert_eq!((from, to), (format!("…{shown}1"), format!("…{shown}2")));
        assert_eq!(cut(&common).chars().count(), MAX_CHARACTERS + 1);
    }
}
