//! What a mail server says of itself when it is called. Mail is never read.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, greeting::Greeting, require};

/// Where servers usually listen (TCP).
const PORTS: &[u16] = &[25, 465, 587];

/// SMTP. Off its ports the greeting must name it.
pub static PROTOCOL: Protocol = Protocol { name: "smtp", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    require("side", said.side(PORTS) == Side::Server)?;
    let greeting = Greeting::parse(said.bytes)?;
    require("code", matches!(greeting.code, 220 | 421 | 554))?;
    let names =
        |name: &[u8]| greeting.text.windows(name.len()).any(|w| w.eq_ignore_ascii_case(name));
    require("name", said.on(PORTS) || names(b"smtp"))?;
    let mut facts = Facts::default();
    facts.add_text("smtp.banner", &greeting.text);
    let finding = if said.on(PORTS) { Finding::certain } else { Finding::firm };
    Ok(finding(Side::Server, facts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::End;

    #[test]
    fn a_greeting_is_kept_without_its_code() {
        let said = Said::stream(25, 50_000, b"220 mail.example ESMTP ready\r\n");
        let finding = read(&Said { begun_by: Some(End::Listener), ..said }).unwrap();
        assert_eq!(finding.facts.get("smtp.banner"), Some("mail.example ESMTP ready"));
    }

    #[test]
    fn what_a_client_says_is_not_read() {
        let said = Said::stream(50_000, 25, b"220 mail.example ESMTP\r\n");
        assert!(read(&said).is_err_and(|error| !error.wants_more()));
    }
}
