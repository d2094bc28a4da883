//! QUIC: its long headers, and the hellos inside Initial packets, whose keys anybody can derive
//! (RFC 8999, 9000, 9001 and 9369), with Google's QUIC of before.

use aes::cipher::BlockCipherEncrypt;
use aes_gcm::{AeadInOut, Aes128Gcm, KeyInit};
use hkdf::Hkdf;
use sha2::Sha256;

use super::{Error, Reader, Result, Writer, require};

/// QUIC version 1 (RFC 9000).
pub const VERSION_1: u32 = 1;
/// QUIC version 2 (RFC 9369).
pub const VERSION_2: u32 = 0x6b33_43cf;

/// How long a connection's name may be (RFC 9000, 17.2).
const LONGEST_NAME: u8 = 20;

/// How many packets of a datagram are looked at.
const MOST_PACKETS: usize = 8;

/// How many frames of a packet are looked at: browsers cut their hello into dozens.
const MOST_FRAMES: usize = 512;

/// How much of a hello is put together, in bytes.
const LONGEST_HELLO: usize = 16 << 10;

/// What a datagram begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// What it is.
    pub kind: Kind,
    /// The version; 0 for a negotiation.
    pub version: u32,
    /// The receiver's name for the connection.
    pub destination: &'a [u8],
    /// The sender's name for the connection.
    pub source: &'a [u8],
    /// What follows the names.
    pub rest: &'a [u8],
}

/// Kinds of packets with a long header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first, with hellos.
    Initial,
    /// Data before the handshake, of a resumed connection.
    Early,
    /// The rest of the handshake.
    Handshake,
    /// The server asks the client to prove its address.
    Retry,
    /// The server offers other versions.
    Negotiation,
    /// Google's QUIC, versions up to Q046.
    Google,
}

impl<'a> Header<'a> {
    /// Reads the first header of a datagram.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("flags")?;
        if first & 0x80 == 0 {
            return Self::parse_google(r, first);
        }
        let version = r.u32("version")?;
        require("version", version == 0 || is_known(version))?;
        if version == u32::from_be_bytes(*b"Q046") {
            // Both names' lengths in one byte, less 3; the client names only the server.
            let lengths = r.u8("name lengths")?;
            require("name lengths", first & 0x40 != 0 && matches!(lengths, 0x50 | 0x05))?;
            let name = r.bytes("name", 8)?;
            let (destination, source): (_, &[u8]) =
                if lengths == 0x50 { (name, &[]) } else { (&[], name) };
            let kind = Kind::Google;
            return Ok(Self { kind, version, destination, source, rest: r.rest() });
        }
        require("flags", version == 0 || first & 0x40 != 0)?;
        let mut name = |field| {
            let length = r.u8(field)?;
            require(field, length <= LONGEST_NAME)?;
            r.bytes(field, length.into())
        };
        let (destination, source) = (name("destination")?, name("source")?);
        let rest = r.rest();
        let kind = if version == 0 {
            let (versions, odd) = rest.as_chunks::<4>();
            let known = |bytes: &[u8; 4]| is_known(u32::from_be_bytes(*bytes));
            require("versions", odd.is_empty() && versions.iter().any(known))?;
            Kind::Negotiation
        } else {
            // Version 2 moved the numbers on by one, to keep others from relying on them.
            match (first >> 4 & 3, version == VERSION_2) {
                (0, false) | (1, true) => Kind::Initial,
                (1, false) | (2, true) => Kind::Early,
                (2, false) | (3, true) => Kind::Handshake,
                _ => Kind::Retry,
            }
        };
        Ok(Self { kind, version, destination, source, rest })
    }

    /// Versions up to Q043: flags, a name of 8 bytes and the version, from clients only.
    fn parse_google(mut r: Reader<'a>, first: u8) -> Result<Self> {
        require("flags", first & 0xcb == 0x09)?;
        let destination = r.bytes("destination", 8)?;
        let version: [u8; 4] = r.take("version")?;
        require("version", matches!(version, [b'Q', b'0', b'0'..=b'4', b'0'..=b'9']))?;
        let version = u32::from_be_bytes(version);
        Ok(Self { kind: Kind::Google, version, destination, source: &[], rest: r.rest() })
    }

    /// The versions that a negotiation offers.
    pub fn versions(&self) -> impl Iterator<Item = u32> {
        let list: &[u8] = if self.kind == Kind::Negotiation { self.rest } else { &[] };
        list.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// How long what an Initial packet protects is, and how many bytes after the names it ends.
    fn protected(&self) -> Result<(usize, usize)> {
        let mut r = Reader::new(self.rest);
        if self.kind == Kind::Initial {
            let token = number(&mut r, "token length")?;
            r.skip("token", usize::try_from(token).unwrap_or(usize::MAX))?;
        }
        let length = usize::try_from(number(&mut r, "length")?).unwrap_or(usize::MAX);
        r.skip("payload", length)?;
        Ok((length, r.position()))
    }
}

