//! Conversations over the system's sockets: one task each, and bounded in what it may hold.

pub(super) mod tcp;
pub(super) mod udp;

use std::{
    io,
    net::{IpAddr, SocketAddr, SocketAddrV6},
    sync::Arc,
};

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use tokio::{
    net::UdpSocket,
    sync::{Semaphore, mpsc, oneshot},
};

use super::{
    CallId, What,
    live::{Inlet, Options, refused},
};
use crate::{observe::Transport, scope::Refusal};

/// Bytes of a stream that are read at a time.
const PIECE: usize = 4 << 10;

/// Pieces of a conversation, or its datagrams, that lie unread before nothing more is read.
const MOST_PIECES: usize = 16;

/// Things to say that wait until the other end takes them.
const MOST_SAID: usize = 16;

/// Bytes of a stream that the system holds in each direction.
const STREAM_BUFFER: usize = 16 << 10;

/// Bytes of datagrams of one conversation that the system holds in each direction.
const DATAGRAM_BUFFER: usize = 128 << 10;

/// A conversation, as whoever speaks holds it. Dropping it ends the conversation.
#[derive(Debug)]
pub(super) enum Line {
    Stream {
        say: mpsc::Sender<Vec<u8>>,
        room: Arc<Semaphore>,
        _end: oneshot::Sender<()>,
    },
    Datagrams {
        socket: Arc<UdpSocket>,
        room: Arc<Semaphore>,
        _end: oneshot::Sender<()>,
    },
    /// It never came to be.
    Over,
}

impl Line {
    /// Somebody took a piece of what was heard.
    pub(super) fn taken(&self) {
        if let Self::Stream { room, .. } | Self::Datagrams { room, .. } = self {
            room.add_permits(1);
        }
    }

    /// Says something.
    pub(super) fn say(&self, id: CallId, bytes: &[u8], inlet: &Inlet) -> Result<(), Refusal> {
        match self {
            Self::Stream { say, .. } => say.try_send(bytes.to_vec()).map_err(|_| {
                Refusal::System(format!("conversation {} does not take what is said", id.0))
            }),
            Self::Datagrams { socket, .. } => send(socket, id, bytes, inlet),
            Self::Over => Err(Refusal::System(format!("conversation {} is not open", id.0))),
        }
    }
}

/// Sends a datagram. The system tells here what it heard about an earlier one, and then has not sent this one.
fn send(socket: &UdpSocket, id: CallId, bytes: &[u8], inlet: &Inlet) -> Result<(), Refusal> {
    let mut sent = SockRef::from(socket).send(bytes);
    if let Err(error) = &sent
        && let Some(how) = refused(error)
        && how == super::Refused::Port
    {
        inlet.push(What::Refused { id, how });
        sent = SockRef::from(socket).send(bytes);
    }
    sent.map(drop).map_err(|error| Refusal::System(error.to_string()))
}

/// Where conversations go out.
#[derive(Debug, Clone, Default)]
pub(super) struct Outgoing {
    /// Name and index of the interface.
    interface: Option<(String, u32)>,
    /// Our addresses on it, or those that were asked for.
    from: Vec<ipnetwork::IpNetwork>,
    /// The addresses were asked for.
    binds: bool,
}

impl Outgoing {
    pub(super) fn new(options: &Options) -> io::Result<Self> {
        let mut from: Vec<_> = options.from.iter().map(|address| (*address).into()).collect();
        let binds = !from.is_empty();
        let Some(name) = &options.interface else {
            return Ok(Self { interface: None, from, binds });
        };
        let all = pnet_datalink::interfaces();
        let Some(found) = all.into_iter().find(|interface| interface.name == *name) else {
            let message =
                format!("there is no interface `{name}`; `--iflist` shows those there are");
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        };
        if !binds {
            from = found.ips;
        }
        Ok(Self { interface: Some((found.name, found.index)), from, binds })
    }

    /// A socket for a conversation with `to`, not connected yet.
    fn socket(&self, to: SocketAddr, transport: Transport) -> io::Result<Socket> {
        let (kind, protocol, buffer) = match transport {
            Transport::Tcp => (Type::STREAM, Protocol::TCP, STREAM_BUFFER),
            _ => (Type::DGRAM, Protocol::UDP, DATAGRAM_BUFFER),
        };
        let socket = Socket::new(Domain::for_address(to), kind.nonblocking(), Some(protocol))?;
        socket.set_recv_buffer_size(buffer)?;
        socket.set_send_buffer_size(buffer)?;
        let held = match &self.interface {
            Some((name, _)) => socket.bind_device(Some(name.as_bytes())).is_ok(),
            None => true,
        };
        // Without the right to choose the interface, its address chooses it as far as the routes agree.
        if (self.binds || !held)
            && let Some(from) = self.from(to.ip())
        {
            socket.bind(&SockAddr::from(self.scoped(SocketAddr::new(from, 0))))?;
        }
        Ok(socket)
    }

    /// Our address for a conversation with `to`: one on its network first.
    fn from(&self, to: IpAddr) -> Option<IpAddr> {
        let same_family = || self.from.iter().filter(|from| from.is_ipv4() == to.is_ipv4());
        same_family()
            .find(|from| from.contains(to))
            .or_else(|| same_family().next())
            .map(ipnetwork::IpNetwork::ip)
    }

    /// `address` with the interface's index where an address of a link needs one and has none.
    fn scoped(&self, address: SocketAddr) -> SocketAddr {
        match (address, &self.interface) {
            (SocketAddr::V6(v6), Some((_, index)))
                if v6.ip().is_unicast_link_local() && v6.scope_id() == 0 =>
            {
                SocketAddrV6::new(*v6.ip(), v6.port(), v6.flowinfo(), *index).into()
            }
            _ => address,
        }
    }
}
