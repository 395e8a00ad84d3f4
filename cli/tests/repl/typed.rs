//! A prompt over the sidecar's own Rhai: what is typed, answered, interrupted, kept.

use std::os::unix::fs::PermissionsExt as _;

use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::{App, Key, in_time};

use crate::fleet::Fleet;
use crate::screens::compare;

fn has(screen: &str, text: &str) {
    assert!(screen.contains(text), "no {text} on the screen:\n{screen}");
}

#[test]
fn a_text_goes_on_until_its_brackets_are_closed() {
    let fleet = Fleet::of_rhai(2);
    let prompt = fleet.prompt(&[]);
    has(&prompt.0.screen(), "2 replicas · rhai ");
    prompt.send("fn twice(x) {");
    prompt.send("  x * 2;  // }");
    has(&prompt.ask("}"), "● 2/2 same   ()\napi×2=>");
    prompt.send("[1,");
    prompt.write("3 - 1]");
    assert!(!prompt.0.screen().contains("[1, 2]"), "it was not sent yet");
    prompt.0.press(Key::Enter);
    has(&prompt.is_back(), "● 2/2 same   [1, 2]");
    assert_eq!(prompt.leave(), Some(0));
}

#[test]
fn what_is_typed_ahead_is_not_lost() {
    let fleet = Fleet::of_rhai(1);
    let prompt = fleet.prompt(&[]);
    prompt.0.write("20 + 1\r20 + 2\r20 + 3\r");
    prompt.0.until("three answers", |screen| {
        ["\n21", "\n22", "\n23\napi-1=>"].iter().all(|answer| screen.contains(answer))
    });
}

#[test]
fn the_history_is_kept_for_the_next_time_but_for_what_begins_with_a_space() {
    let fleet = Fleet::of_rhai(1);
    let mut prompt = fleet.prompt(&[]);
    prompt.send("[1,");
    has(&prompt.ask("2]"), "\n[1, 2]\n");
    has(&prompt.ask(" 77"), "\n77\n");
    prompt.send(":quit");
    assert_eq!(prompt.0.ended(), Some(0));
    let kept: Vec<_> = std::fs::read_dir(fleet.state().join("history")).unwrap().collect();
    let [Ok(file)] = &kept[..] else { panic!("one fleet: {kept:?}") };
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(file.path()).unwrap().contains("77"));
    let prompt = fleet.prompt(&[]);
    prompt.0.press(Key::Up);
    prompt.0.shows("=> :quit");
    prompt.0.press(Key::Up);
    prompt.0.shows("=> [1,\n2]");
    prompt.0.press(Key::Enter);
    has(&prompt.is_back(), "\n[1, 2]\n");
}

#[test]
fn answers_that_differ_are_folded_and_told_one_by_one() {
    let fleet = Fleet::of_rhai(3);
    let prompt = fleet.prompt(&[]);
    prompt.ask("let size = 40212");
    has(&prompt.ask(":w zone=c"), "1 of 3 replicas: api-3\napi-3=>");
    prompt.ask("size = 39870");
    has(&prompt.ask(":w"), "3 replicas: api-1, api-2, api-3\napi×3=>");
    compare("differ", &prompt.ask("#{gen: 118, size: size}"));
    has(&prompt.ask(":all"), "api-3    ok     118    39870");
    has(&prompt.ask(":diff"), "+39870");
    has(&prompt.ask(":save before"), "saved/before.json\n");
    let saved = std::fs::read_to_string(fleet.state().join("saved/before.json")).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&saved).unwrap();
    assert_eq!(saved["results"].as_array().unwrap().len(), 3);
    has(&prompt.ask(":save before"), "hint: nothing is overwritten");
    has(&prompt.ask(":w zone=d"), "error: no member is zone=d");
    has(&prompt.ask(":w 'api-1' api-3"), "2 of 3 replicas: api-1, api-3\napi×2=>");
    prompt.ask(":w");
    has(&prompt.ask("1"), "● 3/3 same   1");
}

#[test]
fn what_a_running_evaluation_prints_comes_at_once() {
    let fleet = Fleet::of_rhai(2);
    let prompt = fleet.prompt(&[]);
    prompt.send("print(\"step 1\"); loop {}");
    prompt.0.until("both lines while it runs", |screen| {
        ["\napi-1 out │ step 1\n", "\napi-2 out │ step 1\n"]
            .iter()
            .all(|line| screen.contains(line))
            && screen.contains("0/2")
    });
    prompt.0.press(Key::Control('c'));
    let screen = prompt.is_back();
    assert_eq!(screen.matches("│ step 1").count(), 2, "{screen}");
    has(&prompt.ask(":all"), "\napi-1\nout │ step 1\n\napi-2\nout │ step 1\n");
}

#[test]
fn control_c_interrupts_and_clears() {
    let fleet = Fleet::of_rhai(3);
    let prompt = fleet.prompt(&[]);
    prompt.write("no such th");
    prompt.0.press(Key::Control('c'));
    prompt.is_back();
    prompt.send("loop {}");
    prompt.0.shows("0/3");
    prompt.0.press(Key::Control('c'));
    let screen = prompt.is_back();
    has(&screen, "stopped  interrupted");
    compare("interrupt", &screen);
    has(&prompt.ask("40 + 2"), "● 3/3 same   42");
}

