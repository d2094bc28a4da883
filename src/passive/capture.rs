//! Capture files: pcap and pcapng, both byte orders, plain or compressed by gzip or zstd.
//!
//! The formats are read by `pcap-parser`; this file keeps the window over the input, so that a lying
//! length costs no memory and a fault is told with the packet's number and the byte it stands at.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use pcap_parser::{
    PcapError, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header,
    pcapng::{self, Block},
};

use serde::Deserialize;

use crate::{scope::Vantage, time::Timestamp, wire::pcapng as blocks};

/// The largest block or packet that is read; a larger one is a lie (the largest snapshot length that
/// libpcap allows for anything but USB is 256 KiB).
const LARGEST: usize = 16 << 20;

/// How much is asked of the input at once.
const WINDOW: usize = 1 << 20;

/// How many interfaces a section may describe.
const MOST_INTERFACES: usize = 4096;

/// Enhanced Packet Block of pcapng.
const ENHANCED_PACKET: u32 = 6;

/// What sections of our own recordings say wrote them, before the version.
const RECORDER: &str = "sekisho";

/// What stands behind that in what was listened to.
const LISTENER: &str = "listen";

/// The interface of our recordings on which encrypted conversations stand in clear.
const INSIDE_TLS: &str = "sekisho inside tls";

/// The line of a recording's journal that says that the run was finished.
const END: &str = "end";

/// Begins the lines of a recording's journal that tell what the run could not measure: subject, state, count, detail.
pub const COVERAGE: &str = "coverage";

/// How many such lines are kept of one recording.
const MOST_NOTES: usize = 512;

/// How many more, of those that are about one network: 256 networks, and room for sixteen ways to look at each.
const MOST_NETWORK_NOTES: usize = 1 << 12;

/// How many bytes of such a line are kept.
const LONGEST_NOTE: usize = 256;

/// How much of a packet's comment is read.
const LONGEST_COMMENT: usize = 128;

/// Old Packet Block of pcapng drafts, which some tools still write.
const OLD_PACKET: u32 = 2;

/// Why a file gives no packets at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be opened or read.
    #[error("{name}: {source}")]
    Unreadable {
        /// The file.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is no capture.
    #[error(
        "{name}: this is no packet capture (it begins {found}); sekisho reads pcap and pcapng, plain, .gz or .zst — export \
         other formats to pcapng first, for example with `editcap -F pcapng`"
    )]
    NotACapture {
        /// The file.
        name: String,
        /// Its first bytes in hexadecimal, or what they are known to be.
        found: String,
    },
    /// It is empty.
    #[error(
        "{name}: the file is empty; was the capture stopped before the first packet was written?"
    )]
    Empty {
        /// The file.
        name: String,
    },
}

/// Where and why reading a file ended before its end. What came before is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The number of the packet that could not be read, from 1.
    pub packet: u64,
    /// The byte, in the uncompressed capture, at which it begins.
    pub offset: u64,
    /// What is wrong.
    pub reason: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "packet {} at byte {}: {}", self.packet, self.offset, self.reason)
    }
}

/// A run of packets of one file.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Their bytes, one after another.
    pub bytes: Vec<u8>,
    /// Where each lies.
    pub packets: Vec<Captured>,
}

/// One packet of a chunk.
#[derive(Debug, Clone, Copy)]
pub struct Captured {
    /// Its number in the file, from 1.
    pub number: u64,
    /// When it passed.
    pub at: Timestamp,
    /// Its link layer (`LINKTYPE_` value).
    pub link_type: i32,
    /// Where it begins in the chunk.
    pub start: usize,
    /// How many bytes were captured.
    pub length: usize,
    /// Whether it was longer on the wire.
    pub cut: bool,
    /// Which part it has in a run of ours.
    pub role: Role,
    /// Whether it shows in clear what an encrypted conversation said, beside that conversation.
    pub clear: bool,
    /// How long its comment is, which lies behind its bytes.
    pub comment: usize,
}

