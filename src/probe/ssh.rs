//! Reads the line with which an SSH server begins.

use super::{Intrusion, Probe, listen};
use crate::observe;

/// Connects, reads the identification, ends. No key exchange is begun.
pub static PROBE: Probe = Probe {
    name: "ssh",
    asks: "reads the identification that a server sends first",
    protocol: &observe::ssh::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[22, 2222],
    intrusion: Intrusion::Listens,
    source: "RFC 4253, 4.2",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| listen(heard, |bytes| bytes.contains(&b'\n')),
};
