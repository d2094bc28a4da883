//! What RDP's connection request, its answer and the classic MCS connection tell.

use super::{Carrier, Facts, Finding, Protocol, Rest, Said, Side, facts};
use crate::wire::{
    Error, Result,
    rdp::{Client, Confirm, Message, Request, Server},
};

/// Where servers usually listen (TCP).
const PORTS: &[u16] = &[3389];

/// RDP, on any port: the negotiation names itself. What the request tells of the user is not kept.
pub static PROTOCOL: Protocol = Protocol { name: "rdp", carriers: &[Carrier::Tcp(PORTS)], read };

/// Security protocols (MS-RDPBCGR 2.2.1.1.1), by bit.
const SECURITY: &[(u32, &str)] =
    &[(1, "tls"), (2, "credssp"), (4, "rdstls"), (8, "credssp_ex"), (16, "aad")];

/// What a client wants (MS-RDPBCGR 2.2.1.1.1), by bit.
const WANTS: &[(u32, &str)] = &[(1, "restricted_admin"), (2, "redirected_authentication")];

/// What a server can do (MS-RDPBCGR 2.2.1.2.1), by bit.
const CAN: &[(u32, &str)] = &[
    (0x01, "extended_client_data"),
    (0x02, "graphics"),
    (0x04, "reserved"),
    (0x08, "restricted_admin"),
    (0x10, "redirected_authentication"),
];

fn read(said: &Said<'_>) -> Result<Finding> {
    let (message, length) = Message::parse(said.bytes)?;
    match message {
        Message::Request(request) => Ok(of_request(&request, length)),
        Message::Confirm(confirm) => {
            let bytes = said.bytes.get(..length).unwrap_or(said.bytes);
            Ok(of_confirm(confirm, bytes))
        }
        Message::ConnectInitial(Client { whole: false, .. })
        | Message::ConnectResponse(Server { whole: false, .. })
            if said.open =>
        {
            Err(Error::Truncated { field: "settings", missing: 1 })
        }
        Message::ConnectInitial(client) => {
            let found = of_client(&client);
            Ok(if client.version.is_some() { found } else { weaker(found) })
        }
        Message::ConnectResponse(server) => {
            let found = of_server(&server);
            Ok(if server.version.is_some() { found } else { weaker(found) })
        }
    }
}

/// Without Microsoft's settings it is some conference over MCS.
fn weaker(finding: Finding) -> Finding {
    Finding::weak(finding.side, finding.facts)
}

fn of_request(request: &Request<'_>, length: usize) -> Finding {
    let mut facts = Facts::default();
    if let Some(token) = request.token {
        match token.strip_prefix(b"Cookie: ") {
            // Ends in the beginning of the user's name.
            Some(cookie) if cookie.starts_with(b"mstshash=") => facts.add("rdp.cookie", "mstshash"),
            Some(cookie) if cookie.starts_with(b"msts=") => facts.add("rdp.cookie", "msts"),
            _ if token.is_empty() => {}
            _ => facts.add("rdp.cookie", "other"),
        }
    }
    if let Some(inside) = request.inside() {
        facts.add("rdp.routing", inside);
    }
    if let Some((flags, protocols)) = request.asks {
        facts.add("rdp.requested", names(SECURITY, protocols).unwrap_or("standard".to_owned()));
        if let Some(wants) = names(WANTS, flags.into()) {
            facts.add("rdp.request_flags", wants);
        }
    }
    let proven = request.asks.is_some()
        || request.token.is_some_and(|token| token.starts_with(b"Cookie: msts"));
    let finding = if proven { Finding::certain } else { Finding::weak };
    let classic = request.asks.is_none_or(|(_, protocols)| protocols == 0);
    let rest = if classic { Rest::Same(length) } else { Rest::Other(length) };
    finding(Side::Client, facts).then(rest)
}

fn of_confirm(confirm: Confirm, bytes: &[u8]) -> Finding {
    // The references and flags together tell implementations apart.
    let mut facts = Facts::default().with_hex("rdp.confirm", bytes);
    let length = bytes.len();
    match confirm {
        Confirm::Plain => {
            facts.add("rdp.selected", "standard");
            Finding::weak(Side::Server, facts).then(Rest::Same(length))
        }
        Confirm::Chosen { flags, protocol } => {
            let selected = names(SECURITY, protocol).unwrap_or("standard".to_owned());
            facts.add("rdp.selected", selected);
            if let Some(can) = names(CAN, flags.into()) {
                facts.add("rdp.flags", can);
            }
            let rest = if protocol == 0 { Rest::Same(length) } else { Rest::Other(length) };
            Finding::certain(Side::Server, facts).then(rest)
        }
        Confirm::Failure(reason) => {
            facts.add("rdp.failure", failure(reason));
            Finding::certain(Side::Server, facts)
        }
    }
}

