//! The bundle in use, replaced without a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task;
use tokio::time;

use crate::bundle::{Bundle, BundleError};
use crate::file::FileError;

/// The bundle in use; clones share it.
///
/// Every new handshake takes the newest bundle; what is established stays as it is.
#[derive(Debug, Clone)]
pub struct Credentials(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    current: watch::Sender<Arc<Bundle>>,
    file: Option<Watched>,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    /// What the file looked like just before it was last read.
    seen: Mutex<Stamp>,
}

/// Time of the last change and length; `None` when the file is not there.
type Stamp = Option<(SystemTime, u64)>;

impl Credentials {
    /// Credentials that come from no file; only [`Credentials::replace`] changes them.
    #[must_use]
    pub fn fixed(bundle: Bundle) -> Self {
        Self::new(bundle, None)
    }

    /// Credentials from a bundle file, which is read now and at every reload.
    pub fn from_file(path: &Path) -> Result<Self, BundleError> {
        let seen = Mutex::new(stamp(path));
        let bundle = Bundle::read(path)?;
        Ok(Self::new(bundle, Some(Watched { path: path.to_owned(), seen })))
    }

    fn new(bundle: Bundle, file: Option<Watched>) -> Self {
        Self(Arc::new(Shared { current: watch::Sender::new(Arc::new(bundle)), file }))
    }

    /// The bundle in use.
    #[must_use]
    pub fn current(&self) -> Arc<Bundle> {
        Arc::clone(&self.0.current.borrow())
    }

    /// The bundle in use and every one after it.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Bundle>> {
        self.0.current.subscribe()
    }

    /// Uses another bundle from the next handshake on.
    pub fn replace(&self, bundle: Bundle) {
        self.0.current.send_replace(Arc::new(bundle));
    }

    /// Reads the file again; a bad one is reported and the bundle in use stays.
    ///
    /// Blocks for the time of reading a small file. Without a file it does nothing.
    pub fn reload(&self) -> Result<(), BundleError> {
        let Some(file) = &self.0.file else { return Ok(()) };
        file.remember(stamp(&file.path));
        self.replace(Bundle::read(&file.path)?);
        Ok(())
    }

    /// Waits until the file changes, looking at every `interval`, and reloads it.
    ///
    /// Call it in a loop and log each answer: a bad file is reported once for each change.
    /// Dropping the future loses nothing. Without a file it waits for ever.
    pub async fn changed_on_disk(&self, interval: Duration) -> Result<(), BundleError> {
        loop {
            time::sleep(interval).await;
            let this = self.clone();
            // Disks can be slow, and other tasks must not wait for them.
            match task::spawn_blocking(move || this.reload_if_changed()).await {
                Ok(None) => {}
                Ok(Some(answer)) => return answer,
                Err(stopped) => return Err(self.unreadable(stopped)),
            }
        }
    }

    fn reload_if_changed(&self) -> Option<Result<(), BundleError>> {
        let file = self.0.file.as_ref()?;
        let changed =
            *file.seen.lock().unwrap_or_else(PoisonError::into_inner) != stamp(&file.path);
        changed.then(|| self.reload())
    }

    fn unreadable(&self, stopped: task::JoinError) -> BundleError {
        let path = self.0.file.as_ref().map(|file| file.path.clone()).unwrap_or_default();
        FileError::Unreadable { path, source: stopped.into() }.into()
    }
}

impl Watched {
    fn remember(&self, stamp: Stamp) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamp;
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
