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

/// The same behind something that ends TLS. A web server, which waits for us, is not waited for.
pub static INSIDE_TLS: Probe = Probe {
    name: "ssh_inside_tls",
    asks: "reads the identification that a server sends first inside TLS",
    protocol: &observe::ssh::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[443, 8443],
    intrusion: Intrusion::Listens,
    source: "RFC 4253, 4.2",
    inside_tls: true,
    anywhere: false,
    next: |ask, heard| {
        if ask.known.get("http.status").is_some() { Step::Done } else { next(ask, heard) }
    },
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
    use crate::{
        observe::Facts,
        probe::rehearsal::{play, rehearse},
    };

    #[test]
    fn lines_before_the_identification_are_read_over() {
        let played = rehearse(&PROBE, &[b"For authorised use only\r\nSSH-2.0-example_1\r\nmore"]);
        assert!(played.said.is_empty() && !played.waited);
        assert_eq!(played.understood(&PROBE).facts.get("ssh.banner"), Some("example_1"));
    }

    #[test]
    fn a_web_server_inside_tls_is_not_waited_for() {
        let web = Facts::default().with("http.status", 200);
        assert!(!play(&INSIDE_TLS, 443, &web, &[], usize::MAX).waited);
        let played = rehearse(&INSIDE_TLS, &[b"SSH-2.0-example_1\r\n"]);
        assert_eq!(played.understood(&INSIDE_TLS).facts.get("ssh.banner"), Some("example_1"));
    }
}
