//! One conversation that a probe has: bytes in, bytes out, until it is over. It knows no clock and no network.

use std::{collections::VecDeque, net::SocketAddr};

use super::{
    Ask, Heard, Probe, Step,
    engine::Context,
    inside_tls::{Clients, Layer},
};
use crate::{
    link::Speaker,
    observe::{
        Confidence, End, Facts, Protocol, Rest, Said, Transport,
        dissect::{Dissector, Verdict},
    },
};

/// How much is read of one conversation, in bytes.
const MOST_BYTES: usize = 64 << 10;

/// How many messages of one stream are read for facts.
const MOST_MESSAGES: usize = 4;

/// How often a dialogue may speak.
const MOST_TURNS: u32 = 16;

/// A conversation.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) probe: &'static Probe,
    pub(super) to: SocketAddr,
    /// What the probe may know.
    pub(super) known: Facts,
    /// Our end, once it is open.
    pub(super) from: Option<SocketAddr>,
    /// What waits for its turn on the wire.
    pub(super) waiting: VecDeque<Vec<u8>>,
    /// What the recording is to be told.
    pub(super) revealed: Vec<(Speaker, Vec<u8>)>,
    /// What went out last, for asking again.
    pub(super) last: Vec<u8>,
    /// It ends when nothing waits any more.
    pub(super) over: bool,
    /// The other end ended the stream.
    pub(super) ended: bool,
    /// Something was heard while something waited to be said.
    pub(super) blocked: bool,
    turn: u32,
    before: usize,
    total: usize,
    heard: Vec<u8>,
    said: Vec<u8>,
    /// What was said in clear before TLS began, and heard.
    outside: (Vec<u8>, Vec<u8>),
    layer: Option<Box<Layer>>,
    shown: Vec<u8>,
    told: Told,
}

/// What the other end let know.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The protocol it spoke in clear.
    pub(super) clear: Option<&'static Protocol>,
    /// The protocol it spoke inside TLS.
    pub(super) inside: Option<&'static Protocol>,
    /// What it said.
    pub(super) facts: Facts,
}

impl Conversation {
    pub(super) fn new(probe: &'static Probe, to: SocketAddr, known: Facts) -> Self {
        Self {
            probe,
            to,
            known,
            from: None,
            waiting: VecDeque::new(),
            revealed: Vec::new(),
            last: Vec::new(),
            over: false,
            ended: false,
            blocked: false,
            turn: 0,
            before: 0,
            total: 0,
            heard: Vec::new(),
            said: Vec::new(),
            outside: (Vec::new(), Vec::new()),
            layer: None,
            shown: Vec::new(),
            told: Told::default(),
        }
    }

    /// The way is open.
    pub(super) fn open(&mut self, from: SocketAddr, context: &Context<'_>, clients: &Clients) {
        self.from = Some(from);
        if self.probe.inside_tls {
            self.begin_tls(clients);
        } else {
            self.go_on(context, clients, false);
        }
    }

    /// The other end said something.
    pub(super) fn hear(
        &mut self,
        bytes: &[u8],
        context: &Context<'_>,
        clients: &Clients,
        dissector: &Dissector,
    ) {
        let room = MOST_BYTES.saturating_sub(self.total);
        let bytes = bytes.get(..room).unwrap_or(bytes);
        self.total += bytes.len();
        if self.probe.transport == Transport::Udp {
            bytes.clone_into(&mut self.heard);
            self.read_datagram(bytes, dissector);
        } else if self.layer.is_some() {
            return self.hear_ciphertext(bytes, context, clients);
        } else {
            self.heard.extend_from_slice(bytes);
        }
        self.go_on(context, clients, self.total >= MOST_BYTES);
    }

    fn hear_ciphertext(&mut self, bytes: &[u8], context: &Context<'_>, clients: &Clients) {
        self.outside.1.extend_from_slice(bytes);
        let Some(layer) = &mut self.layer else { return };
        let heard = layer.heard(bytes);
        let shown = if heard.begins { layer.hidden_certificate() } else { None };
        if let Some(shown) = shown {
            self.revealed.push((Speaker::They, shown.clone()));
            self.shown = shown;
        }
        if !heard.out.is_empty() {
            self.waiting.push_back(heard.out);
        }
        if !heard.clear.is_empty() {
            self.heard.extend_from_slice(&heard.clear);
            self.revealed.push((Speaker::They, heard.clear));
        }
        self.ended |= heard.ended;
        let speaks = self.layer.as_ref().is_some_and(|layer| layer.has_begun());
        if speaks {
            self.go_on(context, clients, self.total >= MOST_BYTES);
        } else if self.ended || self.total >= MOST_BYTES {
            self.over = true;
        }
    }

    /// The other end ended the stream.
    pub(super) fn end(&mut self, context: &Context<'_>, clients: &Clients) {
        self.ended = true;
        if self.layer.as_ref().is_some_and(|layer| !layer.has_begun()) {
            self.over = true;
        } else {
            self.go_on(context, clients, false);
            self.over = true;
        }
    }

