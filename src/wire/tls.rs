//! TLS and SSL: what is said before encryption begins (RFC 8446, 5246 and 6101, and the SSL 2.0 draft of
//! 1995), and the fingerprints JA3, JA3S and JA4 of it.

use std::borrow::Cow;

use md5::{Digest, Md5};
use sha2::Sha256;

use super::{Error, Reader, Result, Writer, require};

/// Record: an alert.
pub const ALERT: u8 = 21;
/// Record: handshake messages.
pub const HANDSHAKE: u8 = 22;

/// Handshake message: the client's offer.
pub const CLIENT_HELLO: u8 = 1;
/// Handshake message: the server's choice.
pub const SERVER_HELLO: u8 = 2;
/// Handshake message: a DTLS server asks the client to prove its address.
pub const HELLO_VERIFY_REQUEST: u8 = 3;
/// Handshake message: a chain of certificates.
pub const CERTIFICATE: u8 = 11;
/// Handshake message: the server wants to know who the client is.
pub const CERTIFICATE_REQUEST: u8 = 13;
/// Handshake message: the server said everything.
pub const SERVER_HELLO_DONE: u8 = 14;

/// How long a record in clear may be (RFC 8446, 5.1).
const LONGEST_RECORD: u16 = 1 << 14;

/// How many extensions of a hello are kept.
const MOST_EXTENSIONS: usize = 256;

/// How many certificates of a chain are kept.
const MOST_CERTIFICATES: usize = 8;

/// The random value that makes a ServerHello a request to try again (RFC 8446, 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Extension numbers this file reads (the IANA registry's).
mod extension {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const GROUPS: u16 = 10;
    pub(super) const POINT_FORMATS: u16 = 11;
    pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(super) const ALPN: u16 = 16;
    pub(super) const VERSIONS: u16 = 43;
}

/// The records in clear with which a side begins, their handshake messages laid end to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flight<'a> {
    /// The first record's version.
    pub version: u16,
    /// Handshake messages; the last may be cut.
    pub handshake: Cow<'a, [u8]>,
    /// An alert in clear, after the messages if there are any.
    pub alert: Option<Alert>,
    /// No more handshake in clear follows: something else does, or there was enough.
    pub ended: bool,
    /// How many bytes the records took that were read to their end.
    pub length: usize,
    /// The last record goes on beyond the bytes.
    pub cut: bool,
}

/// Why a side gives up, or that it closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// 1 warns, 2 is fatal.
    pub level: u8,
    /// The reason (RFC 8446, 6).
    pub description: u8,
}

impl<'a> Flight<'a> {
    /// Reads records until something other than a handshake comes, the bytes end, or there are `limit`
    /// bytes of handshake. Refuses at the first byte that cannot begin a side's flight.
    pub fn parse(bytes: &'a [u8], limit: usize) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let kind = r.u8("record type")?;
        if kind != HANDSHAKE && kind != ALERT {
            return Err(Error::Unexpected {
                field: "record type",
                found: kind.into(),
                expected: HANDSHAKE.into(),
            });
        }
        r.clone().expect("version", 3)?;
        let mut flight = Self {
            version: 0,
            handshake: Cow::Borrowed(&[]),
            alert: None,
            ended: false,
            length: 0,
            cut: false,
        };
        r = Reader::new(bytes);
        loop {
            let record = match Self::record(&mut r) {
                Ok(record) => record,
                Err(error) if flight.length == 0 => return Err(error),
                Err(error) => {
                    flight.ended |= !error.wants_more();
                    break;
                }
            };
            if flight.version == 0 {
                flight.version = record.version;
            }
            if record.kind == ALERT {
                let mut r = Reader::new(record.body);
                let (level, description) = (r.u8("level")?, r.u8("description")?);
                require("level", level == 1 || level == 2)?;
                flight.alert = Some(Alert { level, description });
                flight.ended = true;
            } else if flight.handshake.is_empty() {
                starts(record.body)?;
                flight.handshake = Cow::Borrowed(record.body);
            } else {
                flight.handshake.to_mut().extend_from_slice(record.body);
            }
            if !record.whole {
                flight.cut = true;
                break;
            }
            flight.length = r.position();
            flight.ended |= flight.handshake.len() >= limit;
            if flight.ended {
                break;
            }
        }
        if flight.alert.is_none() {
            starts(&flight.handshake)?;
        }
        Ok(flight)
    }

