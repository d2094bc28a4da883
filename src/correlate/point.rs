//! A connection point: one box or one line through which a network meets the outside.

use std::{borrow::Cow, collections::BTreeSet, fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::sides::Sides;
use crate::observe::{Mac, Transport};

/// One box or line, not one port: a firewall that answers IKE, SSL-VPN and SSH is one point with three
/// services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Stable name: `p` and eight hexadecimal digits, made from what identifies the box.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// How good the proof is.
    pub grade: Grade,
    /// How likely it is what we say, 0 to 1; the because taken together.
    pub confidence: f64,
    /// Which way connections are opened over it.
    pub direction: Direction,
    /// Its addresses on the inside.
    pub addresses: BTreeSet<IpAddr>,
    /// Its hardware addresses.
    pub macs: BTreeSet<Mac>,
    /// Its own addresses on the outside, and outside addresses it dials.
    pub outside: BTreeSet<IpAddr>,
    /// What it serves or dials.
    pub services: BTreeSet<Service>,
    /// Which product it is, when a signature says so.
    pub product: Option<Product>,
    /// Names it gives itself: host names, certificate names.
    pub names: BTreeSet<String>,
    /// The lines behind it, as far as something tells of them.
    #[serde(default)]
    pub lines: Vec<Line>,
    /// Why we think so, the strongest first. Never empty.
    pub because: Vec<Because>,
    /// From where it was seen, and what of it is open to the outside.
    #[serde(default)]
    pub sides: Sides,
}

/// A line behind a point: what leads from the box to a carrier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Line {
    /// What sort of line: an id of `lines/access-lines.toml`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whose line it is, where an address or a name tells.
    pub carrier: Option<String>,
    /// The longest packet that it takes, in bytes.
    pub mtu: Option<u32>,
    /// The box's own address on it, or the one that the outside sees.
    pub outside: Option<IpAddr>,
    /// The address of the router at its other end.
    pub next_hop: Option<IpAddr>,
    /// What shows it. Never empty.
    pub because: Vec<Because>,
}

/// What a connection point is. A closed list: ARCHITECTURE, section 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Leads to the Internet.
    InternetGateway,
    /// A VPN that listens.
    VpnGateway,
    /// A VPN that dials out.
    VpnClient,
    /// Leads to a closed network: IP-VPN, eligibility line.
    ClosedNetworkGateway,
    /// A vendor's box with only its own routes.
    MaintenanceRouter,
    /// LTE or 5G.
    MobileRouter,
    /// RDP, VNC, X, ICA.
    RemoteDesktop,
    /// Remote-control software, listening or dialling out.
    RemoteControl,
    /// A vendor's remote-service agent.
    OutboundAgent,
    /// A host with a foot in another network.
    DualHomedHost,
    /// A peer-to-peer overlay.
    OverlayNetwork,
    /// SOCKS, HTTP proxy, reverse tunnel.
    ProxyRelay,
    /// SSH or Telnet reachable from outside.
    RemoteShell,
    /// Leads out by IPv6.
    Ipv6Exit,
    /// A telephone line.
    DialUp,
    /// A line that only documents or people know.
    DeclaredLine,
}

impl Kind {
    /// Every kind, in the order reports list them.
    pub const ALL: [Self; 16] = [
        Self::InternetGateway,
        Self::VpnGateway,
        Self::VpnClient,
        Self::ClosedNetworkGateway,
        Self::MaintenanceRouter,
        Self::MobileRouter,
        Self::RemoteDesktop,
        Self::RemoteControl,
        Self::OutboundAgent,
        Self::DualHomedHost,
        Self::OverlayNetwork,
        Self::ProxyRelay,
        Self::RemoteShell,
        Self::Ipv6Exit,
        Self::DialUp,
        Self::DeclaredLine,
    ];

    /// Whether a point of this kind is a box at the edge of the network, rather than a machine inside that something leads to.
    pub const fn is_at_edge(self) -> bool {
        matches!(
            self,
            Self::InternetGateway
                | Self::VpnGateway
                | Self::ClosedNetworkGateway
                | Self::MaintenanceRouter
                | Self::MobileRouter
                | Self::Ipv6Exit
                | Self::DialUp
                | Self::DeclaredLine
        )
    }

    /// The name in JSON, in the word lists and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InternetGateway => "internet_gateway",
            Self::VpnGateway => "vpn_gateway",
            Self::VpnClient => "vpn_client",
            Self::ClosedNetworkGateway => "closed_network_gateway",
            Self::MaintenanceRouter => "maintenance_router",
            Self::MobileRouter => "mobile_router",
            Self::RemoteDesktop => "remote_desktop",
            Self::RemoteControl => "remote_control",
            Self::OutboundAgent => "outbound_agent",
            Self::DualHomedHost => "dual_homed_host",
            Self::OverlayNetwork => "overlay_network",
            Self::ProxyRelay => "proxy_relay",
            Self::RemoteShell => "remote_shell",
            Self::Ipv6Exit => "ipv6_exit",
            Self::DialUp => "dial_up",
            Self::DeclaredLine => "declared_line",
        }
    }
}

