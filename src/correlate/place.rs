//! Where an address lies, as far as that tells what a way leads to.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

use crate::scope::{
    Inside,
    inside::{is_global, is_nowhere},
};

/// What is reached by going to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The hospital's own network.
    Inside,
    /// Somebody else's that is not on the Internet: private addresses (RFC 1918, RFC 4193), or those that carriers share
    /// (RFC 6598).
    Closed,
    /// The Internet.
    Internet,
}

impl Place {
    /// Where `address` lies.
    pub(super) fn of(address: IpAddr, inside: &Inside) -> Self {
        if inside.contains(address) {
            Self::Inside
        } else if is_internet(address) {
            Self::Internet
        } else {
            Self::Closed
        }
    }
}

/// Whether `address` is on the Internet itself, and not in the range that carriers share.
pub(super) fn is_internet(address: IpAddr) -> bool {
    is_global(address) && !is_shared(address)
}

/// Whether `address` is in the range that carriers share behind their own address translation (RFC 6598).
pub(super) fn is_shared(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64)
}

/// Whether it is known which IPv6 addresses are the hospital's. Every host of a link has a global one when a router
/// there offers it: that shows the router, not the host.
pub(super) fn knows_ipv6(inside: &Inside) -> bool {
    inside.is_given() && inside.prefixes().iter().any(IpNetwork::is_ipv6)
}

/// Whether `other` is in a network that `host`'s hospital does not have; with nothing given, in one whose first half
/// differs.
pub(super) fn is_elsewhere(host: IpAddr, other: IpAddr, inside: &Inside) -> bool {
    match (host, other) {
        _ if is_nowhere(other) => false,
        (_, IpAddr::V6(_)) if !knows_ipv6(inside) => false,
        _ if inside.is_outside(other) => true,
        (IpAddr::V4(_), IpAddr::V4(_)) if !inside.is_given() => !is_near(host, other, 16),
        _ => false,
    }
}

/// Whether two addresses of one version agree in their first `bits`.
pub(super) fn is_near(one: IpAddr, other: IpAddr, bits: u32) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let differ = one.to_bits() ^ other.to_bits();
            differ.leading_zeros() >= bits.min(32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let differ = one.to_bits() ^ other.to_bits();
            differ.leading_zeros() >= bits.min(128)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_that_is_not_the_hospitals_is_closed_or_the_internet() {
        let given = Inside::given(vec!["10.10.0.0/16".parse().unwrap()]);
        let of = |text| Place::of(at(text), &given);
        assert_eq!(of("10.10.3.2"), Place::Inside);
        assert_eq!(of("172.31.0.1"), Place::Closed);
        assert_eq!(of("100.64.0.1"), Place::Closed);
        assert_eq!(of("198.41.0.4"), Place::Internet);
        let inferred = Inside::inferred([]);
        assert_eq!(Place::of(at("172.31.0.1"), &inferred), Place::Inside);
    }

    #[test]
    fn nearness_is_counted_in_bits_and_never_between_versions() {
        assert!(is_near(at("203.0.113.1"), at("203.0.7.9"), 16));
        assert!(!is_near(at("203.0.113.1"), at("203.1.113.1"), 16));
        assert!(is_near(at("2001:db8::1"), at("2001:db8:ffff::1"), 32));
        assert!(!is_near(at("203.0.113.1"), at("2001:db8::1"), 0));
        assert!(is_near(at("203.0.113.1"), at("203.0.113.1"), 200));
    }
}
