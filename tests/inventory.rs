//! Every released inventory opens, and says what it said. `BLESS=1 cargo test --test inventory` makes a
//! missing one.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what cannot be set up should fail the test"
)]

use std::{collections::BTreeSet, fs, path::Path};

use proptest::prelude::*;

use sekisho::{
    correlate::{
        Because, Coverage, CoverageState, Direction, Grade, Inquiry, Kind, Point, Seen, Service,
        Sides, Vantage,
        restriction::{Ports, restrict},
    },
    import::{File, Mapping, declared, load},
    inventory::{Change, Decided, ReviewState, Run, Store},
    observe::{Mac, Transport},
    time::Timestamp,
};

/// The formats that were released; a release that changes it adds a number here and a file beside the others.
const FORMATS: [u32; 6] = [1, 2, 3, 4, 5, NEWEST];

/// The newest.
const NEWEST: u32 = 9;

const CLINIC: &str = "関所記念病院";

/// The run that every format holds, as far as the format holds it: the first kept nothing of unknown boxes, the second
/// not which network a line of coverage is about, the third nothing of lines, the fourth nothing of vantages, the fifth
/// nothing of hosts.
fn run(format: u32) -> Run {
    let text = fs::read_to_string("fixtures/reports/clinic/run.json").unwrap();
    let mut run: Run = serde_json::from_str(&text).unwrap();
    assert!(!run.unrecognised.is_empty());
    if format == 1 {
        run.unrecognised.clear();
    }
    if format >= 3 {
        let ran = Coverage::of_run("forward", CoverageState::Measured, Some(23), None);
        let (network, vantage) = (Some("10.10.1.0/24".to_owned()), Some("eth1".to_owned()));
        run.coverage.push(Coverage { network, vantage, ..ran });
    }
    if format <= 3 {
        run.points.iter_mut().for_each(|point| point.lines.clear());
    }
    if format <= 4 {
        run.vantages = Sides::default().seen_from;
        run.inquiries.clear();
        run.points.iter_mut().for_each(|point| point.sides = Sides::default());
    }
    if format <= 5 {
        run.hosts.clear();
    }
    run
}

/// What people added to a store of the newest format: a register, a form, a decision and a merge taken back.
fn add_what_people_say(store: &mut Store) {
    let at = Timestamp::new(1_775_100_000, 0);
    let text = "名称,IPアドレス,用途\n保守VPN,192.168.10.1,CT保守\n";
    let file = File::parse("台帳.csv", text.as_bytes()).unwrap();
    let register = load(&[file], &Mapping::default(), &[], at).unwrap().register;
    store.load_register(Some(CLINIC), &register, "00", "佐藤").unwrap();
    let form = "[[line]]\nname = \"電話交換機\"\nline = \"ISDN\"\nline_number = \"03-0000-0000\"\n";
    let form = declared::read("lines.toml", form.as_bytes()).unwrap();
    store.declare(Some(CLINIC), &[form], "佐藤", at, false).unwrap();
    let decided = Decided { by: "佐藤", at, reason: "事業者の回答" };
    let until = "2027-03-31".parse().ok();
    store.review("p7c01b2e4", None, ReviewState::AcceptedRisk, until, &decided).unwrap();
    store.merge("p1a2b3c4d", "p90de11f0", None, &decided).unwrap();
    store.split("p1a2b3c4d", None, None, &decided).unwrap();
}

/// That what people added is there.
#[track_caller]
fn has_what_people_say(store: &Store) {
    let register = store.register(Some(CLINIC)).unwrap().unwrap();
    assert_eq!((register.name.as_str(), register.entries.len()), ("台帳.csv", 1));
    assert_eq!(store.declared(Some(CLINIC)).unwrap().len(), 1);
    let memory = store.memory(Some(CLINIC)).unwrap();
    let review = memory.points["p7c01b2e4"].standing("2027-03-31".parse().ok()).unwrap();
    assert_eq!((review.state, review.reviewer.as_str()), (ReviewState::AcceptedRisk, "佐藤"));
    let names: BTreeSet<String> =
        store.points(None).unwrap().into_iter().map(|known| known.point.id).collect();
    assert!(names.contains("p1a2b3c4d") && names.contains("p90de11f0"), "{names:?}");
    assert_eq!(names.len(), 4, "{names:?}");
    store.verify(None).unwrap();
}

