//! Records a second and records a sync on a real disk:
//! `cargo run --release -p prepl-audit --example throughput -- FOLDER`.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prepl_audit::disk::{Disk, DiskFile, Folder};
use prepl_audit::{
    Decision, Intent, Log, Mode, Moment, Redactor, ReplicaSet, Settings, Who, verify,
};
use prepl_core::{Expression, RequestId, RunId};

type Failed = Box<dyn std::error::Error>;

/// How long each row is measured.
const ROW: Duration = Duration::from_secs(3);

/// A folder that counts its syncs.
struct Counted {
    folder: Folder,
    syncs: Arc<AtomicU64>,
}

struct CountedFile {
    file: std::fs::File,
    syncs: Arc<AtomicU64>,
}

impl Counted {
    fn count(&self, file: std::fs::File) -> CountedFile {
        CountedFile { file, syncs: Arc::clone(&self.syncs) }
    }
}

impl Disk for Counted {
    type File = CountedFile;

    fn list(&self) -> std::io::Result<Vec<(String, u64)>> {
        self.folder.list()
    }
    fn read(&self, name: &str) -> std::io::Result<Box<dyn std::io::Read + Send>> {
        self.folder.read(name)
    }
    fn open(&self, name: &str) -> std::io::Result<CountedFile> {
        Ok(self.count(self.folder.open(name)?))
    }
    fn create(&self, name: &str) -> std::io::Result<CountedFile> {
        Ok(self.count(self.folder.create(name)?))
    }
    fn refresh(&self, name: &str) -> std::io::Result<()> {
        self.folder.refresh(name)
    }
    fn remove(&self, name: &str) -> std::io::Result<()> {
        self.folder.remove(name)
    }
    fn sync_folder(&self) -> std::io::Result<()> {
        self.folder.sync_folder()
    }
}

impl DiskFile for CountedFile {
    fn size(&self) -> std::io::Result<u64> {
        self.file.size()
    }
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.append(bytes)
    }
    fn cut(&mut self, size: u64) -> std::io::Result<()> {
        self.file.cut(size)
    }
    fn sync(&mut self) -> std::io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.file.sync()
    }
}

fn intent(number: u64) -> Result<Intent, Failed> {
    let expression = Expression::new("(count (filter :stuck (vals @sessions)))")?;
    let [.., a, b, c, d, e] = number.to_be_bytes();
    Ok(Intent {
        run: RunId::from_random([a, b, c, d, e]),
        request: RequestId::from_random(u128::from(number).to_be_bytes()),
        who: Who { username: "mira".into(), uid: "1234".into(), access: None },
        mode: Mode::ReadOnly,
        recall: false,
        expression: Redactor::default().expression(&expression),
        file: None,
        session: None,
        namespace: None,
        replicas: ReplicaSet::of([]),
        decision: Decision::default(),
        reason: None,
        ticket: None,
        break_glass: false,
    })
}

/// So many callers, each of whom waits for its receipt before it appends again.
async fn row(folder: &Path, callers: u64) -> Result<(), Failed> {
    let syncs = Arc::new(AtomicU64::new(0));
    let disk = Counted { folder: Folder::lock(folder)?, syncs: Arc::clone(&syncs) };
    let log = Log::open_on(disk, Settings::new("throughput"), Arc::new(Moment::now)).await?;
    let log = Arc::new(log);
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let log = Arc::clone(&log);
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while began.elapsed() < ROW {
                let asked = Instant::now();
                let record = intent(caller).map_err(|error| error.to_string())?;
                log.append(record).await.map_err(|error| error.to_string())?.into_record();
                waits.push(asked.elapsed());
            }
            Ok::<_, String>(waits)
        });
    }
    let waits: Result<Vec<_>, String> = tasks.join_all().await.into_iter().collect();
    let mut waits: Vec<Duration> = waits?.into_iter().flatten().collect();
    let elapsed = began.elapsed().as_secs_f64();
    log.close().await?;
    waits.sort_unstable();
    let at = |part: usize| waits.get(waits.len() * part / 100).copied().unwrap_or_default();
    let (count, syncs) = (waits.len() as f64, syncs.load(Ordering::Relaxed) as f64);
    println!(
        "{callers:>7} {:>12.0} {:>13.1} {:>10.2?} {:>10.2?}",
        count / elapsed,
        count / syncs,
        at(50),
        at(99)
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("name a folder on the disk to measure; it must not be there yet")?;
    println!("callers    records/s  records/sync        p50        p99");
    for callers in [1, 8, 64, 512] {
        row(&folder.join(callers.to_string()), callers).await?;
    }
    let began = Instant::now();
    let verified = verify(&folder.join("512"), None)?;
    let rate = verified.records as f64 / began.elapsed().as_secs_f64();
    println!("verified {} records, {rate:.0} records/s, {:?}", verified.records, verified.fault);
    Ok(())
}
