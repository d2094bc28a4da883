//! Registers as people have them: every kind of messy file gives the lines that it holds and the pairs that follow, and hostile
//! files give one clear error. `BLESS=1 cargo test --test register` writes what is expected anew.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read should fail the test")]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
};

use assert_cmd::Command;
use sekisho::{
    assess::{Found, Outcome, Reconciliation, Seen, reconcile},
    correlate::{
        Because, Coverage, CoverageState, Direction, Grade, Host, Kind, Point, Product, Sides,
    },
    import::{File, Loaded, Mapping, Problem, load, sheet::letters},
    inventory::{Run, Store},
    report::{
        Language, Look, Words, write_readings, write_reconciliation, write_reconciliation_json,
    },
    time::Timestamp,
};
use serde::Deserialize;
use unicode_width::UnicodeWidthStr as _;

const FOLDER: &str = "fixtures/imports/register";

#[derive(Deserialize)]
struct SeenFile {
    inside: String,
    not_looked_at: String,
    point: Vec<SeenBox>,
    host: Vec<SeenBox>,
}

#[derive(Deserialize)]
struct SeenBox {
    id: Option<String>,
    addresses: BTreeSet<std::net::IpAddr>,
    macs: BTreeSet<String>,
    #[serde(default)]
    outside: BTreeSet<std::net::IpAddr>,
    #[serde(default)]
    names: BTreeSet<String>,
    product: Option<Product>,
}

impl SeenBox {
    fn macs(&self) -> BTreeSet<sekisho::observe::Mac> {
        self.macs.iter().map(|mac| mac.parse().unwrap()).collect()
    }
}

fn seen() -> (Vec<Point>, Vec<Host>, Vec<Coverage>) {
    let file: SeenFile =
        toml::from_str(&fs::read_to_string(format!("{FOLDER}/seen.toml")).unwrap()).unwrap();
    let points = file.point.iter().map(|point| Point {
        id: point.id.clone().unwrap(),
        kind: Kind::InternetGateway,
        grade: Grade::Proved,
        confidence: 0.95,
        direction: Direction::Both,
        addresses: point.addresses.clone(),
        macs: point.macs(),
        outside: point.outside.clone(),
        services: BTreeSet::new(),
        product: point.product.clone(),
        names: point.names.clone(),
        lines: Vec::new(),
        because: vec![Because {
            evidence: "forwards_probe".into(),
            field: "forward.answer".into(),
            value: "x".into(),
            observation: "run.pcapng#1".into(),
        }],
        sides: Sides::default(),
    });
    let hosts = file.host.iter().map(|host| Host {
        addresses: host.addresses.clone(),
        macs: host.macs(),
        names: host.names.clone(),
        product: host.product.clone(),
        ..Host::default()
    });
    let inside = Coverage::of_run("inside_given", CoverageState::Measured, None, Some(file.inside));
    let not =
        Coverage::of_run("forward", CoverageState::NotMeasured, None, Some("no_interface".into()));
    let not = Coverage { network: Some(file.not_looked_at), ..not };
    (points.collect(), hosts.collect(), vec![inside, not])
}

/// The folders of cases, in order.
fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    cases
}

fn register_of(case: &Path) -> PathBuf {
    let mut files = fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.file_stem().unwrap() == "register").unwrap()
}

fn loaded(case: &Path) -> Loaded {
    let file = File::open(&register_of(case)).unwrap();
    let mapping = fs::read_to_string(case.join("mapping.toml"));
    let mapping = mapping
        .map_or_else(|_| Mapping::default(), |text| Mapping::parse(&text, "mapping.toml").unwrap());
    load(&[file], &mapping, &[], Timestamp::new(1_785_000_000, 0)).unwrap()
}

