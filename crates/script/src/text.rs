//! String functions that replace Rhai's own, which outgrow their limit.
//!
//! `"aaa…".replace("a", long)` multiplies two lengths in one step, before Rhai
//! looks at the size of the result.

use rhai::{EvalAltResult, ImmutableString, Position};

type Answer = Result<(), Box<EvalAltResult>>;

pub(crate) fn register(rhai: &mut rhai::Engine, limit: usize) {
    rhai.register_fn("replace", move |text: &mut ImmutableString, from: &str, to: &str| {
        replace(text, from, to, limit)
    });
    rhai.register_fn("replace", move |text: &mut ImmutableString, from: &str, to: char| {
        replace(text, from, to.encode_utf8(&mut [0; 4]), limit)
    });
    rhai.register_fn("replace", move |text: &mut ImmutableString, from: char, to: &str| {
        replace(text, from.encode_utf8(&mut [0; 4]), to, limit)
    });
    rhai.register_fn("replace", move |text: &mut ImmutableString, from: char, to: char| {
        replace(text, from.encode_utf8(&mut [0; 4]), to.encode_utf8(&mut [0; 4]), limit)
    });
}

fn replace(text: &mut ImmutableString, from: &str, to: &str, limit: usize) -> Answer {
    let times = text.matches(from).count();
    let grown = text.len() - times * from.len() + times.saturating_mul(to.len());
    if grown > limit {
        let what = "Length of string".to_owned();
        return Err(EvalAltResult::ErrorDataTooLarge(what, Position::NONE).into());
    }
    *text = text.replace(from, to).into();
    Ok(())
}
