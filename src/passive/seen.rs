//! Which packet something was seen in, and between whom on the wire.

use crate::{
    observe::{Mac, PacketId},
    time::Timestamp,
};

/// A packet and what surrounds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// When it passed.
    pub at: Timestamp,
    /// Which one it is.
    pub packet: PacketId,
    /// The frame's sender.
    pub source: Option<Mac>,
    /// The frame's receiver.
    pub destination: Option<Mac>,
    /// How many tunnels it was taken out of.
    pub depth: u8,
}

impl Seen {
    /// A packet as it lies in a capture.
    pub(super) fn new(at: Timestamp, packet: PacketId) -> Self {
        Self { at, packet, source: None, destination: None, depth: 0 }
    }
}
