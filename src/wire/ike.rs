//! IKE, the key exchange of IP security: version 1 (RFC 2408, RFC 2409), version 2 (RFC 7296), and what both
//! need behind address translation (RFC 3947, RFC 3948) and inside TCP (RFC 8229).
//!
//! Both versions share one header and one chain of payloads; what stands in clear is walked, what is
//! encrypted is not touched.

mod ask;

pub use ask::{
    CLASSIC, COMMON, PUBLIC_VALUE, SaInit, answer, ask_main, marked, nat_digest, public_value,
};

use super::{Error, Reader, Result, Writer, require};

/// What stands before IKE where encrypted packets share its port (RFC 3948, 2.2).
pub const MARKER: [u8; 4] = [0; 4];

/// The datagram that keeps a translation alive (RFC 3948, 2.3).
pub const KEEPALIVE: [u8; 1] = [0xff];

/// What a stream that carries IKE begins with (RFC 8229, 4).
pub const STREAM_PREFIX: &[u8] = b"IKETCP";

/// The length of a header, in bytes.
pub const HEADER: usize = 28;

/// How many payloads, proposals, transforms or attributes are walked; speakers send far fewer.
const MOST: usize = 128;

/// The body is encrypted (version 1).
const ENCRYPTED: u8 = 0x01;
/// Sent by the side that began (version 2).
const INITIATOR: u8 = 0x08;
/// A response (version 2).
const RESPONSE: u8 = 0x20;

/// Payload types that the readers below understand (IANA, IKE and IKEv2 parameters).
pub mod payload {
    #![expect(missing_docs, reason = "the names are those of the registry")]
    pub const SA_V1: u8 = 1;
    pub const KEY_V1: u8 = 4;
    pub const IDENTITY_V1: u8 = 5;
    pub const CERTIFICATE_V1: u8 = 6;
    pub const CERTIFICATE_REQUEST_V1: u8 = 7;
    pub const HASH: u8 = 8;
    pub const NONCE_V1: u8 = 10;
    pub const NOTIFY_V1: u8 = 11;
    pub const VENDOR_V1: u8 = 13;
    pub const ATTRIBUTES: u8 = 14;
    pub const NAT_DETECTION: u8 = 20;
    pub const NAT_DETECTION_DRAFT: u8 = 130;
    pub const FRAGMENT_V1: u8 = 132;
    pub const SA: u8 = 33;
    pub const KEY: u8 = 34;
    pub const CERTIFICATE: u8 = 37;
    pub const CERTIFICATE_REQUEST: u8 = 38;
    pub const NONCE: u8 = 40;
    pub const NOTIFY: u8 = 41;
    pub const VENDOR: u8 = 43;
    pub const ENCRYPTED: u8 = 46;
    pub const ENCRYPTED_FRAGMENT: u8 = 53;
}

/// Exchange types (IANA, IKE and IKEv2 parameters).
pub mod exchange {
    #![expect(missing_docs, reason = "the names are those of the registry")]
    pub const MAIN: u8 = 2;
    pub const AGGRESSIVE: u8 = 4;
    pub const INFORMATIONAL_V1: u8 = 5;
    pub const TRANSACTION: u8 = 6;
    pub const SA_INIT: u8 = 34;
}

/// What every message begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Chosen by the side that began; zero only where something is wrong.
    pub initiator: u64,
    /// Chosen by the other side; zero in the first message.
    pub responder: u64,
    /// The type of the first payload.
    pub next: u8,
    /// 1 or 2.
    pub version: u8,
    /// Exchange type.
    pub exchange: u8,
    /// Flags, as sent.
    pub flags: u8,
    /// Message identifier.
    pub message: u32,
    /// Length of the message, this header included.
    pub length: u32,
}