/// Which part a packet has in a run that was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// None: it was heard in passing, as all packets of other captures are.
    #[default]
    Overheard,
    /// We sent it.
    Asked,
    /// It came in answer.
    Replied,
}

impl Chunk {
    /// How much memory it takes, in bytes. What is noted of a packet counts, or a file of empty packets would
    /// never fill a chunk.
    pub fn weight(&self) -> usize {
        self.bytes.len() + self.packets.len() * size_of::<Captured>()
    }

    /// The bytes of a packet of this chunk.
    pub fn bytes_of(&self, packet: &Captured) -> &[u8] {
        self.bytes.get(packet.start..packet.start + packet.length).unwrap_or_default()
    }

    /// What a recording says of a packet of this chunk; empty in other captures.
    pub fn comment_of(&self, packet: &Captured) -> &str {
        let from = packet.start + packet.length;
        let bytes = self.bytes.get(from..from + packet.comment).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Forgets its packets and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.packets.clear();
    }
}

/// A capture that is being read.
pub struct Capture {
    input: Box<dyn Read + Send>,
    window: Vec<u8>,
    /// How much of the window was consumed.
    at: usize,
    /// The input is at its end.
    ended: bool,
    /// Where in the uncompressed capture the unread part begins.
    offset: u64,
    /// How many packets were read.
    packets: u64,
    format: Format,
    /// What the system said when reading failed.
    trouble: Option<String>,
    fault: Option<Fault>,
    /// How much of the file was read, as it lies there.
    taken: Arc<AtomicU64>,
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(space)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

enum Format {
    Pcap { big_endian: bool, modified: bool, nanoseconds: bool, link_type: i32 },
    Pcapng(Section),
}

/// The section of a pcapng file that is being read.
#[derive(Default)]
struct Section {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// Who wrote it.
    writer: Writer,
    /// The run that this section, or one before, records.
    run: Run,
    /// What this section, or one before, notes of what could not be measured.
    notes: Notes,
    /// When a listener of ours told what it missed.
    told: Option<Timestamp>,
    /// From where that run looked.
    vantage: Vantage,
}

/// What is read of a run's plan, which is the run's own.
#[derive(Deserialize)]
struct Plan {
    #[serde(default)]
    vantage: Vantage,
}

/// Who wrote a section.
#[derive(Default, Clone, Copy, PartialEq)]
enum Writer {
    /// Somebody else.
    #[default]
    Other,
    /// A run of ours, with its journal.
    Run,
    /// A listener of ours, which tells what it missed.
    Listener,
}

impl Writer {
    /// By what a section says wrote it.
    fn of(application: &str) -> Self {
        let mut words = application.split(' ');
        match (words.next(), words.next()) {
            (Some(RECORDER), Some(LISTENER)) => Self::Listener,
            (Some(RECORDER), _) => Self::Run,
            _ => Self::Other,
        }
    }
}

/// What a run noted of what it could not measure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// The lines, without the word that they begin with.
    pub lines: Vec<String>,
    /// Those of them that are about one network: `<subject>@<network> …`. They take no room of the others.
    pub of_networks: Vec<String>,
    /// How many more there are, for which there was no room.
    pub lost: u64,
}

impl Notes {
    /// Takes in a line of the journal, if it is one.
    fn read(&mut self, line: &str) {
        let Some(note) = line.strip_prefix(COVERAGE).and_then(|rest| rest.strip_prefix(' ')) else {
            return;
        };
        let (lines, most) = match note.split(' ').next() {
            Some(subject) if subject.contains('@') => (&mut self.of_networks, MOST_NETWORK_NOTES),
            _ => (&mut self.lines, MOST_NOTES),
        };
        if lines.len() >= most {
            self.lost += 1;
            return;
        }
        let end = note.floor_char_boundary(LONGEST_NOTE);
        lines.push(note.get(..end).unwrap_or_default().to_owned());
    }
}

