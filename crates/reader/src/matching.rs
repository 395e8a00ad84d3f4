//! A bracket's partner.

use crate::token::{Kind, Lexer};

/// Where the partner of the bracket at a byte of `text` stands; `None` where there is no bracket,
/// or none that fits.
pub fn matching(text: &str, at: usize) -> Option<usize> {
    let mut open = Vec::new();
    for token in Lexer::new(text) {
        let place = token.range.end - 1;
        match token.kind {
            Kind::Open { bracket, .. } => open.push((bracket, place)),
            Kind::Close { bracket, .. } => {
                let (opened, start) = open.pop()?;
                if opened != bracket {
                    return None;
                }
                if start == at {
                    return Some(place);
                }
                if place == at {
                    return Some(start);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn brackets_find_each_other() {
        let text = "(a #{b \")\"} [c])";
        for (one, other) in [(0, 15), (4, 10), (12, 14)] {
            assert_eq!(matching(text, one), Some(other), "{one}");
            assert_eq!(matching(text, other), Some(one), "{other}");
        }
    }

    #[test]
    fn what_is_no_bracket_or_alone_has_no_partner() {
        for at in [1, 2, 3, 99] {
            assert_eq!(matching("(a (b", at), None, "{at}");
        }
        assert_eq!(matching("\"(\" )", 1), None);
        assert_eq!(matching("(]", 0), None);
        assert_eq!(matching("(]", 1), None);
    }

    proptest! {
        #[test]
        fn a_partners_partner_is_the_bracket(text in r##"([()\[\]{}"#;\\ a]){0,40}"##, at in 0..40_usize) {
            if let Some(partner) = matching(&text, at) {
                prop_assert_eq!(matching(&text, partner), Some(at));
            }
        }
    }
}
