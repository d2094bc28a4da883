//! The part of a scan that looks for those who forward: whom it asks, what it asks again once hosts told their
//! addresses, and what it says of networks that it could not look at.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use ipnetwork::{IpNetwork, Ipv4Network};

use super::survey::Survey;
use crate::{
    link::Link,
    scope::Blocks,
    sweep::{
        Found,
        forward::{self, Neighbour, Outcome, Past, Plan},
    },
};

/// How many networks that were not looked at are told one by one.
const MOST_UNSEEN: usize = 64;

/// How many addresses that hosts told are looked for behind routers.
const MOST_ELSEWHERE: usize = 16;

/// Bits that make a network of what is behind routers, whose real size nobody tells.
const FAR_BITS: u8 = 24;

/// The search for those who forward.
pub(super) struct Exits {
    neighbours: Vec<Neighbour>,
    past: Past,
    outcome: Outcome,
    /// Networks of those that answered and are on none of our wires.
    far: BTreeSet<IpNetwork>,
    /// Networks that are on our wires, where no frames may go.
    frameless: Vec<IpNetwork>,
}

impl Exits {
    /// The search among those that were `found` on our wires.
    pub(super) fn new<L: Link>(link: &L, survey: &Survey, found: &Found) -> Self {
        let blocks = &survey.targets.blocks;
        let wires = link.interfaces().iter().flat_map(|interface| &interface.addresses);
        let wires = Blocks::of_networks(wires.chain(&survey.frameless));
        let far = found.hosts.iter().map(|host| host.address);
        let far = far.filter(|far| !wires.contains(*far) && !far.is_loopback());
        Self {
            neighbours: forward::neighbours(&found.hosts, blocks),
            past: survey.forwarded.clone(),
            outcome: Outcome { stopped: found.stopped, ..Outcome::default() },
            far: far.filter_map(network).collect(),
            frameless: survey.frameless.clone(),
        }
    }

    /// Whether the user ended it early.
    pub(super) fn stopped(&self) -> bool {
        self.outcome.stopped
    }

    /// Asks all that `plan` wants to know.
    pub(super) fn look<L: Link>(&mut self, link: &mut L, plan: &Plan) {
        if self.outcome.stopped {
            return;
        }
        let before = self.outcome.sent;
        self.outcome = forward::ask(link, &self.neighbours, plan, &self.past);
        self.outcome.sent += before;
        let heard = self.outcome.heard.clone();
        self.past = Past::settled_before(&self.neighbours, heard);
    }

    /// Holds addresses that hosts told of themselves against what their neighbours' hardware addresses show.
    pub(super) fn verify<L: Link>(
        &mut self,
        link: &mut L,
        plan: &Plan,
        told: impl IntoIterator<Item = (IpAddr, IpAddr)>,
    ) {
        let mut plan = plan.clone();
        for (host, address) in told {
            // A network that somebody here is in may be behind one of the routers, too.
            if let IpAddr::V4(v4) = address
                && v4.is_private()
                && plan.elsewhere.len() < MOST_ELSEWHERE
                && !plan.elsewhere.contains(&v4)
            {
                plan.elsewhere.push(v4);
            }
            let of_host = |known: &&Neighbour| known.addresses.contains(&host);
            for neighbour in self.neighbours.iter().filter(of_host) {
                plan.candidates.entry(neighbour.mac).or_default().insert(address);
            }
        }
        self.look(link, &plan);
    }

    /// What came of it, with a line for what was not looked at.
    pub(super) fn outcome(mut self) -> Outcome {
        for (networks, why) in
            [(self.far.into_iter().collect(), "no_interface"), (self.frameless, "no_frames")]
        {
            let told: Vec<IpNetwork> = networks;
            self.outcome.lines.extend(forward::unseen(told.into_iter().take(MOST_UNSEEN), why));
        }
        self.outcome
    }
}

/// The network of an address behind a router.
fn network(address: IpAddr) -> Option<IpNetwork> {
    let IpAddr::V4(v4) = address else { return None };
    let first = Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << (32 - FAR_BITS)));
    Ipv4Network::new(first, FAR_BITS).ok().map(IpNetwork::V4)
}