    /// Nothing came for as long as the engine is patient.
    pub(super) fn wait(&mut self, context: &Context<'_>, clients: &Clients) {
        if self.layer.as_ref().is_some_and(|layer| !layer.has_begun()) {
            self.over = true;
        } else {
            self.go_on(context, clients, true);
        }
    }

    /// Whether the other end said something.
    pub(super) fn is_answered(&self) -> bool {
        self.total > 0
    }

    /// Lets the dialogue take its next step.
    pub(super) fn go_on(&mut self, context: &Context<'_>, clients: &Clients, waited: bool) {
        // What is to be said first is not said yet.
        if self.over {
            return;
        }
        self.blocked = !self.waiting.is_empty() && self.layer.is_none();
        if self.blocked {
            return;
        }
        let Some(from) = self.from else { return };
        let ask = Ask {
            to: self.to,
            from,
            seed: context.seed,
            known: &self.known,
            communities: context.communities,
        };
        let before = if self.probe.transport == Transport::Udp { 0 } else { self.before };
        // What follows in clear behind it is ciphertext, which nobody reads as an answer.
        let before_tls = match self.layer {
            Some(_) if !self.probe.inside_tls => self.outside.1.as_slice(),
            _ => &[],
        };
        let heard = Heard {
            turn: self.turn,
            before_tls,
            bytes: &self.heard,
            before,
            ended: self.ended,
            waited,
        };
        match (self.probe.next)(&ask, &heard) {
            Step::Wait if waited || self.ended => self.finish(),
            Step::Wait => {}
            Step::Say(bytes) if !bytes.is_empty() && self.turn < MOST_TURNS && !self.ended => {
                self.say(&bytes);
            }
            Step::Last(bytes) if !bytes.is_empty() && !self.ended => {
                self.say(&bytes);
                self.finish();
            }
            Step::StartTls if self.layer.is_none() && self.probe.transport == Transport::Tcp => {
                self.turn += 1;
                self.begin_tls(clients);
            }
            _ => self.finish(),
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.turn += 1;
        self.before = self.heard.len();
        if self.probe.transport == Transport::Udp {
            self.heard.clear();
            bytes.clone_into(&mut self.said);
        } else {
            self.said.extend_from_slice(bytes);
        }
        match &mut self.layer {
            Some(layer) => {
                self.revealed.push((Speaker::We, bytes.to_owned()));
                let out = layer.say(bytes);
                self.waiting.push_back(out);
            }
            None => self.waiting.push_back(bytes.to_owned()),
        }
    }

    fn finish(&mut self) {
        if let Some(layer) = self.layer.as_mut().filter(|_| !self.ended) {
            let out = layer.close();
            if !out.is_empty() {
                self.waiting.push_back(out);
            }
        }
        self.over = true;
    }

    fn begin_tls(&mut self, clients: &Clients) {
        let web = self.probe.inside_tls;
        let name = self.known.get("tls.sni");
        let Some(mut layer) = clients.begin(web, self.to.ip(), name) else {
            self.over = true;
            return;
        };
        self.waiting.push_back(layer.out());
        self.outside.0 = std::mem::take(&mut self.said);
        self.outside.1 = std::mem::take(&mut self.heard);
        self.before = 0;
        self.layer = Some(Box::new(layer));
    }

    fn read_datagram(&mut self, bytes: &[u8], dissector: &Dissector) {
        let from = self.from.map_or(0, |from| from.port());
        let said = Said {
            answering: &self.said,
            begun_by: Some(End::Listener),
            ..Said::datagram(self.to.port(), from, bytes)
        };
        if let Verdict::Understood(protocol, finding) =
            dissector.datagram(&said, Some(self.probe.protocol))
        {
            self.told.clear = self.told.clear.or(Some(protocol));
            add(&mut self.told.facts, &finding.facts);
        }
    }

    /// Whether what is said is said inside TLS.
    pub(super) fn is_inside(&self) -> bool {
        self.layer.as_ref().is_some_and(|layer| layer.has_begun())
    }

    /// The clear text that the other end said: of the innermost layer.
    pub(super) fn text(&self) -> &[u8] {
        &self.heard
    }

    /// What the other end let know, now that it is over.
    pub(super) fn told(mut self, dissector: &Dissector) -> Told {
        if self.probe.transport == Transport::Udp {
            return self.told;
        }
        let ports = (self.to.port(), self.from.map_or(0, |from| from.port()));
        let known = Some(self.probe.protocol).filter(|_| self.turn > 0);
        if self.layer.is_some() {
            let (said, heard) = &self.outside;
            let known = known.filter(|_| !self.probe.inside_tls);
            self.told.clear = read(dissector, ports, heard, said, known, &mut self.told.facts);
            read(dissector, ports, &self.shown, said, None, &mut self.told.facts);
            self.told.inside = read(
                dissector,
                ports,
                &self.heard,
                &self.said,
                known_inside(self.probe, self.turn),
                &mut self.told.facts,
            );
        } else {
            self.told.clear =
                read(dissector, ports, &self.heard, &self.said, known, &mut self.told.facts);
        }
        self.told
    }
}

fn known_inside(probe: &'static Probe, turn: u32) -> Option<&'static Protocol> {
    Some(probe.protocol).filter(|_| turn > 0)
}

/// Reads a stream that is over, message after message. The protocol is the first message's.
fn read(
    dissector: &Dissector,
    (from, to): (u16, u16),
    mut heard: &[u8],
    said: &[u8],
    mut known: Option<&'static Protocol>,
    facts: &mut Facts,
) -> Option<&'static Protocol> {
    let mut first = None;
    for _ in 0..MOST_MESSAGES {
        if heard.is_empty() {
            break;
        }
        let said = Said {
            answering: said,
            open: false,
            begun_by: Some(End::Listener),
            ..Said::stream(from, to, heard)
        };
        let Verdict::Understood(protocol, finding) = dissector.stream(&said, known) else { break };
        add(facts, &finding.facts);
        let sure = finding.confidence > Confidence::Weak || known.is_some();
        first = first.or(Some(protocol).filter(|_| sure));
        let (next, same) = match finding.rest {
            Rest::Same(length @ 1..) => (length, true),
            Rest::Other(length @ 1..) => (length, false),
            _ => break,
        };
        heard = heard.get(next..).unwrap_or_default();
        known = Some(protocol).filter(|_| same);
    }
    first
}

/// Adds facts to facts.
pub(super) fn add(all: &mut Facts, more: &Facts) {
    for (field, value) in more.iter() {
        if !all.all(field).any(|known| known == value) {
            all.add(field, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fingerprint::{Matcher, Signatures},
        observe,
        probe::{Intrusion, tls},
    };

    /// Asks in clear, goes into TLS, and asks there.
    static UPGRADES: Probe = Probe {
        name: "upgrades",
        asks: "",
        protocol: &observe::rdp::PROTOCOL,
        transport: Transport::Tcp,
        ports: &[],
        intrusion: Intrusion::Dialogue,
        source: "",
        inside_tls: false,
        anywhere: false,
        next: |_, heard| match heard {
            Heard { turn: 0, .. } => Step::Say(b"may I".to_vec()),
            Heard { bytes: b"yes", .. } => Step::StartTls,
            Heard { bytes: [], turn: 1, .. } => Step::Wait,
            _ => Step::Done,
        },
    };

    fn with(test: impl FnOnce(&Context<'_>, &Clients, &Dissector)) {
        let signatures = Signatures::default();
        let context = Context {
            seed: 1,
            communities: &[],
            matcher: &Matcher::new(&signatures),
            requested: &[],
            names: &std::collections::BTreeMap::new(),
            wanted: &[],
            past: &(),
            first_call: 0,
        };
        test(&context, &Clients::new(), &Dissector::new());
    }

    fn begin(probe: &'static Probe) -> Conversation {
        Conversation::new(probe, "192.0.2.1:3389".parse().unwrap(), Facts::default())
    }

    #[test]
    fn a_dialogue_goes_into_tls_where_it_says_so() {
        with(|context, clients, dissector| {
            let mut conversation = begin(&UPGRADES);
            conversation.open("192.0.2.9:50000".parse().unwrap(), context, clients);
            assert_eq!(conversation.waiting.pop_front().as_deref(), Some(&b"may I"[..]));
            conversation.hear(b"yes", context, clients, dissector);
            let hello = conversation.waiting.pop_front().unwrap();
            assert_eq!((hello[0], hello[5]), (22, 1), "a client's hello");
            assert!(conversation.text().is_empty() && !conversation.is_inside());
            conversation.hear(b"no TLS at all", context, clients, dissector);
            assert!(conversation.over, "what is no TLS ends it");
        });
    }

    #[test]
    fn what_is_said_while_something_waits_is_thought_about_later() {
        with(|context, clients, dissector| {
            let mut conversation = begin(&UPGRADES);
            conversation.open("192.0.2.9:50000".parse().unwrap(), context, clients);
            conversation.hear(b"yes", context, clients, dissector);
            assert!(conversation.blocked && conversation.waiting.len() == 1);
        });
    }

    #[test]
    fn nobody_makes_it_hold_more_than_its_bound() {
        with(|context, clients, dissector| {
            let mut conversation = begin(&tls::PROBE);
            conversation.open("192.0.2.9:50000".parse().unwrap(), context, clients);
            conversation.waiting.clear();
            let record = [&[22, 3, 3, 0x40, 0, 2, 0, 0x3f, 0xfc, 3, 3][..], &[0; 16_378]].concat();
            for _ in 0..1000 {
                conversation.hear(&record, context, clients, dissector);
            }
            assert!(conversation.text().len() <= MOST_BYTES && conversation.over);
        });
    }
}
