//! SMB: its framing over TCP, dialect negotiation and session set-up (RFC 1002 4.3, MS-SMB 2.2.4, MS-SMB2 2.2.3 to
//! 2.2.6; the tokens are SPNEGO's, RFC 4178).

use super::{Error, Reader, Result, Writer, ber, require};

/// The longest message that is read whole; negotiations are far shorter.
const LONGEST: usize = 16_384;

/// Kinds of frames.
mod frame {
    pub(super) const MESSAGE: u8 = 0x00;
    pub(super) const REQUEST: u8 = 0x81;
}

/// Commands of SMB 1.
mod command1 {
    pub(super) const NEGOTIATE: u8 = 0x72;
    pub(super) const SESSION: u8 = 0x73;
}

/// Commands of SMB 2 and 3.
mod command2 {
    pub(super) const NEGOTIATE: u16 = 0;
    pub(super) const SESSION: u16 = 1;
}

/// SMB 1 with an opaque token for logging on, instead of a challenge.
const EXTENDED_SECURITY: u32 = 0x8000_0000;

/// The header of SMB 2, in bytes.
const HEADER: usize = 64;

/// How many dialects a client may offer.
const MOST_DIALECTS: usize = 16;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it holds.
    pub message: Message<'a>,
    /// How many bytes it takes.
    pub length: usize,
}

/// What a frame holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// NetBIOS: a client names whom it calls, and itself.
    Called {
        /// The name called.
        called: String,
        /// The caller's name.
        calling: String,
    },
    /// A client offers dialects, as numbers (SMB 2) or names (SMB 1).
    Offer(Vec<Dialect<'a>>),
    /// A server chooses.
    Choice(Choice<'a>),
    /// SMB 1: a server tells its system while logging on.
    System {
        /// A server says so.
        answer: bool,
        /// Tokens, perhaps with NTLM inside.
        token: &'a [u8],
        /// Texts behind the token: system, software, domain; still encoded.
        texts: &'a [u8],
        /// Whether the texts are UTF-16LE.
        unicode: bool,
    },
    /// A token of a logon, perhaps with NTLM inside.
    Logon {
        /// A server says so.
        answer: bool,
        /// The token.
        token: &'a [u8],
    },
    /// Anything else, also encrypted or compressed.
    Other {
        /// A server says so, where that can be seen.
        answer: Option<bool>,
    },
}

/// A dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect<'a> {
    /// As SMB 2 numbers them.
    Number(u16),
    /// As SMB 1 names them.
    Name(&'a [u8]),
}

/// What a server chose, and what it tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice<'a> {
    /// The dialect: an SMB 2 number, or the place in an SMB 1 client's list.
    pub dialect: Chosen,
    /// Signing is enabled, and required.
    pub signing: (bool, bool),
    /// The server's identifier.
    pub identifier: &'a [u8],
    /// The server's clock: 100 ns since 1601-01-01 UTC.
    pub time: u64,
    /// When the server started, in the same count; 0 when it does not say.
    pub started: u64,
    /// SMB 1 without tokens: the domain and the server's name, UTF-16LE, each with a zero.
    pub names: &'a [u8],
}

/// A chosen dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// SMB 2 or 3, as they number them.
    Number(u16),
    /// SMB 1: the place in the client's list.
    Place(u16),
}

impl<'a> Frame<'a> {
    /// Reads a frame. Of long messages only the beginning need be there.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        match r.u8("kind")? {
            frame::MESSAGE => {
                let length = r.u24("length")? as usize;
                let mut body = r.clone();
                let protocol = body.u8("protocol")?;
                require("protocol", (0xfc..=0xff).contains(&protocol) && length >= 32)?;
                body.expect_bytes("protocol", b"SMB")?;
                let message = match protocol {
                    0xff => Message::parse1(&body, length)?,
                    0xfe => Message::parse2(&body, length)?,
                    _ => Message::Other { answer: None },
                };
                Ok(Self { message, length: 4 + length })
            }
            frame::REQUEST => {
                r.expect_bytes("length", &[0, 0, 68])?;
                let called = netbios_name(&mut r)?;
                let calling = netbios_name(&mut r)?;
                Ok(Self { message: Message::Called { called, calling }, length: 72 })
            }
            found => Err(Error::Unexpected { field: "kind", found: found.into(), expected: 0 }),
        }
    }
}

