//! One direction of a TCP stream, put in order, as far as its beginning matters.

/// How much of a stream is kept for reading. A chain of large certificates fits.
pub(super) const MOST_BYTES: usize = 32 << 10;

/// How many segments beyond a gap wait for it to be filled.
const MOST_WAITING: usize = 24;

/// What has arrived in order and was not read over yet.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The sequence number that comes next, once one was seen.
    next: Option<u32>,
    /// What arrived in order.
    data: Vec<u8>,
    /// How many bytes to pass over before the next that matters.
    skip: usize,
    /// Segments beyond a gap, by sequence number.
    waiting: Vec<(u32, Vec<u8>)>,
}

impl Stream {
    /// The stream begins behind `sequence`, the number of a SYN.
    pub(super) fn begin(&mut self, sequence: u32) {
        self.next.get_or_insert(sequence.wrapping_add(1));
    }

    /// Takes in a segment. True when there is something new to read.
    pub(super) fn add(&mut self, sequence: u32, payload: &[u8]) -> bool {
        let next = *self.next.get_or_insert(sequence);
        let ahead = sequence.wrapping_sub(next);
        if ahead == 0 {
            self.append(payload);
        } else if ahead < 1 << 31 {
            self.wait(sequence, payload);
            if self.waiting.len() <= MOST_WAITING {
                return false;
            }
            // The gap will not be filled: the capture lost it. What follows is read on its own.
            self.data.clear();
            let first = self.waiting.first().map_or(next, |(sequence, _)| *sequence);
            let lost = usize::try_from(first.wrapping_sub(next)).unwrap_or(usize::MAX);
            self.skip = self.skip.saturating_sub(lost);
            self.next = Some(first);
        } else {
            // Sent again; only what goes beyond what is known is new.
            let known = usize::try_from(next.wrapping_sub(sequence)).unwrap_or(usize::MAX);
            match payload.get(known..) {
                Some([]) | None => return false,
                Some(new) => self.append(new),
            }
        }
        while let Some(next) = self.next {
            let Some((sequence, _)) = self.waiting.first() else { break };
            let behind = next.wrapping_sub(*sequence);
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

    /// Whether no more is taken in until something is consumed.
    pub(super) fn is_full(&self) -> bool {
        self.data.len() >= MOST_BYTES
    }

    /// Passes over `length` bytes, some of which may not have arrived.
    pub(super) fn consume(&mut self, length: usize) {
        let here = length.min(self.data.len());
        self.data.drain(..here);
        self.skip = length - here;
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        self.data.capacity()
            + self.waiting.iter().map(|(_, bytes)| bytes.capacity() + 32).sum::<usize>()
    }

    fn append(&mut self, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.next = self.next.map(|next| next.wrapping_add(length));
        let passed = self.skip.min(payload.len());
        self.skip -= passed;
        let rest = payload.get(passed..).unwrap_or_default();
        let room = MOST_BYTES.saturating_sub(self.data.len());
        self.data.extend_from_slice(rest.get(..room).unwrap_or(rest));
    }

    fn wait(&mut self, sequence: u32, payload: &[u8]) {
        if payload.is_empty() || self.waiting.iter().any(|(known, _)| *known == sequence) {
            return;
        }
        // Ordered by distance from here, so that the numbers may wrap.
        let next = self.next.unwrap_or_default();
        let ahead = |sequence: u32| sequence.wrapping_sub(next);
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
            stream.add(100 + u32::try_from(n).unwrap() * 4, b"more");
        }
        assert!(stream.data().starts_with(b"moremore"));
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
    fn what_is_passed_over_may_arrive_later() {
        let mut stream = Stream::default();
        stream.add(0, b"head");
        stream.consume(10);
        stream.add(4, b"123456next");
        assert_eq!(stream.data(), b"next");
    }
}
