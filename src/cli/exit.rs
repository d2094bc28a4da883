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

impl Exit {
    /// The number by which a command ends.
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Changed => 1,
            Self::Partial => 2,
            Self::Usage => 3,
            Self::Internal => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
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
        || error.is::<inventory::bundle::Error>()
        || error.is::<inventory::bundle::seal::Error>()
        || error.is::<super::demo::Taken>()
        || error.is::<super::export::NothingToOpen>()
        || error.is::<super::diff::Error>()
        || error.is::<super::limits::Error>()
        || error.is::<super::output::Error>()
        || error.is::<super::draft::Fault>()
        || error.is::<super::forms::Fault>()
        || error.is::<super::import::Fault>()
        || error.is::<crate::import::declared::Error>()
        || error.is::<super::sweep::Error>()
        || error.is::<listen::Error>()
        || error.is::<super::listen::Error>()
        || error.is::<responder::Error>()
        || error.is::<crate::report::pdf::Error>()
        || error.is::<&'static crate::report::pdf::Error>()
        || is_plan(error);
    if mendable { Exit::Usage } else { Exit::Internal }
}

/// Whether it is the plan of a scan that is wrong, and not the network.
fn is_plan(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<scan::Error>();
    error.is_some_and(|error| !matches!(error, scan::Error::Network(_)))
}
