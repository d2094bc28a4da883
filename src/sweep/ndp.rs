//! Who is on this wire with IPv6: an echo that everybody hears (RFC 4443), and who has an address (RFC 4861).
//! Prefixes are never tried address by address.

use std::net::{IpAddr, Ipv6Addr};

use super::{Answer, Cookie, Heard, How, Way, icmp::halves, packet};
use crate::{
    observe::Mac,
    wire::{
        icmpv6::{self, ECHO_REPLY, Icmpv6, UNREACHABLE},
        ndp::{Extra, Message, Ndp, ask_neighbor},
    },
};

/// All nodes of a link.
pub const EVERYBODY: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The hardware address of that group.
const EVERYBODYS_MAC: Mac = Mac([0x33, 0x33, 0, 0, 0, 1]);

/// The question for an echo, to everybody on the wire.
pub fn ask_everybody(our_mac: Mac, our_address: Ipv6Addr, cookie: &Cookie) -> Option<Vec<u8>> {
    let way = Way { our_mac, our_address: our_address.into(), next_mac: EVERYBODYS_MAC };
    let (identifier, sequence) = halves(cookie, EVERYBODY.into());
    packet::frame(&way, EVERYBODY.into(), icmpv6::NUMBER, Some(1), 0, |_| {
        icmpv6::echo(our_address, EVERYBODY, identifier, sequence, b"sekisho")
    })
}

/// The question who has `target`.
pub fn ask(our_mac: Mac, our_address: Ipv6Addr, target: Ipv6Addr) -> Option<Vec<u8>> {
    let (group, mac) = packet::solicited(target);
    let way = Way { our_mac, our_address: our_address.into(), next_mac: Mac(mac) };
    // Neighbours take such messages only with the hop limit that nobody beyond the wire can give them.
    packet::frame(&way, group.into(), icmpv6::NUMBER, Some(255), 0, |_| {
        ask_neighbor(our_address, group, target, our_mac.0)
    })
}

/// The answer in a message.
pub(super) fn read(bytes: &[u8], cookie: &Cookie, heard: &Heard) -> Option<Answer> {
    if let Ok(ndp) = Ndp::parse(bytes) {
        let Message::NeighborAdvertisement { target, .. } = ndp.message else { return None };
        let told = ndp.extras().into_iter().find_map(|extra| match extra {
            Extra::TargetMac(mac) => Some(Mac(mac)),
            _ => None,
        });
        let address = IpAddr::V6(target);
        let answer = heard.answer(None, How::Nd);
        return (heard.time_to_live == 255).then(|| Answer {
            address,
            by: address,
            mac: told.or(answer.mac),
            ..answer
        });
    }
    let message = Icmpv6::parse(bytes).ok()?;
    if message.kind == ECHO_REPLY {
        let argument = message.body.first_chunk::<4>()?;
        let asked = [heard.from, EVERYBODY.into()];
        let ours = |to: IpAddr| cookie.mark(to, 0).number.to_be_bytes() == *argument;
        return asked.into_iter().any(ours).then(|| heard.answer(None, How::Echo));
    }
    let quoted = message.quoted()?;
    heard.about(&quoted, message.kind == UNREACHABLE && message.code == 4, cookie)
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::{time::Timestamp, wire::ipv6};

    const MAC: Mac = Mac(hex!("00005e005301"));

    #[test]
    fn a_solicitation_goes_to_the_group_of_its_target() {
        let (own, target) = ("fe80::1".parse().unwrap(), "2001:db8::ab:cdef".parse().unwrap());
        let asked = ask(MAC, own, target).unwrap();
        assert_eq!(asked[..6], hex!("3333ffabcdef"));
        let packet = ipv6::Packet::parse(&asked[14..]).unwrap();
        assert_eq!(packet.destination, "ff02::1:ffab:cdef".parse::<Ipv6Addr>().unwrap());
        assert_eq!(packet.hop_limit, 255);
        let parsed = etherparse::PacketHeaders::from_ethernet_slice(&asked).unwrap();
        assert!(matches!(parsed.transport, Some(etherparse::TransportHeader::Icmpv6(_))));
    }

    #[test]
    fn who_answers_everybodys_echo_is_there() {
        let cookie = Cookie::new(5);
        let own = "fe80::1".parse().unwrap();
        let asked = ask_everybody(MAC, own, &cookie).unwrap();
        let message = Icmpv6::parse(&asked[54..]).unwrap();
        let neighbour = "fe80::2".parse().unwrap();
        let reply = icmpv6::seal(neighbour, own, ECHO_REPLY, message.body);
        let back = Way { our_mac: Mac([2; 6]), our_address: neighbour.into(), next_mac: MAC };
        let frame = packet::frame(&back, own.into(), 58, None, 0, |_| reply.clone()).unwrap();
        let answer = crate::sweep::read(&frame, &cookie, Timestamp::default()).unwrap();
        assert_eq!((answer.address, answer.mac), (neighbour.into(), Some(Mac([2; 6]))));
        assert_eq!(crate::sweep::read(&frame, &Cookie::new(6), Timestamp::default()), None);
    }

    #[test]
    fn an_advertisement_from_beyond_the_wire_is_none() {
        let target: Ipv6Addr = "2001:db8::9".parse().unwrap();
        let body = [&[0x60, 0, 0, 0][..], &target.octets(), &[2, 1, 9, 9, 9, 9, 9, 9]].concat();
        let message = icmpv6::seal(target, "fe80::1".parse().unwrap(), 136, &body);
        let back = Way { our_mac: Mac([2; 6]), our_address: target.into(), next_mac: MAC };
        let heard = |hops| {
            let to = "fe80::1".parse().unwrap();
            let frame = packet::frame(&back, to, 58, Some(hops), 0, |_| message.clone()).unwrap();
            crate::sweep::read(&frame, &Cookie::new(1), Timestamp::default())
        };
        assert_eq!(heard(255).unwrap().mac, Some(Mac([9; 6])));
        assert_eq!(heard(254), None);
    }
}
