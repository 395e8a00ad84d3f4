//! Records as events of OCSF 1.4.0, class Script Activity; the table is at `Form::Ocsf`.

use prepl_core::{Class, Digest};
use serde_json::{Value, json};

use crate::record::event::Denied;
use crate::record::given::InputGiven;
use crate::record::intent::{Intent, ReplicaSet};
use crate::record::outcome::Outcomes;
use crate::record::said::{AttachSaid, Said};
use crate::record::who::Who;
use crate::record::{Body, Envelope};
use crate::redact::Asked;

const EXECUTE: u64 = 1;
const OTHER: u64 = 99;
const UNKNOWN: u64 = 0;
const SUCCESS: u64 = 1;
const FAILURE: u64 = 2;
const INFORMATIONAL: u64 = 1;
const MEDIUM: u64 = 3;
const SHA_256: u64 = 3;

/// What a record says in words of the class.
struct Words {
    run: String,
    user: Value,
    device: Value,
    script: Value,
    message: Option<String>,
    severity: u64,
    status: u64,
}

/// The event of one record; `None` when it tells of no script.
pub(super) fn event(read: &Envelope) -> Option<Value> {
    let words = match read.clone().read()? {
        Body::Intent(intent) => of_intent(&intent),
        Body::InputGiven(given) => of_input(&given),
        Body::Denied(denied) => of_denied(&denied)?,
        Body::Outcome(outcomes) => of_outcomes(&outcomes),
        Body::AttachSaid(said) => of_said(&said)?,
        _ => return None,
    };
    let mut script = words.script;
    script["uid"] = json!(words.run);
    let mut event = json!({
        "category_uid": 1, "class_uid": 1009, "activity_id": EXECUTE, "type_uid": 100_901,
        "time": read.time.as_millis(), "severity_id": words.severity, "status_id": words.status,
        "actor": { "user": words.user }, "device": words.device, "script": script,
        "metadata": {
            "version": "1.4.0", "product": { "name": "prepl", "vendor_name": "prepl" },
            "uid": read.hash.to_string(), "sequence": read.seq, "correlation_uid": words.run,
        },
        "unmapped": { "kind": read.kind, "chain": read.chain, "body": read.body },
    });
    if let Some(message) = words.message {
        event["message"] = json!(message);
    }
    Some(event)
}

fn of_intent(intent: &Intent) -> Words {
    Words {
        run: intent.run.to_string(),
        user: user(&intent.who),
        device: device(&intent.replicas),
        script: script(&intent.expression),
        message: intent.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        severity: if intent.break_glass { MEDIUM } else { INFORMATIONAL },
        status: UNKNOWN,
    }
}

fn of_denied(denied: &Denied) -> Option<Words> {
    Some(Words {
        run: denied.request.to_string(),
        user: user(&denied.who),
        device: device(&denied.replicas),
        script: script(denied.expression.as_ref()?),
        message: Some(denied.why.as_str().to_owned()),
        severity: MEDIUM,
        status: FAILURE,
    })
}

fn of_outcomes(outcomes: &Outcomes) -> Words {
    let device = match outcomes.replicas.as_slice() {
        [one] => json!({ "type_id": OTHER, "type": "replica", "uid": one.uid() }),
        many => several(many.len()),
    };
    Words {
        run: outcomes.run.to_string(),
        user: json!({ "name": "unknown" }),
        device,
        script: json!({
            "script_content": { "value": "", "is_truncated": true }, "type_id": UNKNOWN,
        }),
        message: None,
        severity: INFORMATIONAL,
        status: status(outcomes),
    }
}

/// It may be evaluated by what reads it.
fn of_input(given: &InputGiven) -> Words {
    Words {
        run: given.run.to_string(),
        user: user(&given.who),
        device: several(given.replicas),
        script: script(&given.code),
        message: None,
        severity: INFORMATIONAL,
        status: UNKNOWN,
    }
}

/// What may be evaluated; other messages tell of no script.
fn of_said(said: &AttachSaid) -> Option<Words> {
    let script = match (&said.said, said.code()) {
        (_, Some(code)) => script(code),
        (Said::Raw { sha256 }, None) => hashed("", true, *sha256),
        (_, None) => return None,
    };
    Some(Words {
        run: said.request.to_string(),
        user: user(&said.who),
        device: device(&said.replicas),
        script,
        message: None,
        severity: INFORMATIONAL,
        status: UNKNOWN,
    })
}

/// A run that ended well somewhere, or of which the end is not known, did not fail.
fn status(outcomes: &Outcomes) -> u64 {
    let classes = || outcomes.replicas.iter().map(|one| one.class());
    match () {
        () if classes().all(|class| class == Class::Ok) => SUCCESS,
        () if classes().any(|class| matches!(class, Class::Ok | Class::Unknown)) => UNKNOWN,
        () => FAILURE,
    }
}

fn user(who: &Who) -> Value {
    match who.uid.is_empty() {
        true => json!({ "name": who.username }),
        false => json!({ "name": who.username, "uid": who.uid }),
    }
}

fn device(replicas: &ReplicaSet) -> Value {
    match replicas.list() {
        [one] => json!({
            "type_id": OTHER, "type": "replica", "uid": one.uid,
            "name": format!("{}/{}", one.namespace, one.name),
        }),
        many => {
            let mut device = several(many.len());
            device["uid"] = json!(replicas.digest().to_string());
            device
        }
    }
}

fn several(count: impl std::fmt::Display) -> Value {
    json!({ "type_id": OTHER, "type": "replicas", "name": format!("{count} replicas") })
}

fn script(asked: &Asked) -> Value {
    hashed(asked.text(), asked.is_cut(), asked.sha256())
}

fn hashed(text: &str, is_cut: bool, sha256: Digest) -> Value {
    json!({
        "script_content": { "value": text, "is_truncated": is_cut },
        "type_id": UNKNOWN,
        "hashes": [{
            "algorithm_id": SHA_256, "algorithm": "SHA-256", "value": sha256.to_string(),
        }],
    })
}