/// A name in the first-level encoding: two letters a byte (RFC 1001, 14.1).
fn netbios_name(r: &mut Reader<'_>) -> Result<String> {
    r.expect("name length", 32)?;
    let letters = r.take::<32>("name")?;
    require("name", letters.iter().all(|letter| (b'A'..=b'P').contains(letter)))?;
    r.expect("name end", 0)?;
    let (pairs, _) = letters.as_chunks::<2>();
    let name: String = pairs
        .iter()
        .take(15)
        .map(|[high, low]| char::from((high - b'A') << 4 | (low - b'A')))
        .collect();
    Ok(name.trim_end_matches([' ', '\0']).to_owned())
}

impl<'a> Message<'a> {
    /// Reads an SMB 1 message behind its protocol mark.
    fn parse1(body: &Reader<'a>, length: usize) -> Result<Self> {
        let mut r = body.clone();
        let command = r.u8("command")?;
        r.skip("status", 4)?;
        let answer = r.u8("flags")? & 0x80 != 0;
        let unicode = r.u16_le("flags 2")? & 0x8000 != 0;
        let read = matches!(command, command1::NEGOTIATE | command1::SESSION);
        if !read || length > LONGEST {
            return Ok(Self::Other { answer: Some(answer) });
        }
        let mut r = body.clone().inner("message", length - 4)?;
        r.skip("header", 28)?;
        let words = r.u8("words")?;
        let mut w = r.inner("words", 2 * usize::from(words))?;
        r.skip("byte count", 2)?;
        match (command, answer, words) {
            (command1::NEGOTIATE, false, _) => {
                let names = r.rest().split(|byte| *byte == 0);
                let names = names.filter_map(|name| name.strip_prefix(&[2]));
                Ok(Self::Offer(names.take(MOST_DIALECTS).map(Dialect::Name).collect()))
            }
            (command1::NEGOTIATE, true, 17) => {
                let dialect = Chosen::Place(w.u16_le("dialect")?);
                let security = w.u8("security")?;
                w.skip("limits", 16)?;
                let capabilities = w.u32_le("capabilities")?;
                let time = u64::from_le_bytes(w.take("time")?);
                w.skip("zone", 2)?;
                let challenge = usize::from(w.u8("challenge length")?);
                let extended = capabilities & EXTENDED_SECURITY != 0;
                let (identifier, names) = if extended {
                    (r.bytes_up_to(16), &[][..])
                } else {
                    r.bytes_up_to(challenge);
                    (&[][..], r.rest())
                };
                let signing = (security & 4 != 0, security & 8 != 0);
                Ok(Self::Choice(Choice { dialect, signing, identifier, time, started: 0, names }))
            }
            (command1::SESSION, true, 3 | 4) => {
                w.skip("next and action", 6)?;
                let token = if words == 4 { usize::from(w.u16_le("token length")?) } else { 0 };
                let token = r.bytes_up_to(token);
                // UTF-16 begins at an even place in the message.
                if unicode && !(length - r.remaining()).is_multiple_of(2) {
                    r.bytes_up_to(1);
                }
                Ok(Self::System { answer, token, texts: r.rest(), unicode })
            }
            (command1::SESSION, false, 12) => {
                w.skip("next and limits", 14)?;
                let token = usize::from(w.u16_le("token length")?);
                Ok(Self::Logon { answer, token: r.bytes_up_to(token) })
            }
            _ => Ok(Self::Other { answer: Some(answer) }),
        }
    }

