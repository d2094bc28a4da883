//! The clinic with everything that people add to what was found: a register, decisions, a plan, a checklist.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read should fail the test")]

use std::{collections::BTreeMap, fs};

use sekisho::{
    assess::{
        Article, By, Checked, Found, Ground, Group, Item, Meaning, Mismatch, Outcome, Plan,
        Proposal, Reconciled, Reconciliation, Stale, Suggestion, Unseen, Why,
    },
    correlate::Kind,
    import::{Column, Entry},
    inventory::{Change, Difference, Facet, Memory, Remembered, Review, ReviewState, Run},
    report::{Language, Report, Words},
    time::Timestamp,
};

/// All that a report is made of.
pub(crate) struct Written {
    pub(crate) run: Run,
    pub(crate) changes: Vec<Change>,
    pub(crate) meaning: Meaning,
    pub(crate) memory: Memory,
}

impl Written {
    pub(crate) fn report(&self, language: Language) -> Report<'_> {
        Report {
            run: &self.run,
            changes: Some(&self.changes),
            asked: None,
            meaning: &self.meaning,
            memory: &self.memory,
            words: Words::of(language),
        }
    }
}

/// What one format writes.
pub(crate) fn bytes(report: &Report<'_>, file: &str) -> Vec<u8> {
    let format = sekisho::report::FORMATS.iter().find(|format| format.file == file).unwrap();
    let mut out = Vec::new();
    (format.write)(report, &mut out).unwrap();
    out
}

fn entry(row: u32, written: &[(Column, &str)]) -> Entry {
    let written: BTreeMap<Column, String> =
        written.iter().map(|(column, text)| (*column, (*text).to_owned())).collect();
    Entry {
        sheet: Some("機器台帳".into()),
        row,
        addresses: written
            .get(&Column::Address)
            .and_then(|ip| ip.parse().ok())
            .into_iter()
            .collect(),
        written,
        ..Entry::default()
    }
}

fn reconciliation() -> Reconciliation {
    let gateway = entry(
        4,
        &[
            (Column::Name, "放射線科 VPN装置"),
            (Column::AssetNumber, "0012"),
            (Column::Place, "本館2階 サーバ室 ラックA"),
            (Column::Department, "放射線科"),
            (Column::System, "PACS"),
            (Column::Partner, "アクメ保守株式会社"),
            (Column::Purpose, "保守"),
            (Column::Carrier, "東西通信"),
            (Column::LineNumber, "0312345678"),
            (Column::Vendor, "Acme"),
            (Column::Model, "EdgeGate 40"),
            (Column::Serial, "001234567890123456"),
            (Column::Address, "192.0.2.1"),
            (Column::Connected, "常時"),
            (Column::SupportUntil, "2027-03-31"),
            (Column::Contact, "+81-3-1234-5678"),
        ],
    );
    let mismatch = Outcome::Mismatch {
        found: Found::Point("p1a2b3c4d".into()),
        by: vec![By::Address],
        fields: vec![Mismatch {
            column: Column::Model,
            written: "EdgeGate 40".into(),
            found: "EdgeGate 60".into(),
        }],
    };
    let console = entry(5, &[(Column::Name, "CT操作卓"), (Column::Address, "192.0.2.40")]);
    let matched =
        Outcome::Matched { found: Found::Host("192.0.2.40".into()), by: vec![By::Address] };
    let fax = entry(6, &[(Column::Name, "医事FAX回線"), (Column::Line, "公衆網")]);
    let dark = Outcome::NotSeen { reason: Unseen::Dark };
    let trap =
        entry(7, &[(Column::Name, "=HYPERLINK(\"http://198.51.100.9\")"), (Column::Model, "7.10")]);
    let silent = Outcome::NotSeen { reason: Unseen::Silent };
    let lines = [(gateway, mismatch), (console, matched), (fax, dark), (trap, silent)];
    Reconciliation {
        register: "機器台帳2026.xlsx".into(),
        loaded: Timestamp::new(1_775_000_000, 0),
        lines: lines.map(|(entry, outcome)| Reconciled { entry, outcome }).into(),
        points: [("p1a2b3c4d".to_owned(), vec![0])].into(),
        duplicates: Vec::new(),
    }
}

