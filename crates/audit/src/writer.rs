//! The one writer: entries in, the end of the chain out, durable or not at all.

use crate::chain::{ChainId, Tail, file_name};
use crate::disk::Disk;
use crate::error::{AuditError, OpenError};
use crate::file::Durable;
use crate::moment::{Clock, Moment};
use crate::record::Entry;
use crate::record::event::{Chain, Opened, Previous};
use crate::recover::{Found, FoundFile, recover};
use crate::retain::retain;
use crate::settings::Settings;

/// Writes a log. What it knows of the chain changes only when the disk has it.
pub(crate) struct Writer<D: Disk> {
    disk: D,
    settings: Settings,
    clock: Clock,
    chain: ChainId,
    tail: Option<Tail>,
    current: Option<Current<D::File>>,
    /// The current file was left for a new one, which has to come about now, whatever the clock
    /// says next: it may be there already, without anybody having been told.
    leaving: bool,
    /// Told with the next batch: that this writer took the log up.
    opened: Option<Entry>,
}

struct Current<F> {
    file: Durable<F>,
    since: Moment,
}

impl<D: Disk> Writer<D> {
    /// Takes a log up. It writes nothing, so it works on a full disk too.
    pub(crate) fn open(disk: D, settings: Settings, clock: Clock) -> Result<Writer<D>, OpenError> {
        let Found { tail, file, torn_bytes } = recover(&disk)?;
        let chain = tail.map_or_else(ChainId::random, |tail| Ok(tail.chain))?;
        let opened = Opened { program: settings.program.clone(), cut_bytes: torn_bytes };
        let opened = Entry::of(&opened).ok();
        let leaving = file.as_ref().is_some_and(|file| file.left);
        let current = file.map(|FoundFile { name, whole_bytes, since, .. }| Current {
            file: Durable::found(name, whole_bytes),
            since,
        });
        Ok(Writer { disk, settings, clock, chain, tail, current, leaving, opened })
    }

    pub(crate) fn tail(&self) -> Option<Tail> {
        self.tail
    }

    /// Makes a batch durable and gives the place of each entry; after an error none of them is.
    pub(crate) fn commit(&mut self, batch: &[&Entry]) -> Result<Vec<Tail>, AuditError> {
        let now = (self.clock)();
        let places = match self.leave_when_due(now)? {
            true => self.append_to_new(batch, now)?,
            false => self.append(batch, now)?,
        };
        prepl_fault::point("audit.synced");
        self.opened = None;
        self.tail = places.last().copied().or(self.tail);
        // The record of this writer's beginning is nobody's.
        Ok(places[places.len() - batch.len()..].to_vec())
    }

    /// Whether the batch goes to a new file; the one before it is sound then.
    fn leave_when_due(&mut self, now: Moment) -> Result<bool, AuditError> {
        let Some(Current { file, since }) = &mut self.current else { return Ok(true) };
        let full = file.size() >= self.settings.max_file_bytes.get();
        if self.leaving || full || now.since(*since) >= self.settings.max_file_age {
            let repaired = file.repair(&self.disk);
            repaired.map_err(|broken| broken.of(file.name()))?;
            self.leaving = true;
        }
        Ok(self.leaving)
    }

    fn append(&mut self, batch: &[&Entry], now: Moment) -> Result<Vec<Tail>, AuditError> {
        let (text, places) = self.seal(self.opened.iter().chain(batch.iter().copied()), now);
        let Some(Current { file, .. }) = &mut self.current else { return Ok(places) };
        let appended = file.append(&self.disk, text.as_bytes());
        appended.map_err(|broken| broken.of(file.name()))?;
        Ok(places)
    }

    fn append_to_new(&mut self, batch: &[&Entry], now: Moment) -> Result<Vec<Tail>, AuditError> {
        let first = Entry::of(&Chain { previous: self.previous() })?;
        let entries = self.opened.iter().chain(batch.iter().copied());
        let (text, places) = self.seal(std::iter::once(&first).chain(entries), now);
        let name = file_name(self.tail.map_or(0, |tail| tail.seq + 1));
        let begun = Durable::begin(&self.disk, name.clone()).and_then(|mut file| {
            file.append(&self.disk, text.as_bytes())?;
            self.disk.sync_folder()?;
            Ok(file)
        });
        let file = begun.map_err(|broken| broken.of(&name))?;
        self.current = Some(Current { file, since: now });
        self.leaving = false;
        retain(&self.disk, &self.settings);
        Ok(places)
    }

    fn previous(&self) -> Option<Previous> {
        let (tail, current) = self.tail.zip(self.current.as_ref())?;
        let file = current.file.name().to_owned();
        Some(Previous { file, seq: tail.seq, hash: tail.hash })
    }

    fn seal<'a>(
        &self,
        entries: impl Iterator<Item = &'a Entry>,
        now: Moment,
    ) -> (String, Vec<Tail>) {
        let (mut text, mut last) = (String::new(), self.tail);
        let places = entries.map(|entry| {
            let place = entry.seal(self.chain, last, now, &mut text);
            last = Some(place);
            place
        });
        let places = places.collect();
        (text, places)
    }
}
