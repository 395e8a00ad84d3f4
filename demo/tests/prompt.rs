//! Plain `prepl-demo` on a terminal: a fleet, a prompt for it, and nothing left behind.

use prepl_tests::{Key, Terminal};

#[test]
fn the_demo_opens_a_prompt_for_its_fleet() {
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(env!("CARGO_BIN_EXE_prepl-demo"), (30, 100), |demo| {
        let demo = demo.env("XDG_STATE_HOME", state.path()).env("TMPDIR", state.path());
        demo.args(["--replicas", "3"])
    });
    terminal.shows("Leaving the prompt ends them all.");
    terminal.until("prompt", |screen| screen.ends_with("\napi×3=>"));
    terminal.enter("(map (lambda (x)");
    terminal.enter("  (* 2 x)) '(1 2))");
    terminal.until("answer", |screen| {
        screen.contains("● 3/3 same   (2 4)\n") && screen.ends_with("api×3=>")
    });
    terminal.press(Key::Control('d'));
    assert_eq!(terminal.ended(), Some(0));
    let left = std::fs::read_dir(state.path()).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["prepl"], "the fleet's folder is gone, the history is kept");
}
