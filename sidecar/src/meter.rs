//! What an evaluation may say: output and values are cut at its limits, and the cut is told.

use std::sync::Arc;

use bytes::Bytes;
use prepl_core::{Event, Limits, Value};

use crate::driver::Said;

/// Largest piece of output in one event; bigger ones make a slow reader costly.
const PIECE: usize = 64 << 10;

/// Turns what a runtime says into events within the limits of one evaluation.
#[derive(Debug)]
pub struct Meter {
    limits: Limits,
    forms: u32,
    output_left: usize,
    output_bytes: u64,
    text_left: usize,
    events_left: u32,
    dropped: u64,
}

impl Meter {
    /// A meter for one evaluation.
    pub fn new(limits: Limits) -> Meter {
        Meter {
            limits,
            forms: 0,
            output_left: limits.output_bytes() as usize,
            output_bytes: 0,
            text_left: limits.text_bytes(),
            // One for the last notice.
            events_left: Limits::MAX_EVENTS - 2,
            dropped: 0,
        }
    }

    /// Bytes of output so far, also those that were cut.
    pub fn output_bytes(&self) -> u64 {
        self.output_bytes
    }

    /// Takes the runtime's own count, which knows what it did not send.
    pub fn count_at_least(&mut self, output_bytes: u64) {
        self.output_bytes = self.output_bytes.max(output_bytes);
    }

    /// The events for one saying, in order.
    pub fn take(&mut self, said: Said) -> impl Iterator<Item = Event> {
        let (output, other) = match said {
            Said::Output(stream, bytes) => (Some((stream, self.keep_output(&bytes))), None),
            other => (None, self.other(other)),
        };
        let output = output.into_iter().flat_map(|(stream, bytes)| {
            pieces(bytes).map(move |bytes| Event::Output { stream, bytes })
        });
        output.chain(other)
    }

    /// What has to be told at the end: how much was cut.
    pub fn last_words(&self) -> impl Iterator<Item = Event> {
        let shown = self.output_bytes.min(u64::from(self.limits.output_bytes()));
        let cut = (self.output_bytes > shown).then(|| {
            format!(
                "output cut: {shown} of {} bytes; raise --limit-bytes for more",
                self.output_bytes
            )
        });
        let dropped = (self.dropped > 0)
            .then(|| format!("{} further values or notices dropped", self.dropped));
        [cut, dropped].into_iter().flatten().map(|text| Event::Notice(text.into()))
    }

    fn keep_output(&mut self, bytes: &Bytes) -> Bytes {
        self.output_bytes += bytes.len() as u64;
        let kept = bytes.len().min(self.output_left);
        self.output_left -= kept;
        bytes.slice(..kept)
    }

    fn other(&mut self, said: Said) -> Option<Event> {
        let event = match said {
            Said::Output(..) => return None,
            Said::Value { text, truncated } => Event::Value(self.value(text, truncated)),
            Said::Raised(raised) => Event::Raised(raised),
            Said::NeedInput => Event::NeedInput,
            Said::Notice(text) => Event::Notice(text),
        };
        let paid =
            self.events_left.checked_sub(1).zip(self.text_left.checked_sub(event.text_bytes()));
        let Some((events_left, text_left)) = paid else {
            self.dropped += 1;
            return None;
        };
        (self.events_left, self.text_left) = (events_left, text_left);
        Some(event)
    }

    fn value(&mut self, text: Arc<str>, truncated: bool) -> Value {
        let form = self.forms;
        self.forms = self.forms.saturating_add(1);
        let limit = self.limits.value_bytes() as usize;
        if text.len() <= limit {
            return Value { form, text, truncated };
        }
        let cut = text.floor_char_boundary(limit);
        Value { form, text: text[..cut].into(), truncated: true }
    }
}

fn pieces(bytes: Bytes) -> impl Iterator<Item = Bytes> {
    (0..bytes.len())
        .step_by(PIECE)
        .map(move |from| bytes.slice(from..bytes.len().min(from + PIECE)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::Stream;
    use proptest::prelude::*;
    use std::time::Duration;

    fn meter(value: u32, output: u32) -> Meter {
        Meter::new(Limits::new(Duration::from_secs(1), value, output).unwrap())
    }

    fn output(meter: &mut Meter, bytes: usize) -> usize {
        let events = meter.take(Said::Output(Stream::Out, vec![b'x'; bytes].into()));
        events
            .map(|event| match event {
                Event::Output { bytes, .. } => bytes.len(),
                other => panic!("{other:?}"),
            })
            .inspect(|bytes| assert!(*bytes <= PIECE))
            .sum()
    }

    #[test]
    fn output_is_cut_at_the_limit_counted_whole_and_told() {
        let mut meter = meter(10, 100_000);
        assert_eq!(output(&mut meter, 80_000), 80_000);
        assert_eq!(meter.last_words().count(), 0);
        assert_eq!(output(&mut meter, 80_000), 20_000);
        assert_eq!(output(&mut meter, 80_000), 0);
        assert_eq!(meter.output_bytes(), 240_000);
        let words: Vec<_> = meter.last_words().collect();
        assert!(matches!(&words[..], [Event::Notice(text)] if text.contains("100000 of 240000")));
    }

    #[test]
    fn a_value_is_cut_between_characters() {
        let mut meter = meter(4, 1);
        let said = Said::Value { text: "aaa☃".into(), truncated: false };
        let events: Vec<_> = meter.take(said).collect();
        let cut = Value { form: 0, text: "aaa".into(), truncated: true };
        assert_eq!(events, [Event::Value(cut)]);
    }

    #[test]
    fn values_beyond_the_budget_are_dropped_and_counted() {
        let mut meter = meter(1 << 20, 1);
        let text: Arc<str> = "x".repeat(1 << 20).into();
        let sent = |meter: &mut Meter| {
            meter.take(Said::Value { text: Arc::clone(&text), truncated: false }).count()
        };
        assert_eq!((0..6).map(|_| sent(&mut meter)).sum::<usize>(), 4);
        let words: Vec<_> = meter.last_words().collect();
        assert!(matches!(&words[..], [Event::Notice(text)] if text.contains("2 further values")));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_below_the_limits(sizes in proptest::collection::vec(0_usize..200_000, 0..9)) {
            let mut meter = meter(1, 16 << 20);
            let sum: usize = sizes.iter().map(|bytes| output(&mut meter, *bytes)).sum();
            prop_assert_eq!(sum, sizes.iter().sum::<usize>());
        }
    }
}
