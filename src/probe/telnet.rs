//! Reads what a telnet server shows before its prompt, refusing every option.

use super::{Ask, Heard, Intrusion, Probe, Step, listen};
use crate::{observe, wire::telnet};

/// Refuses what the server offers and asks for, reads what it shows, ends at the prompt. Nothing is typed.
pub static PROBE: Probe = Probe {
    name: "telnet",
    asks: "refuses every option and reads what is shown before the prompt",
    protocol: &observe::telnet::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[23, 2323, 9999, 2332],
    intrusion: Intrusion::Dialogue,
    source: "RFC 854",
    inside_tls: false,
    anywhere: false,
    next,
};

fn next(_: &Ask<'_>, heard: &Heard<'_>) -> Step {
    let ends = match telnet::Heard::parse(heard.bytes) {
        Ok(told) => told.prompt || told.full,
        Err(_) => !heard.bytes.is_empty(),
    };
    let refusals = telnet::refusals(heard.bytes, heard.before);
    match (refusals.is_empty() || heard.ended, ends) {
        (true, _) => listen(heard, |_| ends),
        (false, true) => Step::Last(refusals),
        (false, false) => Step::Say(refusals),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};
    use hex_literal::hex;

    #[test]
    fn every_option_is_refused_and_the_prompt_ends_it() {
        let played = rehearse(&PROBE, &[&reply("telnet/inetutils-server")]);
        let said = played.said.concat();
        assert!(said.starts_with(&hex!("fffe25 fffe26 fffc18 fffc20 fffc23 fffc27 fffc24 fffc26")));
        let heard = telnet::Heard::parse(&said).unwrap();
        assert!(heard.text.is_empty() && heard.subs == 0, "nothing is typed");
        assert!(heard.negotiated.iter().all(|(verb, _)| matches!(verb, 252 | 254)));
        assert!(!played.waited);
        let facts = played.understood(&PROBE).facts;
        assert_eq!(facts.get("telnet.banner"), Some("teln login:"));
    }

    #[test]
    fn what_comes_after_a_refusal_is_read_too() {
        let script: &[&[u8]] = &[&hex!("fffd18 fffb01"), &hex!("fffb03"), b"ROUTER1\r\nlogin: "];
        let played = rehearse(&PROBE, script);
        assert_eq!(played.said.concat(), hex!("fffc18 fffe01 fffe03"));
        assert!(!played.waited);
        assert_eq!(played.understood(&PROBE).facts.get("telnet.banner"), Some("ROUTER1 login:"));
    }

    #[test]
    fn a_server_that_insists_is_not_answered_for_ever() {
        let insists = hex!("fffb01").repeat(40);
        assert_eq!(rehearse(&PROBE, &[&insists]).said.concat(), hex!("fffe01"));
    }

    #[test]
    fn a_router_that_only_asks_is_left_at_its_prompt() {
        let played = rehearse(&PROBE, &[&reply("telnet/prompt-without-negotiation")]);
        assert!(played.said.is_empty() && !played.waited);
    }

    #[test]
    fn another_protocol_is_left_at_once() {
        let played = rehearse(&PROBE, &[&hex!("0001"), b"more"]);
        assert!(played.said.is_empty() && !played.waited);
    }
}
