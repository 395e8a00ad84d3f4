//! `prepl port-forward`: a local port that leads to one replica's REPL.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use prepl_core::selection::Pattern;
use prepl_core::{ExitCode, Replica, Selection};
use prepl_crd::Mode;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::ctrl_c;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::command::Global;
use crate::console::Console;
use crate::problem::Problem;
use crate::reach::{self, LASTING, Purpose, Reach};
use crate::render::safe::{self, Layout};
use crate::select::{self, SelectArgs};

/// Connections at a time; a sidecar takes fewer, and says so.
const MAX_CONNECTIONS: usize = 64;
/// After a failed accept (no file handle left) there is no use in trying at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a REPL may take to close a connection on which nothing was said.
const GOOD_BYE: Duration = Duration::from_secs(1);
/// Names of replicas in an error.
const NAMED: usize = 3;

/// Forward a local port to one replica's REPL, for an editor or any other REPL client
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl port-forward api-1                     a free port, which is printed
  prepl port-forward pod/api-1 7888 -n shop    local port 7888
  prepl port-forward deploy/api --pick 1       any one of them

Serves on 127.0.0.1 until Ctrl-C; each connection is a tunnel of its own. It needs the right
`attach` of a cluster, the role admin of a local fleet: nothing limits what is evaluated there.

Exit codes: 0 ended by Ctrl-C, 1 the port is taken or no gateway answers, 2 several replicas,
3 nothing matched, 4 denied, 7 the replica or its REPL cannot be reached, or has no REPL")]
pub struct PortForwardArgs {
    /// TYPE/NAME, or a replica's name; it must mean one replica
    #[arg(value_name = "POD|TYPE/NAME")]
    target: Pattern,
    /// Local port; without it, a free one
    #[arg(value_name = "LOCAL", default_value = "0", hide_default_value = true)]
    local: LocalPort,
    #[command(flatten)]
    select: SelectArgs,
}

/// A port of this machine; 0 is a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LocalPort(u16);

impl FromStr for LocalPort {
    type Err = String;

    /// Reads `7888`, and as kubectl's users write them `7888:` and `:`.
    fn from_str(text: &str) -> Result<LocalPort, String> {
        match text.split_once(':') {
            Some((_, remote)) if !remote.is_empty() => {
                Err("the other end is the replica's REPL; write the local port alone".to_owned())
            }
            Some(("", _)) => Ok(LocalPort(0)),
            split => {
                let port = split.map_or(text, |(local, _)| local).parse();
                port.map(LocalPort).map_err(|_| "a port is a number up to 65535".to_owned())
            }
        }
    }
}

/// Serves until Ctrl-C.
pub fn run(args: &PortForwardArgs, global: &Global) -> Result<u8, Problem> {
    let mut console = Console::detect(global.color);
    let runtime = reach::runtime()?;
    let served = runtime.block_on(forward(args, global, &mut console));
    runtime.shutdown_background();
    served.map(|()| ExitCode::Ok.number())
}

async fn forward(
    args: &PortForwardArgs,
    global: &Global,
    console: &mut Console,
) -> Result<(), Problem> {
    let purpose = Purpose { mode: Mode::Attach, lasting: LASTING };
    let reach = Reach::open(global, &args.select.scope(), purpose).await?;
    let query = args.select.query(Some(args.target.clone()));
    let selection = reach.resolve(&query)?;
    console.tell(&select::warnings(&query, reach.replicas()));
    let replica = only(&selection)?.clone();
    let probed = probe(&reach, &replica).await;
    console.tell(&reach.warnings());
    let driver = probed?;
    let listener = listen(args.local).await?;
    let address = listener.local_addr().map_err(|error| Problem::of(&error))?;
    let (name, driver) = (shown(&replica.id.to_string()), shown(&driver));
    console.answer(&format!("Forwarding from {address} to {name} ({driver})\n"));
    console.written()?;
    console.tell(&hint(&driver, address));
    let forward = Forward { reach: Arc::new(reach), replica: Arc::new(replica) };
    let ended = tokio::select! {
        ended = forward.serve(listener, console) => Err(ended),
        interrupted = ctrl_c() => interrupted.map_err(|error| Problem::of(&error)),
    };
    // The connections ended with the serving.
    if let Some(reach) = Arc::into_inner(forward.reach) {
        reach.close().await?;
    }
    ended
}

