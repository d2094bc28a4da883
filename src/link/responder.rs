//! The other half of a proof: a service outside that tells whoever asks over STUN from which address the question came
//! (RFC 8489, over UDP and TCP). It says nothing else, to nobody at length, and keeps nothing.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use socket2::{Domain, Socket, Type};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
    runtime::{self, Runtime},
    sync::Notify,
    task::JoinSet,
    time,
};

use super::live::Clock;
use crate::{observe::Transport, time::Timestamp, wire::stun};

/// Answers that one source gets at once; one more each second after that. Of IPv6 a /64 is one source.
const BURST: i64 = 10;

/// Answers that all sources get together, a second.
const MOST_A_SECOND: i64 = 100;

/// Sources whose pace is kept at a time; those that had nothing for long give way.
const MOST_SOURCES: usize = 4096;

/// TCP connections that are open at a time.
const MOST_CONNECTIONS: usize = 64;

/// TCP connections of one source that are open at a time.
const MOST_OF_A_SOURCE: usize = 4;

/// Questions that one TCP connection may ask.
const MOST_QUESTIONS: usize = 4;

/// How long a TCP connection may take, whatever it says.
const CONNECTION: Duration = Duration::from_secs(10);

/// How long is waited when the system has no socket left.
const CROWDED: Duration = Duration::from_millis(100);

/// Connections that wait to be taken.
const BACKLOG: i32 = 64;

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot listen there.
    #[error("{address} over {}: cannot be listened on ({source}); {}", transport.name(), remedy(source))]
    Taken {
        /// Where.
        address: SocketAddr,
        /// Over what.
        transport: Transport,
        /// What the system says.
        source: io::Error,
    },
    /// The system has no room for it.
    #[error("the network cannot be opened ({0})")]
    Network(#[source] io::Error),
    /// What was answered cannot be written down.
    #[error(
        "what was answered cannot be written down ({0}); check that what standard output goes to has room"
    )]
    Log(#[source] io::Error),
}

/// A question that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// When.
    pub at: Timestamp,
    /// Whom, as the answer says it.
    pub from: SocketAddr,
    /// Over what.
    pub transport: Transport,
    /// The number of the exchange, which whoever asked chose.
    pub transaction: [u8; 12],
}

/// How much was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Questions that were answered.
    pub answered: u64,
    /// Questions that came too fast.
    pub too_fast: u64,
    /// Datagrams, and connections, that asked something else.
    pub others: u64,
}

/// A service that listens. It answers while [`Responder::run`] runs.
pub struct Responder {
    datagrams: Vec<UdpSocket>,
    streams: Vec<TcpListener>,
    end: Stopper,
    runtime: Runtime,
}

/// Ends a service.
#[derive(Debug, Clone, Default)]
pub struct Stopper(Arc<Notify>);

impl Stopper {
    /// Ends it.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Responder").field("listens", &self.listens()).finish_non_exhaustive()
    }
}

impl Responder {
    /// Listens on `addresses` over UDP, and over TCP too where that is wanted.
    pub fn open(addresses: &[SocketAddr], tcp: bool) -> Result<Self, Error> {
        let built = runtime::Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = built.map_err(Error::Network)?;
        let (mut datagrams, mut streams) = (Vec::new(), Vec::new());
        {
            let _inside = runtime.enter();
            for address in addresses {
                let (socket, own) = datagrams_at(*address)?;
                datagrams.push(socket);
                if tcp {
                    // A port that the system chose is the same over both.
                    streams.push(streams_at(own)?);
                }
            }
        }
        Ok(Self { datagrams, streams, end: Stopper::default(), runtime })
    }

    /// Where it listens.
    pub fn listens(&self) -> Vec<(SocketAddr, Transport)> {
        let udp = self.datagrams.iter().filter_map(|socket| socket.local_addr().ok());
        let tcp = self.streams.iter().filter_map(|socket| socket.local_addr().ok());
        udp.map(|at| (at, Transport::Udp)).chain(tcp.map(|at| (at, Transport::Tcp))).collect()
    }

    /// What ends it, from any thread.
    pub fn stopper(&self) -> Stopper {
        self.end.clone()
    }

    /// Answers until it is ended, or until `log` cannot write down what was answered.
    pub fn run(
        self,
        log: impl FnMut(&Answered) -> io::Result<()> + Send + 'static,
    ) -> Result<Count, Error> {
        let Self { datagrams, streams, end, runtime } = self;
        let desk = Desk {
            pace: Pace::default(),
            clock: Clock::start(),
            count: Count::default(),
            log: Box::new(log),
            fault: None,
            end: end.clone(),
            open: HashMap::new(),
        };
        let desk = Arc::new(Mutex::new(desk));
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for socket in datagrams {
                tasks.spawn(hear_datagrams(socket, Arc::clone(&desk)));
            }
            for listener in streams {
                tasks.spawn(hear_streams(listener, Arc::clone(&desk)));
            }
            end.0.notified().await;
            tasks.shutdown().await;
        });
        drop(runtime);
        let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
        desk.fault.take().map_or(Ok(desk.count), |error| Err(Error::Log(error)))
    }
}

