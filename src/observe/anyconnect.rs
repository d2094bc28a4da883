//! Cisco `AnyConnect` and what speaks it (ocserv, openconnect): its tunnel inside HTTPS where that is seen in
//! clear, and its tunnel in DTLS of before the standard (draft-mavrogiannopoulos-openconnect).

use super::{Carrier, Confidence, Facts, Finding, Protocol, Said, Side, Transport, dtls, http};
use crate::wire::{
    Error, Reader, Result,
    anyconnect::PATH,
    dtls::Datagram,
    http::{Body, Head, Start, contains},
    require,
};

/// Where servers usually listen.
const PORTS: &[u16] = &[443];

/// The DTLS version that only this protocol still speaks.
const OLD_DTLS: u16 = 0x0100;

/// How much of an answer in XML is waited for.
const MOST_XML: usize = 16 << 10;

/// `AnyConnect`: by the names of its headers, its path, or its old DTLS version.
pub static PROTOCOL: Protocol =
    Protocol { name: "anyconnect", carriers: &[Carrier::Tcp(PORTS), Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    if said.transport == Transport::Udp {
        let mut r = Reader::new(said.bytes);
        r.u8("record type")?;
        r.expect_u16("version", OLD_DTLS)?;
        let finding = dtls::finding(said, &Datagram::parse(said.bytes)?)?;
        return Ok(Finding { confidence: Confidence::Firm, ..finding });
    }
    let head = http::head(said)?;
    match head.start {
        Start::Request { method, target, .. } => client(&head, method, target),
        Start::Response { status, .. } => server(said, &head, status),
    }
}

fn client(head: &Head<'_>, method: &[u8], target: &[u8]) -> Result<Finding> {
    let agent = head.get("user-agent").unwrap_or_default();
    let tunnel = method == b"CONNECT" && target.starts_with(PATH.as_bytes());
    let named = has(head, b"x-cstp-") || has(head, b"x-anyconnect-");
    let asks = target.starts_with(PATH.as_bytes()) || head.get("x-aggregate-auth").is_some();
    require("headers", tunnel || named || asks || contains(agent, b"anyconnect"))?;
    let mut facts = Facts::default();
    facts.add_text("anyconnect.host", head.get("host").unwrap_or_default());
    facts.add_text("anyconnect.agent", agent);
    for (field, name) in [
        ("anyconnect.platform", "x-anyconnect-platform"),
        ("anyconnect.hostname", "x-cstp-hostname"),
        ("anyconnect.local_address", "x-cstp-local-address-ip4"),
    ] {
        facts.add_text(field, head.get(name).unwrap_or_default());
    }
    if tunnel {
        facts.add("anyconnect.tunnel", "requested");
    }
    let finding = if tunnel || named { Finding::certain } else { Finding::firm };
    Ok(finding(Side::Client, facts))
}

fn server(said: &Said<'_>, head: &Head<'_>, status: u16) -> Result<Finding> {
    let tunnel = has(head, b"x-cstp-");
    let logs_on = ["x-aggregate-auth", "x-transcend-version"];
    require("headers", tunnel || logs_on.iter().any(|name| head.get(name).is_some()))?;
    let mut facts = Facts::default();
    facts.add("anyconnect.status", status);
    facts.add_text("anyconnect.server", head.get("server").unwrap_or_default());
    for (field, name) in [
        ("anyconnect.version", "x-cstp-version"),
        ("anyconnect.address", "x-cstp-address"),
        ("anyconnect.netmask", "x-cstp-netmask"),
        ("anyconnect.dns", "x-cstp-dns"),
        ("anyconnect.domain", "x-cstp-default-domain"),
        ("anyconnect.route", "x-cstp-split-include"),
        ("anyconnect.dtls_port", "x-dtls-port"),
        ("anyconnect.dtls_cipher", "x-dtls-ciphersuite"),
    ] {
        for value in head.all(name).take(16) {
            facts.add_text(field, value);
        }
    }
    if tunnel {
        return Ok(Finding::certain(Side::Server, facts));
    }
    // The form to log in with tells the gateway's version, on older ones.
    let there = said.bytes.get(head.length..).unwrap_or_default();
    if let Body::Sized(length) = head.body(false) {
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(MOST_XML);
        if said.open && there.len() < length {
            return Err(Error::Truncated { field: "body", missing: length - there.len() });
        }
    }
    let there = there.get(..MOST_XML).unwrap_or(there);
    facts.add_text("anyconnect.gateway_version", between(there, b"<version who=\"sg\">", b"<"));
    facts.add_text("anyconnect.group", between(there, b"<tunnel-group>", b"<"));
    Ok(Finding::firm(Side::Server, facts))
}

/// Whether a header's name begins so.
fn has(head: &Head<'_>, start: &[u8]) -> bool {
    let begins = |name: &[u8]| {
        name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    };
    head.headers.iter().any(|(name, _)| begins(name))
}

fn between<'a>(text: &'a [u8], start: &[u8], end: &[u8]) -> &'a [u8] {
    let from = memchr::memmem::find(text, start).map(|at| at + start.len());
    let rest = from.and_then(|from| text.get(from..)).unwrap_or_default();
    let length = memchr::memmem::find(rest, end).filter(|length| *length <= 64);
    length.and_then(|length| rest.get(..length)).unwrap_or_default()
}
