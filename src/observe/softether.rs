//! What SoftEther VPN tells in clear: requests that begin sessions, greetings, and what it tells the
//! servers that help it out through address translation.

use super::{Carrier, Confidence, Facts, Finding, Protocol, Said, Side, Transport};
use crate::wire::{
    Error, Reader, Result, require,
    softether::{self, Request, Value},
};

/// Where servers listen (TCP).
const PORTS: &[u16] = &[5555, 992, 443, 1194];

/// Where helpers listen (UDP).
const HELPERS: &[u16] = &[5004];

/// SoftEther VPN: its own paths over HTTP, its own packs over UDP.
pub static PROTOCOL: Protocol =
    Protocol { name: "softether", carriers: &[Carrier::Tcp(PORTS), Carrier::Udp(HELPERS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    if said.transport == Transport::Tcp { stream(said) } else { datagram(said) }
}

fn stream(said: &Said<'_>) -> Result<Finding> {
    match Request::parse(said.bytes) {
        Ok(request) => {
            let mut facts = Facts::default().with_text("softether.request", request.path);
            for line in request.headers.split(|byte| *byte == b'\n') {
                if let Some(host) = line.strip_prefix(b"Host: ") {
                    facts.add_text("softether.host", host);
                }
            }
            // The path of the name service is common; its host is not.
            let own = request.path.starts_with(b"/vpnsvc/")
                || facts.get("softether.host").is_some_and(|host| host.contains("softether"));
            require("host", own)?;
            if request.body.starts_with(b"VPNCONNECT") || request.body.starts_with(b"GIF8") {
                facts.add("softether.watermark", true);
            }
            Ok(Finding::certain(Side::Client, facts))
        }
        Err(error) if error.wants_more() => Err(error),
        Err(error) => {
            // A greeting looks like any answer; the question tells it apart.
            if !said.answering.starts_with(b"POST /vpnsvc/") {
                return Err(error);
            }
            let mut r = Reader::new(said.bytes);
            r.expect_bytes("status", b"HTTP/1.")?;
            r.until("headers", b"\r\n\r\n", 4096)?;
            match pack(r.rest()) {
                Ok((facts, _)) => Ok(Finding::certain(Side::Server, facts)),
                Err(cut) if cut.wants_more() && said.open => Err(cut),
                Err(_) => Err(error),
            }
        }
    }
}

fn datagram(said: &Said<'_>) -> Result<Finding> {
    let home = said.on(HELPERS);
    let side = match (HELPERS.contains(&said.from), HELPERS.contains(&said.to)) {
        (true, false) => Side::Server,
        (false, true) => Side::Client,
        _ => said.side(HELPERS),
    };
    if said.bytes == b"A" && home {
        let facts = Facts::default().with("softether.message", "keepalive");
        return Ok(Finding::weak(side, facts));
    }
    if let Ok(address) = softether::seen_address(said.bytes) {
        let facts = Facts::default()
            .with("softether.message", "seen_address")
            .with_text("softether.public_address", address);
        return Ok(Finding::firm(Side::Server, facts));
    }
    let (facts, sure) = pack(said.bytes)?;
    require("pack", home || sure > Confidence::Weak)?;
    Ok(Finding { confidence: sure, ..Finding::certain(side, facts) })
}

/// What a pack tells that stays the same from message to message, and how surely it is SoftEther's.
fn pack(bytes: &[u8]) -> Result<(Facts, Confidence)> {
    // Accepted before it is read into facts: most bytes fail at the first number.
    let count = softether::pack(bytes, |_, _| {})?;
    let mut facts = Facts::default();
    let mut known = 0;
    softether::pack(bytes, |name, value| {
        let field = match name {
            b"opcode" => "softether.message",
            b"host_name" => "softether.host_name",
            b"product_str" => "softether.product",
            b"svc_name" => "softether.service",
            b"private_ip" => "softether.private_address",
            b"your_ip" => "softether.public_address",
            b"ddns_fqdn" => "softether.ddns_name",
            b"hello" => "softether.hello",
            b"version" => "softether.version",
            b"build" => "softether.build",
            b"nat_traversal_version" | b"tran_id" => {
                known += 1;
                return;
            }
            _ => return,
        };
        known += 1;
        match value {
            Value::Number(number) => facts.add(field, number),
            Value::Bytes(text) => facts.add_text(field, text),
        }
    })?;
    if known >= 2 {
        return Ok((facts, Confidence::Certain));
    }
    require("elements", count >= 2).map_err(|_| Error::Foreign { field: "pack" })?;
    Ok((facts, Confidence::Weak))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_counts_only_as_an_answer() {
        let question = softether::ask("192.0.2.1");
        let mut answer = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n".to_vec();
        answer.extend(softether::hello(b"a server", 444, 9807));
        let said = Said { answering: &question, ..Said::stream(8443, 50_000, &answer) };
        let finding = read(&said).unwrap();
        assert_eq!(finding.side, Side::Server);
        assert_eq!(finding.facts.get("softether.build"), Some("9807"));
        assert!(!read(&Said::stream(8443, 50_000, &answer)).unwrap_err().wants_more());
    }
}
