//! What we ask of those that answer. A probe is a value: adding one is a file here and a line in [`ALL`].
//!
//! A dialogue is a plain function from what was heard so far to what to do next, so that a test of a minute's
//! conversation takes a millisecond, and what is sent depends on nothing but the seed and the replies.

pub mod anyconnect;
pub mod anydesk;
pub mod banner;
pub mod bgp;
mod conversation;
pub mod dameware;
pub mod dcerpc;
pub mod dicom;
mod distress;
pub mod dns;
pub mod dtls;
pub mod engine;
pub mod ftp;
pub mod hl7;
pub mod http;
pub mod ica;
pub mod ike;
mod inside_tls;
pub mod l2tp;
pub mod mdns;
pub mod mndp;
pub mod names;
pub mod nat_pmp;
pub mod nbns;
pub mod nomachine;
pub mod ntp;
pub mod openvpn;
pub mod pcanywhere;
pub mod plan;
#[cfg(test)]
mod play;
pub mod pptp;
pub mod radmin;
pub mod rdp;
#[cfg(test)]
mod rehearsal;
pub mod resume;
pub mod rustdesk;
pub mod sip;
pub mod smb;
pub mod smtp;
pub mod snmp;
pub mod socks;
pub mod softether;
pub mod splashtop;
pub mod ssdp;
pub mod ssh;
pub mod sstp;
pub mod stun;
pub mod teamviewer;
pub mod telnet;
pub mod tinc;
pub mod tls;
pub mod ubiquiti;
pub mod upnp;
pub mod vnc;
pub mod x11;

use std::net::SocketAddr;

use sha2::{Digest as _, Sha256};

use crate::{
    observe::{Facts, Protocol, Transport},
    wire,
};

/// One question, or one short dialogue.
#[derive(Debug)]
pub struct Probe {
    /// Its name, unique, in snake case; recordings, the ledger and `probes list` show it.
    pub name: &'static str,
    /// What it asks and what an answer tells, in one sentence without a full stop.
    pub asks: &'static str,
    /// The protocol that the answer is in.
    pub protocol: &'static Protocol,
    /// [`Transport::Udp`] or [`Transport::Tcp`].
    pub transport: Transport,
    /// Where it is asked without other evidence. The first is the usual one.
    pub ports: &'static [u16],
    /// How much it can disturb.
    pub intrusion: Intrusion,
    /// Where its bytes come from: an RFC and section, or a vendor's page.
    pub source: &'static str,
    /// Whether the stream is taken into TLS before the dialogue begins.
    pub inside_tls: bool,
    /// Whether an unknown service on another port may be asked, too.
    pub anywhere: bool,
    /// What to do next.
    pub next: fn(&Ask<'_>, &Heard<'_>) -> Step,
}

/// How much a probe can disturb what it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Intrusion {
    /// Connects and listens; sends no byte of its own.
    Listens,
    /// One small well-formed message that any client sends first.
    Ordinary,
    /// A complete dialogue up to, and never including, a logon.
    Dialogue,
    /// Asked only of hosts that the facility file names for it.
    OnRequest,
}

/// Whom a probe asks, and what it may use.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Whom.
    pub to: SocketAddr,
    /// Our end.
    pub from: SocketAddr,
    /// The run's seed: what is random for the other end is computed from it.
    pub seed: u64,
    /// What is known of this service already, from earlier answers.
    pub known: &'a Facts,
    /// Communities that the facility gave in writing; empty otherwise.
    pub communities: &'a [String],
}

/// What was heard so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Heard<'a> {
    /// How often the dialogue spoke before. Beginning TLS counts.
    pub turn: u32,
    /// What was heard in clear before [`Step::StartTls`]; empty before it, and in other dialogues.
    pub before_tls: &'a [u8],
    /// The stream since it began (inside TLS since TLS began), or the last datagram.
    pub bytes: &'a [u8],
    /// How much of `bytes` had been heard at the turn before this.
    pub before: usize,
    /// The other end ended the stream.
    pub ended: bool,
    /// Nothing came for as long as the engine is patient.
    pub waited: bool,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Say this and wait.
    Say(Vec<u8>),
    /// Wait for more.
    Wait,
    /// Begin TLS here (as `STARTTLS` does); what is heard begins anew.
    StartTls,
    /// Say this, then end politely.
    Last(Vec<u8>),
    /// End politely.
    Done,
}

impl Probe {
    /// The first thing it says; none where it only listens, or does not know what it would ask with.
    pub fn question(&self, ask: &Ask<'_>) -> Option<Vec<u8>> {
        match (self.next)(ask, &Heard::default()) {
            Step::Say(bytes) | Step::Last(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Whether it ends before anything is said or heard.
    pub fn passes(&self, ask: &Ask<'_>) -> bool {
        (self.next)(ask, &Heard::default()) == Step::Done
    }

    /// The first thing it says to 192.0.2.1, from 192.0.2.10 and with seed 0, when nothing is known: for pages
    /// that show what is sent.
    pub fn example(&self) -> Option<Vec<u8>> {
        let at = |last, port| SocketAddr::from(([192, 0, 2, last], port));
        self.question(&Ask {
            to: at(1, self.ports.first().copied().unwrap_or_default()),
            from: at(10, 40_000),
            seed: 0,
            known: &Facts::default(),
            communities: &[],
        })
    }
}

impl Intrusion {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listens => "listens",
            Self::Ordinary => "ordinary",
            Self::Dialogue => "dialogue",
            Self::OnRequest => "on_request",
        }
    }
}

impl Ask<'_> {
    /// `N` bytes that nobody could foresee who does not know the seed, the same every time for the same `what`,
    /// whom and seed. At most 32.
    pub fn bytes<const N: usize>(&self, what: &str) -> [u8; N] {
        let mut digest = Sha256::new();
        digest.update(self.seed.to_be_bytes());
        digest.update(self.to.to_string());
        digest.update(what);
        let digest = digest.finalize();
        let mut bytes = [0; N];
        for (byte, random) in bytes.iter_mut().zip(digest) {
            *byte = random;
        }
        bytes
    }
}

