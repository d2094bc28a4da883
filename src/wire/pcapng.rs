//! pcapng (draft-ietf-opsawg-pcapng): the blocks that recordings are made of, and their options.
//!
//! Blocks are read in either byte order and written little-endian.

use super::{Reader, Result, require};

/// Begins a section; the same number in both byte orders.
pub const SECTION: u32 = 0x0a0d_0d0a;
/// Describes an interface.
pub const INTERFACE: u32 = 1;
/// Says something of an interface; recordings keep their journal in its comment.
pub const STATISTICS: u32 = 5;
/// Holds a packet.
pub const PACKET: u32 = 6;

/// Option of every block: words for people.
pub const COMMENT: u16 = 1;
/// Option of an interface: its name.
pub const NAME: u16 = 2;
/// Option of a section: what wrote it.
pub const APPLICATION: u16 = 4;
/// Option of an interface: the unit of its times.
const RESOLUTION: u16 = 9;

/// The largest block that is read.
pub const LARGEST: usize = 16 << 20;

/// The most that one option holds; longer comments are written as several.
const LONGEST_OPTION: usize = 0xfff0;

/// A block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// What it is.
    pub kind: u32,
    /// What stands between its two lengths.
    pub body: &'a [u8],
}

impl<'a> Block<'a> {
    /// Reads the block that `bytes` begin with.
    pub fn parse(bytes: &'a [u8], big_endian: bool) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let kind = number(&mut r, "block type", big_endian)?;
        let length = number(&mut r, "block length", big_endian)? as usize;
        require("block length", (12..=LARGEST).contains(&length) && length.is_multiple_of(4))?;
        let body = r.bytes("block", length - 12)?;
        let again = number(&mut r, "block length", big_endian)? as usize;
        require("block length", again == length)?;
        Ok(Self { kind, body })
    }

    /// How long the block is, with both lengths.
    pub fn length(&self) -> usize {
        self.body.len() + 12
    }

    /// Writes the block. The body is a whole number of 32-bit words.
    pub fn emit(&self, big_endian: bool) -> Vec<u8> {
        let length = u32::try_from(self.length()).unwrap_or(u32::MAX);
        let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        [&word(self.kind), &word(length), self.body, &word(length)].concat()
    }
}

/// A packet and what its block says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The interface, by its place in the section.
    pub interface: u32,
    /// When it passed, in the interface's unit.
    pub at: u64,
    /// How long it was on the wire.
    pub original: u32,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// Options, as [`options`] reads them.
    pub options: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads the body of a block of kind [`PACKET`].
    pub fn parse(body: &'a [u8], big_endian: bool) -> Result<Self> {
        let mut r = Reader::new(body);
        let mut next = |field| number(&mut r, field, big_endian);
        let interface = next("interface")?;
        let (high, low) = (next("time")?, next("time")?);
        let (length, original) = (next("captured length")? as usize, next("original length")?);
        let bytes = r.bytes("packet", length)?;
        r.skip("padding", length.next_multiple_of(4) - length)?;
        let at = u64::from(high) << 32 | u64::from(low);
        Ok(Self { interface, at, original, bytes, options: r.rest() })
    }
}

/// The options in `bytes` as number and value, up to the end marker or the first that lies about its length.
pub fn options(bytes: &[u8], big_endian: bool) -> impl Iterator<Item = (u16, &[u8])> {
    let mut r = Reader::new(bytes);
    std::iter::from_fn(move || {
        let (code, length) = if big_endian {
            (r.u16("option").ok()?, r.u16("option length").ok()?)
        } else {
            (r.u16_le("option").ok()?, r.u16_le("option length").ok()?)
        };
        if code == 0 {
            return None;
        }
        let value = r.bytes("option", length.into()).ok()?;
        r.bytes_up_to(value.len().next_multiple_of(4) - value.len());
        Some((code, value))
    })
}

/// Every comment among the options in `bytes`, as one text: what is too long for one option stands in several.
pub fn comment(bytes: &[u8], big_endian: bool) -> String {
    let comments = options(bytes, big_endian).filter(|(code, _)| *code == COMMENT);
    let whole: Vec<u8> = comments.flat_map(|(_, value)| value).copied().collect();
    String::from_utf8_lossy(&whole).into_owned()
}

/// Where the options begin in the body of a block of this kind, except in [`PACKET`].
pub fn options_of(block: Block<'_>) -> &[u8] {
    let from = match block.kind {
        SECTION => 16,
        INTERFACE => 8,
        STATISTICS => 12,
        _ => block.body.len(),
    };
    block.body.get(from..).unwrap_or_default()
}

/// Writes the header of a section of unknown length, with a comment.
pub fn section(application: &str, comment: &str) -> Vec<u8> {
    let mut body = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
    // Version 1.0; a length of -1 is one that nobody knows yet.
    body.extend([1, 0, 0, 0]);
    body.extend([0xff; 8]);
    add_option(&mut body, APPLICATION, application.as_bytes(), false);
    add_comment(&mut body, comment, false);
    block(SECTION, body)
}

/// Writes the description of an interface whose times are in nanoseconds.
pub fn interface(link_type: u16, name: &str) -> Vec<u8> {
    let mut body = [link_type.to_le_bytes(), [0; 2]].concat();
    body.extend([0; 4]);
    add_option(&mut body, NAME, name.as_bytes(), false);
    add_option(&mut body, RESOLUTION, &[9], false);
    block(INTERFACE, body)
}

/// Writes a line about an interface.
pub fn statistics(interface: u32, at: u64, comment: &str) -> Vec<u8> {
    let mut body = interface.to_le_bytes().to_vec();
    add_time(&mut body, at);
    add_comment(&mut body, comment, false);
    block(STATISTICS, body)
}

