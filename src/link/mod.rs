//! The only room that touches the network or reads a clock.
//!
//! Everything above works on values: it hands an [`Act`] to a [`Link`] and waits for an [`Event`]. What stands
//! behind is the live network, a network in a text file, or either of them inside wrappers:
//!
//! ```text
//! engine, sweep ──▶ guard ──▶ record ──▶ fault ──▶ live (sockets, raw frames) or sim
//! ```
//!
//! `guard` comes first, so that nothing is written down as sent that was refused; `record` sees exactly what goes to
//! the wire and what comes from it.

pub mod fault;
pub mod guard;
pub mod interface;
pub mod journal;
pub mod ledger;
pub mod listen;
pub mod live;
pub mod loans;
mod neighbours;
mod overheard;
pub mod pace;
#[allow(
    unsafe_code,
    reason = "packet sockets and their ring have no safe interface; nothing else here needs it"
)]
pub mod raw;
mod rebuild;
mod receiver;
pub mod record;
pub mod responder;
pub mod sim;
mod sockets;
pub mod stop;
pub mod strangers;
pub mod syslog;

use std::net::{IpAddr, SocketAddr};

pub use strangers::{Stranger, Strangers};

use crate::{
    observe::{Mac, Transport},
    scope::{Refusal, Tier},
    time::Timestamp,
};

/// A network, and its clock.
pub trait Link {
    /// The moment by the link's clock.
    fn now(&self) -> Timestamp;

    /// The first moment at which `packets` packets may go to `to`. The pace is a matter of the guard; other links
    /// are always ready.
    fn ready(&self, to: IpAddr, packets: u32) -> Timestamp {
        let _ = (to, packets);
        self.now()
    }

    /// Hands something to the network. A refusal means that nothing was sent.
    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal>;

    /// The next thing that happens no later than `until`; none when nothing did.
    fn wait(&mut self, until: Timestamp) -> Option<Event>;

    /// Tells what an encrypted conversation says in clear, for the recording. Nothing is sent.
    fn reveal(&mut self, call: CallId, speaker: Speaker, bytes: &[u8]) {
        let _ = (call, speaker, bytes);
    }

    /// Writes a line into the journal of the recording, so that a run that was killed can go on. Nothing is sent.
    fn note(&mut self, line: &str) {
        let _ = line;
    }

    /// The interfaces that frames can go out of; empty without the right to raw packets.
    fn interfaces(&self) -> &[Interface] {
        &[]
    }

    /// Who spoke on our wires from a network that is none of theirs. The guard listens for them; other links do not.
    fn strangers(&self) -> Option<&Strangers> {
        None
    }
}

/// A conversation, by a number that whoever opens it gives. Numbers are not used twice in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// A conversation to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its number.
    pub id: CallId,
    /// Whom it is with.
    pub to: SocketAddr,
    /// [`Transport::Tcp`] or [`Transport::Udp`].
    pub transport: Transport,
    /// The name of the probe that it is for, as recordings and the ledger show it.
    pub probe: &'static str,
    /// How far its packets go.
    pub tier: Tier,
}

/// What can be handed to a link.
#[derive(Debug, Clone, Copy)]
pub enum Act<'a> {
    /// A whole frame, out of the interface with this index. The guard reads whom it goes to from its bytes.
    Frame {
        /// Place in [`Link::interfaces`].
        interface: usize,
        /// The frame, from its Ethernet header.
        bytes: &'a [u8],
        /// The name of the probe that it is.
        probe: &'static str,
        /// How far it goes.
        tier: Tier,
    },
    /// Begins a conversation: a TCP handshake, or a UDP socket, which sends nothing yet.
    Open(Call),
    /// Says something in a conversation that is open: bytes of the stream, or one datagram.
    Say {
        /// The conversation.
        id: CallId,
        /// What is said.
        bytes: &'a [u8],
    },
    /// Ends a conversation politely (FIN). Nothing further is heard of it.
    Close {
        /// The conversation.
        id: CallId,
    },
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A frame arrived.
    Frame {
        /// Place in [`Link::interfaces`].
        interface: usize,
        /// The frame, from its Ethernet header.
        bytes: Vec<u8>,
    },
    /// A conversation is open; `from` is our end.
    Opened {
        /// The conversation.
        id: CallId,
        /// Our address and port.
        from: SocketAddr,
    },
    /// The other end, or a router before it, refused a conversation, or a datagram of it.
    Refused {
        /// The conversation.
        id: CallId,
        /// In which way.
        how: Refused,
    },
    /// The other end said something: the next bytes of the stream, or one datagram.
    Heard {
        /// The conversation.
        id: CallId,
        /// What it said.
        bytes: Vec<u8>,
    },
    /// The other end ended the stream. What it said came before.
    Ended {
        /// The conversation.
        id: CallId,
        /// Broken off (RST) rather than ended (FIN).
        reset: bool,
    },
    /// The user wants an end: nothing new is begun, what is open may finish. Comes once.
    Stop,
}

/// How something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// A reset, or for a datagram an ICMP error that says the port is closed.
    Port,
    /// An ICMP error that says the host or network cannot be reached.
    Unreachable,
    /// The system could not send: no route, no socket left.
    System,
}

/// Whose words are revealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// Ours.
    We,
    /// The other end's.
    They,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its hardware address; none on loopback and tunnels.
    pub mac: Option<Mac>,
    /// Its addresses and the prefixes on its link.
    pub addresses: Vec<ipnetwork::IpNetwork>,
    /// The largest packet, in bytes.
    pub mtu: u32,
    /// Whether it is up.
    pub up: bool,
    /// Whether it leads to this machine itself.
    pub loopback: bool,
}
