//! Reads the line with which an SSH server begins.

use super::{Ask, Heard, Intrusion, Probe, Step, listen};
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
    next,
};

/// How much may come before the identification (RFC 4253, 4.2).
const MOST: usize = 8 << 10;

fn next(_: &Ask<'_>, heard: &Heard<'_>) -> Step {
    // Other lines may come before the identification.
    listen(heard, |bytes| {
        let own =
            bytes.split_inclusive(|byte| *byte == b'\n').find(|line| line.starts_with(b"SSH-"));
        own.is_some_and(|line| line.ends_with(b"\n")) || bytes.len() >= MOST
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::play::rehearse;

    #[test]
    fn lines_before_the_identification_are_read_over() {
        let played = rehearse(&PROBE, &[b"For authorised use only\r\nSSH-2.0-example_1\r\nmore"]);
        assert!(played.said.is_empty() && !played.waited);
        assert_eq!(played.understood(&PROBE).facts.get("ssh.banner"), Some("example_1"));
    }
}
