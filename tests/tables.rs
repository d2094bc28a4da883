//! Tables and machine formats say what a run found, as every reader of them reads it: the workbook as calamine does, CSV as
//! RFC 4180, XML as any parser. `BLESS=1 cargo test --test tables` writes the golden files anew.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a fixture that cannot be read should fail the test"
)]

mod written;

use std::{collections::BTreeSet, fs, io::Cursor, path::Path};

use calamine::{Data, Reader as _, Xlsx};
use proptest::prelude::*;
use quick_xml::{Reader, XmlVersion, events::Event};
use sekisho::{
    assess::Meaning,
    correlate::{Host, Point},
    inventory::Memory,
    report::{FORMATS, Language, visible},
};
use written::{Written, bytes, clinic};

const GOLDEN: &str = "fixtures/reports/tables";

/// The files of machine formats that are text.
const TEXTS: [&str; 7] = [
    "points.{lang}.csv",
    "register.{lang}.csv",
    "report.{lang}.md",
    "changes.junit.xml",
    "nmap.xml",
    "points.json",
    "hosts.json",
];

const WORKBOOK: &str = "report.{lang}.xlsx";

fn text(written: &Written, file: &str, language: Language) -> String {
    String::from_utf8(bytes(&written.report(language), file)).unwrap()
}

#[test]
fn tables_are_as_they_were() {
    let clinic = clinic();
    for language in Language::ALL {
        for file in TEXTS {
            // What has no words of its own is written in Japanese, unless English alone is asked for.
            if language == Language::English && !file.contains("{lang}") {
                continue;
            }
            let written = text(&clinic, file, language);
            let name = file.replace("{lang}", language.code());
            let path = Path::new(GOLDEN).join(&name);
            if std::env::var_os("BLESS").is_some() {
                fs::write(&path, &written).unwrap();
            }
            let golden = fs::read_to_string(&path).unwrap_or_default();
            assert!(golden == written, "{name} is different; look at it, then BLESS=1\n{written}");
        }
    }
}

/// The sheets of a workbook, each with its name and its rows. Fails where anything is no text, or is computed.
fn sheets(workbook: Vec<u8>) -> Vec<(String, Vec<Vec<String>>)> {
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(workbook)).unwrap();
    let names = workbook.sheet_names();
    names
        .into_iter()
        .map(|name| {
            let formulae = workbook.worksheet_formula(&name).unwrap();
            let computed: Vec<_> =
                formulae.used_cells().filter(|(_, _, f)| !f.is_empty()).collect();
            assert!(computed.is_empty(), "{name}: {computed:?}");
            let range = workbook.worksheet_range(&name).unwrap();
            let cell = |cell: &Data| match cell {
                Data::String(text) => text.clone(),
                Data::Empty => String::new(),
                other => panic!("{name}: {other:?} is no text"),
            };
            let rows = range.rows().map(|row| row.iter().map(cell).collect()).collect();
            (name, rows)
        })
        .collect()
}

