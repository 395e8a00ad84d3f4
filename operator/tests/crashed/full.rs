//! A disk that takes no record: nothing runs, a tunnel is cut, the client is told why, and the
//! gateway goes on by itself when there is room.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use prepl_core::Class;
use prepl_gateway::{RemoteFailed, Tunnel};
use prepl_tests::{Operator, plan};
use tokio::process::Command;

use super::histories::{Written, whole};
use super::stage::{ALLOWED, Seen, Stage, evaluate_through};

/// Of the file system, in bytes; it gives whole pages, so some records fit in when it is full.
const SIZE: usize = 256 << 10;
/// More runs than fit into a page.
const RUNS_OF_A_PAGE: usize = 16;
const GATEWAY: usize = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_nothing_refuses_runs_until_it_is_well() {
    if !can_mount().await {
        assert!(std::env::var_os("CI").is_none(), "CI needs root, or user namespaces");
        eprintln!("SKIPPED: no file system can be mounted here (unshare --map-root-user --mount)");
        return;
    }
    let stage = Stage::new().await;
    let disk = Disk::start(&stage).await;
    let first = stage.ask(ALLOWED, &[GATEWAY], plan("(first)")).await;
    assert_eq!(first.told.as_ref().unwrap().classes(), [Class::Ok; 3]);

    disk.fill();
    let refused = refused(&stage).await;
    assert!(refused.contains("full"), "{refused}");
    disk.set_read_only().await;
    let seen = stage.ask(ALLOWED, &[GATEWAY], plan("(read-only)")).await;
    assert!(words(&seen).contains("read-only"), "{}", words(&seen));
    stage.judge(&[seen], &Written::read([&*disk.folder]), "on a read-only disk");

    disk.set_writable().await;
    disk.empty();
    let last = stage.ask(ALLOWED, &[GATEWAY], plan("(last)")).await;
    assert_eq!(last.told.as_ref().unwrap().classes(), [Class::Ok; 3]);
    assert_eq!(whole(&disk.folder).torn_bytes, 0);
    stage.judge(&[first, last], &Written::read([&*disk.folder]), "when it is well");

    let tunnel = stage.tunnel(GATEWAY).await;
    disk.fill();
    let cut = cut(&stage, tunnel).await;
    assert!(cut.contains("cannot be recorded") && cut.contains("full"), "{cut}");
}

/// Asks until the disk takes no more; gives what the client is told.
async fn refused(stage: &Stage) -> String {
    for number in 0..RUNS_OF_A_PAGE {
        let seen = stage.ask(ALLOWED, &[GATEWAY], plan(&format!("(full {number})"))).await;
        if seen.told.is_err() {
            let ran = stage.apps.iter().map(|app| app.times(seen.plan.expression.as_str()));
            assert_eq!(ran.sum::<usize>(), 0, "{}", words(&seen));
            return words(&seen);
        }
    }
    panic!("a full disk took {RUNS_OF_A_PAGE} runs");
}

/// Evaluates through a tunnel until the disk takes no more; gives why it was cut.
async fn cut(stage: &Stage, mut tunnel: Tunnel) -> String {
    for number in 0..RUNS_OF_A_PAGE {
        let code = format!("(through {number})");
        let told = evaluate_through(&mut tunnel, &code).await;
        assert_eq!(stage.apps[0].times(&code), usize::from(told.is_ok()), "{told:?}");
        if let Err(why) = told {
            return why;
        }
    }
    panic!("a full disk took {RUNS_OF_A_PAGE} messages");
}

fn words(seen: &Seen) -> String {
    match seen.told.as_ref().map(|asked| asked.classes()).unwrap_err() {
        failed @ RemoteFailed::Unreached(cause) => format!("{failed}: {cause}"),
        failed => failed.to_string(),
    }
}

/// A small file system that one gateway alone sees, at the folder of its audit log.
struct Disk {
    gateway: Operator,
    /// In the gateway's sight.
    inner: PathBuf,
    /// The same folder in ours.
    folder: PathBuf,
}

impl Disk {
    async fn start(stage: &Stage) -> Disk {
        let inner = stage.audit(GATEWAY);
        fs::create_dir(&inner).unwrap();
        let command = stage.installation.command(GATEWAY);
        let command = on_own_disk(&command, &inner);
        let gateway = stage.installation.start(GATEWAY, command).ready().await;
        let root = PathBuf::from(format!("/proc/{}/root", gateway.pid()));
        let folder = root.join(inner.strip_prefix("/").unwrap());
        Disk { gateway, inner, folder }
    }

    fn fill(&self) {
        let mut filler = fs::File::create(self.folder.join("filler")).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn empty(&self) {
        fs::remove_file(self.folder.join("filler")).unwrap();
    }

    /// For files that are opened from now on: the log drops one that failed.
    async fn set_read_only(&self) {
        self.within(&["mount", "--bind"], &[&self.inner, &self.inner]).await;
        self.within(&["mount", "-o", "remount,bind,ro"], &[&self.inner]).await;
    }

    async fn set_writable(&self) {
        self.within(&["umount"], &[&self.inner]).await;
    }

    /// Runs a command where the gateway is.
    async fn within(&self, command: &[&str], paths: &[&Path]) {
        let mut nsenter = Command::new("nsenter");
        nsenter.args(["--user", "--mount", "--preserve-credentials", "--target"]);
        nsenter.arg(self.gateway.pid().to_string()).arg("--").args(command).args(paths);
        let status = nsenter.status().await.unwrap();
        assert!(status.success(), "{command:?}: {status}");
    }
}

/// The same command in namespaces of its own, with a file system mounted at a folder.
fn on_own_disk(command: &Command, folder: &Path) -> Command {
    let command = command.as_std();
    let mount = format!("mount -t tmpfs -o size={SIZE} audit \"$0\" && exec \"$@\"");
    let mut own = Command::new("unshare");
    own.args(["--map-root-user", "--mount", "sh", "-c", &mount]).arg(folder);
    own.arg(command.get_program()).args(command.get_args());
    own.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
    own
}

async fn can_mount() -> bool {
    let mut unshare = Command::new("unshare");
    unshare.args(["--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]);
    let status = unshare.stderr(Stdio::null()).status().await;
    status.is_ok_and(|status| status.success())
}
