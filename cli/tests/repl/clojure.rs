//! A prompt for three JVMs, two with nREPL and one with a plain socket REPL.

use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::Key;
use prepl_tests::jvm::Jvm;

use crate::fleet::Fleet;
use crate::screens::compare;

/// The fleet, and the JVMs behind it.
fn fleet() -> Option<(Fleet, [Jvm; 3])> {
    let many = |protocol| Jvm::start(&[protocol, "0", "--sessions", "344"]);
    let few = Jvm::start(&["--nrepl", "0", "--sessions", "291"])?;
    let jvms = [many("--nrepl")?, many("--socket")?, few];
    let repls = vec![
        Endpoint::Nrepl(jvms[0].addresses("nrepl")[0]),
        Endpoint::Clojure(jvms[1].addresses("socket")[0]),
        Endpoint::Nrepl(jvms[2].addresses("nrepl")[0]),
    ];
    Some((Fleet::of(repls), jvms))
}

fn has(screen: &str, text: &str) {
    assert!(screen.contains(text), "no {text} on the screen:\n{screen}");
}

#[test]
fn a_conversation_with_real_clojure() {
    let Some((fleet, _jvms)) = fleet() else { return };
    let prompt = fleet.prompt(&[]);
    has(&prompt.0.screen(), "3 replicas · clojure 1.");
    has(&prompt.ask("(in-ns 'session-store.core)"), "session-store.core api×3=>");
    has(&prompt.ask("(version)"), "● 3/3 same   \"1.4.2\"");
    has(&prompt.ask("(count-sessions)"), "next           :w api-3");
    has(&prompt.ask(":w api-3"), "session-store.core api-3=>");
    let screen = prompt.ask("(- 344 *1)");
    has(&screen, "\n53\n");
    compare("first", &screen);
    prompt.ask(":w");
    prompt.send("(map");
    prompt.send("  inc");
    has(&prompt.ask("  [1 2])"), "● 3/3 same   (2 3)");
    has(&prompt.ask("(/ 1 0)"), "✗ raised");
    has(&prompt.ask(":members"), "\nnamespace  session-store.core\n");
    has(&prompt.ask("(str (ex-message *e) \"!\")"), "● 3/3 same   \"Divide by zero!\"");
    assert_eq!(prompt.leave(), Some(0));
}

#[test]
fn names_are_completed_with_how_many_replicas_know_them() {
    let Some((fleet, _jvms)) = fleet() else { return };
    let prompt = fleet.prompt(&[]);
    prompt.ask(":w api-3");
    has(&prompt.ask("(defn count-lost [] 0)"), "#'user/count-lost");
    prompt.ask(":w");
    prompt.write("(count-s");
    prompt.0.press(Key::Tab);
    prompt.0.shows("=> (count-sessions");
    prompt.0.press(Key::Control('u'));
    prompt.is_back();
    prompt.write("(count-");
    prompt.0.press(Key::Tab);
    compare(
        "complete",
        &prompt.0.until("candidates", |screen| {
            screen.contains("count-lost (1 of 3)") && screen.ends_with("=> (count-")
        }),
    );
}

#[test]
fn an_evaluation_is_interrupted_and_the_session_goes_on() {
    let Some((fleet, _jvms)) = fleet() else { return };
    let prompt = fleet.prompt(&[]);
    has(&prompt.ask("(def x 42)"), "user api×3=>");
    prompt.send("(Thread/sleep 600000)");
    prompt.0.shows("0/3");
    prompt.0.press(Key::Control('c'));
    has(&prompt.is_back(), "stopped  interrupted");
    has(&prompt.ask("x"), "● 3/3 same   42");
}

#[test]
fn what_was_shown_while_it_ran_is_not_repeated() {
    let Some((fleet, _jvms)) = fleet() else { return };
    let prompt = fleet.prompt(&[]);
    let gate = fleet.state().with_file_name("gate");
    let wait = format!("(while (not (.exists (java.io.File. {gate:?}))) (Thread/sleep 20))");
    prompt.send("(do (println \"step\" 1)");
    prompt.send(&wait);
    prompt.send("1)");
    for name in ["api-1", "api-2", "api-3"] {
        prompt.0.shows(&format!("\n{name} out │ step 1\n"));
    }
    std::fs::write(gate, "").unwrap();
    let screen = prompt.is_back();
    has(&screen, "\n● 3/3 same   1\n");
    assert_eq!(screen.matches("│ step 1").count(), 3, "{screen}");
    has(&prompt.ask(":all"), "\napi-2\nout │ step 1\n");
}

#[test]
fn forms_from_a_pipe_are_answered_one_by_one() {
    let Some((fleet, _jvms)) = fleet() else { return };
    let mut command = fleet.command();
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&script, "(def x 1) (inc x)\n; no form\n(str\n  *1)\n").unwrap();
    command.args(["repl", "-l", "app=api"]).stdin(script.reopen().unwrap());
    let output = command.output().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = answers.lines().collect();
    let expected = ["● 3/3 same   #'user/x", "● 3/3 same   2", "● 3/3 same   \"2\""];
    assert_eq!(lines, expected, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0));
}
