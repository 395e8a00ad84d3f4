//! What somebody gets who is not who he says.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::cluster::{Problem, command, ensure, kubectl, wait_until};
use crate::forward::Forward;
use crate::scenario::restart::ready_pod;
use crate::shop::{self, NAMESPACE};

pub fn anothers_token() -> Result<String, Problem> {
    shop::open()?;
    let pods = shop::pods(NAMESPACE, "api")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (thief, victim) = (&pods[0]["metadata"], &pods[1]["metadata"]);
    let controller = Forward::open(shop::SYSTEM, &ready_pod("controller")?, 7072)?;
    let own = ["--bound-object-kind=Pod", &format!("--bound-object-name={}", text(&thief["name"]))];
    let audience = "--audience=prepl";
    let no_pod = token(&[audience])?;
    let wrong_audience = token(&own)?;
    let thiefs = token(&[audience, own[0], own[1]])?;
    let victim = text(&victim["uid"]);
    let tries = [
        (no_pod.as_str(), "the token is of no pod"),
        (&wrong_audience, "does not accept the token"),
        ("eyJhbGciOiJub25lIn0.e30.", "does not accept the token"),
        (&thiefs, "which is another"),
    ];
    for (token, refusal) in tries {
        enrols_not(&controller.address, &victim, token, refusal)?;
    }
    Ok(format!("{} tokens gave no certificate of another pod", tries.len()))
}

fn token(bound: &[&str]) -> Result<String, Problem> {
    let create: &[&str] = &["-n", NAMESPACE, "create", "token", "default"];
    kubectl(&[create, bound].concat()).map(|token| token.trim().to_owned())
}

/// A sidecar that claims `uid` and shows `token` is told `refusal` and never serves.
fn enrols_not(controller: &str, uid: &str, token: &str, refusal: &str) -> Result<(), Problem> {
    let authorities = kubectl(&[
        "-n",
        shop::SYSTEM,
        "get",
        "configmap",
        "prepl-authorities",
        "-o",
        "jsonpath={.data.authorities\\.pem}",
    ])?;
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let file = folder.path().join("token");
    std::fs::write(&file, token).map_err(|error| error.to_string())?;
    let mut sidecar = command(&sidecar_program()?);
    sidecar.args(["serve", "--listen", "127.0.0.1:0", "--repl", "rhai:", "--enrol", controller]);
    sidecar.arg("--token-file").arg(&file).env("PREPL_POD_UID", uid);
    sidecar.env("PREPL_ENROL_AUTHORITIES", authorities).env("PREPL_TRUST_DOMAIN", "prepl.cluster");
    let mut child = sidecar.stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let log = child.stderr.take().ok_or("no standard error")?;
    let said = first_word(log, refusal);
    let _ = child.kill();
    let _ = child.wait();
    said
}

/// The first attempt's refusal; "serving" means that it was let in.
fn first_word(log: impl std::io::Read, refusal: &str) -> Result<(), Problem> {
    for line in BufReader::new(log).lines() {
        let line = line.map_err(|error| error.to_string())?;
        ensure(!line.contains("serving"), || format!("it enrolled: {line}"))?;
        if line.contains("not enrolled") {
            return ensure(line.contains(refusal), || format!("not {refusal:?}: {line}"));
        }
    }
    Err("it ended without a word".to_owned())
}

/// The sidecar beside the `prepl` of PREPL_BIN.
fn sidecar_program() -> Result<String, Problem> {
    let prepl = std::env::var("PREPL_BIN").map_err(|_| "PREPL_BIN names no program")?;
    let sidecar = std::path::Path::new(&prepl).with_file_name("prepl-sidecar");
    ensure(sidecar.is_file(), || format!("no {}", sidecar.display()))?;
    Ok(sidecar.to_string_lossy().into_owned())
}

pub fn a_forged_certificate() -> Result<String, Problem> {
    shop::open()?;
    let pods = shop::pods(NAMESPACE, "api")?;
    let pod = pods[0]["metadata"]["name"].as_str().unwrap_or_default();
    let uid = pods[0]["metadata"]["uid"].as_str().unwrap_or_default();
    let sidecar = Forward::open(NAMESPACE, pod, 7070)?;
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let fleet = folder.path().join("prepl.cluster").to_string_lossy().into_owned();
    // An authority of one's own, with the cluster's name.
    let own = ["fleet", "init", "prepl.cluster", "--fleet", &fleet];
    crate::person::administrator(&own)?;
    let add = ["fleet", "add", "victim", "--address", &sidecar.address, "--fleet", &fleet];
    let added = crate::person::administrator(&add)?;
    ensure(added.code == 0, || added.err.clone())?;
    let file = format!("{fleet}/fleet.toml");
    let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let text = text.lines().map(|line| match line.trim_start().starts_with("uid") {
        true => format!("uid = \"{uid}\"\n"),
        false => format!("{line}\n"),
    });
    std::fs::write(&file, text.collect::<String>()).map_err(|error| error.to_string())?;
    let asked = crate::person::administrator(&["exec", "--fleet", &fleet, "-A", "(+ 1 2)"])?;
    let refused = asked.code == 7 && asked.out.contains("authority");
    ensure(refused, || format!("exit {}: {}{}", asked.code, asked.out, asked.err))?;
    wait_until(Duration::from_secs(10), || sidecar_refused(pod))?;
    Ok("neither side took the other for a member".to_owned())
}

/// The other side refuses too, and says so in its log.
fn sidecar_refused(pod: &str) -> Result<(), Problem> {
    let log = kubectl(&["-n", NAMESPACE, "logs", pod, "-c", "prepl"])?;
    ensure(log.contains("connection refused"), || "the sidecar's log has no refusal".to_owned())
}
