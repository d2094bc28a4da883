//! `AnyDesk` inside TLS: the name of its servers in a client's greeting, and its own certificates
//! (RFC 5246 7.4.1.2 and 7.4.2, RFC 6066 3; TLS 1.3 hides the certificates).

use super::{Error, Reader, Result, require};

/// Kinds of TLS records and handshake messages.
mod tls {
    pub(super) const HANDSHAKE: u8 = 22;
    pub(super) const CLIENT_HELLO: u8 = 1;
    pub(super) const SERVER_HELLO: u8 = 2;
    pub(super) const CERTIFICATE: u8 = 11;
}

/// How far certificates are looked for.
const LONGEST: usize = 8192;

/// Names in its certificates, the most telling first.
const NAMES: [&str; 5] = [
    "AnyDesk Client",
    "AnyNet Relay",
    "AnyNet Root CA",
    "AnyDesk Software GmbH",
    "philandro Software GmbH",
];

/// What shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign<'a> {
    /// A client asks for one of its servers.
    Asked(&'a [u8]),
    /// A side shows one of its certificates.
    Certificate {
        /// The name found in it.
        name: &'static str,
        /// A server shows it.
        server: bool,
    },
}

impl<'a> Sign<'a> {
    /// Looks for it in the beginning of a TLS stream.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("record", tls::HANDSHAKE)?;
        r.expect("version", 3)?;
        require("version", r.u8("version")? <= 4)?;
        let length = usize::from(r.u16("length")?);
        match r.clone().u8("message")? {
            tls::CLIENT_HELLO => {
                let name = server_name(&mut Reader::new(r.bytes("greeting", length)?));
                let name = name.map_err(|_| Error::Foreign { field: "server name" })?;
                let lower = name.to_ascii_lowercase();
                require("server name", lower.ends_with(b".net.anydesk.com"))?;
                Ok(Self::Asked(name))
            }
            first @ (tls::SERVER_HELLO | tls::CERTIFICATE) => {
                let server = first == tls::SERVER_HELLO;
                let window = bytes.get(..LONGEST).unwrap_or(bytes);
                let found = |name: &&&str| memchr::memmem::find(window, name.as_bytes()).is_some();
                if let Some(name) = NAMES.iter().find(found) {
                    return Ok(Self::Certificate { name, server });
                }
                // Certificates come before anything but handshake records does.
                r.skip("record", length)?;
                while !r.is_empty() && r.position() < LONGEST {
                    r.expect("record", tls::HANDSHAKE)?;
                    r.skip("version", 2)?;
                    let length = usize::from(r.u16("length")?);
                    r.skip("record", length)?;
                }
                require("certificate", r.position() < LONGEST)?;
                Err(Error::Truncated { field: "certificate", missing: 1 })
            }
            _ => Err(Error::Foreign { field: "message" }),
        }
    }
}

/// The server name that a greeting asks for.
fn server_name<'a>(r: &mut Reader<'a>) -> Result<&'a [u8]> {
    r.skip("header, version and random", 38)?;
    let session = r.u8("session")?;
    r.skip("session", session.into())?;
    let ciphers = r.u16("ciphers")?;
    r.skip("ciphers", ciphers.into())?;
    let compression = r.u8("compression")?;
    r.skip("compression", compression.into())?;
    r.skip("extensions", 2)?;
    loop {
        let kind = r.u16("extension")?;
        let length = usize::from(r.u16("extension")?);
        let mut extension = r.inner("extension", length)?;
        if kind == 0 {
            extension.skip("list and kind", 3)?;
            let length = usize::from(extension.u16("server name")?);
            return extension.bytes("server name", length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    fn greeting(name: &[u8]) -> Vec<u8> {
        let sized =
            |body: &[u8]| [&u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat();
        let list = sized(&[&[0][..], &sized(name)].concat());
        let extensions = sized(&[&[0, 0][..], &sized(&list)].concat());
        let hello =
            [&hex!("0303")[..], &[7; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0], &extensions].concat();
        let length = u32::try_from(hello.len()).unwrap().to_be_bytes();
        let message = [&[1][..], &length[1..], &hello].concat();
        [&hex!("160301")[..], &sized(&message)].concat()
    }

    #[test]
    fn a_client_asks_for_a_relay() {
        let ask = greeting(b"relay-0123.net.anydesk.com");
        assert_eq!(Sign::parse(&ask), Ok(Sign::Asked(b"relay-0123.net.anydesk.com")));
        crate::wire::refuses_every_truncation(&ask, Sign::parse);
        assert!(!Sign::parse(&greeting(b"www.example.com")).unwrap_err().wants_more());
    }
}