/// How good the proof of a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// One weak sign.
    Hint,
    /// One firm sign, not contradicted.
    Inferred,
    /// Signs of two kinds agree.
    Corroborated,
    /// A packet shows it.
    Proved,
}

impl Grade {
    /// Every grade, the best first.
    pub const ALL: [Self; 4] = [Self::Proved, Self::Corroborated, Self::Inferred, Self::Hint];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Inferred => "inferred",
            Self::Corroborated => "corroborated",
            Self::Proved => "proved",
        }
    }
}

/// Which way connections are opened over a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It listens: the outside can come in.
    In,
    /// It dials out.
    Out,
    /// Both.
    Both,
}

impl Direction {
    /// Every direction.
    pub const ALL: [Self; 3] = [Self::In, Self::Out, Self::Both];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Both => "both",
        }
    }
}

/// A service of a point.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Service {
    /// What carries it.
    pub transport: Transport,
    /// The port it listens on or dials, where there are ports.
    pub port: Option<u16>,
    /// Its protocol's name.
    pub protocol: String,
}

impl fmt::Display for Service {
    /// As people write it: `ssh tcp/22`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.protocol, self.transport.name())?;
        self.port.map_or(Ok(()), |port| write!(f, "/{port}"))
    }
}

/// What a signature names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Product {
    /// Who makes it.
    pub vendor: String,
    /// What it is called.
    pub name: String,
    /// The model, when it tells.
    pub model: Option<String>,
    /// The version, when it tells.
    pub version: Option<String>,
}

impl fmt::Display for Product {
    /// Vendor, name, model and version, as far as they are known and not said twice.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            [Some(&self.vendor), Some(&self.name), self.model.as_ref(), self.version.as_ref()];
        let mut before = "";
        for part in parts.into_iter().flatten().filter(|part| !part.is_empty()) {
            // A name that begins with its maker's says both.
            let says_both = part.strip_prefix(before).is_some_and(|rest| rest.starts_with(' '));
            if says_both && before == self.vendor {
                f.write_str(part.get(before.len()..).unwrap_or_default())?;
            } else if part != before {
                let space = if before.is_empty() { "" } else { " " };
                write!(f, "{space}{part}")?;
            }
            before = part;
        }
        Ok(())
    }
}

/// One reason for a point, down to the packet that shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Because {
    /// The rule of correlation or the signature rule that concluded, such as `forwards_to_outside` or
    /// `fortinet-fortigate.http-redirect`.
    pub evidence: String,
    /// The field that was read, such as `tls.cert.subject`.
    pub field: String,
    /// Its value.
    pub value: String,
    /// The packet that shows it: file name, `#`, and the packet's number.
    pub observation: String,
}

/// One line of what was measured, and of what could not be seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Coverage {
    /// What this line is about: a key of the word lists, such as `inside_inferred`.
    pub subject: Cow<'static, str>,
    /// How much of it was seen.
    pub state: CoverageState,
    /// How many, where there is a number.
    pub count: Option<u64>,
    /// Names, prefixes or a file and its fault; the same in every language.
    pub detail: Option<String>,
    /// The network it is about, as a prefix, or several with commas; none where it is about the whole run.
    #[serde(default)]
    pub network: Option<String>,
    /// The name of the interface that was looked from.
    #[serde(default)]
    pub vantage: Option<String>,
}

impl Coverage {
    /// A line about the whole run.
    pub fn of_run(
        subject: impl Into<Cow<'static, str>>,
        state: CoverageState,
        count: Option<u64>,
        detail: Option<String>,
    ) -> Self {
        Self { subject: subject.into(), state, count, detail, network: None, vantage: None }
    }
}

/// How much was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageState {
    /// All of it.
    Measured,
    /// Some of it: the run is partial.
    Partial,
    /// None of it, by the nature of this run.
    NotMeasured,
}

impl CoverageState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Measured, Self::Partial, Self::NotMeasured];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Partial => "partial",
            Self::NotMeasured => "not_measured",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_products_words_are_said_once() {
        let written = |vendor: &str, name: &str, version: Option<&str>| {
            let version = version.map(str::to_owned);
            Product { vendor: vendor.into(), name: name.into(), model: None, version }.to_string()
        };
        assert_eq!(written("Acme", "EdgeGate", Some("9.1")), "Acme EdgeGate 9.1");
        assert_eq!(written("Acme", "Acme", Some("9.1")), "Acme 9.1");
        assert_eq!(written("Acme", "Acme EdgeGate", Some("9.1")), "Acme EdgeGate 9.1");
        assert_eq!(written("Acme", "AcmeOS", None), "Acme AcmeOS");
        assert_eq!(written("", "EdgeGate", None), "EdgeGate");
    }
}
