//! One direction of a TCP stream, put in order, as far as its beginning matters.

/// How much of a stream is kept for reading. A chain of large certificates fits.
pub(super) const MOST_BYTES: usize = 32 << 10;

/// How many segments beyond a gap wait for it to be filled.
const MOST_WAITING: usize = 24;

/// What has arrived in order and was not read over yet.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The sequence number of its first byte, once one was seen.
    first: Option<u32>,
    /// The sequence number that comes next.
    next: u32,
    /// What arrived in order.
    data: Vec<u8>,
    /// How many bytes to pass over before the next that matters.
    skip: usize,
    /// How many bytes behind what is kept arrived in order and found no room.
    dropped: usize,
    /// Segments beyond a gap, by sequence number.
    waiting: Vec<(u32, Vec<u8>)>,
}

impl Stream {
    /// The stream begins behind `sequence`, the number of a SYN.
    pub(super) fn begin(&mut self, sequence: u32) {
        self.start_at(sequence.wrapping_add(1));
    }

    /// Whether a SYN of this number begins another stream than this one.
    pub(super) fn is_another(&self, sequence: u32) -> bool {
        self.first.is_some_and(|first| first != sequence.wrapping_add(1))
    }

    /// Takes in a segment. True when there is something new to read.
    pub(super) fn add(&mut self, sequence: u32, payload: &[u8]) -> bool {
        self.start_at(sequence);
        let ahead = sequence.wrapping_sub(self.next);
        if ahead == 0 {
            self.append(payload);
        } else if ahead < 1 << 31 {
            self.wait(sequence, payload);
            if !self.is_broken() {
                return false;
            }
            // The gap will not be filled: the capture lost it. What stands before it is read as it is; what
            // follows is read on its own.
            if !self.data.is_empty() {
                return true;
            }
            let first = self.waiting.first().map_or(self.next, |(sequence, _)| *sequence);
            let lost = usize::try_from(first.wrapping_sub(self.next)).unwrap_or(usize::MAX);
            self.skip = self.skip.saturating_sub(lost);
            self.next = first;
        } else {
            // Sent again; only what goes beyond what is known is new.
            let known = usize::try_from(self.next.wrapping_sub(sequence)).unwrap_or(usize::MAX);
            match payload.get(known..) {
                Some([]) | None => return false,
                Some(new) => self.append(new),
            }
        }
        while let Some((sequence, _)) = self.waiting.first() {
            let behind = self.next.wrapping_sub(*sequence);
            if behind >= 1 << 31 {
                break;
            }
            let (_, payload) = self.waiting.remove(0);
            self.append(payload.get(behind as usize..).unwrap_or_default());
        }
        true
    }