#[test]
fn an_evaluation_that_does_not_stop_is_left_and_can_be_asked_for_again() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(App::start());
    let fleet = Fleet::of(vec![Endpoint::Nrepl(app.address)]);
    let prompt = fleet.prompt(&[]);
    prompt.send("1");
    runtime.block_on(app.until_begun());
    prompt.0.shows("0/1");
    prompt.0.press(Key::Control('c'));
    has(&prompt.is_back(), "stopped  interrupted");
    has(&prompt.ask(":recall"), "interrupted");
    assert_eq!(app.evaluations(), 1);
    assert_eq!(prompt.leave(), Some(0));
}

#[test]
fn the_session_ends_on_the_replicas_when_the_user_leaves() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(App::start());
    app.release();
    let fleet = Fleet::of(vec![Endpoint::Nrepl(app.address)]);
    let prompt = fleet.prompt(&[]);
    has(&prompt.ask("x"), "\n1\nuser api-1=>");
    assert_eq!(prompt.leave(), Some(0));
    runtime.block_on(in_time(app.until_closed(1)));
}

#[test]
fn a_second_control_c_leaves_what_is_unknown_then() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let deaf = runtime.block_on(App::deaf());
    let fleet = Fleet::of(vec![Endpoint::Nrepl(deaf.address), Endpoint::Rhai]);
    let prompt = fleet.prompt(&[]);
    has(&prompt.0.screen(), "mixed: a runtime of no name ×1, rhai ");
    prompt.send("1");
    prompt.0.shows("1/2");
    prompt.0.press(Key::Control('c'));
    prompt.0.shows("Ctrl-C again to leave");
    prompt.0.press(Key::Control('c'));
    let screen = prompt.is_back();
    has(&screen, "prepl left before the replica told its end");
    has(&screen, "it may have run: do not repeat it blindly");
    has(&screen, "run nothing: :recall   (request ");
    assert_eq!(prompt.leave(), Some(0));
}

#[test]
fn a_terminal_that_is_made_smaller_shows_the_same_text() {
    let fleet = Fleet::of_rhai(2);
    let prompt = fleet.prompt(&[]);
    let text = "[1111111111, 2222222222, 3333333333, 4444444444, 5555555555]";
    prompt.write(text);
    prompt.0.resize(24, 40);
    let cut = format!("=> {text}");
    // What is on the screen is cut by the terminal, and drawn anew in two rows.
    prompt.0.until("wrapped text", |screen| screen.ends_with(&cut));
    assert_eq!(prompt.0.cursor(), (2, (cut.chars().count() + "api×2".chars().count()) as u16 - 40));
    prompt.0.press(Key::Enter);
    has(&prompt.is_back(), "● 2/2 same   [1111111111");
}

#[test]
fn members_that_come_and_go_are_told_above_what_is_typed() {
    let mut fleet = Fleet::of_rhai(2);
    let prompt = fleet.prompt(&[]);
    prompt.write("40 +");
    fleet.add(Endpoint::Rhai);
    prompt.0.shows("· api-3 joined; 3 replicas now\napi×2=> 40 +");
    has(&prompt.ask(" 2"), "● 3/3 same   42\napi×3=>");
    fleet.remove("api-1");
    compare("members", &prompt.0.shows("api-1 left; 2 replicas now\napi×3=>"));
    has(&prompt.ask("1"), "● 2/2 same   1\napi×2=>");
}

#[test]
fn state_that_is_lost_is_told() {
    let mut fleet = Fleet::of_rhai(1);
    let mut fickle = fleet.add_restartable();
    let prompt = fleet.prompt(&[]);
    prompt.ask("let x = 41");
    fleet.restart(&mut fickle);
    let screen = prompt.ask("x");
    has(&screen, "state lost on api-2");
    compare("lost", &screen);
}

#[test]
fn what_the_prompt_can_do_is_on_one_screen() {
    let fleet = Fleet::of_rhai(2);
    let prompt = fleet.prompt(&[]);
    prompt.write(":he");
    prompt.0.press(Key::Tab);
    prompt.0.shows("=> :help");
    prompt.0.press(Key::Enter);
    let screen = prompt.is_back();
    has(&screen, "=> :help\n");
    compare("help", &screen);
    has(&prompt.ask(":members"), "NAME   ZONE");
    has(&prompt.ask(":read-only on"), "\nread-only\n");
    has(&prompt.ask(":read-only"), "=> :read-only\nread-only\n");
    has(&prompt.ask(":timeout 5s"), "=> :timeout 5s\nan evaluation may take 5 s\napi×2=>");
    has(&prompt.ask(":who"), " · read-only\napi-1, api-2\nan evaluation may take 5 s\n");
    has(&prompt.ask(":ns"), "no namespace is known");
    has(&prompt.ask(":wh"), "error: there is no command :wh\nhint: :help shows all");
}

#[test]
fn answers_that_go_to_a_file_are_not_mixed_with_the_prompt() {
    let fleet = Fleet::of_rhai(2);
    let file = fleet.state().with_file_name("answers");
    let prompt = fleet.prompt_into(&file);
    has(&prompt.ask("40 + 2"), "api×2=> 40 + 2\napi×2=>");
    assert_eq!(prompt.leave(), Some(0));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "● 2/2 same   42\n");
}

#[test]
fn no_colour_is_written_where_none_is_wanted() {
    let fleet = Fleet::of_rhai(2);
    let prompt = fleet.prompt(&["--color", "never"]);
    has(&prompt.ask("[\"a\", 1]"), "● 2/2 same   [\"a\", 1]");
    assert!(!prompt.0.is_coloured());
    assert!(fleet.prompt(&[]).0.is_coloured());
}
