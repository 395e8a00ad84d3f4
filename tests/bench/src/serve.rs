//! The other end: what this program does in a process that is measured.
//!
//! One thread, as `prepl-sidecar` has, whether there is one server or a thousand.

use std::future::{Future, pending};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;

use prepl_sidecar::args::{Serve, Source};
use prepl_sidecar::run::bind;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::net::unix::pipe;

use crate::args::{Role, Servers};
use crate::fleet::bundle_path;
use crate::{Failure, floor, stub};

/// Serves until standard input closes: with whoever started it.
pub fn run(role: &Role) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let addresses = match role {
            Role::ServeSidecars(servers) => start_all(servers, start_sidecar).await?,
            Role::ServeFloor(servers) => start_all(servers, start_floor).await?,
            Role::ServeRepl { stalling } => vec![start_repl(*stalling).await?],
        };
        tell(&addresses)?;
        until_stdin_closes().await
    })
}

/// Any free port of loopback.
pub const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn start_all<F>(
    servers: &Servers,
    start: impl Fn(Servers, usize) -> F,
) -> Result<Vec<SocketAddr>, Failure>
where
    F: Future<Output = Result<SocketAddr, Failure>>,
{
    let mut addresses = Vec::with_capacity(servers.count);
    for number in servers.first..servers.first + servers.count {
        addresses.push(start(servers.clone(), number).await?);
    }
    Ok(addresses)
}

async fn start_sidecar(servers: Servers, number: usize) -> Result<SocketAddr, Failure> {
    let bundle = bundle_path(&servers.folder, number);
    let args = Serve {
        source: Source::of_bundle(bundle),
        listen: ANY_PORT,
        repl: servers.repl.into(),
        roots: Vec::new(),
    };
    let bound = bind(&args).await?;
    let address = bound.address()?;
    tokio::spawn(bound.serve(pending()));
    Ok(address)
}

async fn start_floor(servers: Servers, number: usize) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind(ANY_PORT).await?;
    let address = listener.local_addr()?;
    floor::serve(listener, &bundle_path(&servers.folder, number))?;
    Ok(address)
}

async fn start_repl(stalling: bool) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind(ANY_PORT).await?;
    let address = listener.local_addr()?;
    tokio::spawn(stub::serve(listener, stalling));
    Ok(address)
}

fn tell(addresses: &[SocketAddr]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    addresses.iter().try_for_each(|address| writeln!(out, "{address}"))?;
    Ok(out.flush()?)
}

/// Without a thread that waits: it would count in the sidecar's memory.
async fn until_stdin_closes() -> Result<(), Failure> {
    let stdin = std::io::stdin().as_fd().try_clone_to_owned()?;
    pipe::Receiver::from_owned_fd(stdin)?.read_to_end(&mut Vec::new()).await?;
    Ok(())
}
