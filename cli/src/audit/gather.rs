//! The entries of logs: what belongs together is joined, in memory that a log cannot fill.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use prepl_audit::{Body, Stored, read};
use prepl_core::RequestId;

use super::damaged::Damaged;
use super::entry::{Act, Entry};
use super::filter::Filter;
use super::logs::LogFolder;

/// Most entries that are kept; the newest stay.
pub const MAX_ENTRIES: usize = 10_000;

/// What logs tell.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The entries, newest last.
    pub entries: Vec<Entry>,
    /// How many older ones were left out.
    pub left_out: u64,
    /// Logs that are not whole.
    pub damaged: Vec<Damaged>,
}

/// Reads logs, and keeps what passes the filter.
pub fn gather(logs: &[LogFolder], filter: &Filter) -> io::Result<Gathered> {
    let mut all = Gathered::default();
    for log in logs {
        let mut open = Open::new(&log.name, filter);
        let fault = read(&log.path, |_, stored| open.take(stored))?;
        all.damaged.extend(fault.map(|fault| Damaged { log: log.name.clone(), fault }));
        all.left_out += open.left_out;
        all.entries.extend(open.entries.into_values());
    }
    all.entries.sort_by(|a, b| (a.time, &a.log, a.place.seq).cmp(&(b.time, &b.log, b.place.seq)));
    let surplus = all.entries.len().saturating_sub(MAX_ENTRIES);
    all.left_out += all.entries.drain(..surplus).count() as u64;
    Ok(all)
}

/// The entries of one log by their numbers, and where what comes later belongs.
struct Open<'a> {
    log: Arc<str>,
    filter: &'a Filter,
    entries: BTreeMap<u64, Entry>,
    tunnels: HashMap<RequestId, u64>,
    left_out: u64,
}

impl<'a> Open<'a> {
    fn new(log: &str, filter: &'a Filter) -> Open<'a> {
        let (entries, tunnels) = (BTreeMap::new(), HashMap::new());
        Open { log: log.into(), filter, entries, tunnels, left_out: 0 }
    }

    fn take(&mut self, stored: Stored) {
        match &stored.body {
            Some(Body::Outcome(told)) => {
                let of = self.entries.get_mut(&told.intent);
                let of = of.filter(|entry| entry.run() == Some(told.run));
                of.into_iter().for_each(|entry| entry.add_outcomes(told));
            }
            Some(Body::AttachClosed(closed)) => {
                let of = self.tunnels.get(&closed.request());
                let of = of.and_then(|seq| self.entries.get_mut(seq));
                of.into_iter().for_each(|entry| entry.add_end(closed));
            }
            _ => self.begin(stored),
        }
    }

    fn begin(&mut self, stored: Stored) {
        let seq = stored.place.seq;
        let entry = Entry::of(&self.log, stored).filter(|entry| self.filter.passes(entry));
        let Some(entry) = entry else { return };
        if let Act::Tunnel { request, .. } = entry.act {
            self.tunnels.insert(request, seq);
        }
        self.entries.insert(seq, entry);
        if self.entries.len() > MAX_ENTRIES {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((seq, entry)) = self.entries.pop_first() else { return };
        self.left_out += 1;
        if let Some(one) = entry.request().filter(|one| self.tunnels.get(one) == Some(&seq)) {
            self.tunnels.remove(&one);
        }
    }
}
