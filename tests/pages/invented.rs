//! An invented hospital with as many points as wanted, and everything that may be told of them.

use std::collections::BTreeMap;

use sekisho::{
    assess::{
        Advisories, Article, By, Checked, Found, Ground, Group, Item, Meaning, Mismatch, Outcome,
        Plan, Proposal, Reconciled, Reconciliation, Stale, Suggestion, Unseen, Why,
    },
    correlate::{
        Because, Coverage, CoverageState, Direction, Grade, Kind, Line, Point, Product, Service,
        Sides,
    },
    import::{Column, Entry},
    inventory::{Change, Memory, Remembered, Review, ReviewState, Run},
    observe::{Mac, Transport},
    report::{Language, Report, Words},
    time::{Day, Timestamp},
};

/// What a box may call itself.
const NAMES: [&str; 6] = [
    "EdgeGate",
    "関所記念病院 放射線科 遠隔保守用ルータ（二号館 三階 読影室）",
    "<script>alert(1)</script>",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    "safe\u{202e}gpj.exe\u{1b}[2J",
    "=cmd|' /C calc'!A0",
];

/// A run, what it changes, what it means and what is known besides.
pub(crate) struct Hospital {
    run: Run,
    changes: Vec<Change>,
    meaning: Meaning,
    memory: Memory,
}

impl Hospital {
    /// One with `count` points in as many networks as a hospital of that size has.
    pub(crate) fn new(count: usize) -> Self {
        let clinic = std::fs::read_to_string("fixtures/reports/clinic/run.json").unwrap();
        let mut run: Run = serde_json::from_str(&clinic).unwrap();
        run.points = (0..count).map(point).collect();
        run.coverage.push(Coverage {
            network: Some("10.20.0.0/24,10.20.9.0/24".into()),
            vantage: Some("eth0".into()),
            ..Coverage::of_run(
                "forward",
                CoverageState::Measured,
                Some(12),
                Some("answered=3 silent=9 attempts=3".into()),
            )
        });
        let ids: Vec<String> = run.points.iter().map(|point| point.id.clone()).collect();
        let text = std::fs::read_to_string("fixtures/reports/clinic/acme-edgegate.toml").unwrap();
        let advisories = Advisories::read(&[
            ("acme-edgegate.toml", &text),
            ("catalogue.toml", "released = \"2026-03-27\"\n"),
        ]);
        let meaning = Meaning {
            assessments: advisories.unwrap().assess_all(&run.points, Day::of(run.ended)),
            reconciliation: Some(reconciliation(&ids)),
            checklists: vec![checked(&ids)],
            articles: articles(&ids),
            plan: plan(&ids),
            stale: ids
                .iter()
                .skip(4)
                .step_by(9)
                .map(|id| (id.clone(), Stale { seen: 2, runs: 90, days: 90 }))
                .collect(),
            ..Meaning::default()
        };
        let memory = Memory {
            points: ids
                .iter()
                .enumerate()
                .map(|(n, id)| (id.clone(), remembered(n, run.ended)))
                .collect(),
            ..Memory::default()
        };
        let mut changes: Vec<Change> = ids
            .iter()
            .take(3)
            .map(|id| Change::Appeared { id: id.clone(), kind: Kind::VpnGateway })
            .collect();
        changes.push(Change::NotSeen {
            id: "pcafe0001".into(),
            kind: Kind::MobileRouter,
            last_seen: "r0a11".into(),
            again: false,
        });
        Self { run, changes, meaning, memory }
    }

    /// The same with nothing told but the run itself.
    pub(crate) fn bare(count: usize) -> Self {
        Self {
            changes: Vec::new(),
            meaning: Meaning::default(),
            memory: Memory::default(),
            ..Self::new(count)
        }
    }

    /// Its report.
    pub(crate) fn report(&self, language: Language) -> Report<'_> {
        Report {
            run: &self.run,
            changes: (!self.changes.is_empty()).then_some(&self.changes),
            asked: None,
            meaning: &self.meaning,
            memory: &self.memory,
            words: Words::of(language),
        }
    }

    /// The names of its points.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.run.points.iter().map(|point| point.id.as_str())
    }
}

