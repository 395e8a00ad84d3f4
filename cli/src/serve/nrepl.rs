//! `prepl serve nrepl`: the fleet as one nREPL server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use prepl_core::selection::Pattern;
use prepl_core::{Description, ExitCode, Selection};
use prepl_crd::Mode;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection;
use super::lead::Lead;
use super::listen::Listener;
use super::port_file::PortFile;
use super::server::Server;
use super::token::Token;
use super::wire::Gone;
use crate::command::Global;
use crate::console::Console;
use crate::members::Members;
use crate::problem::Problem;
use crate::reach::{self, LASTING, Purpose};
use crate::render::crowd;
use crate::render::safe::{self, Layout};
use crate::select::SelectArgs;
use crate::settings::SettingsArgs;
use crate::state;

/// Clients at a time.
const MAX_CONNECTIONS: usize = 64;
/// After a failed accept (no file handle left) there is no use in trying at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long clients' evaluations and sessions may take to end.
const GOOD_BYE: Duration = Duration::from_secs(10);

/// One local nREPL server that is all the replicas you name
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl serve nrepl deploy/api -n shop          a free port of 127.0.0.1, which is printed
  prepl serve nrepl -l app=api --port 7888      for editors that ask for a port
  prepl serve nrepl api --socket ~/.nrepl/shop  a socket that nobody else can reach
  prepl serve nrepl api --read-only             only where something keeps it from writing

An evaluation runs on every replica, within your rights and the policies, and is recorded; the
value is that of all, or a map by replica where they differ. The port is written to .nrepl-port
in this folder. Ctrl-C ends it. docs/editors.md is about editors.

Exit codes: 0 ended by Ctrl-C, 1 the port is taken or no gateway answers, 2 usage, 3 nothing
matched, 4 denied")]
pub struct NreplArgs {
    /// TYPE/NAME, or a regular expression on names
    #[arg(value_name = "TARGET")]
    target: Option<Pattern>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Where to serve")]
struct PlaceArgs {
    /// Port of 127.0.0.1; without it, a free one
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true)]
    port: u16,
    /// A socket in place of a port, in a folder that nobody else may enter
    #[arg(long, value_name = "PATH", conflicts_with = "port")]
    socket: Option<PathBuf>,
    /// Ask clients for a token first, which is in a file of yours; no editor can tell one yet
    #[arg(long)]
    token: bool,
    /// The replica that is asked about names, and for what only middleware of the app can answer
    #[arg(long, value_name = "REPLICA")]
    lead: Option<String>,
}

/// Serves until the user ends it.
pub fn run(args: &NreplArgs, global: &Global) -> Result<u8, Problem> {
    let mut console = Console::detect(global.color);
    let runtime = reach::runtime()?;
    let served = runtime.block_on(serve(args, global, &mut console));
    // What still waits for a replica must not hold up the user.
    runtime.shutdown_background();
    served.map(|()| ExitCode::Ok.number())
}

async fn serve(args: &NreplArgs, global: &Global, console: &mut Console) -> Result<(), Problem> {
    let settings = args.settings.settings()?;
    let purpose = Purpose { mode: Mode::Eval, lasting: LASTING };
    let members = Members::open(global, &args.select, args.target.clone(), purpose).await?;
    let members = Arc::new(members);
    console.tell(&members.idle_parts());
    let lead = args.lead(global, &members, console).await?;
    let token = args.place.token()?;
    let server = Arc::new(Server::new(Arc::clone(&members), settings, token, lead)?);
    let mut signals = Signals::listen()?;
    let selection = members.selection();
    let told = tokio::select! {
        told = server.tooling.descriptions(&selection) => told,
        () = signals.next() => return Ok(()),
    };
    console.tell(&who(&selection, &told.into_iter().flatten().collect::<Vec<_>>()));
    let listener = args.place.listen().await?;
    let _port_file = announce(&listener, server.token.as_ref(), console)?;
    console.tell(&members.warnings());
    accept(&server, listener, &mut signals, console).await;
    end(server, members, console).await
}

/// Tells where it listens, as editors that start it read it; gives the file that does the same.
fn announce(
    listener: &Listener,
    token: Option<&Token>,
    console: &mut Console,
) -> Result<Option<PortFile>, Problem> {
    let mut file = None;
    match listener {
        Listener::Port(_, port) => {
            let written = std::env::current_dir().map_err(|error| Problem::of(&error));
            match written.and_then(|folder| PortFile::write(&folder, *port)) {
                Ok(written) => file = Some(written),
                Err(problem) => console.tell(&format!("warning: {}\n", problem.message)),
            }
            console.answer(&format!(
                "nREPL server started on port {port} on host 127.0.0.1 - nrepl://127.0.0.1:{port}\n"
            ));
        }
        Listener::Socket(_, socket) => {
            let path = safe::text(&socket.path().display().to_string(), Layout::Line);
            console.answer(&format!("nREPL server started on socket nrepl+unix:{path}\n"));
        }
    }
    if let Some(token) = token {
        let path = safe::text(&token.file().display().to_string(), Layout::Line);
        console.tell(&format!("the token is in {path}\n"));
    }
    console.written()?;
    Ok(file)
}

