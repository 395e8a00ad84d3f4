//! A disk that fails where it is told to, and forgets what was not synced when it loses power.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, mpsc};

use prepl_audit::disk::{Disk, DiskFile};

/// A disk; clones are the same one.
#[derive(Clone, Default)]
pub struct Sim(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    operations: u64,
    plan: BTreeMap<u64, Failure>,
    dead: bool,
    syncs: u64,
    room: Option<usize>,
    gate: Option<Gate>,
    folder_sync_fails: bool,
}

#[derive(Clone, Default)]
struct Inode {
    durable: Vec<u8>,
    cached: Vec<u8>,
    /// Bytes that a failed sync lost: the kernel calls them clean and never writes them.
    lost: Option<Range<usize>>,
}

/// Stops each sync: tells that it began, and waits for leave.
pub struct Gate {
    pub began: mpsc::Sender<()>,
    pub leave: mpsc::Receiver<()>,
}

/// What happens to one operation.
#[derive(Clone, Copy, Debug)]
pub enum Failure {
    /// The power fails in the middle of it; nothing works afterwards.
    Crash,
    /// It fails, half done where it can be.
    Error(io::ErrorKind),
    /// A write takes half of the bytes; all else works.
    Short,
}

/// What a disk kept of what was not synced when the power failed.
#[derive(Clone, Copy, Debug)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// All of it.
    Everything,
    /// The names of files, without what was written to them.
    Names,
    /// The names, and half of what was written.
    Half,
    /// Also names that were taken away.
    Ghosts,
}

impl Kept {
    pub const ALL: [Kept; 5] =
        [Kept::Nothing, Kept::Everything, Kept::Names, Kept::Half, Kept::Ghosts];
}

impl Sim {
    pub fn failing(plan: impl IntoIterator<Item = (u64, Failure)>) -> Sim {
        let sim = Sim::default();
        sim.state().plan = plan.into_iter().collect();
        sim
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// So many bytes fit on it; `None` for no limit.
    pub fn set_room(&self, room: Option<usize>) {
        self.state().room = room;
    }

    pub fn set_gate(&self, gate: Option<Gate>) {
        self.state().gate = gate;
    }

    /// The disk after the power came back.
    pub fn after_a_crash(&self, kept: Kept) -> Sim {
        let state = self.state();
        let mut names = match kept {
            Kept::Nothing => state.durable_names.clone(),
            _ => state.names.clone(),
        };
        if matches!(kept, Kept::Ghosts) {
            names.extend(state.durable_names.clone());
        }
        let inodes: Vec<Inode> = state.inodes.iter().map(|inode| inode.survivor(kept)).collect();
        let durable_names = names.clone();
        Sim(Arc::new(Mutex::new(State { inodes, names, durable_names, ..State::default() })))
    }

    /// The files as they are read now, oldest name first.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let state = self.state();
        let bytes = |inode: &usize| state.inodes[*inode].cached.clone();
        state.names.iter().map(|(name, inode)| (name.clone(), bytes(inode))).collect()
    }

    /// Takes over the files of another disk.
    pub fn take_files(&self, other: &Sim) {
        let other = other.state();
        let mut state = self.state();
        state.inodes = other.inodes.clone();
        (state.names, state.durable_names) = (other.names.clone(), other.durable_names.clone());
    }

    pub fn fail_next_folder_sync(&self) {
        self.state().folder_sync_fails = true;
    }

    /// A sound disk with these files.
    pub fn holding(files: &[(String, Vec<u8>)]) -> Sim {
        let sim = Sim::default();
        let mut state = sim.state();
        for (name, bytes) in files {
            let place = state.inodes.len();
            let inode = Inode { durable: bytes.clone(), cached: bytes.clone(), lost: None };
            state.inodes.push(inode);
            state.names.insert(name.clone(), place);
        }
        state.durable_names = state.names.clone();
        drop(state);
        sim
    }
}

impl Inode {
    fn survivor(&self, kept: Kept) -> Inode {
        let bytes = match kept {
            Kept::Nothing | Kept::Names | Kept::Ghosts => self.durable.clone(),
            Kept::Everything => self.written(),
            Kept::Half => {
                let written = self.written();
                let same = self.durable.iter().zip(&written).take_while(|(a, b)| a == b).count();
                let half = same + (written.len() - same) / 2;
                // A cut that was not synced may come undone.
                match written.len() < self.durable.len() {
                    true => self.durable.clone(),
                    false => written[..half].to_vec(),
                }
            }
        };
        Inode { durable: bytes.clone(), cached: bytes, lost: None }
    }

