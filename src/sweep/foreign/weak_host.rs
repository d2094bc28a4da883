//! Hosts that answer for an address of their other network card: many systems do, by ARP, on whichever wire they are
//! asked (the weak host model of RFC 1122, 3.3.4.2). Others are silent to ARP and answer an echo that is sent to their
//! hardware address; that is asked for single addresses only, of which somebody said that they are somebody's.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::Ipv4Addr,
    time::Duration,
};

use super::{INTERVAL, Mark, echo, is_answer, neighbours, strangers};
use crate::{
    link::Link,
    observe::Mac,
    scope::{Foreign, Tier},
    sweep::{
        Cookie, Way, arp,
        discover::Host,
        told::{State, Told},
        wires::{Plan, Put, Voice, Wire, detail},
    },
    time::Timestamp,
    wire::{
        arp::{Arp, REPLY},
        ethernet::{self, Frame, Kind},
    },
};

/// Its name.
pub(super) const NAME: &str = "weak_host";

/// How long to wait between two addresses on one wire.
const BETWEEN: Duration = Duration::from_millis(100);
/// Lists so short that the silent ones are asked for again.
const FEW: usize = 256;
/// How many addresses one wire is asked for.
const MOST: usize = 1 << 14;
/// How many addresses the neighbours are asked for one by one.
const MOST_SINGLE: usize = 8;
/// How long one neighbour is left alone between two such questions, at least.
const PATIENCE: Duration = Duration::from_secs(2);
/// After so many addresses the place is noted.
const NOTED: usize = 20;

/// What is asked for on one wire.
struct Search<'w> {
    wire: &'w Wire,
    own: Ipv4Addr,
    /// What is still to be asked for.
    waiting: VecDeque<Ipv4Addr>,
    /// What was asked for.
    asked: BTreeSet<Ipv4Addr>,
    answered: BTreeSet<Ipv4Addr>,
    /// How many of the list were passed.
    place: usize,
    /// When the next may be.
    next: Timestamp,
    passes: u32,
    refused: Option<&'static str>,
}

/// Asks on each wire who has the likely addresses of the prefixes that may be looked for.
pub(super) fn look<L: Link>(
    voice: &mut Voice<'_, L>,
    plan: &Plan,
    wires: &[&Wire],
    hosts: &[Host],
) -> Vec<Told> {
    let mut searches = Vec::new();
    for wire in wires {
        let Some(own) = wire.address() else { continue };
        let mut waiting = VecDeque::from(addresses(&*voice.link, plan, wire));
        let place = plan.past.place(NAME, wire).min(waiting.len());
        waiting.drain(..place);
        searches.push(Search {
            wire,
            own,
            waiting,
            asked: BTreeSet::new(),
            answered: BTreeSet::new(),
            place,
            next: voice.link.now(),
            passes: 1,
            refused: None,
        });
    }
    pass(voice, &mut searches);
    listen(voice, &mut searches, plan.patience);
    for search in &mut searches {
        let silent = search.asked.difference(&search.answered);
        if search.asked.len() <= FEW && search.refused.is_none() && plan.attempts > 1 {
            search.waiting = silent.copied().collect();
            search.passes += u32::from(!search.waiting.is_empty());
        }
    }
    pass(voice, &mut searches);
    listen(voice, &mut searches, plan.patience);
    searches.into_iter().map(|search| finish(voice, plan, search, hosts)).collect()
}

/// The addresses that are asked for on a wire: those of the networks that are named, then those that were heard of.
fn addresses(link: &impl Link, plan: &Plan, wire: &Wire) -> Vec<Ipv4Addr> {
    let named = plan.foreign.networks().iter().flat_map(|network| Foreign::likely(*network));
    let heard = strangers(link, plan, wire).into_iter().flat_map(|(network, stranger)| {
        std::iter::once(stranger.address).chain(Foreign::likely(network))
    });
    let mut seen = BTreeSet::new();
    let is_new = |address: &Ipv4Addr| {
        !wire.networks.iter().any(|own| own.contains(*address)) && seen.insert(*address)
    };
    named.chain(heard).filter(is_new).take(MOST).collect()
}

/// Asks for all that waits, on all wires side by side.
fn pass<L: Link>(voice: &mut Voice<'_, L>, searches: &mut [Search<'_>]) {
    while !voice.stopped {
        let open = searches.iter_mut().filter(|search| !search.waiting.is_empty());
        let Some(search) = open.min_by_key(|search| search.next) else { return };
        let (next, now) = (search.next, voice.link.now());
        if next > now {
            voice.hear_until(next, &mut |interface, bytes| hear(searches, interface, bytes));
            continue;
        }
        let Some(address) = search.waiting.front().copied() else { continue };
        let frame = arp::ask(search.wire.mac, search.own, address);
        match voice.put(search.wire.interface, &frame, NAME, Tier::Ask) {
            Put::Sent => {
                search.asked.insert(address);
                search.next = now.after(BETWEEN);
            }
            Put::Later(ready) => {
                search.next = ready;
                continue;
            }
            // An address by itself may be excluded, or somebody's in the scope.
            Put::Refused("excluded" | "not_included") => {}
            Put::Refused(reason) => {
                search.refused = Some(reason);
                search.waiting.clear();
                continue;
            }
            Put::Stopped => return,
        }
        search.waiting.pop_front();
        search.place += usize::from(search.passes == 1);
        if search.passes == 1 && search.place.is_multiple_of(NOTED) {
            let line = format!("wire place {NAME} {} {}", search.wire.interface, search.place);
            voice.link.note(&line);
        }
    }
}

