//! What a run of ours noted of what it could not measure, as lines of coverage. A recording may come from anywhere,
//! so nothing in it is taken for more than it is.

use std::collections::BTreeMap;

use ipnetwork::IpNetwork;

use super::{
    Coverage, CoverageState,
    mechanism::{MECHANISMS, Mechanism},
};
use crate::passive::capture::Notes;

/// What a run may be silent about; anything else is shown as what it is, a note.
const SUBJECTS: &[&str] = &[
    "questions_lost",
    NOT_ALLOWED,
    "left_alone",
    "questions_failed",
    "services_not_finished",
    "run_stopped",
    "vantage_in_doubt",
    "network_not_gone_through",
    "packets_lost",
    "overheard_not_kept",
];

/// Of these, what was not asked for a reason that stands in the scope.
const NOT_ALLOWED: &str = "not_allowed";

/// What another release may have noted.
const OTHER: &str = "noted_otherwise";

/// How many lines of one subject are told one by one; the others are a sum.
const MOST_TOLD: usize = 16;

/// How many lines of one mechanism are told one by one: as many as a run looks at networks. How many more there are is
/// told in one line for all.
const MOST_NETWORKS: usize = 256;

/// What is told of lines about networks beyond that.
const TOO_MANY: &str = "networks_not_told";

/// How many prefixes one line may name.
const MOST_PREFIXES: usize = 8;

/// How many bytes the name of an interface may have.
const LONGEST_VANTAGE: usize = 64;

/// How many of those that were not asked for one reason are named.
const MOST_NAMED: usize = 8;

/// The lines of coverage that a run noted, in its order. What was not allowed is one line a reason; other lines
/// beyond [`MOST_TOLD`], and beyond [`MOST_NETWORKS`] of a mechanism, follow as sums.
pub(super) fn lines(notes: &Notes) -> Vec<Coverage> {
    let mut lines: Vec<Coverage> = Vec::new();
    let mut told: BTreeMap<(String, CoverageState), (usize, u64)> = BTreeMap::new();
    let mut reasons: BTreeMap<(String, CoverageState), Reason> = BTreeMap::new();
    let mut unread = notes.lost;
    let mut networks: BTreeMap<usize, usize> = BTreeMap::new();
    let mut too_many = 0;
    for note in notes.lines.iter().chain(&notes.of_networks) {
        let Some(line) = parse(note) else {
            unread += 1;
            continue;
        };
        if let Some(place) = Mechanism::place(&line.subject) {
            let told = networks.entry(place).or_default();
            *told += 1;
            if *told > MOST_NETWORKS {
                too_many += 1;
            } else {
                lines.push(line);
            }
            continue;
        }
        let count = line.count.unwrap_or_default();
        let of_reason = (line.subject == NOT_ALLOWED).then(|| {
            let detail = line.detail.as_deref().unwrap_or_default();
            let (reason, about) = detail.split_once(' ').unwrap_or((detail, ""));
            ((reason.to_owned(), line.state), about.to_owned())
        });
        if let Some((key, about)) = &of_reason
            && let Some(known) = reasons.get_mut(key)
        {
            known.add(count, about);
            continue;
        }
        let (shown, more) = told.entry((line.subject.to_string(), line.state)).or_default();
        *shown += 1;
        if *shown > MOST_TOLD {
            *more = more.saturating_add(count);
            continue;
        }
        if let Some((key, about)) = of_reason {
            let mut reason = Reason { place: lines.len(), ..Reason::default() };
            reason.add(count, &about);
            reasons.insert(key, reason);
        }
        lines.push(line);
    }
    for ((name, _), reason) in reasons {
        if let Some(line) = lines.get_mut(reason.place) {
            line.count = Some(reason.count);
            line.detail = Some(reason.detail(name)).filter(|detail| !detail.is_empty());
        }
    }
    for ((subject, state), (_, more)) in told.into_iter().filter(|(_, (_, more))| *more > 0) {
        lines.push(Coverage::of_run(subject, state, Some(more), None));
    }
    // Whatever they said, it is not told: that is no less than partial.
    for (subject, count) in [(TOO_MANY, too_many), ("notes_not_read", unread)] {
        if count > 0 {
            lines.push(Coverage::of_run(subject, CoverageState::Partial, Some(count), None));
        }
    }
    lines
}

/// Why something was not asked, and whom.
#[derive(Default)]
struct Reason {
    place: usize,
    count: u64,
    named: Vec<String>,
    more: u64,
}

impl Reason {
    fn add(&mut self, count: u64, about: &str) {
        self.count = self.count.saturating_add(count);
        if about.is_empty() || self.named.iter().any(|named| named == about) {
            return;
        }
        if self.named.len() < MOST_NAMED {
            self.named.push(about.to_owned());
        } else {
            self.more += 1;
        }
    }

