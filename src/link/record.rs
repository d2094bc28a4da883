//! Writes down what goes to the network and what comes from it, as one pcapng file: the recording of a run, which
//! is its result and its journal ([`super::journal`]) at once.
//!
//! Frames are written as they are. Conversations of sockets are built again as packets, and what encrypted ones say
//! in clear as further conversations beside them.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs::File,
    io::{self, Seek as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Act, Call, CallId, Event, Interface, Link, Refused, Speaker, What,
    journal::{self, Journal},
    overheard::Overheard,
    rebuild::{self, Rebuilt, Stream},
};
use crate::{
    observe::Transport,
    scope::Refusal,
    time::Timestamp,
    wire::{
        arp::Arp,
        ethernet::{self, Frame, Kind},
        ipv4, ipv6,
        ndp::{Message, Ndp},
        pcapng,
    },
};

/// What sections of recordings say wrote them, before the version.
pub const APPLICATION: &str = "sekisho";

/// The interface of conversations that were built again.
pub const CONVERSATIONS: &str = "sekisho conversations";

/// The interface of what encrypted conversations say in clear.
pub const INSIDE_TLS: &str = "sekisho inside tls";

/// How many bytes of one direction of a conversation are kept.
pub const MOST_BYTES: usize = 64 << 10;

/// How many bytes are kept where payloads could carry patients' data.
pub const MOST_BOUNDED: usize = 256;

/// How many bytes wait to be written.
const MOST_WAITING: usize = 64 << 10;

/// How long anything waits to be written.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How many conversations are followed at a time.
const MOST_CALLS: usize = 1 << 16;

/// How many addresses are remembered by what they were asked in frames.
const MOST_ASKED: usize = 1 << 14;

/// The longest line of the journal, in bytes.
const LONGEST_LINE: usize = 4096;

/// The first of the ports that stand for ours inside TLS: above those that systems hand out.
const FIRST_INSIDE: u16 = 61_000;

/// Why a run cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is a file already.
    #[error("{}: there is a file already; name another, or go on with it by `--resume`", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("{}: the recording cannot be written ({source}); check that its folder exists and its disk has room", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What is to be gone on with cannot be read.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The run it records came to its end.
    #[error("{path}: this run came to its end; make its results again by `sekisho replay {path}`", path = .0.display())]
    Ended(PathBuf),
    /// More than its end is torn off.
    #[error("{path}: damaged at byte {place}, and going on would cut off what stands behind; `sekisho replay {path}` reads what stands before, and a new run asks the rest", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How much of it is whole.
        place: u64,
    },
}

/// A link that is written down.
pub struct Recorder<L> {
    link: L,
    path: PathBuf,
    file: File,
    /// Whole blocks that are not written yet.
    waiting: Vec<u8>,
    /// When the file was last written.
    written: Timestamp,
    calls: HashMap<CallId, Conversation>,
    bounds: HashMap<&'static str, usize>,
    /// What was given in confidence, and is not written.
    secrets: Vec<Vec<u8>>,
    /// What addresses were last asked in frames.
    asked: HashMap<IpAddr, &'static str>,
    /// Our addresses, as conversations showed them.
    own: Vec<IpAddr>,
    /// What was said to everybody.
    overheard: Overheard,
    fault: Option<Error>,
}

/// A conversation that is open.
#[derive(Debug)]
struct Conversation {
    call: Call,
    /// When it began.
    began: Timestamp,
    /// Our end, once it is known.
    from: Option<SocketAddr>,
    stream: Option<Stream>,
    inside: Option<Stream>,
    /// How many bytes of each direction are kept, and of datagrams how many are.
    most: usize,
    kept: [usize; 2],
    /// The last datagram that was sent.
    last: Vec<u8>,
    /// The other end said that it is done.
    ended: bool,
}

