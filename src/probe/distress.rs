//! When a host, or a network, is better left alone.
//!
//! A host that answered and then slows down by much, or stops, may suffer from being asked; so may a network of which
//! several hosts stop at a time. Datagrams that nobody answers say nothing: most services are silent.

use std::net::IpAddr;

/// How many times slower than ever before is slow.
const SLOWER: i64 = 10;

/// What is never slow, in nanoseconds.
const NEVER_SLOW: i64 = 1_000_000_000;

/// How many slow openings in a row are distress.
const MOST_SLOW: u8 = 3;

/// How much silence in a row is distress: an open port that no longer opens counts [`CLOSED`], a service that takes a
/// question and says nothing counts one.
const MOST_SILENCE: u8 = 6;

/// What an open port counts that no longer opens.
const CLOSED: u8 = 2;

/// How many hosts of a network that stop, while none answers, are the network's distress.
const MOST_STOPPED: u8 = 3;

/// A sign of distress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distress {
    /// Its answers took much longer than before.
    Slow,
    /// It answered before and no longer does.
    Stopped,
    /// Several hosts of its network stopped at a time.
    Network,
}

impl Distress {
    /// The name in journals and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Stopped => "stopped",
            Self::Network => "network",
        }
    }
}

/// How a host has been doing.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    answered: bool,
    openings: u32,
    fastest: i64,
    slow: u8,
    silence: u8,
    /// The service that was silent last: one counts once.
    silent: Option<usize>,
}

impl Pulse {
    /// A conversation opened after so many nanoseconds.
    pub(super) fn opened(&mut self, took: i64) -> Option<Distress> {
        let limit = self.fastest.saturating_mul(SLOWER).max(NEVER_SLOW);
        self.slow = if self.openings > 0 && took > limit { self.slow + 1 } else { 0 };
        self.fastest = if self.openings == 0 { took } else { self.fastest.min(took) };
        self.openings += 1;
        (self.slow >= MOST_SLOW).then_some(Distress::Slow)
    }

    /// It said something, or refused.
    pub(super) fn answered(&mut self) {
        self.answered = true;
        self.silence = 0;
        self.silent = None;
    }

    /// A service was silent that should not be: it no longer opens, or opened and said nothing to what we said.
    pub(super) fn silent(&mut self, service: usize, opened: bool) -> Option<Distress> {
        if !self.answered || self.silent == Some(service) {
            return None;
        }
        self.silent = Some(service);
        self.silence += if opened { 1 } else { CLOSED };
        (self.silence >= MOST_SILENCE).then_some(Distress::Stopped)
    }
}

/// How a network has been doing.
#[derive(Debug, Default)]
pub(super) struct Neighbourhood {
    stopped: u8,
    /// It is left alone.
    pub(super) left: bool,
}

impl Neighbourhood {
    /// One of its hosts said something.
    pub(super) fn answered(&mut self) {
        self.stopped = 0;
    }

    /// One of its hosts stopped. True when that makes the network one to leave alone.
    pub(super) fn stopped(&mut self) -> bool {
        self.stopped += 1;
        self.left |= self.stopped >= MOST_STOPPED;
        self.left
    }
}

/// The /24 of an address, or its /64.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & !0xff).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: i64 = 1_000_000;

    #[test]
    fn a_host_that_slows_down_by_much_is_in_distress() {
        let mut pulse = Pulse::default();
        for _ in 0..5 {
            assert_eq!(pulse.opened(20 * MILLISECOND), None);
        }
        assert_eq!(pulse.opened(1500 * MILLISECOND), None);
        assert_eq!(pulse.opened(30 * MILLISECOND), None, "once is no sign");
        assert_eq!(pulse.opened(1500 * MILLISECOND), None);
        assert_eq!(pulse.opened(1500 * MILLISECOND), None);
        assert_eq!(pulse.opened(1500 * MILLISECOND), Some(Distress::Slow));
    }

    #[test]
    fn a_host_that_never_answered_cannot_stop() {
        let mut pulse = Pulse::default();
        assert!((0..100).all(|service| pulse.silent(service, false).is_none()));
        pulse.answered();
        assert_eq!(pulse.silent(0, false), None);
        assert!((0..9).all(|_| pulse.silent(0, false).is_none()), "one service counts once");
        assert_eq!(pulse.silent(1, false), None);
        assert_eq!(pulse.silent(2, false), Some(Distress::Stopped));
    }

    #[test]
    fn a_network_stops_when_several_hosts_do_and_none_answers() {
        let mut network = Neighbourhood::default();
        assert!(!network.stopped() && !network.stopped());
        network.answered();
        assert!(!network.stopped() && !network.stopped() && network.stopped());
    }
}
