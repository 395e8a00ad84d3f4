//! What a log tells, also one that is damaged.

use std::path::Path;
use std::time::Duration;

use prepl_audit::disk::Folder;
use prepl_audit::{Body, FaultKind, Log, Stored, chain_of, files_since, read};
use tempfile::TempDir;

use crate::common::{Hands, intent, settings};

/// A log of so many intents, an hour between any two, in files of a few.
async fn log(intents: u64) -> (TempDir, Hands) {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::default());
    let disk = Folder::lock(folder.path()).unwrap();
    let log = Log::open_on(disk, settings(2000), hands.clock()).await.unwrap();
    for number in 0..intents {
        hands.turn(Duration::from_secs(3600));
        let _ = log.append(intent(number)).await.unwrap();
    }
    log.close().await.unwrap();
    (folder, hands)
}

fn files(folder: &Path) -> Vec<String> {
    files_since(folder, None).unwrap()
}

fn all(folder: &Path) -> (Vec<(Vec<u8>, Stored)>, Option<FaultKind>) {
    let mut records = Vec::new();
    let fault = read(folder, |line, stored| records.push((line.to_vec(), stored))).unwrap();
    (records, fault.map(|fault| fault.kind))
}

#[tokio::test]
async fn every_record_is_given_with_its_line() {
    let (folder, _) = log(4).await;
    let (records, fault) = all(folder.path());
    assert_eq!(fault, None);
    let seqs: Vec<u64> = records.iter().map(|(_, stored)| stored.place.seq).collect();
    assert_eq!(seqs, (0..records.len() as u64).collect::<Vec<_>>());
    let files = files(folder.path());
    assert!(files.len() > 1);
    let text: String = files
        .iter()
        .map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap())
        .collect();
    let lines: Vec<_> = records.iter().map(|(line, _)| line.as_slice()).collect();
    assert_eq!(lines, text.lines().map(str::as_bytes).collect::<Vec<_>>());
    let intents = records.iter().filter(|(_, stored)| matches!(stored.body, Some(Body::Intent(_))));
    assert_eq!(intents.count(), 4);
    let chain = records.first().map(|(_, stored)| stored.place.chain);
    assert_eq!(chain_of(folder.path()).unwrap(), chain);
}

#[tokio::test]
async fn what_stands_after_a_fault_is_given_too() {
    let (folder, _) = log(4).await;
    let path = folder.path().join(&files(folder.path())[0]);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replacen("username\":\"mira", "username\":\"mara", 1) + "no record\n",
    )
    .unwrap();
    let (records, fault) = all(folder.path());
    assert_eq!(fault, Some(FaultKind::Edited));
    let users = records.iter().filter_map(|(_, stored)| match &stored.body {
        Some(Body::Intent(intent)) => Some(intent.who.username.as_str()),
        _ => None,
    });
    assert_eq!(users.collect::<Vec<_>>(), ["mara", "mira", "mira", "mira"]);
}

#[tokio::test]
async fn an_end_that_is_being_written_is_no_fault() {
    let (folder, _) = log(4).await;
    let whole = all(folder.path()).0.len();
    let path = folder.path().join(files(folder.path()).last().unwrap());
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "{\"body\":").unwrap();
    let (records, fault) = all(folder.path());
    assert_eq!((records.len(), fault), (whole, None));
}

#[tokio::test]
async fn files_that_are_over_before_a_moment_are_left_out() {
    let (folder, hands) = log(6).await;
    let (all, now) = (files(folder.path()), (hands.clock())());
    let since = |hours: u64| {
        let millis = now.as_millis() - hours * 3_600_000;
        files_since(folder.path(), Some(prepl_audit::Moment::from_millis(millis))).unwrap()
    };
    assert_eq!(since(24), all);
    let recent = since(1);
    assert!(recent.len() < all.len() && all.ends_with(&recent), "{recent:?} of {all:?}");
    let text = std::fs::read_to_string(folder.path().join(&recent[0])).unwrap();
    let rest = &recent[1..];
    let told: usize = rest
        .iter()
        .map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap())
        .chain([text])
        .map(|text| text.matches("\"kind\":\"intent\"").count())
        .sum();
    assert!(told >= 2, "the last two hours are in it");
    let later = prepl_audit::Moment::from_millis(now.as_millis() + 1);
    assert_eq!(files_since(folder.path(), Some(later)).unwrap().len(), 1, "the end stays");
}

#[tokio::test]
async fn an_empty_folder_tells_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!((files(folder.path()).len(), chain_of(folder.path()).unwrap()), (0, None));
    assert!(all(folder.path()).0.is_empty());
}
