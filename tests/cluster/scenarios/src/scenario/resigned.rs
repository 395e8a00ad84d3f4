//! Evaluations that are sent again, elsewhere, or at another time than they were signed for.

use std::time::{Duration, SystemTime};

use prepl_core::{Class, Outcome, Reason};
use prepl_proto::v1::StartRun;

use crate::cluster::{Problem, ensure};
use crate::forger::{Forger, start};
use crate::person::Person;
use crate::shop::{self, NAMESPACE};

/// Counts in the app how often it ran.
const COUNTING: &str =
    "(do (intern 'user 'ran (inc (if-let [ran (resolve 'user/ran)] @ran 0))) :ran)";
/// How far clocks are off.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// Two people with accesses of their own, two pods, and somebody who reads the log.
struct Stage {
    own: Forger,
    other: Forger,
    pods: Vec<String>,
    owner: Person,
    auditor: Person,
}

impl Stage {
    fn open() -> Result<Stage, Problem> {
        shop::open()?;
        let owner = Person::evaluator("signer", NAMESPACE)?;
        let other = Person::evaluator("replayer", NAMESPACE)?;
        let auditor = Person::new("resigned-reader")?;
        auditor.may_audit()?;
        let uid = |pod: &serde_json::Value| pod["metadata"]["uid"].as_str().map(str::to_owned);
        let pods = shop::pods(NAMESPACE, "api")?.iter().filter_map(uid).collect();
        let (own, other) = (forger(&owner)?, forger(&other)?);
        Ok(Stage { own, other, pods, owner, auditor })
    }

    fn pod(&self, number: usize) -> Result<&str, Problem> {
        self.pods.get(number).map(String::as_str).ok_or_else(|| "too few pods".to_owned())
    }

    /// Signed now, and for this pod.
    fn signed(&self, number: usize, at: SystemTime) -> Result<StartRun, Problem> {
        let start = start(self.pod(number)?, COUNTING);
        Ok(StartRun { signed: Some(self.own.sign(&start, at)?), ..start })
    }

    /// The outcome is a refusal for one of these reasons, and the audit log says so too.
    fn refused(&self, start: StartRun, reasons: &[&str]) -> Result<(), Problem> {
        let run = start.run_id.clone();
        let outcome = self.own.send(start)?;
        let told = outcome.reason().map(Reason::as_str).unwrap_or_default();
        let reason = reasons.iter().find(|reason| told.contains(**reason));
        let reason = reason.filter(|_| outcome.class() == Class::Refused);
        let reason = reason.ok_or_else(|| format!("not {reasons:?}: {outcome:?}"))?;
        let shown = self.auditor.prepl(&["audit", "show", &run, "--since", "10m"])?;
        let recorded = shown.code == 0 && shown.out.contains(reason);
        ensure(recorded, || format!("not in the log: {}{}", shown.out, shown.err))
    }

    /// The gateway itself denies it for this reason, and the audit log says so too.
    fn denied(&self, by: &Forger, start: StartRun, reason: &str) -> Result<(), Problem> {
        let refused = by.send(start).err().unwrap_or_default();
        ensure(refused.contains(reason), || format!("not {reason:?}: {refused:?}"))?;
        let listed =
            self.auditor.prepl(&["audit", "list", "--denied", "--since", "5m", "-o", "json"])?;
        let recorded = listed.code == 0 && listed.out.contains(reason);
        ensure(recorded, || format!("not in the log: {}{}", listed.out, listed.err))
    }

    /// How often it ran, in all pods together.
    fn ran(&self) -> Result<usize, Problem> {
        let count = "(if-let [ran (resolve 'user/ran)] @ran 0)";
        let asked =
            self.owner.prepl(&["exec", "-n", NAMESPACE, "deploy/api", count, "-o", "raw"])?;
        ensure(asked.code == 0, || format!("{}{}", asked.out, asked.err))?;
        Ok(asked.out.lines().filter_map(|line| line.trim().parse::<usize>().ok()).sum())
    }
}

/// What `prepl` kept of the person's access is in his hands.
fn forger(person: &Person) -> Result<Forger, Problem> {
    let asked = person.prepl(&["exec", "-n", NAMESPACE, "deploy/api", "1"])?;
    ensure(asked.code == 0, || format!("{}{}", asked.out, asked.err))?;
    Forger::with(&person.access()?)
}

pub fn sent_again() -> Result<String, Problem> {
    let stage = Stage::open()?;
    let now = SystemTime::now();
    let before = stage.ran()?;
    let sent = stage.signed(0, now)?;
    let first = stage.own.send(sent.clone())?;
    ensure(first == Outcome::Ok, || format!("{first:?}"))?;
    let again = stage.own.send(sent.clone())?;
    ensure(again == Outcome::Ok, || format!("the first answer was not remembered: {again:?}"))?;
    stage.denied(&stage.other, sent, "it is signed by somebody else")?;
    let elsewhere = StartRun { uids: vec![stage.pod(1)?.to_owned()], ..stage.signed(0, now)? };
    stage.refused(elsewhere, &["it is for other replicas"])?;
    let widened = StartRun { expression: "(System/exit 1)".into(), ..stage.signed(0, now)? };
    stage.refused(widened, &["it is for another expression"])?;
    stage.refused(stage.signed(0, now + SKEW)?, &["after this replica's time"])?;
    // A sidecar that is younger than that cannot know whether it has run.
    let late = ["its time was over", "started after it was signed"];
    stage.refused(stage.signed(0, now - SKEW)?, &late)?;
    let ran = stage.ran()? - before;
    ensure(ran == 1, || format!("it ran {ran} times"))?;
    Ok("sent twice it ran once; another person's, pod's, text's and time's were refused".to_owned())
}
