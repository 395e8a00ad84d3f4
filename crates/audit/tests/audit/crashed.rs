//! P2 and P8: whatever has a receipt is there after a crash at any operation, and the chain holds.

use std::io::ErrorKind;

use prepl_audit::{AuditError, Log, OpenError};

use crate::common::{Hands, Held, check, intent, settings};
use crate::sim::{Failure, Kept, Sim};

/// A file takes two or three records.
const SMALL: u64 = 2000;
/// What `work` appends.
const ALL: usize = 12;

async fn open(disk: &Sim) -> Result<Log, OpenError> {
    Log::open_on(disk.clone(), settings(SMALL), Hands::default().clock()).await
}

/// As whatever starts the program again does.
async fn open_again(disk: &Sim) -> Option<Log> {
    for _ in 0..6 {
        if let Ok(log) = open(disk).await {
            return Some(log);
        }
    }
    None
}

/// Opens, appends alone and together, closes, opens again; goes on after errors.
async fn work(disk: &Sim) -> Vec<Held> {
    let mut held = Vec::new();
    for round in 0..2_u64 {
        let Some(log) = open_again(disk).await else { break };
        for number in 0..3 {
            held.extend(log.append(intent(100 * round + number)).await.ok().map(Held::from));
        }
        let together = (3..6).map(|number| log.append(intent(100 * round + number)));
        let receipts = futures_util::future::join_all(together).await;
        held.extend(receipts.into_iter().filter_map(Result::ok).map(Held::from));
        let _ = log.close().await;
    }
    held
}

/// Opens what is left, and goes on as if nothing had been.
async fn go_on(disk: &Sim, held: &[Held], told: &str) {
    check(disk, held, told);
    let log = open(disk).await.unwrap_or_else(|error| panic!("{error}: {told}"));
    let more = Held::from(log.append(intent(999)).await.unwrap());
    log.close().await.unwrap();
    check(disk, &[held, &[more]].concat(), told);
}

#[tokio::test]
async fn what_has_a_receipt_survives_a_crash_at_any_operation() {
    let sound = Sim::default();
    assert_eq!(work(&sound).await.len(), ALL);
    let operations = sound.operations();
    assert!(operations > 40, "{operations}");
    for operation in 0..operations {
        let disk = Sim::failing([(operation, Failure::Crash)]);
        let held = work(&disk).await;
        for kept in Kept::ALL {
            let told = format!("crash at {operation}, kept {kept:?}");
            go_on(&disk.after_a_crash(kept), &held, &told).await;
        }
    }
}

#[tokio::test]
async fn errors_at_any_operation_lose_nothing_that_has_a_receipt() {
    let operations = {
        let sound = Sim::default();
        work(&sound).await;
        sound.operations()
    };
    let failures = [
        Failure::Error(ErrorKind::StorageFull),
        Failure::Error(ErrorKind::Other),
        Failure::Error(ErrorKind::Interrupted),
        Failure::Short,
    ];
    for operation in 0..operations {
        for (failure, length) in failures.into_iter().zip([1, 4, 1, 3]) {
            let plan = (operation..operation + length).map(|operation| (operation, failure));
            let disk = Sim::failing(plan);
            let held = work(&disk).await;
            for kept in [Kept::Nothing, Kept::Half] {
                let told = format!("{failure:?} at {operation} and {length} long, kept {kept:?}");
                go_on(&disk.after_a_crash(kept), &held, &told).await;
            }
            assert!(held.len() >= ALL - 6, "{failure:?} at {operation}: the log goes on by itself");
        }
    }
}

#[tokio::test]
async fn an_error_and_a_crash_after_it_lose_nothing_either() {
    for operation in 0..40 {
        for later in [1, 2, 3, 5] {
            let failing = Failure::Error(ErrorKind::Other);
            let plan = [(operation, failing), (operation + later, Failure::Crash)];
            let disk = Sim::failing(plan);
            let held = work(&disk).await;
            for kept in [Kept::Nothing, Kept::Everything, Kept::Ghosts] {
                let told = format!("error at {operation}, crash {later} later, kept {kept:?}");
                go_on(&disk.after_a_crash(kept), &held, &told).await;
            }
        }
    }
}

#[tokio::test]
async fn nobody_gets_a_receipt_from_a_disk_that_is_gone() {
    let disk = Sim::default();
    let log = open(&disk).await.unwrap();
    let _ = log.append(intent(1)).await.unwrap();
    disk.set_room(Some(0));
    assert!(matches!(log.append(intent(2)).await, Err(AuditError::DiskFull)));
}
