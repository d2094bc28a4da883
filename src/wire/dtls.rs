//! DTLS: TLS in datagrams (RFC 6347 and 9147), and Cisco's form of before the standard (version 0x0100).

use super::{
    Reader, Result, Writer, require,
    tls::{ALERT, CLIENT_HELLO, HANDSHAKE, is_datagram_version},
};

/// Record: the next records are encrypted.
pub const CHANGE_CIPHER_SPEC: u8 = 20;
/// Record: what the protocol above says, always encrypted.
pub const APPLICATION_DATA: u8 = 23;

/// How many records of a datagram are looked at.
const MOST_RECORDS: usize = 32;

/// How long a record may be with what encryption adds (RFC 6347, 4.1).
const LONGEST_RECORD: u16 = (1 << 14) + 2048;

/// What one datagram holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The first record's type, such as [`HANDSHAKE`].
    pub kind: u8,
    /// The first record's version.
    pub version: u16,
    /// The first record's epoch; above 0 it is encrypted.
    pub epoch: u16,
    /// The records fill the datagram exactly.
    pub whole: bool,
    /// Handshake messages in clear.
    pub messages: Vec<Message>,
    /// The description of an alert in clear.
    pub alert: Option<&'a u8>,
}

/// A handshake message, as far as this datagram holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is, such as [`super::tls::CLIENT_HELLO`].
    pub kind: u8,
    /// Its place among the sender's messages.
    pub sequence: u16,
    /// How long it says it is.
    pub length: usize,
    /// What is there of it, from its start.
    pub body: Vec<u8>,
}

impl<'a> Datagram<'a> {
    /// Reads a datagram.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = Record::parse(&mut r)?;
        let mut datagram = Self {
            kind: first.kind,
            version: first.version,
            epoch: first.epoch,
            whole: first.whole,
            messages: Vec::new(),
            alert: None,
        };
        datagram.add(&first)?;
        for _ in 1..MOST_RECORDS {
            if r.is_empty() {
                break;
            }
            let Ok(record) = Record::parse(&mut r) else {
                datagram.whole = false;
                break;
            };
            datagram.whole &= record.whole;
            if datagram.add(&record).is_err() {
                break;
            }
        }
        datagram.whole &= r.is_empty();
        Ok(datagram)
    }

    fn add(&mut self, record: &Record<'a>) -> Result<()> {
        if record.epoch > 0 {
            return Ok(());
        }
        match record.kind {
            HANDSHAKE => {
                let mut r = Reader::new(record.body);
                while !r.is_empty() {
                    self.add_fragment(&mut r)?;
                }
                Ok(())
            }
            ALERT => {
                require("alert", record.body.len() == 2)?;
                require("level", matches!(record.body.first(), Some(1 | 2)))?;
                self.alert = record.body.get(1);
                Ok(())
            }
            // Version 0x0100 numbers this message as it does handshakes.
            CHANGE_CIPHER_SPEC => require("change", matches!(record.body, [1] | [1, _, _])),
            // Nothing above speaks before there is encryption.
            _ => require("epoch", false),
        }
    }

    fn add_fragment(&mut self, r: &mut Reader<'a>) -> Result<()> {
        let kind = r.u8("message")?;
        require("message", matches!(kind, 0..=5 | 8 | 11..=16 | 20..=25))?;
        let length = r.u24("message length")? as usize;
        require("message length", length <= 0x2_0000)?;
        let sequence = r.u16("message sequence")?;
        let at = r.u24("fragment offset")? as usize;
        let size = r.u24("fragment length")? as usize;
        require("fragment length", at + size <= length)?;
        let part = r.bytes_up_to(size);
        match self.messages.last_mut() {
            Some(last) if last.sequence == sequence && last.body.len() == at => {
                last.body.extend_from_slice(part);
            }
            _ if at == 0 => {
                self.messages.push(Message { kind, sequence, length, body: part.to_vec() });
            }
            _ => {}
        }
        Ok(())
    }
}

struct Record<'a> {
    kind: u8,
    version: u16,
    epoch: u16,
    body: &'a [u8],
    whole: bool,
}

impl<'a> Record<'a> {
    fn parse(r: &mut Reader<'a>) -> Result<Self> {
        let kind = r.u8("record type")?;
        require("record type", (CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&kind))?;
        let version = r.u16("version")?;
        require("version", is_datagram_version(version))?;
        let epoch = r.u16("epoch")?;
        r.skip("sequence", 6)?;
        let length = r.u16("record length")?;
        require("record length", (1..=LONGEST_RECORD).contains(&length))?;
        let body = r.bytes_up_to(length.into());
        Ok(Self { kind, version, epoch, body, whole: body.len() == usize::from(length) })
    }
}

