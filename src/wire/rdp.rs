//! RDP's way in: the X.224 connection with its negotiation, and the MCS connection that follows where
//! no TLS does (MS-RDPBCGR 2.2.1.1 to 2.2.1.4; TPKT is RFC 1006 and ITU-T T.123, MCS is T.125).

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{Error, Reader, Result, Writer, der, require};

/// The TPKT version.
const TPKT: u8 = 3;

/// X.224 codes, in the upper four bits.
mod code {
    pub(super) const REQUEST: u8 = 0xe0;
    pub(super) const CONFIRM: u8 = 0xd0;
    pub(super) const DATA: u8 = 0xf0;
}

/// Kinds of negotiation data.
mod negotiation {
    pub(super) const REQUEST: u8 = 1;
    pub(super) const RESPONSE: u8 = 2;
    pub(super) const FAILURE: u8 = 3;
}

/// Tags of the MCS messages that open a connection.
mod mcs {
    pub(super) const CONNECT_INITIAL: u16 = 0x7f65;
    pub(super) const CONNECT_RESPONSE: u16 = 0x7f66;
}

/// Types of settings inside the MCS messages.
mod settings {
    pub(super) const CLIENT_CORE: u16 = 0xc001;
    pub(super) const CLIENT_CHANNELS: u16 = 0xc003;
    pub(super) const SERVER_CORE: u16 = 0x0c01;
    pub(super) const SERVER_SECURITY: u16 = 0x0c02;
}

/// How many virtual channels a client may ask for (MS-RDPBCGR 2.2.1.3.4).
const MOST_CHANNELS: u32 = 31;

/// One message of the way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// The client's first.
    Request(Request<'a>),
    /// The server's answer.
    Confirm(Confirm),
    /// What the client is, in clear.
    ConnectInitial(Client<'a>),
    /// What the server is, in clear.
    ConnectResponse(Server),
}

/// A connection request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request<'a> {
    /// The line for load balancers, without its end.
    pub token: Option<&'a [u8]>,
    /// Flags and security protocols asked for; nothing from clients before RDP 5.2.
    pub asks: Option<(u8, u32)>,
}

/// A connection confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirm {
    /// Without negotiation: classic RDP security.
    Plain,
    /// The flags and the security protocol chosen.
    Chosen {
        /// What the server can do.
        flags: u8,
        /// The protocol; 0 is classic RDP security.
        protocol: u32,
    },
    /// Refused, with the reason.
    Failure(u32),
}

/// What a client tells in its MCS connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Client<'a> {
    /// Major version in the upper, minor in the lower 16 bits.
    pub version: Option<u32>,
    /// The keyboard layout, as Windows numbers them.
    pub keyboard_layout: u32,
    /// The client's build.
    pub build: u32,
    /// The computer's name, UTF-16LE, filled with zeros.
    pub name: &'a [u8],
    /// Entries of virtual channels: eight bytes of name, four of options.
    pub channels: &'a [u8],
    /// Everything announced has arrived.
    pub whole: bool,
}

/// What a server tells in its MCS answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Server {
    /// Major version in the upper, minor in the lower 16 bits.
    pub version: Option<u32>,
    /// Encryption method and level.
    pub encryption: Option<(u32, u32)>,
    /// Everything announced has arrived.
    pub whole: bool,
}

impl<'a> Message<'a> {
    /// Reads one message, and tells how many bytes it takes.
    pub fn parse(bytes: &'a [u8]) -> Result<(Self, usize)> {
        let mut r = Reader::new(bytes);
        r.expect("version", TPKT)?;
        r.expect("reserved", 0)?;
        let length = usize::from(r.u16("length")?);
        require("length", length >= 11)?;
        let header = usize::from(r.u8("header length")?);
        let code = r.u8("code")?;
        match code & 0xf0 {
            code::REQUEST => {
                require("header length", header + 5 == length)?;
                r.expect_u16("destination", 0)?;
                r.skip("source and class", 3)?;
                Ok((Self::Request(Request::parse(r.bytes("variable part", header - 6)?)?), length))
            }
            code::CONFIRM => {
                require("header length", header + 5 == length && matches!(header, 6 | 14))?;
                r.skip("references and class", 5)?;
                Ok((Self::Confirm(Confirm::parse(r.bytes("variable part", header - 6)?)?), length))
            }
            code::DATA => {
                require("header length", header == 2)?;
                r.expect("end of message", 0x80)?;
                let tag = r.u16("tag")?;
                let announced = der::length(&mut r, "length")?;
                require("length", r.position() + announced <= length)?;
                let whole = r.remaining() >= announced;
                let body = Reader::new(r.bytes_up_to(announced));
                let message = match tag {
                    mcs::CONNECT_INITIAL => Self::ConnectInitial(Client::parse(body, whole)?),
                    mcs::CONNECT_RESPONSE => Self::ConnectResponse(Server::parse(body, whole)?),
                    _ => return Err(Error::Foreign { field: "tag" }),
                };
                Ok((message, length))
            }
            _ => Err(Error::Foreign { field: "code" }),
        }
    }
}

