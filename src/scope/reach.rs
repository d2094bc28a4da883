//! How far targets may reach: private networks, and global ones that the facility says are its own.

use std::{net::IpAddr, sync::LazyLock};

use super::{Blocks, target};

/// The most IPv4 addresses in a row: a /8.
const MOST_V4: u64 = 1 << 24;
/// The most IPv6 addresses in a row: a /32. They are never counted through, only compared with.
const MOST_V6: u128 = 1 << 96;

/// Why something may not be a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is nobody's address.
    #[error("{0} is no host: it is unspecified, a group or a broadcast; leave it out")]
    Nobody(IpAddr),
    /// It is more than any hospital has.
    #[error("{first}-{last} is wider than a /{prefix}; write the networks that there are")]
    Wide {
        /// Where it begins.
        first: IpAddr,
        /// Where it ends.
        last: IpAddr,
        /// The shortest prefix that is taken.
        prefix: u8,
    },
    /// It belongs to the Internet at large.
    #[error(
        "{0} is a public address; if the network is the facility's own, name it in [scope] inside too"
    )]
    Public(IpAddr),
}

/// Addresses that no host has.
static NOBODY: LazyLock<Blocks> =
    LazyLock::new(|| known(&["0.0.0.0/8", "224.0.0.0/4", "255.255.255.255", "::", "ff00::/8"]));

/// Addresses that lead nowhere but into one's own networks (RFC 1918, 3927, 4193, 4291).
static PRIVATE: LazyLock<Blocks> = LazyLock::new(|| {
    let v4 = known(&["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"]);
    v4.union(&known(&["fc00::/7", "fe80::/10"])).union(&LOOPBACK)
});

/// Addresses that lead to this machine.
static LOOPBACK: LazyLock<Blocks> = LazyLock::new(|| known(&["127.0.0.0/8", "::1"]));

fn known(words: &[&str]) -> Blocks {
    target::blocks(words).expect("every word of these lists is read in a test")
}

/// Private, unique-local, link-local and loopback addresses.
pub fn private() -> &'static Blocks {
    &PRIVATE
}

/// Loopback addresses.
pub fn loopback() -> &'static Blocks {
    &LOOPBACK
}

/// Refuses targets that reach beyond private networks and `own`, the facility's.
pub fn check(targets: &Blocks, own: &Blocks) -> Result<(), Error> {
    if let Some(address) = targets.intersection(&NOBODY).first() {
        return Err(Error::Nobody(address));
    }
    let long = |(first, last): &(std::net::Ipv4Addr, std::net::Ipv4Addr)| {
        u64::from(last.to_bits() - first.to_bits()) >= MOST_V4
    };
    if let Some((first, last)) = targets.ranges_v4().find(long) {
        return Err(Error::Wide { first: first.into(), last: last.into(), prefix: 8 });
    }
    let long = |(first, last): &(std::net::Ipv6Addr, std::net::Ipv6Addr)| {
        last.to_bits() - first.to_bits() >= MOST_V6
    };
    if let Some((first, last)) = targets.ranges_v6().find(long) {
        return Err(Error::Wide { first: first.into(), last: last.into(), prefix: 32 });
    }
    let public = targets.minus(&PRIVATE).minus(own).first();
    public.map_or(Ok(()), |address| Err(Error::Public(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: &[&str], own: &[&str]) -> String {
        check(&known(words), &known(own))
            .map_or_else(|error| error.to_string(), |()| "taken".to_owned())
    }

    #[test]
    fn private_networks_are_taken_and_public_ones_need_to_be_ones_own() {
        for word in [
            "10.0.0.0/8",
            "172.31.255.255",
            "192.168.0.0/16",
            "127.0.0.1",
            "169.254.1.1",
            "fd00::/64",
            "fe80::1",
            "::1",
        ] {
            assert_eq!(told(&[word], &[]), "taken", "{word}");
        }
        for word in [
            "8.8.8.8",
            "172.32.0.1",
            "100.64.0.1",
            "203.0.113.0/24",
            "2001:db8::1",
            "9.255.255.255-10.0.0.1",
        ] {
            assert!(
                told(&[word], &[]).contains("is a public address; if the network is"),
                "{word}"
            );
        }
        assert_eq!(told(&["203.0.113.8/29"], &["203.0.113.0/24"]), "taken");
        assert!(
            told(&["203.0.113.0/24"], &["203.0.113.8/29"]).starts_with("203.0.113.0 is a public")
        );
    }

    #[test]
    fn groups_and_the_whole_world_are_never_taken() {
        for word in
            ["0.0.0.0", "224.0.0.5", "255.255.255.255", "ff02::1", "::", "0.0.0.0/0", "239.0.0.0/8"]
        {
            assert!(told(&[word], &["0.0.0.0/0", "::/0"]).contains("is no host"), "{word}");
        }
        assert!(told(&["10.0.0.0/7"], &["10.0.0.0/7"]).contains("is wider than a /8"));
        assert!(told(&["fd00::/31"], &[]).contains("is wider than a /32"));
    }
}
