//! Logs that can be read, and gateways whose logs cannot.

use std::io;
use std::path::{Path, PathBuf};

use prepl_audit::is_file_name;

use crate::problem::Problem;

/// Most logs in one folder.
const MAX_LOGS: usize = 1024;

/// The folder of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFolder {
    /// What it is called: a gateway's pod, or a folder.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// A gateway whose log was not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// Its pod, or its address.
    pub gateway: String,
    /// Why.
    pub why: Problem,
}

impl Silent {
    /// The two lines about it.
    pub fn warning(&self) -> String {
        let Silent { gateway, why } = self;
        let message = format!("gateway {gateway} tells no log: {}", why.message);
        format!("{}\n", Problem { message, ..why.clone() })
    }
}

/// The log in a folder, else those in the folders within it.
pub fn in_folder(folder: &Path) -> Result<Vec<LogFolder>, Problem> {
    let unread = |error: io::Error| {
        Problem::failed(format!("cannot read the logs in {}: {error}", folder.display()))
            .hint("name a folder with audit-….jsonl files, or one that holds such folders")
    };
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if has_log(folder).map_err(unread)? {
        let path = folder.to_owned();
        return Ok(vec![LogFolder {
            name: name(&std::path::absolute(folder).map_err(unread)?),
            path,
        }]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path.is_dir() && has_log(&path).map_err(unread)? {
            found.push(LogFolder { name: name(&path), path });
        }
        if found.len() > MAX_LOGS {
            return Err(Problem::failed(format!("{} holds too many logs", folder.display()))
                .hint(format!("name one of them; at most {MAX_LOGS} are read at a time")));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn has_log(folder: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        if entry?.file_name().to_str().is_some_and(is_file_name) {
            return Ok(true);
        }
    }
    Ok(false)
}
