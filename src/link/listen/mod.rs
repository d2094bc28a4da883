//! Listening: what passes interfaces goes into a file, and nothing goes out. What is opened here has no way to send
//! ([`raw::listen`]).
//!
//! A thread an interface empties the kernel's ring; what is kept of each conversation is as much as a replay reads
//! of it (`ration`), and one file holds it (`sink`).

mod ration;
mod sink;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use self::{ration::Ration, sink::Sink};
use super::{
    Interface,
    live::Clock,
    raw::{self, Inlet},
};
use crate::{time::Timestamp, wire::pcapng};

/// What sections of such files say wrote them, before the version. Recordings of runs say less.
pub const APPLICATION: &str = "sekisho listen";

/// Bytes of an interface's ring, which the kernel fills while we write.
const RING: usize = 32 << 20;

/// Bytes of packets that are written at once.
const PIECE: usize = 256 << 10;

/// How long a thread listens before it looks whether it should end.
const TURN: Duration = Duration::from_millis(100);

/// How long what lies in the ring is waited for at the end: longer than the kernel keeps a block to itself.
const LAST: Duration = Duration::from_millis(20);

/// How often it is told how far it came.
const TOLD: Duration = Duration::from_millis(250);

/// Why nothing can be listened to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system does not let us hear.
    #[error(
        "{interface}: may not be listened on ({source}); run as root, or: sudo setcap cap_net_raw+ep \"$(command -v sekisho)\""
    )]
    NotPermitted {
        /// Its name.
        interface: String,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be opened for another reason.
    #[error(
        "{interface}: cannot be listened on ({source}); `sekisho scan --iflist` says which interfaces there are"
    )]
    Interface {
        /// Its name.
        interface: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is down.
    #[error("{0}: the interface is down; bring it up first: ip link set {0} up")]
    Down(String),
    /// Its frames are of a kind that no capture is read of.
    #[error(
        "{interface}: interfaces of this kind (ARPHRD {kind}) cannot be listened on; name one that carries Ethernet or IP"
    )]
    Kind {
        /// Its name.
        interface: String,
        /// The kind, as `/sys/class/net/*/type` has it.
        kind: u32,
    },
    /// There is a file already.
    #[error("{}: there is a file already; name another", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("{}: what is heard cannot be written ({source}); check that its folder exists and its disk has room", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No thread could be begun.
    #[error(
        "there is no room for another thread ({0}); end other programs, or listen on fewer interfaces"
    )]
    Thread(#[source] io::Error),
}

/// Why an interface was not listened to as long as it was to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// The user ended it before its time.
    User,
    /// The file has as many bytes as it may have.
    Size(u64),
    /// The file cannot be written further; what the system says.
    Disk(String),
    /// The interface went down, or was taken away; what the system says.
    Interface(String),
}

impl Cut {
    /// The name in lines of coverage.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::User => "stopped",
            Self::Size(_) => "file_full",
            Self::Disk(_) => "disk_full",
            Self::Interface(_) => "interface_lost",
        }
    }
}

/// How the frames of an interface begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// With an Ethernet header.
    Ethernet,
    /// With an IP header, as tunnels have it.
    Ip,
}

impl Layer {
    /// The `LINKTYPE_` value.
    const fn number(self) -> u16 {
        match self {
            Self::Ethernet => 1,
            Self::Ip => 101,
        }
    }
}

/// An interface that can be listened to.
pub struct Ear {
    /// Its name.
    pub name: String,
    /// How its frames begin.
    pub layer: Layer,
    /// Where they come in.
    pub inlet: Box<dyn Inlet>,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Every frame, and not just as much of each conversation as is read.
    pub whole: bool,
    /// How many bytes the file may have.
    pub most: u64,
}

/// What was heard on an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// Its name.
    pub name: String,
    /// Frames that were heard.
    pub frames: u64,
    /// Those of them that are in the file.
    pub kept: u64,
    /// Frames that the kernel had no room for.
    pub lost: u64,
    /// How long it was listened to.
    pub time: Duration,
    /// Why no longer, if it was to be.
    pub cut: Option<Cut>,
}

/// How far listening came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Frames that were heard.
    pub frames: u64,
    /// Frames that the kernel had no room for.
    pub lost: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

impl Ear {
    /// Opens an interface. With `promiscuous` it takes frames to anybody, as a mirror port needs it, as long as the ear
    /// lives.
    pub fn open(interface: &Interface, promiscuous: bool) -> Result<Self, Error> {
        let name = interface.name.clone();
        if !interface.up {
            return Err(Error::Down(name));
        }
        let layer = layer_of(&name)?;
        let inlet = raw::listen(&name, RING, promiscuous).map_err(|source| {
            let interface = name.clone();
            match source.kind() {
                io::ErrorKind::PermissionDenied => Error::NotPermitted { interface, source },
                _ => Error::Interface { interface, source },
            }
        })?;
        Ok(Self { name, layer, inlet })
    }
}

