//! What TLS and SSL say before encryption begins: hellos, certificates, alerts.

use super::{Carrier, Facts, Finding, Protocol, Rest, Said, Side};
use crate::wire::{
    Error, Result,
    tls::{
        self, CERTIFICATE, CERTIFICATE_REQUEST, CLIENT_HELLO, ClientHello, Flight, OldClientHello,
        OldServerHello, SERVER_HELLO, SERVER_HELLO_DONE, ServerHello,
    },
    x509::Certificate,
};

/// Where servers usually listen (TCP).
const PORTS: &[u16] =
    &[443, 465, 563, 636, 853, 989, 990, 992, 993, 995, 4433, 4443, 5061, 8443, 9443, 10_443];

/// How much of a client's handshake is waited for.
const MOST_FROM_CLIENT: usize = 16 << 10;

/// How much of a server's handshake is waited for.
const MOST_FROM_SERVER: usize = 32 << 10;

/// How many certificates of a chain are told.
const MOST_CERTIFICATES: usize = 3;

/// TLS, on any port: records and hellos prove themselves.
pub static PROTOCOL: Protocol = Protocol { name: "tls", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    if said.bytes.first().is_some_and(|first| first & 0x80 != 0) {
        return read_old(said.bytes);
    }
    let flight = Flight::parse(said.bytes, MOST_FROM_SERVER)?;
    let mut facts = Facts::default();
    let Some(first) = flight.messages().next() else {
        return match flight.alert {
            Some(_) => {
                facts.add("tls.version", tls::version_name(flight.version));
                add_alert(&mut facts, &flight);
                Ok(Finding::firm(said.side(PORTS), facts))
            }
            None => Err(Error::Truncated { field: "message", missing: 1 }),
        };
    };
    let waits = said.open && !flight.ended;
    match first.kind {
        CLIENT_HELLO => {
            if waits && !first.is_whole() && first.body.len() < MOST_FROM_CLIENT {
                let missing = first.length - first.body.len();
                return Err(Error::Truncated { field: "client hello", missing });
            }
            let hello = ClientHello::parse_cut(first.body, false)?;
            add_client_hello(&mut facts, &hello, 't');
            // A client that shows a certificate does so next, in clear up to TLS 1.2.
            let on = first.is_whole() && flight.alert.is_none() && flight.length > 0;
            let rest = if on { Rest::Same(flight.length) } else { Rest::Done };
            Ok(Finding::certain(Side::Client, facts).then(rest))
        }
        SERVER_HELLO => {
            let hello = ServerHello::parse_cut(first.body, false);
            let in_clear = hello.as_ref().map_or(true, |h| tls::age(h.selected_version()) < 0x0304);
            let is_last = |kind| matches!(kind, SERVER_HELLO_DONE);
            let ended = flight.messages().any(|message| is_last(message.kind));
            let endless = flight.messages().any(|message| message.length > 8 * MOST_FROM_SERVER);
            // A recording shows a certificate that was encrypted behind the hello, and then what was said.
            let shown = !in_clear && flight.messages().any(|message| message.kind == CERTIFICATE);
            let goes_on = flight.cut || flight.messages().any(|message| !message.is_whole());
            if waits && !endless && (goes_on || (in_clear && !ended)) {
                return Err(Error::Truncated { field: "server hello", missing: 1 });
            }
            add_server_hello(&mut facts, &hello?);
            let mut demanded = false;
            for message in flight.messages() {
                match message.kind {
                    CERTIFICATE => add_certificates(&mut facts, message.body),
                    CERTIFICATE_REQUEST => demanded = true,
                    _ => {}
                }
            }
            if demanded {
                facts.add("tls.client_certificate", "requested");
            }
            add_alert(&mut facts, &flight);
            let rest = if shown { Rest::Other(flight.length) } else { Rest::Done };
            Ok(Finding::certain(Side::Server, facts).then(rest))
        }
        // A client's second flight; an empty list is a refusal and tells nothing.
        _ => {
            if waits && !first.is_whole() {
                return Err(Error::Truncated { field: "certificates", missing: 1 });
            }
            let der = tls::certificates(first.body).next();
            Certificate::parse_cut(der.ok_or(Error::Foreign { field: "certificates" })?)?;
            facts.add("tls.client_certificate", "sent");
            add_certificates(&mut facts, first.body);
            Ok(Finding::certain(Side::Client, facts))
        }
    }
}

