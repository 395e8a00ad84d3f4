//! All records of one run, tunnel or denial, found by any of its names.

use std::collections::BTreeSet;
use std::io;
use std::str::FromStr;

use prepl_audit::{Body, Stored, Who, read};
use prepl_core::{RequestId, RunId};

use super::damaged::Damaged;
use super::logs::LogFolder;

/// Most records that one search gives of one log.
pub const MAX_FOUND: usize = 1_000;
/// Digits of a request id that are enough, as the list shows them.
const SHORT_ID: usize = 8;

/// A name as the user wrote it; whatever it may name is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    run: Option<RunId>,
    request: Option<String>,
    seq: Option<u64>,
}

impl FromStr for Wanted {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Wanted, &'static str> {
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let whole = digits && (SHORT_ID..=32).contains(&text.len());
        let wanted = Wanted {
            run: text.to_ascii_uppercase().parse().ok(),
            request: whole.then(|| text.to_ascii_lowercase()),
            seq: None,
        };
        let number = text.strip_prefix('#').or(Some(text).filter(|_| wanted.run.is_none()));
        let wanted = Wanted { seq: number.and_then(|number| number.parse().ok()), ..wanted };
        match wanted {
            Wanted { run: None, request: None, seq: None } => {
                Err("name a run (8 letters or digits), a request (8 to 32 hexadecimal digits) or \
                     the number of a record (#42)")
            }
            wanted => Ok(wanted),
        }
    }
}

/// What one log tells of it.
#[derive(Debug)]
pub struct Found {
    /// The log.
    pub log: String,
    /// Its records, oldest first, with their lines.
    pub records: Vec<(Stored, Vec<u8>)>,
    /// How many more there are.
    pub more: u64,
}

/// Looks in all logs; those that tell nothing of it are left out.
pub fn find(logs: &[LogFolder], wanted: &Wanted) -> io::Result<(Vec<Found>, Vec<Damaged>)> {
    let (mut all, mut damaged) = (Vec::new(), Vec::new());
    for log in logs {
        let mut names = Names::default();
        let fault = read(&log.path, |_, stored| names.learn(wanted, &stored))?;
        damaged.extend(fault.map(|fault| Damaged { log: log.name.clone(), fault }));
        if names.begin_elsewhere() {
            read(&log.path, |_, stored| names.learn(wanted, &stored))?;
        }
        let mut found = Found { log: log.name.clone(), records: Vec::new(), more: 0 };
        read(&log.path, |line, stored| {
            if names.are_of(&stored) {
                found.push(stored, line);
            }
        })?;
        all.extend(Some(found).filter(|found| !found.records.is_empty()));
    }
    Ok((all, damaged))
}

impl Found {
    fn push(&mut self, stored: Stored, line: &[u8]) {
        match self.records.len() < MAX_FOUND {
            true => self.records.push((stored, line.to_vec())),
            false => self.more += 1,
        }
    }
}

/// All names that records of one matter have in common.
#[derive(Debug, Default)]
struct Names {
    seqs: BTreeSet<u64>,
    runs: BTreeSet<String>,
    requests: BTreeSet<String>,
    accesses: BTreeSet<String>,
    /// A record was met that begins the matter, and so tells all of its names.
    begun: bool,
}

impl Names {
    fn learn(&mut self, wanted: &Wanted, stored: &Stored) {
        let (run, request, access) = names(stored);
        let known = |run: RunId| Some(run) == wanted.run || self.runs.contains(run.as_str());
        let by_run = run.is_some_and(known);
        let request = request.map(|request| request.to_string());
        let by_request = request.as_ref().zip(wanted.request.as_ref());
        let by_request = by_request.is_some_and(|(one, wanted)| one.starts_with(wanted))
            || request.as_ref().is_some_and(|request| self.requests.contains(request));
        let by_seq = wanted.seq == Some(stored.place.seq);
        if (by_run || by_request || by_seq) && self.seqs.len() < MAX_FOUND {
            self.begun |= !matches!(&stored.body, Some(Body::Outcome(_) | Body::AttachClosed(_)));
            self.seqs.insert(stored.place.seq);
            self.runs.extend(run.map(|run| run.to_string()));
            self.requests.extend(request);
            self.accesses.extend(access.map(str::to_owned));
        }
    }

    /// Whether only ends are known: they tell neither who asked nor by which access.
    fn begin_elsewhere(&self) -> bool {
        !self.begun && !self.seqs.is_empty()
    }

    fn are_of(&self, stored: &Stored) -> bool {
        let (run, request, access) = names(stored);
        let about_access = matches!(&stored.body, Some(Body::Approval(_) | Body::BreakGlass(_)));
        self.seqs.contains(&stored.place.seq)
            || run.is_some_and(|run| self.runs.contains(run.as_str()))
            || request.is_some_and(|request| self.requests.contains(&request.to_string()))
            || about_access && access.is_some_and(|access| self.accesses.contains(access))
    }
}

/// Run, request and UID of the access request that a record names.
fn names(stored: &Stored) -> (Option<RunId>, Option<RequestId>, Option<&str>) {
    match &stored.body {
        Some(Body::Intent(intent)) => (Some(intent.run), Some(intent.request), access(&intent.who)),
        Some(Body::InputGiven(given)) => (Some(given.run), None, access(&given.who)),
        Some(Body::Outcome(told)) => (Some(told.run), None, None),
        Some(Body::Denied(denied)) => (None, Some(denied.request), access(&denied.who)),
        Some(Body::AttachOpened(opened)) => (None, Some(opened.request), access(&opened.who)),
        Some(Body::AttachSaid(said)) => (None, Some(said.request), access(&said.who)),
        Some(Body::AttachClosed(closed)) => (None, Some(closed.request()), None),
        Some(Body::BreakGlass(taken)) => (None, None, access(&taken.who)),
        Some(Body::Approval(said)) => (None, None, Some(&said.access.uid)),
        Some(Body::Chain(_) | Body::Opened(_) | Body::Closed(_)) | None => (None, None, None),
    }
}

fn access(who: &Who) -> Option<&str> {
    who.access.as_ref().map(|access| access.uid.as_str())
}
