//! Networks against mechanisms: what ran where, from which interface, and what did not. Made of the lines of coverage
//! that name a mechanism; what no line tells is no more measured than what a line says did not run.

use std::collections::{BTreeMap, BTreeSet};

use ipnetwork::IpNetwork;

use super::{
    Coverage, CoverageState,
    mechanism::{COUNT, MECHANISMS, Mechanism, NO_INTERFACE, NOBODY, number, reason, value},
};

/// The reason in a [`Gap`] that no line tells.
pub const NOT_TOLD: &str = "not_told";

/// A row a network and interface, a cell a mechanism.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid<'a> {
    /// By network, then by interface.
    pub rows: Vec<Row<'a>>,
    /// Those of the networks that were not looked at at all, since no interface of ours is in them.
    pub dark: Vec<&'a str>,
    /// What was asked by each mechanism, and how many of these answered.
    asked: [(u64, u64); COUNT],
}

/// What was done in one network from one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// The network, or several with commas; none where the interface has none.
    pub network: Option<&'a str>,
    /// The interface; none where there is none in that network.
    pub vantage: Option<&'a str>,
    /// The day on which it was looked at, where that was an earlier run than the others.
    pub day: Option<&'a str>,
    /// In the order of [`MECHANISMS`].
    pub cells: [Cell<'a>; COUNT],
}

