//! What a mechanism tells of itself when it is done, or was not begun: a line of the recording's journal, from which
//! reports make their table of networks and mechanisms.

use std::fmt::Write as _;

use ipnetwork::IpNetwork;

/// The ways to find exits, by the names that journals, reports and the JSON use.
pub const MECHANISMS: [&str; 15] = [
    "listening",
    "forward",
    "routes",
    "second_hop",
    "record_route",
    "ownership",
    "borrowed",
    "forward_v6",
    "line_mtu",
    "weak_host",
    "proxy_arp",
    "access_line",
    "dhcp_offer",
    "router_solicitation",
    "responder",
];

/// How many bytes of an interface's name are told; the longest that systems give have 15, or are made of words.
const LONGEST_VANTAGE: usize = 48;

/// How far a mechanism came in one network, from one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which: one of [`MECHANISMS`].
    pub mechanism: &'static str,
    /// The network that it looked at, or would have; none where that is no matter of one network.
    pub network: Option<IpNetwork>,
    /// The interface that it looked from, by its name; none where there is none in that network.
    pub vantage: Option<String>,
    /// How far it came.
    pub state: State,
    /// How many were asked.
    pub count: u64,
    /// What came of it (`answered=3 silent=20 attempts=3`); where it did not run, or broke off, before that a word for
    /// why (`tier`, `no_frames`, `no_interface`, `not_asked_for`, `nobody`, `fragile`, `stopped`, `interface_lost`).
    pub detail: String,
}

/// How far a mechanism came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It ran to its end.
    Measured,
    /// It was to run, and did not come to its end: the run is partial.
    Partial,
    /// It did not run, and was not to.
    NotMeasured,
}

impl State {
    /// The name in the journal and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Partial => "partial",
            Self::NotMeasured => "not_measured",
        }
    }
}

impl Told {
    /// The line of the journal, behind the word `coverage` and a space:
    /// `<mechanism>[@<network>[@<vantage>]] <state> <count> <detail>`. A vantage without a network is `@@<vantage>`.
    pub fn line(&self) -> String {
        let mut line = self.mechanism.to_owned();
        let vantage = self.vantage.as_deref().map(harmless).filter(|name| !name.is_empty());
        if self.network.is_some() || vantage.is_some() {
            line.push('@');
        }
        if let Some(network) = self.network.and_then(whole) {
            let _ = write!(line, "{network}");
        }
        if let Some(vantage) = vantage {
            let _ = write!(line, "@{vantage}");
        }
        let _ = write!(line, " {} {}", self.state.name(), self.count);
        let detail: String =
            self.detail.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let detail = detail.trim();
        if !detail.is_empty() {
            let _ = write!(line, " {detail}");
        }
        line
    }
}

/// The network itself, without the bits of a host in it.
fn whole(network: IpNetwork) -> Option<IpNetwork> {
    IpNetwork::new(network.network(), network.prefix()).ok()
}

/// The name of an interface without what would end it in a line; whoever set the machine up chose it.
fn harmless(name: &str) -> String {
    let end = name.floor_char_boundary(LONGEST_VANTAGE);
    let breaks = |c: char| c == '@' || c == ',' || c.is_whitespace() || c.is_control();
    let name = name.get(..end).unwrap_or_default();
    name.chars().map(|c| if breaks(c) { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(network: Option<&str>, vantage: Option<&str>, detail: &str) -> Told {
        Told {
            mechanism: "second_hop",
            network: network.map(|network| network.parse().unwrap()),
            vantage: vantage.map(str::to_owned),
            state: State::NotMeasured,
            count: 0,
            detail: detail.to_owned(),
        }
    }

    #[test]
    fn a_line_names_the_network_and_the_interface_as_far_as_there_are_any() {
        for (network, vantage, line) in [
            (
                Some("10.10.1.0/24"),
                Some("eth1"),
                "second_hop@10.10.1.0/24@eth1 not_measured 0 tier",
            ),
            (Some("10.10.1.7/24"), None, "second_hop@10.10.1.0/24 not_measured 0 tier"),
            (
                Some("2001:db8::1/64"),
                Some("eth1"),
                "second_hop@2001:db8::/64@eth1 not_measured 0 tier",
            ),
            (None, Some("eth1"), "second_hop@@eth1 not_measured 0 tier"),
            (None, None, "second_hop not_measured 0 tier"),
        ] {
            assert_eq!(told(network, vantage, "tier").line(), line);
        }
        let ran = Told {
            state: State::Measured,
            count: 23,
            ..told(Some("10.0.0.0/8"), Some("eth1"), "answered=3 silent=20 attempts=3")
        };
        assert_eq!(
            ran.line(),
            "second_hop@10.0.0.0/8@eth1 measured 23 answered=3 silent=20 attempts=3"
        );
        let stopped = Told { state: State::Partial, count: 5, ..told(None, None, "") };
        assert_eq!(stopped.line(), "second_hop partial 5");
    }

    #[test]
    fn the_name_of_an_interface_cannot_end_its_part_of_the_line() {
        let named = |name: &str| told(Some("10.0.0.0/8"), Some(name), "tier").line();
        assert_eq!(
            named("v lan@eth0,1 measured 9\n"),
            "second_hop@10.0.0.0/8@v_lan_eth0_1_measured_9_ not_measured 0 tier"
        );
        assert_eq!(named(""), "second_hop@10.0.0.0/8 not_measured 0 tier");
        assert!(named(&"院内".repeat(500)).len() < 100);
        assert!(!told(None, None, "tier\ncoverage x").line().contains('\n'));
    }

    #[test]
    fn no_mechanism_has_the_name_of_another() {
        let names: std::collections::BTreeSet<&str> = MECHANISMS.into_iter().collect();
        assert_eq!(names.len(), MECHANISMS.len());
    }
}
