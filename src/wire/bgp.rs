//! BGP: networks that tell each other routes, over TCP (RFC 4271, 4760, 5492, 6793, 9003).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Error, Reader, Result, Writer, require};

/// The header, in bytes.
pub const HEADER: usize = 19;

/// How many prefixes are counted.
const MOST_PREFIXES: usize = 4096;

/// A message, and how long it says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its length with the header, in bytes.
    pub length: usize,
    /// What it says.
    pub body: Body<'a>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// Who the speaker is.
    Open(Open<'a>),
    /// What can be reached, or no longer.
    Update(Update),
    /// Why the session ends: code, subcode, and what is said about it.
    Notification(u8, u8, &'a [u8]),
    /// Still here.
    Keepalive,
    /// Please tell everything again.
    Refresh,
}

/// Who the speaker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open<'a> {
    /// The number of its network.
    pub system: u32,
    /// For how many seconds it believes in a silent partner.
    pub hold_time: u16,
    /// Its name.
    pub identifier: Ipv4Addr,
    /// What it can do: number and value.
    pub capabilities: Vec<(u8, &'a [u8])>,
}

/// What can be reached, or no longer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// Whom to send to.
    pub next_hop: Option<IpAddr>,
    /// How many prefixes can be reached.
    pub reached: usize,
    /// How many no longer.
    pub withdrawn: usize,
    /// One of the reached is everywhere.
    pub default: bool,
}

impl<'a> Message<'a> {
    /// Reads one message of a stream.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect_bytes("marker", &[0xff; 16])?;
        let length = usize::from(r.u16("length")?);
        require("length", (HEADER..=65_535).contains(&length))?;
        let kind = r.u8("type")?;
        require("type", (1..=5).contains(&kind))?;
        require("length", if kind == 4 { length == HEADER } else { length > HEADER })?;
        let body = r.bytes("body", length - HEADER)?;
        let mut r = Reader::new(body);
        let body = match kind {
            1 => Body::Open(open(&mut r).map_err(not_more)?),
            2 => Body::Update(update(&mut r).map_err(not_more)?),
            3 => {
                let code = r.u8("code").map_err(not_more)?;
                Body::Notification(code, r.u8("subcode").map_err(not_more)?, r.rest())
            }
            4 => Body::Keepalive,
            _ => Body::Refresh,
        };
        Ok(Self { length, body })
    }
}

/// More of the stream does not mend a message that is whole and too short.
fn not_more(error: Error) -> Error {
    match error {
        Error::Truncated { field, .. } => Error::Foreign { field },
        error => error,
    }
}

fn open<'a>(r: &mut Reader<'a>) -> Result<Open<'a>> {
    r.expect("version", 4)?;
    let mut system = u32::from(r.u16("system")?);
    let hold_time = r.u16("hold time")?;
    let identifier = r.take::<4>("identifier")?.into();
    let mut length = usize::from(r.u8("parameters")?);
    // 255 twice says that the lengths have two bytes (RFC 9072).
    let extended = length == 255 && r.clone().u8("extended") == Ok(255);
    if extended {
        r.u8("extended")?;
        length = r.u16("parameters")?.into();
    }
    let mut parameters = r.inner("parameters", length)?;
    let mut capabilities = Vec::new();
    while let Ok(kind) = parameters.u8("parameter") {
        let length = if extended {
            parameters.u16("parameter length")
        } else {
            parameters.u8("parameter length").map(u16::from)
        };
        let Ok(mut value) = parameters.inner("parameter", length?.into()) else { break };
        while kind == 2
            && capabilities.len() < 64
            && let Ok(number) = value.u8("capability")
        {
            let length = value.u8("capability length")?;
            let value = value.bytes("capability", length.into())?;
            if let (65, Ok(wide)) = (number, <[u8; 4]>::try_from(value)) {
                system = u32::from_be_bytes(wide);
            }
            capabilities.push((number, value));
        }
    }
    Ok(Open { system, hold_time, identifier, capabilities })
}

