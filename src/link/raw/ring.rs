//! Frames in through a ring that the kernel fills, a block at a time (`TPACKET_V3`, Linux `packet_mmap.rst`).
//! Memberships of packet(7) end with the socket, and send nothing.

use std::{
    ffi::{c_int, c_uint},
    io,
    mem::size_of,
    ptr::{self, NonNull},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::{
    Filter, Inlet,
    socket::{PacketSocket, checked},
};
use crate::{time::Timestamp, wire::ethernet};

/// Bytes of one block.
const BLOCK: usize = 1 << 17;
/// After how many milliseconds a block is handed over though it is not full.
const RETIRE: c_uint = 8;

/// What the kernel says of a frame whose tag the network card took off, and of a tag that is not 802.1Q.
const TAGGED: u32 = libc::TP_STATUS_VLAN_VALID;
const TAGGED_OTHERWISE: u32 = libc::TP_STATUS_VLAN_TPID_VALID;
/// Bytes of the two hardware addresses, behind which a tag stands.
const ADDRESSES: usize = 12;

/// What a ring hears beside frames to the interface itself and to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Frames to the groups that the filter names.
    Named,
    /// Frames to any group, with the tags that network cards take off.
    Groups,
    /// All frames that pass, with their tags: the interface is promiscuous while the ring lives.
    All,
}

/// A ring that the kernel fills.
pub(super) struct Ring {
    socket: PacketSocket,
    memory: NonNull<u8>,
    blocks: usize,
    /// The block that is filled next.
    next: usize,
    dropped: u64,
    /// A frame with the tag that it had on the wire; none where tags are left off.
    whole: Option<Vec<u8>>,
}

// SAFETY: the memory is mapped for this value alone, and every method that reads it takes the value mutably.
unsafe impl Send for Ring {}

