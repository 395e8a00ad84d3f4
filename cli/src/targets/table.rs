//! The replicas of a selection as aligned columns.

use prepl_core::read_only::Keeper;
use prepl_core::{Description, Replica, Selection};
use prepl_gateway::gateway::Described;

use super::loaded;
use crate::render::columns::{Columns, Row};
use crate::render::crowd;
use crate::render::page::Ink;

/// These fit in 80 columns for names and zones of usual length; `wide` has the rest.
const HEADS: [&str; 5] = ["NAME", "ZONE", "VERSION", "RUNTIME", "STATE"];
const WIDE_HEADS: [&str; 9] =
    ["WORKLOAD", "NODE", "DRIVER", "READ-ONLY", "LOADED", "SIDECAR", "ADDRESS", "UID", "LABELS"];

/// A row a replica; `wide` has every column and the reasons.
pub fn table(selection: &Selection, told: &[Described], wide: bool) -> Columns {
    let namespaces = wide || crowd::has_namespaces(selection);
    let heads = HEADS.into_iter().chain(WIDE_HEADS.into_iter().filter(|_| wide));
    let heads = ["NAMESPACE"].into_iter().filter(|_| namespaces).chain(heads);
    let mut table = Columns::new(heads.map(str::to_owned).collect());
    for (replica, told) in selection.replicas().iter().zip(told) {
        let namespace = namespaces.then(|| replica.id.namespace.to_string());
        let more = if wide { wide_cells(replica, told) } else { Vec::new() };
        let cells = namespace.into_iter().chain(cells(replica, told, wide)).chain(more);
        let cells = cells.map(|cell| if cell.is_empty() { "-".into() } else { cell });
        let ink = if told.is_ok() { Ink::Plain } else { Ink::Bad };
        table.push(Row { ink, cells: cells.collect() });
    }
    table
}

fn cells(replica: &Replica, told: &Described, wide: bool) -> [String; 5] {
    [
        replica.id.name.to_string(),
        replica.zone.to_string(),
        replica.version.to_string(),
        told.as_ref().map(runtime).unwrap_or_default(),
        if wide { state_and_reason(told) } else { state(told).to_owned() },
    ]
}

fn wide_cells(replica: &Replica, told: &Described) -> Vec<String> {
    let (driver, sidecar) =
        told.as_ref().map_or(("", ""), |one| (&*one.driver, &*one.sidecar_version));
    let labels = replica.labels.iter().map(|(key, value)| format!("{key}={value}"));
    vec![
        replica.workload.to_string(),
        replica.node.to_string(),
        driver.to_owned(),
        told.as_ref().map(|one| read_only(one.read_only.as_ref())).unwrap_or_default(),
        told.as_ref().map(|one| loaded::summary(&one.loaded)).unwrap_or_default(),
        sidecar.to_owned(),
        replica.address.to_string(),
        replica.id.uid.to_string(),
        labels.collect::<Vec<_>>().join(","),
    ]
}

fn runtime(description: &Description) -> String {
    let words = [&*description.language, &*description.runtime_version];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn read_only(by: Option<&Keeper>) -> String {
    match by {
        None => "no".to_owned(),
        Some(Keeper::Engine) => "engine".to_owned(),
        Some(Keeper::Function(name)) => format!("by {name}"),
    }
}

fn state(told: &Described) -> &'static str {
    told.as_ref().map_or_else(|outcome| outcome.class().as_str(), |_| "ready")
}

fn state_and_reason(told: &Described) -> String {
    let reason = told.as_ref().err().and_then(|outcome| outcome.reason());
    reason.map_or_else(|| state(told).to_owned(), |why| format!("{}: {why}", state(told)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::{Digest, InterruptStrength, LoadedFile, Outcome, Reason};
    use std::time::SystemTime;

    use crate::render::example;

    fn shown(wide: bool, edit: impl FnOnce(&mut Vec<Replica>)) -> String {
        let mut fleet = example::api_fleet(2);
        fleet[0].id.name = "checkout-api-6f7c9d8b7c-x2k9p".into();
        fleet[0].zone = "eu-west-1a".into();
        edit(&mut fleet);
        let ready = Description {
            language: "clojure".into(),
            runtime_version: "1.12.1".into(),
            driver: "nrepl".into(),
            sidecar_version: "0.1.0".into(),
            interrupt: InterruptStrength::Cooperative,
            read_only: "shop.db/read-only".parse().ok().map(Keeper::Function),
            loaded: vec![LoadedFile {
                file: "shop/core.clj".parse().unwrap(),
                digest: Digest::of("(ns shop.core)"),
                at: SystemTime::UNIX_EPOCH,
            }],
        };
        let down = Outcome::Unreachable(Reason::new("connection refused by 10.0.0.1:7070"));
        table(&Selection::of(fleet), &[Ok(ready), Err(down)], wide).render(false)
    }

    #[test]
    fn the_table_fits_in_80_columns() {
        let text = shown(false, |_| {});
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        insta::assert_snapshot!(text, @r"
        NAME                           ZONE        VERSION  RUNTIME         STATE
        checkout-api-6f7c9d8b7c-x2k9p  eu-west-1a  2.41.0   clojure 1.12.1  ready
        api-6f7c9-01                   b           2.41.0   -               unreachable
        ");
    }

    #[test]
    fn several_namespaces_are_told() {
        let text = shown(false, |fleet| fleet[1].id.namespace = "test".into());
        assert!(text.starts_with("NAMESPACE  NAME "), "{text}");
        assert!(text.contains("\ntest       api-6f7c9-01 "), "{text}");
    }

    #[test]
    fn wide_has_the_rest_and_the_reasons() {
        let wide = shown(true, |_| {});
        for word in [
            "by shop.db/read-only ",
            " 1 file ",
            "NAMESPACE",
            "app=api,tier=web",
            "unreachable: connection refused",
            "n-1",
        ] {
            assert!(wide.contains(word), "{wide}");
        }
    }
}
