//! What became of a verification, in words.

use prepl_audit::{ChainId, Fault, FaultKind, Verified};

use super::witness::OfChain;
use crate::render::page::{Ink, Page};

/// Columns before what a line tells.
const MARGIN: &str = "  ";

/// One log after it was verified.
#[derive(Debug)]
pub struct Judged {
    /// The log.
    pub log: String,
    /// Its chain, as far as it can be told.
    pub chain: Option<ChainId>,
    /// Whether there were checkpoints to compare it with.
    pub witnessed: bool,
    /// The signer of checkpoints was told of an end that contradicts them; what he says of it.
    pub regressed: Option<String>,
    /// What was found.
    pub verified: Verified,
}

impl Judged {
    /// Whether something is wrong.
    pub fn is_faulty(&self) -> bool {
        self.verified.fault.is_some() || self.regressed.is_some()
    }

    /// A few lines for people.
    pub fn sheet(&self, colour: bool) -> String {
        let mut page = Page::new(colour);
        let chain = self.chain.map_or_else(|| "of no chain".to_owned(), |id| format!("chain {id}"));
        page.put(Ink::Strong, &format!("{}  {chain}  ", self.log));
        match self.is_faulty() {
            false => page.put(Ink::Good, "whole").end(),
            true => page.put(Ink::Bad, "NOT WHOLE").end(),
        };
        let mut line = |ink, text: &str| {
            page.put(Ink::Plain, MARGIN).put(ink, text).end();
        };
        line(Ink::Plain, &self.contents());
        self.gone().into_iter().for_each(|gone| line(Ink::Plain, &gone));
        if let Some(fault) = &self.verified.fault {
            line(Ink::Bad, &fault.to_string());
            line(Ink::Plain, &meaning(fault, self.verified.records));
        }
        if let Some(regressed) = &self.regressed {
            let text = format!("the controller saw its end go back, or another one: {regressed}");
            line(Ink::Bad, &text);
        }
        line(Ink::Plain, &self.witnesses());
        page.finish()
    }

    fn contents(&self) -> String {
        let Verified { files, records, span, intact_to, .. } = &self.verified;
        let (files, records) = (several(*files as u64, "file"), several(*records, "record"));
        match (span, intact_to) {
            (Some((first, last)), Some(tail)) => {
                format!("{files}, {records} up to number {}, {first} to {last}", tail.seq)
            }
            _ => format!("{files}, {records}"),
        }
    }

    /// What is not there any more, and is no fault.
    fn gone(&self) -> Vec<String> {
        let Verified { missing_before, torn_bytes, checkpoints_gone, .. } = &self.verified;
        let older = missing_before.as_ref().map(|end| {
            format!(
                "records up to number {} are not here: their files went by age, or were left out",
                end.seq
            )
        });
        let gone = (*checkpoints_gone > 0).then(|| {
            let are = if *checkpoints_gone == 1 { "is" } else { "are" };
            let checkpoints = several(*checkpoints_gone, "checkpoint");
            format!(
                "{checkpoints} {are} about records that are not here, and compared with nothing"
            )
        });
        let torn = (*torn_bytes > 0).then(|| {
            format!(
                "{torn_bytes} bytes at the end are no whole record; nobody was told it is durable"
            )
        });
        older.into_iter().chain(gone).chain(torn).collect()
    }

    fn witnesses(&self) -> String {
        let Verified { checkpoints, witnessed_to, intact_to, .. } = &self.verified;
        let end = intact_to.map_or(0, |tail| tail.seq);
        match witnessed_to {
            None if self.is_faulty() => "no checkpoint vouches for what is before it".to_owned(),
            None if self.witnessed => "there is no checkpoint about it yet".to_owned(),
            None => "no checkpoint is known: that its end is there, nothing tells".to_owned(),
            Some(last) => {
                let later = match end.saturating_sub(*last) {
                    0 => "its last record".to_owned(),
                    more => format!(
                        "record {last}; the {} after it {} no checkpoint yet",
                        several(more, "record"),
                        if more == 1 { "has" } else { "have" }
                    ),
                };
                let agree = if *checkpoints == 1 { "agrees" } else { "agree" };
                format!("{} {agree}, up to {later}", several(*checkpoints, "checkpoint"))
            }
        }
    }
}

/// A chain that is known elsewhere, and whose log is not here.
pub fn without_log(chain: &ChainId, known: &OfChain, colour: bool) -> String {
    let mut page = Page::new(colour);
    page.put(Ink::Strong, &format!("{}  chain {chain}  ", known.name));
    page.put(Ink::Warn, "NO LOG").end();
    let last = known.last.map_or_else(String::new, |seq| format!(" up to record {seq}"));
    let text = format!(
        "checkpoints know it{last}, and no log of it was found: its gateway is gone, or somebody \
         took the log away"
    );
    page.put(Ink::Plain, MARGIN).put(Ink::Plain, &text).end();
    page.finish()
}

/// What a fault means to whoever relies on the log.
fn meaning(fault: &Fault, before: u64) -> String {
    let means = match &fault.kind {
        FaultKind::Unparsable => "a line was put in, cut or overwritten",
        FaultKind::Edited => "this line was changed after it was written",
        FaultKind::Rewritten => {
            "the end of this log was written anew; trust it as far as the last checkpoint that agrees"
        }
        FaultKind::Missing { .. } => "records were taken out",
        FaultKind::Reordered => "lines were moved or repeated",
        FaultKind::Spliced => "a line or a file of another log was put here",
        FaultKind::CutTail { .. } => {
            "the end was cut off, or the log was set back to an older copy"
        }
        FaultKind::BadSignature => {
            "the checkpoint was forged, or it is of another key; the log itself may be whole"
        }
        FaultKind::BadCheckpoint => "the checkpoints were changed; the log itself may be whole",
    };
    format!(
        "{means}; {} before it {} in place",
        several(before, "record"),
        if before == 1 { "is" } else { "are" }
    )
}

fn several(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
