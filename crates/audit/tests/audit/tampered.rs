//! P8: every single change of a log is found, wherever it is.

use prepl_audit::{FaultKind, SignedCheckpoint, SigningKey, Tail, Verified, verify_on};
use prepl_core::Digest;

use crate::common::{intent, key, lines, log_of, log_on, signed, verified_against};
use crate::sim::Sim;

type Files = Vec<(String, Vec<u8>)>;

/// A log of several files with a checkpoint of its end.
struct Sealed {
    files: Files,
    key: SigningKey,
    end: SignedCheckpoint,
    tail: Tail,
}

impl Sealed {
    async fn new() -> Sealed {
        let (disk, tail) = log_of(4, 2000).await;
        let key = key();
        let sealed = Sealed { files: disk.files(), end: signed(&key, tail), key, tail };
        assert!(sealed.files.len() >= 3);
        let verified = sealed.verify(&sealed.files);
        assert_eq!((verified.fault, verified.checkpoints), (None, 1));
        assert_eq!(verified.intact_to, Some(tail));
        sealed
    }

    fn verify(&self, files: &Files) -> Verified {
        verified_against(&Sim::holding(files), &self.key, std::slice::from_ref(&self.end))
    }

    fn kind(&self, files: &Files) -> FaultKind {
        self.verify(files).fault.unwrap().kind
    }

    fn assert_found(&self, files: &Files, what: impl FnOnce() -> String) -> FaultKind {
        let verified = self.verify(files);
        verified.fault.unwrap_or_else(|| panic!("not found: {}", what())).kind
    }

    /// The files as lines: place of the file and line.
    fn lines(&self) -> Vec<(usize, String)> {
        let split = |(place, (_, bytes)): (usize, &(String, Vec<u8>))| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            text.lines().map(|line| (place, line.to_owned())).collect::<Vec<_>>()
        };
        self.files.iter().enumerate().flat_map(split).collect()
    }

    fn joined(&self, lines: &[(usize, String)]) -> Files {
        let of = |place| {
            let own = lines.iter().filter(|(at, _)| *at == place);
            own.flat_map(|(_, line)| [line.as_str(), "\n"]).collect::<String>()
        };
        let names = self.files.iter().map(|(name, _)| name.clone());
        names.enumerate().map(|(place, name)| (name, of(place).into_bytes())).collect()
    }
}

#[tokio::test]
async fn every_byte_that_is_edited_is_found() {
    let sealed = Sealed::new().await;
    for file in 0..sealed.files.len() {
        for place in 0..sealed.files[file].1.len() {
            let mut files = sealed.files.clone();
            files[file].1[place] ^= [1, 2, 0x20][place % 3];
            sealed.assert_found(&files, || format!("an edit of file {file} byte {place}"));
        }
    }
}

#[tokio::test]
async fn every_byte_that_is_put_in_or_taken_out_is_found() {
    let sealed = Sealed::new().await;
    let (file, length) = (1, sealed.files[1].1.len());
    for place in 0..length {
        let mut files = sealed.files.clone();
        files[file].1.remove(place);
        sealed.assert_found(&files, || format!("byte {place} was taken out"));
        let mut files = sealed.files.clone();
        files[file].1.insert(place, b' ');
        sealed.assert_found(&files, || format!("a space was put in at {place}"));
    }
}

#[tokio::test]
async fn every_cut_is_found_by_the_checkpoint() {
    let sealed = Sealed::new().await;
    for file in 0..sealed.files.len() {
        for place in 0..sealed.files[file].1.len() {
            let mut files = sealed.files.clone();
            files[file].1.truncate(place);
            let inner = file + 1 < files.len();
            let kind = sealed.assert_found(&files, || format!("file {file} cut at {place}"));
            assert!(inner || kind == FaultKind::CutTail { seq: sealed.tail.seq }, "{kind:?}");
            files.truncate(file + 1);
            let kind = sealed.assert_found(&files, || format!("all cut at {file}:{place}"));
            assert_eq!(kind, FaultKind::CutTail { seq: sealed.tail.seq });
        }
    }
    assert_eq!(sealed.kind(&vec![]), FaultKind::CutTail { seq: sealed.tail.seq });
}

