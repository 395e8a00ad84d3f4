//! The files that were loaded into a replica, in short and in full.

use k8s_openapi::jiff::Timestamp;
use prepl_core::{Digest, FileName, LoadedFile};
use serde_json::{Value as Json, json};

use crate::render::crowd;

/// Hexadecimal digits of a digest that people compare.
const SHOWN: usize = 8;

/// One digest for all files, whatever their order and time: where it is equal, the same texts were
/// loaded under the same names.
pub fn digest<'a>(files: impl Iterator<Item = (&'a FileName, Digest)>) -> Digest {
    let mut lines: Vec<_> = files.map(|(name, digest)| format!("{digest}  {name}\n")).collect();
    lines.sort();
    Digest::of(&lines.concat())
}

/// A digest as people compare it.
pub fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(SHOWN).collect()
}

/// How many files, and their digest; empty without any.
pub fn summary(files: &[LoadedFile]) -> String {
    match files.len() {
        0 => String::new(),
        count => {
            let digest = digest(files.iter().map(|one| (&one.file, one.digest)));
            format!("{} {}", crowd::counted(count, "file"), short(&digest))
        }
    }
}

/// All of them; a time that is none is `null`.
pub fn list(files: &[LoadedFile]) -> Json {
    let one = |file: &LoadedFile| {
        let at = Timestamp::try_from(file.at).ok().map(|at| at.to_string());
        json!({ "file": file.file.as_str(), "sha256": file.digest.to_string(), "at": at })
    };
    files.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    fn file(name: &str, text: &str, second: u64) -> LoadedFile {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        LoadedFile { file: name.parse().unwrap(), digest: Digest::of(text), at }
    }

    #[test]
    fn equal_code_has_an_equal_digest_and_other_code_another() {
        let of = |files: &[LoadedFile]| summary(files);
        let one = [file("a.clj", "1", 1), file("b.clj", "2", 2)];
        assert_eq!(of(&one), of(&[file("b.clj", "2", 9), file("a.clj", "1", 9)]));
        assert_ne!(of(&one), of(&[file("a.clj", "2", 1), file("b.clj", "1", 2)]));
        assert_ne!(of(&one), of(&one[..1]));
        assert!(of(&one).starts_with("2 files ") && of(&one).len() == "2 files ".len() + SHOWN);
        assert_eq!(of(&[]), "");
    }

    #[test]
    fn the_list_has_names_digests_and_times() {
        let told = list(&[file("a.clj", "abc", 1)]);
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(told, json!([{ "file": "a.clj", "sha256": abc, "at": "1970-01-01T00:00:01Z" }]));
    }
}
