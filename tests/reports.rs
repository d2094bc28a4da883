//! Reports say what a run found: the same bytes every time, in both languages, and whatever a device
//! calls itself. `BLESS=1 cargo test --test reports` writes the golden files anew.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read should fail the test")]

use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

use sekisho::{
    assess::{Advisories, Meaning},
    correlate::{
        Because, Coverage, CoverageState, Direction, FromOutside, Grade, Kind, Point, Product,
        Restriction, Service, Sides, mechanism::MECHANISMS,
    },
    inventory::{Change, Difference, Facet, Input, Memory, Run},
    observe::{Mac, Transport},
    report::{
        FORMATS, Format, Language, Look, Report, Words, write_html, write_json, write_point,
        write_text,
    },
    time::Day,
};
use unicode_width::UnicodeWidthStr;

const CLINIC: &str = "fixtures/reports/clinic";

fn clinic() -> Run {
    serde_json::from_str(&fs::read_to_string(format!("{CLINIC}/run.json")).unwrap()).unwrap()
}

fn changes() -> Vec<Change> {
    vec![
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
                    facet: Facet::Product,
                    before: vec!["Acme EdgeGate 60 9.0".into()],
                    now: vec!["Acme EdgeGate 60 9.1".into()],
                },
            ],
        },
        Change::NotSeen {
            id: "pcafe0001".into(),
            kind: Kind::MobileRouter,
            last_seen: "r0a11".into(),
            again: false,
        },
    ]
}

/// What is known of the invented product of the clinic.
fn advisories() -> Advisories {
    let text = fs::read_to_string(format!("{CLINIC}/acme-edgegate.toml")).unwrap();
    Advisories::read(&[
        ("acme-edgegate.toml", &text),
        ("catalogue.toml", "released = \"2026-03-27\"\n"),
    ])
    .unwrap()
}

/// What the clinic's points mean.
fn meaning() -> Meaning {
    let run = clinic();
    let assessments = advisories().assess_all(&run.points, Day::of(run.ended));
    Meaning { assessments, ..Meaning::default() }
}

