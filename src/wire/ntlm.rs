//! NTLM: the three messages of a logon, of which the second tells who the server is (MS-NLMP 2.2).

use super::{Error, Reader, Result, Writer, require};

/// What every message begins with.
pub const SIGNATURE: &[u8] = b"NTLMSSP\0";

/// Flags, as far as reading needs them (MS-NLMP 2.2.2.5).
mod flag {
    pub(super) const UNICODE: u32 = 0x0000_0001;
    pub(super) const VERSION: u32 = 0x0200_0000;
}

/// How many pairs of target information are read; Windows sends seven.
const MOST_PAIRS: usize = 32;

/// What a client asks for that wants to be told everything: Unicode, target information, version.
const ASK_FLAGS: u32 = 0xe288_8207;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A client begins.
    Negotiate {
        /// The client's Windows version.
        version: Option<Version>,
    },
    /// A server answers.
    Challenge(Box<Challenge>),
    /// A client logs on. Its user's name and proof are not read.
    Authenticate {
        /// The domain or computer that the user belongs to.
        domain: String,
        /// The client's NetBIOS name.
        workstation: String,
        /// The client's Windows version.
        version: Option<Version>,
    },
}

/// A Windows version; the build is that of the base release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Version {
    /// 10 for Windows 10 and later.
    pub major: u8,
    /// Minor version.
    pub minor: u8,
    /// The build.
    pub build: u16,
}

/// Who a server says it is. What it does not say is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Challenge {
    /// The realm a logon would go to: the domain or the computer.
    pub target: String,
    /// NetBIOS name of the computer.
    pub computer: String,
    /// NetBIOS name of the domain.
    pub domain: String,
    /// DNS name of the computer.
    pub dns_computer: String,
    /// DNS name of the domain.
    pub dns_domain: String,
    /// DNS name of the forest.
    pub forest: String,
    /// The server's clock: 100 ns since 1601-01-01 UTC.
    pub time: Option<u64>,
    /// The server's Windows version.
    pub version: Option<Version>,
}

/// Where a field stands in its message.
struct Field {
    length: u16,
    offset: u32,
}

impl Field {
    fn read(r: &mut Reader<'_>, name: &'static str) -> Result<Self> {
        let length = r.u16_le(name)?;
        r.skip(name, 2)?;
        Ok(Self { length, offset: r.u32_le(name)? })
    }

    /// The field's bytes; nothing where it lies outside.
    fn of<'a>(&self, message: &'a [u8]) -> &'a [u8] {
        let offset = self.offset as usize;
        message.get(offset..offset.saturating_add(self.length.into())).unwrap_or_default()
    }
}

impl Message {
    /// Reads the message that `bytes` begin with.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect_bytes("signature", SIGNATURE)?;
        match r.u32_le("type")? {
            1 => {
                let flags = r.u32_le("flags")?;
                Ok(Self::Negotiate { version: version_at(bytes, 32, flags) })
            }
            2 => {
                let target = Field::read(&mut r, "target")?;
                let flags = r.u32_le("flags")?;
                r.skip("challenge and reserved", 16)?;
                let information = Field::read(&mut r, "target information")?;
                let mut challenge = Challenge {
                    target: text(target.of(bytes), flags),
                    version: version_at(bytes, 48, flags),
                    ..Challenge::default()
                };
                challenge.read_pairs(information.of(bytes));
                Ok(Self::Challenge(Box::new(challenge)))
            }
            3 => {
                r.skip("responses", 16)?;
                let domain = Field::read(&mut r, "domain")?;
                r.skip("user", 8)?;
                let workstation = Field::read(&mut r, "workstation")?;
                r.skip("key", 8)?;
                let flags = r.u32_le("flags")?;
                Ok(Self::Authenticate {
                    domain: text(domain.of(bytes), flags),
                    workstation: text(workstation.of(bytes), flags),
                    version: version_at(bytes, 64, flags),
                })
            }
            _ => Err(Error::Foreign { field: "type" }),
        }
    }

    /// Reads the first message inside `bytes`, whatever wraps it (SPNEGO, CredSSP, base64 undone).
    pub fn find(bytes: &[u8]) -> Result<Self> {
        let at = memchr::memmem::find(bytes, SIGNATURE);
        require("signature", at.is_some())?;
        Self::parse(bytes.get(at.unwrap_or_default()..).unwrap_or_default())
    }

    /// Writes the message that asks a server who it is. No logon follows from it.
    pub fn ask() -> Vec<u8> {
        Writer::new()
            .bytes(SIGNATURE)
            .bytes(&1u32.to_le_bytes())
            .bytes(&ASK_FLAGS.to_le_bytes())
            .bytes(&[0; 16])
            .bytes(&[10, 0])
            .bytes(&19_041u16.to_le_bytes())
            .bytes(&[0, 0, 0, 15])
            .finish()
    }
}

