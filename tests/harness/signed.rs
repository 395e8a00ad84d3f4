//! What users sign, for gateways that are played by a test.

use std::sync::Arc;
use std::time::SystemTime;

use prepl_core::{Input, RequestId, Selection};
use prepl_gateway::Plan;
use prepl_gateway::claim::{InputSigner, Shown, signed_run, signed_tunnel};
use prepl_gateway::remote::wire::start_run;
use prepl_identity::Bundle;

/// What a user signs of a plan over replicas.
pub fn shown(access: &Bundle, selection: &Selection, plan: &Plan) -> Shown {
    let uids: Vec<Arc<str>> =
        selection.replicas().iter().map(|replica| Arc::clone(&replica.id.uid)).collect();
    let signed = signed_run(access, &start_run(selection, plan), SystemTime::now());
    Shown::of(signed.expect("a signature"), &uids)
}

/// A piece of input for a run, and what a user signs of it.
pub fn shown_input(access: &Bundle, selection: &Selection, plan: &Plan, input: Input) -> Input {
    let start = start_run(selection, plan);
    let signer = InputSigner::of(&Arc::new(access.clone()), &start).expect("a run");
    let signed = signer.sign(&input).expect("a signature");
    input.with(Some(signed.into()))
}

/// What a user signs of a tunnel.
pub fn shown_tunnel(access: &Bundle, number: u8, uid: &str) -> Shown {
    let request = RequestId::from_random([number; 16]);
    Shown::of(signed_tunnel(access, request, uid).expect("a signature"), &[uid.into()])
}
