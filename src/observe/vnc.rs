//! What VNC's version lines and security types tell.

use super::{Carrier, Facts, Finding, Protocol, Rest, Said, Side};
use crate::wire::{
    Error, Result,
    vnc::{self, Client, Security, Server, Version},
};

/// Where servers usually listen (TCP), and repeaters.
const PORTS: &[u16] =
    &[5900, 5901, 5902, 5903, 5904, 5905, 5906, 5907, 5908, 5909, 5910, 5800, 5500];

/// Where viewers listen for servers that call them.
const VIEWER: u16 = 5500;

/// VNC, on any port: the line names itself.
pub static PROTOCOL: Protocol = Protocol { name: "vnc", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let asked = Version::parse(said.answering);
    if asked == Ok(Version::REPEATER)
        && !said.bytes.starts_with(b"RFB ")
        && said.bytes.len() >= vnc::REPEATER
    {
        let facts = Facts::default().with("vnc.through", "repeater");
        return Ok(Finding::firm(Side::Client, facts).then(Rest::Same(vnc::REPEATER)));
    }
    if said.bytes.starts_with(b"ID") {
        return of_number(said);
    }
    match side(said) {
        Side::Client => of_client(said),
        Side::Server | Side::Peer => of_server(said, asked.ok()),
    }
}

/// The side that speaks. Servers that call a waiting viewer are servers still.
fn side(said: &Said<'_>) -> Side {
    match (said.from == VIEWER, said.to == VIEWER) {
        (true, false) => Side::Client,
        (false, true) => Side::Server,
        _ => said.side(PORTS),
    }
}

fn version(facts: &mut Facts, version: Version) {
    let Version { major, minor } = version;
    facts.add("vnc.version", format_args!("{major}.{minor}"));
}

fn of_server(said: &Said<'_>, client: Option<Version>) -> Result<Finding> {
    let server = Server::parse(said.bytes, client)?;
    if server.more && said.open {
        return Err(Error::Truncated { field: "security", missing: 1 });
    }
    let mut facts = Facts::default();
    let Version { major, minor } = server.version;
    facts.add("vnc.banner", format_args!("RFB {major:03}.{minor:03}"));
    version(&mut facts, server.version);
    if server.version == Version::REPEATER {
        facts.add("vnc.through", "repeater");
        return Ok(Finding::certain(Side::Server, facts).then(Rest::Same(vnc::LINE)));
    }
    match server.security {
        Security::Unsaid => {}
        Security::Decided(decided) => facts.add("vnc.security", security(decided)),
        Security::Offered(types) => {
            let names: Vec<String> = types.iter().map(|t| security((*t).into())).collect();
            for name in &names {
                facts.add("vnc.security", name);
            }
            // Which, and in which order, tells one server's program from another's.
            facts.add("vnc.offers", names.join(","));
        }
        Security::Refused(reason) => facts.add_text("vnc.refusal", reason),
    }
    let (sub_types, _) = server.sub_types.as_chunks::<4>();
    for offered in sub_types {
        facts.add("vnc.vencrypt", sub_type(u32::from_be_bytes(*offered)));
    }
    if let Some(name) = server.desktop {
        facts.add_text("vnc.desktop", name);
    }
    let rest = server.tls_at.map_or(Rest::Done, Rest::Other);
    Ok(Finding::certain(Side::Server, facts).then(rest))
}

fn of_client(said: &Said<'_>) -> Result<Finding> {
    let client = Client::parse(said.bytes)?;
    if client.more && said.open {
        return Err(Error::Truncated { field: "security", missing: 1 });
    }
    let mut facts = Facts::default();
    // A viewer's line only answers the server's: it is no banner, and names no server.
    version(&mut facts, client.version);
    if let Some(chosen) = client.chosen {
        facts.add("vnc.security", security(chosen.into()));
    }
    if let Some(chosen) = client.sub_type {
        facts.add("vnc.vencrypt", sub_type(chosen));
    }
    let rest = client.tls_at.map_or(Rest::Done, Rest::Other);
    Ok(Finding::certain(Side::Client, facts).then(rest))
}

fn of_number(said: &Said<'_>) -> Result<Finding> {
    let number = vnc::repeater_number(said.bytes)?;
    let mut facts = Facts::default().with("vnc.through", "repeater");
    facts.add_text("vnc.repeater_number", number);
    let fill = said.bytes.get(3 + number.len()..vnc::REPEATER).unwrap_or_default();
    let blank = fill.iter().all(|byte| *byte == 0);
    let finding = if blank { Finding::firm } else { Finding::weak };
    // A server without a way in is its own client here; what it says next tells which it is.
    Ok(finding(Side::Peer, facts).then(Rest::Same(vnc::REPEATER)))
}

/// A security type (registered in RFC 6143 8.2.2, and by the makers of servers).
fn security(number: u32) -> String {
    match number {
        1 => "none",
        2 => "vnc",
        3 => "ra2_old",
        4 => "ra2ne_old",
        5 => "ra2",
        6 => "ra2ne",
        16 => "tight",
        17 => "ultra",
        18 => "tls",
        19 => "vencrypt",
        20 => "sasl",
        21 => "md5",
        22 => "xvp",
        30 => "apple_dh",
        33 => "apple_rsa",
        35 => "apple_kerberos",
        36 => "apple_srp",
        113 => "mslogon2",
        129 => "ra2_256",
        130 => "ra2ne_256",
        _ => return number.to_string(),
    }
    .to_owned()
}

/// A `VeNCrypt` sub type.
fn sub_type(number: u32) -> String {
    match number {
        256 => "plain",
        257 => "tls_none",
        258 => "tls_vnc",
        259 => "tls_plain",
        260 => "x509_none",
        261 => "x509_vnc",
        262 => "x509_plain",
        263 => "tls_sasl",
        264 => "x509_sasl",
        _ => return security(number),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_calls_a_viewer_is_a_server() {
        let said = Said { open: false, ..Said::stream(50_000, 5500, b"RFB 003.008\n") };
        assert_eq!(read(&said).unwrap().side, Side::Server);
    }
}