/// What all sockets of a service share.
struct Desk {
    pace: Pace,
    clock: Clock,
    count: Count,
    log: Log,
    fault: Option<io::Error>,
    end: Stopper,
    /// Connections that are open, by source.
    open: HashMap<IpAddr, usize>,
}

/// Writes down what was answered.
type Log = Box<dyn FnMut(&Answered) -> io::Result<()> + Send>;

type Shared = Arc<Mutex<Desk>>;

fn at_desk<T>(desk: &Shared, does: impl FnOnce(&mut Desk) -> T) -> T {
    // What a task left behind that panicked is a number too few.
    does(&mut desk.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Desk {
    /// The answer to what came from `from`; none to anything but a plain question, nor beyond the pace.
    fn answer(&mut self, said: &[u8], from: SocketAddr, transport: Transport) -> Option<Vec<u8>> {
        let Some(transaction) = stun::question(said) else {
            self.count.others += 1;
            return None;
        };
        let at = self.clock.now();
        if self.fault.is_some() || !self.pace.allows(source_of(from.ip()), at) {
            self.count.too_fast += 1;
            return None;
        }
        // What cannot be written down is not answered: it would be half a proof.
        let answered = Answered { at, from, transport, transaction };
        if let Err(error) = (self.log)(&answered) {
            self.fault = Some(error);
            self.end.stop();
            return None;
        }
        self.count.answered += 1;
        Some(stun::tell(transaction, from))
    }

    /// Whether one more connection of this source may be open.
    fn takes(&mut self, source: IpAddr) -> bool {
        let all: usize = self.open.values().sum();
        let own = self.open.entry(source).or_default();
        let takes = all < MOST_CONNECTIONS && *own < MOST_OF_A_SOURCE;
        *own += usize::from(takes);
        self.count.others += u64::from(!takes);
        self.open.retain(|_, open| *open > 0);
        takes
    }

    fn leaves(&mut self, source: IpAddr) {
        if let Some(open) = self.open.get_mut(&source) {
            *open -= 1;
        }
        self.open.retain(|_, open| *open > 0);
    }
}

async fn hear_datagrams(socket: UdpSocket, desk: Shared) {
    // One byte more than is answered, so that what is cut off is not taken for whole.
    let mut buffer = [0; stun::LARGEST_QUESTION + 1];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                let said = buffer.get(..length).unwrap_or_default();
                let answer = at_desk(&desk, |desk| desk.answer(said, from, Transport::Udp));
                if let Some(answer) = answer {
                    // Whoever cannot be reached has nothing to hear.
                    let _ = socket.send_to(&answer, from).await;
                }
            }
            // What ICMP says of an answer shows here, and on some systems again and again.
            Err(_) => time::sleep(Duration::from_millis(1)).await,
        }
    }
}

async fn hear_streams(listener: TcpListener, desk: Shared) {
    let mut conversations = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let source = source_of(from.ip());
                if at_desk(&desk, |desk| desk.takes(source)) {
                    let desk = Arc::clone(&desk);
                    conversations.spawn(async move {
                        // Late, broken off or done: it is over.
                        let _ = time::timeout(CONNECTION, hear(stream, from, &desk)).await;
                        at_desk(&desk, |desk| desk.leaves(source));
                    });
                }
            }
            Err(_) => time::sleep(CROWDED).await,
        }
        while conversations.try_join_next().is_some() {}
    }
}

/// Answers the questions of a connection, until it says something else.
async fn hear(mut stream: TcpStream, from: SocketAddr, desk: &Shared) -> io::Result<()> {
    let mut said = Vec::new();
    for _ in 0..MOST_QUESTIONS {
        let length = loop {
            if let Some(length) = length_of(&said) {
                break length;
            }
            let mut piece = [0; stun::LARGEST_QUESTION];
            let read = stream.read(&mut piece).await?;
            if read == 0 {
                return Ok(());
            }
            said.extend(piece.get(..read).unwrap_or_default());
        };
        let whole = said.get(..length).unwrap_or(&said);
        let answer = at_desk(desk, |desk| desk.answer(whole, from, Transport::Tcp));
        let Some(answer) = answer else { return Ok(()) };
        said.drain(..length.min(said.len()));
        stream.write_all(&answer).await?;
    }
    stream.shutdown().await
}