/// How frames of an interface begin, by its kind as the system tells it.
fn layer_of(interface: &str) -> Result<Layer, Error> {
    const ETHERNET: u32 = 1;
    const LOOPBACK: u32 = 772;
    const PPP: u32 = 512;
    const NONE: u32 = 65_534;
    let told = std::fs::read_to_string(format!("/sys/class/net/{interface}/type"));
    match told.ok().and_then(|text| text.trim().parse().ok()) {
        Some(ETHERNET | LOOPBACK) | None => Ok(Layer::Ethernet),
        Some(PPP | NONE) => Ok(Layer::Ip),
        Some(kind) => Err(Error::Kind { interface: interface.to_owned(), kind }),
    }
}

/// What happens while it is listened.
#[derive(Debug)]
enum News {
    /// The user wants an end.
    Stop,
    /// An interface is not listened to any more.
    Over,
    /// Nor is any other: the file takes no more.
    Full,
}

/// What all threads share.
#[derive(Debug)]
struct Shared {
    sink: Mutex<Sink>,
    end: AtomicBool,
    frames: AtomicU64,
    lost: AtomicU64,
    clock: Clock,
    began: Timestamp,
}

/// Interfaces that are listened to.
#[derive(Debug)]
pub struct Listener {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Wire>>,
    news: Receiver<News>,
    stopper: Sender<News>,
}

/// Ends a listener, from any thread.
#[derive(Debug, Clone)]
pub struct Stopper(Sender<News>);

impl Stopper {
    /// Ends it.
    pub fn stop(&self) {
        // Nobody listens any more when it ended by itself.
        let _ = self.0.send(News::Stop);
    }
}

impl Listener {
    /// Begins to listen, into a new file at `path`.
    pub fn begin(path: &Path, ears: Vec<Ear>, measure: Measure) -> Result<Self, Error> {
        let application = format!("{APPLICATION} {}", env!("CARGO_PKG_VERSION"));
        let mut header = pcapng::section(&application, "");
        for ear in &ears {
            header.extend(pcapng::interface(ear.layer.number(), &ear.name));
        }
        let clock = Clock::start();
        let (stopper, news) = mpsc::channel();
        let mut listener = Self {
            shared: Arc::new(Shared {
                sink: Mutex::new(Sink::create(path, measure.most, &header)?),
                end: AtomicBool::default(),
                frames: AtomicU64::default(),
                lost: AtomicU64::default(),
                clock,
                began: clock.now(),
            }),
            threads: Vec::new(),
            news,
            stopper,
        };
        for (place, ear) in (0..).zip(ears) {
            let shared = Arc::clone(&listener.shared);
            let over = listener.stopper.clone();
            let thread = thread::Builder::new().name(format!("listen {}", ear.name));
            let spawned = thread.spawn(move || {
                let wire = Attention::listen(place, ear, measure, &shared);
                let full = matches!(wire.cut, Some(Cut::Size(_) | Cut::Disk(_)));
                // Nobody waits for it any more when all are to end.
                let _ = over.send(if full { News::Full } else { News::Over });
                wire
            });
            listener.threads.push(spawned.map_err(Error::Thread)?);
        }
        Ok(listener)
    }

    /// What ends it.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stopper.clone())
    }

    /// Listens for `time`, or without one until the user ends it, or until nothing is left to listen to. `tell` is told
    /// how far it came.
    pub fn listen(self, time: Option<Duration>, tell: &mut dyn FnMut(Progress)) -> Heard {
        let until = time.map(|time| self.shared.began.after(time));
        let mut left = self.threads.len();
        let (mut stopped, mut full) = (false, false);
        while left > 0 && !stopped && !full {
            let now = self.shared.clock.now();
            let patience = until.map_or(TOLD, |until| {
                let rest = u64::try_from(until.since(now)).unwrap_or_default();
                TOLD.min(Duration::from_nanos(rest))
            });
            if patience.is_zero() {
                break;
            }
            match self.news.recv_timeout(patience) {
                Ok(News::Stop) => stopped = true,
                Ok(News::Over) => left -= 1,
                Ok(News::Full) => full = true,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            tell(self.progress());
        }
        self.shared.end.store(true, Ordering::Relaxed);
        // A thread that panicked has been told about on standard error.
        let mut wires: Vec<Wire> =
            self.threads.into_iter().filter_map(|thread| thread.join().ok()).collect();
        let early = (stopped && time.is_some()).then_some(Cut::User);
        let all = at_sink(&self.shared, |sink| sink.cut().cloned()).or(early);
        for wire in &mut wires {
            wire.cut = wire.cut.take().or_else(|| all.clone());
        }
        Heard { wires, ended: self.shared.clock.now(), shared: self.shared }
    }

    fn progress(&self) -> Progress {
        Progress {
            frames: self.shared.frames.load(Ordering::Relaxed),
            lost: self.shared.lost.load(Ordering::Relaxed),
            bytes: at_sink(&self.shared, |sink| sink.length()),
        }
    }
}

