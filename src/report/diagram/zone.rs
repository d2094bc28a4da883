//! The parts that a drawing is divided into: where a point stands, and what it leads to.

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnetwork::IpNetwork;

use crate::correlate::{AccessLines, Coverage, Kind, Point};

/// A part of the outside, in the order in which they stand beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Zone {
    /// The Internet.
    Internet,
    /// A network that is closed to others, and whoever carries it.
    Closed,
    /// A vendor that looks after something from afar.
    Vendor,
    /// Mobile telephony.
    Mobile,
    /// A telephone line.
    Telephone,
    /// Another network, of which nothing is known.
    Other,
}

impl Zone {
    /// The key in the word lists.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Internet => "internet",
            Self::Closed => "closed",
            Self::Vendor => "vendor",
            Self::Mobile => "mobile",
            Self::Telephone => "telephone",
            Self::Other => "other",
        }
    }

    /// Where a point leads: by its lines, and where nothing tells of them, by what it is. Never empty.
    pub(super) fn of(point: &Point) -> BTreeSet<Self> {
        let told = point.lines.iter().filter_map(|line| {
            match AccessLines::built_in().reaches(&line.kind)? {
                "internet" => Some(Self::Internet),
                "closed" => Some(Self::Closed),
                "mobile" => Some(Self::Mobile),
                _ => None,
            }
        });
        let told: BTreeSet<Self> = told.collect();
        if told.is_empty() { BTreeSet::from([Self::of_kind(point.kind)]) } else { told }
    }

    const fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::ClosedNetworkGateway => Self::Closed,
            Kind::MaintenanceRouter | Kind::RemoteControl | Kind::OutboundAgent => Self::Vendor,
            Kind::MobileRouter => Self::Mobile,
            Kind::DialUp => Self::Telephone,
            Kind::DualHomedHost | Kind::DeclaredLine => Self::Other,
            Kind::InternetGateway
            | Kind::VpnGateway
            | Kind::VpnClient
            | Kind::RemoteDesktop
            | Kind::OverlayNetwork
            | Kind::ProxyRelay
            | Kind::RemoteShell
            | Kind::Ipv6Exit => Self::Internet,
        }
    }
}

/// A network inside, as one band of the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Band {
    /// One network.
    Network(IpNetwork),
    /// Those that have no band of their own.
    Rest,
    /// Points of which no address inside is known.
    Nowhere,
}

/// The networks that a run looked at.
pub(super) struct Networks(Vec<IpNetwork>);

impl Networks {
    /// Those that its coverage names.
    pub(super) fn of(coverage: &[Coverage]) -> Self {
        let named = coverage.iter().filter_map(|line| line.network.as_deref());
        let named: BTreeSet<&str> = named.flat_map(|names| names.split(',')).collect();
        let mut networks: Vec<IpNetwork> =
            named.iter().filter_map(|name| name.trim().parse().ok()).collect();
        networks.sort_by_key(|network| (std::cmp::Reverse(network.prefix()), *network));
        Self(networks)
    }

    /// The network of a point: the narrowest that was looked at, or else what is usual around its address.
    pub(super) fn band(&self, point: &Point) -> Band {
        let Some(address) = point.addresses.first().copied() else { return Band::Nowhere };
        if let Some(known) = self.0.iter().find(|network| network.contains(address)) {
            return Band::Network(*known);
        }
        let around = match address {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                IpNetwork::new(Ipv4Addr::new(a, b, c, 0).into(), 24)
            }
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpNetwork::new(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into(), 64)
            }
        };
        around.map_or(Band::Nowhere, Band::Network)
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => write!(f, "{}/{}", network.network(), network.prefix()),
            Self::Rest => f.write_str("rest"),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}