/// A report without anything that an inventory adds.
fn report<'a>(run: &'a Run, meaning: &'a Meaning, language: Language) -> Report<'a> {
    static NOTHING: LazyLock<Memory> = LazyLock::new(Memory::default);
    let words = Words::of(language);
    Report { run, changes: None, asked: None, meaning, memory: &NOTHING, words }
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Every format and the screen, in one language: the name of the golden file and what is written.
fn every_output(
    run: &Run,
    changes: Option<&[Change]>,
    language: Language,
) -> Vec<(String, String)> {
    let words = Words::of(language);
    let meaning = meaning();
    let report = Report { changes, ..report(run, &meaning, language) };
    // What is no text has tests of its own.
    let is_text =
        |format: &&Format| !["xlsx", "pdf"].contains(&format.name) && format.applies(&report);
    // A file that both languages share is written in the first.
    let is_own = |format: &&Format| format.file.contains("{lang}") || language == Language::ALL[0];
    let mut outputs: Vec<(String, String)> = FORMATS
        .iter()
        .filter(is_text)
        .filter(is_own)
        .map(|format| (format.file_name(language), text(|out| (format.write)(&report, out))))
        .collect();
    let narrow = Look { columns: 60, colour: false };
    let code = language.code();
    outputs.push((format!("narrow.{code}.txt"), text(|out| write_text(&report, narrow, out))));
    if let Some(point) = report.points().first() {
        let assessment = meaning.assessments.of(&point.id);
        let shown = text(|out| write_point(point, assessment, &[], words, narrow, out));
        outputs.push((format!("show.{code}.txt"), shown));
    }
    outputs
}

#[test]
fn reports_are_as_they_were() {
    let (run, changes) = (clinic(), changes());
    for language in Language::ALL {
        for (name, written) in every_output(&run, Some(&changes), language) {
            let path = Path::new(CLINIC).join(&name);
            if std::env::var_os("BLESS").is_some() {
                fs::write(&path, &written).unwrap();
            }
            let golden = fs::read_to_string(&path).unwrap_or_default();
            assert!(golden == written, "{name} is different; look at it, then BLESS=1\n{written}");
        }
    }
}

#[test]
fn the_same_run_gives_the_same_bytes_whatever_the_order_of_its_points() {
    let run = clinic();
    let mut turned = run.clone();
    turned.points.reverse();
    for language in Language::ALL {
        assert_eq!(every_output(&run, None, language), every_output(&turned, None, language));
    }
}

#[test]
fn points_in_json_have_every_key_of_the_contract() {
    let run = clinic();
    let meaning = meaning();
    let report = report(&run, &meaning, Language::English);
    let json: serde_json::Value =
        serde_json::from_str(&text(|out| write_json(&report, out))).unwrap();
    assert_eq!(json["schema"], "sekisho.points/1");
    assert_eq!(json["facility"], "関所記念病院");
    assert_eq!(json["run"], "r5f0c2a91d3");
    assert_eq!(json["coverage"].as_array().unwrap().len(), 5);
    let point = &json["points"][0];
    let keys = [
        "id",
        "kind",
        "grade",
        "confidence",
        "direction",
        "addresses",
        "macs",
        "outside",
        "services",
        "product",
        "because",
        "register",
        "exploited",
        "assessment",
        "checklist",
    ];
    for key in keys {
        assert!(point.get(key).is_some(), "{key}");
    }
    assert_eq!(point["confidence"], 0.986);
    assert_eq!(point["services"][0]["protocol"], "ike");
    assert_eq!(point["because"][0]["observation"], "center-switch.pcap#48");
    // One vulnerability is open, and still those are named that are certain; no product, no answer.
    assert_eq!(point["exploited"], serde_json::json!(["CVE-2026-99001"]));
    assert_eq!(point["assessment"]["exploited"].as_array().unwrap().len(), 4);
    let remote = json["points"].as_array().unwrap().iter().find(|one| one["product"].is_null());
    assert!(remote.unwrap()["exploited"].is_null() && remote.unwrap()["assessment"].is_null());
    // What is written can be read back as points.
    let points: Vec<Point> = serde_json::from_value(json["points"].clone()).unwrap();
    assert_eq!(points[1], run.points[2]);
    assert_eq!(json["vantages"], serde_json::json!(["inside", "outside"]));
    assert_eq!(point["services"][1]["seen_from"], serde_json::json!(["inside"]));
    assert_eq!(point["restriction"][1]["answer"], "not_answered_from_outside");
    assert_eq!(json["points"][1]["restriction"], serde_json::json!([]));
}

/// Texts a device could choose to harm whoever reads about it.
fn hostile() -> Vec<String> {
    vec![
        "<script>alert(1)</script>".into(),
        "\"><img src=x onerror=alert(1)>".into(),
        "{{ 7 * 7 }}{value}{field}".into(),
        "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\t\0".into(),
        "\u{9b}31m".into(),
        "safe\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}".into(),
        "=HYPERLINK(\"http://198.51.100.9\")".into(),
        "+cmd|' /C calc'!A0".into(),
        "-1+1".into(),
        "@SUM(1+1)".into(),
        "\t=1".into(),
        "`|\\|` [x](http://198.51.100.9) @all".into(),
        "]]> & &#x0; \u{fffe}\u{ffff}".into(),
        "_x000D_".into(),
        "関".repeat(10_000),
        "x".repeat(10_000),
        "e\u{301}\u{301}\u{301}".into(),
        String::new(),
    ]
}

#[test]
fn what_a_device_calls_itself_harms_nobody() {
    let mut run = clinic();
    run.facility = Some(hostile().concat());
    run.id.clone_from(&hostile()[0]);
    run.inputs = hostile().into_iter().map(|name| Input { name, packets: 1, bytes: 1 }).collect();
    run.coverage = hostile()
        .into_iter()
        .map(|text| Coverage {
            subject: text.clone().into(),
            state: CoverageState::Partial,
            count: Some(u64::MAX),
            detail: Some(text),
            network: None,
            vantage: None,
        })
        .collect();
    for mechanism in &MECHANISMS {
        run.coverage.extend(hostile().into_iter().zip(CoverageState::ALL.iter().cycle()).map(
            |(text, state)| Coverage {
                network: Some(text.clone()),
                vantage: Some(text.clone()),
                ..Coverage::of_run(mechanism.name, *state, Some(u64::MAX), Some(text))
            },
        ));
    }
    let mut changes = Vec::new();
    for (n, text) in (0..).zip(hostile()) {
        let mut point = clinic().points[1].clone();
        point.id = format!("p{n}{text}");
        point.product = Some(Product {
            vendor: text.clone(),
            name: text.clone(),
            model: Some(text.clone()),
            version: Some(text.clone()),
        });
        point.names = hostile().into_iter().collect();
        let service = Service { transport: Transport::Tcp, port: Some(1), protocol: text.clone() };
        point.sides.restriction.push(Restriction {
            service: service.clone(),
            answer: FromOutside::Open,
            vantages: BTreeSet::from(["outside".parse().unwrap()]),
        });
        point.services.insert(service);
        point.because = hostile()
            .into_iter()
            .flat_map(|text| {
                ["answers_vpn".to_owned(), text.clone()].map(|evidence| Because {
                    evidence,
                    field: text.clone(),
                    value: text.clone(),
                    observation: text.clone(),
                })
            })
            .collect();
        changes.push(Change::Changed {
            id: text.clone(),
            kind: Kind::ProxyRelay,
            what: vec![Difference {
                facet: Facet::Names,
                before: vec![text.clone()],
                now: vec![text],
            }],
        });
        run.points.push(point);
    }
    run.points.sort_by(|a, b| b.id.cmp(&a.id));
    for language in Language::ALL {
        for (name, written) in every_output(&run, Some(&changes), language) {
            // A spreadsheet is told by them that it is UTF-8, and where rows end.
            let is_table = name.rsplit('.').next() == Some("csv");
            let written = if is_table { written.replacen('\u{feff}', "", 1) } else { written };
            let written = if is_table { written.replace("\r\n", "\n") } else { written };
            let obeyed = written.chars().find(|c| {
                (c.is_control() && *c != '\n')
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
            });
            assert_eq!(obeyed, None, "{name}");
            if name.contains("html") {
                assert!(!written.contains("<script") && !written.contains("<img"), "{name}");
                assert!(written.len() < 1_000_000, "{name}: {} bytes", written.len());
            }
            if name.contains("txt") {
                let widest = written.lines().map(UnicodeWidthStr::width).max().unwrap();
                assert!(widest <= 124, "{name}: {widest} columns");
                assert!(!written.contains("49{value}"), "{name}");
            }
        }
    }
}

/// What the ways to find exits tell of `count` networks: the first is looked at from its own wire, the last one is not,
/// one run broke off, and the tier is 1.
fn wards(count: usize) -> Run {
    let state = |name: &str, ward: usize| match name {
        _ if ward + 1 == count => (CoverageState::NotMeasured, 0, "no_interface"),
        "second_hop" | "record_route" | "line_mtu" | "responder" => {
            (CoverageState::NotMeasured, 0, "tier")
        }
        "borrowed" | "weak_host" => (CoverageState::NotMeasured, 0, "not_asked_for"),
        "routes" | "ownership" if ward % 3 == 1 => (CoverageState::NotMeasured, 0, "nobody"),
        "routes" if ward == 2 => (CoverageState::Partial, 1, "stopped answered=1 silent=0"),
        "forward_v6" if ward == 3 => (CoverageState::NotMeasured, 0, "fragile"),
        "dhcp_offer" if ward == 0 => (CoverageState::NotMeasured, 0, "a_reason_of_tomorrow"),
        "routes" | "ownership" => (CoverageState::Measured, 3, "answered=3 silent=0 attempts=3"),
        _ => (CoverageState::Measured, 217, "answered=3 silent=214 attempts=3"),
    };
    let line = |(ward, name): (usize, &'static str)| {
        let (state, count, detail) = state(name, ward);
        let of_run = Coverage::of_run(name, state, Some(count), Some(detail.to_owned()));
        let network = format!("10.10.{}.0/24", ward * 7 % 256);
        let network = if ward == 1 { format!("{network},2001:db8:17::/64") } else { network };
        let vantage = (detail != "no_interface").then(|| format!("eth1.{}", 100 + ward));
        Coverage { network: Some(network), vantage, ..of_run }
    };
    let names = MECHANISMS.iter().map(|mechanism| mechanism.name);
    let all = (0..count).flat_map(|ward| names.clone().map(move |name| (ward, name)));
    // Nothing is told of one of them in one network.
    let told = all.filter(|(ward, name)| !(*ward == 4 && *name == "proxy_arp"));
    let clinic = clinic();
    let others = clinic.coverage.iter().cloned();
    Run { coverage: others.chain(told.map(line)).collect(), points: Vec::new(), ..clinic }
}

const NETWORKS: &str = "fixtures/reports/networks";

#[test]
fn networks_and_ways_to_find_exits_are_a_table() {
    let run = wards(6);
    let meaning = Meaning::default();
    for language in Language::ALL {
        let report = report(&run, &meaning, language);
        let narrow = Look { columns: 60, colour: false };
        let code = language.code();
        for (name, written) in [
            (format!("report.{code}.html"), text(|out| write_html(&report, out))),
            (format!("report.{code}.txt"), text(|out| write_text(&report, Look::plain(), out))),
            (format!("narrow.{code}.txt"), text(|out| write_text(&report, narrow, out))),
        ] {
            let path = Path::new(NETWORKS).join(&name);
            if std::env::var_os("BLESS").is_some() {
                fs::write(&path, &written).unwrap();
            }
            let golden = fs::read_to_string(&path).unwrap_or_default();
            assert!(golden == written, "{name} is different; look at it, then BLESS=1\n{written}");
        }
    }
}

#[test]
fn many_networks_take_no_more_lines_and_no_more_width() {
    for count in [1, 2, 30, 300] {
        let run = wards(count);
        let meaning = Meaning::default();
        for language in Language::ALL {
            let report = report(&run, &meaning, language);
            for columns in [40, 60, 84, 120] {
                let look = Look { columns, colour: false };
                let written = text(|out| write_text(&report, look, out));
                assert!(written.lines().count() < 150, "{written}");
                for line in written.lines() {
                    assert!(line.width() <= columns + 2, "{columns}: {line}");
                }
            }
            let page = text(|out| write_html(&report, out));
            assert_eq!(page.matches("<th scope=\"row\">").count(), count.min(256));
            let cells = page.matches("<td class=\"ran\">").count()
                + ["partly", "nobody", "not", "elsewhere"]
                    .map(|class| page.matches(&format!("<td class=\"{class}\">")).count())
                    .iter()
                    .sum::<usize>();
            let dark = page.matches(" colspan=").count();
            assert_eq!(cells, (count.min(256) - dark) * MECHANISMS.len());
            assert!(count > 200 || dark == 1, "{dark} of {count}");
            if let Some(folder) = std::env::var_os("SEKISHO_PAGES") {
                let name = format!("networks-{count}.{}.html", language.code());
                fs::write(Path::new(&folder).join(name), page).unwrap();
            }
        }
    }
}

/// A run with `count` points of all kinds and grades.
fn many(count: usize) -> Run {
    let points = (0..count).map(|n| {
        let low = u8::try_from(n % 250).unwrap();
        Point {
            id: format!("p{:08x}", n.wrapping_mul(2_654_435_761) & 0xffff_ffff),
            kind: *Kind::ALL.iter().cycle().nth(n * n * 7 + n * 3).unwrap(),
            grade: *Grade::ALL.iter().cycle().nth(n).unwrap(),
            confidence: 1.0 - f64::from(low) / 300.0,
            direction: *Direction::ALL.iter().cycle().nth(n).unwrap(),
            addresses: BTreeSet::from([[192, 0, 2, low].into()]),
            macs: BTreeSet::from([Mac([0, 0, 0x5e, 0, 0x53, low])]),
            outside: (0..n % 5).map(|m| [203, 0, 113, u8::try_from(m).unwrap()].into()).collect(),
            services: BTreeSet::from([Service {
                transport: Transport::Udp,
                port: Some(500),
                protocol: "ike".into(),
            }]),
            product: (n % 2 == 0).then(|| Product {
                vendor: "Acme".into(),
                name: "EdgeGate".into(),
                model: None,
                version: None,
            }),
            names: BTreeSet::new(),
            lines: Vec::new(),
            because: vec![Because {
                evidence: "answers_vpn".into(),
                field: "ike.version".into(),
                value: "IKEv2".into(),
                observation: format!("center-switch.pcap#{n}"),
            }],
            sides: Sides::default(),
        }
    });
    Run { points: points.collect(), ..clinic() }
}

#[test]
fn no_point_and_two_hundred_points_can_be_read() {
    for count in [0, 1, 7, 47, 200] {
        let run = many(count);
        let assessments = advisories().assess_all(&run.points, None);
        let meaning = Meaning { assessments, ..Meaning::default() };
        for language in Language::ALL {
            let report = report(&run, &meaning, language);
            for columns in [40, 60, 84, 100, 160] {
                let written = text(|out| write_text(&report, Look { columns, colour: false }, out));
                for line in written.lines() {
                    // A closing mark may hang over.
                    assert!(line.width() <= columns + 2, "{columns}: {line}");
                }
                for point in &run.points {
                    assert!(written.contains(&point.id), "{}", point.id);
                }
            }
            let page = text(|out| write_html(&report, out));
            assert_eq!(page.matches("<article").count(), count);
            if let Some(folder) = std::env::var_os("SEKISHO_PAGES") {
                let name = format!("many-{count}.{}.html", language.code());
                fs::write(Path::new(&folder).join(name), page).unwrap();
            }
        }
    }
}

#[test]
fn a_terminal_without_colour_gets_no_escape() {
    let run = clinic();
    let meaning = meaning();
    let report = report(&run, &meaning, Language::Japanese);
    let plain = text(|out| write_text(&report, Look::plain(), out));
    let coloured = text(|out| write_text(&report, Look { columns: 120, colour: true }, out));
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("\u{1b}[1m") && coloured.contains("\u{1b}[2m"));
}

#[test]
fn the_page_asks_nothing_of_anybody() {
    let run = clinic();
    let meaning = meaning();
    let report = report(&run, &meaning, Language::Japanese);
    let page = text(|out| write_html(&report, out));
    for needle in ["<script", "http://", "https://", "url(", "@import", "<link", "style=", "onload"]
    {
        assert!(!page.contains(needle), "{needle}");
    }
    assert!(page.starts_with("<!doctype html>"));
    assert!(page.contains("default-src 'none'"));
}
