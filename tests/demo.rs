//! The demo: an invented hospital from the first question to the report, on any machine.
//! `BLESS=1 cargo test --test demo` writes its golden reports anew.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{collections::BTreeSet, fs, path::Path};

use assert_cmd::{Command, assert::Assert};
use serde_json::Value;

fn demo(folder: &Path, arguments: &[&str]) -> Assert {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    for name in ["SEKISHO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"] {
        command.env_remove(name);
    }
    // Which is not where an invented hospital belongs.
    command.env("SEKISHO_STORE", folder.join("real.sqlite"));
    command.env("SEKISHO_DATA", folder.join("real-data"));
    command.current_dir(folder).arg("demo").args(arguments).assert()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_demo_finds_the_points_of_the_hospital_the_hidden_ones_too_and_says_where_the_report_is() {
    let desk = tempfile::tempdir().unwrap();
    let run = demo(desk.path(), &["--store", "demo.sqlite", "--record", "demo.pcapng"]).code(0);
    let (out, words) = (text(&run.get_output().stdout), text(&run.get_output().stderr));
    assert!(words.ends_with("open sekisho-demo/report.en.html\n"), "{words}");
    let written: BTreeSet<String> = fs::read_dir(desk.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(written, ["demo.pcapng", "demo.sqlite", "sekisho-demo"].map(str::to_owned).into());

    let report = desk.path().join("sekisho-demo");
    for name in ["report.en.html", "report.ja.html", "report.en.txt", "report.ja.txt"] {
        assert!(fs::metadata(report.join(name)).unwrap().len() > 1000, "{name}");
    }
    assert!(text(&fs::read(report.join("report.ja.html")).unwrap()).contains("関所記念病院"));
    let points: Value =
        serde_json::from_slice(&fs::read(report.join("points.json")).unwrap()).unwrap();
    let points = points["points"].as_array().unwrap();
    assert_eq!(points.len(), 32);
    let expect = fs::read_to_string("fixtures/networks/hospital.expect.toml").unwrap();
    let expect: toml::Table = expect.parse().unwrap();
    for wanted in expect["point"].as_array().unwrap() {
        let address = wanted["address"].as_str().unwrap();
        let is = |point: &&Value| {
            let at = point["addresses"].as_array().unwrap();
            at.iter().any(|at| at == address) && point["kind"] == wanted["kind"].as_str().unwrap()
        };
        let point = points.iter().find(is).unwrap_or_else(|| panic!("no point for {wanted}"));
        if let Some(product) = wanted.get("product") {
            assert_eq!(point["product"]["name"], product.as_str().unwrap(), "{address}");
        }
        assert!(out.contains(address), "{address} is not in the table:\n{out}");
    }

    // What the ministry and the director see.
    for language in ["ja", "en"] {
        for name in
            ["report.LANG.html", "report.LANG.txt", "diagram.LANG.svg", "diagram.LANG.drawio"]
        {
            let name = name.replace("LANG", language);
            let written = fs::read_to_string(report.join(&name)).unwrap();
            let golden = Path::new("fixtures/reports/demo").join(&name);
            if std::env::var_os("BLESS").is_some() {
                fs::create_dir_all("fixtures/reports/demo").unwrap();
                fs::write(&golden, &written).unwrap();
            }
            let golden = fs::read_to_string(&golden).unwrap_or_default();
            assert!(golden == written, "{name} is different; look at it, then BLESS=1");
        }
    }

    // The report of a demo may be written again; anything else may not.
    fs::write(report.join("notes.txt"), "mine").unwrap();
    let refused = demo(desk.path(), &[]).code(3);
    let words = text(&refused.get_output().stderr);
    assert!(words.contains("notes.txt") && words.contains("--report"), "{words}");
}
