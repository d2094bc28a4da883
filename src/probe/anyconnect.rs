//! Asks a gateway how to log on with `AnyConnect`.

use super::{Ask, Heard, Intrusion, Probe, Step, http, until};
use crate::{
    observe,
    wire::{
        anyconnect,
        http::{Body, Head},
    },
};

/// Asks how to log on; older gateways tell their version. No logon begins.
pub static PROBE: Probe = Probe {
    name: "anyconnect",
    asks: "asks how to log on, which tells the gateway and on older ones its version",
    protocol: &observe::anyconnect::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[443],
    intrusion: Intrusion::Dialogue,
    source: "draft-mavrogiannopoulos-openconnect, 2.1",
    inside_tls: true,
    anywhere: false,
    next,
};

/// How much of a body is waited for.
const MOST_BODY: usize = 16 << 10;

fn next(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    until(heard, || anyconnect::ask(&http::host(ask.to, ask.known.get("tls.sni"))), is_whole)
}

/// Whether an answer is here as far as it is read.
fn is_whole(bytes: &[u8]) -> bool {
    let head = match Head::parse(bytes) {
        Ok(head) => head,
        Err(error) => return !error.wants_more(),
    };
    let there = bytes.len().saturating_sub(head.length);
    let announced = match head.body(false) {
        Body::None => 0,
        Body::Sized(length) => usize::try_from(length).unwrap_or(usize::MAX),
        Body::Chunked if bytes.ends_with(b"\r\n0\r\n\r\n") => 0,
        Body::Chunked | Body::ToTheEnd => usize::MAX,
    };
    there >= announced.min(MOST_BODY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};

    #[test]
    fn a_gateway_tells_how_to_log_on() {
        let played = rehearse(&PROBE, &[b"", &reply("anyconnect/login_server")]);
        assert!(
            played
                .said
                .concat()
                .starts_with(b"GET /CSCOSSLC/config-auth HTTP/1.1\r\nHost: 192.0.2.1\r\n")
        );
        assert!(!played.waited, "the length tells the end");
        let facts = played.understood(&PROBE).facts;
        assert_eq!(facts.get("anyconnect.gateway_version"), Some("9.12(4)13"));
    }

    #[test]
    fn a_body_without_end_is_not_read_on() {
        let endless = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b' '; 20_000]].concat();
        let played = rehearse(&PROBE, &[b"", &endless]);
        assert!(!played.waited);
    }
}