    /// Reads an SMB 2 or 3 message behind its protocol mark.
    fn parse2(body: &Reader<'a>, length: usize) -> Result<Self> {
        let mut r = body.clone();
        require("header size", r.u16_le("header size")? == 64 && length >= 64)?;
        r.skip("credit charge and status", 6)?;
        let command = r.u16_le("command")?;
        r.skip("credits", 2)?;
        let answer = r.u32_le("flags")? & 1 != 0;
        let read = matches!(command, command2::NEGOTIATE | command2::SESSION);
        if !read || length > LONGEST {
            return Ok(Self::Other { answer: Some(answer) });
        }
        let mut r = body.clone().inner("message", length - 4)?;
        let whole = r.rest();
        r.skip("header", 60)?;
        r.skip("size", 2)?;
        // Offsets count from the protocol mark.
        let part = |offset: u16, length: u16| {
            let from = usize::from(offset).saturating_sub(4);
            whole.get(from..from + usize::from(length)).unwrap_or_default()
        };
        match (command, answer) {
            (command2::NEGOTIATE, false) => {
                let count = usize::from(r.u16_le("dialect count")?).min(MOST_DIALECTS);
                r.skip("mode, capabilities, identifier and contexts", 32)?;
                let numbers = (0..count).map_while(|_| r.u16_le("dialect").ok());
                Ok(Self::Offer(numbers.map(Dialect::Number).collect()))
            }
            (command2::NEGOTIATE, true) => {
                let security = r.u16_le("security")?;
                let dialect = Chosen::Number(r.u16_le("dialect")?);
                r.skip("contexts", 2)?;
                let identifier = r.bytes("identifier", 16)?;
                r.skip("capabilities and limits", 16)?;
                let time = u64::from_le_bytes(r.take("time")?);
                let started = u64::from_le_bytes(r.take("started")?);
                let signing = (security & 1 != 0, security & 2 != 0);
                Ok(Self::Choice(Choice { dialect, signing, identifier, time, started, names: &[] }))
            }
            (_, false) => {
                r.skip("flags to channel", 10)?;
                let token = part(r.u16_le("token offset")?, r.u16_le("token length")?);
                Ok(Self::Logon { answer, token })
            }
            (_, true) => {
                r.skip("flags", 2)?;
                let token = part(r.u16_le("token offset")?, r.u16_le("token length")?);
                Ok(Self::Logon { answer, token })
            }
        }
    }
}

/// Dialects that [`offer`] offers.
const OFFERED: [u16; 5] = [0x0202, 0x0210, 0x0300, 0x0302, 0x0311];

/// Writes a client's first message: it offers SMB 2.0.2 to 3.1.1, with what 3.1.1 requires. `identifier` and `salt`
/// are random.
pub fn offer(identifier: &[u8; 16], salt: &[u8; 32]) -> Vec<u8> {
    let dialects: Vec<u8> = OFFERED.into_iter().flat_map(u16::to_le_bytes).collect();
    let context = |kind: u8, data: &[u8]| {
        let length = u16::try_from(data.len()).unwrap_or(u16::MAX).to_le_bytes();
        Writer::new().bytes(&[kind, 0]).bytes(&length).zeros(4).bytes(data).finish()
    };
    // Kinds of contexts: 1 is how integrity is kept before a logon (SHA-512), 2 encryption (AES-128 GCM and CCM).
    let integrity = context(1, &[&[1, 0, 32, 0, 1, 0][..], salt].concat());
    let encryption = context(2, &[2, 0, 2, 0, 1, 0]);
    let fixed = 36 + dialects.len();
    let before = (HEADER + fixed).next_multiple_of(8);
    let between = integrity.len().next_multiple_of(8) - integrity.len();
    let body = Writer::new()
        .bytes(&[36, 0, 5, 0])
        // Signing is enabled.
        .bytes(&[1, 0, 0, 0])
        .zeros(4)
        .bytes(identifier)
        .bytes(&u32::try_from(before).unwrap_or(u32::MAX).to_le_bytes())
        .bytes(&[2, 0, 0, 0])
        .bytes(&dialects)
        .zeros(before - HEADER - fixed)
        .bytes(&integrity)
        .zeros(between)
        .bytes(&encryption)
        .finish();
    message2(command2::NEGOTIATE, 0, &body)
}

/// Writes the first message of a session, which brings `token`. A server answers with what it wants to be proved.
pub fn begin_session(token: &[u8]) -> Vec<u8> {
    let offset = u16::try_from(HEADER + 24).unwrap_or(u16::MAX).to_le_bytes();
    let length = u16::try_from(token.len()).unwrap_or(u16::MAX).to_le_bytes();
    let body = Writer::new()
        .bytes(&[25, 0, 0, 1])
        .zeros(8)
        .bytes(&offset)
        .bytes(&length)
        .zeros(8)
        .bytes(token)
        .finish();
    message2(command2::SESSION, 1, &body)
}

