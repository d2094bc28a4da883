//! What is said on standard error: for people, and for the journal with its priorities (sd-daemon(3)).

use std::{env, fs, sync::LazyLock};

/// How much a line matters, as syslog numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// Nothing comes of the command.
    Error,
    /// Something is missing, or has to be looked at.
    Warning,
    /// What was done.
    Notice,
}

/// Whether standard error is the stream of the journal that `JOURNAL_STREAM` names.
static TO_JOURNAL: LazyLock<bool> = LazyLock::new(|| {
    env::var("JOURNAL_STREAM").is_ok_and(|stream| Some(stream) == standard_error())
});

/// The device and the number of standard error, as `JOURNAL_STREAM` names them.
#[cfg(unix)]
fn standard_error() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let data = fs::metadata("/dev/stderr").ok()?;
    Some(format!("{}:{}", data.dev(), data.ino()))
}

#[cfg(not(unix))]
fn standard_error() -> Option<String> {
    None
}

/// Says a line on standard error.
pub(super) fn say(priority: Priority, line: &str) {
    eprintln!("{}{line}", if *TO_JOURNAL { prefix(priority) } else { "" });
}

const fn prefix(priority: Priority) -> &'static str {
    match priority {
        Priority::Error => "<3>",
        Priority::Warning => "<4>",
        Priority::Notice => "<5>",
    }
}

/// Says that something is missing, or has to be looked at.
macro_rules! warning {
    ($($said:tt)*) => {
        $crate::cli::aloud::say($crate::cli::aloud::Priority::Warning, &format!($($said)*))
    };
}

/// Says what was done.
macro_rules! notice {
    ($($said:tt)*) => {
        $crate::cli::aloud::say($crate::cli::aloud::Priority::Notice, &format!($($said)*))
    };
}

pub(super) use {notice, warning};
