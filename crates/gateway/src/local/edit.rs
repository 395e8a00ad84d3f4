//! Changing a fleet file without touching what people wrote in it.

use prepl_identity::TrustDomain;
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, value};

use super::file::{NewReplica, address, workload};

/// The text of a new, empty fleet file.
pub fn empty(name: &TrustDomain) -> String {
    format!(
        "# The replicas of one prepl fleet. `prepl fleet add` and `prepl fleet remove` edit this\n\
         # file; so may you.\n\
         version = 1\n\
         name = \"{name}\"\n"
    )
}

/// A change that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotEdit {
    /// The file is no TOML document.
    #[error("the file is broken: {0}")]
    Broken(String),
    /// The new replica has a bad field.
    #[error("{0}")]
    Bad(String),
    /// No such replica.
    #[error("there is no replica {0:?}; `prepl fleet list` shows them all")]
    Unknown(String),
}

/// The text with a replica more.
pub fn add(text: &str, replica: &NewReplica, uid: &str) -> Result<String, CannotEdit> {
    let mut document = document(text)?;
    let table = table(replica, uid)?;
    let replicas = document
        .entry("replica")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .ok_or_else(|| CannotEdit::Broken("`replica` is no list of [[replica]] tables".into()))?;
    replicas.push(table);
    Ok(document.to_string())
}

/// The text without a replica; `name` may be `NAME` or `NAMESPACE/NAME`.
pub fn remove(text: &str, name: &str) -> Result<String, CannotEdit> {
    let mut document = document(text)?;
    let unknown = || CannotEdit::Unknown(name.to_owned());
    let replicas =
        document.get_mut("replica").and_then(Item::as_array_of_tables_mut).ok_or_else(unknown)?;
    let place = replicas.iter().position(|table| is_named(table, name)).ok_or_else(unknown)?;
    replicas.remove(place);
    Ok(document.to_string())
}

fn document(text: &str) -> Result<DocumentMut, CannotEdit> {
    text.parse().map_err(|error: toml_edit::TomlError| CannotEdit::Broken(error.message().into()))
}

fn table(replica: &NewReplica, uid: &str) -> Result<Table, CannotEdit> {
    address(&replica.address).map_err(CannotEdit::Bad)?;
    let mut table = Table::new();
    table["name"] = value(&replica.name);
    table["uid"] = value(uid);
    table["namespace"] = value(&replica.namespace);
    if !replica.workload.is_empty() {
        table["workload"] =
            value(workload(&replica.workload).map_err(CannotEdit::Bad)?.to_string());
    }
    if !replica.labels.is_empty() {
        table["labels"] = value(replica.labels.iter().collect::<InlineTable>());
    }
    let fields = [("node", &replica.node), ("zone", &replica.zone), ("version", &replica.version)];
    for (key, text) in fields.into_iter().filter(|(_, text)| !text.is_empty()) {
        table[key] = value(text);
    }
    table["address"] = value(&replica.address);
    Ok(table)
}

fn is_named(table: &Table, name: &str) -> bool {
    let field = |key| table.get(key).and_then(Item::as_str);
    let own = field("name").unwrap_or_default();
    let namespace = field("namespace").unwrap_or("default");
    name == own || name.split_once('/') == Some((namespace, own))
}
