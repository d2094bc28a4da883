//! Lets through what was consented to, at the pace that was consented to, and writes down what was sent to whom.
//!
//! It is the outermost wrapper: what it refuses reaches nothing, not even the recording. It decides at the link's own
//! time and on what it reads itself from the bytes of frames and the addresses of conversations.

mod wire;

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use wire::Judged;

use super::{
    Act, Call, CallId, Event, Interface, Link, Speaker, What,
    ledger::{Ledger, Sent},
    loans::Loans,
    neighbours::{self, Neighbours},
    pace::Pacer,
    receiver::{self, Receiver, Way},
    strangers::Strangers,
};
use crate::{
    observe::Transport,
    scope::{Consent, Contact, Refusal, Tier},
    time::Timestamp,
};

/// Bytes that a packet of a conversation carries at least when there is more to carry.
const PACKET: usize = 1400;

/// What opening a TCP conversation costs: SYN and ACK.
pub const OPENING: u32 = 2;

/// What closing a TCP conversation costs: FIN and the ACK of the other's.
pub const CLOSING: u32 = 2;

/// How much may be said, piece by piece, to a conversation that waits for its end before it ends whatever the pace.
const MOST_IGNORED: u32 = 16;

/// After so long without an answer a system sends its SYN a second time (RFC 6298, 2.1).
const SECOND_SYN: Duration = Duration::from_secs(1);

/// A link that only lets through what was consented to.
#[derive(Debug)]
pub struct Guard<L> {
    link: L,
    consent: Consent,
    pacer: Pacer,
    ledger: Ledger,
    neighbours: Neighbours,
    strangers: Strangers,
    loans: Loans,
    calls: HashMap<CallId, Held>,
    /// Conversations whose end waits for its pace.
    closing: VecDeque<CallId>,
    stopping: bool,
    until: Option<Timestamp>,
}

/// A conversation that was begun.
#[derive(Debug, Clone, Copy)]
struct Held {
    call: Call,
    began: Timestamp,
    state: State,
    /// Pieces that came while its end waited for its pace.
    ignored: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It may be open already, though nobody has heard so.
    Begun,
    Open,
    /// There is nothing to be ended: it was refused or broken off.
    Over,
    /// The end waits for its pace; nothing is heard any more.
    Closing,
}

/// The packets that `bytes` of a conversation take.
pub fn packets(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PACKET)).unwrap_or(u32::MAX).max(1)
}

impl<L: Link> Guard<L> {
    /// A guard before `link` that lets through what `consent` allows.
    pub fn new(link: L, consent: Consent) -> Self {
        Self {
            link,
            pacer: Pacer::new(&consent.pace),
            consent,
            ledger: Ledger::default(),
            neighbours: Neighbours::default(),
            strangers: Strangers::default(),
            loans: Loans::default(),
            calls: HashMap::new(),
            closing: VecDeque::new(),
            stopping: false,
            until: None,
        }
    }

    /// The same guard, which stops the run at `moment` as if the user had wanted it.
    pub fn until(mut self, moment: Timestamp) -> Self {
        self.until = Some(moment);
        self
    }

    /// What was sent to whom.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What was consented to.
    pub fn consent(&self) -> &Consent {
        &self.consent
    }

    /// The link behind the guard.
    pub fn link(&self) -> &L {
        &self.link
    }

    /// The link behind the guard. What is sent through it is neither judged nor written down.
    pub fn into_parts(self) -> (L, Ledger) {
        (self.link, self.ledger)
    }

    /// Remembers that `address` has this hardware address, as the system's own table says.
    pub fn learn(&mut self, address: IpAddr, mac: [u8; 6]) {
        self.neighbours.learn(address, mac, &self.consent, false);
    }

    /// Ends what waits for its end, at its pace as far as there is time until `until`.
    pub fn finish(&mut self, until: Timestamp) {
        while let Some(ready) = self.settle() {
            if ready > until || self.link.now() >= until {
                break;
            }
            let before = self.link.now();
            let event = self.link.wait(ready);
            if event.is_none() && self.link.now() <= before {
                break;
            }
            if let Some(event) = event {
                self.heard(event);
            }
        }
        let now = self.link.now();
        while let Some(id) = self.closing.pop_front() {
            self.end(id, now);
        }
    }