/// Whether a file records a run of ours, and all of it.
#[derive(Default, PartialEq)]
enum Run {
    #[default]
    None,
    Begun,
    Finished,
}

#[derive(Clone, Copy)]
struct Interface {
    link_type: i32,
    /// Time steps a second.
    resolution: u64,
    /// Seconds to add.
    offset: i64,
    /// How much of a simple packet block is captured; 0 for all.
    snapshot: u32,
    /// It shows encrypted conversations in clear.
    clear: bool,
}

/// What one step over the window gave.
enum Step {
    /// A packet, with where it lies in the window, and the length of its record.
    Packet { packet: Captured, record: usize },
    /// A block that is not a packet.
    Other { record: usize },
    /// This many more bytes are needed, at least.
    More(usize),
    /// Nothing further can be read.
    Broken(String),
}

impl Capture {
    /// Opens the file `path`, or standard input for `-`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        if name == "-" {
            return Self::read(Box::new(io::stdin()), &name);
        }
        let unreadable = |source| Error::Unreadable { name: name.clone(), source };
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.is_dir() {
            let source = io::Error::new(
                io::ErrorKind::IsADirectory,
                "this is a folder; name the files in it",
            );
            return Err(unreadable(source));
        }
        Self::read(Box::new(file), &name)
    }

    /// Reads a capture from `input`; `name` is for messages.
    pub fn read(input: Box<dyn Read + Send>, name: &str) -> Result<Self, Error> {
        let taken = Arc::new(AtomicU64::new(0));
        let mut input = Counted { input, taken: Arc::clone(&taken) };
        let unreadable = |source| Error::Unreadable { name: name.to_owned(), source };
        let mut head = Vec::new();
        input.by_ref().take(4).read_to_end(&mut head).map_err(unreadable)?;
        let whole = io::Cursor::new(head.clone()).chain(input);
        let input: Box<dyn Read + Send> = match head.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(whole)),
            [0x28, 0xb5, 0x2f, 0xfd] => {
                Box::new(zstd::stream::read::Decoder::new(whole).map_err(unreadable)?)
            }
            _ => Box::new(whole),
        };
        let format = Format::Pcapng(Section::default());
        let window = Vec::new();
        let mut capture = Self {
            input,
            window,
            at: 0,
            ended: false,
            offset: 0,
            packets: 0,
            format,
            trouble: None,
            fault: None,
            taken,
        };
        capture.fill(24);
        let found = capture.unread();
        match found {
            [] => return Err(Error::Empty { name: name.to_owned() }),
            // A section header; its byte order is read with it.
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => return Ok(capture),
            _ => {}
        }
        let Ok((_, header)) = parse_pcap_header(found) else {
            return Err(Error::NotACapture { name: name.to_owned(), found: kind_of(found) });
        };
        capture.format = Format::Pcap {
            big_endian: header.is_bigendian(),
            modified: header.is_modified_format(),
            nanoseconds: header.is_nanosecond_precision(),
            // The upper bits hold the length of a frame check sequence (pcap-savefile(5)).
            link_type: header.network.0 & 0x03ff_ffff,
        };
        capture.consume(24);
        Ok(capture)
    }

    /// Adds packets to `chunk` until it weighs `size` bytes or the capture ends. False at the end.
    pub fn read_chunk(&mut self, chunk: &mut Chunk, size: usize) -> bool {
        while self.fault.is_none() && chunk.weight() < size {
            match self.step() {
                Step::Packet { packet, record } => {
                    let from = self.at + packet.start;
                    let bytes = self.window.get(from..from + packet.length).unwrap_or_default();
                    let start = chunk.bytes.len();
                    chunk.bytes.extend_from_slice(bytes);
                    let comment = self.comment(packet, record);
                    chunk.bytes.extend_from_slice(comment.as_bytes());
                    self.packets += 1;
                    let (number, role, comment) = (self.packets, role_of(&comment), comment.len());
                    chunk.packets.push(Captured { number, start, role, comment, ..packet });
                    self.consume(record);
                }
                Step::Other { record } => self.consume(record),
                Step::More(missing) => {
                    if self.fill(self.unread().len() + missing) {
                        continue;
                    }
                    let left = self.unread().len();
                    match self.trouble.take() {
                        None if left == 0 || self.is_finished() => return false,
                        None => self.break_off(format!(
                            "the file ends in the middle of it: {left} bytes are there, {missing} are missing; was the \
                             capture still being written, or the disk full?"
                        )),
                        Some(trouble) => self.break_off(format!(
                            "the file cannot be read further ({trouble}); was it copied whole?"
                        )),
                    }
                }
                Step::Broken(reason) => self.break_off(reason),
            }
        }
        self.fault.is_none()
    }

    /// Why reading ended before the file did, if it did.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Whether it records a run of ours.
    pub fn is_recording(&self) -> bool {
        matches!(&self.format, Format::Pcapng(section) if section.run != Run::None)
    }

    /// Whether the run that it records was finished, as far as it was read.
    pub fn is_finished(&self) -> bool {
        matches!(&self.format, Format::Pcapng(section) if section.run == Run::Finished)
    }

    /// From where the run that it records looked; the usual vantage where it records none.
    pub fn vantage(&self) -> Vantage {
        match &self.format {
            Format::Pcapng(section) => section.vantage.clone(),
            Format::Pcap { .. } => Vantage::default(),
        }
    }

    /// What the run that it records could not measure, as its last section tells, or what a listener of ours missed.
    pub fn notes(&self) -> Option<&Notes> {
        match &self.format {
            Format::Pcapng(section) => Some(&section.notes),
            Format::Pcap { .. } => None,
        }
    }

    /// When a listener of ours told what it missed, which it does when it ends.
    pub fn told(&self) -> Option<Timestamp> {
        match &self.format {
            Format::Pcapng(section) => section.told,
            Format::Pcap { .. } => None,
        }
    }

    /// What a recording says of the packet that stands at the beginning of the window.
    fn comment(&self, packet: Captured, record: usize) -> String {
        let Format::Pcapng(section) = &self.format else { return String::new() };
        let from = self.at + (packet.start + packet.length).next_multiple_of(4);
        let options = self.window.get(from..self.at + record - 4);
        let options = options.filter(|_| section.writer == Writer::Run);
        let options = options.unwrap_or_default();
        let comment = blocks::options(options, section.big_endian)
            .find(|(code, _)| *code == blocks::COMMENT)
            .map(|(_, text)| text.get(..LONGEST_COMMENT).unwrap_or(text));
        String::from_utf8_lossy(comment.unwrap_or_default()).into_owned()
    }

    /// How many bytes of the file were read so far, compressed or not as it is.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    fn break_off(&mut self, reason: String) {
        self.fault = Some(Fault { packet: self.packets + 1, offset: self.offset, reason });
    }

    fn unread(&self) -> &[u8] {
        self.window.get(self.at..).unwrap_or_default()
    }

    fn consume(&mut self, length: usize) {
        self.at += length;
        self.offset += length as u64;
    }

    /// Reads on until `wanted` unread bytes are there. False when the input ends before that.
    fn fill(&mut self, wanted: usize) -> bool {
        while self.unread().len() < wanted && !self.ended {
            self.window.drain(..self.at);
            self.at = 0;
            let before = self.window.len();
            // Never as much as a record says it needs: that much comes only if it is there.
            self.window.resize(before + WINDOW, 0);
            let space = self.window.get_mut(before..).unwrap_or_default();
            let read = loop {
                match self.input.read(space) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            };
            // What came before the trouble is still read; then the trouble is told.
            self.window.truncate(before + read.as_ref().map_or(0, |read| *read));
            self.ended = !matches!(read, Ok(1..));
            self.trouble = read.err().map(|error| error.to_string());
        }
        self.unread().len() >= wanted
    }

    fn step(&mut self) -> Step {
        let unread = self.window.get(self.at..).unwrap_or_default();
        match &mut self.format {
            Format::Pcap { big_endian, modified, nanoseconds, link_type } => {
                record(unread, *big_endian, *modified, *nanoseconds, *link_type)
            }
            Format::Pcapng(section) => block(unread, section),
        }
    }
}