/// Writes the SPNEGO token that begins with NTLM and offers nothing else.
pub fn negotiate(ntlm: &[u8]) -> Vec<u8> {
    let mechanism = ber::emit_object(&[1, 3, 6, 1, 4, 1, 311, 2, 2, 10]);
    let mechanisms = ber::emit(0xa0, &ber::emit(ber::SEQUENCE, &mechanism));
    let token = ber::emit(0xa2, &ber::emit(ber::OCTETS, ntlm));
    let first = ber::emit(0xa0, &ber::emit(ber::SEQUENCE, &[mechanisms, token].concat()));
    ber::emit(0x60, &[ber::emit_object(&[1, 3, 6, 1, 5, 5, 2]), first].concat())
}

/// Writes a message of SMB 2 in its frame.
fn message2(command: u16, number: u8, body: &[u8]) -> Vec<u8> {
    let message = Writer::new()
        .bytes(b"\xfeSMB")
        .bytes(&[64, 0, number, 0])
        .zeros(4)
        .bytes(&command.to_le_bytes())
        // As many credits as one more message needs.
        .bytes(&[1, 0])
        .zeros(8)
        .bytes(&u64::from(number).to_le_bytes())
        .zeros(HEADER - 32)
        .bytes(body)
        .finish();
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX) & 0x00ff_ffff;
    Writer::new().u32(length).bytes(&message).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const OFFER: &[u8] = &hex!(
        "0000002f ff534d42 72 00000000 18 01c8 0000 0000000000000000 0000 ffff fffe 0000 0000"
        "00 0c00 02 4e54204c4d20302e3132 00"
    );

    #[test]
    fn reads_what_a_client_offers() {
        let frame = Frame::parse(OFFER).unwrap();
        assert_eq!(frame.message, Message::Offer(vec![Dialect::Name(b"NT LM 0.12")]));
        assert_eq!(frame.length, OFFER.len());
    }

    #[test]
    fn what_is_offered_reads_back() {
        let bytes = offer(&[7; 16], &[9; 32]);
        let frame = Frame::parse(&bytes).unwrap();
        assert_eq!(frame.message, Message::Offer(OFFERED.map(Dialect::Number).to_vec()));
        assert_eq!(frame.length, bytes.len());
        // The contexts begin where the message says.
        assert_eq!(bytes[4 + 64 + 28..4 + 64 + 32], [112, 0, 0, 0]);
        assert_eq!(bytes[4 + 112..4 + 120], [1, 0, 38, 0, 0, 0, 0, 0]);
        crate::wire::refuses_every_truncation(&bytes, Frame::parse);
    }

    #[test]
    fn a_session_begins_with_a_token() {
        let token = negotiate(b"NTLMSSP\0");
        assert_eq!(
            token,
            hex!(
                "6028 06062b0601050502 a01e 301c a00e 300c 060a2b06010401823702020a a20a 0408 4e544c4d53535000"
            )
        );
        let bytes = begin_session(&token);
        let frame = Frame::parse(&bytes).unwrap();
        assert_eq!(frame.message, Message::Logon { answer: false, token: &token });
        assert_eq!(frame.length, bytes.len());
        crate::wire::refuses_every_truncation(&bytes, Frame::parse);
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(OFFER, Frame::parse);
    }

    #[test]
    fn reads_whom_a_client_calls() {
        let mut call = hex!("81000044").to_vec();
        for name in ["*SMBSERVER      ", "PC             \0"] {
            call.push(32);
            call.extend(name.bytes().flat_map(|b| [b'A' + (b >> 4), b'A' + (b & 15)]));
            call.push(0);
        }
        let (called, calling) = ("*SMBSERVER".to_owned(), "PC".to_owned());
        assert_eq!(Frame::parse(&call).unwrap().message, Message::Called { called, calling });
        crate::wire::refuses_every_truncation(&call, Frame::parse);
    }
}
