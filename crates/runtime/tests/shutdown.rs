//! Signals to this very process: one test, as they reach every listener in it.

use std::time::Duration;

use prepl_runtime::shutdown::{Ended, Signals, until_drained};

const LONG: Duration = Duration::from_secs(60);

fn signal_ourselves() {
    let own = std::process::id().to_string();
    let sent = std::process::Command::new("kill").args(["-TERM", &own]).status();
    assert!(sent.is_ok_and(|sent| sent.success()));
}

#[tokio::test]
async fn the_first_signal_drains_the_second_ends_and_work_may_end_by_itself() {
    let alone = until_drained(Signals::listen().unwrap(), LONG, |_| async { 7 }).await;
    assert_eq!(alone, Ended::Finished(7));

    let signals = Signals::listen().unwrap();
    signal_ourselves();
    let drained = until_drained(signals, LONG, |drain| async {
        drain.begun().await;
        8
    });
    assert_eq!(drained.await, Ended::Finished(8));

    let signals = Signals::listen().unwrap();
    signal_ourselves();
    let stuck = until_drained(signals, LONG, |drain| async {
        drain.begun().await;
        signal_ourselves();
        std::future::pending::<()>().await;
    });
    assert_eq!(stuck.await, Ended::Aborted);

    let signals = Signals::listen().unwrap();
    signal_ourselves();
    let slow = until_drained(signals, Duration::ZERO, |_| std::future::pending::<()>());
    assert_eq!(slow.await, Ended::TooSlow);
}