/// A dialogue of one question: says it, then ends at the first answer or when patience ends.
pub fn once(heard: &Heard<'_>, question: impl FnOnce() -> Vec<u8>) -> Step {
    match heard {
        Heard { turn: 0, .. } => Step::Say(question()),
        Heard { bytes: [], waited: false, ended: false, .. } => Step::Wait,
        _ => Step::Done,
    }
}

/// A dialogue of one question, and of a second one when patience with the first ends in silence.
pub fn either(
    heard: &Heard<'_>,
    first: impl FnOnce() -> Vec<u8>,
    second: impl FnOnce() -> Vec<u8>,
) -> Step {
    match heard {
        Heard { turn: 0, .. } => Step::Say(first()),
        Heard { turn: 1, waited: true, ended: false, .. } => Step::Say(second()),
        Heard { bytes: [], waited: false, ended: false, .. } => Step::Wait,
        _ => Step::Done,
    }
}

/// How much of a stream a dialogue listens to, whatever is still announced.
const MOST_HEARD: usize = 64 << 10;

/// A dialogue that says nothing: ends when `enough` was heard, or when patience ends.
pub fn listen(heard: &Heard<'_>, enough: impl FnOnce(&[u8]) -> bool) -> Step {
    let ends = heard.waited || heard.ended || heard.bytes.len() >= MOST_HEARD;
    if ends || enough(heard.bytes) { Step::Done } else { Step::Wait }
}

/// A dialogue of one question over a stream: says it, then ends when `enough` was heard, or when patience ends.
pub fn until(
    heard: &Heard<'_>,
    question: impl FnOnce() -> Vec<u8>,
    enough: impl FnOnce(&[u8]) -> bool,
) -> Step {
    if heard.turn == 0 { Step::Say(question()) } else { listen(heard, enough) }
}

/// Whether more bytes of a stream would not change what was read of it.
pub fn settled<T>(read: &wire::Result<T>) -> bool {
    !matches!(read, Err(error) if error.wants_more())
}

/// Every probe, in the order in which they are asked of one service.
pub static ALL: &[&Probe] = &[
    &banner::PROBE,
    &banner::INSIDE_TLS,
    &tls::PROBE,
    &tls::OLD,
    &tls::OLDEST,
    &http::PROBE,
    &http::INSIDE_TLS,
    &nat_pmp::PROBE,
    // VPNs.
    &ike::VERSION_2,
    &ike::VERSION_1,
    &ike::BACKOFF,
    &openvpn::PROBE,
    &openvpn::STREAM,
    &l2tp::PROBE,
    &pptp::PROBE,
    &dtls::PROBE,
    &tinc::PROBE,
    // VPNs inside HTTPS. One that grants SSTP is asked whether it is another's imitation.
    &anyconnect::PROBE,
    &sstp::PROBE,
    &softether::PROBE,
    // Gateways and what manages them.
    &nat_pmp::SUCCESSOR,
    &ssdp::PROBE,
    &upnp::DESCRIPTION,
    &upnp::OUTSIDE,
    &upnp::STATUS,
    &upnp::MAPPINGS,
    &snmp::DISCOVERY,
    &snmp::SYSTEM_OBJECTS,
    &mndp::PROBE,
    &ubiquiti::PROBE,
    &bgp::PROBE,
    // Names and time.
    &dns::VERSION,
    &dns::NAMES,
    &nbns::PROBE,
    &mdns::PROBE,
    &ntp::PROBE,
    // Telephony.
    &sip::PROBE,
    &sip::STREAM,
    &stun::PROBE,
    // Remote desktops.
    &rdp::PROBE,
    &vnc::PROBE,
    &ica::SESSION,
    &ica::PROBE,
    &x11::PROBE,
    &nomachine::PROBE,
    // Remote support.
    &anydesk::PROBE,
    &teamviewer::PROBE,
    &rustdesk::PROBE,
    &rustdesk::STREAM,
    &radmin::PROBE,
    &splashtop::PROBE,
    &dameware::PROBE,
    &pcanywhere::PROBE,
    &pcanywhere::STREAM,
    // Remote shells and relays.
    &ssh::PROBE,
    &telnet::PROBE,
    &socks::PROBE,
    // Files and what names a host's networks.
    &smb::PROBE,
    &dcerpc::PROBE,
    &ftp::PROBE,
    &smtp::PROBE,
    // Medicine: only where the facility says so.
    &dicom::PROBE,
    &hl7::PROBE,
];
