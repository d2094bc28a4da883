//! What telnet's negotiation and the text before the prompt tell. What is typed is never kept.

use super::{Carrier, Confidence, End, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Error, Result, require,
    telnet::{Heard, negotiates},
};

/// Where servers usually listen (TCP); the later ones are device servers and mobile routers.
const PORTS: &[u16] = &[23, 2323, 9999, 2332];

/// Telnet. Off its ports it must negotiate, or ask for a name as soon as it is called.
pub static PROTOCOL: Protocol = Protocol { name: "telnet", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let home = said.on(PORTS);
    let escapes = said.bytes.first().is_none_or(|first| *first == 255);
    require("text", home || escapes || said.begun_by == Some(End::Listener))?;
    let heard = Heard::parse(said.bytes)?;
    let side = said.side(PORTS);
    let commands = heard.commands();
    // A prompt belongs to whoever was called.
    let asks = heard.prompt && side == Side::Server && (!heard.eight_bit || commands > 0);
    require("negotiation", home || commands > 0 || asks && said.begun_by == Some(End::Listener))?;
    // Text before the first negotiation is as good as anybody's.
    require("negotiation", home || escapes || asks && !heard.eight_bit)?;
    let typing = side == Side::Client && !heard.text.is_empty();
    // What comes after a question may be its answer.
    let questions = side == Side::Server && heard.questions();
    if said.open && !heard.prompt && !heard.full && !typing && !questions {
        return Err(Error::Truncated { field: "text", missing: 1 });
    }
    require("text", commands > 0 || asks || !heard.eight_bit)?;

    let mut facts = Facts::default();
    let options: Vec<String> =
        heard.negotiated.iter().map(|(verb, option)| name(*verb, *option)).collect();
    facts.add_text("telnet.options", options.join(",").as_bytes());
    if let Some(terminal) = heard.terminal {
        facts.add_text("telnet.terminal", terminal);
    }
    // Without its beginning a stream may show what is worked on: then only the prompt's line counts.
    let line = heard.line();
    let begins = escapes || said.begun_by.is_some();
    let shown = if begins { Some(line.as_slice()) } else { heard.prompt_line().filter(|_| asks) };
    if let (Side::Server, Some(banner)) = (side, shown) {
        facts.add_text("telnet.banner", banner);
    }
    let both = commands > 0 && negotiates(said.answering);
    let reads = !heard.text.is_empty() && !heard.eight_bit;
    let proven = commands > 1 || commands == 1 && (both || reads);
    let confidence = if both || asks && (home || commands > 0) {
        Confidence::Certain
    } else if proven || asks {
        Confidence::Firm
    } else {
        Confidence::Weak
    };
    Ok(Finding { confidence, ..Finding::certain(side, facts) })
}

/// A negotiation in words, such as `do terminal_type`.
fn name(verb: u8, option: u8) -> String {
    let verb = match verb {
        251 => "will",
        252 => "wont",
        253 => "do",
        _ => "dont",
    };
    let option = match option {
        0 => "binary",
        1 => "echo",
        2 => "reconnection",
        3 => "suppress_go_ahead",
        5 => "status",
        6 => "timing_mark",
        18 => "logout",
        23 => "send_location",
        24 => "terminal_type",
        25 => "end_of_record",
        26 => "tacacs",
        31 => "window_size",
        32 => "terminal_speed",
        33 => "flow_control",
        34 => "linemode",
        35 => "x_display",
        36 => "environment",
        37 => "authentication",
        38 => "encryption",
        39 => "new_environment",
        40 => "tn3270e",
        42 => "charset",
        44 => "com_port",
        45 => "suppress_echo",
        46 => "start_tls",
        _ => return format!("{verb} {option}"),
    };
    format!("{verb} {option}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(port: u16, bytes: &[u8]) -> Result<Finding> {
        read(&Said { begun_by: Some(End::Listener), ..Said::stream(port, 50_000, bytes) })
    }

    #[test]
    fn a_prompt_is_kept_and_nothing_behind_it() {
        let finding = server(23, b"ROUTER1 login: someone\r\nPassword: ").unwrap();
        assert_eq!(finding.facts.get("telnet.banner"), Some("ROUTER1 login:"));
        assert_eq!(finding.confidence, Confidence::Certain);
    }

    #[test]
    fn a_greeting_elsewhere_is_another_protocol() {
        assert!(server(2121, b"220 ready\r\n").is_err_and(|error| !error.wants_more()));
        assert!(server(23, b"\x16\x03\x01\x02").is_err_and(|error| !error.wants_more()));
    }

    #[test]
    fn work_in_progress_is_not_kept() {
        let said = Said::stream(23, 50_000, b"someone, 1970-01-01\r\nlogin: ");
        assert_eq!(read(&said).unwrap().facts.get("telnet.banner"), Some("login:"));
    }

    #[test]
    fn what_a_client_types_is_not_kept() {
        let bytes = b"\xff\xfd\x03\xff\xfb\x18someone\r\nsecret\r\n";
        let finding = read(&Said::stream(50_000, 23, bytes)).unwrap();
        assert_eq!(finding.facts.iter().count(), 1);
        assert_eq!(
            finding.facts.get("telnet.options"),
            Some("do suppress_go_ahead,will terminal_type")
        );
    }
}
