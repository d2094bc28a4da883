//! What the mechanisms came to, wire by wire, as lines of coverage.

use std::collections::BTreeMap;

use ipnetwork::IpNetwork;

use super::{ALL, Heard, Mechanism, Neighbour, Plan, Settled, responder};
use crate::{
    link::Interface,
    scope::Tier,
    sweep::told::{State, Told},
};

/// What a mechanism came to on one wire.
#[derive(Default)]
struct Sum {
    neighbours: u64,
    answered: u64,
    silent: u64,
    attempts: u32,
}

/// The lines of every mechanism of this room for every wire. `heard` is whom something was asked, and what was
/// settled; `spared` whom nothing may be asked, by the reason; `stopped` whether it ended early.
pub(super) fn lines(
    plan: &Plan,
    interfaces: &[Interface],
    heard: &[(&Neighbour, &[Heard])],
    spared: &[(&Neighbour, &'static str)],
    stopped: bool,
) -> Vec<Told> {
    let mut lines = Vec::new();
    for (place, interface) in interfaces.iter().enumerate() {
        let network = network_of(interface);
        let here: Vec<&(&Neighbour, &[Heard])> =
            heard.iter().filter(|(neighbour, _)| neighbour.interface == place).collect();
        let spared: Vec<&'static str> = spared
            .iter()
            .filter(|(neighbour, _)| neighbour.interface == place)
            .map(|(_, reason)| *reason)
            .collect();
        for mechanism in ALL {
            let told = |state, count, detail: String| Told {
                mechanism: mechanism.name,
                network,
                vantage: Some(interface.name.clone()),
                state,
                count,
                detail,
            };
            if let Some(reason) = reason_not_to(mechanism, plan) {
                lines.push(told(State::NotMeasured, 0, reason.to_owned()));
                continue;
            }
            let mut sum = Sum::default();
            for (_, heard) in &here {
                // What there was no way to ask from here was not asked.
                let asked =
                    |heard: &&Heard| heard.mechanism == mechanism.name && heard.attempts > 0;
                sum.add(heard.iter().filter(asked));
            }
            let state = if stopped { State::Partial } else { State::Measured };
            match (sum.neighbours, here.is_empty(), spared.first()) {
                (0, true, Some(reason)) => {
                    lines.push(told(State::NotMeasured, 0, (*reason).to_owned()));
                }
                (0, ..) if !stopped => lines.push(told(State::NotMeasured, 0, "nobody".to_owned())),
                (count, ..) => lines.push(told(state, count, sum.detail(spared.len()))),
            }
        }
    }
    lines
}

/// Why a mechanism does not ask anybody, if so.
fn reason_not_to(mechanism: &Mechanism, plan: &Plan) -> Option<&'static str> {
    if plan.without.contains(mechanism.name) {
        return Some("not_asked_for");
    }
    if !plan.allows(mechanism.tier) {
        return Some("tier");
    }
    let lacks_responder = mechanism.name == responder::MECHANISM.name && plan.responder.is_none();
    lacks_responder.then_some("not_asked_for")
}

/// The network of a wire that stands for it: its first of IPv4, or else of IPv6.
fn network_of(interface: &Interface) -> Option<IpNetwork> {
    let addresses = &interface.addresses;
    let first = addresses.iter().find(|network| network.is_ipv4()).or_else(|| addresses.first())?;
    IpNetwork::new(first.network(), first.prefix()).ok()
}

impl Sum {
    /// Counts what one neighbour was asked.
    fn add<'a>(&mut self, heard: impl Iterator<Item = &'a Heard>) {
        let (mut asked, mut answered) = (false, false);
        for heard in heard {
            asked = true;
            answered |= heard.settled != Settled::Silent;
            self.attempts = self.attempts.max(heard.attempts);
        }
        self.neighbours += u64::from(asked);
        self.answered += u64::from(answered);
        self.silent += u64::from(asked && !answered);
    }

    fn detail(&self, spared: usize) -> String {
        let mut words = BTreeMap::new();
        words.insert("answered", self.answered);
        words.insert("silent", self.silent);
        words.insert("attempts", self.attempts.into());
        words.insert("spared", u64::try_from(spared).unwrap_or(u64::MAX));
        let shown = ["answered", "silent", "attempts", "spared"]
            .iter()
            .filter_map(|name| Some((name, words.get(name)?)))
            .filter(|(name, count)| **name != "spared" || **count > 0);
        let words: Vec<String> = shown.map(|(name, count)| format!("{name}={count}")).collect();
        words.join(" ")
    }
}

/// The lines of wires that were not looked at at all, such as without the right to frames, or behind a router.
pub fn unseen(networks: impl IntoIterator<Item = IpNetwork>, why: &'static str) -> Vec<Told> {
    let state = if why == "no_frames" { State::Partial } else { State::NotMeasured };
    let of_network = |network| {
        let line = move |mechanism: &&Mechanism| Told {
            mechanism: mechanism.name,
            network: Some(network),
            vantage: None,
            state,
            count: 0,
            detail: why.to_owned(),
        };
        ALL.iter().filter(|mechanism| mechanism.tier <= Tier::Ask).map(line)
    };
    networks.into_iter().flat_map(of_network).collect()
}
