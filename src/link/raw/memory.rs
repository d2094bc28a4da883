//! A wire in memory, for tests: what goes out is kept, and what a closure answers comes in.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{Batch, Inlet, Outlet};
use crate::time::Timestamp;

/// What both ends share.
#[derive(Default)]
struct Wire {
    now: Timestamp,
    sent: Vec<Vec<u8>>,
    coming: VecDeque<Vec<u8>>,
}

type Answers = Box<dyn FnMut(&[u8]) -> Vec<Vec<u8>> + Send>;

/// The end that sends.
pub(crate) struct MemoryOutlet {
    wire: Arc<Mutex<Wire>>,
    answers: Answers,
}

/// The end that hears.
pub(crate) struct MemoryInlet(Arc<Mutex<Wire>>);

/// A wire whose other end answers each frame with what `answers` says.
pub(crate) fn wire(
    answers: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
) -> (MemoryOutlet, MemoryInlet) {
    let wire = Arc::<Mutex<Wire>>::default();
    (MemoryOutlet { wire: Arc::clone(&wire), answers: Box::new(answers) }, MemoryInlet(wire))
}

impl MemoryOutlet {
    /// Another end that sends on the same wire.
    pub(crate) fn twin(&self, answers: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        Self { wire: Arc::clone(&self.wire), answers: Box::new(answers) }
    }

    /// Looks at what was sent, whenever the outlet itself is gone.
    pub(crate) fn sent(&self) -> impl Fn() -> Vec<Vec<u8>> + use<> {
        let wire = Arc::clone(&self.wire);
        move || wire.lock().unwrap().sent.clone()
    }
}

impl Outlet for MemoryOutlet {
    fn send(&mut self, batch: &mut Batch) -> io::Result<u64> {
        let mut wire = self.wire.lock().unwrap();
        let mut sent = 0;
        for frame in batch.frames() {
            wire.sent.push(frame.to_vec());
            wire.coming.extend((self.answers)(frame));
            sent += 1;
        }
        Ok(sent)
    }

    fn now(&self) -> Timestamp {
        self.wire.lock().unwrap().now
    }

    fn rest(&mut self, duration: Duration) {
        // Time passes only here, but the thread that hears needs a real moment to hear.
        std::thread::sleep(Duration::from_millis(1).min(duration));
        let mut wire = self.wire.lock().unwrap();
        wire.now = wire.now.after(duration);
    }
}

impl Inlet for MemoryInlet {
    fn receive(&mut self, _: Duration, each: &mut dyn FnMut(Timestamp, &[u8])) -> io::Result<()> {
        let (now, coming) = {
            let mut wire = self.0.lock().unwrap();
            (wire.now, std::mem::take(&mut wire.coming))
        };
        if coming.is_empty() {
            std::thread::sleep(Duration::from_micros(100));
        }
        for frame in coming {
            each(now, &frame);
        }
        Ok(())
    }

    fn dropped(&mut self) -> io::Result<u64> {
        Ok(0)
    }
}