impl Challenge {
    fn read_pairs(&mut self, bytes: &[u8]) {
        let mut r = Reader::new(bytes);
        for _ in 0..MOST_PAIRS {
            let (Ok(kind), Ok(length)) = (r.u16_le("pair"), r.u16_le("pair")) else { return };
            let value = r.bytes_up_to(length.into());
            let name = match kind {
                0 => return,
                1 => &mut self.computer,
                2 => &mut self.domain,
                3 => &mut self.dns_computer,
                4 => &mut self.dns_domain,
                5 => &mut self.forest,
                7 => {
                    self.time = value.first_chunk().map(|time| u64::from_le_bytes(*time));
                    continue;
                }
                _ => continue,
            };
            *name = text(value, flag::UNICODE);
        }
    }
}

/// The version at its fixed place, where the flags say that one is there.
fn version_at(bytes: &[u8], at: usize, flags: u32) -> Option<Version> {
    let [major, minor, low, high] = *bytes.get(at..)?.first_chunk()?;
    let build = u16::from_le_bytes([low, high]);
    (flags & flag::VERSION != 0 && major != 0).then_some(Version { major, minor, build })
}

/// A name, in UTF-16LE or in the sender's code page.
fn text(bytes: &[u8], flags: u32) -> String {
    if flags & flag::UNICODE == 0 {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let (units, _) = bytes.as_chunks::<2>();
    char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)))
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    /// By hand: domain `EX`, target information with computer `A`, time 1 and version 10.0.17763.
    const CHALLENGE: &[u8] = &hex!(
        "4e544c4d53535000 02000000 0400 0400 38000000 058289e2 0102030405060708 0000000000000000"
        "1600 1600 3c000000 0a00634500 00000f 4500 5800"
        "0100 0200 4100 0700 0800 0100000000000000 0000 0000"
    );

    #[test]
    fn a_challenge_tells_who_the_server_is() {
        let Ok(Message::Challenge(challenge)) = Message::parse(CHALLENGE) else { panic!() };
        assert_eq!((&*challenge.target, &*challenge.computer), ("EX", "A"));
        assert_eq!(challenge.time, Some(1));
        assert_eq!(challenge.version, Some(Version { major: 10, minor: 0, build: 17_763 }));
    }

    #[test]
    fn finds_the_message_inside_another() {
        let wrapped = [&[0xa1, 0x81, 0x99][..], CHALLENGE].concat();
        assert_eq!(Message::find(&wrapped), Message::parse(CHALLENGE));
    }

    #[test]
    fn refuses_every_truncation_of_the_header() {
        crate::wire::refuses_every_truncation(&CHALLENGE[..48], Message::parse);
    }

    #[test]
    fn what_we_ask_reads_back() {
        let version = Some(Version { major: 10, minor: 0, build: 19_041 });
        assert_eq!(Message::parse(&Message::ask()), Ok(Message::Negotiate { version }));
    }
}
