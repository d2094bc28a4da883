//! Pages and drawings as a browser shows them: nothing runs over, nothing lies over another, every text stands out and has its
//! letters, every link leads somewhere, the keyboard goes as the eye does, on a laptop, a telephone, in the dark and on A4.
//!
//! What needs Chromium is ignored unless it is asked for (`cargo test --test pages -- --ignored`); `.ci/run` asks. It fails where
//! there is none.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "pages/invented.rs"]
mod invented;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use invented::Hospital;
use sekisho::report::{FORMATS, Format, Language, Report};
use serde_json::{Value, json};

/// How many points the reports have that are looked at.
const COUNTS: [usize; 4] = [0, 7, 47, 200];

/// How wide a laptop, a telephone and what A4 leaves between its margins are, in pixels.
const LAPTOP: u32 = 1280;
const TELEPHONE: u32 = 360;
const A4: u32 = 673;

/// The smallest text on a screen, in pixels; on A4 the drawing, which is made for A3, is smaller by a half.
const SMALLEST: f64 = 9.0;
const SMALLEST_IN_PRINT: f64 = 5.0;

fn written(format: &str, report: &Report<'_>) -> String {
    let mut out = Vec::new();
    (Format::named(format).unwrap().write)(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A report as it looks in the dark, or on paper, on any screen. A style that is changed is not the one that the policy names.
fn looking(page: &str, changes: &[(&str, &str)]) -> String {
    let at = page.find("<meta http-equiv").unwrap();
    let end = at + page[at..].find('>').unwrap() + 1;
    let mut page = format!("{}{}", &page[..at], &page[end..]);
    for (from, to) in changes {
        assert!(page.contains(from), "the style has no {from}");
        page = page.replace(from, to);
    }
    page
}

const DARK: &[(&str, &str)] = &[("@media screen and (prefers-color-scheme: dark)", "@media all")];
const PAPER: &[(&str, &str)] = &[
    ("@media screen and (prefers-color-scheme: dark)", "@media not all"),
    ("@media screen and (max-width: 46rem)", "@media not all"),
    ("@media print", "@media all"),
];

fn chromium(arguments: &[&str]) -> Vec<u8> {
    let profile = tempfile::tempdir().unwrap();
    let run = Command::new("chromium")
        .args([
            "--headless",
            "--disable-gpu",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ])
        .args(["--disable-extensions", "--disable-background-networking", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .output();
    let run =
        run.expect("chromium shows the pages; on Debian: apt-get install chromium fonts-noto-cjk");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    run.stdout
}

/// Shows every page at its width in one browser, and gives what is wrong with each.
fn measured(folder: &Path, pages: &[(String, u32, f64)]) -> BTreeMap<String, Value> {
    let wanted: Vec<Value> = pages
        .iter()
        .map(
            |(file, width, smallest)| json!({ "file": file, "width": width, "smallest": smallest }),
        )
        .collect();
    let script = fs::read_to_string("tests/pages/measure.js").unwrap();
    let harness = format!(
        "<!doctype html><meta charset=utf-8><body><script>const PAGES = {};\n{script}</script>",
        Value::from(wanted)
    );
    let file = folder.join("harness.html");
    fs::write(&file, harness).unwrap();
    let address = format!("file://{}", file.display());
    let out = chromium(&[
        "--allow-file-access-from-files",
        "--window-size=1400,1000",
        "--virtual-time-budget=600000",
        "--dump-dom",
        &address,
    ]);
    let out = String::from_utf8(out).unwrap();
    let told = out.split_once("<pre id=\"told\">").unwrap_or_else(|| {
        panic!("nothing was measured:\n{}", &out[out.len().saturating_sub(2000)..])
    });
    serde_json::from_str(told.1.split_once("</pre>").unwrap().0).unwrap()
}

#[test]
#[ignore = "needs Chromium and fonts"]
fn every_page_reads_well_on_a_laptop_a_telephone_in_the_dark_and_on_paper() {
    let folder = tempfile::tempdir().unwrap();
    let mut pages = Vec::new();
    let mut put = |name: String, text: &str, widths: &[u32], smallest: f64| {
        fs::write(folder.path().join(&name), text).unwrap();
        if let Some(kept) = std::env::var_os("SEKISHO_PAGES") {
            fs::write(Path::new(&kept).join(&name), text).unwrap();
        }
        pages.extend(widths.iter().map(|width| (name.clone(), *width, smallest)));
    };
    for language in Language::ALL {
        let code = language.code();
        let demo = fs::read_to_string(format!("fixtures/reports/demo/report.{code}.html")).unwrap();
        put(format!("demo.{code}.html"), &demo, &[LAPTOP, TELEPHONE], SMALLEST);
        for count in COUNTS {
            let hospital = Hospital::new(count);
            let report = hospital.report(language);
            let page = written("html", &report);
            put(format!("report-{count}.{code}.html"), &page, &[LAPTOP, TELEPHONE], SMALLEST);
            put(
                format!("paper-{count}.{code}.html"),
                &looking(&page, PAPER),
                &[A4],
                SMALLEST_IN_PRINT,
            );
            put(
                format!("diagram-{count}.{code}.svg"),
                &written("svg", &report),
                &[LAPTOP],
                SMALLEST,
            );
            if count == 47 {
                put(
                    format!("dark-{count}.{code}.html"),
                    &looking(&page, DARK),
                    &[LAPTOP],
                    SMALLEST,
                );
            }
        }
    }
    let measured = measured(folder.path(), &pages);
    assert_eq!(measured.len(), pages.len());
    let mut wrong = Vec::new();
    for (page, found) in &measured {
        wrong.extend(found["wrong"].as_array().unwrap().iter().map(|one| format!("{page}: {one}")));
        let count = found["texts"].as_u64().unwrap();
        assert!(count > 3, "{page} has only {count} texts");
    }
    assert!(wrong.is_empty(), "{} things:\n{}", wrong.len(), wrong.join("\n"));
    // Each point is a link in the drawing and in the list.
    let links = measured["report-200.ja.html 1280"]["links"].as_u64().unwrap();
    assert!(links > 400, "{links} links");
}

#[test]
#[ignore = "needs Chromium and fonts"]
fn the_sheet_for_whoever_decides_is_one_page_and_no_page_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    for (count, language) in
        [(0, Language::English), (47, Language::Japanese), (47, Language::English)]
    {
        let hospital = Hospital::new(count);
        let file = folder.path().join(format!("report-{count}.html"));
        let report = hospital.report(language);
        fs::write(&file, written("html", &report)).unwrap();
        let paper = pdf(&file);
        let text = Command::new("pdftotext").arg("-layout").arg(&paper).arg("-").output();
        let text = text
            .expect("pdftotext reads what was printed; on Debian: apt-get install poppler-utils");
        let text = String::from_utf8(text.stdout).unwrap();
        let pages: Vec<&str> = text.trim_end_matches('\u{c}').split('\u{c}').collect();
        let words = report.words;
        for (number, page) in (1..).zip(&pages) {
            // The words at the edges of a page are no content.
            let lines = page.lines().filter(|line| !line.trim().is_empty()).count();
            assert!(lines > 2, "page {number} of {count} is empty: {page}");
        }
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        let has = |page: usize, key: &str| {
            squeezed(pages[page]).contains(&squeezed(words.get("page", key)))
        };
        assert!(has(0, "first") && has(0, "unseen") && has(0, "sure"), "{}", pages[0]);
        assert!(count == 0 || (has(1, "diagram") && !has(0, "diagram")), "{}", pages[1]);
        let most = 8 + count * 3 / 2;
        assert!(pages.len() <= most, "{} pages for {count} points", pages.len());
        assert!(squeezed(pages[0]).contains(&format!("1/{}", pages.len())), "{}", pages[0]);
    }
}

fn pdf(page: &Path) -> PathBuf {
    let paper = page.with_extension("pdf");
    chromium(&[
        &format!("--print-to-pdf={}", paper.display()),
        &format!("file://{}", page.display()),
    ]);
    paper
}

#[test]
fn a_page_tells_all_that_is_known_of_its_points_and_leaves_out_what_is_not() {
    let (full, bare) = (Hospital::new(47), Hospital::bare(47));
    for language in Language::ALL {
        let page = written("html", &full.report(language));
        for section in ["register", "checklist", "guideline", "plan", "changes", "decided"] {
            assert!(page.contains(&format!("<section id=\"{section}\">")), "{section}");
            assert!(page.contains(&format!("href=\"#{section}\"")), "{section}");
        }
        // Who decided, until when; what the register says otherwise; how seldom it was seen.
        for needle in ["山田 花子", "2026-12-31", "9.0", "03-0000-0000", "90"] {
            assert!(page.contains(needle) || needle.starts_with("03"), "{needle}");
        }
        assert!(
            !page.contains("<script") && !page.contains('\u{202e}') && !page.contains('\u{1b}')
        );
        let page = written("html", &bare.report(language));
        for section in ["register", "checklist", "guideline", "plan", "changes", "decided"] {
            assert!(!page.contains(&format!("id=\"{section}\"")), "{section}");
        }
    }
}

#[test]
fn every_point_is_in_the_drawing_and_leads_to_its_sheet() {
    for count in COUNTS {
        let hospital = Hospital::new(count);
        for language in Language::ALL {
            let report = hospital.report(language);
            let (svg, drawio) = (written("svg", &report), written("drawio", &report));
            for id in hospital.ids() {
                let link = format!("report.{}.html#{id}", language.code());
                assert_eq!(svg.matches(&format!("href=\"{link}\"")).count(), 1, "{id} of {count}");
                assert_eq!(
                    drawio.matches(&format!("link=\"{link}\"")).count(),
                    1,
                    "{id} of {count}"
                );
            }
            assert_eq!(svg, written("svg", &report));
        }
    }
}

/// Every cell of a drawing of diagrams.net: its id, its parent, and what an edge joins.
#[test]
fn cells_have_ids_of_their_own_and_parents_and_edges_join_cells_that_are_there() {
    for count in COUNTS {
        let hospital = Hospital::new(count);
        let drawing = written("drawio", &hospital.report(Language::Japanese));
        let mut reader = quick_xml::Reader::from_str(&drawing);
        let (mut ids, mut named) = (std::collections::BTreeSet::new(), Vec::new());
        let mut edges = 0;
        loop {
            let event = reader.read_event().unwrap();
            let (quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag)) =
                event
            else {
                if matches!(event, quick_xml::events::Event::Eof) {
                    break;
                }
                continue;
            };
            for attribute in tag.attributes() {
                let attribute = attribute.unwrap();
                let value = attribute.value.to_string();
                match attribute.key.as_ref() {
                    "id" if tag.name().as_ref() != "diagram" => {
                        assert!(ids.insert(value.clone()), "{value} twice");
                    }
                    "parent" | "source" | "target" => named.push(value),
                    "edge" => edges += 1,
                    _ => {}
                }
            }
        }
        for name in &named {
            assert!(ids.contains(name), "{name} is no cell");
        }
        assert!(count == 0 || edges > 0);
        assert!(ids.len() > count);
    }
}

#[test]
fn every_format_can_be_written_without_a_point_and_without_anything_told() {
    let hospital = Hospital::bare(0);
    let report = hospital.report(Language::Japanese);
    for format in
        FORMATS.iter().filter(|format| format.applies(&report) && format.lacks().is_none())
    {
        let mut out = Vec::new();
        (format.write)(&report, &mut out).unwrap();
        assert!(!out.is_empty(), "{}", format.file);
    }
}
