//! Lost packets and rationed errors: what is concluded holds for a thousand seeds.

use std::{collections::BTreeMap, net::IpAddr};

use rayon::prelude::*;
use sekisho::{
    correlate::{Grade, Kind},
    fingerprint::{Matcher, Signatures},
    scope::Tier,
};

use super::{
    expectation::FoundPoint,
    scan::{Case, scan},
    verdicts::{asked_too_fast, left_wrongly},
};

/// How many seeds.
const SEEDS: u64 = 1000;

/// Of a hundred packets to every host, or of a hundred from it, so many are lost.
const LOSS: u8 = 20;

/// One exit of `exits_every_role`.
struct Role {
    name: &'static str,
    kind: Kind,
    /// Addresses of the box, one of which the point must have.
    addresses: &'static [[u8; 4]],
    /// The tier from which on it can be found.
    from: Tier,
    /// What must not be lost for that: exchanges that are tried three times, twice, once.
    needs: [i32; 3],
}

/// The exits, each with the exchanges that finding it takes. The first is the question for its hardware address.
const ROLES: [Role; 11] = [
    Role::new("gateway", Kind::InternetGateway, &[[10, 10, 1, 1]], Tier::FirstRouter, [2, 0, 0]),
    Role::new(
        "hides errors",
        Kind::InternetGateway,
        &[[10, 10, 1, 3]],
        Tier::FirstRouter,
        [2, 0, 0],
    ),
    Role::new("mobile", Kind::MobileRouter, &[[10, 10, 1, 5]], Tier::FirstRouter, [2, 0, 0]),
    // The first answer that there is no route, then the one network that there is a route for.
    Role::new("vendor", Kind::MaintenanceRouter, &[[10, 10, 1, 6]], Tier::Ask, [2, 1, 0]),
    Role::new(
        "hides itself",
        Kind::InternetGateway,
        &[[10, 10, 1, 7]],
        Tier::FirstRouter,
        [2, 0, 0],
    ),
    Role::new("narrow", Kind::InternetGateway, &[[10, 10, 1, 8]], Tier::Ask, [2, 0, 0]),
    Role::new("pair", Kind::InternetGateway, PAIR, Tier::FirstRouter, [2, 0, 0]),
    Role::new("routed", Kind::InternetGateway, &[[10, 10, 1, 14]], Tier::Ask, [2, 0, 0]),
    Role::new("two lines", Kind::InternetGateway, &[[10, 10, 1, 15]], Tier::FirstRouter, [2, 0, 0]),
    // Its first line, at both times to live, then the second, once.
    Role::new(
        "second line",
        Kind::ClosedNetworkGateway,
        &[[10, 10, 1, 15]],
        Tier::FirstRouter,
        [3, 0, 1],
    ),
    Role::new("ipv6", Kind::Ipv6Exit, &[[10, 10, 1, 16]], Tier::Ask, [2, 0, 0]),
];

const PAIR: &[[u8; 4]] = &[[10, 10, 1, 11], [10, 10, 1, 12], [10, 10, 1, 13]];

/// Boxes that forward and lead outside through another.
const RELAYS: [[u8; 4]; 2] = [[10, 10, 1, 2], [10, 10, 1, 13]];

impl Role {
    const fn new(
        name: &'static str,
        kind: Kind,
        addresses: &'static [[u8; 4]],
        from: Tier,
        needs: [i32; 3],
    ) -> Self {
        Self { name, kind, addresses, from, needs }
    }

    fn is(&self, point: &FoundPoint) -> bool {
        let has = |address: &[u8; 4]| point.addresses.contains(&IpAddr::from(*address));
        point.kind == self.kind && self.addresses.iter().any(has)
    }

    /// How likely it is found at least: none of what it needs is lost each time.
    fn likely(&self) -> f64 {
        let lost = f64::from(LOSS) / 100.0;
        let [thrice, twice, once] = self.needs;
        (1.0 - lost.powi(3)).powi(thrice)
            * (1.0 - lost.powi(2)).powi(twice)
            * (1.0 - lost).powi(once)
    }
}

/// What one seed gave.
struct Outcome {
    tier: Tier,
    points: Vec<FoundPoint>,
    faults: Vec<String>,
}

fn one(case: &Case, seed: u64, matcher: &Matcher<'_>, desk: &std::path::Path) -> Outcome {
    let tiers = [Tier::Ask, Tier::FirstRouter, Tier::Responder];
    let tier = tiers[usize::try_from(seed % 3).unwrap()];
    let (to, from) = if (seed / 3).is_multiple_of(2) { (LOSS, 0) } else { (0, LOSS) };
    let path = desk.join(format!("{seed}.pcapng"));
    let sim = case.sim().seeded(seed).losing(to, from);
    let scanned = scan(sim, &case.facility(tier), false, seed, matcher, &path);
    std::fs::remove_file(path).unwrap();
    let points = scanned.outcome.points;
    let mut faults = left_wrongly(&scanned.sim, tier);
    faults.extend(asked_too_fast(&scanned.sim));
    if !scanned.sim.harmed().is_empty() {
        faults.push(format!("harmed: {:?}", scanned.sim.harmed()));
    }
    faults.extend(points.iter().filter_map(|point| wrong(case, point)));
    let faults = faults.into_iter().map(|fault| format!("seed {seed} at {tier:?}: {fault}"));
    Outcome { tier, faults: faults.collect(), points }
}

/// What is wrong with a point, whatever was lost.
fn wrong(case: &Case, point: &FoundPoint) -> Option<String> {
    let proved = point.grade == Grade::Proved;
    let is_role = ROLES.iter().any(|role| role.is(point));
    let has = |address: &[u8; 4]| point.addresses.contains(&IpAddr::from(*address));
    let known = ROLES.iter().flat_map(|role| role.addresses).chain(&RELAYS).any(has);
    let exit = ROLES.iter().flat_map(|role| role.addresses).any(has);
    let reason = if case.expect.forbids(point) {
        "a host that leads nowhere"
    } else if !known {
        "of a box that is no exit"
    } else if proved && !exit {
        "a relay that is proved an exit"
    } else if proved && !is_role {
        "proved what it is not"
    } else {
        return None;
    };
    Some(format!("{reason}: {point:?}"))
}

#[test]
fn the_verdicts_hold_for_a_thousand_seeds() {
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
    let desk = tempfile::tempdir().unwrap();
    let case = Case::named("exits_every_role");
    let outcomes: Vec<Outcome> =
        (0..SEEDS).into_par_iter().map(|seed| one(&case, seed, &matcher, desk.path())).collect();
    let faults: Vec<&String> = outcomes.iter().flat_map(|outcome| &outcome.faults).collect();
    let first = &faults[..faults.len().min(20)];
    assert!(faults.is_empty(), "{} faults: {first:#?}", faults.len());

    let mut shares = BTreeMap::new();
    for role in &ROLES {
        let able: Vec<&Outcome> =
            outcomes.iter().filter(|outcome| outcome.tier >= role.from).collect();
        let found = able.iter().filter(|one| one.points.iter().any(|point| role.is(point)));
        let share = ratio(found.count(), able.len());
        // Three standard deviations of so many draws.
        let (likely, draws) = (role.likely(), ratio(able.len(), 1));
        let least = likely - 3.0 * (likely * (1.0 - likely) / draws).sqrt();
        shares.insert(role.name, (share, least));
    }
    let short: Vec<_> = shares.iter().filter(|(_, (share, least))| share < least).collect();
    assert!(
        short.is_empty(),
        "found less often than three attempts find it: {short:?}; of {shares:?}"
    );
}

fn ratio(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(whole).unwrap())
}
