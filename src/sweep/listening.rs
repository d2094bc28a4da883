//! Listening before anything is asked: routers, switches and gateways announce themselves, and some are heard no other
//! way. Nothing is sent. What comes later in the run is written down, too.

use std::time::Duration;

use ipnetwork::IpNetwork;

use super::told::{State, Told};
use crate::{
    link::{Event, Interface, Link, What},
    scope::Profile,
    time::Timestamp,
};

/// The name of the mechanism.
pub const NAME: &str = "listening";

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listened {
    /// Frames that were heard and not said to us, by the place of the interface.
    pub frames: Vec<u64>,
    /// How long it was listened.
    pub time: Duration,
    /// Whether the user ended it early.
    pub stopped: bool,
    /// What is told of it.
    pub lines: Vec<Told>,
}

/// How long is listened at a profile: what routers say of themselves comes every 1 to 60 seconds.
pub const fn time_of(profile: Profile) -> Duration {
    match profile {
        Profile::Clinic => Duration::from_mins(2),
        Profile::Office => Duration::from_secs(30),
        Profile::Lab => Duration::from_secs(5),
    }
}

/// Listens for `time` on all interfaces of `link`.
pub fn listen<L: Link>(link: &mut L, time: Duration) -> Listened {
    let mut listened = Listened { frames: vec![0; link.interfaces().len()], ..Listened::default() };
    let began = link.now();
    let until = began.after(time);
    while !listened.frames.is_empty() && link.now() < until && !listened.stopped {
        match link.wait(until) {
            Some(Event { what: What::Stop, .. }) => listened.stopped = true,
            Some(Event { what: What::Frame { interface, bytes }, .. }) => {
                let own = link.interfaces().get(interface).and_then(|known| known.mac);
                let to_us = own.is_some_and(|own| bytes.starts_with(&own.0));
                if let Some(count) = listened.frames.get_mut(interface).filter(|_| !to_us) {
                    *count += 1;
                }
            }
            Some(_) | None => {}
        }
    }
    listened.time = since(began, link.now());
    listened.lines = lines(link.interfaces(), &listened, time);
    listened
}

/// What is told: a line for each interface.
fn lines(interfaces: &[Interface], listened: &Listened, time: Duration) -> Vec<Told> {
    if interfaces.is_empty() || time.is_zero() {
        let reason = if time.is_zero() { "not_asked_for" } else { "no_frames" };
        let (network, vantage, state) = (None, None, State::NotMeasured);
        return vec![Told {
            mechanism: NAME,
            network,
            vantage,
            state,
            count: 0,
            detail: reason.to_owned(),
        }];
    }
    let each = interfaces.iter().zip(&listened.frames);
    let reason = listened.stopped.then_some("stopped");
    each.map(|(interface, count)| told(interface, *count, listened.time, reason)).collect()
}

/// What is told of listening on an interface: how many frames were heard in which time, and why no longer, if it was to
/// be longer.
pub fn told(interface: &Interface, count: u64, time: Duration, reason: Option<&str>) -> Told {
    let early = reason.map(|reason| format!("{reason} ")).unwrap_or_default();
    Told {
        mechanism: NAME,
        network: network_of(interface),
        vantage: Some(interface.name.clone()),
        state: if reason.is_some() { State::Partial } else { State::Measured },
        count,
        detail: format!("{early}seconds={}", time.as_secs()),
    }
}

/// The network that stands for a wire: its first of IPv4, or else of IPv6. A mirror port has none.
fn network_of(interface: &Interface) -> Option<IpNetwork> {
    let every_link = |network: &&IpNetwork| match network {
        IpNetwork::V4(_) => false,
        IpNetwork::V6(v6) => v6.ip().is_unicast_link_local(),
    };
    let addresses = &interface.addresses;
    let first = addresses.iter().find(|network| network.is_ipv4());
    first.or_else(|| addresses.iter().find(|network| !every_link(network))).copied()
}

fn since(began: Timestamp, now: Timestamp) -> Duration {
    Duration::from_nanos(u64::try_from(now.since(began)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::{link::Act, observe::Mac, scope::Refusal};

    const OURS: [u8; 6] = [2, 0, 0, 0, 0, 9];

    /// A network that says things, a second apart, and refuses whatever is sent.
    struct Announces {
        now: Timestamp,
        interfaces: Vec<Interface>,
        says: VecDeque<What>,
    }

    impl Announces {
        fn new(addresses: &[&str], says: impl IntoIterator<Item = What>) -> Self {
            let interface = Interface {
                name: "eth1".to_owned(),
                mac: Some(Mac(OURS)),
                addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
                mtu: 1500,
                up: true,
                loopback: false,
            };
            Self {
                now: Timestamp::default(),
                interfaces: vec![interface],
                says: says.into_iter().collect(),
            }
        }
    }

    impl Link for Announces {
        fn now(&self) -> Timestamp {
            self.now
        }

        fn send(&mut self, _: Act<'_>) -> Result<(), Refusal> {
            panic!("whoever listens sends nothing")
        }

        fn wait(&mut self, until: Timestamp) -> Option<Event> {
            let next = self.now.after(Duration::from_secs(1));
            if next > until || self.says.is_empty() {
                self.now = until;
                return None;
            }
            self.now = next;
            Some(Event { at: self.now, what: self.says.pop_front()? })
        }

        fn interfaces(&self) -> &[Interface] {
            &self.interfaces
        }
    }

    fn frame(to: [u8; 6]) -> What {
        What::Frame { interface: 0, bytes: [&to[..], &[0; 54]].concat() }
    }

    fn said(listened: &Listened) -> Vec<String> {
        listened.lines.iter().map(Told::line).collect()
    }

    #[test]
    fn what_is_announced_in_the_time_is_counted_and_told_for_the_wire() {
        let all = [frame([1; 6]), frame(OURS), frame([0xff; 6]), frame([1; 6])];
        let mut link = Announces::new(&["fe80::9/64", "2001:db8::9/64", "10.0.0.9/24"], all);
        let listened = listen(&mut link, Duration::from_secs(3));
        assert_eq!((&*listened.frames, listened.stopped), (&[2][..], false));
        assert_eq!(said(&listened), ["listening@10.0.0.0/24@eth1 measured 2 seconds=3"]);
        let rest = listen(&mut link, Duration::from_secs(30));
        assert_eq!(said(&rest), ["listening@10.0.0.0/24@eth1 measured 1 seconds=30"]);
        let mut bare = Announces::new(&["fe80::9/64"], []);
        let line = said(&listen(&mut bare, Duration::from_secs(3)));
        assert_eq!(line, ["listening@@eth1 measured 0 seconds=3"]);
    }

    #[test]
    fn an_end_that_the_user_wants_is_told() {
        let mut link = Announces::new(&["10.0.0.9/24"], [frame([1; 6]), What::Stop, frame([1; 6])]);
        let listened = listen(&mut link, Duration::from_secs(30));
        assert!(listened.stopped);
        assert_eq!(said(&listened), ["listening@10.0.0.0/24@eth1 partial 1 stopped seconds=2"]);
    }

    #[test]
    fn who_does_not_want_to_listen_or_cannot_goes_on_at_once() {
        let mut link = Announces::new(&["10.0.0.9/24"], [frame([1; 6])]);
        let listened = listen(&mut link, Duration::ZERO);
        assert_eq!(said(&listened), ["listening not_measured 0 not_asked_for"]);
        link.interfaces.clear();
        let listened = listen(&mut link, Duration::from_mins(2));
        assert_eq!(said(&listened), ["listening not_measured 0 no_frames"]);
        assert_eq!(link.now, Timestamp::default());
    }
}
