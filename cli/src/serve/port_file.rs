//! `.nrepl-port`: where editors look for the port of a server in the folder they work in.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::problem::Problem;

/// The name that editors know.
const NAME: &str = ".nrepl-port";
/// How long a server takes to take a connection, if there is one.
const PATIENCE: Duration = Duration::from_millis(500);
/// A file of a port has no more bytes.
const MAX_BYTES: u64 = 16;

/// The file, while the server is there.
#[derive(Debug)]
pub struct PortFile {
    path: PathBuf,
    port: u16,
}

impl PortFile {
    /// Writes the port; that of another server that is still there stays.
    pub fn write(folder: &Path, port: u16) -> Result<PortFile, Problem> {
        let path = folder.join(NAME);
        if let Some(other) = read(&path)
            && is_served(other)
        {
            return Err(Problem::failed(format!(
                "{NAME} here is that of a server on port {other}; it stays"
            ))
            .hint("tell your editor the port, or start in another folder"));
        }
        let wrong = |error| Problem::failed(format!("cannot write {}: {error}", path.display()));
        // Whatever it is that stands there, a link too, is replaced and not written through.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(wrong(error)),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        file.and_then(|mut file| write!(file, "{port}")).map_err(wrong)?;
        Ok(PortFile { path, port })
    }
}

impl Drop for PortFile {
    /// Takes it away, unless another server has written its own meanwhile.
    fn drop(&mut self) {
        if read(&self.path) == Some(self.port) {
            // A folder that went away took it along.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The port in a file; what is no file, a link too, is not opened.
fn read(path: &Path) -> Option<u16> {
    std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn is_served(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, PATIENCE).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_port_stands_there_while_the_server_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let file = PortFile::write(folder.path(), 7).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "7");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn that_of_a_living_server_stays_and_that_of_a_dead_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = other.local_addr().unwrap().port();
        std::fs::write(&path, format!("{port}\n")).unwrap();
        let problem = PortFile::write(folder.path(), 7).unwrap_err();
        assert!(problem.message.contains(&format!("a server on port {port}")), "{problem}");
        assert_eq!(read(&path), Some(port));
        drop(other);
        let file = PortFile::write(folder.path(), 7).unwrap();
        std::fs::write(&path, "8").unwrap();
        drop(file);
        assert_eq!(read(&path), Some(8));
    }

    #[test]
    fn what_is_no_port_is_replaced_and_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join(NAME), folder.path().join("other"));
        std::fs::write(&other, "x".repeat(99)).unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        let _file = PortFile::write(folder.path(), 7).unwrap();
        assert_eq!(read(&path), Some(7));
        assert_eq!(std::fs::metadata(&other).unwrap().len(), 99);
    }

    #[test]
    fn a_device_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join(NAME)).unwrap();
        let _file = PortFile::write(folder.path(), 7).unwrap();
        assert_eq!(read(&folder.path().join(NAME)), Some(7));
    }
}
