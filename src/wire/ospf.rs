//! OSPF: routers that tell each other every link, versions 2 and 3 (RFC 2328, 3101, 5340).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Error, Reader, Result, require};

/// How many routes, neighbours and parts of a message are read.
const MOST: usize = 64;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ospf {
    /// 2 for IPv4, 3 for IPv6.
    pub version: u8,
    /// 1 hello, 2 description, 3 request, 4 update, 5 acknowledgment.
    pub kind: u8,
    /// Who speaks.
    pub router: Ipv4Addr,
    /// Of which area.
    pub area: Ipv4Addr,
    /// How it is authenticated: 0 not, 1 by a password in clear, 2 by a digest (version 2).
    pub authentication: Option<u16>,
    /// What the message says.
    pub body: Body,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A router is here.
    Hello(Hello),
    /// The interface's MTU, and what the speaker knows.
    Description {
        /// The largest packet it takes, in bytes.
        mtu: u16,
        /// What it knows.
        states: Vec<State>,
    },
    /// What is new, or what was heard.
    States(Vec<State>),
    /// Something else.
    Other,
}

/// A router is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The link's mask (version 2).
    pub mask: Option<Ipv4Addr>,
    /// Seconds between hellos.
    pub interval: u16,
    /// The speaker's wish to be the designated router; 0 for never.
    pub priority: u8,
    /// The designated router: its address in version 2, its name in version 3.
    pub designated: Ipv4Addr,
    /// Who takes its place.
    pub backup: Ipv4Addr,
    /// Whom the speaker hears, by name.
    pub neighbors: Vec<Ipv4Addr>,
}

/// The state of one link, as one router told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// What it is about: 1 router, 2 network, 3 and 4 summaries, 5 external, 7 external of a stub; version 3
    /// has scope bits before that.
    pub kind: u16,
    /// What it names; in version 2 often an address.
    pub name: Ipv4Addr,
    /// Who told it.
    pub router: Ipv4Addr,
    /// The external route, where the whole state is here.
    pub external: Option<External>,
}

/// A route out of everything that speaks OSPF here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum External {
    /// A network and its prefix length.
    Four(Ipv4Addr, u8),
    /// A network and its prefix length.
    Six(Ipv6Addr, u8),
}

impl State {
    /// Whether it is about the world outside (5 and 7 in both versions).
    pub fn is_external(&self) -> bool {
        matches!(self.kind, 5 | 7 | 0x4005 | 0x2007)
    }

    /// Whether it offers the way to everywhere.
    pub fn is_default(&self) -> bool {
        match self.external {
            Some(External::Four(_, length) | External::Six(_, length)) => length == 0,
            // In version 2 the name is the network.
            None => matches!(self.kind, 5 | 7) && self.name.is_unspecified(),
        }
    }
}

impl Ospf {
    /// Reads a message; what is cut is left out.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let version = r.u8("version")?;
        require("version", matches!(version, 2 | 3))?;
        let kind = r.u8("type")?;
        require("type", (1..=5).contains(&kind))?;
        let length = usize::from(r.u16("length")?);
        let router = r.take::<4>("router")?.into();
        let area = r.take::<4>("area")?.into();
        r.u16("checksum")?;
        let second = r.u16("authentication or instance")?;
        let authentication = (version == 2).then_some(second);
        if version == 2 {
            r.skip("authentication", 8)?;
        }
        let header = r.position();
        require("length", length >= header)?;
        let mut r = Reader::new(r.bytes_up_to(length - header));
        let body = match kind {
            1 => Body::Hello(hello(&mut r, version)?),
            2 => {
                if version == 3 {
                    r.u32("options")?;
                }
                let mtu = r.u16("mtu")?;
                r.skip("options, flags and sequence", 6)?;
                Body::Description { mtu, states: states(&mut r, version, false) }
            }
            4 => {
                r.u32("count")?;
                Body::States(states(&mut r, version, true))
            }
            5 => Body::States(states(&mut r, version, false)),
            _ => Body::Other,
        };
        Ok(Self { version, kind, router, area, authentication, body })
    }
}

