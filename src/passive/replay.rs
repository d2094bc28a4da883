//! Captures to observations: the packets of many files, shared out over all cores.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::{Path, PathBuf},
};

use foldhash::quality::FixedState;
use ipnetwork::IpNetwork;
use rayon::prelude::*;

use super::{
    asked::Asked,
    capture::{Capture, Captured, Chunk, Error, Fault, Notes, Role},
    forward::{self, BORROWED},
    gateway::Stations,
    keep::Kept,
    lines::Lines,
    seen::Seen,
    shard::Shard,
};
use crate::{
    observe::{Mac, Observation, PacketId, dissect::Dissector},
    scope::{Inside, Vantage, destination::is_destination, inside::is_global},
    time::Timestamp,
    wire::{
        ethernet::{self, Kind},
        link::{self, Holds, Link},
    },
};

/// How many shards the conversations are shared out over. Fixed: the bounds are a shard's, so that another
/// number could give another result.
const SHARDS: usize = 8;

/// How many bytes of packets are read ahead.
const CHUNK: usize = 4 << 20;

/// What was heard in captures.
#[derive(Debug, Default)]
pub struct Replay {
    /// The files, in the order in which they were read: by their first packet.
    pub files: Vec<Read>,
    /// What was said, in the order of the packets that first show it.
    pub observations: Vec<Observation>,
    /// What counted as inside: as given, or inferred from what was heard.
    pub inside: Inside,
    /// What could not be followed.
    pub gaps: Gaps,
    /// Whether any of the files records a run of ours.
    pub is_recording: bool,
    /// What was sent to whom, as recordings show it.
    pub asked: Asked,
}

impl Replay {
    /// From where each file was heard, in their order.
    pub fn vantages(&self) -> Vec<Vantage> {
        self.files.iter().map(|file| file.vantage.clone()).collect()
    }

    /// A number for a vantage: that of the first file from there, from 1; 0 is the usual one.
    fn place_of(&self, vantage: &Vantage) -> u32 {
        if vantage.is_usual() {
            return 0;
        }
        let known = self.files.iter().position(|file| file.vantage == *vantage);
        u32::try_from(known.unwrap_or(self.files.len())).map_or(u32::MAX, |place| place + 1)
    }
}

/// One file that was read.
#[derive(Debug, Clone, Default)]
pub struct Read {
    /// Its name as it was given.
    pub name: String,
    /// How many packets it holds.
    pub packets: u64,
    /// How many bytes these packets hold.
    pub bytes: u64,
    /// When its first packet passed.
    pub began: Option<Timestamp>,
    /// When its last packet passed.
    pub ended: Option<Timestamp>,
    /// Where reading it ended early, and why.
    pub fault: Option<Fault>,
    /// Packets of link layers that are not understood, by `LINKTYPE_` value.
    pub foreign: BTreeMap<i32, u64>,
    /// A packet is older than one before it by more than a second.
    pub out_of_order: bool,
    /// It records a run of ours that did not come to its end.
    pub unfinished: bool,
    /// What the run of ours that it records could not measure.
    pub notes: Notes,
    /// From where the run of ours that it records looked.
    pub vantage: Vantage,
}

/// What could not be followed, and so may be missing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Gaps {
    /// Packets that were longer on the wire than in the capture.
    pub cut: u64,
    /// Packets that could not be read down to their protocol.
    pub unreadable: u64,
    /// Conversations that gave way to others before they were understood.
    pub given_up: u64,
    /// Observations that were not kept, and questions whose answers may not have been, for lack of room.
    pub refused: u64,
    /// Packets that show hardware addresses.
    pub framed: u64,
}

