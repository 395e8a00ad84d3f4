//! Real logs in folders, written by the audit log itself with a clock of the test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prepl_audit::disk::Folder;
use prepl_audit::{
    AccessRef, Approval, AskedPolicy, AskedRight, AttachClosed, AttachOpened, AttachSaid,
    BreakGlass, Checkpoint, Decision, Denied, InputGiven, Intent, Log, Mode, Moment, Outcomes,
    Redactor, ReplMessage, ReplicaOutcome, ReplicaSet, Said, Sentence, Settings, SigningKey,
    SourceFile, Tail, Who,
};
use prepl_core::{
    Class, Digest, Expression, Labels, Origin, Reason, Replica, ReplicaId, RequestId, RunId,
    Workload,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// 2026-03-01T09:30:00Z; each record is written a second after the one before it.
const BEGUN: u64 = 1_772_357_400_000;

/// A log, and the key for its checkpoints.
pub struct Logged {
    pub place: TempDir,
    pub key: SigningKey,
    pub tail: Tail,
}

impl Logged {
    /// A log of a run with outcomes, one without, a tunnel, a denial, an approval and a break-glass.
    pub fn with_all() -> Logged {
        Logged::written(1 << 20, async |log| {
            let first = intent(1, "mira", "(login \"hunter2\")\n(count-sessions)");
            append(log, approval(&first.who)).await;
            let seq = log.append(first).await.unwrap().seq();
            append(log, outcomes(1, seq)).await;
            append(log, attach("otto")).await;
            append(
                log,
                AttachClosed::new(request(2), 1200, 64 << 10, &Reason::new("both sides ended")),
            )
            .await;
            append(log, denied("noel", Some("(exit)"))).await;
            append(
                log,
                BreakGlass {
                    who: who("otto"),
                    reason: text("all is down"),
                    ticket: Some(text("INC-7")),
                },
            )
            .await;
            let file = |origin| SourceFile::of(&origin, &Redactor::default());
            let file_name = || "shop/core.clj".parse().unwrap();
            let whole = file(Origin::File(file_name()));
            let intent_4 = intent(4, "otto", "(restart)");
            append(log, Intent { break_glass: true, file: whole, ..intent_4 }).await;
            let placed = file(Origin::at(file_name(), 12, 3));
            let intent_5 = intent(5, "mira", "(version)");
            append(log, Intent { mode: Mode::ReadOnly, file: placed, ..intent_5 }).await;
        })
    }

    /// A log of a tunnel: an evaluation, an interrupt, lines of text, bytes that nobody could read.
    pub fn of_a_tunnel() -> Logged {
        Logged::written(1 << 20, async |log| {
            let redactor = Redactor::new([("hunter\\d", "***")]).unwrap();
            append(log, attach("otto")).await;
            let message = |op: &str, code: Option<&[u8]>| {
                Said::Message(ReplMessage {
                    op: text(op),
                    session: Some(text("s-1")),
                    namespace: code.map(|_| text("shop.core")),
                    file: code.map(|_| text("src/shop/core.clj")),
                    code: code.map(|code| redactor.code(code)),
                    sha256: Digest::of(op),
                })
            };
            let lines = Said::Text { text: redactor.code(b"(inc 1)\n(inc 2)\n") };
            let code = b"(login \"hunter2\")".as_slice();
            let all = [message("load-file", Some(code)), message("interrupt", None), lines];
            let raw = Said::Raw { sha256: Digest::of("raw") };
            for (said, place) in all.into_iter().chain([raw, Said::Asides]).zip(0..) {
                append(log, attach_said(place, said)).await;
            }
            append(log, AttachClosed::new(request(2), 99, 7, &Reason::new("both sides ended")))
                .await;
        })
    }

    /// A log of a run that was given input.
    pub fn of_input() -> Logged {
        Logged::written(1 << 20, async |log| {
            let redactor = Redactor::new([("hunter\\d", "***")]).unwrap();
            let first = intent(1, "mira", "(eval (read))");
            let (run, who) = (first.run, first.who.clone());
            let seq = log.append(first).await.unwrap().seq();
            for (place, text) in [(0, "(login \"hunter2\")\n"), (1, "yes")] {
                let (who, code, end) = (who.clone(), redactor.code(text.as_bytes()), place == 1);
                append(log, InputGiven { run, intent: seq, place, who, replicas: 2, code, end })
                    .await;
            }
            append(log, outcomes(1, seq)).await;
        })
    }

    /// So many runs, in files of so many bytes.
    pub fn of_runs(runs: u64, file_bytes: u64) -> Logged {
        Logged::written(file_bytes, async |log| {
            for number in 1..=runs {
                append(log, intent(number, "mira", "(count-sessions)")).await;
            }
        })
    }

    fn written(file_bytes: u64, write: impl AsyncFnOnce(&Log)) -> Logged {
        let place = tempfile::tempdir().unwrap();
        let ticks = AtomicU64::new(0);
        let clock = Arc::new(move || {
            Moment::from_millis(BEGUN + 1000 * ticks.fetch_add(1, Ordering::SeqCst))
        });
        let mut settings = Settings::new("prepl-test 0");
        settings.max_file_bytes = file_bytes.try_into().unwrap();
        let tail = Runtime::new().unwrap().block_on(async {
            let disk = Folder::lock(&place.path().join("log")).unwrap();
            let log = Log::open_on(disk, settings, clock).await.unwrap();
            write(&log).await;
            log.close().await.unwrap();
            log.tail().borrow().unwrap()
        });
        let key = SigningKey::from_pkcs8(&SigningKey::generate_pkcs8().unwrap()).unwrap();
        Logged { place, key, tail }
    }

    pub fn folder(&self) -> PathBuf {
        self.place.path().join("log")
    }

    /// Names of the files, oldest first.
    pub fn files(&self) -> Vec<PathBuf> {
        let all = std::fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            all.filter(|path| path.extension().is_some_and(|one| one == "jsonl")).collect();
        files.sort();
        files
    }

    /// Changes the text of a file.
    pub fn edit(&self, file: usize, change: impl FnOnce(String) -> String) {
        let path = &self.files()[file];
        let text = change(std::fs::read_to_string(path).unwrap());
        std::fs::write(path, text).unwrap();
    }

    /// A file with a signed checkpoint of the end.
    pub fn checkpoints(&self) -> PathBuf {
        let signed = self.key.sign(Checkpoint::of(self.tail, Moment::from_millis(BEGUN)));
        let path = self.place.path().join("checkpoints.jsonl");
        std::fs::write(&path, serde_json::to_string(&signed).unwrap() + "\n").unwrap();
        path
    }

    /// Runs `prepl audit` over the folder.
    pub fn audit(&self, args: &[&str]) -> Output {
        audit(&self.folder(), args)
    }

    /// Verifies against the checkpoint of the end.
    pub fn verify(&self) -> Output {
        let (checkpoints, key) = (self.checkpoints(), self.key.public().to_string());
        self.audit(&["verify", "--checkpoints", checkpoints.to_str().unwrap(), "--key", &key])
    }

    /// The text without what is by chance: the chain's name and hashes.
    pub fn masked(&self, text: &str) -> String {
        let is_hash = |word: &&str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
        let hashes: Vec<&str> =
            text.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_hash).collect();
        let text =
            hashes.into_iter().fold(text.to_owned(), |text, hash| text.replace(hash, "HASH"));
        text.replace(&self.tail.chain.to_string(), "CHAIN")
    }
}

