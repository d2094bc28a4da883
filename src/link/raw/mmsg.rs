//! Frames out by `sendmmsg` on a packet socket: one call for a batch (sendmmsg(2)).

use std::{ffi::c_uint, io, mem::zeroed, ptr, thread, time::Duration};

use super::{
    BATCH, Batch, Outlet,
    socket::{PacketSocket, checked},
};
use crate::{link::live::Clock, time::Timestamp};

/// How long a full queue is given to empty.
const PAUSE: Duration = Duration::from_micros(100);
/// How often that is done for one batch before it is an error.
const MOST_PAUSES: u32 = 20_000;
/// Bytes of frames that may wait in the socket.
const BUFFER: libc::c_int = 4 << 20;

/// A packet socket that sends.
pub(super) struct Mmsg {
    socket: PacketSocket,
    clock: Clock,
    parts: Vec<libc::iovec>,
    messages: Vec<libc::mmsghdr>,
}

// SAFETY: the pointers in `parts` and `messages` are followed only within `send`, which sets them first.
unsafe impl Send for Mmsg {}

impl Mmsg {
    pub(super) fn open(interface: &str, bypass: bool) -> io::Result<Self> {
        let socket = PacketSocket::new()?;
        // Both only make it faster.
        let _ = socket.set(libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &BUFFER);
        if bypass {
            let on: libc::c_int = 1;
            let _ = socket.set(libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, &on);
        }
        // Without a protocol it hears nothing of what goes over the wire.
        socket.bind(interface, 0)?;
        Ok(Self {
            socket,
            clock: Clock::start(),
            parts: Vec::with_capacity(BATCH),
            messages: Vec::with_capacity(BATCH),
        })
    }
}

impl Outlet for Mmsg {
    fn send(&mut self, batch: &mut Batch) -> io::Result<u64> {
        self.parts.clear();
        self.parts.extend(batch.frames().map(|frame| libc::iovec {
            iov_base: frame.as_ptr().cast_mut().cast(),
            iov_len: frame.len(),
        }));
        self.messages.clear();
        self.messages.extend(self.parts.iter_mut().map(|part| {
            // SAFETY: the structure is numbers and pointers, for which zero is a value.
            let mut message: libc::mmsghdr = unsafe { zeroed() };
            message.msg_hdr.msg_iov = ptr::from_mut(part);
            message.msg_hdr.msg_iovlen = 1;
            message
        }));
        let (mut sent, mut pauses) = (0, 0);
        while let Some(rest) = self.messages.get_mut(sent..).filter(|rest| !rest.is_empty()) {
            let count = c_uint::try_from(rest.len()).map_err(io::Error::other)?;
            // SAFETY: `count` messages begin at the pointer, each with one part that lies in the batch; none of
            // them is touched by anybody else until the call comes back.
            let result =
                unsafe { libc::sendmmsg(self.socket.descriptor(), rest.as_mut_ptr(), count, 0) };
            match checked(result) {
                Ok(more) => {
                    sent += usize::try_from(more).map_err(io::Error::other)?;
                    pauses = 0;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The interface has no room: it says so, and takes more a little later.
                Err(error)
                    if matches!(error.raw_os_error(), Some(libc::ENOBUFS | libc::EAGAIN))
                        && pauses < MOST_PAUSES =>
                {
                    pauses += 1;
                    thread::sleep(PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
        u64::try_from(sent).map_err(io::Error::other)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn rest(&mut self, duration: Duration) {
        thread::sleep(duration);
    }
}
