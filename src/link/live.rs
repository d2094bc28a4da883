//! The network itself: conversations over the system's sockets, and raw frames where somebody lends a port for them.
//!
//! Everything runs inside [`Link::wait`], on the caller's thread; only what captures frames may have threads of its
//! own, which speak through an [`Inlet`].

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::{
    runtime::{self, Runtime},
    sync::mpsc,
    task::JoinSet,
    time,
};

use super::{
    Act, Call, CallId, Event, Interface, Link, Refused, What,
    sockets::{self, Line, Outgoing},
};
use crate::{observe::Transport, scope::Refusal, time::Timestamp};

/// Frames that wait to be looked at; those beyond are lost and counted.
const MOST_FRAMES: usize = 1 << 13;

/// Events that are handed out before the sockets are looked at again.
const TURN: u32 = 16;

/// How far the moment of a frame may be from ours before ours is taken.
const DRIFT: i64 = 1_000_000_000;

/// How long conversations may take to end when the link is dropped.
const LAST: Duration = Duration::from_millis(500);

/// What sends raw frames.
pub trait FramePort: Send {
    /// The interfaces that frames can go out of.
    fn interfaces(&self) -> &[Interface];

    /// Sends a frame out of the interface with this index.
    fn send(&mut self, interface: usize, bytes: &[u8]) -> io::Result<()>;
}

/// What the conversations of a link have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The name of the interface that conversations go out of; the system chooses when there is none.
    pub interface: Option<String>,
    /// Our addresses, at most one of each family; the system chooses when there is none.
    pub from: Vec<IpAddr>,
}

/// The network itself.
pub struct Live {
    /// Before the runtime, so that conversations are told to end before it goes.
    calls: HashMap<CallId, Line>,
    tasks: JoinSet<()>,
    runtime: Runtime,
    outgoing: Outgoing,
    frames: Option<Box<dyn FramePort>>,
    clock: Clock,
    inlet: Inlet,
    heard: mpsc::UnboundedReceiver<Event>,
    captured: mpsc::Receiver<Event>,
    turn: u32,
}

/// Where events come in from other threads.
#[derive(Debug, Clone)]
pub struct Inlet {
    clock: Clock,
    heard: mpsc::UnboundedSender<Event>,
    captured: mpsc::Sender<Event>,
    lost: Arc<AtomicU64>,
}

impl Inlet {
    /// A frame arrived at the interface with this index. It is lost when too many wait.
    pub fn frame(&self, at: Timestamp, interface: usize, bytes: Vec<u8>) {
        let now = self.clock.now();
        let at = if at.since(now).abs() > DRIFT { now } else { at.min(now) };
        if self.captured.try_send(Event { at, what: What::Frame { interface, bytes } }).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The user wants an end.
    pub fn stop(&self) {
        self.push(What::Stop);
    }

    /// The clock of the link.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Whoever pushes here bounds how much.
    pub(super) fn push(&self, what: What) {
        // Nobody listens any more when the link is gone.
        let _ = self.heard.send(Event { at: self.clock.now(), what });
    }
}

/// The time of day when a link was made, and the time since, which never runs backwards.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Timestamp,
    counted_from: Instant,
}

impl Clock {
    /// A clock that shows the time of day now.
    #[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
    pub fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let began = Timestamp::default().after(since);
        Self { began, counted_from: Instant::now() }
    }

    /// The moment.
    pub fn now(&self) -> Timestamp {
        self.began.after(self.counted_from.elapsed())
    }
}

impl Live {
    /// A link to the network of this machine, without raw frames.
    pub fn new(options: &Options) -> io::Result<Self> {
        let outgoing = Outgoing::new(options)?;
        let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let clock = Clock::start();
        let (heard_in, heard) = mpsc::unbounded_channel();
        let (captured_in, captured) = mpsc::channel(MOST_FRAMES);
        let inlet = Inlet { clock, heard: heard_in, captured: captured_in, lost: Arc::default() };
        Ok(Self {
            calls: HashMap::new(),
            tasks: JoinSet::new(),
            runtime,
            outgoing,
            frames: None,
            clock,
            inlet,
            heard,
            captured,
            turn: 0,
        })
    }

    /// Where frames and the wish for an end come in.
    pub fn inlet(&self) -> Inlet {
        self.inlet.clone()
    }

    /// Sends raw frames through `port` from now on.
    pub fn attach(&mut self, port: Box<dyn FramePort>) {
        self.frames = Some(port);
    }

