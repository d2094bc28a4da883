//! Datagrams that were cut on the way, put together again (RFC 791, 3.2; RFC 8200, 4.5).

use std::{collections::VecDeque, net::IpAddr};

use super::seen::Seen;

/// How many datagrams are put together at a time. The oldest gives way.
const MOST_DATAGRAMS: usize = 128;

/// How many parts a datagram may have.
const MOST_PARTS: usize = 64;

/// How many bytes wait in all.
const MOST_BYTES: usize = 4 << 20;

/// What the parts of one datagram share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// Sender and receiver.
    pub ends: (IpAddr, IpAddr),
    /// The number that the sender gave.
    pub identification: u32,
    /// What it carries, where that tells datagrams apart: in IPv4 (RFC 791), not in IPv6.
    pub protocol: Option<u8>,
}

/// What only the first part of a datagram surely says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The packet it came in; in the end the one that makes the datagram whole, as Wireshark shows it.
    pub seen: Seen,
    /// What the datagram carries.
    pub protocol: u8,
    /// How many more routers could have forwarded it.
    pub time_to_live: u8,
}

/// A datagram's ends, what its first part says, and its payload.
pub(super) type Whole = (Key, Head, Vec<u8>);

#[derive(Debug)]
struct Datagram {
    key: Key,
    /// Of the part at its beginning; until that came, of the part that came first.
    head: Head,
    /// Offset and bytes, in order of offset, not overlapping.
    parts: Vec<(usize, Vec<u8>)>,
    /// Its length, once its last part was seen.
    length: Option<usize>,
}

/// Datagrams that wait for parts.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    waiting: VecDeque<Datagram>,
    bytes: usize,
}

impl Fragments {
    /// Takes in a part at `offset`, and gives the datagram when it is whole.
    ///
    /// A part that overlaps an earlier one adds only what is new: what came first counts.
    pub(super) fn add(
        &mut self,
        key: Key,
        head: Head,
        offset: usize,
        more: bool,
        payload: &[u8],
    ) -> Option<Whole> {
        let known = self.waiting.iter().position(|datagram| datagram.key == key);
        let at = known.unwrap_or_else(|| {
            self.make_room(payload.len());
            self.waiting.push_back(Datagram { key, head, parts: Vec::new(), length: None });
            self.waiting.len() - 1
        });
        let datagram = self.waiting.get_mut(at)?;
        if datagram.parts.len() >= MOST_PARTS || offset + payload.len() > 0xffff {
            return None;
        }
        if offset == 0 && datagram.parts.first().is_none_or(|(start, _)| *start != 0) {
            datagram.head = head;
        }
        if !more {
            datagram.length = datagram.length.or(Some(offset + payload.len()));
        }
        self.bytes += datagram.insert(offset, payload);
        if datagram.length.is_none_or(|length| datagram.reaches() < length) {
            return None;
        }
        datagram.head.seen = head.seen;
        self.waiting.remove(at).map(|datagram| self.release(datagram))
    }

    /// The datagrams that still wait, as far as they reach from their beginnings.
    pub(super) fn finish(&mut self) -> Vec<Whole> {
        self.bytes = 0;
        std::mem::take(&mut self.waiting).into_iter().map(Datagram::start).collect()
    }

    fn make_room(&mut self, length: usize) {
        while self.waiting.len() >= MOST_DATAGRAMS || self.bytes + length > MOST_BYTES {
            match self.waiting.pop_front() {
                Some(datagram) => drop(self.release(datagram)),
                None => break,
            }
        }
    }

    fn release(&mut self, datagram: Datagram) -> Whole {
        self.bytes -=
            datagram.parts.iter().map(|(_, bytes)| bytes.len()).sum::<usize>().min(self.bytes);
        datagram.start()
    }
}

impl Datagram {
    /// Adds what of `payload` is new, and says how many bytes that were.
    fn insert(&mut self, offset: usize, payload: &[u8]) -> usize {
        let mut from = offset;
        let mut rest = payload;
        let place = self.parts.partition_point(|(start, _)| *start <= offset);
        if let Some((start, bytes)) = place.checked_sub(1).and_then(|before| self.parts.get(before))
        {
            let known = (start + bytes.len()).saturating_sub(from);
            rest = rest.get(known..).unwrap_or_default();
            from += known;
        }
        if let Some((next, _)) = self.parts.get(place) {
            rest = rest.get(..next.saturating_sub(from)).unwrap_or(rest);
        }
        if !rest.is_empty() {
            self.parts.insert(place, (from, rest.to_vec()));
        }
        rest.len()
    }

    /// How far the parts reach from the beginning without a gap.
    fn reaches(&self) -> usize {
        self.parts
            .iter()
            .fold(0, |end, (start, bytes)| if *start == end { end + bytes.len() } else { end })
    }

    /// Its bytes from the beginning up to the first gap.
    fn start(self) -> Whole {
        let payload = self.parts.into_iter().fold(Vec::new(), |mut whole, (start, bytes)| {
            if start == whole.len() {
                whole.extend(bytes);
            }
            whole
        });
        (self.key, self.head, payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(identification: u32) -> Key {
        let end = IpAddr::from([192, 0, 2, 1]);
        Key { ends: (end, end), identification, protocol: Some(17) }
    }

    /// What the part that came as this packet says.
    fn head(number: u64) -> Head {
        let packet = crate::observe::PacketId { file: 0, number };
        let seen = Seen::new(crate::time::Timestamp::default(), packet);
        Head { seen, protocol: 17, time_to_live: 64 }
    }

    #[test]
    fn parts_in_any_order_make_the_datagram() {
        let mut fragments = Fragments::default();
        assert_eq!(fragments.add(key(1), head(1), 4, true, b"efgh"), None);
        assert_eq!(fragments.add(key(2), head(2), 0, true, b"other"), None);
        assert_eq!(fragments.add(key(1), head(3), 8, false, b"ij"), None);
        let whole = fragments.add(key(1), head(4), 0, true, b"abcd");
        assert_eq!(whole, Some((key(1), head(4), b"abcdefghij".to_vec())));
        assert_eq!(fragments.finish(), [(key(2), head(2), b"other".to_vec())]);
    }

    #[test]
    fn what_came_first_counts() {
        let mut fragments = Fragments::default();
        fragments.add(key(1), head(1), 0, true, b"abcdef");
        let whole = fragments.add(key(1), head(2), 2, false, b"XXXXgh");
        assert_eq!(whole, Some((key(1), head(2), b"abcdefgh".to_vec())));
    }

    #[test]
    fn a_flood_of_parts_is_bounded() {
        let mut fragments = Fragments::default();
        for n in 0..100_000 {
            fragments.add(key(n), head(1), 8, true, &[0; 1400]);
            fragments.add(key(1), head(1), (n as usize * 8) % 60_000, true, &[0; 8]);
        }
        assert!(fragments.waiting.len() <= MOST_DATAGRAMS && fragments.bytes <= MOST_BYTES + 2000);
    }
}
