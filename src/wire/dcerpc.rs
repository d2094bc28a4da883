//! DCE/RPC over TCP (C706, 12; MS-RPCE), and the one question in it that makes a Windows host tell all its
//! addresses: ServerAlive2 (MS-DCOM, 3.1.2.5.1.6).

use super::{Reader, Result, Writer, require};

/// The version, in its major part.
const VERSION: u8 = 5;
/// Little-endian numbers, ASCII, IEEE fractions.
const REPRESENTATION: [u8; 4] = [0x10, 0, 0, 0];
/// How many interfaces one bind may name.
const MOST_INTERFACES: u8 = 64;
/// How many addresses are read of one answer.
const MOST_BINDINGS: usize = 64;
/// How long one fragment's header is.
const HEADER: usize = 16;

/// The interface that knows where objects live, `IObjectExporter`.
pub const OBJECT_EXPORTER: Interface = Interface {
    id: [
        0xc4, 0xfe, 0xfc, 0x99, 0x60, 0x52, 0x1b, 0x10, 0xbb, 0xcb, 0x00, 0xaa, 0x00, 0x21, 0x34,
        0x7a,
    ],
    major: 0,
};
/// How values are written on the wire, NDR version 2.
const NDR: [u8; 20] = [
    0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60,
    2, 0, 0, 0,
];
/// The operation of that interface that tells a host's addresses.
pub const SERVER_ALIVE_2: u16 = 5;

/// An interface that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface {
    /// The identity, as on the wire.
    pub id: [u8; 16],
    /// The version's major part.
    pub major: u16,
}

impl std::fmt::Display for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, e, g, h, i, rest @ ..] = self.id;
        let first = u32::from_le_bytes([a, b, c, d]);
        let (second, third) = (u16::from_le_bytes([e, g]), u16::from_le_bytes([h, i]));
        let [j, k, node @ ..] = rest;
        write!(f, "{first:08x}-{second:04x}-{third:04x}-{j:02x}{k:02x}-")?;
        node.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// What it says.
    pub body: Body<'a>,
    /// How the caller proves who it is: 9 negotiated, 10 NTLM, 16 Kerberos.
    pub authentication: Option<u8>,
    /// How many bytes it took.
    pub length: usize,
}

/// What a fragment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// A client asks for interfaces.
    Bind(Vec<Interface>),
    /// A server grants some of them.
    BindAcknowledge {
        /// The port or pipe they are at.
        address: &'a [u8],
    },
    /// A call.
    Request {
        /// Which of the interface's operations.
        operation: u16,
    },
    /// A call's result.
    Response {
        /// The values.
        stub: &'a [u8],
    },
    /// Something else, by its number.
    Other(u8),
}

impl<'a> Fragment<'a> {
    /// Reads a whole fragment.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("version", VERSION)?;
        require("minor version", r.u8("minor version")? <= 1)?;
        let kind = r.u8("kind")?;
        require("kind", matches!(kind, 0 | 2 | 3 | 11..=19))?;
        let flags = r.u8("flags")?;
        r.expect_bytes("representation", &REPRESENTATION)?;
        let length = usize::from(r.u16_le("length")?);
        let proof = usize::from(r.u16_le("authentication length")?);
        require("length", length >= HEADER + if proof > 0 { proof + 8 } else { 0 })?;
        r.u32_le("call")?;
        let mut body = r.inner("body", length - HEADER)?;
        let mut authentication = None;
        if proof > 0 {
            let stub = body.remaining() - proof - 8;
            let whole = body.rest();
            body = Reader::new(whole.get(..stub).unwrap_or_default());
            authentication = whole.get(stub).copied();
        }
        let body = match kind {
            11 | 14 => Body::Bind(interfaces(&mut body)?),
            12 | 15 => {
                body.skip("sizes and group", 8)?;
                let length = body.u16_le("address length")?;
                let address = body.bytes("address", length.into())?;
                Body::BindAcknowledge { address: address.strip_suffix(b"\0").unwrap_or(address) }
            }
            0 => {
                body.skip("hint and context", 6)?;
                Body::Request { operation: body.u16_le("operation")? }
            }
            2 if flags & 3 == 3 => {
                body.skip("hint, context and cancels", 8)?;
                Body::Response { stub: body.rest() }
            }
            other => Body::Other(other),
        };
        Ok(Self { body, authentication, length })
    }
}

