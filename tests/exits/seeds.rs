//! Lost packets and rationed errors: what is concluded holds for a thousand seeds.

use std::{collections::BTreeMap, net::IpAddr, path::Path};

use rayon::prelude::*;
use sekisho::{
    correlate::{Grade, Kind},
    fingerprint::{Matcher, Signatures},
    observe::Mac,
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

/// The exits, each with the exchanges that finding it takes at least. The first is the question for its hardware
/// address.
const ROLES: [Role; 14] = [
    role("gateway", Kind::InternetGateway, &[[10, 10, 1, 1]], Tier::FirstRouter, [2, 0, 0]),
    role("hides errors", Kind::InternetGateway, &[[10, 10, 1, 3]], Tier::FirstRouter, [2, 0, 0]),
    role("mobile", Kind::MobileRouter, &[[10, 10, 1, 5]], Tier::FirstRouter, [2, 0, 0]),
    // That there is no route for the Internet, then the one network that there is a route for.
    role("vendor", Kind::MaintenanceRouter, &[[10, 10, 1, 6]], Tier::Ask, [2, 1, 0]),
    role("hides itself", Kind::InternetGateway, &[[10, 10, 1, 7]], Tier::FirstRouter, [2, 0, 0]),
    role("narrow", Kind::InternetGateway, &[[10, 10, 1, 8]], Tier::Ask, [2, 0, 0]),
    role("pair", Kind::InternetGateway, PAIR, Tier::FirstRouter, [2, 0, 0]),
    role("routed", Kind::InternetGateway, &[[10, 10, 1, 14]], Tier::Ask, [2, 0, 0]),
    role("two lines", Kind::InternetGateway, &[[10, 10, 1, 15]], Tier::FirstRouter, [2, 0, 0]),
    role("ipv6", Kind::Ipv6Exit, &[[10, 10, 1, 16]], Tier::Ask, [2, 0, 0]),
    // Addresses of other prefixes are asked for twice.
    role("second card", Kind::DualHomedHost, &[[10, 10, 1, 9]], Tier::Ask, [1, 1, 0]),
    role("mute card", Kind::DualHomedHost, &[[10, 10, 1, 4]], Tier::Ask, [1, 1, 0]),
    // It also has to ask for the address that it answers, and to hear of it.
    role("other prefix", Kind::InternetGateway, &[[192, 168, 1, 1]], Tier::Ask, [2, 2, 0]),
    role(
        "other prefix, proved",
        Kind::InternetGateway,
        &[[192, 168, 1, 1]],
        Tier::FirstRouter,
        [2, 2, 0],
    ),
];

const PAIR: &[[u8; 4]] = &[[10, 10, 1, 11], [10, 10, 1, 12], [10, 10, 1, 13]];

/// Boxes that forward and lead outside through another, and one that leads nowhere.
const RELAYS: [[u8; 4]; 3] = [[10, 10, 1, 2], [10, 10, 1, 13], [10, 10, 1, 17]];

const fn role(
    name: &'static str,
    kind: Kind,
    addresses: &'static [[u8; 4]],
    from: Tier,
    needs: [i32; 3],
) -> Role {
    Role { name, kind, addresses, from, needs }
}

/// Whether a point is of the box with one of these addresses. Where too much was lost, its hardware address is all that is
/// known of it.
fn has(point: &FoundPoint, addresses: &[[u8; 4]]) -> bool {
    addresses.iter().any(|address| {
        point.addresses.contains(&IpAddr::from(*address)) || point.macs.contains(&mac(*address))
    })
}

/// The hardware address of the box with an address.
fn mac(address: [u8; 4]) -> Mac {
    Mac(match address {
        [192, ..] => [2, 0, 0, 2, 1, 1],
        [.., 5] => [0, 0x80, 0x6d, 1, 0, 5],
        [.., 11] => [0, 0, 0x5e, 0, 1, 0x0a],
        [.., last] => [2, 0, 0, 1, 0, last],
    })
}

impl Role {
    fn is(&self, point: &FoundPoint) -> bool {
        point.kind == self.kind && has(point, self.addresses)
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

fn one(case: &Case, seed: u64, matcher: &Matcher<'_>, desk: &Path) -> Outcome {
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
    let exit = ROLES.iter().any(|role| has(point, role.addresses));
    let reason = if case.expect.forbids(point) {
        "a host that leads nowhere"
    } else if !exit && !has(point, &RELAYS) {
        "a box that does not forward"
    } else if proved && !exit {
        "a relay that is proved an exit"
    } else if proved && !ROLES.iter().any(|role| role.is(point)) {
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
        "found less often than the attempts find it: {short:?}; of {shares:?}"
    );
}

fn ratio(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(whole).unwrap())
}
