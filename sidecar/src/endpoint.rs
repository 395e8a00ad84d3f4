//! Where the runtime's REPL is: the URL that `--repl` gives.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// A REPL beside this sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `nrepl://127.0.0.1:7888`
    Nrepl(SocketAddr),
    /// `clojure://127.0.0.1:5555`, the plain socket REPL.
    Clojure(SocketAddr),
    /// `rhai:`, the sidecar's own engine.
    Rhai,
}

/// A REPL address that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// No known scheme.
    #[error("{0:?} names no REPL; write nrepl://127.0.0.1:7888, clojure://127.0.0.1:5555 or rhai:")]
    Scheme(String),
    /// No host and port behind the scheme.
    #[error("{0:?} has no address of the form HOST:PORT, for example 127.0.0.1:7888")]
    Address(String),
    /// Not a loopback address: what passes there is neither encrypted nor authenticated.
    #[error("{0} is not a loopback address; a sidecar speaks to a REPL on its own machine only")]
    NotLoopback(SocketAddr),
}

impl Endpoint {
    /// Name of the driver.
    pub fn driver(&self) -> &'static str {
        match self {
            Endpoint::Nrepl(_) => "nrepl",
            Endpoint::Clojure(_) => "clojure",
            Endpoint::Rhai => "rhai",
        }
    }
}

impl FromStr for Endpoint {
    type Err = BadEndpoint;

    fn from_str(url: &str) -> Result<Self, BadEndpoint> {
        match url.split_once(':') {
            Some(("rhai", "" | "//")) => Ok(Endpoint::Rhai),
            Some(("nrepl", rest)) => address(url, rest).map(Endpoint::Nrepl),
            Some(("clojure", rest)) => address(url, rest).map(Endpoint::Clojure),
            _ => Err(BadEndpoint::Scheme(url.to_owned())),
        }
    }
}

fn address(url: &str, rest: &str) -> Result<SocketAddr, BadEndpoint> {
    let bad = || BadEndpoint::Address(url.to_owned());
    let place = rest.strip_prefix("//").ok_or_else(bad)?.trim_end_matches('/');
    let (host, port) = place.rsplit_once(':').ok_or_else(bad)?;
    let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or_else(bad)?;
    let ip: IpAddr = match host {
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        "[::1]" => Ipv6Addr::LOCALHOST.into(),
        host => host.parse().map_err(|_| bad())?,
    };
    let address = SocketAddr::new(ip, port);
    ip.is_loopback().then_some(address).ok_or(BadEndpoint::NotLoopback(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_forms_are_read() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert_eq!("nrepl://127.0.0.1:7888".parse(), Ok(Endpoint::Nrepl(at("127.0.0.1:7888"))));
        assert_eq!("nrepl://localhost:7888/".parse(), Ok(Endpoint::Nrepl(at("127.0.0.1:7888"))));
        assert_eq!("clojure://[::1]:5555".parse(), Ok(Endpoint::Clojure(at("[::1]:5555"))));
        assert_eq!("rhai:".parse(), Ok(Endpoint::Rhai));
    }

    #[test]
    fn other_machines_and_nonsense_are_refused() {
        let bad = |text: &str| text.parse::<Endpoint>().unwrap_err();
        assert!(matches!(bad("nrepl://10.0.0.1:7888"), BadEndpoint::NotLoopback(_)));
        assert!(matches!(bad("http://127.0.0.1:1"), BadEndpoint::Scheme(_)));
        assert!(matches!(bad(""), BadEndpoint::Scheme(_)));
        for text in
            ["nrepl://127.0.0.1", "nrepl:127.0.0.1:1", "clojure://127.0.0.1:0", "nrepl://x:1"]
        {
            assert!(matches!(bad(text), BadEndpoint::Address(_)), "{text}");
        }
    }
}
