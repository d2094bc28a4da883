//! Addresses in a cell: several, in ranges, with ports, masks and remarks; and hardware addresses in any notation.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use regex::Regex;

use super::tidy::tidy;
use crate::observe::Mac;

/// The most addresses, and hardware addresses, that one cell gives.
pub const MOST_ADDRESSES: usize = 256;

/// Hardware addresses: six pairs, three fours, two sixes, or twelve digits.
static HARDWARE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}|[0-9a-f]{2}(?: [0-9a-f]{2}){5}|[0-9a-f]{2}(?:\.[0-9a-f]{2}){5}|[0-9a-f]{4}(?:[.:-][0-9a-f]{4}){2}|[0-9a-f]{6}[-:.][0-9a-f]{6}|[0-9a-f]{12}",
    )
    .expect("the pattern is well-formed")
});

/// Every address in a cell, at most [`MOST_ADDRESSES`]. Ranges (`10.1.1.5-8`) are written out; a network
/// (`192.168.1.0/24`), a mask and addresses that no box has are left out.
pub fn addresses(text: &str) -> BTreeSet<IpAddr> {
    let text = tidy(text);
    let mut found = BTreeSet::new();
    version_4(&text, &mut found);
    for word in text.split(|c: char| !c.is_ascii_hexdigit() && c != ':' && c != '.') {
        if found.len() >= MOST_ADDRESSES {
            break;
        }
        let word = word.trim_end_matches('.');
        // `予備:2001:db8::5`
        let word = word.strip_prefix(':').filter(|rest| !rest.starts_with(':')).unwrap_or(word);
        let address = word.parse::<Ipv6Addr>().ok();
        let usable = |address: &Ipv6Addr| {
            word.matches(':').count() >= 2
                // What begins with zeros is no host, or an IPv4 address in another dress.
                && address.to_bits() >> 48 != 0
                && !address.is_multicast()
        };
        found.extend(address.filter(usable).map(IpAddr::V6));
    }
    found
}

/// Reads the IPv4 addresses of a text from the left, each with what may stand behind it.
fn version_4(text: &str, found: &mut BTreeSet<IpAddr>) {
    let mut rest = text;
    let mut before = None;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        before = rest.get(..at).and_then(|skipped| skipped.chars().next_back()).or(before);
        rest = rest.get(at..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        rest = tail;
        // Part of a name or of an IPv6 address.
        let apart = before
            .is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_'))
            && !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        before = run.chars().next_back();
        let Some(first) = dotted(run).filter(|_| apart) else { continue };
        if let Some((length, tail)) = behind(rest, &['/']) {
            if let Some(mask) = dotted(length) {
                rest = if mask.octets()[0] >= 128 && is_mask(mask) { tail } else { rest };
            } else if let Ok(length) = length.parse::<u32>() {
                rest = tail;
                if is_network(first, length) {
                    continue;
                }
            }
        } else if let Some((last, tail)) = behind(rest, &['-', '~']) {
            let last = dotted(last).or_else(|| {
                let last = last.parse::<u8>().ok()?;
                let [a, b, c, _] = first.octets();
                Some(Ipv4Addr::new(a, b, c, last))
            });
            if let Some(last) = last.filter(|last| *last >= first) {
                rest = tail;
                before = Some('.');
                let room = MOST_ADDRESSES.saturating_sub(found.len());
                let range = (first.to_bits()..=last.to_bits()).take(room).map(Ipv4Addr::from_bits);
                found.extend(range.filter(|address| is_usable(*address)).map(IpAddr::V4));
                continue;
            }
        }
        if is_usable(first) && found.len() < MOST_ADDRESSES {
            found.insert(IpAddr::V4(first));
        }
    }
}

/// The run of digits and dots behind one of these marks, and what follows it.
fn behind<'a>(rest: &'a str, marks: &[char]) -> Option<(&'a str, &'a str)> {
    let rest = rest.trim_start_matches(' ').strip_prefix(marks)?.trim_start_matches(' ');
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    (end > 0).then(|| rest.split_at(end))
}

