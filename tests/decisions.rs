//! The life of a point: what people decide about it, and what becomes of that when it is seen again.
#![expect(clippy::unwrap_used, reason = "what cannot be set up should fail the test")]

use std::{collections::BTreeSet, path::PathBuf};

use assert_cmd::Command;
use sekisho::{
    correlate::{Because, Direction, Grade, Kind, Point, Product, Service, Sides, Vantage},
    inventory::{
        Change, Decided, Error, Facet, ReviewState, Run, Standing, Store, Why, decision::Fault,
    },
    observe::Transport,
    time::Timestamp,
};

const HERE: &str = "関所記念病院";
const THERE: &str = "逢坂診療所";

fn point(id: &str, address: &str, mac: &str) -> Point {
    Point {
        id: id.into(),
        kind: Kind::VpnGateway,
        grade: Grade::Proved,
        confidence: 0.9,
        direction: Direction::In,
        addresses: BTreeSet::from([address.parse().unwrap()]),
        macs: BTreeSet::from([mac.parse().unwrap()]),
        outside: BTreeSet::new(),
        services: BTreeSet::from([service("ike", 500)]),
        product: None,
        names: BTreeSet::new(),
        lines: Vec::new(),
        because: vec![Because {
            evidence: "answers_vpn".into(),
            field: "ike.version".into(),
            value: "2".into(),
            observation: "a.pcap#7".into(),
        }],
        sides: Sides::default(),
    }
}

fn service(protocol: &str, port: u16) -> Service {
    Service { transport: Transport::Udp, port: Some(port), protocol: protocol.into() }
}

fn run(id: &str, facility: &str, began: i64, points: Vec<Point>) -> Run {
    Run {
        id: id.into(),
        facility: Some(facility.into()),
        began: Timestamp::new(began, 0),
        ended: Timestamp::new(began + 60, 0),
        inputs: Vec::new(),
        coverage: Vec::new(),
        points,
        unrecognised: Vec::new(),
        hosts: Vec::new(),
        vantages: Sides::default().seen_from,
        inquiries: Vec::new(),
    }
}

fn desk() -> (tempfile::TempDir, PathBuf, Store) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let store = Store::open(&path).unwrap();
    (folder, path, store)
}

/// A decision taken `at` seconds after the epoch.
fn decided(at: i64) -> Decided<'static> {
    Decided { by: "山田", at: Timestamp::new(at, 0), reason: "ラックで確認した" }
}

/// A day, in seconds.
const DAY: i64 = 86_400;
const MAC_A: &str = "00:00:5e:00:53:01";
const MAC_B: &str = "00:00:5e:00:53:02";

fn again(changes: &[Change]) -> Vec<(&str, ReviewState, Vec<Facet>)> {
    let of = |change: &'_ Change| match change {
        Change::SeenAgain { state, what, .. } => {
            Some((*state, what.iter().map(|one| one.facet).collect::<Vec<_>>()))
        }
        _ => None,
    };
    changes
        .iter()
        .filter_map(|change| of(change).map(|(state, facets)| (change.id(), state, facets)))
        .collect()
}

