//! One replica's answer on one line.

use prepl_core::{Answer, Class, Raised};

use super::page::Ink;

/// Values of an answer, or how it ended instead.
pub fn of(answer: &Answer) -> (Ink, String) {
    match answer.class() {
        Class::Ok => (Ink::Plain, values(answer)),
        Class::Raised => (Ink::Bad, format!("raised: {}", raised(answer.raised.last()))),
        class => (Ink::Warn, ended(class, answer)),
    }
}

/// The same where the class is told already.
pub fn without_class(answer: &Answer) -> String {
    match answer.class() {
        Class::Ok => values(answer),
        Class::Raised => raised(answer.raised.last()),
        _ => answer.done.outcome.reason().map_or_else(String::new, |reason| reason.to_string()),
    }
}

/// All values, apart by spaces.
fn values(answer: &Answer) -> String {
    let values = answer.values.iter().map(|value| {
        let cut = if value.truncated { "… (cut)" } else { "" };
        format!("{}{cut}", value.text)
    });
    values.collect::<Vec<_>>().join(" ")
}

/// An exception: its class and its message, as far as they are told.
pub fn raised(raised: Option<&Raised>) -> String {
    let Some(raised) = raised else { return "no exception was told".to_owned() };
    match (&*raised.class, &*raised.message) {
        ("", "") => "an exception without class and message".to_owned(),
        (class, "") => class.to_owned(),
        ("", message) => message.to_owned(),
        (class, message) => format!("{class}: {message}"),
    }
}

fn ended(class: Class, answer: &Answer) -> String {
    let reason = answer.done.outcome.reason();
    reason.map_or_else(|| class.to_string(), |reason| format!("{class}: {reason}"))
}
