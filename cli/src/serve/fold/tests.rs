//! What a client sees of made-up runs.

use std::fmt::Write as _;

use bytes::Bytes;
use prepl_core::{Done, Outcome, Reason, Refusal, Value};
use proptest::prelude::*;

use super::*;
use crate::render::example;

fn about(replicas: usize, values: Values) -> About {
    About {
        selection: Selection::of(example::api_fleet(replicas)),
        names: (RunId::from_random([0; 5]), RequestId::from_random([0; 16])),
        namespace: Some("user".into()),
        elsewhere: false,
        values,
        quota: 4096,
    }
}

/// A run that is played to a client.
struct Play {
    fold: Fold,
    told: Vec<Reply>,
}

impl Play {
    fn of(replicas: usize) -> Play {
        Play { fold: Fold::new(about(replicas, Values::Each)), told: Vec::new() }
    }

    fn says(&mut self, replica: u32, event: Event<Digest>) -> &mut Play {
        let report = Report::Replica { replica: ReplicaIndex(replica), sequence: 0, event };
        self.told.extend(self.fold.take(report));
        self
    }

    fn prints(&mut self, replica: u32, text: &'static str) -> &mut Play {
        self.says(replica, Event::Output { stream: Stream::Out, bytes: Bytes::from(text) })
    }

    fn gives(&mut self, replica: u32, text: &str) -> &mut Play {
        let digest = Digest::of(text);
        self.told.extend(self.fold.take(Report::Text(digest, text.into())));
        self.says(replica, Event::Value(Value { form: 0, text: digest, truncated: false }))
    }

    fn raises(&mut self, replica: u32, message: &str) -> &mut Play {
        let raised = Raised { class: "a.Bad".into(), message: message.into(), ..Raised::default() };
        self.says(replica, Event::Raised(raised))
    }

    fn ends(&mut self, replica: u32, outcome: Outcome) -> &mut Play {
        self.says(replica, Event::Done(Done::without_answer(outcome)))
    }

    fn ticks(&mut self) -> &mut Play {
        self.told.extend(self.fold.tick());
        self
    }

    /// Everything that was told, a line each.
    fn seen(self) -> String {
        let Ended { replies, done, .. } = self.fold.end(Duration::ZERO, false);
        let mut seen = String::new();
        for reply in self.told.into_iter().chain(replies).chain([done]) {
            for key in ["out", "err", "value", "ns", "ex"] {
                if reply.get(key).is_some() {
                    let _ = write!(seen, "{key} {} ", reply.text(key).trim_end());
                }
            }
            for word in ["eval-error", "need-input", "done", "error", "namespace-not-found"] {
                seen += if reply.says(word) { word } else { "" };
            }
            seen = seen.trim_end().to_owned() + "\n";
        }
        seen
    }
}