#[test]
fn the_workbook_reads_back_as_it_was_written() {
    let clinic = clinic();
    let sheets = sheets(bytes(&clinic.report(Language::Japanese), WORKBOOK));
    let names: Vec<&str> = sheets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["外部接続点一覧", "台帳突合", "変更", "対応計画", "チェックリスト", "測定範囲", "用語"]
    );
    let (_, list) = &sheets[0];
    let head = list.iter().position(|row| row[0] == "接続点ID").unwrap();
    assert_eq!(list.len() - head - 1, 3);
    let of = |id: &str, heading: &str| {
        let column = list[head].iter().position(|one| one == heading).unwrap();
        let row = list.iter().find(|row| row[0] == id).unwrap();
        row[column].clone()
    };
    // What was found goes before what is written down, and what people know stands where nothing was found.
    assert_eq!(of("p1a2b3c4d", "名称"), "放射線科 VPN装置");
    assert_eq!(of("p1a2b3c4d", "型番"), "EdgeGate 60");
    assert_eq!(of("p1a2b3c4d", "シリアル"), "001234567890123456");
    assert_eq!(of("p1a2b3c4d", "連絡先"), "+81-3-1234-5678");
    assert_eq!(of("p1a2b3c4d", "LAN側IP"), "192.0.2.1\n2001:db8::1");
    assert_eq!(of("p1a2b3c4d", "WAN側IP"), "203.0.113.9");
    assert_eq!(
        of("p1a2b3c4d", "台帳記載"),
        "記載と不一致\n型番：台帳「EdgeGate 40」、実際「EdgeGate 60」"
    );
    assert_eq!(of("p1a2b3c4d", "保守期限・EOL"), "保守契約 2027-03-31 まで");
    assert_eq!(of("p1a2b3c4d", "確認日"), "2026-04-01");
    assert_eq!(of("p1a2b3c4d", "判定"), "");
    assert_eq!(of("p7c01b2e4", "台帳記載"), "記載なし");
    assert_eq!(of("p7c01b2e4", "通信先IP"), "198.51.100.23");
    assert_eq!(of("p7c01b2e4", "WAN側IP"), "");
    assert_eq!(of("p7c01b2e4", "接続元制限"), "—");
    assert_eq!(of("p90de11f0", "判定"), "リスク受容");
    assert!(of("p90de11f0", "対応").contains("2026-12-31 まで有効"));

    let (_, register) = &sheets[1];
    let trap = register.iter().find(|row| row[0] == "機器台帳 7 行").unwrap();
    assert_eq!(trap[7], "=HYPERLINK(\"http://198.51.100.9\")");
    let outcomes: Vec<&str> = register.iter().skip(4).map(|row| row[1].as_str()).collect();
    let wanted = ["記載と不一致", "記載あり", "見えない", "見えない", "記載なし", "記載なし"];
    assert_eq!(outcomes, wanted);

    // A row for each group, and below it for each point about which somebody has to do something.
    let (_, plan) = &sheets[3];
    let orders: Vec<(&str, &str)> =
        plan.iter().skip(5).map(|row| (row[0].as_str(), row[1].as_str())).collect();
    assert_eq!(orders, [("1", "—"), ("1-1", "p1a2b3c4d"), ("2", "—"), ("2-1", "p7c01b2e4")]);
    assert!(plan.iter().flatten().any(|cell| cell == "2 → 1"));

    let (_, checklist) = &sheets[4];
    let rows: Vec<[&str; 3]> = checklist
        .iter()
        .skip(4)
        .map(|row| [row[1].as_str(), row[4].as_str(), row[7].as_str()])
        .collect();
    assert_eq!(rows, [["2-⑬", "いいえ", ""], ["2-⑫", "通信では不明", ""], ["13⑥", "—", "—"]]);
}

#[test]
fn the_workbook_has_the_same_sheets_in_both_languages() {
    let clinic = clinic();
    let [japanese, english] =
        Language::ALL.map(|language| sheets(bytes(&clinic.report(language), WORKBOOK)));
    for ((ja, rows), (en, others)) in japanese.iter().zip(&english) {
        assert_ne!(ja, en);
        assert_eq!(rows.len(), others.len(), "{ja}");
        assert_eq!(rows[0].len(), others[0].len(), "{ja}");
        let empty =
            |rows: &[Vec<String>]| rows.iter().flatten().filter(|one| one.is_empty()).count();
        assert_eq!(empty(rows), empty(others), "{ja}");
    }
}

#[test]
fn a_report_without_register_reviews_and_plan_is_one_all_the_same() {
    let clinic = Written {
        changes: Vec::new(),
        meaning: Meaning::default(),
        memory: Memory::default(),
        ..clinic()
    };
    for language in Language::ALL {
        let report = sekisho::report::Report { changes: None, ..clinic.report(language) };
        for format in FORMATS {
            let mut out = Vec::new();
            (format.write)(&report, &mut out).unwrap();
            assert!(!out.is_empty(), "{}", format.file);
        }
        let names: Vec<usize> =
            sheets(bytes(&report, WORKBOOK)).iter().map(|(_, rows)| rows.len()).collect();
        assert_eq!(names.len(), 7);
        assert!(names.iter().all(|rows| *rows >= 3), "{names:?}");
    }
    let nobody = Written {
        run: sekisho::inventory::Run { points: Vec::new(), hosts: Vec::new(), ..clinic.run },
        ..clinic
    };
    assert_eq!(sheets(bytes(&nobody.report(Language::Japanese), WORKBOOK)).len(), 7);
}

#[test]
fn the_same_run_gives_the_same_workbook_whatever_the_order_of_its_points() {
    let clinic = clinic();
    let mut turned = written::clinic();
    turned.run.points.reverse();
    for language in Language::ALL {
        let [one, other] = [&clinic, &turned].map(|one| bytes(&one.report(language), WORKBOOK));
        assert!(one == other);
    }
}

