//! What was heard: the one type every source produces and every later stage reads.
//!
//! A reply to a probe and a packet from an old capture go through the same [`Protocol::read`] and become
//! the same [`Observation`], so nothing downstream can tell a live scan from a replay. One file a
//! protocol turns its messages, parsed by [`crate::wire`], into [`Facts`].

pub mod ah;
pub mod anyconnect;
pub mod anydesk;
pub mod arp;
pub mod ayiya;
pub mod bacnet;
pub mod bgp;
pub mod carp;
pub mod cdp;
pub mod credssp;
pub mod dameware;
pub mod dcerpc;
pub mod dhcp;
pub mod dhcpv6;
pub mod dicom;
pub mod dissect;
pub mod dns;
pub mod dtls;
pub mod edp;
pub mod eigrp;
pub mod esp;
pub mod etherip;
pub mod facts;
pub mod forticlient;
pub mod ftp;
pub mod geneve;
pub mod glbp;
pub mod gre;
pub mod gtp;
pub mod hl7;
pub mod hsrp;
pub mod http;
pub mod ica;
pub mod icmp;
pub mod icmpv6;
pub mod igmp;
pub mod ike;
pub mod ipip;
pub mod isis;
pub mod l2tp;
pub mod l2tpv3;
pub mod lldp;
pub mod llmnr;
pub mod mdns;
pub mod mndp;
pub mod modbus;
pub mod mqtt;
pub mod n2n;
pub mod nat_pmp;
pub mod nbns;
pub mod ndp;
pub mod nebula;
pub mod nhrp;
pub mod nomachine;
mod ntlm;
pub mod ntp;
pub mod openvpn;
pub mod ospf;
pub mod pcanywhere;
pub mod pim;
pub mod ppp;
pub mod pppoe;
pub mod pptp;
pub mod quic;
pub mod radius;
pub mod radmin;
pub mod rdp;
pub mod rdp_udp;
pub mod rip;
pub mod rustdesk;
pub mod said;
pub mod screenconnect;
pub mod sip;
pub mod six_in_four;
pub mod smb;
pub mod smtp;
pub mod snmp;
pub mod socks;
pub mod softether;
pub mod spice;
pub mod splashtop;
pub mod ssdp;
pub mod ssh;
pub mod sstp;
pub mod stun;
pub mod tailscale;
pub mod teamviewer;
pub mod telnet;
pub mod teredo;
pub mod tinc;
pub mod tls;
pub mod ubiquiti;
pub mod vnc;
pub mod vrrp;
pub mod vxlan;
pub mod wireguard;
pub mod x11;
pub mod xdmcp;
pub mod zerotier;

pub use facts::Facts;
pub use said::{Carrier, End, Finding, Protocol, Rest, Said, Side};

use std::{fmt, net::IpAddr};

use serde::Serialize;

use crate::time::Timestamp;

/// Every protocol we understand, strongest recognition first: where two could read the same bytes, the
/// earlier one wins. Off their usual ports only readings of [`Confidence::Firm`] or better count.
pub static PROTOCOLS: &[&Protocol] = &[
    // VPNs and overlays.
    &ike::PROTOCOL,
    &openvpn::PROTOCOL,
    &wireguard::PROTOCOL,
    &esp::PROTOCOL,
    &ah::PROTOCOL,
    &l2tp::PROTOCOL,
    &l2tpv3::PROTOCOL,
    &pptp::PROTOCOL,
    &softether::PROTOCOL,
    &tailscale::PROTOCOL,
    &tinc::PROTOCOL,
    &nebula::PROTOCOL,
    &n2n::PROTOCOL,
    &zerotier::PROTOCOL,
    // Remote desktops.
    &rdp::PROTOCOL,
    &rdp_udp::PROTOCOL,
    &credssp::PROTOCOL,
    &vnc::PROTOCOL,
    &ica::PROTOCOL,
    &x11::PROTOCOL,
    &spice::PROTOCOL,
    &xdmcp::PROTOCOL,
    // Remote support.
    &anydesk::PROTOCOL,
    &teamviewer::PROTOCOL,
    &rustdesk::PROTOCOL,
    &radmin::PROTOCOL,
    &splashtop::PROTOCOL,
    &nomachine::PROTOCOL,
    &dameware::PROTOCOL,
    &pcanywhere::PROTOCOL,
    &screenconnect::PROTOCOL,
    // Remote shells and relays.
    &ssh::PROTOCOL,
    &telnet::PROTOCOL,
    &socks::PROTOCOL,
    // Management and files.
    &snmp::PROTOCOL,
    &radius::PROTOCOL,
    &dcerpc::PROTOCOL,
    &smb::PROTOCOL,
    // Files and mail.
    &ftp::PROTOCOL,
    &smtp::PROTOCOL,
    // Tunnels.
    &gre::PROTOCOL,
    &pppoe::PROTOCOL,
    &six_in_four::PROTOCOL,
    &ipip::PROTOCOL,
    &etherip::PROTOCOL,
    &vxlan::PROTOCOL,
    &geneve::PROTOCOL,
    &gtp::PROTOCOL,
    &teredo::PROTOCOL,
    &ayiya::PROTOCOL,
    // Neighbours and errors.
    &lldp::PROTOCOL,
    &cdp::PROTOCOL,
    &edp::PROTOCOL,
    &mndp::PROTOCOL,
    &ubiquiti::PROTOCOL,
    &arp::PROTOCOL,
    &ndp::PROTOCOL,
    &icmp::PROTOCOL,
    &icmpv6::PROTOCOL,
    &igmp::PROTOCOL,
    &pim::PROTOCOL,
    // Names, addresses and time.
    &nbns::PROTOCOL,
    &mdns::PROTOCOL,
    &llmnr::PROTOCOL,
    &dns::PROTOCOL,
    &ssdp::PROTOCOL,
    &dhcp::PROTOCOL,
    &dhcpv6::PROTOCOL,
    &nat_pmp::PROTOCOL,
    &ntp::PROTOCOL,
    // Telephony.
    &sip::PROTOCOL,
    &stun::PROTOCOL,
    // Routers.
    &ospf::PROTOCOL,
    &eigrp::PROTOCOL,
    &rip::PROTOCOL,
    &bgp::PROTOCOL,
    &isis::PROTOCOL,
    &nhrp::PROTOCOL,
    &vrrp::PROTOCOL,
    &carp::PROTOCOL,
    &hsrp::PROTOCOL,
    &glbp::PROTOCOL,
    // Medicine and buildings.
    &dicom::PROTOCOL,
    &hl7::PROTOCOL,
    &modbus::PROTOCOL,
    &bacnet::PROTOCOL,
    &mqtt::PROTOCOL,
    // VPNs inside HTTPS, before what carries them.
    &sstp::PROTOCOL,
    &anyconnect::PROTOCOL,
    &forticlient::PROTOCOL,
    // Encryption and the web.
    &tls::PROTOCOL,
    &dtls::PROTOCOL,
    &quic::PROTOCOL,
    &http::PROTOCOL,
];