    fn record(r: &mut Reader<'a>) -> Result<Record<'a>> {
        let kind = r.u8("record type")?;
        require("record type", kind == HANDSHAKE || kind == ALERT)?;
        let version = r.u16("version")?;
        require("version", (0x0300..=0x0304).contains(&version))?;
        let length = r.u16("record length")?;
        let fits = if kind == ALERT { length == 2 } else { (1..=LONGEST_RECORD).contains(&length) };
        require("record length", fits)?;
        if kind == ALERT && r.remaining() < 2 {
            return Err(Error::Truncated { field: "alert", missing: 2 - r.remaining() });
        }
        let body = r.bytes_up_to(length.into());
        Ok(Record { kind, version, body, whole: body.len() == usize::from(length) })
    }

    /// The handshake messages, in order.
    pub fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        messages(&self.handshake)
    }
}

struct Record<'a> {
    kind: u8,
    version: u16,
    body: &'a [u8],
    whole: bool,
}

/// Refuses what cannot begin a side's handshake: a hello, or a client's second flight with its certificates.
fn starts(handshake: &[u8]) -> Result<()> {
    let mut r = Reader::new(handshake);
    let Ok(kind) = r.u8("message") else { return Ok(()) };
    require("message", matches!(kind, CLIENT_HELLO | SERVER_HELLO | CERTIFICATE))?;
    let Ok(length) = r.u24("message length") else { return Ok(()) };
    match kind {
        CLIENT_HELLO => require("message length", (38..=0x2_0000).contains(&length))?,
        SERVER_HELLO => require("message length", (38..=0x4000).contains(&length))?,
        _ => {
            let Ok(list) = r.u24("list length") else { return Ok(()) };
            return require("list length", list.checked_add(3) == Some(length));
        }
    }
    r.u8("hello version").map_or(Ok(()), |major| require("hello version", major == 3))
}

/// One handshake message, perhaps cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is, such as [`CLIENT_HELLO`].
    pub kind: u8,
    /// How long it says it is.
    pub length: usize,
    /// What is there of it.
    pub body: &'a [u8],
}

impl Message<'_> {
    /// Whether all of it is there.
    pub fn is_whole(&self) -> bool {
        self.body.len() == self.length
    }
}

/// The handshake messages in `handshake`; the last may be cut.
pub fn messages(handshake: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut r = Reader::new(handshake);
    std::iter::from_fn(move || {
        let kind = r.u8("message").ok()?;
        let length = r.u24("message length").ok()? as usize;
        Some(Message { kind, length, body: r.bytes_up_to(length) })
    })
}

/// An extension of a hello: its number and what it holds.
pub type Extension<'a> = (u16, &'a [u8]);

/// A client's offer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// The version outside the extensions, at most 0x0303.
    pub version: u16,
    /// The session to resume, or a value without meaning.
    pub session: &'a [u8],
    /// What a DTLS server wants to see again.
    pub cookie: &'a [u8],
    /// Cipher suites, the client's preference first.
    pub ciphers: Vec<u16>,
    /// Compression methods.
    pub compressions: &'a [u8],
    /// Extensions as sent.
    pub extensions: Vec<Extension<'a>>,
    /// Everything was there; only then are the fingerprints right.
    pub whole: bool,
}