/// One record of a pcap file.
fn record(
    bytes: &[u8],
    big_endian: bool,
    modified: bool,
    nanoseconds: bool,
    link_type: i32,
) -> Step {
    let number = |at| number(bytes, at, big_endian);
    let Some((length, original)) = number(8).zip(number(12)) else {
        return Step::More(16 - bytes.len());
    };
    // The "modified" format of old Linux kernels has 8 more header bytes.
    let header = if modified { 24 } else { 16 };
    let (length, record) = (length as usize, header + length as usize);
    if length > LARGEST {
        return Step::Broken(format!(
            "its record says that {length} bytes were captured of {original}, which no capture does; the file is \
             damaged from here on"
        ));
    }
    if let Some(missing @ 1..) = record.checked_sub(bytes.len()) {
        return Step::More(missing);
    }
    let parse = if big_endian { parse_pcap_frame_be } else { parse_pcap_frame };
    let Ok((_, frame)) = parse(bytes) else {
        return Step::Broken("its record cannot be read".to_owned());
    };
    let scale = if nanoseconds { 1 } else { 1000 };
    let at = Timestamp::new(frame.ts_sec.into(), i64::from(frame.ts_usec) * scale);
    let cut = frame.origlen > frame.caplen;
    Step::Packet { packet: captured(at, link_type, header, length, cut), record }
}

