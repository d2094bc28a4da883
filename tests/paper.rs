//! The report on paper: with a typeface of this system, in both languages, read back by another program. What needs
//! a typeface is ignored here and run by `.ci/run`, which installs one; there it fails rather than skips.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a fixture that is not as it should be should fail the test"
)]

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use sekisho::{
    assess::{
        Assessments, By, Checked, Contradicted, Contradiction, Found, Ground, Group, Item, Meaning,
        Mismatch, Outcome, Plan, Proposal,
    },
    assess::{Reconciled, Reconciliation, Suggestion, Unseen, Why},
    correlate::{Kind, Point, Product},
    import::{Column, Entry},
    inventory::{Change, Head, Memory, Remembered, Review, ReviewState, Run},
    report::{FORMATS, Language, Report, Words, write_pdf},
    time::Timestamp,
};

const CLINIC: &str = "fixtures/reports/clinic/run.json";

fn clinic() -> Run {
    serde_json::from_str(&fs::read_to_string(CLINIC).unwrap()).unwrap()
}

/// The clinic with as many points as that.
fn many(count: usize) -> Run {
    let run = clinic();
    let point = |n: usize| Point {
        id: format!("p{n:08x}"),
        kind: *Kind::ALL.iter().cycle().nth(n).unwrap(),
        ..run.points[n % run.points.len()].clone()
    };
    Run { points: (0..count).map(point).collect(), ..clinic() }
}

/// Something of everything that people and assessments say.
fn meaning(run: &Run) -> Meaning {
    let id = run.points[0].id.clone();
    let entry = |row: u32, name: &str| Entry {
        sheet: Some("資産".into()),
        row,
        written: [(Column::Name, name.to_owned()), (Column::Partner, "保守事業者".into())].into(),
        ..Entry::default()
    };
    let fields = vec![Mismatch {
        column: Column::Model,
        written: "EdgeGate 50".into(),
        found: "EdgeGate 60".into(),
    }];
    let found = Found::Point(id.clone());
    let lines = vec![
        Reconciled {
            entry: entry(4, "拠点間VPN"),
            outcome: Outcome::Mismatch { found, by: vec![By::Address], fields },
        },
        Reconciled {
            entry: entry(9, "保守用電話回線"),
            outcome: Outcome::NotSeen { reason: Unseen::Dark },
        },
    ];
    let ground = Ground {
        finding: "a_finding".into(),
        points: vec![id.clone()],
        values: [].into(),
        suggestion: Suggestion::No,
    };
    Meaning {
        assessments: Assessments::default(),
        reconciliation: Some(Reconciliation {
            register: "台帳.xlsx".into(),
            lines,
            points: [(id.clone(), vec![0])].into(),
            ..Reconciliation::default()
        }),
        checklists: vec![Checked {
            edition: "R7".into(),
            items: vec![Item {
                number: "2-⑬".into(),
                number_certain: true,
                sheets: Vec::new(),
                ja: "外部接続点を把握している".into(),
                en: "Connection points are known".into(),
                articles: vec!["13⑪".into()],
                suggestion: Suggestion::No,
                grounds: vec![ground],
            }],
        }],
        plan: Plan {
            before: run.points.len(),
            after: 1,
            groups: vec![Group {
                order: 1,
                purpose: "maintenance".into(),
                vendor: Some("Acme".into()),
                line: None,
                points: vec![id],
                proposal: Proposal::Ask,
                after: 1,
                reasons: vec![Why { reason: "a_reason".into(), values: [].into() }],
            }],
        },
        contradictions: vec![Contradiction {
            point: run.points[0].id.clone(),
            sort: Contradicted::NoRemoteMaintenance,
            column: Column::RemoteMaintenance,
            written: "なし".into(),
            said_by: Some("関所電機".into()),
            found: run.points[0].kind.name().into(),
        }],
        ..Meaning::default()
    }
}

fn memory(run: &Run) -> Memory {
    let review = Review {
        state: ReviewState::AcceptedRisk,
        reviewer: "山田".into(),
        at: Timestamp::new(1_775_003_405, 0),
        reason: "来年度に更新する".into(),
        until: None,
    };
    let remembered = Remembered { reviews: vec![review], ..Remembered::default() };
    Memory {
        points: [(run.points[1].id.clone(), remembered)].into(),
        head: Some(Head { number: 3, hash: "0123456789abcdef".repeat(4) }),
        ..Memory::default()
    }
}

fn paper(run: &Run, meaning: &Meaning, memory: &Memory, language: Language) -> Vec<u8> {
    let changes = [
        Change::Appeared {
            id: run.points.iter().map(|point| point.id.clone()).min().unwrap_or_default(),
            kind: Kind::VpnGateway,
        },
        Change::NotSeen {
            id: "pcafe0001".into(),
            kind: Kind::MobileRouter,
            last_seen: "r0a11".into(),
            again: false,
        },
    ];
    let words = Words::of(language);
    let report = Report { run, changes: Some(&changes), asked: None, meaning, memory, words };
    let mut out = Vec::new();
    write_pdf(&report, &mut out).unwrap();
    if let Some(folder) = std::env::var_os("SEKISHO_PAGES") {
        let name = format!("paper-{}.{}.pdf", run.points.len(), language.code());
        fs::write(Path::new(&folder).join(name), &out).unwrap();
    }
    out
}

/// What another program reads in a document, without the breaks of lines.
fn read(pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paper.pdf");
    fs::write(&path, pdf).unwrap();
    let read =
        Command::new("pdftotext").arg(&path).arg("-").output().expect("poppler-utils is installed");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    String::from_utf8(read.stdout).unwrap().split_whitespace().collect()
}

