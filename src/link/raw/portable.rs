//! Frames by `pnet_datalink`: the portable base, one call a frame.

use std::{io, thread, time::Duration};

use pnet_datalink::{Channel, Config, DataLinkReceiver, DataLinkSender, NetworkInterface};

use super::{Batch, Filter, Inlet, Opening, Outlet};
use crate::{link::live::Clock, time::Timestamp};

/// How long a receiver waits at most before it looks around.
const TURN: Duration = Duration::from_millis(20);

/// Frames out.
pub(super) struct PortableOutlet {
    sender: Box<dyn DataLinkSender>,
    clock: Clock,
}

/// Frames in.
pub(super) struct PortableInlet {
    receiver: Box<dyn DataLinkReceiver>,
    filter: Filter,
    clock: Clock,
}

/// Opens an interface.
pub(super) fn open(
    opening: &Opening<'_>,
    promiscuous: bool,
) -> io::Result<(PortableOutlet, PortableInlet)> {
    let is_it = |interface: &NetworkInterface| interface.name == opening.interface;
    let interface = pnet_datalink::interfaces().into_iter().find(is_it);
    let interface = interface.ok_or(io::ErrorKind::NotFound)?;
    let config = Config {
        promiscuous,
        read_timeout: Some(TURN),
        read_buffer_size: 1 << 16,
        ..Config::default()
    };
    let Channel::Ethernet(sender, receiver) = pnet_datalink::channel(&interface, config)? else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let clock = Clock::start();
    let filter = opening.filter.clone();
    Ok((PortableOutlet { sender, clock }, PortableInlet { receiver, filter, clock }))
}

/// Whether frames may be sent and heard here.
#[cfg(not(target_os = "linux"))]
pub(super) fn permitted() -> io::Result<()> {
    let filter = Filter::of(&[]);
    let up = pnet_datalink::interfaces().into_iter().find(|i| i.is_up() && !i.is_loopback());
    let name = up.ok_or(io::ErrorKind::NotFound)?.name;
    open(&Opening { interface: &name, filter: &filter, ring: 0, bypass: false }, false).map(drop)
}

impl Outlet for PortableOutlet {
    fn send(&mut self, batch: &mut Batch) -> io::Result<u64> {
        let mut sent = 0;
        for frame in batch.frames() {
            self.sender.send_to(frame, None).unwrap_or(Err(io::ErrorKind::WouldBlock.into()))?;
            sent += 1;
        }
        Ok(sent)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn rest(&mut self, duration: Duration) {
        thread::sleep(duration);
    }
}

impl Inlet for PortableInlet {
    fn receive(
        &mut self,
        patience: Duration,
        each: &mut dyn FnMut(Timestamp, &[u8]),
    ) -> io::Result<()> {
        let until = self.clock.now().after(patience);
        loop {
            match self.receiver.next() {
                Ok(frame) if self.filter.passes(frame) => {
                    each(self.clock.now(), frame);
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) if is_patience(&error) => {}
                Err(error) => return Err(error),
            }
            if self.clock.now() >= until {
                return Ok(());
            }
        }
    }

    fn dropped(&mut self) -> io::Result<u64> {
        // The systems that this is for do not tell it through this interface.
        Ok(0)
    }
}

fn is_patience(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), TimedOut | WouldBlock | Interrupted)
}
