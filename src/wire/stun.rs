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

/// The largest question that is answered, in bytes: what any path carries in one piece (RFC 8489, 6.1).
pub const LARGEST_QUESTION: usize = 548;

/// The first number of the attributes that whoever does not know them may pass over.
const FIRST_OPTIONAL: u16 = 0x8000;

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

    /// The number of the exchange, which an answer repeats.
    pub fn transaction(&self) -> [u8; 12] {
        let [_, _, _, _, transaction @ ..] = self.mask;
        transaction
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

/// Writes the answer to the question with this number, which came from `from`: the address, and nothing else.
pub fn tell(transaction: [u8; 12], from: SocketAddr) -> Vec<u8> {
    let mask = [&COOKIE.to_be_bytes()[..], &transaction].concat();
    let hide = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect()
    };
    let (family, address) = match from.ip() {
        IpAddr::V4(v4) => (1, hide(&v4.octets())),
        IpAddr::V6(v6) => (2, hide(&v6.octets())),
    };
    let value = [&[0, family], &hide(&from.port().to_be_bytes())[..], &address].concat();
    Writer::new()
        .u16(BINDING | 0x0100)
        .sized_u16(value.len() + 4, &[])
        .u32(COOKIE)
        .bytes(&transaction)
        .u16(XOR_MAPPED_ADDRESS)
        .sized_u16(0, &value)
        .finish()
}

/// The number of a question for one's outside address that may be answered: whole, with the cookie, no longer than
/// [`LARGEST_QUESTION`], and nothing in it that whoever answers would have to understand. Anything else has none.
pub fn question(bytes: &[u8]) -> Option<[u8; 12]> {
    let message = Message::parse(bytes).ok().filter(|message| message.cookie)?;
    let asks = (message.method, message.class) == (BINDING, Class::Request);
    let attributes = message.attributes.iter();
    let read: usize =
        attributes.clone().map(|(_, value)| 4 + value.len().next_multiple_of(4)).sum();
    let whole = message.length == bytes.len() && HEADER + read == bytes.len();
    let optional = attributes.clone().all(|(number, _)| *number >= FIRST_OPTIONAL);
    let answerable = asks && whole && optional && bytes.len() <= LARGEST_QUESTION;
    answerable.then(|| message.transaction())
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

    #[test]
    fn an_answer_is_the_address_and_nothing_else() {
        let from = "203.0.113.9:40000".parse().unwrap();
        assert_eq!(tell(hex!("0102030405060708090a0b0c"), from), ANSWER);
        let from = "[2001:db8::9]:40000".parse().unwrap();
        let answer = tell(*b"of this host", from);
        let message = Message::parse(&answer).unwrap();
        assert_eq!((message.transaction(), message.attributes.len()), (*b"of this host", 1));
        assert_eq!(message.address(message.attributes[0].1, true), Ok(from));
        assert_eq!((ANSWER.len(), answer.len()), (32, 44));
    }

    #[test]
    fn only_a_plain_question_is_answered() {
        let transaction = hex!("0102030405060708090a0b0c");
        let plain = ask(transaction);
        assert_eq!(question(&plain), Some(transaction));
        let with = |attributes: &[u8]| {
            let mut bytes = plain.clone();
            bytes[2..4].copy_from_slice(&u16::try_from(attributes.len()).unwrap().to_be_bytes());
            [bytes, attributes.to_vec()].concat()
        };
        // Who it is that asks may be passed over (SOFTWARE).
        assert_eq!(question(&with(&hex!("8022 0003 61626300"))), Some(transaction));
        let refused: [(&str, Vec<u8>); 8] = [
            ("it is to be answered from elsewhere", with(&hex!("0003 0004 00000006"))),
            ("it wants to be known", with(&hex!("0006 0004 61626364"))),
            ("its attribute lies", with(&hex!("8022 0009 61626300"))),
            ("it is larger than any path", with(&[&hex!("8022 0220")[..], &[b'a'; 544]].concat())),
            ("it has more behind it", [&plain[..], &[0; 4]].concat()),
            ("it has no cookie", [&plain[..4], &[0; 16]].concat()),
            ("it is an answer", ANSWER.to_vec()),
            ("it borrows an address", [&[0, 3], &plain[2..]].concat()),
        ];
        for (why, bytes) in refused {
            assert_eq!(question(&bytes), None, "{why}");
        }
        for end in 0..plain.len() {
            assert_eq!(question(&plain[..end]), None, "{end} bytes");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_said_no_answer_is_longer_than_44_bytes_and_all_read_back(
            mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600),
            is_shaped in proptest::bool::ANY,
            port: u16,
            ip: IpAddr,
        ) {
            if is_shaped && bytes.len() >= 20 {
                let length = u16::try_from(bytes.len() - 20).unwrap().to_be_bytes();
                bytes[..8].copy_from_slice(&[0, 1, length[0], length[1], 0x21, 0x12, 0xa4, 0x42]);
            }
            if let Some(transaction) = question(&bytes) {
                proptest::prop_assert!(bytes.len() >= 20);
                let from = SocketAddr::new(ip, port);
                let answer = tell(transaction, from);
                proptest::prop_assert!(answer.len() <= 44);
                let message = Message::parse(&answer).unwrap();
                proptest::prop_assert_eq!(message.address(message.attributes[0].1, true), Ok(from));
                // An answer is no question, so that two of them never talk to each other.
                proptest::prop_assert_eq!(question(&answer), None);
            }
        }
    }
}