impl<L: Link> Recorder<L> {
    /// Records `link` into a new file at `path`; `plan` is what the run is to do.
    pub fn create(path: &Path, plan: &str, link: L) -> Result<Self, Error> {
        let file = File::create_new(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => Error::Exists(path.to_owned()),
            _ => Error::Unwritable { path: path.to_owned(), source },
        })?;
        Self::begin(file, path, plan, link)
    }

    /// Goes on with the recording at `path`: what was torn off at its end is cut away, and a section with the same
    /// plan added.
    pub fn resume(path: &Path, link: L) -> Result<(Self, Journal), Error> {
        let journal = Journal::read(path)?;
        if journal.ended {
            return Err(Error::Ended(path.to_owned()));
        }
        if journal.damaged {
            return Err(Error::Damaged { path: path.to_owned(), place: journal.length });
        }
        let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
        let mut file = File::options().write(true).open(path).map_err(unwritable)?;
        file.set_len(journal.length).map_err(unwritable)?;
        file.seek(io::SeekFrom::End(0)).map_err(unwritable)?;
        Ok((Self::begin(file, path, &journal.plan, link)?, journal))
    }

    fn begin(file: File, path: &Path, plan: &str, link: L) -> Result<Self, Error> {
        let application = format!("{APPLICATION} {}", env!("CARGO_PKG_VERSION"));
        let mut waiting = pcapng::section(&application, plan);
        for interface in link.interfaces() {
            waiting.extend(pcapng::interface(ETHERNET, &interface.name));
        }
        waiting.extend(pcapng::interface(RAW, CONVERSATIONS));
        waiting.extend(pcapng::interface(RAW, INSIDE_TLS));
        let mut recorder = Self {
            written: link.now(),
            link,
            path: path.to_owned(),
            file,
            waiting,
            calls: HashMap::new(),
            bounds: HashMap::new(),
            secrets: Vec::new(),
            asked: HashMap::new(),
            own: Vec::new(),
            overheard: Overheard::default(),
            fault: None,
        };
        recorder.write();
        match recorder.fault.take() {
            Some(error) => Err(error),
            None => Ok(recorder),
        }
    }

    /// Keeps no more than `bytes` of each direction of conversations of this probe.
    pub fn bound(&mut self, probe: &'static str, bytes: usize) {
        self.bounds.insert(probe, bytes);
    }

    /// Writes stars where this was said, such as a community: recordings are handed on.
    pub fn conceal(&mut self, secret: &str) {
        if !secret.is_empty() {
            self.secrets.push(secret.as_bytes().to_vec());
        }
    }

    /// What of `bytes` may be written, as long as they are.
    fn shown<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let mut shown = Cow::Borrowed(bytes);
        for secret in &self.secrets {
            let places: Vec<usize> = memchr::memmem::find_iter(bytes, secret).collect();
            for place in places {
                if let Some(said) = shown.to_mut().get_mut(place..place + secret.len()) {
                    said.fill(b'*');
                }
            }
        }
        shown
    }

    /// Why nothing is recorded any more, if so. Nothing is sent then either.
    pub fn fault(&self) -> Option<&Error> {
        self.fault.as_ref()
    }

    /// Writes what is left and gives the link back. Whoever finished the plan notes [`journal::END`] before.
    pub fn finish(mut self) -> Result<L, Error> {
        let mut open: Vec<CallId> = self.calls.keys().copied().collect();
        open.sort_unstable();
        let at = self.link.now();
        for id in open {
            self.close(at, id, false);
        }
        let passed_over = self.overheard.passed_over();
        if passed_over > 0 {
            self.line(at, &format!("coverage overheard_not_kept measured {passed_over}"));
        }
        self.write();
        if self.fault.is_none()
            && let Err(source) = self.file.sync_all()
        {
            self.fault = Some(Error::Unwritable { path: self.path.clone(), source });
        }
        self.fault.map_or(Ok(self.link), Err)
    }

    fn write(&mut self) {
        if self.fault.is_none()
            && let Err(source) = self.file.write_all(&self.waiting)
        {
            self.fault = Some(Error::Unwritable { path: self.path.clone(), source });
        }
        self.waiting.clear();
        self.written = self.link.now();
    }

    /// Writes when much waits, or when it waited long.
    fn settle(&mut self) {
        let waited = self.link.now() >= self.written.after(LONGEST_WAIT);
        if self.waiting.len() >= MOST_WAITING || waited && !self.waiting.is_empty() {
            self.write();
        }
    }

    /// The place of one of the two interfaces behind those of the link.
    fn behind(&self, place: u32) -> u32 {
        u32::try_from(self.link.interfaces().len()).unwrap_or(u32::MAX - 1) + place
    }

    fn frame(&mut self, at: Timestamp, interface: usize, bytes: &[u8], comment: &str) {
        let Ok(interface) = u32::try_from(interface) else { return };
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.waiting.extend(pcapng::packet(interface, nanoseconds(at), bytes, length, comment));
    }

    fn packet(&mut self, at: Timestamp, inside: bool, call: Call, packet: &Rebuilt) {
        let said = match packet.speaker {
            Speaker::We => "asked",
            Speaker::They => "replied",
        };
        let comment = format!("{said} {} {}", call.probe, call.id.0);
        let interface = self.behind(u32::from(inside));
        let original = u32::try_from(packet.original).unwrap_or(u32::MAX);
        self.waiting.extend(pcapng::packet(
            interface,
            nanoseconds(at),
            &packet.bytes,
            original,
            &comment,
        ));
    }

    fn line(&mut self, at: Timestamp, line: &str) {
        let line = line.get(..line.floor_char_boundary(LONGEST_LINE)).unwrap_or(line);
        let interface = self.behind(0);
        self.waiting.extend(pcapng::statistics(interface, nanoseconds(at), line));
    }

    fn open(&mut self, at: Timestamp, call: Call) {
        let (id, to, transport) = (call.id.0, call.to, call.transport.name());
        self.line(at, &format!("{} {id} {transport} {to} {}", journal::OPEN, call.probe));
        let most = self.bounds.get(call.probe).copied().unwrap_or(MOST_BYTES);
        let (stream, inside, last) = (None, None, Vec::new());
        let conversation = Conversation {
            call,
            began: at,
            from: None,
            stream,
            inside,
            most,
            kept: [0; 2],
            last,
            ended: false,
        };
        self.calls.insert(call.id, conversation);
    }

    fn opened(&mut self, at: Timestamp, id: CallId, from: SocketAddr) {
        if !self.own.contains(&from.ip()) && self.own.len() < 64 {
            self.own.push(from.ip());
        }
        let Some(known) = self.calls.get_mut(&id) else { return };
        known.from = Some(from);
        if known.call.transport == Transport::Tcp && known.stream.is_none() {
            let mut stream = Stream::new(from, known.call.to, id.0, known.most);
            let [question, answer, done] = stream.handshake();
            known.stream = Some(stream);
            let (call, began) = (known.call, known.began);
            self.packet(began, false, call, &question);
            self.packet(at, false, call, &answer);
            self.packet(at, false, call, &done);
        }
    }

    /// Our end of a conversation that never got so far as to show it.
    fn likely(&self, call: Call) -> SocketAddr {
        let to = call.to.ip();
        let of_family = |address: &IpAddr| address.is_ipv4() == to.is_ipv4();
        let on_link = self.link.interfaces().iter().flat_map(|interface| &interface.addresses);
        let near =
            on_link.clone().find(|network| network.contains(to)).map(ipnetwork::IpNetwork::ip);
        let known = near.or_else(|| self.own.iter().copied().find(of_family));
        let known = known.or_else(|| on_link.map(ipnetwork::IpNetwork::ip).find(of_family));
        let nobody = if to.is_ipv4() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        } else {
            IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        };
        let port = 32_768 + u16::try_from(call.id.0 % 28_000).unwrap_or_default();
        SocketAddr::new(known.unwrap_or(nobody), port)
    }

    fn speak(&mut self, at: Timestamp, id: CallId, speaker: Speaker, bytes: &[u8]) {
        let shown = self.shown(bytes);
        let bytes = &*shown;
        let Some(known) = self.calls.get(&id) else { return };
        let call = known.call;
        let from = known.from.unwrap_or_else(|| self.likely(call));
        let Some(known) = self.calls.get_mut(&id) else { return };
        if call.transport == Transport::Tcp {
            let Some(stream) = &mut known.stream else { return };
            let mut said = stream.say(speaker, bytes);
            if speaker == Speaker::They {
                said.push(stream.acknowledge(Speaker::We));
            }
            for packet in said {
                self.packet(at, false, call, &packet);
            }
        } else {
            let [ours, theirs] = &mut known.kept;
            let (from, to, kept) = match speaker {
                Speaker::We => (from, call.to, ours),
                Speaker::They => (call.to, from, theirs),
            };
            let keep = bytes.len().min(known.most.saturating_sub(*kept));
            *kept += keep;
            let packet = rebuild::datagram(speaker, from, to, bytes, keep);
            if speaker == Speaker::We {
                known.last.clone_from(&packet.bytes);
            }
            self.packet(at, false, call, &packet);
        }
    }

    fn refused(&mut self, at: Timestamp, id: CallId, how: Refused) {
        let Some(mut known) = self.calls.remove(&id) else { return };
        let call = known.call;
        let from = known.from.unwrap_or_else(|| self.likely(call));
        match (call.transport, how) {
            // Nothing was sent.
            (_, Refused::System) => {}
            (Transport::Tcp, _) => {
                let began = known.stream.is_some();
                let stream = known
                    .stream
                    .get_or_insert_with(|| Stream::new(from, call.to, id.0, known.most));
                let question = (!began).then(|| stream.question());
                let reset = (how == Refused::Port).then(|| stream.end_of(Speaker::They, true));
                if let Some(question) = question {
                    self.packet(known.began, false, call, &question);
                }
                // Who says that a host cannot be reached is not known.
                if let Some(reset) = reset.flatten() {
                    self.packet(at, false, call, &reset);
                }
            }
            (_, Refused::Port) if !known.last.is_empty() => {
                let error = rebuild::port_unreachable(call.to.ip(), from.ip(), &known.last);
                self.packet(at, false, call, &error);
            }
            _ => {}
        }
        let how = match how {
            Refused::Port => "refused",
            Refused::Unreachable => "unreachable",
            Refused::System => "unsent",
        };
        self.line(at, &format!("{} {} {how}", journal::CLOSED, id.0));
    }

    fn ended(&mut self, at: Timestamp, id: CallId, reset: bool) {
        let Some(known) = self.calls.get_mut(&id) else { return };
        let call = known.call;
        known.ended = true;
        let outer = known.stream.as_mut().and_then(|stream| stream.end_of(Speaker::They, reset));
        let inner = known.inside.as_mut().and_then(|stream| stream.end_of(Speaker::They, reset));
        for (packet, inside) in [(outer, false), (inner, true)] {
            if let Some(packet) = packet {
                self.packet(at, inside, call, &packet);
            }
        }
        let how = if reset { "reset" } else { "ended" };
        self.line(at, &format!("{} {} {how}", journal::CLOSED, id.0));
        if reset {
            self.calls.remove(&id);
        }
    }

    /// Ends a conversation; one that is not `done` may be begun again when the run goes on.
    fn close(&mut self, at: Timestamp, id: CallId, done: bool) {
        let Some(mut known) = self.calls.remove(&id) else { return };
        let call = known.call;
        let silent = known.stream.is_none() && call.transport == Transport::Tcp;
        if silent {
            // Nobody answered; that we asked is written down all the same.
            let mut stream = Stream::new(self.likely(call), call.to, id.0, known.most);
            self.packet(known.began, false, call, &stream.question());
        }
        for (stream, inside) in [(&mut known.stream, false), (&mut known.inside, true)] {
            if let Some(last) = stream.as_mut().and_then(|open| open.end_of(Speaker::We, false)) {
                self.packet(at, inside, call, &last);
            }
        }
        if done && !known.ended {
            self.line(at, &format!("{} {} closed", journal::CLOSED, id.0));
        }
    }

    /// Remembers whom a frame asks.
    fn remember(&mut self, bytes: &[u8], probe: &'static str) {
        if self.asked.len() >= MOST_ASKED {
            self.asked.clear();
        }
        if let Some(address) = whom(bytes) {
            self.asked.insert(address, probe);
        }
    }

    /// What a frame that arrived is: an answer when it comes to one of our interfaces alone, else overheard, and then
    /// without a word. None when it is not to be written down.
    fn arrived(&mut self, interface: usize, bytes: &[u8]) -> Option<String> {
        let Ok(frame) = Frame::parse(bytes) else { return Some(String::new()) };
        let own = self.link.interfaces().get(interface).and_then(|interface| interface.mac);
        if own.is_some_and(|own| own.0 != frame.destination) {
            return self.overheard.keeps(&frame, bytes.len()).then(String::new);
        }
        let probe = who(&frame).and_then(|address| self.asked.get(&address)).copied();
        Some(format!("replied {} -", probe.unwrap_or("-")))
    }
}

