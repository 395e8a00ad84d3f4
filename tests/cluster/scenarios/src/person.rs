//! Somebody with rights of his own: a service account, its token, and a kubeconfig of it.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::cluster::{Problem, apply, command, kubectl};

/// A person at a terminal.
#[derive(Debug)]
pub struct Person {
    /// The name.
    pub name: String,
    folder: TempDir,
}

/// What a command of prepl did.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; -1 for a signal.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// From start to exit.
    pub took: Duration,
}

impl Person {
    /// A person without any right but to reach a gateway.
    pub fn new(name: &str) -> Result<Person, Problem> {
        apply(&format!(
            "{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {name}, namespace: default}}}}"
        ))?;
        bind(crate::shop::SYSTEM, &format!("{name}-connect"), "--role=prepl-connect", name)?;
        let token = kubectl(&["-n", "default", "create", "token", name, "--duration=2h"])?;
        Person::with_token(name, &token)
    }

    /// Whoever a token is of.
    pub fn with_token(name: &str, token: &str) -> Result<Person, Problem> {
        let config = kubectl(&["config", "view", "--raw", "--minify", "--flatten", "-o", "json"])?;
        let mut config: serde_json::Value =
            serde_json::from_str(&config).map_err(|bad| bad.to_string())?;
        config["users"][0]["user"] = serde_json::json!({ "token": token.trim() });
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let written = std::fs::write(folder.path().join("config"), config.to_string());
        written.map_err(|error| error.to_string())?;
        Ok(Person { name: name.to_owned(), folder })
    }

    /// A person who may evaluate in a namespace.
    pub fn evaluator(name: &str, namespace: &str) -> Result<Person, Problem> {
        let person = Person::new(name)?;
        person.may(namespace, "prepl-evaluator")?;
        Ok(person)
    }

    /// Gives him one of the chart's roles in a namespace.
    pub fn may(&self, namespace: &str, role: &str) -> Result<(), Problem> {
        bind(
            namespace,
            &format!("{}-{role}", self.name),
            &format!("--clusterrole={role}"),
            &self.name,
        )
    }

    /// Lets him read the audit logs.
    pub fn may_audit(&self) -> Result<(), Problem> {
        let name = format!("{}-auditor", self.name);
        bind(crate::shop::SYSTEM, &name, "--role=prepl-auditor", &self.name)
    }

    /// Gives him one of the chart's roles in all namespaces, that of prepl included.
    pub fn may_everywhere(&self, role: &str) -> Result<(), Problem> {
        let (name, role) = (format!("{}-{role}", self.name), format!("--clusterrole={role}"));
        let subject = format!("--serviceaccount=default:{}", self.name);
        let made = ["create", "clusterrolebinding", &name, &role, &subject];
        let made = kubectl(&[&made[..], &["--dry-run=client", "-o", "json"]].concat())?;
        apply(&made).map(drop)
    }

    /// Lets his kubeconfig get the token from a program, as cloud providers' do.
    pub fn use_exec_plugin(&self) -> Result<(), Problem> {
        let wrong = |error: std::io::Error| error.to_string();
        let text = std::fs::read_to_string(self.kubeconfig()).map_err(wrong)?;
        let mut config: serde_json::Value =
            serde_json::from_str(&text).map_err(|bad| bad.to_string())?;
        let version = "client.authentication.k8s.io/v1";
        let credential = serde_json::json!({
            "apiVersion": version,
            "kind": "ExecCredential",
            "status": {"token": config["users"][0]["user"]["token"]},
        });
        let file = self.folder.path().join("credential");
        std::fs::write(&file, credential.to_string()).map_err(wrong)?;
        config["users"][0]["user"] = serde_json::json!({"exec": {
            "apiVersion": version, "command": "cat", "args": [file], "interactiveMode": "Never",
        }});
        std::fs::write(self.kubeconfig(), config.to_string()).map_err(wrong)
    }

