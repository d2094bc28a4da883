//! Questions through neighbours' hardware addresses, frame by frame, and what comes back.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use sekisho::{
    link::{Act, Link as _, What, sim::Sim},
    scope::Tier,
    wire::{
        arp::{self, Arp},
        ethernet::{self, Frame, Kind},
        icmp::{self, Icmp},
        icmpv6::{self, Icmpv6},
        ipv4, ipv6,
        udp::{self, Datagram},
    },
};

/// Our hardware address on the wire of the small networks.
pub(crate) const OURS: [u8; 6] = [2, 0, 0, 0, 0, 0xfa];
/// Our address there.
pub(crate) const OWN: [u8; 4] = [10, 0, 0, 250];
/// Somewhere outside.
pub(crate) const FAR: [u8; 4] = [198, 41, 0, 4];

/// A network of `fixtures/networks`.
pub(crate) fn network(name: &str) -> Sim {
    let file = format!("fixtures/networks/{name}.toml");
    Sim::parse(&fs::read_to_string(&file).unwrap(), &file).unwrap()
}

/// One answer of ICMP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// The last byte of the hardware address that it came from.
    pub(crate) mac: u8,
    pub(crate) by: IpAddr,
    pub(crate) ttl: u8,
    pub(crate) kind: u8,
    pub(crate) code: u8,
    pub(crate) argument: [u8; 4],
    /// Who sent what it quotes.
    pub(crate) quoted: Option<IpAddr>,
    pub(crate) echo: Option<(u16, u16)>,
    pub(crate) route: Vec<Ipv4Addr>,
    /// Bytes of the quoted packet.
    pub(crate) quotes: usize,
}

/// A question.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) mac: u8,
    pub(crate) source: [u8; 4],
    pub(crate) destination: [u8; 4],
    pub(crate) ttl: u8,
    pub(crate) options: Vec<u8>,
    pub(crate) dont_fragment: bool,
    /// Bytes of data behind the echo's header.
    pub(crate) data: usize,
}

impl Asked {
    /// An echo for the outside through the neighbour whose hardware address ends so.
    pub(crate) fn echo(mac: u8, ttl: u8) -> Self {
        Self {
            mac,
            source: OWN,
            destination: FAR,
            ttl,
            options: Vec::new(),
            dont_fragment: false,
            data: 8,
        }
    }

    pub(crate) fn to(mac: u8, ttl: u8, destination: [u8; 4]) -> Self {
        Self { destination, ..Self::echo(mac, ttl) }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let payload = icmp::echo(0x5345, 7, &vec![0x61; self.data]);
        let packet = ipv4::Packet {
            source: self.source.into(),
            destination: self.destination.into(),
            time_to_live: self.ttl,
            protocol: 1,
            identification: 9,
            dont_fragment: self.dont_fragment,
            more_fragments: false,
            fragment_offset: 0,
            options: &self.options,
            payload: &payload,
            missing: 0,
        };
        packet.emit()
    }
}

/// The hardware address of a host of the small networks.
pub(crate) fn mac(last: u8) -> [u8; 6] {
    [2, 0, 0, 0, 0, last]
}

pub(crate) fn frame(destination: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    let kind = Kind::Type(kind);
    Frame { destination, source: OURS, vlan: None, kind, payload }.emit()
}