impl<'a> ClientHello<'a> {
    /// Reads a hello's body.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        let mut hello = Self::default();
        hello.read(body, false)?;
        Ok(hello)
    }

    /// Reads what is there of a hello that was cut short, at least its version.
    pub fn parse_cut(body: &'a [u8], datagram: bool) -> Result<Self> {
        let mut hello = Self::default();
        match hello.read(body, datagram) {
            Err(error) if hello.version == 0 => Err(error),
            _ => Ok(hello),
        }
    }

    fn read(&mut self, body: &'a [u8], datagram: bool) -> Result<()> {
        let mut r = Reader::new(body);
        let version = r.u16("version")?;
        let known = if datagram { is_datagram_version(version) } else { version >> 8 == 3 };
        require("version", known)?;
        r.skip("random", 32)?;
        let length = r.u8("session length")?;
        require("session length", length <= 32)?;
        self.version = version;
        self.session = r.bytes("session", length.into())?;
        if datagram {
            let length = r.u8("cookie length")?;
            self.cookie = r.bytes("cookie", length.into())?;
        }
        let length = r.u16("ciphers length")?;
        require("ciphers length", length.is_multiple_of(2) && length > 0)?;
        let ciphers = r.bytes_up_to(length.into());
        self.ciphers = numbers(ciphers);
        if ciphers.len() < length.into() {
            let missing = usize::from(length) - ciphers.len();
            return Err(Error::Truncated { field: "ciphers", missing });
        }
        let length = r.u8("compressions length")?;
        self.compressions = r.bytes("compressions", length.into())?;
        extensions(&mut r, &mut self.extensions)?;
        self.whole = true;
        Ok(())
    }

    fn extension(&self, kind: u16) -> Option<Reader<'a>> {
        let found = self.extensions.iter().find(|(number, _)| *number == kind);
        found.map(|(_, body)| Reader::new(body))
    }

    /// The name of the server the client wants (RFC 6066, 3).
    pub fn server_name(&self) -> Option<&'a [u8]> {
        let mut r = self.extension(extension::SERVER_NAME)?;
        r.u16("list length").ok()?;
        r.expect("name type", 0).ok()?;
        let length = r.u16("name length").ok()?;
        r.bytes("name", length.into()).ok()
    }

    /// The application protocols offered (RFC 7301).
    pub fn alpn(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        alpn(self.extension(extension::ALPN))
    }

    /// The versions offered, without GREASE; the one outside the extensions where there is no list.
    pub fn versions(&self) -> Vec<u16> {
        let list = self.extension(extension::VERSIONS).and_then(|mut r| {
            let length = r.u8("versions length").ok()?;
            Some(numbers(r.bytes_up_to(length.into())))
        });
        let list: Vec<u16> = list.into_iter().flatten().filter(|v| !is_grease(*v)).collect();
        if list.is_empty() { vec![self.version] } else { list }
    }

    /// The groups offered, without GREASE.
    pub fn groups(&self) -> Vec<u16> {
        self.list(extension::GROUPS)
    }

    /// The signature algorithms offered, without GREASE.
    pub fn signature_algorithms(&self) -> Vec<u16> {
        self.list(extension::SIGNATURE_ALGORITHMS)
    }

    /// The cipher suites offered, without GREASE.
    pub fn suites(&self) -> impl Iterator<Item = u16> {
        self.ciphers.iter().copied().filter(|suite| !is_grease(*suite))
    }

    /// The extensions' numbers, without GREASE, as sent.
    pub fn extension_numbers(&self) -> impl Iterator<Item = u16> {
        self.extensions.iter().map(|(number, _)| *number).filter(|number| !is_grease(*number))
    }

    fn list(&self, kind: u16) -> Vec<u16> {
        let Some(mut r) = self.extension(kind) else { return Vec::new() };
        let length = r.u16("list length").unwrap_or_default();
        numbers(r.bytes_up_to(length.into())).into_iter().filter(|n| !is_grease(*n)).collect()
    }

    /// The JA3 fingerprint: MD5 over versions, suites, extensions, groups and point formats as sent.
    pub fn ja3(&self) -> [u8; 16] {
        let formats = self.extension(extension::POINT_FORMATS).map(|mut r| {
            let length = r.u8("formats length").unwrap_or_default();
            r.bytes_up_to(length.into()).iter().copied().map(u16::from).collect::<Vec<_>>()
        });
        let text = [
            self.version.to_string(),
            decimal(self.suites()),
            decimal(self.extension_numbers()),
            decimal(self.groups()),
            decimal(formats.unwrap_or_default()),
        ];
        Md5::digest(text.join(",")).into()
    }

    /// The JA4 fingerprint (the client's, BSD-licensed); `carrier` is `t` for TCP, `q` for QUIC, `d` for DTLS.
    pub fn ja4(&self, carrier: char) -> String {
        let version = match self.versions().into_iter().max_by_key(|version| age(*version)) {
            Some(0x0304) => "13",
            Some(0x0303) => "12",
            Some(0x0302) => "11",
            Some(0x0301) => "10",
            Some(0x0300) => "s3",
            Some(0x0002) => "s2",
            Some(0xfeff) => "d1",
            Some(0xfefd) => "d2",
            Some(0xfefc) => "d3",
            _ => "00",
        };
        let named = if self.extension(extension::SERVER_NAME).is_some() { 'd' } else { 'i' };
        let mut suites: Vec<u16> = self.suites().collect();
        let mut kinds: Vec<u16> = self.extension_numbers().collect();
        let counts = format!("{:02}{:02}", suites.len().min(99), kinds.len().min(99));
        suites.sort_unstable();
        kinds.retain(|kind| !matches!(*kind, extension::SERVER_NAME | extension::ALPN));
        kinds.sort_unstable();
        let algorithms = self.signature_algorithms();
        let mut extensions = hexadecimal(kinds);
        if !algorithms.is_empty() {
            extensions = format!("{extensions}_{}", hexadecimal(algorithms));
        }
        format!(
            "{carrier}{version}{named}{counts}{}_{}_{}",
            ja4_alpn(self.alpn().next().unwrap_or_default()),
            ja4_hash(&hexadecimal(suites)),
            ja4_hash(&extensions),
        )
    }
}

