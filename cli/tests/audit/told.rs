//! `prepl audit list`, `show` and `export` over real logs.

use crate::logged::{Logged, audit, told};
use serde_json::Value;

fn list(logged: &Logged, args: &[&str]) -> String {
    told(&logged.audit(&[&["list"], args].concat()), 0).0
}

fn lines(logged: &Logged, args: &[&str]) -> usize {
    list(logged, &[&["--no-headers"], args].concat()).lines().count()
}

#[test]
fn the_list_has_a_line_for_whatever_somebody_did() {
    insta::assert_snapshot!(list(&Logged::with_all(), &[]), @r#"
    TIME                  USER  WHAT              WHERE                   OUTCOME                    ID        EXPRESSION
    2026-03-01T09:30:01Z  otto  approval          -                       of shop/prepl-mira         -
    2026-03-01T09:30:02Z  mira  eval              shop/deployment/api ×2  1 ok, 1 unknown            00000001  (login "***")\n(count-sessions)
    2026-03-01T09:30:04Z  otto  attach            shop/deployment/api ×2  1.2 KiB to, 64.0 KiB from  02000000
    2026-03-01T09:30:06Z  noel  denied eval       shop/deployment/api ×2  no role allows it          03000000  (exit)
    2026-03-01T09:30:07Z  otto  break-glass       -                       -                          -
    2026-03-01T09:30:08Z  otto  break-glass eval  shop/deployment/api ×2  no outcome recorded        00000004  load shop/core.clj
    2026-03-01T09:30:09Z  mira  read              shop/deployment/api ×2  no outcome recorded        00000005  (version)
    "#);
}

#[test]
fn wide_has_the_rest() {
    let wide = list(&Logged::with_all(), &["-o", "wide"]);
    let head = wide.lines().next().unwrap();
    for word in ["REQUEST", "ACCESS", "TICKET", "LOG", "SEQ", "REASON"] {
        assert!(head.contains(word), "{wide}");
    }
    for word in ["02000000000000000000000000000000", "shop/prepl-mira", "INC-7", "all is down"] {
        assert!(wide.contains(word), "{word} is not in {wide}");
    }
}

#[test]
fn filters_leave_entries_out() {
    let logged = Logged::with_all();
    assert_eq!(lines(&logged, &[]), 7);
    assert_eq!(lines(&logged, &["--user", "mira"]), 2);
    assert_eq!(lines(&logged, &["--denied"]), 1);
    assert_eq!(lines(&logged, &["--run", "00000005"]), 1);
    assert_eq!(lines(&logged, &["--user", "mira", "--denied"]), 0);
    // The log is of the past.
    let (answers, errors) = told(&logged.audit(&["list", "--since", "1m"]), 0);
    assert_eq!((answers.as_str(), errors.as_str()), ("", "nothing of it is recorded\n"));
    assert_eq!(lines(&logged, &["--since", "36500d"]), 7);
}

#[test]
fn programs_get_json() {
    let logged = Logged::with_all();
    let document: Value = serde_json::from_str(&list(&logged, &["-o", "json"])).unwrap();
    let entries = document["entries"].as_array().unwrap();
    let run = entries.iter().find(|entry| entry["run"] == "00000001").unwrap();
    assert_eq!((&run["outcomes"]["ok"], &run["outcomes"]["unknown"]), (&1.into(), &1.into()));
    assert_eq!((&run["user"], &run["replicas"]), (&"mira".into(), &2.into()));
    assert_eq!(run["expression"], "(login \"***\")\n(count-sessions)");
    let open = entries.iter().find(|entry| entry["run"] == "00000004").unwrap();
    assert_eq!((&open["outcomes"], &open["break_glass"]), (&Value::Null, &true.into()));
    let lines = list(&logged, &["-o", "jsonl"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["kind"]), (entries.len(), &"entry".into()));
    let error = told(&audit(&logged.place.path().join("none"), &["list", "-o", "json"]), 1).0;
    let error: Value = serde_json::from_str(&error).unwrap();
    assert_eq!(error["error"]["exit_code"], 1);
}

#[test]
fn one_run_is_shown_in_full() {
    let logged = Logged::with_all();
    let (shown, _) = told(&logged.audit(&["show", "00000001"]), 0);
    insta::assert_snapshot!(logged.masked(&shown), @r#"
    log #2  approval
    time        2026-03-01T09:30:01.000Z
    user        otto (uid 1234)
    access      shop/prepl-otto (uid u-otto)
    of          shop/prepl-mira (uid u-mira)
    shown       sha256 HASH
    chain       CHAIN
    hash        HASH

    log #3  intent
    time        2026-03-01T09:30:02.000Z
    run         00000001
    request     01000000000000000000000000000000
    user        mira (uid 1234)
    access      shop/prepl-mira (uid u-mira)
    mode        read-write
    reason      queue is stuck
    right       eval on shop/deployment/api
    policy      ReplPolicy shop/office-hours
    sha256      HASH before redaction
    redacted    1 times
    │ (login "***")
    │ (count-sessions)
    replicas    2, sha256 HASH
    REPLICA     WORKLOAD        NODE    UID
    shop/api-1  deployment/api  node-1  uid-of-api-1
    shop/api-2  deployment/api  node-1  uid-of-api-2
    chain       CHAIN
    hash        HASH

    log #4  outcome
    time        2026-03-01T09:30:03.000Z
    run         00000001
    REPLICA     CLASS    TIME   OUTPUT  VALUES  WHY                             SHA256
    shop/api-1  ok       12 ms  5 B     1       -                               HASH
    shop/api-2  unknown  0 ms   0 B     0       no word of the end within 30 s  -
    chain       CHAIN
    hash        HASH
    "#);
}

#[test]
fn a_matter_is_found_by_any_of_its_names() {
    let logged = Logged::with_all();
    let heads = |id: &str| {
        let (shown, _) = told(&logged.audit(&["show", id]), 0);
        let heads = shown.lines().filter(|line| line.starts_with("log #"));
        heads.map(|head| head.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // What was said of the access request that was used belongs to it.
    let about = ["attach_opened", "attach_closed", "break_glass"];
    assert_eq!(heads("02000000"), about);
    assert_eq!(heads("02000000000000000000000000000000"), about);
    assert_eq!(heads("03000000"), ["denied"]);
    assert_eq!(heads("4"), ["approval", "intent", "outcome"], "by an outcome");
    assert_eq!(heads("#6"), about, "by an end");
    assert_eq!(heads("0"), ["chain"]);
    told(&logged.audit(&["show", "7Q4K9ABC"]), 3);
    told(&logged.audit(&["show", "no such name"]), 2);
}

#[test]
fn the_file_of_an_expression_is_shown() {
    let logged = Logged::with_all();
    let shown = |id| told(&logged.audit(&["show", id]), 0).0;
    let (whole, placed) = (shown("00000004"), shown("00000005"));
    assert!(whole.contains("\nfile        shop/core.clj, loaded as a whole\n"), "{whole}");
    assert!(placed.contains("\nfile        shop/core.clj:12:3\n"), "{placed}");
    assert!(!shown("00000001").contains("\nfile "));
}

#[test]
fn shown_as_json_are_the_records_as_they_stand() {
    let logged = Logged::with_all();
    let (shown, _) = told(&logged.audit(&["show", "-o", "json", "00000004"]), 0);
    let document: Value = serde_json::from_str(&shown).unwrap();
    let records = document["logs"][0]["records"].as_array().unwrap();
    let text = std::fs::read_to_string(&logged.files()[0]).unwrap();
    let stored: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = records.iter().map(|record| record["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["break_glass", "intent"]);
    assert!(records.iter().all(|record| stored.contains(record)));
}

#[test]
fn an_export_is_the_log_as_it_is_stored() {
    let logged = Logged::of_runs(6, 2000);
    let stored: String =
        logged.files().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(logged.files().len() > 1);
    assert_eq!(told(&logged.audit(&["export"]), 0).0, stored);
    let (events, _) = told(&logged.audit(&["export", "--format", "ocsf"]), 0);
    assert_eq!(events.lines().count(), 6);
    let event: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&event["class_uid"], &event["actor"]["user"]["name"]),
        (&1009.into(), &"mira".into())
    );
}

#[test]
fn a_log_that_is_not_whole_is_shown_with_a_warning_and_exported_to_its_fault() {
    let logged = Logged::with_all();
    logged.edit(0, |text| text.replace("noel", "nobody"));
    let (answers, errors) = told(&logged.audit(&["list"]), 0);
    assert!(errors.starts_with("warning: log is not whole from audit-"), "{errors}");
    assert!(answers.contains("nobody") && answers.contains("(version)"), "{answers}");
    let (answers, errors) = told(&logged.audit(&["export"]), 9);
    assert!(errors.contains("it was edited") && !answers.contains("nobody"), "{errors}");
    assert!(answers.contains("attach_closed"), "{answers}");
}

#[test]
fn nothing_that_a_log_tells_drives_a_terminal() {
    let logged = Logged::with_all();
    logged.edit(0, |text| text.replace("noel", "no\\u001b[2Jel\u{202e}"));
    for args in
        [&["list"][..], &["list", "-o", "wide"], &["list", "-o", "json"], &["show", "03000000"]]
    {
        let (answers, errors) = told(&logged.audit(args), 0);
        let bad = |c: char| c == '\x1b' || c == '\u{202e}';
        assert!(!answers.contains(bad) && !errors.contains(bad), "{args:?}: {answers}");
        assert!(
            answers.contains("no\\x1b[2Jel") || answers.contains("no\\u001b[2Jel"),
            "{answers}"
        );
    }
}

#[test]
fn several_logs_in_one_folder_are_read_together() {
    let (one, two) = (Logged::of_runs(2, 1 << 20), Logged::with_all());
    let both = tempfile::tempdir().unwrap();
    std::fs::rename(one.folder(), both.path().join("gateway-0")).unwrap();
    std::fs::rename(two.folder(), both.path().join("gateway-1")).unwrap();
    let (answers, _) = told(&audit(both.path(), &["list", "-o", "wide", "--no-headers"]), 0);
    assert_eq!(answers.lines().count(), 9);
    assert!(answers.contains("gateway-0") && answers.contains("gateway-1"), "{answers}");
    let times: Vec<_> = answers.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(times.is_sorted(), "{answers}");
}

#[test]
fn where_there_is_no_log_it_is_said() {
    let empty = tempfile::tempdir().unwrap();
    let (_, errors) = told(&audit(empty.path(), &["list"]), 3);
    assert!(errors.starts_with("error: there is no audit log\nhint: "), "{errors}");
}
