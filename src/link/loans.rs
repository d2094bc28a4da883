//! Addresses of other networks that are tried, and borrowed for a minute (RFC 5227): nobody is to notice.
//!
//! An address is tried three times; whoever has it, or asks the same, or looks for it, ends it for the run. Then packets
//! may come from it for a while, and whoever asks for its hardware address may be told, once for each question.

use std::{collections::HashMap, net::Ipv4Addr, time::Duration};

use super::Interface;
use crate::{
    scope::Refusal,
    time::Timestamp,
    wire::{
        arp::{self, Arp},
        ethernet::{self, Frame, Kind},
        ipv4,
    },
};

/// How often an address is tried (RFC 5227, 1.1, `PROBE_NUM`).
pub const TRIES: u8 = 3;
/// How long to wait between two tries (`PROBE_MIN`).
pub const BETWEEN_TRIES: Duration = Duration::from_secs(1);
/// How long to wait behind the last one (`ANNOUNCE_WAIT`).
pub const AFTER_TRIES: Duration = Duration::from_secs(2);
/// How long an address is borrowed, from the last try on.
const LENT: Duration = Duration::from_mins(1);
/// How long a question for a borrowed address may be answered.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// How many addresses are tried in a run, at most.
const MOST: usize = 64;
/// How long to wait between two questions for addresses of other networks, on one wire.
pub const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Addresses that were tried.
#[derive(Debug, Default)]
pub(super) struct Loans {
    all: Vec<Loan>,
    /// When an address of another network was last asked for on the wire of each interface.
    looked: HashMap<usize, Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Loan {
    interface: usize,
    address: Ipv4Addr,
    tries: u8,
    /// When it was last tried.
    tried: Timestamp,
    /// Somebody has it, or wants it.
    taken: bool,
    /// A packet came from it.
    used: bool,
    /// Who asks for its hardware address: the hardware address, the address, and when.
    asked: Option<([u8; 6], Ipv4Addr, Timestamp)>,
}

impl Loans {
    /// Whether an address of another network may be asked for on the wire of an interface now.
    pub(super) fn may_look(&self, interface: usize, now: Timestamp) -> Result<(), Refusal> {
        let next = self.looked.get(&interface).map(|last| last.after(BETWEEN_LOOKS));
        next.filter(|next| *next > now).map_or(Ok(()), |next| Err(Refusal::TooSoon(next)))
    }

    /// Writes down that one was asked for.
    pub(super) fn looked(&mut self, interface: usize, now: Timestamp) {
        self.looked.insert(interface, now);
    }

    /// Whether an address may be tried now.
    pub(super) fn may_try(
        &self,
        interface: usize,
        address: Ipv4Addr,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(loan) = self.get(interface, address) else {
            let full = self.all.len() >= MOST;
            return if full { Err(refused("too many addresses were tried")) } else { Ok(()) };
        };
        let next = loan.tried.after(BETWEEN_TRIES);
        match loan {
            Loan { taken: true, .. } => Err(refused("the address is somebody's")),
            Loan { tries: TRIES.., .. } => Err(refused("the address was tried before")),
            _ if next > now => Err(Refusal::TooSoon(next)),
            _ => Ok(()),
        }
    }

    /// Writes down that an address was tried.
    pub(super) fn tried(&mut self, interface: usize, address: Ipv4Addr, now: Timestamp) {
        if let Some(loan) = self.get_mut(interface, address) {
            (loan.tries, loan.tried) = (loan.tries.saturating_add(1), now);
        } else if self.all.len() < MOST {
            let (tries, taken, used, asked) = (1, false, false, None);
            self.all.push(Loan { interface, address, tries, tried: now, taken, used, asked });
        }
    }

    /// Whether packets may come from an address now.
    pub(super) fn may_use(
        &self,
        interface: usize,
        address: Ipv4Addr,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(loan) = self.get(interface, address).filter(|loan| loan.tries >= TRIES) else {
            return Err(refused("nobody tried whether the address is free"));
        };
        let begins = loan.tried.after(AFTER_TRIES);
        if loan.taken {
            return Err(refused("the address is somebody's"));
        }
        if begins > now {
            return Err(Refusal::TooSoon(begins));
        }
        if now >= loan.tried.after(LENT) {
            return Err(refused("the address was borrowed for a minute, which is over"));
        }
        Ok(())
    }

    /// Writes down that a packet came from an address.
    pub(super) fn used(&mut self, interface: usize, address: Ipv4Addr) {
        if let Some(loan) = self.get_mut(interface, address) {
            loan.used = true;
        }
    }

    /// Whether `answer`, to this hardware address, is what somebody asked for who may be told.
    pub(super) fn may_answer(
        &self,
        interface: usize,
        answer: &Arp,
        to: [u8; 6],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.may_use(interface, answer.sender, now)?;
        let asked = self.get(interface, answer.sender).and_then(|loan| loan.asked);
        let fits = asked.is_some_and(|(mac, address, at)| {
            now < at.after(ANSWERED_WITHIN)
                && (mac, address) == (to, answer.target)
                && answer.target_mac == to
        });
        if fits { Ok(()) } else { Err(Refusal::Unreadable) }
    }

    /// Writes down that whoever asked was told.
    pub(super) fn answered(&mut self, interface: usize, address: Ipv4Addr) {
        if let Some(loan) = self.get_mut(interface, address) {
            loan.asked = None;
        }
    }

    /// Takes in what a frame tells of the addresses that came in by `interface`, which has the place `place`.
    pub(super) fn hear(
        &mut self,
        place: usize,
        interface: &Interface,
        bytes: &[u8],
        at: Timestamp,
    ) {
        if self.all.is_empty() {
            return;
        }
        let Ok(frame) = Frame::parse(bytes) else { return };
        if interface.mac.is_some_and(|mac| mac.0 == frame.source) {
            return;
        }
        match frame.kind {
            Kind::Type(ethernet::ARP) => {
                let Ok(arp) = Arp::parse(frame.payload) else { return };
                if let Some(loan) = self.get_mut(place, arp.sender) {
                    loan.taken = true;
                }
                let asks = arp.operation == arp::REQUEST;
                if let Some(loan) = self.get_mut(place, arp.target).filter(|_| asks) {
                    if arp.sender.is_unspecified() || !loan.used {
                        loan.taken = true;
                    }
                    loan.asked = Some((frame.source, arp.sender, at));
                }
            }
            Kind::Type(ethernet::IPV4) => {
                if let Ok(packet) = ipv4::Packet::parse(frame.payload)
                    && let Some(loan) = self.get_mut(place, packet.source)
                {
                    loan.taken = true;
                }
            }
            _ => {}
        }
    }

    fn get(&self, interface: usize, address: Ipv4Addr) -> Option<&Loan> {
        self.all.iter().find(|loan| (loan.interface, loan.address) == (interface, address))
    }

    fn get_mut(&mut self, interface: usize, address: Ipv4Addr) -> Option<&mut Loan> {
        self.all.iter_mut().find(|loan| (loan.interface, loan.address) == (interface, address))
    }
}

fn refused(why: &str) -> Refusal {
    Refusal::System(why.to_owned())
}
