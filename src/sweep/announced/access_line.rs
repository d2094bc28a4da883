//! Whether the end of an access line is patched into this wire: a search for PPPoE concentrators (RFC 2516, 5.1). A
//! concentrator offers itself by name; whoever does not go on begins no session.

use std::time::Duration;

use super::{Asking, Question, Wire};
use crate::wire::{
    ethernet::{self, Frame, Kind},
    pppoe::{self, HOST_UNIQ, PADO, Pppoe},
};

/// The search.
pub(super) static QUESTION: Question = Question {
    name: "access_line",
    asks: "looks for PPPoE concentrators, which offer themselves by name; no session is begun",
    source: "RFC 2516, 5.1 and 5.2",
    // Concentrators stand behind the carrier's network, and some wait so that others may come first.
    patience: Duration::from_secs(4),
    skips: |_| None,
    ask: |wire, asking| vec![search(wire, asking)],
    is_answer,
};

fn search(wire: &Wire, asking: &Asking<'_>) -> Vec<u8> {
    let frame = Frame {
        destination: [0xff; 6],
        source: wire.mac.0,
        vlan: None,
        kind: Kind::Type(ethernet::PPPOE_DISCOVERY),
        payload: &pppoe::ask(asking.mark("access_line", wire)),
    };
    frame.emit()
}

fn is_answer(wire: &Wire, asking: &Asking<'_>, frame: &Frame<'_>) -> bool {
    if frame.kind != Kind::Type(ethernet::PPPOE_DISCOVERY) || frame.destination != wire.mac.0 {
        return false;
    }
    let Ok(offer) = Pppoe::parse(frame.payload) else { return false };
    let mark = asking.mark("access_line", wire).to_be_bytes();
    let mut tags = offer.tags();
    offer.code == PADO && tags.any(|(kind, value)| kind == HOST_UNIQ && value == mark)
}
