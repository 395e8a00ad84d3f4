//! `prepl audit verify`: each change of a log is told apart in words, and hostile logs do no harm.

use crate::logged::{Logged, told};

/// What verify says of a log that it finds a fault in.
fn fault(logged: &Logged) -> String {
    told(&logged.verify(), 9).0
}

fn without_line(text: &str, number: usize) -> String {
    let lines = text.split_inclusive('\n').enumerate();
    lines.filter(|(place, _)| *place != number).map(|(_, line)| line).collect()
}

#[test]
fn a_whole_log_is_said_to_be_whole() {
    let logged = Logged::of_runs(6, 2000);
    insta::assert_snapshot!(logged.masked(&told(&logged.verify(), 0).0), @r"
    log  chain CHAIN  whole
      4 files, 12 records up to number 11, 2026-03-01T09:30:00.000Z to 2026-03-01T09:30:07.000Z
      1 checkpoint agrees, up to its last record
    ");
    let (alone, _) = told(&logged.audit(&["verify"]), 0);
    assert!(
        alone.contains("no checkpoint is known: that its end is there, nothing tells"),
        "{alone}"
    );
}

#[test]
fn an_edited_record_is_named_by_file_and_line() {
    let logged = Logged::of_runs(6, 1 << 20);
    logged.edit(0, |text| text.replacen("mira", "noel", 1));
    insta::assert_snapshot!(logged.masked(&fault(&logged)), @r"
    log  chain CHAIN  NOT WHOLE
      1 file, 2 records up to number 1, 2026-03-01T09:30:00.000Z to 2026-03-01T09:30:00.000Z
      audit-00000000000000000000.jsonl line 3: it was edited: its hash is of other bytes
      this line was changed after it was written; 2 records before it are in place
      no checkpoint vouches for what is before it
    ");
}

#[test]
fn every_way_to_tamper_has_words_of_its_own() {
    type Tamper = fn(&Logged);
    let cases: [(&str, Tamper); 7] = [
        ("records 3 to 3 are missing before it", |log| {
            log.edit(0, |text| without_line(&text, 3));
        }),
        ("records were reordered or repeated", |log| {
            log.edit(0, |text| {
                let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
                lines.swap(2, 3);
                lines.concat()
            });
        }),
        ("it is of another chain, file or history", |log| {
            let other = Logged::of_runs(2, 1 << 20);
            let others = std::fs::read_to_string(&other.files()[0]).unwrap();
            let line = others.lines().nth(2).unwrap().to_owned();
            log.edit(0, |text| text.replacen(text.lines().nth(2).unwrap(), &line, 1));
        }),
        ("it is no audit record", |log| {
            log.edit(0, |text| text.replacen("{\"body\"", "{\"BODY\"", 1))
        }),
        ("a checkpoint knows record 8", |log| log.edit(0, |text| without_line(&text, 8))),
        ("a checkpoint knows record 8", |log| {
            std::fs::remove_file(&log.files()[0]).unwrap();
        }),
        ("it was edited: its hash is of other bytes", |log| {
            log.edit(0, |text| text.replacen("09:30:05", "09:30:06", 1));
        }),
    ];
    for (words, tamper) in cases {
        let logged = Logged::of_runs(6, 1 << 20);
        tamper(&logged);
        let told = fault(&logged);
        assert!(told.contains(words) && told.contains("NOT WHOLE"), "{words:?} is not in {told}");
    }
}

#[test]
fn checkpoints_that_are_forged_or_broken_are_told() {
    let logged = Logged::of_runs(2, 1 << 20);
    let other = Logged::of_runs(2, 1 << 20);
    let checkpoints = logged.checkpoints();
    let path = checkpoints.to_str().unwrap();
    let (own, foreign) = (logged.key.public().to_string(), other.key.public().to_string());
    let verify = |key: &str, code| {
        told(&logged.audit(&["verify", "--checkpoints", path, "--key", key]), code)
    };
    assert!(verify(&foreign, 9).0.contains("not of the key that was given"));
    std::fs::write(path, "{}\n").unwrap();
    assert!(verify(&own, 9).0.contains("it is no checkpoint"));
    verify("12", 2);
    told(&logged.audit(&["verify", "--checkpoints", path]), 2);
    let (_, errors) = told(&logged.audit(&["verify", "--key", &own]), 2);
    assert!(errors.contains("--checkpoints FILE"), "{errors}");
    std::fs::remove_file(path).unwrap();
    verify(&own, 1);
}

#[test]
fn a_log_whose_oldest_files_are_gone_is_whole_from_there() {
    let logged = Logged::of_runs(6, 2000);
    std::fs::remove_file(&logged.files()[0]).unwrap();
    let (answers, _) = told(&logged.verify(), 0);
    assert!(answers.contains("are not here: their files went by age"), "{answers}");
}

#[test]
fn hostile_logs_are_told_in_one_line() {
    let deep = format!("{}{}\n", "[".repeat(200_000), "]".repeat(200_000));
    let huge = "x".repeat(17 << 20);
    let escapes = "\x1b[2J\u{202e}{}\n".to_owned();
    for text in [deep, huge, escapes] {
        let logged = Logged::of_runs(2, 1 << 20);
        logged.edit(0, |log| log + text.as_str());
        let (answers, errors) = told(&logged.audit(&["verify"]), 9);
        assert!(
            answers.len() < 1000 && !answers.contains('\x1b') && errors.is_empty(),
            "{answers}"
        );
        assert!(answers.contains("line 6: it is no audit record"), "{answers}");
        let (listed, errors) = told(&logged.audit(&["list", "--no-headers"]), 0);
        assert!(listed.lines().count() == 2 && errors.lines().count() == 1, "{listed}{errors}");
    }
}

#[test]
fn an_incomplete_end_is_no_fault() {
    let logged = Logged::of_runs(2, 1 << 20);
    logged.edit(0, |log| log + "{\"body\":");
    let (answers, _) = told(&logged.verify(), 0);
    assert!(answers.contains("8 bytes at the end are no whole record"), "{answers}");
}
