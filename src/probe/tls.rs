//! Asks for the certificate in clear: an offer of TLS up to 1.2 that old equipment understands, never finished.
//!
//! A server that knows only TLS 1.3 refuses it, and shows its certificate to [`super::inside_tls`]. One that cannot
//! bear newer versions or extensions gets an older offer, once; that it was needed tells of its age.

use super::{Ask, Heard, Intrusion, Probe, Step};
use crate::{
    observe,
    wire::tls::{Flight, Offer, SERVER_HELLO_DONE, close},
};

/// Where servers begin with TLS.
const PORTS: &[u16] = &[
    443, 8443, 4443, 10_443, 9443, 4433, 465, 636, 853, 990, 992, 993, 995, 5061, 5986, 8006, 7070,
    6568,
];

/// How much of a flight is waited for, in bytes.
const MOST: usize = 32 << 10;

/// An offer of TLS 1.2 with suites from weak to strong.
pub static PROBE: Probe = Probe {
    name: "tls",
    asks: "offers TLS up to 1.2 and reads version, suite and certificate in clear",
    ports: PORTS,
    anywhere: true,
    next: |ask, heard| hello(ask, heard, 0x0303),
    ..TEMPLATE
};

/// The same for servers that cannot bear extensions.
pub static OLD: Probe = Probe {
    name: "tls_old",
    asks: "offers TLS 1.0 without extensions to a server that broke off a newer offer",
    next: |ask, heard| hello(ask, heard, 0x0301),
    ..TEMPLATE
};

/// The same for servers before TLS.
pub static OLDEST: Probe = Probe {
    name: "tls_oldest",
    asks: "offers SSL 3.0 to a server that broke off every newer offer",
    next: |ask, heard| hello(ask, heard, 0x0300),
    ..TEMPLATE
};

const TEMPLATE: Probe = Probe {
    name: "",
    asks: "",
    protocol: &observe::tls::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[],
    intrusion: Intrusion::Ordinary,
    source: "RFC 5246, 7.4.1.2; RFC 6101, 5.6.1.2",
    inside_tls: false,
    anywhere: false,
    next: |_, _| Step::Done,
};

fn hello(ask: &Ask<'_>, heard: &Heard<'_>, version: u16) -> Step {
    if heard.turn == 0 {
        let server_name = ask.known.get("tls.sni");
        let random = ask.bytes("tls.random");
        return Step::Say(Offer { version, random, server_name }.emit());
    }
    match Flight::parse(heard.bytes, MOST) {
        Ok(flight) if flight.alert.is_some() => Step::Done,
        Ok(flight) => {
            let all = flight.ended || flight.messages().any(|m| m.kind == SERVER_HELLO_DONE);
            match (heard.ended, all || heard.waited) {
                (true, _) => Step::Done,
                (false, true) => Step::Last(close(flight.version)),
                (false, false) => Step::Wait,
            }
        }
        Err(error) if error.wants_more() && !heard.waited && !heard.ended => Step::Wait,
        Err(_) => Step::Done,
    }
}
