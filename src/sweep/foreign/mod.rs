//! What is on our wires in prefixes that are not the hospital's, where its facility file lets them be looked for:
//! hosts that have such an address, and gateways that hide in one.

mod borrowed;
mod weak_host;

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use ipnetwork::Ipv4Network;

use super::{
    Way,
    discover::Host,
    told::Told,
    wires::{Plan, Voice, Wire},
};
use crate::{
    link::{Link, Stranger},
    observe::Mac,
    scope::Foreign,
    wire::{
        ethernet::{self, Frame, Kind},
        icmp::{self, ECHO_REPLY, Icmp},
        ipv4,
    },
};

/// What is looked for, as people are told: its name, what an answer tells, and where it comes from.
pub const LOOKS: [(&str, &str, &str); 2] = [
    (
        weak_host::NAME,
        "asks by ARP for addresses that telephones and mobile routers give out, and whoever told such an address for it: a host with a second line has one",
        "RFC 826; RFC 1122, 3.3.4.2",
    ),
    (
        borrowed::NAME,
        "sends packets for the outside to a gateway of another prefix on the same wire, from an address there that nobody has, which is tried first",
        "RFC 5227, 2.1; RFC 792",
    ),
];

/// The names of what is done here.
pub(super) const NAMES: [&str; 2] = [weak_host::NAME, borrowed::NAME];

/// How long one machine is left alone between two questions that it may answer with an error, at least: systems tell no
/// more than one a second to one address (Linux, `icmp_ratelimit`).
const INTERVAL: Duration = Duration::from_secs(1);

/// What an echo carries, so that whoever looks at the wire sees what it is.
const DATA: &[u8] = b"sekisho";

/// ICMP among IP protocols.
const ICMP: u8 = 1;

/// Looks for hosts and gateways in prefixes of others. `hosts` are those that answered from the hospital's own.
pub(super) fn ask<L: Link>(
    voice: &mut Voice<'_, L>,
    plan: &Plan,
    wires: &[Wire],
    hosts: &[Host],
) -> Vec<Told> {
    let off = plan.foreign.is_nothing();
    let mut told = Vec::new();
    for (name, look) in [
        (
            weak_host::NAME,
            weak_host::look::<L> as fn(&mut Voice<'_, L>, &Plan, &[&Wire], &[Host]) -> _,
        ),
        (borrowed::NAME, borrowed::borrow::<L>),
    ] {
        let (silent, asked): (Vec<&Wire>, Vec<&Wire>) =
            wires.iter().partition(|wire| off || !plan.uses(name) || wire.networks.is_empty());
        for wire in silent {
            let reason = if off || !plan.uses(name) { "not_asked_for" } else { "no_address" };
            told.push(wire.silent(name, reason));
        }
        let open: Vec<&Wire> =
            asked.into_iter().filter(|wire| !plan.past.is_done(name, wire)).collect();
        told.extend::<Vec<Told>>(look(voice, plan, &open, hosts));
    }
    told
}

/// How many addresses of the networks that are named one wire is asked for, at most.
pub(super) fn packets(plan: &Plan) -> u64 {
    let networks = plan.foreign.networks().iter().filter(|_| plan.uses(weak_host::NAME));
    networks.map(|network| Foreign::likely(*network).len() as u64).sum()
}

/// Those in networks that may be looked for on a wire, each with its network.
fn strangers(link: &impl Link, plan: &Plan, wire: &Wire) -> Vec<(Ipv4Network, Stranger)> {
    let Some(strangers) = link.strangers() else { return Vec::new() };
    let network = |address: Ipv4Addr| {
        let heard = strangers.network_of(wire.interface, address);
        let heard = heard.filter(|_| plan.foreign.counts_heard());
        let both = plan.foreign.network_of(address).into_iter().chain(heard);
        both.max_by_key(|network| network.prefix())
    };
    let with_network = |stranger: &Stranger| Some((network(stranger.address)?, *stranger));
    strangers.on(wire.interface).filter_map(with_network).collect()
}

/// What marks an echo, so that its answer is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark(u16, u16);

/// A short echo to `destination` by the way, that so many routers see.
fn echo(way: &Way, destination: Ipv4Addr, time_to_live: u8, mark: Mark) -> Option<Vec<u8>> {
    let IpAddr::V4(source) = way.our_address else { return None };
    let Mark(identifier, sequence) = mark;
    let packet = ipv4::Packet {
        source,
        destination,
        time_to_live,
        protocol: ICMP,
        // Some systems give every packet 0, which tells nothing.
        identification: sequence.max(1),
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        options: &[],
        payload: &icmp::echo(identifier, sequence, DATA),
        missing: 0,
    };
    let (kind, payload) = (Kind::Type(ethernet::IPV4), &packet.emit());
    let (destination, source) = (way.next_mac.0, way.our_mac.0);
    Some(Frame { destination, source, vlan: None, kind, payload }.emit())
}

/// Whether a frame answers the echo with this mark: by an echo, or by an error that quotes it. Who sends it does not
/// matter.
fn is_answer(bytes: &[u8], mark: Mark) -> bool {
    let marked = || {
        let frame = Frame::parse(bytes).ok()?;
        let packet = ipv4::Packet::parse(frame.payload).ok()?;
        let fits = frame.kind == Kind::Type(ethernet::IPV4) && packet.protocol == ICMP;
        let message = Icmp::parse(packet.payload).ok().filter(|_| fits)?;
        if message.kind == ECHO_REPLY {
            let [a, b, c, d] = message.argument;
            return Some(Mark(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
        }
        let (identifier, sequence) = message.quoted()?.echo?;
        Some(Mark(identifier, sequence))
    };
    marked() == Some(mark)
}

/// The hardware addresses of hosts on a wire, each once.
fn neighbours(hosts: &[Host], wire: &Wire) -> Vec<Mac> {
    let here = hosts.iter().filter(|host| host.interface == Some(wire.interface));
    let mut all: Vec<Mac> = here.filter_map(|host| host.mac).collect();
    all.sort_unstable();
    all.dedup();
    all
}
