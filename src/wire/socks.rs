//! SOCKS 4, 4a and 5: what a client asks of a proxy, and what it answers (RFC 1928, 1929; SOCKS 4 and 4a memos).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Error, Reader, Result, Writer, require};

/// Versions.
mod version {
    pub(super) const FOUR: u8 = 4;
    pub(super) const FIVE: u8 = 5;
    pub(super) const PASSWORD: u8 = 1;
}

/// How many ways to log on a client may offer.
const MOST_METHODS: u8 = 10;

/// The longest user's name or host in SOCKS 4.
const LONGEST_TEXT: usize = 256;

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// An address, or a host's name.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What a client says. Names and passwords are read over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client<'a> {
    /// `4`, `4a` or `5`.
    pub version: &'static str,
    /// Ways to log on that are offered (SOCKS 5).
    pub methods: &'a [u8],
    /// A name and password were given.
    pub password: bool,
    /// The request: its command, and where to.
    pub request: Option<(u8, Destination)>,
    /// How many bytes it takes.
    pub length: usize,
    /// More bytes would tell more.
    pub more: bool,
}

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Server {
    /// SOCKS 5: the way to log on; 255 refuses.
    Method(u8),
    /// SOCKS 5: whether the password was right; 0 is yes.
    Password(u8),
    /// The answer to a request: version, code, and the address it is reached from outside.
    Reply(u8, u8, Destination),
}

impl<'a> Client<'a> {
    /// Reads a client's stream.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        match r.u8("version")? {
            version::FOUR => Self::four(r),
            version::FIVE => Self::five(r),
            _ => Err(Error::Foreign { field: "version" }),
        }
    }

    fn four(mut r: Reader<'a>) -> Result<Self> {
        let command = r.u8("command")?;
        require("command", matches!(command, 1 | 2))?;
        let port = r.u16("port")?;
        require("port", port != 0)?;
        let address = r.take::<4>("address")?;
        let readable = |text: &[u8]| text.iter().all(|byte| (b' '..0x7f).contains(byte));
        let so_far = r.rest().split(|byte| *byte == 0).next().unwrap_or_default();
        require("user", readable(so_far))?;
        r.until("user", &[0], LONGEST_TEXT)?;
        let (version, host) = match address {
            [0, 0, 0, last] if last != 0 => {
                let so_far = r.rest().split(|byte| *byte == 0).next().unwrap_or_default();
                require("host", is_host(so_far) || so_far.is_empty())?;
                let host = r.until("host", &[0], LONGEST_TEXT)?;
                require("host", is_host(host))?;
                ("4a", String::from_utf8_lossy(host).into_owned())
            }
            _ => ("4", Ipv4Addr::from(address).to_string()),
        };
        let request = Some((command, Destination { host, port }));
        let length = r.position();
        Ok(Self { version, methods: &[], password: false, request, length, more: false })
    }

    fn five(mut r: Reader<'a>) -> Result<Self> {
        let count = r.u8("method count")?;
        require("method count", (1..=MOST_METHODS).contains(&count))?;
        let known = |method: &u8| matches!(method, 0..=9 | 0x80..=0xfe);
        let so_far = r.rest().get(..count.into()).unwrap_or(r.rest());
        require("methods", so_far.iter().all(known))?;
        let methods = r.bytes("methods", count.into())?;
        let twice = methods
            .iter()
            .enumerate()
            .any(|(at, method)| methods.get(..at).is_some_and(|before| before.contains(method)));
        require("methods", !twice)?;
        let mut client = Self {
            version: "5",
            methods,
            password: false,
            request: None,
            length: r.position(),
            more: false,
        };
        match client.read_on(&mut r) {
            Err(Error::Truncated { .. }) => client.more = true,
            // What follows is told by a way to log on that we do not know.
            Err(_) => require("request", methods.iter().any(|method| !matches!(method, 0 | 2)))?,
            Ok(()) => client.length = r.position(),
        }
        Ok(client)
    }

    fn read_on(&mut self, r: &mut Reader<'a>) -> Result<()> {
        if self.methods.contains(&2) && r.rest().first() == Some(&version::PASSWORD) {
            r.skip("version", 1)?;
            for field in ["user", "password"] {
                let length = r.u8(field)?;
                require(field, length > 0)?;
                r.skip(field, length.into())?;
            }
            self.password = true;
        }
        r.expect("version", version::FIVE)?;
        let command = r.u8("command")?;
        require("command", (1..=3).contains(&command))?;
        r.expect("reserved", 0)?;
        self.request = Some((command, destination(r)?));
        Ok(())
    }
}

