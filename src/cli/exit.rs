//! Exit codes (ARCHITECTURE, section 6).

use std::process::ExitCode;

use super::scan;
use crate::{
    assess, fingerprint, import, inventory,
    link::{journal, listen, record, responder},
    passive::{anonymise, capture},
    scope::facility,
};

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing new.
    Clean,
    /// Points that are new or changed.
    Changed,
    /// Something could not be measured: not a pass.
    Partial,
    /// Usage, scope, or input that cannot be read.
    Usage,
    /// A fault of our own.
    Internal,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Changed => 1,
            Exit::Partial => 2,
            Exit::Usage => 3,
            Exit::Internal => 4,
        })
    }
}

/// The exit code that an error asks for: what the user can mend is 3, what only we can is 4.
pub(super) fn of(error: &anyhow::Error) -> Exit {
    let mendable = error.is::<capture::Error>()
        || error.is::<anonymise::Error>()
        || error.is::<record::Error>()
        || error.is::<journal::Error>()
        || error.is::<facility::Error>()
        || error.is::<fingerprint::Error>()
        || error.is::<assess::Error>()
        || error.is::<import::Error>()
        || error.is::<super::register::Error>()
        || error.is::<super::reconcile::Error>()
        || error.is::<super::data::Error>()
        || error.is::<super::data_folder::NoFolder>()
        || error.is::<fingerprint::loaded::Error>()
        || error.is::<inventory::Error>()
        || error.is::<super::demo::Taken>()
        || error.is::<super::limits::Error>()
        || error.is::<super::output::Error>()
        || error.is::<super::draft::Fault>()
        || error.is::<super::sweep::Error>()
        || error.is::<listen::Error>()
        || error.is::<super::listen::Error>()
        || error.is::<responder::Error>()
        || is_plan(error);
    if mendable { Exit::Usage } else { Exit::Internal }
}

/// Whether it is the plan of a scan that is wrong, and not the network.
fn is_plan(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<scan::Error>();
    error.is_some_and(|error| !matches!(error, scan::Error::Network(_)))
}
