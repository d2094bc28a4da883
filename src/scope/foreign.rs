//! Prefixes that are not the hospital's but may be on its wires: those that phones and modems number machines in, those
//! that are heard, and those that somebody knows of. Nobody is asked in them unless the facility file says so.

use std::{net::Ipv4Addr, sync::LazyLock};

use ipnetwork::{IpNetwork, Ipv4Network};

use super::{
    Blocks,
    page::nearest,
    target::{self, shown},
};

/// The word for the networks of phones, modems and shared connections.
const TETHERING: &str = "tethering";
/// The word for the networks that are heard on a wire during the run.
const HEARD: &str = "heard";

/// The shortest prefix that may be written out.
const SHORTEST: u8 = 16;
/// Of a network with this prefix or a longer one every address is looked for.
const SMALL: u8 = 28;
/// The most networks that may be written out.
const MOST: usize = 64;

/// Last octets that machines are likely to have in a network of which no more is known: those of routers, those that
/// are given first, and that of a telephone's own end.
const LIKELY: [u8; 8] = [1, 2, 10, 100, 101, 129, 253, 254];

/// A network of phones, modems or shared connections: which, and ranges of likely last octets.
type Usual = (Ipv4Network, Vec<(u8, u8)>);

/// Those that come with the program; a network, octets, what it is and a source on each line.
static USUAL: LazyLock<Vec<Usual>> = LazyLock::new(|| {
    let lines = include_str!("../../signatures/tethering-networks.tsv").lines();
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    let usual = |line: &str| {
        let mut parts = line.split('\t');
        let network = parts.next()?.parse().ok()?;
        Some((network, parts.next()?.split(',').filter_map(range).collect()))
    };
    lines.filter(|line| !line.starts_with('#')).filter_map(usual).collect()
});

/// What may be asked though it is not the hospital's. The default is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Foreign {
    /// Networks that are named, by the facility file or by the built-in list.
    networks: Vec<Ipv4Network>,
    /// Whether networks that are heard on a wire count, too.
    heard: bool,
}

/// One word of the facility file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The built-in list.
    Tethering,
    /// What is heard.
    Heard,
    /// One private network.
    Network(Ipv4Network),
}

impl Word {
    /// Reads a word; `own` is what the facility file calls the hospital's own.
    pub(super) fn read(word: &str, own: &Blocks) -> Result<Self, String> {
        match word {
            TETHERING => return Ok(Self::Tethering),
            HEARD => return Ok(Self::Heard),
            _ => {}
        }
        if !word.starts_with(|c: char| c.is_ascii_digit()) {
            let advice = nearest(word, &[TETHERING, HEARD])
                .map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            return Err(format!(
                "`{}` is neither {TETHERING}, {HEARD} nor a private network such as 192.168.1.0/24{advice}",
                shown(word)
            ));
        }
        let network = target::network(word).map_err(|error| error.to_string())?;
        let IpNetwork::V4(v4) = network else {
            return Err(format!(
                "{network} is of IPv6; leave it out: routers of IPv6 are asked by their link-local addresses, whatever their prefixes"
            ));
        };
        let blocks = Blocks::of_networks([&network]);
        if !blocks.minus(private()).is_empty() {
            return Err(format!(
                "{network} is not private (RFC 1918); an address of the Internet is borrowed from nobody"
            ));
        }
        if v4.prefix() < SHORTEST {
            return Err(format!(
                "{network} is wider than a /{SHORTEST}; write the networks that there may be"
            ));
        }
        if !blocks.intersection(own).is_empty() {
            return Err(format!(
                "{network} is the hospital's own, as include or inside say; leave it out here"
            ));
        }
        Ok(Self::Network(v4))
    }
}

impl Foreign {
    /// What `words` say. What is the hospital's own, as `own` tells, is taken out of the built-in list. None when more
    /// networks are written out than anybody knows of.
    pub(super) fn of(words: &[Word], own: &Blocks) -> Option<Self> {
        let mut foreign = Self::default();
        for word in words {
            match word {
                Word::Heard => foreign.heard = true,
                Word::Tethering => {
                    let free = |(network, _): &&Usual| is_apart(*network, own);
                    foreign.networks.extend(USUAL.iter().filter(free).map(|(network, _)| *network));
                }
                Word::Network(network) => foreign.networks.push(*network),
            }
        }
        foreign.networks.sort_unstable();
        foreign.networks.dedup();
        (foreign.networks.len() <= MOST + USUAL.len()).then_some(foreign)
    }

    /// Whether nothing may be asked.
    pub fn is_nothing(&self) -> bool {
        self.networks.is_empty() && !self.heard
    }

    /// Whether networks that are heard on a wire may be asked in, too.
    pub fn counts_heard(&self) -> bool {
        self.heard
    }

    /// The networks that are named, in the order of their addresses.
    pub fn networks(&self) -> &[Ipv4Network] {
        &self.networks
    }

    /// The smallest network that is named and holds `address`.
    pub fn network_of(&self, address: Ipv4Addr) -> Option<Ipv4Network> {
        let holding = self.networks.iter().filter(|network| network.contains(address));
        holding.max_by_key(|network| network.prefix()).copied()
    }

