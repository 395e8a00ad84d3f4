//! Texts that claim to be exceptions printed by Clojure.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prepl_sidecar::driver::nrepl::throwable;

fuzz_target!(|text: &str| {
    if let Some(raised) = throwable::read(&format!("#error {text}")) {
        assert!(raised.trace.len() <= 64);
        assert!(raised.message.len() <= 8 << 10);
    }
});
