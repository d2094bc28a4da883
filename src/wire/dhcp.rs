//! DHCP: how hosts are given their addresses and told their routers (RFC 2131, RFC 2132).

use std::net::Ipv4Addr;

use super::{Error, Reader, Result, require};

/// What stands before the options of DHCP (RFC 2131, 3).
const COOKIE: u32 = 0x6382_5363;

/// How many options are read.
const MOST_OPTIONS: usize = 128;

/// What clients send from, and servers answer to.
pub const CLIENT_PORT: u16 = 68;
/// Where servers listen.
pub const SERVER_PORT: u16 = 67;

/// The option that says what a message is (RFC 2132, 9.6), and some of its values.
pub const MESSAGE: u8 = 53;
/// A client looks for servers.
pub const DISCOVER: u8 = 1;
/// A server offers an address.
pub const OFFER: u8 = 2;

/// Asks servers to answer to everybody, for whoever could not hear them otherwise (RFC 2131, 2).
const TO_EVERYBODY: u16 = 0x8000;

/// The shortest message that every server and relay takes (RFC 1542, 2.1).
const SHORTEST: usize = 300;

/// What is asked for: mask, routers, name servers, domain, static routes, clocks, what its vendor adds, the vendor's
/// class, boot servers, classless routes (by both numbers) and the proxy's configuration.
const WANTED: [u8; 13] = [1, 3, 6, 15, 33, 42, 43, 60, 66, 121, 150, 249, 252];

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// 1 a client asks, 2 a server answers.
    pub op: u8,
    /// The number that an answer repeats.
    pub transaction: u32,
    /// The address the client has already.
    pub client: Ipv4Addr,
    /// The address it is given.
    pub yours: Ipv4Addr,
    /// The server to start from.
    pub next_server: Ipv4Addr,
    /// The relay between them.
    pub relay: Ipv4Addr,
    /// The client's hardware address, where it is one of Ethernet.
    pub hardware: Option<[u8; 6]>,
    /// The options, in order: code and value; those a cut capture lost are missing.
    pub options: Vec<(u8, &'a [u8])>,
}

impl<'a> Message<'a> {
    /// Reads a message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let op = r.u8("op")?;
        require("op", op == 1 || op == 2)?;
        let kind = r.u8("hardware kind")?;
        let length = r.u8("hardware length")?;
        require("hardware length", length <= 16)?;
        r.u8("hops")?;
        let transaction = r.u32("transaction")?;
        r.skip("seconds and flags", 4)?;
        let mut address = |field| r.take::<4>(field).map(Ipv4Addr::from);
        let client = address("client")?;
        let yours = address("yours")?;
        let next_server = address("next server")?;
        let relay = address("relay")?;
        let hardware: [u8; 16] = r.take("hardware")?;
        let hardware = hardware.first_chunk::<6>().filter(|_| length == 6 && kind == 1).copied();
        let server_name = r.bytes("server name", 64)?;
        let file = r.bytes("file", 128)?;
        r.expect_u32("cookie", COOKIE)?;
        let mut options = Vec::new();
        read_options(r.rest(), &mut options);
        // Long lists may go on in the fields that are else unused (RFC 2132, 9.3).
        let overload = options.iter().find(|(code, _)| *code == 52);
        let overload = overload.and_then(|(_, value)| value.first()).copied().unwrap_or(0);
        if overload & 1 != 0 {
            read_options(file, &mut options);
        }
        if overload & 2 != 0 {
            read_options(server_name, &mut options);
        }
        Ok(Self { op, transaction, client, yours, next_server, relay, hardware, options })
    }

    /// The value of the first option with `code`.
    pub fn option(&self, code: u8) -> Option<&'a [u8]> {
        self.options.iter().find(|(found, _)| *found == code).map(|(_, value)| *value)
    }
}

fn read_options<'a>(bytes: &'a [u8], options: &mut Vec<(u8, &'a [u8])>) {
    let mut r = Reader::new(bytes);
    while options.len() < MOST_OPTIONS
        && let Ok(code) = r.u8("code")
        && code != 255
    {
        if code == 0 {
            continue;
        }
        let Ok(length) = r.u8("length") else { return };
        let Ok(value) = r.bytes("value", length.into()) else { return };
        options.push((code, value));
    }
}

/// A route that clients are told to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The network.
    pub network: Ipv4Addr,
    /// How many of its bits count.
    pub prefix: u8,
    /// The router there.
    pub router: Ipv4Addr,
}