    /// What arrived in order and was not consumed.
    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }

    /// Whether nothing can be added to what is held: there is no room, or what follows was lost.
    pub(super) fn is_at_end(&self) -> bool {
        self.data.len() >= MOST_BYTES || self.dropped > 0 || self.is_broken()
    }

    /// Whether segments wait for one that may still come.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() && !self.is_broken()
    }

    /// Passes over `length` bytes, some of which may not have arrived.
    pub(super) fn consume(&mut self, length: usize) {
        let here = length.min(self.data.len());
        self.data.drain(..here);
        if self.data.is_empty() {
            self.skip = (length - here).saturating_sub(self.dropped);
            self.dropped = 0;
        }
    }

    /// Gives back what it holds, and keeps where it began.
    pub(super) fn close(&mut self) {
        *self = Self { first: self.first, next: self.next, ..Self::default() };
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        self.data.capacity()
            + self.waiting.iter().map(|(_, bytes)| bytes.capacity() + 32).sum::<usize>()
    }

    /// Whether so much waits that what comes before it is lost.
    fn is_broken(&self) -> bool {
        self.waiting.len() > MOST_WAITING
    }

    fn start_at(&mut self, sequence: u32) {
        if self.first.is_none() {
            self.first = Some(sequence);
            self.next = sequence;
        }
    }

    fn append(&mut self, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.next = self.next.wrapping_add(length);
        let passed = self.skip.min(payload.len());
        self.skip -= passed;
        let rest = payload.get(passed..).unwrap_or_default();
        // Nothing is added behind a hole.
        let room = if self.dropped > 0 { 0 } else { MOST_BYTES.saturating_sub(self.data.len()) };
        let kept = rest.get(..room).unwrap_or(rest);
        self.data.extend_from_slice(kept);
        self.dropped += rest.len() - kept.len();
    }

    fn wait(&mut self, sequence: u32, payload: &[u8]) {
        let known = self.waiting.iter().any(|(known, _)| *known == sequence);
        if payload.is_empty() || known || self.is_broken() {
            return;
        }
        // Ordered by distance from here, so that the numbers may wrap.
        let ahead = |sequence: u32| sequence.wrapping_sub(self.next);
        let place = self.waiting.partition_point(|(known, _)| ahead(*known) < ahead(sequence));
        self.waiting.insert(place, (sequence, payload.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_in_any_order_make_the_stream_even_where_numbers_wrap() {
        let mut stream = Stream::default();
        stream.begin(u32::MAX - 2);
        assert!(!stream.add(2, b"efg"));
        assert!(stream.add(u32::MAX - 1, b"abcd"));
        assert_eq!(stream.data(), b"abcdefg");
    }

    #[test]
    fn what_is_sent_again_counts_once() {
        let mut stream = Stream::default();
        assert!(stream.add(10, b"abc"));
        assert!(!stream.add(10, b"XYZ"));
        assert!(stream.add(11, b"YYde"));
        assert_eq!(stream.data(), b"abcde");
    }

    #[test]
    fn a_gap_that_is_never_filled_is_given_up() {
        let mut stream = Stream::default();
        stream.add(0, b"start");
        for n in 0..=MOST_WAITING {
            assert!(!stream.is_at_end());
            stream.add(100 + u32::try_from(n).unwrap() * 4, b"more");
        }
        assert!(stream.is_at_end(), "what stands before the gap is read first");
        assert_eq!(stream.data(), b"start");
        stream.consume(5);
        assert!(stream.add(1000, b"and so on"));
        assert!(stream.data().starts_with(b"moremore") && !stream.is_at_end());
    }

    #[test]
    fn what_is_to_be_passed_over_may_be_lost() {
        let mut stream = Stream::default();
        stream.add(0, b"head");
        stream.consume(4 + 100);
        for n in 0..=MOST_WAITING {
            stream.add(104 + u32::try_from(n).unwrap() * 4, b"more");
        }
        assert!(stream.data().starts_with(b"moremore"), "{:?}", stream.data());
    }

    #[test]
    fn nobody_makes_it_hold_more_than_its_bound() {
        let mut stream = Stream::default();
        for n in 0..1000u32 {
            stream.add(n * 1400, &[7; 1400]);
            stream.add(n.wrapping_mul(7_919_000), &[7; 1400]);
        }
        assert!(stream.held() <= 4 * MOST_BYTES, "{}", stream.held());
    }

    #[test]
    fn what_found_no_room_is_no_part_of_what_follows() {
        let mut stream = Stream::default();
        assert!(stream.add(0, &vec![1; MOST_BYTES + 100]));
        stream.consume(10);
        stream.add(u32::try_from(MOST_BYTES).unwrap() + 100, b"later");
        assert_eq!(stream.data(), vec![1; MOST_BYTES - 10]);
        assert!(stream.is_at_end());
        stream.consume(MOST_BYTES - 10 + 105 + 2);
        assert!(stream.add(u32::try_from(MOST_BYTES).unwrap() + 105, b"..next"));
        assert_eq!(stream.data(), b"next");
    }

    #[test]
    fn a_syn_of_another_number_begins_another_stream() {
        let mut stream = Stream::default();
        assert!(!stream.is_another(7));
        stream.begin(7);
        stream.add(8, b"data");
        assert!(!stream.is_another(7) && stream.is_another(70));
        stream.close();
        assert!(!stream.is_another(7) && stream.is_another(70) && stream.held() == 0);
    }

    #[test]
    fn what_is_passed_over_may_arrive_later() {
        let mut stream = Stream::default();
        stream.add(0, b"head");
        stream.consume(10);
        stream.add(4, b"123456next");
        assert_eq!(stream.data(), b"next");
    }
}