/// One thing one speaker said, and how we came to hear it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// When it was said.
    pub at: Timestamp,
    /// The packet that shows it.
    pub packet: PacketId,
    /// How it reached us.
    pub heard: Heard,
    /// Who said it.
    pub speaker: Endpoint,
    /// Whom it was said to, unless it was said to everybody.
    pub listener: Option<Endpoint>,
    /// The protocol's name, as in [`Protocol::name`].
    pub protocol: &'static str,
    /// Which part the speaker has in the conversation.
    pub side: Side,
    /// How sure the reading is; a shape alone is [`Confidence::Weak`].
    pub confidence: Confidence,
    /// What was said.
    pub facts: Facts,
}

/// A packet in what was read: the file's place in the sorted list of files, and the packet's number in
/// it, from 1, as Wireshark counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PacketId {
    /// Place of the file among those read, from 0.
    pub file: u32,
    /// Number of the packet in the file, from 1.
    pub number: u64,
}

/// How an observation reached us. Reports show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// In answer to a probe.
    Replied,
    /// In passing.
    Overheard,
}

/// One end of a conversation, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Endpoint {
    /// Its network address.
    pub ip: Option<IpAddr>,
    /// The hardware address next to it on the wire that was tapped.
    pub mac: Option<Mac>,
    /// Its port, where the transport has ports.
    pub port: Option<u16>,
    /// What carries the conversation.
    pub transport: Transport,
}

/// What carries a conversation.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Frames, without IP.
    Ethernet,
    /// IP, without ports.
    Ip,
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

impl Transport {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ethernet => "ethernet",
            Self::Ip => "ip",
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

/// How sure a reading or a match is. The same three steps for protocols and signatures.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Others share this; a shape, or a usual port.
    Weak,
    /// Particular to this protocol or family.
    Firm,
    /// Nothing else says this.
    Certain,
}

/// A hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Whether frames to this address go to many (the group bit, IEEE 802).
    pub fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// Whether routers that stand in for each other share it: VRRP (RFC 9568, 7.3), HSRP (RFC 2281) and its
    /// second version, GLBP.
    pub fn is_virtual_router(self) -> bool {
        matches!(
            self.0,
            [0, 0, 0x5e, 0, 1 | 2, _]
                | [0, 0, 0x0c, 7, 0xac, _]
                | [0, 0, 0x0c, 0x9f, 0xf0..=0xff, _]
                | [0, 7, 0xb4, ..]
        )
    }

    /// Whether no address was given.
    pub fn is_zero(self) -> bool {
        self.0 == [0; 6]
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl Serialize for Mac {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Mac {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl std::str::FromStr for Mac {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("`{text}` is not a hardware address like 00:00:5e:00:53:01");
        let mut bytes = [0; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.len() == 2).ok_or_else(bad)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| bad())?;
        }
        parts.next().map_or(Ok(Self(bytes)), |_| Err(bad()))
    }
}