impl Ring {
    /// Opens a ring of about so many bytes.
    pub(super) fn open(
        interface: &str,
        filter: &Filter,
        bytes: usize,
        reach: Reach,
    ) -> io::Result<Self> {
        let socket = PacketSocket::new()?;
        socket.attach(filter)?;
        let version: c_int = 2; // TPACKET_V3 counts from 0.
        socket.set(libc::SOL_PACKET, libc::PACKET_VERSION, &version)?;
        // Since Linux 4.20. Where it is missing the filter leaves our own frames out.
        let on: c_int = 1;
        let _ = socket.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &on);
        let blocks = (bytes / BLOCK).max(2);
        let number = |value: usize| c_uint::try_from(value).map_err(io::Error::other);
        let frame = 2048;
        let request = libc::tpacket_req3 {
            tp_block_size: number(BLOCK)?,
            tp_block_nr: number(blocks)?,
            tp_frame_size: number(frame)?,
            tp_frame_nr: number(BLOCK / frame * blocks)?,
            tp_retire_blk_tov: RETIRE,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        socket.set(libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        // SAFETY: the kernel chooses where; the length is that of the ring just asked for.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                BLOCK * blocks,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.descriptor(),
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = NonNull::new(memory.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        let whole = (reach != Reach::Named).then(Vec::new);
        let ring = Self { socket, memory, blocks, next: 0, dropped: 0, whole };
        // Bound last, so that nothing comes in that the filter does not want.
        ring.socket.bind(interface, libc::ETH_P_ALL)?;
        match reach {
            Reach::Named => {
                for group in filter.groups() {
                    // Where a card refuses, what comes anyway is heard.
                    let _ = ring.socket.join(interface, *group);
                }
            }
            Reach::Groups => ring.socket.join_all(interface, false)?,
            Reach::All => ring.socket.join_all(interface, true)?,
        }
        Ok(ring)
    }

    /// Whether the kernel has handed over the next block.
    fn status(&self) -> &AtomicU32 {
        let block = self.next * BLOCK;
        let offset = block + std::mem::offset_of!(libc::tpacket_block_desc, hdr);
        // SAFETY: a block begins with its description, aligned as the page it begins on, and its status is the
        // first field of `hdr`; the kernel changes it as one word, and the mapping lives as long as `self`.
        unsafe { AtomicU32::from_ptr(self.memory.add(offset).cast().as_ptr()) }
    }

    /// Hands over the frames of the next block, which the kernel has handed to us.
    fn read(&mut self, each: &mut dyn FnMut(Timestamp, &[u8])) {
        // SAFETY: the block lies within the mapping, and until its status is set back the kernel does not write
        // to it.
        let block: &[u8] = unsafe {
            std::slice::from_raw_parts(self.memory.add(self.next * BLOCK).as_ptr(), BLOCK)
        };
        let Some(description) = read::<libc::tpacket_block_desc>(block, 0) else { return };
        // SAFETY: the union has this one variant.
        let header = unsafe { description.hdr.bh1 };
        let mut at = usize::try_from(header.offset_to_first_pkt).unwrap_or(BLOCK);
        let mut whole = self.whole.take();
        for _ in 0..header.num_pkts {
            let Some(packet) = read::<libc::tpacket3_hdr>(block, at) else { break };
            let start = at + usize::from(packet.tp_mac);
            let length = usize::try_from(packet.tp_snaplen).unwrap_or(BLOCK);
            let moment = Timestamp::new(packet.tp_sec.into(), packet.tp_nsec.into());
            if let Some(frame) = block.get(start..start.saturating_add(length)) {
                match &mut whole {
                    Some(whole) if packet.tp_status & TAGGED != 0 => {
                        put_back(whole, frame, &packet);
                        each(moment, whole);
                    }
                    _ => each(moment, frame),
                }
            }
            at = at.saturating_add(usize::try_from(packet.tp_next_offset).unwrap_or(BLOCK));
        }
        self.whole = whole;
    }
}

/// Fills `whole` with a frame and the tag that was taken off it.
fn put_back(whole: &mut Vec<u8>, frame: &[u8], packet: &libc::tpacket3_hdr) {
    let (addresses, rest) = frame.split_at(frame.len().min(ADDRESSES));
    let is_other = packet.tp_status & TAGGED_OTHERWISE != 0;
    let kind = if is_other { packet.hv1.tp_vlan_tpid } else { ethernet::VLAN };
    let [_, _, tag @ ..] = packet.hv1.tp_vlan_tci.to_be_bytes();
    whole.clear();
    whole.extend_from_slice(addresses);
    whole.extend_from_slice(&kind.to_be_bytes());
    whole.extend_from_slice(&tag);
    whole.extend_from_slice(rest);
}

/// A copy of the structure at `offset`, where the block has room for it.
fn read<T: Copy>(block: &[u8], offset: usize) -> Option<T> {
    let bytes = block.get(offset..offset.checked_add(size_of::<T>())?)?;
    // SAFETY: the bytes are as many as the structure has, and each of the two that are read here is numbers
    // alone, so that any bytes make one; it need not be aligned.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

impl Inlet for Ring {
    fn receive(
        &mut self,
        patience: Duration,
        each: &mut dyn FnMut(Timestamp, &[u8]),
    ) -> io::Result<()> {
        let filled =
            |ring: &Self| ring.status().load(Ordering::Acquire) & libc::TP_STATUS_USER != 0;
        if !filled(self) {
            let milliseconds = c_int::try_from(patience.as_millis()).unwrap_or(c_int::MAX);
            let mut waited =
                libc::pollfd { fd: self.socket.descriptor(), events: libc::POLLIN, revents: 0 };
            // SAFETY: the pointer is to one descriptor of our own that lives through the call.
            let result = checked(unsafe { libc::poll(&raw mut waited, 1, milliseconds) });
            result.or_else(|error| match error.kind() {
                io::ErrorKind::Interrupted => Ok(0),
                _ => Err(error),
            })?;
            // An interface that goes down is told as an error of the socket, once.
            if waited.revents & libc::POLLERR != 0 {
                self.socket.take_error()?;
            }
            if waited.revents & (libc::POLLNVAL | libc::POLLHUP) != 0 {
                return Err(io::ErrorKind::NotConnected.into());
            }
        }
        for _ in 0..self.blocks {
            if !filled(self) {
                break;
            }
            self.read(each);
            self.status().store(libc::TP_STATUS_KERNEL, Ordering::Release);
            self.next = (self.next + 1) % self.blocks;
        }
        Ok(())
    }

    fn dropped(&mut self) -> io::Result<u64> {
        self.dropped += self.socket.take_dropped()?;
        Ok(self.dropped)
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, of this length, and nothing borrowed from it outlives `self`.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), BLOCK * self.blocks) };
    }
}
