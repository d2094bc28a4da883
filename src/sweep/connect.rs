//! Whether a TCP port is open, without the right to frames: the system's own handshake, which ends politely.

use std::net::SocketAddr;

use super::{Answer, How};
use crate::{
    link::{Call, CallId, Refused, What},
    observe::Transport,
    scope::Tier,
    time::Timestamp,
};

/// The conversation that asks.
pub fn ask(id: CallId, to: SocketAddr) -> Call {
    Call { id, to, transport: Transport::Tcp, probe: "connect", tier: Tier::Ask }
}

/// The answer that an event of the conversation with `to` is.
pub fn read(what: &What, to: SocketAddr, at: Timestamp) -> Option<Answer> {
    let how = match what {
        What::Opened { .. } => How::Connected,
        What::Refused { how: Refused::Port, .. } | What::Ended { reset: true, .. } => How::Refused,
        What::Refused { how: Refused::Unreachable, .. } => How::Unreachable,
        _ => return None,
    };
    // Who it was that cannot reach the host, the system does not tell; surely not the host.
    let by = if how == How::Unreachable { std::net::Ipv4Addr::UNSPECIFIED.into() } else { to.ip() };
    Some(Answer {
        address: to.ip(),
        by,
        mac: None,
        port: Some(to.port()),
        how,
        time_to_live: None,
        at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_shows_life_and_an_unreachable_host_does_not() {
        let to = "192.0.2.9:443".parse().unwrap();
        let heard = |how| {
            let what = What::Refused { id: CallId(1), how };
            read(&what, to, Timestamp::default())
        };
        assert!(heard(Refused::Port).unwrap().shows_life());
        assert!(!heard(Refused::Unreachable).unwrap().shows_life());
        assert_eq!(heard(Refused::System), None);
        let opened = What::Opened { id: CallId(1), from: "192.0.2.1:40000".parse().unwrap() };
        assert!(read(&opened, to, Timestamp::default()).unwrap().how.is_open());
    }
}
