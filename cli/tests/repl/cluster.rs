//! A prompt through a gateway of a cluster that goes away and comes back.

use prepl_tests::Terminal;
use prepl_tests::proxy::Proxy;

use crate::fleet::{Prompt, SIZE};
use crate::town::Town;

#[test]
fn the_session_is_the_same_when_the_gateway_is_back() {
    let town = Town::of(1);
    let proxy = town.block_on(Proxy::to(town.cluster.address(0)));
    let gateway = proxy.address.to_string();
    let terminal = Terminal::start(env!("CARGO_BIN_EXE_prepl"), SIZE, |prepl| {
        let prepl = prepl.env("KUBECONFIG", town.kubeconfig());
        let prepl = prepl.env("XDG_STATE_HOME", town.temporary.path());
        let prepl = prepl.env("XDG_RUNTIME_DIR", town.temporary.path());
        prepl.args(["repl", "-n", "shop", "deploy/api", "--gateway", &gateway])
    });
    let prompt = Prompt(terminal);
    prompt.is_back();
    assert!(prompt.ask("let x = 41").contains("● 2/2 same   ()\napi×2=>"));
    prompt.write("x +");
    proxy.cut();
    prompt.0.shows("· nobody can be reached: ");
    proxy.repair();
    prompt.0.shows(
        "· the way to the fleet is another one now; the sessions are those of before\napi×2=> x +",
    );
    let screen = prompt.ask(" 1");
    assert!(screen.contains("● 2/2 same   42\n"), "{screen}");
    assert!(!screen.contains("state lost"), "{screen}");
    assert_eq!(prompt.leave(), Some(0));
}
