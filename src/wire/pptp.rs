//! PPTP: the control connection of a tunnel whose data passes in GRE (RFC 2637).

use super::{Reader, Result, Writer, require};

/// What every message holds behind its length and type.
const MAGIC: u32 = 0x1a2b_3c4d;

/// The longest message (RFC 2637, 2.7 to 2.15).
const LONGEST: u16 = 220;

/// How long each of the two names is.
const NAME: usize = 64;

/// Message types that the readers understand.
pub mod kind {
    #![expect(missing_docs, reason = "the names are those of the specification")]
    pub const START_REQUEST: u16 = 1;
    pub const START_REPLY: u16 = 2;
}

/// A control message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its length, in bytes.
    pub length: usize,
    /// Its type.
    pub kind: u16,
    /// What stands behind its header.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a whole message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        Self::read(bytes, true)
    }

    /// Reads what is there of a message that will not be completed.
    pub fn parse_cut(bytes: &'a [u8]) -> Result<Self> {
        Self::read(bytes, false)
    }

    fn read(bytes: &'a [u8], whole: bool) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let length = r.u16("length")?;
        require("length", (12..=LONGEST).contains(&length))?;
        r.expect_u16("message type", 1)?;
        r.expect_bytes("magic cookie", &MAGIC.to_be_bytes())?;
        let kind = r.u16("control message type")?;
        r.u16("reserved")?;
        let length = usize::from(length);
        let body = if whole { r.bytes("body", length - 12)? } else { r.bytes_up_to(length - 12) };
        Ok(Self { length, kind, body })
    }
}

/// What either side tells of itself when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start<'a> {
    /// Version and revision of the protocol; 1 and 0.
    pub version: [u8; 2],
    /// In a reply, 1 for success; else why not.
    pub result: u8,
    /// In a reply, more on why not.
    pub error: u8,
    /// Firmware revision.
    pub firmware: u16,
    /// Host name, without its padding.
    pub host_name: &'a [u8],
    /// Vendor, without its padding.
    pub vendor: &'a [u8],
}

impl<'a> Start<'a> {
    /// Reads the body of a start request or reply; names that are cut off are read as far as they go.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(body);
        let version = r.take("version")?;
        let result = r.u8("result")?;
        let error = r.u8("error")?;
        r.skip("capabilities and channels", 4 + 4 + 2)?;
        let firmware = r.u16("firmware")?;
        let mut name = || {
            let field = r.bytes_up_to(NAME);
            field.split(|byte| *byte == 0).next().unwrap_or_default()
        };
        Ok(Self { version, result, error, firmware, host_name: name(), vendor: name() })
    }

    /// Writes a request, or with a result a reply.
    pub fn emit(&self) -> Vec<u8> {
        let kind = if self.result == 0 { kind::START_REQUEST } else { kind::START_REPLY };
        let padded = |w: Writer, name: &[u8]| {
            let mut field = name.get(..NAME - 1).unwrap_or(name).to_vec();
            field.resize(NAME, 0);
            w.bytes(&field)
        };
        let body = Writer::new()
            .bytes(&self.version)
            .u8(self.result)
            .u8(self.error)
            .u32(3)
            .u32(3)
            .u16(0)
            .u16(self.firmware);
        emit(kind, &padded(padded(body, self.host_name), self.vendor).finish())
    }
}

/// The first question.
pub fn ask(host_name: &[u8]) -> Vec<u8> {
    let start = Start { version: [1, 0], result: 0, error: 0, firmware: 0, host_name, vendor: b"" };
    start.emit()
}

/// Ends the control connection.
pub fn stop() -> Vec<u8> {
    emit(3, &[1, 0, 0, 0])
}

fn emit(kind: u16, body: &[u8]) -> Vec<u8> {
    let rest = Writer::new().u16(1).u32(MAGIC).u16(kind).u16(0).bytes(body).finish();
    Writer::new().sized_u16(2, &rest).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn what_is_asked_is_read_back() {
        let question = ask(b"inventory");
        assert_eq!(question.len(), 156);
        assert!(
            question.starts_with(&hex!("009c0001 1a2b3c4d 00010000 01000000 00000003 00000003"))
        );
        let start = Start::parse(Message::parse(&question).unwrap().body).unwrap();
        assert_eq!((start.host_name, start.vendor), (&b"inventory"[..], &b""[..]));
        assert_eq!(stop(), hex!("00100001 1a2b3c4d 00030000 01000000"));
    }

    #[test]
    fn a_reply_is_read_back() {
        let reply = Start {
            version: [1, 0],
            result: 1,
            error: 0,
            firmware: 1,
            host_name: b"gateway",
            vendor: b"example",
        };
        let bytes = reply.emit();
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.kind, message.length), (kind::START_REPLY, 156));
        assert_eq!(Start::parse(message.body), Ok(reply));
        assert_eq!(Start::parse(&message.body[..20]).unwrap().host_name, b"gate");
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(&ask(b"inventory"), Message::parse);
    }

    #[test]
    fn a_wrong_cookie_is_refused_at_once() {
        assert!(!Message::parse(&hex!("009c 0001 1a2c")).unwrap_err().wants_more());
    }
}
