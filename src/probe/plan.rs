//! Which question a service is asked next. It knows no clock and no network, so that every order can be tested.
//!
//! 1. Where the facility file names a host, a probe and a port: that probe and nothing else.
//! 1. What an answer elsewhere on the host led to, then what is at home on the port, by how much it can disturb.
//! 1. Where nothing was said yet, and as far as breadth goes: listen, TLS, HTTP, and what may be asked anywhere.
//! 1. Once a protocol is recognised, nothing but that protocol, and behind TLS what may be at home inside it.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use super::{ALL, Intrusion, Probe, banner, http, tls, upnp};
use crate::{
    observe::{Facts, Protocol, Transport},
    scope::Request,
};

/// Protocols that ride on HTTP, so that a service that spoke HTTP may be asked for them.
const RIDE_ON_HTTP: [&str; 4] = ["sstp", "anyconnect", "forticlient", "softether"];

/// Probes that are inert until another answer said where, or with what, to ask: then they come first.
const LED: [&Probe; 4] = [&upnp::DESCRIPTION, &upnp::OUTSIDE, &upnp::STATUS, &upnp::MAPPINGS];

/// Protocols whose servers hand TLS on to a web server behind them (`port-share`), and are asked where they are at home
/// although TLS was spoken there.
const SHARES_WITH_TLS: [&str; 1] = ["openvpn"];

/// Something that may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// Its address and port.
    pub to: SocketAddr,
    /// [`Transport::Tcp`] or [`Transport::Udp`].
    pub transport: Transport,
    /// What the sweep knows of it.
    pub state: State,
}

/// What the sweep knows of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It answered.
    Open,
    /// Nobody asked yet: opening a conversation is the sweep, and a silent port is no finding.
    Unknown,
}

/// A service, and what is known of it so far.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) service: Service,
    /// What the facility file wants asked here. Where it wants something, nothing else is asked.
    pub(super) requested: Vec<&'static Probe>,
    /// The questions asked, by their place in [`ALL`].
    asked: u128,
    /// The protocol that it speaks in clear.
    pub(super) clear: Option<&'static Protocol>,
    /// The protocol that it speaks inside TLS.
    pub(super) inside: Option<&'static Protocol>,
    /// The first byte of something it said that no protocol understands.
    pub(super) strange: Option<u8>,
    /// The same inside TLS, or no TLS that we speak.
    pub(super) strange_inside: bool,
    /// An offer of TLS was broken off.
    pub(super) broke_off: bool,
    /// How many lots of addresses it was asked the names of, or for how many of its ways in it was asked.
    pub(super) lots: usize,
    /// It opened once, or answered.
    pub(super) open: bool,
    /// What it said.
    pub(super) facts: Facts,
    /// What is still to be fetched by HTTP.
    pub(super) visit: Option<Box<http::Visit>>,
    /// Where it stands.
    pub(super) stage: Stage,
}

/// Where a service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It waits to be asked.
    Pending,
    /// A conversation with it is under way.
    Active,
    /// There is nothing more to ask.
    Finished,
}

impl Course {
    pub(super) fn new(service: Service, requests: &[Request]) -> Self {
        Self {
            service,
            requested: requested(requests)
                .filter(|(probe, to)| (probe.transport, *to) == (service.transport, service.to))
                .map(|(probe, _)| probe)
                .collect(),
            asked: 0,
            clear: None,
            inside: None,
            strange: None,
            strange_inside: false,
            broke_off: false,
            lots: 0,
            open: false,
            facts: Facts::default(),
            visit: None,
            stage: Stage::Pending,
        }
    }

    pub(super) fn mark_asked(&mut self, probe: &Probe) {
        self.asked |= bit(probe);
    }

    pub(super) fn has_asked(&self, probe: &Probe) -> bool {
        self.asked & bit(probe) != 0
    }

    /// What to ask next, if anything. An unknown service is asked `breadth` different questions; `knows` is whether a
    /// probe knows what it would ask with.
    pub(super) fn next(
        &self,
        breadth: u32,
        knows: impl Fn(&'static Probe) -> bool,
    ) -> Option<&'static Probe> {
        if let Some(visit) = self.visit.as_ref().filter(|visit| visit.next().is_some()) {
            return Some(visit.probe());
        }
        let may = |probe: &&'static Probe| !self.has_asked(probe) && knows(probe);
        if !self.requested.is_empty() {
            return self.requested.iter().copied().find(may);
        }
        let may = |probe: &&'static Probe| probe.intrusion != Intrusion::OnRequest && may(probe);
        if let Some(led) = LED.into_iter().find(may) {
            return Some(led);
        }
        if self.service.transport == Transport::Udp {
            let fits = |probe: &&'static Probe| self.clear.is_none_or(|spoken| fits(probe, spoken));
            return self.home(false).into_iter().filter(fits).find(may);
        }
        if self.broke_off && self.has_asked(&tls::PROBE) {
            // Some servers that know only the newest version hang up without a word on every older one.
            let newest = self.clear.is_none().then_some(&http::INSIDE_TLS);
            let others = [&tls::OLD, &tls::OLDEST].into_iter().chain(newest);
            if let Some(probe) = others.into_iter().find(may) {
                return Some(probe);
            }
        }
        self.next_known(may).or_else(|| self.next_unknown(breadth, may))
    }

