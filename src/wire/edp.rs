//! EDP: an Extreme switch says what it is (Extreme's format, never standardised).

use super::{Reader, Result, require};

/// The mark before each field.
const MARK: u8 = 0x99;

/// How many fields are read.
const MOST_FIELDS: usize = 64;

/// What a neighbour says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edp<'a> {
    /// Its hardware address.
    pub mac: [u8; 6],
    /// Its name.
    pub name: Option<&'a [u8]>,
    /// Slot and port on this wire, both from 0.
    pub port: Option<(u16, u16)>,
    /// Its software's four numbers.
    pub version: Option<[u8; 4]>,
    /// Names of its virtual networks, with their numbers.
    pub vlans: Vec<(u16, &'a [u8])>,
}

impl<'a> Edp<'a> {
    /// Reads what follows the SNAP header; what is cut is left out.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("version", 1)?;
        r.expect("reserved", 0)?;
        let length = r.u16("length")?;
        require("length", length >= 16)?;
        r.skip("checksum and sequence", 4)?;
        r.expect_u16("identity kind", 0)?;
        let mac = r.take("identity")?;
        let mut edp = Self { mac, name: None, port: None, version: None, vlans: Vec::new() };
        for _ in 0..MOST_FIELDS {
            if edp.field(&mut r).is_err() {
                break;
            }
        }
        Ok(edp)
    }

    fn field(&mut self, r: &mut Reader<'a>) -> Result<()> {
        r.expect("mark", MARK)?;
        let kind = r.u8("type")?;
        let length = r.u16("length")?;
        require("length", length >= 4)?;
        let mut value = r.inner("value", usize::from(length) - 4)?;
        match kind {
            1 => self.name = Some(until_zero(value.rest())),
            2 => {
                self.port = Some((value.u16("slot")?, value.u16("port")?));
                value.skip("chassis", 8)?;
                self.version = Some(value.take("version")?);
            }
            5 => {
                value.skip("flags", 2)?;
                let number = value.u16("vlan")?;
                value.skip("address", 8)?;
                self.vlans.push((number, until_zero(value.rest())));
            }
            _ => {}
        }
        Ok(())
    }
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const SAID: &[u8] = &hex!(
        "01 00 0044 0000 0001 0000 00005e005301
         99020024 0000 0003 0000000000000000 0f070103 00000000000000000000000000000000
         99010008 73773100 99000004"
    );

    #[test]
    fn reads_name_port_and_version() {
        let edp = Edp::parse(SAID).unwrap();
        assert_eq!(edp.name, Some(&b"sw1"[..]));
        assert_eq!((edp.port, edp.version), (Some((0, 3)), Some([15, 7, 1, 3])));
        crate::wire::refuses_every_truncation(&SAID[..16], Edp::parse);
    }
}