/// Four numbers with dots between them, also with zeros before them; a dot at the end of a sentence does not count.
fn dotted(run: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = run.strip_suffix('.').unwrap_or(run).split('.');
    for octet in &mut octets {
        let part = parts.next().filter(|part| (1..=3).contains(&part.len()))?;
        *octet = part.parse().ok()?;
    }
    parts.next().is_none().then_some(Ipv4Addr::from(octets))
}

/// Whether it is a mask such as 255.255.255.0.
fn is_mask(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    bits.leading_ones() + bits.trailing_zeros() >= 32
}

/// Whether these are a network's address and length, rather than a box's.
fn is_network(address: Ipv4Addr, length: u32) -> bool {
    (1..=30).contains(&length) && address.to_bits() & (u32::MAX >> length) == 0
}

/// Whether a box may have it.
fn is_usable(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first != 0 && first != 127 && first < 224
}

/// Every hardware address in a cell, at most [`MOST_ADDRESSES`], in whatever notation.
pub fn macs(text: &str) -> BTreeSet<Mac> {
    let text = tidy(text);
    let found = hardware(&text);
    if !found.is_empty() || !text.contains(['O', 'o', 'l', 'I']) {
        return found;
    }
    // Letters that look like digits, typed from a label.
    hardware(&text.replace(['O', 'o'], "0").replace(['l', 'I'], "1"))
}

fn hardware(text: &str) -> BTreeSet<Mac> {
    let mut found = BTreeSet::new();
    let mut from = 0;
    while let Some(hit) = HARDWARE.find_at(text, from) {
        let before = text.get(..hit.start()).unwrap_or_default();
        let mut after = text.get(hit.end()..).unwrap_or_default().chars();
        let next = after.next();
        let goes_on = next.is_some_and(|c| c.is_ascii_alphanumeric())
            || (next.is_some_and(|c| ":-.".contains(c))
                && after.next().is_some_and(|c| c.is_ascii_hexdigit()));
        if before.ends_with(|c: char| c.is_ascii_alphanumeric()) || goes_on || is_group(before) {
            // Not from here; perhaps from its next character.
            from = hit.start() + 1;
            continue;
        }
        from = hit.end();
        let usable = |mac: &Mac| !(mac.is_zero() || mac.is_group());
        found.extend(bytes(hit.as_str()).map(Mac).filter(usable));
        if found.len() >= MOST_ADDRESSES {
            break;
        }
    }
    found
}