/// The first and last character of a protocol name, or of its hexadecimal digits.
fn ja4_alpn(name: &[u8]) -> String {
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return "00".into() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(*first), char::from(*last)].into_iter().collect();
    }
    format!("{:x}{:x}", first >> 4, last & 15)
}

fn ja4_hash(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".into();
    }
    let [a, b, c, d, e, f, ..] = <[u8; 32]>::from(Sha256::digest(text));
    format!("{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{f:02x}")
}

/// A server's choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// The version outside the extensions, at most 0x0303.
    pub version: u16,
    /// It asks the client to try again with another key share.
    pub retry: bool,
    /// The cipher suite.
    pub cipher: u16,
    /// Extensions as sent.
    pub extensions: Vec<Extension<'a>>,
    /// Everything was there; only then is the fingerprint right.
    pub whole: bool,
}

impl<'a> ServerHello<'a> {
    /// Reads a hello's body.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        let mut hello = Self::default();
        hello.read(body, false)?;
        Ok(hello)
    }

    /// Reads what is there of a hello that was cut short, at least its version.
    pub fn parse_cut(body: &'a [u8], datagram: bool) -> Result<Self> {
        let mut hello = Self::default();
        match hello.read(body, datagram) {
            Err(error) if hello.version == 0 => Err(error),
            _ => Ok(hello),
        }
    }

    fn read(&mut self, body: &'a [u8], datagram: bool) -> Result<()> {
        let mut r = Reader::new(body);
        let version = r.u16("version")?;
        let known = if datagram { is_datagram_version(version) } else { version >> 8 == 3 };
        require("version", known)?;
        let random: [u8; 32] = r.take("random")?;
        let length = r.u8("session length")?;
        require("session length", length <= 32)?;
        self.version = version;
        self.retry = random == RETRY;
        // Drafts of TLS 1.3 before 22 had neither a session nor a compression here.
        r.skip("session", length.into())?;
        self.cipher = r.u16("cipher")?;
        r.u8("compression")?;
        extensions(&mut r, &mut self.extensions)?;
        self.whole = true;
        Ok(())
    }

    fn extension(&self, kind: u16) -> Option<Reader<'a>> {
        let found = self.extensions.iter().find(|(number, _)| *number == kind);
        found.map(|(_, body)| Reader::new(body))
    }

    /// The version both will speak.
    pub fn selected_version(&self) -> u16 {
        let selected = self.extension(extension::VERSIONS).and_then(|mut r| r.u16("version").ok());
        selected.unwrap_or(self.version)
    }

    /// The application protocol chosen, where it is said in clear.
    pub fn alpn(&self) -> Option<&'a [u8]> {
        alpn(self.extension(extension::ALPN)).next()
    }

    /// The JA3S fingerprint: MD5 over version, suite and extensions as sent.
    pub fn ja3s(&self) -> [u8; 16] {
        let kinds = self.extensions.iter().map(|(number, _)| *number);
        Md5::digest(format!("{},{},{}", self.version, self.cipher, decimal(kinds))).into()
    }
}

