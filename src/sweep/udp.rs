//! Whether a UDP port answers a question of its own protocol. The questions are given: what is asked is a matter of
//! probes.

use std::net::{IpAddr, Ipv4Addr};

use super::{Answer, Cookie, Heard, How, Way, packet};
use crate::wire::udp::{self, Datagram};

/// The question that `payload` is, for `port`.
pub fn ask(
    way: &Way,
    cookie: &Cookie,
    target: IpAddr,
    port: u16,
    payload: &[u8],
) -> Option<Vec<u8>> {
    let datagram =
        Datagram { source: cookie.mark(target, port).source_port, destination: port, payload };
    let length = 8 + payload.len();
    packet::frame(way, target, udp::NUMBER, None, length, |pseudo| datagram.emit(pseudo))
}

/// The question for many targets: a frame of which target and mark change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    frame: Vec<u8>,
    port: u16,
    header: u32,
    datagram: u32,
}

impl Template {
    /// The frame from this end; none when that is not IPv4.
    pub fn new(way: &Way, port: u16, payload: &[u8]) -> Option<Self> {
        let IpAddr::V4(ours) = way.our_address else { return None };
        let nobody = Datagram { source: 0, destination: port, payload };
        let (to, length) = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8 + payload.len());
        let mut frame =
            packet::frame(way, to, udp::NUMBER, None, length, |pseudo| nobody.emit(pseudo))?;
        frame.get_mut(24..26)?.fill(0);
        frame.get_mut(40..42)?.fill(0);
        let header = packet::sum_without(frame.get(14..34)?);
        let pseudo =
            packet::words(ours.to_bits()) + u32::from(udp::NUMBER) + u32::try_from(length).ok()?;
        let datagram = packet::sum_without(frame.get(34..)?) + pseudo;
        Some(Self { frame, port, header, datagram })
    }

    /// The frame to copy.
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// The port that it asks.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes a copy of it a question for `target`.
    pub fn aim(&self, copy: &mut [u8], cookie: &Cookie, target: Ipv4Addr) {
        let Some(copy) = copy.first_chunk_mut::<42>() else { return };
        let source = cookie.mark(target.into(), self.port).source_port;
        let address = packet::words(target.to_bits());
        // 0 would mean "no checksum"; its other form is sent instead (RFC 768).
        let sum = match packet::folded(self.datagram + address + u32::from(source)) {
            [0, 0] => [0xff, 0xff],
            sum => sum,
        };
        copy[24..26].copy_from_slice(&packet::folded(self.header + address));
        copy[30..34].copy_from_slice(&target.octets());
        copy[34..36].copy_from_slice(&source.to_be_bytes());
        copy[40..42].copy_from_slice(&sum);
    }
}

/// The answer that a datagram is: from where we asked, to the port that the question came from.
pub(super) fn read(bytes: &[u8], cookie: &Cookie, heard: &Heard) -> Option<Answer> {
    let datagram = Datagram::parse(bytes).ok()?;
    let mark = cookie.mark(heard.from, datagram.source);
    let is_ours = datagram.destination == mark.source_port;
    is_ours.then(|| heard.answer(Some(datagram.source), How::Udp))
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
        for payload in [&b""[..], b"odd", b"even"] {
            let template = Template::new(&WAY, 161, payload).unwrap();
            for number in 0..2000_u32 {
                let target = Ipv4Addr::from(number.wrapping_mul(0x9e37_79b9));
                let mut copy = template.frame().to_vec();
                template.aim(&mut copy, &cookie, target);
                let asked = ask(&WAY, &cookie, target.into(), 161, payload).unwrap();
                assert_eq!(copy, asked, "{target}");
            }
        }
    }

    #[test]
    fn an_answer_comes_to_the_port_that_asked() {
        let cookie = Cookie::new(3);
        let target = IpAddr::from([192, 0, 2, 9]);
        let back = Way { our_address: target, ..WAY };
        let reply = |destination: u16| {
            let datagram = Datagram { source: 161, destination, payload: b"x" };
            let frame = packet::frame(&back, WAY.our_address, udp::NUMBER, None, 9, |pseudo| {
                datagram.emit(pseudo)
            });
            crate::sweep::read(&frame.unwrap(), &cookie, Timestamp::default())
        };
        let port = cookie.mark(target, 161).source_port;
        assert_eq!(reply(port).unwrap().how, How::Udp);
        assert_eq!(reply(port ^ 1), None);
    }
}
