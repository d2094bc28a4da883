//! What SMB's negotiation and session set-up tell: dialect, signing, and with NTLM who the server is.

use super::{Carrier, Facts, Finding, Protocol, Rest, Said, Side, ntlm};
use crate::wire::{
    Result, ntlm as wire_ntlm,
    smb::{Choice, Chosen, Dialect, Frame, Message},
};

/// Where servers usually listen (TCP).
const PORTS: &[u16] = &[445, 139];

/// SMB 1 to 3, on any port: every message begins with a mark. What files it moves is not read.
pub static PROTOCOL: Protocol = Protocol { name: "smb", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    // On the NetBIOS port a server first says that the one called is here.
    let accepts = said.bytes.starts_with(&[0x82, 0, 0, 0]) && said.on(&[139]);
    if accepts {
        return Ok(Finding::weak(Side::Server, Facts::default()).then(Rest::Same(4)));
    }
    let Frame { message, length } = Frame::parse(said.bytes)?;
    let mut facts = Facts::default();
    let next = Rest::Same(length);
    let (side, rest) = match message {
        Message::Called { called, calling } => {
            facts.add_text("smb.called", called.as_bytes());
            facts.add_text("smb.calling", calling.as_bytes());
            (Side::Client, next)
        }
        Message::Offer(dialects) => {
            let names: Vec<String> = dialects.iter().map(|dialect| name(*dialect)).collect();
            facts.add_text("smb.dialects", names.join(",").as_bytes());
            (Side::Client, next)
        }
        Message::Choice(choice) => {
            of_choice(&choice, &mut facts);
            (Side::Server, next)
        }
        Message::System { token, texts, unicode, .. } => {
            of_token(token, &mut facts);
            for (field, text) in ["smb.native_os", "smb.native_lan_manager", "smb.domain"]
                .into_iter()
                .zip(split(texts, unicode))
            {
                facts.add_text(field, text.as_bytes());
            }
            (Side::Server, Rest::Done)
        }
        Message::Logon { answer, token } => {
            let begins = of_token(token, &mut facts);
            let side = if answer { Side::Server } else { Side::Client };
            (side, if begins { next } else { Rest::Done })
        }
        Message::Other { answer } => {
            let side = match answer {
                Some(true) => Side::Server,
                Some(false) => Side::Client,
                None => said.side(PORTS),
            };
            (side, Rest::Done)
        }
    };
    Ok(Finding::certain(side, facts).then(rest))
}

/// Tells what NTLM inside a token tells, and whether more will come from the same side.
fn of_token(token: &[u8], facts: &mut Facts) -> bool {
    let Ok(message) = wire_ntlm::Message::find(token) else { return false };
    ntlm::tell(facts, &message);
    matches!(message, wire_ntlm::Message::Negotiate { .. })
}

fn of_choice(choice: &Choice<'_>, facts: &mut Facts) {
    match choice.dialect {
        Chosen::Number(number) => facts.add("smb.dialect", name(Dialect::Number(number))),
        Chosen::Place(_) => facts.add("smb.dialect", "1"),
    }
    let signing = match choice.signing {
        (_, true) => "required",
        (true, false) => "enabled",
        (false, false) => "none",
    };
    facts.add("smb.signing", signing);
    facts.add_hex("smb.server_identifier", choice.identifier);
    if let Some(time) = ntlm::moment(choice.time) {
        facts.add("smb.time", time);
    }
    if let Some(started) = ntlm::moment(choice.started) {
        facts.add("smb.started", started);
    }
    for (field, text) in ["smb.domain", "smb.server"].into_iter().zip(split(choice.names, true)) {
        facts.add_text(field, text.as_bytes());
    }
}

/// A dialect's usual name.
fn name(dialect: Dialect<'_>) -> String {
    match dialect {
        Dialect::Name(name) => super::facts::text(name),
        Dialect::Number(number) => match number {
            0x0202 => "2.0.2",
            0x0210 => "2.1",
            // The server speaks SMB 2, and asks which.
            0x02ff => "2.*",
            0x0300 => "3.0",
            0x0302 => "3.0.2",
            0x0311 => "3.1.1",
            _ => return format!("{number:#06x}"),
        }
        .to_owned(),
    }
}

/// Texts that each end in a zero.
fn split(bytes: &[u8], unicode: bool) -> Vec<String> {
    let text: String = if unicode {
        let (units, _) = bytes.as_chunks::<2>();
        char::decode_utf16(units.iter().take(512).map(|unit| u16::from_le_bytes(*unit)))
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    } else {
        String::from_utf8_lossy(bytes.get(..512).unwrap_or(bytes)).into_owned()
    };
    text.split('\0').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encrypted_message_is_still_smb() {
        let message = [&[0, 0, 0, 60, 0xfd][..], b"SMB", &[7; 60]].concat();
        let finding = read(&Said::stream(445, 50_000, &message)).unwrap();
        assert_eq!((finding.side, finding.rest), (Side::Server, Rest::Done));
    }
}