    /// Ends those that wait for it and are ready; the moment at which the next is.
    fn settle(&mut self) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        for _ in 0..self.closing.len() {
            let id = self.closing.pop_front()?;
            let Some(to) = self.calls.get(&id).map(|held| held.call.to.ip()) else { continue };
            let now = self.link.now();
            let ready = self.pacer.ready(to, CLOSING, now);
            if ready <= now {
                self.end(id, now);
            } else {
                self.closing.push_back(id);
                next = Some(next.map_or(ready, |next| next.min(ready)));
            }
        }
        next
    }

    /// Ends a conversation that is open, now.
    fn end(&mut self, id: CallId, now: Timestamp) {
        let Some(held) = self.calls.remove(&id) else { return };
        if self.link.send(Act::Close { id }).is_ok() {
            self.spend(held.call, CLOSING, 0, now);
        }
    }

    fn spend(&mut self, call: Call, packets: u32, bytes: usize, now: Timestamp) {
        self.pacer.spend(call.to.ip(), packets, now);
        let sent = Sent { probe: call.probe, packets, bytes, begins: false };
        self.ledger.write(call.to.ip(), sent, now);
    }

    fn may_begin(&self, now: Timestamp) -> Result<(), Refusal> {
        let over = self.stopping || self.until.is_some_and(|until| now >= until);
        if over { Err(Refusal::Stopping) } else { Ok(()) }
    }

    fn in_time(&self, to: IpAddr, packets: u32, now: Timestamp) -> Result<(), Refusal> {
        let ready = self.pacer.ready(to, packets, now);
        if ready > now { Err(Refusal::TooSoon(ready)) } else { Ok(()) }
    }

    /// Judges a contact by what it shows, and by what is known of the address.
    fn allow(&self, contact: &Contact, now: Timestamp) -> Result<(), Refusal> {
        self.consent.allows(contact, now)?;
        if contact.resolves {
            return Ok(());
        }
        if let Some(mac) = self.neighbours.fragile(contact.address) {
            self.consent.allows(&Contact { mac: Some(mac), ..*contact }, now)?;
        }
        if self.neighbours.is_doubtful(contact.address) {
            return Err(Refusal::FragileHost(contact.address));
        }
        Ok(())
    }

    fn allow_call(&self, call: &Call, now: Timestamp) -> Result<(), Refusal> {
        let (address, port) = (call.to.ip(), Some(call.to.port()));
        let contact = Contact { address, mac: None, port, resolves: false, tier: call.tier };
        self.allow(&contact, now)
    }

    fn open(&mut self, call: Call) -> Result<(), Refusal> {
        let now = self.link.now();
        self.may_begin(now)?;
        self.allow_call(&call, now)?;
        if !matches!(call.transport, Transport::Tcp | Transport::Udp) {
            return Err(Refusal::Unreadable);
        }
        if self.calls.contains_key(&call.id) {
            return Err(Refusal::System(format!("conversation {} was begun before", call.id.0)));
        }
        let packets = if call.transport == Transport::Tcp { OPENING } else { 0 };
        self.in_time(call.to.ip(), packets, now)?;
        self.link.send(Act::Open(call))?;
        self.pacer.spend(call.to.ip(), packets, now);
        let sent = Sent { probe: call.probe, packets, bytes: 0, begins: true };
        self.ledger.write(call.to.ip(), sent, now);
        self.calls.insert(call.id, Held { call, began: now, state: State::Begun, ignored: 0 });
        Ok(())
    }

    fn say(&mut self, id: CallId, bytes: &[u8]) -> Result<(), Refusal> {
        let now = self.link.now();
        let held = self.calls.get(&id).filter(|held| held.state != State::Closing);
        let Some(Held { call, .. }) = held.copied() else {
            return Err(Refusal::System(format!("conversation {} is not open", id.0)));
        };
        self.allow_call(&call, now)?;
        let packets = packets(bytes.len());
        self.in_time(call.to.ip(), packets, now)?;
        self.link.send(Act::Say { id, bytes })?;
        self.spend(call, packets, bytes.len(), now);
        Ok(())
    }

    /// Ends a conversation as soon as its pace allows; to whoever speaks, it has ended.
    fn close(&mut self, id: CallId) -> Result<(), Refusal> {
        let now = self.link.now();
        let Some(held) = self.calls.get_mut(&id) else { return Ok(()) };
        let ends = match held.state {
            State::Closing => return Ok(()),
            State::Open => true,
            State::Begun => now.since(held.began) < nanoseconds(SECOND_SYN),
            State::Over => false,
        };
        if ends && held.call.transport == Transport::Tcp {
            held.state = State::Closing;
            self.closing.push_back(id);
            self.settle();
        } else {
            self.calls.remove(&id);
            self.link.send(Act::Close { id })?;
        }
        Ok(())
    }

    fn frame(
        &mut self,
        interface: usize,
        bytes: &[u8],
        probe: &'static str,
        tier: Tier,
    ) -> Result<(), Refusal> {
        let now = self.link.now();
        self.may_begin(now)?;
        let Some(out) = self.link.interfaces().get(interface) else {
            return Err(Refusal::System(format!("there is no interface {interface}")));
        };
        let judged = if let Some(judged) = self.judge_wire(interface, bytes, tier, now) {
            judged?
        } else {
            let receiver = receiver::read(bytes, out, tier)?;
            let (to, answers_itself) = self.judge(&receiver, out, tier, now)?;
            Judged::to(to, answers_itself)
        };
        let Judged { to, answers_itself, pace } = judged;
        self.in_time(pace, 1, now)?;
        self.link.send(Act::Frame { interface, bytes, probe, tier })?;
        self.note_wire(interface, bytes, now);
        self.pacer.spend(pace, 1, now);
        if answers_itself {
            self.pacer.spend_gateway(to, now);
        }
        let sent = Sent { probe, packets: 1, bytes: bytes.len(), begins: false };
        self.ledger.write(to, sent, now);
        Ok(())
    }

    /// Whom a frame reaches first of those that must answer it, and whether that is a gateway.
    fn judge(
        &self,
        receiver: &Receiver,
        out: &Interface,
        tier: Tier,
        now: Timestamp,
    ) -> Result<(IpAddr, bool), Refusal> {
        let Receiver { address, mac, port, way } = *receiver;
        let contact = Contact { address, mac, port, resolves: way == Way::Resolves, tier };
        let hops = match way {
            Way::Resolves => {
                self.allow(&contact, now)?;
                return Ok((address, false));
            }
            Way::Everyone => {
                self.allow_group(address, out, tier, now)?;
                return Ok((address, false));
            }
            Way::Packet(hops) => hops,
        };
        if tier == Tier::FirstRouter && hops > 2 {
            return Err(Refusal::Tier);
        }
        let dies_near = hops == 1 || (hops == 2 && tier == Tier::FirstRouter);
        // The responder is asked through each gateway.
        let through = dies_near || tier == Tier::Responder;
        let on_link = out.addresses.iter().any(|network| network.contains(address));
        let included = self.consent.include.contains(address);
        if included || !dies_near || self.consent.exclude.contains(address) {
            self.allow(&contact, now)?;
        }
        // From here on the address may be asked, or the packet does not get there.
        if let Some(mac) = mac.filter(|_| on_link || through)
            && self.neighbours.is_excluded(mac)
        {
            return Err(Refusal::Excluded(self.neighbours.owner(mac).unwrap_or(address)));
        }
        let owner = mac.and_then(|mac| self.neighbours.owner(mac));
        let Some(gateway) = owner.filter(|owner| *owner != address && (on_link || through)) else {
            return if included && (on_link || !dies_near) {
                Ok((address, false))
            } else {
                Err(Refusal::NotIncluded(address))
            };
        };
        self.allow_gateway(&Contact { address: gateway, port: None, ..contact }, out, now)?;
        Ok((gateway, dies_near))
    }

    /// Judges a contact with somebody on a link. Who is known by a link-local address alone is in the scope where
    /// its link is as a whole.
    fn allow_gateway(
        &self,
        contact: &Contact,
        out: &Interface,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let gateway = contact.address;
        if !neighbours::is_link_local(gateway) || self.consent.include.contains(gateway) {
            return self.allow(contact, now);
        }
        if self.neighbours.fragile(gateway).is_some() || self.neighbours.is_doubtful(gateway) {
            return Err(Refusal::FragileHost(gateway));
        }
        let wire = self.whole(out).ok_or(Refusal::NotIncluded(gateway))?;
        self.allow(&Contact { address: wire.network(), ..*contact }, now)
    }

    /// Counts what an event shows that our system sent of itself. None when nobody wants to hear of it any more.
    fn heard(&mut self, event: Event) -> Option<Event> {
        let id = match &event.what {
            What::Frame { interface, bytes } => {
                if let Some(own) = self.link.interfaces().get(*interface) {
                    let whole = self.whole(own).is_some();
                    self.neighbours.hear(bytes, &self.consent, whole);
                    self.strangers.hear(*interface, own, bytes);
                    self.loans.hear(*interface, own, bytes, event.at);
                }
                return Some(event);
            }
            What::Stop => {
                return (!std::mem::replace(&mut self.stopping, true)).then_some(event);
            }
            What::Opened { id, .. }
            | What::Refused { id, .. }
            | What::Heard { id, .. }
            | What::Ended { id, .. } => *id,
        };
        let held = self.calls.get_mut(&id)?;
        let call = held.call;
        let was = held.state;
        let is_tcp = call.transport == Transport::Tcp;
        let packets = match &event.what {
            What::Opened { .. } => {
                if was != State::Closing {
                    held.state = State::Open;
                }
                u32::from(event.at.since(held.began) >= nanoseconds(SECOND_SYN))
            }
            What::Refused { .. } | What::Ended { reset: true, .. } => {
                if is_tcp && was != State::Closing {
                    held.state = State::Over;
                }
                0
            }
            What::Heard { bytes, .. } => {
                held.ignored += u32::from(was == State::Closing);
                packets(bytes.len())
            }
            _ => 1,
        };
        let talks_on = held.ignored > MOST_IGNORED;
        if is_tcp && packets > 0 {
            self.spend(call, packets, 0, event.at.max(self.link.now()));
        }
        if was == State::Closing {
            if talks_on {
                // Whoever goes on talking makes our system acknowledge, so that the end would never have its turn.
                self.end(id, self.link.now());
            }
            return None;
        }
        Some(event)
    }
}

