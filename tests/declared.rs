//! Forms go out, are filled in, and come back: what people say of points and of lines that no network shows stands in the
//! inventory, joins what is seen, and is never missed by a scan.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what cannot be set up should fail the test"
)]

use std::{
    collections::BTreeSet,
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use calamine::{Data, Reader as _, Xlsx};
use rust_xlsxwriter::Workbook;
use sekisho::{
    assess::Meaning,
    correlate::{Grade, Kind, Point, Product},
    import::Column,
    inventory::{Change, Memory, Run, Store},
    observe::Mac,
    report::{FormFormat, Language, Report, Words, write_forms},
    time::Timestamp,
};
use serde_json::Value;
use tempfile::TempDir;

const FACILITY: &str = "関所記念病院";

/// The run of the clinic's golden reports.
fn clinic() -> Run {
    serde_json::from_str(&fs::read_to_string("fixtures/reports/clinic/run.json").unwrap()).unwrap()
}

/// A folder with a store.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A folder with a store that knows the clinic.
    fn of_the_clinic() -> Self {
        let desk = Self::new();
        desk.store().absorb(&clinic()).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn store(&self) -> Store {
        Store::open(self.path("hospital.sqlite")).unwrap()
    }

    /// Runs a command; its exit code, what it says, and what it complains of.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let done = assert_cmd::Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .env_remove("SEKISHO_STORE")
            .env_remove("SEKISHO_LANG")
            .env("SEKISHO_DATA", self.path("no-data"))
            .env("COLUMNS", "160")
            .current_dir(self.0.path())
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
    }

    /// Takes forms in, which must be possible, and gives what was said.
    #[track_caller]
    fn import(&self, files: &[&str]) -> String {
        let mut arguments = vec!["import", "declared"];
        arguments.extend(files);
        arguments.extend(["--store", "hospital.sqlite", "--by", "佐藤", "--lang", "ja"]);
        let (code, said, error) = self.run(&arguments);
        assert_eq!((code, error.as_str()), (0, ""), "{said}");
        said
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn points(&self) -> Vec<Value> {
        let (code, said, error) =
            self.run(&["points", "--store", "hospital.sqlite", "--json", "-"]);
        assert_eq!(code, 0, "{error}");
        let document: Value = serde_json::from_str(&said).unwrap();
        document["points"].as_array().unwrap().clone()
    }
}

/// The cells of each sheet of a workbook, by rows from the first.
fn sheets(path: &Path) -> Vec<(String, Vec<Vec<String>>)> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(fs::read(path).unwrap())).unwrap();
    let names = book.sheet_names();
    let of = |name: String| {
        let range = book.worksheet_range(&name).unwrap();
        let (rows, columns) = range.end().unwrap();
        let cell = |row, column| match range.get_value((row, column)) {
            Some(Data::String(text)) => text.clone(),
            _ => String::new(),
        };
        let row = |row| (0..=columns).map(|column| cell(row, column)).collect();
        (name, (0..=rows).map(row).collect())
    };
    names.into_iter().map(of).collect()
}

/// Fills in a workbook: beside each question the answer in a column, or below each heading the answer in a row.
fn fill(from: &Path, to: &Path, answers: &[(&str, usize, &str)], beside: bool) {
    let mut book = Workbook::new();
    for (number, (name, mut rows)) in sheets(from).into_iter().enumerate() {
        for (label, place, answer) in answers.iter().filter(|_| number == 0) {
            let (row, column) = find(&rows, label);
            rows.resize(rows.len().max(row + place + 1), Vec::new());
            let (row, column) = if beside { (row, column + place) } else { (row + place, column) };
            let width = rows[row].len().max(column + 1);
            rows[row].resize(width, String::new());
            (*answer).clone_into(&mut rows[row][column]);
        }
        let sheet = book.add_worksheet();
        sheet.set_name(name).unwrap();
        for (row, cells) in (0..).zip(&rows) {
            for (column, text) in (0..).zip(cells) {
                sheet.write_string(row, column, text).unwrap();
            }
        }
    }
    book.save(to).unwrap();
}