/// Reads a number of 1, 2, 4 or 8 bytes (RFC 9000, 16).
fn number(r: &mut Reader<'_>, field: &'static str) -> Result<u64> {
    let first = r.clone().u8(field)?;
    match first >> 6 {
        0 => r.u8(field).map(u64::from),
        1 => r.u16(field).map(|value| u64::from(value & 0x3fff)),
        2 => r.u32(field).map(|value| u64::from(value & 0x3fff_ffff)),
        _ => r.u64(field).map(|value| value & 0x3fff_ffff_ffff_ffff),
    }
}

/// Whether anybody speaks this version.
pub fn is_known(version: u32) -> bool {
    let google = matches!(
        version.to_be_bytes(),
        [b'Q', b'0', b'3'..=b'5', b'0'..=b'9'] | [b'T', b'0', b'5', b'0' | b'1']
    );
    google
        || matches!(version, VERSION_1 | VERSION_2 | 0xff00_0017..=0xff00_0022 | 0xface_b000..=0xface_b00f)
}

/// What people call a version.
pub fn version_name(version: u32) -> String {
    match version {
        VERSION_1 => "1".into(),
        VERSION_2 => "2".into(),
        0xff00_0000..=0xff00_00ff => format!("draft-{}", version & 0xff),
        _ if is_known(version) && version >> 24 < 0x80 => {
            version.to_be_bytes().map(char::from).iter().collect()
        }
        _ => format!("0x{version:08x}"),
    }
}

/// The salt from which a version's Initial keys are derived.
fn salt(version: u32) -> Option<[u8; 20]> {
    Some(match version {
        VERSION_1 | 0xff00_0021..=0xff00_0022 => [
            0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
            0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
        ],
        VERSION_2 => [
            0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
            0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
        ],
        0xff00_001d..=0xff00_0020 => [
            0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61,
            0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99,
        ],
        0xff00_0017..=0xff00_001c | 0xface_b002 => [
            0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4,
            0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02,
        ],
        0x5130_3530 => [
            0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3,
            0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45,
        ],
        0x5430_3530 => [
            0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2,
            0x36, 0x7c, 0x60, 0x48, 0x83, 0x10,
        ],
        0x5430_3531 => [
            0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f,
            0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d,
        ],
        _ => return None,
    })
}

/// Who sent an Initial packet: each end has its own keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The end that connects.
    Client,
    /// The end that is connected to.
    Server,
}

/// The keys of Initial packets.
struct Keys {
    packet: [u8; 16],
    nonce: [u8; 12],
    header: [u8; 16],
}

impl Keys {
    /// Derives them from the name that the client first gave the server (RFC 9001, 5.2).
    fn derive(version: u32, name: &[u8], sender: Sender) -> Option<Self> {
        let (_, initial) = Hkdf::<Sha256>::extract(Some(&salt(version)?), name);
        let mut secret = [0; 32];
        let label: &[u8] = if sender == Sender::Client { b"client in" } else { b"server in" };
        expand(&initial, label, &mut secret)?;
        let secret = Hkdf::<Sha256>::from_prk(&secret).ok()?;
        let mut keys = Self { packet: [0; 16], nonce: [0; 12], header: [0; 16] };
        let prefix: &[u8] = if version == VERSION_2 { b"quicv2 " } else { b"quic " };
        expand(&secret, &[prefix, b"key"].concat(), &mut keys.packet)?;
        expand(&secret, &[prefix, b"iv"].concat(), &mut keys.nonce)?;
        expand(&secret, &[prefix, b"hp"].concat(), &mut keys.header)?;
        Some(keys)
    }

    fn mask(&self, sample: [u8; 16]) -> Option<[u8; 16]> {
        let mut block = sample.into();
        aes::Aes128::new_from_slice(&self.header).ok()?.encrypt_block(&mut block);
        Some(block.into())
    }

