//! Screens over made-up answers, and that no hostile text passes in any form.

use prepl_core::report::Stopped;
use prepl_core::{
    Answer, Class, Digest, Done, Event, ExitCode, Outcome, Reason, Refusal, Replica, ReplicaIndex,
    Report, Selection, Stream, Value,
};
use prepl_fold::Comparison;
use proptest::prelude::*;

use super::example::{self, api_fleet, ended, ok, printing, raised, replica, results};
use super::{
    Format, Results, View,
    closing::{Reader, closing},
    finished,
    page::Seat,
    safe, stream,
};

const VIEW: View = View { colour: false, on_terminal: false, max_groups: 10, seat: Seat::Shell };

fn fold(results: &Results) -> String {
    show(Format::Fold, results)
}

fn show(format: Format, results: &Results) -> String {
    finished(format, results, results.exit_code(false), VIEW)
}

fn reason(text: &str) -> Reason {
    Reason::new(text)
}

fn two_versions() -> Results {
    let old = ["api-5d2b1-k9x2p", "api-5d2b1-wq7rt"].map(|name| replica(name, "2.40.3", 2));
    let mut replicas = api_fleet(10);
    replicas.splice(0..0, old);
    let answers = (0..12).map(|place| match place {
        0 | 1 => ok("{:gen 117, :size 39870, :ttl 300}"),
        _ => ok("{:gen 118, :size 40212, :ttl 300}"),
    });
    results(replicas, answers.collect())
}

fn partial_failure() -> Results {
    let unknown = "no answer in 30 s, interrupt not confirmed";
    let answers = (0..24).map(|place| match place {
        0..=3 => ok("{:released 0}"),
        4 => ok("{:released 3}"),
        5 => raised("java.sql.SQLTransientConnectionException", "pool timeout"),
        6 => ended(Outcome::unknown(unknown)),
        7 => ended(Outcome::Unreachable(reason("connection refused"))),
        8 => ended(Outcome::Refused(Refusal::Limit(reason("the queue is full")))),
        _ => ended(Outcome::NotStarted(reason("the run was stopped before"))),
    });
    let mut results = results(api_fleet(24), answers.collect());
    results.summary.stopped = Some(Stopped::Interrupted);
    results
}

