//! Listens to what a service says first, where nothing is known of it.

use super::{Intrusion, Probe, listen};
use crate::observe;

/// How much of what an unknown service says is read, in bytes.
const MOST: usize = 512;

/// Connects, listens, ends.
pub static PROBE: Probe = Probe {
    name: "banner",
    asks: "listens to what a service of unknown kind says first",
    protocol: &observe::telnet::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[],
    intrusion: Intrusion::Listens,
    source: "RFC 9293, 3.5: a handshake and an end, nothing between",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| listen(heard, |bytes| bytes.contains(&b'\n') || bytes.len() >= MOST),
};

/// The same inside TLS.
pub static INSIDE_TLS: Probe = Probe {
    name: "banner_inside_tls",
    asks: "listens to what a service of unknown kind says first inside TLS",
    protocol: &observe::telnet::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[],
    intrusion: Intrusion::Listens,
    source: "RFC 8446, 4: a handshake and an end, nothing between",
    inside_tls: true,
    anywhere: false,
    next: |_, heard| listen(heard, |bytes| bytes.contains(&b'\n') || bytes.len() >= MOST),
};
