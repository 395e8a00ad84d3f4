//! A hostile peer of the socket REPL driver: any bytes, in any pieces, at any stage.
#![no_main]

use std::collections::VecDeque;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use prepl_core::{Expression, Origin};
use prepl_sidecar::driver::clojure::Clojure;
use prepl_sidecar::driver::clojure::codec::MAX_LINE;
use prepl_sidecar::driver::{Ask, Conversation};

const HELLO: &[u8] = b"user=> \x01- hello 1 MS4xMi42 MTcuMC4xNQ==\n";

fuzz_target!(|peer: (bool, u8, Vec<Vec<u8>>)| {
    let (greeted, evaluations, pieces) = peer;
    let (mut clojure, mut steps) = (Clojure::new(), VecDeque::new());
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    if greeted {
        input.extend_from_slice(HELLO);
        clojure.receive(&mut input, &mut out, &mut steps).expect("a greeting");
        for _ in 0..evaluations % 3 {
            clojure.evaluate(&ask(), &mut out).expect("readable");
        }
    }
    for piece in pieces {
        input.extend_from_slice(&piece);
        if clojure.receive(&mut input, &mut out, &mut steps).is_err() {
            return;
        }
        clojure.input(&piece, &mut out);
        assert!(input.len() < MAX_LINE && !input.contains(&b'\n'));
    }
});

fn ask() -> Ask {
    let expression = Expression::new("1").expect("an expression");
    Ask {
        expression,
        origin: Origin::Typed,
        namespace: None,
        value_bytes: 64,
        output_bytes: 64,
        read_only: None,
    }
}
