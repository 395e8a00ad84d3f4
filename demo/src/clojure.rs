//! The Clojure version of the service: one JVM that plays several replicas.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::args::jar_cache;
use crate::child::Process;

const SOURCE: &str =
    include_str!("../../examples/session-store-clojure/src/session_store/core.clj");

/// A JVM with several REPLs.
#[derive(Debug)]
pub struct Jvm {
    pub process: Process,
    /// One REPL for each replica, as `--repl` of a sidecar takes it.
    pub repls: Vec<String>,
}

/// Starts one JVM with `replicas` REPLs: half nREPL where its jar is, the others plain sockets.
pub fn start(
    folder: &Path,
    class_path: Option<&OsString>,
    replicas: usize,
    version: &str,
    sessions: u32,
) -> io::Result<Jvm> {
    let jars = class_path.cloned().map_or_else(cached_jars, Ok)?;
    let source = folder.join("session_store");
    std::fs::create_dir_all(&source)?;
    std::fs::write(source.join("core.clj"), SOURCE)?;
    let nrepls = if jars.to_string_lossy().contains("nrepl") { replicas / 2 } else { 0 };
    let zeros = |count: usize| vec!["0"; count].join(",");
    let mut class_path = jars;
    class_path.push(":");
    class_path.push(folder);
    let mut command = Command::new("java");
    command.args(["-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-cp"]).arg(class_path);
    command.args(["clojure.main", "-m", "session-store.core", "--until-stdin-closes"]);
    command.args(["--version", version, "--sessions", &sessions.to_string()]);
    if nrepls > 0 {
        command.args(["--nrepl", &zeros(nrepls)]);
    }
    command.args(["--socket", &zeros(replicas - nrepls)]);
    let mut process = Process::start(&mut command).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::other("there is no `java`; install a Java runtime"),
        _ => error,
    })?;
    let ready = process.first_line()?;
    let nrepl = ports(&ready, "nrepl").into_iter().map(|port| format!("nrepl://127.0.0.1:{port}"));
    let socket = ports(&ready, "socket").into_iter().map(|p| format!("clojure://127.0.0.1:{p}"));
    let repls: Vec<_> = nrepl.chain(socket).collect();
    match repls.len() == replicas {
        true => Ok(Jvm { process, repls }),
        false => Err(io::Error::other(format!("the JVM said {ready:?} instead of its ports"))),
    }
}

/// The numbers of `"key":[1,2]` in the ready line, which is the example's own JSON.
fn ports(ready: &str, key: &str) -> Vec<u16> {
    let list = ready.split_once(&format!("\"{key}\":[")).and_then(|(_, rest)| rest.split_once(']'));
    let numbers = list.map(|(numbers, _)| numbers).unwrap_or_default();
    numbers.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

fn cached_jars() -> io::Result<OsString> {
    let missing = || {
        io::Error::other(
            "no Clojure jars; run tests/runtimes/clojure/install once, or give them with \
             --class-path",
        )
    };
    let folder = jar_cache().ok_or_else(missing)?;
    let entries = std::fs::read_dir(folder).map_err(|_| missing())?;
    let jars = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut jars: Vec<_> =
        jars.filter(|path| path.extension().is_some_and(|e| e == "jar")).collect();
    jars.sort();
    if jars.is_empty() {
        return Err(missing());
    }
    std::env::join_paths(jars).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_in_the_ready_line() {
        let ready = r#"{"nrepl":[1,2],"socket":[3],"pid":9}"#;
        assert_eq!(ports(ready, "nrepl"), [1, 2]);
        assert_eq!(ports(ready, "socket"), [3]);
        assert!(ports(ready, "none").is_empty());
    }
}
