//! Where an object is, in a path and by what it says itself.

use serde_json::Value;

/// One object, or without a name all of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// `pods`.
    pub(super) resource: String,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
}

impl Place {
    /// All objects of a resource, in all namespaces.
    pub(super) fn all(resource: &str) -> Place {
        Place { resource: resource.to_owned(), namespace: None, name: None }
    }

    /// Reads the path of a request; what stands after a name (`/status`) is the same object.
    pub(super) fn parse(path: &str) -> Option<Place> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let rest = match segments.as_slice() {
            ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let (resource, rest) = rest.split_first()?;
        let owned = |text: &&str| (*text).to_owned();
        Some(Place {
            resource: owned(resource),
            namespace: namespace.as_ref().map(owned),
            name: rest.first().map(owned),
        })
    }

    /// Where an object belongs.
    pub(super) fn of(object: &Value) -> Option<Place> {
        let kind = object["kind"].as_str()?.to_lowercase();
        let resource = match kind.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None => format!("{kind}s"),
        };
        Some(Place { resource, ..Place::default_of(object) }).filter(|place| place.name.is_some())
    }

    /// The place of a new object of this resource.
    pub(super) fn named(&self, object: &Value) -> Place {
        Place { name: Place::default_of(object).name, ..self.clone() }
    }

    fn default_of(object: &Value) -> Place {
        let text = |key: &str| object["metadata"][key].as_str().map(str::to_owned);
        Place { resource: String::new(), namespace: text("namespace"), name: text("name") }
    }

    /// Whether an object at `other` is of this resource and namespace.
    pub(super) fn covers(&self, other: &Place) -> bool {
        self.resource == other.resource
            && (self.namespace.is_none() || self.namespace == other.namespace)
    }
}
