//! Many who append at once share syncs, and one who appends alone waits for nobody.

use std::future::poll_fn;
use std::sync::mpsc;
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::common::{Held, check, intent, intents, log_on, run};
use crate::sim::{Gate, Sim};

#[tokio::test]
async fn all_who_come_while_the_disk_is_busy_share_one_sync() {
    let disk = Sim::default();
    let log = log_on(&disk, 1 << 20).await;
    let _ = log.append(intent(0)).await.unwrap();
    let before = disk.syncs();

    let (began, begins) = mpsc::channel();
    let (leave, leaves) = mpsc::channel();
    disk.set_gate(Some(Gate { began, leave: leaves }));
    let mut first = Box::pin(log.append(intent(1)));
    assert!(poll_fn(|context| Poll::Ready(first.poll_unpin(context).is_pending())).await);
    begins.recv().unwrap();
    let mut others = join_all((2..102).map(|number| log.append(intent(number))));
    assert!(poll_fn(|context| Poll::Ready(others.poll_unpin(context).is_pending())).await);
    drop(leave);

    let mut held = vec![Held::from(first.await.unwrap())];
    held.extend(others.await.into_iter().map(|receipt| Held::from(receipt.unwrap())));
    assert_eq!(disk.syncs() - before, 2, "one for the first, one for the hundred");
    check(&disk, &held, "shared");
}

#[tokio::test]
async fn one_after_the_other_each_has_a_sync_of_its_own() {
    let disk = Sim::default();
    let log = log_on(&disk, 1 << 20).await;
    let _ = log.append(intent(0)).await.unwrap();
    let before = disk.syncs();
    for number in 1..11 {
        let _ = log.append(intent(number)).await.unwrap();
    }
    assert_eq!(disk.syncs() - before, 10);
}

#[tokio::test]
async fn who_stops_waiting_harms_nobody() {
    let disk = Sim::default();
    let log = log_on(&disk, 1 << 20).await;
    let _ = log.append(intent(0)).await.unwrap();
    let (began, begins) = mpsc::channel();
    let (leave, leaves) = mpsc::channel();
    disk.set_gate(Some(Gate { began, leave: leaves }));
    let mut left = Box::pin(log.append(intent(1)));
    assert!(poll_fn(|context| Poll::Ready(left.poll_unpin(context).is_pending())).await);
    begins.recv().unwrap();
    drop(left);
    drop(leave);
    let held = Held::from(log.append(intent(2)).await.unwrap());
    check(&disk, &[held], "left");
    let runs: Vec<_> = intents(&disk).iter().map(|one| one.run).collect();
    assert_eq!(runs, [run(0), run(1), run(2)], "what nobody has a receipt for may be there");
}
