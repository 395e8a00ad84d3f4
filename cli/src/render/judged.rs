//! What policies say, rule by rule; and a plan that nothing was done of.

use std::num::NonZeroUsize;

use prepl_core::{ExitCode, Limits, Selection};
use prepl_gateway::{Judged, Ruling};
use serde_json::{Value as Json, json};

use super::columns::{Columns, Row};
use super::page::{Ink, Page};
use super::{Format, record};
use crate::quantity::{show_bytes, show_duration};

/// Names of replicas that are written out.
const NAMES: usize = 20;

/// A run that was only judged.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Who would be asked.
    pub selection: &'a Selection,
    /// How many of them are gone already.
    pub gone: usize,
    /// How many at the same time.
    pub width: NonZeroUsize,
    /// Within which limits, as they were asked for.
    pub asked: Limits,
    /// What the policies say.
    pub judged: &'a Judged,
}

impl Plan<'_> {
    /// What the run would end with before it began.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.judged.denied() {
            Some(_) => ExitCode::Denied,
            None => ExitCode::Ok,
        }
    }

    /// The plan in one of the forms.
    #[must_use]
    pub fn render(&self, format: Format, colour: bool) -> String {
        super::document(format, "plan", self.json()).unwrap_or_else(|| self.text(colour))
    }

    fn text(&self, colour: bool) -> String {
        let mut page = Page::new(colour);
        let mut line = |what: &str, text: &str| {
            page.cell(Ink::Strong, what, 10).put(Ink::Plain, text);
            page.end();
        };
        line("replicas", &self.names());
        if self.gone > 0 {
            line("gone", &format!("{} of them", self.gone));
        }
        line("width", &self.width.to_string());
        let (asked, given) = (&self.asked, &self.judged.limits);
        let time = |limits: &Limits| show_duration(limits.time());
        line("time", &lowered(&time(asked), &time(given)));
        let bytes = |of: fn(&Limits) -> u32| {
            let shown = |limits| show_bytes(of(limits).into());
            lowered(&shown(asked), &shown(given))
        };
        line("value", &bytes(Limits::value_bytes));
        line("output", &bytes(Limits::output_bytes));
        let verdict = match self.judged.denied() {
            None => "allowed; nothing was sent to any replica".to_owned(),
            Some(against) => format!("{against}; nothing was sent to any replica"),
        };
        line("verdict", &verdict);
        page.finish() + rules(self.judged, colour).as_str()
    }

    fn names(&self) -> String {
        let replicas = self.selection.replicas();
        let names = replicas.iter().take(NAMES).map(|replica| replica.id.to_string());
        let names = names.collect::<Vec<_>>().join(" ");
        match replicas.len().saturating_sub(NAMES) {
            0 => format!("{}: {names}", replicas.len()),
            more => format!("{}: {names} and {more} more", replicas.len()),
        }
    }

    fn json(&self) -> Json {
        let replicas = self.selection.indexed();
        let replicas: Vec<_> =
            replicas.map(|(index, _)| record::who(self.selection, index)).collect();
        json!({
            "replicas": replicas,
            "gone": self.gone,
            "width": self.width.get(),
            "asked": limits(&self.asked),
            "limits": limits(&self.judged.limits),
            "rules": record_rules(self.judged),
            "allowed": self.judged.denied().is_none(),
            "exit_code": self.exit_code().number(),
        })
    }
}

/// A line a rule; nothing where no policy is about it.
#[must_use]
pub fn rules(judged: &Judged, colour: bool) -> String {
    if judged.rules.is_empty() {
        return String::new();
    }
    let heads = ["POLICY", "RULE", "VERDICT", "WHY"].map(str::to_owned);
    let mut table = Columns::new(heads.into());
    for rule in &judged.rules {
        let mut cells = vec![rule.policy.to_string(), rule.rule.to_string()];
        let (word, ink) = word(&rule.ruling);
        cells.push(word.to_owned());
        if rule.ruling != Ruling::Pass {
            cells.push(rule.ruling.to_string());
        }
        table.push(Row { ink, cells });
    }
    format!("\n{}", table.render(colour))
}

