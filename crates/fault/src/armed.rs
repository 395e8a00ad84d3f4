//! The build for tests.

use std::num::NonZeroU64;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Signal, getpid, kill_process};

use crate::LABELS;

/// The environment variable that names the point at which the process dies.
pub const VARIABLE: &str = "PREPL_FAULT_POINT";

/// Where the process dies, and how many passings are left until then.
struct Chosen {
    label: String,
    left: AtomicU64,
}

impl Chosen {
    fn read(text: &str) -> Chosen {
        let numbered = text.rsplit_once(':').and_then(|(label, number)| {
            number.parse::<NonZeroU64>().ok().map(|number| (label, number.get()))
        });
        let (label, left) = numbered.unwrap_or((text, 1));
        Chosen { label: label.to_owned(), left: AtomicU64::new(left) }
    }
}

static CHOSEN: LazyLock<Option<Chosen>> =
    LazyLock::new(|| std::env::var(VARIABLE).ok().map(|text| Chosen::read(&text)));

pub(crate) fn pass(label: &'static str) {
    assert!(LABELS.contains(&label), "{label} is not in LABELS, so that no test would come by it");
    let Some(chosen) = &*CHOSEN else { return };
    if chosen.label == label && chosen.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        die();
    }
}

/// Whoever passes here does nothing more, whenever the signal comes.
fn die() -> ! {
    let _ = kill_process(getpid(), Signal::KILL);
    loop {
        std::thread::park();
    }
}
