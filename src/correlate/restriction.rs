//! What of the facility is open to the Internet, and what did not answer there: the evidence for a restriction by
//! source address. One vantage outside shows what is open to that one source.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
};

use serde::{Deserialize, Serialize};

use super::{Point, Service};
use crate::{
    observe::Transport,
    passive::asked::{Asked, Doors},
    scope::{Vantage, inside::is_global},
};

/// What a run asked of addresses in the Internet that answered alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Inquiry {
    /// From where.
    pub vantage: Vantage,
    /// Whom.
    pub addresses: BTreeSet<IpAddr>,
    /// At which ports.
    pub asked: Ports,
    /// At which of them something opened, or was said.
    pub open: Ports,
}

/// Ports by what carries them, each a text such as `21-23,443`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ports {
    /// Of TCP.
    pub tcp: Ranges,
    /// Of UDP.
    pub udp: Ranges,
}

/// Numbers of ports: the first and the last of each row of them, in order, none next to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ranges(Vec<(u16, u16)>);

/// Whether a service answers outside. A closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FromOutside {
    /// It answered to a run from outside.
    #[serde(rename = "open_from_outside")]
    Open,
    /// It was asked from outside, and was silent or refused.
    #[serde(rename = "not_answered_from_outside")]
    NotAnswered,
    /// Nobody asked it from outside.
    #[serde(rename = "not_asked")]
    NotAsked,
}

/// A service of a point, and whether it answers outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Restriction {
    /// The service.
    #[serde(flatten)]
    pub service: Service,
    /// Whether it answers.
    pub answer: FromOutside,
    /// The vantages that show it: those to which it answered or, where it answered to none, those that asked.
    pub vantages: BTreeSet<Vantage>,
}

impl FromOutside {
    /// Every answer.
    pub const ALL: [Self; 3] = [Self::Open, Self::NotAnswered, Self::NotAsked];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open_from_outside",
            Self::NotAnswered => "not_answered_from_outside",
            Self::NotAsked => "not_asked",
        }
    }
}

impl Ports {
    fn of(doors: &BTreeSet<(Transport, u16)>) -> Self {
        let of = |wanted: Transport| {
            let these = doors.iter().filter(|(transport, _)| *transport == wanted);
            Ranges::of(these.map(|(_, port)| (*port, *port)).collect())
        };
        Self { tcp: of(Transport::Tcp), udp: of(Transport::Udp) }
    }

    /// Whether `port` is one of them.
    pub fn contain(&self, transport: Transport, port: u16) -> bool {
        match transport {
            Transport::Tcp => self.tcp.contain(port),
            Transport::Udp => self.udp.contain(port),
            _ => false,
        }
    }
}

impl Ranges {
    /// Rows of ports, in any order, as they are kept.
    fn of(mut rows: Vec<(u16, u16)>) -> Self {
        rows.sort_unstable();
        let mut kept: Vec<(u16, u16)> = Vec::new();
        for (first, last) in rows {
            match kept.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => kept.push((first, last)),
            }
        }
        Self(kept)
    }

    fn contain(&self, port: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&port))
    }

    fn ports(&self) -> impl Iterator<Item = u16> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }
}

impl Ord for Ranges {
    /// Port by port.
    fn cmp(&self, other: &Self) -> Ordering {
        self.ports().cmp(other.ports())
    }
}