    fn nonce(&self, number: u32) -> [u8; 12] {
        let mut nonce = self.nonce;
        for (byte, part) in nonce.iter_mut().rev().zip(number.to_le_bytes()) {
            *byte ^= part;
        }
        nonce
    }
}

/// TLS 1.3's way to derive secrets (RFC 8446, 7.1).
fn expand(secret: &Hkdf<Sha256>, label: &[u8], out: &mut [u8]) -> Option<()> {
    let length = u16::try_from(out.len()).ok()?.to_be_bytes();
    let size = u8::try_from(label.len() + 6).ok()?;
    secret.expand(&[&length, &[size][..], b"tls13 ", label, &[0]].concat(), out).ok()
}

/// What the Initial packets of a datagram said, put together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// Handshake messages from their start, as far as they are without a hole.
    pub handshake: Vec<u8>,
    /// Why the sender closes the connection.
    pub close: Option<u64>,
    /// A hello of Google's own cryptography, from `CHLO` on.
    pub google: Option<Vec<u8>>,
}

/// Opens the Initial packets of `datagrams`, all by `sender`, on the connection that the client first called
/// `name`. Nothing if no packet could be opened: then `name` or `sender` is wrong, or the packet was cut.
pub fn open(datagrams: &[&[u8]], name: &[u8], sender: Sender) -> Option<Opened> {
    let mut pieces: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut opened = None;
    for datagram in datagrams {
        let mut rest = *datagram;
        for _ in 0..MOST_PACKETS {
            let Ok(header) = Header::parse(rest) else { break };
            if !matches!(header.kind, Kind::Initial | Kind::Handshake | Kind::Early) {
                break;
            }
            let Ok((protected, end)) = header.protected() else { break };
            let length = rest.len() - header.rest.len() + end;
            if header.kind == Kind::Initial
                && let Some(keys) = Keys::derive(header.version, name, sender)
                && let Some(payload) = decrypt(rest.get(..length)?, protected, &keys)
            {
                let opened = opened.get_or_insert_with(Opened::default);
                if let Some(at) = memchr::memmem::find(&payload, b"CHLO") {
                    opened.google = payload.get(at..).map(<[u8]>::to_vec);
                }
                let _ = read_frames(&payload, &mut pieces, opened);
            }
            rest = rest.get(length..)?;
        }
    }
    let mut opened = opened?;
    pieces.sort_by_key(|(at, _)| *at);
    for (at, piece) in pieces {
        let have = opened.handshake.len();
        let Some(known) = usize::try_from(at).ok().and_then(|at| have.checked_sub(at)) else {
            break;
        };
        let new = piece.get(known..).unwrap_or_default();
        opened.handshake.extend_from_slice(new);
        opened.handshake.truncate(LONGEST_HELLO);
    }
    Some(opened)
}

/// Removes a packet's protection (RFC 9001, 5.3 and 5.4).
fn decrypt(packet: &[u8], protected: usize, keys: &Keys) -> Option<Vec<u8>> {
    let at = packet.len().checked_sub(protected)?;
    let sample = *packet.get(at + 4..)?.first_chunk::<16>()?;
    let mask = keys.mask(sample)?;
    let mut header = packet.get(..at)?.to_vec();
    let first = header.first_mut()?;
    *first ^= mask[0] & 0x0f;
    let size = usize::from(*first & 3) + 1;
    let hidden = packet.get(at..at + size)?.iter().zip(mask.iter().skip(1));
    let shown: Vec<u8> = hidden.map(|(byte, mask)| byte ^ mask).collect();
    let number = shown.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte));
    header.extend(shown);
    let mut payload = packet.get(at + size..)?.to_vec();
    let cipher = Aes128Gcm::new_from_slice(&keys.packet).ok()?;
    cipher.decrypt_in_place(&keys.nonce(number).into(), &header, &mut payload).ok()?;
    Some(payload)
}

