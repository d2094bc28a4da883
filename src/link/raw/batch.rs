//! Frames that go out together. Their memory is taken once.

/// How many frames go out at a time.
pub const BATCH: usize = 256;

/// The longest frame that a batch takes, in bytes.
const LONGEST: usize = 1518;

/// Frames in places of equal size.
#[derive(Debug)]
pub struct Batch {
    bytes: Vec<u8>,
    place: usize,
    /// How long the frame in each place is; 0 for a frame that was withdrawn.
    lengths: Vec<usize>,
}

impl Batch {
    /// An empty batch for frames of at most `longest` bytes.
    pub fn new(longest: usize) -> Self {
        // A cache line holds no two frames.
        let place = longest.clamp(64, LONGEST).next_multiple_of(64);
        Self { bytes: vec![0; place * BATCH], place, lengths: Vec::with_capacity(BATCH) }
    }

    /// Forgets the frames.
    pub fn clear(&mut self) {
        self.lengths.clear();
    }

    /// How many frames it holds, those withdrawn among them.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Adds a copy of `template`, to be changed in place; nothing when the batch is full or the frame too long.
    pub fn push(&mut self, template: &[u8]) -> Option<&mut [u8]> {
        let number = self.lengths.len();
        if number >= BATCH || template.len() > self.place {
            return None;
        }
        let start = number * self.place;
        let frame = self.bytes.get_mut(start..start + template.len())?;
        frame.copy_from_slice(template);
        self.lengths.push(template.len());
        Some(frame)
    }

    /// The frames that go out.
    pub fn frames(&self) -> impl Iterator<Item = &[u8]> {
        let places = self.bytes.chunks_exact(self.place).zip(&self.lengths);
        places.filter_map(|(place, length)| place.get(..*length)).filter(|frame| !frame.is_empty())
    }

    /// Withdraws the frames that `may_go` refuses, and tells how many these were.
    pub fn keep(&mut self, mut may_go: impl FnMut(&[u8]) -> bool) -> u64 {
        let mut withdrawn = 0;
        for (place, length) in self.bytes.chunks_exact(self.place).zip(&mut self.lengths) {
            let frame = place.get(..*length).unwrap_or_default();
            if !frame.is_empty() && !may_go(frame) {
                *length = 0;
                withdrawn += 1;
            }
        }
        withdrawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_was_withdrawn_does_not_go_out() {
        let mut batch = Batch::new(60);
        for number in 0..5 {
            batch.push(&[0; 60]).unwrap()[0] = number;
        }
        assert_eq!(batch.keep(|frame| frame[0] % 2 == 0), 2);
        assert_eq!(batch.frames().map(|frame| frame[0]).collect::<Vec<_>>(), [0, 2, 4]);
        batch.clear();
        assert_eq!(batch.frames().count(), 0);
    }

    #[test]
    fn a_batch_has_an_end() {
        let mut batch = Batch::new(60);
        assert!((0..BATCH).all(|_| batch.push(&[1; 60]).is_some()));
        assert!(batch.push(&[1; 60]).is_none());
        assert!(Batch::new(60).push(&[1; 65]).is_none());
    }
}