    /// The file of the access that `prepl` keeps for him.
    pub fn access(&self) -> Result<PathBuf, Problem> {
        let kept = std::fs::read_dir(self.folder.path().join("prepl"));
        let mut kept = kept.map_err(|error| error.to_string())?.filter_map(Result::ok);
        kept.next().map(|entry| entry.path()).ok_or_else(|| "no access is kept".to_owned())
    }

    /// His kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// Where programs keep what is his.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Where `prepl` keeps his accesses between commands.
    pub fn accesses(&self) -> PathBuf {
        self.folder.path().join("prepl")
    }

    /// Runs `prepl` as he would.
    pub fn prepl(&self, args: &[&str]) -> Result<Ran, Problem> {
        let begun = Instant::now();
        let output = self.prepare(args).output();
        let output = output.map_err(|error| format!("cannot run prepl: {error}"))?;
        Ok(ran(&output, begun.elapsed()))
    }

    /// Starts `prepl` and goes on.
    pub fn start(&self, args: &[&str]) -> Result<std::process::Child, Problem> {
        let mut command = self.prepare(args);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        child.map_err(|error| format!("cannot run prepl: {error}"))
    }

    /// Runs `kubectl prepl` as he would, with the program as a plug-in on his path.
    pub fn kubectl_prepl(&self, args: &[&str]) -> Result<Ran, Problem> {
        let plugin = self.folder.path().join("kubectl-prepl");
        if !plugin.exists() {
            let linked = std::os::unix::fs::symlink(program(), &plugin);
            linked.map_err(|error| error.to_string())?;
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", self.folder.path().display());
        let begun = Instant::now();
        let mut command = command("kubectl");
        command.arg("prepl").args(args).env("PATH", path).env("KUBECONFIG", self.kubeconfig());
        let output = command.env_remove("PREPL_FLEET").env("HOME", self.folder.path()).output();
        let output = output.map_err(|error| format!("cannot run kubectl: {error}"))?;
        Ok(ran(&output, begun.elapsed()))
    }

    /// Runs `kubectl` as he would.
    pub fn kubectl(&self, args: &[&str], input: &str) -> Result<Ran, Problem> {
        let begun = Instant::now();
        let mut command = command("kubectl");
        let output =
            crate::cluster::fed(command.env("KUBECONFIG", self.kubeconfig()).args(args), input);
        let output = output.map_err(|error| format!("cannot run kubectl: {error}"))?;
        Ok(ran(&output, begun.elapsed()))
    }

    /// `prepl` with his arguments, not started yet.
    pub fn prepare(&self, args: &[&str]) -> std::process::Command {
        let mut command = command(&program());
        let own = self.folder.path();
        command.args(args).env("KUBECONFIG", self.kubeconfig()).env_remove("PREPL_FLEET");
        // What prepl keeps between commands is this person's alone.
        command.env("XDG_RUNTIME_DIR", own).env("XDG_CACHE_HOME", own).env("HOME", own);
        command.env("XDG_STATE_HOME", self.state());
        command
    }
}

/// Runs `prepl` as the administrator whose KUBECONFIG it is.
pub fn administrator(args: &[&str]) -> Result<Ran, Problem> {
    let begun = Instant::now();
    let output = command(&program()).args(args).env_remove("PREPL_FLEET").output();
    let output = output.map_err(|error| format!("cannot run prepl: {error}"))?;
    Ok(ran(&output, begun.elapsed()))
}

fn program() -> String {
    std::env::var("PREPL_BIN").unwrap_or_else(|_| "prepl".to_owned())
}

/// What an ended command did.
pub fn ran(output: &Output, took: Duration) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    Ran { code, out: text(&output.stdout), err: text(&output.stderr), took }
}

fn bind(namespace: &str, name: &str, role: &str, person: &str) -> Result<(), Problem> {
    let subject = format!("--serviceaccount=default:{person}");
    let made = kubectl(&[
        "-n",
        namespace,
        "create",
        "rolebinding",
        name,
        role,
        &subject,
        "--dry-run=client",
        "-o",
        "json",
    ])?;
    apply(&made).map(drop)
}
