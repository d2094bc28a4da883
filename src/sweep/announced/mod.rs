//! Questions that everybody on a wire hears and few answer: who ends a line here, who gives addresses, who routes IPv6,
//! who stands in for the outside. Each is asked once a wire, and once more to silence; what comes is only read.
//!
//! None goes on from there: no session is begun, no address taken, nothing announced. On a wire on which somebody must not
//! be asked, or that is not in the scope as a whole, the first two are not asked; the others are what finds hardware
//! addresses, too.

mod access_line;
mod dhcp_offer;
mod proxy_arp;
mod router_solicitation;

use std::{collections::BTreeSet, time::Duration};

use super::{
    Cookie,
    told::{State, Told},
    wires::{Plan, Put, Voice, Wire, detail},
};
use crate::{link::Link, observe::Mac, scope::Tier, time::Timestamp, wire::ethernet::Frame};

pub use dhcp_offer::PORTS as LEASES;

/// A question to a whole wire.
pub struct Question {
    /// Its name, unique, in snake case: recordings, the ledger and coverage show it.
    pub name: &'static str,
    /// What it asks and what an answer tells, in one sentence without a full stop.
    pub asks: &'static str,
    /// Where its bytes come from.
    pub source: &'static str,
    /// How long an answer takes, at most.
    patience: Duration,
    /// A word for why it is not asked on this wire; none when it is.
    skips: fn(&Wire) -> Option<&'static str>,
    /// The frames that ask it.
    ask: fn(&Wire, &Asking<'_>) -> Vec<Vec<u8>>,
    /// Whether a frame answers it.
    is_answer: fn(&Wire, &Asking<'_>, &Frame<'_>) -> bool,
}

/// What a question is asked with.
struct Asking<'a> {
    plan: &'a Plan,
    /// How long it has been asked, in seconds.
    seconds: u16,
}

/// Every question, in the order in which they are asked.
pub static ALL: [&Question; 4] = [
    &proxy_arp::QUESTION,
    &router_solicitation::QUESTION,
    &access_line::QUESTION,
    &dhcp_offer::QUESTION,
];

/// Their names.
pub(super) const NAMES: [&str; 4] = [
    proxy_arp::QUESTION.name,
    router_solicitation::QUESTION.name,
    access_line::QUESTION.name,
    dhcp_offer::QUESTION.name,
];

/// How many that answer one question on one wire are told apart.
const MOST_ANSWERS: usize = 64;

impl Asking<'_> {
    /// 32 bits by which answers to `question` on this wire are known.
    fn mark(&self, question: &str, wire: &Wire) -> u32 {
        let name = question.bytes().fold(0, |sum: u64, byte| sum.rotate_left(7) ^ u64::from(byte));
        let place = u32::try_from(wire.interface).unwrap_or(u32::MAX);
        Cookie::new(self.plan.seed ^ name).mark(std::net::Ipv4Addr::from(place).into(), 0).number
    }
}

/// How many frames ask one wire everything once.
pub(super) fn packets(plan: &Plan) -> u64 {
    let used = ALL.iter().filter(|question| plan.uses(question.name));
    let frames = |name| if name == proxy_arp::QUESTION.name { proxy_arp::MOST as u64 } else { 1 };
    used.map(|question| frames(question.name)).sum()
}

/// A question on a wire, and what came of it.
struct Item<'w> {
    wire: &'w Wire,
    question: &'static Question,
    /// How often it was asked, by this part of the run.
    times: u32,
    /// How often it may be.
    most: u32,
    began: Timestamp,
    /// The hardware addresses of those that answered.
    answers: BTreeSet<Mac>,
    refused: Option<&'static str>,
}

/// Asks every question on every wire.
pub(super) fn ask<L: Link>(voice: &mut Voice<'_, L>, plan: &Plan, wires: &[Wire]) -> Vec<Told> {
    let mut told = Vec::new();
    let mut items = Vec::new();
    for question in ALL {
        for wire in wires {
            let past = &plan.past;
            if past.is_done(question.name, wire) {
                continue;
            }
            let skips = (question.skips)(wire);
            let skips = skips.or_else(|| (!plan.uses(question.name)).then_some("not_asked_for"));
            if let Some(reason) = skips {
                told.push(wire.silent(question.name, reason));
                continue;
            }
            items.push(Item {
                wire,
                question,
                times: 0,
                // What was under way when the run was killed may be asked once more.
                most: plan.attempts.saturating_sub(past.times(question.name, wire)).max(1),
                began: voice.link.now(),
                answers: BTreeSet::new(),
                refused: None,
            });
        }
    }
    for _ in 0..plan.attempts {
        let mut patience = None;
        for place in 0..items.len() {
            if let Some(of_it) = put(voice, plan, &mut items, place) {
                patience = patience.max(Some(of_it));
            }
        }
        let Some(patience) = patience else { break };
        let until = voice.link.now().after(patience);
        voice.hear_until(until, &mut |interface, bytes| hear(plan, &mut items, interface, bytes));
    }
    for item in &items {
        let Item { wire, question, times, answers, .. } = item;
        let answered = u64::from(!answers.is_empty());
        told.push(match item.refused {
            Some(reason) => wire.silent(question.name, reason),
            None if voice.stopped => wire.told(question.name, State::Partial, 0, "stopped"),
            None => {
                voice.link.note(&format!("wire done {} {}", question.name, wire.interface));
                wire.told(question.name, State::Measured, 1, detail(answered, 1, *times))
            }
        });
    }
    told
}

/// Asks a question on its wire, unless it is settled. How long an answer may take, when it was asked.
fn put<L: Link>(
    voice: &mut Voice<'_, L>,
    plan: &Plan,
    items: &mut [Item<'_>],
    place: usize,
) -> Option<Duration> {
    let item = items.get(place)?;
    if voice.stopped
        || item.refused.is_some()
        || item.times >= item.most
        || !item.answers.is_empty()
    {
        return None;
    }
    let (wire, question) = (item.wire, item.question);
    let seconds = voice.link.now().since(item.began) / 1_000_000_000;
    let asking = Asking { plan, seconds: u16::try_from(seconds).unwrap_or(u16::MAX) };
    let frames = (question.ask)(wire, &asking);
    if frames.is_empty() {
        items.get_mut(place)?.refused = Some("no_address");
        return None;
    }
    let mut sent = false;
    for bytes in frames {
        let mut heard = |interface: usize, bytes: &[u8]| hear(plan, items, interface, bytes);
        match voice.send((wire.interface, &bytes), question.name, Tier::Ask, &mut heard) {
            None => sent = true,
            // One of several may be excluded by itself.
            Some(Put::Refused(reason)) if !sent => {
                let item = items.get_mut(place)?;
                item.refused = item.refused.or(Some(reason));
            }
            Some(_) => {}
        }
    }
    if !sent {
        return None;
    }
    voice.link.note(&format!("wire asked {} {}", question.name, wire.interface));
    let item = items.get_mut(place)?;
    item.refused = None;
    item.times += 1;
    Some(question.patience.max(plan.patience))
}

/// Takes in a frame that may be an answer.
fn hear(plan: &Plan, items: &mut [Item<'_>], interface: usize, bytes: &[u8]) {
    let Ok(frame) = Frame::parse(bytes) else { return };
    let asking = Asking { plan, seconds: 0 };
    for item in items.iter_mut().filter(|item| item.wire.interface == interface) {
        if item.answers.len() < MOST_ANSWERS
            && (item.question.is_answer)(item.wire, &asking, &frame)
        {
            item.answers.insert(Mac(frame.source));
        }
    }
}