#[test]
fn equal_answers_are_one() {
    let mut play = Play::of(2);
    play.prints(0, "hi\n").gives(0, "nil").gives(0, "3").ends(0, Outcome::Ok);
    play.prints(1, "hi\n").gives(1, "nil").gives(1, "3").ends(1, Outcome::Ok);
    insta::assert_snapshot!(play.seen(), @r"
    out hi
    value nil ns user
    value 3 ns user
    done
    ");
}

#[test]
fn different_answers_are_a_map_and_a_screen() {
    let mut play = Play::of(3);
    for (replica, value) in [(0, "3"), (1, "4"), (2, "3")] {
        play.prints(replica, "x\n").gives(replica, value).ends(replica, Outcome::Ok);
    }
    insta::assert_snapshot!(play.seen(), @r#"
    out x
    out ◐ 2 answers from 3 replicas

    A  2 replicas   v2.41.0   zones a1 c1                            majority
    3

    B   1 replica   v2.41.0   zone b                                 differs
       api-6f7c9-01
    4

    next           prepl exec -n shop '^(api-6f7c9-01)$' …
    value {"api-6f7c9-00" 3, "api-6f7c9-01" 4, "api-6f7c9-02" 3} ns user
    done
    "#);
}

#[test]
fn an_exception_on_some_is_an_error_that_names_them() {
    let mut play = Play::of(3);
    play.gives(0, "3").ends(0, Outcome::Ok);
    play.raises(1, "no").ends(1, Outcome::Raised);
    play.gives(2, "3").ends(2, Outcome::Ok);
    insta::assert_snapshot!(play.seen(), @r#"
    value {"api-6f7c9-00" 3, "api-6f7c9-01" {:prepl/error "a.Bad: no"}, "api-6f7c9-02" 3} ns user
    err api-6f7c9-01: a.Bad: no
    ex class a.Bad eval-error
    done
    "#);
}

#[test]
fn the_same_exception_everywhere_is_told_once_and_later_forms_go_on() {
    let mut play = Play::of(2);
    for replica in 0..2 {
        play.gives(replica, "5").raises(replica, "no").gives(replica, "18");
        play.ends(replica, Outcome::Raised);
    }
    insta::assert_snapshot!(play.seen(), @r"
    value 5 ns user
    err a.Bad: no (all 2 replicas)
    ex class a.Bad eval-error
    value 18 ns user
    done
    ");
}

#[test]
fn replicas_without_an_answer_are_an_error_and_never_a_failure_of_the_others() {
    let mut play = Play::of(3);
    play.gives(0, "3").ends(0, Outcome::Ok);
    play.ends(1, Outcome::Unreachable(Reason::new("no connection")));
    play.ends(2, Outcome::unknown("the connection broke"));
    insta::assert_snapshot!(play.seen(), @r#"
    value {"api-6f7c9-00" 3, "api-6f7c9-01" :prepl/unreachable, "api-6f7c9-02" :prepl/unknown} ns user
    err api-6f7c9-01: unreachable: no connection
    api-6f7c9-02: unknown: the connection broke
    ex prepl/unreachable eval-error
    done
    "#);
}

#[test]
fn a_run_that_told_no_end_is_unknown_everywhere() {
    let mut play = Play::of(2);
    play.gives(0, "3");
    let seen = play.seen();
    assert!(
        seen.starts_with("value {\"api-6f7c9-00\" 3, \"api-6f7c9-01\" :prepl/unknown}"),
        "{seen}"
    );
    assert!(seen.contains("(all 2 replicas)\nex prepl/unknown eval-error\ndone\n"), "{seen}");
}

#[test]
fn what_takes_longer_is_told_as_it_comes() {
    let mut play = Play::of(2);
    play.prints(0, "one\ntwo").ticks();
    assert!(play.told.is_empty());
    play.ticks().prints(0, "!\n").prints(1, "one\n").gives(0, "1").gives(1, "1");
    play.ends(0, Outcome::Ok).ends(1, Outcome::Ok);
    insta::assert_snapshot!(play.seen(), @r"
    out api-6f7c9-00 | one
    out api-6f7c9-00 | two!
    out api-6f7c9-01 | one
    value 1 ns user
    done
    ");
}

#[test]
fn output_beyond_the_bound_is_not_kept_back() {
    let mut play = Play::of(2);
    let line = "x".repeat(MAX_HELD) + "\n";
    play.prints(0, Box::leak(line.into_boxed_str()));
    assert_eq!(play.told.len(), 1);
}

#[test]
fn different_output_of_equal_values_names_its_replica() {
    let mut play = Play::of(2);
    play.prints(0, "a\n").gives(0, "nil").ends(0, Outcome::Ok);
    play.prints(1, "b").gives(1, "nil").prints(1, "late").ends(1, Outcome::Ok);
    insta::assert_snapshot!(play.seen(), @r"
    out api-6f7c9-00 | a
    out api-6f7c9-01 | b
    value nil ns user
    out api-6f7c9-01 | late
    done
    ");
}

#[test]
fn the_last_value_comes_with_the_namespace_after_it() {
    let ended = || {
        Event::Done(Done { namespace: Some("shop".into()), ..Done::without_answer(Outcome::Ok) })
    };
    let mut play = Play::of(1);
    play.gives(0, "1").gives(0, "nil").says(0, ended());
    assert_eq!(play.seen(), "value 1 ns user\nvalue nil ns shop\ndone\n");
    let mut play = Play::of(1);
    play.gives(0, "nil").ticks().ticks().says(0, ended());
    assert_eq!(play.seen(), "value nil ns user\nns shop\ndone\n");
}

#[test]
fn a_file_has_one_value_and_no_namespace() {
    let mut play = Play::of(1);
    play.fold = Fold::new(about(1, Values::Last));
    play.gives(0, "1").ticks().ticks().prints(0, "x\n").gives(0, "2").ends(0, Outcome::Ok);
    assert_eq!(play.seen(), "out x\nvalue 2\ndone\n");
}

#[test]
fn input_is_asked_for_once_for_all_and_alone_in_its_message() {
    let mut play = Play::of(2);
    play.gives(0, "1").gives(1, "1").says(0, Event::NeedInput).says(1, Event::NeedInput);
    play.says(1, Event::NeedInput).gives(0, "2").gives(1, "2");
    play.ends(0, Outcome::Ok).ends(1, Outcome::Ok);
    assert_eq!(play.seen(), "value 1 ns user\nneed-input\nneed-input\nvalue 2 ns user\ndone\n");
}

#[test]
fn a_namespace_that_is_nowhere_is_told_as_nrepl_tells_it() {
    let refused =
        || Outcome::Refused(Refusal::Limit(Reason::new("the runtime has no namespace x")));
    let mut play = Play::of(2);
    play.fold = Fold::new(About { elsewhere: true, ..about(2, Values::Each) });
    play.ends(0, refused()).ends(1, refused());
    assert_eq!(
        play.seen(),
        "err refused: the runtime has no namespace x (all 2 replicas)\n\
         ns user doneerrornamespace-not-found\n"
    );
}

#[test]
fn an_interrupted_run_says_so_at_its_end() {
    let fold = Fold::new(about(2, Values::Each));
    let done = fold.end(Duration::ZERO, true).done;
    assert!(done.says("done") && done.says("interrupted"));
}

/// What a replica does, in this order.
#[derive(Clone, Debug)]
enum Step {
    Print(u8),
    Give(u8),
    Raise,
    Ask,
    Tick,
    End(bool),
}

/// Replicas give one of so many values.
fn step(values: u8) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u8..3).prop_map(Step::Print),
        4 => (0..values).prop_map(Step::Give),
        1 => Just(Step::Raise),
        1 => Just(Step::Ask),
        1 => Just(Step::Tick),
        2 => any::<bool>().prop_map(Step::End),
    ]
}

fn play(play: &mut Play, replica: u32, step: &Step) {
    match step {
        Step::Print(which) => play.prints(replica, ["a\n", "b", "é\n"][usize::from(*which)]),
        Step::Give(value) => play.gives(replica, &value.to_string()),
        Step::Raise => play.raises(replica, "no"),
        Step::Ask => play.says(replica, Event::NeedInput),
        Step::Tick => play.ticks(),
        Step::End(well) => {
            play.ends(replica, if *well { Outcome::Ok } else { Outcome::unknown("gone") })
        }
    };
}

proptest! {
    /// Reports in any order, of replicas that are and are not: one end, and it is the last; a
    /// message says one thing; no form of any replica is missing.
    #[test]
    fn any_run_has_one_end(
        replicas in 1_usize..4,
        steps in prop::collection::vec((0_u32..4, step(2)), 0..40),
        interrupted: bool,
    ) {
        let mut played = Play::of(replicas);
        steps.iter().for_each(|(replica, step)| play(&mut played, *replica, step));
        let Ended { replies, done, answers } = played.fold.end(Duration::ZERO, interrupted);
        prop_assert!(done.says("done"));
        prop_assert_eq!(answers.len(), replicas);
        let told = [played.told, replies].concat();
        for reply in &told {
            prop_assert!(!reply.says("done"));
            let things = ["out", "err", "value", "ex"];
            prop_assert!(things.iter().filter(|key| reply.get(key).is_some()).count() <= 1);
            if reply.says("need-input") {
                prop_assert_eq!(reply, &Reply::status(["need-input"]));
            }
        }
        let values = told.iter().filter(|reply| reply.get("value").is_some()).count();
        let most = (0..replicas as u32).map(|replica| gives(&steps, replica)).max();
        prop_assert!(values >= most.unwrap_or(0), "{values} of {most:?}");
    }

    /// What one replica prints arrives whole and in order, whatever is kept back meanwhile.
    #[test]
    fn all_that_is_printed_is_told(steps in prop::collection::vec((0_u32..2, step(1)), 0..40)) {
        let mut played = Play::of(2);
        let ended = |replica: u32| steps.iter().position(|(at, step)| {
            *at == replica && matches!(step, Step::End(_))
        }).unwrap_or(steps.len());
        let ends = [ended(0), ended(1)];
        let mut printed = 0;
        for (at, (replica, step)) in steps.iter().enumerate() {
            printed += usize::from(matches!(step, Step::Print(_)) && at < ends[*replica as usize]);
            play(&mut played, *replica, step);
        }
        let Ended { replies, .. } = played.fold.end(Duration::ZERO, false);
        let text: String =
            [played.told, replies].concat().iter().map(|reply| reply.text("out").to_owned()).collect();
        // Told once, it stands for both.
        let letters = text.chars().filter(|c| "abé".contains(*c)).count() - prefixes(&text);
        prop_assert!(letters <= printed && 2 * letters >= printed, "{letters} of {printed}: {text}");
    }
}

/// Values that a replica gives before its end.
fn gives(steps: &[(u32, Step)], replica: u32) -> usize {
    let own = steps.iter().filter(|(at, _)| *at == replica).map(|(_, step)| step);
    let own = own.take_while(|step| !matches!(step, Step::End(_)));
    own.filter(|step| matches!(step, Step::Give(_))).count()
}

/// Letters of names in front of lines: `api-6f7c9-00 | ` has one `a` of those that are printed.
fn prefixes(text: &str) -> usize {
    text.matches("api-6f7c9-").count()
}
