//! `sekisho review`: what somebody decides about a point.

use std::path::Path;

use super::{Exit, LangArguments, StoreArguments, decided::now, output};
use crate::{
    inventory::{Decided, Review, ReviewState, Reviewed, Standing, Store, UNNAMED},
    report::{Words, cut, decided::sentence, visible},
    time::Day,
};

/// Decide about a point, or list what was decided
///
/// A later decision takes the place of an earlier one; none is ever changed or taken away. Points that are called
/// `false_positive`, `accepted_risk` or `closed` are still shown, apart from the others, and give no exit code 1 by themselves. A
/// closed point that is seen again is news, and so is a false positive whose kind, services or product changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sekisho review p1a2b --state confirmed --by 山田 --reason \"seen in rack 3\" --store hospital.sqlite\n  \
    sekisho review p1a2b --state accepted_risk --until 2027-03-31 --by 山田 --reason \"the vendor replaces it in March\" \
    --store hospital.sqlite\n  \
    sekisho review p1a2b --store hospital.sqlite\n  \
    sekisho review --list --store hospital.sqlite")]
pub(super) struct Arguments {
    /// The point, or the beginning of its name
    #[arg(value_name = "ID", required_unless_present = "list", conflicts_with = "list")]
    id: Option<String>,
    /// What is decided: confirmed, `false_positive`, `explained_by_vendor`, `accepted_risk` or closed
    #[arg(long, value_name = "STATE", value_parser = state, requires_all = ["by", "reason", "id"])]
    state: Option<ReviewState>,
    /// Who decides: a name that others know
    #[arg(long, value_name = "NAME", requires = "state")]
    by: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", requires = "state")]
    reason: Option<String>,
    /// The last day on which it stands; needed for `accepted_risk`
    #[arg(long, value_name = "DATE", requires = "state")]
    until: Option<Day>,
    /// List the last decision about each point: what stands, what runs out within 30 days, what has run out
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    lang: LangArguments,
}

/// Reads the name of a state.
fn state(text: &str) -> Result<ReviewState, String> {
    ReviewState::ALL.into_iter().find(|state| state.name() == text).ok_or_else(|| {
        let names = ReviewState::ALL.map(ReviewState::name);
        let nearest = names.iter().min_by_key(|name| strsim::damerau_levenshtein(name, text));
        format!(
            "no such state; did you mean `{}`? All: {}",
            nearest.unwrap_or(&""),
            names.join(", ")
        )
    })
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let words = Words::of(arguments.lang.language());
    let facility = arguments.store.facility.as_deref();
    let (at, path) = (now(), &arguments.store.store);
    let Some(id) = &arguments.id else {
        let all = Store::open_read(path)?.reviewed(facility)?;
        return list(&all, Day::of(at), words);
    };
    if let (Some(state), Some(by), Some(reason)) =
        (arguments.state, &arguments.by, &arguments.reason)
    {
        let decided = Decided { by, at, reason };
        let mut store = Store::open_to_decide(path)?;
        let (facility, point) = store.review(id, facility, state, arguments.until, &decided)?;
        let review = Review {
            state,
            reviewer: by.clone(),
            at,
            reason: reason.clone(),
            until: arguments.until,
        };
        let said = sentence(&review, None, words);
        let place = facility.map(|name| format!(" ({})", cut(&name, 60))).unwrap_or_default();
        eprintln!("sekisho: {}{place}: {said}", visible(&point));
        return Ok(Exit::Clean);
    }
    let store = Store::open_read(path)?;
    let known = store.point(id, facility)?;
    let memory = store.memory(known.facility.as_deref())?;
    let reviews =
        memory.points.get(&known.point.id).map(|known| &*known.reviews).unwrap_or_default();
    output::write(Path::new("-"), |out| {
        if reviews.is_empty() {
            return writeln!(out, "{}", words.get("review", "no_reviews"));
        }
        reviews.iter().enumerate().try_for_each(|(place, review)| {
            // What another decision took the place of does not run out.
            let on = Day::of(at).filter(|_| place + 1 == reviews.len());
            writeln!(out, "{}", sentence(review, on, words))
        })
    })?;
    Ok(Exit::Clean)
}

/// Lists the last decisions: those that have run out first, for they ask for something.
fn list(all: &[Reviewed], day: Option<Day>, words: &Words) -> anyhow::Result<Exit> {
    let several = all.iter().any(|one| Some(&one.facility) != all.first().map(|one| &one.facility));
    output::write(Path::new("-"), |out| {
        if all.is_empty() {
            return writeln!(out, "{}", words.get("review", "no_reviews"));
        }
        for standing in Standing::ALL.into_iter().rev() {
            let last = all.iter().filter_map(|one| Some((one, one.reviews.last()?)));
            let of_it: Vec<_> =
                last.filter(|(_, review)| review.standing(day) == standing).collect();
            if of_it.is_empty() {
                continue;
            }
            writeln!(out, "{}", words.get("standing", standing.name()))?;
            for (one, review) in of_it {
                let facility = one.facility.as_deref().unwrap_or(UNNAMED);
                let place =
                    if several { format!("  {}", cut(facility, 60)) } else { String::new() };
                let said = sentence(review, day, words);
                writeln!(out, "  {}{place}  {said}", visible(&one.point))?;
            }
        }
        Ok(())
    })?;
    Ok(Exit::Clean)
}