    fn detail(self, reason: String) -> String {
        let more = if self.more > 0 { format!(" +{}", self.more) } else { String::new() };
        format!("{reason} {}{more}", self.named.join(", ")).trim_end().to_owned()
    }
}

/// Reads `<subject>[@<network>[@<vantage>]] <state> <count> <detail>`. Only mechanisms have a network.
fn parse(note: &str) -> Option<Coverage> {
    let mut words = note.splitn(4, ' ');
    let (subject, state, count) = (words.next()?, words.next()?, words.next()?);
    let detail = words.next().filter(|detail| !detail.is_empty());
    let state = CoverageState::ALL.into_iter().find(|known| known.name() == state)?;
    let count = Some(count.parse().ok()?);
    if let Some(known) = SUBJECTS.iter().find(|known| **known == subject) {
        return Some(Coverage::of_run(*known, state, count, detail.map(str::to_owned)));
    }
    if let Some((mechanism, network, vantage)) = about(subject) {
        let line = Coverage::of_run(mechanism.name, state, count, detail.map(str::to_owned));
        return Some(Coverage { network, vantage, ..line });
    }
    let detail = format!("{subject} {}", detail.unwrap_or_default()).trim_end().to_owned();
    Some(Coverage::of_run(OTHER, state, count, Some(detail)))
}

/// Which mechanism a line is about, in which network, from which interface.
fn about(subject: &str) -> Option<(&'static Mechanism, Option<String>, Option<String>)> {
    let (name, place) = match subject.split_once('@') {
        Some((name, place)) => (name, Some(place)),
        None => (subject, None),
    };
    let mechanism = MECHANISMS.get(Mechanism::place(name)?)?;
    let Some(place) = place else { return Some((mechanism, None, None)) };
    let (prefixes, vantage) = match place.split_once('@') {
        Some((prefixes, vantage)) => (prefixes, Some(vantage)),
        None => (place, None),
    };
    let vantage = match vantage {
        Some(name) if name.is_empty() || name.len() > LONGEST_VANTAGE || name.contains('@') => {
            return None;
        }
        name => name.map(str::to_owned),
    };
    // An interface may look at a wire on which it has no address.
    if prefixes.is_empty() {
        return vantage.is_some().then_some((mechanism, None, vantage));
    }
    let parts: Vec<&str> = prefixes.split(',').take(MOST_PREFIXES + 1).collect();
    if parts.len() > MOST_PREFIXES {
        return None;
    }
    let networks: Option<Vec<String>> = parts.into_iter().map(network).collect();
    Some((mechanism, Some(networks?.join(",")), vantage))
}

