//! DNS messages, and what shares their form: multicast DNS, LLMNR and NetBIOS names (RFC 1035, RFC 6762, RFC 4795).

use super::{Error, Reader, Result, Writer, require};

/// How many questions, and how many records, are read of one message.
const MOST: u16 = 512;

/// How long a name may be, with its dots (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 255;

/// An IPv4 address.
pub const A: u16 = 1;
/// Another name for the same.
pub const CNAME: u16 = 5;
/// A name that stands elsewhere in the tree.
pub const PTR: u16 = 12;
/// What the host is: processor and system.
pub const HINFO: u16 = 13;
/// Texts.
pub const TXT: u16 = 16;
/// An IPv6 address.
pub const AAAA: u16 = 28;
/// Where a service is.
pub const SRV: u16 = 33;

/// The class of the Internet.
pub const IN: u16 = 1;
/// The class in which servers tell about themselves.
pub const CHAOS: u16 = 3;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// The number that an answer repeats.
    pub id: u16,
    /// The flags, as on the wire: 0x8000 answers, then four bits of opcode.
    pub flags: u16,
    /// What is asked.
    pub questions: Vec<Question>,
    /// Answers, authorities and additions, in order; those a cut capture lost are missing.
    pub records: Vec<Record<'a>>,
    /// How many bytes were read.
    pub length: usize,
    all: &'a [u8],
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The name, its labels joined by dots.
    pub name: Vec<u8>,
    /// The kind of record wanted.
    pub kind: u16,
    /// The class, without the bit that asks for a direct answer.
    pub class: u16,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// The name, its labels joined by dots.
    pub name: Vec<u8>,
    /// The kind of `data`.
    pub kind: u16,
    /// The class, without the bit that makes caches forget.
    pub class: u16,
    /// The value.
    pub data: &'a [u8],
    /// Where `data` stands in the message.
    at: usize,
}

impl<'a> Message<'a> {
    /// Reads a message. One that is cut short or goes wrong gives what stood before, if that is a
    /// question or a record at least.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let id = r.u16("id")?;
        let flags = r.u16("flags")?;
        require("reserved", flags & 0x40 == 0)?;
        let questions = r.u16("questions")?;
        let records = [r.u16("answers")?, r.u16("authorities")?, r.u16("additions")?];
        require("questions", questions <= MOST)?;
        require("records", records.iter().all(|count| *count <= MOST))?;
        let records = records.iter().sum::<u16>().min(MOST);
        require("questions", questions + records > 0)?;
        let mut message =
            Self { id, flags, questions: Vec::new(), records: Vec::new(), length: 0, all: bytes };
        for _ in 0..questions {
            match Question::parse(bytes, &mut r) {
                Ok(question) => message.questions.push(question),
                Err(error) if message.questions.is_empty() => return Err(error),
                Err(_) => return Ok(message),
            }
        }
        for _ in 0..records {
            match Record::parse(bytes, &mut r) {
                Ok(record) => message.records.push(record),
                Err(error) if questions == 0 && message.records.is_empty() => return Err(error),
                Err(_) => return Ok(message),
            }
        }
        message.length = r.position();
        Ok(message)
    }

    /// Whether it answers.
    pub fn answers(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// What kind of question it is: 0 is the usual one.
    pub fn opcode(&self) -> u16 {
        (self.flags >> 11) & 15
    }

    /// The name in `record`'s value, `skipped` bytes in.
    pub fn name_in(&self, record: &Record<'_>, skipped: usize) -> Result<Vec<u8>> {
        let mut r = Reader::new(self.all);
        r.skip("data", record.at + skipped)?;
        name(self.all, &mut r)
    }
}

impl Question {
    fn parse<'a>(all: &'a [u8], r: &mut Reader<'a>) -> Result<Self> {
        let name = name(all, r)?;
        let kind = r.u16("kind")?;
        let class = r.u16("class")? & 0x7fff;
        require("class", matches!(class, IN | CHAOS | 4 | 254 | 255))?;
        Ok(Self { name, kind, class })
    }
}

impl<'a> Record<'a> {
    fn parse(all: &'a [u8], r: &mut Reader<'a>) -> Result<Self> {
        let name = name(all, r)?;
        let kind = r.u16("kind")?;
        // The class of an option record is a size (RFC 6891, 6.1.2).
        let class = r.u16("class")? & if kind == 41 { 0xffff } else { 0x7fff };
        require("class", kind == 41 || matches!(class, IN | CHAOS | 4 | 254 | 255))?;
        r.u32("time to live")?;
        let length = r.u16("data length")?;
        let at = r.position();
        let data = r.bytes("data", length.into())?;
        Ok(Self { name, kind, class, data, at })
    }
}

