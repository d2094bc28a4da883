//! Which addresses are the hospital's own.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnetwork::IpNetwork;

/// What counts as inside.
///
/// Given by the facility file, or, without one, inferred: private addresses (RFC 1918, RFC 4193), link-local
/// ones, and those global prefixes whose addresses were seen to speak on the wire themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inside {
    prefixes: Vec<IpNetwork>,
    given: bool,
    /// Of a view from outside: the addresses that are the facility's though they are global.
    faces: BTreeSet<IpAddr>,
    /// Of a view from outside: the addresses of whoever looks, which are outside whatever the prefixes say.
    lookers: BTreeSet<IpAddr>,
}

impl Inside {
    /// The prefixes that a facility file gives. An empty list gives none and is inferred.
    pub fn given(mut prefixes: Vec<IpNetwork>) -> Self {
        prefixes.sort();
        prefixes.dedup();
        Self { given: !prefixes.is_empty(), prefixes, ..Self::default() }
    }

    /// The private ranges, and `on_link` besides.
    pub fn inferred(on_link: impl IntoIterator<Item = IpNetwork>) -> Self {
        let mut prefixes: Vec<IpNetwork> = on_link.into_iter().collect();
        prefixes.sort();
        prefixes.dedup();
        Self { prefixes, ..Self::default() }
    }

    /// What counts as inside to who looks from the Internet: also `faces`, the facility's addresses there that answered,
    /// and not `lookers`, the addresses that were looked from.
    pub fn seen_from_outside(&self, faces: BTreeSet<IpAddr>, lookers: BTreeSet<IpAddr>) -> Self {
        Self { faces, lookers, ..self.clone() }
    }

    /// Whether `address` is one of the facility's in the Internet, and this the view from there.
    pub fn faces(&self, address: IpAddr) -> bool {
        self.faces.contains(&address)
    }

    /// Whether the facility file gave it.
    pub fn is_given(&self) -> bool {
        self.given
    }

    /// The prefixes that are inside besides the private ranges, or alone when they were given.
    pub fn prefixes(&self) -> &[IpNetwork] {
        &self.prefixes
    }

    /// Whether `address` is inside. Addresses that lead nowhere (groups, loopback, link-local) are.
    pub fn contains(&self, address: IpAddr) -> bool {
        if self.faces.contains(&address) {
            return true;
        }
        if self.lookers.contains(&address) {
            return false;
        }
        if is_nowhere(address) || self.prefixes.iter().any(|prefix| prefix.contains(address)) {
            return true;
        }
        !self.given && !is_global(address)
    }

    /// Whether `address` is outside, and one that a packet can travel to.
    pub fn is_outside(&self, address: IpAddr) -> bool {
        !self.contains(address)
    }
}

/// Whether packets to `address` never leave the wire, or are no machine's: unspecified, loopback,
/// link-local, groups, broadcast.
pub fn is_nowhere(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_unspecified()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.octets()[0] == 0
                || v4 == Ipv4Addr::BROADCAST
        }
        IpAddr::V6(v6) => {
            v6.is_unspecified()
                || v6.is_loopback()
                || v6.is_multicast()
                || v6.is_unicast_link_local()
        }
    }
}

/// Whether `address` belongs to the Internet at large: neither private (RFC 1918, RFC 4193) nor nowhere. The
/// carriers' shared range (RFC 6598) is not a hospital's, and counts as outside.
pub fn is_global(address: IpAddr) -> bool {
    match address {
        _ if is_nowhere(address) => false,
        IpAddr::V4(v4) => !v4.is_private(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_global(v4.into()),
            None => !is_unique_local(v6),
        },
    }
}

fn is_unique_local(address: Ipv6Addr) -> bool {
    address.octets()[0] & 0xfe == 0xfc
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn private_addresses_are_inside_until_a_file_says_otherwise() {
        let inferred = Inside::inferred([]);
        assert!(inferred.contains(at("10.1.2.3")) && inferred.contains(at("fd00::1")));
        assert!(inferred.is_outside(at("203.0.113.9")) && inferred.is_outside(at("100.64.0.1")));
        let given = Inside::given(vec!["10.10.0.0/16".parse().unwrap()]);
        assert!(given.contains(at("10.10.9.9")) && given.is_outside(at("172.30.0.1")));
        assert!(given.contains(at("224.0.0.5")), "a group is nowhere else");
    }

    #[test]
    fn from_outside_the_facilitys_own_addresses_are_inside_and_who_looks_is_not() {
        let inside = Inside::inferred([]);
        let view = inside.seen_from_outside([at("203.0.113.2")].into(), [at("192.168.1.5")].into());
        assert!(view.contains(at("203.0.113.2")) && view.faces(at("203.0.113.2")));
        assert!(view.is_outside(at("203.0.113.3")) && view.is_outside(at("192.168.1.5")));
        assert!(view.contains(at("10.1.2.3")), "what a box tells of its other side stays inside");
        assert!(inside.is_outside(at("203.0.113.2")) && !inside.faces(at("203.0.113.2")));
    }

    #[test]
    fn global_prefixes_seen_on_the_wire_are_inside() {
        let inside = Inside::inferred(["198.51.100.0/24".parse().unwrap()]);
        assert!(inside.contains(at("198.51.100.7")) && inside.is_outside(at("203.0.113.7")));
        assert!(!inside.is_given());
    }
}
