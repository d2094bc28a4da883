//! What a protocol is asked to read, and what it answers.

use super::{Confidence, Facts, Transport};
use crate::wire;

/// A protocol we understand: where it is spoken, and what its messages tell.
///
/// A reader decides by content. It may look at the ports to accept less proof, and then says so with a
/// lower [`Confidence`].
#[derive(Debug)]
pub struct Protocol {
    /// The name that fields, fixtures and reports use.
    pub name: &'static str,
    /// What it is carried by; the first is the usual one.
    pub carriers: &'static [Carrier],
    /// Turns one side's message, or the start of its stream, into facts.
    ///
    /// [`wire::Error::Truncated`] asks for more bytes of the stream; every other error means that this
    /// is another protocol.
    pub read: fn(&Said<'_>) -> wire::Result<Finding>,
}

/// What carries a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// Frames with this Ethernet type.
    Ethernet(u16),
    /// Frames with this SNAP organisation (24 bits) and protocol.
    Snap(u32, u16),
    /// Frames with this LLC destination SAP.
    Llc(u8),
    /// IP packets with this protocol number.
    Ip(u8),
    /// Datagrams, usually to or from one of these ports; the reader is asked about other ports too.
    Udp(&'static [u16]),
    /// Streams, usually to or from one of these ports; the reader is asked about other ports too.
    Tcp(&'static [u16]),
    /// Datagrams to or from one of these ports, and no others.
    UdpOnly(&'static [u16]),
    /// Streams to or from one of these ports, and no others.
    TcpOnly(&'static [u16]),
}

/// What one side of a conversation said, with what was said around it.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// What carries it.
    pub transport: Transport,
    /// The message: a frame's or datagram's payload, or what has arrived in order of a stream.
    pub bytes: &'a [u8],
    /// The speaker's port; 0 where there are none.
    pub from: u16,
    /// The listener's port; 0 where there are none.
    pub to: u16,
    /// What the other side said last: a prefix of its last datagram, or the start of its stream. Empty
    /// when it said nothing yet.
    pub answering: &'a [u8],
    /// The same side's datagram before this one, or a prefix of it. Empty at the first, and on streams.
    pub earlier: &'a [u8],
    /// More of the stream can still come. False for datagrams and at a stream's end.
    pub open: bool,
    /// Who began the conversation, where that was seen: the sender of the SYN or of the first datagram.
    pub begun_by: Option<End>,
}

/// An end of a conversation, from where one message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The message's sender.
    Speaker,
    /// The message's receiver.
    Listener,
}

impl<'a> Said<'a> {
    /// A datagram with nothing around it.
    pub fn datagram(from: u16, to: u16, bytes: &'a [u8]) -> Self {
        let transport = Transport::Udp;
        Self {
            transport,
            bytes,
            from,
            to,
            answering: &[],
            earlier: &[],
            open: false,
            begun_by: None,
        }
    }

    /// The start of a stream with nothing around it.
    pub fn stream(from: u16, to: u16, bytes: &'a [u8]) -> Self {
        Self { transport: Transport::Tcp, open: true, ..Self::datagram(from, to, bytes) }
    }

    /// A frame's or IP packet's payload.
    pub fn payload(transport: Transport, bytes: &'a [u8]) -> Self {
        Self { transport, ..Self::datagram(0, 0, bytes) }
    }

    /// Whether either port is one of `ports`.
    pub fn on(&self, ports: &[u16]) -> bool {
        ports.contains(&self.from) || ports.contains(&self.to)
    }

    /// The side that speaks, where the message itself does not tell: whoever began is the client; if
    /// that was not seen, whoever uses one of `ports` serves; else the lower port does.
    pub fn side(&self, ports: &[u16]) -> Side {
        match (self.begun_by, ports.contains(&self.from), ports.contains(&self.to)) {
            (Some(End::Speaker), ..) | (None, false, true) => Side::Client,
            (Some(End::Listener), ..) | (None, true, false) => Side::Server,
            _ if self.from < self.to => Side::Server,
            _ if self.from > self.to => Side::Client,
            _ => Side::Peer,
        }
    }
}

/// Which part a speaker has in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It asked: dialled, initiated, requested.
    Client,
    /// It answered: listens there.
    Server,
    /// It announced, or both ends do the same.
    Peer,
}

/// What a protocol understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which part the speaker has.
    pub side: Side,
    /// How sure the reading is.
    pub confidence: Confidence,
    /// What was said.
    pub facts: Facts,
    /// What follows in the stream.
    pub rest: Rest,
}

impl Finding {
    /// A reading that nothing else could give.
    pub fn certain(side: Side, facts: Facts) -> Self {
        Self { side, confidence: Confidence::Certain, facts, rest: Rest::Done }
    }

    /// A reading particular to this protocol.
    pub fn firm(side: Side, facts: Facts) -> Self {
        Self { confidence: Confidence::Firm, ..Self::certain(side, facts) }
    }

    /// A reading by shape or usual port, that others could share.
    pub fn weak(side: Side, facts: Facts) -> Self {
        Self { confidence: Confidence::Weak, ..Self::certain(side, facts) }
    }

    /// Says what follows in the stream.
    pub fn then(self, rest: Rest) -> Self {
        Self { rest, ..self }
    }
}

/// What follows a message in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Nothing that would tell more.
    Done,
    /// Another message of this protocol, this many bytes after the start of this one.
    Same(usize),
    /// Perhaps another protocol, this many bytes after the start of this message, as after `CONNECT`.
    Other(usize),
}
