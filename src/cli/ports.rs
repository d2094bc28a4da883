//! Which TCP ports are looked at: those named on the command line, or what a profile looks at.

use std::{collections::BTreeSet, str::FromStr};

use crate::scope::Profile;

/// Ports that show whether a host behind a router lives: what most boxes at an edge have open or refuse.
pub(super) const DISCOVERY: [u16; 6] = [443, 80, 22, 3389, 1723, 445];

/// Ports at which services of the edge stand besides those where a probe is at home: management pages, remote access
/// moved out of its place, consoles.
const EDGE: &[(u16, u16)] = &[
    (21, 23),
    (25, 25),
    (80, 88),
    (135, 135),
    (139, 139),
    (389, 389),
    (443, 445),
    (541, 541),
    (636, 636),
    (992, 992),
    (1080, 1080),
    (1194, 1194),
    (1433, 1433),
    (1494, 1494),
    (1723, 1723),
    (2022, 2022),
    (2222, 2222),
    (2598, 2598),
    (3128, 3128),
    (3388, 3392),
    (4022, 4022),
    (4433, 4433),
    (4443, 4445),
    (4899, 4899),
    (5000, 5001),
    (5405, 5405),
    (5500, 5501),
    (5555, 5555),
    (5631, 5631),
    (5800, 5802),
    (5900, 5910),
    (5938, 5938),
    (5985, 5986),
    (6000, 6005),
    (6080, 6080),
    (6129, 6129),
    (6443, 6443),
    (6568, 6568),
    (7070, 7070),
    (7443, 7443),
    (7547, 7547),
    (8000, 8010),
    (8022, 8022),
    (8080, 8090),
    (8291, 8291),
    (8443, 8445),
    (8888, 8888),
    (9090, 9090),
    (9443, 9443),
    (10_000, 10_001),
    (10_022, 10_022),
    (10_443, 10_443),
    (13_389, 13_389),
    (20_022, 20_022),
    (20_443, 20_443),
    (22_022, 22_022),
    (23_389, 23_389),
    (33_389, 33_389),
    (50_022, 50_022),
    (55_443, 55_443),
    (60_443, 60_443),
];

/// What is looked at besides where nothing has to be spared: the system ports, and where installations put services
/// that are to be found less easily.
const WIDE: &[(u16, u16)] = &[
    (1, 1100),
    (1200, 1300),
    (1400, 1800),
    (1900, 2400),
    (2500, 2700),
    (3000, 3400),
    (3478, 3500),
    (4000, 4100),
    (4400, 4600),
    (4800, 5100),
    (5200, 5700),
    (5800, 6200),
    (6379, 6600),
    (6660, 6900),
    (7000, 7200),
    (7400, 7800),
    (7900, 9099),
    (9108, 9500),
    (9900, 10_100),
    (10_400, 10_500),
    (11_000, 11_111),
    (12_000, 12_100),
    (13_300, 13_400),
    (15_000, 15_100),
    (16_992, 16_995),
    (18_000, 18_100),
    (20_000, 20_500),
    (21_100, 21_120),
    (22_000, 22_300),
    (23_300, 23_400),
    (27_015, 27_018),
    (30_000, 30_100),
    (33_300, 33_400),
    (40_000, 40_500),
    (43_300, 43_400),
    (44_300, 44_500),
    (49_152, 49_170),
    (50_000, 50_500),
    (53_300, 53_400),
    (55_400, 55_600),
    (60_000, 60_500),
    (63_300, 63_400),
    (65_000, 65_535),
];

/// TCP ports, as `-p` names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ports(BTreeSet<u16>);

impl Ports {
    /// The ports, in order.
    pub(super) fn list(&self) -> Vec<u16> {
        self.0.iter().copied().collect()
    }

    /// What a profile looks at: always where a probe is at home.
    pub(super) fn of(profile: Profile, at_home: BTreeSet<u16>) -> Self {
        let mut ports = at_home;
        let ranges = if profile == Profile::Lab { WIDE } else { &[] };
        for (first, last) in EDGE.iter().chain(ranges) {
            ports.extend(*first..=*last);
        }
        Self(ports)
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let port = |part: &str| {
            let number: Option<u16> = part.parse().ok().filter(|port| *port > 0);
            number.ok_or_else(|| {
                format!("`{part}` is no port; ports are 1 to 65535, as in 22,443,5900-5910")
            })
        };
        let mut ports = BTreeSet::new();
        for part in text.split(',') {
            // As nmap reads it, an end that is left out is the first or the last port.
            let (first, last) = match part.split_once('-') {
                None => (port(part)?, port(part)?),
                Some((first, last)) => (
                    if first.is_empty() { 1 } else { port(first)? },
                    if last.is_empty() { u16::MAX } else { port(last)? },
                ),
            };
            if first > last {
                return Err(format!(
                    "`{part}` ends before it begins; did you mean {last}-{first}?"
                ));
            }
            ports.extend(first..=last);
        }
        Ok(Self(ports))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_named_as_nmap_names_them() {
        let read = |text: &str| text.parse::<Ports>().map(|ports| ports.list());
        assert_eq!(read("443,22,5900-5902"), Ok(vec![22, 443, 5900, 5901, 5902]));
        assert_eq!(read("-").map(|ports| ports.len()), Ok(65_535));
        assert!(read("0").unwrap_err().contains("ports are 1 to 65535"));
        assert!(read("30-20").unwrap_err().contains("did you mean 20-30?"));
    }

    #[test]
    fn a_clinic_is_looked_at_sparingly_and_never_at_raw_printing() {
        let of = |profile| Ports::of(profile, BTreeSet::from([1701])).list();
        let (clinic, lab) = (of(Profile::Clinic), of(Profile::Lab));
        assert!(clinic.len() < 200, "{}", clinic.len());
        assert!(clinic.contains(&1701) && lab.contains(&10_443));
        assert!(!lab.iter().any(|port| (9100..=9107).contains(port)));
    }
}
