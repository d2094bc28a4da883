//! What we ask of those that answer. A probe is a value: adding one is a file here and a line in [`ALL`].
//!
//! A dialogue is a plain function from what was heard so far to what to do next, so that a test of a minute's
//! conversation takes a millisecond, and what is sent depends on nothing but the seed and the replies.

pub mod anyconnect;
pub mod anydesk;
pub mod bgp;
pub mod dameware;
pub mod dcerpc;
pub mod dicom;
pub mod hl7;
pub mod ica;
pub mod nat_pmp;
pub mod nomachine;
pub mod openvpn;
pub mod pcanywhere;
pub mod pptp;
pub mod radmin;
pub mod rdp;
#[cfg(test)]
mod rehearsal;
pub mod rustdesk;
pub mod sip;
pub mod smb;
pub mod socks;
pub mod softether;
pub mod splashtop;
pub mod ssh;
pub mod sstp;
pub mod teamviewer;
pub mod telnet;
pub mod tinc;
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

    /// What a web request calls whom it asks: the address, and the port unless it is that of HTTPS.
    pub fn host(&self) -> String {
        match self.to {
            SocketAddr::V6(to) if to.port() == 443 => format!("[{}]", to.ip()),
            to if to.port() == 443 => to.ip().to_string(),
            to => to.to_string(),
        }
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

/// How much of a stream a dialogue listens to, whatever is still announced.
const MOST_HEARD: usize = 256 << 10;

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
    &nat_pmp::PROBE,
    &ssh::PROBE,
    // Those that speak first.
    &vnc::PROBE,
    &telnet::PROBE,
    &ica::PROBE,
    &splashtop::PROBE,
    &dameware::PROBE,
    &pcanywhere::STREAM,
    &nomachine::PROBE,
    &tinc::PROBE,
    &bgp::PROBE,
    // Those that are asked.
    &rdp::PROBE,
    &x11::PROBE,
    &smb::PROBE,
    &dcerpc::PROBE,
    &pptp::PROBE,
    &openvpn::STREAM,
    &radmin::PROBE,
    &teamviewer::PROBE,
    &rustdesk::STREAM,
    &sip::STREAM,
    &socks::PROBE,
    // Those inside TLS.
    &anydesk::PROBE,
    &sstp::PROBE,
    &softether::PROBE,
    &anyconnect::PROBE,
    &ssh::INSIDE_TLS,
    // Those of whom the facility says so.
    &dicom::PROBE,
    &hl7::PROBE,
];