#[tokio::test]
async fn every_line_that_is_taken_out_moved_or_repeated_is_found() {
    let sealed = Sealed::new().await;
    let lines = sealed.lines();
    for from in 0..lines.len() {
        let mut without = lines.clone();
        let taken = without.remove(from);
        let kind = sealed.assert_found(&sealed.joined(&without), || format!("without {from}"));
        let inner = from > 0 && from + 1 < lines.len() && lines[from - 1].0 == lines[from + 1].0;
        let seq = from as u64;
        assert!(!inner || kind == FaultKind::Missing { first: seq, last: seq }, "{kind:?}");
        for to in 0..lines.len() {
            let mut swapped = lines.clone();
            (swapped[from].1, swapped[to].1) = (lines[to].1.clone(), lines[from].1.clone());
            if from != to {
                let files = sealed.joined(&swapped);
                sealed.assert_found(&files, || format!("{from} and {to} swapped"));
            }
            let mut repeated = lines.clone();
            repeated.insert(to, (lines[to].0, taken.1.clone()));
            sealed.assert_found(&sealed.joined(&repeated), || format!("{from} again at {to}"));
        }
    }
}

#[tokio::test]
async fn every_record_of_another_log_is_found() {
    let sealed = Sealed::new().await;
    let (other, _) = log_of(4, 2000).await;
    let (others, lines) = (lines(&other), sealed.lines());
    assert_eq!(others.len(), lines.len());
    for place in 0..lines.len() {
        let mut files = lines.clone();
        files[place].1 = others[place].clone();
        let kind = sealed.assert_found(&sealed.joined(&files), || format!("spliced at {place}"));
        assert!(place == 0 || kind == FaultKind::Spliced, "{place}: {kind:?}");
        if let Some(later) = others.get(place + 1).filter(|_| place > 0) {
            files[place].1 = later.clone();
            assert_eq!(sealed.kind(&sealed.joined(&files)), FaultKind::Spliced, "not missing");
        }
    }
    for file in 0..sealed.files.len() {
        let mut files = sealed.files.clone();
        files[file].1 = other.files()[file].1.clone();
        sealed.assert_found(&files, || format!("file {file} of another log"));
    }
    assert_eq!(sealed.kind(&other.files()), FaultKind::Spliced, "the whole log of another chain");
}

#[tokio::test]
async fn every_file_that_is_taken_out_or_renamed_is_found() {
    let sealed = Sealed::new().await;
    for file in 1..sealed.files.len() {
        let mut files = sealed.files.clone();
        files.remove(file);
        sealed.assert_found(&files, || format!("without file {file}"));
        let mut files = sealed.files.clone();
        let name = files[file - 1].0.clone();
        files[file - 1].0 = std::mem::replace(&mut files[file].0, name);
        sealed.assert_found(&files, || format!("file {file} renamed"));
    }
    for file in 0..sealed.files.len() {
        let mut files = sealed.files.clone();
        // The order of the files stays as it was.
        let number: u64 = files[file].0[6..26].parse().unwrap();
        files[file].0 = format!("audit-{:020}.jsonl", number + 1);
        assert_eq!(sealed.kind(&files), FaultKind::Spliced, "file {file} has another name");
    }
    let mut files = sealed.files.clone();
    files.remove(0);
    let verified = sealed.verify(&files);
    assert_eq!(verified.fault, None, "the oldest may go");
    assert!(verified.missing_before.is_some_and(|missing| missing.file == sealed.files[0].0));
}

