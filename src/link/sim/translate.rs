//! Many addresses behind one: how a host hides its networks behind its own address on a line (RFC 3022), and finds back.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
};

use super::{
    Sim,
    packet::{ICMP, Packet, readdressed, requoted},
};
use crate::wire::icmp::Icmp;

/// How many conversations a host remembers that it translated; then it forgets them all.
const MOST_CONVERSATIONS: usize = 1 << 12;

/// Who spoke, by the protocol, the destination, and the two ends.
pub(super) type Translations = HashMap<(u8, IpAddr, (u16, u16)), Ipv4Addr>;

impl Sim {
    /// A packet as it goes over a line, where the host translates; remembers who sent it.
    pub(super) fn translated(
        &mut self,
        place: usize,
        line: usize,
        bytes: &[u8],
    ) -> Option<Vec<u8>> {
        let line = self.network.lines.get(line).filter(|line| line.translates)?;
        let packet = Packet::parse(bytes)?;
        let (IpAddr::V4(source), Some(IpAddr::V4(near))) = (packet.source, line.near(true)) else {
            return None;
        };
        if packet.is_error() {
            return readdressed(bytes, Some(near), None);
        }
        let key = (packet.protocol, packet.destination, packet.ends()?);
        let memory = &mut self.network.hosts.get_mut(place)?.memory.translations;
        if memory.len() >= MOST_CONVERSATIONS {
            memory.clear();
        }
        memory.insert(key, source);
        readdressed(bytes, Some(near), None)
    }

    /// A packet that came over a line, as it goes on to whoever it is really for.
    pub(super) fn translated_back(
        &self,
        place: usize,
        line: usize,
        packet: &Packet<'_>,
    ) -> Option<Vec<u8>> {
        let line = self.network.lines.get(line).filter(|line| line.translates)?;
        let memory = &self.network.hosts.get(place)?.memory.translations;
        if !line.near.contains(&packet.destination) {
            return None;
        }
        if packet.is_error() {
            let quoted = Icmp::parse(packet.payload).ok()?.quoted()?;
            let echo = quoted.echo.map(|(identifier, _)| (identifier, 0));
            let key = (quoted.protocol, quoted.destination, quoted.ports.or(echo)?);
            let source = *memory.get(&key)?;
            return readdressed(&requoted(packet.whole, source)?, None, Some(source));
        }
        let (near, far) = packet.ends()?;
        let ends = if packet.protocol == ICMP { (near, far) } else { (far, near) };
        let source = *memory.get(&(packet.protocol, packet.source, ends))?;
        readdressed(packet.whole, None, Some(source))
    }
}
