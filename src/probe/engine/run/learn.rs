//! What a conversation that is over means: for its service, its host, and its network.

use std::net::SocketAddr;

use super::{Active, Ending, Run};
use crate::{
    link::{Act, CallId, Link, Refused},
    observe::{Facts, Transport},
    probe::{
        conversation::{self, Conversation, Told},
        distress::{Distress, network},
        dns, http, names,
        plan::{Service, Stage, State},
        tls, upnp,
    },
    wire,
};

/// The questions that offer TLS in clear.
const OFFERS: [&str; 3] = [tls::PROBE.name, tls::OLD.name, tls::OLDEST.name];

/// Fields in which a box tells further addresses of its own.
const TELLS_ADDRESSES: [&str; 6] = [
    "nat_pmp.outside",
    "upnp.outside",
    "ssdp.outside",
    "dcerpc.address",
    "nbns.address",
    "snmp.address",
];

/// How many such addresses are remembered.
const MOST_ADDRESSES: usize = 4096;

impl<L: Link + ?Sized> Run<'_, '_, L> {
    /// A conversation is over.
    pub(super) fn conclude(&mut self, call: u32, refused: Option<Refused>) {
        let Some(active) = self.active.remove(&call) else { return };
        let Active { conversation, course: place, host, spoke, began, .. } = *active;
        if refused.is_none() {
            let _ = self.link.send(Act::Close { id: CallId(call) });
        }
        let ending = match refused {
            _ if conversation.is_answered() => Ending::Answered,
            Some(_) => Ending::Refused,
            None => Ending::Silent,
        };
        let opened = conversation.from.is_some();
        let to = conversation.to;
        let probe = conversation.probe;
        let distress = match (ending, refused) {
            (Ending::Refused, Some(Refused::Port)) => {
                self.answered(host, to.ip());
                // A closed port shows how quick its host is as an open one does.
                let took = self.link.now().since(began);
                let stream = probe.transport == Transport::Tcp && conversation.from.is_none();
                let host = self.hosts.get_mut(host).filter(|_| stream);
                host.and_then(|host| host.pulse.opened(took))
            }
            (Ending::Silent, None) if probe.transport == Transport::Tcp => {
                self.missed(host, place, opened, spoke && !conversation.ended)
            }
            _ => None,
        };
        // What this machine could not send was not asked.
        let failed = refused == Some(Refused::System);
        if failed {
            self.outcome.failed += 1;
            self.skip(place, probe);
        }
        match ending {
            Ending::Answered => self.outcome.answered += 1,
            Ending::Silent => self.outcome.silent += 1,
            Ending::Refused => self.outcome.refused += u64::from(!failed),
        }
        // What was cut off by us was not asked to its end, and may be asked when the run goes on.
        let left = self.hosts.get(host).is_some_and(|host| host.left);
        let cut = ending == Ending::Silent && (self.stopping || left);
        if !cut && !failed {
            self.learn(place, conversation, ending);
        }
        if let Some(host) = self.hosts.get_mut(host) {
            host.open -= 1;
            if let Some(course) = self.courses.get_mut(place)
                && course.stage == Stage::Active
            {
                course.stage = Stage::Pending;
                host.pending.push_front(place);
            }
        }
        if let Some(distress) = distress {
            self.leave(host, distress);
        }
        self.queue(host);
    }

    /// A service was silent that was not expected to be.
    fn missed(&mut self, host: usize, place: usize, opened: bool, hung: bool) -> Option<Distress> {
        let course = self.courses.get(place)?;
        let was_open = course.open || course.service.state == State::Open;
        // Many services never say a word to strangers; one that spoke before and now hangs is another thing.
        let counts = if opened { hung && course.clear.is_some() } else { was_open };
        if !counts {
            return None;
        }
        self.hosts.get_mut(host)?.pulse.silent(place, opened)
    }

