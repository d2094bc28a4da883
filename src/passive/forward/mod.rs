//! Who forwards: questions that die near, and what comes back (MECHANISMS, M1 to M8 and M13).
//!
//! A question goes to a neighbour's hardware address though its destination is another's, or may be. An answer is
//! known by the question that it quotes, or turns round, never by who sends it: it may come from behind the
//! neighbour, or from beside it. In a recording the questions are ours; in other captures they are somebody's
//! traceroute, and whatever a router sends back an error about.

mod packet;
mod recent;

use std::{net::IpAddr, time::Duration};

use hashbrown::HashMap;

use self::{
    packet::{Answer, Key, Mark, Packet, Question, Says},
    recent::Recent,
};
use super::{
    capture::Role,
    flow::{self, Flows},
    seen::Seen,
};
use crate::{
    observe::{Confidence, Endpoint, Facts, Mac, Observation, Side, Transport},
    time::Timestamp,
};

pub(super) use self::packet::{NEAR, quoted};

/// How many questions a shard remembers; the oldest gives way.
const MOST_QUESTIONS: usize = 1 << 13;

/// How many answers wait in a shard for their question, which another interface may have noted a little later.
const MOST_WAITING: usize = 1 << 10;

/// How far apart a question and its answer may lie.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many hardware addresses a shard notes whose forwarding shows in errors about what passes them anyway.
const MOST_PASSED: usize = 1 << 10;

/// How many such errors are told of one hardware address; more of them show nothing new.
const MOST_PASSING: usize = 64;

/// The probe whose questions have a source address that was borrowed.
pub(super) const BORROWED: &str = "borrowed";

/// The questions of one shard that may show who forwards.
#[derive(Debug)]
pub(super) struct Forwarding {
    questions: Recent<Question>,
    waiting: Recent<Answer>,
    /// By hardware address, who sent errors about packets that went to it, and about which destinations.
    passed: HashMap<Mac, Vec<(IpAddr, IpAddr)>, foldhash::fast::RandomState>,
    /// How many questions gave way while they might have been answered.
    pub lost: u64,
}

impl Default for Forwarding {
    fn default() -> Self {
        let (questions, waiting) = (Recent::new(MOST_QUESTIONS), Recent::new(MOST_WAITING));
        Self { questions, waiting, passed: HashMap::default(), lost: 0 }
    }
}

impl Forwarding {
    /// Takes in a packet of IP as it came out of its frame, and tells what it shows together with what came before.
    /// `flows` are the conversations up to it.
    pub(super) fn packet(&mut self, seen: &Seen, bytes: &[u8], flows: &Flows) -> Vec<Observation> {
        if seen.depth > 0 || !packet::concerns(bytes) {
            return Vec::new();
        }
        let Some(packet) = Packet::parse(bytes) else { return Vec::new() };
        let mut found = Vec::new();
        if let Some((key, question)) = packet.question(seen) {
            self.note(key, question);
            let waiting = self.waiting.of(&key).iter();
            found.extend(waiting.flat_map(|answer| told(&key, self.questions.of(&key), answer)));
        }
        if let Some((key, answer)) = packet.answer(seen) {
            let known = self.questions.of(&key).iter().any(|question| question.awaits(&answer));
            found.extend(told(&key, self.questions.of(&key), &answer));
            if !known {
                found.extend(self.in_passing(&key, &answer, flows));
                self.waiting.add(key, answer);
            }
        }
        found
    }

    /// Remembers a question, or that it was asked again.
    fn note(&mut self, key: Key, question: Question) {
        if let Some(known) = self.questions.last(&key)
            && (Question { first: question.first, last: question.last, ..known.clone() })
                == question
        {
            known.last = question.last;
            return;
        }
        let now = question.last;
        let gave_way = self.questions.add(key, question);
        self.lost += u64::from(gave_way.is_some_and(|question| apart(question.last, now)));
    }

    /// What an error shows about a packet that no question was: its conversation is known, and so is to whom it went.
    fn in_passing(&mut self, key: &Key, answer: &Answer, flows: &Flows) -> Option<Observation> {
        let quote = answer.quoted.filter(|quote| quote.time_to_live > NEAR)?;
        // What a host says of itself is not about forwarding.
        if !answer.says.is_about_the_way() || answer.by == key.destination {
            return None;
        }
        let (protocol, from, to) = match key.mark {
            Mark::Ports(protocol, from, to) => (protocol, from, to),
            Mark::Echo(_) if key.source.is_ipv4() => (1, 0, 0),
            Mark::Echo(_) => (58, 0, 0),
        };
        let ends = ((key.source, from), (key.destination, to));
        let (conversation, direction) = flow::Key::new(ends.0, ends.1, protocol);
        let way = flows.way(&conversation, direction)?;
        let last = way.seen.filter(|seen| seen.role != Role::Replied && seen.depth == 0)?;
        // Echoes of one conversation differ in their sequence only.
        if let Mark::Echo(mark) = key.mark
            && way.last.get(4..8) != Some(mark.as_slice())
        {
            return None;
        }
        let mac = last.destination.filter(|mac| !mac.is_group() && !mac.is_zero())?;
        let question = Question {
            mac,
            first: last.at,
            last: last.at,
            time_to_live: way.time_to_live,
            length: quote.length,
            whole: quote.whole,
            identification: quote.identification,
            ours: last.role == Role::Asked,
            borrowed: last.borrowed,
            exchange: None,
        };
        let counts = question.time_to_live > NEAR && question.awaits(answer);
        (counts && self.is_news(mac, answer.by, key.destination))
            .then(|| observation(key, &question, answer))
    }

