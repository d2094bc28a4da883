//! The stop switch of commands that run without an engine: the first Ctrl-C drains, the second stops hard.

#[cfg(unix)]
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};

/// How often the user asked for an end.
static ASKED: AtomicU8 = AtomicU8::new(0);

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Go on.
    Not,
    /// Begin nothing new; hear what is on its way.
    Drain,
    /// End now.
    Now,
}

impl Stop {
    /// What the user wants by now.
    pub fn asked() -> Self {
        match ASKED.load(Ordering::Relaxed) {
            0 => Self::Not,
            1 => Self::Drain,
            _ => Self::Now,
        }
    }
}

#[cfg(unix)]
extern "C" fn note(_: libc::c_int) {
    // Two are enough to end everything; a third finds somebody stuck, and is obeyed.
    if ASKED.fetch_add(1, Ordering::Relaxed) >= 2 {
        // SAFETY: this call may be made from a signal handler (signal-safety(7)).
        unsafe { libc::_exit(130) };
    }
}

/// From now on, an interrupt (Ctrl-C) or a polite termination is noted instead of ending the process.
#[cfg(unix)]
pub fn stop_on_interrupt() -> io::Result<()> {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: zero is a value of every field; the handler does nothing but what a handler may.
        let result = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = note as extern "C" fn(libc::c_int) as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut())
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