#[test]
fn a_point_is_confirmed_then_accepted_until_a_day_then_closed_and_its_return_is_news() {
    let (_folder, _, mut store) = desk();
    store.absorb(&run("r1", HERE, 100, vec![point("p0a", "10.0.0.1", MAC_A)])).unwrap();
    store.review("p0", None, ReviewState::Confirmed, None, &decided(1000)).unwrap();
    let until = "1970-01-03".parse().unwrap();
    let (facility, id) = store
        .review("p0a", Some(HERE), ReviewState::AcceptedRisk, Some(until), &decided(2000))
        .unwrap();
    assert_eq!((facility.as_deref(), &*id), (Some(HERE), "p0a"));

    let known = store.memory(Some(HERE)).unwrap().points.remove("p0a").unwrap();
    let states: Vec<ReviewState> = known.reviews.iter().map(|review| review.state).collect();
    assert_eq!(states, [ReviewState::Confirmed, ReviewState::AcceptedRisk]);
    let day = |text: &str| Some(text.parse().unwrap());
    assert_eq!(known.standing(day("1970-01-03")).unwrap().state, ReviewState::AcceptedRisk);
    assert_eq!(known.standing(day("1970-01-04")), None, "it ran out, and nothing stands behind it");
    let last = &known.reviews[1];
    assert_eq!(last.standing(day("1970-01-02")), Standing::RunsOut);
    assert_eq!(last.standing(day("1970-01-04")), Standing::Over);

    store.review("p0a", None, ReviewState::Closed, None, &decided(3000)).unwrap();
    // Gone is what it should be.
    let changes = store.absorb(&run("r2", HERE, 4000, vec![])).unwrap();
    assert!(again(&changes).is_empty(), "{changes:?}");
    // A capture of before the decision says nothing against it.
    let earlier = run("r3", HERE, 2500, vec![point("p0a", "10.0.0.1", MAC_A)]);
    assert!(again(&store.absorb(&earlier).unwrap()).is_empty());
    for (id, began) in [("r4", 5000), ("r5", 6000)] {
        let changes =
            store.absorb(&run(id, HERE, began, vec![point("p0a", "10.0.0.1", MAC_A)])).unwrap();
        assert_eq!(again(&changes), [("p0a", ReviewState::Closed, vec![])], "{id}");
    }
    // Somebody looks, and decides anew.
    store.review("p0a", None, ReviewState::Confirmed, None, &decided(7000)).unwrap();
    let changes =
        store.absorb(&run("r6", HERE, 8000, vec![point("p0a", "10.0.0.1", MAC_A)])).unwrap();
    assert!(again(&changes).is_empty());
    let known = store.memory(Some(HERE)).unwrap().points.remove("p0a").unwrap();
    assert_eq!(known.reviews.len(), 4, "none is taken away");
}

#[test]
fn what_was_no_point_is_news_only_when_it_is_another_one() {
    let (_folder, _, mut store) = desk();
    let plain = point("p0a", "10.0.0.1", MAC_A);
    store.absorb(&run("r1", HERE, 100, vec![plain.clone()])).unwrap();
    store.review("p0a", None, ReviewState::FalsePositive, None, &decided(1000)).unwrap();
    let moved = Point { addresses: BTreeSet::from(["10.0.0.9".parse().unwrap()]), ..plain.clone() };
    assert!(again(&store.absorb(&run("r2", HERE, 2000, vec![moved])).unwrap()).is_empty());
    let silent = Point { services: BTreeSet::new(), ..plain.clone() };
    assert!(again(&store.absorb(&run("r3", HERE, 3000, vec![silent])).unwrap()).is_empty());
    let mut more = plain.clone();
    more.services.insert(service("openvpn", 1194));
    let changes = store.absorb(&run("r4", HERE, 4000, vec![more])).unwrap();
    let news = (ReviewState::FalsePositive, vec![Facet::Services]);
    assert_eq!(again(&changes), [("p0a", news.0, news.1)]);
    let product =
        Product { vendor: "Acme".into(), name: "EdgeGate".into(), model: None, version: None };
    let named = Point { product: Some(product), ..plain };
    let changes = store.absorb(&run("r5", HERE, 5000, vec![named])).unwrap();
    assert_eq!(again(&changes)[0].2, [Facet::Product]);
}

#[test]
fn a_decision_that_says_too_little_is_refused() {
    let (_folder, _, mut store) = desk();
    store.absorb(&run("r1", HERE, 100, vec![point("p0a", "10.0.0.1", MAC_A)])).unwrap();
    let mut refused = |state, until: Option<&str>, decided: &Decided<'_>| {
        let until = until.map(|day| day.parse().unwrap());
        store.review("p0a", None, state, until, decided).unwrap_err().to_string()
    };
    let fine = decided(5 * DAY);
    let error = refused(ReviewState::AcceptedRisk, None, &fine);
    assert!(error.contains("--until 2027-03-31"), "{error}");
    let error = refused(ReviewState::Confirmed, Some("1970-01-02"), &fine);
    assert!(error.contains("is before today, 1970-01-06"), "{error}");
    let error = refused(ReviewState::Confirmed, None, &Decided { by: " ", ..fine.clone() });
    assert!(error.starts_with("--by is empty"), "{error}");
    let long = "長".repeat(2001);
    let error = refused(ReviewState::Confirmed, None, &Decided { reason: &long, ..fine });
    assert!(error.contains("2001 characters"), "{error}");
    assert!(store.log().unwrap().iter().all(|entry| entry.told.as_ref().unwrap().kind == "run"));
}

