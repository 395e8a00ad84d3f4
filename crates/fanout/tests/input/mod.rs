//! What is given to a run, each of its replicas gets, in order and from the beginning.

use std::num::NonZeroUsize;

use crate::support::{Script, plan};
use prepl_core::{Class, Event, Input, NoInput, Report};
use prepl_fanout::{Feeder, Plan, Run};

fn run(scripts: &[Script], plan: Plan) -> Run {
    crate::run(scripts, plan).0
}

fn interactive() -> Plan {
    Plan { interactive: true, ..plan() }
}

fn piece(place: u32, text: &'static str, end: bool) -> Input {
    Input::new(place, text.into(), end).unwrap()
}

/// The texts that replicas answered with, their notices, and the classes of their ends.
async fn answers(mut run: Run) -> (Vec<String>, Vec<String>, Vec<Class>) {
    let (mut texts, mut notices, mut classes) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(report) = run.next().await {
        match report {
            Report::Text(_, text) => texts.push(text.to_string()),
            Report::Replica { event: Event::Notice(text), .. } => notices.push(text.to_string()),
            Report::Replica { event: Event::Done(done), .. } => classes.push(done.outcome.class()),
            _ => {}
        }
    }
    (texts, notices, classes)
}

fn give_all(feeder: &Feeder) {
    for (place, text) in [(0, "a"), (1, "b"), (2, "c")] {
        assert_eq!(feeder.give(piece(place, text, place == 2)), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn every_replica_reads_all_of_it_also_one_that_has_its_turn_later() {
    let width = NonZeroUsize::new(1).unwrap();
    for barrier in [false, true] {
        let run = run(&[Script::Reads, Script::Reads], Plan { width, barrier, ..interactive() });
        give_all(&run.feeder());
        let (texts, notices, classes) = answers(run).await;
        assert_eq!((&texts[..], notices.len()), (&["abc".to_owned()][..], 0));
        assert_eq!(classes, [Class::Ok; 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_recalled_run_gets_it_too_before_anything_is_answered() {
    let run = run(&[Script::Reads], Plan { recall: true, ..interactive() });
    give_all(&run.feeder());
    assert_eq!(answers(run).await.0, ["abc"]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_takes_no_input_says_so_once_and_the_others_go_on() {
    let run = run(&[Script::ReadsNothing, Script::Reads], interactive());
    give_all(&run.feeder());
    let (texts, notices, classes) = answers(run).await;
    assert_eq!(texts, ["abc"]);
    assert_eq!(notices, ["it does not get its input: replica 0 does not read"]);
    assert_eq!(classes, [Class::Ok, Class::Unknown]);
}

#[tokio::test(start_paused = true)]
async fn what_is_out_of_order_or_not_wanted_goes_nowhere() {
    let plain = run(&[Script::Interruptible], plan());
    assert_eq!(plain.feeder().give(piece(0, "a", false)), Err(NoInput::NotInteractive));
    let run = run(&[Script::Reads], interactive());
    let feeder = run.feeder();
    assert_eq!(feeder.give(piece(1, "b", false)), Err(NoInput::Gap));
    give_all(&feeder);
    assert_eq!(feeder.give(piece(0, "x", false)), Ok(()), "it was given already");
    assert_eq!((feeder.next_place(), feeder.give(piece(3, "d", false))), (3, Err(NoInput::Ended)));
    assert_eq!(answers(run).await.0, ["abc"]);
}