/// Reads a CSV: its mark, then rows that all have the same number of cells.
fn rows(csv: &[u8]) -> Vec<Vec<String>> {
    let csv = csv.strip_prefix(b"\xef\xbb\xbf").expect("a spreadsheet needs the mark");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn csv_and_workbook_have_the_same_list() {
    let clinic = clinic();
    for language in Language::ALL {
        let report = clinic.report(language);
        let csv = bytes(&report, "points.{lang}.csv");
        assert_eq!(str::from_utf8(&csv).unwrap().matches("\r\n").count(), 4, "a row a line");
        let (_, list) = &sheets(bytes(&report, WORKBOOK))[0];
        let list: Vec<Vec<String>> = list
            .iter()
            .skip_while(|row| row[0] != rows(&csv)[0][0])
            .map(|row| row.iter().map(|cell| cell.replace('\n', "; ")).collect())
            .collect();
        let bare = |cell: &String| cell.strip_prefix('\'').unwrap_or(cell).to_owned();
        let csv: Vec<Vec<String>> =
            rows(&csv).iter().map(|row| row.iter().map(bare).collect()).collect();
        assert_eq!(csv, list);
    }
    let register = rows(&bytes(&clinic.report(Language::Japanese), "register.{lang}.csv"));
    let trap = register.iter().find(|row| row[0] == "機器台帳 7 行").unwrap();
    assert_eq!(trap[7], "'=HYPERLINK(\"http://198.51.100.9\")");
    assert_eq!(trap[13], "'7.10");
}

/// An element that was read: its name, how deep it stands, its attributes.
struct Read {
    name: String,
    depth: usize,
    attributes: Vec<(String, String)>,
}

impl Read {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }
}

/// Reads XML as a parser does that takes nothing which is not well-formed: its elements.
fn xml(text: &str) -> Vec<Read> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert_eq!(text.chars().find(|c| !allowed(*c)), None, "XML 1.0 has no such character");
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let (mut found, mut depth) = (Vec::new(), 0);
    loop {
        let event = reader.read_event().unwrap();
        let begun = match &event {
            Event::Start(begun) | Event::Empty(begun) => Some(begun),
            _ => None,
        };
        if let Some(begun) = begun {
            let attribute = |one: quick_xml::events::attributes::Attribute<'_>| {
                let name = one.key.as_ref().to_owned();
                (name, one.normalized_value(XmlVersion::Implicit1_0).unwrap().into_owned())
            };
            found.push(Read {
                name: begun.name().as_ref().to_owned(),
                depth,
                attributes: begun.attributes().map(|one| attribute(one.unwrap())).collect(),
            });
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    found
}

#[test]
fn test_cases_fail_skip_and_err_as_a_run_does() {
    let clinic = clinic();
    let elements = xml(&text(&clinic, "changes.junit.xml", Language::English));
    let root = &elements[0];
    let all = |name: &str| elements.iter().filter(|one| one.name == name).count();
    assert_eq!(root.name, "testsuites");
    for (attribute, name) in [("tests", "testcase"), ("failures", "failure"), ("errors", "error")] {
        assert_eq!(root.get(attribute).unwrap(), all(name).to_string(), "{attribute}");
        let sum: usize = elements
            .iter()
            .filter(|one| one.name == "testsuite")
            .map(|one| one.get(attribute).unwrap().parse::<usize>().unwrap())
            .sum();
        assert_eq!(sum, all(name), "{attribute}");
    }
    // What those who read it know: each element below which other, with which attributes.
    let shape: [(&str, usize, &[&str]); 9] = [
        ("testsuites", 0, &["name", "tests", "failures", "errors", "time"]),
        (
            "testsuite",
            1,
            &[
                "name",
                "tests",
                "failures",
                "errors",
                "skipped",
                "time",
                "timestamp",
                "hostname",
                "id",
                "package",
            ],
        ),
        ("properties", 2, &[]),
        ("property", 3, &["name", "value"]),
        ("testcase", 2, &["name", "classname", "time"]),
        ("failure", 3, &["message", "type"]),
        ("error", 3, &["message", "type"]),
        ("skipped", 3, &["message"]),
        ("system-out", 3, &[]),
    ];
    for element in &elements {
        let (_, depth, attributes) =
            shape.iter().find(|(name, ..)| *name == element.name).expect(&element.name);
        assert_eq!(element.depth, *depth, "{}", element.name);
        let names: Vec<&str> = element.attributes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, *attributes, "{}", element.name);
    }
    for case in elements.iter().filter(|one| one.name == "testcase") {
        assert_eq!(case.depth, 2);
        assert!(
            case.get("name").is_some_and(|name| !name.is_empty())
                && case.get("classname").is_some()
        );
    }
    let failed: BTreeSet<&str> = elements
        .iter()
        .filter(|one| one.name == "failure")
        .filter_map(|one| one.get("type"))
        .collect();
    assert_eq!(failed, ["changed", "not_seen", "undeclared"].into());
    let skipped = elements.iter().filter(|one| one.name == "skipped");
    let skipped: Vec<&str> = skipped.filter_map(|one| one.get("message")).collect();
    assert!(
        skipped[0].starts_with("risk accepted: CT 更新まで 保守に必要 (山田 花子, "),
        "{skipped:?}"
    );
    // Without a register, what is new fails.
    let unregistered = Written { meaning: Meaning::default(), ..clinic };
    let elements = xml(&text(&unregistered, "changes.junit.xml", Language::English));
    let failed: BTreeSet<&str> = elements
        .iter()
        .filter(|one| one.name == "failure")
        .filter_map(|one| one.get("type"))
        .collect();
    assert_eq!(failed, ["appeared", "changed", "not_seen"].into());
}