fn meaning() -> Meaning {
    let values = [("count".to_owned(), "1".to_owned())];
    let ground = Ground {
        finding: "undeclared".into(),
        points: vec!["p7c01b2e4".into()],
        values: values.clone().into(),
        suggestion: Suggestion::No,
    };
    let why = |reason: &str| Why { reason: reason.into(), values: values.clone().into() };
    let group = |order, purpose: &str, points: &[&str], proposal, after, reason| Group {
        order,
        purpose: purpose.into(),
        vendor: Some("アクメ保守株式会社".into()),
        line: None,
        points: points.iter().map(|id| (*id).to_owned()).collect(),
        proposal,
        after,
        reasons: vec![why(reason)],
    };
    let item = |number: &str, ja: &str, en: &str, suggestion, grounds| Item {
        number: number.into(),
        ja: ja.into(),
        en: en.into(),
        number_certain: true,
        sheets: vec!["hospital".into(), "vendor".into()],
        articles: vec!["13⑥".into()],
        suggestion,
        grounds,
    };
    Meaning {
        reconciliation: Some(reconciliation()),
        checklists: vec![Checked {
            edition: "R7".into(),
            items: vec![
                item(
                    "2-⑬",
                    "接続元制限を実施している。",
                    "Sources are restricted.",
                    Suggestion::No,
                    vec![ground.clone()],
                ),
                item(
                    "2-⑫",
                    "バックアップを確認している。",
                    "Backups are checked.",
                    Suggestion::NotByNetwork,
                    Vec::new(),
                ),
            ],
        }],
        articles: vec![Article {
            number: "13⑥".into(),
            ja: "安全な通信方式を使う。".into(),
            en: "Secure ways to communicate are used.".into(),
            certain: true,
            grounds: vec![ground],
        }],
        plan: Plan {
            before: 3,
            after: 2,
            groups: vec![
                group(1, "保守", &["p1a2b3c4d", "p90de11f0"], Proposal::Merge, 1, "same_vendor"),
                group(2, "遠隔操作", &["p7c01b2e4"], Proposal::Ask, 1, "undeclared"),
            ],
        },
        stale: [("p7c01b2e4".to_owned(), Stale { seen: 2, runs: 90, days: 90 })].into(),
        ..Meaning::default()
    }
}

fn memory() -> Memory {
    let seen = |runs: &[(&str, i64)]| {
        runs.iter().map(|(run, at)| ((*run).to_owned(), Timestamp::new(*at, 0))).collect()
    };
    let review = Review {
        state: ReviewState::AcceptedRisk,
        reviewer: "山田 花子".into(),
        at: Timestamp::new(1_774_900_000, 0),
        reason: "CT 更新まで 保守に必要".into(),
        until: "2026-12-31".parse().ok(),
    };
    let gateway = Remembered {
        seen: seen(&[("r0a11", 1_774_000_000), ("r5f0c2a91d3", 1_775_003_405)]),
        ..Remembered::default()
    };
    let maintenance = Remembered {
        seen: seen(&[("r0a11", 1_774_000_000)]),
        reviews: vec![review],
        ..Remembered::default()
    };
    Memory {
        points: [("p1a2b3c4d".to_owned(), gateway), ("p90de11f0".to_owned(), maintenance)].into(),
        ..Memory::default()
    }
}

/// The clinic, and all that is known of it.
pub(crate) fn clinic() -> Written {
    let text = fs::read_to_string("fixtures/reports/clinic/run.json").unwrap();
    let changes = vec![
        Change::Appeared { id: "p7c01b2e4".into(), kind: Kind::RemoteControl },
        Change::Changed {
            id: "p1a2b3c4d".into(),
            kind: Kind::VpnGateway,
            what: vec![
                Difference {
                    facet: Facet::Grade,
                    before: vec!["inferred".into()],
                    now: vec!["proved".into()],
                },
                Difference {
                    facet: Facet::Names,
                    before: vec![],
                    now: vec!["vpn.example.jp".into()],
                },
            ],
        },
        Change::NotSeen {
            id: "pcafe0001".into(),
            kind: Kind::MobileRouter,
            last_seen: "r0a11".into(),
            again: false,
        },
    ];
    Written {
        run: serde_json::from_str(&text).unwrap(),
        changes,
        meaning: meaning(),
        memory: memory(),
    }
}
