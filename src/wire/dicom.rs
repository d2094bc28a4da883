//! DICOM: how imaging devices open an association (PS3.8, 9.3). What they then exchange is not read.

use super::{Error, Reader, Result, Writer, require};

/// How long an association's opening may be; real ones are below 64 KiB.
const LONGEST: u32 = 1 << 20;
/// How many presentation contexts there can be.
const MOST_CONTEXTS: usize = 128;

/// A client asks for an association.
const REQUEST: u8 = 1;
/// A server grants it.
const ACCEPT: u8 = 2;
/// A server refuses it.
const REJECT: u8 = 3;

/// A side wants to end it.
const RELEASE: u8 = 5;
/// The other grants that.
const RELEASED: u8 = 6;

/// What opens an association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// A client asks.
    Request(Association<'a>),
    /// A server grants.
    Accept(Association<'a>),
    /// A server refuses.
    Reject {
        /// 1 for ever, 2 for now.
        result: u8,
        /// 1 the user of the service, 2 and 3 its provider.
        source: u8,
        /// Why; for source 1, 3 says the calling and 7 the called title is unknown.
        reason: u8,
    },
}

/// What both sides say of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Association<'a> {
    /// The title of the device called, without the spaces that fill it up.
    pub called: &'a [u8],
    /// The title of the device that calls.
    pub calling: &'a [u8],
    /// What the client wants to do: classes of service and object.
    pub abstract_syntaxes: Vec<&'a [u8]>,
    /// The identity of the software.
    pub implementation: &'a [u8],
    /// The version of the software.
    pub version: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads the opening, whole.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (kind, length, mut r) = header(bytes)?;
        if kind == REJECT {
            r.u8("reserved")?;
            return Ok(Self::Reject {
                result: r.u8("result")?,
                source: r.u8("source")?,
                reason: r.u8("reason")?,
            });
        }
        let body = r.inner("items", length)?;
        Association::parse(kind, body)
    }

    /// Reads an opening that was cut short: the titles, and the items before the cut.
    pub fn parse_cut(bytes: &'a [u8]) -> Result<Self> {
        let (kind, length, mut r) = header(bytes)?;
        require("kind", kind != REJECT)?;
        Association::parse(kind, Reader::new(r.bytes_up_to(length)))
    }
}

/// Reads what stands before the titles, and for a refusal checks its only length.
fn header(bytes: &[u8]) -> Result<(u8, usize, Reader<'_>)> {
    let mut r = Reader::new(bytes);
    let kind = r.u8("kind")?;
    require("kind", matches!(kind, REQUEST | ACCEPT | REJECT))?;
    r.expect("reserved", 0)?;
    let length = r.u32("length")?;
    if kind == REJECT {
        require("length", length == 4)?;
    } else {
        require("length", (68..=LONGEST).contains(&length))?;
        let version = r.clone().u16("version")?;
        require("version", version & 1 == 1 && version < 16)?;
        require("reserved", matches!(r.rest(), [_, _, 0, 0, ..] | [_, _, 0] | [_, _]))?;
    }
    Ok((kind, length as usize, r))
}

