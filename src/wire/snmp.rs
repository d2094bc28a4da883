//! SNMP: versions 1 and 2c (RFC 1157, RFC 1901, RFC 3416) and 3 with user-based security (RFC 3412, RFC 3414).

use std::net::Ipv4Addr;

use super::{Error, Reader, Result, ber, require};

/// How many variable bindings are read of one message.
const MOST_BINDINGS: usize = 256;

/// The tag of an IPv4 address (RFC 2578, 7.1.5).
pub const IP_ADDRESS: u8 = 0x40;

/// Asks for the values of the objects named.
pub const GET: u8 = 0xa0;
/// Asks for the objects that come after those named.
pub const GET_NEXT: u8 = 0xa1;
/// Answers.
pub const RESPONSE: u8 = 0xa2;
/// Sets values.
pub const SET: u8 = 0xa3;
/// Announces an event, in version 1.
pub const TRAP: u8 = 0xa4;
/// Asks for many objects at once.
pub const GET_BULK: u8 = 0xa5;
/// Announces an event and wants an answer.
pub const INFORM: u8 = 0xa6;
/// Announces an event, in version 2c and 3.
pub const TRAP_2: u8 = 0xa7;
/// Tells an engine what was wrong with its message, and so who this engine is.
pub const REPORT: u8 = 0xa8;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// Version 1 or 2c.
    Community {
        /// 0 is version 1, 1 is version 2c.
        version: u8,
        /// The word that opens the agent.
        community: &'a [u8],
        /// What is asked or told.
        pdu: Pdu<'a>,
    },
    /// Version 3.
    Secured(Secured<'a>),
}

/// A message of version 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secured<'a> {
    /// 1 authenticated, 2 encrypted, 4 wants a report.
    pub flags: u8,
    /// 3 is user-based security.
    pub model: i64,
    /// The identity of the engine that is asked or answers, where user-based security names it.
    pub engine: &'a [u8],
    /// How often that engine started.
    pub boots: i64,
    /// What is asked or told, unless it is encrypted.
    pub pdu: Option<Pdu<'a>>,
}

/// What is asked or told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// Such as [`GET`].
    pub kind: u8,
    /// What a version 1 trap says besides.
    pub trap: Option<Trap<'a>>,
    /// The objects, in order; those a cut capture lost are missing.
    pub bindings: Vec<Binding<'a>>,
}

/// Who sent a version 1 trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trap<'a> {
    /// The encoded object identifier of the sender's kind.
    pub enterprise: &'a [u8],
    /// The sender's own address, as it knows it.
    pub agent: Ipv4Addr,
}

/// One object and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The encoded object identifier.
    pub name: &'a [u8],
    /// The value's tag.
    pub tag: u8,
    /// The value's body.
    pub value: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message. A message cut short in its bindings gives those before the cut.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let mut all = ber::enter(&mut r, "message", ber::SEQUENCE)?;
        match ber::integer(&mut all, "version")? {
            version @ 0..=1 => Ok(Self::Community {
                version: u8::from(version == 1),
                community: ber::expect(&mut all, "community", ber::OCTETS)?,
                pdu: Pdu::parse(&mut all)?,
            }),
            3 => Secured::parse(&mut all).map(Self::Secured),
            _ => Err(Error::Foreign { field: "version" }),
        }
    }
}

impl<'a> Secured<'a> {
    fn parse(all: &mut Reader<'a>) -> Result<Self> {
        let mut header = ber::enter(all, "header", ber::SEQUENCE)?;
        ber::integer(&mut header, "message id")?;
        ber::integer(&mut header, "largest size")?;
        let flags = match ber::expect(&mut header, "flags", ber::OCTETS)? {
            [flags] => *flags,
            _ => return Err(Error::Foreign { field: "flags" }),
        };
        let model = ber::integer(&mut header, "security model")?;
        let mut parameters = ber::enter(all, "security parameters", ber::OCTETS)?;
        let (mut engine, mut boots) = (&[][..], 0);
        if model == 3 {
            let mut user = ber::enter(&mut parameters, "user security", ber::SEQUENCE)?;
            engine = ber::expect(&mut user, "engine", ber::OCTETS)?;
            require("engine", engine.len() <= 32)?;
            boots = ber::integer(&mut user, "boots")?;
        }
        let mut pdu = None;
        if flags & 2 == 0 {
            let mut scoped = ber::enter(all, "scope", ber::SEQUENCE)?;
            let context = ber::expect(&mut scoped, "context engine", ber::OCTETS)?;
            if engine.is_empty() && context.len() <= 32 {
                engine = context;
            }
            ber::expect(&mut scoped, "context name", ber::OCTETS)?;
            pdu = Some(Pdu::parse(&mut scoped)?);
        }
        Ok(Self { flags, model, engine, boots, pdu })
    }
}

impl<'a> Pdu<'a> {
    fn parse(r: &mut Reader<'a>) -> Result<Self> {
        let (kind, length) = ber::head(r, "kind")?;
        require("kind", (GET..=REPORT).contains(&kind))?;
        let mut body = Reader::new(r.bytes_up_to(length));
        let mut trap = None;
        if kind == TRAP {
            let enterprise = ber::expect(&mut body, "enterprise", ber::OBJECT)?;
            let agent = ber::expect(&mut body, "agent", IP_ADDRESS)?;
            let agent = agent.first_chunk::<4>().ok_or(Error::Foreign { field: "agent" })?;
            trap = Some(Trap { enterprise, agent: (*agent).into() });
            ber::integer(&mut body, "generic trap")?;
            ber::integer(&mut body, "specific trap")?;
            ber::element(&mut body, "uptime")?;
        } else {
            ber::integer(&mut body, "request id")?;
            ber::integer(&mut body, "error")?;
            ber::integer(&mut body, "error index")?;
        }
        let mut list = ber::enter(&mut body, "bindings", ber::SEQUENCE)?;
        let mut bindings = Vec::new();
        while bindings.len() < MOST_BINDINGS
            && let Ok(mut pair) = ber::enter(&mut list, "binding", ber::SEQUENCE)
            && let Ok(name) = ber::expect(&mut pair, "name", ber::OBJECT)
            && let Ok((tag, value)) = ber::element(&mut pair, "value")
        {
            bindings.push(Binding { name, tag, value });
        }
        Ok(Self { kind, trap, bindings })
    }
}