impl<L: Link> Link for Recorder<L> {
    fn now(&self) -> Timestamp {
        self.link.now()
    }

    fn ready(&self, to: IpAddr, packets: u32) -> Timestamp {
        self.link.ready(to, packets)
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        // What cannot be written down is not done.
        if let Some(error) = &self.fault {
            return Err(Refusal::System(error.to_string()));
        }
        if matches!(act, Act::Open(_)) && self.calls.len() >= MOST_CALLS {
            self.calls.retain(|_, known| !known.ended);
            if self.calls.len() >= MOST_CALLS {
                return Err(Refusal::System("too many conversations are open at once".to_owned()));
            }
        }
        self.link.send(act)?;
        let at = self.link.now();
        match act {
            Act::Frame { interface, bytes, probe, .. } => {
                self.frame(at, interface, bytes, &format!("asked {probe} -"));
                self.remember(bytes, probe);
            }
            Act::Open(call) => self.open(at, call),
            Act::Say { id, bytes } => self.speak(at, id, Speaker::We, bytes),
            Act::Close { id } => self.close(at, id, true),
        }
        self.settle();
        Ok(())
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        if !self.waiting.is_empty() && until >= self.written.after(LONGEST_WAIT) {
            self.write();
        }
        let event = self.link.wait(until)?;
        let at = event.at;
        match &event.what {
            What::Frame { interface, bytes } => {
                if let Some(comment) = self.arrived(*interface, bytes) {
                    self.frame(at, *interface, bytes, &comment);
                }
            }
            What::Opened { id, from } => self.opened(at, *id, *from),
            What::Refused { id, how } => self.refused(at, *id, *how),
            What::Heard { id, bytes } => self.speak(at, *id, Speaker::They, bytes),
            What::Ended { id, reset } => self.ended(at, *id, *reset),
            What::Stop => {}
        }
        self.settle();
        Some(event)
    }

