//! STUN and TURN: how hosts learn their outside address and borrow one (RFC 8489, RFC 8656), and the older
//! form without a cookie (RFC 3489).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Error, Reader, Result, Writer, require};

/// What stands in every message since RFC 5389.
const COOKIE: u32 = 0x2112_a442;
/// How long a header is.
const HEADER: usize = 20;
/// How many attributes are read.
const MOST_ATTRIBUTES: usize = 64;

/// The attribute that tells the outside address, as the older form has it.
pub const MAPPED: u16 = 0x0001;

/// The same, hidden from routers that rewrite addresses wherever they see them.
pub const XOR_MAPPED: u16 = 0x0020;

/// Every attribute that hides an address in the same way.
pub const HIDDEN: [u16; 4] = [XOR_MAPPED, 0x8020, 0x0012, 0x0016];

/// The method that asks for one's outside address.
pub const BINDING: u16 = 1;

/// The attribute in which a server tells the address that it sees (RFC 8489, 14.2).
pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// What is asked: 1 binding; with TURN 3 allocate, 4 refresh, 6 send, 7 data, 8 permit, 9 bind a channel.
    pub method: u16,
    /// Which part of it.
    pub class: Class,
    /// Whether the cookie stands in it.
    pub cookie: bool,
    /// The attributes, in order: number and value; those a cut capture lost are missing.
    pub attributes: Vec<(u16, &'a [u8])>,
    /// How many bytes the message takes.
    pub length: usize,
    /// The cookie and the number of the exchange, with which addresses are hidden.
    mask: [u8; 16],
}

/// Which part of an exchange a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It asks.
    Request,
    /// It tells without being asked.
    Indication,
    /// It grants.
    Success,
    /// It refuses.
    Error,
}

impl<'a> Message<'a> {
    /// Reads a message with or without cookie.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let kind = r.u16("kind")?;
        require("kind", kind < 0x4000)?;
        let length = r.u16("length")?;
        let cookie = r.clone().expect_u32("cookie", COOKIE);
        if cookie.is_err_and(|error| error.wants_more()) {
            return Err(Error::Truncated { field: "cookie", missing: 1 });
        }
        // Some clients do not fill attributes up; then only the cookie proves them.
        require("length", cookie.is_ok() || length.is_multiple_of(4))?;
        let mask = r.take("transaction")?;
        let mut rest = Reader::new(r.bytes_up_to(length.into()));
        let mut attributes = Vec::new();
        while attributes.len() < MOST_ATTRIBUTES
            && let Ok(number) = rest.u16("attribute")
            && let Ok(size) = rest.u16("attribute length")
            && let Ok(value) = rest.bytes("attribute", size.into())
        {
            attributes.push((number, value));
            rest.bytes_up_to(usize::from(size).next_multiple_of(4) - usize::from(size));
        }
        let class = match (kind >> 7 & 2) | (kind >> 4 & 1) {
            0 => Class::Request,
            1 => Class::Indication,
            2 => Class::Success,
            _ => Class::Error,
        };
        let method = (kind & 0xf) | (kind >> 1 & 0x70) | (kind >> 2 & 0xf80);
        let length = HEADER + usize::from(length);
        Ok(Self { method, class, cookie: cookie.is_ok(), attributes, length, mask })
    }

    /// The address in an attribute's value; `hidden` when its name begins with `XOR-`.
    pub fn address(&self, value: &[u8], hidden: bool) -> Result<SocketAddr> {
        let mut r = Reader::new(value);
        r.u8("reserved")?;
        let family = r.u8("family")?;
        let mask = if hidden { self.mask } else { [0; 16] };
        let [high, low, ..] = mask;
        let port = r.u16("port")? ^ u16::from_be_bytes([high, low]);
        let ip: IpAddr = match family {
            1 => {
                let mut bytes: [u8; 4] = r.take("address")?;
                bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
                Ipv4Addr::from(bytes).into()
            }
            2 => {
                let mut bytes: [u8; 16] = r.take("address")?;
                bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
                Ipv6Addr::from(bytes).into()
            }
            _ => return Err(Error::Foreign { field: "family" }),
        };
        Ok(SocketAddr::new(ip, port))
    }
}

/// With what the addresses in a message that has the cookie are hidden: the cookie, and the number of the exchange.
pub fn mask(message: &[u8]) -> Option<[u8; 16]> {
    let parsed = Message::parse(message).ok().filter(|message| message.cookie)?;
    Some(parsed.mask)
}

/// Writes the question for one's outside address.
pub fn ask(transaction: [u8; 12]) -> Vec<u8> {
    Writer::new().u16(BINDING).u16(0).u32(COOKIE).bytes(&transaction).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ANSWER: &[u8] =
        &hex!("0101 000c 2112a442 0102030405060708090a0b0c  0020 0008 0001 bd52 ea12d54b");

    #[test]
    fn a_question_goes_both_ways() {
        let bytes = ask(hex!("0102030405060708090a0b0c"));
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.method, message.class), (BINDING, Class::Request));
        assert!(message.cookie && message.attributes.is_empty());
        crate::wire::refuses_every_truncation(&bytes, Message::parse);
    }

    #[test]
    fn an_answer_tells_the_outside_address() {
        let message = Message::parse(ANSWER).unwrap();
        let address = message.address(message.attributes[0].1, true).unwrap();
        assert_eq!(address, "203.0.113.9:40000".parse().unwrap());
        assert_eq!((message.class, message.length), (Class::Success, ANSWER.len()));
    }
}