fn read_frames(
    payload: &[u8],
    pieces: &mut Vec<(u64, Vec<u8>)>,
    opened: &mut Opened,
) -> Result<()> {
    let mut r = Reader::new(payload);
    for _ in 0..MOST_FRAMES {
        let padding = r.rest().iter().take_while(|byte| **byte == 0).count();
        r.skip("padding", padding)?;
        if r.is_empty() {
            break;
        }
        match r.u8("frame")? {
            1 => {}
            kind @ (2 | 3) => {
                number(&mut r, "largest")?;
                number(&mut r, "delay")?;
                let ranges = number(&mut r, "ranges")?.min(256);
                number(&mut r, "first range")?;
                for _ in 0..2 * ranges {
                    number(&mut r, "range")?;
                }
                for _ in 0..if kind == 3 { 3 } else { 0 } {
                    number(&mut r, "congestion")?;
                }
            }
            6 => {
                let at = number(&mut r, "offset")?;
                let length = number(&mut r, "length")?;
                let piece = r.bytes("handshake", usize::try_from(length).unwrap_or(usize::MAX))?;
                pieces.push((at, piece.to_vec()));
            }
            0x1c | 0x1d => opened.close = Some(number(&mut r, "error")?),
            _ => return Err(Error::Foreign { field: "frame" }),
        }
    }
    Ok(())
}

/// A hello of Google's own cryptography: tags and values.
pub fn google_hello(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let start = memchr::memmem::find(bytes.get(..64).unwrap_or(bytes), b"CHLO");
    let mut r = Reader::new(start.and_then(|at| bytes.get(at + 4..)).unwrap_or_default());
    let count = usize::from(r.u16_le("count").unwrap_or_default()).min(64);
    let _ = r.u16_le("padding");
    let values = r.rest().get(8 * count..).unwrap_or_default();
    let mut from = 0;
    (0..count).map_while(move |_| {
        let tag = r.take("tag").ok()?;
        let to = r.u32_le("end").ok()? as usize;
        let value = values.get(from..to)?;
        from = to;
        Some((tag, value))
    })
}

