//! Addresses of this machine that no other test uses.

use std::net::{Ipv4Addr, TcpListener};

/// Whoever listens here has the subnet.
const CLAIM_PORT: u16 = 7069;

/// 127.64.N.0/24, as long as it is held: well-known ports are free on each of its addresses, as
/// on the addresses of pods.
#[derive(Debug)]
pub struct Subnet {
    number: u8,
    _claim: TcpListener,
}

impl Subnet {
    /// Takes the first that is free.
    pub fn claim() -> Subnet {
        let claimed = (0..=u8::MAX).find_map(|number| {
            let claim = TcpListener::bind((address(number, 1), CLAIM_PORT)).ok()?;
            Some(Subnet { number, _claim: claim })
        });
        claimed
            .expect("a subnet that no test holds; loopback has all of 127.0.0.0/8 on Linux alone")
    }

    /// The address with this number, 2 to 254.
    pub fn host(&self, number: u8) -> Ipv4Addr {
        address(self.number, number)
    }
}

fn address(subnet: u8, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 64, subnet, host)
}
