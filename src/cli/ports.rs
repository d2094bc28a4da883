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
    (1433, 1434),
    (1494, 1494),
    (1521, 1521),
    (1600, 1604),
    (1700, 1730),
    (1900, 1901),
    (2000, 2050),
    (2082, 2100),
    (2200, 2230),
    (2375, 2380),
    (2483, 2484),
    (2601, 2605),
    (3000, 3010),
    (3050, 3050),
    (3260, 3310),
    (3380, 3400),
    (3478, 3490),
    (3690, 3690),
    (4000, 4030),
    (4040, 4040),
    (4433, 4450),
    (4500, 4500),
    (4567, 4567),
    (4662, 4662),
    (4711, 4711),
    (4786, 4786),
    (4848, 4848),
    (5000, 5070),
    (5190, 5222),
    (5280, 5280),
    (5353, 5360),
    (5400, 5432),
    (5550, 5560),
    (5600, 5640),
    (5666, 5666),
    (5672, 5672),
    (5800, 6010),
    (6050, 6090),
    (6379, 6379),
    (6500, 6510),
    (6560, 6570),
    (6660, 6670),
    (6780, 6790),
    (7000, 7100),
    (7170, 7180),
    (7474, 7474),
    (7777, 7788),
    (7940, 7950),
    (8000, 8130),
    (8180, 8230),
    (8240, 8250),
    (8280, 8300),
    (8330, 8340),
    (8380, 8410),
    (8430, 8500),
    (8530, 8560),
    (8600, 8610),
    (8680, 8690),
    (8765, 8770),
    (8800, 9010),
    (9040, 9099),
    (9108, 9120),
    (9160, 9210),
    (9290, 9310),
    (9380, 9400),
    (9418, 9450),
    (9500, 9500),
    (9590, 9600),
    (9800, 9800),
    (9900, 9999),
    (10_050, 10_090),
    (10_161, 10_162),
    (10_200, 10_200),
    (10_440, 10_450),
    (11_000, 11_001),
    (11_211, 11_211),
    (12_000, 12_010),
    (12_345, 12_345),
    (13_380, 13_400),
    (14_147, 14_147),
    (15_000, 15_010),
    (15_672, 15_672),
    (16_000, 16_010),
    (16_992, 16_995),
    (17_000, 17_010),
    (17_070, 17_070),
    (18_000, 18_100),
    (18_264, 18_264),
    (19_999, 20_030),
    (21_110, 21_120),
    (22_220, 22_230),
    (23_380, 23_400),
    (24_800, 24_800),
    (25_565, 25_565),
    (27_015, 27_018),
    (28_015, 28_017),
    (30_000, 30_010),
    (31_337, 31_337),
    (32_400, 32_400),
    (33_380, 33_400),
    (35_000, 35_000),
    (37_777, 37_777),
    (40_000, 40_010),
    (40_443, 40_443),
    (43_389, 43_389),
    (44_300, 44_310),
    (44_443, 44_443),
    (44_818, 44_818),
    (47_001, 47_001),
    (48_080, 48_080),
    (49_152, 49_170),
    (50_000, 50_070),
    (50_443, 50_443),
    (51_820, 51_821),
    (52_311, 52_311),
    (53_389, 53_389),
    (54_321, 54_321),
    (55_443, 55_443),
    (55_555, 55_555),
    (58_080, 58_080),
    (60_000, 60_030),
    (61_613, 61_616),
    (62_078, 62_078),
    (63_389, 63_389),
    (64_443, 64_443),
    (65_000, 65_000),
    (65_535, 65_535),
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
