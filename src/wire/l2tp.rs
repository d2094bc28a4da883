//! L2TP, versions 2 (RFC 2661) and 3 (RFC 3931): control messages and their attributes, and the heads of
//! data messages.

use super::{Error, Reader, Result, Writer, require};

/// The IP protocol number of version 3 without UDP.
pub const IP_PROTOCOL: u8 = 115;

/// How many attributes of one message are read.
const MOST: usize = 64;

/// The bits of the first word.
const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
/// Bits that are always zero, in either version.
const RESERVED: u16 = 0x34f0;

/// A control message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control<'a> {
    /// 2 or 3.
    pub version: u8,
    /// The receiver's tunnel (16 bits) and session (16 bits), or in version 3 its connection; 0 when the
    /// receiver has not chosen yet.
    pub connection: u32,
    /// Number of this message.
    pub sent: u16,
    /// Number of the message expected next.
    pub expected: u16,
    /// The attributes, as much of them as is there.
    pub attributes: &'a [u8],
    /// Whether the length told is the length there.
    pub whole: bool,
}

impl<'a> Control<'a> {
    /// Reads a control message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u16("flags")?;
        let version = (first & 0xf).to_be_bytes()[1];
        require("version", matches!(version, 2 | 3))?;
        require("flags", first & !0xf == CONTROL | LENGTH | SEQUENCE)?;
        let length = usize::from(r.u16("length")?);
        require("length", length >= 12)?;
        let connection = r.u32("connection")?;
        let sent = r.u16("sent")?;
        let expected = r.u16("expected")?;
        let attributes = r.bytes_up_to(length - 12);
        let whole = length == bytes.len();
        Ok(Self { version, connection, sent, expected, attributes, whole })
    }

    /// The attributes, as far as they are well formed.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes { reader: Reader::new(self.attributes), left: MOST }
    }

    /// The message type, which stands first; none in a bare acknowledgement.
    pub fn kind(&self) -> Option<u16> {
        let first = self.attributes().next()?;
        let kind = (first.vendor == 0 && first.kind == attribute::MESSAGE && !first.hidden)
            .then_some(first.value)?;
        kind.first_chunk().map(|kind| u16::from_be_bytes(*kind))
    }

    /// Whether the attributes end where the message does, and begin with a message type.
    pub fn is_well_formed(&self) -> bool {
        let mut attributes = self.attributes();
        let read = attributes.by_ref().count();
        self.whole && attributes.reader.is_empty() && (read == 0 || self.kind().is_some())
    }
}

/// An attribute of a control message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Who defined its type; 0 is the IETF.
    pub vendor: u16,
    /// Its type.
    pub kind: u16,
    /// Whether the value is encrypted.
    pub hidden: bool,
    /// The value.
    pub value: &'a [u8],
}

/// Attribute types that the readers understand (RFC 2661, 4.4; RFC 3931, 5.4).
pub mod attribute {
    #![expect(missing_docs, reason = "the names are those of the specification")]
    pub const MESSAGE: u16 = 0;
    pub const RESULT: u16 = 1;
    pub const PROTOCOL_VERSION: u16 = 2;
    pub const FIRMWARE: u16 = 6;
    pub const HOST_NAME: u16 = 7;
    pub const VENDOR_NAME: u16 = 8;
    pub const ASSIGNED_TUNNEL: u16 = 9;
    pub const CHALLENGE: u16 = 11;
    pub const CALLED_NUMBER: u16 = 21;
    pub const CALLING_NUMBER: u16 = 22;
    pub const ROUTER: u16 = 60;
    pub const PSEUDOWIRES: u16 = 62;
}

/// Walks the attributes of a message, and ends at the first that cannot be right.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut reader = self.reader.clone();
        let mut one = || -> Result<Attribute<'a>> {
            let head = reader.u16("attribute")?;
            let length = usize::from(head & 0x03ff);
            let length =
                length.checked_sub(6).ok_or(Error::Foreign { field: "attribute length" })?;
            let vendor = reader.u16("vendor")?;
            let kind = reader.u16("attribute type")?;
            let value = reader.bytes("value", length)?;
            Ok(Attribute { vendor, kind, hidden: head & 0x4000 != 0, value })
        };
        let one = one().ok()?;
        self.reader = reader;
        Some(one)
    }
}

/// A data message of version 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data<'a> {
    /// Whether it tells its length, and that is the length there.
    pub sized: bool,
    /// The receiver's tunnel.
    pub tunnel: u16,
    /// The receiver's session.
    pub session: u16,
    /// The PPP frame.
    pub frame: &'a [u8],
}