/// The certificates of a chain, the speaker's own first; the last may be cut.
pub fn certificates(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut r = Reader::new(body);
    let _ = r.u24("list length");
    std::iter::from_fn(move || {
        let length = r.u24("certificate length").ok()?;
        Some(r.bytes_up_to(length as usize)).filter(|der| !der.is_empty())
    })
    .take(MOST_CERTIFICATES)
}

/// SSL 2.0's hello, which clients up to about 2010 also sent to offer TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldClientHello {
    /// The highest version offered; 0x0002 is SSL 2.0.
    pub version: u16,
    /// Cipher kinds; those below 0x010000 are TLS suites.
    pub ciphers: Vec<u32>,
}

impl OldClientHello {
    /// Reads the record that holds it.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let length = old_header(&mut r, CLIENT_HELLO)?;
        let version = r.u16("version")?;
        require("version", version == 2 || (0x0300..=0x0303).contains(&version))?;
        let ciphers = r.u16("ciphers length")?;
        require("ciphers length", ciphers > 0 && ciphers.is_multiple_of(3))?;
        let session = r.u16("session length")?;
        require("session length", session == 0 || session == 16)?;
        let challenge = r.u16("challenge length")?;
        require("challenge length", (16..=32).contains(&challenge))?;
        let sum = 9 + usize::from(ciphers) + usize::from(session) + usize::from(challenge);
        require("record length", length == sum)?;
        let ciphers = r.bytes("ciphers", ciphers.into())?.as_chunks::<3>().0.iter();
        let ciphers = ciphers.map(|[a, b, c]| u32::from_be_bytes([0, *a, *b, *c])).collect();
        r.skip("session", session.into())?;
        r.skip("challenge", challenge.into())?;
        Ok(Self { version, ciphers })
    }
}

/// SSL 2.0's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldServerHello<'a> {
    /// The certificate (X.509).
    pub certificate: &'a [u8],
    /// Cipher kinds the server can.
    pub ciphers: Vec<u32>,
}

impl<'a> OldServerHello<'a> {
    /// Reads the record that holds it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let length = old_header(&mut r, 4)?;
        let known = r.u8("session known")?;
        require("session known", known <= 1)?;
        let kind = r.u8("certificate type")?;
        require("certificate type", kind <= 1)?;
        r.expect_u16("version", 2)?;
        let certificate = r.u16("certificate length")?;
        let ciphers = r.u16("ciphers length")?;
        require("ciphers length", ciphers.is_multiple_of(3))?;
        let connection = r.u16("connection length")?;
        let sum = 11 + usize::from(certificate) + usize::from(ciphers) + usize::from(connection);
        require("record length", length == sum && connection <= 32)?;
        let certificate = r.bytes("certificate", certificate.into())?;
        let ciphers = r.bytes("ciphers", ciphers.into())?.as_chunks::<3>().0.iter();
        let ciphers = ciphers.map(|[a, b, c]| u32::from_be_bytes([0, *a, *b, *c])).collect();
        r.skip("connection", connection.into())?;
        Ok(Self { certificate, ciphers })
    }
}

/// Reads SSL 2.0's record header without padding, and the message's type.
fn old_header(r: &mut Reader<'_>, kind: u8) -> Result<usize> {
    let high = r.u8("record length")?;
    require("record length", high & 0x80 != 0 && high < 0xc0)?;
    let low = r.u8("record length")?;
    r.expect("message", kind)?;
    Ok(usize::from(u16::from_be_bytes([high & 0x7f, low])))
}

/// Cipher suites that old equipment still speaks, strongest first: for asking what a newer offer would miss.
const LEGACY_SUITES: [u16; 50] = [
    0xc030, 0xc02f, 0xc02c, 0xc02b, 0x009f, 0x009e, 0x009d, 0x009c, 0xc028, 0xc027, 0xc014, 0xc013,
    0xc024, 0xc023, 0xc00a, 0xc009, 0x006b, 0x0067, 0x0039, 0x0033, 0x003d, 0x003c, 0x0035, 0x002f,
    0x0088, 0x0045, 0x0084, 0x0041, 0x0096, 0x0007, 0xc012, 0xc008, 0x0016, 0x0013, 0x000a, 0xc011,
    0xc007, 0x0005, 0x0004, 0x0015, 0x0012, 0x0009, 0x0062, 0x0064, 0x0060, 0x0014, 0x0008, 0x0006,
    0x0003, 0x00ff,
];

