//! The order of files: each after those whose namespaces it requires.

use std::collections::BTreeMap;

use super::file::File;
use crate::problem::Problem;

/// Puts files in the order in which they can be loaded: by what they require, else by their names.
///
/// Files without a namespace come last: what they use is not told by a form.
pub fn ordered(files: Vec<File>) -> Result<Vec<File>, Problem> {
    let (mut spaces, mut others) = (BTreeMap::new(), Vec::new());
    for file in files {
        let Some(ns) = &file.ns else {
            others.push(file);
            continue;
        };
        let name = ns.name.clone();
        if let Some(other) = spaces.get(&name) {
            return Err(twice(&name, other, &file));
        }
        spaces.insert(name, file);
    }
    others.sort_by(|one, other| one.name.cmp(&other.name));
    let order = sorted(&spaces)?;
    let files = order.iter().filter_map(|name| spaces.remove(name));
    Ok(files.collect::<Vec<_>>().into_iter().chain(others).collect())
}

/// How far a namespace is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// What it requires is being looked at.
    Begun,
    /// It has its place.
    Placed,
}

/// The names of namespaces, each after those it requires.
fn sorted(spaces: &BTreeMap<String, File>) -> Result<Vec<String>, Problem> {
    let mut stands: BTreeMap<&str, Stand> = BTreeMap::new();
    let mut order = Vec::with_capacity(spaces.len());
    for first in spaces.keys() {
        // Namespaces that wait for what they require, the first one outermost; and which of their
        // requirements is next.
        let mut path = vec![(first.as_str(), 0)];
        while let Some((name, next)) = path.pop() {
            if stands.get(name) == Some(&Stand::Placed) {
                continue;
            }
            stands.insert(name, Stand::Begun);
            let Some(required) = required(spaces, name).nth(next) else {
                stands.insert(name, Stand::Placed);
                order.push(name.to_owned());
                continue;
            };
            path.push((name, next + 1));
            match stands.get(required) {
                Some(Stand::Begun) => return Err(circle(&path, required)),
                Some(Stand::Placed) => {}
                None => path.push((required, 0)),
            }
        }
    }
    Ok(order)
}

/// What a namespace requires of what is to be loaded.
fn required<'a>(
    spaces: &'a BTreeMap<String, File>,
    name: &str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let required = spaces.get(name).and_then(|file| file.ns.as_ref());
    let required = required.map(|ns| &ns.requires[..]).unwrap_or_default();
    required.iter().filter_map(|one| Some(spaces.get_key_value(one)?.0.as_str()))
}

fn circle(path: &[(&str, usize)], again: &str) -> Problem {
    let circle = path.iter().map(|(name, _)| *name).skip_while(|name| *name != again);
    let names: Vec<_> = circle.chain([again]).collect();
    Problem::usage(format!("namespaces require each other: {}", names.join(" → ")))
        .hint("one of them has to be loaded first; take a requirement out")
}

fn twice(name: &str, one: &File, other: &File) -> Problem {
    let (one, other) = (one.path.display(), other.path.display());
    Problem::usage(format!("both {one} and {other} declare namespace {name}"))
        .hint("name the folder that has the right one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::Expression;
    use prepl_reader::NsForm;
    use proptest::prelude::*;

    fn space(name: &str, requires: &[&str]) -> File {
        let requires = requires.iter().map(|one| (*one).to_owned()).collect();
        File { ns: Some(NsForm { name: name.to_owned(), requires }), ..script(name) }
    }

    fn script(name: &str) -> File {
        File {
            path: format!("{name}.clj").into(),
            name: format!("{name}.clj").parse().unwrap(),
            text: Expression::new("1").unwrap(),
            ns: None,
        }
    }

    fn names(files: Vec<File>) -> Result<Vec<String>, String> {
        let files = ordered(files).map_err(|problem| problem.message)?;
        Ok(files.iter().map(|file| file.path.display().to_string()).collect())
    }

    #[test]
    fn what_is_required_comes_first_and_scripts_last() {
        let files = vec![
            script("a"),
            space("web", &["db", "clojure.set", "util"]),
            space("util", &[]),
            space("db", &["util"]),
            space("alone", &[]),
        ];
        let order = ["alone.clj", "util.clj", "db.clj", "web.clj", "a.clj"];
        assert_eq!(names(files).unwrap(), order);
    }

    #[test]
    fn a_circle_is_shown_and_nothing_else() {
        let files = vec![space("a", &["b"]), space("b", &["x", "c"]), space("c", &["d", "b"])];
        let told = "namespaces require each other: b → c → b";
        assert_eq!(names(files), Err(told.to_owned()));
        let told = "namespaces require each other: a → a";
        assert_eq!(names(vec![space("a", &["a"])]), Err(told.to_owned()));
    }

    #[test]
    fn a_namespace_of_two_files_is_refused() {
        let told = names(vec![space("a", &[]), space("a", &[])]).unwrap_err();
        assert_eq!(told, "both a.clj and a.clj declare namespace a");
    }

    proptest! {
        /// Namespaces that require only such as have a lower number can always be loaded.
        #[test]
        fn each_comes_after_what_it_requires(
            edges in prop::collection::vec((0_usize..40, 0_usize..40), 0..120),
            shuffled in Just((0_usize..40).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let name = |number: usize| format!("n{number}");
            let files = shuffled.iter().map(|number| {
                let of_it = edges.iter().filter(|(from, to)| from == number && to < from);
                let requires: Vec<_> = of_it.map(|(_, to)| name(*to)).collect();
                let requires: Vec<_> = requires.iter().map(String::as_str).collect();
                space(&name(*number), &requires)
            });
            let order = names(files.collect()).unwrap();
            prop_assert_eq!(order.len(), shuffled.len());
            let place = |number: usize| {
                order.iter().position(|file| *file == format!("n{number}.clj"))
            };
            for (from, to) in edges.iter().filter(|(from, to)| to < from) {
                prop_assert!(place(*to) < place(*from));
            }
        }

        /// Whatever they require: there is an order, or a circle that is one.
        #[test]
        fn there_is_an_order_or_a_circle(
            edges in prop::collection::vec((0_usize..8, 0_usize..8), 0..24),
        ) {
            let name = |number: usize| format!("n{number}");
            let requires = |number: usize| -> Vec<String> {
                edges.iter().filter(|(from, _)| *from == number).map(|(_, to)| name(*to)).collect()
            };
            let files = (0..8).map(|number| {
                let required = requires(number);
                space(&name(number), &required.iter().map(String::as_str).collect::<Vec<_>>())
            });
            match names(files.collect()) {
                Ok(order) => prop_assert_eq!(order.len(), 8),
                Err(told) => {
                    let circle = told.strip_prefix("namespaces require each other: ").unwrap();
                    let circle: Vec<_> = circle.split(" → ").collect();
                    prop_assert_eq!(circle.first(), circle.last());
                    for pair in circle.windows(2) {
                        let number = pair[0][1..].parse().unwrap();
                        prop_assert!(requires(number).contains(&pair[1].to_owned()));
                    }
                }
            }
        }
    }
}
