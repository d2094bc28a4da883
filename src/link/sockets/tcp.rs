//! TCP: one task a conversation, from the SYN to a polite end.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::{Semaphore, mpsc, oneshot},
    task::JoinSet,
    time,
};

use super::{Line, MOST_PIECES, MOST_SAID, Outgoing, PIECE};
use crate::link::{
    Call, Refused, What,
    live::{Inlet, refused},
};

/// How long an attempt lasts. The system sends its SYN again after a second (RFC 6298, 2.1), which no option
/// prevents: `TCP_SYNCNT` is at least one, and `TCP_USER_TIMEOUT` is looked at after the first repetition only.
const ATTEMPT: Duration = Duration::from_millis(900);

/// How long the system repeats what is not acknowledged, the last FIN too.
const PERSISTENCE: Duration = Duration::from_secs(5);

/// What is still taken from the other end after our FIN, so that it is not answered by a reset.
const LAST_BYTES: usize = 32 << 10;

/// How long that may take.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Opens a conversation: the SYN goes out now. Within the runtime.
pub(in crate::link) fn open(
    call: Call,
    outgoing: &Outgoing,
    inlet: &Inlet,
    tasks: &mut JoinSet<()>,
) -> Result<Line, Refused> {
    let (say, said) = mpsc::channel(MOST_SAID);
    let (end, ended) = oneshot::channel();
    let room = Arc::new(Semaphore::new(MOST_PIECES));
    let stream = connect(call, outgoing).map_err(|error| {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Refused::Port,
            // Said at once, it is our own routes that say it.
            _ => Refused::System,
        }
    })?;
    tasks.spawn(converse(call, stream, said, ended, Arc::clone(&room), inlet.clone()));
    Ok(Line::Stream { say, room, _end: end })
}

fn connect(call: Call, outgoing: &Outgoing) -> io::Result<TcpStream> {
    let socket = outgoing.socket(call.to, call.transport)?;
    // Each thing said is on its way at once, and counted as the guard counts it.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_user_timeout(Some(PERSISTENCE))?;
    match socket.connect(&outgoing.scoped(call.to).into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => TcpStream::from_std(socket.into()),
    }
}

async fn converse(
    call: Call,
    stream: TcpStream,
    mut said: mpsc::Receiver<Vec<u8>>,
    mut ended: oneshot::Receiver<()>,
    room: Arc<Semaphore>,
    inlet: Inlet,
) {
    let id = call.id;
    let connected = tokio::select! {
        // First, so that an answer in time counts however late we look.
        biased;
        connected = established(&stream) => connected,
        () = time::sleep(ATTEMPT) => return,
        _ = &mut ended => return,
    };
    match connected.and_then(|()| stream.local_addr()) {
        Ok(from) => inlet.push(What::Opened { id, from }),
        Err(error) => {
            if let Some(how) = refused(&error) {
                inlet.push(What::Refused { id, how });
            }
            return;
        }
    }
    let (mut reading, mut waiting) = (true, Vec::new());
    loop {
        tokio::select! {
            heard = hear(&stream, &room), if reading => match heard {
                Ok(bytes) if bytes.is_empty() => {
                    inlet.push(What::Ended { id, reset: false });
                    reading = false;
                }
                Ok(bytes) => inlet.push(What::Heard { id, bytes }),
                Err(_) => {
                    inlet.push(What::Ended { id, reset: true });
                    return;
                }
            },
            written = write(&stream, &mut waiting), if !waiting.is_empty() => {
                if written.is_err() && !reading {
                    return;
                }
            }
            Some(bytes) = said.recv(), if waiting.is_empty() => waiting = bytes,
            _ = &mut ended => break,
        }
    }
    let rest = async {
        loop {
            while !waiting.is_empty() && write(&stream, &mut waiting).await.is_ok() {}
            match said.recv().await {
                Some(bytes) => waiting = bytes,
                None => return,
            }
        }
    };
    // What was said last is on its way before the end is, unless the other end does not take it.
    let _ = time::timeout(LAST_WAIT, rest).await;
    end(stream).await;
}

/// Waits until the handshake is done or has failed.
async fn established(stream: &TcpStream) -> io::Result<()> {
    stream.writable().await?;
    stream.take_error()?.map_or(Ok(()), Err)
}

/// The next piece, once there is room for it; empty at the end.
async fn hear(stream: &TcpStream, room: &Semaphore) -> io::Result<Vec<u8>> {
    let Ok(permit) = room.acquire().await else { return Ok(Vec::new()) };
    loop {
        stream.readable().await?;
        match piece(stream) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(bytes) => {
                permit.forget();
                return Ok(bytes);
            }
            failed => return failed,
        }
    }
}

fn piece(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut buffer = [0; PIECE];
    let length = stream.try_read(&mut buffer)?;
    Ok(buffer.get(..length).unwrap_or_default().to_vec())
}

/// Writes some of what waits. What was written is forgotten.
async fn write(stream: &TcpStream, waiting: &mut Vec<u8>) -> io::Result<()> {
    stream.writable().await?;
    match stream.try_write(waiting) {
        Ok(length) => {
            waiting.drain(..length.min(waiting.len()));
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => {
            waiting.clear();
            Err(error)
        }
    }
}

/// Says that nothing more will be said, and takes what is still on its way.
async fn end(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let drain = async {
        let mut taken = 0;
        while taken < LAST_BYTES && stream.readable().await.is_ok() {
            match piece(&stream) {
                Ok(bytes) if bytes.is_empty() => return,
                Ok(bytes) => taken += bytes.len(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    // An end that does not come is not waited for: the system answers what comes later.
    let _ = time::timeout(LAST_WAIT, drain).await;
}