#[test]
fn a_merge_by_the_program_is_explained() {
    let (_folder, _, mut store) = desk();
    store.absorb(&run("r1", HERE, 100, vec![point("p0a", "10.0.0.1", MAC_A)])).unwrap();
    store.absorb(&run("r2", HERE, 200, vec![point("p0b", "10.0.0.2", MAC_A)])).unwrap();
    store.absorb(&run("r3", HERE, 300, vec![point("p0c", "10.0.0.2", MAC_B)])).unwrap();
    assert_eq!(store.points(None).unwrap().len(), 1);
    let bonds = store.bonds("p0a", None).unwrap();
    let why: Vec<(&str, &str, &Why)> =
        bonds.iter().map(|bond| (&*bond.part, &*bond.with, &bond.why)).collect();
    assert_eq!(
        why,
        [
            ("p0b", "p0a", &Why::Hardware(MAC_A.parse().unwrap())),
            ("p0c", "p0b", &Why::Address("10.0.0.2".parse().unwrap())),
        ]
    );
}

#[test]
fn what_the_program_put_together_is_split_and_merged_again() {
    let (_folder, _, mut store) = desk();
    store.absorb(&run("r1", HERE, 100, vec![point("p0a", "10.0.0.1", MAC_A)])).unwrap();
    store.absorb(&run("r2", HERE, 200, vec![point("p0b", "10.0.0.1", MAC_B)])).unwrap();
    assert_eq!(names(&store), ["p0a"]);
    store.review("p0b", None, ReviewState::Confirmed, None, &decided(300)).unwrap();

    let split = store.split("p0a", Some("p0b"), None, &decided(400)).unwrap();
    assert_eq!(split.points.iter().collect::<BTreeSet<_>>().len(), 2);
    assert_eq!(names(&store), ["p0a", "p0b"]);
    // Each is what was seen of it, now and when it is seen again.
    store
        .absorb(&run(
            "r3",
            HERE,
            500,
            vec![point("p0a", "10.0.0.1", MAC_A), point("p0b", "10.0.0.5", MAC_B)],
        ))
        .unwrap();
    assert_eq!(names(&store), ["p0a", "p0b"]);
    assert_eq!(store.point("p0a", None).unwrap().history.len(), 2);
    let of_b = store.point("p0b", None).unwrap();
    assert!(of_b.point.addresses.contains(&"10.0.0.5".parse().unwrap()), "{of_b:?}");
    assert_eq!(store.run("r3").unwrap().points.len(), 2);

    let merged = store.merge("p0b", "p0a", Some(HERE), &decided(600)).unwrap();
    assert_eq!(merged.points, ["p0a"]);
    assert_eq!(names(&store), ["p0a"]);
    assert_eq!(
        store.run("r3").unwrap().points.len(),
        1,
        "what one run saw of one box is one point"
    );
    let error = store.merge("p0b", "p0a", None, &decided(700)).unwrap_err();
    assert!(matches!(error, Error::Decision(Fault::OneAlready { .. })), "{error}");
    // The part may be left out where there are two.
    store.split("p0a", None, None, &decided(800)).unwrap();
    assert_eq!(names(&store), ["p0a", "p0b"]);
    assert_eq!(store.joints().unwrap().len(), 3, "every decision is kept");
    store.verify(None).unwrap();
}