/// How long the question is that `said` begins with, once it is there; what is too long is there at once.
fn length_of(said: &[u8]) -> Option<usize> {
    let [high, low] = *said.get(2..)?.first_chunk::<2>()?;
    let length = 20 + usize::from(u16::from_be_bytes([high, low]));
    (said.len() >= length || length > stun::LARGEST_QUESTION).then_some(length)
}

/// Who shares a pace: an address, or the network that IPv6 gives one customer at least.
fn source_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// When each source, and all of them together, may have their next answer.
#[derive(Debug, Default)]
struct Pace {
    sources: HashMap<IpAddr, Timestamp>,
    all: Timestamp,
}

/// Nanoseconds that an answer takes of a source's bucket.
const OWN_COST: i64 = 1_000_000_000;

/// Nanoseconds that it takes of the bucket of all.
const COST_OF_ALL: i64 = OWN_COST / MOST_A_SECOND;

impl Pace {
    /// Whether `source` may have an answer now; then it counts.
    fn allows(&mut self, source: IpAddr, now: Timestamp) -> bool {
        if self.sources.len() >= MOST_SOURCES && !self.sources.contains_key(&source) {
            self.sources.retain(|_, full_again| *full_again > now);
            if self.sources.len() >= MOST_SOURCES {
                return false;
            }
        }
        let later = |full_again: Timestamp, cost: i64| {
            Timestamp::from_nanoseconds(full_again.max(now).nanoseconds().saturating_add(cost))
        };
        let own = later(self.sources.get(&source).copied().unwrap_or(now), OWN_COST);
        let all = later(self.all, COST_OF_ALL);
        let room =
            own.since(now) <= OWN_COST * BURST && all.since(now) <= COST_OF_ALL * MOST_A_SECOND;
        if room {
            self.sources.insert(source, own);
            self.all = all;
        }
        room
    }
}

fn datagrams_at(address: SocketAddr) -> Result<(UdpSocket, SocketAddr), Error> {
    let opened = bound(address, Type::DGRAM).and_then(|socket| {
        let socket = UdpSocket::from_std(socket.into())?;
        let own = socket.local_addr()?;
        Ok((socket, own))
    });
    opened.map_err(|source| Error::Taken { address, transport: Transport::Udp, source })
}

fn streams_at(address: SocketAddr) -> Result<TcpListener, Error> {
    let opened = bound(address, Type::STREAM).and_then(|socket| {
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    });
    opened.map_err(|source| Error::Taken { address, transport: Transport::Tcp, source })
}

fn bound(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        // 0.0.0.0 has a socket of its own.
        socket.set_only_v6(true)?;
    }
    if kind == Type::STREAM {
        // Connections that just ended keep nobody from beginning again.
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// What helps when an address cannot be listened on.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there: end it, or give another port by --listen"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need the right to them: give one above by --listen"
        }
        io::ErrorKind::AddrNotAvailable => "give an address of this machine by --listen",
        _ => "give another address by --listen",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_nanoseconds(milliseconds * 1_000_000)
    }

    fn source(number: u32) -> IpAddr {
        IpAddr::from((0xcb00_7100 + number).to_be_bytes())
    }

    #[test]
    fn a_source_gets_ten_answers_at_once_and_one_a_second_after() {
        let mut pace = Pace::default();
        let answers =
            |pace: &mut Pace, now| (0..50).filter(|_| pace.allows(source(1), at(now))).count();
        assert_eq!(answers(&mut pace, 0), 10);
        assert_eq!((answers(&mut pace, 999), answers(&mut pace, 1000)), (0, 1));
        assert_eq!(answers(&mut pace, 4000), 3);
        assert!(pace.allows(source(2), at(4000)), "another is not kept from asking");
    }

    #[test]
    fn a_flood_from_everywhere_gets_a_hundred_answers_a_second_and_costs_no_memory() {
        let mut pace = Pace::default();
        let mut answered = 0;
        for number in 0..200_000_u32 {
            // Twenty seconds of ten thousand questions a second, each from another.
            let now = at(i64::from(number) / 10);
            answered += usize::from(pace.allows(source(number), now));
            assert!(pace.sources.len() <= MOST_SOURCES);
        }
        assert!((2000..=2100).contains(&answered), "{answered}");
    }

    #[test]
    fn a_customer_of_ipv6_is_one_source() {
        let of = |text: &str| source_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::7"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::7"), of("2001:db8:1:3::7"));
        assert_ne!(of("203.0.113.1"), of("203.0.113.2"));
    }

    #[test]
    fn a_question_is_there_when_all_of_it_is() {
        let question = stun::ask(*b"of this host");
        assert!((0..20).all(|end| length_of(&question[..end]).is_none()));
        assert_eq!(length_of(&question), Some(20));
        assert_eq!(length_of(&[0, 1, 0xff, 0xff]), Some(65_555), "too long is known at once");
    }
}
