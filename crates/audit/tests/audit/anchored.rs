//! Checkpoints: when they are made, where they are kept, and what they show.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prepl_audit::{
    Anchor, CHECKPOINTS, Cadence, ChainId, Checkpoint, FaultKind, FileAnchor, Log, NotAnchored,
    PublicKey, Settings, SignedCheckpoint, Tail, Witness, keep_anchored, verify,
};
use prepl_core::Digest;
use tokio::sync::watch;
use tokio::time::advance;

use crate::common::{Hands, intent, key, log_of, signed, verified_against};
use crate::sim::Sim;

/// Keeps checkpoints in memory, or fails.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    fails: bool,
    checkpoints: Vec<Checkpoint>,
}

impl Memory {
    fn kept(&self) -> Vec<u64> {
        self.0.lock().unwrap().checkpoints.iter().map(|checkpoint| checkpoint.seq).collect()
    }

    fn fail(&self, fails: bool) {
        self.0.lock().unwrap().fails = fails;
    }
}

impl Anchor for Memory {
    async fn store(&mut self, signed: &SignedCheckpoint) -> Result<(), NotAnchored> {
        let mut inner = self.0.lock().unwrap();
        if inner.fails {
            return Err(NotAnchored("it fails".to_owned()));
        }
        inner.checkpoints.push(signed.checkpoint);
        Ok(())
    }
}

fn tail(seq: u64) -> Option<Tail> {
    let chain: ChainId = "00112233445566778899aabbccddeeff".parse().unwrap();
    Some(Tail { chain, seq, hash: Digest::of(&seq.to_string()) })
}

struct Running {
    told: watch::Sender<Option<Tail>>,
    memory: Memory,
    task: tokio::task::JoinHandle<()>,
}

fn running() -> Running {
    let (told, tail) = watch::channel(None);
    let memory = Memory::default();
    let cadence = Cadence { records: 100.try_into().unwrap(), time: Duration::from_secs(30) };
    let clock = Hands::default().clock();
    let task = tokio::spawn(keep_anchored(tail, cadence, clock, key(), memory.clone()));
    Running { told, memory, task }
}

/// Lets the task do all that it can do now.
async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_is_made_after_so_many_records_or_so_long() {
    let Running { told, memory, task } = running();
    settle().await;
    for seq in 0..250 {
        told.send_replace(tail(seq));
        settle().await;
    }
    assert_eq!(memory.kept(), [99, 199]);
    advance(Duration::from_secs(31)).await;
    settle().await;
    assert_eq!(memory.kept(), [99, 199, 249]);
    advance(Duration::from_secs(300)).await;
    settle().await;
    assert_eq!(memory.kept(), [99, 199, 249], "nothing is new");
    told.send_replace(tail(250));
    drop(told);
    task.await.unwrap();
    assert_eq!(memory.kept(), [99, 199, 249, 250], "the end is anchored");
}

#[tokio::test(start_paused = true)]
async fn an_anchor_that_fails_is_tried_again_and_not_with_each_record() {
    let Running { told, memory, .. } = running();
    memory.fail(true);
    told.send_replace(tail(99));
    settle().await;
    memory.fail(false);
    for seq in 100..110 {
        told.send_replace(tail(seq));
        settle().await;
    }
    assert_eq!(memory.kept(), [0; 0]);
    advance(Duration::from_secs(6)).await;
    settle().await;
    assert_eq!(memory.kept(), [109]);
}