/// Reads `files` and tells what was said in them. `progress` is told how many more bytes of the files were read,
/// as they lie there, compressed or not, now and then.
///
/// `inside` is what a facility file gives; without it, it is inferred.
///
/// The order of `files` does not matter: they are read in the order of their first packets, then of their
/// names.
pub fn replay(
    files: &[PathBuf],
    inside: Option<&Inside>,
    progress: &(impl Fn(u64) + Sync),
) -> Result<Replay, Error> {
    let captures = in_order(files)?
        .into_iter()
        .map(|path| Ok((path.display().to_string(), Capture::open(&path)?)));
    hear(captures, inside, progress)
}

/// Tells what was said in `captures`, each with its name, in the order in which they come. As [`replay`] does
/// with files; captures may lie in memory.
pub fn hear(
    captures: impl IntoIterator<Item = Result<(String, Capture), Error>>,
    inside: Option<&Inside>,
    progress: &(impl Fn(u64) + Sync),
) -> Result<Replay, Error> {
    let mut found = Replay::default();
    let dissector = Dissector::new();
    let mut shards: Vec<Shard> = (0..SHARDS).map(|_| Shard::new(inside)).collect();
    for capture in captures {
        let (name, capture) = capture?;
        let file = u32::try_from(found.files.len()).unwrap_or(u32::MAX);
        let mut read = Read { name, ..Read::default() };
        read_file(capture, file, &mut read, &mut shards, &dissector, &mut found, progress);
        found.files.push(read);
    }
    shards.par_iter_mut().for_each(|shard| shard.finish(&dissector));
    for shard in &shards {
        found.gaps.cut += shard.cut;
        found.gaps.unreadable += shard.unreadable;
        found.gaps.given_up += shard.given_up();
    }
    let unanswered: u64 = shards.iter().map(Shard::unanswered).sum();
    let (kept, behind): (Vec<_>, Vec<_>) =
        shards.into_iter().map(|shard| (shard.kept, (shard.stations, shard.lines))).unzip();
    let (stations, lines): (Vec<_>, Vec<_>) = behind.into_iter().unzip();
    let (observations, refused) = Kept::join(kept.into_iter());
    found.gaps.refused = refused + unanswered;
    found.observations = observations;
    found.inside = match inside {
        Some(given) => given.clone(),
        None => Inside::inferred(on_link(&found.observations)),
    };
    let lines = Lines::join(lines.into_iter());
    let stations = Stations::join(stations.into_iter());
    let claims = claimed(&found.observations);
    found.observations.extend(stations.observations(&found.inside, &lines, &claims));
    Ok(found)
}

/// Which addresses hardware addresses said that they have.
fn claimed(observations: &[Observation]) -> BTreeSet<(Mac, IpAddr)> {
    let told = observations.iter().filter(|observation| observation.protocol == "arp");
    let claim = |observation: &Observation| {
        let address = observation.facts.get("arp.ip")?.parse().ok()?;
        Some((observation.speaker.mac?, address))
    };
    told.filter_map(claim).collect()
}

/// Global networks that speak on the wire themselves: a hospital may own one. Two speakers are an access
/// line with its far end; three are a network. Whoever answers for an address that outside questions are addressed to
/// stands in for it, and has it not.
fn on_link(observations: &[Observation]) -> Vec<IpNetwork> {
    let mut networks: BTreeMap<IpNetwork, BTreeSet<Mac>> = BTreeMap::new();
    for observation in observations.iter().filter(|observation| observation.protocol == "arp") {
        let address = observation.facts.get("arp.ip").and_then(|ip| ip.parse::<IpAddr>().ok());
        if let Some((address, mac)) =
            address.filter(|ip| is_global(*ip) && !is_destination(*ip)).zip(observation.speaker.mac)
            && let Ok(network) = IpNetwork::new(address, 24)
            && let Ok(network) = IpNetwork::new(network.network(), 24)
        {
            networks.entry(network).or_default().insert(mac);
        }
    }
    networks.into_iter().filter(|(_, macs)| macs.len() >= 3).map(|(network, _)| network).collect()
}