async fn append<T: prepl_audit::Record>(log: &Log, record: T) {
    drop(log.append(record).await.unwrap());
}

pub fn audit(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
    command.env_clear().stdin(Stdio::null()).arg("audit").args(args);
    command.arg("--folder").arg(folder).output().unwrap()
}

/// What came on stdout and on stderr, with this exit code.
pub fn told(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (answers, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{answers}{errors}");
    (answers, errors)
}

pub fn who(username: &str) -> Who {
    let access = AccessRef {
        namespace: "shop".into(),
        name: format!("prepl-{username}"),
        uid: format!("u-{username}"),
    };
    Who { username: username.into(), uid: "1234".into(), access: Some(access) }
}

fn text(text: &str) -> prepl_audit::Redacted {
    Redactor::default().text(text)
}

fn request(number: u64) -> RequestId {
    RequestId::from_random(u128::from(number).to_le_bytes())
}

fn run(number: u64) -> RunId {
    let [.., a, b, c, d, e] = number.to_be_bytes();
    RunId::from_random([a, b, c, d, e])
}

fn replicas() -> ReplicaSet {
    let replica = |name: &str| Replica {
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
        address: "10.0.0.1:7070".into(),
    };
    ReplicaSet::of(&[replica("api-1"), replica("api-2")])
}

fn decision(right: &str) -> Decision {
    Decision {
        rights: vec![AskedRight {
            right: right.into(),
            namespace: "shop".into(),
            workload: "deployment/api".into(),
        }],
        policies: vec![AskedPolicy { policy: "ReplPolicy shop/office-hours".into() }],
    }
}

pub fn intent(number: u64, user: &str, expression: &str) -> Intent {
    let redactor = Redactor::new([("hunter\\d", "***")]).unwrap();
    Intent {
        run: run(number),
        request: request(number),
        who: who(user),
        mode: Mode::ReadWrite,
        recall: false,
        expression: redactor.expression(&Expression::new(expression).unwrap()),
        file: None,
        session: None,
        namespace: None,
        replicas: replicas(),
        decision: decision("eval"),
        reason: Some(text("queue is stuck")),
        ticket: None,
        break_glass: false,
    }
}

fn outcomes(number: u64, intent: u64) -> Outcomes {
    let ok = ReplicaOutcome::new("uid-of-api-1", Class::Ok, 12, 5);
    let ok = ok.with_values([Digest::of("344")], 1);
    let unknown = ReplicaOutcome::new("uid-of-api-2", Class::Unknown, 0, 0);
    let unknown = unknown.because(&Reason::new("no word of the end within 30 s"));
    Outcomes { run: run(number), intent, replicas: vec![ok, unknown] }
}

fn attach(user: &str) -> AttachOpened {
    AttachOpened {
        request: request(2),
        who: who(user),
        replicas: replicas(),
        decision: decision("attach"),
        reason: None,
        break_glass: false,
    }
}

fn attach_said(place: u64, said: Said) -> AttachSaid {
    let (request, who, replicas) = (request(2), who("otto"), replicas());
    let asides = [("eldoc".to_owned(), 12)].into_iter().filter(|_| place == 0).collect();
    AttachSaid { request, place, who, replicas, bytes: 2000, said, asides }
}

pub fn denied(user: &str, expression: Option<&str>) -> Denied {
    let asked =
        expression.map(|text| Redactor::default().expression(&Expression::new(text).unwrap()));
    Denied {
        who: who(user),
        request: request(3),
        expression: asked,
        replicas: replicas(),
        why: Sentence::from(&Reason::new("no role allows it")),
    }
}

fn approval(of: &Who) -> Approval {
    let access = of.access.clone().unwrap();
    Approval { who: who("otto"), access, shown: Digest::of("shown") }
}
