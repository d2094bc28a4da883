//! ICMP for IPv6 (RFC 4443), listener discovery (RFC 2710, 9777) and node information (RFC 4620). Neighbour
//! discovery is in `ndp`.

use std::net::Ipv6Addr;

use super::{Reader, Result, checksum, icmp::Quoted};

/// The number of ICMPv6 among IP protocols.
pub const NUMBER: u8 = 58;
/// A packet could not be delivered.
pub const UNREACHABLE: u8 = 1;
/// A packet was too big for its path.
pub const TOO_BIG: u8 = 2;
/// A packet was too long on its way.
pub const TIME_EXCEEDED: u8 = 3;
/// A packet's header was wrong.
pub const PARAMETER_PROBLEM: u8 = 4;
/// Asks for an echo.
pub const ECHO: u8 = 128;
/// An echo's answer.
pub const ECHO_REPLY: u8 = 129;
/// A node's answer about itself.
pub const NODE_REPLY: u8 = 140;

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmpv6<'a> {
    /// What it is.
    pub kind: u8,
    /// Which of its kind.
    pub code: u8,
    /// What follows the checksum, perhaps cut.
    pub body: &'a [u8],
}

impl<'a> Icmpv6<'a> {
    /// Reads a message; what it quotes may be cut. The checksum is not looked at: captures cut packets.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let kind = r.u8("type")?;
        let code = r.u8("code")?;
        r.u16("checksum")?;
        Ok(Self { kind, code, body: r.rest() })
    }

    /// The packet an error is about.
    pub fn quoted(&self) -> Option<Quoted> {
        let is_error = (UNREACHABLE..=PARAMETER_PROBLEM).contains(&self.kind);
        Quoted::parse(self.body.get(4..)?).ok().filter(|_| is_error)
    }

    /// The path's MTU, in bytes.
    pub fn mtu(&self) -> Option<u32> {
        let mtu = Reader::new(self.body).u32("mtu").ok()?;
        (self.kind == TOO_BIG).then_some(mtu)
    }

    /// The name a node says it has: the labels of the first, without their lengths.
    pub fn node_name(&self) -> Option<Vec<u8>> {
        let mut r = Reader::new(self.body);
        let is_name = self.kind == NODE_REPLY && self.code == 0 && r.u16("query").ok()? == 2;
        r.skip("flags, nonce and time to live", 14).ok()?;
        is_name.then(|| name(&mut r)).flatten()
    }
}

/// Reads one name of labels, as text with dots; compression is not allowed where this is used.
pub(super) fn name(r: &mut Reader<'_>) -> Option<Vec<u8>> {
    let mut text: Vec<u8> = Vec::new();
    while text.len() < 256 {
        match r.u8("label length").ok()? {
            0 => return Some(text).filter(|text| !text.is_empty()),
            length => {
                let label = r.bytes("label", length.into()).ok()?;
                if !text.is_empty() {
                    text.push(b'.');
                }
                text.extend_from_slice(label);
            }
        }
    }
    None
}

/// Asks for an echo.
pub fn echo(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    identifier: u16,
    sequence: u16,
    data: &[u8],
) -> Vec<u8> {
    let body = [&identifier.to_be_bytes()[..], &sequence.to_be_bytes(), data].concat();
    seal(source, destination, ECHO, &body)
}

/// Writes a message of code 0 with its checksum, which covers the addresses it goes between.
pub fn seal(source: Ipv6Addr, destination: Ipv6Addr, kind: u8, body: &[u8]) -> Vec<u8> {
    let head = [kind, 0, 0, 0];
    let length = u32::try_from(body.len() + head.len()).unwrap_or(u32::MAX).to_be_bytes();
    let pseudo = [0, 0, 0, NUMBER];
    let sum = checksum(&[&source.octets(), &destination.octets(), &length, &pseudo, &head, body]);
    [&[kind, 0], &sum.to_be_bytes()[..], body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const FAR: &[u8] = &hex!(
        "0200 0000 000005dc 60000000 0500 11 40 20010db8000000000000000000000001
         20010db8000000000000000000000002 c350 01bb 0500 0000"
    );

    #[test]
    fn reads_a_path_and_what_it_is_about() {
        let message = Icmpv6::parse(FAR).unwrap();
        assert_eq!(message.mtu(), Some(1500));
        assert_eq!(message.quoted().unwrap().ports, Some((50_000, 443)));
        crate::wire::refuses_every_truncation(&FAR[..4], Icmpv6::parse);
    }

    #[test]
    fn reads_the_name_a_node_gives() {
        let reply =
            hex!("8c00 0000 0002 0000 0102030405060708 00000000 03706163 076578616d706c65 00");
        let message = Icmpv6::parse(&reply).unwrap();
        assert_eq!(message.node_name().as_deref(), Some(&b"pac.example"[..]));
    }

    #[test]
    fn writes_a_question_with_a_right_checksum() {
        let (from, to) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
        let asked = echo(from, to, 1, 2, b"abc");
        let length = [0, 0, 0, u8::try_from(asked.len()).unwrap()];
        assert_eq!(checksum(&[&from.octets(), &to.octets(), &length, &[0, 0, 0, 58], &asked]), 0);
    }
}
