//! Addresses of objects: different in every process, and no part of a value.

/// Fewest digits of an identity hash after an `@`; below, it may be a name.
const MIN_HASH_DIGITS: usize = 5;

/// The text with `…` in the place of addresses such as `0x7f00` and `Object@1f2e3d`.
pub(super) fn without_identity(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find(['x', '@']) {
        let (before, after) = rest.split_at(place + 1);
        kept.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        let (digits, _) = after.split_at(after.len() - rest.len());
        kept.push_str(if is_address(before, digits, rest) { "…" } else { digits });
    }
    kept + rest
}

fn is_address(before: &str, digits: &str, after: &str) -> bool {
    let ends =
        !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '='));
    let is_hash = before.ends_with('@') && digits.len() >= MIN_HASH_DIGITS;
    ends && (is_hash || before.ends_with("0x") && !digits.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_and_names_stay() {
        let text = "#<Cart:0x7ff0 @abc=1 of a@example.com, java.lang.Object@1f2e3d4c>";
        let kept = "#<Cart:0x… @abc=1 of a@example.com, java.lang.Object@…>";
        assert_eq!(without_identity(text), kept);
    }
}
