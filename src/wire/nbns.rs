//! NetBIOS names: who is called what on the wire (RFC 1002, 4.2).

use std::net::Ipv4Addr;

use super::{Reader, Result, Writer, dns, require};

/// The kind of a question for addresses.
pub const NB: u16 = 0x20;
/// The kind of a question for all names of a host.
pub const NBSTAT: u16 = 0x21;

/// How many bytes a name takes when each half of its 16 bytes is written as a letter.
const ENCODED: u8 = 32;

/// A name: 15 characters and what it is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// The characters, filled up with spaces.
    pub text: [u8; 15],
    /// 0x00 workstation, 0x20 file server, 0x1b to 0x1e domains, 0x03 a user or host for messages.
    pub suffix: u8,
}

impl Name {
    /// The characters, without what fills them up.
    pub fn trimmed(&self) -> &[u8] {
        self.text.trim_ascii_end()
    }

    fn from_raw([text @ .., suffix]: [u8; 16]) -> Self {
        Self { text, suffix }
    }

    /// Reads the 32 letters.
    fn decode(letters: &[u8]) -> Option<Self> {
        let mut raw = [0; 16];
        let (pairs, _) = letters.get(..32)?.as_chunks::<2>();
        for (byte, [high, low]) in raw.iter_mut().zip(pairs) {
            let half = |letter: &u8| letter.checked_sub(b'A').filter(|half| *half < 16);
            *byte = half(high)? << 4 | half(low)?;
        }
        Some(Self::from_raw(raw))
    }

    fn encode(self) -> [u8; 32] {
        let mut letters = [0; 32];
        let raw = self.text.into_iter().chain([self.suffix]);
        for ([high, low], byte) in letters.as_chunks_mut::<2>().0.iter_mut().zip(raw) {
            *high = b'A' + (byte >> 4);
            *low = b'A' + (byte & 15);
        }
        letters
    }
}

/// A message of the name service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whether it answers.
    pub answers: bool,
    /// 0 query, 5 registration, 6 release, 7 wait, 8 and 9 refresh.
    pub opcode: u16,
    /// The name it is about.
    pub name: Name,
    /// The kind: [`NB`] or [`NBSTAT`].
    pub kind: u16,
    /// The addresses told for the name.
    pub addresses: Vec<Ipv4Addr>,
    /// All names of the host that answers, and whether others may share each.
    pub names: Vec<(Name, bool)>,
    /// The hardware address behind those names; Samba gives zeros.
    pub hardware: Option<[u8; 6]>,
}

impl Message {
    /// Reads a message.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.skip("header", 12)?;
        r.expect("name length", ENCODED)?;
        let letter = |byte: &u8| (b'A'..=b'P').contains(byte);
        require("name", r.clone().bytes_up_to(ENCODED.into()).iter().all(letter))?;
        let letters: [u8; 32] = r.take("name")?;
        let name = Name::decode(&letters).ok_or(super::Error::Foreign { field: "name" })?;
        let message = dns::Message::parse(bytes)?;
        let question = message.questions.first().map(|question| question.kind);
        let kind = question.or(message.records.first().map(|record| record.kind));
        let kind = kind.ok_or(super::Error::Foreign { field: "kind" })?;
        // A refused query is answered with no record of either kind (RFC 1002, 4.2.14).
        require("kind", matches!(kind, NB | NBSTAT | 0x0a))?;
        let mut told = Self {
            answers: message.answers(),
            opcode: message.opcode(),
            name,
            kind,
            addresses: Vec::new(),
            names: Vec::new(),
            hardware: None,
        };
        for record in &message.records {
            match record.kind {
                NB => told.addresses.extend(record.data.as_chunks::<6>().0.iter().filter_map(
                    |[_, _, address @ ..]| {
                        let address = Ipv4Addr::from(*address);
                        (!address.is_unspecified()).then_some(address)
                    },
                )),
                NBSTAT => told.status(record.data),
                _ => {}
            }
        }
        Ok(told)
    }

    fn status(&mut self, data: &[u8]) {
        let mut r = Reader::new(data);
        for _ in 0..r.u8("count").unwrap_or(0) {
            let (Ok(raw), Ok(flags)) = (r.take::<16>("name"), r.u16("flags")) else { return };
            self.names.push((Name::from_raw(raw), flags & 0x8000 != 0));
        }
        self.hardware = r.take("hardware").ok();
    }
}

/// Writes the question that makes a host tell all its names.
pub fn ask_status(id: u16) -> Vec<u8> {
    let mut text = [0; 15];
    text[0] = b'*';
    ask(id, Name { text, suffix: 0 }, NBSTAT)
}

/// Writes a question for the addresses of `name`, or with [`NBSTAT`] for all names of its host.
pub fn ask(id: u16, name: Name, kind: u16) -> Vec<u8> {
    // Whoever is asked for addresses is asked as a name server is (RFC 1002, 4.2.12).
    let flags = if kind == NB { 0x0100 } else { 0 };
    let header = Writer::new().u16(id).u16(flags).u16(1).u16(0).u16(0).u16(0);
    header.u8(ENCODED).bytes(&name.encode()).u8(0).u16(kind).u16(dns::IN).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const STATUS: &[u8] = &hex!(
        "4a110000000100000000000020434b4141414141414141414141414141414141414141414141414141414141410000210001"
    );

    #[test]
    fn a_question_goes_both_ways() {
        assert_eq!(ask_status(0x4a11), STATUS);
        let message = Message::parse(STATUS).unwrap();
        assert_eq!((message.name.text[0], message.kind, message.answers), (b'*', NBSTAT, false));
    }

    #[test]
    fn a_question_for_addresses_goes_both_ways() {
        let name = Name { text: *b"RECEPTION      ", suffix: 0x20 };
        let message = Message::parse(&ask(7, name, NB)).unwrap();
        assert_eq!((message.name, message.kind, message.answers), (name, NB, false));
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(STATUS, Message::parse);
    }

    #[test]
    fn an_ordinary_name_is_refused() {
        let question = dns::ask(1, 0x100, b"www.example.com", dns::A, dns::IN);
        assert!(Message::parse(&question).is_err_and(|e| !e.wants_more()));
    }
}
