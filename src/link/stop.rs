//! The user's wish for an end: the first signal drains and saves, the second ends at once.

use std::{io, thread};

use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

/// The exit code of a run that was ended at once: partial.
const PARTIAL: i32 = 2;

/// Watches for SIGINT and SIGTERM as long as it lives.
#[derive(Debug)]
pub struct Watch {
    /// Dropped with the watch, which ends the watching thread.
    _end: oneshot::Sender<()>,
}

/// Calls `first` at the first SIGINT or SIGTERM, and `second` at the second. The second comes even while the program
/// is too busy to look for events, because a thread of its own waits for it.
pub fn watch(
    first: impl FnOnce() + Send + 'static,
    second: impl FnOnce() + Send + 'static,
) -> io::Result<Watch> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let (interrupt, terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let (end, ended) = oneshot::channel();
    let waiting = wait(interrupt, terminate, first, second);
    thread::Builder::new().name("stop".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                () = waiting => {}
                _ = ended => {}
            }
        });
    })?;
    Ok(Watch { _end: end })
}

async fn wait(
    mut interrupt: Signal,
    mut terminate: Signal,
    first: impl FnOnce() + Send,
    second: impl FnOnce() + Send,
) {
    next(&mut interrupt, &mut terminate).await;
    first();
    next(&mut interrupt, &mut terminate).await;
    second();
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Ends the process as a partial run. For the second signal.
pub fn at_once() {
    std::process::exit(PARTIAL)
}