fn update(r: &mut Reader<'_>) -> Result<Update> {
    let mut update = Update::default();
    let length = r.u16("withdrawn length")?;
    let mut withdrawn = r.inner("withdrawn", length.into())?;
    (update.withdrawn, _) = count(&mut withdrawn);
    let length = r.u16("attributes length")?;
    let mut attributes = r.inner("attributes", length.into())?;
    while let Ok(flags) = attributes.u8("flags") {
        let kind = attributes.u8("attribute")?;
        let length = if flags & 0x10 == 0 {
            attributes.u8("attribute length")?.into()
        } else {
            attributes.u16("attribute length")?
        };
        let mut value = attributes.inner("attribute", length.into())?;
        match kind {
            3 => update.next_hop = Some(Ipv4Addr::from(value.take::<4>("next hop")?).into()),
            14 => reachable(&mut update, &mut value)?,
            15 => {
                value.skip("family", 3)?;
                update.withdrawn += count(&mut value).0;
            }
            _ => {}
        }
    }
    let (reached, default) = count(r);
    update.reached += reached;
    update.default |= default;
    Ok(update)
}

/// Reads what can be reached of another family (RFC 4760, 3).
fn reachable(update: &mut Update, r: &mut Reader<'_>) -> Result<()> {
    let family = r.u16("family")?;
    let subfamily = r.u8("subfamily")?;
    let length = r.u8("next hop length")?;
    let next_hop = r.bytes("next hop", length.into())?;
    r.u8("reserved")?;
    update.next_hop = match (family, next_hop.first_chunk::<4>(), next_hop.first_chunk::<16>()) {
        (1, Some(address), _) if length == 4 => Some(Ipv4Addr::from(*address).into()),
        (2, _, Some(address)) => Some(Ipv6Addr::from(*address).into()),
        _ => update.next_hop,
    };
    // Other families than plain routes have other prefixes.
    if matches!(family, 1 | 2) && matches!(subfamily, 1 | 2) {
        let (reached, default) = count(r);
        update.reached += reached;
        update.default |= default;
    }
    Ok(())
}

/// Counts prefixes, and says whether one of them is everywhere.
fn count(r: &mut Reader<'_>) -> (usize, bool) {
    let (mut prefixes, mut default) = (0, false);
    while prefixes < MOST_PREFIXES
        && let Ok(length) = r.u8("prefix length")
    {
        if r.skip("prefix", usize::from(length.div_ceil(8))).is_err() {
            break;
        }
        prefixes += 1;
        default |= length == 0;
    }
    (prefixes, default)
}

impl Open<'_> {
    /// Writes the message with its capabilities.
    pub fn emit(&self) -> Vec<u8> {
        let capabilities = self.capabilities.iter().fold(Writer::new(), |writer, (kind, value)| {
            let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
            writer.u8(*kind).u8(length).bytes(value)
        });
        let capabilities = capabilities.finish();
        let length = u8::try_from(capabilities.len()).unwrap_or(u8::MAX);
        // 23456 stands for numbers that need four bytes (RFC 6793).
        let body = Writer::new()
            .u8(1)
            .u8(4)
            .u16(u16::try_from(self.system).unwrap_or(23_456))
            .u16(self.hold_time)
            .bytes(&self.identifier.octets())
            .u8(length.saturating_add(2))
            .bytes(&[2, length])
            .bytes(&capabilities)
            .finish();
        Writer::new().bytes(&[0xff; 16]).sized_u16(18, &body).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const OPEN: &[u8] = &hex!(
        "ffffffffffffffffffffffffffffffff 0029 01 04 5ba0 00b4 c0000201 0c 02 0a 0104 00010001 02 00 46 00"
    );

    #[test]
    fn reads_who_speaks() {
        let message = Message::parse(OPEN).unwrap();
        let Body::Open(open) = message.body else { panic!("{message:?}") };
        assert_eq!((open.system, open.hold_time), (23_456, 180));
        assert_eq!(open.capabilities.len(), 3);
        assert_eq!(open.emit(), OPEN);
        crate::wire::refuses_every_truncation(OPEN, Message::parse);
    }

    #[test]
    fn reads_what_can_be_reached() {
        let update = hex!(
            "ffffffffffffffffffffffffffffffff 0032 02 0000 0012 40010100 4002040201fde8 400304c00002fe 00 18c63364 18cb0071"
        );
        let Body::Update(update) = Message::parse(&update).unwrap().body else { panic!() };
        assert_eq!((update.reached, update.default), (3, true));
        assert_eq!(update.next_hop, Some(Ipv4Addr::new(192, 0, 2, 254).into()));
    }

    #[test]
    fn refuses_another_stream_at_once() {
        assert!(!Message::parse(b"GET").unwrap_err().wants_more());
    }
}