/// How many pages it has, as its page tree says.
fn pages(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    text.split("/Type/Page").skip(1).filter(|rest| !rest.starts_with('s')).count()
        + text.split("/Type /Page").skip(1).filter(|rest| !rest.starts_with('s')).count()
}

#[test]
#[ignore = "needs a Japanese typeface and poppler-utils"]
fn paper_tells_what_was_found_in_words_that_can_be_copied() {
    let run = clinic();
    let (meaning, memory) = (meaning(&run), memory(&run));
    for language in Language::ALL {
        let words = Words::of(language);
        let pdf = paper(&run, &meaning, &memory, language);
        assert!(pdf.starts_with(b"%PDF-1.7"));
        let text = read(&pdf);
        let mut wanted: Vec<String> =
            ["title", "confidential", "points", "details", "coverage", "method", "glossary"]
                .map(|key| words.get("heading", key).to_owned())
                .into();
        wanted.extend(["register", "plan", "first"].map(|key| words.get("paper", key).to_owned()));
        wanted.extend(meaning.contradictions.iter().map(|one| words.contradiction(one)));
        wanted.push(words.get("review", "ending_heading").to_owned());
        wanted.push(["01234567", "89abcdef"].repeat(4).concat());
        for point in &run.points {
            wanted.push(point.id.clone());
            wanted.extend(point.product.as_ref().map(ToString::to_string));
            wanted.extend(point.because.iter().map(|because| words.because(because)));
        }
        wanted.extend(
            ["台帳.xlsx", "保守用電話回線", "山田", "来年度に更新する", "EdgeGate 50", "2-⑬"]
                .map(str::to_owned),
        );
        for wanted in wanted {
            let wanted: String = wanted.split_whitespace().collect();
            assert!(text.contains(&wanted), "{language:?}: {wanted}\n{text}");
        }
    }
}

#[test]
#[ignore = "needs a Japanese typeface"]
fn the_same_run_gives_the_same_paper() {
    let run = clinic();
    let mut turned = run.clone();
    turned.points.reverse();
    let nothing = (Meaning::default(), Memory::default());
    for language in Language::ALL {
        let first = paper(&run, &nothing.0, &nothing.1, language);
        assert!(first == paper(&turned, &nothing.0, &nothing.1, language));
    }
}

#[test]
#[ignore = "needs a Japanese typeface"]
fn paper_grows_with_its_points_and_no_faster() {
    let nothing = (Meaning::default(), Memory::default());
    for language in Language::ALL {
        let counts = [0, 7, 47, 200].map(|count| {
            let pdf = paper(&many(count), &nothing.0, &nothing.1, language);
            assert!(pdf.len() < 4_000_000, "{count}: {} bytes", pdf.len());
            pages(&pdf)
        });
        assert!(counts.is_sorted(), "{counts:?}");
        let [none, few, _, many] = counts;
        assert!(none >= 3 && many > few && many - none <= 200, "{counts:?}");
    }
}

#[test]
#[ignore = "needs a Japanese typeface and poppler-utils"]
fn what_a_device_calls_itself_harms_no_paper() {
    let hostile = [
        "\u{1b}[2J\u{7}\r\n\t\0".to_owned(),
        "safe\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}".to_owned(),
        "関".repeat(10_000),
        "x".repeat(1_000_000),
        "🦀\u{e000}\u{f0000}\u{10ffff}\u{fffe}".to_owned(),
        "e\u{301}\u{301}) Tj (".to_owned(),
        String::new(),
    ];
    let mut run = clinic();
    run.facility = Some(hostile.concat());
    run.id.clone_from(&hostile[1]);
    for (n, text) in hostile.iter().enumerate() {
        let mut point = run.points[n % 2].clone();
        point.id = format!("p{n}{text}");
        point.names = hostile.iter().cloned().collect();
        let (vendor, name) = (text.clone(), text.clone());
        point.product =
            Some(Product { vendor, name, model: Some(text.clone()), version: Some(text.clone()) });
        point.because.iter_mut().for_each(|because| because.value.clone_from(text));
        run.points.push(point);
    }
    for language in Language::ALL {
        let pdf = paper(&run, &meaning(&run), &memory(&run), language);
        assert!(pdf.len() < 4_000_000 && pages(&pdf) < 120, "{} bytes", pdf.len());
        let text = read(&pdf);
        let obeyed: BTreeSet<char> = text
            .chars()
            .filter(|c| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}'))
            .collect();
        assert!(obeyed.is_empty(), "{obeyed:?}");
        assert!(text.contains("U+1F980") && text.contains("\\u{202e}gpj.exe"), "{text}");
    }
}

#[test]
fn the_format_is_there_or_says_what_it_lacks() {
    let format = FORMATS.iter().find(|format| format.name == "pdf").unwrap();
    assert_eq!(format.file_name(Language::Japanese), "report.ja.pdf");
    let run = clinic();
    let (meaning, memory) = (Meaning::default(), Memory::default());
    let words = Words::of(Language::Japanese);
    let report =
        Report { run: &run, changes: None, asked: None, meaning: &meaning, memory: &memory, words };
    let mut out = Vec::new();
    let written = (format.write)(&report, &mut out);
    match format.lacks() {
        None => written.unwrap(),
        Some(lacks) => {
            let lacks = lacks.to_string();
            assert!(lacks.contains("fonts-noto-cjk"), "{lacks}");
            let error = written.unwrap_err().to_string();
            assert!(error.contains("fonts-noto-cjk") && out.is_empty(), "{error}");
        }
    }
}