/// SSL 2.0.
fn read_old(bytes: &[u8]) -> Result<Finding> {
    let mut facts = Facts::default();
    let ciphers = |ciphers: &[u32]| {
        let texts: Vec<String> = ciphers.iter().map(|cipher| format!("{cipher:06x}")).collect();
        texts.join("-")
    };
    let not_client = match OldClientHello::parse(bytes) {
        Ok(hello) => {
            facts.add("tls.version", tls::version_name(hello.version));
            facts.add("tls.hello", tls::version_name(2));
            facts.add("tls.ciphers", ciphers(&hello.ciphers));
            return Ok(Finding::certain(Side::Client, facts));
        }
        Err(error) => error,
    };
    if not_client.wants_more() {
        return Err(not_client);
    }
    let hello = OldServerHello::parse(bytes)?;
    facts.add("tls.version", tls::version_name(2));
    facts.add("tls.ciphers", ciphers(&hello.ciphers));
    if let Ok(certificate) = Certificate::parse_cut(hello.certificate) {
        add_certificate(&mut facts, &certificate);
    }
    Ok(Finding::certain(Side::Server, facts))
}

/// Adds what a client's offer tells; `carrier` as for [`ClientHello::ja4`].
pub(super) fn add_client_hello(facts: &mut Facts, hello: &ClientHello<'_>, carrier: char) {
    let mut versions = hello.versions();
    versions.sort_unstable_by_key(|version| std::cmp::Reverse(tls::age(*version)));
    let names: Vec<String> = versions.iter().map(|v| tls::version_name(*v)).collect();
    // What was cut off may have been a list with a newer version.
    let certain = hello.whole || versions != [0x0303];
    if let Some(highest) = names.first().filter(|_| certain) {
        facts.add("tls.version", highest);
    }
    if names.len() > 1 {
        facts.add("tls.versions", names.join(", "));
    }
    if let Some(name) = hello.server_name() {
        facts.add_text("tls.sni", name);
    }
    for protocol in hello.alpn().filter(|name| !is_grease_name(name)).take(8) {
        facts.add_text("tls.alpn", protocol);
    }
    if !hello.whole {
        return;
    }
    facts.add_hex("tls.ja3", &hello.ja3());
    facts.add("tls.ja4", hello.ja4(carrier));
    add_numbers(facts, "tls.ciphers", hello.suites());
    // Browsers shuffle extensions; sorted, the same browser says the same.
    let mut extensions: Vec<u16> = hello.extension_numbers().collect();
    extensions.sort_unstable();
    add_numbers(facts, "tls.extensions", extensions);
    add_numbers(facts, "tls.groups", hello.groups());
    add_numbers(facts, "tls.signature_algorithms", hello.signature_algorithms());
}

/// Adds what a server's choice tells.
pub(super) fn add_server_hello(facts: &mut Facts, hello: &ServerHello<'_>) {
    facts.add("tls.version", tls::version_name(hello.selected_version()));
    if hello.cipher != 0 {
        facts.add("tls.cipher", format!("{:04x}", hello.cipher));
    }
    if let Some(protocol) = hello.alpn() {
        facts.add_text("tls.alpn", protocol);
    }
    if hello.whole {
        facts.add_hex("tls.ja3s", &hello.ja3s());
    }
}

/// Adds what the first certificates of a chain tell; the speaker's own is the first.
pub(super) fn add_certificates(facts: &mut Facts, body: &[u8]) {
    for (at, der) in tls::certificates(body).take(MOST_CERTIFICATES).enumerate() {
        let Ok(certificate) = Certificate::parse_cut(der) else { break };
        if at == 0 {
            add_certificate(facts, &certificate);
        } else {
            facts.add_text("tls.chain.subject", certificate.subject.to_string().as_bytes());
            facts.add_hex("tls.chain.sha256", &certificate.sha256.unwrap_or_default());
        }
    }
}

/// Adds what a certificate tells.
pub(super) fn add_certificate(facts: &mut Facts, certificate: &Certificate) {
    let subject =
        [("tls.cert.subject.cn", "CN"), ("tls.cert.subject.o", "O"), ("tls.cert.subject.ou", "OU")];
    let issuer = [("tls.cert.issuer.cn", "CN"), ("tls.cert.issuer.o", "O")];
    facts.add_text("tls.cert.subject", certificate.subject.to_string().as_bytes());
    for (field, kind) in subject {
        for value in certificate.subject.all(kind).take(4) {
            facts.add_text(field, value.as_bytes());
        }
    }
    facts.add_text("tls.cert.issuer", certificate.issuer.to_string().as_bytes());
    for (field, kind) in issuer {
        for value in certificate.issuer.all(kind).take(4) {
            facts.add_text(field, value.as_bytes());
        }
    }
    facts.add_hex("tls.cert.serial", &certificate.serial);
    let moments = [
        ("tls.cert.not_before", certificate.not_before),
        ("tls.cert.not_after", certificate.not_after),
    ];
    for (field, seconds) in moments {
        if let Some(moment) = seconds.and_then(|s| jiff::Timestamp::from_second(s).ok()) {
            facts.add(field, moment);
        }
    }
    for name in &certificate.names {
        facts.add_text("tls.cert.name", name.as_bytes());
    }
    for address in &certificate.addresses {
        facts.add("tls.cert.address", address);
    }
    if !certificate.key.is_empty() {
        facts.add("tls.cert.key", &certificate.key);
    }
    if certificate.bits > 0 {
        facts.add("tls.cert.bits", certificate.bits);
    }
    if !certificate.signature.is_empty() {
        facts.add("tls.cert.signature", &certificate.signature);
    }
    if let Some(hash) = certificate.sha256 {
        facts.add_hex("tls.cert.sha256", &hash);
    }
    if certificate.is_self_signed() {
        facts.add("tls.cert.self_signed", true);
    }
}

