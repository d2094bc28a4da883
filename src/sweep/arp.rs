//! Who has an IPv4 address on this wire (RFC 826).

use std::net::{IpAddr, Ipv4Addr};

use super::{Answer, How, Way};
use crate::{
    observe::Mac,
    time::Timestamp,
    wire::{
        arp::{Arp, REPLY, REQUEST},
        ethernet::{self, Frame, Kind},
    },
};

/// The question who has `target`, told to everybody on the wire.
pub fn ask(our_mac: Mac, our_address: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let arp = Arp {
        operation: REQUEST,
        sender_mac: our_mac.0,
        sender: our_address,
        target_mac: [0; 6],
        target,
    };
    let frame = Frame {
        destination: [0xff; 6],
        source: our_mac.0,
        vlan: None,
        kind: Kind::Type(ethernet::ARP),
        payload: &arp.emit(),
    };
    frame.emit()
}

/// The question for many targets: a frame of which only the target changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    frame: Vec<u8>,
}

impl Template {
    /// The frame from this end; none when that is not IPv4.
    pub fn new(way: &Way) -> Option<Self> {
        let IpAddr::V4(our_address) = way.our_address else { return None };
        Some(Self { frame: ask(way.our_mac, our_address, Ipv4Addr::UNSPECIFIED) })
    }

    /// The frame to copy.
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// Makes a copy of it a question for `target`.
    pub fn aim(&self, copy: &mut [u8], target: Ipv4Addr) {
        if let Some(place) = copy.get_mut(38..42) {
            place.copy_from_slice(&target.octets());
        }
    }
}

/// The answer in a message.
pub(super) fn read(bytes: &[u8], at: Timestamp) -> Option<Answer> {
    let arp = Arp::parse(bytes).ok().filter(|arp| arp.operation == REPLY)?;
    let address = IpAddr::V4(arp.sender);
    Some(Answer {
        address,
        by: address,
        mac: Some(Mac(arp.sender_mac)),
        port: None,
        how: How::Arp,
        time_to_live: None,
        at,
    })
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::sweep::Cookie;

    #[test]
    fn the_question_is_as_rfc_826_has_it() {
        let (mac, own) = (Mac(hex!("00005e005301")), [192, 0, 2, 1].into());
        let asked = ask(mac, own, [192, 0, 2, 9].into());
        let whole = hex!(
            "ffffffffffff 00005e005301 0806
             0001 0800 06 04 0001 00005e005301 c0000201 000000000000 c0000209"
        );
        assert_eq!(asked, whole);
        let way = Way { our_mac: mac, our_address: own.into(), next_mac: Mac([0xff; 6]) };
        let template = Template::new(&way).unwrap();
        let mut copy = template.frame().to_vec();
        template.aim(&mut copy, [192, 0, 2, 9].into());
        assert_eq!(copy, asked);
    }

    #[test]
    fn reads_who_has_it_and_no_question() {
        let mut frame = hex!(
            "00005e005301 00005e005302 0806
             0001 0800 06 04 0002 00005e005302 c0000209 00005e005301 c0000201 0000"
        );
        let answer = crate::sweep::read(&frame, &Cookie::new(1), Timestamp::default()).unwrap();
        assert_eq!(answer.address, Ipv4Addr::new(192, 0, 2, 9));
        assert_eq!((answer.mac, answer.how), (Some(Mac(hex!("00005e005302"))), How::Arp));
        frame[21] = 1;
        assert_eq!(crate::sweep::read(&frame, &Cookie::new(1), Timestamp::default()), None);
    }
}