/// An offer of TLS up to 1.2 that asks for a certificate in clear, and is never finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer<'a> {
    /// The highest version: 0x0303 is TLS 1.2; below 0x0303 no extensions are sent, which old servers need.
    pub version: u16,
    /// 32 bytes that nobody else sends.
    pub random: [u8; 32],
    /// The server's name, where it is known.
    pub server_name: Option<&'a str>,
}

impl Offer<'_> {
    /// Writes the record that holds the hello.
    pub fn emit(&self) -> Vec<u8> {
        let suites: Vec<u8> = LEGACY_SUITES.iter().flat_map(|suite| suite.to_be_bytes()).collect();
        let body = Writer::new().u16(self.version).bytes(&self.random).u8(0);
        let mut body = body.sized_u16(0, &suites).u8(1).u8(0);
        if self.version >= 0x0303 {
            body = body.sized_u16(0, &self.extensions());
        }
        let body = body.finish();
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
        let message = Writer::new().u8(CLIENT_HELLO).u8(0).u16(length).bytes(&body).finish();
        let record = self.version.min(0x0301);
        Writer::new().u8(HANDSHAKE).u16(record).sized_u16(0, &message).finish()
    }

    fn extensions(&self) -> Vec<u8> {
        let mut list = Writer::new();
        if let Some(name) = self.server_name.filter(|name| name.len() < 256) {
            let entry = Writer::new().u8(0).sized_u16(0, name.as_bytes()).finish();
            let names = Writer::new().sized_u16(0, &entry).finish();
            list = list.u16(extension::SERVER_NAME).sized_u16(0, &names);
        }
        let groups = [0x001d_u16, 0x0017, 0x0018, 0x0019].map(u16::to_be_bytes).concat();
        let groups = Writer::new().sized_u16(0, &groups).finish();
        let algorithms = [
            0x0403_u16, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0301,
            0x0203, 0x0201, 0x0202, 0x0101,
        ];
        let algorithms = Writer::new().sized_u16(0, &algorithms.map(u16::to_be_bytes).concat());
        list.u16(extension::GROUPS)
            .sized_u16(0, &groups)
            .u16(extension::POINT_FORMATS)
            .sized_u16(0, &[1, 0])
            .u16(extension::SIGNATURE_ALGORITHMS)
            .sized_u16(0, &algorithms.finish())
            .finish()
    }
}

/// An alert that says goodbye (RFC 5246, 7.2.1), for a handshake that is not finished.
pub fn close(version: u16) -> Vec<u8> {
    Writer::new().u8(ALERT).u16(version).sized_u16(0, &[1, 0]).finish()
}

/// A server's hello and certificates as a TLS 1.2 server would send them in clear. `hello` is the message with its
/// header.
pub fn show(hello: &[u8], chain: &[&[u8]]) -> Vec<u8> {
    let sized = |bytes: &[u8]| {
        let [_, a, b, c] = u32::try_from(bytes.len()).unwrap_or_default().to_be_bytes();
        [&[a, b, c], bytes].concat()
    };
    let list: Vec<u8> = chain.iter().flat_map(|der| sized(der)).collect();
    let certificate = [vec![CERTIFICATE], sized(&sized(&list))].concat();
    let handshake = [hello, &certificate].concat();
    let records = handshake.chunks(LONGEST_RECORD.into());
    let record = |part: &[u8]| Writer::new().u8(HANDSHAKE).u16(0x0303).sized_u16(0, part).finish();
    records.flat_map(record).collect()
}

/// The name people use for a version number of TLS, SSL or DTLS.
pub fn version_name(version: u16) -> String {
    match version {
        0x0002 => "SSL 2.0".into(),
        0x0300 => "SSL 3.0".into(),
        0x0301 => "TLS 1.0".into(),
        0x0302 => "TLS 1.1".into(),
        0x0303 => "TLS 1.2".into(),
        0x0304 => "TLS 1.3".into(),
        0x0100 => "DTLS 0.9".into(),
        0xfeff => "DTLS 1.0".into(),
        0xfefd => "DTLS 1.2".into(),
        0xfefc => "DTLS 1.3".into(),
        draft if draft >> 8 == 0x7f => format!("TLS 1.3 draft {}", draft & 0xff),
        other => format!("0x{other:04x}"),
    }
}