fn hello(r: &mut Reader<'_>, version: u8) -> Result<Hello> {
    let (mask, interval, priority);
    if version == 2 {
        mask = Some(Ipv4Addr::from(r.take::<4>("mask")?));
        interval = r.u16("interval")?;
        r.u8("options")?;
        priority = r.u8("priority")?;
        r.u32("dead interval")?;
    } else {
        mask = None;
        r.u32("interface")?;
        priority = r.u8("priority")?;
        r.skip("options", 3)?;
        interval = r.u16("interval")?;
        r.u16("dead interval")?;
    }
    let designated = r.take::<4>("designated")?.into();
    let backup = r.take::<4>("backup")?.into();
    let mut neighbors = Vec::new();
    while neighbors.len() < MOST
        && let Ok(neighbor) = r.take::<4>("neighbor")
    {
        neighbors.push(neighbor.into());
    }
    Ok(Hello { mask, interval, priority, designated, backup, neighbors })
}

/// Reads states, whole ones or only their headers, as far as they go.
fn states(r: &mut Reader<'_>, version: u8, whole: bool) -> Vec<State> {
    let mut states = Vec::new();
    while states.len() < MOST
        && let Ok(state) = state(r, version, whole)
    {
        states.push(state);
    }
    states
}

fn state(r: &mut Reader<'_>, version: u8, whole: bool) -> Result<State> {
    r.u16("age")?;
    let kind = r.u16("type")?;
    let kind = if version == 2 { kind & 0xff } else { kind };
    let name = Ipv4Addr::from(r.take::<4>("name")?);
    let router = r.take::<4>("router")?.into();
    r.skip("sequence and checksum", 6)?;
    let length = r.u16("length")?;
    let mut state = State { kind, name, router, external: None };
    if whole {
        let rest = usize::from(length).checked_sub(20).ok_or(Error::Foreign { field: "length" })?;
        let mut body = Reader::new(r.bytes_up_to(rest));
        if state.is_external() {
            state.external = external(&mut body, version, name).ok();
        }
    }
    Ok(state)
}

fn external(r: &mut Reader<'_>, version: u8, name: Ipv4Addr) -> Result<External> {
    let first = r.u32("mask or metric")?;
    if version == 2 {
        let length = u8::try_from(first.leading_ones()).unwrap_or(32);
        return Ok(External::Four(name, length));
    }
    let length = r.u8("prefix length")?;
    require("prefix length", length <= 128)?;
    r.skip("options and reference", 3)?;
    let mut prefix = [0; 16];
    let bytes = r.bytes("prefix", usize::from(length.div_ceil(32)) * 4)?;
    for (to, from) in prefix.iter_mut().zip(bytes) {
        *to = *from;
    }
    Ok(External::Six(prefix.into(), length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ALIVE: &[u8] = &hex!(
        "02 01 002c c0000201 00000000 0000 0000 0000000000000000
         ffffff00 000a 02 01 00000028 c0000201 00000000"
    );

    #[test]
    fn reads_a_hello() {
        let ospf = Ospf::parse(ALIVE).unwrap();
        let Body::Hello(hello) = &ospf.body else { panic!("{ospf:?}") };
        assert_eq!(hello.mask, Some(Ipv4Addr::new(255, 255, 255, 0)));
        assert_eq!((hello.priority, hello.designated), (1, Ipv4Addr::new(192, 0, 2, 1)));
        crate::wire::refuses_every_truncation(ALIVE, Ospf::parse);
    }

    #[test]
    fn reads_who_offers_the_way_to_everywhere() {
        let update = hex!(
            "02 04 0040 c0000201 00000000 0000 0000 0000000000000000 00000001
             0001 02 05 00000000 c0000201 80000001 0000 0024
             00000000 80000001 00000000 00000000"
        );
        let Body::States(states) = Ospf::parse(&update).unwrap().body else { panic!() };
        assert!(states[0].is_default() && states[0].is_external());
        assert_eq!(states[0].router, Ipv4Addr::new(192, 0, 2, 1));
    }

    #[test]
    fn reads_external_routes_of_version_3() {
        let update = hex!(
            "03 04 0040 c0000201 00000000 0000 00 00 00000001
             0001 4005 00000001 c0000201 80000001 0000 0024
             02000001 20 00 0000 20010db8 00000000"
        );
        let Body::States(states) = Ospf::parse(&update).unwrap().body else { panic!() };
        assert_eq!(states[0].external, Some(External::Six("2001:db8::".parse().unwrap(), 32)));
    }
}