impl Header {
    /// Reads a header.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let initiator = r.u64("initiator")?;
        let responder = r.u64("responder")?;
        let next = r.u8("next payload")?;
        let version = r.u8("version")?;
        require("version", matches!(version, 0x10 | 0x20))?;
        let version = version >> 4;
        let exchange = r.u8("exchange")?;
        let known = if version == 1 { exchange < 34 } else { exchange >= 34 };
        require("exchange", known || exchange >= 240)?;
        let flags = r.u8("flags")?;
        require("flags", flags & if version == 1 { 0xf8 } else { 0xc7 } == 0)?;
        let message = r.u32("message")?;
        let length = r.u32("length")?;
        Ok(Self { initiator, responder, next, version, exchange, flags, message, length })
    }

    /// Whether the body is encrypted, so that its payloads cannot be walked.
    pub fn is_encrypted(&self) -> bool {
        self.version == 1 && self.flags & ENCRYPTED != 0
    }

    /// Whether the side that began sent it, where the message says so (version 2).
    pub fn from_initiator(&self) -> Option<bool> {
        (self.version == 2).then_some(self.flags & INITIATOR != 0)
    }

    /// Whether it answers a request (version 2).
    pub fn is_response(&self) -> bool {
        self.version == 2 && self.flags & RESPONSE != 0
    }

    fn emit(&self, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
        Writer::new()
            .u64(self.initiator)
            .u64(self.responder)
            .u8(self.next)
            .u8(self.version << 4)
            .u8(self.exchange)
            .u8(self.flags)
            .u32(self.message)
            .u32(length)
            .bytes(body)
            .finish()
    }
}

/// A message: its header and what was captured of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The header.
    pub header: Header,
    /// The body, as much as is there and not more than the header says.
    pub body: &'a [u8],
    /// Whether the marker stood before it.
    pub marked: bool,
    /// How many bytes follow that the header does not count.
    pub excess: usize,
    /// How many bytes of the body are missing.
    pub missing: usize,
}

impl<'a> Message<'a> {
    /// Reads a datagram, with or without the marker.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let marked = bytes.strip_prefix(&MARKER);
        // A cookie may itself begin with zeros.
        let marked = marked.filter(|rest| Header::parse(rest).is_ok());
        let (bytes, marked) = (marked.unwrap_or(bytes), marked.is_some());
        let header = Header::parse(bytes)?;
        let mut r = Reader::new(bytes);
        r.skip("header", HEADER)?;
        let told = (header.length as usize).saturating_sub(HEADER);
        // A length that cannot be true must not hide the payloads that are there.
        let body = if told == 0 { r.rest() } else { r.bytes_up_to(told) };
        let excess = bytes.len().saturating_sub(HEADER.saturating_add(told));
        let missing = told.saturating_sub(body.len());
        Ok(Self { header, body, marked, excess, missing })
    }

    /// Whether the header counts exactly the bytes that are there.
    pub fn is_whole(&self) -> bool {
        self.excess == 0 && self.missing == 0
    }

    /// Its payloads, as far as they are in clear and well formed.
    pub fn payloads(&self) -> Payloads<'a> {
        let left = if self.header.is_encrypted() { 0 } else { MOST };
        Payloads { next: self.header.next, reader: Reader::new(self.body), left, broken: false }
    }

    /// Whether the chain of payloads, in clear, ends where the message ends.
    pub fn is_well_formed(&self) -> bool {
        let mut payloads = self.payloads();
        let some = payloads.by_ref().count() > 0;
        some && !payloads.broken && payloads.next == 0 && payloads.reader.is_empty()
    }
}

/// One payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload<'a> {
    /// Its type; the two versions number them apart.
    pub kind: u8,
    /// What stands behind its header, perhaps cut short.
    pub body: &'a [u8],
}

/// Walks a chain of payloads, and ends at the first that cannot be right.
#[derive(Debug, Clone)]
pub struct Payloads<'a> {
    next: u8,
    reader: Reader<'a>,
    left: usize,
    broken: bool,
}

impl<'a> Iterator for Payloads<'a> {
    type Item = Payload<'a>;

    fn next(&mut self) -> Option<Payload<'a>> {
        if self.next == 0 || self.left == 0 || self.reader.is_empty() {
            return None;
        }
        self.left -= 1;
        let kind = self.next;
        let mut head = || -> Result<(u8, usize)> {
            let next = self.reader.u8("next payload")?;
            self.reader.u8("flags")?;
            let length = usize::from(self.reader.u16("payload length")?);
            let length = length.checked_sub(4).ok_or(Error::Foreign { field: "payload length" })?;
            Ok((next, length))
        };
        let Ok((next, length)) = head() else {
            self.broken = true;
            self.left = 0;
            return None;
        };
        let body = self.reader.bytes_up_to(length);
        self.broken |= body.len() < length;
        // What an encrypted payload names next stands inside it.
        let last = matches!(kind, payload::ENCRYPTED | payload::ENCRYPTED_FRAGMENT);
        self.next = if last { 0 } else { next };
        Some(Payload { kind, body })
    }
}

