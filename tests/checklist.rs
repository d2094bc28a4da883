//! What points mean: the checklist's editions, the guideline, the plan and what is seldom used, by cases in
//! `fixtures/checklists/` and by random points. Nothing in it is ever a はい.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read should fail the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use proptest::prelude::*;
use sekisho::{
    assess::{
        Advisories, Assessments, By, Checked, Found, Ground, Library, Matter, Meaning, Mismatch,
        Outcome, Plan, Proposal, Reconciled, Reconciliation, Stale, Suggestion, Unseen, articles,
        findings, propose::REASONS, stale,
    },
    correlate::{
        Access, Because, Direction, FromOutside, Grade, Host, Kind, Point, Product, Restriction,
        Seen, Service, Sides,
    },
    import::{Column, Entry},
    inventory::{Memory, Run},
    observe::Transport,
    report::{Language, Look, Report, Words, write_checklist, write_json, write_plan, write_text},
    time::{Day, Timestamp},
};
use serde::Deserialize;

const CASES: &str = "fixtures/checklists";

/// A case, as its file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    register: bool,
    #[serde(default)]
    outside: bool,
    #[serde(default)]
    missing: usize,
    #[serde(default)]
    hosts: Vec<String>,
    day: Option<String>,
    point: Vec<Told>,
    #[serde(default)]
    expect: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    plan: Option<ToldPlan>,
}