#[test]
fn hosts_and_services_are_what_was_seen() {
    let clinic = clinic();
    let elements = xml(&text(&clinic, "nmap.xml", Language::English));
    assert_eq!((elements[0].name.as_str(), elements[0].get("scanner")), ("nmaprun", Some("nmap")));
    // The box of which only the hardware address is known is none; a point of which no host is known is one.
    let addresses: Vec<&str> = elements
        .iter()
        .filter(|one| one.name == "address" && one.get("addrtype") == Some("ipv4"))
        .filter_map(|one| one.get("addr"))
        .collect();
    assert_eq!(addresses, ["192.0.2.1", "192.0.2.40", "192.0.2.254", "192.0.2.77"]);
    let states = elements.iter().filter(|one| one.name == "state");
    assert!(states.filter_map(|one| one.get("state")).all(|state| state == "open"));
    let ports: Vec<(&str, &str)> = elements
        .iter()
        .filter(|one| one.name == "port")
        .map(|one| (one.get("protocol").unwrap(), one.get("portid").unwrap()))
        .collect();
    let wanted = [
        ("tcp", "22"),
        ("tcp", "443"),
        ("tcp", "8443"),
        ("udp", "500"),
        ("tcp", "104"),
        ("udp", "1701"),
    ];
    assert_eq!(ports, wanted);
}

/// The clinic, in which everything calls itself `text`.
fn named(text: &str) -> Written {
    let mut clinic = clinic();
    clinic.run.facility = Some(text.to_owned());
    for point in &mut clinic.run.points {
        point.names = [text.to_owned()].into();
        if let Some(product) = &mut point.product {
            text.clone_into(&mut product.vendor);
        }
        for because in &mut point.because {
            text.clone_into(&mut because.value);
        }
    }
    clinic.run.hosts.push(Host {
        addresses: ["192.0.2.99".parse().unwrap()].into(),
        names: [text.to_owned()].into(),
        ..Host::default()
    });
    let register = clinic.meaning.reconciliation.as_mut().unwrap();
    for line in &mut register.lines {
        for written in line.entry.written.values_mut() {
            text.clone_into(written);
        }
    }
    for known in clinic.memory.points.values_mut() {
        for review in &mut known.reviews {
            text.clone_into(&mut review.reason);
            text.clone_into(&mut review.reviewer);
        }
    }
    clinic
}

/// What is left of Markdown without its code spans.
fn without_code(markdown: &str) -> String {
    let mut left = String::new();
    for line in markdown.lines() {
        let mut rest = line;
        while let Some(at) = rest.find('`') {
            left.push_str(&rest[..at]);
            let fence = rest[at..].len() - rest[at..].trim_start_matches('`').len();
            let inside = &rest[at + fence..];
            let end = (0..inside.len())
                .filter(|at| inside.is_char_boundary(*at) && !inside[..*at].ends_with('`'))
                .find(|at| {
                    let run = inside[*at..].len() - inside[*at..].trim_start_matches('`').len();
                    run == fence
                })
                .unwrap_or_else(|| panic!("a span that never ends: {line}"));
            rest = &inside[end + fence..];
        }
        left.push_str(rest);
        left.push('\n');
    }
    left
}