#[tokio::test]
async fn the_kinds_of_faults_are_told_apart_and_placed() {
    let sealed = Sealed::new().await;
    let lines = sealed.lines();
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    let fault = sealed.verify(&sealed.joined(&swapped)).fault.unwrap();
    assert_eq!((fault.line, &fault.kind), (3, &FaultKind::Reordered));
    assert_eq!(fault.file, sealed.files[0].0);

    let mut edited = lines.clone();
    edited[2].1 = edited[2].1.replace("mira", "mara");
    let verified = sealed.verify(&sealed.joined(&edited));
    let fault = verified.fault.unwrap();
    assert_eq!((fault.line, fault.kind), (3, FaultKind::Edited));
    assert_eq!(verified.intact_to.unwrap().seq, 1);

    let mut strange = lines.clone();
    strange[2].1 = "{}".to_owned();
    assert_eq!(sealed.kind(&sealed.joined(&strange)), FaultKind::Unparsable);
    strange[2].1 = lines[2].1.replace(r#""v":1}"#, r#""v":2}"#);
    assert_eq!(sealed.kind(&sealed.joined(&strange)), FaultKind::Unparsable);
    strange[2].1 = lines[2].1.replace(r#""seq":2,"#, r#""seq":18446744073709551615,"#);
    assert_eq!(sealed.kind(&sealed.joined(&strange)), FaultKind::Unparsable);
}

/// Gives an edited line the hash that fits it.
fn hashed_again(line: &str) -> String {
    let at = line.rfind(r#","hash":""#).unwrap();
    let (head, rest) = (&line[..at], &line[at + r#","hash":""#.len() + 65..]);
    format!(r#"{head},"hash":"{}"{rest}"#, Digest::of(&[head, rest].concat()))
}

#[tokio::test]
async fn who_edits_and_hashes_again_is_found_at_the_next_record_or_by_the_checkpoint() {
    let sealed = Sealed::new().await;
    let lines = sealed.lines();
    for place in 0..lines.len() {
        let mut edited = lines.clone();
        edited[place].1 = hashed_again(&lines[place].1.replace("09:30", "09:31"));
        assert_ne!(edited[place], lines[place]);
        let fault = sealed.verify(&sealed.joined(&edited)).fault.unwrap();
        let expected = match place + 1 == lines.len() {
            true => FaultKind::Rewritten,
            false => FaultKind::Spliced,
        };
        assert_eq!(fault.kind, expected, "{place}");
    }
}

#[tokio::test]
async fn a_file_that_names_another_before_it_is_found() {
    let sealed = Sealed::new().await;
    let mut lines = sealed.lines();
    let last = sealed.files.len() - 1;
    let first_of_last = lines.iter().position(|(file, _)| *file == last).unwrap();
    lines.truncate(first_of_last + 1);
    let whole = verify_on(&Sim::holding(&sealed.joined(&lines)), None).unwrap();
    assert_eq!(whole.fault, None);
    let line = &mut lines[first_of_last].1;
    *line = hashed_again(
        &line.replace("previous\":{\"file\":\"audit-0", "previous\":{\"file\":\"audit-1"),
    );
    let found = verify_on(&Sim::holding(&sealed.joined(&lines)), None).unwrap();
    assert_eq!(found.fault.unwrap().kind, FaultKind::Spliced);
}

#[tokio::test]
async fn a_history_that_forks_after_the_checkpoint_was_made_is_found() {
    let disk = Sim::default();
    let log = log_on(&disk, 1 << 20).await;
    let _ = log.append(intent(1)).await.unwrap();
    let past = Sim::holding(&disk.files());
    let _ = log.append(intent(2)).await.unwrap();
    let end = log.tail().borrow().unwrap();
    let log = log_on(&past, 1 << 20).await;
    let _ = log.append(intent(3)).await.unwrap();
    assert_eq!(verify_on(&past, None).unwrap().fault, None, "it is whole by itself");
    let key = key();
    let verified = verified_against(&past, &key, &[signed(&key, end)]);
    assert_eq!(verified.fault.unwrap().kind, FaultKind::Rewritten);
}