/// Writes a datagram in a version nobody speaks, so that a server answers with those it does (RFC 9000, 6).
pub fn ask_versions(destination: [u8; 8], source: [u8; 8]) -> Vec<u8> {
    let names = Writer::new().u8(8).bytes(&destination).u8(8).bytes(&source).finish();
    let mut datagram = Writer::new().u8(0xc0).u32(0x1a2a_3a4a).bytes(&names).finish();
    // Servers do not answer shorter ones (RFC 9000, 14.1).
    datagram.resize(1200, 0);
    datagram
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    /// The name in the examples of RFC 9001 and RFC 9369, appendix A.
    const NAME: [u8; 8] = hex!("8394c8f03e515708");

    /// Writes an Initial packet, the other way round than [`open`].
    fn seal(version: u32, name: &[u8], sender: Sender, payload: &[u8]) -> Vec<u8> {
        let keys = Keys::derive(version, name, sender).unwrap();
        let first = if version == VERSION_2 { 0xd0 } else { 0xc0 };
        let length = u16::try_from(payload.len() + 1 + 16).unwrap();
        let names = Writer::new().u8(8).bytes(name).u8(0).finish();
        let head = Writer::new().u8(first).u32(version).bytes(&names).u8(0).u16(0x4000 | length);
        let mut packet = head.u8(2).finish();
        let number = packet.len() - 1;
        let mut sealed = payload.to_vec();
        let cipher = Aes128Gcm::new_from_slice(&keys.packet).unwrap();
        cipher.encrypt_in_place(&keys.nonce(2).into(), &packet, &mut sealed).unwrap();
        packet.extend(sealed);
        let sample = packet[number + 4..number + 20].try_into().unwrap();
        let mask = keys.mask(sample).unwrap();
        packet[0] ^= mask[0] & 0x0f;
        packet[number] ^= mask[1];
        packet
    }

    #[test]
    fn derives_the_keys_of_the_standards() {
        let keys = Keys::derive(VERSION_1, &NAME, Sender::Client).unwrap();
        assert_eq!(keys.packet, hex!("1f369613dd76d5467730efcbe3b1a22d"));
        assert_eq!(keys.nonce, hex!("fa044b2f42a3fd3b46fb255c"));
        assert_eq!(keys.header, hex!("9f50449e04a0e810283a1e9933adedd2"));
        let keys = Keys::derive(VERSION_1, &NAME, Sender::Server).unwrap();
        assert_eq!(keys.packet, hex!("cf3a5331653c364c88f0f379b6067e37"));
        let keys = Keys::derive(VERSION_2, &NAME, Sender::Client).unwrap();
        assert_eq!(keys.packet, hex!("8b1a0bc121284290a29e0971b5cd045d"));
    }

    #[test]
    fn opens_pieces_in_any_order_and_over_datagrams() {
        for version in [VERSION_1, VERSION_2, 0xff00_001d, 0xff00_001b] {
            let first = seal(
                version,
                &NAME,
                Sender::Client,
                b"\x01\x06\x03\x03lo \x00\x00\x06\x00\x03hel\x00\x00\x00",
            );
            let second =
                seal(version, &NAME, Sender::Client, b"\x06\x06\x05world\x00\x00\x00\x00\x00");
            let opened = open(&[&first, &second], &NAME, Sender::Client).unwrap();
            assert_eq!(opened.handshake, b"hello world", "version {version:x}");
            assert_eq!(open(&[&first], &NAME, Sender::Client).unwrap().handshake, b"hello ");
            assert_eq!(open(&[&second], &NAME, Sender::Client).unwrap().handshake, b"");
            assert_eq!(open(&[&first], &NAME, Sender::Server), None);
            assert_eq!(open(&[&first[..40]], &NAME, Sender::Client), None);
        }
    }

    #[test]
    fn hostile_frames_are_bounded() {
        for payload in [
            &b"\x06\xff\xff\xff\xff\xff\xff\xff\xff\x02hi"[..],
            b"\x06\x00\xff\xff\xff\xff\xff\xff\xff\xffhi",
            b"\x02\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00",
            &[1; 1100],
        ] {
            let packet = seal(VERSION_1, &NAME, Sender::Client, payload);
            assert_eq!(open(&[&packet], &NAME, Sender::Client).unwrap().handshake, b"");
        }
    }

    #[test]
    fn a_close_is_told() {
        let packet =
            seal(VERSION_1, &NAME, Sender::Server, b"\x02\x00\x00\x00\x00\x1c\x41\x28\x00\x00");
        assert_eq!(open(&[&packet], &NAME, Sender::Server).unwrap().close, Some(0x128));
    }

    #[test]
    fn refuses_every_truncation_of_a_header() {
        let header = hex!("c0 00000001 08 8394c8f03e515708 04 aabbccdd");
        let read = Header::parse(&header).unwrap();
        assert_eq!((read.kind, read.source), (Kind::Initial, &hex!("aabbccdd")[..]));
        crate::wire::refuses_every_truncation(&header, Header::parse);
    }

    #[test]
    fn refuses_what_only_begins_alike() {
        for bytes in [
            &hex!("c0 00000007 08 8394c8f03e515708 00")[..],
            &hex!("80 00000001 08 8394c8f03e515708 00"),
            &hex!("c0 00000001 15 8394c8f03e515708 00"),
            &hex!("c0 00000000 00 00 00000007"),
            &hex!("c0 00000000 00 00 00000001 00"),
            &hex!("45 00 00 3c"),
            &hex!("09 0011223344556677 51393939"),
        ] {
            let parsed = Header::parse(bytes);
            assert!(parsed.as_ref().is_err_and(|e| !e.wants_more()), "{bytes:02x?}: {parsed:?}");
        }
    }

    #[test]
    fn reads_a_negotiation_and_asks_for_one() {
        let bytes = hex!("ca 00000000 00 08 8394c8f03e515708 0a1a2a3a 00000001 6b3343cf");
        let header = Header::parse(&bytes).unwrap();
        assert_eq!(header.kind, Kind::Negotiation);
        let names: Vec<String> = header.versions().map(version_name).collect();
        assert_eq!(names, ["0x0a1a2a3a", "1", "2"]);
        let asked = ask_versions(NAME, [1; 8]);
        assert_eq!((asked.len(), &asked[6..14]), (1200, &NAME[..]));
    }

    #[test]
    fn reads_googles_own_hello() {
        let mut bytes = hex!("09 0011223344556677 51303433 01").to_vec();
        bytes.extend([0; 12]);
        bytes.extend(b"\xa0\x01\x00\x00CHLO\x02\x00\x00\x00SNI\x00\x0b\x00\x00\x00UAID\x0e\x00\x00\x00a.b.exampleabc");
        let header = Header::parse(&bytes).unwrap();
        assert_eq!((header.kind, version_name(header.version)), (Kind::Google, "Q043".into()));
        let said: Vec<_> = google_hello(header.rest).collect();
        assert_eq!(said, [(*b"SNI\0", &b"a.b.example"[..]), (*b"UAID", &b"abc"[..])]);
    }
}
