//! DHCPv6: how hosts are given IPv6 addresses, and routers whole prefixes (RFC 8415).

use std::net::Ipv6Addr;

use super::{Reader, Result, require};

/// How many options are read on each level.
const MOST_OPTIONS: usize = 64;

/// How many relays may have wrapped a message (RFC 8415, 19.1.2 says 8).
const MOST_RELAYS: usize = 8;

/// A relay that passes a message on to a server.
const RELAY_FORWARD: u8 = 12;
/// A relay that is told what to pass back.
const RELAY_REPLY: u8 = 13;

/// A message, out of its relays' wrappings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// Such as 1, which looks for servers, or 7, which answers.
    pub kind: u8,
    /// The outermost relay's address on the client's link, where a relay wrapped it.
    pub relay_link: Option<Ipv6Addr>,
    /// The client's address as that relay saw it.
    pub relay_peer: Option<Ipv6Addr>,
    /// The options, in order; those a cut capture lost are missing.
    pub options: Vec<DhcpOption<'a>>,
    /// Whether the options fill the message.
    pub exact: bool,
}

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DhcpOption<'a> {
    /// What it is.
    pub code: u16,
    /// Its value.
    pub value: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (mut link, mut peer) = (None, None);
        let mut r = Reader::new(bytes);
        for _ in 0..MOST_RELAYS {
            let kind = r.u8("kind")?;
            require("kind", (1..=36).contains(&kind))?;
            if kind != RELAY_FORWARD && kind != RELAY_REPLY {
                r.u24("transaction")?;
                // Nothing is said without an option; the first must be one we know.
                let code = r.clone().u16("option")?;
                require("option", (1..=150).contains(&code))?;
                let size = r.remaining();
                let options: Vec<_> = options(r.rest()).collect();
                let exact =
                    options.iter().map(|option| 4 + option.value.len()).sum::<usize>() == size;
                if options.is_empty() {
                    return Err(super::Error::Truncated { field: "option", missing: 1 });
                }
                return Ok(Self { kind, relay_link: link, relay_peer: peer, options, exact });
            }
            let hops = r.u8("hops")?;
            require("hops", hops <= 32)?;
            let here = (r.take::<16>("link")?, r.take::<16>("peer")?);
            link.get_or_insert(here.0.into());
            peer.get_or_insert(here.1.into());
            let wrapped = options(r.rest()).find(|option| option.code == 9);
            let wrapped = wrapped.ok_or(super::Error::Foreign { field: "relayed message" })?;
            r = Reader::new(wrapped.value);
        }
        Err(super::Error::Foreign { field: "relays" })
    }
}

/// Reads options up to the first that does not fit.
pub fn options(bytes: &[u8]) -> impl Iterator<Item = DhcpOption<'_>> {
    let mut r = Reader::new(bytes);
    std::iter::from_fn(move || {
        let code = r.u16("code").ok()?;
        let length = r.u16("length").ok()?;
        let value = r.bytes("value", length.into()).ok()?;
        Some(DhcpOption { code, value })
    })
    .take(MOST_OPTIONS)
}

/// Reads a list of addresses.
pub fn addresses(value: &[u8]) -> impl Iterator<Item = Ipv6Addr> {
    value.as_chunks::<16>().0.iter().map(|address| Ipv6Addr::from(*address))
}

/// Reads the first of a list of names, its labels joined by dots.
pub fn names(value: &[u8]) -> Vec<Vec<u8>> {
    let mut r = Reader::new(value);
    let mut names = vec![Vec::new()];
    while let Ok(length) = r.u8("label") {
        match (length, names.last_mut()) {
            (0, _) => names.push(Vec::new()),
            (1..=63, Some(name)) => {
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend_from_slice(r.bytes_up_to(length.into()));
            }
            _ => break,
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Who a client or server is (RFC 8415, 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// A hardware address of Ethernet.
    Hardware([u8; 6]),
    /// A number its maker gave it; this is the maker's enterprise number.
    Enterprise(u32),
    /// Something else.
    Other,
}

impl Identity {
    /// Reads an identity.
    pub fn parse(value: &[u8]) -> Result<Self> {
        let mut r = Reader::new(value);
        let kind = r.u16("kind")?;
        match kind {
            1 | 3 => {
                let ethernet = r.u16("hardware kind")? == 1;
                if kind == 1 {
                    r.u32("time")?;
                }
                if ethernet { Ok(Self::Hardware(r.take("hardware")?)) } else { Ok(Self::Other) }
            }
            2 => Ok(Self::Enterprise(r.u32("enterprise")?)),
            _ => Ok(Self::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const SOLICIT: &[u8] = &hex!("01 a1b2c3  0001 000a 0003 0001 00005e005301");

    #[test]
    fn reads_a_question() {
        let message = Message::parse(SOLICIT).unwrap();
        assert_eq!((message.kind, message.options[0].code), (1, 1));
        assert_eq!(
            Identity::parse(message.options[0].value),
            Ok(Identity::Hardware(hex!("00005e005301")))
        );
        crate::wire::refuses_every_truncation(SOLICIT, Message::parse);
    }

    #[test]
    fn reads_through_relays() {
        let wrap = |inner: &[u8]| {
            let length = u16::try_from(inner.len()).unwrap().to_be_bytes();
            [&[12, 0][..], &[0x20; 16], &[0xfe; 16], &[0, 9], &length, inner].concat()
        };
        let once = wrap(SOLICIT);
        assert_eq!(Message::parse(&wrap(&once)).unwrap().kind, 1);
        let endless = (0..20).fold(SOLICIT.to_vec(), |inner, _| wrap(&inner));
        assert!(Message::parse(&endless).is_err());
    }

    #[test]
    fn names_are_read_one_by_one() {
        assert_eq!(
            names(&hex!("026e73 076578616d706c65 00 0161 00 3f62")),
            [&b"ns.example"[..], b"a", b"b"]
        );
    }
}
