//! Reads a UPnP gateway's description, where its answer to a search said it is, and asks it for its outside
//! address. Nothing is changed: no way in is opened, listed or closed.

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

fn outside(ask: &Ask<'_>) -> Option<Vec<u8>> {
    upnp::ask_outside(ask.to, ask.known.get("upnp.service")?, ask.known.get("upnp.control")?)
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
