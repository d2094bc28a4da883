//! UDP: one connected socket a conversation, so that the system tells what ICMP says about it.

use std::{io::Read as _, sync::Arc};

use socket2::SockRef;
use tokio::{
    io::Interest,
    net::UdpSocket,
    sync::{Semaphore, oneshot},
    task::JoinSet,
};

use super::{Line, MOST_PIECES, Outgoing};
use crate::link::{
    Call, Refused, What,
    live::{Inlet, refused},
};

/// The largest datagram.
const LARGEST: usize = 65_535;

/// Opens a conversation, which sends nothing yet. Within the runtime.
pub(in crate::link) fn open(
    call: Call,
    outgoing: &Outgoing,
    inlet: &Inlet,
    tasks: &mut JoinSet<()>,
) -> Result<Line, Refused> {
    let connected = || {
        let socket = outgoing.socket(call.to, call.transport)?;
        socket.connect(&outgoing.scoped(call.to).into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        let from = socket.local_addr()?;
        Ok::<_, std::io::Error>((socket, from))
    };
    let (socket, from) = connected().map_err(|_| Refused::System)?;
    let (socket, room) = (Arc::new(socket), Arc::new(Semaphore::new(MOST_PIECES)));
    let (end, ended) = oneshot::channel();
    inlet.push(What::Opened { id: call.id, from });
    let hearing = hear(call, Arc::clone(&socket), Arc::clone(&room), inlet.clone());
    tasks.spawn(async move {
        tokio::select! {
            () = hearing => {}
            _ = ended => {}
        }
    });
    Ok(Line::Datagrams { socket, room, _end: end })
}

async fn hear(call: Call, socket: Arc<UdpSocket>, room: Arc<Semaphore>, inlet: Inlet) {
    loop {
        let Ok(permit) = room.acquire().await else { return };
        // What ICMP said shows as an error, and as nothing to read.
        let received = socket.async_io(Interest::READABLE | Interest::ERROR, || receive(&socket));
        match received.await {
            Ok(bytes) => {
                permit.forget();
                inlet.push(What::Heard { id: call.id, bytes });
            }
            Err(error) => {
                let how = refused(&error);
                if let Some(how) = how {
                    permit.forget();
                    inlet.push(What::Refused { id: call.id, how });
                }
                if how == Some(Refused::System) {
                    return;
                }
            }
        }
    }
}

fn receive(socket: &UdpSocket) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; LARGEST];
    let length = (&*SockRef::from(socket)).read(&mut bytes)?;
    bytes.truncate(length);
    bytes.shrink_to_fit();
    Ok(bytes)
}
