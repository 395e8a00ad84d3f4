//! New files, old files, and what is left of the chain without them.

use std::time::Duration;

use prepl_audit::{Body, FaultKind, Log, OpenError, Previous, verify_on};

use crate::common::{Hands, bodies, check, intent, lines, log_of, log_on, settings};
use crate::sim::Sim;

fn names(disk: &Sim) -> Vec<String> {
    disk.files().into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn files_follow_one_another_by_size_and_each_names_the_one_before() {
    let (disk, tail) = log_of(12, 3000).await;
    let names = names(&disk);
    assert!(names.len() > 3, "{names:?}");
    let chains: Vec<_> = bodies(&disk)
        .into_iter()
        .filter_map(|body| if let Body::Chain(chain) = body { Some(chain) } else { None })
        .collect();
    assert_eq!(chains.len(), names.len());
    assert_eq!(chains[0].previous, None);
    for (chain, before) in chains[1..].iter().zip(&names) {
        assert_eq!(chain.previous.as_ref().map(|previous| &previous.file), Some(before));
    }
    assert_eq!(tail.seq + 1, lines(&disk).len() as u64);
}

#[tokio::test]
async fn files_follow_one_another_by_age() {
    let (disk, hands) = (Sim::default(), Hands::default());
    let mut settings = settings(1 << 20);
    settings.max_file_age = Duration::from_secs(60);
    for round in 0..2 {
        // The age of a file does not begin anew with a new writer: the second is at 59 s first.
        let log = Log::open_on(disk.clone(), settings.clone(), hands.clock()).await.unwrap();
        let _ = log.append(intent(2 * round)).await.unwrap();
        hands.turn(Duration::from_secs(59));
        let _ = log.append(intent(2 * round + 1)).await.unwrap();
        log.close().await.unwrap();
    }
    assert_eq!(names(&disk).len(), 2);
    check(&disk, &[], "by age");
}

#[tokio::test]
async fn the_oldest_files_go_and_the_rest_verifies_and_says_what_is_missing() {
    let disk = Sim::default();
    let mut settings = settings(3000);
    settings.keep_files = 2.try_into().unwrap();
    let log = Log::open_on(disk.clone(), settings, Hands::default().clock()).await.unwrap();
    for number in 0..20 {
        let _ = log.append(intent(number)).await.unwrap();
    }
    log.close().await.unwrap();
    let verified = verify_on(&disk, None).unwrap();
    assert_eq!((verified.fault, verified.files), (None, 2));
    let Some(Previous { seq, .. }) = verified.missing_before else { panic!("nothing is missing") };
    assert_eq!(seq + 1 + verified.records, verified.intact_to.unwrap().seq + 1);
    assert!(seq > 10);
}

#[tokio::test]
async fn a_log_whose_oldest_files_are_gone_is_taken_up() {
    let (disk, tail) = log_of(12, 3000).await;
    let left = Sim::holding(&disk.files()[2..]);
    let log = log_on(&left, 3000).await;
    let receipt = log.append(intent(50)).await.unwrap();
    assert!(receipt.seq() > tail.seq && log.tail().borrow().unwrap().chain == tail.chain);
    log.close().await.unwrap();
    assert_eq!(verify_on(&left, None).unwrap().fault, None);
}

#[tokio::test]
async fn an_incomplete_last_line_is_cut_and_told() {
    let (disk, tail) = log_of(3, 1 << 20).await;
    let [(name, whole)] = &disk.files()[..] else { panic!("one file") };
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for cut in [last + 1, last + 40, whole.len() - 1] {
        let torn = Sim::holding(&[(name.clone(), whole[..cut].to_vec())]);
        let found = verify_on(&torn, None).unwrap();
        assert_eq!((found.fault, found.torn_bytes), (None, (cut - last) as u64));
        let log = log_on(&torn, 1 << 20).await;
        log.close().await.unwrap();
        assert_eq!(verify_on(&torn, None).unwrap().fault, None);
        let bodies = bodies(&torn);
        let [.., Body::Opened(opened), Body::Closed(_)] = &bodies[..] else { panic!("{bodies:?}") };
        assert_eq!(opened.cut_bytes, (cut - last) as u64);
        assert_eq!(lines(&torn).len() as u64, tail.seq + 2, "the torn one is gone, two are new");
    }
}

#[tokio::test]
async fn a_last_file_without_a_whole_record_is_begun_again() {
    let (disk, tail) = log_of(3, 1 << 20).await;
    let next = format!("audit-{:020}.jsonl", tail.seq + 1);
    for begun in [&b""[..], b"{\"body\":{\"prev"] {
        let [before] = &disk.files()[..] else { panic!("one file") };
        let left = Sim::holding(&[before.clone(), (next.clone(), begun.to_vec())]);
        assert_eq!(verify_on(&left, None).unwrap().fault, None);
        let log = log_on(&left, 1 << 20).await;
        let receipt = log.append(intent(50)).await.unwrap();
        assert_eq!(
            receipt.seq(),
            tail.seq + 3,
            "a chain record and that it was opened come before"
        );
        log.close().await.unwrap();
        assert_eq!(verify_on(&left, None).unwrap().fault, None);
        assert_eq!(left.files()[0], *before, "nothing more goes to the file that was left");
    }
}

#[tokio::test]
async fn a_last_file_that_is_not_sound_is_an_error_with_its_place() {
    let (disk, _) = log_of(3, 1 << 20).await;
    let [(name, whole)] = &disk.files()[..] else { panic!("one file") };
    let mut edited = whole.clone();
    let second = edited.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    edited[second + 30] ^= 1;
    let edited = Sim::holding(&[(name.clone(), edited)]);
    let error =
        Log::open_on(edited, settings(1 << 20), Hands::default().clock()).await.unwrap_err();
    let OpenError::Damaged(fault) = &error else { panic!("{error}") };
    assert_eq!((fault.file.as_str(), fault.line), (name.as_str(), 2));
    assert!(error.to_string().contains(name.as_str()), "{error}");

    let stray = Sim::holding(&[(name.clone(), whole.clone()), (name.replace('0', "9"), vec![])]);
    let error = Log::open_on(stray, settings(1 << 20), Hands::default().clock()).await.unwrap_err();
    let OpenError::Damaged(fault) = error else { panic!("{error}") };
    assert_eq!(fault.kind, FaultKind::Spliced);
}
