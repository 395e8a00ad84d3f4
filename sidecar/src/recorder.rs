//! Tells the events of an evaluation to its reader, and keeps what the ledger remembers.

use prepl_core::Event;
use tokio::sync::mpsc;

use crate::ledger::MAX_ANSWER;

/// Two ears: the reader, as long as there is one, and the ledger.
#[derive(Debug)]
pub struct Recorder {
    reader: Option<mpsc::Sender<Event>>,
    kept: Vec<Event>,
    bytes: usize,
    left_out: u64,
}

impl Recorder {
    /// Records for `reader`, who slows the evaluation down when he is slow.
    pub fn new(reader: mpsc::Sender<Event>) -> Recorder {
        Recorder { reader: Some(reader), kept: Vec::new(), bytes: 0, left_out: 0 }
    }

    /// Tells one event.
    pub async fn tell(&mut self, event: Event) {
        self.keep(&event);
        if let Some(reader) = &self.reader
            && reader.send(event).await.is_err()
        {
            self.reader = None;
        }
    }

    /// What is to be remembered, and its size in bytes.
    pub fn into_answer(self) -> (Vec<Event>, usize) {
        (self.kept, self.bytes)
    }

    fn keep(&mut self, event: &Event) {
        let bytes = size_of::<Event>() + event.output_bytes() + event.text_bytes();
        let is_end = matches!(event, Event::Done(_));
        if is_end && self.left_out > 0 {
            let text = format!("{} events of the first answer are not kept", self.left_out);
            self.kept.push(Event::Notice(text.into()));
        }
        if is_end || self.bytes + bytes <= MAX_ANSWER {
            self.bytes += bytes;
            self.kept.push(event.clone());
        } else {
            self.left_out += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::{Done, Outcome, Stream};

    fn output(bytes: usize) -> Event {
        Event::Output { stream: Stream::Out, bytes: vec![b'x'; bytes].into() }
    }

    #[tokio::test]
    async fn a_reader_who_leaves_does_not_stop_the_recording() {
        let (reader, live) = mpsc::channel(1);
        let mut recorder = Recorder::new(reader);
        drop(live);
        recorder.tell(output(3)).await;
        recorder.tell(output(3)).await;
        assert_eq!(recorder.into_answer().0, [output(3), output(3)]);
    }

    #[tokio::test]
    async fn a_large_answer_keeps_its_end_and_says_what_is_missing() {
        let mut recorder = Recorder::new(mpsc::channel(1).0);
        let done = Event::Done(Done::without_answer(Outcome::Ok));
        for event in [output(MAX_ANSWER), output(1), done.clone()] {
            recorder.tell(event).await;
        }
        let (kept, bytes) = recorder.into_answer();
        assert!(matches!(&kept[..], [Event::Output { .. }, Event::Notice(_), end] if *end == done));
        assert!(bytes < MAX_ANSWER);
    }
}