/// Reads the name at `r`, which may point back into `all`.
fn name<'a>(all: &'a [u8], r: &mut Reader<'a>) -> Result<Vec<u8>> {
    let foreign = Error::Foreign { field: "name" };
    let mut name = Vec::new();
    let mut elsewhere: Option<Reader<'a>> = None;
    for _ in 0..LONGEST_NAME {
        let at = elsewhere.as_mut().unwrap_or(&mut *r);
        let here = at.position();
        match at.u8("name")? {
            0 => return Ok(name),
            length @ 1..=63 => {
                let label = at.bytes("label", length.into())?;
                require("name", name.len() + label.len() < LONGEST_NAME)?;
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend_from_slice(label);
            }
            high @ 0xc0.. => {
                let target = usize::from(high & 0x3f) << 8 | usize::from(at.u8("pointer")?);
                // Only backwards: so a name cannot go round for ever.
                require("pointer", target < here)?;
                let mut next = Reader::new(all.get(..here).ok_or(foreign)?);
                next.skip("pointer", target)?;
                elsewhere = Some(next);
            }
            _ => return Err(foreign),
        }
    }
    Err(foreign)
}

/// The texts of a text record.
pub fn texts(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut r = Reader::new(data);
    std::iter::from_fn(move || {
        let length = r.u8("text").ok()?;
        Some(r.bytes_up_to(length.into()))
    })
}

/// Writes a question for one `name`, its labels joined by dots.
pub fn ask(id: u16, flags: u16, name: &[u8], kind: u16, class: u16) -> Vec<u8> {
    ask_all(id, flags, &[name], kind, class)
}

/// Writes one question for each of `names`, in one message.
pub fn ask_all(id: u16, flags: u16, names: &[&[u8]], kind: u16, class: u16) -> Vec<u8> {
    let count = u16::try_from(names.len()).unwrap_or(u16::MAX);
    let mut w = Writer::new().u16(id).u16(flags).u16(count).u16(0).u16(0).u16(0);
    for name in names {
        for label in name.split(|byte| *byte == b'.').filter(|label| !label.is_empty()) {
            let label = label.get(..63).unwrap_or(label);
            w = w.u8(u8::try_from(label.len()).unwrap_or(63)).bytes(label);
        }
        w = w.u8(0).u16(kind).u16(class);
    }
    w.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ANSWER: &[u8] = &hex!(
        "4a11 8180 0001 0002 0000 0000  03777777 076578616d706c65 03636f6d 00 0001 0001
         c00c 0005 0001 0000003c 0004 016d c010   c02d 0001 0001 0000003c 0004 c0000201"
    );

    #[test]
    fn reads_names_that_point_back() {
        let message = Message::parse(ANSWER).unwrap();
        assert!(message.answers());
        assert_eq!(message.questions[0].name, b"www.example.com");
        assert_eq!(message.name_in(&message.records[0], 0).unwrap(), b"m.example.com");
        assert_eq!(message.records[1].name, b"m.example.com");
        assert_eq!(message.records[1].data, [192, 0, 2, 1]);
        assert_eq!(message.length, ANSWER.len());
    }

    #[test]
    fn a_question_goes_both_ways() {
        let bytes = ask(7, 0x100, b"version.bind", TXT, CHAOS);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(
            message.questions,
            [Question { name: b"version.bind".to_vec(), kind: TXT, class: CHAOS }]
        );
        crate::wire::refuses_every_truncation(&bytes, Message::parse);
    }

    #[test]
    fn questions_go_both_ways_together() {
        let bytes = ask_all(7, 0, &[b"_ssh._tcp.local", b"_rfb._tcp.local"], PTR, IN);
        let message = Message::parse(&bytes).unwrap();
        let names: Vec<_> = message.questions.iter().map(|question| &question.name[..]).collect();
        assert_eq!(names, [&b"_ssh._tcp.local"[..], b"_rfb._tcp.local"]);
        assert_eq!(message.length, bytes.len());
    }

    #[test]
    fn a_cut_answer_gives_what_stood_before() {
        let message = Message::parse(&ANSWER[..ANSWER.len() - 3]).unwrap();
        assert_eq!((message.questions.len(), message.records.len()), (1, 1));
    }

    #[test]
    fn a_name_cannot_go_round() {
        for looping in [&hex!("c00c")[..], &hex!("c00e c00c"), &hex!("0161 c00c"), &hex!("c00d")] {
            let header = hex!("0001 0100 0001 0000 0000 0000");
            let bytes = [&header[..], looping, &[0, 1, 0, 1]].concat();
            let parsed = Message::parse(&bytes);
            assert!(parsed.is_err(), "{looping:02x?}: {parsed:?}");
        }
    }
}