fn add_alert(facts: &mut Facts, flight: &Flight<'_>) {
    if let Some(alert) = flight.alert {
        let number = alert.description;
        match tls::alert_name(number) {
            Some(name) => facts.add("tls.alert", name),
            None => facts.add("tls.alert", number),
        }
    }
}

fn add_numbers(facts: &mut Facts, field: &'static str, numbers: impl IntoIterator<Item = u16>) {
    let texts: Vec<String> = numbers.into_iter().map(|number| format!("{number:04x}")).collect();
    if !texts.is_empty() {
        facts.add(field, texts.join("-"));
    }
}

/// Two bytes that stand for no protocol (RFC 8701).
fn is_grease_name(name: &[u8]) -> bool {
    <[u8; 2]>::try_from(name).is_ok_and(|pair| tls::is_grease(u16::from_be_bytes(pair)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tls::Offer;

    fn offer() -> Vec<u8> {
        Offer { version: 0x0303, random: [7; 32], server_name: Some("vpn.example") }.emit()
    }

    #[test]
    fn a_client_is_waited_for_until_its_hello_is_whole() {
        let bytes = offer();
        for end in 0..bytes.len() {
            let read = read(&Said::stream(51_000, 4500, &bytes[..end]));
            assert!(read.as_ref().is_err_and(Error::wants_more), "{end} bytes: {read:?}");
        }
        let finding = read(&Said::stream(51_000, 4500, &bytes)).unwrap();
        assert_eq!(finding.facts.get("tls.sni"), Some("vpn.example"));
        assert_eq!(finding.rest, Rest::Same(bytes.len()));
    }

    #[test]
    fn a_hello_in_a_record_that_is_not_whole_is_not_read_again() {
        let mut bytes = offer();
        bytes[3] = 8;
        let finding = read(&Said::stream(51_000, 4500, &bytes)).unwrap();
        assert_eq!(finding.rest, Rest::Done);
    }

    #[test]
    fn a_stream_that_ended_early_tells_what_is_there() {
        let bytes = offer();
        let end = bytes.windows(11).position(|name| name == b"vpn.example").unwrap() + 11;
        let said = Said { open: false, ..Said::stream(51_000, 443, &bytes[..end]) };
        let finding = read(&said).unwrap();
        assert_eq!(finding.facts.get("tls.sni"), Some("vpn.example"));
        assert_eq!(finding.facts.get("tls.version"), None, "a newer one may have been cut off");
        assert_eq!(finding.facts.get("tls.ja3"), None);
    }

    #[test]
    fn a_certificate_that_was_shown_is_followed_by_what_was_said() {
        let body = [&[3, 3][..], &[7; 32], &[0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]].concat();
        let hello = [&[SERVER_HELLO, 0, 0, u8::try_from(body.len()).unwrap()], &body[..]].concat();
        let shown = tls::show(&hello, &[&[0x30; 600]]);
        for end in 0..shown.len() {
            let said = Said::stream(443, 51_000, &shown[..end]);
            assert!(read(&said).is_err_and(|e| e.wants_more()), "{end} bytes");
        }
        let finding = read(&Said::stream(443, 51_000, &shown)).unwrap();
        assert_eq!(finding.facts.get("tls.version"), Some("TLS 1.3"));
        assert_eq!(finding.rest, Rest::Other(shown.len()));
        let on = [&shown[..], b"HTTP/1.1 200 OK\r\n"].concat();
        let finding = read(&Said::stream(443, 51_000, &on)).unwrap();
        assert_eq!(finding.rest, Rest::Other(shown.len()));
    }

    #[test]
    fn a_server_that_promises_sixteen_megabytes_is_not_waited_for() {
        let mut hello = vec![3, 3];
        hello.extend([7; 32]);
        hello.extend([0, 0, 47, 0]);
        let mut bytes = vec![22, 3, 3, 0, 50, 2, 0, 0, 38];
        bytes.extend(&hello);
        bytes.extend([11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0xff]);
        let finding = read(&Said::stream(443, 51_000, &bytes)).unwrap();
        assert_eq!(finding.facts.get("tls.cipher"), Some("002f"));
    }
}
