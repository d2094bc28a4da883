//! Conversations as packets: what sockets hide, built again from what was said, so that a recording shows an
//! ordinary conversation.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::Speaker;
use crate::wire::{
    Writer, checksum,
    icmp::{self, Icmp},
    ipv4, ipv6,
    tcp::{self, Segment, flag},
    udp::{self, Datagram},
};

/// How much of a stream one segment carries.
const SEGMENT: usize = 1400;

/// How much one segment stands for whose payload is left out.
const LEFT_OUT: usize = 60_000;

/// How many more routers could forward a packet.
const HOPS: u8 = 64;

/// How much of a packet an error quotes: the longer of the two IP headers, and the ports.
const QUOTED: usize = 48;

/// A packet from its IP header on, perhaps without the end of its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rebuilt {
    /// Who sent it.
    pub speaker: Speaker,
    /// What is kept.
    pub bytes: Vec<u8>,
    /// How long it was.
    pub original: usize,
}

/// A TCP conversation.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    we: End,
    they: End,
    /// How many bytes each end's payloads may have.
    most: usize,
}

#[derive(Debug, Clone, Copy)]
struct End {
    address: SocketAddr,
    /// The number of its next byte.
    next: u32,
    /// How many of its bytes were kept.
    kept: usize,
    ended: bool,
}

impl Stream {
    /// The conversation of two ends, numbered by `seed`; `most` bytes of each are kept.
    pub(super) fn new(we: SocketAddr, they: SocketAddr, seed: u32, most: usize) -> Self {
        let next = seed.wrapping_mul(0x9e37_79b1);
        let end = |address, next| End { address, next, kept: 0, ended: false };
        Self { we: end(we, next), they: end(they, !next), most }
    }

    /// The handshake: a question, its answer, and the answer to that.
    pub(super) fn handshake(&mut self) -> [Rebuilt; 3] {
        let question = self.question();
        let answer = self.packet(Speaker::They, flag::SYN | flag::ACK, &[], 0);
        self.they.next = self.they.next.wrapping_add(1);
        [question, answer, self.packet(Speaker::We, flag::ACK, &[], 0)]
    }

    /// The question alone.
    pub(super) fn question(&mut self) -> Rebuilt {
        let question = self.packet(Speaker::We, flag::SYN, &[], 0);
        self.we.next = self.we.next.wrapping_add(1);
        question
    }

    /// The next bytes of one end.
    pub(super) fn say(&mut self, speaker: Speaker, bytes: &[u8]) -> Vec<Rebuilt> {
        let mut all = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.most.saturating_sub(self.end(speaker).kept);
            let length = if room == 0 { LEFT_OUT } else { SEGMENT };
            let (payload, behind) = rest.split_at(length.min(rest.len()));
            let kept = payload.len().min(room);
            all.push(self.packet(speaker, flag::PSH | flag::ACK, payload, kept));
            let end = self.end_mut(speaker);
            end.kept += kept;
            end.next = end.next.wrapping_add(u32::try_from(payload.len()).unwrap_or_default());
            rest = behind;
        }
        all
    }

    /// An acknowledgement of what the other end said.
    pub(super) fn acknowledge(&self, speaker: Speaker) -> Rebuilt {
        self.packet(speaker, flag::ACK, &[], 0)
    }

    /// One end is done, politely or not; nothing when it was before.
    pub(super) fn end_of(&mut self, speaker: Speaker, reset: bool) -> Option<Rebuilt> {
        if self.end(speaker).ended {
            return None;
        }
        let last = if reset { flag::RST } else { flag::FIN };
        let packet = self.packet(speaker, last | flag::ACK, &[], 0);
        let end = self.end_mut(speaker);
        end.next = end.next.wrapping_add(1);
        end.ended = true;
        Some(packet)
    }

    fn end(&self, speaker: Speaker) -> &End {
        match speaker {
            Speaker::We => &self.we,
            Speaker::They => &self.they,
        }
    }

    fn end_mut(&mut self, speaker: Speaker) -> &mut End {
        match speaker {
            Speaker::We => &mut self.we,
            Speaker::They => &mut self.they,
        }
    }

    fn packet(&self, speaker: Speaker, flags: u8, payload: &[u8], kept: usize) -> Rebuilt {
        let (from, to) = match speaker {
            Speaker::We => (&self.we, &self.they),
            Speaker::They => (&self.they, &self.we),
        };
        let acknowledgement = if flags & flag::ACK == 0 { 0 } else { to.next };
        let segment = Segment {
            source: from.address.port(),
            destination: to.address.port(),
            sequence: from.next,
            acknowledgement,
            flags,
            window: 0xffff,
            options: if flags & flag::SYN == 0 { &[] } else { &[2, 4, 0x05, 0xb4] },
            payload,
        };
        let length = segment.emit(&[]).len();
        let (ends, number) = ((from.address.ip(), to.address.ip()), tcp::NUMBER);
        let bytes = ip(ends, number, &segment.emit(&pseudo_header(ends, number, length)));
        cut(speaker, bytes, payload.len() - kept)
    }
}

/// A datagram of which `kept` bytes of payload are kept.
pub(super) fn datagram(
    speaker: Speaker,
    from: SocketAddr,
    to: SocketAddr,
    payload: &[u8],
    kept: usize,
) -> Rebuilt {
    let datagram = Datagram { source: from.port(), destination: to.port(), payload };
    let ends = (from.ip(), to.ip());
    let head = pseudo_header(ends, udp::NUMBER, 8 + payload.len());
    let bytes = ip(ends, udp::NUMBER, &datagram.emit(&head));
    cut(speaker, bytes, payload.len().saturating_sub(kept))
}

