//! What was sent to whom, for the report.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use crate::time::Timestamp;

/// Addresses that are told one by one; those beyond are told as a sum.
const MOST_ADDRESSES: usize = 1 << 16;

/// What was sent in a run.
#[derive(Debug, Default)]
pub struct Ledger {
    addresses: HashMap<IpAddr, Entry>,
    /// What was sent to addresses beyond [`MOST_ADDRESSES`].
    beyond: Entry,
    total: Entry,
}

/// What was sent to one address, or to several.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// Packets, with those that our system sends of itself to hold a conversation.
    pub packets: u64,
    /// Bytes of frames, and of what was said in conversations.
    pub bytes: u64,
    /// Conversations that were begun.
    pub conversations: u64,
    /// Packets by the name of the probe that they were for.
    pub probes: BTreeMap<&'static str, u64>,
    /// The moment of the first.
    pub first: Option<Timestamp>,
    /// The moment of the last.
    pub last: Option<Timestamp>,
}

/// Something that was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) probe: &'static str,
    pub(super) packets: u32,
    pub(super) bytes: usize,
    pub(super) begins: bool,
}

impl Entry {
    fn add(&mut self, sent: Sent, at: Timestamp) {
        self.packets += u64::from(sent.packets);
        self.bytes += sent.bytes as u64;
        self.conversations += u64::from(sent.begins);
        *self.probes.entry(sent.probe).or_default() += u64::from(sent.packets);
        self.first = self.first.or(Some(at));
        self.last = Some(at);
    }
}

impl Ledger {
    /// Writes down what was sent to `to`.
    pub(super) fn write(&mut self, to: IpAddr, sent: Sent, at: Timestamp) {
        self.total.add(sent, at);
        let is_known = self.addresses.contains_key(&to);
        if is_known || self.addresses.len() < MOST_ADDRESSES {
            self.addresses.entry(to).or_default().add(sent, at);
        } else {
            self.beyond.add(sent, at);
        }
    }

    /// What was sent to each address, in the order of addresses.
    pub fn entries(&self) -> Vec<(IpAddr, &Entry)> {
        let mut entries: Vec<_> =
            self.addresses.iter().map(|(address, entry)| (*address, entry)).collect();
        entries.sort_unstable_by_key(|(address, _)| *address);
        entries
    }

    /// What was sent to addresses that are too many to be told one by one; none when there are none.
    pub fn beyond(&self) -> Option<&Entry> {
        (self.beyond.packets > 0 || self.beyond.conversations > 0).then_some(&self.beyond)
    }

    /// What was sent in all.
    pub fn total(&self) -> &Entry {
        &self.total
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn addresses_beyond_the_limit_are_told_as_a_sum() {
        let mut ledger = Ledger::default();
        let sent = Sent { probe: "arp", packets: 1, bytes: 42, begins: false };
        let most = u32::try_from(MOST_ADDRESSES).unwrap();
        for number in (0..most + 10).rev() {
            ledger.write(Ipv4Addr::from(number).into(), sent, Timestamp::new(number.into(), 0));
        }
        assert_eq!(ledger.entries().len(), MOST_ADDRESSES);
        assert!(ledger.entries().is_sorted_by_key(|(address, _)| *address));
        assert_eq!(ledger.beyond().map(|entry| entry.packets), Some(10));
        assert_eq!(ledger.total().bytes, 42 * u64::from(most + 10));
    }

    #[test]
    fn an_entry_tells_probes_and_moments() {
        let mut ledger = Ledger::default();
        let to = IpAddr::from([192, 0, 2, 1]);
        for (probe, packets, second) in [("ssh", 2, 5), ("ssh", 1, 6), ("nat_pmp", 1, 9)] {
            let sent = Sent { probe, packets, bytes: 10, begins: packets == 2 };
            ledger.write(to, sent, Timestamp::new(second, 0));
        }
        let entry = ledger.entries()[0].1;
        assert_eq!((entry.packets, entry.bytes, entry.conversations), (4, 30, 1));
        assert_eq!(entry.probes, BTreeMap::from([("nat_pmp", 1), ("ssh", 3)]));
        assert_eq!(entry.first, Some(Timestamp::new(5, 0)));
        assert_eq!(entry.last, Some(Timestamp::new(9, 0)));
        assert_eq!(ledger.beyond(), None);
    }
}