/// What the first hello offers: ciphers with and without a certificate's signature over the key, of 1.2 and before.
const SUITES: &[u16] = &[
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009c, 0x009d, 0xc009, 0xc013, 0xc00a, 0xc014,
    0x002f, 0x0035,
];

/// Extensions of the first hello: the curves, the form of their points, signatures, the master secret over the
/// whole handshake (RFC 7627), no renegotiation (RFC 5746).
const EXTENSIONS: &[(u16, &[u8])] = &[
    (10, &[0, 6, 0, 29, 0, 23, 0, 24]),
    (11, &[1, 0]),
    (13, &[0, 12, 4, 3, 8, 4, 4, 1, 5, 3, 5, 1, 2, 1]),
    (23, &[]),
    (0xff01, &[0]),
];

/// Writes the hello with which a client of DTLS 1.2 begins, without a cookie.
pub fn ask(random: &[u8; 32]) -> Vec<u8> {
    let suites = SUITES.iter().flat_map(|suite| suite.to_be_bytes()).collect::<Vec<u8>>();
    let extensions = EXTENSIONS
        .iter()
        .fold(Writer::new(), |w, (kind, value)| w.u16(*kind).sized_u16(0, value))
        .finish();
    let hello = Writer::new()
        .u16(0xfefd)
        .bytes(random)
        .u8(0)
        .u8(0)
        .sized_u16(0, &suites)
        .bytes(&[1, 0])
        .sized_u16(0, &extensions)
        .finish();
    // One fragment: its length stands twice, in 24 bits, around its place.
    let [high, low] = u16::try_from(hello.len()).unwrap_or(u16::MAX).to_be_bytes();
    let message = Writer::new()
        .bytes(&[CLIENT_HELLO, 0, high, low])
        .u16(0)
        .zeros(3)
        .bytes(&[0, high, low])
        .bytes(&hello)
        .finish();
    Writer::new().u8(HANDSHAKE).u16(0xfeff).zeros(8).sized_u16(0, &message).finish()
}

#[cfg(test)]
mod tests {
    use super::{super::tls::ClientHello, *};
    use hex_literal::hex;

    #[test]
    fn a_hello_goes_both_ways() {
        let bytes = ask(&[7; 32]);
        let datagram = Datagram::parse(&bytes).unwrap();
        let [message] = &datagram.messages[..] else { panic!("{datagram:?}") };
        assert!(datagram.whole && message.body.len() == message.length);
        let hello = ClientHello::parse_cut(&message.body, true).unwrap();
        assert!(hello.suites().eq(SUITES.iter().copied()));
        assert_eq!(hello.groups(), [29, 23, 24]);
        assert_eq!(hello.extension_numbers().count(), EXTENSIONS.len());
    }

    #[test]
    fn fragments_of_one_datagram_are_joined() {
        let bytes = hex!(
            "16feff 0000 000000000000 0010 0e 000006 0001 000000 000004 aabbccdd"
            "16feff 0000 000000000001 000e 0e 000006 0001 000004 000002 eeff"
        );
        let datagram = Datagram::parse(&bytes).unwrap();
        assert!(datagram.whole);
        let [message] = &datagram.messages[..] else { panic!("{datagram:?}") };
        assert_eq!(message.body, hex!("aabbccddeeff"));
    }

    #[test]
    fn refuses_what_only_begins_alike() {
        for bytes in [
            &hex!("16030100000000000000000010")[..],
            &hex!("18feff0000000000000000000e"),
            &hex!("16fefd0000000000000000ffff"),
            &hex!("17fefd00000000000000000002aabb"),
            &hex!("16fefd0000000000000000000c 99 000006 0001 000000 000004"),
            &hex!("15fefd000000000000000000020928"),
        ] {
            let parsed = Datagram::parse(bytes);
            assert!(parsed.as_ref().is_err_and(|e| !e.wants_more()), "{bytes:02x?}: {parsed:?}");
        }
    }

    #[test]
    fn a_cut_datagram_is_not_whole() {
        let bytes = hex!("17fefd0001000000000001 0005 aabbccddee");
        assert!(Datagram::parse(&bytes).unwrap().whole);
        for end in 13..bytes.len() {
            assert!(!Datagram::parse(&bytes[..end]).unwrap().whole);
        }
    }

    #[test]
    fn refuses_every_truncation_of_a_record_header() {
        let header = hex!("17fefd00010000000000010005");
        crate::wire::refuses_every_truncation(&header, Datagram::parse);
    }
}
