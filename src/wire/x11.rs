//! X11: the connection set-up and the server's answer (X Window System Protocol, section 8).

use super::{Error, Reader, Result, Writer, require};

/// The protocol's major version since 1987.
const MAJOR: u16 = 11;

/// The longest name that is read.
const LONGEST: usize = 256;

/// What a client begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetUp<'a> {
    /// The most significant byte goes first.
    pub big_endian: bool,
    /// How it authenticates, such as `MIT-MAGIC-COOKIE-1`. Its secret is not read.
    pub authentication: &'a [u8],
}

/// What a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Refused, with the reason.
    Failed(&'a [u8]),
    /// Let in.
    Success {
        /// The vendor's name.
        vendor: &'a [u8],
        /// The vendor's release number.
        release: u32,
        /// How many screens.
        screens: u8,
    },
}

/// Numbers in the order that the client chose.
struct Ordered<'a> {
    r: Reader<'a>,
    big_endian: bool,
}

impl Ordered<'_> {
    fn u16(&mut self, field: &'static str) -> Result<u16> {
        if self.big_endian { self.r.u16(field) } else { self.r.u16_le(field) }
    }

    fn u32(&mut self, field: &'static str) -> Result<u32> {
        if self.big_endian { self.r.u32(field) } else { self.r.u32_le(field) }
    }
}

impl<'a> SetUp<'a> {
    /// What asks to be let in without a word on why.
    pub const ASK: SetUp<'static> = SetUp { big_endian: false, authentication: b"" };

    /// Reads the set-up.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let order = r.u8("byte order")?;
        require("byte order", matches!(order, b'B' | b'l'))?;
        r.skip("unused", 1)?;
        let big_endian = order == b'B';
        let mut r = Ordered { r, big_endian };
        require("major version", r.u16("major version")? == MAJOR)?;
        require("minor version", r.u16("minor version")? == 0)?;
        let name = usize::from(r.u16("name length")?);
        let secret = usize::from(r.u16("secret length")?);
        require("name length", name <= LONGEST && secret <= LONGEST)?;
        r.r.skip("unused", 2)?;
        let authentication = r.r.bytes("name", name)?;
        Ok(Self { big_endian, authentication })
    }

    /// Writes the set-up, with a name and without a secret.
    pub fn emit(&self) -> Vec<u8> {
        let order = |number: u16| {
            if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
        };
        let name = self.authentication.get(..LONGEST).unwrap_or(self.authentication);
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        let padding = name.len().next_multiple_of(4) - name.len();
        Writer::new()
            .u8(if self.big_endian { b'B' } else { b'l' })
            .u8(0)
            .bytes(&order(MAJOR))
            .u16(0)
            .bytes(&order(length))
            .zeros(4)
            .bytes(name)
            .zeros(padding)
            .finish()
    }
}

impl<'a> Answer<'a> {
    /// Reads the answer. Its byte order shows in the version it repeats.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let result = r.u8("result")?;
        require("result", result <= 1)?;
        let reason = usize::from(r.u8("reason length")?);
        let big_endian = match r.take::<4>("version")? {
            [0, 11, 0, 0] => true,
            [11, 0, 0, 0] => false,
            _ => return Err(Error::Foreign { field: "version" }),
        };
        let mut r = Ordered { r, big_endian };
        let quads = usize::from(r.u16("length")?);
        if result == 0 {
            require("length", quads == reason.div_ceil(4) && reason > 0)?;
            let reason = r.r.bytes("reason", reason)?;
            return Ok(Self::Failed(reason));
        }
        let release = r.u32("release")?;
        r.r.skip("resources", 12)?;
        let vendor = usize::from(r.u16("vendor length")?);
        require("vendor length", vendor <= LONGEST)?;
        r.r.skip("longest request", 2)?;
        let screens = r.r.u8("screens")?;
        r.r.skip("formats", 1)?;
        require("image order", r.r.u8("image order")? <= 1)?;
        require("bit order", r.r.u8("bit order")? <= 1)?;
        for field in ["scanline unit", "scanline pad"] {
            require(field, matches!(r.r.u8(field)?, 8 | 16 | 32))?;
        }
        require("lowest key", r.r.u8("lowest key")? >= 8)?;
        r.r.skip("highest key and unused", 5)?;
        let vendor = r.r.bytes("vendor", vendor)?;
        Ok(Self::Success { vendor, release, screens })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    /// By hand: vendor `Example`, release 12101000, one screen.
    const SUCCESS: &[u8] = &hex!(
        "01 00 0b00 0000 0900 88a5b800 00002000 ffff1f00 00010000 0700 ffff 01 00 00 00 20 20 08 ff 00000000"
        "4578616d706c65 00"
    );

    #[test]
    fn reads_both_byte_orders() {
        let little = hex!("6c00 0b00 0000 0000 0000 0000");
        let big = hex!("4200 000b 0000 0000 0000 0000");
        assert_eq!(SetUp::ASK.emit(), little);
        assert_eq!(SetUp { big_endian: true, ..SetUp::ASK }.emit(), big);
        let named = SetUp { authentication: b"MIT-MAGIC-COOKIE-1", ..SetUp::ASK };
        assert_eq!(SetUp::parse(&named.emit()), Ok(named));
        assert!(!SetUp::parse(&little).unwrap().big_endian);
        assert!(SetUp::parse(&big).unwrap().big_endian);
        crate::wire::refuses_every_truncation(&little, SetUp::parse);
    }

    #[test]
    fn an_answer_names_the_vendor() {
        let Ok(Answer::Success { vendor, release, .. }) = Answer::parse(SUCCESS) else { panic!() };
        assert_eq!((vendor, release), (&b"Example"[..], 12_101_000));
        crate::wire::refuses_every_truncation(&SUCCESS[..47], Answer::parse);
    }
}
