//! Where the packets of a capture file lie, and which of its words go with it.

use std::ops::Range;

use crate::{
    passive::capture::Fault,
    wire::{
        link,
        pcapng::{self, Block, Packet},
    },
};

/// The largest packet that a capture holds.
const LARGEST: usize = 16 << 20;

/// A capture in memory, with its words replaced and its packets still as they were.
pub(super) struct File {
    /// The file.
    pub bytes: Vec<u8>,
    /// Each packet's link layer and where it lies.
    pub packets: Vec<(i32, Range<usize>)>,
    /// Where reading ended early, and why.
    pub fault: Option<Fault>,
}

impl File {
    /// Reads a capture. `words` is told what each comment says and whether it is a plan, and says what it is to say;
    /// blocks that hold names, keys or what nobody knows are left out.
    pub(super) fn read(file: &[u8], words: &dyn Fn(&str, bool) -> String) -> Self {
        let mut read = Self { bytes: Vec::new(), packets: Vec::new(), fault: None };
        let ended = if file.starts_with(&pcapng::SECTION.to_be_bytes()) {
            read.blocks(file, words)
        } else {
            read.records(file)
        };
        if let Err((at, reason)) = ended {
            let packet = read.packets.len() as u64 + 1;
            read.fault = Some(Fault { packet, offset: at as u64, reason: reason.to_owned() });
        }
        read
    }

    fn records(&mut self, file: &[u8]) -> Result<(), (usize, &'static str)> {
        let magic = file.first_chunk::<4>().copied().unwrap_or_default();
        let big_endian = magic[0] == 0xa1;
        let header = if magic.contains(&0x34) { 24 } else { 16 };
        let head = file.get(..24).ok_or((0, "it ends in its header"))?;
        let link_type = number(file, 20, big_endian).unwrap_or_default() & 0x03ff_ffff;
        let link_type = i32::try_from(link_type).unwrap_or_default();
        self.bytes.extend_from_slice(head);
        let mut at = 24;
        while at < file.len() {
            let length = number(file, at + 8, big_endian).ok_or((at, "it ends in a header"))?;
            let length = length as usize;
            let record = file.get(at..at + header + length).filter(|_| length <= LARGEST);
            let record = record.ok_or((at, "it is longer than what is left"))?;
            let begins = self.bytes.len() + header;
            self.bytes.extend_from_slice(record);
            self.packets.push((link_type, begins..begins + length));
            at += record.len();
        }
        Ok(())
    }

    fn blocks(
        &mut self,
        file: &[u8],
        words: &dyn Fn(&str, bool) -> String,
    ) -> Result<(), (usize, &'static str)> {
        let (mut at, mut big_endian, mut links) = (0, false, Vec::new());
        while let Some(rest) = file.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with(&pcapng::SECTION.to_be_bytes()) {
                big_endian = rest.get(8) == Some(&0x1a);
                links.clear();
            }
            let block = Block::parse(rest, big_endian).map_err(|_| (at, "its block is damaged"))?;
            at += block.length();
            self.block(block, big_endian, &mut links, words);
        }
        Ok(())
    }

    fn block(
        &mut self,
        block: Block<'_>,
        big_endian: bool,
        links: &mut Vec<i32>,
        words: &dyn Fn(&str, bool) -> String,
    ) {
        let options = pcapng::options_of(block);
        let head = block.body.len() - options.len();
        let mut body = block.body.get(..head).unwrap_or_default().to_vec();
        let mut packet = None;
        let kept: &[u16] = match block.kind {
            pcapng::SECTION => {
                // A length that is told would no longer be right.
                if let Some(length) = body.get_mut(8..16) {
                    length.fill(0xff);
                }
                &[pcapng::APPLICATION]
            }
            pcapng::INTERFACE => {
                let two = body.first_chunk::<2>().copied().unwrap_or_default();
                let kind =
                    if big_endian { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) };
                links.push(kind.into());
                // Name, resolution and offset of times.
                &[pcapng::NAME, 9, 14]
            }
            pcapng::STATISTICS => &[],
            pcapng::PACKET => {
                let Ok(of) = Packet::parse(block.body, big_endian) else { return };
                body.truncate(block.body.len() - of.options.len());
                let link = links.get(of.interface as usize).copied().unwrap_or(link::ETHERNET);
                packet = Some((link, 20..20 + of.bytes.len()));
                let comment = words(&pcapng::comment(of.options, big_endian), false);
                return self.add(block.kind, body, &[], &comment, big_endian, packet, of.options);
            }
            2 | 3 => {
                // Packets without options: an old block, and a simple one.
                let from = if block.kind == 2 { 20 } else { 4 };
                let length = number(block.body, if block.kind == 2 { 12 } else { 0 }, big_endian);
                let end = block.body.len().min(from + length.unwrap_or_default() as usize);
                let interface = match block.kind {
                    2 => block.body.get(usize::from(big_endian)).copied().unwrap_or_default(),
                    _ => 0,
                };
                let link = links.get(usize::from(interface)).copied().unwrap_or(link::ETHERNET);
                let begins = self.bytes.len() + 8;
                let body = block.body.get(..end.next_multiple_of(4)).unwrap_or(block.body);
                self.bytes.extend(Block { kind: block.kind, body }.emit(big_endian));
                self.packets.push((link, begins + from..begins + end.max(from)));
                return;
            }
            _ => return,
        };
        let comment = words(&pcapng::comment(options, big_endian), block.kind == pcapng::SECTION);
        self.add(block.kind, body, kept, &comment, big_endian, packet, options);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a block")]
    fn add(
        &mut self,
        kind: u32,
        mut body: Vec<u8>,
        kept: &[u16],
        comment: &str,
        big_endian: bool,
        packet: Option<(i32, Range<usize>)>,
        options: &[u8],
    ) {
        for (code, value) in pcapng::options(options, big_endian) {
            if kept.contains(&code) {
                pcapng::add_option(&mut body, code, value, big_endian);
            }
        }
        if !comment.is_empty() {
            pcapng::add_comment(&mut body, comment, big_endian);
        }
        body.extend([0; 4]);
        let begins = self.bytes.len() + 8;
        self.bytes.extend(Block { kind, body: &body }.emit(big_endian));
        if let Some((link, range)) = packet {
            self.packets.push((link, begins + range.start..begins + range.end));
        }
    }
}

fn number(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let four = *bytes.get(at..)?.first_chunk::<4>()?;
    Some(if big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
}
