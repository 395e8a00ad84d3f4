//! Any bytes in any pieces through a tap of each protocol: the same bytes come out.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use prepl_gateway::tap::{Segment, Tap};

fuzz_target!(|pieces: Vec<&[u8]>| {
    let stream = pieces.concat();
    for driver in ["nrepl", "clojure", "other"] {
        let mut tap = Tap::of(driver);
        let parts = pieces.iter().flat_map(|piece| tap.push(&Bytes::copy_from_slice(piece)));
        let mut segments: Vec<Segment> = parts.collect();
        segments.extend(tap.end());
        let out: Vec<u8> = segments.iter().flat_map(|one| one.bytes.to_vec()).collect();
        assert_eq!(out, stream);
        assert!(segments.iter().all(|one| one.told.is_some() || driver == "nrepl"));
    }
});
