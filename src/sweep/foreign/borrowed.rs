//! Gateways on our wires whose network is another: they are silent to whoever asks from the hospital's, for their answers
//! go out of the other side. One is asked from an address of its own network, which is tried first and given back
//! (RFC 5227): three times, and the first word of anybody who has it, or wants it, ends it.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use ipnetwork::Ipv4Network;

use super::{INTERVAL, Mark, echo, is_answer, neighbours, strangers};
use crate::{
    link::{
        Link, Stranger,
        loans::{AFTER_TRIES, BETWEEN_TRIES, TRIES},
    },
    observe::Mac,
    scope::Tier,
    sweep::{
        Cookie, Way, arp,
        discover::Host,
        told::{State, Told},
        wires::{Plan, Put, Voice, Wire, detail},
    },
    wire::{
        arp::{Arp, REPLY, REQUEST},
        ethernet::{self, Frame, Kind},
    },
};

/// Its name.
pub(super) const NAME: &str = "borrowed";

/// Networks with this prefix, or a longer one, have no address to lend.
const TIGHT: u8 = 28;
/// How many networks an address is borrowed of on one wire.
const MOST_NETWORKS: usize = 8;
/// How many gateways of one network are asked, so that it is done in the minute that an address is lent for.
const MOST_GATEWAYS: usize = 3;
/// How often a question is asked, and how long its answer is waited for.
const ATTEMPTS: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(2);
/// How far below the end of its network the address is, at least: above what most servers give, below what routers have.
const BELOW_END: u32 = 8;
/// Of so many addresses there one is chosen.
const CHOICE: u32 = 5;

/// What came of the networks of one wire.
#[derive(Default)]
struct Tally {
    asked: u64,
    answered: u64,
    /// A word for why a network was passed over.
    passed: Option<&'static str>,
}

/// Borrows an address of each network that somebody was heard in, and asks from there.
pub(super) fn borrow<L: Link>(
    voice: &mut Voice<'_, L>,
    plan: &Plan,
    wires: &[&Wire],
    hosts: &[Host],
) -> Vec<Told> {
    let mut told = Vec::new();
    for wire in wires {
        let inside = neighbours(hosts, wire);
        let mut networks: BTreeMap<Ipv4Network, Vec<Stranger>> = BTreeMap::new();
        for (network, stranger) in strangers(&*voice.link, plan, wire) {
            // Who is in the scope, too, is asked from our own address.
            if stranger.mac.is_some_and(|mac| !inside.contains(&mac)) {
                networks.entry(network).or_default().push(stranger);
            }
        }
        let mut tally = Tally::default();
        for (network, strangers) in networks.into_iter().take(MOST_NETWORKS) {
            of_network(voice, plan, wire, network, &strangers, &mut tally);
        }
        let Tally { asked, answered, passed } = tally;
        if voice.stopped {
            told.push(wire.told(NAME, State::Partial, asked, "stopped"));
            continue;
        }
        voice.link.note(&format!("wire done {NAME} {}", wire.interface));
        told.push(match (asked, passed) {
            (0, reason) => wire.silent(NAME, reason.unwrap_or("nobody")),
            _ => wire.told(NAME, State::Measured, asked, detail(answered, asked, ATTEMPTS)),
        });
    }
    told
}

/// Borrows an address of one network, and asks those that were heard there.
fn of_network<L: Link>(
    voice: &mut Voice<'_, L>,
    plan: &Plan,
    wire: &Wire,
    network: Ipv4Network,
    strangers: &[Stranger],
    tally: &mut Tally,
) {
    let Some(own) = unused(voice, plan, wire, network) else {
        tally.passed = Some("small_network");
        return;
    };
    if let Err(reason) = try_out(voice, wire, own) {
        tally.passed = Some(reason);
        return;
    }
    let Some(destination) = plan.destinations.first().copied() else { return };
    let seconds = u8::from(plan.tier >= Tier::FirstRouter) + 1;
    for (place, stranger) in strangers.iter().take(MOST_GATEWAYS).enumerate() {
        let Some(mac) = stranger.mac else { continue };
        let way = Way { our_mac: wire.mac, our_address: own.into(), next_mac: mac };
        let (mut asked, mut answered) = (false, false);
        for time_to_live in 1..=seconds {
            let mark = mark(plan, own, place, time_to_live);
            let Some(frame) = echo(&way, destination, time_to_live, mark) else { continue };
            let tier = if time_to_live > 1 { Tier::FirstRouter } else { Tier::Ask };
            if time_to_live > 1 {
                let until = voice.link.now().after(INTERVAL);
                voice.hear_until(until, &mut |_, _| {});
            }
            let outcome = question(voice, wire, &frame, tier, mark, (own, stranger));
            asked |= outcome.is_ok();
            answered |= outcome == Ok(true);
            if let Err(reason) = outcome {
                tally.passed = tally.passed.or(Some(reason));
                break;
            }
        }
        tally.asked += u64::from(asked);
        tally.answered += u64::from(answered);
    }
}

