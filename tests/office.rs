//! A spreadsheet program opens the workbook and the CSV as they were meant. It must be installed (`libreoffice-calc`): where
//! it is not, these fail. `cargo test --test office -- --ignored`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod written;

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    process::Command,
};

use calamine::{Data, Reader as _, Xlsx};
use sekisho::report::Language;
use written::{bytes, clinic};

/// How a CSV is written: fields as they are shown, all quoted, UTF-8, each sheet a file.
const EVERY_SHEET: &str =
    "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false,false,false,-1";

/// How a CSV is opened: UTF-8, in Japanese, with everything taken for a number or a date that looks like one.
const OPENED: &str = "--infilter=CSV:44,34,76,1,,1041,false,true";

/// How it is written again: as it is shown.
const SHOWN: &str = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true";

/// Has the program convert a file, and gives the folder of what it made.
fn convert(desk: &Path, file: &Path, how: &[&str]) -> PathBuf {
    let made = desk.join("made");
    let profile = desk.join("profile");
    let done = Command::new("soffice")
        .arg(format!("-env:UserInstallation=file://{}", profile.display()))
        .args(["--headless", "--norestore"])
        .args(how)
        .arg("--outdir")
        .arg(&made)
        .arg(file)
        .output()
        .expect("LibreOffice is not here; install the package libreoffice-calc");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    made
}

/// The rows of a CSV, without the mark of UTF-8.
fn rows(csv: &[u8]) -> Vec<Vec<String>> {
    let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// A row without empty cells at its end: what is outside the table is written too.
fn trimmed(row: &[String]) -> &[String] {
    let end = row.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
    &row[..end]
}

/// The sheets of a workbook: each with its name and its rows, what it holds as text.
fn sheets(workbook: Vec<u8>) -> Vec<(String, Vec<Vec<String>>)> {
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(workbook)).unwrap();
    let names = workbook.sheet_names();
    names
        .into_iter()
        .map(|name| {
            let range = workbook.worksheet_range(&name).unwrap();
            let cell = |cell: &Data| match cell {
                Data::Empty => String::new(),
                Data::String(text) => text.clone(),
                other => panic!("{name}: {other:?} is no text"),
            };
            let rows = range.rows().map(|row| row.iter().map(cell).collect()).collect();
            (name.clone(), rows)
        })
        .collect()
}

#[test]
#[ignore = "needs LibreOffice"]
fn the_workbook_opens_with_every_cell_as_it_was_written() {
    let clinic = clinic();
    for language in Language::ALL {
        let desk = tempfile::tempdir().unwrap();
        let written = bytes(&clinic.report(language), "report.{lang}.xlsx");
        let file = desk.path().join("report.xlsx");
        fs::write(&file, &written).unwrap();
        let made = convert(desk.path(), &file, &["--convert-to", EVERY_SHEET]);
        for (name, sheet) in sheets(written) {
            let opened = rows(&fs::read(made.join(format!("report-{name}.csv"))).unwrap());
            assert_eq!(opened.len(), sheet.len(), "{name}");
            for (at, (opened, written)) in opened.iter().zip(&sheet).enumerate() {
                assert_eq!(trimmed(opened), trimmed(written), "{name}, row {}", at + 1);
            }
        }
    }
}

#[test]
#[ignore = "needs LibreOffice"]
fn a_csv_opens_with_every_cell_as_it_was_written() {
    let clinic = clinic();
    let desk = tempfile::tempdir().unwrap();
    for language in Language::ALL {
        for name in ["points.{lang}.csv", "register.{lang}.csv"] {
            let written = bytes(&clinic.report(language), name);
            let file = desk.path().join(name.replace("{lang}", language.code()));
            fs::write(&file, &written).unwrap();
            let made = convert(desk.path(), &file, &[OPENED, "--convert-to", SHOWN]);
            let opened = rows(&fs::read(made.join(file.file_name().unwrap())).unwrap());
            let written = rows(&written);
            assert_eq!(opened.len(), written.len(), "{name}");
            for (at, (opened, written)) in opened.iter().zip(&written).enumerate() {
                assert_eq!(trimmed(opened), trimmed(written), "{name}, row {}", at + 1);
            }
        }
    }
}
