//! A gateway of a cluster in a process of its own.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::in_time;

/// Between two looks at whether it is ready.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The process; killed when it is dropped, and gone then: its addresses are free.
#[derive(Debug)]
pub struct Operator {
    /// Where users connect.
    pub address: SocketAddr,
    /// Where it tells whether it is ready, and its counters.
    pub admin: SocketAddr,
    child: Child,
    log: PathBuf,
}

impl Operator {
    /// Starts the process of a command that serves at these addresses; `log` takes what it says.
    pub fn start(
        mut command: Command,
        address: SocketAddr,
        admin: SocketAddr,
        log: &Path,
    ) -> Operator {
        let file = File::options().create(true).append(true).open(log).expect("a file");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let child = command.spawn().expect("a process");
        Operator { address, admin, child, log: log.to_owned() }
    }

    /// Waits until it is ready.
    pub async fn ready(mut self) -> Operator {
        if let Err(status) = self.ready_or_ended().await {
            panic!("{status} before it was ready: {}", self.said());
        }
        self
    }

    /// Waits until it is ready, or has ended.
    pub async fn ready_or_ended(&mut self) -> Result<(), ExitStatus> {
        let admin = self.admin;
        let ready = async {
            while !get(admin, "/readyz").await.is_some_and(|answer| answer.contains(" 200 ")) {
                sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            () = in_time(ready) => Ok(()),
            status = self.child.wait() => Err(status.expect("a child")),
        }
    }

    /// The number of the process.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("a process that was not waited for")
    }

    /// Its counters.
    pub async fn metrics(&self) -> String {
        get(self.admin, "/metrics").await.expect("counters")
    }

    /// Ends it as a lost machine does.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("a child");
    }

    /// All that it logged.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.start_kill();
        while let Ok(None) = self.child.try_wait() {
            std::thread::yield_now();
        }
    }
}

/// The whole answer; `None` when nobody gives one.
async fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}
