//! Texts that may be Clojure.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prepl_reader::{continues, flaw, forms, matching, ns_form, tokens};

fuzz_target!(|text: &str| {
    if let Some(flaw) = flaw(text) {
        assert!(flaw.to_string().starts_with("the "));
    }
    let ends = tokens(text).into_iter().map(|token| token.range.end);
    assert!(ends.is_sorted());
    assert!(forms(text).iter().all(|form| text.get(form.clone()).is_some()));
    continues(text);
    ns_form(text);
    matching(text, 0);
});
