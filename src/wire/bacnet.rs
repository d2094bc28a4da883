//! `BACnet` over IP: how building control speaks (ASHRAE 135, annex J and clauses 6 and 20). Values are not read.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{Reader, Result, require};

/// The kind of link: `BACnet` over IPv4.
const LINK: u8 = 0x81;
/// The version of the network layer.
const NETWORK: u8 = 1;

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// What the link layer is asked: 4 forwards, 5 registers a foreign device, 10 to one, 11 to all.
    pub link: u8,
    /// Where a forwarded message came from.
    pub origin: Option<SocketAddrV4>,
    /// The network behind a router that it came from.
    pub network: Option<u16>,
    /// What it says.
    pub body: Body,
    /// Whether it fills the datagram.
    pub exact: bool,
}

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Nothing above the link layer.
    Link,
    /// Something among routers, by its number: 0 who is a router, 1 I am one.
    Network(u8),
    /// Something of a device.
    Application {
        /// 0 asks and wants an answer, 1 asks or tells without, 2 and 3 answer, 5 to 7 refuse.
        kind: u8,
        /// Which service.
        service: u8,
        /// Who a device is, where it says so.
        device: Option<Device>,
    },
}

/// Who a device is (`I-Am`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Its number on the whole network.
    pub instance: u32,
    /// Who made it, by the number ASHRAE gave.
    pub vendor: u32,
}

impl Message {
    /// Reads a message.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("link", LINK)?;
        let link = r.u8("function")?;
        require("function", link <= 12)?;
        let length = r.u16("length")?;
        require("length", length >= 4)?;
        let mut inner = r.inner("message", usize::from(length) - 4)?;
        let exact = r.is_empty();
        let r = &mut inner;
        let mut message = Self { link, origin: None, network: None, body: Body::Link, exact };
        if link == 4 {
            let ip = Ipv4Addr::from(r.take::<4>("origin")?);
            message.origin = Some(SocketAddrV4::new(ip, r.u16("origin port")?));
        }
        if matches!(link, 4 | 9..=11) {
            message.network_layer(r)?;
        }
        Ok(message)
    }

    fn network_layer(&mut self, r: &mut Reader<'_>) -> Result<()> {
        r.expect("version", NETWORK)?;
        let control = r.u8("control")?;
        require("control", control & 0x50 == 0)?;
        if control & 0x20 != 0 {
            r.u16("destination network")?;
            let length = r.u8("destination length")?;
            r.skip("destination", length.into())?;
        }
        if control & 0x08 != 0 {
            self.network = Some(r.u16("source network")?);
            let length = r.u8("source length")?;
            r.skip("source", length.into())?;
        }
        if control & 0x20 != 0 {
            r.u8("hops")?;
        }
        if control & 0x80 != 0 {
            self.body = Body::Network(r.u8("network message")?);
            return Ok(());
        }
        let first = r.u8("kind")?;
        let kind = first >> 4;
        require("kind", kind <= 7)?;
        // Sizes and the number of the exchange, and of a part, stand before the service.
        let segmented = first & 8 != 0;
        let before = match kind {
            0 => 2 + if segmented { 2 } else { 0 },
            3 => 1 + if segmented { 2 } else { 0 },
            1 => 0,
            _ => 1,
        };
        r.skip("exchange", before)?;
        let service = r.u8("service")?;
        let device = if kind == 1 && service == 0 { i_am(r).ok() } else { None };
        self.body = Body::Application { kind, service, device };
        Ok(())
    }
}

/// Reads what `I-Am` tells: an object, two numbers, and the vendor.
fn i_am(r: &mut Reader<'_>) -> Result<Device> {
    r.expect("object tag", 0xc4)?;
    let object = r.u32("object")?;
    require("object", object >> 22 == 8)?;
    let number = |r: &mut Reader<'_>, tag: u8| {
        let head = r.u8("number tag")?;
        require("number tag", head & 0xf8 == tag && (1..=4).contains(&(head & 7)))?;
        let bytes = r.bytes("number", usize::from(head & 7))?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    };
    number(r, 0x20)?;
    number(r, 0x90)?;
    let vendor: Result<u32> = number(r, 0x20);
    Ok(Device { instance: object & 0x3f_ffff, vendor: vendor? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const I_AM: &[u8] = &hex!("81 0b 0018 01 20 ffff 00 ff 10 00 c4 0200007b 22 05c4 91 00 21 0f");

    #[test]
    fn a_device_tells_who_it_is() {
        let message = Message::parse(I_AM).unwrap();
        let device = Some(Device { instance: 123, vendor: 15 });
        assert_eq!(message.body, Body::Application { kind: 1, service: 0, device });
        crate::wire::refuses_every_truncation(I_AM, Message::parse);
    }

    #[test]
    fn what_stands_behind_is_told() {
        assert!(Message::parse(I_AM).unwrap().exact);
        assert!(!Message::parse(&[I_AM, &[0]].concat()).unwrap().exact);
    }
}