/// Adds the block of a packet without comment to `blocks`: the quick way, for many. Its bytes fit into a block.
pub fn add_packet(blocks: &mut Vec<u8>, interface: u32, at: u64, bytes: &[u8]) {
    // Both lengths, kind, interface, time, captured and original length.
    const AROUND: usize = 32;
    let captured = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let whole = (AROUND + bytes.len()).next_multiple_of(4);
    let length = u32::try_from(whole).unwrap_or(u32::MAX).to_le_bytes();
    let end = blocks.len() + whole;
    blocks.reserve(whole);
    blocks.extend_from_slice(&PACKET.to_le_bytes());
    blocks.extend_from_slice(&length);
    blocks.extend_from_slice(&interface.to_le_bytes());
    add_time(blocks, at);
    blocks.extend_from_slice(&captured.to_le_bytes());
    blocks.extend_from_slice(&captured.to_le_bytes());
    blocks.extend_from_slice(bytes);
    blocks.resize(end - length.len(), 0);
    blocks.extend_from_slice(&length);
}

/// Writes a packet with a comment; none when it is empty.
pub fn packet(interface: u32, at: u64, bytes: &[u8], original: u32, comment: &str) -> Vec<u8> {
    let mut body = interface.to_le_bytes().to_vec();
    add_time(&mut body, at);
    body.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    body.extend(original.to_le_bytes());
    body.extend_from_slice(bytes);
    body.resize(body.len().next_multiple_of(4), 0);
    if !comment.is_empty() {
        add_comment(&mut body, comment, false);
    }
    block(PACKET, body)
}

/// Adds an option and its padding.
pub fn add_option(body: &mut Vec<u8>, code: u16, value: &[u8], big_endian: bool) {
    let value = value.get(..LONGEST_OPTION).unwrap_or(value);
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    for field in [code, length] {
        body.extend(if big_endian { field.to_be_bytes() } else { field.to_le_bytes() });
    }
    body.extend_from_slice(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

/// Adds a comment in as many options as it takes.
pub fn add_comment(body: &mut Vec<u8>, comment: &str, big_endian: bool) {
    let mut rest = comment;
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(rest.floor_char_boundary(LONGEST_OPTION));
        add_option(body, COMMENT, head.as_bytes(), big_endian);
        rest = tail;
    }
}

fn add_time(body: &mut Vec<u8>, at: u64) {
    for half in [at >> 32, at & 0xffff_ffff] {
        body.extend(u32::try_from(half).unwrap_or_default().to_le_bytes());
    }
}

/// A block whose options end here.
fn block(kind: u32, mut body: Vec<u8>) -> Vec<u8> {
    body.extend([0; 4]);
    Block { kind, body: &body }.emit(false)
}

fn number(r: &mut Reader<'_>, field: &'static str, big_endian: bool) -> Result<u32> {
    if big_endian { r.u32(field) } else { r.u32_le(field) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_emits_parses_back() {
        let written = packet(3, 1 << 40 | 7, b"abcde", 90, "asked ssh 7");
        let block = Block::parse(&written, false).unwrap();
        assert_eq!((block.kind, block.length()), (PACKET, written.len()));
        let packet = Packet::parse(block.body, false).unwrap();
        assert_eq!((packet.interface, packet.at, packet.original), (3, 1 << 40 | 7, 90));
        assert_eq!(
            (packet.bytes, &*comment(packet.options, false)),
            (&b"abcde"[..], "asked ssh 7")
        );
        assert_eq!(block.emit(false), written);
        let block = statistics(1, 9, "end");
        let block = Block::parse(&block, false).unwrap();
        assert_eq!(comment(options_of(block), false), "end");
    }

    #[test]
    fn many_packets_are_written_one_behind_the_other() {
        let mut blocks = Vec::new();
        let all: [&[u8]; 4] = [b"abcde", b"", b"abcd", b"abc"];
        for (number, bytes) in (0..).zip(all) {
            add_packet(&mut blocks, 1, 1 << 40 | number, bytes);
        }
        let mut rest = &blocks[..];
        for (number, bytes) in (0..).zip(all) {
            let block = Block::parse(rest, false).unwrap();
            let packet = Packet::parse(block.body, false).unwrap();
            assert_eq!((packet.interface, packet.at, packet.bytes), (1, 1 << 40 | number, bytes));
            assert_eq!((packet.original as usize, packet.options.len()), (bytes.len(), 0));
            rest = &rest[block.length()..];
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn a_comment_may_be_longer_than_an_option() {
        let plan = "関所".repeat(40_000);
        let written = section("sekisho 1", &plan);
        let block = Block::parse(&written, false).unwrap();
        assert_eq!(comment(options_of(block), false), plan);
        let application = options(options_of(block), false).next();
        assert_eq!(application, Some((APPLICATION, &b"sekisho 1"[..])));
    }

    #[test]
    fn refuses_every_truncation() {
        let written = interface(101, "sekisho conversations");
        crate::wire::refuses_every_truncation(&written, |bytes| Block::parse(bytes, false));
        let body = [[0; 20].as_slice(), &[1, 2, 3, 4]].concat();
        crate::wire::refuses_every_truncation(&body[..20], |bytes| Packet::parse(bytes, true));
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let mut written = interface(1, "eth0");
        let last = written.len() - 4;
        written[last] ^= 4;
        assert!(Block::parse(&written, false).is_err_and(|error| !error.wants_more()));
        assert!(Block::parse(&[6, 0, 0, 0, 8, 0, 0, 0], false).is_err_and(|e| !e.wants_more()));
    }
}
