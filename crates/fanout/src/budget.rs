//! What one replica may send: a sidecar that ignores the limits it was given is cut here.

use prepl_core::{Event, Limits, Outcome};

/// What a sidecar says beyond its budget of text to tell that it dropped the rest.
const LAST_WORDS: usize = 4 << 10;

/// Counts what one replica sent.
#[derive(Debug)]
pub(crate) struct Budget {
    value: usize,
    output: usize,
    text: usize,
    events: u32,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Budget {
        Budget {
            value: limits.value_bytes() as usize,
            output: limits.output_bytes() as usize,
            text: limits.text_bytes() + LAST_WORDS,
            events: Limits::MAX_EVENTS,
        }
    }

    /// Charges an event. An error is the outcome of a replica that sent too much.
    pub(crate) fn charge(&mut self, event: &Event) -> Result<(), Outcome> {
        let paid = match event {
            Event::Output { bytes, .. } => take(&mut self.output, bytes.len()),
            Event::Done(_) => true,
            Event::Value(value) if value.text.len() > self.value => false,
            other => take(&mut self.text, other.text_bytes()) && self.take_event(),
        };
        let too_much =
            || Outcome::unknown("the sidecar sent more than the limits of the run allow");
        paid.then_some(()).ok_or_else(too_much)
    }

    fn take_event(&mut self) -> bool {
        let paid = self.events > 0;
        self.events = self.events.saturating_sub(1);
        paid
    }
}

fn take(purse: &mut usize, bytes: usize) -> bool {
    let rest = purse.checked_sub(bytes);
    *purse = rest.unwrap_or(0);
    rest.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::{Class, Stream, Value};
    use std::time::Duration;

    fn output(bytes: usize) -> Event {
        Event::Output { stream: Stream::Out, bytes: vec![b'x'; bytes].into() }
    }

    #[test]
    fn output_beyond_the_limit_ends_the_replica_as_unknown() {
        let limits = Limits::new(Duration::from_secs(1), 10, 100).unwrap();
        let mut budget = Budget::new(&limits);
        assert_eq!(budget.charge(&output(100)), Ok(()));
        let outcome = budget.charge(&output(1)).unwrap_err();
        assert_eq!(outcome.class(), Class::Unknown);
    }

    #[test]
    fn a_flood_of_small_values_ends() {
        let mut budget = Budget::new(&Limits::default());
        let value = || Event::Value(Value { form: 0, text: "".into(), truncated: false });
        let sent =
            (0..2 * Limits::MAX_EVENTS).take_while(|_| budget.charge(&value()).is_ok()).count();
        assert_eq!(sent, Limits::MAX_EVENTS as usize);
    }

    #[test]
    fn one_value_beyond_its_limit_is_too_much() {
        let mut budget = Budget::new(&Limits::new(Duration::from_secs(1), 3, 1).unwrap());
        let value =
            |text: &str| Event::Value(Value { form: 0, text: text.into(), truncated: true });
        assert!(budget.charge(&value("abc")).is_ok());
        assert_eq!(budget.charge(&value("abcd")).unwrap_err().class(), Class::Unknown);
    }

    #[test]
    fn values_share_one_purse() {
        let mut budget = Budget::new(&Limits::default());
        let text = "x".repeat(1 << 20);
        let value = Event::Value(Value { form: 0, text: text.into(), truncated: false });
        assert!((0..4).all(|_| budget.charge(&value).is_ok()));
        assert!(budget.charge(&value).is_err());
    }
}
