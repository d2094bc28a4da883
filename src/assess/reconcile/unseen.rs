//! Why a declared line was not seen: what the line says of itself, and what was looked at.

use std::sync::LazyLock;

use ipnetwork::IpNetwork;
use serde::Deserialize;

use super::{Unseen, known::Line};
use crate::{
    correlate::{Coverage, CoverageState},
    import::{Column, Entry, tidy::folded},
};

#[derive(Deserialize)]
struct Said {
    dark: Vec<String>,
    dials_out: Vec<String>,
}

static SAID: LazyLock<Said> = LazyLock::new(|| {
    let mut said: Said =
        toml::from_str(include_str!("said.toml")).expect("the list is read by tests");
    for words in [&mut said.dark, &mut said.dials_out] {
        for word in words {
            *word = folded(word);
        }
    }
    said
});

/// The columns in which a line says what sort of connection it is.
const TELLING: [Column; 9] = [
    Column::Name,
    Column::Sort,
    Column::Purpose,
    Column::Line,
    Column::Method,
    Column::Direction,
    Column::Model,
    Column::Connected,
    Column::Note,
];

/// What was looked at.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Networks that were looked at or not, the narrowest first.
    networks: Vec<(IpNetwork, bool)>,
    /// What counts as inside, as far as it is told.
    inside: Vec<IpNetwork>,
}

impl Looked {
    /// What a run's coverage says of it.
    pub(super) fn of(coverage: &[Coverage]) -> Self {
        let mut looked = Self::default();
        for line in coverage {
            let prefixes = |text: Option<&String>| -> Vec<IpNetwork> {
                text.into_iter()
                    .flat_map(|text| text.split(','))
                    .filter_map(|part| part.trim().parse().ok())
                    .collect()
            };
            let saw = line.state != CoverageState::NotMeasured;
            for network in prefixes(line.network.as_ref()) {
                match looked.networks.iter_mut().find(|(known, _)| *known == network) {
                    Some((_, known)) => *known |= saw,
                    None => looked.networks.push((network, saw)),
                }
            }
            if matches!(&*line.subject, "inside_given" | "inside_inferred") {
                looked.inside.extend(prefixes(line.detail.as_ref()));
            }
        }
        looked.networks.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix()));
        looked
    }

    /// Whether an address lies in a network that was looked at. What no line tells of is taken as looked at only where
    /// nothing tells of any network.
    fn has(&self, address: std::net::IpAddr) -> bool {
        let network = self.networks.iter().find(|(network, _)| network.contains(address));
        match network {
            Some((_, saw)) => *saw,
            None if self.inside.is_empty() => self.networks.is_empty(),
            None => self.inside.iter().any(|network| network.contains(address)),
        }
    }
}

/// Whether a line says one of these words.
fn says(entry: &Entry, words: &[String]) -> bool {
    let columns = TELLING.into_iter().filter_map(|column| entry.get(column)).map(folded);
    columns.into_iter().any(|text| words.iter().any(|word| text.contains(word.as_str())))
}

/// Why a line was not seen.
pub(super) fn why(line: &Line<'_>, looked: &Looked) -> Unseen {
    let entry = line.entry;
    let addressed = !entry.addresses.is_empty() || !entry.macs.is_empty();
    if !addressed && says(entry, &SAID.dark) {
        return Unseen::Dark;
    }
    if !entry.addresses.is_empty() && !entry.addresses.iter().any(|address| looked.has(*address)) {
        return Unseen::OutOfScope;
    }
    if says(entry, &SAID.dials_out) {
        return Unseen::DialsOut;
    }
    let modelled = entry.get(Column::Vendor).is_some() && entry.get(Column::Model).is_some();
    let findable = addressed
        || !entry.outside.is_empty()
        || line.serial.is_some()
        || !line.names.is_empty()
        || modelled;
    if findable { Unseen::Silent } else { Unseen::NothingToFindItBy }
}
