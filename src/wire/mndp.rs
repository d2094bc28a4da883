//! MNDP: a `MikroTik` says what it is, in UDP 5678 (its maker's format, never standardised).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Reader, Result, Writer, require};

/// Asks every router to say what it is.
pub const ASK: [u8; 4] = [0; 4];

/// How many fields are read.
const MOST_FIELDS: usize = 64;

/// What a router says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mndp<'a> {
    /// Its hardware address.
    pub mac: [u8; 6],
    /// Its name.
    pub identity: &'a [u8],
    /// Its software's version.
    pub version: &'a [u8],
    /// Who made it.
    pub platform: &'a [u8],
    /// For how many seconds it runs.
    pub uptime: Option<u32>,
    /// The number of its licence.
    pub software_id: &'a [u8],
    /// Its model.
    pub board: &'a [u8],
    /// The interface it says this on.
    pub interface: &'a [u8],
    /// An address of it.
    pub ipv4: Option<Ipv4Addr>,
    /// An address of it.
    pub ipv6: Option<Ipv6Addr>,
}

impl<'a> Mndp<'a> {
    /// Reads a message that begins with the hardware address and is filled exactly by its fields.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.skip("header", 4)?;
        r.expect_u16("first type", 1)?;
        r.expect_u16("first length", 6)?;
        let mut mndp = Self { mac: r.take("mac")?, ..Self::default() };
        for _ in 0..MOST_FIELDS {
            if r.is_empty() {
                break;
            }
            let kind = r.u16("type")?;
            require("type", (1..=64).contains(&kind))?;
            let length = r.u16("length")?;
            let mut value = r.inner("value", length.into())?;
            let all = value.rest();
            match (kind, length) {
                (5, _) => mndp.identity = all,
                (7, _) => mndp.version = all,
                (8, _) => mndp.platform = all,
                (10, 4) => mndp.uptime = Some(value.u32_le("uptime")?),
                (11, _) => mndp.software_id = all,
                (12, _) => mndp.board = all,
                (15, 16) => mndp.ipv6 = Some(value.take::<16>("ipv6")?.into()),
                (16, _) => mndp.interface = all,
                (17, 4) => mndp.ipv4 = Some(value.take::<4>("ipv4")?.into()),
                _ => {}
            }
        }
        require("end", r.is_empty())?;
        Ok(mndp)
    }

    /// Writes the fields that are known.
    pub fn emit(&self) -> Vec<u8> {
        let mut writer = Writer::new().u32(0).u16(1).sized_u16(0, &self.mac);
        let texts = [
            (5, self.identity),
            (7, self.version),
            (8, self.platform),
            (11, self.software_id),
            (12, self.board),
            (16, self.interface),
        ];
        for (kind, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            writer = writer.u16(kind).sized_u16(0, text);
        }
        if let Some(uptime) = self.uptime {
            writer = writer.u16(10).sized_u16(0, &uptime.to_le_bytes());
        }
        if let Some(address) = self.ipv4 {
            writer = writer.u16(17).sized_u16(0, &address.octets());
        }
        if let Some(address) = self.ipv6 {
            writer = writer.u16(15).sized_u16(0, &address.octets());
        }
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn reads_what_it_writes() {
        let said = Mndp {
            mac: [0, 0, 0x5e, 0, 0x53, 1],
            identity: b"gw",
            version: b"7.11.2 (stable)",
            platform: b"MikroTik",
            uptime: Some(86_400),
            board: b"hEX",
            ipv4: Some(Ipv4Addr::new(192, 0, 2, 1)),
            ..Mndp::default()
        };
        let bytes = said.emit();
        assert_eq!(Mndp::parse(&bytes).unwrap(), said);
        crate::wire::refuses_every_truncation(&bytes[..14], Mndp::parse);
    }

    #[test]
    fn refuses_fields_that_do_not_fit() {
        assert!(Mndp::parse(&hex!("00000000 0001 0006 00005e005301 0005 0009 6777")).is_err());
        assert!(!Mndp::parse(&hex!("1a2b 0100 0001 0000 0000")).unwrap_err().wants_more());
    }
}
