//! What SOCKS tells: that a proxy is used, and where to.

use super::{Carrier, Confidence, Facts, Finding, Protocol, Rest, Said, Side};
use crate::wire::{
    Error, Result, require,
    socks::{Client, Server},
};

/// Where proxies usually listen (TCP).
const PORTS: &[u16] = &[1080, 1081, 1085, 9050, 9150, 10808];

/// SOCKS. Its messages are short, so off its ports a client must both offer and ask, and a server reply.
pub static PROTOCOL: Protocol = Protocol { name: "socks", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    // The same first byte begins both sides' messages of version 5.
    match said.side(PORTS) {
        Side::Server => of_server(said),
        Side::Client | Side::Peer => of_client(said),
    }
}

fn of_client(said: &Said<'_>) -> Result<Finding> {
    let client = Client::parse(said.bytes)?;
    if client.more && said.open {
        return Err(Error::Truncated { field: "request", missing: 1 });
    }
    let home = said.on(PORTS);
    let mut facts = Facts::default().with("socks.version", client.version);
    let methods: Vec<String> = client.methods.iter().map(|number| method(*number)).collect();
    facts.add_text("socks.methods", methods.join(",").as_bytes());
    if client.password {
        facts.add("socks.authentication", "password");
    }
    let Some((command, destination)) = client.request else {
        let answered = matches!(Server::parse(said.answering), Ok((Server::Method(_), _)));
        let finding = if home && answered { Finding::firm } else { Finding::weak };
        return Ok(finding(Side::Client, facts));
    };
    facts.add("socks.command", self::command(command));
    facts.add_text("socks.destination", destination.to_string().as_bytes());
    // A client of version 4 waits for the answer before it says more.
    let waits = client.length == said.bytes.len();
    let confidence = match (client.version, home) {
        ("5", true) => Confidence::Certain,
        ("5", false) | (_, true) => Confidence::Firm,
        (_, false) if waits => Confidence::Firm,
        _ => Confidence::Weak,
    };
    let finding = Finding { confidence, ..Finding::certain(Side::Client, facts) };
    Ok(finding.then(Rest::Other(client.length)))
}

fn of_server(said: &Said<'_>) -> Result<Finding> {
    let (message, length) = Server::parse(said.bytes)?;
    let home = said.on(PORTS);
    let mut facts = Facts::default();
    match message {
        Server::Method(chosen) => {
            let asked = Client::parse(said.answering);
            let offered =
                asked.is_ok_and(|client| chosen == 255 || client.methods.contains(&chosen));
            require("method", offered || home)?;
            facts.add("socks.version", "5");
            facts.add("socks.method", method(chosen));
            let finding = if offered { Finding::firm } else { Finding::weak };
            Ok(finding(Side::Server, facts).then(Rest::Same(length)))
        }
        Server::Password(status) => {
            facts.add("socks.password", if status == 0 { "accepted" } else { "refused" });
            Ok(Finding::weak(Side::Server, facts).then(Rest::Same(length)))
        }
        Server::Reply(version, code, bound) => {
            facts.add("socks.version", version);
            facts.add("socks.reply", reply(code));
            let granted = matches!(code, 0 | 0x5a);
            if granted {
                facts.add_text("socks.bound", bound.to_string().as_bytes());
            }
            // Eight bytes of version 4 are mostly zeros, as others send too.
            let finding = if version == 5 { Finding::firm } else { Finding::weak };
            let rest = if granted { Rest::Other(length) } else { Rest::Done };
            Ok(finding(Side::Server, facts).then(rest))
        }
    }
}

/// A way to log on (IANA socks-methods).
fn method(number: u8) -> String {
    match number {
        0 => "none",
        1 => "gssapi",
        2 => "password",
        3 => "chap",
        6 => "tls",
        255 => "refused",
        _ => return number.to_string(),
    }
    .to_owned()
}

fn command(number: u8) -> &'static str {
    match number {
        1 => "connect",
        2 => "bind",
        _ => "udp",
    }
}

/// The answer to a request (RFC 1928, 6; version 4 has its own numbers).
fn reply(code: u8) -> String {
    match code {
        0 | 0x5a => "granted",
        1 | 0x5b => "failed",
        2 => "not_allowed",
        3 => "network_unreachable",
        4 => "host_unreachable",
        5 => "refused",
        6 => "expired",
        7 => "command_not_supported",
        8 => "address_type_not_supported",
        _ => return code.to_string(),
    }
    .to_owned()
}
