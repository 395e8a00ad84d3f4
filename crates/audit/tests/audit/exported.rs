//! Logs for other programs.

use prepl_audit::{
    AttachSaid, Denied, Form, InputGiven, Outcomes, Redactor, ReplMessage, ReplicaOutcome, Said,
    Sentence, export_on, verify_on,
};
use prepl_core::{Class, Digest, Reason};
use serde_json::{Value, json};

use crate::common::{intent, log_on, request, run, who};
use crate::sim::Sim;

async fn log() -> Sim {
    let disk = Sim::default();
    let log = log_on(&disk, 3000).await;
    let asked = intent(1);
    let _ = log.append(asked.clone()).await.unwrap();
    let outcome = |uid, class| ReplicaOutcome::new(uid, class, 12, 5);
    let replicas = vec![
        outcome("uid-of-api-1", Class::Ok).with_values([Digest::of("42")], 1),
        outcome("uid-of-api-2", Class::Unknown),
    ];
    let _ = log.append(Outcomes { run: run(1), intent: 2, replicas }).await.unwrap();
    let denied = Denied {
        who: who("noel"),
        request: request(2),
        expression: Some(asked.expression.clone()),
        replicas: asked.replicas.clone(),
        why: Sentence::from(&Reason::new("no role allows it")),
    };
    let _ = log.append(denied).await.unwrap();
    let _ = log.append(intent(3)).await.unwrap();
    log.close().await.unwrap();
    disk
}

#[tokio::test]
async fn what_is_exported_as_stored_is_stored() {
    let disk = log().await;
    let mut out = Vec::new();
    let exported = export_on(&disk, Form::Stored, &mut out).unwrap();
    assert_eq!(out, disk.files().into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<_>>());
    assert_eq!(exported.written, verify_on(&disk, None).unwrap().records);
    assert_eq!((exported.left_out, exported.fault), (0, None));
}

#[tokio::test]
async fn scripts_are_told_in_words_of_ocsf() {
    let disk = log().await;
    let mut out = Vec::new();
    let exported = export_on(&disk, Form::Ocsf, &mut out).unwrap();
    let events: Vec<Value> = String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((exported.written, events.len()), (4, 4));
    assert!(exported.left_out >= 3);
    let [intent, outcome, denied, _] = &events[..] else { panic!() };
    for event in &events {
        assert_eq!((&event["class_uid"], &event["type_uid"]), (&json!(1009), &json!(100_901)));
        let required = ["actor", "device", "script", "metadata", "severity_id", "time"];
        assert!(required.iter().all(|member| !event[member].is_null()), "{event}");
        assert!(event["device"]["type_id"].is_u64() && event["script"]["type_id"].is_u64());
    }
    let asked = json!({
        "uid": run(1).to_string(), "type_id": 0,
        "script_content": { "value": "(login \"***\") ; 1", "is_truncated": false },
        "hashes": [{
            "algorithm_id": 3, "algorithm": "SHA-256",
            "value": Digest::of("(login \"hunter2\") ; 1").to_string(),
        }],
    });
    assert_eq!(intent["script"], asked);
    assert_eq!(intent["actor"], json!({ "user": { "name": "mira", "uid": "1234" } }));
    assert_eq!(intent["time"], json!(1_772_357_400_000_u64));
    assert_eq!(intent["message"], json!("queue is stuck"));
    assert_eq!(outcome["script"]["uid"], intent["script"]["uid"]);
    assert_eq!(outcome["status_id"], json!(0), "unknown is neither success nor failure");
    assert_eq!((&denied["status_id"], &denied["severity_id"]), (&json!(2), &json!(3)));
    assert_eq!(denied["message"], json!("no role allows it"));
}

#[tokio::test]
async fn what_a_run_reads_is_a_script_too() {
    let disk = Sim::default();
    let log = log_on(&disk, 3000).await;
    let redactor = Redactor::new([("hunter\\d", "***")]).unwrap();
    let (run, who, code) = (run(1), who("mira"), redactor.code(b"(login \"hunter2\")\n"));
    let given = InputGiven { run, intent: 2, place: 0, who, replicas: 3, code, end: true };
    let _ = log.append(given.clone()).await.unwrap();
    log.close().await.unwrap();
    let mut out = Vec::new();
    assert_eq!(export_on(&disk, Form::Ocsf, &mut out).unwrap().written, 1);
    let event: Value = serde_json::from_slice(&out).unwrap();
    let script = &event["script"];
    assert_eq!(script["script_content"]["value"], "(login \"***\")\n");
    assert_eq!(script["hashes"][0]["value"], given.code.sha256().to_string());
    assert_eq!(event["actor"]["user"]["name"], "mira");
    assert_eq!(event["device"]["name"], "3 replicas");
    assert_eq!(event["unmapped"]["body"]["end"], true);
}

/// Something said through a tunnel.
fn said(said: Said) -> AttachSaid {
    let (request, who, replicas) = (request(7), who("otto"), intent(1).replicas);
    AttachSaid { request, place: 0, who, replicas, bytes: 9, said, asides: Default::default() }
}

#[tokio::test]
async fn what_a_tunnel_has_evaluated_is_a_script_too() {
    let redactor = Redactor::new([("hunter\\d", "***")]).unwrap();
    let message = |op: &str, code: Option<&str>| {
        Said::Message(ReplMessage {
            op: redactor.text(op),
            session: None,
            namespace: None,
            file: None,
            code: code.map(|code| redactor.code(code.as_bytes())),
            sha256: Digest::of("the message"),
        })
    };
    let raw = Said::Raw { sha256: Digest::of("raw") };
    let all = [message("eval", Some("hunter2")), message("interrupt", None), raw, Said::Asides];
    let disk = Sim::default();
    let log = log_on(&disk, 1 << 20).await;
    for one in all {
        let _ = log.append(said(one)).await.unwrap();
    }
    log.close().await.unwrap();
    let mut out = Vec::new();
    assert_eq!(export_on(&disk, Form::Ocsf, &mut out).unwrap().written, 2);
    let lines = String::from_utf8(out).unwrap();
    let events: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let script = |event: &Value| event["script"]["script_content"].clone();
    assert_eq!(script(&events[0]), json!({ "value": "***", "is_truncated": false }));
    assert_eq!(script(&events[1]), json!({ "value": "", "is_truncated": true }));
    let hash = &events[1]["script"]["hashes"][0]["value"];
    assert_eq!(*hash, json!(Digest::of("raw").to_string()));
    assert_eq!(events[0]["actor"]["user"]["name"], json!("otto"));
    assert_eq!(events[0]["metadata"]["correlation_uid"], json!(request(7).to_string()));
}

#[tokio::test]
async fn an_export_stops_at_the_first_fault() {
    let disk = log().await;
    let mut files = disk.files();
    let at = files[0].1.windows(4).position(|four| four == b"mira").unwrap();
    files[0].1[at] = b'M';
    let mut out = Vec::new();
    let exported = export_on(&Sim::holding(&files), Form::Stored, &mut out).unwrap();
    assert_eq!(exported.fault.map(|fault| fault.line), Some(3));
    assert_eq!(exported.written, 2);
}
