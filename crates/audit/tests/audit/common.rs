//! Records to append, and logs to look at.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prepl_audit::{
    AccessRef, AskedPolicy, AskedRight, Body, Checkpoint, Clock, Decision, Form, Intent, Log, Mode,
    Moment, Receipt, Redactor, ReplicaSet, Settings, SignedCheckpoint, SigningKey, Tail, Verified,
    Who, Witness, export_on, verify_on,
};
use prepl_core::{Digest, Expression, Labels, Replica, ReplicaId, RequestId, RunId, Workload};

use crate::sim::Sim;

/// A clock that goes when it is told to.
#[derive(Clone, Default)]
pub struct Hands(Arc<AtomicU64>);

impl Hands {
    pub fn turn(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn turn_back(&self, by: Duration) {
        self.0.fetch_sub(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        let hands = Arc::clone(&self.0);
        Arc::new(move || Moment::from_millis(1_772_357_400_000 + hands.load(Ordering::SeqCst)))
    }
}

pub fn settings(max_file_bytes: u64) -> Settings {
    let mut settings = Settings::new("prepl-test 0");
    settings.max_file_bytes = max_file_bytes.try_into().unwrap();
    settings
}

pub fn replica(name: &str) -> Replica {
    Replica {
        id: ReplicaId {
            namespace: "shop".into(),
            name: name.into(),
            uid: format!("uid-of-{name}").into(),
        },
        workload: Workload { kind: "deployment".into(), name: "api".into() },
        labels: Labels::default(),
        node: "node-1".into(),
        zone: "a".into(),
        version: "v1".into(),
        container: "api".into(),
        address: "127.0.0.1:7070".into(),
    }
}

pub fn who(username: &str) -> Who {
    let access = AccessRef { namespace: "shop".into(), name: "mira-1".into(), uid: "u-1".into() };
    Who { username: username.into(), uid: "1234".into(), access: Some(access) }
}

pub fn run(number: u64) -> RunId {
    let [.., a, b, c, d, e] = number.to_be_bytes();
    RunId::from_random([a, b, c, d, e])
}

pub fn request(number: u64) -> RequestId {
    RequestId::from_random(u128::from(number).to_be_bytes())
}

pub fn decision() -> Decision {
    Decision {
        rights: vec![AskedRight {
            right: "eval".into(),
            namespace: "shop".into(),
            workload: "deployment/api".into(),
        }],
        policies: vec![AskedPolicy { policy: "office-hours".into() }],
    }
}

pub fn intent(number: u64) -> Intent {
    let redactor = Redactor::new([("hunter\\d", "***")]).unwrap();
    let expression = Expression::new(format!("(login \"hunter2\") ; {number}")).unwrap();
    Intent {
        run: run(number),
        request: request(number),
        who: who("mira"),
        mode: Mode::ReadWrite,
        recall: false,
        expression: redactor.expression(&expression),
        file: None,
        session: None,
        namespace: None,
        replicas: ReplicaSet::of(&[replica("api-1"), replica("api-2")]),
        decision: decision(),
        reason: Some(redactor.text("queue is stuck")),
        ticket: None,
        break_glass: false,
    }
}

/// What somebody holds a receipt for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    pub seq: u64,
    pub hash: Digest,
    pub run: RunId,
}

impl From<Receipt<Intent>> for Held {
    fn from(receipt: Receipt<Intent>) -> Held {
        Held { seq: receipt.seq(), hash: receipt.hash(), run: receipt.record().run }
    }
}

pub async fn log_on(disk: &Sim, max_file_bytes: u64) -> Log {
    let clock = Hands::default().clock();
    Log::open_on(disk.clone(), settings(max_file_bytes), clock).await.unwrap()
}

/// A closed log of so many intents.
pub async fn log_of(intents: u64, max_file_bytes: u64) -> (Sim, Tail) {
    let disk = Sim::default();
    let log = log_on(&disk, max_file_bytes).await;
    for number in 0..intents {
        let _ = log.append(intent(number)).await.unwrap();
    }
    log.close().await.unwrap();
    let tail = *log.tail().borrow();
    (disk, tail.unwrap())
}

/// The lines of a log, as they are stored.
pub fn lines(disk: &Sim) -> Vec<String> {
    let mut out = Vec::new();
    export_on(disk, Form::Stored, &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

pub fn bodies(disk: &Sim) -> Vec<Body> {
    lines(disk).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All intents of a log.
pub fn intents(disk: &Sim) -> Vec<Held> {
    let held = |line: &String| {
        let member: serde_json::Value = serde_json::from_str(line).unwrap();
        let Body::Intent(intent) = serde_json::from_str(line).unwrap() else { return None };
        let hash = member["hash"].as_str().unwrap();
        let bytes = (0..32).map(|at| u8::from_str_radix(&hash[2 * at..2 * at + 2], 16).unwrap());
        let hash = Digest::from_bytes(bytes.collect::<Vec<_>>().try_into().unwrap());
        Some(Held { seq: member["seq"].as_u64().unwrap(), hash, run: intent.run })
    };
    lines(disk).iter().filter_map(held).collect()
}

/// The log is whole, and all that is held is in it, nothing twice.
pub fn check(disk: &Sim, held: &[Held], told: &str) {
    let verified = verify_on(disk, None).unwrap();
    assert_eq!(verified.fault, None, "{told}");
    let found = intents(disk);
    let runs: BTreeSet<RunId> = found.iter().map(|one| one.run).collect();
    assert_eq!(runs.len(), found.len(), "nothing stands twice: {told}");
    let found: BTreeSet<Held> = found.into_iter().collect();
    let lost: Vec<_> = held.iter().filter(|one| !found.contains(one)).collect();
    assert!(lost.is_empty(), "lost {lost:?}: {told}");
}

pub fn key() -> SigningKey {
    SigningKey::from_pkcs8(&SigningKey::generate_pkcs8().unwrap()).unwrap()
}

pub fn signed(key: &SigningKey, tail: Tail) -> SignedCheckpoint {
    key.sign(Checkpoint::of(tail, Moment::from_millis(1_772_357_400_000)))
}

/// Verifies against these checkpoints.
pub fn verified_against(
    disk: &Sim,
    key: &SigningKey,
    checkpoints: &[SignedCheckpoint],
) -> Verified {
    let lines: String =
        checkpoints.iter().map(|signed| serde_json::to_string(signed).unwrap() + "\n").collect();
    let lines = Box::new(std::io::Cursor::new(lines));
    let witness = Witness { key: key.public(), name: "checkpoints".to_owned(), lines };
    verify_on(disk, Some(witness)).unwrap()
}
