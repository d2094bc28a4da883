//! Single frames for scans: sent one by one, heard by a thread an interface.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{Batch, Filter, Opening, Outlet, open};
use crate::{
    link::{Interface, interface, live::FramePort},
    time::Timestamp,
};

/// Bytes of the ring of one interface.
const RING: usize = 2 << 20;
/// How long a thread listens before it looks whether it should end.
const TURN: Duration = Duration::from_millis(100);

/// Interfaces that are open for single frames. Dropped, it closes them and ends their threads.
pub struct Frames {
    interfaces: Vec<Interface>,
    outlets: Vec<Box<dyn Outlet>>,
    batch: Batch,
    listeners: Vec<JoinHandle<()>>,
    end: Arc<AtomicBool>,
    dropped: Arc<AtomicU64>,
}

impl std::fmt::Debug for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frames").field("interfaces", &self.interfaces).finish_non_exhaustive()
    }
}

impl Frames {
    /// Opens the interfaces of these names. `on_frame` is given what comes in, on threads of its own: when, the
    /// place of the interface in `names`, and the frame.
    pub fn open(
        names: &[&str],
        filter: &Filter,
        on_frame: impl FnMut(Timestamp, usize, Vec<u8>) + Send + 'static,
    ) -> io::Result<Self> {
        let known = interface::all();
        let mut frames = Self {
            interfaces: Vec::new(),
            outlets: Vec::new(),
            batch: Batch::new(1518),
            listeners: Vec::new(),
            end: Arc::default(),
            dropped: Arc::default(),
        };
        let on_frame = Arc::new(Mutex::new(on_frame));
        for (place, name) in names.iter().enumerate() {
            let of_name = |interface: &&Interface| interface.name == *name;
            let found = known.iter().find(of_name).ok_or(io::ErrorKind::NotFound)?;
            let opening = Opening { interface: name, filter, ring: RING, bypass: false };
            let (outlet, mut inlet) = open(&opening)?;
            let (end, dropped) = (Arc::clone(&frames.end), Arc::clone(&frames.dropped));
            let on_frame = Arc::clone(&on_frame);
            let listener = thread::Builder::new().name(format!("frames {name}"));
            frames.listeners.push(listener.spawn(move || {
                let mut told = 0;
                while !end.load(Ordering::Relaxed) {
                    let heard = inlet.receive(TURN, &mut |at, frame| {
                        if let Ok(mut on_frame) = on_frame.lock() {
                            on_frame(at, place, frame.to_vec());
                        }
                    });
                    let all = inlet.dropped().unwrap_or(told);
                    dropped.fetch_add(all.saturating_sub(told), Ordering::Relaxed);
                    told = all;
                    // An interface that was taken away says nothing any more; one that is down may come back.
                    if heard.is_err() {
                        thread::sleep(TURN);
                    }
                }
            })?);
            frames.interfaces.push(found.clone());
            frames.outlets.push(outlet);
        }
        Ok(frames)
    }

    /// How many frames that passed the filter the system could not keep for us.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl FramePort for Frames {
    /// The interfaces, in the order in which they were named.
    fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    fn send(&mut self, interface: usize, bytes: &[u8]) -> io::Result<()> {
        let outlet = self.outlets.get_mut(interface).ok_or(io::ErrorKind::NotFound)?;
        self.batch.clear();
        self.batch.push(bytes).ok_or(io::ErrorKind::InvalidInput)?;
        outlet.send(&mut self.batch).map(drop)
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        for listener in self.listeners.drain(..) {
            // A listener that panicked has been told about on standard error.
            let _ = listener.join();
        }
    }
}