/// Orders versions: DTLS counts down, and drafts come before what they became.
pub fn age(version: u16) -> u16 {
    match version {
        draft if draft >> 8 == 0x7f => 0x0304,
        0xfe00.. => !version,
        other => other,
    }
}

/// Whether a datagram may name this version: DTLS 1.0, 1.2, 1.3, or 0x0100 of before the standard.
pub fn is_datagram_version(version: u16) -> bool {
    matches!(version, 0xfeff | 0xfefd | 0xfefc | 0x0100)
}

/// The name of an alert (RFC 8446, 6), or nothing for numbers it does not know.
pub fn alert_name(description: u8) -> Option<&'static str> {
    Some(match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => return None,
    })
}

/// Whether a number is sent only so that nobody depends on its absence (RFC 8701).
pub fn is_grease(number: u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// Reads what extensions are there; those read before a failure stay.
fn extensions<'a>(r: &mut Reader<'a>, found: &mut Vec<Extension<'a>>) -> Result<()> {
    // Hellos before extensions existed end here.
    if r.is_empty() {
        return Ok(());
    }
    let length = r.u16("extensions length")?;
    let list = r.bytes_up_to(length.into());
    let missing = usize::from(length) - list.len();
    let mut list = Reader::new(list);
    while !list.is_empty() && found.len() < MOST_EXTENSIONS {
        let kind = list.u16("extension")?;
        let length = list.u16("extension length")?;
        found.push((kind, list.bytes("extension", length.into())?));
    }
    if missing > 0 { Err(Error::Truncated { field: "extensions", missing }) } else { Ok(()) }
}

fn alpn(extension: Option<Reader<'_>>) -> impl Iterator<Item = &[u8]> {
    let mut r = extension.unwrap_or_else(|| Reader::new(&[]));
    let _ = r.u16("list length");
    std::iter::from_fn(move || {
        let length = r.u8("protocol length").ok()?;
        r.bytes("protocol", length.into()).ok()
    })
}

fn numbers(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
}

fn decimal(numbers: impl IntoIterator<Item = u16>) -> String {
    let texts: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    texts.join("-")
}