    fn reveal(&mut self, call: CallId, speaker: Speaker, bytes: &[u8]) {
        self.link.reveal(call, speaker, bytes);
        let at = self.link.now();
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Some(from) = known.from else { return };
        let (mut packets, of) = (Vec::new(), known.call);
        let port = FIRST_INSIDE + u16::try_from(call.0 % 4500).unwrap_or_default();
        let stream = known.inside.get_or_insert_with(|| {
            let ours = SocketAddr::new(from.ip(), port);
            let mut stream = Stream::new(ours, of.to, !call.0, known.most);
            packets.extend(stream.handshake());
            stream
        });
        packets.extend(stream.say(speaker, bytes));
        for packet in packets {
            self.packet(at, true, of, &packet);
        }
        self.settle();
    }

    fn note(&mut self, line: &str) {
        self.link.note(line);
        self.line(self.link.now(), line);
        self.write();
    }

    fn interfaces(&self) -> &[Interface] {
        self.link.interfaces()
    }
}

/// `LINKTYPE_ETHERNET`.
const ETHERNET: u16 = 1;

/// `LINKTYPE_RAW`.
const RAW: u16 = 101;

fn nanoseconds(at: Timestamp) -> u64 {
    u64::try_from(at.nanoseconds()).unwrap_or_default()
}