/// Holds that a text that something calls itself stays a text in every format.
fn stays_a_text(given: &str) {
    let clinic = named(given);
    let shown = visible(given.trim()).into_owned();
    let report = clinic.report(Language::English);

    let sheets = sheets(bytes(&report, WORKBOOK));
    let list = &sheets[0].1;
    let head = list.iter().position(|row| row[0] == "Point").unwrap();
    assert_eq!(list.len() - head, 4);
    let names = list.iter().skip(head + 1).map(|row| &row[1]);
    assert!(
        names.clone().any(|name| *name == shown),
        "{shown:?} is not among {:?}",
        names.collect::<Vec<_>>()
    );

    let csv = rows(&bytes(&report, "points.{lang}.csv"));
    assert_eq!(csv.len(), 4);
    for name in csv.iter().skip(1).map(|row| row[1].as_str()) {
        assert!(name == shown || name.strip_prefix('\'') == Some(&shown), "{name:?}");
        assert!(!name.trim_start().starts_with(['=', '+', '-', '@']), "{name:?}");
    }

    for file in ["changes.junit.xml", "nmap.xml"] {
        let plain = xml(&text(&written::clinic(), file, Language::English)).len();
        let elements = xml(&text(&clinic, file, Language::English));
        // One more host, with a name each.
        let more = if file == "nmap.xml" { 6 } else { 0 };
        let names = elements.iter().filter(|one| one.name == "hostname").count();
        assert!(elements.len() <= plain + more + names, "{file} has {} elements", elements.len());
    }
    let elements = xml(&text(&clinic, "nmap.xml", Language::English));
    assert!(elements.iter().any(|one| one.get("name") == Some(&visible(given))), "{given:?}");

    let markdown = text(&clinic, "report.{lang}.md", Language::English);
    let (left, plain) = (
        without_code(&markdown),
        without_code(&text(&written::clinic(), "report.{lang}.md", Language::English)),
    );
    let bars = |text: &str| text.replace("—", "").matches('|').count();
    assert_eq!(bars(&left), bars(&plain), "{markdown}");
    assert!(!left.contains(['<', '[', '@']), "{markdown}");

    let json: serde_json::Value =
        serde_json::from_str(&text(&clinic, "points.json", Language::English)).unwrap();
    assert_eq!(json["points"][0]["names"][0], given);
}

#[test]
fn what_harms_elsewhere_stays_a_text() {
    for text in [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2",
        "@SUM(A1)",
        "\t=1",
        "＝1＋1",
        "<script>alert(1)</script>",
        "]]><x/>&amp;&#0;",
        "a\u{0}b\u{1f}\u{fffe}\u{ffff}",
        "safe\u{202e}gpj.exe\u{2066}",
        "` `` ``` \\| | [x](http://198.51.100.9) @all #1 <b>",
        "\\",
        "`",
        "0123",
        "7.10",
        "1E5",
        "a\r\nb",
        "'=1",
    ] {
        stays_a_text(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_stays_a_text(text in "[\\PC\\x00-\\x1f=+@|`'\"\\\\<&_x]{1,60}") {
        prop_assume!(!text.trim().is_empty() && text.trim() != "…");
        stays_a_text(&text);
    }
}

#[test]
fn ten_megabytes_are_cut_in_every_format_but_json() {
    let clinic = named(&"=関所<".repeat(1 << 20));
    for language in Language::ALL {
        let report = clinic.report(language);
        for format in FORMATS.iter().filter(|format| format.name != "json") {
            let mut out = Vec::new();
            (format.write)(&report, &mut out).unwrap();
            assert!(out.len() < 1 << 20, "{}: {} bytes", format.file, out.len());
        }
        assert_eq!(sheets(bytes(&report, WORKBOOK)).len(), 7);
    }
}

#[test]
fn a_thousand_points_take_no_more_than_their_rows() {
    let mut clinic = clinic();
    let one = clinic.run.points[0].clone();
    clinic.run.points =
        (0..1_000).map(|n| Point { id: format!("p{n:08x}"), ..one.clone() }).collect();
    let report = clinic.report(Language::Japanese);
    let (_, list) = &sheets(bytes(&report, WORKBOOK))[0];
    assert_eq!(list.len(), 1_006);
    let markdown = text(&clinic, "report.{lang}.md", Language::Japanese);
    assert!(markdown.lines().count() < 260, "{}", markdown.lines().count());
}
