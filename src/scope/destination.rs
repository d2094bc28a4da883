//! Whither a forward question is addressed where the facility has no responder: well-known global addresses.
//!
//! They never receive anything: at a time to live of 1 or 2 the packet ends before it is anywhere near. They are
//! addresses that a router has an ordinary route for and that no box drops as invalid, which the ranges kept for
//! documentation (RFC 5737) are not. The next one is for where the first has no route.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 destinations, best first: the root name server A (IANA, root servers; unchanged since it was named), and two
/// resolvers that are open to everybody, each announced from many places.
pub const DESTINATIONS_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(198, 41, 0, 4), Ipv4Addr::new(8, 8, 8, 8), Ipv4Addr::new(1, 1, 1, 1)];

/// IPv6 destinations, best first: the root name server A, and an open resolver.
pub const DESTINATIONS_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 0x2, 0x30),
    Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888),
];

/// Whether `address` is one of the lists'.
pub fn is_destination(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => DESTINATIONS_V4.contains(&v4),
        IpAddr::V6(v6) => DESTINATIONS_V6.contains(&v6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::inside::is_global;

    #[test]
    fn every_destination_is_global_and_written_as_its_source_writes_it() {
        let written = DESTINATIONS_V4.map(|address| address.to_string());
        assert_eq!(written, ["198.41.0.4", "8.8.8.8", "1.1.1.1"]);
        let written = DESTINATIONS_V6.map(|address| address.to_string());
        assert_eq!(written, ["2001:503:ba3e::2:30", "2001:4860:4860::8888"]);
        let all =
            DESTINATIONS_V4.map(IpAddr::V4).into_iter().chain(DESTINATIONS_V6.map(IpAddr::V6));
        assert!(all.into_iter().all(|address| is_global(address) && is_destination(address)));
        assert!(!is_destination(Ipv4Addr::new(192, 0, 2, 1).into()));
    }
}
