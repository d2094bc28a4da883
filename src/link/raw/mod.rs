//! Whole frames, out and in: batches for a sweep that may go as fast as it can ([`Outlet`], [`Inlet`]), and single
//! frames for everything else ([`Frames`]). The only place with `unsafe` in the program (docs/adr/0012).
//!
//! On Linux frames go out by `sendmmsg` and come in through a ring that the kernel fills; elsewhere, and where that
//! fails, by `pnet_datalink`. No interface is made promiscuous but by [`listen`], which opens no way out.

#![deny(unsafe_op_in_unsafe_fn)]

mod batch;
mod filter;
mod frames;
mod gate;
#[cfg(target_os = "linux")]
mod mmsg;
mod portable;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(target_os = "linux")]
mod socket;

#[cfg(test)]
pub(crate) mod memory;

use std::{io, time::Duration};

pub use batch::{BATCH, Batch};
pub use filter::{Filter, Want};
pub use frames::Frames;
pub use gate::{Gate, contact_of};

use crate::time::Timestamp;

/// Where frames go out.
pub trait Outlet: Send {
    /// Sends every frame of the batch that was not withdrawn, and tells how many went out.
    fn send(&mut self, batch: &mut Batch) -> io::Result<u64>;

    /// The moment.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn rest(&mut self, duration: Duration);
}

/// Where frames come in.
pub trait Inlet: Send {
    /// Hands over what arrives, and comes back when something did or after `patience`.
    fn receive(
        &mut self,
        patience: Duration,
        each: &mut dyn FnMut(Timestamp, &[u8]),
    ) -> io::Result<()>;

    /// How many frames that passed the filter the system could not keep for us, so far.
    fn dropped(&mut self) -> io::Result<u64>;
}

impl<T: Outlet + ?Sized> Outlet for Box<T> {
    fn send(&mut self, batch: &mut Batch) -> io::Result<u64> {
        (**self).send(batch)
    }

    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn rest(&mut self, duration: Duration) {
        (**self).rest(duration);
    }
}

impl<T: Inlet + ?Sized> Inlet for Box<T> {
    fn receive(
        &mut self,
        patience: Duration,
        each: &mut dyn FnMut(Timestamp, &[u8]),
    ) -> io::Result<()> {
        (**self).receive(patience, each)
    }

    fn dropped(&mut self) -> io::Result<u64> {
        (**self).dropped()
    }
}

/// How an interface is opened.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// Its name.
    pub interface: &'a str,
    /// What comes in.
    pub filter: &'a Filter,
    /// Bytes of the ring that the kernel fills.
    pub ring: usize,
    /// Whether frames go straight to the driver, past the queues of the system.
    pub bypass: bool,
}

/// Opens an interface for frames out and in.
pub fn open(opening: &Opening<'_>) -> io::Result<(Box<dyn Outlet>, Box<dyn Inlet>)> {
    #[cfg(target_os = "linux")]
    {
        let outlet = mmsg::Mmsg::open(opening.interface, opening.bypass)?;
        let Opening { interface, filter, ring, .. } = *opening;
        match ring::Ring::open(interface, filter, ring, ring::Reach::Named) {
            Ok(inlet) => Ok((Box::new(outlet), Box::new(inlet))),
            // Some containers allow packet sockets, but no memory to be shared with the kernel.
            Err(_) => Ok((Box::new(outlet), Box::new(portable::open(opening, false)?.1))),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let (outlet, inlet) = portable::open(opening, false)?;
        Ok((Box::new(outlet), Box::new(inlet)))
    }
}

/// Opens an interface to hear all that passes it, but for what this machine sends itself. Nothing can be sent by what
/// comes back. With `promiscuous` the interface takes frames to anybody, as a mirror port needs it, until the inlet is
/// dropped; without it, those to itself and to groups. `ring` is how many bytes the kernel fills.
pub fn listen(interface: &str, ring: usize, promiscuous: bool) -> io::Result<Box<dyn Inlet>> {
    let filter = Filter::everything();
    #[cfg(target_os = "linux")]
    {
        let reach = if promiscuous { ring::Reach::All } else { ring::Reach::Groups };
        if let Ok(inlet) = ring::Ring::open(interface, &filter, ring, reach) {
            return Ok(Box::new(inlet));
        }
    }
    let opening = Opening { interface, filter: &filter, ring, bypass: false };
    Ok(Box::new(portable::open(&opening, promiscuous)?.1))
}

/// Opens an interface for frames out.
pub fn open_outlet(opening: &Opening<'_>) -> io::Result<Box<dyn Outlet>> {
    #[cfg(target_os = "linux")]
    {
        Ok(Box::new(mmsg::Mmsg::open(opening.interface, opening.bypass)?))
    }
    #[cfg(not(target_os = "linux"))]
    {
        Ok(Box::new(portable::open(opening, false)?.0))
    }
}

/// Whether this process may send and hear frames; the error says what the system says.
pub fn permitted() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        socket::PacketSocket::new().map(drop)
    }
    #[cfg(not(target_os = "linux"))]
    {
        portable::permitted()
    }
}

/// Whether the kernel fills a ring for this process, on the interface of that name.
pub fn has_ring(interface: &str) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let filter = Filter::of(&[Want::Arp]);
        ring::Ring::open(interface, &filter, 1 << 20, ring::Reach::Named).map(drop)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = interface;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The largest packet of an interface, in bytes.
pub fn mtu(interface: &str) -> Option<u32> {
    #[cfg(target_os = "linux")]
    {
        socket::mtu(interface).ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = interface;
        None
    }
}

/// How many files this process may have open: now, and at most.
#[cfg(unix)]
pub fn open_files() -> io::Result<(u64, u64)> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a structure of our own that lives through the call.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    if result == 0 { Ok((limit.rlim_cur, limit.rlim_max)) } else { Err(io::Error::last_os_error()) }
}
