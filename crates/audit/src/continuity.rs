//! Whether a line continues what stands before it: pure, one line at a time.

use crate::chain::{Tail, file_name};
use crate::finding::FaultKind;
use crate::record::event::{Chain, Previous};
use crate::record::{Envelope, nothing};

/// Follows a chain from the first file that is there.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    last: Option<Tail>,
    /// The file that is read, and the one before it.
    file: String,
    before: Option<String>,
    at_start: bool,
    missing_before: Option<Previous>,
}

impl Follower {
    /// The next lines are of this file.
    pub(crate) fn begin(&mut self, file: &str) {
        let before = std::mem::replace(&mut self.file, file.to_owned());
        self.before = self.last.map(|_| before);
        self.at_start = true;
    }

    /// The end of the file that stood before the first that is there.
    pub(crate) fn missing_before(&self) -> Option<&Previous> {
        self.missing_before.as_ref()
    }

    /// Takes one line, or says what is wrong with it.
    pub(crate) fn follow(&mut self, line: &[u8]) -> Result<Envelope, FaultKind> {
        let read = Envelope::parse(line).ok_or(FaultKind::Unparsable)?;
        if !read.is_sealed(line) {
            return Err(FaultKind::Edited);
        }
        match self.last {
            Some(last) => continues(last, &read)?,
            None if !self.at_start => return Err(FaultKind::Spliced),
            None => {}
        }
        match (self.at_start, read.kind == "chain") {
            (true, true) => self.check_start(&read)?,
            (false, false) => {}
            (true, false) | (false, true) => return Err(FaultKind::Spliced),
        }
        self.at_start = false;
        self.last = Some(read.tail());
        Ok(read)
    }

    /// A file's first record names the file before it, and its own number names the file.
    fn check_start(&mut self, read: &Envelope) -> Result<(), FaultKind> {
        let chain: Chain =
            serde_json::from_value(read.body.clone()).map_err(|_| FaultKind::Unparsable)?;
        let told = chain.previous.as_ref();
        let fits = match told {
            None => read.seq == 0 && read.prev == nothing(),
            Some(previous) => {
                previous.seq.checked_add(1) == Some(read.seq) && previous.hash == read.prev
            }
        };
        let named = self.before.is_none() || self.before.as_ref() == told.map(|told| &told.file);
        if !fits || !named || self.file != file_name(read.seq) {
            return Err(FaultKind::Spliced);
        }
        if self.last.is_none() {
            self.missing_before = chain.previous;
        }
        Ok(())
    }
}

fn continues(last: Tail, read: &Envelope) -> Result<(), FaultKind> {
    let expected = last.seq + 1;
    if read.chain != last.chain {
        return Err(FaultKind::Spliced);
    }
    if read.seq > expected {
        return Err(FaultKind::Missing { first: expected, last: read.seq - 1 });
    }
    if read.seq < expected {
        return Err(FaultKind::Reordered);
    }
    match read.prev == last.hash {
        true => Ok(()),
        false => Err(FaultKind::Spliced),
    }
}
