//! The order in which keys stand in a printed text, which the values that are read of it forget.

use std::collections::HashMap;

use prepl_reader::{Kind, tokens};

/// As far as keys are looked for; those that come first behind it are sorted.
const MAX_BYTES: usize = 64 << 10;

/// Keys by their first appearance; a guess where a key stands as a value before.
#[derive(Clone, Debug, Default)]
pub struct Order(HashMap<String, usize>);

impl Order {
    /// Looks at the keywords and the strings of a text.
    pub fn of(text: &str) -> Order {
        let start = &text[..text.floor_char_boundary(MAX_BYTES)];
        let mut order = Order::default();
        for token in tokens(start) {
            let word = &start[token.range];
            let name = match token.kind {
                Kind::Keyword => word.trim_start_matches(':'),
                Kind::Text { ended: true } => word.trim_matches('"'),
                _ => continue,
            };
            let next = order.0.len();
            order.0.entry(name.to_owned()).or_insert(next);
        }
        order
    }

    /// The place of a head among the others; `#:orders{:id 1}` prints `orders/id` as `:id`.
    pub fn place(&self, head: &str) -> usize {
        let bare = || head.rsplit_once('/').and_then(|(_, bare)| self.0.get(bare));
        self.0.get(head).or_else(bare).copied().unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(text: &str, heads: &[&'static str]) -> Vec<&'static str> {
        let order = Order::of(text);
        let mut heads = heads.to_vec();
        heads.sort_by_key(|head| order.place(head));
        heads
    }

    #[test]
    fn keys_come_as_they_are_printed() {
        assert_eq!(
            sorted("({:total 1, :id 2 :at 3})", &["at", "id", "total"]),
            ["total", "id", "at"]
        );
        assert_eq!(sorted(r#"[{"total": 1, "id": 2}]"#, &["id", "total"]), ["total", "id"]);
        let namespaced = "[#:orders{:total 1, :id 2}]";
        assert_eq!(
            sorted(namespaced, &["orders/id", "orders/total"]),
            ["orders/total", "orders/id"]
        );
        assert_eq!(sorted("{:b 1 2 3}", &["2", "b"]), ["b", "2"]);
    }

    #[test]
    fn a_long_text_is_looked_at_in_part() {
        let text = format!("{{:b \"{}\" :a 1}}", "ä".repeat(MAX_BYTES));
        assert_eq!(Order::of(&text).0.len(), 1);
    }
}
