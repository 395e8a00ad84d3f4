//! The files that were loaded into the app's process, for as long as it is that process.
//!
//! Nobody tells a sidecar that the app was started anew. So from the first file on it holds one
//! idle connection to the REPL as a witness: when that ends, the process may be another, and the
//! list is dropped. It may be dropped too early, when a REPL closes idle connections; it never tells
//! of code that is not there. Code that was changed otherwise, by a plain evaluation or through a
//! tunnel, is not seen here.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use prepl_core::describe::MAX_LOADED;
use prepl_core::{Digest, Expression, FileName, LoadedFile, Outcome};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for a connection on loopback.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// What was loaded.
#[derive(Debug, Default)]
pub struct Loaded(Mutex<Life>);

/// What is known of one life of the app's process.
#[derive(Debug, Default)]
struct Life {
    number: u64,
    witnessed: bool,
    /// The latest last, of each name one.
    files: VecDeque<LoadedFile>,
}

/// A file on its way into the app's process.
#[derive(Clone, Debug)]
pub struct Loading {
    life: u64,
    file: FileName,
    digest: Digest,
}

impl Loaded {
    /// Sees to it that the end of the app's process is noticed; to be called before a file is
    /// loaded. Without an address it is loaded into this process.
    ///
    /// `None` where nobody could notice it: nothing is remembered then.
    pub async fn begin(
        self: &Arc<Self>,
        file: &FileName,
        text: &Expression,
        repl: Option<SocketAddr>,
    ) -> Option<Loading> {
        let life = match (self.witnessed(), repl) {
            (Some(life), _) => life,
            (None, None) => self.witness().0,
            (None, Some(address)) => {
                let socket =
                    timeout(CONNECT_LIMIT, TcpStream::connect(address)).await.ok()?.ok()?;
                let (life, is_new) = self.witness();
                if is_new {
                    tokio::spawn(Arc::clone(self).watch(socket, life));
                }
                life
            }
        };
        Some(Loading { life, file: file.clone(), digest: Digest::of(text.as_str()) })
    }

    /// Remembers a file that was loaded to its end, unless the process ended meanwhile. One that
    /// was loaded in part, or perhaps was, is forgotten: it is not what it was before.
    pub fn end(&self, Loading { life, file, digest }: Loading, outcome: &Outcome) {
        let mut now = self.life();
        let ran = matches!(outcome, Outcome::Ok | Outcome::Raised | Outcome::Unknown { .. });
        if !ran || !now.witnessed || now.number != life {
            return;
        }
        now.files.retain(|known| known.file != file);
        if *outcome != Outcome::Ok {
            return;
        }
        if now.files.len() >= MAX_LOADED {
            now.files.pop_front();
        }
        now.files.push_back(LoadedFile { file, digest, at: SystemTime::now() });
    }

    /// The files, the latest last.
    pub fn files(&self) -> Vec<LoadedFile> {
        self.life().files.iter().cloned().collect()
    }

    fn witnessed(&self) -> Option<u64> {
        let life = self.life();
        life.witnessed.then_some(life.number)
    }

    /// The life that is witnessed from now on, and whether that is new: another file may be on its
    /// way too.
    fn witness(&self) -> (u64, bool) {
        let mut life = self.life();
        let is_new = !life.witnessed;
        if is_new {
            *life = Life { number: life.number + 1, witnessed: true, files: VecDeque::new() };
        }
        (life.number, is_new)
    }

    /// Waits until the peer closes; what it says, a prompt for instance, is thrown away.
    async fn watch(self: Arc<Self>, mut socket: TcpStream, watched: u64) {
        let mut said = [0; 512];
        while matches!(socket.read(&mut said).await, Ok(1..)) {}
        let mut life = self.life();
        if life.number == watched {
            *life = Life { number: life.number, ..Life::default() };
        }
    }

    /// A poisoned lock is safe: no step between two changes can panic.
    fn life(&self) -> MutexGuard<'_, Life> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::{Reason, Refusal};
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    fn names(loaded: &Loaded) -> Vec<String> {
        loaded.files().iter().map(|one| one.file.to_string()).collect()
    }

    async fn begin(loaded: &Arc<Loaded>, file: &str, repl: Option<SocketAddr>) -> Option<Loading> {
        let text = Expression::new(format!("; {file}")).unwrap();
        loaded.begin(&file.parse().unwrap(), &text, repl).await
    }

    async fn load(loaded: &Arc<Loaded>, file: &str, repl: Option<SocketAddr>) {
        loaded.end(begin(loaded, file, repl).await.unwrap(), &Outcome::Ok);
    }

    #[tokio::test]
    async fn a_file_of_the_same_name_replaces_the_one_before_and_the_oldest_make_room() {
        let loaded = Arc::<Loaded>::default();
        for file in ["a", "b", "a"] {
            load(&loaded, file, None).await;
        }
        assert_eq!(names(&loaded), ["b", "a"]);
        assert_eq!(loaded.files()[1].digest, Digest::of("; a"));
        for number in 0..MAX_LOADED - 1 {
            load(&loaded, &format!("f{number}"), None).await;
        }
        assert_eq!((loaded.files().len(), &*names(&loaded)[0]), (MAX_LOADED, "a"));
    }

    #[tokio::test]
    async fn a_file_that_is_not_loaded_to_its_end_is_forgotten_unless_nothing_of_it_ran() {
        let refused = Outcome::Refused(Refusal::Limit(Reason::new("no")));
        for (outcome, left) in [
            (refused, &["b", "a"][..]),
            (Outcome::Raised, &["b"]),
            (Outcome::unknown("it may still run"), &["b"]),
        ] {
            let loaded = Arc::<Loaded>::default();
            load(&loaded, "b", None).await;
            load(&loaded, "a", None).await;
            loaded.end(begin(&loaded, "a", None).await.unwrap(), &outcome);
            assert_eq!(names(&loaded), left, "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn all_is_forgotten_when_the_process_ends() {
        let loaded = Arc::<Loaded>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let repl = listener.local_addr().ok();
        load(&loaded, "a", repl).await;
        let slow = begin(&loaded, "slow", repl).await.unwrap();
        let mut app = listener.accept().await.unwrap().0;
        app.write_all(b"user=> ").await.unwrap();
        assert_eq!(names(&loaded), ["a"]);
        drop(app);
        let forgotten = async {
            while !loaded.files().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(60), forgotten).await.unwrap();
        // What was loaded before the end is not in the next process.
        loaded.end(slow.clone(), &Outcome::Ok);
        load(&loaded, "c", repl).await;
        loaded.end(slow, &Outcome::Ok);
        assert_eq!(names(&loaded), ["c"]);
        // One witness for each process is enough: there were two connections in all.
        drop(listener.accept().await.unwrap());
        assert!(listener.into_std().unwrap().accept().is_err());
    }

    #[tokio::test]
    async fn without_a_witness_nothing_is_remembered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let repl = listener.local_addr().ok();
        drop(listener);
        assert!(begin(&Arc::default(), "a", repl).await.is_none());
    }
}
