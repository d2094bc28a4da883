//! OpenVPN: the control channel's packets, as far as they stand in clear, and the head of data packets.
//!
//! The protocol has no magic. What proves a packet is that its fields fit each other to the last byte:
//! the packet numbers are small, the clock is plausible, the session echoed is the one that was told.
//! Four ways to protect the control channel change its shape: none, `tls-auth` (a digest, a number and
//! a clock behind the session), `tls-crypt` (all but those encrypted), `tls-crypt-v2` (a wrapped key at
//! the end of the first packet). The project's own documents describe them.

use super::{Error, Reader, Result, Writer, require};

/// What a packet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// A client begins, key method 1.
    ResetClientV1 = 1,
    /// A server answers, key method 1.
    ResetServerV1 = 2,
    /// Either side renews keys.
    SoftReset = 3,
    /// A piece of the TLS exchange.
    Control = 4,
    /// Acknowledges control packets.
    Acknowledge = 5,
    /// Data.
    DataV1 = 6,
    /// A client begins.
    ResetClientV2 = 7,
    /// A server answers.
    ResetServerV2 = 8,
    /// Data, with a number of its peer.
    DataV2 = 9,
    /// A client with a key of its own begins.
    ResetClientV3 = 10,
    /// A piece of the TLS exchange with the wrapped key of the client.
    ControlWithKey = 11,
}

impl Opcode {
    fn parse(byte: u8) -> Result<Self> {
        use Opcode as O;
        Ok(match byte >> 3 {
            1 => O::ResetClientV1,
            2 => O::ResetServerV1,
            3 => O::SoftReset,
            4 => O::Control,
            5 => O::Acknowledge,
            6 => O::DataV1,
            7 => O::ResetClientV2,
            8 => O::ResetServerV2,
            9 => O::DataV2,
            10 => O::ResetClientV3,
            11 => O::ControlWithKey,
            _ => return Err(Error::Foreign { field: "opcode" }),
        })
    }

    /// Whether it carries data, not control.
    pub fn is_data(self) -> bool {
        matches!(self, Self::DataV1 | Self::DataV2)
    }

    /// Whether it begins a session; such packets use key 0.
    pub fn is_reset(self) -> bool {
        self.is_client_reset() || matches!(self, Self::ResetServerV1 | Self::ResetServerV2)
    }

    /// Whether a client begins with it.
    pub fn is_client_reset(self) -> bool {
        matches!(self, Self::ResetClientV1 | Self::ResetClientV2 | Self::ResetClientV3)
    }
}

/// How the control channel is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Plain,
    /// A digest of this many bytes.
    TlsAuth(usize),
    /// Encrypted with a key that all share.
    TlsCrypt,
    /// Encrypted with a key of the client's own.
    TlsCryptV2,
}

/// A control packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control<'a> {
    /// What it is for.
    pub opcode: Opcode,
    /// The key in use, 0 to 7.
    pub key: u8,
    /// The sender's session.
    pub session: u64,
    /// How it is protected.
    pub mode: Mode,
    /// The session it acknowledges, where that is in clear.
    pub remote: Option<u64>,
    /// Its number, where that is in clear.
    pub packet: Option<u32>,
    /// The number and the clock (seconds since 1970) that protect against replays, where they are in use.
    pub number: Option<(u32, u32)>,
    /// What it carries; for encrypted modes, what is encrypted.
    pub body: &'a [u8],
}

/// The lengths of digests that `tls-auth` may use, the usual ones first.
const DIGESTS: &[usize] = &[20, 32, 64, 16, 48, 28];

/// How many packets one packet may acknowledge.
const MOST_ACKNOWLEDGED: u8 = 8;

/// Packet numbers of a handshake stay far below this.
const LAST_PACKET: u32 = 1 << 16;

/// From when on clients with early negotiation count.
const EARLY: u32 = 0x0f00_0000;

/// Clocks before 2001 or after 2096 are no clocks.
const CLOCK: std::ops::Range<u32> = 0x3a00_0000..0xeeee_0000;

/// The shortest wrapped key of `tls-crypt-v2`: tag, keys and length.
const WRAPPED_KEY: usize = 32 + 256 + 2;

