//! What X11's connection set-up and its answer tell.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    x11::{Answer, SetUp},
};

/// Where displays usually listen (TCP): 6000 and the display's number.
const PORTS: &[u16] = &[6000, 6001, 6002, 6003, 6004, 6005, 6006, 6007, 6008, 6009, 6010];

/// X11, on any port: both sides repeat the version and bound what they say.
pub static PROTOCOL: Protocol = Protocol { name: "x11", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let mut facts = Facts::default();
    if matches!(said.bytes.first(), Some(b'B' | b'l')) {
        let set_up = SetUp::parse(said.bytes)?;
        facts.add("x11.byte_order", if set_up.big_endian { "big" } else { "little" });
        facts.add_text("x11.authentication", set_up.authentication);
        return Ok(Finding::certain(Side::Client, facts));
    }
    Ok(match Answer::parse(said.bytes)? {
        Answer::Success { vendor, release, screens } => {
            facts.add_text("x11.vendor", vendor);
            facts.add("x11.release", release);
            facts.add("x11.screens", screens);
            Finding::certain(Side::Server, facts)
        }
        Answer::Failed(reason) => {
            facts.add_text("x11.refusal", reason);
            Finding::firm(Side::Server, facts)
        }
    })
}
