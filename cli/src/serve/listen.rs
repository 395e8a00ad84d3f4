//! Where clients connect: a port of loopback, or a socket in a folder of the user's own.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use crate::problem::Problem;

/// A connection of either kind.
pub type Stream = Box<dyn Both + Send + Unpin>;

/// What is read and written.
pub trait Both: AsyncRead + AsyncWrite {}

impl<T: AsyncRead + AsyncWrite> Both for T {}

/// A place where clients connect.
#[derive(Debug)]
pub enum Listener {
    /// A port of 127.0.0.1.
    Port(TcpListener, u16),
    /// A socket that its user alone can reach.
    Socket(UnixListener, SocketFile),
}

/// The file of a socket, which goes away with it.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Listener {
    /// On a port of 127.0.0.1; 0 is a free one.
    pub async fn port(port: u16) -> Result<Listener, Problem> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let wrong = |error: io::Error| {
            Problem::failed(format!("cannot listen on {address}: {error}"))
                .hint("name another port, or none for a free one")
        };
        let listener = TcpListener::bind(address).await.map_err(wrong)?;
        let port = listener.local_addr().map_err(wrong)?.port();
        Ok(Listener::Port(listener, port))
    }

    /// On a socket at this path, whose folder others must not enter; it is made if it is missing.
    pub fn socket(path: &Path) -> Result<Listener, Problem> {
        let wrong = |error: io::Error| {
            Problem::failed(format!("cannot listen on {}: {error}", path.display()))
        };
        private_folder(path)?;
        take_away_a_dead_one(path)?;
        let listener = UnixListener::bind(path).map_err(wrong)?;
        let file = SocketFile(path.to_owned());
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(wrong)?;
        Ok(Listener::Socket(listener, file))
    }

    /// The next client.
    pub async fn accept(&self) -> io::Result<Stream> {
        Ok(match self {
            Listener::Port(listener, _) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Listener::Socket(listener, _) => Box::new(listener.accept().await?.0),
        })
    }
}

/// The folder is the user's, and nobody else's to enter: that keeps others from the socket.
fn private_folder(path: &Path) -> Result<(), Problem> {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Err(Problem::usage("the path of the socket names no file")),
    };
    let shown = folder.display();
    let wrong =
        |error: io::Error| Problem::failed(format!("cannot use the folder {shown}: {error}"));
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(wrong(error)),
        _ => {}
    }
    let found = std::fs::metadata(folder).map_err(wrong)?;
    // Whoever can make a socket in a folder of one user alone is that user, or root.
    if found.permissions().mode() & 0o077 != 0 {
        return Err(Problem::usage(format!("others may enter the folder {shown}"))
            .hint("name a socket in a folder of mode 0700; a missing folder is made so"));
    }
    Ok(())
}

fn take_away_a_dead_one(path: &Path) -> Result<(), Problem> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let shown = path.display();
    if !found.file_type().is_socket() {
        return Err(Problem::usage(format!("{shown} is there already, and is no socket")));
    }
    if UnixStream::connect(path).is_ok() {
        return Err(Problem::failed(format!("another server listens on {shown}")));
    }
    let removed = std::fs::remove_file(path);
    removed.map_err(|error| Problem::failed(format!("cannot take away {shown}: {error}")))
}

impl SocketFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A folder that went away took it along.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_its_users_alone_and_goes_away_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("private/s");
        let listener = Listener::socket(&path).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let problem = Listener::socket(&path).unwrap_err();
        assert!(problem.message.contains("another server"), "{problem}");
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_another_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("private/s");
        std::fs::DirBuilder::new().mode(0o700).create(path.parent().unwrap()).unwrap();
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(Listener::socket(&path).is_ok());
        std::fs::write(&path, "precious").unwrap();
        let problem = Listener::socket(&path).unwrap_err();
        assert!(problem.message.contains("no socket"), "{problem}");
        assert!(path.exists());
    }

    #[tokio::test]
    async fn a_folder_that_others_may_enter_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let open = std::fs::Permissions::from_mode(0o750);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let problem = Listener::socket(&folder.path().join("s")).unwrap_err();
        assert!(problem.to_string().contains("mode 0700"), "{problem}");
    }
}