    /// What to ask a service whose protocol was recognised.
    fn next_known(&self, may: impl Fn(&&'static Probe) -> bool) -> Option<&'static Probe> {
        let spoken = self.clear?;
        if !std::ptr::eq(spoken, tls::PROBE.protocol) {
            // What it says first was heard.
            let fits = |probe: &&'static Probe| {
                probe.intrusion > Intrusion::Listens && self.is_close(probe, spoken)
            };
            return ordered(false).filter(fits).find(may);
        }
        if may(&&tls::PROBE) && !self.has_asked(&tls::OLD) {
            return Some(&tls::PROBE);
        }
        let shares = |probe: &&'static Probe| SHARES_WITH_TLS.contains(&probe.protocol.name);
        if let Some(probe) = self.home(false).into_iter().filter(shares).find(&may) {
            return Some(probe);
        }
        if let Some(inside) = self.inside {
            let fits = |probe: &&'static Probe| {
                probe.intrusion > Intrusion::Listens && self.is_close(probe, inside)
            };
            return ordered(true).filter(fits).find(may);
        }
        if self.strange_inside {
            return None;
        }
        // Where the web is at home it is asked first; a server that then hangs up may be one that speaks first.
        let abroad = [&banner::INSIDE_TLS, &http::INSIDE_TLS];
        self.home(true).into_iter().chain(abroad).find(may)
    }

    /// What to ask a service that has not been understood.
    fn next_unknown(
        &self,
        breadth: u32,
        may: impl Fn(&&'static Probe) -> bool,
    ) -> Option<&'static Probe> {
        match (self.clear, self.strange) {
            // Old web servers answer what they do not understand with a page and nothing before it.
            (None, Some(b'<')) => return Some(&http::PROBE).filter(may),
            (Some(_), _) | (None, Some(_)) => return None,
            (None, None) => {}
        }
        let home = self.home(false);
        if let Some(probe) = home.iter().copied().find(&may) {
            return Some(probe);
        }
        if self.asked.count_ones() >= breadth {
            return None;
        }
        let listened = home.iter().any(|probe| probe.intrusion == Intrusion::Listens);
        let first = Some(&banner::PROBE).filter(|_| !listened);
        let anywhere = ordered(false).filter(|probe| {
            probe.anywhere
                && probe.transport == Transport::Tcp
                && ![tls::PROBE.name, http::PROBE.name].contains(&probe.name)
        });
        first.into_iter().chain([&tls::PROBE, &http::PROBE]).chain(anywhere).find(may)
    }

    /// Whether a probe suits what was spoken: the same protocol, or one that is at home here and rides on it.
    fn is_close(&self, probe: &Probe, spoken: &Protocol) -> bool {
        let here = probe.ports.contains(&self.service.to.port());
        probe.transport == Transport::Tcp
            && fits(probe, spoken)
            && (here || probe.protocol.name == spoken.name)
            && (probe.anywhere || !probe.ports.is_empty())
    }

    /// What is at home on the port, least disturbing first, of those the ones that are most at home.
    fn home(&self, inside_tls: bool) -> Vec<&'static Probe> {
        let Service { to, transport, .. } = self.service;
        let place = |probe: &Probe| probe.ports.iter().position(|port| *port == to.port());
        let mut home: Vec<&'static Probe> = ALL
            .iter()
            .copied()
            .filter(|probe| probe.transport == transport && probe.inside_tls == inside_tls)
            .filter(|probe| place(probe).is_some())
            .collect();
        home.sort_by_key(|probe| (probe.intrusion, place(probe)));
        home
    }
}

/// Whether a probe may be asked of what spoke this.
fn fits(probe: &Probe, spoken: &Protocol) -> bool {
    let name = probe.protocol.name;
    name == spoken.name || spoken.name == "http" && RIDE_ON_HTTP.contains(&name)
}

fn ordered(inside_tls: bool) -> impl Iterator<Item = &'static Probe> {
    ALL.iter().copied().filter(move |probe| probe.inside_tls == inside_tls)
}

fn bit(probe: &Probe) -> u128 {
    let place = ALL.iter().position(|known| std::ptr::eq(*known, probe)).unwrap_or(127);
    1u128.checked_shl(u32::try_from(place).unwrap_or(127)).unwrap_or(1 << 127)
}

/// Every service that is asked by datagrams: each host on each port where a datagram probe is at home.
pub fn datagram_services(hosts: impl IntoIterator<Item = IpAddr>) -> impl Iterator<Item = Service> {
    let asked =
        |(probe, port): (&Probe, u16)| (probe.intrusion != Intrusion::OnRequest).then_some(port);
    let ports: BTreeSet<u16> = homes(Transport::Udp).filter_map(asked).collect();
    hosts.into_iter().flat_map(move |address| {
        ports.clone().into_iter().map(move |port| Service {
            to: SocketAddr::new(address, port),
            transport: Transport::Udp,
            state: State::Unknown,
        })
    })
}

