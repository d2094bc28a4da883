//! ICMP for IPv4 (RFC 792, 950, 1191, 1256, 8335), and the packet that an error of either ICMP quotes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Reader, Result, Writer, checksum, require};

/// An echo's answer.
pub const ECHO_REPLY: u8 = 0;
/// A packet could not be delivered.
pub const UNREACHABLE: u8 = 3;
/// Somebody knows a shorter way.
pub const REDIRECT: u8 = 5;
/// Asks for an echo.
pub const ECHO: u8 = 8;
/// A router says that it is one.
pub const ROUTER_ADVERTISEMENT: u8 = 9;
/// A packet was too long on its way.
pub const TIME_EXCEEDED: u8 = 11;
/// A packet's header was wrong.
pub const PARAMETER_PROBLEM: u8 = 12;
/// A subnet mask's answer.
pub const MASK_REPLY: u8 = 18;

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp<'a> {
    /// What it is.
    pub kind: u8,
    /// Which of its kind.
    pub code: u8,
    /// Four bytes whose meaning the kind gives: identifier and sequence, a gateway, a path's MTU.
    pub argument: [u8; 4],
    /// What follows, perhaps cut.
    pub body: &'a [u8],
}

impl<'a> Icmp<'a> {
    /// Reads a message; what it quotes may be cut. The checksum is not looked at: captures cut packets.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let kind = r.u8("type")?;
        let code = r.u8("code")?;
        r.u16("checksum")?;
        Ok(Self { kind, code, argument: r.take("argument")?, body: r.rest() })
    }

    /// The packet an error is about.
    pub fn quoted(&self) -> Option<Quoted> {
        let is_error =
            matches!(self.kind, UNREACHABLE | 4 | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM);
        Quoted::parse(self.body).ok().filter(|_| is_error)
    }

    /// The addresses that routers wrote into the record-route option of the packet an error is about, in their order
    /// (RFC 791, 3.1). Empty when it had none, or none was written.
    pub fn recorded(&self) -> Vec<Ipv4Addr> {
        let packet = self.quoted().and_then(|_| super::ipv4::Packet::parse(self.body).ok());
        packet.map(|packet| super::ipv4::recorded(packet.options)).unwrap_or_default()
    }

    /// The path's MTU, in bytes, that a router tells with "fragmentation needed".
    pub fn mtu(&self) -> Option<u16> {
        let [_, _, high, low] = self.argument;
        let mtu = u16::from_be_bytes([high, low]);
        (self.kind == UNREACHABLE && self.code == 4 && mtu > 0).then_some(mtu)
    }

    /// The gateway a redirect names.
    pub fn gateway(&self) -> Option<Ipv4Addr> {
        (self.kind == REDIRECT).then(|| self.argument.into())
    }

    /// The routers an advertisement names (RFC 1256).
    pub fn routers(&self) -> impl Iterator<Item = Ipv4Addr> {
        let [count, size, ..] = self.argument;
        let is_one = self.kind == ROUTER_ADVERTISEMENT && size >= 2;
        let mut r = Reader::new(if is_one { self.body } else { &[] });
        (0..count).map_while(move |_| {
            let address = r.take::<4>("router").ok()?;
            r.skip("preference", usize::from(size) * 4 - 4).ok()?;
            Some(address.into())
        })
    }

    /// Writes the message with its checksum.
    pub fn emit(&self) -> Vec<u8> {
        let head = [self.kind, self.code, 0, 0];
        let sum = checksum(&[&head, &self.argument, self.body]);
        Writer::new()
            .u8(self.kind)
            .u8(self.code)
            .u16(sum)
            .bytes(&self.argument)
            .bytes(self.body)
            .finish()
    }
}

/// Asks for an echo.
pub fn echo(identifier: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
    let ([a, b], [c, d]) = (identifier.to_be_bytes(), sequence.to_be_bytes());
    Icmp { kind: ECHO, code: 0, argument: [a, b, c, d], body: data }.emit()
}

/// The start of a packet that somebody sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quoted {
    /// Who sent it.
    pub source: IpAddr,
    /// Whom to.
    pub destination: IpAddr,
    /// The number of what it carries.
    pub protocol: u8,
    /// Its source and destination ports, where it has ports and enough was quoted.
    pub ports: Option<(u16, u16)>,
    /// Identifier and sequence of an echo request, where it is one and enough was quoted.
    pub echo: Option<(u16, u16)>,
    /// Which datagram it was part of; none in IPv6.
    pub identification: Option<u16>,
    /// How many more routers could forward it when it came to whoever quotes it.
    pub time_to_live: u8,
}