fn listen<L: Link>(voice: &mut Voice<'_, L>, searches: &mut [Search<'_>], patience: Duration) {
    if searches.iter().any(|search| !search.asked.is_empty()) {
        let until = voice.link.now().after(patience);
        voice.hear_until(until, &mut |interface, bytes| hear(searches, interface, bytes));
    }
}

fn hear(searches: &mut [Search<'_>], interface: usize, bytes: &[u8]) {
    let Ok(frame) = Frame::parse(bytes) else { return };
    let told = Arp::parse(frame.payload).ok().filter(|arp| arp.operation == REPLY);
    let Some(told) = told.filter(|_| frame.kind == Kind::Type(ethernet::ARP)) else { return };
    for search in searches.iter_mut().filter(|search| search.wire.interface == interface) {
        if search.asked.contains(&told.sender) {
            search.answered.insert(told.sender);
        }
    }
}

/// Asks the neighbours for single addresses, and tells what came of all of it.
fn finish<L: Link>(
    voice: &mut Voice<'_, L>,
    plan: &Plan,
    search: Search<'_>,
    hosts: &[Host],
) -> Told {
    let Search { wire, asked, answered, passes, refused, .. } = &search;
    if let Some(reason) = refused.filter(|_| asked.is_empty()) {
        return wire.silent(NAME, reason);
    }
    let (questions, replies) = echoes(voice, plan, &search, hosts);
    let count = asked.len() as u64 + questions;
    if voice.stopped || refused.is_some() {
        return wire.told(NAME, State::Partial, count, refused.unwrap_or("stopped"));
    }
    voice.link.note(&format!("wire done {NAME} {}", wire.interface));
    if count == 0 {
        return wire.silent(NAME, "nobody");
    }
    let answered = answered.len() as u64 + replies;
    wire.told(NAME, State::Measured, count, detail(answered, count, *passes))
}

/// Single addresses that were told, or named by others, and that nobody answered for.
fn singles(link: &impl Link, plan: &Plan, search: &Search<'_>) -> Vec<Ipv4Addr> {
    let single = plan.foreign.networks().iter().filter(|network| network.prefix() == 32);
    let named = strangers(link, plan, search.wire).into_iter();
    let named = named.filter(|(_, stranger)| stranger.mac.is_none());
    let all = single.map(|network| network.ip()).chain(named.map(|(_, one)| one.address));
    let silent: BTreeSet<Ipv4Addr> = all.filter(|one| !search.answered.contains(one)).collect();
    silent.into_iter().take(MOST_SINGLE).collect()
}

/// Asks every neighbour by its hardware address for every single address. How many questions, and how many answers.
fn echoes<L: Link>(
    voice: &mut Voice<'_, L>,
    plan: &Plan,
    search: &Search<'_>,
    hosts: &[Host],
) -> (u64, u64) {
    let (wire, cookie) = (search.wire, Cookie::new(plan.seed));
    // Whoever acts for a virtual router has a hardware address of its own: no box is asked by two at a time.
    let mut macs = neighbours(hosts, wire);
    macs.retain(|mac| !mac.is_virtual_router());
    let mut open: Vec<(Ipv4Addr, Mac, Mark, bool)> = Vec::new();
    for address in singles(&*voice.link, plan, search) {
        for (place, mac) in macs.iter().enumerate() {
            let [a, b, ..] = cookie.mark(address.into(), 0).number.to_be_bytes();
            let sequence = u16::try_from(place + 1).unwrap_or(u16::MAX);
            open.push((address, *mac, Mark(u16::from_be_bytes([a, b]), sequence), false));
        }
    }
    let mut questions = BTreeSet::new();
    let mut last: BTreeMap<Mac, Timestamp> = BTreeMap::new();
    for _ in 0..plan.attempts {
        let before = voice.sent;
        for place in 0..open.len() {
            let Some((address, mac, mark, false)) = open.get(place).copied() else { continue };
            let way = Way { our_mac: wire.mac, our_address: search.own.into(), next_mac: mac };
            let Some(frame) = echo(&way, address, 1, mark) else { continue };
            let heard = &mut |interface: usize, bytes: &[u8]| {
                settle(&mut open, wire, interface, bytes);
            };
            if let Some(next) = last.get(&mac).map(|at| at.after(INTERVAL)) {
                voice.hear_until(next, heard);
            }
            if voice.send((wire.interface, &frame), NAME, Tier::Ask, heard).is_none() {
                questions.insert(place);
                last.insert(mac, voice.link.now());
            }
        }
        if voice.sent == before || voice.stopped {
            break;
        }
        let until = voice.link.now().after(plan.patience.max(PATIENCE));
        voice.hear_until(until, &mut |interface, bytes| settle(&mut open, wire, interface, bytes));
    }
    let answered = open.iter().filter(|(.., answered)| *answered).count();
    (questions.len() as u64, answered as u64)
}

fn settle(open: &mut [(Ipv4Addr, Mac, Mark, bool)], wire: &Wire, interface: usize, bytes: &[u8]) {
    if interface == wire.interface
        && let Some(known) = open.iter_mut().find(|(_, _, mark, _)| is_answer(bytes, *mark))
    {
        known.3 = true;
    }
}
