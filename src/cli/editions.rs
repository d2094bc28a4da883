//! Which editions of the checklist points are held against.

use crate::assess::{Edition, Library};

/// Every edition.
const ALL: &str = "all";

/// The option of commands that write reports.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ChecklistArguments {
    /// The edition of the ministry's checklist: R5, R6, R7, or all; otherwise the newest
    #[arg(long, value_name = "EDITION", value_parser = edition)]
    checklist: Option<String>,
}

/// The option of the command that is about them.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct EditionArguments {
    /// The edition of the ministry's checklist: R5, R6, R7, or all; otherwise the newest
    #[arg(long, value_name = "EDITION", value_parser = edition)]
    edition: Option<String>,
}

impl ChecklistArguments {
    /// The editions that were asked for, the newest first.
    pub(super) fn editions(&self) -> Vec<&'static Edition> {
        named(self.checklist.as_deref())
    }
}

impl EditionArguments {
    /// The editions that were asked for, the newest first.
    pub(super) fn editions(&self) -> Vec<&'static Edition> {
        named(self.edition.as_deref())
    }
}

/// Reads the name of an edition.
fn edition(text: &str) -> Result<String, String> {
    let library = Library::built_in();
    if text.eq_ignore_ascii_case(ALL) || library.edition(text).is_some() {
        return Ok(text.to_owned());
    }
    let known = library.editions.iter().map(|edition| edition.edition.as_str());
    let known: Vec<&str> = known.chain([ALL]).collect();
    Err(format!("no such edition; use one of {}", known.join(", ")))
}

/// The edition of a name, all of them, or the newest.
pub(super) fn named(name: Option<&str>) -> Vec<&'static Edition> {
    let library = Library::built_in();
    match name {
        Some(name) if name.eq_ignore_ascii_case(ALL) => library.editions.iter().collect(),
        Some(name) => library.edition(name).into_iter().collect(),
        None => library.editions.first().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edition_is_named_in_any_case_and_the_newest_is_the_usual_one() {
        let names = |name| -> Vec<&str> {
            named(name).into_iter().map(|edition| edition.edition.as_str()).collect()
        };
        assert_eq!(names(None), ["R7"]);
        assert_eq!(names(Some("r5")), ["R5"]);
        assert_eq!(names(Some("ALL")), ["R7", "R6", "R5"]);
        assert_eq!(edition("R4").unwrap_err(), "no such edition; use one of R7, R6, R5, all");
    }
}
