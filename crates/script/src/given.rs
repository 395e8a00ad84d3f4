//! What a script is given to look at, as variables of its session.

use rhai::{Array, Dynamic, Map};

/// A value that a session is given; nothing else of the caller's reaches a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// A string.
    Text(String),
    /// A map from strings to lists of strings.
    Lists(Vec<(String, Vec<String>)>),
}

impl From<Given> for Dynamic {
    fn from(given: Given) -> Dynamic {
        match given {
            Given::Text(text) => text.into(),
            Given::Lists(lists) => {
                let list = |texts: Vec<String>| texts.into_iter().map(Dynamic::from).collect();
                let entry = |(key, texts): (String, Vec<String>)| {
                    let list: Array = list(texts);
                    (key.into(), Dynamic::from_array(list))
                };
                lists.into_iter().map(entry).collect::<Map>().into()
            }
        }
    }
}
