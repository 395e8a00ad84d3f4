//! Objects with versions, and what became of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::place::Place;

/// All objects.
pub(super) struct Store {
    held: Mutex<Held>,
    version: watch::Sender<u64>,
}

#[derive(Default)]
struct Held {
    version: u64,
    objects: BTreeMap<Place, Value>,
    /// Version, place, and the line of a watch.
    changes: Vec<(u64, Place, String)>,
}

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    NotFound,
    Exists,
    /// Somebody else changed it.
    Conflict,
}

impl Default for Store {
    fn default() -> Store {
        Store { held: Mutex::default(), version: watch::Sender::new(0) }
    }
}

impl Store {
    /// The version of all; it grows with each change.
    pub(super) fn version(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// The objects of a resource, and the version at which they are so.
    pub(super) fn list(&self, place: &Place) -> (u64, Vec<Value>) {
        let held = self.held();
        let own = held.objects.iter().filter(|(at, _)| place.covers(at));
        (held.version, own.map(|(_, object)| object.clone()).collect())
    }

    /// Lines for who knows the state of a version.
    pub(super) fn changes(&self, place: &Place, after: u64) -> Vec<String> {
        let held = self.held();
        let new =
            held.changes.iter().filter(|(version, at, _)| *version > after && place.covers(at));
        new.map(|(_, _, line)| line.clone()).collect()
    }

    pub(super) fn get(&self, place: &Place) -> Result<Value, Refused> {
        self.held().objects.get(place).cloned().ok_or(Refused::NotFound)
    }

    pub(super) fn create(&self, place: &Place, mut object: Value) -> Result<Value, Refused> {
        let mut held = self.held();
        if let Some(prefix) = object["metadata"]["generateName"].as_str() {
            object["metadata"]["name"] = json!(format!("{prefix}{}", held.version));
        }
        let place = place.named(&object);
        if held.objects.contains_key(&place) {
            return Err(Refused::Exists);
        }
        Ok(self.write(&mut held, &place, object))
    }

    /// Creates or replaces, whatever the version.
    pub(super) fn put(&self, place: &Place, object: Value) {
        self.write(&mut self.held(), place, object);
    }

    pub(super) fn replace(&self, place: &Place, object: Value) -> Result<Value, Refused> {
        let mut held = self.held();
        let there = held.objects.get(place).ok_or(Refused::NotFound)?;
        is_current(there, &object)?;
        Ok(self.write(&mut held, place, object))
    }

    /// Merges a patch; one that is applied makes the object when it is not there.
    pub(super) fn patch(
        &self,
        place: &Place,
        patch: Value,
        applies: bool,
    ) -> Result<Value, Refused> {
        let mut held = self.held();
        let there = held.objects.get(place).cloned();
        let mut object = there.or(applies.then(|| json!({}))).ok_or(Refused::NotFound)?;
        is_current(&object, &patch)?;
        merge(&mut object, patch);
        Ok(self.write(&mut held, place, object))
    }

    pub(super) fn delete(&self, place: &Place) -> Result<Value, Refused> {
        let mut held = self.held();
        let gone = held.objects.remove(place).ok_or(Refused::NotFound)?;
        self.tell(&mut held, place, "DELETED", gone.clone());
        Ok(gone)
    }

    fn write(&self, held: &mut Held, place: &Place, mut object: Value) -> Value {
        let old = held.objects.get(place);
        let uid = old.map_or_else(
            || json!(format!("object-{}", held.version)),
            |old| old["metadata"]["uid"].clone(),
        );
        let change = if old.is_some() { "MODIFIED" } else { "ADDED" };
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = json!((held.version + 1).to_string());
        metadata["name"] = json!(place.name);
        if place.namespace.is_some() {
            metadata["namespace"] = json!(place.namespace);
        }
        if metadata["uid"].is_null() {
            metadata["uid"] = uid;
        }
        held.objects.insert(place.clone(), object.clone());
        self.tell(held, place, change, object.clone());
        object
    }

    fn tell(&self, held: &mut Held, place: &Place, change: &str, object: Value) {
        held.version += 1;
        let line = format!("{}\n", json!({ "type": change, "object": object }));
        held.changes.push((held.version, place.clone(), line));
        self.version.send_replace(held.version);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("a lock")
    }
}

/// Who names a version means that one.
fn is_current(there: &Value, sent: &Value) -> Result<(), Refused> {
    let meant = sent["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    match meant.is_empty() || Some(meant) == there["metadata"]["resourceVersion"].as_str() {
        true => Ok(()),
        false => Err(Refused::Conflict),
    }
}

/// RFC 7396.
fn merge(into: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *into = patch;
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in patch {
        match value {
            Value::Null => drop(into.as_object_mut().map(|object| object.remove(&key))),
            value => merge(&mut into[key], value),
        }
    }
}