/// Where a question stands: the last cell that begins with it, for some are asked of all first.
fn find(rows: &[Vec<String>], label: &str) -> (usize, usize) {
    let all = rows.iter().enumerate().flat_map(|(row, cells)| {
        cells.iter().enumerate().map(move |(column, text)| (row, column, text))
    });
    let mut found = all.filter(|(_, _, text)| text.lines().next() == Some(label));
    let (row, column, _) = found.next_back().unwrap_or_else(|| panic!("{label} in {rows:?}"));
    (row, column)
}

#[test]
fn every_case_gives_what_it_says() {
    let mut cases = 0;
    for case in fs::read_dir("fixtures/imports/declared").unwrap() {
        let case = case.unwrap().path();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let expected: toml::Table =
            toml::from_str(&fs::read_to_string(case.join("expect.toml")).unwrap()).unwrap();
        let desk = Desk::new();
        let mut arguments = vec!["import".to_owned(), "declared".into()];
        for file in fs::read_dir(&case).unwrap().map(|file| file.unwrap().path()) {
            if file.file_name().unwrap() != "expect.toml" {
                arguments.push(fs::canonicalize(file).unwrap().to_string_lossy().into_owned());
            }
        }
        let rest = ["--store", "hospital.sqlite", "--by", "佐藤", "--facility", FACILITY];
        arguments.extend(rest.into_iter().chain(["--lang", "ja"]).map(str::to_owned));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, said, error) = desk.run(&arguments);
        if let Some(refused) = expected.get("error") {
            let refused = format!("sekisho: {}", refused.as_str().unwrap());
            assert_eq!((code, said.as_str()), (3, ""), "{name}");
            assert!(error.starts_with(&refused) && error.lines().count() == 1, "{name}: {error}");
            assert!(!desk.path("hospital.sqlite").exists() || desk.points().is_empty(), "{name}");
        } else {
            assert_eq!((code, error.as_str()), (0, ""), "{name}");
            for words in expected["says"].as_array().unwrap() {
                assert!(said.contains(words.as_str().unwrap()), "{name}: {said}");
            }
            assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{name}: {said:?}");
            let of = |point: &Value| {
                let text = |key: &str| point[key].as_str().unwrap().to_owned();
                let because = point["because"][0]["observation"].as_str().unwrap().to_owned();
                [text("kind"), text("grade"), text("direction"), because]
            };
            let found: BTreeSet<[String; 4]> = desk.points().iter().map(of).collect();
            let points = expected["points"].as_array().unwrap().iter().map(|point| {
                ["kind", "grade", "direction", "because"]
                    .map(|key| point[key].as_str().unwrap().to_owned())
            });
            assert_eq!(found, points.collect(), "{name}");
        }
        cases += 1;
    }
    assert!(cases > 15, "{cases}");
}