    /// Learns from a conversation that is over.
    fn learn(&mut self, place: usize, conversation: Conversation, ending: Ending) {
        let Some(course) = self.courses.get_mut(place) else { return };
        let Service { to, transport, .. } = course.service;
        let probe = conversation.probe;
        let answered = ending == Ending::Answered;
        let broke_off = conversation.from.is_some() && (conversation.ended || answered);
        let inside_began = conversation.is_inside();
        let text = conversation.text().to_owned();
        let Told { clear, inside, facts } = conversation.told(&self.dissector);
        let asks_names = probe.name == dns::NAMES.name;
        if !asks_names {
            conversation::add(&mut course.facts, &facts);
        }
        course.open |= answered;
        let mut lines = Vec::new();
        if let Some(protocol) = clear.filter(|_| course.clear.is_none()) {
            course.clear = Some(protocol);
            lines.push(format!("spoke {} {to} {}", transport.name(), protocol.name));
        }
        if let Some(protocol) = inside.filter(|_| course.inside.is_none()) {
            course.inside = Some(protocol);
            lines.push(format!("spoke {} {to} tls/{}", transport.name(), protocol.name));
        }
        if answered && course.clear.is_none() {
            course.strange = course.strange.or(text.first().copied());
        }
        if probe.inside_tls && course.inside.is_none() {
            course.strange_inside |= !inside_began || !text.is_empty();
        }
        if OFFERS.contains(&probe.name) {
            let alert = facts.get("tls.alert");
            // A server that knows only a newer version says so; one at home here may just hang up.
            let refused = match alert {
                Some(alert) => alert != "protocol_version",
                None => !answered && tls::PROBE.ports.contains(&to.port()),
            };
            course.broke_off = broke_off && refused && facts.get("tls.cipher").is_none();
        }
        let mut leads = Vec::new();
        let mut goes_on = false;
        if asks_names && answered {
            course.lots += 1;
            goes_on = course.lots.saturating_mul(names::MOST) < self.context.wanted.len();
        }
        // Behind a way in there may be another; the first number that is none ends the list.
        let way_in = ["upnp.mapping", "upnp.mapping_off"];
        if probe.name == upnp::MAPPINGS.name
            && way_in.iter().any(|field| facts.get(field).is_some())
        {
            course.lots += 1;
            goes_on = course.lots < upnp::MOST_MAPPINGS;
        }
        if let Some(visit) = &mut course.visit
            && std::ptr::eq(visit.probe(), probe)
        {
            if answered && !facts.is_empty() {
                leads.extend(visit.heard(&text, &course.facts, self.context.matcher));
            } else {
                visit.give_up();
            }
            goes_on = visit.next().is_some();
        }
        let described: Vec<(SocketAddr, String)> = facts
            .all("ssdp.location")
            .filter_map(|location| Some((wire::upnp::location(location)?.0, location.to_owned())))
            .filter(|(at, _)| at.ip() == to.ip())
            .collect();
        if !goes_on {
            course.visit = None;
            course.mark_asked(probe);
            let word = ending.name();
            lines.push(format!("done {} {to} {} {word}", transport.name(), probe.name));
        }
        // A port that never opened is closed to every other question, too; so is one that refuses datagrams.
        let closed = match transport {
            Transport::Udp => ending == Ending::Refused,
            _ => !course.open,
        };
        let own = TELLS_ADDRESSES.iter().flat_map(|field| facts.all(field));
        let others = own.filter_map(|text| text.parse().ok()).filter(|other| *other != to.ip());
        for other in others {
            let told = &mut self.outcome.addresses;
            if told.len() < MOST_ADDRESSES && told.insert((to.ip(), other)) {
                lines.push(format!("address {} {other}", to.ip()));
            }
        }
        for line in lines {
            self.link.note(&line);
        }
        if closed {
            self.finish(place);
        }
        for (to, path) in leads {
            self.follow(to, &path);
        }
        for (at, location) in described {
            self.lead(at, "ssdp.location", &location);
        }
    }

    /// Tells a stream of the same host what an answer elsewhere said of it.
    fn lead(&mut self, to: SocketAddr, field: &'static str, value: &str) {
        self.add(Service { to, transport: Transport::Tcp, state: State::Unknown });
        let Some(&place) = self.places.get(&(to, false)) else { return };
        let Some(course) = self.courses.get_mut(place) else { return };
        let closed = course.stage == Stage::Finished && !course.open;
        if !closed && !course.facts.all(field).any(|known| known == value) {
            course.facts.add(field, value);
            self.revive(place);
        }
    }

    /// Asks on where there was nothing more to ask.
    fn revive(&mut self, place: usize) {
        let Some(course) = self.courses.get_mut(place) else { return };
        if course.stage != Stage::Finished {
            return;
        }
        course.stage = Stage::Pending;
        self.finished -= 1;
        if let Some(&host) = self.by_address.get(&course.service.to.ip()) {
            if let Some(host) = self.hosts.get_mut(host) {
                host.pending.push_back(place);
            }
            self.queue(host);
        }
    }

    /// There is nothing more to ask a service.
    pub(super) fn finish(&mut self, place: usize) {
        let Some(course) = self.courses.get_mut(place) else { return };
        if course.stage == Stage::Finished {
            return;
        }
        course.stage = Stage::Finished;
        course.facts = Facts::default();
        course.visit = None;
        self.finished += 1;
        let Service { to, transport, .. } = course.service;
        self.link.note(&format!("finished {} {to}", transport.name()));
    }

    /// Fetches a page of the same host that an answer named.
    fn follow(&mut self, to: SocketAddr, path: &str) {
        let service = Service { to, transport: Transport::Tcp, state: State::Unknown };
        let Some(&place) = self.places.get(&(to, false)) else {
            self.add(service);
            if let Some(&place) = self.places.get(&(to, false)) {
                self.visit(place, path);
            }
            return;
        };
        self.visit(place, path);
    }

    fn visit(&mut self, place: usize, path: &str) {
        let Some(course) = self.courses.get_mut(place) else { return };
        if let Some(visit) = &mut course.visit {
            return visit.add(path);
        }
        let to = course.service.to;
        let secure = http::INSIDE_TLS.ports.contains(&to.port());
        let known = course.has_asked(if secure { &http::INSIDE_TLS } else { &http::PROBE });
        if secure && (known || course.stage == Stage::Finished) {
            return;
        }
        let name = self.context.names.get(&to.ip()).cloned();
        let mut visit = http::Visit::new(to, name, secure, if known { path } else { "/" });
        visit.add(path);
        course.visit = Some(Box::new(visit));
        self.revive(place);
    }

    /// Leaves a host alone from now on.
    pub(super) fn leave(&mut self, place: usize, distress: Distress) {
        let Some(host) = self.hosts.get_mut(place) else { return };
        if host.left {
            return;
        }
        host.left = true;
        host.pending.clear();
        let address = host.address;
        self.outcome.left.push((address, distress));
        self.link.note(&format!("left {address} {}", distress.name()));
        if distress == Distress::Stopped {
            let near = self.networks.entry(network(address)).or_default();
            if near.health.stopped() {
                self.link.note(&format!("left {} network", network(address)));
            }
        }
        let calls: Vec<u32> = self
            .active
            .iter()
            .filter(|(_, one)| one.host == place)
            .map(|(call, _)| *call)
            .collect();
        for call in calls {
            if let Some(active) = self.active.get_mut(&call) {
                active.conversation.over = true;
                active.conversation.waiting.clear();
                self.conclude(call, None);
            }
        }
    }
}