fn hexadecimal(numbers: impl IntoIterator<Item = u16>) -> String {
    let texts: Vec<String> = numbers.into_iter().map(|number| format!("{number:04x}")).collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Vec<u8> {
        let random = *b"0123456789abcdef0123456789abcdef";
        Offer { version: 0x0303, random, server_name: Some("gateway.example") }.emit()
    }

    #[test]
    fn reads_what_it_writes() {
        let bytes = offer();
        let flight = Flight::parse(&bytes, 1 << 14).unwrap();
        assert_eq!((flight.version, flight.length), (0x0301, bytes.len()));
        let message = flight.messages().next().unwrap();
        let hello = ClientHello::parse(message.body).unwrap();
        assert_eq!(hello.server_name(), Some(&b"gateway.example"[..]));
        assert_eq!(hello.ciphers, LEGACY_SUITES);
        assert_eq!(hello.versions(), [0x0303]);
        assert_eq!(hello.groups(), [0x001d, 0x0017, 0x0018, 0x0019]);
        assert!(hello.whole);
    }

    #[test]
    fn an_offer_for_old_servers_has_no_extensions() {
        let bytes =
            Offer { version: 0x0300, random: [7; 32], server_name: Some("a.example") }.emit();
        let flight = Flight::parse(&bytes, 1 << 14).unwrap();
        let message = flight.messages().next().unwrap();
        let hello = ClientHello::parse(message.body).unwrap();
        assert!(hello.extensions.is_empty());
        assert_eq!(flight.version, 0x0300);
    }

    #[test]
    fn refuses_every_truncation_of_a_hello() {
        let bytes = offer();
        // After the compression methods a hello without extensions would be whole.
        let without = 9 + 2 + 32 + 1 + 2 + 2 * LEGACY_SUITES.len() + 2;
        for end in 9..bytes.len() {
            let parsed = ClientHello::parse(&bytes[9..end]);
            assert_eq!(parsed.is_ok(), end == without, "{end} bytes: {parsed:?}");
            assert!(parsed.is_ok() || parsed.unwrap_err().wants_more());
        }
    }

    #[test]
    fn messages_go_on_over_record_borders() {
        let whole = offer();
        let mut cut = Vec::new();
        for part in whole[5..].chunks(7) {
            cut.extend([HANDSHAKE, 3, 1, 0, u8::try_from(part.len()).unwrap()]);
            cut.extend(part);
        }
        let flight = Flight::parse(&cut, 1 << 14).unwrap();
        assert_eq!(&flight.handshake[..], &whole[5..]);
        assert_eq!(flight.length, cut.len());
        assert!(Flight::parse(&cut, 20).unwrap().ended, "a limit ends it");
    }

    #[test]
    fn refuses_what_only_begins_alike() {
        for bytes in [
            &b"\x16\x02\x01\x00\x05"[..],
            b"\x16\x03\x09\x00\x05",
            b"\x16\x03\x01\x00\x00\x01",
            b"\x16\x03\x01\x70\x00\x01",
            b"\x16\x03\x01\x00\x50\x07\x00\x00\x4c\x03\x03",
            b"\x16\x03\x01\x00\x50\x01\x09\x00\x4c\x03\x03",
            b"\x16\x03\x01\x00\x50\x01\x00\x00\x4c\x05\x03",
            b"\x15\x03\x01\x00\x02\x07\x28",
            b"\x17\x03\x03\x00\x20abc",
            b"HTTP/1.1",
        ] {
            let parsed = Flight::parse(bytes, 1 << 14);
            assert!(parsed.as_ref().is_err_and(|e| !e.wants_more()), "{bytes:02x?}: {parsed:?}");
        }
    }

    /// The worked example of JA4's own description.
    #[test]
    fn ja4_is_as_described() {
        let ciphers = [
            0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
            0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
        ];
        let extensions: [Extension<'_>; 18] = [
            (0x1a1a, b""),
            (0x001b, b""),
            (0x0000, b""),
            (0x0033, b""),
            (0x0010, b"\x00\x0c\x02h2\x08http/1.1"),
            (0x4469, b""),
            (0x0017, b""),
            (0x002d, b""),
            (0x000d, b"\x00\x10\x04\x03\x08\x04\x04\x01\x05\x03\x08\x05\x05\x01\x08\x06\x06\x01"),
            (0x0005, b""),
            (0x0023, b""),
            (0x0012, b""),
            (0x002b, b"\x06\x0a\x0a\x03\x04\x03\x03"),
            (0xff01, b""),
            (0x000b, b""),
            (0x000a, b""),
            (0x0015, b""),
            (0x2a2a, b""),
        ];
        let hello = ClientHello {
            version: 0x0303,
            ciphers: ciphers.into(),
            extensions: extensions.into(),
            ..ClientHello::default()
        };
        assert_eq!(hello.ja4('t'), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    #[test]
    fn hostile_lengths_cost_nothing() {
        let many: Vec<u8> = [0u8, 77, 0, 0].repeat(16_000);
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0, 47, 1, 0]);
        body.extend(u16::try_from(many.len()).unwrap().to_be_bytes());
        body.extend(many);
        assert_eq!(ClientHello::parse(&body).unwrap().extensions.len(), MOST_EXTENSIONS);
        let chain = [&[0xff; 6][..], &[0x30; 40]].concat();
        assert_eq!(certificates(&chain).count(), 1);
    }

    #[test]
    fn a_cut_hello_tells_what_is_there() {
        let bytes = offer();
        let hello = ClientHello::parse_cut(&bytes[9..9 + 80], false).unwrap();
        assert!(!hello.whole);
        assert_eq!(hello.ciphers.len(), 21);
        let with_name = bytes.windows(15).position(|w| w == b"gateway.example").unwrap() + 15;
        let hello = ClientHello::parse_cut(&bytes[9..with_name], false).unwrap();
        assert_eq!(hello.server_name(), Some(&b"gateway.example"[..]));
    }
}
