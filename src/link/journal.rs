//! How far a run came, read from its recording, so that one that was killed can go on.
//!
//! The lines of the journal are comments of the recording. The recorder writes [`OPEN`] and [`CLOSED`]; whoever
//! sweeps notes `sweep <stage> <place>`, and whoever finishes the plan [`END`].

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, BufReader, Read as _},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{CallId, listen, record};
use crate::{
    observe::Transport,
    wire::{
        ipv4, ipv6,
        pcapng::{self, Block, Packet},
        tcp::Segment,
        udp::Datagram,
    },
};

/// Begins the line of a conversation that is begun: its number, transport, whom it is with, the probe.
pub const OPEN: &str = "open";

/// Begins the line of a conversation that is over: its number, and how it ended.
pub const CLOSED: &str = "closed";

/// Begins the line that says how far a stage of the sweep came.
pub const SWEEP: &str = "sweep";

/// The line that says that the plan is done.
pub const END: &str = "end";

/// How many questions and how many further lines are read.
const MOST: usize = 1 << 20;

/// Why a recording cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("{}: cannot be read ({source})", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is no recording, or not even its beginning was written.
    #[error("{}: this is no recording of a run; name the file that `--record` made", .0.display())]
    NotARecording(PathBuf),
}

/// How far a run came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Journal {
    /// What the run was to do.
    pub plan: String,
    /// How far each stage of the sweep came.
    pub sweeps: BTreeMap<String, u64>,
    /// What was asked in conversations, of whom and in which probe.
    pub questions: BTreeMap<(SocketAddr, Transport, String), Question>,
    /// Further lines, as they were noted.
    pub notes: Vec<String>,
    /// The highest number that a conversation had.
    pub highest: Option<CallId>,
    /// Whether the plan was done.
    pub ended: bool,
    /// How many bytes of the file are whole blocks.
    pub length: u64,
    /// Whether something behind them is not.
    pub torn: bool,
    /// Whether that is more than the beginning of a block that was never written to its end.
    pub damaged: bool,
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Question {
    /// How often it was asked.
    pub times: u32,
    /// Whether anything was said in answer.
    pub answered: bool,
    /// Whether a conversation about it came to its end.
    pub finished: bool,
}

type Key = (SocketAddr, Transport, String);

