//! Web addresses that stay on this machine.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// An `http://` address on loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loopback {
    /// What the `Host` header says.
    pub(super) authority: String,
    /// The path with its query, from `/`.
    pub(super) path: String,
    /// Where to dial, in this order. Only numbers: no name is ever resolved.
    pub(super) dial: Vec<SocketAddr>,
}

impl Loopback {
    /// Reads `http://127.0.0.1`, `http://localhost` or `http://[::1]`, with a port or 80.
    pub(super) fn read(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        let rest = rest.split('#').next()?;
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        // A request line is one line of visible ASCII.
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        Some(Self {
            authority: authority.to_owned(),
            path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
            dial: addresses(authority)?,
        })
    }
}

fn addresses(authority: &str) -> Option<Vec<SocketAddr>> {
    let four = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let six = |port| SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    if let Some(port) = authority.strip_prefix("127.0.0.1") {
        return Some(vec![four(read_port(port)?)]);
    }
    if let Some(port) = authority.strip_prefix("[::1]") {
        return Some(vec![six(read_port(port)?)]);
    }
    let port = read_port(authority.strip_prefix("localhost")?)?;
    Some(vec![four(port), six(port)])
}

fn read_port(text: &str) -> Option<u16> {
    if text.is_empty() {
        return Some(80);
    }
    let digits = text.strip_prefix(':')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_are_read() {
        let read = Loopback::read("http://localhost:8080?a=1#top").unwrap();
        assert_eq!(read.authority, "localhost:8080");
        assert_eq!(read.path, "/?a=1");
        assert_eq!(read.dial.len(), 2);
        assert_eq!(Loopback::read("http://127.0.0.1").unwrap().dial[0].port(), 80);
        assert_eq!(Loopback::read("http://[::1]:9/x").unwrap().dial[0].port(), 9);
    }

    #[test]
    fn everything_else_is_refused() {
        for url in [
            "",
            "https://127.0.0.1/",
            "http://10.0.0.1/",
            "http://127.0.0.1.example.org/",
            "http://127.0.0.1@example.org/",
            "http://localhost.example.org/",
            "http://user@localhost/",
            "http://169.254.169.254/",
            "http://0x7f000001/",
            "http://127.0.0.1:+80/",
            "http://127.0.0.1:99999/",
            "http://127.0.0.1:/",
            "http://127.0.0.1/a b",
            "http://127.0.0.1/\r\nX: 1",
            "http://127.0.0.1/é",
            "file:///etc/passwd",
        ] {
            assert_eq!(Loopback::read(url), None, "{url:?}");
        }
    }
}