#[test]
fn forms_are_filled_in_and_come_back() {
    let desk = Desk::of_the_clinic();
    let (code, said, error) =
        desk.run(&["report", "forms", "--store", "hospital.sqlite", "--forms"]);
    assert_eq!((code, error.as_str()), (0, ""));
    let names = ["hearing-acme", "hearing-unassigned", "hearing-blank", "dark-lines"];
    let names = names.map(|name| format!("forms/{name}.ja.xlsx\n"));
    assert_eq!(said, names.concat());

    fill(
        &desk.path("forms/hearing-acme.ja.xlsx"),
        &desk.path("acme.xlsx"),
        &[
            ("用途", 1, "電子カルテの保守"),
            ("回線種別", 1, "インターネット"),
            ("接続を始める側", 1, "外から入る"),
            ("リモート保守", 1, "なし"),
            ("管理責任者", 1, "情報課 田中"),
            // A line that nobody found.
            ("名称", 2, "予備の保守回線"),
            ("回線種別", 2, "公衆網（ISDN）"),
            ("回線番号", 2, "03-0000-0002"),
        ],
        true,
    );
    fill(
        &desk.path("forms/dark-lines.ja.xlsx"),
        &desk.path("dark.xlsx"),
        &[
            ("名称", 1, "血液ガス分析装置の通報用ルータ"),
            ("回線種別", 1, "モバイル（LTE・5G）"),
            ("装置の型番", 1, "LR-1"),
            ("写真", 1, "IMG_0042.jpg"),
        ],
        false,
    );
    let said = desk.import(&["acme.xlsx", "dark.xlsx"]);
    assert!(said.contains("acme.xlsx#ヒアリング票!B"), "{said}");
    assert!(said.contains("見つかっていた接続点 p1a2b3c4d（VPN装置（待受））に書き加え"), "{said}");
    assert!(said.contains("dark.xlsx#見えない回線!"), "{said}");
    assert!(said.contains("3 行を取り込みました"), "{said}");
    // The vendor says no, and the box listens for a VPN.
    let mismatch = said.lines().find(|line| line.contains("食い違い")).unwrap();
    assert!(
        mismatch.contains("p1a2b3c4d") && mismatch.contains("「リモート保守：なし」"),
        "{said}"
    );

    let points = desk.points();
    assert_eq!(points.len(), clinic().points.len() + 2);
    let kinds: Vec<&str> = points.iter().map(|point| point["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"dial_up") && kinds.contains(&"mobile_router"), "{kinds:?}");
    let memory = desk.store().memory(Some(FACILITY)).unwrap();
    let declared = memory.points["p1a2b3c4d"].declared.as_ref().unwrap();
    assert_eq!(declared.get(Column::Manager), Some("情報課 田中"));
    let (_, shown, _) =
        desk.run(&["show", "p1a2b3c4d", "--store", "hospital.sqlite", "--lang", "ja"]);
    assert!(
        shown.contains("申告されています") && shown.contains("acme.xlsx の「ヒアリング票」シート"),
        "{shown}"
    );
    let told =
        desk.run(&["report", "out", "--store", "hospital.sqlite", "--format", "text,html,json"]);
    assert_eq!(told.0, 0, "{}", told.2);
    let text = fs::read_to_string(desk.path("out/report.ja.txt")).unwrap();
    assert!(text.contains("電話回線"), "{text}");

    // What was declared stands in the next forms; taken in again, it says nothing new.
    desk.run(&["report", "again", "--store", "hospital.sqlite", "--forms"]);
    let said = desk.import(&["again/hearing-acme.ja.xlsx", "again/dark-lines.ja.xlsx"]);
    assert!(said.contains("変わりなし") && said.contains("0 行を取り込みました"), "{said}");
    let said = desk.import(&["acme.xlsx", "dark.xlsx"]);
    assert!(said.contains("0 行を取り込みました"), "{said}");
}

#[test]
fn every_format_and_language_of_a_form_comes_back() {
    for language in Language::ALL {
        for format in FormFormat::ALL {
            let (run, meaning, memory) = (clinic(), Meaning::default(), Memory::default());
            let words = Words::of(language);
            let report = Report {
                run: &run,
                changes: None,
                asked: None,
                meaning: &meaning,
                memory: &memory,
                words,
            };
            for (name, bytes) in write_forms(&report, &[format]).unwrap() {
                let form = sekisho::import::declared::read(&name, &bytes).unwrap();
                assert_eq!(form.facility.as_deref(), Some(FACILITY), "{name}");
                assert_eq!(form.lines, [], "{name}: a blank form says nothing");
                let asked = if name.contains("acme") {
                    1
                } else {
                    2 * usize::from(name.contains("unassigned"))
                };
                assert_eq!(form.unanswered.len(), asked, "{name}");
            }
        }
    }
}

#[test]
fn a_form_that_another_program_saved_comes_back() {
    // A hearing sheet that LibreOffice saved, with a number in full width, a day as the number of a spreadsheet, and another
    // in the calendar of the office.
    let bytes = fs::read("fixtures/imports/declared_saved/hearing.xlsx").unwrap();
    let form = sekisho::import::declared::read("hearing.xlsx", &bytes).unwrap();
    let [line] = form.lines.as_slice() else { panic!("{:?}", form.lines) };
    for (column, written) in [
        (Column::Point, "pa478fd27"),
        (Column::Partner, "関所電機"),
        (Column::Purpose, "保守"),
        (Column::LineNumber, "0300000000"),
        (Column::RemoteMaintenance, "あり"),
        (Column::SupportUntil, "2027-04-23"),
        (Column::Checked, "2026-04-02"),
    ] {
        assert_eq!(line.entry.get(column), Some(written), "{column:?}");
    }
    assert_eq!(line.cited, "hearing.xlsx#ヒアリング票!B14");
    assert_eq!(form.facility.as_deref(), Some(FACILITY));
}

/// A run of the clinic some days later, with these points.
fn later(day: i64, points: Vec<Point>) -> Run {
    let run = clinic();
    let after = |moment: Timestamp| {
        Timestamp::from_nanoseconds(moment.nanoseconds() + day * 86_400_000_000_000)
    };
    Run { id: format!("r{day}"), began: after(run.began), ended: after(run.ended), points, ..run }
}

#[test]
fn a_declared_box_that_is_seen_is_one_point_and_never_missed() {
    let desk = Desk::of_the_clinic();
    desk.write(
        "lines.toml",
        "[[line]]\nname = \"CT の保守ルータ\"\nline = \"モバイル\"\naddress = \"192.0.2.99\"\npartner = \"関所電機\"\n\
         [[line]]\nname = \"電話交換機\"\nline = \"ISDN\"\nline_number = \"03-0000-0000\"\n",
    );
    let said = desk.import(&["lines.toml"]);
    let id = said.split("接続点 ").nth(1).unwrap().get(..9).unwrap().to_owned();
    // Runs that see neither say nothing of them, however often they look.
    let mut store = desk.store();
    for day in 1..4 {
        assert_eq!(store.absorb(&later(day, clinic().points)).unwrap(), [], "day {day}");
    }
    // The box at the declared address turns up: by its hardware address, under another name.
    let seen = Point {
        id: "pfeed0001".into(),
        kind: Kind::MaintenanceRouter,
        grade: Grade::Proved,
        addresses: ["192.0.2.99".parse().unwrap()].into(),
        macs: [Mac([0, 0, 0x5e, 0, 0x53, 0x99])].into(),
        product: None,
        ..clinic().points[2].clone()
    };
    let points: Vec<Point> = clinic().points.into_iter().chain([seen]).collect();
    let changes = store.absorb(&later(4, points.clone())).unwrap();
    let appeared = Change::Appeared { id: id.clone(), kind: Kind::MaintenanceRouter };
    assert_eq!(changes, [appeared]);
    assert_eq!(store.absorb(&later(5, points)).unwrap(), []);
    // One point: with the name that it was declared by, the grade of what was seen, and what was declared.
    let known = store.points(Some(FACILITY)).unwrap();
    assert_eq!(known.len(), clinic().points.len() + 2);
    let joined = &known.iter().find(|known| known.point.id == id).unwrap().point;
    assert_eq!((joined.kind, joined.grade), (Kind::MaintenanceRouter, Grade::Proved));
    assert!(joined.because.iter().any(|because| because.observation == "lines.toml!1"));
    for name in [id.as_str(), "pfeed0001"] {
        assert_eq!(store.point(name, Some(FACILITY)).unwrap().point.id, id);
    }
    let memory = store.memory(Some(FACILITY)).unwrap();
    assert_eq!(
        memory.points[&id].declared.as_ref().unwrap().get(Column::Partner),
        Some("関所電機")
    );
    assert_eq!(memory.points[&id].seen.len(), 2);
}

#[test]
fn what_is_said_and_was_seen_to_be_otherwise_stands_in_every_report() {
    let desk = Desk::of_the_clinic();
    let vpn = clinic().points.into_iter().find(|point| point.kind == Kind::VpnGateway).unwrap();
    let vendor = "<b>関所電機</b>";
    desk.write(
        "lines.toml",
        &format!(
            "[[line]]\npoint = \"{}\"\npartner = \"{vendor}\"\nremote_maintenance = \"なし\"\n",
            vpn.id
        ),
    );
    desk.import(&["lines.toml"]);
    let (code, _, error) = desk.run(&[
        "report",
        "out",
        "--store",
        "hospital.sqlite",
        "--lang",
        "ja",
        "--format",
        "html,text,json,xlsx",
    ]);
    assert_eq!((code, error.as_str()), (0, ""));
    let read = |name: &str| fs::read_to_string(desk.path("out").join(name)).unwrap();
    let json: Value = serde_json::from_str(&read("points.json")).unwrap();
    let schema = fs::read_to_string("docs/schema/points-1.json").unwrap();
    let schema = jsonschema::draft202012::new(&serde_json::from_str(&schema).unwrap()).unwrap();
    let faults: Vec<String> = schema.iter_errors(&json).map(|one| one.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let expected = serde_json::json!([{
        "point": vpn.id, "sort": "no_remote_maintenance", "column": "remote_maintenance",
        "written": "なし", "said_by": vendor, "found": "vpn_gateway",
    }]);
    assert_eq!(json["contradictions"], expected);
    // In its section and on the point's sheet, as text and no more.
    let html = read("report.ja.html");
    let said = format!("申告と食い違い：接続点 {} について、", vpn.id);
    assert_eq!(html.matches(&said).count(), 2);
    assert!(html.contains("<section id=\"register\">") && html.contains("リモート保守"));
    assert!(!html.contains("<b>関所電機") && !html.contains('\u{202e}'));
    let text = read("report.ja.txt");
    assert!(text.contains("申告と食い違うもの (1)"), "{text}");
    assert_eq!(text.matches(&said).count(), 1, "{text}");
    assert!(!text.contains('\u{202e}'));
    let book = sheets(&desk.path("out/report.ja.xlsx"));
    let (_, rows) = book.iter().find(|(name, _)| name == "台帳突合").unwrap();
    let row = rows.iter().find(|row| row.iter().any(|cell| cell.starts_with(&said))).unwrap();
    assert!(row.contains(&vpn.id) && row.contains(&"申告と食い違い".to_owned()), "{row:?}");
    // Where the log ends, as `verify` takes it.
    let head = desk.store().head().unwrap().unwrap().hash;
    let groups: Vec<&str> = (0..8).map(|at| &head[at * 8..at * 8 + 8]).collect();
    assert!(html.contains("この記録の末尾") && html.contains(&groups.join(" ")));
    let until = groups.join(" ");
    let (code, said, _) = desk.run(&["verify", "--store", "hospital.sqlite", "--until", &until]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn points_of_one_kind_are_listed_and_everything_else_is_said_of_all() {
    let desk = Desk::of_the_clinic();
    let named = clinic().points.into_iter().find(|point| point.kind != Kind::VpnGateway).unwrap();
    let address = named.addresses.first().unwrap();
    desk.write("register.csv", &format!("機器名,IPアドレス\nルータ,{address}\n"));
    let (code, _, error) = desk.run(&[
        "register",
        "load",
        "register.csv",
        "--store",
        "hospital.sqlite",
        "--by",
        "佐藤",
    ]);
    assert_eq!(code, 0, "{error}");
    let told = |kinds: &[&str]| -> Value {
        let arguments = ["points", "--store", "hospital.sqlite", "--json", "-"];
        let (code, said, error) = desk.run(&[&arguments[..], kinds].concat());
        assert_eq!(code, 0, "{error}");
        serde_json::from_str(&said).unwrap()
    };
    let (all, some) = (told(&[]), told(&["--kind", "vpn_gateway"]));
    for key in ["reconciliation", "checklists", "guideline", "plan"] {
        assert_eq!(all[key], some[key], "{key}");
    }
    assert_ne!(
        all["reconciliation"]["lines"][0]["outcome"], "not_seen",
        "{:#}",
        all["reconciliation"]
    );
    let listed = some["points"].as_array().unwrap();
    assert!(!listed.is_empty() && listed.len() < all["points"].as_array().unwrap().len());
    assert!(listed.iter().all(|point| point["kind"] == "vpn_gateway"));
}

#[test]
fn a_line_that_is_gone_is_told_as_closed_until_it_is_seen_again() {
    let desk = Desk::of_the_clinic();
    desk.write("gone.toml", "[[line]]\npoint = \"p90de11f0\"\nstatus = \"撤去\"\n");
    let said = desk.import(&["gone.toml"]);
    assert!(said.contains("p90de11f0") && said.contains("廃止・撤去されたとの申告"), "{said}");
    let standing = |desk: &Desk| {
        let memory = desk.store().memory(Some(FACILITY)).unwrap();
        let review = memory.points["p90de11f0"].standing(None).cloned();
        review.map(|review| (review.state.name(), review.reviewer, review.reason))
    };
    let closed = ("closed", "佐藤".to_owned(), "撤去 (gone.toml!1)".to_owned());
    assert_eq!(standing(&desk), Some(closed));
    // A run after that sees it.
    let days = 365 * 200;
    desk.store().absorb(&later(days, clinic().points)).unwrap();
    assert_eq!(standing(&desk), None);
    desk.write("same.toml", "[[line]]\npoint = \"p90de11f0\"\nstatus = \"撤去\"\n");
    let said = desk.import(&["same.toml"]);
    assert!(said.contains("その後の調査"), "{said}");
}

#[test]
fn a_trial_writes_nothing_and_says_the_same() {
    let desk = Desk::of_the_clinic();
    desk.write("lines.toml", "[[line]]\npoint = \"p1a2b3c4d\"\nremote_maintenance = false\n");
    let before = fs::read(desk.path("hospital.sqlite")).unwrap();
    let trial = ["import", "declared", "lines.toml", "--store", "hospital.sqlite", "--by", "佐藤"];
    let (code, said, _) = desk.run(&[&trial[..], &["--lang", "ja", "--dry-run"]].concat());
    assert_eq!(code, 0);
    assert!(said.contains("食い違い") && said.contains("まだ何も書き込んでいません"), "{said}");
    assert_eq!(fs::read(desk.path("hospital.sqlite")).unwrap(), before);
    let elsewhere = ["import", "declared", "lines.toml", "--store", "new.sqlite", "--by", "佐藤"];
    let (code, ..) = desk.run(&[&elsewhere[..], &["--dry-run"]].concat());
    assert_eq!(code, 3, "the point is not in a store that is not there");
    assert!(!desk.path("new.sqlite").exists());
}

#[test]
fn what_cannot_be_read_or_written_is_named() {
    let desk = Desk::of_the_clinic();
    let refused = |arguments: &[&str]| {
        let (code, said, error) = desk.run(&[&["import", "declared"], arguments].concat());
        assert_eq!((code, said.as_str()), (3, ""), "{error}");
        error
    };
    let store = ["--store", "hospital.sqlite", "--by", "佐藤"];
    let error = refused(&[&["missing.toml"][..], &store].concat());
    assert!(error.contains("missing.toml: cannot be read"), "{error}");
    desk.write("lines.toml", "[[line]]\nname = \"x\"\n");
    let error = refused(&["lines.toml", "--store", "no/such/folder.sqlite", "--by", "佐藤"]);
    assert!(error.contains("no/such/folder.sqlite"), "{error}");
    let error = refused(&["lines.toml", "--store", "lines.toml", "--by", "佐藤"]);
    assert!(error.contains("not a store of ours"), "{error}");
    let error = refused(&["lines.toml", "--store", "hospital.sqlite"]);
    assert!(error.contains("--by"), "{error}");
    desk.write("other.toml", "facility = \"他の病院\"\n[[line]]\nname = \"x\"\n");
    let error = refused(&[&["other.toml"][..], &store].concat());
    assert!(error.contains("他の病院, which the inventory does not know"), "{error}");
    for (arguments, says) in [
        (&["--forms", "--format", "html"][..], "forms are written as xlsx, toml and csv"),
        (&["--format", "toml"], "only forms are; add `--forms`"),
    ] {
        let begin = ["report", "out", "--store", "hospital.sqlite"];
        let (code, _, error) = desk.run(&[&begin[..], arguments].concat());
        assert!(code == 3 && error.contains(says), "{error}");
    }
}

#[test]
fn a_facility_of_which_only_forms_tell_has_points_and_forms() {
    let desk = Desk::new();
    desk.write(
        "lines.toml",
        "facility = \"関所診療所\"\n[[line]]\nname = \"電話\"\nline = \"ISDN\"\n",
    );
    desk.import(&["lines.toml"]);
    assert_eq!(desk.points().len(), 1);
    let of_it = ["--store", "hospital.sqlite", "--facility", "関所診療所"];
    let (code, said, _) = desk.run(&[&["points"][..], &of_it].concat());
    assert!(code == 0 && said.contains("telephone"), "{said}");
    let (code, said, error) = desk.run(&[&["report", "forms", "--forms"][..], &of_it].concat());
    assert_eq!((code, said.lines().count()), (0, 2), "{error}");
}

#[test]
fn forms_are_the_same_every_time_and_no_name_harms_anybody() {
    static NOTHING: LazyLock<Memory> = LazyLock::new(Memory::default);
    let mut run = clinic();
    let hostile = [
        "=cmd|' /C calc'!A0",
        "../../<script>alert(1)</script>",
        "\u{1b}[31m\u{202e}\n[[line]]",
        "@SUM(A1)",
    ];
    for (number, name) in (0_u8..).zip(hostile) {
        let mut point = clinic().points[1].clone();
        point.id = format!("p0000000{number}");
        point.names = [name.to_owned()].into();
        point.product = Some(Product {
            vendor: name.into(),
            name: "x".repeat(1 << 20),
            model: None,
            version: None,
        });
        run.points.push(point);
    }
    run.facility = Some("=1+1 <b>\u{202e}&".into());
    let meaning = Meaning::default();
    for words in Language::ALL.map(Words::of) {
        let report = Report {
            run: &run,
            changes: None,
            asked: None,
            meaning: &meaning,
            memory: &NOTHING,
            words,
        };
        let files = write_forms(&report, &FormFormat::ALL).unwrap();
        assert_eq!(files, write_forms(&report, &FormFormat::ALL).unwrap());
        let names: BTreeSet<&String> = files.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), files.len());
        for (name, bytes) in &files {
            assert!(
                !name.contains(['/', '\\', '<', '=', '\u{1b}']) && !name.contains(".."),
                "{name}"
            );
            assert!(bytes.len() < 200_000, "{name}");
            let ending = name.rsplit_once('.').map(|(_, ending)| ending);
            if ending == Some("csv") {
                let text = String::from_utf8(bytes.clone()).unwrap();
                assert!(!text.contains(['\u{1b}', '\u{202e}']), "{name}");
                let text = text.trim_start_matches('\u{feff}').as_bytes();
                let mut reader =
                    csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
                for record in reader.records() {
                    for cell in &record.unwrap() {
                        assert!(!cell.starts_with(['=', '+', '-', '@']), "{name}: {cell}");
                    }
                }
            } else if ending == Some("toml") {
                let text = std::str::from_utf8(bytes).unwrap();
                assert!(!text.contains(['\u{1b}', '\u{202e}']), "{name}");
                let lines =
                    toml::from_str::<toml::Table>(text).unwrap()["line"].as_array().unwrap().len();
                assert!(lines <= 5, "{name}: {lines}");
            }
            let form = sekisho::import::declared::read(name, bytes).unwrap();
            assert_eq!(form.lines, [], "{name}");
        }
    }
}