/// Sends a frame, and gives every frame that comes within three seconds.
pub(crate) fn exchange(sim: &mut Sim, bytes: &[u8]) -> Vec<Vec<u8>> {
    let act = Act::Frame { interface: 0, bytes, probe: "test", tier: Tier::Responder };
    sim.send(act).unwrap();
    let until = sim.now().after(Duration::from_secs(3));
    std::iter::from_fn(|| sim.wait(until))
        .map(|event| match event.what {
            What::Frame { bytes, .. } => bytes,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Asks, and reads the answers of ICMP.
pub(crate) fn ask(sim: &mut Sim, asked: &Asked) -> Vec<Said> {
    let heard = exchange(sim, &frame(mac(asked.mac), ethernet::IPV4, &asked.bytes()));
    heard.iter().filter_map(|bytes| said(bytes)).collect()
}

/// Asks, and gives the one answer; none for silence.
pub(crate) fn one(sim: &mut Sim, asked: &Asked) -> Option<Said> {
    let mut said = ask(sim, asked);
    assert!(said.len() < 2, "{said:?}");
    said.pop()
}

/// The type and code of an answer, and who gave it.
pub(crate) fn reading(said: Option<Said>) -> Option<(u8, u8, String)> {
    said.map(|said| (said.kind, said.code, said.by.to_string()))
}

fn said(bytes: &[u8]) -> Option<Said> {
    let frame = Frame::parse(bytes).unwrap();
    assert_eq!(frame.destination, OURS);
    match frame.kind {
        Kind::Type(ethernet::IPV4) => {
            let packet = ipv4::Packet::parse(frame.payload).unwrap();
            let message = Icmp::parse(packet.payload).ok().filter(|_| packet.protocol == 1)?;
            let quoted = message.quoted();
            let own = ipv4::recorded(packet.options);
            let route = if own.is_empty() { message.recorded() } else { own };
            Some(Said {
                mac: frame.source[5],
                by: packet.source.into(),
                ttl: packet.time_to_live,
                kind: message.kind,
                code: message.code,
                argument: message.argument,
                quoted: quoted.map(|quoted| quoted.source),
                echo: quoted.and_then(|quoted| quoted.echo),
                route,
                quotes: message.body.len(),
            })
        }
        Kind::Type(ethernet::IPV6) => {
            let packet = ipv6::Packet::parse(frame.payload).unwrap();
            let message = Icmpv6::parse(packet.payload).unwrap();
            let quoted = message.quoted();
            Some(Said {
                mac: frame.source[5],
                by: packet.source.into(),
                ttl: packet.hop_limit,
                kind: message.kind,
                code: message.code,
                argument: *message.body.first_chunk().unwrap(),
                quoted: quoted.map(|quoted| quoted.source),
                echo: quoted.and_then(|quoted| quoted.echo),
                route: Vec::new(),
                quotes: message.body.len() - 4,
            })
        }
        _ => None,
    }
}

/// An echo of IPv6 through a neighbour.
pub(crate) fn ask_v6(
    sim: &mut Sim,
    last: u8,
    source: Ipv6Addr,
    destination: Ipv6Addr,
    hop_limit: u8,
    data: usize,
) -> Option<Said> {
    let body = [&[0x53, 0x45, 0, 7][..], &vec![0x61; data]].concat();
    let payload = icmpv6::seal(source, destination, icmpv6::ECHO, &body);
    let packet = ipv6::Packet {
        source,
        destination,
        hop_limit,
        protocol: icmpv6::NUMBER,
        fragment: None,
        payload: &payload,
        missing: 0,
    };
    let heard = exchange(sim, &frame(mac(last), ethernet::IPV6, &packet.emit()));
    heard.iter().find_map(|bytes| said(bytes))
}

/// Asks everybody who has `target`; gives the hardware address that is answered.
pub(crate) fn who_has(sim: &mut Sim, sender: [u8; 4], target: [u8; 4]) -> Option<[u8; 6]> {
    let question = Arp {
        operation: arp::REQUEST,
        sender_mac: OURS,
        sender: sender.into(),
        target_mac: [0; 6],
        target: target.into(),
    };
    let heard = exchange(sim, &frame([0xff; 6], ethernet::ARP, &question.emit()));
    let frame = heard.first().map(|bytes| Frame::parse(bytes).unwrap())?;
    let answer = Arp::parse(frame.payload).unwrap();
    assert_eq!((answer.operation, answer.sender), (arp::REPLY, Ipv4Addr::from(target)));
    Some(answer.sender_mac)
}

/// A datagram through a neighbour, at full time to live; what comes back in UDP.
pub(crate) fn say(sim: &mut Sim, last: u8, to: ([u8; 4], u16), payload: &[u8]) -> Option<Vec<u8>> {
    let bare = ipv4::Packet {
        source: OWN.into(),
        destination: to.0.into(),
        time_to_live: 64,
        protocol: udp::NUMBER,
        identification: 9,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        options: &[],
        payload: &[],
        missing: 0,
    };
    let datagram = Datagram { source: 40_000, destination: to.1, payload };
    let payload = datagram.emit(&bare.pseudo_header(8 + payload.len()));
    let packet = ipv4::Packet { payload: &payload, ..bare };
    let heard = exchange(sim, &frame(mac(last), ethernet::IPV4, &packet.emit()));
    let frame = heard.first().map(|bytes| Frame::parse(bytes).unwrap())?;
    let packet = ipv4::Packet::parse(frame.payload).unwrap();
    assert_eq!((packet.destination, packet.protocol), (OWN.into(), udp::NUMBER));
    Some(Datagram::parse(packet.payload).unwrap().payload.to_vec())
}