/// What became of one mechanism in one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// It ran to its end.
    Ran(&'a Coverage),
    /// There was nobody to ask.
    Nobody(&'a Coverage),
    /// It was to run, and did not come to its end.
    Partly(&'a Coverage),
    /// It did not run.
    Not(&'a Coverage),
    /// Another network of the same wire tells it.
    Elsewhere,
    /// Nothing is told of it.
    Untold,
}

/// What became of one mechanism in all networks that were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary<'a> {
    /// Which.
    pub mechanism: &'static Mechanism,
    /// In how many networks it could have run.
    pub networks: usize,
    /// In how many of them it ran to its end, or had nobody to ask.
    pub ran: usize,
    /// How many were asked.
    pub asked: u64,
    /// How many of them answered, as far as that is told.
    pub answered: u64,
    /// Where it did not run, or not to its end: what broke off first, then by reason.
    pub gaps: Vec<Gap<'a>>,
}

/// Networks in which a mechanism did not run, or not to its end, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap<'a> {
    /// It was to run: the run is partial.
    pub partial: bool,
    /// The reason, as the lines say it; empty where they say none.
    pub reason: &'a str,
    /// The networks, or the interface where it has none; empty for a run that names neither.
    pub networks: Vec<&'a str>,
}

type Key<'a> = (Option<&'a str>, Option<&'a str>);

impl<'a> Grid<'a> {
    /// The grid of these lines of coverage; without rows where none names a mechanism.
    pub fn of(lines: &'a [Coverage]) -> Self {
        let mut told: [BTreeMap<Key<'a>, &'a Coverage>; COUNT] = Default::default();
        let mut asked = [(0, 0); COUNT];
        for line in lines {
            let Some(place) = Mechanism::place(&line.subject) else { continue };
            if line.state != CoverageState::NotMeasured
                && let Some((of, answered)) = asked.get_mut(place)
            {
                *of = u64::saturating_add(*of, line.count.unwrap_or_default());
                *answered =
                    u64::saturating_add(*answered, number(line, "answered").unwrap_or_default());
            }
            if let Some(told) = told.get_mut(place) {
                let key = (line.network.as_deref(), line.vantage.as_deref());
                let known = told.entry(key).or_insert(line);
                if rank(line) < rank(known) {
                    *known = line;
                }
            }
        }
        let rows: Vec<Row<'a>> = keys(&told)
            .into_iter()
            .map(|(network, vantage)| {
                let lines = told.iter().filter_map(|told| told.get(&(network, vantage)));
                Row {
                    network,
                    vantage,
                    day: lines.filter_map(|line| value(line, "seen")).max(),
                    cells: std::array::from_fn(|place| {
                        told.get(place).map_or(Cell::Untold, |told| cell(told, network, vantage))
                    }),
                }
            })
            .collect();
        let dark = dark(&rows);
        Self { rows, dark, asked }
    }

    /// Each mechanism in all networks but the dark ones, in the order of [`MECHANISMS`]; none where there are no rows.
    pub fn summaries(&self) -> Vec<Summary<'a>> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let of = |(place, mechanism)| self.summary(place, mechanism);
        MECHANISMS.iter().enumerate().map(of).collect()
    }

    /// Whether every mechanism ran in every network; not so where nothing is told at all.
    pub fn is_whole(&self) -> bool {
        let whole = |one: &Summary<'_>| one.gaps.is_empty();
        !self.rows.is_empty() && self.dark.is_empty() && self.summaries().iter().all(whole)
    }

    /// How many networks there are.
    pub fn networks(&self) -> usize {
        self.rows.iter().map(Row::name).collect::<BTreeSet<_>>().len()
    }

    fn summary(&self, place: usize, mechanism: &'static Mechanism) -> Summary<'a> {
        // What one interface saw of a network is seen, whatever others in it did not.
        let mut best: Vec<(&'a str, Cell<'a>)> = Vec::new();
        let mut at: BTreeMap<&'a str, usize> = BTreeMap::new();
        let dark: BTreeSet<&str> = self.dark.iter().copied().collect();
        for row in self.rows.iter().filter(|row| !dark.contains(row.name())) {
            let cell = row.cells.get(place).copied().unwrap_or(Cell::Untold);
            match at.get(row.name()).and_then(|at| best.get_mut(*at)) {
                Some((_, known)) if cell.rank() < known.rank() => *known = cell,
                Some(_) => {}
                None => {
                    at.insert(row.name(), best.len());
                    best.push((row.name(), cell));
                }
            }
        }
        best.retain(|(_, cell)| *cell != Cell::Elsewhere);
        let mut gaps: BTreeMap<(bool, &'a str), Vec<&'a str>> = BTreeMap::new();
        for (network, cell) in &best {
            if let Some((partial, reason)) = cell.gap() {
                gaps.entry((!partial, reason)).or_default().push(network);
            }
        }
        let missing: usize = gaps.values().map(Vec::len).sum();
        let (asked, answered) = self.asked.get(place).copied().unwrap_or_default();
        Summary {
            mechanism,
            networks: best.len(),
            ran: best.len() - missing,
            asked,
            answered,
            gaps: gaps
                .into_iter()
                .map(|((whole, reason), networks)| Gap { partial: !whole, reason, networks })
                .collect(),
        }
    }
}

impl<'a> Row<'a> {
    /// What the row is called: its network, else its interface.
    pub fn name(&self) -> &'a str {
        self.network.or(self.vantage).unwrap_or_default()
    }
}

impl<'a> Cell<'a> {
    /// The better it was seen, the lower.
    const fn rank(self) -> u8 {
        match self {
            Self::Ran(_) => 0,
            Self::Nobody(_) => 1,
            Self::Partly(_) => 2,
            Self::Not(_) => 3,
            Self::Elsewhere => 4,
            Self::Untold => 5,
        }
    }

    /// Whether it was to run and why it did not come to its end, if something is missing.
    pub fn gap(self) -> Option<(bool, &'a str)> {
        match self {
            Self::Ran(_) | Self::Nobody(_) | Self::Elsewhere => None,
            Self::Partly(line) => Some((true, reason(line))),
            Self::Not(line) => Some((false, reason(line))),
            Self::Untold => Some((false, NOT_TOLD)),
        }
    }
}

/// The networks in which nothing ran, and no interface of ours is.
fn dark<'a>(rows: &[Row<'a>]) -> Vec<&'a str> {
    let ran = |cell: &Cell<'_>| matches!(cell, Cell::Ran(_) | Cell::Partly(_) | Cell::Nobody(_));
    let from_no_wire = |cell: &Cell<'_>| cell.gap() == Some((false, NO_INTERFACE));
    let mut lit: BTreeSet<&str> = BTreeSet::new();
    for row in rows {
        if row.vantage.is_some() || row.cells.iter().any(ran) || !row.cells.iter().any(from_no_wire)
        {
            lit.insert(row.name());
        }
    }
    let mut dark: Vec<&'a str> =
        rows.iter().map(Row::name).filter(|name| !lit.contains(name)).collect();
    dark.dedup();
    dark
}

/// The better it was seen, the lower.
fn rank(line: &Coverage) -> u8 {
    of_line(line).rank()
}

fn of_line(line: &Coverage) -> Cell<'_> {
    match line.state {
        CoverageState::Measured => Cell::Ran(line),
        CoverageState::Partial => Cell::Partly(line),
        CoverageState::NotMeasured if reason(line) == NOBODY => Cell::Nobody(line),
        CoverageState::NotMeasured => Cell::Not(line),
    }
}