impl<'a> Control<'a> {
    /// Reads a whole control packet. What it is protected with is found by what fits.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("opcode")?;
        let opcode = Opcode::parse(first)?;
        require("opcode", !opcode.is_data())?;
        let key = first & 7;
        require("key", key == 0 || !opcode.is_reset())?;
        let session = r.u64("session")?;
        // Sessions are random; three zeros in one come once in a few hundred thousand.
        let zeros: u8 = session.to_be_bytes().map(|byte| u8::from(byte == 0)).iter().sum();
        require("session", zeros < 3)?;
        let told = Self {
            opcode,
            key,
            session,
            mode: Mode::Plain,
            remote: None,
            packet: None,
            number: None,
            body: &[],
        };
        // Fields in clear cannot look like the number and the clock of an encrypted packet.
        if let Ok(encrypted) = told.encrypted(r.clone()) {
            return Ok(encrypted);
        }
        if let Ok(plain) = told.reliable(r.clone(), Mode::Plain) {
            return Ok(plain);
        }
        for digest in DIGESTS {
            let mut r = r.clone();
            let number = r.skip("digest", *digest).and_then(|()| counted(&mut r, false));
            let told = number.and_then(|number| {
                Self { number: Some(number), ..told }.reliable(r, Mode::TlsAuth(*digest))
            });
            if told.is_ok() {
                return told;
            }
        }
        Err(Error::Foreign { field: "packet" })
    }

    /// Reads a packet of which only the session, a number, a clock and a tag are in clear.
    fn encrypted(self, mut r: Reader<'a>) -> Result<Self> {
        let number = Some(counted(&mut r, true)?);
        r.skip("tag", 32)?;
        let body = r.rest();
        let wrapped = matches!(self.opcode, Opcode::ResetClientV3 | Opcode::ControlWithKey);
        if wrapped {
            let cut = Error::Truncated { field: "wrapped key", missing: 1 };
            let (_, length) = body.split_last_chunk::<2>().ok_or(cut)?;
            let length = usize::from(u16::from_be_bytes(*length));
            require("wrapped key", (WRAPPED_KEY..=body.len()).contains(&length))?;
        } else {
            // The count of acknowledged packets and, but for acknowledgements, a number.
            let (least, most) = match self.opcode {
                Opcode::ResetClientV1 | Opcode::ResetClientV2 => (5, 5),
                Opcode::ResetServerV1 | Opcode::ResetServerV2 => (17, 17),
                Opcode::Acknowledge => (13, 41),
                _ => (5, 2048),
            };
            require("body", (least..=most).contains(&body.len()))?;
        }
        let mode = if wrapped { Mode::TlsCryptV2 } else { Mode::TlsCrypt };
        Ok(Self { mode, number, body, ..self })
    }

    /// Reads the acknowledgements and the packet's number, which every mode but the encrypted ones shows.
    fn reliable(self, mut r: Reader<'a>, mode: Mode) -> Result<Self> {
        let count = r.u8("acknowledged")?;
        require("acknowledged", count <= MOST_ACKNOWLEDGED)?;
        for _ in 0..count {
            let packet = r.u32("acknowledged")?;
            require("acknowledged", packet < LAST_PACKET)?;
        }
        let remote = if count == 0 { None } else { Some(r.u64("remote session")?) };
        require("remote session", remote != Some(0))?;
        if self.opcode == Opcode::Acknowledge {
            require("acknowledged", remote.is_some() && r.is_empty())?;
            return Ok(Self { mode, remote, ..self });
        }
        let packet = r.u32("packet")?;
        require("packet", packet < LAST_PACKET)?;
        let body = r.rest();
        if self.opcode.is_reset() {
            require("packet", packet == 0 && body.is_empty())?;
        } else {
            require("body", !body.is_empty() || self.opcode == Opcode::SoftReset)?;
        }
        Ok(Self { mode, remote, packet: Some(packet), body, ..self })
    }
}

/// Reads the number and the clock that protect against replays.
fn counted(r: &mut Reader<'_>, encrypted: bool) -> Result<(u32, u32)> {
    let told = r.u32("number")?;
    let number = if encrypted && told > EARLY { told - EARLY } else { told };
    require("number", (1..LAST_PACKET).contains(&number))?;
    let clock = r.u32("clock")?;
    require("clock", CLOCK.contains(&clock))?;
    Ok((number, clock))
}

/// The head of a data packet that numbers its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data<'a> {
    /// The key in use, 0 to 7.
    pub key: u8,
    /// The number of the peer; all ones where none was given.
    pub peer: u32,
    /// The packet's number, where the cipher is of today.
    pub packet: u32,
    /// What is encrypted.
    pub body: &'a [u8],
}

impl<'a> Data<'a> {
    /// Reads a data packet.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("opcode")?;
        require("opcode", Opcode::parse(first)? == Opcode::DataV2)?;
        let peer = r.u24("peer")?;
        let packet = r.u32("packet")?;
        r.clone().skip("tag", 16)?;
        Ok(Self { key: first & 7, peer, packet, body: r.rest() })
    }
}

