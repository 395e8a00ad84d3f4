//! The heads that a query of datalog gives its tuples: what stands behind `:find`.

use prepl_fold::Value;

/// The heads, one for each element; none where the query has no `:find`.
pub fn heads(query: &Value) -> Vec<String> {
    let elements = match query {
        Value::Vector(items) => found(items),
        Value::Map(pairs) => pairs.iter().find_map(|(key, value)| match value {
            Value::Vector(items) if is_find(key) => Some(items.as_slice()),
            _ => None,
        }),
        _ => None,
    };
    elements.unwrap_or_default().iter().map(Value::to_string).collect()
}

/// The items between `:find` and the next keyword.
fn found(items: &[Value]) -> Option<&[Value]> {
    let rest = &items[items.iter().position(is_find)? + 1..];
    let end = rest.iter().position(|item| matches!(item, Value::Keyword(_)));
    Some(&rest[..end.unwrap_or(rest.len())])
}

fn is_find(key: &Value) -> bool {
    *key == Value::Keyword(":find".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> Vec<String> {
        heads(&prepl_fold::read(query, 1000).unwrap())
    }

    #[test]
    fn what_is_found_names_the_columns() {
        assert_eq!(of("[:find ?e (count ?n) :in $ :where [?e :a ?n]]"), ["?e", "(count ?n)"]);
        assert_eq!(of("{:find [?e ?n] :where [[?e :a ?n]]}"), ["?e", "?n"]);
        assert_eq!(of("[:find ?e]"), ["?e"]);
    }

    #[test]
    fn without_it_nothing_is_named() {
        let none = ["[:where [?e]]", "(from :a [b])", "{:find ?e}", "[]", "7"];
        assert!(none.iter().all(|query| of(query).is_empty()));
    }
}
