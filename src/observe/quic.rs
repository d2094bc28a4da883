//! What QUIC tells: its version, and the hellos in its first packets, which anybody can open.

use super::{Carrier, Confidence, Facts, Finding, Protocol, Said, Side, tls as over_streams};
use crate::wire::{
    Result,
    quic::{self, Header, Kind, Opened, Sender},
    tls::{self, CLIENT_HELLO, ClientHello, SERVER_HELLO, ServerHello},
};

/// Where servers usually listen (UDP): the web, and DNS.
const PORTS: &[u16] = &[80, 443, 784, 853, 4433, 8443, 8853];

/// QUIC, on any port: known versions, and packets that open with the keys their names give.
pub static PROTOCOL: Protocol = Protocol { name: "quic", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let header = Header::parse(said.bytes)?;
    let mut facts = Facts::default();
    match header.kind {
        Kind::Negotiation => {
            let versions: Vec<String> =
                header.versions().take(32).map(quic::version_name).collect();
            facts.add("quic.packet", "negotiation");
            facts.add("quic.versions", versions.join(", "));
            return Ok(Finding::firm(Side::Server, facts));
        }
        Kind::Retry => {
            facts.add("quic.version", quic::version_name(header.version));
            facts.add("quic.packet", "retry");
            return Ok(Finding::firm(Side::Server, facts));
        }
        _ => facts.add("quic.version", quic::version_name(header.version)),
    }
    if header.kind == Kind::Google {
        add_google(&mut facts, header.rest);
        let side = if header.destination.is_empty() { Side::Server } else { Side::Client };
        return Ok(Finding::firm(side, facts));
    }
    let opened = (header.kind == Kind::Initial).then(|| opened(said, &header)).flatten();
    let Some((sender, opened)) = opened else {
        return Ok(Finding::firm(said.side(PORTS), facts));
    };
    add_hello(&mut facts, &opened);
    add_google(&mut facts, opened.google.as_deref().unwrap_or_default());
    if let Some(error) = opened.close {
        facts.add("quic.close", error);
    }
    let side = match sender {
        Sender::Client => Side::Client,
        Sender::Server => Side::Server,
    };
    Ok(Finding { confidence: Confidence::Certain, ..Finding::firm(side, facts) })
}

/// Opens the datagram with the names that may have given its keys: the client's own first one, or the one
/// in what it said before, or the one in what is answered.
fn opened(said: &Said<'_>, header: &Header<'_>) -> Option<(Sender, Opened)> {
    let initial =
        |bytes| Header::parse(bytes).ok().filter(|h: &Header<'_>| h.kind == Kind::Initial);
    let both = [said.earlier, said.bytes];
    // A hello may need two datagrams; the one before counts if it opens with the same keys.
    if let Some(earlier) = initial(said.earlier)
        && let Some(opened) = quic::open(&both, earlier.destination, Sender::Client)
        && quic::open(&both[1..], earlier.destination, Sender::Client).is_some()
    {
        return Some((Sender::Client, opened));
    }
    if let Some(opened) = quic::open(&both[1..], header.destination, Sender::Client) {
        return Some((Sender::Client, opened));
    }
    let asked = initial(said.answering)?;
    let opened = quic::open(&both[1..], asked.destination, Sender::Server)?;
    Some((Sender::Server, opened))
}

fn add_hello(facts: &mut Facts, opened: &Opened) {
    let Some(message) = tls::messages(&opened.handshake).next() else { return };
    match message.kind {
        CLIENT_HELLO => {
            if let Ok(hello) = ClientHello::parse_cut(message.body, false) {
                if let Some(name) = hello.server_name() {
                    facts.add_text("quic.sni", name);
                }
                over_streams::add_client_hello(facts, &hello, 'q');
            }
        }
        SERVER_HELLO => {
            if let Ok(hello) = ServerHello::parse_cut(message.body, false) {
                over_streams::add_server_hello(facts, &hello);
            }
        }
        _ => {}
    }
}

/// Adds what a hello of Google's own cryptography tells.
fn add_google(facts: &mut Facts, bytes: &[u8]) {
    for (tag, value) in quic::google_hello(bytes) {
        match &tag {
            b"SNI\0" => facts.add_text("quic.sni", value),
            b"UAID" => facts.add_text("quic.user_agent", value),
            _ => {}
        }
    }
}