/// Whom a frame asks.
fn whom(bytes: &[u8]) -> Option<IpAddr> {
    let frame = Frame::parse(bytes).ok()?;
    match frame.kind {
        Kind::Type(ethernet::ARP) => Some(Arp::parse(frame.payload).ok()?.target.into()),
        Kind::Type(ethernet::IPV4) => {
            Some(ipv4::Packet::parse(frame.payload).ok()?.destination.into())
        }
        Kind::Type(ethernet::IPV6) => {
            let packet = ipv6::Packet::parse(frame.payload).ok()?;
            match solicited(&packet) {
                Some(Message::NeighborSolicitation { target }) => Some(target.into()),
                _ => Some(packet.destination.into()),
            }
        }
        _ => None,
    }
}

/// Who says a frame.
fn who(frame: &Frame<'_>) -> Option<IpAddr> {
    match frame.kind {
        Kind::Type(ethernet::ARP) => Some(Arp::parse(frame.payload).ok()?.sender.into()),
        Kind::Type(ethernet::IPV4) => Some(ipv4::Packet::parse(frame.payload).ok()?.source.into()),
        Kind::Type(ethernet::IPV6) => {
            let packet = ipv6::Packet::parse(frame.payload).ok()?;
            match solicited(&packet) {
                Some(Message::NeighborAdvertisement { target, .. }) => Some(target.into()),
                _ => Some(packet.source.into()),
            }
        }
        _ => None,
    }
}

