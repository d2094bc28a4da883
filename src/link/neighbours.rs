//! Which hardware address belongs to which address on the links, as ARP and neighbour discovery told.
//!
//! Only what decides about sending is kept, and when there is too much of it, what is not known counts as fragile.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use super::Interface;
use crate::{
    scope::{Consent, inside::is_nowhere},
    wire::{
        arp::Arp,
        ethernet::{self, Frame, Kind},
        icmpv6, ipv6,
        ndp::{Extra, Message, Ndp},
    },
};

/// Addresses, and hardware addresses, that are remembered of each kind.
const MOST: usize = 1 << 16;

/// What is known of the machines on the links.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// Hardware addresses by the address in scope that they have.
    owners: HashMap<[u8; 6], IpAddr>,
    /// Addresses in scope whose hardware address is of a fragile maker.
    fragile: HashMap<IpAddr, [u8; 6]>,
    /// Addresses in scope whose hardware address is of another maker.
    sound: HashSet<IpAddr>,
    /// Hardware addresses that have an excluded address.
    excluded: HashSet<[u8; 6]>,
    /// There was something that decides about sending and could not be remembered.
    overflowed: bool,
}

/// Whether an address counts on its link alone.
pub(super) fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

impl Neighbours {
    /// Remembers what a frame that was heard tells; `whole` where a prefix of its link is in the scope as a whole.
    pub(super) fn hear(&mut self, bytes: &[u8], consent: &Consent, whole: bool) {
        let Ok(frame) = Frame::parse(bytes) else { return };
        match frame.kind {
            Kind::Type(ethernet::ARP) => {
                if let Ok(arp) = Arp::parse(frame.payload) {
                    self.learn(arp.sender.into(), arp.sender_mac, consent, whole);
                    // A stand-in answers for somebody else: either may be fragile.
                    self.learn(arp.sender.into(), frame.source, consent, whole);
                }
            }
            Kind::Type(ethernet::IPV6) => {
                let Ok(packet) = ipv6::Packet::parse(frame.payload) else { return };
                if packet.protocol != icmpv6::NUMBER || packet.hop_limit != 255 {
                    return;
                }
                let Ok(ndp) = Ndp::parse(packet.payload) else { return };
                let about = match ndp.message {
                    Message::NeighborAdvertisement { target, .. } => target,
                    _ => packet.source,
                };
                self.learn(about.into(), frame.source, consent, whole);
                for extra in ndp.extras() {
                    if let Extra::SourceMac(mac) | Extra::TargetMac(mac) = extra {
                        self.learn(about.into(), mac, consent, whole);
                    }
                }
            }
            _ => {}
        }
    }

    /// Remembers that `address` has this hardware address. Link-local ones are in the scope where their link is
    /// `whole`.
    pub(super) fn learn(&mut self, address: IpAddr, mac: [u8; 6], consent: &Consent, whole: bool) {
        if consent.exclude.contains(address) {
            if self.excluded.len() < MOST {
                self.excluded.insert(mac);
            } else {
                self.overflowed |= !self.excluded.contains(&mac);
            }
            return;
        }
        let may_be = consent.include.contains(address) || whole && is_link_local(address);
        if !may_be {
            return;
        }
        if self.owners.len() < MOST || self.owners.contains_key(&mac) {
            let owner = self.owners.entry(mac).or_insert(address);
            // An address that the scope names says more.
            if is_link_local(*owner) {
                *owner = address;
            }
        }
        if consent.fragile_makers.iter().any(|maker| maker.made(mac)) {
            self.sound.remove(&address);
            if self.fragile.len() < MOST {
                self.fragile.insert(address, mac);
            } else {
                self.overflowed |= !self.fragile.contains_key(&address);
            }
        } else if self.sound.len() < MOST && !self.fragile.contains_key(&address) {
            self.sound.insert(address);
        }
    }

    /// The hardware address of `address`, where its maker is fragile.
    pub(super) fn fragile(&self, address: IpAddr) -> Option<[u8; 6]> {
        self.fragile.get(&address).copied()
    }

    /// Whether nothing is known that speaks for asking `address`, because there was too much to remember.
    pub(super) fn is_doubtful(&self, address: IpAddr) -> bool {
        self.overflowed && !self.sound.contains(&address)
    }

    /// An address in scope of the machine with this hardware address.
    pub(super) fn owner(&self, mac: [u8; 6]) -> Option<IpAddr> {
        self.owners.get(&mac).copied()
    }

    /// Whether the machine with this hardware address is excluded.
    pub(super) fn is_excluded(&self, mac: [u8; 6]) -> bool {
        self.excluded.contains(&mac)
    }

    /// Whether somebody on the link of `interface` must not be asked, so that everybody cannot be. Where somebody is who
    /// shows no network is not known: it may be there.
    pub(super) fn has_untouchable(&self, interface: &Interface) -> bool {
        let may_be_there = |address: &IpAddr| {
            is_nowhere(*address)
                || interface.addresses.iter().any(|network| network.contains(*address))
        };
        self.overflowed || !self.excluded.is_empty() || self.fragile.keys().any(may_be_there)
    }
}