/// A packet that is none of ours, as far as its header says.
fn captured(at: Timestamp, link_type: i32, start: usize, length: usize, cut: bool) -> Captured {
    let (role, clear) = (Role::Overheard, false);
    Captured { number: 0, at, link_type, start, length, cut, role, clear, comment: 0 }
}

/// The part that a packet with this comment has.
fn role_of(comment: &str) -> Role {
    match comment.split(' ').next() {
        Some("asked") => Role::Asked,
        Some("replied") => Role::Replied,
        _ => Role::Overheard,
    }
}

/// One block of a pcapng file.
fn block(bytes: &[u8], section: &mut Section) -> Step {
    let Section { big_endian, interfaces, .. } = section;
    // A section header is the same in both byte orders, and tells which one follows.
    if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        match bytes.get(8..12) {
            Some([0x1a, 0x2b, 0x3c, 0x4d]) => *big_endian = true,
            Some([0x4d, 0x3c, 0x2b, 0x1a]) => *big_endian = false,
            Some(_) => return Step::Broken("its section header has no byte order".to_owned()),
            None => return Step::More(12 - bytes.len()),
        }
    }
    let Some((kind, record)) = number(bytes, 0, *big_endian).zip(number(bytes, 4, *big_endian))
    else {
        return Step::More(8 - bytes.len());
    };
    let record = record as usize;
    if !(12..=LARGEST).contains(&record) || !record.is_multiple_of(4) {
        return Step::Broken(format!(
            "its block (type {kind:#x}) says it is {record} bytes long, which no block is; the file is damaged from \
             here on"
        ));
    }
    if let Some(missing @ 1..) = record.checked_sub(bytes.len()) {
        return Step::More(missing);
    }
    let whole = bytes.get(..record).unwrap_or_default();
    if matches!(kind, ENHANCED_PACKET | OLD_PACKET) {
        return packet(whole, kind, *big_endian, interfaces)
            .unwrap_or_else(|| Step::Broken("its block is too short for a packet".to_owned()));
    }
    let parse = if *big_endian { pcapng::parse_block_be } else { pcapng::parse_block_le };
    let parsed: Result<(_, Block<'_>), pcap_parser::nom::Err<PcapError<&[u8]>>> = parse(whole);
    match parsed {
        Ok((_, Block::SectionHeader(_))) => {
            interfaces.clear();
            section.writer = option_of(whole, section.big_endian, blocks::APPLICATION)
                .map(Writer::of)
                .unwrap_or_default();
            if section.writer == Writer::Run {
                // Whoever goes on with a run tells at its end what is still missing.
                section.notes = Notes::default();
                let vantage = vantage_of(whole, section.big_endian);
                if section.run == Run::None {
                    section.run = Run::Begun;
                    section.vantage = vantage;
                } else if section.vantage != vantage {
                    return Step::Broken(format!(
                        "it begins the recording of a run from {vantage} behind one from {}; keep recordings apart",
                        section.vantage
                    ));
                }
            }
        }
        Ok((_, Block::InterfaceStatistics(told))) if section.writer != Writer::Other => {
            if let Some(of) = interfaces.first().filter(|_| section.writer == Writer::Listener) {
                section.told = Some(moment(of, told.ts_high, told.ts_low));
            }
            let line = option_of(whole, section.big_endian, blocks::COMMENT);
            match line {
                Some(END) if section.writer == Writer::Run => section.run = Run::Finished,
                Some(line) => section.notes.read(line),
                None => {}
            }
        }
        Ok((_, Block::InterfaceDescription(description))) if interfaces.len() < MOST_INTERFACES => {
            let name = option_of(whole, *big_endian, blocks::NAME);
            interfaces.push(Interface {
                link_type: description.linktype.0,
                resolution: description.ts_resolution().unwrap_or(1_000_000).max(1),
                offset: description.if_tsoffset,
                snapshot: description.snaplen,
                clear: section.writer == Writer::Run && name.is_some_and(|name| name == INSIDE_TLS),
            });
        }
        Ok((_, Block::SimplePacket(packet))) => {
            let Some(interface) = interfaces.first() else {
                return Step::Broken("no interface is described before it".to_owned());
            };
            let most = match interface.snapshot {
                0 => packet.origlen,
                limit => packet.origlen.min(limit),
            };
            let length = packet.data.len().min(most as usize);
            let (at, link_type) = (Timestamp::default(), interface.link_type);
            let cut = packet.origlen as usize > length;
            return Step::Packet { packet: captured(at, link_type, 12, length, cut), record };
        }
        // Names, statistics, secrets, comments: nothing was said on the wire. A block with broken
        // options is passed over too, since its length is known.
        Ok(_) | Err(_) => {}
    }
    Step::Other { record }
}