/// What was read and what came of it, as `expected.toml` writes it.
fn told(case: &Path, loaded: &Loaded, held: &Reconciliation) -> String {
    let mut text = format!(
        "# What {} gives. Blessed, and read over.\n",
        case.file_name().unwrap().to_string_lossy()
    );
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    for reading in &loaded.readings {
        text.push_str("\n[[sheet]]\n");
        if let Some(name) = &reading.sheet {
            writeln!(text, "name = {}", quoted(name)).unwrap();
        }
        if let Some(skipped) = reading.skipped {
            writeln!(text, "skipped = \"{}\"", skipped.name()).unwrap();
            continue;
        }
        writeln!(text, "header = {:?}\nlines = {}", reading.header, reading.lines).unwrap();
        if reading.hidden > 0 {
            writeln!(text, "hidden = {}", reading.hidden).unwrap();
        }
        for (reason, count) in &reading.left_out {
            writeln!(text, "left_out.{} = {count}", reason.name()).unwrap();
        }
        for taken in &reading.columns {
            let column = taken.taken_for.map_or("-", |column| column.name());
            writeln!(
                text,
                "column.{} = [{}, \"{column}\", \"{}\"]",
                letters(taken.column),
                quoted(&taken.header),
                taken.why.name()
            )
            .unwrap();
        }
    }
    for line in &held.lines {
        let entry = &line.entry;
        text.push_str("\n[[line]]\n");
        if let Some(sheet) = &entry.sheet {
            writeln!(text, "sheet = {}", quoted(sheet)).unwrap();
        }
        writeln!(text, "row = {}", entry.row).unwrap();
        let mut list = |name: &str, values: Vec<String>| {
            if !values.is_empty() {
                writeln!(text, "{name} = {values:?}").unwrap();
            }
        };
        list("addresses", entry.addresses.iter().map(ToString::to_string).collect());
        list("macs", entry.macs.iter().map(ToString::to_string).collect());
        list("outside", entry.outside.iter().map(ToString::to_string).collect());
        for (column, value) in &entry.written {
            writeln!(text, "written.{} = {}", column.name(), quoted(value)).unwrap();
        }
        match &line.outcome {
            Outcome::NotSeen { reason } => {
                writeln!(text, "unseen = \"{}\"", reason.name()).unwrap();
            }
            Outcome::Matched { found, by } | Outcome::Mismatch { found, by, .. } => {
                let (Found::Point(name) | Found::Host(name)) = found;
                let by: Vec<&str> = by.iter().map(|by| by.name()).collect();
                writeln!(text, "found = \"{name}\"\nby = {by:?}").unwrap();
            }
        }
        if let Outcome::Mismatch { fields, .. } = &line.outcome {
            for field in fields {
                writeln!(
                    text,
                    "differs.{} = [{}, {}]",
                    field.column.name(),
                    quoted(&field.written),
                    quoted(&field.found)
                )
                .unwrap();
            }
        }
    }
    text
}

#[test]
fn every_messy_file_gives_its_lines_and_their_pairs() {
    let (points, hosts, coverage) = seen();
    let cases = cases();
    assert!(cases.len() >= 8, "{cases:?}");
    for case in cases {
        assert!(case.join("origin.md").is_file(), "{} says nothing of its origin", case.display());
        let loaded = loaded(&case);
        let seen = Seen { points: &points, hosts: &hosts, coverage: &coverage };
        let held = reconcile(&loaded.register, &seen);
        let told = told(&case, &loaded, &held);
        let place = case.join("expected.toml");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&place, &told).unwrap();
        }
        let expected = fs::read_to_string(&place).unwrap_or_default();
        assert!(!held.lines.is_empty(), "{}", case.display());
        assert_eq!(told, expected, "{}", place.display());
        toml::from_str::<toml::Table>(&expected).unwrap();
    }
}