    /// What a sync writes: zeros where bytes were lost.
    fn written(&self) -> Vec<u8> {
        let mut bytes = self.cached.clone();
        if let Some(lost) = self.lost.clone() {
            bytes[lost].fill(0);
        }
        bytes
    }
}

impl State {
    /// Counts one operation; gives what the plan has for it.
    fn begin(&mut self) -> io::Result<Option<Failure>> {
        if self.dead {
            return Err(io::Error::other("the power is off"));
        }
        let planned = self.plan.get(&self.operations).copied();
        self.operations += 1;
        self.dead = matches!(planned, Some(Failure::Crash));
        Ok(planned)
    }

    /// The same for an operation that is done or not.
    fn whole(&mut self) -> io::Result<()> {
        match self.begin()? {
            Some(failure @ (Failure::Crash | Failure::Error(_))) => Err(failure.error()),
            Some(Failure::Short) | None => Ok(()),
        }
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn used(&self) -> usize {
        self.names.values().map(|inode| self.inodes[*inode].cached.len()).sum()
    }
}

impl Failure {
    fn error(self) -> io::Error {
        match self {
            Failure::Error(kind) => kind.into(),
            Failure::Crash | Failure::Short => io::Error::other("the power failed"),
        }
    }
}

impl Disk for Sim {
    type File = SimFile;

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        self.state().whole()?;
        Ok(self.files().into_iter().map(|(name, bytes)| (name, bytes.len() as u64)).collect())
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let mut state = self.state();
        state.whole()?;
        let inode = state.find(name)?;
        Ok(Box::new(Cursor::new(state.inodes[inode].cached.clone())))
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.state();
        state.whole()?;
        Ok(SimFile { disk: self.clone(), inode: state.find(name)? })
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.state();
        state.whole()?;
        let inode = state.find(name).unwrap_or_else(|_| {
            state.inodes.push(Inode::default());
            let inode = state.inodes.len() - 1;
            state.names.insert(name.to_owned(), inode);
            inode
        });
        Ok(SimFile { disk: self.clone(), inode })
    }

    fn refresh(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.whole()?;
        let inode = state.find(name)?;
        let inode = &mut state.inodes[inode];
        inode.lost = None;
        inode.durable = inode.cached.clone();
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.whole()?;
        state.find(name)?;
        state.names.remove(name);
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.state();
        state.whole()?;
        if std::mem::take(&mut state.folder_sync_fails) {
            return Err(io::Error::other("the folder is not synced"));
        }
        state.durable_names = state.names.clone();
        Ok(())
    }
}

/// A file of a [`Sim`].
pub struct SimFile {
    disk: Sim,
    inode: usize,
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.whole()?;
        match state.names.values().any(|inode| *inode == self.inode) {
            true => Ok(state.inodes[self.inode].cached.len() as u64),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        let planned = state.begin()?;
        let free = state.room.map_or(usize::MAX, |room| room.saturating_sub(state.used()));
        let wanted = match planned {
            None => bytes.len(),
            // A write that is interrupted took nothing.
            Some(Failure::Error(io::ErrorKind::Interrupted)) => 0,
            Some(_) => bytes.len().div_ceil(2),
        };
        let taken = wanted.min(free);
        state.inodes[self.inode].cached.extend(&bytes[..taken]);
        match planned {
            Some(failure @ (Failure::Crash | Failure::Error(_))) => Err(failure.error()),
            Some(Failure::Short) | None if taken > 0 => Ok(taken),
            Some(Failure::Short) | None => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn cut(&mut self, size: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.whole()?;
        let inode = &mut state.inodes[self.inode];
        let size = usize::try_from(size).unwrap();
        inode.cached.truncate(size);
        let left = inode.lost.take().map(|lost| lost.start.min(size)..lost.end.min(size));
        inode.lost = left.filter(|lost| !lost.is_empty());
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let gate = self.disk.state().gate.take();
        if let Some(gate) = gate {
            // Once nobody watches any more, all may pass.
            if gate.began.send(()).is_ok() && gate.leave.recv().is_ok() {
                self.disk.set_gate(Some(gate));
            }
        }
        let mut state = self.disk.state();
        let done = state.whole();
        state.syncs += 1;
        let powered = !state.dead;
        let inode = &mut state.inodes[self.inode];
        match done {
            Ok(()) => inode.durable = inode.written(),
            Err(_) if powered => {
                inode.lost = Some(inode.durable.len().min(inode.cached.len())..inode.cached.len());
            }
            Err(_) => {}
        }
        done
    }
}