impl<'a> Data<'a> {
    /// Reads a data message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u16("flags")?;
        require("version", first & 0xf == 2)?;
        require("flags", first & (CONTROL | RESERVED) == 0)?;
        let mut sized = false;
        if first & LENGTH != 0 {
            sized = usize::from(r.u16("length")?) == bytes.len();
            require("length", sized)?;
        }
        let tunnel = r.u16("tunnel")?;
        let session = r.u16("session")?;
        require("tunnel", tunnel != 0 && session != 0)?;
        if first & SEQUENCE != 0 {
            r.skip("sequence", 4)?;
        }
        if first & OFFSET != 0 {
            let length = r.u16("offset")?;
            r.skip("offset", length.into())?;
        }
        Ok(Self { sized, tunnel, session, frame: r.rest() })
    }

    /// Whether the frame begins as PPP frames do: address and control, or a protocol that tunnels carry.
    pub fn is_ppp(&self) -> bool {
        let frame = self.frame.strip_prefix(&[0xff, 0x03]).unwrap_or(self.frame);
        let tells = frame.len() < self.frame.len();
        let protocol = match frame {
            [0xc0, kind, ..] => matches!(kind, 0x21 | 0x23 | 0x25),
            [0xc2, kind, ..] => matches!(kind, 0x23 | 0x27),
            [0x80 | 0x00, kind, ..] => matches!(kind, 0x21 | 0x57 | 0xfd),
            [0x21 | 0x57, ..] => true,
            _ => false,
        };
        protocol && (tells || !matches!(frame, [0x21 | 0x57, ..]))
    }
}

/// The first question of version 2.
pub fn ask(name: &[u8], tunnel: u16) -> Vec<u8> {
    let attributes: &[(u16, &[u8])] = &[
        (attribute::MESSAGE, &[0, 1]),
        (attribute::PROTOCOL_VERSION, &[1, 0]),
        (attribute::HOST_NAME, name),
        (3, &[0, 0, 0, 3]),
        (attribute::ASSIGNED_TUNNEL, &tunnel.to_be_bytes()),
        (10, &[0, 4]),
    ];
    emit(0, 0, 0, attributes)
}

/// Ends a tunnel that a peer opened in answer to [`ask`]: `peer` is its tunnel, `tunnel` ours.
pub fn stop(peer: u16, tunnel: u16) -> Vec<u8> {
    let attributes: &[(u16, &[u8])] = &[
        (attribute::MESSAGE, &[0, 4]),
        (attribute::ASSIGNED_TUNNEL, &tunnel.to_be_bytes()),
        (attribute::RESULT, &[0, 1]),
    ];
    emit(peer, 1, 1, attributes)
}

/// A gateway's answer to [`ask`], or nothing when the question is not one.
pub fn answer(question: &[u8], name: &[u8], vendor: &[u8], tunnel: u16) -> Option<Vec<u8>> {
    let question = Control::parse(question).ok().filter(|q| q.kind() == Some(1))?;
    let theirs = question.attributes().find(|a| a.kind == attribute::ASSIGNED_TUNNEL)?;
    let theirs = theirs.value.first_chunk().map(|tunnel| u16::from_be_bytes(*tunnel))?;
    let attributes: &[(u16, &[u8])] = &[
        (attribute::MESSAGE, &[0, 2]),
        (attribute::PROTOCOL_VERSION, &[1, 0]),
        (3, &[0, 0, 0, 3]),
        (attribute::HOST_NAME, name),
        (attribute::VENDOR_NAME, vendor),
        (attribute::ASSIGNED_TUNNEL, &tunnel.to_be_bytes()),
    ];
    Some(emit(theirs, 0, 1, attributes))
}

fn emit(tunnel: u16, sent: u16, expected: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let body = attributes.iter().fold(Writer::new(), |w, (kind, value)| {
        let length = u16::try_from(value.len() + 6).unwrap_or(u16::MAX) & 0x03ff;
        w.u16(0x8000 | length).u16(0).u16(*kind).bytes(value)
    });
    let body =
        Writer::new().u16(tunnel).u16(0).u16(sent).u16(expected).bytes(&body.finish()).finish();
    Writer::new().u16(CONTROL | LENGTH | SEQUENCE | 2).sized_u16(4, &body).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn the_question_is_answered_and_ended() {
        let question = ask(b"inventory", 0x4a11);
        assert_eq!(
            question,
            hex!(
                "c8020045000000000000000080080000000000018008000000020100800f00000007696e76656e746f7279"
                "800a00000003000000038008000000094a1180080000000a0004"
            )
        );
        let answer = answer(&question, b"gateway", b"example", 7).unwrap();
        let told = Control::parse(&answer).unwrap();
        assert!(told.is_well_formed());
        assert_eq!((told.kind(), told.connection), (Some(2), 0x4a11_0000));
        let name = told.attributes().find(|a| a.kind == attribute::HOST_NAME).unwrap();
        assert_eq!(name.value, b"gateway");
        assert_eq!(
            stop(1, 0x4a11),
            hex!("c8020024000100000001000180080000000000048008000000094a118008000000010001")
        );
    }

    #[test]
    fn refuses_every_truncation_of_a_head() {
        crate::wire::refuses_every_truncation(&ask(b"", 1)[..12], Control::parse);
    }

    #[test]
    fn an_attribute_without_length_ends_the_walk() {
        let mut bytes = ask(b"inventory", 1);
        bytes[20] = 0;
        bytes[21] = 0;
        let told = Control::parse(&bytes).unwrap();
        assert_eq!(told.attributes().count(), 1);
        assert!(!told.is_well_formed());
    }

    #[test]
    fn reads_the_head_of_data() {
        let data = Data::parse(&hex!("4002 000e 0001 0002 ff03 c021 0101")).unwrap();
        assert!(data.sized && data.is_ppp());
        assert_eq!((data.tunnel, data.session), (1, 2));
        assert!(Data::parse(&hex!("4002 0010 0001 0002 ff03 c021 0101")).is_err());
    }
}
