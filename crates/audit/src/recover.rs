//! What a writer finds when it takes a log up: read only, nothing is changed yet.

use crate::chain::{Tail, file_name};
use crate::disk::Disk;
use crate::error::OpenError;
use crate::finding::{Fault, FaultKind};
use crate::moment::Moment;
use crate::walk::{files, walk};

/// The end of a log.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The last whole record; `None` when there is none.
    pub(crate) tail: Option<Tail>,
    /// The file that it stands in.
    pub(crate) file: Option<FoundFile>,
    /// Bytes of an incomplete line after it, which the first append will cut.
    pub(crate) torn_bytes: u64,
}

#[derive(Debug)]
pub(crate) struct FoundFile {
    pub(crate) name: String,
    pub(crate) whole_bytes: u64,
    pub(crate) since: Moment,
    /// An incomplete file stands after it: it had been left already.
    pub(crate) left: bool,
}

/// Checks the last file that has a record.
///
/// A crash may leave a last file without a whole record; the one before it is the end then.
pub(crate) fn recover<D: Disk>(disk: &D) -> Result<Found, OpenError> {
    let files = files(disk).map_err(OpenError::Unreadable)?;
    let mut found = Found::default();
    let mut unused: Option<&String> = None;
    for file in files.iter().rev() {
        let mut since = None;
        let walked = walk(disk, std::slice::from_ref(file), |_, read| {
            since.get_or_insert(read.time);
            Ok(Ok(()))
        });
        let walked = walked.map_err(OpenError::Unreadable)?;
        if let Some(fault) = walked.fault {
            return Err(OpenError::Damaged(fault));
        }
        found.torn_bytes += walked.torn_bytes;
        found.tail = walked.last;
        if let (Some(_), Some(since)) = (found.tail, since) {
            let (name, whole_bytes) = (file.clone(), walked.whole_bytes);
            found.file = Some(FoundFile { name, whole_bytes, since, left: unused.is_some() });
            break;
        }
        if unused.replace(file).is_some() {
            return Err(misplaced(file));
        }
    }
    let next = file_name(found.tail.map_or(0, |tail| tail.seq + 1));
    match unused {
        Some(unused) if *unused != next => Err(misplaced(unused)),
        _ => Ok(found),
    }
}

fn misplaced(file: &str) -> OpenError {
    OpenError::Damaged(Fault { file: file.to_owned(), line: 1, kind: FaultKind::Spliced })
}