#[test]
fn what_people_put_together_is_split_again() {
    let (_folder, _, mut store) = desk();
    let all = vec![
        point("p0a", "10.0.0.1", MAC_A),
        point("p0b", "10.0.0.2", MAC_B),
        point("p0c", "10.0.0.3", "00:00:5e:00:53:03"),
    ];
    store.absorb(&run("r1", HERE, 100, all)).unwrap();
    store.merge("p0b", "p0c", None, &decided(200)).unwrap();
    let bonds = store.bonds("p0b", None).unwrap();
    assert!(matches!(&bonds[0].why, Why::People { by, .. } if by == "山田"), "{bonds:?}");
    store.merge("p0a", "p0b", None, &decided(300)).unwrap();
    assert_eq!(names(&store), ["p0a"]);
    // What was put together through a third is split from both.
    store.split("p0a", Some("p0c"), None, &decided(400)).unwrap();
    assert_eq!(names(&store), ["p0a", "p0c"]);
    let error = store.split("p0c", None, None, &decided(450)).unwrap_err();
    assert!(matches!(error, Error::Decision(Fault::OnePart { .. })), "{error}");
    let error = store.split("p0a", Some("p0c"), None, &decided(450)).unwrap_err();
    assert!(matches!(error, Error::Decision(Fault::NoPart { .. })), "{error}");
    store.split("p0a", Some("p0b"), None, &decided(500)).unwrap();
    assert_eq!(names(&store), ["p0a", "p0b", "p0c"]);
    let error = store.split("p0zz", None, None, &decided(600)).unwrap_err();
    assert!(matches!(error, Error::NoSuchPoint { .. }), "{error}");
    store.verify(None).unwrap();
}

#[test]
fn a_point_seen_from_two_vantages_is_split_and_the_side_outside_is_a_point_of_its_own() {
    let (_folder, _, mut store) = desk();
    let outside: Vantage = "outside".parse().unwrap();
    let mut inside = point("p0a", "10.0.0.1", MAC_A);
    inside.sides.claims.insert("203.0.113.2".parse().unwrap());
    let mut face = point("p0b", "10.0.0.1", MAC_A);
    (face.addresses, face.macs) = (BTreeSet::new(), BTreeSet::new());
    face.sides = Sides { seen_from: BTreeSet::from([outside.clone()]), ..Sides::default() };
    face.sides.faces.insert("203.0.113.2".parse().unwrap());
    store.absorb(&run("r1", HERE, 100, vec![inside])).unwrap();
    let far = Run { vantages: BTreeSet::from([outside]), ..run("r2", HERE, 200, vec![face]) };
    store.absorb(&far).unwrap();
    assert_eq!(names(&store), ["p0a"]);
    let bonds = store.bonds("p0a", None).unwrap();
    assert_eq!(bonds[0].why, Why::Outside("203.0.113.2".parse().unwrap()));
    store.split("p0a", Some("p0b"), None, &decided(300)).unwrap();
    assert_eq!(names(&store), ["p0a", "p0b"]);
    store.merge("p0a", "p0b", None, &decided(400)).unwrap();
    assert_eq!(names(&store), ["p0a"]);
}

fn names(store: &Store) -> Vec<String> {
    store.points(None).unwrap().into_iter().map(|known| known.point.id).collect()
}

#[test]
fn facilities_share_no_decisions() {
    let (_folder, path, mut store) = desk();
    let one = point("p0a", "10.0.0.1", MAC_A);
    store.absorb(&run("r1", HERE, 100, vec![one.clone()])).unwrap();
    store.absorb(&run("r2", THERE, 200, vec![one, point("p0b", "10.0.0.2", MAC_B)])).unwrap();
    let error = store.review("p0a", None, ReviewState::Closed, None, &decided(300)).unwrap_err();
    assert!(matches!(error, Error::Ambiguous { .. }), "{error}");
    store.review("p0a", Some(THERE), ReviewState::Closed, None, &decided(300)).unwrap();
    assert!(store.memory(Some(HERE)).unwrap().points["p0a"].reviews.is_empty());
    assert_eq!(store.memory(Some(THERE)).unwrap().points["p0a"].reviews.len(), 1);
    let error = store.merge("p0b", "p0a", None, &decided(400)).unwrap_err();
    assert!(matches!(error, Error::Ambiguous { .. }), "{error}");
    let overview = store.overview("1970-01-01".parse().ok()).unwrap();
    let told: Vec<_> =
        overview.iter().map(|one| (one.facility.as_deref(), one.points, one.open)).collect();
    assert_eq!(told, [(Some(THERE), 2, 1), (Some(HERE), 1, 1)]);
    drop(store);

    let store = path.to_str().unwrap();
    let listed = sekisho(&["points", "--store", store, "--lang", "en"]);
    let text = String::from_utf8(listed.stdout).unwrap();
    let (there, here) = text.split_once(&format!("Facility: {HERE}")).unwrap();
    assert!(there.contains(THERE) && there.contains("p0b") && !here.contains("p0b"), "{text}");
    assert!(there.contains("Decided (nobody has to look at these)"), "{text}");
    for command in [&["report", "out"][..], &["points", "--json", "-"]] {
        let refused = sekisho(&[command, &["--store", store]].concat());
        let error = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(3), "{error}");
        assert!(error.contains(HERE) && error.contains("--facility"), "{error}");
    }
    let json = sekisho(&["points", "--json", "-", "--store", store, "--facility", THERE]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let closed = json["points"].as_array().unwrap().iter().find(|one| one["id"] == "p0a").unwrap();
    assert_eq!(closed["review"]["state"], "closed");
    assert_eq!(closed["review"]["standing"], true);
    let runs = sekisho(&["runs", "--store", store, "--facility", HERE]);
    let runs = String::from_utf8(runs.stdout).unwrap();
    assert!(runs.contains("r1") && !runs.contains("r2"), "{runs}");
}