fn word(ruling: &Ruling) -> (&'static str, Ink) {
    match ruling {
        Ruling::Pass => ("pass", Ink::Plain),
        Ruling::Lowered(..) => ("lowered", Ink::Warn),
        Ruling::Fail(_) => ("denied", Ink::Bad),
        Ruling::Owed(_) => ("owed", Ink::Bad),
        Ruling::Open => ("open", Ink::Faint),
    }
}

fn lowered(asked: &str, given: &str) -> String {
    if asked == given { given.to_owned() } else { format!("{given}, lowered from {asked}") }
}

fn limits(limits: &Limits) -> Json {
    json!({
        "time_ms": u64::try_from(limits.time().as_millis()).unwrap_or(u64::MAX),
        "value_bytes": limits.value_bytes(),
        "output_bytes": limits.output_bytes(),
    })
}

fn record_rules(judged: &Judged) -> Vec<Json> {
    let rule = |rule: &prepl_gateway::Rule| {
        json!({
            "policy": &*rule.policy,
            "rule": &*rule.rule,
            "verdict": word(&rule.ruling).0,
            "why": rule.ruling.to_string(),
        })
    };
    judged.rules.iter().map(rule).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::render::example;
    use prepl_core::Reason;
    use prepl_gateway::{Amount, Owed, Rule};

    fn judged(rulings: Vec<Ruling>) -> Judged {
        let rule = |ruling| Rule { policy: "policies/p.toml".into(), rule: "time".into(), ruling };
        let limits = Limits::new(Duration::from_secs(5), 1024, 1024).unwrap();
        Judged { rules: rulings.into_iter().map(rule).collect(), limits }
    }

    fn plan<'a>(selection: &'a Selection, judged: &'a Judged) -> Plan<'a> {
        let asked = Limits::new(Duration::from_secs(30), 1024, 1024).unwrap();
        Plan { selection, gone: 1, width: NonZeroUsize::MIN, asked, judged }
    }

    #[test]
    fn a_plan_tells_who_how_much_and_what_is_against_it() {
        let (selection, seconds) = (Selection::of(example::api_fleet(22)), |number| {
            Amount::Time(Duration::from_secs(number))
        });
        let judged = judged(vec![
            Ruling::Pass,
            Ruling::Lowered(seconds(30), seconds(5)),
            Ruling::Fail(Reason::new("no; do \x1b[2J this")),
            Ruling::Owed(Owed { missing: 1, uncounted: Vec::new() }),
            Ruling::Open,
        ]);
        let text = plan(&selection, &judged).render(Format::Fold, false);
        for line in [
            "replicas  22: ",
            " and 2 more\n",
            "\ngone      1 of them\n",
            "\nwidth     1\n",
            "\ntime      5.0 s, lowered from 30.0 s\n",
            "\nvalue     1.0 KiB\n",
            "\nverdict   denied by policies/p.toml, time: no; do  [2J this (and by one more rule); ",
            "\npolicies/p.toml  time  pass\n",
            "\npolicies/p.toml  time  lowered  lowered from 30s to 5s\n",
            "\npolicies/p.toml  time  owed     1 approval of another person is missing\n",
            "\npolicies/p.toml  time  open     it depends on the expression\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in:\n{text}");
        }
        assert!(!text.contains('\x1b'));
        assert_eq!(plan(&selection, &judged).exit_code(), ExitCode::Denied);
    }

    #[test]
    fn a_plan_is_data_too() {
        let (selection, judged) =
            (Selection::of(example::api_fleet(2)), judged(vec![Ruling::Open]));
        let text = plan(&selection, &judged).render(Format::Json, false);
        let data: Json = serde_json::from_str(&text).unwrap();
        assert_eq!((&data["allowed"], &data["exit_code"]), (&json!(true), &json!(0)));
        assert_eq!(data["limits"]["time_ms"], 5000);
        assert_eq!(data["rules"][0]["verdict"], "open");
        assert_eq!(data["replicas"].as_array().unwrap().len(), 2);
    }
}