impl<'a> Association<'a> {
    fn parse(kind: u8, mut r: Reader<'a>) -> Result<Message<'a>> {
        r.skip("version and reserved", 4)?;
        let mut title = |field| {
            let title: &[u8] = r.bytes(field, 16)?;
            require(field, title.iter().all(|byte| *byte >= b' ' || *byte == 0))?;
            let end = title.iter().position(|byte| *byte == 0).unwrap_or(title.len());
            Ok::<_, Error>(title.get(..end).unwrap_or_default().trim_ascii())
        };
        let (called, calling) = (title("called title")?, title("calling title")?);
        r.skip("reserved", 32)?;
        let mut association = Self { called, calling, ..Self::default() };
        while let Some((item, mut body)) = item(&mut r) {
            match item {
                0x20 if association.abstract_syntaxes.len() < MOST_CONTEXTS => {
                    body.bytes_up_to(4);
                    while let Some((part, value)) = self::item(&mut body) {
                        if part == 0x30 {
                            association.abstract_syntaxes.push(value.rest());
                        }
                    }
                }
                0x50 => {
                    while let Some((part, value)) = self::item(&mut body) {
                        match part {
                            0x52 => association.implementation = value.rest(),
                            0x55 => association.version = value.rest(),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(if kind == REQUEST {
            Message::Request(association)
        } else {
            Message::Accept(association)
        })
    }
}

/// Reads an item: its kind and what it holds.
fn item<'a>(r: &mut Reader<'a>) -> Option<(u8, Reader<'a>)> {
    let kind = r.u8("item").ok()?;
    r.u8("reserved").ok()?;
    let length = r.u16("item length").ok()?;
    Some((kind, r.inner("item", length.into()).ok()?))
}

/// Writes the question of `calling` to `called` whether it is there (Verification), which moves no image.
pub fn ask(called: &str, calling: &str) -> Vec<u8> {
    let title = |text: &str| {
        let mut title = [b' '; 16];
        title.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        title
    };
    let item = |kind: u8, body: &[u8]| Writer::new().u8(kind).u8(0).sized_u16(0, body).finish();
    let context =
        [&[1, 0, 0, 0][..], &item(0x30, b"1.2.840.10008.1.1"), &item(0x40, b"1.2.840.10008.1.2")];
    let user = [
        item(0x51, &16_384u32.to_be_bytes()),
        // An identity under 2.25, as anybody may make one (PS3.5, B.2).
        item(0x52, b"2.25.230812637318426911302847316510528"),
        item(0x55, b"SEKISHO_1"),
    ];
    let body = [
        &[0, 1, 0, 0][..],
        &title(called),
        &title(calling),
        &[0; 32],
        &item(0x10, b"1.2.840.10008.3.1.1.1"),
        &item(0x20, &context.concat()),
        &item(0x50, &user.concat()),
    ]
    .concat();
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    Writer::new().u8(REQUEST).u8(0).u32(length).bytes(&body).finish()
}

/// Writes the wish to end an association that was granted (PS3.8, 9.3.6).
pub fn release() -> Vec<u8> {
    Writer::new().u8(RELEASE).u8(0).u32(4).zeros(4).finish()
}

/// How many bytes the opening takes that `bytes` begin with.
pub fn length(bytes: &[u8]) -> Result<usize> {
    let (_, length, r) = header(bytes)?;
    Ok(r.position() + length)
}

/// Whether `bytes` grant the wish to end.
pub fn releases(bytes: &[u8]) -> Result<()> {
    let mut r = Reader::new(bytes);
    r.expect_bytes("kind", &[RELEASED, 0, 0, 0, 0, 4])?;
    r.skip("reserved", 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_goes_both_ways() {
        let bytes = ask("ANY-SCP", "SEKISHO");
        let Message::Request(association) = Message::parse(&bytes).unwrap() else { panic!() };
        assert_eq!((association.called, association.calling), (&b"ANY-SCP"[..], &b"SEKISHO"[..]));
        assert_eq!(association.abstract_syntaxes, [b"1.2.840.10008.1.1"]);
        assert_eq!(association.version, b"SEKISHO_1");
        crate::wire::refuses_every_truncation(&bytes, Message::parse);
    }

    #[test]
    fn an_association_ends_politely() {
        let bytes = release();
        assert_eq!(bytes, hex_literal::hex!("05000000000400000000"));
        let granted = [&[RELEASED], &bytes[1..]].concat();
        crate::wire::refuses_every_truncation(&granted, releases);
        assert_eq!(releases(&granted), Ok(()));
        assert!(!releases(&bytes).unwrap_err().wants_more());
        let question = ask("ANY-SCP", "SEKISHO");
        assert_eq!(length(&question), Ok(question.len()));
    }

    #[test]
    fn a_cut_question_gives_its_titles() {
        let bytes = ask("ANY-SCP", "SEKISHO");
        let Message::Request(association) = Message::parse_cut(&bytes[..100]).unwrap() else {
            panic!()
        };
        assert_eq!((association.calling, association.version), (&b"SEKISHO"[..], &b""[..]));
    }

    #[test]
    fn a_remote_desktop_question_is_refused() {
        let bytes = b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00";
        assert!(Message::parse(bytes).is_err_and(|e| !e.wants_more()));
    }
}
