//! A gateway's audit log as it lies on its volume.

use std::fs;
use std::path::Path;

use prepl_audit::{PublicKey, Verified, Witness, verify};
use serde_json::Value;
use tempfile::TempDir;

use crate::cluster::{Problem, apply, ensure, get, kubectl};
use crate::shop::SYSTEM;

/// A copy of a gateway's log.
pub struct LogCopy(TempDir);

impl LogCopy {
    /// Reads the log's volume by a pod of its own beside the gateway.
    pub fn of(pod: &str) -> Result<LogCopy, Problem> {
        let found = get(&["pod", pod, "-n", SYSTEM])?;
        let node = found["spec"]["nodeName"].as_str().unwrap_or_default();
        apply(&reader(pod, node))?;
        let copied = LogCopy::read(pod);
        kubectl(&["-n", SYSTEM, "delete", "pod", "audit-reader", "--force", "--grace-period=0"])?;
        copied
    }

    fn read(pod: &str) -> Result<LogCopy, Problem> {
        let ready = ["wait", "--for=condition=Ready", "pod/audit-reader", "--timeout=60s"];
        kubectl(&[&["-n", SYSTEM], &ready[..]].concat())?;
        let run = |args: &[&str]| {
            kubectl(&[&["-n", SYSTEM, "exec", "audit-reader", "--"], args].concat())
        };
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let names = run(&["/bin/ls", "/log/audit"])?;
        let mut files = names.lines().filter(|name| name.ends_with(".jsonl")).peekable();
        ensure(files.peek().is_some(), || format!("{pod} has no log: {names:?}"))?;
        for name in files {
            let text = run(&["/bin/cat", &format!("/log/audit/{name}")])?;
            fs::write(folder.path().join(name), text).map_err(|error| error.to_string())?;
        }
        Ok(LogCopy(folder))
    }

    /// Overwrites one byte of the log's first file on its volume, and gives what stood there; the
    /// gateway has the file open and is told nothing.
    pub fn overwrite(pod: &str, at: usize, byte: char) -> Result<char, Problem> {
        let found = get(&["pod", pod, "-n", SYSTEM])?;
        let node = found["spec"]["nodeName"].as_str().unwrap_or_default();
        apply(&reader(pod, node).replace("readOnly: true", "readOnly: false"))?;
        let script = format!(
            "f=$(ls /log/audit/*.jsonl | head -n 1); dd if=$f bs=1 skip={at} count=1 2>/dev/null; \
             printf '{byte}' | dd of=$f bs=1 seek={at} conv=notrunc 2>/dev/null"
        );
        let ready = ["wait", "--for=condition=Ready", "pod/audit-reader", "--timeout=60s"];
        let run = ["exec", "audit-reader", "--", "/bin/sh", "-c", &script];
        let written = kubectl(&[&["-n", SYSTEM], &ready[..]].concat())
            .and_then(|_| kubectl(&[&["-n", SYSTEM], &run[..]].concat()));
        kubectl(&["-n", SYSTEM, "delete", "pod", "audit-reader", "--force", "--grace-period=0"])?;
        written?.chars().next().ok_or_else(|| format!("the log of {pod} has no byte {at}"))
    }

    /// The log is whole, and has every record that the controller signed.
    pub fn agrees_with(&self, object: &Value) -> Result<Verified, Problem> {
        let key = object["status"]["key"].as_str().unwrap_or_default();
        let key: PublicKey = key.parse().map_err(|error| format!("{error}"))?;
        let signed = object["status"]["checkpoints"].as_array().into_iter().flatten();
        let lines: String = signed.map(|one| format!("{one}\n")).collect();
        let name = "the AuditCheckpoint".to_owned();
        let witness = Witness { key, name, lines: Box::new(lines.as_bytes()) };
        let verified = verify(self.path(), Some(witness)).map_err(|error| error.to_string())?;
        let whole = verified.fault.is_none() && verified.checkpoints > 0;
        ensure(whole, || format!("{:?}", verified.fault))?;
        Ok(verified)
    }

    /// Records of a kind.
    pub fn count(&self, kind: &str) -> Result<usize, Problem> {
        Ok(self.records()?.iter().filter(|record| record["kind"] == kind).count())
    }

    /// Runs that somebody was about to make.
    pub fn intents_of(&self, username: &str) -> Result<usize, Problem> {
        let records = self.records()?;
        let intents = records.iter().filter(|record| record["kind"] == "intent");
        Ok(intents.filter(|one| one["body"]["who"]["username"] == username).count())
    }

    fn records(&self) -> Result<Vec<Value>, Problem> {
        let mut records = Vec::new();
        for entry in fs::read_dir(self.path()).map_err(|error| error.to_string())? {
            let path = entry.map_err(|error| error.to_string())?.path();
            let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
            // A last line may be written right now.
            records.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok()));
        }
        Ok(records)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn reader(pod: &str, node: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: audit-reader, namespace: {SYSTEM}}}, spec: {{
 nodeName: {node}, securityContext: {{runAsUser: 65532, runAsGroup: 65532}},
 containers: [{{name: reader, image: 'prepl.test/busybox:1', imagePullPolicy: IfNotPresent, command: [/bin/sleep, '600'],
  volumeMounts: [{{name: log, mountPath: /log, readOnly: true}}]}}],
 volumes: [{{name: log, persistentVolumeClaim: {{claimName: audit-{pod}}}}}]}}}}"
    )
}
