//! The guard of a sweep that may go as fast as it can: each frame is held against the consent at the send call, by
//! its own bytes.

use std::{io, time::Duration};

use super::{Batch, Outlet};
use crate::{
    observe::Mac,
    scope::{Consent, Contact, Tier},
    time::Timestamp,
    wire::{ethernet, tcp, udp},
};

/// An outlet that sends what the consent allows, and withdraws the rest. Rates are the sender's.
#[derive(Debug)]
pub struct Gate<O> {
    outlet: O,
    consent: Consent,
    refused: u64,
}

impl<O: Outlet> Gate<O> {
    /// A gate before `outlet`.
    pub fn new(outlet: O, consent: Consent) -> Self {
        Self { outlet, consent, refused: 0 }
    }

    /// How many frames were withdrawn.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

impl<O: Outlet> Outlet for Gate<O> {
    fn send(&mut self, batch: &mut Batch) -> io::Result<u64> {
        let (now, consent) = (self.outlet.now(), &self.consent);
        self.refused += batch.keep(|frame| {
            contact_of(frame).is_some_and(|contact| consent.allows(&contact, now).is_ok())
        });
        self.outlet.send(batch)
    }

    fn now(&self) -> Timestamp {
        self.outlet.now()
    }

    fn rest(&mut self, duration: Duration) {
        self.outlet.rest(duration);
    }
}

/// Whom a frame of ours goes to, read from its bytes: untagged, without IPv4 options or IPv6 extension headers, as
/// a sweep makes them. Its tier is [`Tier::Ask`].
pub fn contact_of(frame: &[u8]) -> Option<Contact> {
    let (destination, rest) = frame.split_first_chunk::<6>()?;
    let (kind, packet) = rest.get(6..)?.split_first_chunk::<2>()?;
    let mac = Some(*destination).filter(|mac| !Mac(*mac).is_group());
    let contact =
        |address, port, resolves| Contact { address, mac, port, resolves, tier: Tier::Ask };
    match u16::from_be_bytes(*kind) {
        ethernet::ARP => {
            let target = packet.get(24..)?.first_chunk::<4>()?;
            Some(contact((*target).into(), None, true))
        }
        ethernet::IPV4 => {
            let (header, payload) = packet.split_first_chunk::<20>()?;
            let [first, .., a, b, c, d] = *header;
            let port = port_of(header[9], payload);
            (first == 0x45).then(|| contact([a, b, c, d].into(), port, false))
        }
        ethernet::IPV6 => {
            let (header, payload) = packet.split_first_chunk::<40>()?;
            let address = *header.last_chunk::<16>()?;
            let solicited = payload.get(8..).and_then(|rest| rest.first_chunk::<16>());
            match (header[6], payload.first(), solicited) {
                // A neighbour solicitation goes to a group; whom it asks stands in it.
                (58, Some(135), Some(target)) => Some(contact((*target).into(), None, true)),
                (protocol, ..) => Some(contact(address.into(), port_of(protocol, payload), false)),
            }
        }
        _ => None,
    }
}

fn port_of(protocol: u8, payload: &[u8]) -> Option<u16> {
    let port = payload.get(2..)?.first_chunk::<2>()?;
    matches!(protocol, tcp::NUMBER | udp::NUMBER).then(|| u16::from_be_bytes(*port))
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::wire::{arp::Arp, ethernet::Frame, ndp};

    #[test]
    fn an_arp_question_is_to_whom_it_asks_for() {
        let arp = Arp {
            operation: 1,
            sender_mac: [2; 6],
            sender: [192, 0, 2, 1].into(),
            target_mac: [0; 6],
            target: [192, 0, 2, 9].into(),
        };
        let frame = Frame {
            destination: [0xff; 6],
            source: [2; 6],
            vlan: None,
            kind: ethernet::Kind::Type(ethernet::ARP),
            payload: &arp.emit(),
        };
        let contact = contact_of(&frame.emit()).unwrap();
        assert_eq!(contact.address, std::net::Ipv4Addr::new(192, 0, 2, 9));
        assert!(contact.resolves && contact.mac.is_none());
    }

    #[test]
    fn a_segment_shows_its_port_and_a_solicitation_its_target() {
        let syn = hex!(
            "00005e005301 00005e005302 0800
             45 00 0028 0000 4000 40 06 0000 c0000201 c0000202
             ee48 0050 00000001 00000000 5002 0000 0000 0000"
        );
        let contact = contact_of(&syn).unwrap();
        assert_eq!((contact.port, contact.mac), (Some(80), Some(hex!("00005e005301"))));
        let target = "fe80::2".parse().unwrap();
        let asked = ndp::ask_neighbor(
            "fe80::1".parse().unwrap(),
            "ff02::1:ff00:2".parse().unwrap(),
            target,
            [2; 6],
        );
        let mut frame = hex!("3333ff000002 00005e005302 86dd 60000000 0020 3a ff").to_vec();
        frame.extend([0; 32]);
        frame.extend(asked);
        let contact = contact_of(&frame).unwrap();
        assert!(contact.address == target && contact.resolves);
        for end in 0..syn.len() - 16 {
            assert!(contact_of(&syn[..end]).is_none_or(|contact| contact.port.is_none()), "{end}");
        }
    }
}
