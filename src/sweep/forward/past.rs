//! What an earlier part of a run did, as its journal tells, so that one that was killed goes on and asks nothing twice.
//!
//! ```text
//! forward asked <mechanism> <interface> <mac> <destination> <hops> <carries>
//! forward told <mechanism> <interface> <mac> <destination> <hops> <carries> <attempts> silent
//! forward told <mechanism> <interface> <mac> <destination> <hops> <carries> <attempts> <kind> <by> <mtu> <route>
//! ```
//!
//! Interfaces stand by their places, what is not there as `-`, routes with commas.

use std::collections::HashMap;

use super::{Answer, Carries, Heard, Kind, Mechanism, Neighbour, Question, Settled};
use crate::{observe::Mac, scope::Tier};

/// How many questions of one neighbour are read.
const MOST_OF_NEIGHBOUR: usize = 1024;

/// How many neighbours are read.
const MOST_NEIGHBOURS: usize = 1 << 16;

/// Whom it is about: the place of our interface, and a hardware address.
type Whom = (usize, Mac);

/// What was settled, and what was asked without an answer so far.
#[derive(Debug, Clone, Default)]
pub struct Past {
    settled: HashMap<Whom, Vec<Heard>>,
    asked: HashMap<(Whom, &'static str, Question), u32>,
}

impl Past {
    /// What the notes of a recording say. Lines of others are skipped.
    pub fn of<'a>(notes: impl IntoIterator<Item = &'a str>) -> Self {
        let mut past = Self::default();
        for note in notes {
            let words: Vec<&str> = note.split(' ').collect();
            match words[..] {
                ["forward", "asked", ref about @ ..] => drop(past.read_asked(about)),
                ["forward", "told", ref about @ ..] => drop(past.read_told(about)),
                _ => {}
            }
        }
        past
    }

    /// What was settled about each of these neighbours, as an earlier [`ask`](super::ask) of this run came to it.
    pub fn settled_before(neighbours: &[Neighbour], heard: Vec<Vec<Heard>>) -> Self {
        let whom = neighbours.iter().map(|neighbour| (neighbour.interface, neighbour.mac));
        Self { settled: whom.zip(heard).collect(), asked: HashMap::new() }
    }

    /// What was settled about a neighbour.
    pub(super) fn settled(&self, neighbour: &Neighbour) -> Vec<Heard> {
        self.settled.get(&(neighbour.interface, neighbour.mac)).cloned().unwrap_or_default()
    }

    /// How often a question was asked that is not settled.
    pub(super) fn attempts(
        &self,
        neighbour: &Neighbour,
        mechanism: &'static str,
        question: Question,
    ) -> u32 {
        let key = ((neighbour.interface, neighbour.mac), mechanism, question);
        self.asked.get(&key).copied().unwrap_or_default()
    }

    fn read_asked(&mut self, words: &[&str]) -> Option<()> {
        let (whom, mechanism, question, rest) = read_question(words)?;
        let room = self.asked.len() < MOST_NEIGHBOURS;
        if rest.is_empty() && (room || self.asked.contains_key(&(whom, mechanism, question))) {
            *self.asked.entry((whom, mechanism, question)).or_default() += 1;
        }
        Some(())
    }

    fn read_told(&mut self, words: &[&str]) -> Option<()> {
        let (whom, mechanism, question, rest) = read_question(words)?;
        let (attempts, settled) = match rest {
            [attempts, "silent"] => (attempts, Settled::Silent),
            [attempts, kind, by, mtu, route] => {
                let kind = Kind::named(kind)?;
                let route = route.split(',').filter_map(|address| address.parse().ok()).collect();
                let answer =
                    Answer { mtu: mtu.parse().ok(), route, ..Answer::of(kind, by.parse().ok()?) };
                (attempts, Settled::Answered(answer))
            }
            _ => return None,
        };
        if self.settled.len() >= MOST_NEIGHBOURS && !self.settled.contains_key(&whom) {
            return None;
        }
        let known = self.settled.entry(whom).or_default();
        let heard = Heard { mechanism, question, attempts: attempts.parse().ok()?, settled };
        // A later answer takes the place of silence.
        let same = |known: &Heard| (known.mechanism, known.question) == (mechanism, question);
        if let Some(place) = known.iter().position(same) {
            known.splice(place..=place, [heard]);
        } else if known.len() < MOST_OF_NEIGHBOUR {
            known.push(heard);
        }
        Some(())
    }
}

/// The line that a question goes out.
pub(super) fn asked(neighbour: &Neighbour, mechanism: &str, question: &Question) -> String {
    format!("forward asked {}", about(neighbour, mechanism, question))
}

/// The line that a question is settled.
pub(super) fn told(neighbour: &Neighbour, heard: &Heard) -> String {
    let about = about(neighbour, heard.mechanism, &heard.question);
    let came = match &heard.settled {
        Settled::Silent => "silent".to_owned(),
        Settled::Answered(Answer { kind, by, mtu, route, .. }) => {
            let mtu = mtu.map_or_else(|| "-".to_owned(), |mtu| mtu.to_string());
            let route: Vec<String> = route.iter().map(ToString::to_string).collect();
            let route = if route.is_empty() { "-".to_owned() } else { route.join(",") };
            format!("{} {by} {mtu} {route}", kind.name())
        }
    };
    format!("forward told {about} {} {came}", heard.attempts)
}

fn about(neighbour: &Neighbour, mechanism: &str, question: &Question) -> String {
    let carries = match question.carries {
        Carries::Echo => "echo".to_owned(),
        Carries::Route => "route".to_owned(),
        Carries::Whole(size) => format!("whole:{size}"),
        Carries::Binding(port) => format!("binding:{port}"),
    };
    let Neighbour { interface, mac, .. } = neighbour;
    let Question { destination, time_to_live, .. } = question;
    format!("{mechanism} {interface} {mac} {destination} {time_to_live} {carries}")
}

/// Whom and what a line is about, and its other words.
fn read_question<'a, 'w>(
    words: &'w [&'a str],
) -> Option<(Whom, &'static str, Question, &'w [&'a str])> {
    let [mechanism, interface, mac, destination, hops, carries, rest @ ..] = words else {
        return None;
    };
    let mechanism = Mechanism::named(mechanism)?.name;
    let whom = (interface.parse().ok()?, mac.parse().ok()?);
    let echo = Question::echo(destination.parse().ok()?, hops.parse().ok()?);
    let number = |text: &str| text.parse::<u16>().ok();
    let question = match carries.split_once(':') {
        None if *carries == "echo" => echo,
        None if *carries == "route" => Question { carries: Carries::Route, ..echo },
        Some(("whole", size)) => Question { carries: Carries::Whole(number(size)?), ..echo },
        Some(("binding", port)) => {
            Question { carries: Carries::Binding(number(port)?), tier: Tier::Responder, ..echo }
        }
        _ => return None,
    };
    Some((whom, mechanism, question, rest))
}