impl PartialOrd for Ranges {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<Ranges> for String {
    fn from(ranges: Ranges) -> Self {
        ranges.to_string()
    }
}

impl TryFrom<String> for Ranges {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{}` are no ports, such as 21-23,443", text.escape_debug());
        let mut rows = Vec::new();
        for part in text.split(',').filter(|_| !text.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let ends = first.parse::<u16>().ok().zip(last.parse::<u16>().ok());
            let (first, last) = ends.filter(|(first, last)| first <= last).ok_or_else(wrong)?;
            rows.push((first, last));
        }
        Ok(Self::of(rows))
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

/// What a ledger says was asked from outside; addresses of which the same was asked, and the same answered, together.
pub fn inquiries(asked: &Asked) -> Vec<Inquiry> {
    let mut alike: BTreeMap<(&Vantage, Ports, Ports), BTreeSet<IpAddr>> = BTreeMap::new();
    for (vantage, address, Doors { asked, open }) in asked.from_outside() {
        alike.entry((vantage, Ports::of(asked), Ports::of(open))).or_default().insert(address);
    }
    let inquiry = |((vantage, asked, open), addresses): ((&Vantage, Ports, Ports), _)| Inquiry {
        vantage: vantage.clone(),
        addresses,
        asked,
        open,
    };
    alike.into_iter().map(inquiry).collect()
}

/// Says of each service of `point` whether it answers outside, by what runs asked there, the earliest first. Where no
/// run looked from outside, or no address of the point there is known, nothing is said.
pub fn restrict(point: &mut Point, runs: &[&[Inquiry]]) {
    let sides = &point.sides;
    let global = point.addresses.iter().filter(|ip| is_global(**ip));
    let own: BTreeSet<IpAddr> =
        sides.faces.iter().chain(&sides.claims).chain(global).copied().collect();
    let looked = !own.is_empty() && runs.iter().any(|run| !run.is_empty());
    let listening = sides.services.iter().filter(|seen| looked && seen.listens);
    point.sides.restriction =
        listening.map(|seen| restriction(&seen.service, &own, runs)).collect();
}

fn restriction(service: &Service, own: &BTreeSet<IpAddr>, runs: &[&[Inquiry]]) -> Restriction {
    // Of each vantage the last run that asked counts.
    let mut last: BTreeMap<&Vantage, bool> = BTreeMap::new();
    for run in runs {
        let mut now: BTreeMap<&Vantage, bool> = BTreeMap::new();
        for one in run.iter().filter(|one| !one.addresses.is_disjoint(own)) {
            let Some(port) = service.port else { continue };
            if one.asked.contain(service.transport, port) {
                *now.entry(&one.vantage).or_default() |= one.open.contain(service.transport, port);
            }
        }
        last.extend(now);
    }
    let to = |open: bool| -> BTreeSet<Vantage> {
        last.iter().filter(|(_, is)| **is == open).map(|(vantage, _)| (*vantage).clone()).collect()
    };
    let (open, silent) = (to(true), to(false));
    let (answer, vantages) = if !open.is_empty() {
        (FromOutside::Open, open)
    } else if !silent.is_empty() {
        (FromOutside::NotAnswered, silent)
    } else {
        (FromOutside::NotAsked, BTreeSet::new())
    };
    Restriction { service: service.clone(), answer, vantages }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(text: &str) -> Ranges {
        text.to_owned().try_into().unwrap()
    }

    fn inquiry(vantage: &str, address: &str, tcp: &str, open: &str) -> Inquiry {
        let ports = |tcp: &str| Ports { tcp: ranges(tcp), udp: ranges("") };
        Inquiry {
            vantage: vantage.parse().unwrap(),
            addresses: BTreeSet::from([address.parse().unwrap()]),
            asked: ports(tcp),
            open: ports(open),
        }
    }

    fn answer(runs: &[&[Inquiry]]) -> (FromOutside, Vec<String>) {
        let service =
            Service { transport: Transport::Tcp, port: Some(443), protocol: "tls".into() };
        let own = BTreeSet::from(["203.0.113.2".parse().unwrap()]);
        let found = restriction(&service, &own, runs);
        (found.answer, found.vantages.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn ports_are_written_as_people_write_them() {
        for text in ["", "0", "21-23,443", "1-65535", "1,3,5", "65534-65535"] {
            assert_eq!(ranges(text).to_string(), text);
        }
        for wrong in ["x", "3-1", "1-", ",", "70000", "1,,2", "-"] {
            assert!(Ranges::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        assert_eq!(ranges("443,21,22-30,23").to_string(), "21-30,443");
        assert!(ranges("21-23,443") < ranges("21-22,80"), "port by port");
        assert!(ranges("21") < ranges("21-22") && ranges("") < ranges("1"));
    }

    #[test]
    fn silence_is_told_with_who_asked_and_an_answer_to_one_is_an_answer() {
        let here = |open| inquiry("outside", "203.0.113.2", "22,443", open);
        let mobile = |open| inquiry("outside-mobile", "203.0.113.2", "443", open);
        assert_eq!(answer(&[]), (FromOutside::NotAsked, vec![]));
        let silent = (FromOutside::NotAnswered, vec!["outside".to_owned()]);
        assert_eq!(answer(&[&[here("22")]]), silent);
        let both = answer(&[&[here("")], &[mobile("443")]]);
        assert_eq!(both, (FromOutside::Open, vec!["outside-mobile".to_owned()]));
        let others = inquiry("outside", "203.0.113.3", "443", "443");
        assert_eq!(answer(&[&[others]]).0, FromOutside::NotAsked, "another's address");
        let elsewhere = inquiry("outside", "203.0.113.2", "22", "");
        assert_eq!(answer(&[&[elsewhere]]).0, FromOutside::NotAsked, "another port");
    }

    #[test]
    fn of_one_vantage_the_last_run_that_asked_counts() {
        let run = |tcp, open| vec![inquiry("outside", "203.0.113.2", tcp, open)];
        let (open, closed, other) = (run("443", "443"), run("443", ""), run("22", "22"));
        assert_eq!(answer(&[&open, &closed]).0, FromOutside::NotAnswered);
        assert_eq!(answer(&[&closed, &open]).0, FromOutside::Open);
        assert_eq!(answer(&[&open, &other]).0, FromOutside::Open, "not asked is no answer");
        // Two addresses of one box in one run: one that answers is enough.
        let two = [
            inquiry("outside", "203.0.113.2", "443", "443"),
            inquiry("outside", "203.0.113.2", "443", ""),
        ];
        assert_eq!(answer(&[&two]).0, FromOutside::Open);
    }
}