    /// Whether that `by` sent an error about `destination` is still to be told of this hardware address, or was told.
    fn is_news(&mut self, mac: Mac, by: IpAddr, destination: IpAddr) -> bool {
        if self.passed.len() >= MOST_PASSED && !self.passed.contains_key(&mac) {
            return false;
        }
        let told = self.passed.entry(mac).or_default();
        let known = told.contains(&(by, destination));
        if !known && told.len() < MOST_PASSING {
            told.push((by, destination));
            return true;
        }
        known
    }
}

impl Question {
    /// Whether `answer` may be about this: it came near it in time, and about the same exchange.
    fn awaits(&self, answer: &Answer) -> bool {
        let early = self.first.since(answer.at);
        let late = answer.at.since(self.last);
        let patience = i64::try_from(PATIENCE.as_nanos()).unwrap_or(i64::MAX);
        let exchange = answer.mapped.as_ref().map(|(exchange, _)| *exchange);
        early <= patience && late <= patience && (exchange.is_none() || exchange == self.exchange)
    }

    /// How much of what an error quotes besides the key is this question's.
    fn likeness(&self, answer: &Answer) -> u8 {
        let Some(quote) = answer.quoted else { return 0 };
        let same = quote.identification != 0 && quote.identification == self.identification;
        2 * u8::from(same) + u8::from(quote.length == self.length)
    }
}

/// Whether less lies between two moments than a question waits for its answer.
fn apart(one: Timestamp, other: Timestamp) -> bool {
    let nanoseconds = one.since(other).unsigned_abs();
    u128::from(nanoseconds) <= PATIENCE.as_nanos()
}

/// What an answer shows about the questions under its key. A packet that a capture shows before and behind a router
/// is one question to each; where it cannot be told which of several questions was answered, none was.
fn told(key: &Key, questions: &[Question], answer: &Answer) -> Vec<Observation> {
    let awaiting = questions.iter().filter(|question| question.awaits(answer));
    let best = awaiting.clone().map(|question| question.likeness(answer)).max();
    let alike: Vec<&Question> =
        awaiting.filter(|question| Some(question.likeness(answer)) == best).collect();
    let sent = |question: &Question| (question.time_to_live, question.length);
    let is_clear = |question: &&&Question| {
        alike.iter().all(|other| (other.mac == question.mac) == (sent(other) == sent(question)))
    };
    let clear: Vec<&Question> = alike.iter().filter(is_clear).copied().collect();
    clear.into_iter().map(|question| observation(key, question, answer)).collect()
}

/// That `question` got `answer`.
fn observation(key: &Key, question: &Question, answer: &Answer) -> Observation {
    let mut facts = Facts::default()
        .with("forward.destination", key.destination)
        .with("forward.source", key.source)
        .with("forward.time_to_live", question.time_to_live)
        .with("forward.answer", answer.says.name())
        .with("forward.by", answer.by);
    if let Some(mac) = answer.mac {
        facts.add("forward.by_mac", mac);
    }
    facts.add("forward.answer_time_to_live", answer.time_to_live);
    if question.whole {
        facts.add("forward.size", question.length);
    }
    match answer.says {
        Says::TooBig(Some(mtu)) => facts.add("forward.mtu", mtu),
        Says::Redirect(gateway) => facts.add("forward.gateway", gateway),
        _ => {}
    }
    for address in &answer.route {
        facts.add("forward.route", address);
    }
    if let Some((_, address)) = answer.mapped {
        facts.add("forward.mapped", address);
    }
    if question.borrowed {
        facts.add("forward.borrowed", "yes");
    }
    let (mac, transport) = (Some(question.mac), Transport::Ethernet);
    Observation {
        at: answer.at,
        packet: answer.packet,
        heard: question.heard(),
        speaker: Endpoint { ip: None, mac, port: None, transport },
        listener: None,
        protocol: "forward",
        side: Side::Peer,
        confidence: Confidence::Certain,
        facts,
    }
}

#[cfg(test)]
mod tests;
