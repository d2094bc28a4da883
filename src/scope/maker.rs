//! Makers of equipment, by the beginning of the hardware addresses they give: those of medical devices are fragile.

use std::{fmt, str::FromStr, sync::LazyLock};

/// The beginning of a hardware address that the IEEE gave to one maker: 24, 28 or 36 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Maker {
    /// The bits, at the upper end of 48.
    prefix: u64,
    bits: u8,
}

/// Why something is no beginning of a hardware address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no beginning of a hardware address; write its first 6, 7 or 9 digits, such as 00:40:d1"
)]
pub struct Error(String);

/// The makers that are fragile without anybody's saying so: a prefix, a name and a source on each line.
static BUILT_IN: LazyLock<Vec<(Maker, &str)>> = LazyLock::new(|| {
    let lines = include_str!("../../signatures/fragile-makers.tsv").lines();
    let maker = |line: &'static str| {
        let mut parts = line.split('\t');
        let maker = parts.next()?.parse().ok()?;
        Some((maker, parts.next()?))
    };
    lines.filter(|line| !line.starts_with('#')).filter_map(maker).collect()
});

impl Maker {
    /// The makers of medical devices that come with the program, with their names.
    pub fn built_in() -> &'static [(Self, &'static str)] {
        &BUILT_IN
    }

    /// Whether a hardware address begins so.
    pub fn made(self, mac: [u8; 6]) -> bool {
        let number = mac.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        (number ^ self.prefix) >> (48 - u32::from(self.bits)) == 0
    }
}

impl From<[u8; 3]> for Maker {
    fn from(bytes: [u8; 3]) -> Self {
        let prefix = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Self { prefix: prefix << 24, bits: 24 }
    }
}

impl FromStr for Maker {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error(super::target::shown(text));
        let digits: String = text.chars().filter(|c| !":-.".contains(*c)).collect();
        let bits = match digits.len() {
            6 => 24,
            7 => 28,
            9 => 36,
            _ => return Err(wrong()),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let number = u64::from_str_radix(&digits, 16).map_err(|_| wrong())?;
        Ok(Self { prefix: number << (48 - u32::from(bits)), bits })
    }
}

impl fmt::Display for Maker {
    /// Digits by twos with colons between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in 0..self.bits / 4 {
            if place > 0 && place % 2 == 0 {
                f.write_str(":")?;
            }
            write!(f, "{:x}", (self.prefix >> (44 - 4 * u32::from(place))) & 0xf)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_of_the_list_is_read_and_has_a_name_and_a_source() {
        let text = include_str!("../../signatures/fragile-makers.tsv");
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        for line in &lines {
            let parts: Vec<&str> = line.split('\t').collect();
            assert!(
                matches!(*parts, [_, name, source] if !name.is_empty() && !source.is_empty()),
                "{line}"
            );
            assert!(parts[0].parse::<Maker>().is_ok(), "{line}");
            assert_eq!(parts[0].parse::<Maker>().unwrap().to_string(), parts[0], "{line}");
        }
        assert_eq!(Maker::built_in().len(), lines.len());
        let makers: BTreeSet<_> = Maker::built_in().iter().map(|(maker, _)| maker).collect();
        assert_eq!(makers.len(), lines.len(), "a prefix stands there twice");
        let names: BTreeSet<_> = Maker::built_in().iter().map(|(_, name)| name).collect();
        assert!(names.len() >= 25, "only {} makers", names.len());
    }

    #[test]
    fn a_prefix_of_any_length_is_read_and_compared_by_its_bits() {
        let block: Maker = "84:11:C2:3".parse().unwrap();
        assert_eq!(block.to_string(), "84:11:c2:3");
        assert!(block.made([0x84, 0x11, 0xc2, 0x3f, 0, 1]));
        assert!(!block.made([0x84, 0x11, 0xc2, 0x4f, 0, 1]));
        assert_eq!("0040d1".parse(), Ok(Maker::from([0, 0x40, 0xd1])));
        assert!(Maker::from([0, 0x40, 0xd1]).made([0, 0x40, 0xd1, 9, 9, 9]));
        assert_eq!("70-b3-d5-c4-e".parse::<Maker>().unwrap().to_string(), "70:b3:d5:c4:e");
        for text in ["", "00:40", "00:40:dx", "00:40:d1:00", "+040d1"] {
            assert!(text.parse::<Maker>().is_err(), "{text}");
        }
    }
}