#[test]
fn what_was_guessed_is_shown_and_written_as_a_mapping_that_reads_as_itself() {
    for case in cases() {
        let first = loaded(&case);
        for language in Language::ALL {
            let mut shown = Vec::new();
            write_readings(
                &first,
                Words::of(language),
                Look { columns: 100, colour: false },
                &mut shown,
            )
            .unwrap();
            let shown = String::from_utf8(shown).unwrap();
            assert!(shown.lines().all(|line| line.width() <= 140), "{shown}");
            assert!(!shown.contains("register.taken") && !shown.contains('{'), "{shown}");
        }
        let mapping = Mapping::parse(&Mapping::written(&first.readings), "map.toml").unwrap();
        let file = File::open(&register_of(&case)).unwrap();
        let again = load(&[file], &mapping, &[], first.register.loaded).unwrap();
        assert_eq!(again.register, first.register, "{}", case.display());
    }
}

#[test]
fn several_files_are_one_register_and_a_hidden_sheet_is_read_when_asked_for() {
    let files = ["several-sheets", "csv-bom"]
        .map(|case| File::open(&register_of(&Path::new(FOLDER).join(case))).unwrap());
    let both = load(&files, &Mapping::default(), &[], Timestamp::default()).unwrap();
    assert_eq!(both.register.name, "register.xlsx, register.csv");
    let sheets: BTreeSet<&str> =
        both.register.entries.iter().filter_map(|entry| entry.sheet.as_deref()).collect();
    assert_eq!(
        sheets,
        BTreeSet::from(["register.csv", "register.xlsx: サーバ", "register.xlsx: 回線"])
    );
    let only =
        load(&files[..1], &Mapping::default(), &["旧台帳".into()], Timestamp::default()).unwrap();
    assert_eq!(only.register.entries.len(), 1);
    let wrong =
        load(&files, &Mapping::default(), &["旧台張".into()], Timestamp::default()).unwrap_err();
    assert!(wrong.to_string().contains("旧台帳"), "{wrong}");
}