impl Quoted {
    /// Reads the quoted packet's header, of either version, and its ports.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("version")?;
        let (source, destination, protocol, first_fragment, identification, time_to_live);
        if first >> 4 == 4 {
            let header = usize::from(first & 15) * 4;
            require("header length", header >= 20)?;
            r.skip("service and length", 3)?;
            identification = Some(r.u16("identification")?);
            first_fragment = r.u16("fragment")? << 3 == 0;
            time_to_live = r.u8("time to live")?;
            protocol = r.u8("protocol")?;
            r.u16("checksum")?;
            source = Ipv4Addr::from(r.take::<4>("source")?).into();
            destination = Ipv4Addr::from(r.take::<4>("destination")?).into();
            r.bytes_up_to(header - 20);
        } else {
            require("version", first >> 4 == 6)?;
            r.skip("flow and length", 5)?;
            protocol = r.u8("next header")?;
            time_to_live = r.u8("hop limit")?;
            identification = None;
            source = Ipv6Addr::from(r.take::<16>("source")?).into();
            destination = Ipv6Addr::from(r.take::<16>("destination")?).into();
            first_fragment = true;
        }
        // TCP, UDP, DCCP, SCTP and UDP-Lite begin with their ports.
        let has_ports = first_fragment && matches!(protocol, 6 | 17 | 33 | 132 | 136);
        let behind = r.clone();
        let ports = match (r.u16("source port"), r.u16("destination port")) {
            (Ok(from), Ok(to)) if has_ports => Some((from, to)),
            _ => None,
        };
        let asks_echo = first_fragment && matches!(protocol, 1 | super::icmpv6::NUMBER);
        let echo = asks_echo.then(|| echo_of(behind, protocol)).flatten();
        Ok(Self { source, destination, protocol, ports, echo, identification, time_to_live })
    }
}

/// Identifier and sequence of an echo request of either ICMP.
fn echo_of(mut r: Reader<'_>, protocol: u8) -> Option<(u16, u16)> {
    let kind = r.u8("type").ok()?;
    let asks = if protocol == 1 { kind == ECHO } else { kind == super::icmpv6::ECHO };
    r.skip("code and checksum", 3).ok()?;
    let ends = (r.u16("identifier").ok()?, r.u16("sequence").ok()?);
    asks.then_some(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const TOO_BIG: &[u8] = &hex!(
        "0304 0000 0000 05ae 45000400 00014000 40110000 c0000201 cb007109 c350 0035 03ec 0000"
    );

    #[test]
    fn reads_a_path_and_what_it_is_about() {
        let message = Icmp::parse(TOO_BIG).unwrap();
        assert_eq!(message.mtu(), Some(1454));
        let quoted = message.quoted().unwrap();
        assert_eq!((quoted.protocol, quoted.ports), (17, Some((50_000, 53))));
        assert_eq!(quoted.destination, Ipv4Addr::new(203, 0, 113, 9));
        crate::wire::refuses_every_truncation(&TOO_BIG[..8], Icmp::parse);
    }

    #[test]
    fn an_error_quotes_the_echo_it_is_about_and_the_route_it_took() {
        // Record route, of nine places two taken.
        let option = hex!(
            "0727 0c cb007102 cb007101 00000000000000000000000000000000000000000000000000000000 00"
        );
        let asked = super::super::ipv4::Packet {
            source: [192, 0, 2, 10].into(),
            destination: [198, 51, 100, 9].into(),
            time_to_live: 1,
            protocol: 1,
            identification: 7,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            options: &option,
            payload: &echo(0x1234, 5, b"sekisho"),
            missing: 0,
        }
        .emit();
        let error = Icmp { kind: TIME_EXCEEDED, code: 0, argument: [0; 4], body: &asked };
        let quoted = error.quoted().unwrap();
        assert_eq!((quoted.echo, quoted.identification), (Some((0x1234, 5)), Some(7)));
        assert_eq!((quoted.time_to_live, quoted.ports), (1, None));
        let route = [[203, 0, 113, 2], [203, 0, 113, 1]].map(Ipv4Addr::from);
        assert_eq!(error.recorded(), route);
        // Eight bytes behind the header are enough, and seven are not.
        for (kept, known) in [(68, true), (67, false)] {
            assert_eq!(
                Icmp { body: &asked[..kept], ..error }.quoted().unwrap().echo.is_some(),
                known
            );
        }
    }

    #[test]
    fn a_fragment_has_no_ports() {
        let bytes = hex!("45000400 00010010 40110000 c0000201 cb007109 c350 0035 03ec 0000");
        assert_eq!(Quoted::parse(&bytes).unwrap().ports, None);
        crate::wire::refuses_every_truncation(&bytes[..20], Quoted::parse);
    }

    #[test]
    fn reads_the_gateway_of_a_redirect_and_the_routers_of_an_advertisement() {
        let redirect = hex!("0501 0000 c00002fe");
        assert_eq!(Icmp::parse(&redirect).unwrap().gateway(), Some(Ipv4Addr::new(192, 0, 2, 254)));
        let routers = hex!("0900 0000 02020708 c0000201 00000000 c0000202 00000000");
        assert_eq!(Icmp::parse(&routers).unwrap().routers().count(), 2);
    }

    #[test]
    fn writes_a_question_with_a_right_checksum() {
        let asked = echo(1, 2, b"abc");
        assert_eq!(checksum(&[&asked]), 0);
        assert_eq!(Icmp::parse(&asked).unwrap().body, b"abc");
    }
}
