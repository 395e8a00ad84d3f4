//! `policies/NAME.toml` beside `fleet.toml`: what the users of a local fleet hold themselves to.
//!
//! They are read with the fleet, and one that cannot be used keeps the fleet from being used. All
//! are held in the user's own process: whoever writes in the folder can remove them, and what must
//! hold is the role in his certificate.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use prepl_policy::{BadPolicy, Draft, Policy, Scope};
use toml_edit::{Document, Item};

use super::file::BadFleetFile;
use super::fleet::FleetError;
use super::text;

/// The folder in the fleet's.
pub const FOLDER: &str = "policies";
/// Most files of one fleet: as many as can be judged at once.
const MAX_FILES: usize = prepl_policy::judge::MAX_POLICIES;
/// Largest file: sixteen scripts of 4 KiB.
const MAX_BYTES: u64 = 128 << 10;

/// Reads the policies of a fleet's folder, by their names; without a folder there are none.
pub fn read(fleet: &Path) -> Result<Vec<Policy>, FleetError> {
    files(fleet)?.into_iter().map(|path| policy(&path)).collect()
}

/// Copies the policies of one fleet's folder to another's.
pub fn copy(from: &Path, to: &Path) -> Result<(), FleetError> {
    let files = files(from)?;
    if files.is_empty() {
        return Ok(());
    }
    let folder = to.join(FOLDER);
    fs::create_dir_all(&folder).map_err(failed("make", &folder))?;
    for path in files {
        let copy = folder.join(path.file_name().unwrap_or_default());
        let text = text::read(&path, MAX_BYTES).map_err(failed("read", &path))?;
        fs::write(&copy, text).map_err(failed("write", &copy))?;
    }
    Ok(())
}

fn files(fleet: &Path) -> Result<Vec<PathBuf>, FleetError> {
    let folder = fleet.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed("read", &folder))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed("read", &folder))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            let many = io::Error::other(format!("a fleet has at most {MAX_FILES} policies"));
            return Err(failed("read", &folder)(many));
        }
    }
    files.sort();
    Ok(files)
}

fn policy(path: &Path) -> Result<Policy, FleetError> {
    let text = text::read(path, MAX_BYTES).map_err(failed("read", path))?;
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    parse(&format!("{FOLDER}/{file}"), &text)
        .map_err(|bad| FleetError::File { path: path.to_owned(), bad })
}

/// Reads and checks the text of a policy's file.
pub fn parse(name: &str, text: &str) -> Result<Policy, BadFleetFile> {
    let at = |place: Range<usize>, problem: String| BadFleetFile::at(text, &place, problem);
    let draft: Draft = toml_edit::de::from_str(text).map_err(|error| {
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        at(error.span().unwrap_or(0..0), message)
    })?;
    let bad = |bad: BadPolicy| at(place(text, &bad.field), bad.to_string());
    if draft.ceilings.runs_per_minute.is_some() {
        return Err(bad(BadPolicy {
            field: "ceilings.runs_per_minute".to_owned(),
            problem: "nobody counts the runs over a local fleet; remove it".to_owned(),
        }));
    }
    Policy::checked(name, Scope::Everywhere, draft).map_err(bad)
}

/// Where a field stands, else what it would stand in.
fn place(text: &str, field: &str) -> Range<usize> {
    let Ok(document) = Document::parse(text) else { return 0..0 };
    let (mut item, mut place) = (document.as_item(), 0..0);
    for step in field.split('.') {
        let Some(inner) = step_into(item, step) else { break };
        item = inner;
        place = item.span().unwrap_or(place);
    }
    place
}

fn step_into<'a>(item: &'a Item, step: &str) -> Option<&'a Item> {
    match step.parse::<usize>() {
        Ok(index) => item.get(index),
        Err(_) => item.get(step),
    }
}

fn failed(what: &'static str, path: &Path) -> impl Fn(io::Error) -> FleetError {
    let path = path.to_owned();
    move |source| FleetError::Io { what, path: path.clone(), source }
}