/// Every service that the facility file names for a probe.
pub fn requested_services(requests: &[Request]) -> impl Iterator<Item = Service> {
    requested(requests).map(|(probe, to)| Service {
        to,
        transport: probe.transport,
        state: State::Unknown,
    })
}

fn requested(requests: &[Request]) -> impl Iterator<Item = (&'static Probe, SocketAddr)> {
    requests.iter().flat_map(|request| {
        let named = ALL.iter().copied().filter(|probe| probe.name == request.probe);
        named.flat_map(move |probe| {
            request.ports.iter().map(move |port| (probe, SocketAddr::new(request.host, *port)))
        })
    })
}

/// Every TCP port on which a probe is at home that needs no request.
pub fn tcp_ports() -> BTreeSet<u16> {
    let asked =
        |(probe, port): (&Probe, u16)| (probe.intrusion != Intrusion::OnRequest).then_some(port);
    homes(Transport::Tcp).filter_map(asked).collect()
}

fn homes(transport: Transport) -> impl Iterator<Item = (&'static Probe, u16)> {
    let of = move |probe: &&'static Probe| probe.transport == transport;
    let ports = |probe: &'static Probe| probe.ports.iter().map(move |port| (probe, *port));
    ALL.iter().copied().filter(of).flat_map(ports)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe;

    fn course(port: u16) -> Course {
        Course::new(
            Service {
                to: SocketAddr::from(([192, 0, 2, 1], port)),
                transport: Transport::Tcp,
                state: State::Open,
            },
            &[],
        )
    }

    fn not_led(probe: &'static Probe) -> bool {
        !LED.iter().any(|led| std::ptr::eq(*led, probe))
    }

    /// The names of what is asked when nothing is ever answered.
    fn mute(mut course: Course, breadth: u32) -> Vec<&'static str> {
        let mut names = Vec::new();
        while let Some(probe) = course.next(breadth, not_led) {
            names.push(probe.name);
            course.mark_asked(probe);
        }
        names
    }

    #[test]
    fn every_probe_has_its_own_place() {
        assert!(ALL.len() < 127, "Course counts to 127");
        let names: BTreeSet<&str> = ALL.iter().map(|probe| probe.name).collect();
        assert_eq!(names.len(), ALL.len(), "two probes have the same name");
    }

    #[test]
    fn an_unknown_service_is_listened_to_first_and_asked_as_broadly_as_allowed() {
        assert_eq!(mute(course(40_000), 1), ["banner"]);
        assert_eq!(mute(course(40_000), 3), ["banner", "tls", "http"]);
        assert_eq!(mute(course(22), 2), ["ssh", "tls"]);
    }

    #[test]
    fn what_spoke_one_protocol_is_asked_no_other() {
        let mut spoke = course(40_000);
        spoke.mark_asked(&banner::PROBE);
        spoke.clear = Some(&observe::ssh::PROTOCOL);
        assert_eq!(mute(spoke, 9), Vec::<&str>::new());
        let mut strange = course(40_000);
        strange.strange = Some(b'2');
        assert_eq!(mute(strange, 9), Vec::<&str>::new());
    }

    #[test]
    fn behind_tls_is_asked_what_is_at_home_there() {
        let mut secure = course(443);
        secure.mark_asked(&tls::PROBE);
        secure.clear = Some(&observe::tls::PROTOCOL);
        assert_eq!(secure.next(9, not_led).map(|probe| probe.name), Some("openvpn_tcp"));
        secure.mark_asked(&crate::probe::openvpn::STREAM);
        assert_eq!(secure.next(9, not_led).map(|probe| probe.name), Some("https"));
        let mut odd = course(40_000);
        odd.mark_asked(&tls::PROBE);
        odd.clear = Some(&observe::tls::PROTOCOL);
        assert_eq!(mute(odd, 9), ["banner_inside_tls", "https"]);
    }

    #[test]
    fn what_the_facility_wants_asked_is_asked_there_and_nothing_else_is() {
        let request = |host: [u8; 4], probe: &str, ports: &[u16]| Request {
            host: host.into(),
            probe: probe.to_owned(),
            ports: ports.to_vec(),
        };
        let requests = [
            request([192, 0, 2, 1], "dicom", &[104, 4242]),
            request([192, 0, 2, 9], "hl7", &[104]),
        ];
        let of = |port| Course::new(course(port).service, &requests);
        assert_eq!(mute(of(4242), 9), ["dicom"], "and no banner, TLS or HTTP");
        assert!(!mute(of(11_112), 9).contains(&"dicom"), "another port of the same host");
        let services: Vec<String> =
            requested_services(&requests).map(|service| service.to.to_string()).collect();
        assert_eq!(services, ["192.0.2.1:104", "192.0.2.1:4242", "192.0.2.9:104"]);
        assert!(!tcp_ports().contains(&104), "nobody is asked without a request");
    }

    #[test]
    fn an_older_offer_follows_one_that_was_broken_off() {
        let mut old = course(443);
        old.mark_asked(&tls::PROBE);
        old.broke_off = true;
        assert_eq!(mute(old, 3), ["tls_old", "tls_oldest", "https", "openvpn_tcp"]);
    }
}