#[test]
fn decisions_are_taken_and_shown_on_the_command_line() {
    let (folder, path, mut store) = desk();
    let points = vec![point("p0a", "10.0.0.1", MAC_A), point("p0b", "10.0.0.2", MAC_B)];
    store.absorb(&run("r1", HERE, 1_700_000_000, points)).unwrap();
    drop(store);
    let at = ["--store", path.to_str().unwrap()];
    let by = ["--by", "山田 \u{1b}[31m<b>", "--reason", "=cmd|x\u{202e}"];
    let refused = sekisho(&[&["review", "p0a", "--state", "accepted_risk"], &by[..], &at].concat());
    assert_eq!(refused.status.code(), Some(3));
    let wrong = sekisho(&[&["review", "p0a", "--state", "closd"], &by[..], &at].concat());
    let error = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.status.code() == Some(3) && error.contains("did you mean `closed`"), "{error}");
    let until = ["--until", "2999-03-31"];
    let accept = ["review", "p0a", "--state", "accepted_risk"];
    let done = sekisho(&[&accept, &by[..], &until, &at].concat());
    let told = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(0), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    for command in
        [&["review", "p0a"][..], &["review", "--list"], &["show", "p0a"], &["points"], &["log"]]
    {
        let shown = sekisho(&[command, &at, &["--lang", "ja"]].concat());
        assert_eq!(shown.status.code(), Some(0), "{command:?}");
        let text = String::from_utf8(shown.stdout).unwrap();
        assert!(text.contains("山田 \\u{1b}[31m<b>"), "{command:?}: {text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{command:?}: {text:?}");
    }
    let merged = sekisho(&[&["merge", "p0a", "p0b"], &by[..], &at].concat());
    assert_eq!(merged.status.code(), Some(0));
    let split = sekisho(&[&["split", "p0a"], &by[..], &at].concat());
    assert_eq!(split.status.code(), Some(0));
    let missing = folder.path().join("none.sqlite");
    let none = sekisho(
        &[&["merge", "p0a", "p0b"], &by[..], &["--store", missing.to_str().unwrap()]].concat(),
    );
    assert!(none.status.code() == Some(3) && !missing.exists(), "no store is made by a decision");
    let overview = sekisho(&[&["facilities"], &at[..], &["--json"]].concat());
    let overview: serde_json::Value = serde_json::from_slice(&overview.stdout).unwrap();
    assert_eq!((&overview["points"], &overview["open"]), (&2.into(), &1.into()));
    let verified = sekisho(&[&["verify"], &at[..]].concat());
    assert_eq!(verified.status.code(), Some(0));
}

fn sekisho(arguments: &[&str]) -> std::process::Output {
    Command::cargo_bin("sekisho")
        .unwrap()
        .args(arguments)
        .env_remove("SEKISHO_STORE")
        .output()
        .unwrap()
}
