//! Where the runtime's REPL is, and what may be told of it: the URL that `--repl` gives.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use prepl_core::read_only::{BadFunction, Function};

/// A REPL as its URL names it: `nrepl://127.0.0.1:7888?read-only=shop.db/read-only`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repl {
    /// Where it is.
    pub endpoint: Endpoint,
    /// The app's function for read-only evaluations; none for `rhai:`, which needs none.
    pub read_only: Option<Function>,
}

impl From<Endpoint> for Repl {
    fn from(endpoint: Endpoint) -> Repl {
        Repl { endpoint, read_only: None }
    }
}

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
    /// A setting that no such REPL has.
    #[error(
        "{0:?} is no setting of this REPL; nrepl: and clojure: have one, read-only=NAMESPACE/NAME"
    )]
    Setting(String),
    /// No name of a function.
    #[error("read-only={0:?} {1}")]
    Function(String, BadFunction),
}

impl Endpoint {
    /// Where the app listens; nowhere for the sidecar's own engine.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Endpoint::Nrepl(address) | Endpoint::Clojure(address) => Some(*address),
            Endpoint::Rhai => None,
        }
    }

    /// Name of the driver.
    pub fn driver(&self) -> &'static str {
        match self {
            Endpoint::Nrepl(_) => "nrepl",
            Endpoint::Clojure(_) => "clojure",
            Endpoint::Rhai => "rhai",
        }
    }
}

impl FromStr for Repl {
    type Err = BadEndpoint;

    fn from_str(url: &str) -> Result<Repl, BadEndpoint> {
        let (place, setting) = match url.split_once('?') {
            Some((place, setting)) => (place, Some(setting)),
            None => (url, None),
        };
        let endpoint: Endpoint = place.parse()?;
        let read_only = setting.map(|setting| function(endpoint, setting)).transpose()?;
        Ok(Repl { endpoint, read_only })
    }
}

fn function(endpoint: Endpoint, setting: &str) -> Result<Function, BadEndpoint> {
    match (endpoint, setting.strip_prefix("read-only=")) {
        (Endpoint::Nrepl(_) | Endpoint::Clojure(_), Some(name)) => {
            name.parse().map_err(|bad| BadEndpoint::Function(name.to_owned(), bad))
        }
        _ => Err(BadEndpoint::Setting(setting.to_owned())),
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
    fn a_clojure_repl_may_have_a_function_for_read_only_evaluations() {
        let read = |url: &str| url.parse::<Repl>();
        for url in
            ["nrepl://127.0.0.1:1?read-only=a.b/c?", "clojure://127.0.0.1:1/?read-only=a.b/c?"]
        {
            assert_eq!(read(url).unwrap().read_only, "a.b/c?".parse().ok(), "{url}");
        }
        assert_eq!(read("nrepl://127.0.0.1:1").unwrap().read_only, None);
        for url in ["rhai:?read-only=a/b", "nrepl://127.0.0.1:1?", "nrepl://127.0.0.1:1?write=a/b"]
        {
            assert!(matches!(read(url), Err(BadEndpoint::Setting(_))), "{url}");
        }
        for name in ["", "c", "a/b&x=1", "a/(b)", "a/b\"", "a b/c"] {
            let url = format!("nrepl://127.0.0.1:1?read-only={name}");
            assert!(matches!(read(&url), Err(BadEndpoint::Function(..))), "{url}");
        }
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