/// One value that a proposal offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Encryption algorithm, and its key length in bits where one is told.
    Encryption(u16, Option<u16>),
    /// Hash algorithm (version 1).
    Hash(u16),
    /// Pseudo-random function (version 2).
    Prf(u16),
    /// Integrity algorithm (version 2).
    Integrity(u16),
    /// Diffie-Hellman group.
    Group(u16),
    /// Authentication method (version 1).
    Authentication(u16),
    /// Lifetime in seconds (version 1).
    Seconds(u32),
    /// Another transform type or attribute, and its value.
    Other(u8, u16),
}

/// Everything an SA payload of version 1 offers, in order. Gives its domain of interpretation: 1 is IP
/// security, 2 is group keys, whose offers are not read.
pub fn offers_v1(body: &[u8], mut each: impl FnMut(Offer)) -> Result<u32> {
    let mut r = Reader::new(body);
    let domain = r.u32("domain of interpretation")?;
    if domain == 1 {
        r.skip("situation", 4)?;
        let _ = proposals(r, |_, mut transform| {
            transform.skip("transform", 4)?;
            let (mut encryption, mut bits, mut in_seconds) = (None, None, true);
            for _ in 0..MOST {
                let Ok((kind, value)) = attribute(&mut transform) else { break };
                let short = u16::try_from(value).unwrap_or(u16::MAX);
                match kind {
                    1 => encryption = Some(short),
                    2 => each(Offer::Hash(short)),
                    3 => each(Offer::Authentication(short)),
                    4 => each(Offer::Group(short)),
                    11 => in_seconds = value == 1,
                    12 if in_seconds => each(Offer::Seconds(value)),
                    14 => bits = Some(short),
                    _ => {}
                }
            }
            if let Some(encryption) = encryption {
                each(Offer::Encryption(encryption, bits));
            }
            Ok(())
        });
    }
    Ok(domain)
}

/// Everything an SA payload of version 2 offers, in order.
pub fn offers(body: &[u8], mut each: impl FnMut(Offer)) -> Result<()> {
    proposals(Reader::new(body), |_, mut transform| {
        let kind = transform.u8("transform type")?;
        transform.u8("reserved")?;
        let value = transform.u16("transform")?;
        let bits = match attribute(&mut transform) {
            Ok((14, bits)) => u16::try_from(bits).ok(),
            _ => None,
        };
        each(match kind {
            1 => Offer::Encryption(value, bits),
            2 => Offer::Prf(value),
            3 => Offer::Integrity(value),
            4 => Offer::Group(value),
            kind => Offer::Other(kind, value),
        });
        Ok(())
    })
}

/// Gives each transform, with its proposal's protocol, a reader over what stands behind its length.
fn proposals(mut r: Reader<'_>, mut each: impl FnMut(u8, Reader<'_>) -> Result<()>) -> Result<()> {
    for _ in 0..MOST {
        if r.is_empty() {
            break;
        }
        r.skip("proposal", 2)?;
        let length = usize::from(r.u16("proposal length")?);
        let length = length.checked_sub(4).ok_or(Error::Foreign { field: "proposal length" })?;
        let mut proposal = Reader::new(r.bytes_up_to(length));
        proposal.u8("proposal number")?;
        let protocol = proposal.u8("protocol")?;
        let spi = proposal.u8("identifier length")?;
        proposal.u8("transforms")?;
        proposal.skip("identifier", spi.into())?;
        for _ in 0..MOST {
            if proposal.is_empty() {
                break;
            }
            proposal.skip("transform", 2)?;
            let length = usize::from(proposal.u16("transform length")?);
            let length =
                length.checked_sub(4).ok_or(Error::Foreign { field: "transform length" })?;
            each(protocol, Reader::new(proposal.bytes_up_to(length)))?;
        }
    }
    Ok(())
}