fn at_sink<T>(shared: &Shared, does: impl FnOnce(&mut Sink) -> T) -> T {
    // A piece is in the file or it is not, whoever panicked.
    does(&mut shared.sink.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What was heard, and the file that it is in.
#[derive(Debug)]
pub struct Heard {
    /// By interface, in the order in which they were named.
    pub wires: Vec<Wire>,
    ended: Timestamp,
    shared: Arc<Shared>,
}

impl Heard {
    /// Writes these lines behind what was heard, as recordings have them, and lets the file go.
    pub fn finish(self, lines: &[String]) -> Result<(), Error> {
        let at = u64::try_from(self.ended.nanoseconds()).unwrap_or_default();
        let words =
            lines.iter().flat_map(|line| pcapng::statistics(0, at, line)).collect::<Vec<_>>();
        // All threads have ended, so that nobody else has it.
        let Some(shared) = Arc::into_inner(self.shared) else { return Ok(()) };
        shared.sink.into_inner().unwrap_or_else(PoisonError::into_inner).finish(&words)
    }
}

/// One thread's listening.
struct Attention<'a> {
    place: u32,
    shared: &'a Shared,
    ration: Option<Ration>,
    layer: Layer,
    wire: Wire,
    /// Packets that are not written yet.
    piece: Vec<u8>,
    /// How many those are.
    waiting: u64,
    /// How many frames all were told of.
    told: u64,
}

impl<'a> Attention<'a> {
    /// Listens until it is ended, or until nothing more can be heard or written.
    fn listen(place: u32, ear: Ear, measure: Measure, shared: &'a Shared) -> Wire {
        let Ear { name, layer, mut inlet } = ear;
        let (time, cut) = (Duration::ZERO, None);
        let wire = Wire { name, frames: 0, kept: 0, lost: 0, time, cut };
        let ration = (!measure.whole).then(Ration::default);
        let piece = Vec::with_capacity(PIECE + (64 << 10));
        let mut own = Self { place, shared, ration, layer, wire, piece, waiting: 0, told: 0 };
        while own.wire.cut.is_none() {
            // What lies in the ring when the end comes was heard, too.
            let last = shared.end.load(Ordering::Relaxed);
            let patience = if last { LAST } else { TURN };
            if let Err(error) = inlet.receive(patience, &mut |at, frame| own.hear(at, frame)) {
                own.wire.cut.get_or_insert(Cut::Interface(error.to_string()));
            }
            own.write();
            let lost = inlet.dropped().unwrap_or(own.wire.lost);
            shared.lost.fetch_add(lost.saturating_sub(own.wire.lost), Ordering::Relaxed);
            own.wire.lost = lost;
            if last {
                break;
            }
        }
        let time = shared.clock.now().since(shared.began);
        own.wire.time = Duration::from_nanos(u64::try_from(time).unwrap_or_default());
        own.wire
    }

    fn hear(&mut self, at: Timestamp, frame: &[u8]) {
        if matches!(self.wire.cut, Some(Cut::Size(_) | Cut::Disk(_))) {
            return;
        }
        self.wire.frames += 1;
        if self.ration.as_mut().is_some_and(|ration| !ration.keeps(self.layer, frame)) {
            return;
        }
        let at = u64::try_from(at.nanoseconds()).unwrap_or_default();
        pcapng::add_packet(&mut self.piece, self.place, at, frame);
        self.waiting += 1;
        if self.piece.len() >= PIECE {
            self.write();
        }
    }

    /// Writes what waits.
    fn write(&mut self) {
        if !self.piece.is_empty() {
            match at_sink(self.shared, |sink| sink.take(&self.piece)) {
                Ok(()) => self.wire.kept += self.waiting,
                Err(cut) => self.wire.cut = Some(cut),
            }
        }
        self.piece.clear();
        self.waiting = 0;
        self.shared.frames.fetch_add(self.wire.frames - self.told, Ordering::Relaxed);
        self.told = self.wire.frames;
    }
}
