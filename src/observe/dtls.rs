//! What DTLS says before encryption begins, and that it is spoken after that.

use super::{Carrier, Confidence, Facts, Finding, Protocol, Said, Side, tls as over_streams};
use crate::wire::{
    Result,
    dtls::Datagram,
    require,
    tls::{
        self, CERTIFICATE, CERTIFICATE_REQUEST, CLIENT_HELLO, ClientHello, HELLO_VERIFY_REQUEST,
        SERVER_HELLO, SERVER_HELLO_DONE, ServerHello,
    },
};

/// Where servers usually listen (UDP): VPN gateways, RDP gateways, TURN, CoAP.
const PORTS: &[u16] = &[443, 3391, 4433, 5349, 5684, 8443, 10_443];

/// The handshake message with which a client answers the server's flight.
const CLIENT_KEY_EXCHANGE: u8 = 16;

/// DTLS, on any port: records and hellos prove themselves.
pub static PROTOCOL: Protocol = Protocol { name: "dtls", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    finding(said, &Datagram::parse(said.bytes)?)
}

/// What a datagram tells.
pub(super) fn finding(said: &Said<'_>, datagram: &Datagram<'_>) -> Result<Finding> {
    let mut facts = Facts::default();
    let Some(first) = datagram.messages.first() else {
        // Encrypted, an alert, or the middle of a message: only its shape can tell.
        require("records", datagram.whole)?;
        facts.add("dtls.version", tls::version_name(datagram.version));
        if let Some(alert) = datagram.alert {
            match tls::alert_name(*alert) {
                Some(name) => facts.add("tls.alert", name),
                None => facts.add("tls.alert", alert),
            }
        }
        return Ok(Finding::firm(said.side(PORTS), facts));
    };
    let (mut side, mut confidence) = (said.side(PORTS), Confidence::Firm);
    match first.kind {
        CLIENT_HELLO => {
            let hello = ClientHello::parse_cut(&first.body, true)?;
            (side, confidence) = (Side::Client, Confidence::Certain);
            facts.add("dtls.version", tls::version_name(highest(&hello)));
            if !hello.session.is_empty() {
                facts.add("dtls.resumes", true);
            }
            over_streams::add_client_hello(&mut facts, &hello, 'd');
        }
        HELLO_VERIFY_REQUEST => {
            require("cookie", first.body.len() == first.length)?;
            require(
                "cookie",
                matches!(*first.body, [0xfe | 1, _, size, ..]
                if first.length == 3 + usize::from(size)),
            )?;
            (side, confidence) = (Side::Server, Confidence::Certain);
            facts.add("dtls.version", tls::version_name(datagram.version));
            facts.add("dtls.verifies", true);
        }
        SERVER_HELLO => {
            let hello = ServerHello::parse_cut(&first.body, true)?;
            (side, confidence) = (Side::Server, Confidence::Certain);
            facts.add("dtls.version", tls::version_name(hello.selected_version()));
            over_streams::add_server_hello(&mut facts, &hello);
        }
        kind => {
            require("records", datagram.whole)?;
            facts.add("dtls.version", tls::version_name(datagram.version));
            match kind {
                SERVER_HELLO_DONE | CERTIFICATE_REQUEST => side = Side::Server,
                CLIENT_KEY_EXCHANGE => side = Side::Client,
                _ => {}
            }
        }
    }
    for message in &datagram.messages {
        match message.kind {
            CERTIFICATE => over_streams::add_certificates(&mut facts, &message.body),
            CERTIFICATE_REQUEST => facts.add("tls.client_certificate", "requested"),
            _ => {}
        }
    }
    Ok(Finding { confidence, ..Finding::firm(side, facts) })
}

fn highest(hello: &ClientHello<'_>) -> u16 {
    hello.versions().into_iter().max_by_key(|version| tls::age(*version)).unwrap_or(hello.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn a_tunnel_begun_before_the_capture_is_recognised() {
        let bytes = hex!("17fefd0001000000000001 0005 aabbccddee");
        let said = Said::datagram(443, 51_000, &bytes);
        let finding = read(&said).unwrap();
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Firm));
        assert_eq!(finding.facts.get("dtls.version"), Some("DTLS 1.2"));
        let cut = Said { bytes: &bytes[..17], ..said };
        assert!(read(&cut).is_err(), "a shape alone must fit exactly");
    }
}