/// The files by their first packets, then by name, each once. What can be read only once, such as standard
/// input, comes first, and so does a file that begins with no readable packet.
fn in_order(files: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut places = BTreeSet::new();
    // The same file may be named in several ways.
    let mut files: Vec<&PathBuf> = files
        .iter()
        .filter(|path| places.insert(path.canonicalize().unwrap_or_else(|_| (*path).clone())))
        .collect();
    if let [only] = files.as_slice() {
        return Ok(vec![(*only).clone()]);
    }
    let mut begins = BTreeMap::new();
    for path in &files {
        let mut first = Chunk::default();
        if !is_read_once(path) {
            Capture::open(path)?.read_chunk(&mut first, 1);
        }
        begins.insert(*path, first.packets.first().map(|packet| packet.at));
    }
    files.sort_by_key(|path| (begins.get(*path), *path));
    Ok(files.into_iter().cloned().collect())
}

/// Whether looking at the beginning of `path` would take it away: standard input, or a pipe.
fn is_read_once(path: &Path) -> bool {
    path.as_os_str() == "-" || path.metadata().is_ok_and(|data| !data.is_file() && !data.is_dir())
}

fn read_file(
    mut capture: Capture,
    file: u32,
    read: &mut Read,
    shards: &mut [Shard],
    dissector: &Dissector,
    found: &mut Replay,
    progress: &(impl Fn(u64) + Sync),
) {
    let mut now = Chunk::default();
    let mut next = Chunk::default();
    let mut more = capture.read_chunk(&mut now, CHUNK);
    let mut told = 0;
    while !now.packets.is_empty() {
        // Known before the first packet of a run; what stands before is none of it.
        read.vantage = capture.vantage();
        let place = found.place_of(&read.vantage);
        for shard in shards.iter_mut() {
            shard.kept.place(file, place);
        }
        count(read, &now, found, capture.is_recording());
        // Handshakes are written down when they are over.
        read.out_of_order &= !capture.is_recording();
        // The next packets are read while these are understood.
        let ((), still) = rayon::join(
            || absorb(&now, file, shards, dissector),
            || {
                next.clear();
                more && capture.read_chunk(&mut next, CHUNK)
            },
        );
        more = still;
        progress(capture.taken() - told);
        told = capture.taken();
        std::mem::swap(&mut now, &mut next);
    }
    read.fault = capture.fault().cloned();
    read.vantage = capture.vantage();
    // Where nothing passed, it is still known when somebody listened.
    read.began = read.began.or(capture.told());
    read.ended = read.ended.or(capture.told());
    read.unfinished = capture.is_recording() && !capture.is_finished();
    read.notes = capture.notes().cloned().unwrap_or_default();
    found.is_recording |= capture.is_recording();
}

/// Shares a chunk's packets out, and lets each shard take in its own.
fn absorb(chunk: &Chunk, file: u32, shards: &mut [Shard], dissector: &Dissector) {
    let shares: Vec<u8> = chunk.packets.par_iter().map(|packet| share(chunk, packet)).collect();
    shards.par_iter_mut().enumerate().for_each(|(number, shard)| {
        for (packet, _) in
            chunk.packets.iter().zip(&shares).filter(|(_, share)| usize::from(**share) == number)
        {
            let seen = Seen::new(packet.at, PacketId { file, number: packet.number });
            let borrowed = packet.role == Role::Asked
                && chunk.comment_of(packet).split(' ').nth(1) == Some(BORROWED);
            let seen = Seen { role: packet.role, borrowed, clear: packet.clear, ..seen };
            shard.packet(dissector, seen, packet.link_type, chunk.bytes_of(packet), packet.cut);
        }
    });
}

