//! Options of every command by which somebody decides something.

use crate::{inventory::Decided, link::live::Clock, time::Timestamp};

/// Who decides, and why.
#[derive(Debug, clap::Args)]
pub(super) struct DecidedArguments {
    /// Who decides: a name that others know
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl DecidedArguments {
    /// The decision, taken now.
    pub(super) fn now(&self) -> Decided<'_> {
        Decided { by: &self.by, at: now(), reason: &self.reason }
    }
}

/// This moment.
pub(super) fn now() -> Timestamp {
    Clock::start().now()
}