#[tokio::test]
async fn checkpoints_that_are_not_right_are_told_with_their_line() {
    let (disk, tail) = log_of(3, 1 << 20).await;
    let key = key();
    let good = signed(&key, tail);
    let kind = |checkpoints: &[SignedCheckpoint]| {
        let fault = verified_against(&disk, &key, checkpoints).fault;
        fault.map(|fault| (fault.file, fault.line, fault.kind))
    };
    let own = |line, kind| Some(("checkpoints".to_owned(), line, kind));
    assert_eq!(kind(&[]), None);
    assert_eq!(kind(&[good.clone(), good.clone()]), None, "twice is no harm");

    let strange = signed(&crate::common::key(), tail);
    assert_eq!(kind(&[good.clone(), strange]), own(2, FaultKind::BadSignature));
    let mut edited = good.clone();
    edited.checkpoint.seq -= 1;
    assert_eq!(kind(&[edited]), own(1, FaultKind::BadSignature));
    let mut cut = good.clone();
    cut.signature.pop();
    assert_eq!(kind(&[cut]), own(1, FaultKind::BadSignature));

    let early = signed(&key, Tail { seq: 0, ..tail });
    assert_eq!(kind(&[good.clone(), early]), own(2, FaultKind::BadCheckpoint));
    let chain = ChainId::random().unwrap();
    let foreign = signed(&key, Tail { chain, ..tail });
    assert_eq!(kind(&[foreign]), own(1, FaultKind::Spliced));
    let foreign = signed(&key, Tail { chain, seq: 99, ..tail });
    assert_eq!(kind(&[good, foreign]), own(2, FaultKind::Spliced));

    let later = signed(&key, Tail { seq: tail.seq + 1, ..tail });
    let (file, line, kind) = kind(&[later]).unwrap();
    assert_eq!(kind, FaultKind::CutTail { seq: tail.seq + 1 });
    assert_eq!((file, line), (disk.files()[0].0.clone(), tail.seq + 2));
}

#[tokio::test]
async fn checkpoints_of_files_that_are_gone_do_no_harm() {
    let (disk, end) = log_of(12, 3000).await;
    let key = key();
    let early = signed(&key, Tail { seq: 1, ..end });
    let left = Sim::holding(&disk.files()[2..]);
    let verified = verified_against(&left, &key, &[early, signed(&key, end)]);
    assert_eq!(verified.fault, None);
    assert_eq!((verified.checkpoints, verified.checkpoints_gone), (1, 1));
}

#[test]
fn keys_survive_their_text() {
    let public = key().public();
    assert_eq!(public.to_string().parse::<PublicKey>(), Ok(public));
    assert!("zz".parse::<PublicKey>().is_err());
    assert!(prepl_audit::SigningKey::from_pkcs8(b"no key").is_err());
}

#[tokio::test]
async fn a_log_and_its_checkpoints_on_a_real_disk() {
    let home = tempfile::tempdir().unwrap();
    let (folder, elsewhere) = (home.path().join("log"), home.path().join("anchor"));
    let key = key();
    let public = key.public();
    let log = Log::open(&folder, Settings::new("prepl-test 0")).await.unwrap();
    let _ = log.append(intent(1)).await.unwrap();
    let cadence = Cadence { records: 1.try_into().unwrap(), ..Cadence::default() };
    let anchor = FileAnchor::open(&elsewhere).unwrap();
    let clock = Hands::default().clock();
    let task = tokio::spawn(keep_anchored(log.tail(), cadence, clock, key, anchor));
    log.close().await.unwrap();
    let end = log.tail().borrow().unwrap();
    task.await.unwrap();

    let path = elsewhere.join(CHECKPOINTS);
    let witness = || {
        let lines = Box::new(std::fs::File::open(&path).unwrap());
        Some(Witness { key: public, name: CHECKPOINTS.to_owned(), lines })
    };
    let verified = verify(&folder, witness()).unwrap();
    assert!(verified.fault.is_none() && verified.checkpoints > 0, "{verified:?}");
    assert_eq!(verified.intact_to, Some(end));

    // A torn line does not count, and the next writer cuts it.
    let torn = |bytes: &[u8]| {
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(bytes).unwrap();
    };
    torn(b"{\"checkpoint\":");
    assert_eq!(verify(&folder, witness()).unwrap().fault, None);
    let mut anchor = FileAnchor::open(&elsewhere).unwrap();
    anchor.store(&signed(&crate::common::key(), end)).await.unwrap();
    let found = verify(&folder, witness()).unwrap().fault.unwrap();
    assert_eq!((found.kind, found.line), (FaultKind::BadSignature, verified.checkpoints + 1));
}