#[test]
fn what_a_register_says_harms_nobody() {
    let hostile = "機器名,IPアドレス,MACアドレス\n\
        \"=cmd|' /C calc'!A0\",10.1.1.1,00:00:5e:00:53:01\n\
        \u{1b}[31m赤\u{202e}逆,10.1.1.2,\n<script>alert(1)</script>,10.1.1.3,\n";
    let file = File::parse("\u{1b}[2Jregister.csv", hostile.as_bytes()).unwrap();
    let loaded = load(&[file], &Mapping::default(), &[], Timestamp::default()).unwrap();
    assert_eq!(loaded.register.entries.len(), 3);
    let (points, hosts, coverage) = seen();
    let held =
        reconcile(&loaded.register, &Seen { points: &points, hosts: &hosts, coverage: &coverage });
    for language in Language::ALL {
        let words = Words::of(language);
        let mut out = Vec::new();
        write_readings(&loaded, words, Look::plain(), &mut out).unwrap();
        write_reconciliation(&held, &points, &|_| None, words, Look::plain(), &mut out).unwrap();
        write_reconciliation_json(&held, &points, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
}

/// An archive with these parts.
fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const CONTENT: &str = "<office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\"><office:body><office:spreadsheet>\
    <table:table table:name=\"a\">";

#[test]
fn an_archive_that_unpacks_to_too_much_is_refused_before_it_is_read() {
    let zeros = vec![b' '; 130 << 20];
    let bomb = archive(&[("xl/workbook.xml", &zeros)]);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    assert!(matches!(File::parse("bomb.xlsx", &bomb), Err(Problem::TooMuch)));
    // Sheets that repeat what they say a billion times.
    let repeated = format!(
        "{CONTENT}<table:table-row table:number-rows-repeated=\"1000000000\">\
         <table:table-cell table:number-columns-repeated=\"1000000000\"><text:p>{}</text:p></table:table-cell></table:table-row>",
        "x".repeat(100_000)
    );
    let bomb = archive(&[("content.xml", repeated.as_bytes())]);
    assert!(matches!(File::parse("bomb.ods", &bomb), Err(Problem::TooMuch)));
    let deep = format!("{CONTENT}{}", "<table:table-row><table:table-cell>".repeat(500_000));
    let deep = archive(&[("content.xml", deep.as_bytes())]);
    let _ = File::parse("deep.ods", &deep);
    let merged = format!(
        "{CONTENT}{}</table:table></office:spreadsheet></office:body></office:document-content>",
        "<table:table-row><table:table-cell table:number-rows-spanned=\"99999\" table:number-columns-spanned=\"99999\"><text:p>x</text:p></table:table-cell></table:table-row>".repeat(20_000)
    );
    let merged = archive(&[("content.xml", merged.as_bytes())]);
    let _ = File::parse("merged.ods", &merged);
}

#[test]
fn what_is_no_table_gives_one_clear_error() {
    let cases: [(&[u8], &str); 6] = [
        (b"", "it is empty"),
        (b"MZ\x90\0\x03\0\0\0", "it is a program"),
        (b"\x7fELF\x02\x01\x01\0", "it is a program"),
        (b"%PDF-1.7\n", "it is a PDF"),
        (b"PK\x03\x04", "cannot be read to its end"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "cannot be read to its end"),
    ];
    for (bytes, wanted) in cases {
        let error = File::parse("register", bytes).unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains("; "), "{error}");
    }
    let other = archive(&[("word/document.xml", b"<w/>")]);
    let error = File::parse("letter.docx", &other).unwrap_err().to_string();
    assert!(error.contains("no workbook"), "{error}");
}

#[test]
fn a_file_that_is_cut_off_or_changed_is_read_or_refused_and_never_more() {
    for case in ["merged-title", "old-xls", "open-document", "csv-cp932", "tsv-utf16"] {
        let path = register_of(&Path::new(FOLDER).join(case));
        let bytes = fs::read(&path).unwrap();
        let mut state = 17_usize;
        for round in 0..120 {
            let mut changed = bytes.clone();
            if round % 3 == 0 {
                changed.truncate(bytes.len() * round / 120);
            }
            for _ in 0..=(round % 5) {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                if let Some(byte) = changed.get_mut((state >> 17) % bytes.len()) {
                    *byte ^= 1 << (state >> 60 & 7);
                }
            }
            if let Ok(file) = File::parse("register", &changed) {
                load(&[file], &Mapping::default(), &[], Timestamp::default()).unwrap();
            }
        }
    }
}

#[test]
fn a_cell_of_ten_megabytes_is_cut_and_told() {
    let long = "長".repeat((10 << 20) / 3);
    let text = format!("機器名,IPアドレス\n{long},10.1.1.1\n");
    let content = format!(
        "{CONTENT}<table:table-row><table:table-cell><text:p>機器名</text:p></table:table-cell><table:table-cell><text:p>IPアドレス</text:p></table:table-cell></table:table-row>\
         <table:table-row><table:table-cell><text:p>{long}</text:p></table:table-cell><table:table-cell><text:p>10.1.1.1</text:p></table:table-cell></table:table-row>\
         </table:table></office:spreadsheet></office:body></office:document-content>"
    );
    for bytes in [text.into_bytes(), archive(&[("content.xml", content.as_bytes())])] {
        let file = File::parse("register", &bytes).unwrap();
        let loaded = load(&[file], &Mapping::default(), &[], Timestamp::default()).unwrap();
        assert_eq!((loaded.register.entries.len(), loaded.readings[0].beyond.cut), (1, 1));
    }
}

fn sekisho(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("sekisho").unwrap();
    for name in ["SEKISHO_STORE", "SEKISHO_LANG", "SEKISHO_DATA", "COLUMNS"] {
        command.env_remove(name);
    }
    let output = command.env("LC_ALL", "C").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A store with one run of the boxes that were seen.
fn store(folder: &Path) -> String {
    let (points, hosts, coverage) = seen();
    let run: Run = serde_json::from_value(serde_json::json!({
        "id": "r1a2b3c4d5e6f", "facility": "関所記念病院", "began": "2026-08-07T00:00:00Z", "ended": "2026-08-07T01:00:00Z",
        "inputs": [], "coverage": coverage, "points": points, "hosts": hosts,
    }))
    .unwrap();
    let path = folder.join("hospital.sqlite");
    Store::open(&path).unwrap().absorb(&run).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_register_is_loaded_shown_and_held_against_what_was_found() {
    let desk = tempfile::tempdir().unwrap();
    let store = store(desk.path());
    let file = format!("{FOLDER}/two-headers/register.xlsx");

    let (code, out, error) = sekisho(&["reconcile", "--store", &store]);
    assert_eq!((code, out.as_str()), (3, ""), "{error}");
    assert!(error.contains("register load"), "{error}");

    let (code, out, error) = sekisho(&["register", "load", &file, "--store", &store]);
    assert_eq!((code, out.as_str()), (3, ""), "{error}");
    assert!(error.contains("--by NAME"), "{error}");
    let (code, out, error) = sekisho(&["register", "load", &file]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("address outside") && error.contains("nothing was kept"), "{out}{error}");

    let load = ["register", "load", &file, "--store", &store, "--by", "Yamada", "--lang", "ja"];
    let (code, out, error) = sekisho(&load);
    assert_eq!(code, 0, "{error}");
    assert!(
        out.contains("見出し 2–3 行目")
            && error.contains("関所記念病院")
            && error.contains("Yamada"),
        "{out}{error}"
    );
    let (_, out, _) = sekisho(&["register", "show", "--store", &store]);
    assert!(
        out.contains("register.xlsx") && out.contains("3 lines") && out.contains("Yamada"),
        "{out}"
    );

    let json = desk.path().join("held.json");
    let (code, out, error) =
        sekisho(&["reconcile", "--store", &store, "--json", json.to_str().unwrap()]);
    assert_eq!(code, 1, "{error}");
    assert!(out.contains("p000000aa") && out.contains("BS1200") && out.contains("BS4800"), "{out}");
    let first = out.find("p000000aa").unwrap();
    assert!(
        first < out.find("BS4800").unwrap()
            && out.find("BS4800").unwrap() < out.find("G-3").unwrap_or(out.len())
    );
    let held: serde_json::Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(held["schema"], "sekisho.reconciliation/1");
    assert_eq!(held["undeclared"], serde_json::json!(["p00000001", "p000000aa"]));
    assert_eq!(held["lines"][0]["outcome"], "matched");
    let (code, ..) = sekisho(&["reconcile", "--store", &store, "--exit-zero", "--lang", "ja"]);
    assert_eq!(code, 0);

    // Every report has it.
    let (code, out, error) = sekisho(&["points", "--store", &store]);
    assert_eq!(code, 0, "{error}");
    assert!(
        out.contains("Against the register “register.xlsx”") && out.contains("p000000aa"),
        "{out}"
    );
}

#[test]
fn a_mapping_is_written_changed_and_taken() {
    let desk = tempfile::tempdir().unwrap();
    let map = desk.path().join("map.toml");
    let file = format!("{FOLDER}/csv-bom/register.csv");
    let (code, _, error) =
        sekisho(&["register", "load", &file, "--write-mapping", map.to_str().unwrap()]);
    assert_eq!(code, 0, "{error}");
    let text = fs::read_to_string(&map).unwrap();
    assert!(text.contains("[sheet.\"*\".columns]") && text.contains("C = \"address\""), "{text}");
    fs::write(&map, text.replace("\"address\"", "\"adress\"")).unwrap();
    let (code, _, error) =
        sekisho(&["register", "load", &file, "--mapping", map.to_str().unwrap()]);
    assert_eq!(code, 3);
    assert!(error.contains("map.toml:") && error.contains("did you mean `address`?"), "{error}");
    let (code, _, error) = sekisho(&["register", "load", "/no/such/register.xlsx"]);
    assert_eq!(code, 3);
    assert!(error.contains("/no/such/register.xlsx: cannot be read"), "{error}");
}
