//! What PPPoE tells: an access line on this wire, its concentrator's name, and what the session agrees on.

use super::{Carrier, Facts, Finding, Protocol, Said, Side, ppp};
use crate::wire::{
    Result,
    ppp::Frame,
    pppoe::{AC_NAME, MAX_PAYLOAD, PADI, PADO, PADR, PADS, PADT, Pppoe, SERVICE_NAME, SESSION},
};

/// PPPoE's discovery and session.
pub static PROTOCOL: Protocol = Protocol {
    name: "pppoe",
    carriers: &[Carrier::Ethernet(0x8863), Carrier::Ethernet(0x8864)],
    read,
};

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Pppoe::parse(said.bytes)?;
    let (step, side) = match message.code {
        SESSION => ("session".to_owned(), Side::Peer),
        PADI => ("padi".to_owned(), Side::Client),
        PADO => ("pado".to_owned(), Side::Server),
        PADR => ("padr".to_owned(), Side::Client),
        PADS => ("pads".to_owned(), Side::Server),
        PADT => ("padt".to_owned(), Side::Peer),
        code => (format!("0x{code:02x}"), Side::Peer),
    };
    let mut facts = Facts::default().with("pppoe.step", step);
    if message.session != 0 {
        facts.add("pppoe.session", message.session);
    }
    for (kind, value) in message.tags() {
        match (kind, value) {
            (SERVICE_NAME, name) => facts.add_text("pppoe.service", name),
            (AC_NAME, name) => facts.add_text("pppoe.concentrator", name),
            (MAX_PAYLOAD, [high, low]) => {
                facts.add("pppoe.max_payload", u16::from_be_bytes([*high, *low]));
            }
            (0x0201..=0x0203, error) => facts.add_text("pppoe.error", error),
            _ => {}
        }
    }
    let mut session_side = None;
    if message.code == SESSION {
        Frame::parse(message.payload)?;
        session_side = ppp::add(&mut facts, message.payload).unwrap_or_default();
    }
    Ok(Finding::certain(session_side.unwrap_or(side), facts))
}
