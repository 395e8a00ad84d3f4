//! Forms as a tree, as Clojure on the JVM would read them: without metadata, without what is
//! discarded, and with one branch of each reader conditional.

use crate::token::{Bracket, Kind, Lexer, Mark, Token};

/// Deeper forms are not read.
const MAX_DEPTH: usize = 64;

/// One form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node<'a> {
    /// A symbol, keyword or number.
    Word(&'a str),
    /// `(…)`
    List(Vec<Node<'a>>),
    /// `[…]`
    Vector(Vec<Node<'a>>),
    /// A string, a map, and whatever else.
    Other,
}

impl<'a> Node<'a> {
    pub(crate) fn word(&self) -> Option<&'a str> {
        match self {
            Node::Word(word) => Some(word),
            _ => None,
        }
    }

    /// What stands in a list or a vector.
    pub(crate) fn items(&self) -> &[Node<'a>] {
        match self {
            Node::List(items) | Node::Vector(items) => items,
            Node::Word(_) | Node::Other => &[],
        }
    }
}

/// The forms of a text; `None` when they are nested too deeply.
pub(crate) fn read(text: &str) -> Option<Vec<Node<'_>>> {
    Reader { text, tokens: Lexer::new(text) }.until_closed(0)
}

struct Reader<'a> {
    text: &'a str,
    tokens: Lexer<'a>,
}

impl<'a> Reader<'a> {
    /// All forms up to a closing bracket, which is taken, or the end.
    fn until_closed(&mut self, depth: usize) -> Option<Vec<Node<'a>>> {
        let mut items = Vec::new();
        while let Some(token) = self.tokens.next() {
            match token.kind {
                Kind::Close { .. } => break,
                Kind::Comment => {}
                Kind::Mark(mark) => self.mark(mark, &token, depth, &mut items)?,
                _ => items.push(self.form(&token, depth)?),
            }
        }
        Some(items)
    }

    fn form(&mut self, token: &Token, depth: usize) -> Option<Node<'a>> {
        Some(match token.kind {
            Kind::Open { .. } if depth == MAX_DEPTH => return None,
            Kind::Open { bracket, .. } => {
                let items = self.until_closed(depth + 1)?;
                match bracket {
                    Bracket::List => Node::List(items),
                    Bracket::Vector => Node::Vector(items),
                    Bracket::Map => Node::Other,
                }
            }
            Kind::Symbol | Kind::Keyword | Kind::Number => Node::Word(self.words(token)),
            _ => Node::Other,
        })
    }

    /// Reads a mark; of the forms behind it what counts is left to be read, or put to the items.
    fn mark(
        &mut self,
        mark: Mark,
        token: &Token,
        depth: usize,
        items: &mut Vec<Node<'a>>,
    ) -> Option<()> {
        let word = self.words(token);
        match mark {
            Mark::Meta | Mark::Tag | Mark::Discard => drop(self.one(depth + 1)?),
            Mark::Prefix if word.starts_with("#?") => {
                let chosen = self.one(depth + 1)?.as_ref().and_then(chosen);
                match chosen {
                    Some(node) if word == "#?@" => items.extend_from_slice(node.items()),
                    Some(node) => items.push(node),
                    None => {}
                }
            }
            Mark::Prefix => {}
        }
        Some(())
    }

    /// The next form, if there is one.
    fn one(&mut self, depth: usize) -> Option<Option<Node<'a>>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut found = Vec::new();
        while found.is_empty() {
            let Some(token) = self.tokens.next() else { break };
            match token.kind {
                Kind::Close { .. } => break,
                Kind::Comment => {}
                Kind::Mark(mark) => self.mark(mark, &token, depth, &mut found)?,
                _ => found.push(self.form(&token, depth)?),
            }
        }
        Some(found.into_iter().next())
    }

    fn words(&self, token: &Token) -> &'a str {
        self.text.get(token.range.clone()).unwrap_or_default()
    }
}

/// The branch of a reader conditional that Clojure on the JVM reads.
fn chosen<'a>(branches: &Node<'a>) -> Option<Node<'a>> {
    let mut pairs = branches.items().chunks_exact(2);
    let wanted = |pair: &&[Node<'_>]| matches!(pair[0].word(), Some(":clj" | ":default"));
    pairs.find(wanted).map(|pair| pair[1].clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(text: &str) -> Vec<&str> {
        let nodes = read(text).unwrap();
        nodes.iter().map(|node| node.word().unwrap_or("…")).collect()
    }

    #[test]
    fn what_does_not_count_is_left_out() {
        assert_eq!(read_words("^:a ^{:b c} x #_ y #_ #_ (z) ^:d w 'v"), ["x", "v"]);
        assert_eq!(read_words("#inst \"2020\" 1 ; x"), ["…", "1"]);
    }

    #[test]
    fn one_branch_of_a_conditional_is_read() {
        assert_eq!(read_words("#?(:cljs a :clj b) c"), ["b", "c"]);
        assert_eq!(read_words("#?(:cljs a :default b)"), ["b"]);
        assert_eq!(read_words("#?@(:clj [a b]) c #?(:cljs d)"), ["a", "b", "c"]);
    }

    #[test]
    fn brackets_nest() {
        let read = read("(a [b] {c d})").unwrap();
        let inner = Node::Vector(vec![Node::Word("b")]);
        assert_eq!(read, [Node::List(vec![Node::Word("a"), inner, Node::Other])]);
    }

    #[test]
    fn what_is_too_deep_is_not_read() {
        for deep in ["(", "#_", "^", "#?("] {
            assert!(read(&deep.repeat(1 << 16)).is_none(), "{deep}");
        }
    }
}