impl<L: Link> Link for Guard<L> {
    fn now(&self) -> Timestamp {
        self.link.now()
    }

    fn ready(&self, to: IpAddr, packets: u32) -> Timestamp {
        let now = self.link.now();
        self.pacer.ready(to, packets, now).max(self.link.ready(to, packets))
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        self.pacer.tidy(self.link.now());
        match act {
            Act::Frame { interface, bytes, probe, tier } => {
                self.frame(interface, bytes, probe, tier)
            }
            Act::Open(call) => self.open(call),
            Act::Say { id, bytes } => self.say(id, bytes),
            Act::Close { id } => self.close(id),
        }
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        loop {
            let now = self.link.now();
            let end = self.until.filter(|_| !self.stopping);
            if end.is_some_and(|end| now >= end) {
                self.stopping = true;
                return Some(Event { at: now, what: What::Stop });
            }
            let limit = [self.settle(), end].into_iter().flatten().fold(until, Timestamp::min);
            match self.link.wait(limit) {
                Some(event) => {
                    if let Some(event) = self.heard(event) {
                        return Some(event);
                    }
                }
                None if self.link.now() < limit => return None,
                None if limit == until => {
                    // What is to end goes before what is to begin; else it would never have its turn.
                    self.settle();
                    return None;
                }
                None => {}
            }
        }
    }

    fn reveal(&mut self, call: CallId, speaker: Speaker, bytes: &[u8]) {
        self.link.reveal(call, speaker, bytes);
    }

    fn note(&mut self, line: &str) {
        self.link.note(line);
    }

    fn interfaces(&self) -> &[Interface] {
        self.link.interfaces()
    }

    fn strangers(&self) -> Option<&Strangers> {
        Some(&self.strangers)
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
