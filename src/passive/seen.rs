//! Which packet something was seen in, and between whom on the wire.

use super::capture::Role;
use crate::{
    observe::{Heard, Mac, PacketId},
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
    /// Which part it has in a run of ours.
    pub role: Role,
    /// Whether we sent it from an address that we had borrowed.
    pub borrowed: bool,
    /// Whether it shows in clear what an encrypted conversation said.
    pub clear: bool,
}

impl Seen {
    /// A packet as it lies in a capture.
    pub(super) fn new(at: Timestamp, packet: PacketId) -> Self {
        let (role, borrowed, clear) = (Role::Overheard, false, false);
        Self { at, packet, source: None, destination: None, depth: 0, role, borrowed, clear }
    }

    /// How what it says reached us; none for what we say ourselves, which tells nothing.
    pub(super) fn heard(&self) -> Option<Heard> {
        match self.role {
            Role::Overheard => Some(Heard::Overheard),
            Role::Replied => Some(Heard::Replied),
            Role::Asked => None,
        }
    }
}