    /// The addresses of `network` that are worth looking for, in their order: all of a small one, the likely ones of
    /// others.
    pub fn likely(network: Ipv4Network) -> Vec<Ipv4Addr> {
        let is_a_hosts = |address: &Ipv4Addr| {
            network.prefix() >= 31
                || *address != network.network() && *address != network.broadcast()
        };
        let (first, last) = (network.network().to_bits(), network.broadcast().to_bits());
        if network.prefix() >= SMALL {
            return (first..=last).map(Ipv4Addr::from).filter(is_a_hosts).collect();
        }
        let usual = USUAL.iter().find(|(known, _)| *known == network);
        let octets: Vec<(u8, u8)> = match usual {
            Some((_, ranges)) => ranges.clone(),
            None => LIKELY.map(|octet| (octet, octet)).to_vec(),
        };
        let of_24 = |base: u32| {
            let within = octets.iter().flat_map(move |(from, to)| *from..=*to);
            within.map(move |octet| Ipv4Addr::from(base | u32::from(octet)))
        };
        let bases = (first >> 8..=last >> 8).map(|base| base << 8);
        let found = bases.flat_map(of_24).filter(|address| network.contains(*address));
        found.filter(is_a_hosts).collect()
    }
}

/// Private addresses of IPv4 (RFC 1918).
pub fn private() -> &'static Blocks {
    static PRIVATE: LazyLock<Blocks> = LazyLock::new(|| {
        let v4 = target::blocks(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]);
        v4.expect("every word of this list is read in a test")
    });
    &PRIVATE
}

fn is_apart(network: Ipv4Network, own: &Blocks) -> bool {
    Blocks::of_networks([&network.into()]).intersection(own).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Blocks {
        target::blocks(["10.10.0.0/16", "192.168.8.0/24"]).unwrap()
    }

    fn read(word: &str) -> Result<Word, String> {
        Word::read(word, &own())
    }

    fn network(text: &str) -> Ipv4Network {
        text.parse().unwrap()
    }

    #[test]
    fn every_line_of_the_built_in_list_is_a_private_network_with_likely_addresses_and_a_source() {
        let lines = include_str!("../../signatures/tethering-networks.tsv").lines();
        let lines: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines.len(), USUAL.len());
        assert!(USUAL.is_sorted_by_key(|(network, _)| *network));
        for (line, (network, octets)) in lines.iter().zip(&*USUAL) {
            assert_eq!(line.split('\t').filter(|part| !part.is_empty()).count(), 4, "{line}");
            let whole = Blocks::of_networks([&(*network).into()]);
            assert!(whole.minus(private()).is_empty() && network.prefix() >= 24, "{line}");
            assert!(octets.iter().all(|(first, last)| *first > 0 && first <= last), "{line}");
            assert!(!Foreign::likely(*network).is_empty(), "{line}");
        }
    }

    #[test]
    fn words_are_read_and_what_is_no_word_is_told_with_the_remedy() {
        assert_eq!(read("tethering"), Ok(Word::Tethering));
        assert_eq!(read("heard"), Ok(Word::Heard));
        assert_eq!(read("192.168.1.0/24"), Ok(Word::Network(network("192.168.1.0/24"))));
        for (word, wanted) in [
            ("thetering", "did you mean `tethering`?"),
            ("all", "neither tethering, heard nor a private network"),
            ("203.0.113.0/24", "is not private"),
            ("100.64.0.0/16", "is not private"),
            ("172.0.0.0/8", "is not private"),
            ("192.168.0.0/15", "is not private"),
            ("10.0.0.0/8", "is wider than a /16"),
            ("10.10.1.0/24", "is the hospital's own"),
            ("192.168.1.1/24", "did you mean 192.168.1.0/24?"),
            ("", "neither tethering"),
            ("fd00::/64", "neither tethering"),
            ("2001:db8::/64", "is of IPv6; leave it out"),
        ] {
            let told = read(word).unwrap_err();
            assert!(told.contains(wanted), "{word}: {told}");
        }
    }

    #[test]
    fn nothing_is_foreign_until_somebody_says_so_and_never_what_is_the_hospitals() {
        assert!(Foreign::default().is_nothing());
        let of = |words: &[Word]| Foreign::of(words, &own()).unwrap();
        let phones = of(&[Word::Tethering, Word::Tethering]);
        assert_eq!(
            phones.networks().len(),
            USUAL.len() - 1,
            "192.168.8.0/24 is the hospital's own"
        );
        assert!(phones.network_of([192, 168, 42, 129].into()).is_some());
        assert!(phones.network_of([192, 168, 8, 1].into()).is_none() && !phones.counts_heard());
        let both = of(&[Word::Heard, Word::Network(network("192.168.1.0/24"))]);
        assert!(both.counts_heard() && both.networks() == [network("192.168.1.0/24")]);
        let many: Vec<Word> =
            (0..100).map(|n| Word::Network(network(&format!("192.168.{n}.0/24")))).collect();
        assert_eq!(Foreign::of(&many, &Blocks::default()), None);
    }

    #[test]
    fn small_networks_are_looked_through_and_of_others_the_likely_addresses() {
        let count = |text: &str| Foreign::likely(network(text)).len();
        assert_eq!((count("172.20.10.0/28"), count("192.168.42.0/24")), (14, 254));
        assert_eq!((count("192.168.1.0/24"), count("192.168.0.0/16")), (8, 2048));
        assert_eq!((count("192.168.1.7/32"), count("192.168.1.6/31")), (1, 2));
        let half = Foreign::likely(network("192.168.1.128/25"));
        assert!(half.contains(&[192, 168, 1, 129].into()) && half.len() == 3, "{half:?}");
        let likely = Foreign::likely(network("192.168.8.0/24"));
        assert_eq!((likely.len(), likely[2]), (13, Ipv4Addr::new(192, 168, 8, 100)));
    }
}
