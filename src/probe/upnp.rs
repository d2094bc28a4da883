//! Reads a UPnP gateway's description, where its answer to a search said it is, and asks it for its outside
//! address, whether its line is up, and which ways in it has. Nothing is changed: no way in is opened or closed.

use super::{Ask, Heard, Intrusion, Probe, Step};
use crate::{
    observe,
    wire::{
        http::{self, Body, Head},
        upnp,
    },
};

/// Where gateways describe themselves, as far as their makers agree.
const PORTS: &[u16] = &[5000, 49152, 49000, 52869, 5431, 2869, 1780, 80];

/// How much of an answer is waited for.
const MOST: usize = 64 << 10;

/// Fetches `ssdp.location`, if it is on the host and port that are asked.
pub static DESCRIPTION: Probe = Probe {
    name: "igd_description",
    asks: "reads the description of a device, where its answer to a search said that it is: maker, model, number",
    protocol: &observe::http::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: PORTS,
    intrusion: Intrusion::Dialogue,
    source: "UPnP Device Architecture 1.1, 2.11",
    inside_tls: false,
    anywhere: false,
    next: |ask, heard| {
        let place = ask.known.get("ssdp.location").and_then(upnp::location);
        // A device may only send us to itself.
        let question = place.filter(|(at, _)| *at == ask.to);
        to_the_end(heard, question.map(|(at, path)| upnp::ask_description(at, path)))
    },
};

/// Asks the service `upnp.service` at `upnp.control` for the outside address.
pub static OUTSIDE: Probe = Probe {
    name: "igd_outside",
    asks: "asks a gateway for its outside address, at the service that its description names; changes nothing",
    protocol: &observe::http::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: PORTS,
    intrusion: Intrusion::Dialogue,
    source: "WANIPConnection:1, 2.4.18",
    inside_tls: false,
    anywhere: false,
    next: |ask, heard| to_the_end(heard, outside(ask)),
};

/// How many ways in one gateway is asked for.
pub const MOST_MAPPINGS: usize = 32;

/// The fact, among what is known of a gateway, that says which way in shall be asked for, from 0.
pub const INDEX: &str = "upnp.index";

/// Asks the same service whether its line is up.
pub static STATUS: Probe = Probe {
    name: "igd_status",
    asks: "asks a gateway whether its line is up, at the same service",
    source: "WANIPConnection:1, 2.4.6",
    next: |ask, heard| to_the_end(heard, status(ask)),
    ..OUTSIDE
};

/// Asks the same service for one way in; it is asked again for the next until there is none.
pub static MAPPINGS: Probe = Probe {
    name: "igd_mappings",
    asks: "asks a gateway for its ways in from outside, one a connection and at most 32: ports, and whom inside they lead to; opens and closes none",
    source: "WANIPConnection:1, 2.4.14",
    next: |ask, heard| to_the_end(heard, mapping(ask)),
    ..OUTSIDE
};

fn outside(ask: &Ask<'_>) -> Option<Vec<u8>> {
    upnp::ask_outside(ask.to, ask.known.get("upnp.service")?, ask.known.get("upnp.control")?)
}

fn status(ask: &Ask<'_>) -> Option<Vec<u8>> {
    upnp::ask_status(ask.to, ask.known.get("upnp.service")?, ask.known.get("upnp.control")?)
}

fn mapping(ask: &Ask<'_>) -> Option<Vec<u8>> {
    let known = |field| ask.known.get(field);
    let index = known(INDEX).and_then(|index| index.parse().ok()).unwrap_or_default();
    upnp::ask_mapping(ask.to, known("upnp.service")?, known("upnp.control")?, index)
}

