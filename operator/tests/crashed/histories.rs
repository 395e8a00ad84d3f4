//! Three histories of the same runs: the client's, the apps', and the audit logs'.

use std::path::Path;

use prepl_audit::{Body, Form, Verified, export, verify};
use prepl_core::{Class, RequestId, RunId};
use prepl_tests::{Asked, Diary};

use super::stage::{FORBIDDEN, Seen, Stage, Tunnel};

/// What the logs of some gateways tell.
#[derive(Debug, Default)]
pub struct Written(Vec<Body>);

impl Written {
    /// Reads logs, all of which must be whole.
    pub fn read<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Written {
        Written(folders.into_iter().flat_map(bodies).collect())
    }

    /// Whether it was written that this request is about to go to this replica.
    pub fn intends(&self, request: RequestId, uid: &str) -> bool {
        self.0.iter().any(|body| match body {
            Body::Intent(intent) => {
                let names = intent.replicas.list().iter().any(|one| one.uid == uid);
                intent.request == request && !intent.recall && names
            }
            _ => false,
        })
    }

    /// Whether anything was written of an intent under this request, a recall too.
    pub fn mentions(&self, request: RequestId) -> bool {
        let is = |body: &Body| matches!(body, Body::Intent(intent) if intent.request == request);
        self.0.iter().any(is)
    }

    /// Whether it was written that this is about to be read by a run.
    fn gives(&self, run: RunId, text: &str) -> bool {
        let is = |body: &Body| matches!(body, Body::InputGiven(given) if given.run == run && given.code.text() == text);
        self.0.iter().any(is)
    }

    fn opens(&self, request: RequestId) -> bool {
        let is =
            |body: &Body| matches!(body, Body::AttachOpened(opened) if opened.request == request);
        self.0.iter().any(is)
    }

    /// How often it was written that this is about to go through a tunnel.
    fn says(&self, request: RequestId, code: &str) -> usize {
        let is = |body: &&Body| match body {
            Body::AttachSaid(said) => {
                said.request == request && said.code().is_some_and(|asked| asked.text() == code)
            }
            _ => false,
        };
        self.0.iter().filter(is).count()
    }

    /// The classes that were written of a run on a replica.
    fn classes(&self, run: RunId, uid: &str) -> Vec<Class> {
        let of_run = |body: &Body| match body {
            Body::Outcome(outcomes) if outcomes.run == run => outcomes.replicas.clone(),
            _ => Vec::new(),
        };
        let told = self.0.iter().flat_map(of_run);
        told.filter(|one| one.uid() == uid).map(|one| one.class()).collect()
    }

    /// The bytes that each writer cut when it took its log up, the newest last.
    pub fn cuts(&self) -> Vec<u64> {
        let cut = |body: &Body| match body {
            Body::Opened(opened) => Some(opened.cut_bytes),
            _ => None,
        };
        self.0.iter().filter_map(cut).collect()
    }
}

/// Verifies a log, which must be whole.
pub fn whole(folder: &Path) -> Verified {
    let verified = verify(folder, None).unwrap();
    assert_eq!(verified.fault, None, "{}", folder.display());
    verified
}

fn bodies(folder: &Path) -> Vec<Body> {
    whole(folder);
    let mut stored = Vec::new();
    export(folder, Form::Stored, &mut stored).unwrap();
    let lines = String::from_utf8(stored).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Stage {
    /// Compares the histories of these runs.
    pub fn judge(&self, runs: &[Seen], logs: &Written, when: &str) {
        for seen in runs {
            for (place, app) in self.apps.iter().enumerate() {
                self.judge_one(seen, place, app, logs, when);
            }
        }
    }

    fn judge_one(&self, seen: &Seen, place: usize, app: &Diary, logs: &Written, when: &str) {
        let Seen { plan, told } = seen;
        let expression = plan.expression.as_str();
        let uid = &*self.installation.world.replicas()[place].id.uid;
        let times = app.times(expression);
        let about = format!("{expression} on {uid}, {when}: {told:?}");
        assert!(times <= 1, "it ran {times} times: {about}");
        let intended = logs.intends(plan.request, uid);
        assert!(times == 0 || intended, "it ran without an intent: {about}");
        let told = told.as_ref().ok().map(|asked| asked.answers[place].class());
        // Nothing here refuses, and nothing is out of reach: what was taken ran, or nobody can tell.
        let honest = matches!(told, None | Some(Class::Ok | Class::Unknown));
        assert!(honest, "{told:?} of what was taken: {about}");
        let written = logs.classes(plan.run, uid);
        for class in told.into_iter().chain(written) {
            assert!(may_be(class, times), "{class:?} of what ran {times} times: {about}");
        }
        assert!(told.is_some() || times == 0, "told that nothing ran: {about}");
    }

    /// What a run read was written down before, and was read once (P2, P3).
    pub fn judge_input(&self, seen: &Seen, input: &str, logs: &Written, when: &str) {
        for app in &self.apps {
            let times = app.times(input);
            assert!(times <= 1, "{input:?} was read {times} times, {when}");
            let written = logs.gives(seen.plan.run, input);
            assert!(times == 0 || written, "{input:?} was read without a record, {when}");
        }
    }

    /// What may not run was not told to have run, and never reached an app (P1).
    pub fn judge_denied(&self, denied: &[Seen], logs: &Written, when: &str) {
        for seen in denied {
            let expression = seen.plan.expression.as_str();
            let told = seen.told.as_ref().map(Asked::classes);
            let taken = told.is_ok_and(|told| told.iter().any(|class| *class != Class::Unknown));
            assert!(!taken, "{expression} was taken, {when}");
            assert!(self.apps.iter().all(|app| app.times(expression) == 0), "{expression}, {when}");
            assert!(!logs.mentions(seen.plan.request), "an intent of {expression}, {when}");
        }
        let forbidden = |entry: &String| entry.starts_with(FORBIDDEN);
        assert!(!self.apps.iter().flat_map(Diary::entries).any(|entry| forbidden(&entry)));
    }
}

impl Tunnel {
    /// One that was opened was written down before, and so was what ran through it (P2).
    pub fn judge(&self, app: &Diary, logs: &Written, when: &str) {
        let Tunnel { request, code, told } = self;
        assert!(told.is_err() || logs.opens(*request), "a tunnel without a record, {when}");
        let (ran, written) = (app.times(code), logs.says(*request, code));
        assert!(ran <= written && written <= 1, "{written} records, it ran {ran} times, {when}");
        assert!(ran == 1 || !matches!(told, Ok(true)), "an answer of what did not run, {when}");
    }
}

/// Whether a class can be true of what ran so often.
fn may_be(class: Class, times: usize) -> bool {
    match class {
        Class::Ok | Class::Raised => times == 1,
        Class::Refused | Class::Unreachable | Class::NotStarted => times == 0,
        Class::Unknown => true,
    }
}
