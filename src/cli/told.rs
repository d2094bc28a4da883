//! What reports tell of a run beyond itself: what its points mean, and what the inventory knows of them.

use super::{advisories::Held, editions, meant};
use crate::{
    assess::{Contradiction, Edition, Meaning, Said, Seen, contradictions, reconcile},
    correlate::Point,
    inventory::{Change, Memory, Run, Store},
    passive::asked::Asked,
    report::{Report, Words},
};

/// What a run's points mean, and what is known of them.
pub(super) struct Told {
    meaning: Meaning,
    memory: Memory,
}

impl Told {
    /// All of it, as reports are made of it.
    pub(super) fn report<'a>(
        &'a self,
        run: &'a Run,
        changes: Option<&'a [Change]>,
        asked: Option<&'a Asked>,
        words: &'static Words,
    ) -> Report<'a> {
        Report { run, changes, asked, meaning: &self.meaning, memory: &self.memory, words }
    }
}

/// What the points of `run` mean, in view of what `store` knows of its facility. Adds lines of coverage that say of which
/// day the knowledge is. They are held against the newest edition of the checklist.
pub(super) fn told(run: &mut Run, held: &Held, store: Option<&Store>) -> anyhow::Result<Told> {
    told_of(run, held, store, &editions::named(None))
}

/// The same, held against these editions of the checklist.
pub(super) fn told_of(
    run: &mut Run,
    held: &Held,
    store: Option<&Store>,
    editions: &[&Edition],
) -> anyhow::Result<Told> {
    let memory = store.map(|store| store.memory(run.facility.as_deref())).transpose()?;
    let memory = memory.unwrap_or_default();
    let contradictions = contradicted(&run.points, &memory);
    let register =
        store.map(|store| store.register(run.facility.as_deref())).transpose()?.flatten();
    let seen = Seen { points: &run.points, hosts: &run.hosts, coverage: &run.coverage };
    let reconciliation = register.map(|register| reconcile(&register, &seen));
    let assessments = held.assess(run);
    let mut meaning = Meaning { assessments, reconciliation, contradictions, ..Meaning::default() };
    meant::hold(&mut meaning, run, &memory, editions);
    Ok(Told { meaning, memory })
}

/// What was seen of `points` and contradicts what people said of them.
pub(super) fn contradicted(points: &[Point], memory: &Memory) -> Vec<Contradiction> {
    let said = memory.points.iter().filter_map(|(name, known)| {
        let (entry, at) = (known.declared.as_ref()?, known.declared_at?);
        let seen = known.seen.iter().map(|(_, began)| *began).max();
        Some((name.as_str(), Said { entry, at, seen }))
    });
    let vendors: Vec<_> = memory.vendors.iter().collect();
    contradictions(points, &said.collect(), &vendors)
}