/// The cell of a mechanism: its own line, or one that is about more than this row.
fn cell<'a>(
    told: &BTreeMap<Key<'a>, &'a Coverage>,
    network: Option<&'a str>,
    vantage: Option<&'a str>,
) -> Cell<'a> {
    let wider = [(network, vantage), (network, None), (None, vantage), (None, None)];
    if let Some(line) = wider.iter().find_map(|key| told.get(key)) {
        return of_line(line);
    }
    let same_wire = vantage.is_some() && told.keys().any(|(_, from)| *from == vantage);
    if same_wire { Cell::Elsewhere } else { Cell::Untold }
}

/// The rows that lines make. A line that is about more than one row makes none of its own where there are others that
/// it is about.
fn keys<'a>(told: &[BTreeMap<Key<'a>, &'a Coverage>]) -> Vec<Key<'a>> {
    let all: BTreeSet<Key<'a>> = told.iter().flat_map(BTreeMap::keys).copied().collect();
    let whole = |key: &&Key<'a>| key.0.is_some() && key.1.is_some();
    let seen_from: BTreeSet<&str> = all.iter().filter(whole).filter_map(|key| key.0).collect();
    let looking: BTreeSet<&str> = all.iter().filter(whole).filter_map(|key| key.1).collect();
    let several = all.len() > 1;
    let mut keys: Vec<Key<'a>> = all
        .into_iter()
        .filter(|key| match key {
            (Some(_), Some(_)) => true,
            (Some(network), None) => !seen_from.contains(network),
            (None, Some(vantage)) => !looking.contains(vantage),
            (None, None) => !several,
        })
        .collect();
    keys.sort_by_cached_key(|(network, vantage)| {
        let first = network.and_then(|network| network.split(',').next());
        let prefix = first.and_then(|first| first.parse::<IpNetwork>().ok());
        (network.is_none(), prefix.is_none(), prefix, *network, *vantage)
    });
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(about: &str, state: CoverageState, detail: &str) -> Coverage {
        let mut parts = about.split('@');
        let mut part = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
        Coverage {
            subject: part().unwrap().into(),
            network: part(),
            vantage: part(),
            state,
            count: Some(10),
            detail: Some(detail.to_owned()),
        }
    }

    fn measured(about: &str) -> Coverage {
        line(about, CoverageState::Measured, "answered=2 silent=8 attempts=3")
    }

    fn missing(about: &str, reason: &str) -> Coverage {
        line(about, CoverageState::NotMeasured, reason)
    }

    fn rows(grid: &Grid<'_>) -> Vec<(String, String)> {
        let text = |part: Option<&str>| part.unwrap_or("-").to_owned();
        grid.rows.iter().map(|row| (text(row.network), text(row.vantage))).collect()
    }

    fn summary<'a>(grid: &Grid<'a>, name: &str) -> Summary<'a> {
        grid.summaries().into_iter().find(|one| one.mechanism.name == name).unwrap()
    }

    #[test]
    fn rows_are_networks_in_their_order_and_those_without_an_interface_have_one_too() {
        let lines = [
            measured("forward@10.10.20.0/24@eth1"),
            measured("forward@10.10.3.0/24@eth1"),
            missing("forward@10.10.9.0/24", "no_interface"),
            measured("listening@@eth9"),
            missing("responder", "tier"),
            measured("files_read"),
        ];
        let grid = Grid::of(&lines);
        let row = |network: &str, vantage: &str| (network.to_owned(), vantage.to_owned());
        assert_eq!(
            rows(&grid),
            [
                row("10.10.3.0/24", "eth1"),
                row("10.10.9.0/24", "-"),
                row("10.10.20.0/24", "eth1"),
                row("-", "eth9"),
            ]
        );
        assert_eq!(grid.networks(), 4);
        // What is told once of the whole run counts everywhere.
        let responder = summary(&grid, "responder");
        assert_eq!((responder.networks, responder.ran), (3, 0));
        assert_eq!(responder.gaps[0].reason, "tier");
        assert_eq!(responder.gaps[0].networks.len(), 3);
        // But not where nothing was looked at.
        assert_eq!(grid.dark, ["10.10.9.0/24"]);
        let forward = summary(&grid, "forward");
        assert_eq!((forward.ran, forward.asked, forward.answered), (2, 20, 4));
    }

    #[test]
    fn what_one_interface_saw_of_a_network_is_seen() {
        let lines = [
            measured("forward@10.0.0.0/24@eth1"),
            line("forward@10.0.0.0/24@eth2", CoverageState::Partial, "stopped"),
            missing("second_hop@10.0.0.0/24", "tier"),
        ];
        let grid = Grid::of(&lines);
        assert_eq!(grid.rows.len(), 2);
        let forward = summary(&grid, "forward");
        assert_eq!((forward.networks, forward.ran, forward.gaps.len()), (1, 1, 0));
        // A line about the network is about both rows, and makes none.
        let hop = summary(&grid, "second_hop");
        assert_eq!((hop.networks, hop.gaps[0].networks.as_slice()), (1, &["10.0.0.0/24"][..]));
    }

    #[test]
    fn a_wire_with_two_prefixes_tells_each_mechanism_once() {
        let lines =
            [measured("forward@10.0.0.0/24@eth1"), measured("forward_v6@2001:db8::/64@eth1")];
        let grid = Grid::of(&lines);
        assert_eq!(grid.rows.len(), 2);
        for name in ["forward", "forward_v6"] {
            let one = summary(&grid, name);
            assert_eq!((one.networks, one.ran, one.gaps.len()), (1, 1, 0), "{name}");
        }
        // Of the others nothing is told, which is no better than not measured.
        let hop = summary(&grid, "second_hop");
        assert_eq!((hop.ran, hop.gaps[0].reason, hop.gaps[0].partial), (0, NOT_TOLD, false));
    }

    #[test]
    fn only_what_ran_everywhere_is_whole_and_nobody_to_ask_is_no_gap() {
        assert!(!Grid::of(&[]).is_whole());
        assert!(Grid::of(&[]).summaries().is_empty());
        let mut lines: Vec<Coverage> = MECHANISMS
            .iter()
            .map(|mechanism| measured(&format!("{}@10.0.0.0/24@eth1", mechanism.name)))
            .collect();
        assert!(Grid::of(&lines).is_whole());
        lines[4] = missing("record_route@10.0.0.0/24@eth1", NOBODY);
        assert!(Grid::of(&lines).is_whole());
        for detail in ["tier", "fragile", "not_asked_for", ""] {
            lines[4] = missing("record_route@10.0.0.0/24@eth1", detail);
            assert!(!Grid::of(&lines).is_whole(), "{detail}");
        }
        lines.remove(4);
        assert!(!Grid::of(&lines).is_whole(), "what is not told did not run");
    }

    #[test]
    fn a_network_without_an_interface_is_dark_and_told_once() {
        let mut lines: Vec<Coverage> = MECHANISMS
            .iter()
            .map(|mechanism| measured(&format!("{}@10.0.0.0/24@eth1", mechanism.name)))
            .collect();
        lines.push(missing("forward@10.0.9.0/24", NO_INTERFACE));
        let grid = Grid::of(&lines);
        assert_eq!(grid.dark, ["10.0.9.0/24"]);
        assert!(!grid.is_whole());
        assert!(grid.summaries().iter().all(|one| (one.networks, one.gaps.len()) == (1, 0)));
        // Whoever was handed its traffic looked at it after all.
        lines.push(measured("listening@10.0.9.0/24"));
        let grid = Grid::of(&lines);
        assert!(grid.dark.is_empty());
        assert_eq!(summary(&grid, "forward").gaps[0].reason, NO_INTERFACE);
    }

    #[test]
    fn what_broke_off_is_told_before_what_did_not_run() {
        let lines = [
            missing("forward@10.0.1.0/24@a", "fragile"),
            line("forward@10.0.2.0/24@b", CoverageState::Partial, "stopped answered=1"),
            missing("forward@10.0.3.0/24", "tier"),
            missing("forward@10.0.4.0/24", "tier"),
        ];
        let forward = summary(&Grid::of(&lines), "forward");
        let gaps: Vec<_> = forward.gaps.iter().map(|gap| (gap.partial, gap.reason)).collect();
        assert_eq!(gaps, [(true, "stopped"), (false, "fragile"), (false, "tier")]);
        assert_eq!(forward.gaps[2].networks, ["10.0.3.0/24", "10.0.4.0/24"]);
    }

    #[test]
    fn the_better_of_two_runs_in_one_network_counts() {
        let lines = [
            missing("forward@10.0.1.0/24@a", "tier"),
            measured("forward@10.0.1.0/24@a"),
            line("forward@10.0.1.0/24@a", CoverageState::Partial, "stopped"),
        ];
        let forward = summary(&Grid::of(&lines), "forward");
        assert_eq!((forward.ran, forward.asked), (1, 20));
    }
}