/// Whether a text ends in a group of digits and a mark, so that what follows is not the first group.
fn is_group(before: &str) -> bool {
    let Some(head) = before.strip_suffix([':', '-', '.']) else { return false };
    let start = head.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len();
    let group = head.get(start..).unwrap_or_default();
    (1..=4).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The six bytes of an address in one of the notations.
fn bytes(text: &str) -> Option<[u8; 6]> {
    let mut bytes = [0; 6];
    let groups: Vec<&str> = text.split([':', '-', '.', ' ']).collect();
    if groups.len() == 6 {
        for (byte, group) in bytes.iter_mut().zip(groups) {
            *byte = u8::from_str_radix(group, 16).ok()?;
        }
        return Some(bytes);
    }
    let digits = groups.concat();
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    (digits.len() == 12).then_some(bytes)
}

/// Whether a cell is a hardware address and nothing else, in a notation that nothing else has.
pub fn is_mac(text: &str) -> bool {
    let text = tidy(text);
    let parts = text.split(['\n', '、', ',', ';']).map(str::trim).filter(|part| !part.is_empty());
    let whole = |part: &str| {
        let hit = HARDWARE.find(part).is_some_and(|hit| hit.len() == part.len());
        hit && (part.len() > 12 || part.bytes().any(|byte| byte.is_ascii_alphabetic()))
    };
    let mut parts = parts.peekable();
    parts.peek().is_some() && parts.all(whole)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        addresses(text).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn addresses_are_found_however_they_are_listed() {
        assert_eq!(shown("10.1.1.5"), "10.1.1.5");
        assert_eq!(shown("１０．１．１．５"), "10.1.1.5");
        assert_eq!(
            shown("10.1.1.5\n10.1.1.6、10.1.1.7/10.1.1.8"),
            "10.1.1.5 10.1.1.6 10.1.1.7 10.1.1.8"
        );
        assert_eq!(shown("10.1.1.5-8"), "10.1.1.5 10.1.1.6 10.1.1.7 10.1.1.8");
        assert_eq!(shown("10.1.1.254～10.1.2.1"), "10.1.1.254 10.1.1.255 10.1.2.0 10.1.2.1");
        assert_eq!(shown("192.168.001.005"), "192.168.1.5");
        assert_eq!(shown("10.1.1.5:8443 (管理用)"), "10.1.1.5");
        assert_eq!(shown("https://10.1.1.5/login"), "10.1.1.5");
        assert_eq!(shown("10.1.1.5/24"), "10.1.1.5");
        assert_eq!(shown("10.1.1.5/255.255.255.0"), "10.1.1.5");
        assert_eq!(shown("LAN:10.1.1.5 予備:2001:db8::5"), "10.1.1.5 2001:db8::5");
    }

    #[test]
    fn networks_masks_and_versions_are_no_addresses() {
        for text in [
            "192.168.1.0/24",
            "255.255.255.0",
            "DHCP",
            "9.1.2",
            "0.0.0.0",
            "127.0.0.1",
            "10.1.1.256",
            "1.2.3.4.5",
            "v7.2.5.1",
            "00:00:5e:00:53:01",
            "",
        ] {
            assert_eq!(shown(text), "", "{text}");
        }
        assert_eq!(addresses("10.0.0.0-10.255.255.255").len(), MOST_ADDRESSES);
    }

    #[test]
    fn a_hardware_address_is_one_in_every_notation() {
        let mac = Mac([0, 0, 0x5e, 0, 0x53, 1]);
        for text in [
            "00:00:5e:00:53:01",
            "00-00-5E-00-53-01",
            "0000.5e00.5301",
            "00005E005301",
            "00005e-005301",
            "00 00 5e 00 53 01",
            "0:0:5e:0:53:1",
            "００－００－５Ｅ－００－５３－０１",
            "MAC:00-00-5E-00-53-01(有線)",
            "OO-OO-5E-OO-53-O1",
        ] {
            assert_eq!(macs(text), BTreeSet::from([mac]), "{text}");
        }
        assert_eq!(macs("00:00:5e:00:53:01\n00:00:5e:00:53:02").len(), 2);
    }

    #[test]
    fn what_is_longer_or_nobodys_is_no_hardware_address() {
        for text in [
            "00:00:5e:00:53:01:02",
            "00005e0053011",
            "SN00005e005301",
            "ff:ff:ff:ff:ff:ff",
            "00:00:00:00:00:00",
            "-",
            "2001:db8::5",
        ] {
            assert!(macs(text).is_empty(), "{text}: {:?}", macs(text));
        }
        assert!(is_mac("00-00-5E-00-53-01、00-00-5E-00-53-02"));
        assert!(!is_mac("123456789012") && !is_mac("") && !is_mac("00-00-5E-00-53-01 有線"));
    }

    proptest! {
        #[test]
        fn an_address_reads_as_itself(bits in 0x0100_0000u32..0x7f00_0000) {
            let address = Ipv4Addr::from_bits(bits);
            prop_assert_eq!(addresses(&address.to_string()), BTreeSet::from([IpAddr::V4(address)]));
        }

        #[test]
        fn a_hardware_address_reads_as_itself(mut bytes in any::<[u8; 6]>(), mark in "[:-]") {
            bytes[0] = bytes[0] & 0xfe | 2;
            let mac = Mac(bytes);
            prop_assert_eq!(macs(&mac.to_string().replace(':', &mark)), BTreeSet::from([mac]));
        }

        #[test]
        fn any_text_gives_no_more_than_the_bound(text in "\\PC{0,60}|[0-9a-f.:/~ -]{0,80}") {
            prop_assert!(addresses(&text).len() <= MOST_ADDRESSES);
            prop_assert!(macs(&text).len() <= MOST_ADDRESSES);
        }
    }
}