impl<'a> Request<'a> {
    fn parse(variable: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(variable);
        let mut request = Self::default();
        if r.is_empty() {
            return Ok(request);
        }
        if r.rest().first() != Some(&negotiation::REQUEST) {
            // What is announced is all here: a missing end is another protocol's parameter.
            let token = r.until("token", b"\r\n", variable.len());
            let token = token.map_err(|_| Error::Foreign { field: "token" })?;
            require("token", token.iter().all(|byte| (b' '..0x7f).contains(byte)))?;
            request.token = Some(token);
        }
        // Some balancers leave padding; only the kind tells a negotiation.
        if r.rest().first() == Some(&negotiation::REQUEST) && r.remaining() >= 8 {
            r.skip("kind", 1)?;
            let flags = r.u8("flags")?;
            require("size", r.u16_le("size")? == 8)?;
            request.asks = Some((flags, r.u32_le("protocols")?));
        }
        require("variable part", request.asks.is_some() || request.token.is_some())?;
        Ok(request)
    }

    /// The address and port inside that a balancer's cookie gives away (`Cookie: msts=…`).
    pub fn inside(&self) -> Option<SocketAddrV4> {
        let value = std::str::from_utf8(self.token?.strip_prefix(b"Cookie: msts=")?).ok()?;
        let mut parts = value.split('.');
        let address: u32 = parts.next()?.parse().ok()?;
        let port: u16 = parts.next()?.parse().ok()?;
        (parts.next() == Some("0000") && address != 0).then(|| {
            SocketAddrV4::new(Ipv4Addr::from_bits(address.swap_bytes()), port.swap_bytes())
        })
    }

    /// Writes the request.
    pub fn emit(&self) -> Vec<u8> {
        let mut variable = Writer::new();
        if let Some(token) = self.token {
            variable = variable.bytes(token).bytes(b"\r\n");
        }
        if let Some((flags, protocols)) = self.asks {
            variable = variable
                .u8(negotiation::REQUEST)
                .u8(flags)
                .bytes(&8u16.to_le_bytes())
                .bytes(&protocols.to_le_bytes());
        }
        connection(code::REQUEST, 0, &variable.finish())
    }
}

impl Confirm {
    fn parse(variable: &[u8]) -> Result<Self> {
        let mut r = Reader::new(variable);
        if r.is_empty() {
            return Ok(Self::Plain);
        }
        let kind = r.u8("kind")?;
        require("kind", matches!(kind, negotiation::RESPONSE | negotiation::FAILURE))?;
        let flags = r.u8("flags")?;
        require("size", r.u16_le("size")? == 8)?;
        let value = r.u32_le("value")?;
        Ok(match kind {
            negotiation::RESPONSE => Self::Chosen { flags, protocol: value },
            _ => Self::Failure(value),
        })
    }

    /// Writes the confirm, as a server that calls itself 0x1234.
    pub fn emit(&self) -> Vec<u8> {
        let (kind, flags, value) = match *self {
            Self::Plain => return connection(code::CONFIRM, 0x1234, &[]),
            Self::Chosen { flags, protocol } => (negotiation::RESPONSE, flags, protocol),
            Self::Failure(reason) => (negotiation::FAILURE, 0, reason),
        };
        let variable = Writer::new().u8(kind).u8(flags).bytes(&8u16.to_le_bytes());
        let variable = variable.bytes(&value.to_le_bytes()).finish();
        connection(code::CONFIRM, 0x1234, &variable)
    }
}

fn connection(code: u8, source: u16, variable: &[u8]) -> Vec<u8> {
    // A header counts itself in one byte (X.224, 13.2.1), so a longer token cannot be sent.
    let variable = variable.get(..248).unwrap_or(variable);
    let header = u8::try_from(variable.len() + 6).unwrap_or(u8::MAX);
    let body = Writer::new().u8(header).u8(code).u16(0).u16(source).u8(0).bytes(variable).finish();
    Writer::new().u8(TPKT).u8(0).sized_u16(4, &body).finish()
}

