//! What an FTP server says of itself when it is called. Who signs in, and what is fetched, is never read.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, greeting::Greeting, require};

/// Where servers usually listen (TCP).
const PORTS: &[u16] = &[21, 2121];

/// FTP. Off its ports the greeting must name it.
pub static PROTOCOL: Protocol = Protocol { name: "ftp", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    require("side", said.side(PORTS) == Side::Server)?;
    let greeting = Greeting::parse(said.bytes)?;
    require("code", matches!(greeting.code, 120 | 220 | 421 | 530))?;
    let names =
        |name: &[u8]| greeting.text.windows(name.len()).any(|w| w.eq_ignore_ascii_case(name));
    require("name", (said.on(PORTS) || names(b"ftp")) && !names(b"smtp"))?;
    let mut facts = Facts::default();
    facts.add_text("ftp.banner", &greeting.text);
    let finding = if said.on(PORTS) { Finding::certain } else { Finding::firm };
    Ok(finding(Side::Server, facts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::End;

    fn server(port: u16, bytes: &[u8]) -> Result<Finding> {
        read(&Said { begun_by: Some(End::Listener), ..Said::stream(port, 50_000, bytes) })
    }

    #[test]
    fn a_greeting_without_the_name_counts_only_at_home() {
        let said = b"220 EdgeGate\r\n";
        assert_eq!(server(21, said).unwrap().facts.get("ftp.banner"), Some("EdgeGate"));
        assert!(server(2525, said).is_err());
        assert!(server(2525, b"220 ProFTPD ready\r\n").is_ok());
    }

    #[test]
    fn what_a_client_says_is_not_read() {
        let said = Said::stream(50_000, 21, b"220 someone\r\n");
        assert!(read(&said).is_err_and(|error| !error.wants_more()));
    }
}
