//! What `prepl audit` tells of what went through a tunnel.

use crate::logged::{Logged, told};
use serde_json::Value;

#[test]
fn the_list_has_a_line_for_each_thing_that_was_said() {
    let logged = Logged::of_a_tunnel();
    insta::assert_snapshot!(told(&logged.audit(&["list"]), 0).0, @r#"
    TIME                  USER  WHAT    WHERE                   OUTCOME            ID        EXPRESSION
    2026-03-01T09:30:01Z  otto  attach  shop/deployment/api ×2  99 B to, 7 B from  02000000
    2026-03-01T09:30:02Z  otto  said    shop/deployment/api ×2  load-file          02000000  (login "***")
    2026-03-01T09:30:03Z  otto  said    shop/deployment/api ×2  interrupt          02000000
    2026-03-01T09:30:04Z  otto  said    shop/deployment/api ×2  text               02000000  (inc 1)\n(inc 2)\n
    2026-03-01T09:30:05Z  otto  said    shop/deployment/api ×2  2.0 KiB unread     02000000
    "#);
}

#[test]
fn programs_get_the_op_and_the_code() {
    let logged = Logged::of_a_tunnel();
    let (lines, _) = told(&logged.audit(&["list", "-o", "jsonl", "--user", "otto"]), 0);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [tunnel, load, interrupt, text, raw] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&tunnel["what"], &tunnel["bytes_from_replica"]), (&"attach".into(), &7.into()));
    assert!(lines[1..].iter().all(|line| line["what"] == "said" && line["run"].is_null()));
    assert!(lines.iter().all(|line| line["request"] == tunnel["request"]), "{lines:?}");
    assert_eq!(
        (&load["op"], &load["expression"]),
        (&"load-file".into(), &"(login \"***\")".into())
    );
    assert_eq!((&interrupt["op"], &interrupt["expression"]), (&"interrupt".into(), &Value::Null));
    assert_eq!((&text["op"], &text["expression"]), (&Value::Null, &"(inc 1)\n(inc 2)\n".into()));
    assert_eq!((&raw["expression"], &raw["bytes_to_replica"]), (&Value::Null, &2000.into()));
}

#[test]
fn a_tunnel_is_shown_with_all_that_went_through_it() {
    let logged = Logged::of_a_tunnel();
    let (shown, _) = told(&logged.audit(&["show", "02000000"]), 0);
    let parts: Vec<&str> = shown.split("\n\n").collect();
    assert_eq!(parts.len(), 7, "{shown}");
    insta::assert_snapshot!(logged.masked(parts[1]), @r#"
    log #3  attach_said
    time        2026-03-01T09:30:02.000Z
    request     02000000000000000000000000000000
    place       0
    user        otto (uid 1234)
    access      shop/prepl-otto (uid u-otto)
    bytes       2.0 KiB
    aside       12 times eldoc
    op          load-file
    session     s-1
    namespace   shop.core
    file        src/shop/core.clj
    message     sha256 HASH
    sha256      HASH before redaction
    redacted    1 times
    │ (login "***")
    replicas    2, sha256 HASH
    REPLICA     WORKLOAD        NODE    UID
    shop/api-1  deployment/api  node-1  uid-of-api-1
    shop/api-2  deployment/api  node-1  uid-of-api-2
    chain       CHAIN
    hash        HASH
    "#);
    assert!(parts[3].contains("│ (inc 1)\n│ (inc 2)"), "{shown}");
    assert!(logged.masked(parts[4]).contains("unread      sha256 HASH"), "{shown}");
    assert!(!shown.contains("hunter2"));
    let by_number = told(&logged.audit(&["show", "#4"]), 0).0;
    assert_eq!(by_number, shown, "by something that was said");
}
