//! Asks a gateway for its outside address.

use super::{Intrusion, Probe, once};
use crate::observe;

/// Asks for the outside address; a refusal counts too, for only gateways refuse.
pub static PROBE: Probe = Probe {
    name: "nat_pmp",
    asks: "asks a gateway for its outside address and how long it has been up",
    protocol: &observe::nat_pmp::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[5351],
    intrusion: Intrusion::Ordinary,
    source: "RFC 6886, 3.2",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| once(heard, || vec![0, 0]),
};