/// A point in a few words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    id: String,
    kind: Kind,
    #[serde(default)]
    listens: Vec<String>,
    #[serde(default)]
    dials: Vec<String>,
    #[serde(default)]
    open: Vec<String>,
    #[serde(default)]
    silent: Vec<String>,
    #[serde(default)]
    not_asked: Vec<String>,
    #[serde(default)]
    access: Vec<ToldAccess>,
    #[serde(default)]
    because: Vec<ToldBecause>,
    product: Option<ToldProduct>,
    written: Option<BTreeMap<Column, String>>,
    #[serde(default)]
    differs: bool,
    #[serde(default)]
    explained: bool,
    stale: Option<ToldStale>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldAccess {
    port: u16,
    #[serde(default)]
    versions: BTreeSet<String>,
    #[serde(default)]
    login: bool,
    #[serde(default)]
    client_certificate: bool,
    #[serde(default)]
    sign_on: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldBecause {
    #[serde(default)]
    evidence: String,
    field: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldProduct {
    vendor: String,
    name: String,
    version: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldStale {
    seen: usize,
    runs: usize,
    days: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldPlan {
    before: usize,
    after: usize,
    group: Vec<ToldGroup>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldGroup {
    proposal: String,
    purpose: String,
    points: Vec<String>,
    after: Option<usize>,
    reasons: Vec<String>,
}

/// Everything that a case is made of.
#[derive(Debug)]
struct World {
    points: Vec<Point>,
    hosts: Vec<Host>,
    assessments: Assessments,
    register: Option<Reconciliation>,
    explained: BTreeSet<String>,
    stale: BTreeMap<String, Stale>,
    outside: bool,
}

fn service(text: &str) -> Service {
    let (protocol, rest) = text.split_once(' ').unwrap();
    let (transport, port) = rest.split_once('/').unwrap();
    let transport = if transport == "udp" { Transport::Udp } else { Transport::Tcp };
    Service { transport, port: port.parse().ok(), protocol: protocol.to_owned() }
}

fn point(told: &Told) -> Point {
    let usual = Sides::default().seen_from;
    let seen = |listens| {
        let usual = usual.clone();
        move |text: &String| Seen { service: service(text), listens, seen_from: usual.clone() }
    };
    let services: Vec<Seen> =
        told.listens.iter().map(seen(true)).chain(told.dials.iter().map(seen(false))).collect();
    let answers = [
        (&told.open, FromOutside::Open),
        (&told.silent, FromOutside::NotAnswered),
        (&told.not_asked, FromOutside::NotAsked),
    ];
    let restriction = answers.into_iter().flat_map(|(texts, answer)| {
        texts.iter().map(move |text| Restriction {
            service: service(text),
            answer,
            vantages: BTreeSet::new(),
        })
    });
    let access = told.access.iter().map(|one| Access {
        transport: Transport::Tcp,
        port: Some(one.port),
        versions: one.versions.clone(),
        client_certificate: one.client_certificate,
        login: one.login,
        sign_on: one.sign_on,
        seen_from: usual.clone(),
    });
    let because = told.because.iter().map(|one| Because {
        evidence: one.evidence.clone(),
        field: one.field.clone(),
        value: one.value.clone(),
        observation: "a.pcap#1".into(),
    });
    let dials = told.listens.is_empty();
    Point {
        id: told.id.clone(),
        kind: told.kind,
        grade: Grade::Proved,
        confidence: 0.9,
        direction: if dials { Direction::Out } else { Direction::In },
        addresses: BTreeSet::new(),
        macs: BTreeSet::new(),
        outside: BTreeSet::new(),
        services: services.iter().map(|seen| seen.service.clone()).collect(),
        product: told.product.as_ref().map(|product| Product {
            vendor: product.vendor.clone(),
            name: product.name.clone(),
            model: None,
            version: product.version.clone(),
        }),
        names: BTreeSet::new(),
        lines: Vec::new(),
        because: because.collect(),
        sides: Sides {
            services,
            restriction: restriction.collect(),
            access: access.collect(),
            ..Sides::default()
        },
    }
}

/// The register of a case: a line for each point that is written down, and those that were not seen.
fn register(case: &Case) -> Reconciliation {
    let mut register =
        Reconciliation { register: "台帳.xlsx".into(), ..Reconciliation::default() };
    for told in &case.point {
        let Some(written) = &told.written else { continue };
        let (found, by) = (Found::Point(told.id.clone()), vec![By::Mac]);
        let differs = Mismatch { column: Column::Model, written: "a".into(), found: "b".into() };
        let outcome = if told.differs {
            Outcome::Mismatch { found, by, fields: vec![differs] }
        } else {
            Outcome::Matched { found, by }
        };
        let entry = Entry { written: written.clone(), ..Entry::default() };
        register.points.insert(told.id.clone(), vec![register.lines.len()]);
        register.lines.push(Reconciled { entry, outcome });
    }
    for _ in 0..case.missing {
        let outcome = Outcome::NotSeen { reason: Unseen::Silent };
        register.lines.push(Reconciled { entry: Entry::default(), outcome });
    }
    register
}

fn advisories() -> Advisories {
    let text = fs::read_to_string("fixtures/reports/clinic/acme-edgegate.toml").unwrap();
    let catalogue = "released = \"2026-03-27\"\n";
    Advisories::read(&[("acme-edgegate.toml", &text), ("catalogue.toml", catalogue)]).unwrap()
}

impl World {
    fn of(case: &Case) -> Self {
        let points: Vec<Point> = case.point.iter().map(point).collect();
        let day: Option<Day> = Some(case.day.as_deref().unwrap_or("2026-04-01").parse().unwrap());
        let host =
            |text: &String| Host { services: BTreeSet::from([service(text)]), ..Host::default() };
        let stale = case.point.iter().filter_map(|told| {
            let ToldStale { seen, runs, days } = *told.stale.as_ref()?;
            Some((told.id.clone(), Stale { seen, runs, days }))
        });
        let explained = case.point.iter().filter(|told| told.explained);
        Self {
            assessments: advisories().assess_all(&points, day),
            points,
            hosts: case.hosts.iter().map(host).collect(),
            register: case.register.then(|| register(case)),
            explained: explained.map(|told| told.id.clone()).collect(),
            stale: stale.collect(),
            outside: case.outside,
        }
    }

    /// What it means to every edition.
    fn meaning(&self) -> Meaning {
        let points: Vec<&Point> = self.points.iter().collect();
        let explained = self.explained.iter().map(String::as_str).collect();
        let matter = Matter {
            points: &points,
            hosts: &self.hosts,
            assessments: &self.assessments,
            reconciliation: self.register.as_ref(),
            declared: &BTreeMap::new(),
            explained: &explained,
            accepted: &BTreeSet::new(),
            stale: &self.stale,
            outside: self.outside,
        };
        let editions = &Library::built_in().editions;
        Meaning {
            assessments: self.assessments.clone(),
            reconciliation: self.register.clone(),
            checklists: editions.iter().map(|edition| Checked::of(edition, &matter)).collect(),
            articles: articles(&matter),
            plan: Plan::of(&matter),
            stale: self.stale.clone(),
            ..Meaning::default()
        }
    }
}

fn cases() -> Vec<(String, Case)> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let case = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, case)
    };
    files.into_iter().map(read).collect()
}

fn named(grounds: &[Ground]) -> Vec<&str> {
    grounds.iter().map(|ground| ground.finding.as_str()).collect()
}

#[test]
fn every_case_is_answered_as_it_says() {
    let cases = cases();
    assert!(cases.len() > 10, "only {} cases", cases.len());
    for (name, case) in cases {
        let meaning = World::of(&case).meaning();
        for (edition, items) in &case.expect {
            for (number, expected) in items {
                let place = format!("{name}: {edition} {number}");
                if edition == "articles" {
                    let article = meaning.articles.iter().find(|one| one.number == *number);
                    let article = article.unwrap_or_else(|| panic!("{place} is not there"));
                    assert_eq!(named(&article.grounds), *expected, "{place}");
                    continue;
                }
                let checked = meaning.checklists.iter().find(|one| one.edition == *edition);
                let item = checked.unwrap().items.iter().find(|item| item.number == *number);
                let item = item.unwrap_or_else(|| panic!("{place} is not there"));
                let mut said = vec![item.suggestion.name()];
                said.extend(named(&item.grounds));
                assert_eq!(said, *expected, "{place}");
            }
        }
    }
}

#[test]
fn every_plan_is_as_its_case_says() {
    for (name, case) in cases() {
        let Some(expected) = &case.plan else { continue };
        let plan = World::of(&case).meaning().plan;
        assert_eq!(
            (plan.before, plan.after),
            (expected.before, expected.after),
            "{name}: {plan:#?}"
        );
        let said: Vec<_> = plan
            .groups
            .iter()
            .map(|group| {
                let reasons = group.reasons.iter().map(|why| why.reason.as_str()).collect();
                let (proposal, purpose) = (group.proposal.name(), group.purpose.as_str());
                (proposal, purpose, group.points.as_slice(), group.after, reasons)
            })
            .collect();
        let wanted: Vec<_> = expected
            .group
            .iter()
            .map(|group| {
                let reasons: Vec<&str> = group.reasons.iter().map(String::as_str).collect();
                let after = group.after.unwrap_or(group.points.len());
                let (proposal, purpose) = (group.proposal.as_str(), group.purpose.as_str());
                (proposal, purpose, group.points.as_slice(), after, reasons)
            })
            .collect();
        assert_eq!(said, wanted, "{name}");
    }
}

#[test]
fn every_item_that_a_network_shows_has_a_case_for_each_answer() {
    let mut seen: BTreeMap<(String, String), BTreeSet<Suggestion>> = BTreeMap::new();
    for (_, case) in cases() {
        for checked in World::of(&case).meaning().checklists {
            for item in checked.items {
                let key = (checked.edition.clone(), item.number);
                seen.entry(key).or_default().insert(item.suggestion);
            }
        }
    }
    let of = |number: &str| seen[&("R7".to_owned(), number.to_owned())].clone();
    let both = BTreeSet::from([Suggestion::No, Suggestion::ToConfirm]);
    for number in ["2-①", "2-⑥", "2-⑫", "2-⑬"] {
        assert_eq!(of(number), both, "{number}");
    }
    for number in ["2-②", "2-③", "2-⑩"] {
        assert_eq!(of(number), BTreeSet::from([Suggestion::ToConfirm]), "{number}");
    }
    for number in ["1-①", "2-④", "2-⑦", "2-⑪", "3-②", "4-①"] {
        assert_eq!(of(number), BTreeSet::from([Suggestion::NotByNetwork]), "{number}");
    }
}

#[test]
fn editions_have_as_many_items_as_the_ministry_says() {
    let library = Library::built_in();
    for (edition, counts) in [("R7", [1, 13, 3, 1]), ("R6", [1, 14, 3, 0]), ("R5", [1, 14, 3, 0])] {
        let items = &library.edition(edition).unwrap().items;
        let of = |section: &str| items.iter().filter(|i| i.number.starts_with(section)).count();
        assert_eq!(["1-", "2-", "3-", "4-"].map(of), counts, "{edition}");
        assert!(items.iter().all(|item| !item.ja.is_empty() && !item.en.is_empty()));
    }
}

#[test]
fn one_title_is_the_same_question_in_every_edition() {
    // Whatever its number: the rules go by the question.
    for edition in &Library::built_in().editions {
        for item in &edition.items {
            let asks = |words: &str| item.ja.contains(words);
            for (words, rule) in [
                ("台帳管理", "register"),
                ("リモートメンテナンス", "remote_maintenance"),
                ("MDS/SDS", "disclosure"),
                ("セキュリティパッチ", "patches"),
                ("二要素認証を実装", "second_factor"),
                ("バックグラウンド", "needless_services"),
                ("接続元制限", "source_restriction"),
            ] {
                let has = item.rules.iter().any(|one| one == rule);
                assert_eq!(asks(words), has, "{} {} {rule}", edition.edition, item.number);
            }
        }
    }
}

/// Every section and key that what is found and proposed is said in.
#[test]
fn everything_that_may_be_found_or_proposed_has_words() {
    let library = Library::built_in();
    for words in Language::ALL.map(Words::of) {
        let keys = |section: &str| -> BTreeSet<&str> {
            words.list()[section].keys().map(String::as_str).collect()
        };
        assert_eq!(keys("ground"), findings().into_iter().collect());
        assert_eq!(keys("plan_reason"), REASONS.into_iter().collect());
        for section in ["suggestion", "suggestion_plain"] {
            assert_eq!(keys(section), Suggestion::ALL.map(Suggestion::name).into());
        }
        for section in ["proposal", "proposal_plain"] {
            assert_eq!(keys(section), Proposal::ALL.map(Proposal::name).into());
        }
        for purpose in &library.purposes.purposes {
            assert!(words.find("purpose", &purpose.id).is_some(), "{}", purpose.id);
        }
        for line in &library.purposes.lines {
            assert!(words.find("line_sort", &line.id).is_some(), "{}", line.id);
        }
        for name in library.services.needless.iter().chain(&library.services.plain) {
            assert!(!words.protocol(name).is_empty(), "{name}");
        }
        // Nothing of a ground is left to be filled in.
        for (name, case) in cases() {
            let meaning = World::of(&case).meaning();
            let items = meaning.checklists.iter().flat_map(|checked| &checked.items);
            let grounds = items.flat_map(|item| &item.grounds);
            let grounds = grounds.chain(meaning.articles.iter().flat_map(|one| &one.grounds));
            let said = grounds.map(|ground| words.ground(ground));
            let reasons = meaning.plan.groups.iter().flat_map(|group| &group.reasons);
            for sentence in said.chain(reasons.map(|why| words.why(why))) {
                assert!(!sentence.contains(['{', '}']), "{name}: {sentence}");
            }
        }
    }
}

/// A run of a world, for reports.
fn run(world: &World) -> Run {
    let empty = "{\"id\":\"r1\",\"facility\":null,\"began\":\"2026-04-01T00:00:00Z\",\"ended\":\
        \"2026-04-01T01:00:00Z\",\"inputs\":[],\"coverage\":[],\"points\":[]}";
    let mut run: Run = serde_json::from_str(empty).unwrap();
    run.points.clone_from(&world.points);
    run
}

/// What every output that is made of a meaning says.
fn outputs(world: &World, meaning: &Meaning, language: Language) -> Vec<String> {
    let (run, memory) = (run(world), Memory::default());
    let words = Words::of(language);
    let report = Report { run: &run, changes: None, asked: None, meaning, memory: &memory, words };
    let narrow = Look { columns: 40, colour: false };
    let mut written = Vec::new();
    for look in [Look::plain(), narrow] {
        let mut out = Vec::new();
        write_checklist(&report, look, &mut out).unwrap();
        write_plan(&report, look, &mut out).unwrap();
        write_text(&report, look, &mut out).unwrap();
        written.push(String::from_utf8(out).unwrap());
    }
    let mut out = Vec::new();
    write_json(&report, &mut out).unwrap();
    written.push(String::from_utf8(out).unwrap());
    written
}

/// No output says はい or yes of an item, and none calls a point safe.
fn assert_never_yes(world: &World) {
    let meaning = world.meaning();
    for checked in &meaning.checklists {
        for item in &checked.items {
            let by_network = item.suggestion != Suggestion::NotByNetwork;
            assert_eq!(by_network, !item.grounds.is_empty(), "{} {item:?}", checked.edition);
            let gravest = item.grounds.iter().map(|ground| ground.suggestion).min();
            assert!(gravest.is_none_or(|gravest| gravest == item.suggestion), "{item:?}");
        }
    }
    for language in Language::ALL {
        for words in Suggestion::ALL.map(|one| Words::of(language).suggestion(one).to_lowercase()) {
            assert!(!words.contains("はい") && !words.contains("yes"), "{words}");
        }
        for text in outputs(world, &meaning, language) {
            // はい stands in the sentences that say why it is never said, and nowhere else.
            let plain = text.replace("「はい」", "").replace("A はい", "").replace('\n', "");
            let said = ["：はい", ": はい", ": yes", "\"yes\"", "安全です", " is safe"];
            for word in said {
                assert!(!plain.to_lowercase().contains(word), "{word} in {text}");
            }
        }
    }
}

#[test]
fn no_case_is_ever_answered_with_yes() {
    for (_, case) in cases() {
        assert_never_yes(&World::of(&case));
    }
}

fn any_service() -> impl Strategy<Value = String> {
    let names = ["ike udp/500", "tls tcp/443", "rdp tcp/3389", "telnet tcp/23", "http tcp/80"];
    prop::sample::select(names.to_vec()).prop_map(str::to_owned)
}

fn any_point() -> impl Strategy<Value = Told> {
    let services = || prop::collection::vec(any_service(), 0..3);
    let columns = [Column::Name, Column::Purpose, Column::Partner, Column::Line, Column::Manager];
    let text = prop::sample::select(vec![
        "CT保守",
        "閉域網",
        "ISDN",
        "甲社",
        "資格確認",
        "=cmd|x",
        "\u{202e}",
    ]);
    let written = prop::collection::btree_map(
        prop::sample::select(columns.to_vec()),
        text.prop_map(str::to_owned),
        0..4,
    );
    let version = prop::option::of(prop::sample::select(vec!["9.1", "8.3", "9.9", "?"]));
    let kind = prop::sample::select(Kind::ALL.to_vec());
    let services = (services(), services(), services(), services(), services());
    (kind, services, prop::option::of(written), prop::option::of(version), 0_u8..8).prop_map(
        |(kind, (listens, dials, open, silent, not_asked), written, product, flags)| Told {
            id: String::new(),
            kind,
            listens,
            dials,
            open,
            silent,
            not_asked,
            access: vec![ToldAccess {
                port: 443,
                versions: BTreeSet::from(["TLS 1.0".to_owned()]),
                login: flags & 1 > 0,
                client_certificate: flags & 2 > 0,
                sign_on: false,
            }],
            because: Vec::new(),
            product: product.map(|version| ToldProduct {
                vendor: "Acme".into(),
                name: "EdgeGate".into(),
                version: version.map(str::to_owned),
            }),
            written,
            differs: flags & 4 > 0,
            explained: flags == 3,
            stale: (flags == 5).then_some(ToldStale { seen: 1, runs: 60, days: 60 }),
        },
    )
}

fn any_world() -> impl Strategy<Value = World> {
    let points = prop::collection::vec(any_point(), 0..30);
    (points, any::<bool>(), any::<bool>()).prop_map(|(mut point, register, outside)| {
        for (number, told) in point.iter_mut().enumerate() {
            told.id = format!("p{number:08x}");
        }
        let (missing, hosts, day) = (0, Vec::new(), None);
        let (expect, plan) = (BTreeMap::new(), None);
        World::of(&Case { register, outside, missing, hosts, day, point, expect, plan })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_counts_of_a_plan_add_up_and_every_point_is_in_one_group(world in any_world()) {
        let plan = world.meaning().plan;
        let mut all: Vec<&String> = plan.groups.iter().flat_map(|group| &group.points).collect();
        all.sort();
        let mut points: Vec<&String> = world.points.iter().map(|point| &point.id).collect();
        points.sort();
        prop_assert_eq!(all, points);
        prop_assert_eq!(plan.before, world.points.len());
        prop_assert_eq!(plan.after, plan.groups.iter().map(|group| group.after).sum::<usize>());
        prop_assert!(plan.after <= plan.before);
        for (order, group) in (1..).zip(&plan.groups) {
            prop_assert_eq!(group.order, order);
            prop_assert!(!group.points.is_empty() && !group.reasons.is_empty(), "{:?}", group);
            let right = match group.proposal {
                Proposal::Close => group.after == 0,
                Proposal::Merge => (1..group.points.len()).contains(&group.after),
                Proposal::Renew | Proposal::Ask | Proposal::Keep => group.after == group.points.len(),
            };
            prop_assert!(right, "{:?}", group);
        }
        // What is urgent is never behind what is not.
        let rank = |proposal: Proposal| match proposal {
            Proposal::Keep => 2,
            Proposal::Merge => 1,
            Proposal::Renew | Proposal::Close | Proposal::Ask => 0,
        };
        prop_assert!(plan.groups.is_sorted_by_key(|group| rank(group.proposal)));
    }

    #[test]
    fn whatever_is_found_the_answer_is_never_yes(world in any_world()) {
        assert_never_yes(&world);
    }

    #[test]
    fn the_order_in_which_points_were_found_does_not_matter(world in any_world()) {
        let mut turned = World { points: world.points.clone(), ..world };
        let before = turned.meaning();
        turned.points.reverse();
        let after = turned.meaning();
        prop_assert_eq!(before.plan, after.plan);
        prop_assert_eq!(before.articles, after.articles);
        prop_assert_eq!(before.checklists, after.checklists);
    }
}

const DAY: i64 = 86_400;

/// A moment some days after a first one.
fn at(day: i64) -> Timestamp {
    Timestamp::new(1_767_225_600 + day * DAY, 0)
}

/// Whether a point that was seen on these days is seldom used, in runs on those.
fn seldom(
    direction: Direction,
    kind: Kind,
    seen: &[i64],
    runs: &[i64],
) -> Option<(usize, usize, u32)> {
    let told: Told = toml::from_str("id = \"p1\"\nkind = \"vpn_client\"\n").unwrap();
    let point = Point { direction, kind, ..point(&told) };
    let seen = BTreeMap::from([("p1", seen.iter().copied().map(at).collect())]);
    let from = Sides::default().seen_from;
    let runs: Vec<_> = runs.iter().map(|day| (at(*day), &from)).collect();
    let found = stale(&[&point], &seen, &runs);
    found.get("p1").map(|stale| (stale.seen, stale.runs, stale.days))
}

#[test]
fn what_was_seen_twice_in_ninety_days_is_seldom_used() {
    let nightly: Vec<i64> = (0..=90).collect();
    let out = |seen: &[i64], runs: &[i64]| seldom(Direction::Out, Kind::VpnClient, seen, runs);
    assert_eq!(out(&[0, 40], &nightly), Some((2, 91, 90)));
    assert_eq!(out(&[0, 10, 20, 30, 40], &nightly), None, "more than one of twenty");
    assert_eq!(out(&[70, 80], &nightly), None, "it appeared three weeks ago");
    assert_eq!(out(&[0], &(0..40).collect::<Vec<_>>()), None, "forty days say nothing");
    assert_eq!(out(&[0], &[0, 30, 60, 90]), None, "nor do four runs");
    assert_eq!(out(&[], &nightly), None, "never seen at all");
    let year: Vec<i64> = (0..=365).collect();
    assert_eq!(
        out(&[0, 1, 2, 3, 4, 5, 300], &year),
        Some((1, 91, 90)),
        "a year ago does not count"
    );
    let twice = [0, 40];
    assert_eq!(seldom(Direction::In, Kind::VpnGateway, &twice, &nightly), None, "it listens");
    assert_eq!(seldom(Direction::Out, Kind::DeclaredLine, &twice, &nightly), None, "it is dark");
    assert!(seldom(Direction::Both, Kind::MaintenanceRouter, &twice, &nightly).is_some());
}
