//! What EIGRP tells: Cisco routers, their software, and who claims a way out.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    eigrp::{Eigrp, Part, Prefix},
};

/// EIGRP.
pub static PROTOCOL: Protocol = Protocol { name: "eigrp", carriers: &[Carrier::Ip(88)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let eigrp = Eigrp::parse(said.bytes)?;
    let mut facts = Facts::default();
    facts.add(
        "eigrp.type",
        match eigrp.operation {
            1 => "update".to_owned(),
            3 => "query".to_owned(),
            4 => "reply".to_owned(),
            5 if eigrp.acknowledged == 0 => "hello".to_owned(),
            5 => "acknowledgment".to_owned(),
            other => other.to_string(),
        },
    );
    facts.add("eigrp.system", eigrp.system);
    for part in eigrp.parts {
        match part {
            Part::HoldTime(seconds) => facts.add("eigrp.hold_time", seconds),
            Part::Authentication(kind) => facts.add(
                "eigrp.authentication",
                match kind {
                    2 => "md5".to_owned(),
                    3 => "sha256".to_owned(),
                    other => other.to_string(),
                },
            ),
            Part::Software([a, b, c, d]) => {
                facts.add("eigrp.software", format!("{a}.{b}"));
                facts.add("eigrp.release", format!("{c}.{d}"));
            }
            Part::Route(prefix, outside) => {
                let prefix = match prefix {
                    Prefix::Four(network, length) => format!("{network}/{length}"),
                    Prefix::Six(network, length) => format!("{network}/{length}"),
                };
                facts.add(if outside { "eigrp.external" } else { "eigrp.route" }, prefix);
            }
            Part::Other(_) => {}
        }
    }
    Ok(Finding::certain(Side::Peer, facts))
}
