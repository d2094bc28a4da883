//! Echoes over IPv4 (RFC 792), and the errors that questions come back in.

use std::net::{IpAddr, Ipv4Addr};

use super::{Answer, Cookie, Heard, How, Way, packet};
use crate::wire::icmp::{ECHO_REPLY, Icmp, echo};

/// What an echo carries, so that whoever looks at the wire sees what it is.
const DATA: &[u8] = b"sekisho";

/// The question for an echo.
pub fn ask(way: &Way, cookie: &Cookie, target: Ipv4Addr) -> Option<Vec<u8>> {
    let (identifier, sequence) = halves(cookie, target.into());
    packet::frame(way, target.into(), 1, None, 0, |_| echo(identifier, sequence, DATA))
}

/// The question for many targets: a frame of which the target and its mark change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    frame: Vec<u8>,
    header: u32,
    message: u32,
}

impl Template {
    /// The frame from this end; none when that is not IPv4.
    pub fn new(way: &Way) -> Option<Self> {
        let to = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let mut frame = packet::frame(way, to, 1, None, 0, |_| echo(0, 0, DATA))?;
        frame.get_mut(24..26)?.fill(0);
        frame.get_mut(36..38)?.fill(0);
        let header = packet::sum_without(frame.get(14..34)?);
        let message = packet::sum_without(frame.get(34..)?);
        Some(Self { frame, header, message })
    }

    /// The frame to copy.
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// Makes a copy of it a question for `target`.
    pub fn aim(&self, copy: &mut [u8], cookie: &Cookie, target: Ipv4Addr) {
        let Some(copy) = copy.first_chunk_mut::<42>() else { return };
        let (identifier, sequence) = halves(cookie, target.into());
        let sum = self.message + u32::from(identifier) + u32::from(sequence);
        copy[24..26]
            .copy_from_slice(&packet::folded(self.header + packet::words(target.to_bits())));
        copy[30..34].copy_from_slice(&target.octets());
        copy[36..38].copy_from_slice(&packet::folded(sum));
        copy[38..40].copy_from_slice(&identifier.to_be_bytes());
        copy[40..42].copy_from_slice(&sequence.to_be_bytes());
    }
}

/// The answer in a message.
pub(super) fn read(bytes: &[u8], cookie: &Cookie, heard: &Heard) -> Option<Answer> {
    let message = Icmp::parse(bytes).ok()?;
    if message.kind != ECHO_REPLY {
        return super::read_error(&message, cookie, heard);
    }
    let expected = cookie.mark(heard.from, 0).number.to_be_bytes();
    (message.argument == expected).then(|| heard.answer(None, How::Echo))
}

/// Identifier and sequence of the echo for `target`.
pub(super) fn halves(cookie: &Cookie, target: IpAddr) -> (u16, u16) {
    let [a, b, c, d] = cookie.mark(target, 0).number.to_be_bytes();
    (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::{observe::Mac, time::Timestamp, wire::ipv4};

    const WAY: Way = Way {
        our_mac: Mac(hex!("00005e005301")),
        our_address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        next_mac: Mac(hex!("00005e005302")),
    };

    #[test]
    fn a_copy_that_was_aimed_is_the_question() {
        let cookie = Cookie::new(3);
        let template = Template::new(&WAY).unwrap();
        for target in [[192, 0, 2, 9], [255, 255, 255, 254], [0, 0, 0, 1], [10, 200, 255, 1]] {
            let target = Ipv4Addr::from(target);
            let mut copy = template.frame().to_vec();
            template.aim(&mut copy, &cookie, target);
            assert_eq!(copy, ask(&WAY, &cookie, target).unwrap(), "{target}");
            let parsed = etherparse::PacketHeaders::from_ethernet_slice(&copy).unwrap();
            let Some(etherparse::TransportHeader::Icmpv4(header)) = parsed.transport else {
                panic!("{parsed:?}");
            };
            assert_eq!(header.icmp_type.calc_checksum(DATA), header.checksum);
        }
    }

    #[test]
    fn an_echo_is_an_answer_and_somebody_elses_is_not() {
        let cookie = Cookie::new(3);
        let mut frame = ask(&WAY, &cookie, [192, 0, 2, 9].into()).unwrap();
        // As its receiver turns it round.
        frame[26..30].copy_from_slice(&[192, 0, 2, 9]);
        frame[34] = ECHO_REPLY;
        let answer = crate::sweep::read(&frame, &cookie, Timestamp::default()).unwrap();
        assert_eq!((answer.how, answer.time_to_live), (How::Echo, Some(64)));
        assert_eq!(crate::sweep::read(&frame, &Cookie::new(4), Timestamp::default()), None);
    }

    #[test]
    fn a_router_that_cannot_reach_a_host_says_whom() {
        let cookie = Cookie::new(3);
        let asked = super::super::tcp_syn::ask(&WAY, &cookie, [10, 0, 0, 9].into(), 443).unwrap();
        let message = Icmp { kind: 3, code: 1, argument: [0; 4], body: &asked[14..42] }.emit();
        let back = Way { our_address: [10, 0, 0, 1].into(), ..WAY };
        let to = IpAddr::from([192, 0, 2, 1]);
        let frame = packet::frame(&back, to, 1, None, 0, |_| message.clone()).unwrap();
        let answer = crate::sweep::read(&frame, &cookie, Timestamp::default()).unwrap();
        assert_eq!((answer.address, answer.port), ([10, 0, 0, 9].into(), Some(443)));
        assert!(answer.how == How::Unreachable && !answer.shows_life());
        assert!(ipv4::Packet::parse(&frame[14..]).is_ok());
    }
}
