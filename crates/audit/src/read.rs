//! Reads what a log tells, also from one that is damaged.

use std::io;
use std::path::Path;

use crate::chain::{ChainId, Tail};
use crate::continuity::Follower;
use crate::disk::{Disk, Folder};
use crate::finding::Fault;
use crate::lines::{Lines, Next};
use crate::moment::Moment;
use crate::record::{Body, Envelope, MAX_RECORD_BYTES};
use crate::walk::files;

/// One record as it stands in a log. Whether that is what was written is for
/// [`verify()`](crate::verify()) to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its chain, number and hash.
    pub place: Tail,
    /// When it was written.
    pub time: Moment,
    /// Its kind, as its line names it.
    pub kind: String,
    /// What it tells; `None` when its kind is not known here.
    pub body: Option<Body>,
}

/// Gives every record of the log in a folder, with its line, oldest first.
///
/// Records after a fault are given too; the first fault is told. Lines that are no records are
/// left out. An error is about reading. The log may be written meanwhile.
pub fn read(folder: &Path, mut visit: impl FnMut(&[u8], Stored)) -> io::Result<Option<Fault>> {
    let disk = Folder::reading(folder);
    let (mut follower, mut fault) = (Follower::default(), None);
    let names = files(&disk)?;
    for (place, name) in names.iter().enumerate() {
        follower.begin(name);
        let mut lines = Lines::new(disk.read(name)?, MAX_RECORD_BYTES);
        for number in 1.. {
            let line = match lines.next()? {
                Next::Line(line) => line,
                Next::TooLong => &[],
                // The end of the last file may be being written.
                Next::Torn(_) if place + 1 < names.len() => &[],
                Next::Torn(_) | Next::End => break,
            };
            if fault.is_none() {
                let followed = follower.follow(line);
                fault = followed.err().map(|kind| Fault { file: name.clone(), line: number, kind });
            }
            if let Some(read) = Envelope::parse(line) {
                visit(line, Stored::of(read));
            }
        }
    }
    Ok(fault)
}

impl Stored {
    fn of(read: Envelope) -> Stored {
        let (place, time, kind) = (read.tail(), read.time, read.kind.clone());
        Stored { place, time, kind, body: read.read() }
    }
}

/// The chain that the first record of a folder names; `None` when there is no such record.
pub fn chain_of(folder: &Path) -> io::Result<Option<ChainId>> {
    let disk = Folder::reading(folder);
    let Some(oldest) = files(&disk)?.into_iter().next() else { return Ok(None) };
    Ok(first(&disk, &oldest)?.map(|read| read.chain))
}

/// Names of a log's files, oldest first, without those that hold nothing since a moment.
///
/// A clock that went back may have put later records into earlier files.
pub fn files_since(folder: &Path, since: Option<Moment>) -> io::Result<Vec<String>> {
    let disk = Folder::reading(folder);
    let mut names = files(&disk)?;
    let Some(since) = since else { return Ok(names) };
    let mut from = names.len();
    while let Some(name) = from.checked_sub(1).and_then(|place| names.get(place)) {
        from -= 1;
        if first(&disk, name)?.is_some_and(|read| read.time < since) {
            break;
        }
    }
    Ok(names.split_off(from))
}

fn first(disk: &Folder, name: &str) -> io::Result<Option<Envelope>> {
    let mut lines = Lines::new(disk.read(name)?, MAX_RECORD_BYTES);
    Ok(match lines.next()? {
        Next::Line(line) => Envelope::parse(line),
        Next::Torn(_) | Next::TooLong | Next::End => None,
    })
}