/// An Enhanced Packet Block or an old one: interface, time, lengths, data. Options behind them may be broken;
/// the packet counts all the same.
fn packet(block: &[u8], kind: u32, big_endian: bool, interfaces: &[Interface]) -> Option<Step> {
    let number = |at| number(block, at, big_endian);
    let interface = match (kind, big_endian) {
        // The old block has 16 bits for it, and 16 for drops.
        (OLD_PACKET, true) => number(8)? >> 16,
        (OLD_PACKET, false) => number(8)? & 0xffff,
        _ => number(8)?,
    };
    let Some(of) = interfaces.get(interface as usize) else {
        return Some(Step::Broken(format!(
            "it was captured on interface {interface}, which the file does not describe"
        )));
    };
    let (at, link_type) = (moment(of, number(12)?, number(16)?), of.link_type);
    let (length, original) = (number(20)? as usize, number(24)? as usize);
    let (length, cut) = (length.min(block.len().checked_sub(32)?), original > length);
    let packet = Captured { clear: of.clear, ..captured(at, link_type, 28, length, cut) };
    Some(Step::Packet { packet, record: block.len() })
}

/// From where the run looked whose plan stands in the header of this section; a plan that cannot be read looked from
/// nowhere in particular.
fn vantage_of(block: &[u8], big_endian: bool) -> Vantage {
    let Ok(block) = blocks::Block::parse(block, big_endian) else { return Vantage::default() };
    let plan = blocks::comment(blocks::options_of(block), big_endian);
    serde_json::from_str(&plan).map_or_else(|_| Vantage::default(), |plan: Plan| plan.vantage)
}