/// An address of the network that nobody was heard to have, below its end.
fn unused<L: Link>(
    voice: &Voice<'_, L>,
    plan: &Plan,
    wire: &Wire,
    network: Ipv4Network,
) -> Option<Ipv4Addr> {
    let strangers = voice.link.strangers()?;
    let size = 1_usize << (32 - network.prefix()).min(24);
    if network.prefix() >= TIGHT || strangers.crowd(wire.interface, network) * 2 >= size {
        return None;
    }
    let known = |address: Ipv4Addr| strangers.on(wire.interface).any(|one| one.address == address);
    let end = network.broadcast().to_bits();
    let from = u32::try_from(plan.seed % u64::from(CHOICE)).unwrap_or_default();
    let places = (0..CHOICE).map(|step| BELOW_END + (from + step) % CHOICE);
    places.map(|below| Ipv4Addr::from(end - below)).find(|address| !known(*address))
}

/// Tries whether nobody has the address; why it cannot be borrowed otherwise.
fn try_out<L: Link>(
    voice: &mut Voice<'_, L>,
    wire: &Wire,
    own: Ipv4Addr,
) -> Result<(), &'static str> {
    let frame = arp::ask(wire.mac, Ipv4Addr::UNSPECIFIED, own);
    let mut taken = false;
    for _ in 0..TRIES {
        let mut heard = |interface: usize, bytes: &[u8]| {
            taken |= interface == wire.interface && wants(bytes, own);
        };
        match voice.send((wire.interface, &frame), NAME, Tier::Ask, &mut heard) {
            None => {}
            Some(Put::Refused("system")) => return Err("in_use"),
            Some(Put::Refused(reason)) => return Err(reason),
            Some(_) => return Err("stopped"),
        }
        let until = voice.link.now().after(BETWEEN_TRIES);
        voice.hear_until(until, &mut heard);
        if taken {
            return Err("in_use");
        }
    }
    let until = voice.link.now().after(AFTER_TRIES);
    voice.hear_until(until, &mut |interface, bytes| {
        taken |= interface == wire.interface && wants(bytes, own);
    });
    if taken { Err("in_use") } else { Ok(()) }
}

/// Whether a frame shows that somebody has the address, or wants it.
fn wants(bytes: &[u8], address: Ipv4Addr) -> bool {
    let Some(arp) = read_arp(bytes) else { return false };
    arp.sender == address || arp.operation == REQUEST && arp.target == address
}

fn read_arp(bytes: &[u8]) -> Option<Arp> {
    let frame = Frame::parse(bytes).ok().filter(|frame| frame.kind == Kind::Type(ethernet::ARP))?;
    Arp::parse(frame.payload).ok()
}

/// Asks a question until it is answered, and tells whoever asks where the answer goes. Whether one came.
fn question<L: Link>(
    voice: &mut Voice<'_, L>,
    wire: &Wire,
    frame: &[u8],
    tier: Tier,
    mark: Mark,
    (own, stranger): (Ipv4Addr, &Stranger),
) -> Result<bool, &'static str> {
    for _ in 0..ATTEMPTS {
        match voice.send((wire.interface, frame), NAME, tier, &mut |_, _| {}) {
            None => {}
            Some(Put::Refused(reason)) => return Err(reason),
            Some(_) => return Err("stopped"),
        }
        let until = voice.link.now().after(PATIENCE);
        while let Some((interface, bytes)) = voice.next(until) {
            if interface != wire.interface {
                continue;
            }
            if is_answer(&bytes, mark) {
                return Ok(true);
            }
            if let Some(arp) = read_arp(&bytes)
                && (arp.operation, arp.target) == (REQUEST, own)
                && Some(Mac(arp.sender_mac)) == stranger.mac
            {
                let told = tell(wire, own, &arp);
                // Somebody who may not be told is not.
                let _ = voice.put(wire.interface, &told, NAME, Tier::Ask);
            }
        }
    }
    Ok(false)
}

/// The answer to whoever asks for our borrowed address, and to nobody else.
fn tell(wire: &Wire, own: Ipv4Addr, asked: &Arp) -> Vec<u8> {
    let arp = Arp {
        operation: REPLY,
        sender_mac: wire.mac.0,
        sender: own,
        target_mac: asked.sender_mac,
        target: asked.sender,
    };
    let (kind, payload) = (Kind::Type(ethernet::ARP), &arp.emit());
    Frame { destination: asked.sender_mac, source: wire.mac.0, vlan: None, kind, payload }.emit()
}

/// The mark of a question from `own` to the gateway with this place.
fn mark(plan: &Plan, own: Ipv4Addr, place: usize, time_to_live: u8) -> Mark {
    let [a, b, ..] = Cookie::new(plan.seed).mark(IpAddr::V4(own), 1).number.to_be_bytes();
    let sequence = u16::try_from(place * 16).unwrap_or_default() + u16::from(time_to_live);
    Mark(u16::from_be_bytes([a, b]), sequence)
}
