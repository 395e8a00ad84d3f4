//! Bytes of a hostile nREPL server, in pieces, while a session opens, evaluates and interrupts.
#![no_main]

use std::collections::VecDeque;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use prepl_core::{Expression, Origin};
use prepl_sidecar::driver::nrepl::Nrepl;
use prepl_sidecar::driver::nrepl::codec::MAX_MESSAGE;
use prepl_sidecar::driver::{Ask, Conversation, Step};

const OPENED: &[u8] =
    b"d2:id1:13:opsl5:clone4:eval9:interrupte8:versionsd7:clojure3:1.1e6:statusl4:doneee\
d2:id1:211:new-session1:s6:statusl4:doneee";

fuzz_target!(|pieces: (bool, Vec<&[u8]>)| {
    let (opens, pieces) = pieces;
    let mut conversation = Nrepl::new();
    let (mut input, mut out, mut steps) = (BytesMut::new(), BytesMut::new(), VecDeque::new());
    conversation.open(&mut out);
    let opening = if opens { OPENED } else { b"" };
    for (n, piece) in std::iter::once(opening).chain(pieces).enumerate() {
        input.extend_from_slice(piece);
        if conversation.receive(&mut input, &mut out, &mut steps).is_err() {
            return;
        }
        assert!(input.len() <= MAX_MESSAGE);
        let ended = steps.drain(..).any(|step| matches!(step, Step::Ended(_) | Step::Opened(_)));
        match n % 4 {
            _ if ended => evaluate(&mut conversation, &mut out),
            2 => conversation.input(b"x\n", &mut out),
            3 => conversation.interrupt(&mut out),
            _ => {}
        }
        out.clear();
    }
});

fn evaluate(conversation: &mut Nrepl, out: &mut BytesMut) {
    let Ok(expression) = Expression::new("(+ 1 1)") else { return };
    let ask = Ask {
        expression,
        origin: Origin::Typed,
        namespace: None,
        value_bytes: 16,
        output_bytes: 16,
        read_only: None,
    };
    let _ = conversation.evaluate(&ask, out);
}
