//! The shape of a value: its keys and the types of its parts, without their content.

use crate::Value;

/// The shape, itself a value: words for types in the place of content.
///
/// Items of one shape collapse into one, however many they are.
pub fn shape(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::List(shapes(items)),
        Value::Vector(items) => Value::Vector(shapes(items)),
        Value::Set(members) => {
            let mut shapes: Vec<Value> = members.iter().map(shape).collect();
            shapes.sort();
            shapes.dedup();
            Value::Set(shapes)
        }
        Value::Map(pairs) => {
            Value::map(pairs.iter().map(|(key, value)| (key.clone(), shape(value))).collect())
        }
        Value::Tagged(tag, value) => Value::Tagged(tag.clone(), Box::new(shape(value))),
        leaf => Value::Symbol(type_of(leaf).to_owned()),
    }
}

fn shapes(items: &[Value]) -> Vec<Value> {
    let mut shapes: Vec<Value> = items.iter().map(shape).collect();
    if shapes.windows(2).all(|pair| pair[0] == pair[1]) {
        shapes.truncate(1);
    }
    shapes
}

fn type_of(leaf: &Value) -> &'static str {
    match leaf {
        Value::Nil => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Number(_) => "number",
        Value::Char(_) => "char",
        Value::Str(_) => "string",
        Value::Keyword(_) => "keyword",
        Value::Symbol(_) => "symbol",
        Value::List(_) | Value::Vector(_) => "list",
        Value::Map(_) => "map",
        Value::Set(_) => "set",
        Value::Tagged(..) => "tagged",
        Value::Opaque(_) => "opaque",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape_of(text: &str) -> String {
        shape(&crate::read(text, 1000).unwrap()).to_string()
    }

    #[test]
    fn content_is_replaced_by_types_and_keys_stay() {
        assert_eq!(shape_of("{:b \"x\" :a [1 2.5 nil]}"), "{:a [int number nil], :b string}");
    }

    #[test]
    fn items_of_one_shape_collapse() {
        assert_eq!(shape_of("[{:id 1} {:id 2}]"), "[{:id int}]");
        assert_eq!(shape_of("#{1 2 :a}"), "#{int keyword}");
    }
}