impl Server {
    /// Reads a server's message, and tells how many bytes it takes.
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize)> {
        let mut r = Reader::new(bytes);
        let version = r.u8("version")?;
        let code = r.u8("code")?;
        match version {
            0 => {
                require("code", (0x5a..=0x5d).contains(&code))?;
                let port = r.u16("port")?;
                let host = Ipv4Addr::from(r.take::<4>("address")?).to_string();
                Ok((Self::Reply(4, code, Destination { host, port }), r.position()))
            }
            version::PASSWORD => {
                require("end", r.is_empty() || r.rest().first() == Some(&version::FIVE))?;
                Ok((Self::Password(code), r.position()))
            }
            version::FIVE => {
                // A reply has a reserved byte where a choice has ended.
                if r.rest().first() != Some(&0) {
                    require("end", r.is_empty() || matches!(r.rest(), [1 | 5, ..]))?;
                    return Ok((Self::Method(code), r.position()));
                }
                require("code", code <= 8)?;
                r.skip("reserved", 1)?;
                let bound = destination(&mut r)?;
                Ok((Self::Reply(5, code, bound), r.position()))
            }
            _ => Err(Error::Foreign { field: "version" }),
        }
    }
}

/// Writes what a client of version 5 begins with: the ways to log on that it offers, at most ten.
pub fn offer(methods: &[u8]) -> Vec<u8> {
    let count = u8::try_from(methods.len()).unwrap_or(u8::MAX).min(MOST_METHODS);
    let methods = methods.get(..count.into()).unwrap_or(methods);
    Writer::new().u8(version::FIVE).u8(count).bytes(methods).finish()
}

/// Reads an address or name, and a port (RFC 1928, 5).
fn destination(r: &mut Reader<'_>) -> Result<Destination> {
    let host = match r.u8("address type")? {
        1 => Ipv4Addr::from(r.take::<4>("address")?).to_string(),
        3 => {
            let length = r.u8("host")?;
            let so_far = r.rest().get(..length.into()).unwrap_or(r.rest());
            require("host", length > 0 && so_far.iter().all(|byte| (b'!'..0x7f).contains(byte)))?;
            String::from_utf8_lossy(r.bytes("host", length.into())?).into_owned()
        }
        4 => Ipv6Addr::from(r.take::<16>("address")?).to_string(),
        _ => return Err(Error::Foreign { field: "address type" }),
    };
    Ok(Destination { host, port: r.u16("port")? })
}

fn is_host(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| (b'!'..0x7f).contains(byte))
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn an_offer_reads_back() {
        let bytes = offer(&[0, 2]);
        assert_eq!(bytes, hex!("05020002"));
        let client = Client::parse(&bytes).unwrap();
        assert_eq!((client.methods, client.length, client.more), (&[0, 2][..], 4, true));
        crate::wire::refuses_every_truncation(&bytes, Client::parse);
    }

    #[test]
    fn a_request_follows_the_offer() {
        let bytes = hex!("05020001 05010001 c6336450 0050 474554");
        let client = Client::parse(&bytes).unwrap();
        let (command, destination) = client.request.unwrap();
        assert_eq!((command, destination.to_string()), (1, "198.51.100.80:80".to_owned()));
        assert_eq!(client.length, 14);
    }

    #[test]
    fn a_password_is_read_over() {
        let bytes = hex!("050102 01 01 61 01 62 05010003 04 686f7374 01bb");
        let client = Client::parse(&bytes).unwrap();
        assert!(client.password);
        assert_eq!(client.request.unwrap().1.to_string(), "host:443");
    }

    #[test]
    fn reads_both_forms_of_version_4() {
        let four = hex!("0401 0050 c6336450 00");
        assert_eq!(Client::parse(&four).unwrap().version, "4");
        crate::wire::refuses_every_truncation(&four, Client::parse);
        let named = hex!("0401 01bb 00000001 00 686f7374 00");
        assert_eq!(Client::parse(&named).unwrap().version, "4a");
        crate::wire::refuses_every_truncation(&named, Client::parse);
    }

    #[test]
    fn tells_a_choice_from_a_reply() {
        assert_eq!(Server::parse(&hex!("0500")), Ok((Server::Method(0), 2)));
        let reply = hex!("0500 0001 cb007147 dcf4");
        assert!(matches!(Server::parse(&reply), Ok((Server::Reply(5, 0, _), 10))));
    }

    #[test]
    fn refuses_other_protocols() {
        for other in [&hex!("05000b0310000000")[..], &hex!("0464000c"), &hex!("0501000600")] {
            assert!(Client::parse(other).is_err_and(|e| !e.wants_more()), "{other:02x?}");
        }
    }
}
