//! HSRP: Cisco routers that share an address, in UDP 1985 and 2029 (RFC 2281; version 2 is Cisco's).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Error, Reader, Result, require};

/// How many parts of version 2 are read.
const MOST_PARTS: usize = 16;

/// What a router says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hsrp {
    /// 1 or 2.
    pub version: u8,
    /// 0 says hello, 1 takes over, 2 gives up.
    pub operation: u8,
    /// Which part it plays, as in version 2: 6 active, 5 standby, 4 speaks, 3 listens, 2 learns, 1 starts.
    pub state: u8,
    /// Its rank.
    pub priority: u32,
    /// The group of routers.
    pub group: u16,
    /// Its own hardware address (version 2).
    pub identifier: Option<[u8; 6]>,
    /// The shared address; unspecified while it is learnt.
    pub address: IpAddr,
    /// How it is authenticated.
    pub authentication: Authentication,
}

/// How a message is authenticated. The text itself is a password and not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// Not said.
    None,
    /// By the text every router has at first.
    Default,
    /// By another text, in clear.
    Text,
    /// By MD5.
    Md5,
}

impl Authentication {
    fn of(text: [u8; 8]) -> Self {
        match &text {
            b"cisco\0\0\0" => Self::Default,
            [0, ..] => Self::None,
            _ => Self::Text,
        }
    }
}

impl Hsrp {
    /// Reads a message of either version.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        match bytes.first() {
            Some(0) => Self::first(bytes),
            _ => Self::second(bytes),
        }
    }

    fn first(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("version", 0)?;
        let operation = r.u8("operation")?;
        require("operation", operation <= 2)?;
        let state = match r.u8("state")? {
            0 => 1,
            1 => 2,
            2 => 3,
            4 => 4,
            8 => 5,
            16 => 6,
            _ => return Err(Error::Foreign { field: "state" }),
        };
        r.skip("timers", 2)?;
        let priority = r.u8("priority")?.into();
        let group = r.u8("group")?.into();
        r.u8("reserved")?;
        let authentication = Authentication::of(r.take("authentication")?);
        let address = Ipv4Addr::from(r.take::<4>("address")?).into();
        Ok(Self {
            version: 1,
            operation,
            state,
            priority,
            group,
            identifier: None,
            address,
            authentication,
        })
    }

    fn second(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("type", 1)?;
        r.expect("length", 40)?;
        r.expect("version", 2)?;
        let operation = r.u8("operation")?;
        require("operation", operation <= 2)?;
        let state = r.u8("state")?;
        require("state", state <= 6)?;
        let family = r.u8("family")?;
        require("family", matches!(family, 4 | 6))?;
        let group = r.u16("group")?;
        let identifier = Some(r.take("identifier")?);
        let priority = r.u32("priority")?;
        r.skip("timers", 8)?;
        let address = r.take::<16>("address")?;
        let [a, b, c, d, ..] = address;
        let address = match family {
            4 => Ipv4Addr::new(a, b, c, d).into(),
            _ => Ipv6Addr::from(address).into(),
        };
        let mut authentication = Authentication::None;
        for _ in 0..MOST_PARTS {
            let (Ok(kind), Ok(length)) = (r.u8("type"), r.u8("length")) else { break };
            let Ok(mut part) = r.inner("part", length.into()) else { break };
            match kind {
                3 => authentication = Authentication::of(part.take("authentication")?),
                4 => authentication = Authentication::Md5,
                _ => {}
            }
        }
        Ok(Self {
            version: 2,
            operation,
            state,
            priority,
            group,
            identifier,
            address,
            authentication,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ONE: &[u8] = &hex!("00 00 10 03 0a 78 01 00 636973636f000000 c00002fe");
    const TWO: &[u8] = &hex!(
        "01 28 02 00 06 04 000a 00005e005301 00000064 00000bb8 00002710
         c00002fe000000000000000000000000 03 08 7365637265740000"
    );

    #[test]
    fn reads_version_1() {
        let hsrp = Hsrp::parse(ONE).unwrap();
        assert_eq!((hsrp.state, hsrp.priority, hsrp.group), (6, 120, 1));
        assert_eq!(hsrp.authentication, Authentication::Default);
        crate::wire::refuses_every_truncation(ONE, Hsrp::parse);
    }

    #[test]
    fn reads_version_2() {
        let hsrp = Hsrp::parse(TWO).unwrap();
        assert_eq!((hsrp.state, hsrp.priority, hsrp.group), (6, 100, 10));
        assert_eq!(hsrp.address, Ipv4Addr::new(192, 0, 2, 254));
        assert_eq!(hsrp.authentication, Authentication::Text);
        crate::wire::refuses_every_truncation(&TWO[..42], Hsrp::parse);
    }
}
