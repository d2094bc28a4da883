//! VNC's remote framebuffer protocol, up to the security chosen (RFC 6143 7.1; `VeNCrypt` and repeaters as their makers describe them).

use super::{Error, Reader, Result, require};

/// What both sides begin with.
const MARK: &[u8] = b"RFB ";

/// How long a version line is.
pub const LINE: usize = 12;

/// How long the host or number is that goes to a repeater.
pub const REPEATER: usize = 250;

/// How much of a server's text is read: a reason, a desktop's name.
const LONGEST_TEXT: u32 = 1024;

/// Security types that lead to TLS.
pub mod security {
    /// No authentication.
    pub const NONE: u8 = 1;
    /// TLS at once.
    pub const TLS: u8 = 18;
    /// Sub types, most of them with TLS.
    pub const VENCRYPT: u8 = 19;
}

/// A version line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Major version.
    pub major: u16,
    /// Minor version.
    pub minor: u16,
}

/// What a server says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server<'a> {
    /// Its version.
    pub version: Version,
    /// Its security types.
    pub security: Security<'a>,
    /// `VeNCrypt` sub types, four bytes each.
    pub sub_types: &'a [u8],
    /// The desktop's name, where nothing but its reading is needed to see it.
    pub desktop: Option<&'a [u8]>,
    /// Where TLS may begin.
    pub tls_at: Option<usize>,
    /// More bytes would tell more.
    pub more: bool,
}

/// A server's security types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security<'a> {
    /// Not said yet.
    Unsaid,
    /// The server decided (version 3.3).
    Decided(u32),
    /// The client may choose.
    Offered(&'a [u8]),
    /// Nobody is let in, for this reason.
    Refused(&'a [u8]),
}

/// What a client says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The version it wants.
    pub version: Version,
    /// The security type it chose.
    pub chosen: Option<u8>,
    /// The `VeNCrypt` sub type it chose.
    pub sub_type: Option<u32>,
    /// Where TLS may begin.
    pub tls_at: Option<usize>,
    /// More bytes would tell more.
    pub more: bool,
}

impl Version {
    /// A repeater, which asks whom to connect to.
    pub const REPEATER: Self = Self { major: 0, minor: 0 };

    /// Reads the line.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::read(&mut Reader::new(bytes))
    }

    fn read(r: &mut Reader<'_>) -> Result<Self> {
        r.expect_bytes("mark", MARK)?;
        let number = |r: &mut Reader<'_>| {
            let mut number = 0u16;
            for _ in 0..3 {
                let digit = r.u8("version")?;
                require("version", digit.is_ascii_digit())?;
                number = number * 10 + u16::from(digit - b'0');
            }
            Ok(number)
        };
        let major = number(r)?;
        r.expect("dot", b'.')?;
        let minor = number(r)?;
        r.expect("line end", b'\n')?;
        Ok(Self { major, minor })
    }

    /// Writes the line.
    pub fn emit(self) -> Vec<u8> {
        format!("RFB {:03}.{:03}\n", self.major, self.minor).into_bytes()
    }

    /// Whether the server decides on security, as before version 3.7.
    fn server_decides(self) -> bool {
        self.major == 3 && self.minor < 7
    }
}

impl<'a> Server<'a> {
    /// Reads a server's stream. What follows the list depends on what the client said, if it is known.
    pub fn parse(bytes: &'a [u8], client: Option<Version>) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let version = Version::read(&mut r)?;
        let mut server = Self {
            version,
            security: Security::Unsaid,
            sub_types: &[],
            desktop: None,
            tls_at: None,
            more: false,
        };
        let spoken = client.map_or(version, |client| client.min(version));
        if version != Version::REPEATER {
            server.more = match server.read_on(&mut r, spoken) {
                Err(Error::Truncated { .. }) => true,
                // What follows the line does not undo the line.
                Err(_) | Ok(()) => false,
            };
        }
        Ok(server)
    }