/// Reads an attribute: its type and its value, of which the last four bytes count.
fn attribute(r: &mut Reader<'_>) -> Result<(u16, u32)> {
    let kind = r.u16("attribute")?;
    let value = r.u16("attribute value")?;
    if kind & 0x8000 != 0 {
        return Ok((kind & 0x7fff, value.into()));
    }
    let value = r.bytes("attribute value", value.into())?;
    Ok((kind, value.iter().fold(0, |sum: u32, byte| sum << 8 | u32::from(*byte))))
}

/// A notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notify<'a> {
    /// What it notifies; the two versions number them apart.
    pub kind: u16,
    /// What stands behind it.
    pub data: &'a [u8],
}

impl<'a> Notify<'a> {
    /// Reads the body of a notify payload of `version`.
    pub fn parse(version: u8, body: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(body);
        if version == 1 {
            r.u32("domain of interpretation")?;
        }
        r.u8("protocol")?;
        let spi = r.u8("identifier length")?;
        let kind = r.u16("notify type")?;
        r.bytes_up_to(spi.into());
        Ok(Self { kind, data: r.rest() })
    }
}

/// An identity in clear, as aggressive mode sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Its type: 1 address, 2 name, 3 mail address, 5 IPv6 address, 9 distinguished name, 11 key.
    pub kind: u8,
    /// Its value.
    pub value: &'a [u8],
}

impl<'a> Identity<'a> {
    /// Reads the body of an identity payload.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(body);
        let kind = r.u8("identity type")?;
        r.skip("protocol and port", 3)?;
        Ok(Self { kind, value: r.rest() })
    }
}

/// The message of a stream (RFC 8229): its prefix where it is the first, a 16-bit length, the marker and
/// the message. Gives the message and how many bytes it took.
pub fn parse_stream(bytes: &[u8]) -> Result<(Message<'_>, usize)> {
    let mut r = Reader::new(bytes);
    if bytes.first() == STREAM_PREFIX.first() {
        r.expect_bytes("stream prefix", STREAM_PREFIX)?;
    }
    let length = usize::from(r.u16("length")?);
    require("length", length >= HEADER + 2 + MARKER.len())?;
    r.expect_bytes("marker", &MARKER)?;
    let whole = length - 2;
    let at = r.position() - MARKER.len();
    Header::parse(r.rest())?;
    r.skip("message", whole - MARKER.len())?;
    let message = Message::parse(bytes.get(at..at + whole).unwrap_or_default())?;
    Ok((message, at + whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const NOTIFY: &[u8] = &hex!(
        "a1b2c3d4e5f60718 0102030405060708 29202220 00000000 00000026 0000000a 00000011 0013"
    );

    #[test]
    fn reads_the_group_that_a_responder_wants() {
        let message = Message::parse(NOTIFY).unwrap();
        assert!(message.is_whole() && message.is_well_formed() && message.header.is_response());
        let notify = Notify::parse(2, message.payloads().next().unwrap().body).unwrap();
        assert_eq!(notify, Notify { kind: 17, data: &[0, 19] });
    }

    #[test]
    fn refuses_every_truncation_of_a_header() {
        crate::wire::refuses_every_truncation(&NOTIFY[..HEADER], Header::parse);
    }

    #[test]
    fn refuses_every_truncation_of_a_stream() {
        let stream = [STREAM_PREFIX, &[0, 44], &MARKER, NOTIFY].concat();
        let (message, length) = parse_stream(&stream).unwrap();
        assert_eq!((message.header.exchange, length), (34, stream.len()));
        crate::wire::refuses_every_truncation(&stream, parse_stream);
    }

    #[test]
    fn a_payload_without_length_ends_the_walk() {
        let mut bytes = NOTIFY.to_vec();
        bytes[HEADER + 3] = 0;
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.payloads().count(), 0);
        assert!(!message.is_well_formed());
    }

    #[test]
    fn what_was_readable_of_a_cut_message_is_read() {
        let question = ask_main(1, COMMON);
        let message = Message::parse(&question[..200]).unwrap();
        assert_eq!(message.missing, 1032);
        let mut groups = 0;
        let sa = message.payloads().next().unwrap();
        offers_v1(sa.body, |offer| groups += usize::from(matches!(offer, Offer::Group(_))))
            .unwrap();
        assert_eq!(groups, 4);
    }
}