/// The shard that a packet belongs to: by its addresses, whichever way it goes and whatever it carries. An error
/// belongs to the packet that it quotes, whoever sends it.
fn share(chunk: &Chunk, packet: &Captured) -> u8 {
    let ends = || -> Option<u64> {
        let link = Link::parse(packet.link_type, chunk.bytes_of(packet)).ok()?;
        match link.holds {
            Holds::Ip | Holds::Ethernet(Kind::Type(ethernet::IPV4 | ethernet::IPV6)) => {}
            _ => return None,
        }
        forward::quoted(link.payload).and_then(mixed).or_else(|| mixed(link.payload))
    };
    ends().map_or(0, |mixed| u8::try_from((mixed >> 32) % SHARDS as u64).unwrap_or_default())
}

/// A number that packets of IP between the same addresses share.
fn mixed(packet: &[u8]) -> Option<u64> {
    let version = packet.first()? >> 4;
    let (from, to) = if version == 4 { (12..16, 16..20) } else { (8..24, 24..40) };
    let hash =
        |address: &[u8]| std::hash::BuildHasher::hash_one(&FixedState::with_seed(0), address);
    Some(hash(packet.get(from)?) ^ hash(packet.get(to)?))
}

fn count(read: &mut Read, chunk: &Chunk, found: &mut Replay, is_recording: bool) {
    read.packets += chunk.packets.len() as u64;
    for packet in &chunk.packets {
        read.bytes += packet.length as u64;
        if is_recording {
            found.asked.hear(packet, chunk.bytes_of(packet));
        }
        if packet.role != Role::Overheard && !packet.clear {
            let comment = chunk.comment_of(packet);
            found.asked.count(packet, chunk.bytes_of(packet), comment, &read.vantage);
        }
        read.out_of_order |= read.ended.is_some_and(|last| last.since(packet.at) > 1_000_000_000);
        read.began = Some(read.began.map_or(packet.at, |began| began.min(packet.at)));
        read.ended = Some(read.ended.map_or(packet.at, |ended| ended.max(packet.at)));
        if !link::understood(packet.link_type) {
            *read.foreign.entry(packet.link_type).or_default() += 1;
        }
        found.gaps.framed += u64::from(matches!(packet.link_type, link::ETHERNET | link::PPI));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A capture with one packet of `link_type`, which passed at this second.
    fn capture(second: u32, link_type: u32, packet: &[u8]) -> Vec<u8> {
        let length = u32::try_from(packet.len()).unwrap();
        let head = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, link_type];
        let words = head.into_iter().chain([second, 0, length, length]);
        words.flat_map(u32::to_le_bytes).chain(packet.iter().copied()).collect()
    }

    #[test]
    fn files_are_read_once_each_in_the_order_of_their_packets() {
        let desk = tempfile::tempdir().unwrap();
        let put = |name: &str, second| {
            let path = desk.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, capture(second, 1, &[0; 14])).unwrap();
            path
        };
        let (late, early) = (put("a/x.pcap", 20), put("b/x.pcap", 10));
        let (same, quiet) = (put("a/y.pcap", 10), desk.path().join("quiet.pcap"));
        std::fs::write(&quiet, &capture(0, 1, &[])[..24]).unwrap();
        let again = desk.path().join("a/../b/x.pcap");
        let given = [late.clone(), again.clone(), early, same.clone(), quiet.clone(), late.clone()];
        assert_eq!(in_order(&given).unwrap(), [quiet, again, same, late]);
    }

    #[test]
    fn a_link_layer_that_is_not_understood_is_counted_and_not_read() {
        let captures = [127, 105, 105].map(|link_type| {
            let packet = [0x45; 60];
            let file = std::io::Cursor::new(capture(0, link_type, &packet));
            Ok((String::new(), Capture::read(Box::new(file), "test.pcap")?))
        });
        let heard = hear(captures, None, &|_| {}).unwrap();
        let foreign: Vec<_> = heard.files.iter().flat_map(|file| file.foreign.clone()).collect();
        assert_eq!(foreign, [(127, 1), (105, 1), (105, 1)]);
        assert_eq!((heard.gaps.unreadable, heard.observations.len()), (0, 0));
    }
}
