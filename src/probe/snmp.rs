//! Asks SNMP agents who they are: without any credential in version 3, and for their system's description with a
//! community that the facility gave.

use super::{Ask, Heard, Intrusion, Probe, Step, once};
use crate::{observe, wire::snmp};

/// How many communities are tried, in the order given.
const MOST_COMMUNITIES: u32 = 4;

/// The versions that a community is tried in: 2c, and 1 because some routers answer nothing else.
const VERSIONS: [u8; 2] = [1, 0];

/// `sysDescr`, `sysObjectID` and `sysName` (RFC 3418, 2).
const SYSTEM: &[&[u32]] =
    &[&[1, 3, 6, 1, 2, 1, 1, 1, 0], &[1, 3, 6, 1, 2, 1, 1, 2, 0], &[1, 3, 6, 1, 2, 1, 1, 5, 0]];

/// Makes an engine of version 3 tell who it is.
pub static DISCOVERY: Probe = Probe {
    name: "snmp_engine",
    asks: "asks for the identity of the engine, which names its maker and often its hardware address; needs no credential",
    protocol: &observe::snmp::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[161],
    intrusion: Intrusion::Ordinary,
    source: "RFC 3414, 4",
    inside_tls: false,
    anywhere: false,
    next: |ask, heard| {
        let [message, request] = numbers(ask, "snmp_engine");
        once(heard, || snmp::discover(message, request))
    },
};

/// Reads three objects. Without a community that the facility gave nothing is said.
pub static SYSTEM_OBJECTS: Probe = Probe {
    name: "snmp_system",
    asks: "reads the description, kind and name of the system, only with a community that the facility file gives",
    protocol: &observe::snmp::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[161],
    intrusion: Intrusion::Dialogue,
    source: "RFC 3416, 4.2.1; RFC 1157, 4.1.2",
    inside_tls: false,
    anywhere: false,
    next: system,
};

fn system(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    match heard {
        Heard { turn: 0, .. } | Heard { waited: true, .. } => {}
        Heard { bytes: [], ended: false, .. } => return Step::Wait,
        _ => return Step::Done,
    }
    let versions = u32::try_from(VERSIONS.len()).unwrap_or(1);
    let (place, version) = (heard.turn / versions, heard.turn % versions);
    let at = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let community = ask.communities.get(at(place)).filter(|_| place < MOST_COMMUNITIES);
    match (community, VERSIONS.get(at(version))) {
        (Some(community), Some(version)) => {
            let [request, _] = numbers(ask, "snmp_system");
            Step::Say(snmp::get(*version, community.as_bytes(), request, SYSTEM))
        }
        _ => Step::Done,
    }
}

/// Two numbers of an exchange, whose form takes two bytes each.
fn numbers(ask: &Ask<'_>, what: &str) -> [u16; 2] {
    let [a, b, c, d] = ask.bytes(what);
    [[a, b], [c, d]].map(|number| u16::from_be_bytes(number) & 0x7fff | 0x0100)
}

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn an_engine_tells_its_maker() {
        let ask = ask("192.0.2.1:161");
        assert_eq!(question(&DISCOVERY, &ask).len(), 60);
        let finding = one_question(&DISCOVERY, &ask, &reply("snmp/report"));
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Certain));
        assert_eq!(finding.facts.get("snmp.engineid.pen"), Some("1186"));
    }

    #[test]
    fn without_a_community_nothing_is_said() {
        let ask = ask("192.0.2.1:161");
        assert_eq!(hears(&SYSTEM_OBJECTS, &ask, 0, &[]), Step::Done);
    }

    #[test]
    fn each_community_is_tried_in_both_versions_until_one_answers() {
        let communities = ["one", "two"].map(str::to_owned);
        let ask = Ask { communities: &communities, ..ask("192.0.2.1:161") };
        let first = question(&SYSTEM_OBJECTS, &ask);
        let asked = [
            first.clone(),
            said(waits(&SYSTEM_OBJECTS, &ask, 1)),
            said(waits(&SYSTEM_OBJECTS, &ask, 2)),
            said(waits(&SYSTEM_OBJECTS, &ask, 3)),
        ];
        let read = asked.iter().map(|question| match snmp::Message::parse(question) {
            Ok(snmp::Message::Community { version, community, .. }) => (version, community),
            other => panic!("{other:?}"),
        });
        assert!(read.eq([(1, &b"one"[..]), (0, b"one"), (1, b"two"), (0, b"two")]));
        assert_eq!(waits(&SYSTEM_OBJECTS, &ask, 4), Step::Done);
        let answer = reply("snmp/router");
        assert_eq!(hears(&SYSTEM_OBJECTS, &ask, 1, &answer), Step::Done);
        let finding = understood(&SYSTEM_OBJECTS, &ask, &first, &answer);
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Certain));
        assert!(finding.facts.get("snmp.sysdescr").is_some());
    }

    #[test]
    fn a_long_list_of_communities_is_not_a_search() {
        let communities: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let ask = Ask { communities: &communities, ..ask("192.0.2.1:161") };
        assert!(matches!(waits(&SYSTEM_OBJECTS, &ask, 7), Step::Say(_)));
        assert_eq!(waits(&SYSTEM_OBJECTS, &ask, 8), Step::Done);
    }
}