fn solicited(packet: &ipv6::Packet<'_>) -> Option<Message> {
    (packet.protocol == 58).then(|| Ndp::parse(packet.payload).ok())?.map(|ndp| ndp.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network in which nothing happens.
    struct Silence;

    impl Link for Silence {
        fn now(&self) -> Timestamp {
            Timestamp::default()
        }

        fn send(&mut self, _: Act<'_>) -> Result<(), Refusal> {
            Ok(())
        }

        fn wait(&mut self, _: Timestamp) -> Option<Event> {
            None
        }
    }

    #[test]
    fn nothing_is_sent_that_cannot_be_written_down() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let begun = Recorder::begin(full, Path::new("run.pcapng"), "{}", Silence);
        let error = begun.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("run.pcapng") && error.contains("room"), "{error}");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.pcapng");
        let mut recorder = Recorder::create(&path, "{}", Silence).unwrap();
        recorder.file = File::options().write(true).open("/dev/full").unwrap();
        assert!(recorder.fault().is_none());
        recorder.note("sweep arp 7");
        assert!(recorder.fault().is_some_and(|error| error.to_string().contains("run.pcapng")));
        let refused = recorder.send(Act::Close { id: CallId(1) });
        assert!(matches!(refused, Err(Refusal::System(reason)) if reason.contains("run.pcapng")));
        assert!(recorder.finish().is_err());
    }

    #[test]
    fn a_recording_replaces_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.pcapng");
        std::fs::write(&path, b"a year of work").unwrap();
        assert!(matches!(Recorder::create(&path, "{}", Silence), Err(Error::Exists(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"a year of work");
    }
}
