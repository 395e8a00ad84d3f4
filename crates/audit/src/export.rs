//! A log for other programs: as it is stored, or in the words of OCSF.

mod ocsf;

use std::io::{self, Write};
use std::path::Path;

use crate::disk::{Disk, Folder};
use crate::finding::Fault;
use crate::walk::{files, walk};

/// How a log is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The lines as they are stored, which can be verified again.
    Stored,
    /// One event a line of OCSF's class Script Activity (uid 1009). An `attach_said` with code, or
    /// with bytes that could not be read, is told as an `intent` is, under the request of its tunnel.
    ///
    /// | OCSF | of an `intent` or a `denied` | of an `outcome` |
    /// | --- | --- | --- |
    /// | `class_uid`, `category_uid`, `activity_id`, `type_uid` | 1009, 1, 1 (Execute), 100901 | the same |
    /// | `time` | the record's, in milliseconds | the same |
    /// | `severity_id` | 1, or 3 (Medium) with break-glass or denied | 1 |
    /// | `status_id` | 0 (Unknown) of an intent, 2 (Failure) of a denied | 1 (Success) when all are `ok`, 2 when none is `ok` or `unknown`, else 0 |
    /// | `actor.user.name`, `.uid` | `who` | `who` is not in the record: `unknown` |
    /// | `device.uid`, `.name`, `.type_id` | the replica's when there is one, else the digest and size of the set; 99 (Other) | UID of the replica when there is one |
    /// | `script.uid` | the run, or the request of a `denied` | the run |
    /// | `script.script_content.value` | the redacted text | empty, `is_truncated` |
    /// | `script.hashes` | SHA-256 of the text before redaction | none |
    /// | `script.type_id` | 0 (Unknown) | 0 |
    /// | `message` | the reason, or why it was denied | none |
    /// | `metadata.uid`, `.sequence`, `.correlation_uid` | hash, number, run | the same |
    /// | `metadata.product`, `.version` | `prepl`, `1.4.0` | the same |
    /// | `unmapped` | the whole body | the whole body |
    ///
    /// Records of other kinds tell of no script and are left out, and so is a `denied` tunnel.
    Ocsf,
}

/// What became of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Records that were written out.
    pub written: u64,
    /// Records that the form has no words for.
    pub left_out: u64,
    /// The fault that the export stopped at: what was written is before it.
    pub fault: Option<Fault>,
}

/// Writes out the log in a folder up to its end or its first fault.
pub fn export(folder: &Path, form: Form, out: &mut dyn Write) -> io::Result<Exported> {
    export_on(&Folder::reading(folder), form, out)
}

/// The same over another disk, which is for tests.
pub fn export_on<D: Disk>(disk: &D, form: Form, out: &mut dyn Write) -> io::Result<Exported> {
    let mut exported = Exported { written: 0, left_out: 0, fault: None };
    let walked = walk(disk, &files(disk)?, |line, read| {
        let written = match form {
            Form::Stored => out.write_all(line).map(|()| true)?,
            Form::Ocsf => match ocsf::event(read) {
                Some(event) => serde_json::to_writer(&mut *out, &event).map(|()| true)?,
                None => false,
            },
        };
        match written {
            true => out.write_all(b"\n")?,
            false => exported.left_out += 1,
        }
        exported.written += u64::from(written);
        Ok(Ok(()))
    })?;
    exported.fault = walked.fault;
    Ok(exported)
}