/// Reads the length that stands before each packet of a stream, and the packet, or as much of it as is
/// there: packets of a handshake are short.
pub fn parse_stream(bytes: &[u8]) -> Result<(&[u8], usize)> {
    let mut r = Reader::new(bytes);
    let length = usize::from(r.u16("length")?);
    require("length", (14..=2048).contains(&length))?;
    if let Some(first) = r.rest().first() {
        let opcode = Opcode::parse(*first)?;
        require("opcode", !opcode.is_data())?;
        let key = first & 7;
        require("key", key == 0 || !opcode.is_reset())?;
    }
    let packet = r.bytes("packet", length)?;
    Ok((packet, r.position()))
}

/// The first packet of a client whose control channel is not protected.
pub fn ask(session: u64) -> Vec<u8> {
    Writer::new().u8((Opcode::ResetClientV2 as u8) << 3).u64(session).u8(0).u32(0).finish()
}

/// A server's answer to [`ask`], or nothing when the question is not one.
pub fn answer(question: &[u8], session: u64) -> Option<Vec<u8>> {
    let question = Control::parse(question).ok()?;
    let answers = question.opcode == Opcode::ResetClientV2 && question.mode == Mode::Plain;
    answers.then(|| {
        Writer::new()
            .u8((Opcode::ResetServerV2 as u8) << 3)
            .u64(session)
            .u8(1)
            .u32(0)
            .u64(question.session)
            .u32(0)
            .finish()
    })
}

/// A packet with its length before it, as streams carry it.
pub fn in_stream(packet: &[u8]) -> Vec<u8> {
    Writer::new().sized_u16(0, packet).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const SESSION: u64 = 0xa1b2_c3d4_e5f6_0718;

    /// A first packet with a digest of SHA-1.
    const TLS_AUTH: &[u8] = &hex!(
        "38 47f4e9b3b8eff355 70d613a49322d801be9ac51d288073591e1e6536 00000001 6b011810 00 00000000"
    );

    #[test]
    fn the_question_is_answered() {
        let question = ask(SESSION);
        assert_eq!(question, hex!("38 a1b2c3d4e5f60718 00 00000000"));
        let told = Control::parse(&question).unwrap();
        assert_eq!((told.opcode, told.mode), (Opcode::ResetClientV2, Mode::Plain));
        let answer = answer(&question, !SESSION).unwrap();
        let told = Control::parse(&answer).unwrap();
        assert_eq!((told.opcode, told.session), (Opcode::ResetServerV2, !SESSION));
        assert_eq!(told.remote, Some(SESSION));
    }

    #[test]
    fn a_stream_tells_its_packets_length() {
        let stream = in_stream(&ask(SESSION));
        assert_eq!(parse_stream(&stream), Ok((&ask(SESSION)[..], 16)));
        crate::wire::refuses_every_truncation(&stream, parse_stream);
        assert!(!parse_stream(b"\x16\x03\x01").unwrap_err().wants_more());
    }

    #[test]
    fn finds_the_digest_by_what_fits() {
        assert_eq!(Control::parse(TLS_AUTH).unwrap().mode, Mode::TlsAuth(20));
        for digest in DIGESTS {
            let mut bytes = TLS_AUTH[..9].to_vec();
            bytes.extend((0..*digest).map(|n| 0x91 ^ u8::try_from(n).unwrap().wrapping_mul(37)));
            bytes.extend(&TLS_AUTH[29..]);
            assert_eq!(Control::parse(&bytes).unwrap().mode, Mode::TlsAuth(*digest));
        }
    }

    #[test]
    fn a_clock_that_cannot_be_is_refused() {
        let mut bytes = TLS_AUTH.to_vec();
        bytes[33] = 0;
        assert!(Control::parse(&bytes).is_err());
    }

    #[test]
    fn a_wrapped_key_must_fit() {
        let mut bytes = vec![10 << 3, 1, 2, 3, 4, 5, 6, 7, 8, 0x0f, 0, 0, 1, 0x6b, 1, 0x18, 0x10];
        bytes.extend([0xa5; 32 + 5 + 288]);
        bytes.extend([0x01, 0x22]);
        assert_eq!(Control::parse(&bytes).unwrap().mode, Mode::TlsCryptV2);
        bytes.pop();
        bytes.push(0xff);
        assert!(Control::parse(&bytes).is_err());
    }
}
