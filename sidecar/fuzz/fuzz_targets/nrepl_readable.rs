//! Texts that may be Clojure.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prepl_sidecar::driver::readable::unfinished_clojure;

fuzz_target!(|text: &str| {
    if let Some(flaw) = unfinished_clojure(text) {
        assert!(flaw.to_string().starts_with("the "));
    }
});
