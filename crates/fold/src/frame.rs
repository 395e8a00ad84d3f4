//! The first frame of a trace without the numbers that a compiler counts up as it goes.

/// What such a number stands behind: `user$eval12`, `shop.core$fn__12`, `G__12`, `reify__12`.
const BEFORE: [&str; 2] = ["$eval", "__"];

/// The frame with `#` for each such number; the numbers of lines stay.
///
/// Two replicas that did the same compiled other things before it, so their numbers differ.
pub(crate) fn frame_pattern(frame: &str) -> String {
    let mut pattern = String::with_capacity(frame.len());
    let mut rest = frame;
    while let Some(place) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(place);
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let counted = BEFORE.iter().any(|word| before.ends_with(word));
        pattern.extend([before, if counted { "#" } else { &number[..end] }]);
        rest = &number[end..];
    }
    pattern + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_compiler_become_one_sign() {
        let frames = [
            ("user$eval2702/invokeStatic (REPL:1)", "user$eval#/invokeStatic (REPL:1)"),
            ("user$eval2702$fn__2703/invoke (x.clj:7)", "user$eval#$fn__#/invoke (x.clj:7)"),
            ("shop$G__12/call", "shop$G__#/call"),
            ("shop$reify__5__99/run (shop.clj:12)", "shop$reify__#__#/run (shop.clj:12)"),
        ];
        for (frame, expected) in frames {
            assert_eq!(frame_pattern(frame), expected);
        }
    }

    #[test]
    fn other_numbers_are_part_of_the_name() {
        for frame in ["", "shop.v2$take1/invoke (v2.clj:31)", "user$évaluer9/invoke", "__", "7"] {
            assert_eq!(frame_pattern(frame), frame);
        }
    }
}