#[test]
fn all_the_same_is_two_lines() {
    let results = results(api_fleet(12), (0..12).map(|_| ok("true")).collect());
    insta::assert_snapshot!(fold(&results), @r"
    ● 12/12 same
    true
    ");
    insta::assert_snapshot!(closing(&results, Reader::There, false), @r"

    api · 12 replicas · v2.41.0 · zones a4 b4 c4
    12 ok                    p50 13 ms   max 19 ms   skew 11 ms   run 7Q4K2BBC
    ");
    assert_eq!(results.exit_code(true), ExitCode::Ok);
}

#[test]
fn answers_that_differ_are_explained() {
    let results = two_versions();
    insta::assert_snapshot!(fold(&results), @r"
    ◐ 2 answers from 12 replicas

    A  10 replicas   v2.41.0   zones a4 b3 c3                        majority
    {:gen 118, :size 40212, :ttl 300}

    B   2 replicas   v2.40.3   zone c                                differs
       api-5d2b1-k9x2p  api-5d2b1-wq7rt
         :gen   118 → 117
         :size  40212 → 39870

    split follows  version exactly   (also: node n-2: B and 2 more)
    next           prepl exec -n shop '^(api-5d2b1-k9x2p|api-5d2b1-wq7rt)$' …
    ");
    insta::assert_snapshot!(closing(&results, Reader::There, false), @r"

    api · 12 replicas · v2.40.3 ×2  v2.41.0 ×10 · zones a4 b3 c5
    12 ok, 2 answers         p50 13 ms   max 19 ms   skew 11 ms   run 7Q4K2BBC
    ");
    assert_eq!(results.exit_code(true), ExitCode::Differs);
    assert_eq!(results.exit_code(false), ExitCode::Ok);
}

#[test]
fn a_partial_failure_shows_every_class() {
    let results = partial_failure();
    insta::assert_snapshot!(fold(&results), @r"
    ◐ 2 answers from 5 of 24 replicas

    A  4 replicas   v2.41.0   zones a2 b1 c1                         majority
    {:released 0}

    B   1 replica   v2.41.0   zone b                                 differs
       api-6f7c9-04
         :released  0 → 3

    next           prepl exec -n shop '^(api-6f7c9-04)$' …

    ✗ raised  1 replica   v2.41.0   zone c
       api-6f7c9-05
       java.sql.SQLTransientConnectionException: pool timeout
         at shop.locks/release-stale-locks! (locks.clj:88)
    ⊘ refused  1 replica   v2.41.0   zone c
       api-6f7c9-08
       the queue is full
    ⌁ unreachable  1 replica   v2.41.0   zone b
       api-6f7c9-07
       connection refused
    – not started  15 replicas   v2.41.0   zones a5 b5 c5
       api-6f7c9-09  api-6f7c9-10  api-6f7c9-11  api-6f7c9-12  api-6f7c9-13  and 10 more
       the run was stopped before
    ? unknown  1 replica   v2.41.0   zone a
       api-6f7c9-06
       no answer in 30 s, interrupt not confirmed
       it may have run: do not repeat it blindly
       to ask for this answer and run nothing: --request-id abababababababababababababababab
    ");
    insta::assert_snapshot!(closing(&results, Reader::There, false), @r"

    stopped  interrupted
    api · 24 replicas · v2.41.0 · zones a8 b8 c8
    5 ok, 2 answers · 1 raised · 1 refused · 1 unreachable · 15 not started · 1 unknown   p50 10 ms   max 13 ms   skew 11 ms   run 7Q4K2BBC
    ");
}

#[test]
fn five_hundred_replicas_never_print_five_hundred_blocks() {
    let answers = (0..500).map(|place: usize| match place {
        7 | 70 => raised("NullPointerException", "at depth"),
        9 | 90 | 99 => ended(Outcome::Unreachable(reason("connect timed out"))),
        _ => ok(&format!("{}", place % 190)),
    });
    let results = results(api_fleet(500), answers.collect());
    let screen = fold(&results);
    assert!(screen.lines().count() < 30, "{screen}");
    insta::assert_snapshot!(screen, @r"
    ◐ 190 answers from 495 of 500 replicas

    A  3 replicas   0
    B  3 replicas   1
    C  3 replicas   2
    D  3 replicas   3
    E  3 replicas   4
    F  3 replicas   5
    G  3 replicas   6
    H  3 replicas   8
    I  3 replicas   10
    J  3 replicas   11

    and 180 smaller groups, 465 replicas; -o table shows each replica

    ✗ raised  2 replicas   v2.41.0   zone b
       api-6f7c9-07  api-6f7c9-70
       NullPointerException: at depth
         at shop.locks/release-stale-locks! (locks.clj:88)
    ⌁ unreachable  3 replicas   v2.41.0   zone a
       api-6f7c9-09  api-6f7c9-90  api-6f7c9-99
       connect timed out
    ");
    insta::assert_snapshot!(closing(&results, Reader::There, false), @r"

    api · 500 replicas · v2.41.0 · zones a167 b167 c166
    495 ok, 190 answers · 2 raised · 3 unreachable   p50 17 ms   p99 27 ms   max 27 ms   skew 11 ms   run 7Q4K2BBC
    ");
}

#[test]
fn many_large_answers_stay_a_short_screen_too() {
    let answers = (0..500).map(|place| ok(&format!("{{:id {place} :names [\"a\" \"b\"]\n :x 1}}")));
    let screen = fold(&results(api_fleet(500), answers.collect()));
    assert!(screen.lines().count() < 60, "{screen}");
    assert!(screen.contains("and 490 smaller groups, 490 replicas"), "{screen}");
}

#[test]
fn one_replica_is_named() {
    let results = results(api_fleet(1), vec![ok("{:a 1}")]);
    insta::assert_snapshot!(fold(&results), @r"
    ● api-6f7c9-00
    {:a 1}
    ");
}

#[test]
fn printed_output_stands_behind_a_gutter_and_cuts_are_told() {
    let answer = printing(ok(":done"), Stream::Out, "first\nsecond\n");
    let mut answer = printing(answer, Stream::Err, "careful");
    answer.done.output_bytes = 5_000_000;
    answer.values[0].truncated = true;
    let results = results(api_fleet(1), vec![answer]);
    insta::assert_snapshot!(fold(&results), @r"
    ● api-6f7c9-00
    out │ first
    out │ second
    err │ careful
    … 20 B of 4.8 MiB printed bytes shown
    :done
    … cut after 5 B; --limit-bytes allows more
    ");
}

#[test]
fn equal_shapes_are_called_so() {
    let answers = (0..3).map(|place| ok(&format!("{{:n {place}}}"))).collect();
    let results = example::results_compared(api_fleet(3), answers, Comparison::Shape);
    assert_eq!(fold(&results), "● 3/3 same shape\n{:n int}\n");
}

#[test]
fn a_digest_is_that_of_its_text_and_equal_answers_have_the_same_answer_digest() {
    let one = |text: &str| {
        let results = results(api_fleet(1), vec![ok(text)]);
        let json: serde_json::Value = serde_json::from_str(&show(Format::Json, &results)).unwrap();
        json["groups"][0].clone()
    };
    let (this, other) = (one("{:a 1 :b 2}"), one("{:b 2, :a 1}"));
    assert_eq!(this["answer_digest"], other["answer_digest"]);
    assert_ne!(this["digest"], other["digest"]);
    assert_eq!(this["digest"], Digest::of("{:a 1 :b 2}").to_string());
}

#[test]
fn a_difference_is_unified() {
    insta::assert_snapshot!(show(Format::Diff, &two_versions()), @r"
    ◐ 2 answers from 12 replicas

    --- A  10 replicas   v2.41.0   zones a4 b3 c3
    +++ B   2 replicas   v2.40.3   zone c   api-5d2b1-k9x2p  api-5d2b1-wq7rt
    @@ :gen @@
    -118
    +117
    @@ :size @@
    -40212
    +39870

    split follows  version exactly   (also: node n-2: B and 2 more)
    next           prepl exec -n shop '^(api-5d2b1-k9x2p|api-5d2b1-wq7rt)$' …
    ");
}

#[test]
fn lines_and_names_are_for_pipes() {
    let results = results(api_fleet(3), vec![ok("1"), raised("E", "x\ny"), ok("2\n3")]);
    insta::assert_snapshot!(show(Format::Lines, &results), @r"
    api-6f7c9-00	1
    api-6f7c9-01	raised: E: x\ny
    api-6f7c9-02	2\n3
    ");
    insta::assert_snapshot!(show(Format::Name, &results), @r"
    api-6f7c9-00
    api-6f7c9-02
    ");
    insta::assert_snapshot!(show(Format::Raw, &results), @r"
    1
    2
    3
    ");
}

#[test]
fn flat_maps_of_the_same_keys_get_columns() {
    let unreachable = ended(Outcome::Unreachable(reason("connection refused by 10.0.0.2:7070")));
    let answers = vec![ok("{:gen 1 :size 20}"), ok("{:size 3 :gen 4}"), unreachable];
    insta::assert_snapshot!(show(Format::Table, &results(api_fleet(3), answers)), @r"
    REPLICA       CLASS        :gen  :size
    api-6f7c9-00  ok           1     20
    api-6f7c9-01  ok           4     3
    api-6f7c9-02  unreachable  connection refused by 10.0.0.2:7070
    ");
    let mixed = vec![ok("{:gen 1}"), ok("nil")];
    insta::assert_snapshot!(show(Format::Table, &results(api_fleet(2), mixed)), @r"
    REPLICA       CLASS  VALUE
    api-6f7c9-00  ok     {:gen 1}
    api-6f7c9-01  ok     nil
    ");
}

#[test]
fn machine_forms_carry_everything() {
    let mut results = results(api_fleet(2), vec![ok("{:gen 118}"), raised("E", "no")]);
    results.summary.stopped = Some(Stopped::Deadline);
    let document: serde_json::Value = serde_json::from_str(&show(Format::Json, &results)).unwrap();
    assert_eq!(document["results"][0]["value"]["gen"], 118);
    assert_eq!(document["results"][0]["text"], "{:gen 118}");
    assert_eq!(document["results"][1]["raised"][0]["message"], "no");
    assert_eq!(document["groups"][0]["replicas"][0], "api-6f7c9-00");
    assert_eq!(document["summary"]["counts"]["raised"], 1);
    assert_eq!(document["summary"]["stopped"], "deadline");
    assert_eq!(document["summary"]["exit_code"], 124);
    let kinds: Vec<String> = show(Format::Jsonl, &results)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].to_string())
        .collect();
    assert_eq!(kinds, ["\"group\"", "\"group\"", "\"summary\""]);
}

#[test]
fn yaml_and_edn_say_the_same_as_json() {
    let results = results(api_fleet(1), vec![ok("{:zones #{:a}}")]);
    insta::assert_snapshot!(show(Format::Yaml, &results), @r#"
    results:
      - replica: api-6f7c9-00
        namespace: shop
        uid: u-api-6f7c9-00
        workload: deployment/api
        node: n-0
        zone: a
        version: "2.41.0"
        class: ok
        form: 0
        text: "{:zones #{:a}}"
        value:
          zones:
            - a
        truncated: false
        digest: da907da15d4a13d9e7c71fcffe37112109c372f23d72e941e0e482c7280f2b18
        bytes_printed: 0
        bytes_shown: 0
        ms:
          connect: 0.0
          queued: 0.0
          eval: 0.0
          total: 8.0
    groups:
      - class: ok
        count: 1
        replicas:
          - api-6f7c9-00
        group: A
        majority: true
        form: 0
        text: "{:zones #{:a}}"
        value:
          zones:
            - a
        truncated: false
        digest: da907da15d4a13d9e7c71fcffe37112109c372f23d72e941e0e482c7280f2b18
        answer_digest: da907da15d4a13d9e7c71fcffe37112109c372f23d72e941e0e482c7280f2b18
    summary:
      run: "7Q4K2BBC"
      request: abababababababababababababababab
      selected: 1
      counts:
        ok: 1
        raised: 0
        refused: 0
        unreachable: 0
        not_started: 0
        unknown: 0
      answers: 1
      p50_ms: 8.0
      p99_ms: 8.0
      max_ms: 8.0
      skew_ms: 11.0
      elapsed_ms: 31.0
      stopped: null
      exit_code: 0
    "#);
    let edn = show(Format::Edn, &results);
    let read = prepl_fold::read(edn.trim(), 1 << 20).unwrap();
    assert_eq!(prepl_fold::canonical(&read), edn.trim());
    assert!(edn.contains(":value {:zones #{:a}}"), "{edn}");
}

#[test]
fn streamed_lines_are_whole_and_prefixed() {
    let mut screen = stream::Screen::new(Selection::of(api_fleet(2)), false);
    let event =
        |replica, event| Report::Replica { replica: ReplicaIndex(replica), sequence: 0, event };
    let out = |bytes: &'static str| Event::Output { stream: Stream::Out, bytes: bytes.into() };
    let digest = Digest::of("{:a\n 1}");
    let value = Event::Value(Value { form: 0, text: digest, truncated: false });
    let silent = Event::Done(Done::without_answer(Outcome::unknown("no answer in 30 s")));
    let reports = [
        event(0, out("half a ")),
        event(1, out("whole\n")),
        event(0, out("line\nand the rest")),
        Report::Text(digest, "{:a\n 1}".into()),
        event(0, value),
        event(0, Event::Done(Done::without_answer(Outcome::Ok))),
        event(1, silent),
    ];
    let text: String = reports.iter().map(|report| screen.report(report)).collect();
    insta::assert_snapshot!(text, @r"
    api-6f7c9-01 │ whole
    api-6f7c9-00 │ half a line
    api-6f7c9-00 │ and the rest
    api-6f7c9-00 = {:a
    api-6f7c9-00 =  1}
    api-6f7c9-01 ? unknown: no answer in 30 s
    ");
}

#[test]
fn each_notice_is_told_once_and_of_how_many() {
    let mut answers: Vec<Answer> = (0..4).map(|_| ok("1")).collect();
    answers.iter_mut().for_each(|answer| answer.notices.push("read-only".into()));
    answers[0].notices.push("x\ny".into());
    let told = |answers: &[Answer]| {
        let text = closing(&results(api_fleet(4), answers.to_vec()), Reader::There, false);
        text.lines().filter(|line| line.starts_with('·')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(told(&answers), ["· read-only", "· x\\ny (1 replica)"]);
    answers[1].notices.extend(["a", "b", "c"].map(Into::into));
    let told = told(&answers);
    assert_eq!((told.len(), &*told[3]), (4, "· 2 further notices; -o json has them"));
}

#[test]
fn a_reader_that_left_is_told_with_what_is_unknown() {
    let text = closing(&partial_failure(), Reader::Left, false);
    let told = "stopped  the reader of stdout went away, and what ran was interrupted\n\
                unknown  api-6f7c9-06\n";
    assert!(text.contains(told), "{text}");
}

#[test]
fn how_to_ask_again_is_told_only_where_the_end_is_not_known() {
    let shown = |may_still_run| {
        let reason = reason("interrupted; it had started");
        let answers = vec![ended(Outcome::Unknown { reason, may_still_run })];
        fold(&results(api_fleet(1), answers))
    };
    assert!(shown(true).contains("--request-id "), "{}", shown(true));
    let over = shown(false);
    assert!(over.contains("it may have run in part, and has ended"), "{over}");
    assert!(!over.contains("--request-id"), "{over}");
}

#[test]
fn colour_adds_nothing_but_colour() {
    let results = partial_failure();
    let code = results.exit_code(false);
    for format in [Format::Fold, Format::Diff, Format::Lines, Format::Table] {
        let coloured = finished(format, &results, code, View { colour: true, ..VIEW });
        let mut plain = String::new();
        let mut pieces = coloured.split('\x1b');
        plain += pieces.next().unwrap();
        pieces.for_each(|piece| plain += piece.split_once('m').unwrap().1);
        let trimmed =
            |text: &str| text.lines().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(trimmed(&plain), trimmed(&show(format, &results)));
    }
}

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\x1b[2J".to_owned()),
        Just("\u{202e}\u{2066}\u{200f}".to_owned()),
        Just("\u{9b}31m\u{7}\r\u{8}".to_owned()),
        Just("{:a \"\u{1b}]0;x\u{7}\" :b \u{200b}}".to_owned()),
        Just("\n\t\"".to_owned()),
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn hostile_replica() -> impl Strategy<Value = Replica> {
    proptest::collection::vec(hostile(), 6).prop_map(|texts| {
        let mut replica = replica("x", "1", 0);
        replica.id.name = texts[0].as_str().into();
        replica.id.namespace = texts[1].as_str().into();
        replica.workload.name = texts[2].as_str().into();
        replica.node = texts[3].as_str().into();
        replica.zone = texts[4].as_str().into();
        replica.version = texts[5].as_str().into();
        replica.labels = [(texts[0].as_str(), texts[1].as_str())].into_iter().collect();
        replica
    })
}

fn hostile_answer() -> impl Strategy<Value = Answer> {
    (hostile(), hostile(), 0..6_usize).prop_map(|(text, other, class)| {
        let answer = match Class::ALL[class] {
            Class::Ok => ok(&text),
            Class::Raised => raised(&text, &other),
            Class::Refused => ended(Outcome::Refused(Refusal::Denied(reason(&text)))),
            Class::Unreachable => ended(Outcome::Unreachable(reason(&text))),
            Class::NotStarted => ended(Outcome::NotStarted(reason(&text))),
            Class::Unknown => ended(Outcome::unknown(&text)),
        };
        let mut answer = printing(answer, Stream::Err, &other);
        answer.notices.push(text.as_str().into());
        answer
    })
}

const FORMATS: [Format; 10] = [
    Format::Fold,
    Format::Diff,
    Format::Lines,
    Format::Table,
    Format::Json,
    Format::Jsonl,
    Format::Yaml,
    Format::Edn,
    Format::Name,
    Format::Raw,
];

proptest! {
    #[test]
    fn nothing_hostile_passes_in_any_form(
        parts in proptest::collection::vec((hostile_replica(), hostile_answer()), 1..6),
    ) {
        let (replicas, answers): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let results = results(replicas, answers);
        let view = View { on_terminal: true, ..VIEW };
        for format in FORMATS {
            let text = finished(format, &results, results.exit_code(false), view);
            let dangerous = |c: char| safe::is_dangerous(c) && c != '\n' && c != '\t';
            prop_assert!(!text.chars().any(dangerous), "{format:?}: {text:?}");
        }
        let closing = closing(&results, Reader::There, false);
        prop_assert!(!closing.chars().any(|c| safe::is_dangerous(c) && c != '\n'));
    }

    #[test]
    fn machine_forms_are_valid_whatever_replicas_say(
        parts in proptest::collection::vec((hostile_replica(), hostile_answer()), 1..6),
    ) {
        let (replicas, answers): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let results = results(replicas, answers);
        let json: serde_json::Value = serde_json::from_str(&show(Format::Json, &results)).unwrap();
        prop_assert_eq!(json["results"].as_array().unwrap().len(), results.answers.len());
        for line in show(Format::Jsonl, &results).lines() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(line).is_ok());
        }
        let edn = show(Format::Edn, &results);
        prop_assert!(prepl_fold::read(edn.trim(), 1 << 20).is_some(), "{edn}");
    }

    #[test]
    fn nothing_hostile_passes_in_the_stream(text in hostile(), name in hostile()) {
        let mut fleet = api_fleet(1);
        fleet[0].id.name = name.as_str().into();
        let mut screen = stream::Screen::new(Selection::of(fleet), false);
        let event = |event| Report::Replica { replica: ReplicaIndex(0), sequence: 0, event };
        let digest = Digest::of(&text);
        let value = Value { form: 0, text: digest, truncated: true };
        let reports = [
            Report::Text(digest, text.as_str().into()),
            event(Event::Output { stream: Stream::Out, bytes: text.clone().into() }),
            event(Event::Notice(text.as_str().into())),
            event(Event::Value(value)),
            event(Event::Raised(raised(&text, &text).raised.remove(0))),
            event(Event::Done(Done::without_answer(Outcome::unknown(&text)))),
        ];
        let shown: String = reports.iter().map(|report| screen.report(report)).collect();
        let dangerous = |c: char| safe::is_dangerous(c) && c != '\n' && c != '\t';
        prop_assert!(!shown.chars().any(dangerous), "{shown:?}");
    }
}