/// A prefix as it is written everywhere else.
fn network(text: &str) -> Option<String> {
    let read: IpNetwork = text.contains('/').then(|| text.parse().ok()).flatten()?;
    let network = IpNetwork::new(read.network(), read.prefix()).ok()?;
    Some(network.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines_of: &[&str], lost: u64) -> Vec<(String, &'static str, Option<u64>, String)> {
        let lines_of = lines_of.iter().map(|line| (*line).to_owned()).collect();
        let notes = Notes { lines: lines_of, lost, ..Notes::default() };
        let told = |line: Coverage| {
            (
                line.subject.into_owned(),
                line.state.name(),
                line.count,
                line.detail.unwrap_or_default(),
            )
        };
        lines(&notes).into_iter().map(told).collect()
    }

    #[test]
    fn notes_are_lines_of_coverage_in_their_order() {
        assert_eq!(
            told(
                &[
                    "questions_lost measured 3 3 of 20",
                    "left_alone partial 1 10.0.0.7 slow",
                    "run_stopped partial 1",
                ],
                0
            ),
            [
                ("questions_lost".to_owned(), "measured", Some(3), "3 of 20".to_owned()),
                ("left_alone".to_owned(), "partial", Some(1), "10.0.0.7 slow".to_owned()),
                ("run_stopped".to_owned(), "partial", Some(1), String::new()),
            ]
        );
    }

    #[test]
    fn a_note_cannot_say_what_is_not_the_runs_to_say() {
        let hostile = "listens_only not_measured 1 nothing was sent";
        let said = told(&[hostile], 0);
        assert_eq!(said.len(), 1);
        assert_eq!((&*said[0].0, &*said[0].3), (OTHER, "listens_only nothing was sent"));
    }

    #[test]
    fn damaged_notes_are_counted_and_make_the_run_partial() {
        let damaged =
            ["", "left_alone", "left_alone perhaps 1 x", "left_alone partial -1 x", "\u{202e}"];
        let said = told(&damaged, 2);
        assert_eq!(said, [("notes_not_read".to_owned(), "partial", Some(7), String::new())]);
    }

    #[test]
    fn many_lines_of_one_subject_end_in_a_sum() {
        let many: Vec<String> =
            (0..200).map(|n| format!("left_alone partial 1 10.0.0.{n} stopped")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let said = told(&many, 0);
        assert_eq!(said.len(), MOST_TOLD + 1);
        assert_eq!(said.last().unwrap().2, Some(200 - MOST_TOLD as u64));
        let endless = vec![format!("questions_failed partial {}", u64::MAX); 40];
        let endless: Vec<&str> = endless.iter().map(String::as_str).collect();
        assert_eq!(told(&endless, 0).last().unwrap().2, Some(u64::MAX));
    }

    /// The subject, network and interface of each line.
    fn places(lines_of: &[String]) -> Vec<(String, String, String)> {
        let notes = Notes { of_networks: lines_of.to_vec(), ..Notes::default() };
        let text = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
        let place =
            |line: Coverage| (line.subject.into_owned(), text(line.network), text(line.vantage));
        lines(&notes).into_iter().map(place).collect()
    }

    #[test]
    fn a_mechanism_names_its_network_and_its_interface() {
        for (about, network, vantage) in [
            ("forward", "-", "-"),
            ("forward@10.10.1.0/24", "10.10.1.0/24", "-"),
            ("forward@10.10.1.0/24@eth1", "10.10.1.0/24", "eth1"),
            ("forward@10.10.1.7/24@eth1", "10.10.1.0/24", "eth1"),
            ("forward@10.10.1.0/24,2001:DB8:0::/64@eth1", "10.10.1.0/24,2001:db8::/64", "eth1"),
            ("forward@@eth1", "-", "eth1"),
        ] {
            let said = places(&[format!("{about} measured 3 answered=1")]);
            let wanted = ("forward".to_owned(), network.to_owned(), vantage.to_owned());
            assert_eq!(said, [wanted], "{about}");
        }
    }

    #[test]
    fn a_place_that_cannot_be_read_is_a_note_of_another_release() {
        let many = ["10.0.0.0/8"; MOST_PREFIXES + 1].join(",");
        let long = "x".repeat(LONGEST_VANTAGE + 1);
        for about in [
            "forward@",
            "forward@@",
            "forward@10.0.0.0",
            "forward@10.0.0.0/33",
            "forward@10.0.0.0/8,",
            "forward@10.0.0.0/8@",
            "forward@10.0.0.0/8@a@b",
            "forward@ward-3",
            &format!("forward@{many}"),
            &format!("forward@10.0.0.0/8@{long}"),
            "forwards@10.0.0.0/8",
            "left_alone@10.0.0.0/8",
            "@10.0.0.0/8",
        ] {
            let said = places(&[format!("{about} measured 3 x")]);
            assert_eq!(said, [(OTHER.to_owned(), "-".to_owned(), "-".to_owned())], "{about}");
        }
    }

    #[test]
    fn as_many_networks_are_told_as_a_run_looks_at_and_the_rest_is_counted() {
        let of = |mechanism: &'static Mechanism| {
            (0..MOST_NETWORKS)
                .map(move |n| format!("{}@10.{n}.0.0/16@eth1 not_measured 0 tier", mechanism.name))
        };
        let all: Vec<String> = MECHANISMS.iter().flat_map(of).collect();
        assert_eq!(places(&all).len(), MECHANISMS.len() * MOST_NETWORKS);
        let more = (0..44).map(|n| format!("forward@172.16.{n}.0/24 measured 1"));
        let all: Vec<String> = all.into_iter().chain(more).collect();
        let said = lines(&Notes { of_networks: all, ..Notes::default() });
        assert_eq!(said.len(), MECHANISMS.len() * MOST_NETWORKS + 1);
        let last = said.last().unwrap();
        assert_eq!((&*last.subject, last.count), (TOO_MANY, Some(44)));
        assert_eq!(last.state, CoverageState::Partial);
    }

    #[test]
    fn what_was_not_allowed_is_one_line_a_reason() {
        let spared: Vec<String> = (0..20)
            .map(|n| format!("not_allowed not_measured 3 fragile_host 10.0.0.{n}"))
            .chain(["not_allowed not_measured 2 fragile_host".to_owned()])
            .chain(["not_allowed not_measured 1 hours".to_owned()])
            .collect();
        let spared: Vec<&str> = spared.iter().map(String::as_str).collect();
        let said = told(&spared, 0);
        assert_eq!(said.len(), 2, "{said:?}");
        let names: Vec<String> = (0..8).map(|n| format!("10.0.0.{n}")).collect();
        let detail = format!("fragile_host {} +12", names.join(", "));
        assert_eq!((said[0].2, &said[0].3), (Some(62), &detail));
        assert_eq!((said[1].2, &*said[1].3), (Some(1), "hours"));
    }
}
