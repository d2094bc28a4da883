//! Asks a host for its name and all its addresses.

use super::{Ask, Heard, Intrusion, Probe, Step, listen, settled};
use crate::{
    observe,
    wire::dcerpc::{self, Body, Fragment},
};

/// Binds to what knows where objects live, and asks whether the host is alive: the answer names every address it has.
pub static PROBE: Probe = Probe {
    name: "dcerpc",
    asks: "asks whether a host is alive, which tells its name and the address of every network it is in",
    protocol: &observe::dcerpc::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[135],
    intrusion: Intrusion::Dialogue,
    source: "MS-DCOM, 3.1.2.5.1.6",
    inside_tls: false,
    anywhere: false,
    next,
};

fn next(_: &Ask<'_>, heard: &Heard<'_>) -> Step {
    match heard.turn {
        0 => Step::Say(dcerpc::bind(1, dcerpc::OBJECT_EXPORTER)),
        1 => match Fragment::parse(heard.bytes) {
            Ok(Fragment { body: Body::BindAcknowledge { .. }, .. }) => {
                Step::Say(dcerpc::call(2, dcerpc::SERVER_ALIVE_2))
            }
            reply => listen(heard, |_| settled(&reply)),
        },
        _ => listen(heard, |bytes| {
            let first = Fragment::parse(bytes).map_or(0, |fragment| fragment.length);
            settled(&Fragment::parse(bytes.get(first..).unwrap_or_default()))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{
        play::{Played, rehearse},
        rehearsal::reply,
    };
    use hex_literal::hex;

    #[test]
    fn a_host_tells_every_address() {
        let script: &[&[u8]] =
            &[b"", &reply("dcerpc/bind_acknowledge"), &reply("dcerpc/server_alive")];
        let played = rehearse(&PROBE, script);
        assert_eq!(
            played.said,
            [reply_to_bind(), hex!("050000031000000018000000020000000000000000000500").to_vec()]
        );
        assert!(!played.waited);
        let granted = played.understood(&PROBE);
        let observe::Rest::Same(next) = granted.rest else { panic!("{granted:?}") };
        let alive = Played::read(&PROBE, &played.heard[next..], &played.said.concat());
        assert!(alive.facts.all("dcerpc.address").eq(["10.20.0.62", "203.0.113.62"]));
    }

    fn reply_to_bind() -> Vec<u8> {
        dcerpc::bind(1, dcerpc::OBJECT_EXPORTER)
    }

    #[test]
    fn a_host_that_refuses_is_not_called() {
        let refusal = hex!("05000d03 10000000 1500 0000 01000000 00000100 00");
        let played = rehearse(&PROBE, &[b"", &refusal]);
        assert_eq!(played.said.len(), 1);
        assert!(!played.waited);
    }
}
