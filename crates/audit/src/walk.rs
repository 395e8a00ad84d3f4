//! Reads a log from its first file to its last, line by line.

use std::io;

use crate::chain::{Tail, is_file_name};
use crate::continuity::Follower;
use crate::disk::Disk;
use crate::finding::{Fault, FaultKind};
use crate::lines::{Lines, Next};
use crate::record::{Envelope, MAX_RECORD_BYTES};

/// Names of the log's files, oldest first.
pub(crate) fn files<D: Disk>(disk: &D) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = disk.list()?.into_iter().map(|(name, _)| name).collect();
    names.retain(|name| is_file_name(name));
    names.sort_unstable();
    Ok(names)
}

/// How far a walk came.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) follower: Follower,
    pub(crate) records: u64,
    /// The last record that was followed and that the visitor took.
    pub(crate) last: Option<Tail>,
    /// Bytes of the last file that are whole lines, and bytes after them.
    pub(crate) whole_bytes: u64,
    pub(crate) torn_bytes: u64,
    /// The last line that was read: its file and its number.
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) fault: Option<Fault>,
}

/// Follows the lines of these files until the first fault or the visitor's.
///
/// An incomplete line is a fault, except at the end of the last file: it is a write that was never
/// acknowledged.
pub(crate) fn walk<D: Disk>(
    disk: &D,
    files: &[String],
    mut visit: impl FnMut(&[u8], &Envelope) -> io::Result<Result<(), FaultKind>>,
) -> io::Result<Walked> {
    let mut walked = Walked::default();
    for (place, file) in files.iter().enumerate() {
        let last = place + 1 == files.len();
        let found = walk_file(disk, file, last, &mut walked, &mut visit)?;
        if let Some(kind) = found {
            let kind = explain(disk, &files[place..], &walked, kind)?;
            walked.fault = Some(Fault { file: file.clone(), line: walked.line, kind });
            break;
        }
    }
    Ok(walked)
}

fn walk_file<D: Disk>(
    disk: &D,
    file: &str,
    is_last: bool,
    walked: &mut Walked,
    visit: &mut impl FnMut(&[u8], &Envelope) -> io::Result<Result<(), FaultKind>>,
) -> io::Result<Option<FaultKind>> {
    walked.follower.begin(file);
    (walked.file, walked.line, walked.whole_bytes) = (file.to_owned(), 0, 0);
    let mut lines = Lines::new(disk.read(file)?, MAX_RECORD_BYTES);
    loop {
        let next = lines.next()?;
        if next == Next::End && (is_last || walked.line > 0) {
            return Ok(None);
        }
        walked.line += 1;
        let line = match next {
            Next::Line(line) => line,
            Next::Torn(bytes) if is_last => {
                walked.torn_bytes = bytes;
                return Ok(None);
            }
            Next::Torn(_) | Next::TooLong | Next::End => return Ok(Some(FaultKind::Unparsable)),
        };
        let read = match walked.follower.follow(line) {
            Ok(read) => read,
            Err(kind) => return Ok(Some(kind)),
        };
        if let Err(kind) = visit(line, &read)? {
            return Ok(Some(kind));
        }
        walked.records += 1;
        walked.last = Some(read.tail());
        walked.whole_bytes += line.len() as u64 + 1;
    }
}

/// Records that are missing here may stand further on: then they are not missing but reordered.
fn explain<D: Disk>(
    disk: &D,
    files: &[String],
    walked: &Walked,
    kind: FaultKind,
) -> io::Result<FaultKind> {
    let FaultKind::Missing { first, .. } = kind else { return Ok(kind) };
    let chain = walked.last.map(|last| last.chain);
    for (place, file) in files.iter().enumerate() {
        let mut lines = Lines::new(disk.read(file)?, MAX_RECORD_BYTES);
        let mut number = 0;
        while let Next::Line(line) = lines.next()? {
            number += 1;
            let ahead = place > 0 || number > walked.line;
            let read = if ahead { Envelope::parse(line) } else { None };
            if read.is_some_and(|read| read.seq == first && Some(read.chain) == chain) {
                return Ok(FaultKind::Reordered);
            }
        }
    }
    Ok(kind)
}
