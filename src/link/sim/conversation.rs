//! Conversations of our system with hosts: connections that open, refuse or stay silent, and datagrams.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use super::{
    Coming, Sim, What,
    file::Closed,
    network::{Hides, Nature, Passage},
    script::{Then, Uttered},
    talk::Talk,
};
use crate::{
    link::{Call, CallId, Refused},
    observe::Transport,
    scope::Refusal,
    time::Timestamp,
};

/// How many bytes of a stream are heard at once.
const MOST_AT_ONCE: usize = 8 << 10;

/// After how long a system gives up on an address of its own link that nobody has.
const NOBODY_THERE: Duration = Duration::from_secs(3);

/// After how long a system says again what was lost of a stream.
const SAID_AGAIN: Duration = Duration::from_secs(1);

pub(super) struct Conversation {
    pub(super) call: Call,
    host: Option<usize>,
    /// A stream that is open, from the other side.
    pub(super) talk: Option<Talk>,
    turn: u32,
    /// When the last thing of it is heard; a stream stays in order.
    last: Timestamp,
}

impl Sim {
    pub(super) fn open(&mut self, call: Call) -> Result<(), Refusal> {
        let address = call.to.ip();
        let Some((ours, on_link)) = self.network.our_address(address) else {
            return Err(Refusal::System(format!("there is no route to {address}")));
        };
        if self.calls.contains_key(&call.id) {
            return Err(Refusal::System(format!("conversation {} is there already", call.id.0)));
        }
        let host = self.network.by_address.get(&address).copied();
        let conversation = Conversation { call, host, talk: None, turn: 0, last: self.now };
        self.calls.insert(call.id, conversation);
        let port = 32_768 + u16::try_from(call.id.0 % 28_000).unwrap_or_default();
        let opened = What::Opened { id: call.id, from: SocketAddr::new(ours, port) };
        if call.transport == Transport::Udp {
            self.queue_at(self.now, Coming::Event(opened));
            return Ok(());
        }
        self.keep(Some(call.to), &[]);
        self.count_to(address, false);
        let Some(place) = host else {
            if on_link {
                let what = What::Refused { id: call.id, how: Refused::Unreachable };
                self.queue_at(self.now.after(NOBODY_THERE), Coming::Event(what));
            }
            return Ok(());
        };
        let Some((delay, nature)) = self.arrive(place) else { return Ok(()) };
        let at = self.now.after(delay);
        match nature.tcp.get(&call.to.port()) {
            None if nature.closed == Closed::Drop => {}
            None => {
                let what = What::Refused { id: call.id, how: Refused::Port };
                self.queue_at(at, Coming::Event(what));
            }
            Some(service) => {
                self.queue_at(at, Coming::Event(opened));
                let (talk, greeting) = Talk::begin(service.clone());
                let drip = talk.drip();
                if let Some(conversation) = self.calls.get_mut(&call.id) {
                    conversation.talk = Some(talk);
                }
                self.hear_from(call.id, at, greeting);
                if let Some((_, every)) = drip {
                    self.queue_at(at.after(every), Coming::Drip(call.id));
                }
            }
        }
        Ok(())
    }

    /// Lets a packet of a stream go to a host: lost ones are said again by the system.
    fn arrive(&mut self, place: usize) -> Option<(Duration, Arc<Nature>)> {
        let host = self.network.hosts.get_mut(place)?;
        let mut delay = Duration::ZERO;
        // A system says a thing again a few times, then gives up.
        for _ in 0..4 {
            match host.pass(false, &mut self.chance) {
                Passage::Silent => return None,
                Passage::Through(latency) if !self.chance.happens(host.nature.loss.from) => {
                    let hides = host.nature.hides == Hides::Itself;
                    return (!hides).then(|| (delay + latency, host.nature.clone()));
                }
                Passage::Through(_) | Passage::Lost => delay += SAID_AGAIN,
            }
        }
        None
    }

    pub(super) fn say(&mut self, id: CallId, bytes: &[u8]) -> Result<(), Refusal> {
        let Some(conversation) = self.calls.get(&id) else {
            return Err(Refusal::System(format!("conversation {} is not open", id.0)));
        };
        let (to, host) = (conversation.call.to, conversation.host);
        let is_datagram = conversation.call.transport == Transport::Udp;
        self.keep(Some(to), bytes);
        let packets = if is_datagram { 1 } else { bytes.len().div_ceil(1448) };
        for _ in 0..packets {
            self.count_to(to.ip(), false);
        }
        if is_datagram {
            self.say_datagram(id, to, host, bytes);
            return Ok(());
        }
        let Some((delay, _)) = host.and_then(|place| self.arrive(place)) else { return Ok(()) };
        let at = self.now.after(delay);
        let talk = self.calls.get_mut(&id).and_then(|conversation| conversation.talk.as_mut());
        let said = talk.map(|talk| talk.hear(bytes)).unwrap_or_default();
        self.hear_from(id, at, said);
        Ok(())
    }

    fn say_datagram(&mut self, id: CallId, to: SocketAddr, host: Option<usize>, bytes: &[u8]) {
        let Some(host) = host.and_then(|place| self.network.hosts.get_mut(place)) else { return };
        let Passage::Through(delay) = host.pass(false, &mut self.chance) else { return };
        let lost = self.chance.happens(host.nature.loss.from);
        if host.misses(to.port()) || lost || host.nature.hides == Hides::Itself {
            return;
        }
        let (at, nature) = (self.now.after(delay), host.nature.clone());
        let Some(conversation) = self.calls.get_mut(&id) else { return };
        conversation.turn += 1;
        match nature.udp.get(&to.port()) {
            None if nature.closed == Closed::Drop => {}
            None => {
                let what = What::Refused { id, how: Refused::Port };
                self.queue_at(at, Coming::Event(what));
            }
            Some(service) => {
                for Uttered { bytes, after, .. } in service.answer(bytes, conversation.turn) {
                    for _ in 0..nature.repeats {
                        let what = What::Heard { id, bytes: bytes.clone() };
                        self.queue_at(at.after(after), Coming::Event(what));
                    }
                }
            }
        }
    }

    /// Queues what the other end of a stream says.
    fn hear_from(&mut self, id: CallId, at: Timestamp, said: Vec<Uttered>) {
        let Some(conversation) = self.calls.get_mut(&id) else { return };
        let mut last = conversation.last.max(at);
        let mut coming = Vec::new();
        for Uttered { bytes, after, then } in said {
            last = last.after(after);
            for chunk in bytes.chunks(MOST_AT_ONCE) {
                coming.push((last, What::Heard { id, bytes: chunk.to_vec() }));
            }
            if matches!(then, Then::Close | Then::Reset) {
                coming.push((last, What::Ended { id, reset: then == Then::Reset }));
            }
        }
        conversation.last = last;
        for (at, what) in coming {
            self.queue_at(at, Coming::Event(what));
        }
    }

    /// Ends a conversation from our side; what was still under way is not heard.
    pub(super) fn close(&mut self, id: CallId) {
        let Some(conversation) = self.calls.remove(&id) else { return };
        if conversation.talk.is_some() {
            self.keep(Some(conversation.call.to), &[]);
            self.count_to(conversation.call.to.ip(), false);
        }
    }
}