/// The first value of an option of a whole block, as text.
fn option_of(block: &[u8], big_endian: bool, code: u16) -> Option<&str> {
    let block = blocks::Block::parse(block, big_endian).ok()?;
    let mut options = blocks::options(blocks::options_of(block), big_endian);
    std::str::from_utf8(options.find(|(known, _)| *known == code)?.1).ok()
}

/// The moment that a packet block's two time fields give.
fn moment(interface: &Interface, high: u32, low: u32) -> Timestamp {
    let steps = u64::from(high) << 32 | u64::from(low);
    let (seconds, rest) = (steps / interface.resolution, steps % interface.resolution);
    let nanoseconds = u128::from(rest) * 1_000_000_000 / u128::from(interface.resolution);
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_add(interface.offset);
    Timestamp::new(seconds, i64::try_from(nanoseconds).unwrap_or_default())
}

/// The 32-bit number at `at`.
fn number(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let four = *bytes.get(at..)?.first_chunk::<4>()?;
    Some(if big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
}

/// What a file that is no capture seems to be, for the message.
fn kind_of(bytes: &[u8]) -> String {
    let known: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "like a ZIP archive: unpack it first"),
        (b"XCP\0", "like a NetXRay or Sniffer capture"),
        (b"snoop\0", "like a snoop capture"),
        (b"BZh", "like bzip2: unpack it first"),
        (b"\xfd7zXZ", "like xz: unpack it first"),
        (b"{", "like JSON"),
        (b"<?xml", "like XML"),
    ];
    let found = known.iter().find(|(magic, _)| bytes.starts_with(magic));
    let digits = crate::observe::facts::hex(bytes.get(..8).unwrap_or(bytes));
    found.map_or(format!("with the bytes {digits}"), |(_, kind)| (*kind).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pcap file with `packets` of one byte each.
    fn pcap(packets: usize) -> Vec<u8> {
        let mut file =
            hex_literal::hex!("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000").to_vec();
        for n in 0..packets {
            for field in [u32::try_from(n).unwrap(), 7, 1, 60] {
                file.extend(field.to_le_bytes());
            }
            file.push(0xaa);
        }
        file
    }

    fn read(file: &[u8]) -> Result<(Chunk, Option<Fault>), Error> {
        let mut capture = Capture::read(Box::new(io::Cursor::new(file.to_vec())), "test.pcap")?;
        let mut chunk = Chunk::default();
        while capture.read_chunk(&mut chunk, usize::MAX) {}
        Ok((chunk, capture.fault().cloned()))
    }

    #[test]
    fn notes_about_networks_and_others_take_each_their_own_room() {
        let mut notes = Notes::default();
        for n in 0..MOST_NETWORK_NOTES + 9 {
            notes.read(&format!("coverage forward@10.{}.{}.0/24 measured 1", n / 256, n % 256));
        }
        for n in 0..MOST_NOTES + 3 {
            notes.read(&format!("coverage left_alone partial 1 10.0.0.{n} a@b"));
        }
        notes.read("coverages x");
        notes.read(&format!("coverage {}", "関".repeat(LONGEST_NOTE)));
        assert_eq!((notes.of_networks.len(), notes.lines.len()), (MOST_NETWORK_NOTES, MOST_NOTES));
        assert_eq!(notes.lost, 9 + 3 + 1);
        let mut notes = Notes::default();
        notes.read(&format!("coverage {}", "関".repeat(LONGEST_NOTE)));
        assert!(notes.lines[0].len() <= LONGEST_NOTE);
    }

    #[test]
    fn reads_packets_with_their_numbers_and_times() {
        let (chunk, fault) = read(&pcap(3)).unwrap();
        assert_eq!(fault, None);
        let last = chunk.packets.last().unwrap();
        assert_eq!((last.number, last.at, last.cut), (3, Timestamp::new(2, 7000), true));
        assert_eq!(chunk.bytes_of(last), [0xaa]);
    }

    #[test]
    fn a_packet_with_broken_options_counts() {
        let file = hex_literal::hex!(
            "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c"
            "00000001 00000014 0001 0000 00000000 00000014"
            // An option that says it is longer than the block; then the same packet in the old form.
            "00000006 0000002c 00000000 00000000 00000007 00000004 00000009 aabbccdd 0002ffff 61626364 0000002c"
            "00000002 00000024 0000 0003 00000000 00000008 00000004 00000004 aabbccdd 00000024"
        );
        let (chunk, fault) = read(&file).unwrap();
        assert_eq!((fault, chunk.packets.len()), (None, 2));
        let seen = |packet: &Captured| (packet.number, packet.at, packet.cut);
        let seen: Vec<_> = chunk.packets.iter().map(seen).collect();
        assert_eq!(seen, [(1, Timestamp::new(0, 7000), true), (2, Timestamp::new(0, 8000), false)]);
        assert!(chunk.packets.iter().all(|p| chunk.bytes_of(p) == [0xaa, 0xbb, 0xcc, 0xdd]));
    }

    #[test]
    fn a_capture_cut_anywhere_keeps_what_came_before() {
        let file = pcap(3);
        for end in 25..file.len() {
            let (chunk, fault) = read(&file[..end]).unwrap();
            let whole = (end - 24) / 17;
            assert_eq!(chunk.packets.len(), whole, "{end} bytes");
            let at_border = (end - 24) % 17 == 0;
            assert_eq!(
                fault.map(|f| (f.packet, f.offset)),
                (!at_border).then_some((whole as u64 + 1, 24 + whole as u64 * 17))
            );
        }
    }

    #[test]
    fn a_lying_length_is_told_with_its_packet_and_place() {
        let mut file = pcap(2);
        file[24 + 17 + 8..24 + 17 + 12].copy_from_slice(&u32::MAX.to_le_bytes());
        let (chunk, fault) = read(&file).unwrap();
        assert_eq!(chunk.packets.len(), 1);
        let fault = fault.unwrap();
        assert_eq!((fault.packet, fault.offset), (2, 41));
        assert!(fault.reason.contains("4294967295"), "{}", fault.reason);
    }

    #[test]
    fn empty_packets_fill_a_chunk_too() {
        let mut file = pcap(0);
        file.extend([0; 16].repeat(100_000));
        let mut capture = Capture::read(Box::new(io::Cursor::new(file)), "test.pcap").unwrap();
        let mut chunk = Chunk::default();
        assert!(capture.read_chunk(&mut chunk, 1 << 16));
        assert!(chunk.weight() < 2 << 16 && !chunk.packets.is_empty(), "{}", chunk.weight());
    }

    #[test]
    fn what_is_no_capture_is_told_so() {
        let error = read(b"PK\x03\x04 and then some more bytes").unwrap_err();
        assert!(error.to_string().contains("ZIP"), "{error}");
        assert!(matches!(read(b""), Err(Error::Empty { .. })));
        assert!(matches!(read(b"\xd4\xc3\xb2"), Err(Error::NotACapture { .. })));
    }

    #[test]
    fn compressed_captures_are_read_through() {
        let file = pcap(3);
        let packed = zstd::encode_all(&file[..], 3).unwrap();
        let mut capture =
            Capture::read(Box::new(io::Cursor::new(packed.clone())), "test.pcap").unwrap();
        while capture.read_chunk(&mut Chunk::default(), usize::MAX) {}
        assert_eq!(capture.taken(), packed.len() as u64);
        assert_eq!(read(&packed).unwrap().0.packets.len(), 3);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut gzip, &file).unwrap();
        let packed = gzip.finish().unwrap();
        assert_eq!(read(&packed).unwrap().0.packets.len(), 3);
        let (chunk, fault) = read(&packed[..packed.len() - 9]).unwrap();
        assert!(
            fault.is_some(),
            "{} packets and no word about the missing end",
            chunk.packets.len()
        );
    }
}
