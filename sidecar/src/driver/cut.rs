//! A text that was cut at a byte.

/// The text without the piece of a character at its end.
pub(crate) fn whole_characters(text: &[u8]) -> &[u8] {
    match std::str::from_utf8(text) {
        Err(flaw) if flaw.error_len().is_none() => {
            text.get(..flaw.valid_up_to()).unwrap_or_default()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_in_a_character_takes_the_character_away() {
        assert_eq!(whole_characters(&"aé".as_bytes()[..2]), b"a");
        assert_eq!(whole_characters(&"☃☃".as_bytes()[..5]), "☃".as_bytes());
        assert_eq!(whole_characters("é".as_bytes()), "é".as_bytes());
        assert_eq!(whole_characters(b"a\xffb"), b"a\xffb");
    }
}
