//! Whether a TCP port is open: the first segment of a handshake, with a cookie for its number (RFC 9293, 3.5).

use std::net::{IpAddr, Ipv4Addr};

use super::{Answer, Cookie, Heard, How, Mark, Way, packet};
use crate::wire::tcp::{self, Segment, flag};

/// What we would take in one segment: as over Ethernet.
const OPTIONS: &[u8] = &[2, 4, 0x05, 0xb4];
const WINDOW: u16 = 64_240;

/// The question whether `port` is open.
pub fn ask(way: &Way, cookie: &Cookie, target: IpAddr, port: u16) -> Option<Vec<u8>> {
    let mark = cookie.mark(target, port);
    let segment = segment(mark, port);
    packet::frame(way, target, tcp::NUMBER, None, 24, |pseudo| segment.emit(pseudo))
}

fn segment(mark: Mark, port: u16) -> Segment<'static> {
    Segment {
        source: mark.source_port,
        destination: port,
        sequence: mark.number,
        acknowledgement: 0,
        flags: flag::SYN,
        window: WINDOW,
        options: OPTIONS,
        payload: &[],
    }
}

/// The question for many targets: a frame of which target, port and mark change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    frame: Vec<u8>,
    header: u32,
    segment: u32,
}

impl Template {
    /// The frame from this end; none when that is not IPv4.
    pub fn new(way: &Way) -> Option<Self> {
        let IpAddr::V4(ours) = way.our_address else { return None };
        let nobody = segment(Mark { source_port: 0, number: 0 }, 0);
        let to = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let mut frame =
            packet::frame(way, to, tcp::NUMBER, None, 24, |pseudo| nobody.emit(pseudo))?;
        frame.get_mut(24..26)?.fill(0);
        frame.get_mut(50..52)?.fill(0);
        let header = packet::sum_without(frame.get(14..34)?);
        let pseudo = packet::words(ours.to_bits()) + u32::from(tcp::NUMBER) + 24;
        let segment = packet::sum_without(frame.get(34..58)?) + pseudo;
        Some(Self { frame, header, segment })
    }

    /// The frame to copy.
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// Makes a copy of it a question for `port` of `target`.
    pub fn aim(&self, copy: &mut [u8], cookie: &Cookie, target: Ipv4Addr, port: u16) {
        let Some(copy) = copy.first_chunk_mut::<58>() else { return };
        let mark = cookie.mark(target.into(), port);
        let address = packet::words(target.to_bits());
        let ports = u32::from(mark.source_port) + u32::from(port);
        let sum = self.segment + address + ports + packet::words(mark.number);
        copy[24..26].copy_from_slice(&packet::folded(self.header + address));
        copy[30..34].copy_from_slice(&target.octets());
        copy[34..36].copy_from_slice(&mark.source_port.to_be_bytes());
        copy[36..38].copy_from_slice(&port.to_be_bytes());
        copy[38..42].copy_from_slice(&mark.number.to_be_bytes());
        copy[50..52].copy_from_slice(&packet::folded(sum));
    }
}

/// The answer in a segment: it acknowledges our number, which only who got the question can.
pub(super) fn read(bytes: &[u8], cookie: &Cookie, heard: &Heard) -> Option<Answer> {
    let segment = Segment::parse(bytes).ok()?;
    let mark = cookie.mark(heard.from, segment.source);
    let acknowledges = segment.has(flag::ACK)
        && segment.destination == mark.source_port
        && segment.acknowledgement.wrapping_sub(1) == mark.number;
    let how = match (segment.has(flag::RST), segment.has(flag::SYN)) {
        (true, _) => How::Reset,
        (false, true) => How::SynAck,
        (false, false) => return None,
    };
    acknowledges.then(|| heard.answer(Some(segment.source), how))
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::{observe::Mac, time::Timestamp};

    const WAY: Way = Way {
        our_mac: Mac(hex!("00005e005301")),
        our_address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        next_mac: Mac(hex!("00005e005302")),
    };

    #[test]
    fn a_copy_that_was_aimed_is_the_question() {
        let cookie = Cookie::new(3);
        let template = Template::new(&WAY).unwrap();
        for number in 0..2000_u32 {
            let target = Ipv4Addr::from(number.wrapping_mul(0x9e37_79b9));
            let port = u16::try_from(number * 31 % 65_536).unwrap();
            let mut copy = template.frame().to_vec();
            template.aim(&mut copy, &cookie, target, port);
            assert_eq!(copy, ask(&WAY, &cookie, target.into(), port).unwrap(), "{target}:{port}");
            let parsed = etherparse::PacketHeaders::from_ethernet_slice(&copy).unwrap();
            let (Some(etherparse::NetHeaders::Ipv4(ip, _)), Some(transport)) =
                (parsed.net, parsed.transport)
            else {
                panic!("no TCP in IPv4");
            };
            let segment = transport.tcp().unwrap();
            assert_eq!(ip.calc_header_checksum(), ip.header_checksum);
            assert_eq!(segment.calc_checksum_ipv4(&ip, &[]).unwrap(), segment.checksum);
            assert_eq!(segment.destination_port, port);
        }
    }

    #[test]
    fn the_question_over_ip_version_6_is_right_too() {
        let way = Way { our_address: "2001:db8::1".parse().unwrap(), ..WAY };
        let asked = ask(&way, &Cookie::new(3), "2001:db8::9".parse().unwrap(), 443).unwrap();
        let parsed = etherparse::PacketHeaders::from_ethernet_slice(&asked).unwrap();
        let Some(etherparse::NetHeaders::Ipv6(ip, _)) = parsed.net else { panic!("no IPv6") };
        let segment = parsed.transport.unwrap().tcp().unwrap();
        assert_eq!(segment.calc_checksum_ipv6(&ip, &[]).unwrap(), segment.checksum);
        assert_eq!(ask(&way, &Cookie::new(3), [192, 0, 2, 9].into(), 443), None);
    }

    #[test]
    fn only_who_got_the_question_can_answer() {
        let cookie = Cookie::new(3);
        let target = IpAddr::from([192, 0, 2, 9]);
        let mark = cookie.mark(target, 443);
        let back = Way { our_address: target, ..WAY };
        let reply = |acknowledgement: u32, flags: u8| {
            let segment = Segment {
                source: 443,
                destination: mark.source_port,
                sequence: 77,
                acknowledgement,
                flags,
                window: 1000,
                options: &[],
                payload: &[],
            };
            let frame = packet::frame(&back, WAY.our_address, tcp::NUMBER, None, 20, |pseudo| {
                segment.emit(pseudo)
            });
            crate::sweep::read(&frame.unwrap(), &cookie, Timestamp::default())
        };
        let next = mark.number.wrapping_add(1);
        let open = reply(next, flag::SYN | flag::ACK).unwrap();
        assert_eq!((open.how, open.port), (How::SynAck, Some(443)));
        assert_eq!(reply(next, flag::RST | flag::ACK).unwrap().how, How::Reset);
        assert_eq!(reply(mark.number, flag::SYN | flag::ACK), None);
        assert_eq!(reply(next, flag::ACK), None);
        assert_eq!(reply(next, flag::RST), None, "what acknowledges nothing answers nothing");
    }
}
