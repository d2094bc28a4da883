//! The ways to find exits, and what a line of coverage about one of them says.

use super::Coverage;

/// A way to find exits: one kind of question, or listening.
#[derive(Debug, PartialEq, Eq)]
pub struct Mechanism {
    /// Its name in journals, in the JSON and in the word lists.
    pub name: &'static str,
    /// The tier that it takes, 0 to 3; where it has several steps, the one that takes the most.
    pub tier: u8,
}

/// How many there are.
pub const COUNT: usize = 15;

/// All of them, in the order in which reports show them.
pub static MECHANISMS: [Mechanism; COUNT] = [
    Mechanism { name: "listening", tier: 0 },
    Mechanism { name: "forward", tier: 1 },
    Mechanism { name: "routes", tier: 1 },
    Mechanism { name: "second_hop", tier: 2 },
    Mechanism { name: "record_route", tier: 2 },
    Mechanism { name: "ownership", tier: 1 },
    Mechanism { name: "borrowed", tier: 2 },
    Mechanism { name: "forward_v6", tier: 2 },
    Mechanism { name: "line_mtu", tier: 2 },
    Mechanism { name: "weak_host", tier: 1 },
    Mechanism { name: "proxy_arp", tier: 1 },
    Mechanism { name: "access_line", tier: 1 },
    Mechanism { name: "dhcp_offer", tier: 1 },
    Mechanism { name: "router_solicitation", tier: 1 },
    Mechanism { name: "responder", tier: 3 },
];

/// Why a mechanism did not run, or not to its end, as far as journals of this release say it; others are shown as
/// they are.
pub const REASONS: [&str; 15] = [
    "tier",
    "no_frames",
    NO_INTERFACE,
    "not_asked_for",
    NOBODY,
    "fragile",
    "stopped",
    "interface_lost",
    "no_address",
    "small_network",
    "in_use",
    "excluded",
    "not_included",
    "file_full",
    "disk_full",
];

/// The reason of a network in which this machine has no interface.
pub const NO_INTERFACE: &str = "no_interface";

/// The reason that is no gap: there was nobody to ask.
pub const NOBODY: &str = "nobody";

impl Mechanism {
    /// The place in [`MECHANISMS`] of the one that `subject` names, if it names one.
    pub fn place(subject: &str) -> Option<usize> {
        MECHANISMS.iter().position(|mechanism| mechanism.name == subject)
    }
}

/// Why a mechanism did not run, as its line says: the first word that is no number with a name. Empty where it says
/// nothing of that kind.
pub fn reason(line: &Coverage) -> &str {
    words(line).find(|word| !word.contains('=')).unwrap_or_default()
}

/// A number that a line gives by its name, as in `answered=3 silent=20`.
pub fn number(line: &Coverage, name: &str) -> Option<u64> {
    value(line, name)?.parse().ok()
}

/// What a line gives by its name.
pub fn value<'a>(line: &'a Coverage, name: &str) -> Option<&'a str> {
    words(line).find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn words(line: &Coverage) -> impl Iterator<Item = &str> {
    line.detail.as_deref().unwrap_or_default().split_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::CoverageState;

    #[test]
    fn a_detail_is_a_reason_and_numbers_with_names() {
        let line = |detail: &str| Coverage {
            subject: "forward".into(),
            state: CoverageState::Measured,
            count: Some(23),
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
            network: None,
            vantage: None,
        };
        let ran = line("answered=3 silent=20 attempts=3");
        assert_eq!((reason(&ran), number(&ran, "answered")), ("", Some(3)));
        assert_eq!((number(&ran, "answer"), number(&ran, "asked")), (None, None));
        let stopped = line("stopped answered=x");
        assert_eq!((reason(&stopped), number(&stopped, "answered")), ("stopped", None));
        assert_eq!(reason(&line("")), "");
    }

    #[test]
    fn a_mechanism_is_found_by_its_name_alone() {
        for (place, mechanism) in MECHANISMS.iter().enumerate() {
            assert_eq!(Mechanism::place(mechanism.name), Some(place));
        }
        assert_eq!(Mechanism::place("forwards"), None);
    }
}