fn interfaces(r: &mut Reader<'_>) -> Result<Vec<Interface>> {
    r.skip("sizes and group", 8)?;
    let count = r.u8("interfaces")?;
    require("interfaces", (1..=MOST_INTERFACES).contains(&count))?;
    r.skip("reserved", 3)?;
    let mut interfaces = Vec::new();
    for _ in 0..count {
        r.u16_le("context")?;
        let syntaxes = r.u8("syntaxes")?;
        r.u8("reserved")?;
        let id = r.take("interface")?;
        let major = r.u16_le("major version")?;
        r.u16_le("minor version")?;
        r.skip("syntaxes", 20 * usize::from(syntaxes))?;
        interfaces.push(Interface { id, major });
    }
    Ok(interfaces)
}

/// What a host answers to ServerAlive2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alive {
    /// The version of DCOM, major and minor.
    pub version: (u16, u16),
    /// The host's name and its addresses, as it tells others to reach it.
    pub bindings: Vec<String>,
}

impl Alive {
    /// Reads the values of the answer.
    pub fn parse(stub: &[u8]) -> Result<Self> {
        let mut r = Reader::new(stub);
        let version = (r.u16_le("major version")?, r.u16_le("minor version")?);
        require("version", version.0 == 5 && version.1 <= 16)?;
        require("pointer", r.u32_le("pointer")? != 0)?;
        let most = r.u32_le("most entries")?;
        let entries = r.u16_le("entries")?;
        require("entries", most == u32::from(entries))?;
        let security = r.u16_le("security offset")?;
        require("security offset", security <= entries)?;
        let mut r = Reader::new(r.bytes_up_to(usize::from(security) * 2));
        let mut bindings = Vec::new();
        while bindings.len() < MOST_BINDINGS
            && let Ok(tower) = r.u16_le("tower")
            && tower != 0
        {
            let mut units = Vec::new();
            while let Ok(unit) = r.u16_le("address")
                && unit != 0
            {
                units.push(unit);
            }
            bindings.push(String::from_utf16_lossy(&units));
        }
        Ok(Self { version, bindings })
    }
}

/// Writes the question for `interface`.
pub fn bind(call: u32, interface: Interface) -> Vec<u8> {
    let head = Writer::new().bytes(&[0xd0, 0x16, 0xd0, 0x16]).u32(0).bytes(&[1, 0, 0, 0]);
    let context = head.bytes(&[0, 0, 1, 0]).bytes(&interface.id);
    let context = context.bytes(&interface.major.to_le_bytes()).u16(0);
    fragment(11, call, &context.bytes(&NDR).finish())
}

/// Writes a call of `operation` without values.
pub fn call(call: u32, operation: u16) -> Vec<u8> {
    let body = Writer::new().bytes(&[0; 6]).bytes(&operation.to_le_bytes());
    fragment(0, call, &body.finish())
}

fn fragment(kind: u8, call: u32, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(HEADER + body.len()).unwrap_or(u16::MAX).to_le_bytes();
    let head = Writer::new().bytes(&[VERSION, 0, kind, 3]).bytes(&REPRESENTATION).bytes(&length);
    head.u16(0).bytes(&call.to_le_bytes()).bytes(body).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const BIND: &[u8] = &hex!(
        "05000b03100000004800000001000000d016d016000000000100000000000100c4fefc9960521b10bbcb00aa0021347a
         00000000045d888aeb1cc9119fe808002b10486002000000"
    );

    #[test]
    fn a_question_goes_both_ways() {
        assert_eq!(bind(1, OBJECT_EXPORTER), BIND);
        let fragment = Fragment::parse(BIND).unwrap();
        assert_eq!(fragment.body, Body::Bind(vec![OBJECT_EXPORTER]));
        assert_eq!(OBJECT_EXPORTER.to_string(), "99fcfec4-5260-101b-bbcb-00aa0021347a");
        let call = call(2, SERVER_ALIVE_2);
        assert_eq!(call, hex!("050000031000000018000000020000000000000000000500"));
        assert_eq!(Fragment::parse(&call).unwrap().body, Body::Request { operation: 5 });
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(BIND, Fragment::parse);
    }

    #[test]
    fn a_proof_longer_than_the_fragment_is_refused() {
        let bytes = hex!("05000b03 10000000 1800 0100 01000000 0000000000000000");
        assert!(Fragment::parse(&bytes).is_err_and(|e| !e.wants_more()));
    }

    #[test]
    fn every_address_is_told() {
        let mut stub = hex!("0500 0700 00000200 0a000000 0a00 0900").to_vec();
        for unit in [7, u16::from(b'P'), u16::from(b'C'), 0, 7, u16::from(b'1'), 0, 0, 0, 0] {
            stub.extend(unit.to_le_bytes());
        }
        assert_eq!(Alive::parse(&stub).unwrap().bindings, ["PC", "1"]);
    }
}