#[test]
fn every_released_inventory_opens() {
    for format in FORMATS {
        let fixture = format!("fixtures/inventories/v{format}.sqlite");
        if !Path::new(&fixture).exists() && std::env::var_os("BLESS").is_some() {
            let mut store = Store::open(&fixture).unwrap();
            store.absorb(&run(format)).unwrap();
            add_what_people_say(&mut store);
        }
        // A copy, since opening an old one brings it to the newest format.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        fs::copy(&fixture, &path).unwrap();
        let mut store = Store::open(&path).unwrap();
        assert_eq!(store.run("r5f0c2a91d3").unwrap(), run(format), "{fixture}");
        if format == NEWEST {
            has_what_people_say(&store);
        }
        let later = Run { id: "later".into(), points: Vec::new(), ..run(NEWEST) };
        let changes = store.absorb(&later).unwrap();
        assert_eq!(changes.len(), 3, "{fixture}");
        assert!(changes.iter().all(|change| matches!(change, Change::NotSeen { .. })));
        // What a format did not have, the store has from now on.
        let known = store.unrecognised("p", None).unwrap();
        assert_eq!(
            (known.run.as_str(), known.known),
            ("later", run(NEWEST).unrecognised[0].clone())
        );
    }
}

#[test]
fn what_is_missing_or_foreign_is_said_with_the_file_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let said = Store::open_read(&path).unwrap_err().to_string();
    assert!(said.contains("store.sqlite") && said.contains("--store"), "{said}");
    fs::write(&path, "a text".repeat(200)).unwrap();
    let said = Store::open(&path).unwrap_err().to_string();
    assert!(said.contains("store.sqlite") && said.contains("another file"), "{said}");
}

/// From where a run of a test looks: on the wire, behind a router, or outside.
const VANTAGES: [&str; 3] = ["inside", "ward-5", "outside"];

/// A run that sees these of eight boxes: from where, and of each whether it is seen and whether it tells its outside
/// address.
type Look = (usize, [(bool, bool); 8]);

fn service(port: u16) -> Service {
    Service { transport: Transport::Tcp, port: Some(port), protocol: "tls".into() }
}

/// Box `number` as it shows from a vantage. Each has one outside address; what it is called follows from what shows.
fn seen(number: u8, vantage: &str, tells: bool) -> Point {
    let from = BTreeSet::from([vantage.parse::<Vantage>().unwrap()]);
    let (inside, face) = ([10, 0, 0, number].into(), [203, 0, 113, number].into());
    let outside = vantage == "outside";
    let on_wire = vantage == "inside";
    let prefix = if outside {
        'f'
    } else if on_wire {
        'a'
    } else {
        'e'
    };
    let port = if outside { 443 } else { 8443 };
    let seen = Seen { service: service(port), listens: true, seen_from: from.clone() };
    Point {
        id: format!("p{prefix}000000{number}"),
        kind: if outside { Kind::RemoteShell } else { Kind::VpnGateway },
        grade: if tells { Grade::Proved } else { Grade::Inferred },
        confidence: 0.7,
        direction: Direction::In,
        addresses: (!outside).then_some(inside).into_iter().collect(),
        macs: on_wire.then_some(Mac([2, 0, 0, 0, 0, number])).into_iter().collect(),
        outside: (outside || tells).then_some(face).into_iter().collect(),
        services: BTreeSet::from([service(port)]),
        product: None,
        names: BTreeSet::new(),
        lines: Vec::new(),
        because: vec![Because {
            evidence: "answers_vpn".into(),
            field: "tls.version".into(),
            value: vantage.into(),
            observation: format!("{vantage}.pcapng#{number}"),
        }],
        sides: Sides {
            seen_from: from,
            services: vec![seen],
            faces: outside.then_some(face).into_iter().collect(),
            claims: (tells && !outside).then_some(face).into_iter().collect(),
            ..Sides::default()
        },
    }
}