/// Who an engine is, from its identity (RFC 3411, `SnmpEngineID`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Engine<'a> {
    /// The private enterprise number of who made it.
    pub enterprise: u32,
    /// How `rest` is to be read: 1 IPv4, 2 IPv6, 3 hardware address, 4 text, 5 octets, 128 and above as
    /// the enterprise likes. None in the older form.
    pub format: Option<u8>,
    /// What the enterprise chose to tell engines apart.
    pub rest: &'a [u8],
}

impl<'a> Engine<'a> {
    /// Reads an identity.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let enterprise = r.u32("enterprise")?;
        let format = if enterprise >> 31 == 1 { Some(r.u8("format")?) } else { None };
        Ok(Self { enterprise: enterprise & 0x7fff_ffff, format, rest: r.rest() })
    }
}

/// Writes the question that makes an engine of version 3 tell who it is (RFC 3414, 4).
pub fn discover(message_id: u16, request_id: u16) -> Vec<u8> {
    let empty = ber::emit(ber::OCTETS, &[]);
    let zero = ber::emit_integer(0);
    let header = [
        ber::emit_integer(message_id.into()),
        ber::emit_integer(65_507),
        ber::emit(ber::OCTETS, &[4]),
        ber::emit_integer(3),
    ];
    let user = [&empty, &zero, &zero, &empty, &empty, &empty].map(Vec::as_slice).concat();
    let user = ber::emit(ber::SEQUENCE, &user);
    let scope = [empty.clone(), empty, ask(GET, request_id, &[])];
    ber::emit(
        ber::SEQUENCE,
        &[
            ber::emit_integer(3),
            ber::emit(ber::SEQUENCE, &header.concat()),
            ber::emit(ber::OCTETS, &user),
            ber::emit(ber::SEQUENCE, &scope.concat()),
        ]
        .concat(),
    )
}

/// Writes a question for `objects` in version 1 (`version` 0) or 2c (1), with a community the operator gave.
pub fn get(version: u8, community: &[u8], request_id: u16, objects: &[&[u32]]) -> Vec<u8> {
    ber::emit(
        ber::SEQUENCE,
        &[
            ber::emit_integer(version.into()),
            ber::emit(ber::OCTETS, community),
            ask(GET, request_id, objects),
        ]
        .concat(),
    )
}

fn ask(kind: u8, request_id: u16, objects: &[&[u32]]) -> Vec<u8> {
    let null = ber::emit(ber::NULL, &[]);
    let pairs = objects.iter().flat_map(|object| {
        ber::emit(ber::SEQUENCE, &[ber::emit_object(object), null.clone()].concat())
    });
    let body = [
        ber::emit_integer(request_id.into()),
        ber::emit_integer(0),
        ber::emit_integer(0),
        ber::emit(ber::SEQUENCE, &pairs.collect::<Vec<u8>>()),
    ];
    ber::emit(kind, &body.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const DISCOVERY: &[u8] = &hex!(
        "303a020103300f02024a69020300ffe30401040201030410300e0400020100020100040004000400"
        "301204000400a00c020237f00201000201003000"
    );

    #[test]
    fn a_discovery_goes_both_ways() {
        assert_eq!(discover(0x4a69, 0x37f0), DISCOVERY);
        let Message::Secured(message) = Message::parse(DISCOVERY).unwrap() else { panic!() };
        assert_eq!((message.flags, message.model, message.engine), (4, 3, &[][..]));
        assert_eq!(message.pdu.unwrap().kind, GET);
    }

    #[test]
    fn a_question_goes_both_ways() {
        let question = get(0, b"example", 7, &[&[1, 3, 6, 1, 2, 1, 1, 1, 0], &[1, 3, 6, 1, 4, 1]]);
        let Message::Community { version: 0, community: b"example", pdu } =
            Message::parse(&question).unwrap()
        else {
            panic!()
        };
        let names: Vec<_> = pdu.bindings.iter().filter_map(|b| ber::object(b.name)).collect();
        assert_eq!(names, ["1.3.6.1.2.1.1.1.0", "1.3.6.1.4.1"]);
        for end in 0..27 {
            assert!(Message::parse(&question[..end]).is_err_and(|e| e.wants_more()), "{end}");
        }
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(DISCOVERY, Message::parse);
    }

    #[test]
    fn an_engine_tells_its_maker() {
        let engine = Engine::parse(&hex!("800004b8 03 00005e005301")).unwrap();
        assert_eq!((engine.enterprise, engine.format), (1208, Some(3)));
        let old = Engine::parse(&hex!("00000009 0000a1c0000201ff")).unwrap();
        assert_eq!((old.enterprise, old.format), (9, None));
    }

    #[test]
    fn a_directory_question_is_refused() {
        let bind = hex!("300c020101600702010304008000");
        assert!(Message::parse(&bind).is_err_and(|e| !e.wants_more()));
    }
}
