//! What the datagrams that open RDP over UDP tell.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    rdp_udp::{Open, flag},
};

/// Where servers usually listen (UDP).
const PORTS: &[u16] = &[3389];

/// The shortest path the opening datagrams are padded to test, in bytes (MS-RDPEUDP 3.1.5.1.1).
const PADDED: usize = 1132;

/// RDP over UDP, on any port: an opening has a fixed mark and is padded.
pub static PROTOCOL: Protocol =
    Protocol { name: "rdp_udp", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let open = Open::parse(said.bytes)?;
    let mut facts = Facts::default();
    if let Some(version) = open.version {
        facts.add("rdp_udp.version", if version == 0x101 { 3 } else { version });
    }
    let mode = if open.flags & flag::LOSSY != 0 { "best_effort" } else { "reliable" };
    facts.add("rdp_udp.mode", mode);
    facts.add("rdp_udp.longest", format_args!("{},{}", open.longest.0, open.longest.1));
    let side = if open.acknowledges.is_some() { Side::Server } else { Side::Client };
    let answers = open.acknowledges.is_some_and(|sequence| {
        Open::parse(said.answering).is_ok_and(|asked| asked.sequence == sequence)
    });
    Ok(if answers {
        Finding::certain(side, facts)
    } else if said.bytes.len() >= PADDED {
        Finding::firm(side, facts)
    } else {
        Finding::weak(side, facts)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Confidence;
    use hex_literal::hex;

    #[test]
    fn an_answer_to_what_was_asked_is_certain() {
        let asked = hex!("ffffffff 0040 1001 00001000 04d0 04d0 0001 0002");
        let answer = hex!("00001000 0040 1005 00002000 04d0 04d0 0001 0002");
        let said = Said { answering: &asked, ..Said::datagram(40_000, 50_000, &answer) };
        assert_eq!(read(&said).unwrap().confidence, Confidence::Certain);
    }
}