fn looked(place: usize, (vantage, boxes): &Look) -> Run {
    let vantage = VANTAGES[*vantage];
    let ports = |text: &str| Ports {
        tcp: text.to_owned().try_into().unwrap(),
        udp: String::new().try_into().unwrap(),
    };
    let inquiries: Vec<Inquiry> = (1..)
        .zip(boxes)
        .filter(|_| vantage == "outside")
        .map(|(number, (answers, _))| Inquiry {
            vantage: vantage.parse().unwrap(),
            addresses: BTreeSet::from([[203, 0, 113, number].into()]),
            asked: ports("443,8443"),
            open: ports(if *answers { "443" } else { "" }),
        })
        .collect();
    let mut points: Vec<Point> = (1..)
        .zip(boxes)
        .filter(|(_, (is_seen, _))| *is_seen)
        .map(|(number, (_, tells))| seen(number, vantage, *tells))
        .collect();
    for point in &mut points {
        restrict(point, &[&inquiries]);
    }
    let began = 1_775_001_600 + 1000 * i64::try_from(place).unwrap();
    Run {
        id: format!("r{place}"),
        facility: Some("case".into()),
        began: Timestamp::new(began, 0),
        ended: Timestamp::new(began + 60, 0),
        inputs: Vec::new(),
        coverage: Vec::new(),
        points,
        unrecognised: Vec::new(),
        hosts: Vec::new(),
        vantages: BTreeSet::from([vantage.parse().unwrap()]),
        inquiries,
    }
}

fn absorbed(runs: &[Run]) -> Store {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path().join("store.sqlite")).unwrap();
    for run in runs {
        store.absorb(run).unwrap();
    }
    store
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn runs_give_the_same_points_in_whatever_order_they_are_absorbed(
        looks in prop::collection::vec((0_usize..3, any::<[(bool, bool); 8]>()), 1..7),
        order in any::<u64>(),
    ) {
        let runs: Vec<Run> =
            looks.iter().enumerate().map(|(place, look)| looked(place, look)).collect();
        let mut mixed: Vec<(u64, Run)> = runs
            .iter()
            .enumerate()
            .map(|(place, run)| (order.rotate_left(11 * u32::try_from(place).unwrap()), run.clone()))
            .collect();
        mixed.sort_by_key(|(key, _)| *key);
        let mixed: Vec<Run> = mixed.into_iter().map(|(_, run)| run).collect();
        let (one, other) = (absorbed(&runs), absorbed(&mixed));
        let (points, again) = (one.points(None).unwrap(), other.points(None).unwrap());
        prop_assert_eq!(&points, &again);
        for run in &runs {
            prop_assert_eq!(one.changes(&run.id).unwrap(), other.changes(&run.id).unwrap());
        }

        // Every box that was seen is one point, and is two only where nothing that was seen shows that it is one.
        for number in 1..=8_u8 {
            let is_seen = |wanted: usize, tells: bool| looks.iter().any(|(vantage, boxes)| {
                let (seen, told) = boxes[usize::from(number) - 1];
                (*vantage == 2) == (wanted == 2) && seen && (told || !tells)
            });
            let (inside, outside, told) = (is_seen(0, false), is_seen(2, false), is_seen(0, true));
            let wanted = usize::from(inside) + usize::from(outside) - usize::from(outside && told);
            let of = |point: &Point| {
                point.addresses.contains(&[10, 0, 0, number].into())
                    || point.sides.faces.contains(&[203, 0, 113, number].into())
            };
            let found: Vec<&Point> =
                points.iter().map(|known| &known.point).filter(|point| of(point)).collect();
            prop_assert_eq!(found.len(), wanted, "box {}: {:#?}", number, found);
            let name = found.iter().find(|point| !point.addresses.is_empty());
            if let Some(point) = name {
                prop_assert!(!point.id.starts_with("pf"), "{}", point.id);
            }
        }
    }
}