/// The error by which `from` says that the port of a datagram to it is closed (RFC 792; RFC 4443, 3.1).
pub(super) fn port_unreachable(from: IpAddr, to: IpAddr, refused: &[u8]) -> Rebuilt {
    let body = refused.get(..QUOTED).unwrap_or(refused);
    let bytes = if from.is_ipv4() && to.is_ipv4() {
        let error = Icmp { kind: icmp::UNREACHABLE, code: 3, argument: [0; 4], body };
        ip((from, to), 1, &error.emit())
    } else {
        let head = pseudo_header((from, to), 58, 8 + body.len());
        let message = |sum: u16| Writer::new().u8(1).u8(4).u16(sum).zeros(4).bytes(body).finish();
        ip((from, to), 58, &message(checksum(&[&head, &message(0)])))
    };
    cut(Speaker::They, bytes, 0)
}

fn cut(speaker: Speaker, mut bytes: Vec<u8>, left_out: usize) -> Rebuilt {
    let original = bytes.len();
    bytes.truncate(original.saturating_sub(left_out));
    Rebuilt { speaker, bytes, original }
}

fn ip((from, to): (IpAddr, IpAddr), protocol: u8, payload: &[u8]) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => ipv4::Packet {
            source,
            destination,
            time_to_live: HOPS,
            protocol,
            identification: 0,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            options: &[],
            payload,
            missing: 0,
        }
        .emit(),
        _ => v6(from, to, protocol, payload).emit(),
    }
}

fn pseudo_header((from, to): (IpAddr, IpAddr), protocol: u8, length: usize) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => Writer::new()
            .bytes(&source.octets())
            .bytes(&destination.octets())
            .u8(0)
            .u8(protocol)
            .sized_u16(length, &[])
            .finish(),
        _ => v6(from, to, protocol, &[]).pseudo_header(length),
    }
}

fn v6(from: IpAddr, to: IpAddr, protocol: u8, payload: &[u8]) -> ipv6::Packet<'_> {
    let number = |address| match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    let (source, destination): (Ipv6Addr, Ipv6Addr) = (number(from), number(to));
    ipv6::Packet {
        source,
        destination,
        hop_limit: HOPS,
        protocol,
        fragment: None,
        payload,
        missing: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WE: &str = "192.0.2.10:40000";
    const THEY: &str = "192.0.2.1:22";

    fn stream(most: usize) -> Stream {
        Stream::new(WE.parse().unwrap(), THEY.parse().unwrap(), 7, most)
    }

    fn check(packet: &Rebuilt) -> (u8, u32, u32, usize) {
        let whole = ipv4::Packet::parse(&packet.bytes).unwrap();
        assert_eq!(checksum(&[&packet.bytes[..20]]), 0);
        let segment = Segment::parse(whole.payload).unwrap();
        if packet.bytes.len() == packet.original {
            let head = whole.pseudo_header(whole.payload.len());
            assert_eq!(checksum(&[&head, whole.payload]), 0);
        }
        (segment.flags, segment.sequence, segment.acknowledgement, segment.payload.len())
    }

    #[test]
    fn numbers_follow_one_another_as_tcp_counts() {
        let mut stream = stream(1 << 16);
        let [question, answer, done] = stream.handshake();
        let (_, first, _, _) = check(&question);
        let (_, theirs, acknowledged, _) = check(&answer);
        assert_eq!(acknowledged, first.wrapping_add(1));
        assert_eq!(check(&done), (flag::ACK, first.wrapping_add(1), theirs.wrapping_add(1), 0));
        let said = stream.say(Speaker::They, &[b'a'; 3000]);
        let lengths: Vec<usize> = said.iter().map(|packet| check(packet).3).collect();
        assert_eq!(lengths, [1400, 1400, 200]);
        assert_eq!(check(&said[1]).1, theirs.wrapping_add(1401));
        let end = stream.end_of(Speaker::We, false).unwrap();
        assert_eq!(check(&end).2, theirs.wrapping_add(3001));
        assert_eq!(stream.end_of(Speaker::We, false), None);
    }

    #[test]
    fn what_is_left_out_shows_as_length_and_stays_in_the_count() {
        let mut stream = stream(1500);
        let [.., answer, _] = stream.handshake();
        let first = check(&answer).1.wrapping_add(1);
        let said = stream.say(Speaker::They, &vec![b'a'; 200_000]);
        let seen: Vec<(u32, usize, usize)> = said
            .iter()
            .map(|p| (check(p).1.wrapping_sub(first), check(p).3, p.original - 40))
            .collect();
        assert_eq!(seen[..3], [(0, 1400, 1400), (1400, 100, 1400), (2800, 0, 60_000)]);
        assert_eq!(seen.iter().map(|(.., length)| length).sum::<usize>(), 200_000);
    }

    #[test]
    fn a_refusal_quotes_the_datagram_it_is_about() {
        for (we, they) in
            [("192.0.2.10:5000", "192.0.2.1:161"), ("[2001:db8::2]:5000", "[2001:db8::1]:161")]
        {
            let (we, they): (SocketAddr, SocketAddr) = (we.parse().unwrap(), they.parse().unwrap());
            let asked = datagram(Speaker::We, we, they, b"?", 1);
            let error = port_unreachable(they.ip(), we.ip(), &asked.bytes);
            let quoted = if we.is_ipv4() {
                Icmp::parse(ipv4::Packet::parse(&error.bytes).unwrap().payload).unwrap().quoted()
            } else {
                let whole = ipv6::Packet::parse(&error.bytes).unwrap();
                let head = whole.pseudo_header(whole.payload.len());
                assert_eq!(checksum(&[&head, whole.payload]), 0);
                icmp::Quoted::parse(&whole.payload[8..]).ok()
            };
            assert_eq!(quoted.and_then(|quoted| quoted.ports), Some((5000, 161)));
        }
    }
}