/// What the `n`th box calls itself.
fn called(n: usize) -> &'static str {
    NAMES.iter().cycle().nth(n % NAMES.len()).unwrap()
}

fn low(n: usize) -> u8 {
    u8::try_from(n % 250).unwrap()
}

fn point(n: usize) -> Point {
    let named = called(n);
    let line = |kind: &str, carrier: Option<&str>| Line {
        kind: kind.into(),
        carrier: carrier.map(str::to_owned),
        mtu: Some(1454),
        outside: Some([203, 0, 113, low(n)].into()),
        next_hop: None,
        because: Vec::new(),
    };
    let lines = match n % 6 {
        0 => vec![line("flets_pppoe", Some("NTT東日本"))],
        1 => vec![
            line("closed_network", None),
            line("mobile", Some("An operator with a rather long name")),
        ],
        _ => Vec::new(),
    };
    let because = |(evidence, value): (&str, &str)| Because {
        evidence: evidence.into(),
        field: "ike.version".into(),
        value: value.into(),
        observation: format!("center-switch.pcap#{n}"),
    };
    Point {
        id: format!("p{:08x}", n.wrapping_mul(2_654_435_761) & 0xffff_ffff),
        kind: *Kind::ALL.iter().cycle().nth(n * n * 7 + n * 3).unwrap(),
        grade: *Grade::ALL.iter().cycle().nth(n).unwrap(),
        confidence: 1.0 - f64::from(low(n)) / 300.0,
        direction: *Direction::ALL.iter().cycle().nth(n / 2).unwrap(),
        addresses: (n % 11 != 10)
            .then(|| [10, 20, low(n % 8), low(n)].into())
            .into_iter()
            .collect(),
        macs: [Mac([0, 0, 0x5e, 0, 0x53, low(n)])].into(),
        outside: (0..n % 5).map(|m| [203, 0, 113, low(m)].into()).collect(),
        services: [("ike", 500), ("tls", 443)]
            .map(|(protocol, port)| Service {
                transport: Transport::Udp,
                port: Some(port),
                protocol: protocol.into(),
            })
            .into(),
        product: (n % 3 != 2).then(|| Product {
            vendor: "Acme".into(),
            name: named.into(),
            model: Some("60".into()),
            version: n.is_multiple_of(2).then(|| "9.1".into()),
        }),
        names: [named.to_owned()].into(),
        lines,
        because: [("answers_vpn", "IKEv2"), ("forwards_to_outside", named), ("acme.rule", named)]
            .map(because)
            .into(),
        sides: Sides::default(),
    }
}

fn entry(row: u32, columns: &[(Column, &str)]) -> Entry {
    let written = columns.iter().map(|(column, value)| (*column, (*value).to_owned())).collect();
    Entry { sheet: Some("ネットワーク機器".into()), row, written, ..Entry::default() }
}

/// Every third point is in the register, every sixth otherwise than it was found, and three rows were not seen.
fn reconciliation(ids: &[String]) -> Reconciliation {
    let mut lines = Vec::new();
    let mut points = BTreeMap::new();
    for (n, id) in ids.iter().enumerate().step_by(3) {
        let entry = entry(
            u32::try_from(n).unwrap() + 4,
            &[
                (Column::Name, "保守用ルータ"),
                (Column::Place, "本館地下一階 機械室"),
                (Column::Partner, called(n)),
                (Column::Purpose, "遠隔保守"),
                (Column::Carrier, "NTT東日本"),
            ],
        );
        let (found, by) = (Found::Point(id.clone()), vec![By::Mac, By::Address]);
        let fields = vec![
            Mismatch { column: Column::Version, written: "9.0".into(), found: "9.1".into() },
            Mismatch { column: Column::Vendor, written: called(2).into(), found: called(3).into() },
        ];
        let outcome = if n % 2 == 0 {
            Outcome::Matched { found, by }
        } else {
            Outcome::Mismatch { found, by, fields }
        };
        points.insert(id.clone(), vec![lines.len()]);
        lines.push(Reconciled { entry, outcome });
    }
    for (row, reason) in (900..).zip([Unseen::OutOfScope, Unseen::Silent, Unseen::Dark]) {
        let entry = entry(row, &[(Column::Name, "電話回線"), (Column::LineNumber, "03-0000-0000")]);
        lines.push(Reconciled { entry, outcome: Outcome::NotSeen { reason } });
    }
    Reconciliation {
        register: "機器台帳<b>.xlsx".into(),
        loaded: Timestamp::new(1_775_000_000, 0),
        lines,
        points,
        duplicates: Vec::new(),
    }
}