/// A dialogue of one question, if there is one: ends with the whole answer, or when too much was heard.
fn to_the_end(heard: &Heard<'_>, question: Option<Vec<u8>>) -> Step {
    match (heard.turn, question) {
        (0, Some(question)) => Step::Say(question),
        (1.., _) if !heard.waited && !heard.ended && !is_whole(heard.bytes) => Step::Wait,
        _ => Step::Done,
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let head = match Head::parse(bytes) {
        Err(error) if error.wants_more() && bytes.len() <= MOST => return false,
        Err(_) => return true,
        Ok(head) => head,
    };
    let body = bytes.get(head.length..).unwrap_or_default();
    body.len() > MOST
        || match head.body(false) {
            Body::None => true,
            Body::Sized(length) => body.len() as u64 >= length,
            Body::Chunked => http::join_chunks(body, MOST).1.is_some(),
            Body::ToTheEnd => false,
        }
}

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Facts, Side};

    const XML: &str = "<root><device><friendlyName>EX-1</friendlyName><manufacturer>Example</manufacturer>\
        <serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>\
        <controlURL>/ctl/IPConn</controlURL></service></serviceList></device></root>";

    const TOLD: &str = "<s:Envelope><s:Body><u:GetExternalIPAddressResponse>\
        <NewExternalIPAddress>203.0.113.9</NewExternalIPAddress></u:GetExternalIPAddressResponse>\
        </s:Body></s:Envelope>";

    fn answer(body: &str) -> Vec<u8> {
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    #[test]
    fn a_description_leads_to_the_outside_address() {
        let known = Facts::default().with("ssdp.location", "http://192.0.2.1:5000/rootDesc.xml");
        let ask = Ask { known: &known, ..ask("192.0.2.1:5000") };
        let question = super::super::rehearsal::question(&DESCRIPTION, &ask);
        assert!(question.starts_with(b"GET /rootDesc.xml HTTP/1.1\r\nHost: 192.0.2.1:5000\r\n"));
        let described = answer(XML);
        assert_eq!(hears(&DESCRIPTION, &ask, 1, &described[..60]), Step::Wait);
        assert_eq!(hears(&DESCRIPTION, &ask, 1, &described), Step::Done);
        let finding = understood(&DESCRIPTION, &ask, &question, &described);
        assert_eq!(finding.facts.get("upnp.manufacturer"), Some("Example"));

        let ask = Ask { known: &finding.facts, ..ask };
        let question = super::super::rehearsal::question(&OUTSIDE, &ask);
        assert!(question.starts_with(b"POST /ctl/IPConn HTTP/1.1\r\n"));
        let told = answer(TOLD);
        assert_eq!(hears(&OUTSIDE, &ask, 1, &told[..150]), Step::Wait);
        assert_eq!(hears(&OUTSIDE, &ask, 1, &told), Step::Done);
        let finding = understood(&OUTSIDE, &ask, &question, &told);
        assert_eq!(finding.facts.get("upnp.outside"), Some("203.0.113.9"));
        assert_eq!(finding.side, Side::Server);
    }

    #[test]
    fn ways_in_are_asked_for_one_by_one() {
        let known = Facts::default()
            .with("upnp.service", "urn:schemas-upnp-org:service:WANIPConnection:1")
            .with("upnp.control", "/ctl/IPConn");
        let first = Ask { known: &known, ..ask("192.0.2.1:5000") };
        let asked = |ask: &Ask<'_>| {
            String::from_utf8(super::super::rehearsal::question(&MAPPINGS, ask)).unwrap()
        };
        assert!(asked(&first).contains("<NewPortMappingIndex>0<"));
        let known = known.clone().with(INDEX, "7");
        let eighth = Ask { known: &known, ..first };
        assert!(asked(&eighth).contains("<NewPortMappingIndex>7<"));
        let told = answer(
            "<s:Body><u:GetGenericPortMappingEntryResponse><NewExternalPort>3389</NewExternalPort>\
             <NewProtocol>TCP</NewProtocol><NewInternalPort>3389</NewInternalPort>\
             <NewInternalClient>192.0.2.40</NewInternalClient><NewEnabled>1</NewEnabled>\
             </u:GetGenericPortMappingEntryResponse></s:Body>",
        );
        let finding = understood(&MAPPINGS, &eighth, asked(&eighth).as_bytes(), &told);
        assert_eq!(finding.facts.get("upnp.mapping"), Some("tcp 3389 to 192.0.2.40:3389"));
        let question = super::super::rehearsal::question(&STATUS, &first);
        let told = answer("<NewConnectionStatus>Connected</NewConnectionStatus>");
        let finding = understood(&STATUS, &first, &question, &told);
        assert_eq!(finding.facts.get("upnp.status"), Some("Connected"));
        for probe in [&STATUS, &MAPPINGS] {
            assert_eq!(hears(probe, &ask("192.0.2.1:5000"), 0, &[]), Step::Done, "nothing known");
        }
    }

    #[test]
    fn nobody_is_sent_elsewhere() {
        for place in
            ["http://192.0.2.2:5000/a", "http://192.0.2.1:80/a", "http://example.com/a", ""]
        {
            let known = Facts::default().with("ssdp.location", place);
            let ask = Ask { known: &known, ..ask("192.0.2.1:5000") };
            assert_eq!(hears(&DESCRIPTION, &ask, 0, &[]), Step::Done, "{place}");
        }
        assert_eq!(hears(&OUTSIDE, &ask("192.0.2.1:5000"), 0, &[]), Step::Done, "nothing known");
    }

    #[test]
    fn an_endless_answer_is_left() {
        let endless = vec![b'a'; MOST + 1];
        assert_eq!(hears(&DESCRIPTION, &ask("192.0.2.1:5000"), 1, &endless), Step::Done);
        assert_eq!(waits(&DESCRIPTION, &ask("192.0.2.1:5000"), 1), Step::Done);
    }
}
