//! Just enough of Clojure's printed data to find things in it.

/// Forms beyond these are not read: a trace of 2,000 frames has ten thousand.
const MAX_FORMS: usize = 20_000;
/// Deeper groups are flattened into this one; what matters here is at depth 4.
const MAX_DEPTH: usize = 16;

/// A printed form.
#[derive(Debug)]
pub(super) enum Form<'a> {
    /// A symbol, keyword, number or the like.
    Word(&'a str),
    /// A string without its escapes.
    Text(String),
    /// A list, vector, set or map; a map printed as `#:ns{…}` has the namespace of its keys.
    Group { namespace: Option<&'a str>, items: Vec<Form<'a>> },
}

/// Reads the first form; where the text is cut, everything that is open ends.
pub(super) fn read(text: &str) -> Option<Form<'_>> {
    let mut tree = Tree { open: Vec::new(), too_deep: 0, done: None, prefix: None };
    let mut rest = text;
    for _ in 0..MAX_FORMS {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let Some(c) = rest.chars().next() else { break };
        rest = tree.take(c, rest);
        if tree.done.is_some() {
            break;
        }
    }
    tree.end()
}

impl<'a> Form<'a> {
    /// The text of a string or a word; empty for `nil` and groups.
    pub(super) fn text(&self) -> &str {
        match self {
            Form::Word("nil") | Form::Group { .. } => "",
            Form::Word(word) => word,
            Form::Text(text) => text,
        }
    }

    /// The forms of a group.
    pub(super) fn items(&self) -> &[Form<'a>] {
        match self {
            Form::Group { items, .. } => items,
            Form::Word(_) | Form::Text(_) => &[],
        }
    }

    /// The value under a key of a map, as the key is printed.
    pub(super) fn get(&self, key: &str) -> Option<&Form<'a>> {
        let pair = self.items().chunks_exact(2).find(|pair| {
            let [own, _] = pair else { return false };
            matches!(own, Form::Word(word) if *word == key)
        })?;
        pair.last()
    }

    /// The value under the keyword `:namespace/name`, in either of its two prints.
    pub(super) fn get_in(&self, namespace: &str, name: &str) -> Option<&Form<'a>> {
        match self {
            Form::Group { namespace: Some(own), .. } if *own == namespace => {
                self.get(&format!(":{name}"))
            }
            _ => self.get(&format!(":{namespace}/{name}")),
        }
    }
}

/// The groups that are open, innermost last.
struct Tree<'a> {
    open: Vec<(Option<&'a str>, Vec<Form<'a>>)>,
    /// Groups that are open beyond the deepest one that is kept.
    too_deep: usize,
    done: Option<Form<'a>>,
    /// The namespace that a `#:ns` announced for the map after it.
    prefix: Option<&'a str>,
}

impl<'a> Tree<'a> {
    /// Takes the token at the start of `rest`; gives what follows it.
    fn take(&mut self, c: char, rest: &'a str) -> &'a str {
        let after = &rest[c.len_utf8()..];
        match c {
            '(' | '[' | '{' => {
                self.open();
                after
            }
            ')' | ']' | '}' => {
                self.close();
                after
            }
            '"' => {
                let (text, after) = string(after);
                self.place(Form::Text(text));
                after
            }
            _ => self.word(rest),
        }
    }

    /// Tags such as `#object` say nothing that is asked for; the form after one stands for it.
    fn word(&mut self, rest: &'a str) -> &'a str {
        let ends = |c: char| c.is_whitespace() || "()[]{}\",".contains(c);
        let (word, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        match word.strip_prefix('#') {
            Some(tag) => self.prefix = tag.strip_prefix(':'),
            None => self.place(Form::Word(word)),
        }
        after
    }

    fn open(&mut self) {
        if self.open.len() < MAX_DEPTH {
            self.open.push((self.prefix.take(), Vec::new()));
        } else {
            self.too_deep += 1;
        }
    }

    fn close(&mut self) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
        } else if let Some((namespace, items)) = self.open.pop() {
            self.place(Form::Group { namespace, items });
        }
    }

    fn place(&mut self, form: Form<'a>) {
        match self.open.last_mut() {
            Some((_, items)) => items.push(form),
            None => self.done = Some(form),
        }
    }

    fn end(mut self) -> Option<Form<'a>> {
        self.too_deep = 0;
        while !self.open.is_empty() {
            self.close();
        }
        self.done
    }
}

/// The string up to its closing quote, and what follows it.
fn string(rest: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, &rest[at + 1..]),
            '\\' => text.extend(chars.next().map(|(_, escaped)| unescaped(escaped))),
            _ => text.push(c),
        }
    }
    (text, "")
}

fn unescaped(escaped: char) -> char {
    match escaped {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        other => other,
    }
}
