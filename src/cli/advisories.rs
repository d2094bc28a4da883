//! What is known of versions: what comes with the program, and the catalogue that was brought along.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::data_folder::DataArguments;
use crate::{
    assess::{Advisories, Assessments, Catalogue, Error},
    correlate::{Coverage, CoverageState},
    inventory::Run,
    observe::facts,
    time::Day,
};

/// The file of the data folder that holds what matters of a catalogue.
const KEV: &str = "kev.json";

/// Where a catalogue is kept in `folder`.
pub(super) fn kept_at(folder: &Path) -> PathBuf {
    folder.join(KEV)
}

/// What is known, and where from.
pub(super) struct Held {
    /// All of it.
    pub advisories: Advisories,
    /// The catalogue that was brought along, if one was.
    pub kept: Option<Catalogue>,
}

impl Held {
    /// What comes with the program, and what lies in the data folder.
    pub(super) fn open(data: &DataArguments) -> Result<Self, Error> {
        let mut advisories = Advisories::built_in()?;
        let kept = match data.folder() {
            Some(folder) => Catalogue::open_kept(&kept_at(&folder))?,
            None => None,
        };
        if let Some(kept) = &kept {
            advisories.bring(kept);
        }
        Ok(Self { advisories, kept })
    }

    /// What the versions of a run's points mean on the run's last day, and a line of coverage that says of which day
    /// the catalogue is.
    pub(super) fn assess(&self, run: &mut Run) -> Assessments {
        let day = Some(self.advisories.day().to_string());
        let line = Coverage::of_run("exploited_known", CoverageState::Measured, None, day);
        run.coverage.push(line);
        self.advisories.assess_all(&run.points, Day::of(run.ended))
    }

    /// What makes a run another than the same captures with other advisories; none with what comes with the program.
    pub(super) fn digest(&self) -> Option<String> {
        let mut bytes = Vec::new();
        // Memory takes everything.
        self.kept.as_ref()?.write(&mut bytes).ok()?;
        Some(facts::hex(&Sha256::digest(&bytes)))
    }
}
