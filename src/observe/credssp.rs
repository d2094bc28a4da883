//! What CredSSP tells inside RDP's TLS: with NTLM, who the server is.

use super::{Carrier, Facts, Finding, Protocol, Rest, Said, Side, ntlm};
use crate::wire::{Result, credssp::Request, ntlm::Message};

/// Where servers usually listen (TCP).
const PORTS: &[u16] = &[3389];

/// CredSSP, as a probe reads it inside TLS.
pub static PROTOCOL: Protocol =
    Protocol { name: "credssp", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let request = Request::parse(said.bytes)?;
    let mut facts = Facts::default().with("credssp.version", request.version);
    if let Some(error) = request.error {
        facts.add("credssp.error", format_args!("{error:#010x}"));
    }
    let rest = Rest::Same(request.length);
    let Ok(message) = Message::find(request.token) else {
        return Ok(Finding::firm(said.side(PORTS), facts).then(rest));
    };
    let side = match message {
        Message::Challenge(_) => Side::Server,
        Message::Negotiate { .. } | Message::Authenticate { .. } => Side::Client,
    };
    ntlm::tell(&mut facts, &message);
    Ok(Finding::certain(side, facts).then(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_begins_is_a_client_on_any_port() {
        let asked = Request::emit(6, &Message::ask());
        let finding = read(&Said::stream(1, 2, &asked)).unwrap();
        assert_eq!(finding.side, Side::Client);
        assert_eq!(finding.facts.get("ntlm.os_build"), Some("10.0.19041"));
    }
}
