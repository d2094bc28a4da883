//! The clock of frames: the day's time when it was made, and from there steadily on.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// A clock that no correction of the day's time sets back.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Timestamp,
    steady: Instant,
}

impl Clock {
    /// A clock that shows the day's time now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock of the link")]
    pub fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Timestamp::default().after(since), steady: Instant::now() }
    }

    /// The moment.
    pub fn now(&self) -> Timestamp {
        self.began.after(self.steady.elapsed())
    }

    /// Waits.
    pub fn rest(duration: Duration) {
        std::thread::sleep(duration);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