/// The one selected replica.
fn only(selection: &Selection) -> Result<&Replica, Problem> {
    let replicas = selection.replicas();
    let [first, _, ..] = replicas else {
        // A selection is never empty.
        return replicas.first().ok_or_else(|| Problem::nothing_matched("no replica matched"));
    };
    let named = replicas.iter().take(NAMED).map(|replica| replica.id.to_string());
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match replicas.len().saturating_sub(NAMED) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let all = replicas.len();
    Err(Problem::usage(format!("a port leads to one replica, and {all} match: {named}{more}"))
        .hint(format!("name one, for example pod/{}, or let --pick 1 choose", first.id.name)))
}

/// Opens a tunnel and closes it: there is a right and a REPL before anybody connects. Gives the
/// protocol that is spoken there.
async fn probe(reach: &Reach, replica: &Replica) -> Result<Arc<str>, Problem> {
    let tunnel = reach.attach(replica).await?;
    let driver = tunnel.driver();
    tunnel.close(GOOD_BYE).await;
    Ok(driver)
}

async fn listen(local: LocalPort) -> Result<TcpListener, Problem> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, local.0));
    TcpListener::bind(address).await.map_err(|error| {
        Problem::failed(format!("cannot listen on {address}: {error}"))
            .hint("name another port, or none for a free one")
    })
}

fn hint(driver: &str, address: SocketAddr) -> String {
    let port = address.port();
    let how = match driver {
        "nrepl" => format!("connect an nREPL client, for example: lein repl :connect {port}"),
        "clojure" => format!("connect with: nc 127.0.0.1 {port}"),
        _ => format!("connect to 127.0.0.1:{port}"),
    };
    format!("hint: {how}\n")
}

fn shown(text: &str) -> String {
    safe::text(text, Layout::Line)
}

/// Leads local connections to one replica.
#[derive(Clone)]
struct Forward {
    reach: Arc<Reach>,
    replica: Arc<Replica>,
}

impl Forward {
    /// Serves until the right to it is gone, which is what it gives.
    async fn serve(&self, listener: TcpListener, console: &Console) -> Problem {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                    match accepted {
                        Ok((local, _)) => {
                            connections.spawn(self.clone().lead(local));
                        }
                        Err(error) => {
                            console.tell(&told(&lost(&error)));
                            sleep(ACCEPT_PAUSE).await;
                        }
                    }
                }
                Some(ended) = connections.join_next() => {
                    match ended {
                        Ok(Err(problem)) if problem.code == ExitCode::Denied => return problem,
                        Ok(Err(problem)) => console.tell(&told(&problem)),
                        Ok(Ok(())) | Err(_) => {}
                    }
                }
            }
        }
    }

    async fn lead(self, local: TcpStream) -> Result<(), Problem> {
        let tunnel = self.reach.attach(&self.replica).await?;
        tunnel.carry(local).await.map_err(|broke| Problem::of(&broke))
    }
}

fn lost(error: &io::Error) -> Problem {
    Problem::failed(format!("cannot take a connection: {error}"))
}

fn told(problem: &Problem) -> String {
    format!("{problem}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    #[test]
    fn a_local_port_is_a_number_and_never_names_the_other_end() {
        let port = |text: &str| text.parse::<LocalPort>();
        for (text, number) in [("7888", 7888), ("7888:", 7888), (":", 0), ("0", 0)] {
            assert_eq!(port(text), Ok(LocalPort(number)), "{text}");
        }
        assert!(port("7888:7888").unwrap_err().contains("local port alone"));
        for text in ["", "x", "65536", "-1", "x:"] {
            assert!(port(text).is_err(), "{text}");
        }
    }

    #[test]
    fn several_replicas_are_a_wrong_use_that_names_some() {
        let of = |count| Selection::of(example::api_fleet(count));
        assert_eq!(only(&of(1)).unwrap().id.to_string(), "shop/api-6f7c9-00");
        let problem = only(&of(5)).unwrap_err();
        assert_eq!(problem.code, ExitCode::Usage);
        insta::assert_snapshot!(problem, @r"
        error: a port leads to one replica, and 5 match: shop/api-6f7c9-00, shop/api-6f7c9-01, shop/api-6f7c9-02 and 2 more
        hint: name one, for example pod/api-6f7c9-00, or let --pick 1 choose
        ");
    }
}
