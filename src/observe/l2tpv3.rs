//! What L2TP version 3 tells: names, vendors, the wires it can carry; and that data passes.

use super::{
    Carrier, Finding, Protocol, Said, Transport,
    l2tp::{Names, PORTS, facts, side},
};
use crate::{
    observe::Facts,
    wire::{
        Reader, Result,
        l2tp::{self, Control, attribute},
        require,
    },
};

/// L2TP version 3, over IP and UDP.
pub static PROTOCOL: Protocol = Protocol {
    name: "l2tpv3",
    carriers: &[Carrier::Ip(l2tp::IP_PROTOCOL), Carrier::Udp(PORTS)],
    read,
};

const NAMES: Names = Names {
    message: "l2tpv3.message",
    host_name: "l2tpv3.host_name",
    vendor_name: "l2tpv3.vendor_name",
    firmware: "l2tpv3.firmware",
    result: "l2tpv3.result",
    error: "l2tpv3.error",
    authentication: "l2tpv3.authentication",
    vendor: "l2tpv3.vendor_number",
};

fn read(said: &Said<'_>) -> Result<Finding> {
    let over_ip = said.transport == Transport::Ip;
    let data = || {
        let transport = if over_ip { "ip" } else { "udp" };
        Facts::default().with("l2tpv3.message", "data").with("l2tpv3.transport", transport)
    };
    let mut r = Reader::new(said.bytes);
    // Over IP, session 0 is the control connection (RFC 3931, 4.1.1).
    if over_ip && r.u32("session")? != 0 {
        return Ok(Finding::firm(said.side(&[]), data()));
    }
    let message = r.rest();
    match Control::parse(message) {
        Ok(control) => {
            require("version", control.version == 3)?;
            require("message", over_ip || said.on(PORTS) || control.is_well_formed())?;
            let side = side(said, control.kind());
            let mut facts = facts(&control, &NAMES);
            for attribute in control.attributes().filter(|a| a.vendor == 0 && !a.hidden) {
                match (attribute.kind, attribute.value.first_chunk::<4>()) {
                    (attribute::ROUTER, Some(router)) => {
                        facts.add("l2tpv3.router", std::net::Ipv4Addr::from(*router));
                    }
                    (attribute::PSEUDOWIRES, _) => {
                        for kind in attribute.value.as_chunks::<2>().0.iter().take(16) {
                            facts.add("l2tpv3.carries", pseudowire(u16::from_be_bytes(*kind)));
                        }
                    }
                    _ => {}
                }
            }
            Ok(match control.kind() {
                Some(_) if control.is_well_formed() => Finding::certain(side, facts),
                _ if over_ip || control.kind().is_some() => Finding::firm(side, facts),
                _ => Finding::weak(side, facts),
            })
        }
        Err(error) => {
            // A data message over UDP has its version, nothing else in two words, and a session.
            let mut r = Reader::new(message);
            let head = r.u32("head")?;
            let session = r.u32("session")?;
            if said.on(PORTS) && head == 0x0003_0000 && session != 0 {
                return Ok(Finding::firm(said.side(PORTS), data()));
            }
            Err(error)
        }
    }
}

fn pseudowire(code: u16) -> String {
    let name = match code {
        1 => "frame_relay",
        4 => "ethernet_vlan",
        5 => "ethernet",
        6 => "hdlc",
        7 => "ppp",
        11 => "ip",
        other => return other.to_string(),
    };
    name.to_owned()
}