impl<'a> Client<'a> {
    fn parse(mut r: Reader<'a>, whole: bool) -> Result<Self> {
        r.expect_bytes("domain selectors", &[4, 1, 1, 4, 1, 1])?;
        let mut client = Self { whole, ..Self::default() };
        each_setting(r.rest(), b"Duca", |kind, mut setting| match kind {
            settings::CLIENT_CORE => {
                let version = setting.u32_le("version")?;
                setting.skip("desktop", 8)?;
                client.keyboard_layout = setting.u32_le("keyboard layout")?;
                client.build = setting.u32_le("build")?;
                client.name = setting.bytes("name", 32)?;
                client.version = Some(version);
                Ok(())
            }
            settings::CLIENT_CHANNELS => {
                let count = setting.u32_le("channels")?.min(MOST_CHANNELS);
                client.channels = setting.bytes_up_to(12 * count as usize);
                Ok(())
            }
            _ => Ok(()),
        })?;
        Ok(client)
    }

    /// The names of the virtual channels asked for, without their padding.
    pub fn channel_names(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (entries, _) = self.channels.as_chunks::<12>();
        entries.iter().map(|entry| {
            let name = entry.get(..8).unwrap_or_default();
            name.split(|byte| *byte == 0).next().unwrap_or_default()
        })
    }
}

impl Server {
    fn parse(r: Reader<'_>, whole: bool) -> Result<Self> {
        let mut body = r.clone();
        body.expect_bytes("result", &[0x0a, 1])?;
        let mut server = Self { whole, ..Self::default() };
        each_setting(r.rest(), b"McDn", |kind, mut setting| match kind {
            settings::SERVER_CORE => {
                server.version = Some(setting.u32_le("version")?);
                Ok(())
            }
            settings::SERVER_SECURITY => {
                server.encryption = Some((setting.u32_le("method")?, setting.u32_le("level")?));
                Ok(())
            }
            _ => Ok(()),
        })?;
        Ok(server)
    }
}

/// Gives every setting behind the `key` that T.124 carries them under; one cut short ends the list.
fn each_setting<'a>(
    bytes: &'a [u8],
    key: &[u8],
    mut each: impl FnMut(u16, Reader<'a>) -> Result<()>,
) -> Result<()> {
    let Some(at) = memchr::memmem::find(bytes, key) else { return Ok(()) };
    let mut r = Reader::new(bytes.get(at + key.len()..).unwrap_or_default());
    let list = |r: &mut Reader<'a>| -> Result<()> {
        // A length in packed encoding: one byte below 0x80, else two (ITU-T X.691, 11.9).
        if r.u8("settings")? & 0x80 != 0 {
            r.skip("settings", 1)?;
        }
        while !r.is_empty() {
            let kind = r.u16_le("setting")?;
            let length = usize::from(r.u16_le("setting")?);
            require("setting", length >= 4)?;
            each(kind, Reader::new(r.bytes_up_to(length - 4)))?;
        }
        Ok(())
    };
    let mut list = list;
    match list(&mut r) {
        Err(Error::Truncated { .. }) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const REQUEST: &[u8] = &hex!("030000130ee00000000000010008000b000000");
    const CONFIRM: &[u8] = &hex!("030000130ed000001234000201080001000000");

    #[test]
    fn reads_what_both_sides_negotiate() {
        let request = Request { token: None, asks: Some((0, 0x0b)) };
        assert_eq!(Message::parse(REQUEST), Ok((Message::Request(request), 19)));
        assert_eq!(request.emit(), REQUEST);
        let confirm = Confirm::Chosen { flags: 1, protocol: 1 };
        assert_eq!(Message::parse(CONFIRM), Ok((Message::Confirm(confirm), 19)));
        assert_eq!(confirm.emit(), CONFIRM);
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(REQUEST, Message::parse);
        crate::wire::refuses_every_truncation(CONFIRM, Message::parse);
    }

    #[test]
    fn what_is_emitted_reads_back() {
        for request in
            [Request::default(), Request { token: Some(b"Cookie: mstshash=x"), asks: Some((0, 3)) }]
        {
            let bytes = request.emit();
            assert_eq!(Message::parse(&bytes), Ok((Message::Request(request), bytes.len())));
        }
        for confirm in [Confirm::Plain, Confirm::Failure(5)] {
            let bytes = confirm.emit();
            assert_eq!(Message::parse(&bytes), Ok((Message::Confirm(confirm), bytes.len())));
        }
    }

    #[test]
    fn a_balancers_cookie_gives_an_address_inside() {
        let request =
            Request { token: Some(b"Cookie: msts=167837962.15629.0000"), ..Request::default() };
        assert_eq!(request.inside(), Some("10.1.1.10:3389".parse().unwrap()));
    }

    #[test]
    fn a_programmable_controller_is_another_protocol() {
        let s7 = hex!("0300001611e00000000100c1020100c2020102c0010a");
        assert!(!Message::parse(&s7).unwrap_err().wants_more());
    }
}