/// Reads the classless routes of options 121 and 249 (RFC 3442).
pub fn routes(value: &[u8]) -> impl Iterator<Item = Route> {
    let mut r = Reader::new(value);
    std::iter::from_fn(move || {
        let prefix = r.u8("prefix").ok().filter(|prefix| *prefix <= 32)?;
        let significant = r.bytes("network", usize::from(prefix).div_ceil(8)).ok()?;
        let mut network = [0; 4];
        network.iter_mut().zip(significant).for_each(|(to, from)| *to = *from);
        let router = r.take::<4>("router").ok()?.into();
        Some(Route { network: network.into(), prefix, router })
    })
}

/// Reads a list of addresses.
pub fn addresses(value: &[u8]) -> impl Iterator<Item = Ipv4Addr> {
    value.as_chunks::<4>().0.iter().map(|address| Ipv4Addr::from(*address))
}

/// Reads one address that must fill `value`.
pub fn address(value: &[u8]) -> Result<Ipv4Addr> {
    let foreign = Error::Foreign { field: "address" };
    <[u8; 4]>::try_from(value).map(Ipv4Addr::from).map_err(|_| foreign)
}

/// Writes a question for what servers would tell a host that has the address `own` already, which
/// reserves nothing (DHCPINFORM, RFC 2131, 4.4.3).
pub fn inform(transaction: u32, own: Ipv4Addr, hardware: [u8; 6]) -> Vec<u8> {
    let head = super::Writer::new().u8(1).u8(1).u8(6).u8(0).u32(transaction).u32(0);
    let addresses = head.bytes(&own.octets()).bytes(&[0; 12]);
    let names = addresses.bytes(&hardware).bytes(&[0; 10 + 64 + 128]).u32(COOKIE);
    names.bytes(&[53, 1, 8, 55, 8, 1, 3, 6, 15, 33, 121, 249, 252, 255]).finish()
}

/// Writes a question for servers, which offer an address each (DHCPDISCOVER, RFC 2131, 4.4.1). Whoever does not go on
/// is given none: the offers lapse. `seconds` is how long the client has been asking. It names no host and no product;
/// the client is known by its hardware address alone.
pub fn discover(transaction: u32, hardware: [u8; 6], seconds: u16) -> Vec<u8> {
    let head = super::Writer::new().u8(1).u8(1).u8(6).u8(0).u32(transaction);
    let head = head.u16(seconds).u16(TO_EVERYBODY).zeros(16);
    let names = head.bytes(&hardware).zeros(10 + 64 + 128).u32(COOKIE);
    let kind = names.bytes(&[MESSAGE, 1, DISCOVER]).bytes(&[61, 7, 1]).bytes(&hardware);
    let length = u8::try_from(WANTED.len()).unwrap_or_default();
    let mut message = kind.u8(55).u8(length).bytes(&WANTED).u8(255).finish();
    message.resize(message.len().max(SHORTEST), 0);
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn a_question_goes_both_ways() {
        let own = Ipv4Addr::new(192, 0, 2, 10);
        let bytes = inform(7, own, hex!("00005e005301"));
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.client, message.hardware), (own, Some(hex!("00005e005301"))));
        assert_eq!(message.option(53), Some(&[8][..]));
        crate::wire::refuses_every_truncation(&bytes[..240], Message::parse);
    }

    #[test]
    fn a_search_for_servers_names_nobody_and_wants_no_address_in_particular() {
        let bytes = discover(0x0102_0304, hex!("00005e005301"), 4);
        assert_eq!((bytes.len(), &bytes[8..12]), (300, &hex!("0004 8000")[..]));
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.op, message.transaction), (1, 0x0102_0304));
        assert_eq!(message.option(MESSAGE), Some(&[DISCOVER][..]));
        assert_eq!(message.option(61), Some(&hex!("01 00005e005301")[..]));
        assert_eq!(message.option(55), Some(&WANTED[..]));
        assert!(message.client.is_unspecified() && message.relay.is_unspecified());
        assert!([12, 50, 54, 60, 81].iter().all(|code| message.option(*code).is_none()));
    }

    #[test]
    fn routes_have_prefixes_of_any_length() {
        let value = hex!("18 c63364 c0000201   00 c0000202   19 cb007180 c0000203   21");
        let routes: Vec<_> = routes(&value).collect();
        assert_eq!(routes.len(), 3);
        assert_eq!(routes[0].network, Ipv4Addr::new(198, 51, 100, 0));
        assert_eq!((routes[1].prefix, routes[1].router), (0, Ipv4Addr::new(192, 0, 2, 2)));
        assert_eq!((routes[2].prefix, routes[2].network), (25, Ipv4Addr::new(203, 0, 113, 128)));
    }
}