    /// How many frames were lost because too many waited.
    pub fn lost(&self) -> u64 {
        self.inlet.lost.load(Ordering::Relaxed)
    }

    fn open(&mut self, call: Call) -> Result<(), Refusal> {
        if self.calls.contains_key(&call.id) {
            return Err(Refusal::System(format!("conversation {} is open", call.id.0)));
        }
        let opened = {
            let _inside = self.runtime.enter();
            match call.transport {
                Transport::Tcp => {
                    sockets::tcp::open(call, &self.outgoing, &self.inlet, &mut self.tasks)
                }
                Transport::Udp => {
                    sockets::udp::open(call, &self.outgoing, &self.inlet, &mut self.tasks)
                }
                Transport::Ethernet | Transport::Ip => return Err(Refusal::Unreadable),
            }
        };
        match opened {
            Ok(line) => {
                self.calls.insert(call.id, line);
            }
            Err(how) => {
                self.calls.insert(call.id, Line::Over);
                self.inlet.push(What::Refused { id: call.id, how });
            }
        }
        Ok(())
    }

    /// The next event of either kind, or none at `until`.
    async fn next(
        heard: &mut mpsc::UnboundedReceiver<Event>,
        captured: &mut mpsc::Receiver<Event>,
        patience: Duration,
        look: bool,
    ) -> Option<Event> {
        if look {
            tokio::task::yield_now().await;
        }
        // A timer would wait for its next millisecond.
        if patience.is_zero() {
            return heard.try_recv().ok().or_else(|| captured.try_recv().ok());
        }
        tokio::select! {
            Some(event) = heard.recv() => Some(event),
            Some(event) = captured.recv() => Some(event),
            () = time::sleep(patience) => None,
        }
    }

    /// Whether anybody still wants to hear of it. Makes room for what the conversation says next.
    fn is_wanted(&self, event: &Event) -> bool {
        match &event.what {
            What::Frame { .. } | What::Stop => true,
            What::Opened { id, .. }
            | What::Refused { id, .. }
            | What::Heard { id, .. }
            | What::Ended { id, .. } => {
                let line = self.calls.get(id);
                if let (Some(line), What::Heard { .. } | What::Refused { .. }) = (line, &event.what)
                {
                    line.taken();
                }
                line.is_some()
            }
        }
    }
}

impl Link for Live {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        match act {
            Act::Frame { interface, bytes, .. } => {
                let Some(port) = &mut self.frames else {
                    return Err(Refusal::System("raw frames need the right to send them".into()));
                };
                port.send(interface, bytes).map_err(|error| Refusal::System(error.to_string()))
            }
            Act::Open(call) => self.open(call),
            Act::Say { id, bytes } => match self.calls.get(&id) {
                Some(line) => line.say(id, bytes, &self.inlet),
                None => Err(Refusal::System(format!("conversation {} is not open", id.0))),
            },
            Act::Close { id } => {
                self.calls.remove(&id);
                Ok(())
            }
        }
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        loop {
            let patience = u64::try_from(until.since(self.clock.now())).unwrap_or_default();
            self.turn = (self.turn + 1) % TURN;
            let next = Self::next(
                &mut self.heard,
                &mut self.captured,
                Duration::from_nanos(patience),
                self.turn == 0 || patience == 0,
            );
            let next = self.runtime.block_on(next);
            let event = next.or_else(|| self.heard.try_recv().ok())?;
            while self.tasks.try_join_next().is_some() {}
            if self.is_wanted(&event) {
                return Some(event);
            }
        }
    }

    fn interfaces(&self) -> &[Interface] {
        self.frames.as_ref().map_or(&[], |frames| frames.interfaces())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.calls.clear();
        let tasks = &mut self.tasks;
        self.runtime.block_on(async {
            let all = async { while tasks.join_next().await.is_some() {} };
            // What has not ended by then is cut off.
            let _ = time::timeout(LAST, all).await;
        });
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("calls", &self.calls.len()).finish_non_exhaustive()
    }
}

/// What an error of a socket says about the other end.
pub(super) fn refused(error: &io::Error) -> Option<Refused> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Some(Refused::Port),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some(Refused::Unreachable)
        }
        // Nobody answered, which is no refusal.
        io::ErrorKind::TimedOut => None,
        _ => Some(Refused::System),
    }
}