    fn read_on(&mut self, r: &mut Reader<'a>, spoken: Version) -> Result<()> {
        if spoken.server_decides() {
            let decided = r.u32("security")?;
            if decided == 0 {
                self.security = Security::Refused(text(r)?);
                return Ok(());
            }
            self.security = Security::Decided(decided);
            if decided == u32::from(security::NONE) {
                self.desktop = Some(desktop(r)?);
            }
            return Ok(());
        }
        let count = r.u8("security")?;
        if count == 0 {
            self.security = Security::Refused(text(r)?);
            return Ok(());
        }
        let types = r.bytes("security", count.into())?;
        self.security = Security::Offered(types);
        if types == [security::NONE] {
            if spoken.minor >= 8 {
                r.expect_u32("result", 0)?;
            }
            self.desktop = Some(desktop(r)?);
        } else if types.contains(&security::TLS) || types.contains(&security::VENCRYPT) {
            // A client that chose TLS or VeNCrypt is seen by what the server says next.
            if r.clone().expect_bytes("TLS", &[0x16, 3]).is_ok() {
                self.tls_at = Some(r.position());
                return Ok(());
            }
            r.expect_bytes("VeNCrypt", &[0, 2, 0])?;
            let count = usize::from(r.u8("sub types")?);
            self.sub_types = r.bytes("sub types", 4 * count)?;
            r.expect("sub type taken", 1)?;
            self.tls_at = Some(r.position());
        }
        Ok(())
    }
}

/// A text behind its length.
fn text<'a>(r: &mut Reader<'a>) -> Result<&'a [u8]> {
    let length = r.u32("text length")?;
    require("text length", length <= LONGEST_TEXT)?;
    r.bytes("text", length as usize)
}

/// The name in a server's initialisation, behind the screen's size and format.
fn desktop<'a>(r: &mut Reader<'a>) -> Result<&'a [u8]> {
    r.skip("screen", 20)?;
    text(r)
}

impl Client {
    /// Reads a client's stream.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let version = Version::read(&mut r)?;
        let mut client = Self { version, chosen: None, sub_type: None, tls_at: None, more: false };
        if !version.server_decides() {
            client.more = match client.read_on(&mut r) {
                Err(Error::Truncated { .. }) => true,
                Err(_) | Ok(()) => false,
            };
        }
        Ok(client)
    }

    fn read_on(&mut self, r: &mut Reader<'_>) -> Result<()> {
        let chosen = r.u8("security")?;
        self.chosen = Some(chosen);
        match chosen {
            security::TLS => self.tls_at = Some(r.position()),
            security::VENCRYPT => {
                r.expect_bytes("VeNCrypt", &[0, 2])?;
                self.sub_type = Some(r.u32("sub type")?);
                self.tls_at = Some(r.position());
            }
            _ => {}
        }
        Ok(())
    }
}

/// Reads the number with which a server or viewer meets its other half at a repeater.
pub fn repeater_number(bytes: &[u8]) -> Result<&[u8]> {
    let mut r = Reader::new(bytes);
    r.expect_bytes("mark", b"ID:")?;
    let rest = r.bytes("number", REPEATER - 3)?;
    let number = rest.split(|byte| *byte == 0).next().unwrap_or_default();
    require("number", (1..=16).contains(&number.len()))?;
    require("number", number.iter().all(u8::is_ascii_alphanumeric))?;
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const LINE_38: &[u8] = b"RFB 003.008\n";
    const V38: Version = Version { major: 3, minor: 8 };

    #[test]
    fn reads_the_line() {
        assert_eq!(Version::parse(LINE_38), Ok(V38));
        assert_eq!(V38.emit(), LINE_38);
        crate::wire::refuses_every_truncation(LINE_38, Version::parse);
    }

    #[test]
    fn a_server_without_a_password_shows_its_desktop() {
        let bytes = [
            LINE_38,
            &hex!("0101 00000000 03200258 2018000100ff00ff00ff100800000000 00000002 6869"),
        ]
        .concat();
        let server = Server::parse(&bytes, None).unwrap();
        assert_eq!(server.desktop, Some(&b"hi"[..]));
        assert!(!server.more);
        assert!(Server::parse(&bytes[..40], None).unwrap().more);
    }

    #[test]
    fn tls_begins_behind_the_sub_type() {
        let server = [LINE_38, &hex!("021302 0002 00 02 00000102 00000105 01 1603")].concat();
        let server = Server::parse(&server, Some(V38)).unwrap();
        assert_eq!((server.sub_types.len(), server.tls_at), (8, Some(28)));
        let client = [LINE_38, &hex!("13 0002 00000102 1603")].concat();
        let client = Client::parse(&client).unwrap();
        assert_eq!((client.sub_type, client.tls_at), (Some(258), Some(19)));
    }

    #[test]
    fn an_old_client_lets_the_server_decide() {
        let bytes = [LINE_38, &hex!("00000002")].concat();
        let old = Version { major: 3, minor: 3 };
        let server = Server::parse(&bytes, Some(old)).unwrap();
        assert_eq!(server.security, Security::Decided(2));
    }

    #[test]
    fn a_refusal_tells_why() {
        let bytes = [LINE_38, &hex!("00 00000003 627961")].concat();
        assert_eq!(Server::parse(&bytes, None).unwrap().security, Security::Refused(b"bya"));
    }
}