impl Journal {
    /// Reads the recording at `path`, up to its end or to where it was torn off.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        Self::of(BufReader::new(File::open(path).map_err(unreadable)?), path)
    }

    /// Reads a recording, which errors call `path`.
    pub fn of(mut file: impl io::Read, path: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let mut journal = Self::default();
        let mut calls: HashMap<u32, Key> = HashMap::new();
        let mut begun = false;
        loop {
            let mut bytes = Vec::new();
            file.by_ref().take(8).read_to_end(&mut bytes).map_err(unreadable)?;
            let told = bytes.get(4..8).and_then(|four| four.first_chunk::<4>().copied());
            let length = told.map_or(0, u32::from_le_bytes);
            if u64::from(length) <= pcapng::LARGEST as u64 {
                let rest = u64::from(length).saturating_sub(8);
                file.by_ref().take(rest).read_to_end(&mut bytes).map_err(unreadable)?;
            }
            let Ok(block) = Block::parse(&bytes, false) else {
                journal.torn = !bytes.is_empty();
                let is_cut = bytes.len() < 8
                    || (12..=pcapng::LARGEST as u64).contains(&u64::from(length))
                        && (bytes.len() as u64) < u64::from(length);
                // A machine that lost its power leaves zeros where nothing was written.
                let last = bytes.last_chunk::<4>().copied().unwrap_or_default();
                journal.damaged = !is_cut && !is_empty(last, &mut file).map_err(unreadable)?;
                break;
            };
            begun = begun || journal.begin(block);
            if !begun {
                break;
            }
            journal.block(block, &mut calls);
            journal.length += block.length() as u64;
        }
        if begun { Ok(journal) } else { Err(Error::NotARecording(path.to_owned())) }
    }

    /// Whether this is the header of a recording; then its plan is taken.
    fn begin(&mut self, block: Block<'_>) -> bool {
        let options = pcapng::options_of(block);
        let ours = |(code, value): (u16, &[u8])| {
            code == pcapng::APPLICATION
                && value.starts_with(record::APPLICATION.as_bytes())
                && !value.starts_with(listen::APPLICATION.as_bytes())
        };
        // Recordings are little-endian.
        let is_ours = block.kind == pcapng::SECTION
            && block.body.starts_with(&[0x4d, 0x3c, 0x2b, 0x1a])
            && pcapng::options(options, false).any(ours);
        if is_ours {
            self.plan = pcapng::comment(options, false);
        }
        is_ours
    }

    fn block(&mut self, block: Block<'_>, calls: &mut HashMap<u32, Key>) {
        match block.kind {
            pcapng::STATISTICS => {
                self.line(&pcapng::comment(pcapng::options_of(block), false), calls);
            }
            pcapng::PACKET => {
                let Ok(packet) = Packet::parse(block.body, false) else { return };
                let comment = pcapng::comment(packet.options, false);
                let call = comment.strip_prefix("replied ").and_then(|rest| rest.split(' ').nth(1));
                let call = call.and_then(|number| number.parse::<u32>().ok());
                if let Some(key) = call.and_then(|number| calls.get(&number))
                    && says_something(packet.bytes)
                    && let Some(question) = self.questions.get_mut(key)
                {
                    question.answered = true;
                }
            }
            _ => {}
        }
    }

    fn line(&mut self, line: &str, calls: &mut HashMap<u32, Key>) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [END] => self.ended = true,
            [SWEEP, stage, place] if place.parse::<u64>().is_ok() => {
                let place = place.parse().unwrap_or_default();
                self.sweeps.insert((*stage).to_owned(), place);
            }
            [OPEN, number, transport, to, probe] => {
                let transport = match *transport {
                    "tcp" => Transport::Tcp,
                    _ => Transport::Udp,
                };
                let Some((number, to)) = number.parse().ok().zip(to.parse().ok()) else { return };
                self.highest = self.highest.max(Some(CallId(number)));
                let key: Key = (to, transport, (*probe).to_owned());
                if self.questions.len() < MOST || self.questions.contains_key(&key) {
                    self.questions.entry(key.clone()).or_default().times += 1;
                    calls.insert(number, key);
                }
            }
            [CLOSED, number, how] => {
                let key = number.parse().ok().and_then(|number: u32| calls.remove(&number));
                if let Some(question) = key.and_then(|key| self.questions.get_mut(&key)) {
                    // What the system could not send was not asked.
                    if *how == "unsent" {
                        question.times = question.times.saturating_sub(1);
                    } else {
                        question.finished = true;
                    }
                }
            }
            _ if self.notes.len() < MOST && !line.is_empty() => self.notes.push(line.to_owned()),
            _ => {}
        }
    }
}

/// Whether nothing but zeros is left from the end of a block on.
fn is_empty(end: [u8; 4], rest: &mut impl io::Read) -> io::Result<bool> {
    let mut part = [0; 4096];
    let mut empty = end == [0; 4];
    while empty {
        let length = rest.read(&mut part)?;
        if length == 0 {
            break;
        }
        empty = part.iter().take(length).all(|byte| *byte == 0);
    }
    Ok(empty)
}

/// Whether a packet carries words, and not just a handshake or an end.
fn says_something(packet: &[u8]) -> bool {
    let (protocol, payload) = match packet.first().map(|first| first >> 4) {
        Some(4) => match ipv4::Packet::parse(packet) {
            Ok(packet) => (packet.protocol, packet.payload),
            Err(_) => return false,
        },
        _ => match ipv6::Packet::parse(packet) {
            Ok(packet) => (packet.protocol, packet.payload),
            Err(_) => return false,
        },
    };
    match protocol {
        crate::wire::tcp::NUMBER => Segment::parse(payload).is_ok_and(|s| !s.payload.is_empty()),
        crate::wire::udp::NUMBER => Datagram::parse(payload).is_ok(),
        _ => false,
    }
}