fn ground(finding: &str, ids: &[String]) -> Ground {
    let values = BTreeMap::from([("count".to_owned(), ids.len().to_string())]);
    Ground { finding: finding.into(), points: ids.to_vec(), values, suggestion: Suggestion::No }
}

fn checked(ids: &[String]) -> Checked {
    let item = |number: &str, suggestion, grounds| Item {
        number: number.into(),
        ja: "サーバ、端末PC、ネットワーク機器の台帳管理を行っている。".into(),
        en: "A register of servers, computers and network equipment is kept.".into(),
        number_certain: number != "2-②",
        sheets: vec!["hospital".into(), "vendor".into()],
        articles: vec!["13⑪".into(), "10④".into()],
        suggestion,
        grounds,
    };
    let items = vec![
        item("1-①", Suggestion::NotByNetwork, Vec::new()),
        item("2-①", Suggestion::No, vec![ground("a_finding_of_tomorrow", ids)]),
        item("2-②", Suggestion::ToConfirm, vec![ground("another", ids.get(..3).unwrap_or(ids))]),
    ];
    Checked { edition: "R7".into(), items }
}

fn articles(ids: &[String]) -> Vec<Article> {
    let article = |number: &str, grounds| Article {
        number: number.into(),
        ja: "SSL-VPN は原則として使わない。".into(),
        en: "SSL-VPN is not used on principle.".into(),
        certain: true,
        grounds,
    };
    vec![article("13⑥", vec![ground("ssl_vpn_here", ids)]), article("10③", Vec::new())]
}

fn plan(ids: &[String]) -> Plan {
    let groups = ids.chunks(8).zip(Proposal::ALL.iter().cycle()).zip(1..).map(
        |((points, proposal), order)| Group {
            order,
            purpose: format!("遠隔保守 {}", called(order)),
            vendor: Some("Acme".into()),
            line: (order % 2 == 0).then(|| "flets_pppoe".into()),
            points: points.to_vec(),
            proposal: *proposal,
            after: 1,
            reasons: vec![Why {
                reason: "a_reason_of_tomorrow".into(),
                values: BTreeMap::from([("what".to_owned(), called(order).to_owned())]),
            }],
        },
    );
    let groups: Vec<Group> = groups.collect();
    Plan { before: ids.len(), after: groups.len(), groups }
}

fn remembered(n: usize, now: Timestamp) -> Remembered {
    let day = 86_400_000_000_000_i64;
    let ago = |days: i64| Timestamp::from_nanoseconds(now.nanoseconds() - days * day);
    let review = |state, until| Review {
        state,
        reviewer: "山田 花子".into(),
        at: ago(10),
        reason: format!("事業者の回答による。{}", called(n)),
        until,
    };
    let reviews = match n % 7 {
        2 => vec![
            review(ReviewState::Confirmed, None),
            review(ReviewState::AcceptedRisk, "2026-12-31".parse().ok()),
        ],
        3 => vec![review(ReviewState::FalsePositive, "2026-01-31".parse().ok())],
        5 => vec![review(ReviewState::ExplainedByVendor, None)],
        _ => Vec::new(),
    };
    let runs = if n.is_multiple_of(4) { 1 } else { 5 };
    Remembered {
        seen: (0..runs).map(|run| (format!("r{run}"), ago(i64::from(runs - run) * 20))).collect(),
        reviews,
        ..Remembered::default()
    }
}