/// `api · 3 replicas · clojure 1.12.6`: whom an editor is going to speak to.
fn who(selection: &Selection, told: &[Description]) -> String {
    let mut runtimes: Vec<_> =
        told.iter().map(|one| format!("{} {}", one.language, one.runtime_version)).collect();
    runtimes.sort_unstable();
    runtimes.dedup();
    let parts = [
        crowd::workloads(selection.replicas().iter()),
        crowd::count(selection.len()),
        runtimes.join(", "),
    ];
    let parts = parts.iter().map(|part| safe::text(part.trim(), Layout::Line));
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" · ") + "\n"
}

/// Takes clients until a signal comes, and sees them out.
async fn accept(
    server: &Arc<Server>,
    listener: Listener,
    signals: &mut Signals,
    console: &Console,
) {
    let (stop, stopped) = watch::channel(false);
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if clients.len() < MAX_CONNECTIONS => match accepted {
                Ok(stream) => {
                    clients.spawn(connection::serve(Arc::clone(server), stream, stopped.clone()));
                }
                Err(error) => {
                    console.tell(&format!("{}\n", Problem::failed(format!("cannot take a connection: {error}"))));
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = clients.join_next() => {
                if let Ok(Err(gone @ (Gone::Foreign(_) | Gone::Malformed(_)))) = ended {
                    console.tell(&format!("warning: a connection was dropped: {gone}\n"));
                }
            }
            () = signals.next() => break,
        }
    }
    drop(listener);
    // Without clients nobody hears it.
    let _ = stop.send(true);
    let ended = async { while clients.join_next().await.is_some() {} };
    tokio::select! {
        _ = timeout(GOOD_BYE, ended) => {}
        () = signals.next() => {}
    }
}

/// Waits until all that happened is recorded.
async fn end(server: Arc<Server>, members: Arc<Members>, console: &Console) -> Result<(), Problem> {
    console.tell(&members.warnings());
    drop(server);
    match Arc::into_inner(members) {
        Some(members) => members.close().await,
        // An evaluation that did not end in time records its own end.
        None => Ok(()),
    }
}

impl PlaceArgs {
    async fn listen(&self) -> Result<Listener, Problem> {
        match &self.socket {
            Some(path) => Listener::socket(path),
            None => Listener::port(self.port).await,
        }
    }

    fn token(&self) -> Result<Option<Token>, Problem> {
        if !self.token {
            return Ok(None);
        }
        let folder = state::folder().ok_or_else(|| {
            Problem::failed("there is no folder for the token").hint("set XDG_STATE_HOME or HOME")
        })?;
        Token::create(&folder).map(Some)
    }
}

impl NreplArgs {
    /// The lead, and what it can do; that it can do nothing more is told.
    async fn lead(
        &self,
        global: &Global,
        members: &Arc<Members>,
        console: &Console,
    ) -> Result<Option<Lead>, Problem> {
        let Some(name) = &self.place.lead else { return Ok(None) };
        let mut lead = Lead::new(name, self.attaching(global, members).await);
        if lead.among(&members.selection()).is_none() {
            return Err(Problem::usage(format!("no replica that was named is called {name}"))
                .hint("--lead is the name of one of them, as prepl targets shows it"));
        }
        if let Err(problem) = lead.learn().await {
            let why = &problem.message;
            console.tell(&format!("warning: {name} answers nothing by itself: {why}\n"));
        }
        Ok(Some(lead))
    }

    /// The members by an access that is good for tunnels, if there is such a one.
    async fn attaching(&self, global: &Global, members: &Arc<Members>) -> Arc<Members> {
        // The bundle of a fleet's folder is good for all that its user may.
        if global.fleet().is_some() {
            return Arc::clone(members);
        }
        let purpose = Purpose { mode: Mode::Attach, lasting: LASTING };
        let opened = Members::open(global, &self.select, self.target.clone(), purpose).await;
        opened.map_or_else(|_| Arc::clone(members), Arc::new)
    }
}

/// Ctrl-C, and the other ways to end a process well.
struct Signals([Signal; 3]);

impl Signals {
    fn listen() -> Result<Signals, Problem> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        let wrong = |error: std::io::Error| Problem::of(&error);
        Ok(Signals([interrupt.map_err(wrong)?, terminate.map_err(wrong)?, hangup.map_err(wrong)?]))
    }

    async fn next(&mut self) {
        let Signals([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;
    use prepl_core::InterruptStrength;

    fn runtime(version: &str) -> Description {
        Description {
            sidecar_version: "1".into(),
            driver: "nrepl".into(),
            language: "clojure".into(),
            runtime_version: version.into(),
            interrupt: InterruptStrength::None,
            read_only: None,
            loaded: Vec::new(),
        }
    }

    #[test]
    fn whom_an_editor_speaks_to_is_one_line() {
        let selection = Selection::of(example::api_fleet(3));
        let same = [runtime("1.12.6"), runtime("1.12.6")];
        assert_eq!(who(&selection, &same), "api · 3 replicas · clojure 1.12.6\n");
        let mixed = who(&selection, &[runtime("1.12.6"), runtime("1.11\u{1b}")]);
        assert_eq!(mixed, "api · 3 replicas · clojure 1.11\\x1b, clojure 1.12.6\n");
        assert_eq!(who(&selection, &[]), "api · 3 replicas\n");
    }
}