fn of_client(client: &Client<'_>) -> Finding {
    let mut facts = Facts::default();
    if let Some(said) = client.version {
        facts.add("rdp.client_version", version(said));
        facts.add("rdp.client_build", client.build);
        facts.add("rdp.keyboard_layout", format_args!("{:08x}", client.keyboard_layout));
        facts.add_text("rdp.client_name", utf16(client.name).as_bytes());
    }
    for channel in client.channel_names() {
        facts.add_text("rdp.channel", channel);
    }
    Finding::certain(Side::Client, facts)
}

fn of_server(server: &Server) -> Finding {
    let mut facts = Facts::default();
    if let Some(said) = server.version {
        facts.add("rdp.version", version(said));
    }
    if let Some((method, level)) = server.encryption {
        facts.add("rdp.encryption_method", encryption_method(method));
        facts.add("rdp.encryption_level", encryption_level(level));
    }
    Finding::certain(Side::Server, facts)
}

/// The names of the bits set in `value`, with commas; unknown bits as a number.
fn names(bits: &[(u32, &str)], value: u32) -> Option<String> {
    let mut names: Vec<String> = bits
        .iter()
        .filter(|(bit, _)| value & bit != 0)
        .map(|(_, name)| (*name).to_owned())
        .collect();
    let known = bits.iter().fold(0, |all, (bit, _)| all | bit);
    if value & !known != 0 {
        names.push(format!("{:#x}", value & !known));
    }
    (!names.is_empty()).then(|| names.join(","))
}

/// UTF-16LE text up to its first zero.
fn utf16(bytes: &[u8]) -> String {
    let (units, _) = bytes.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit)).take_while(|unit| *unit != 0);
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect();
    facts::text(text.as_bytes())
}

/// The version of RDP (MS-RDPBCGR 2.2.1.3.2). The same number stands for 5.0 to 8.1.
fn version(number: u32) -> String {
    match number {
        0x0008_0001 => "4.0".to_owned(),
        0x0008_0004 => "5.0-8.1".to_owned(),
        0x0008_0005..=0x0008_0011 => format!("10.{}", number - 0x0008_0005),
        _ => format!("{number:#010x}"),
    }
}

/// Why a server refuses (MS-RDPBCGR 2.2.1.2.2).
fn failure(reason: u32) -> String {
    match reason {
        1 => "tls_required",
        2 => "tls_not_allowed",
        3 => "no_certificate",
        4 => "inconsistent_flags",
        5 => "credssp_required",
        6 => "tls_with_user_authentication_required",
        _ => return format!("{reason:#x}"),
    }
    .to_owned()
}

/// How classic RDP security encrypts (MS-RDPBCGR 2.2.1.4.3).
fn encryption_method(method: u32) -> String {
    match method {
        0 => "none",
        1 => "40bit",
        2 => "128bit",
        8 => "56bit",
        16 => "fips",
        _ => return format!("{method:#x}"),
    }
    .to_owned()
}

/// How far classic RDP security encrypts (MS-RDPBCGR 2.2.1.4.3).
fn encryption_level(level: u32) -> String {
    match level {
        0 => "none",
        1 => "low",
        2 => "client_compatible",
        3 => "high",
        4 => "fips",
        _ => return format!("{level:#x}"),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_name_is_not_kept() {
        let request = Request { token: Some(b"Cookie: mstshash=someone"), asks: Some((0, 3)) };
        let bytes = request.emit();
        let finding = read(&Said::stream(50_000, 3390, &bytes)).unwrap();
        assert!(finding.facts.iter().all(|(_, value)| !value.contains("someone")));
        assert_eq!(finding.rest, Rest::Other(bytes.len()));
    }

    #[test]
    fn classic_security_goes_on_in_rdp() {
        let bytes = Confirm::Plain.emit();
        let finding = read(&Said::stream(3389, 50_000, &bytes)).unwrap();
        assert_eq!(finding.rest, Rest::Same(bytes.len()));
    }
}
