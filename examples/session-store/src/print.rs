use std::fmt::{self, Write};

use steel::SteelVal;

/// How deep a printed value may nest; deeper parts print as `...`.
const MAX_DEPTH: usize = 64;
/// How much of a key decides its place in a printed hash, in characters.
const MAX_SORT_KEY: usize = 1024;

/// A value as text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) text: String,
    /// Whether the quota cut it.
    pub(crate) truncated: bool,
}

/// Prints a value in at most `quota` characters.
///
/// Numbers, texts, lists, `#true` and `#false` as Scheme writes them. Hashes, vectors and sets
/// as EDN does, as Steel's own forms span lines and have no stable order: `{:gen 118 :size 40}`
/// with symbol keys as keywords, sorted by key; `[1 2]`; `#{1 2}`, sorted.
pub(crate) fn print(value: &SteelVal, quota: usize) -> Printed {
    let mut out = Limited { text: String::new(), room: quota };
    let truncated = put(&mut out, value, 0).is_err();
    Printed { text: out.text, truncated }
}

/// A text that refuses what is beyond its room, in characters.
struct Limited {
    text: String,
    room: usize,
}

impl Write for Limited {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        match piece.char_indices().nth(self.room) {
            None => {
                self.room -= piece.chars().count();
                self.text.push_str(piece);
                Ok(())
            }
            Some((end, _)) => {
                self.room = 0;
                self.text.push_str(&piece[..end]);
                Err(fmt::Error)
            }
        }
    }
}

fn put(out: &mut Limited, value: &SteelVal, depth: usize) -> fmt::Result {
    if depth > MAX_DEPTH {
        return out.write_str("...");
    }
    match value {
        SteelVal::StringV(text) => put_text(out, text),
        SteelVal::SymbolV(name) => out.write_str(name),
        SteelVal::ListV(items) => put_all(out, ["(", ")"], items.iter(), depth),
        SteelVal::VectorV(items) => put_all(out, ["[", "]"], items.iter(), depth),
        SteelVal::MutableVector(items) => put_all(out, ["[", "]"], items.get().iter(), depth),
        SteelVal::HashSetV(items) => put_all(out, ["#{", "}"], sorted(items.iter()), depth),
        SteelVal::HashMapV(entries) => {
            let keys = sorted(entries.iter().map(|(key, _)| key));
            put_map(out, keys.filter_map(|key| Some((key, entries.get(key)?))), depth)
        }
        other => write!(out, "{other}"),
    }
}

fn put_all<'a>(
    out: &mut Limited,
    [open, close]: [&str; 2],
    items: impl Iterator<Item = &'a SteelVal>,
    depth: usize,
) -> fmt::Result {
    out.write_str(open)?;
    for (index, item) in items.enumerate() {
        out.write_str(if index == 0 { "" } else { " " })?;
        put(out, item, depth + 1)?;
    }
    out.write_str(close)
}

fn put_map<'a>(
    out: &mut Limited,
    entries: impl Iterator<Item = (&'a SteelVal, &'a SteelVal)>,
    depth: usize,
) -> fmt::Result {
    out.write_str("{")?;
    for (index, (key, value)) in entries.enumerate() {
        out.write_str(if index == 0 { "" } else { " " })?;
        out.write_str(if matches!(key, SteelVal::SymbolV(_)) { ":" } else { "" })?;
        put(out, key, depth + 1)?;
        out.write_str(" ")?;
        put(out, value, depth + 1)?;
    }
    out.write_str("}")
}

fn put_text(out: &mut Limited, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\t' => out.write_str("\\t")?,
            '\r' => out.write_str("\\r")?,
            other => out.write_char(other)?,
        }
    }
    out.write_char('"')
}

/// The values in the order of their printed forms.
fn sorted<'a>(values: impl Iterator<Item = &'a SteelVal>) -> impl Iterator<Item = &'a SteelVal> {
    let mut sorted: Vec<_> = values.collect();
    sorted.sort_by_cached_key(|value| print(value, MAX_SORT_KEY).text);
    sorted.into_iter()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use steel::rvals::IntoSteelVal;

    use super::*;

    fn hash() -> SteelVal {
        let symbol = |name: &str| SteelVal::SymbolV(name.into());
        let pairs = [("size", 40_212), ("gen", 118), ("ttl", 300)];
        let pairs = pairs.map(|(name, number)| (symbol(name), SteelVal::IntV(number)));
        HashMap::from(pairs).into_steelval().unwrap()
    }

    fn text(value: SteelVal) -> String {
        print(&value, 1000).text
    }

    #[test]
    fn a_hash_prints_as_edn_sorted_by_key() {
        assert_eq!(text(hash()), "{:gen 118 :size 40212 :ttl 300}");
    }

    #[test]
    fn lists_texts_and_truths_print_as_scheme_writes_them() {
        let list = vec![
            SteelVal::IntV(-1),
            SteelVal::NumV(2.5),
            SteelVal::StringV("say \"é\"\n".into()),
            SteelVal::BoolV(true),
            SteelVal::BoolV(false),
            SteelVal::SymbolV("new-cart".into()),
        ];
        let list = list.into_steelval().unwrap();
        assert_eq!(text(list), r#"(-1 2.5 "say \"é\"\n" #true #false new-cart)"#);
    }

    #[test]
    fn the_quota_cuts_at_that_many_characters() {
        let value = SteelVal::StringV("ééééé".into());
        assert_eq!(print(&value, 7), Printed { text: "\"ééééé\"".into(), truncated: false });
        assert_eq!(print(&value, 4), Printed { text: "\"ééé".into(), truncated: true });
        assert_eq!(print(&hash(), 8), Printed { text: "{:gen 11".into(), truncated: true });
    }
}
