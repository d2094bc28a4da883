//! Other people's knowledge is read whole, kept apart with its licence, and speaks only when it is asked, after our own
//! signatures, and never enough to make a point.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what the fixtures hold is known; a surprise should fail the test"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use assert_cmd::{Command, assert::Assert};
use sekisho::{
    fingerprint::{
        Loaded, Matcher, Signatures, combine,
        loaded::{
            Collection, Error, File, Findings, Kind,
            keep::{self, Found},
        },
    },
    observe::Confidence,
};
use serde_json::Value;
use tempfile::TempDir;

const FOLDER: &str = "fixtures/knowledge";

fn found(name: &str) -> Found {
    keep::find(&Path::new(FOLDER).join(name)).unwrap()
}

fn proved(name: &str) -> Findings {
    let found = found(name);
    Collection::prove(&keep::usual_name(&found), found.kind, &found.files).unwrap()
}

/// What a collection says: rule, vendor and product, model and version.
fn said(collection: &Collection, field: &str, value: &str) -> Vec<String> {
    let evidence = collection.evidence(field, value);
    let told = evidence.iter().map(|one| {
        let rest = [one.model.as_deref(), one.version.as_deref()].map(|text| text.unwrap_or("-"));
        format!("{} {}|{}|{}", one.rule, one.vendor, one.product, rest.join("|"))
    });
    told.collect()
}

fn file(name: &str, text: &[u8]) -> File {
    File { name: name.to_owned(), bytes: text.to_vec() }
}

#[track_caller]
fn refused(kind: Kind, name: &str, text: &[u8], wanted: &[&str]) {
    let error = Collection::prove("x", kind, &[file(name, text)]).unwrap_err().to_string();
    for part in wanted {
        assert!(error.contains(part), "{error}");
    }
}

// Recog.

#[test]
fn recogs_examples_are_run_and_the_rules_that_miss_theirs_are_not_used() {
    let findings = proved("recog");
    let counts = findings.counts;
    assert_eq!((counts.rules, counts.usable, counts.observed, counts.silent), (10, 8, 7, 1));
    assert_eq!((counts.examples, counts.passed), (10, 9), "{findings:#?}");
    // One rule is never reached, and what a device ends its lines with is put back.
    assert_eq!((counts.first, counts.observable, counts.kept), (8, 8, 8));
    let reasons: Vec<_> = findings.reasons.keys().map(String::as_str).collect();
    assert_eq!(reasons, ["is wrong in itself", "misses its own example"]);
    let lines: Vec<_> = findings.problems.iter().map(|p| (p.file.as_str(), p.line)).collect();
    assert_eq!(lines, [("http_servers.xml", 57), ("http_servers.xml", 63)]);
    let told = said(&findings.collection, "http.header.server", "Acme-Old/7");
    assert_eq!(told, [""; 0]);
}

#[test]
fn the_first_rule_of_a_file_speaks_even_when_it_says_nothing() {
    let collection = proved("recog").collection;
    let told = |value| said(&collection, "http.header.server", value);
    assert_eq!(told("Acme-Gate/9.1 (X20)"), ["recog:http_servers.xml:11 Acme|Gate|X20|9.1"]);
    assert_eq!(told("Acme-Gate/9.1"), ["recog:http_servers.xml:11 Acme|Gate|-|9.1"]);
    assert_eq!(
        told("Acme-Web/2.0 by host-host"),
        ["recog:http_servers.xml:22 Acme|Web Server|-|2.0"]
    );
    assert_eq!(told("Acme-Web/2.0 by host-post"), [""; 0]);
    assert_eq!(told("acme post/FE \"\""), ["recog:http_servers.xml:31 Acme|Post|-|FE"]);
    assert_eq!(told("none"), [""; 0]);
    assert_eq!(said(&collection, "teapot.banner", "Acme Pot & Lid \u{2615}"), [""; 0]);
    let switch =
        said(&collection, "telnet.banner", "Welcome\u{b7}\u{b7}Acme Switch S24\u{b7}\u{b7}login:");
    assert_eq!(switch, ["recog:telnet_banners.xml:3 Acme|S24|-|-"]);
}

#[test]
fn what_looks_alike_is_alike_however_its_letters_are_put_together() {
    let collection = proved("recog").collection;
    for value in ["Caf\u{e9}/1", "Cafe\u{301}/1"] {
        let told = collection.evidence("http.header.server", value);
        assert_eq!(told[0].product, "Caf\u{e9}");
        // Its own certainty is little.
        assert_eq!((told[0].confidence, told[0].role), (Confidence::Weak, "router"));
    }
}

#[test]
fn damaged_and_hostile_xml_is_refused_with_file_and_line() {
    let refused =
        |text: &str, wanted: &[&str]| refused(Kind::Recog, "acme.xml", text.as_bytes(), wanted);
    let rule = "<fingerprints>\n<fingerprint pattern=\"^Acme\">\n<example>Acme</example>\n";
    refused(rule, &["acme.xml:4", "ends in the middle of an element"]);
    refused(
        "<fingerprints>\n<fingerprint pattern='a'></fingerprints>",
        &["acme.xml:2", "is no XML"],
    );
    refused("<teapots>\n</teapots>", &["acme.xml:1", "another element than `fingerprints`"]);
    refused(
        "<fingerprints>\n<fingerprint/></fingerprints>",
        &["acme.xml:2", "without a `pattern`"],
    );
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n<fingerprints/>";
    refused(bomb, &["acme.xml:1", "declares a document type"]);
    refused(
        "<fingerprints>\n<fingerprint pattern='&lol;'/></fingerprints>",
        &["acme.xml:2", "cannot be read"],
    );
    refused(
        "<fingerprints><fingerprint pattern='a'>\n<example>&lol;</example></fingerprint></fingerprints>",
        &["acme.xml:2", "names an entity `&lol;`"],
    );
    refused(
        &format!("<fingerprints>{}", "\n<x>".repeat(100_000)),
        &["acme.xml:9", "nests elements deeper than 8"],
    );
    let long =
        format!("<fingerprints>\n<fingerprint pattern='{}'/></fingerprints>", "a".repeat(1 << 20));
    refused(&long, &["acme.xml:2", "an attribute `pattern` longer than 65536 bytes"]);
    let long = format!(
        "<fingerprints>\n<fingerprint pattern='a'><example>{}</example></fingerprint></fingerprints>",
        "a".repeat((1 << 20) + 1)
    );
    refused(&long, &["acme.xml:2", "a text longer than 1048576 bytes"]);
    let many: Vec<String> = (0..100).map(|number| format!("a{number}=''")).collect();
    let many = format!("<fingerprints>\n<fingerprint {}/></fingerprints>", many.join(" "));
    refused(&many, &["acme.xml:2", "more than 64 attributes"]);
    refused(
        "<fingerprints><fingerprint pattern='a'>\n<param name='x' pos='one'/></fingerprint></fingerprints>",
        &["acme.xml:2", "`pos` that is no number: `one`"],
    );
    refused(
        "<fingerprints><fingerprint pattern='a'>\n<example _encoding='rot13'/></fingerprint></fingerprints>",
        &["acme.xml:2", "nobody knows: `rot13`"],
    );
    for name in ["../../secret", "/etc/hostname", "missing"] {
        let text = format!(
            "<fingerprints><fingerprint pattern='a'>\n<example _filename='{name}'/></fingerprint></fingerprints>"
        );
        refused(&text, &["acme.xml:2", "which is not there"]);
    }
    refused("<fingerprints></fingerprints>", &["acme.xml", "none of its 0 rules can be used"]);
    let text = b"<fingerprints>\n\n<fingerprint pattern='\xff'/></fingerprints>";
    self::refused(Kind::Recog, "acme.xml", text, &["acme.xml:3", "bytes that are no UTF-8"]);
}

#[test]
fn every_truncation_of_a_file_ends_in_an_error_or_in_fewer_rules() {
    let whole = fs::read(Path::new(FOLDER).join("recog/http_servers.xml")).unwrap();
    for end in (0..whole.len()).step_by(7) {
        let cut = Collection::prove("x", Kind::Recog, &[file("a.xml", &whole[..end])]);
        assert!(cut.is_err(), "{end} bytes are taken for the whole");
    }
    for (name, kind) in [("service-probes", Kind::ServiceProbes), ("vendor-ids", Kind::VendorIds)] {
        let whole = fs::read(Path::new(FOLDER).join("lists").join(name)).unwrap();
        let all = Collection::prove("x", kind, &[file(name, &whole)]).unwrap().counts.rules;
        for end in (0..whole.len()).step_by(7) {
            if let Ok(cut) = Collection::prove("x", kind, &[file(name, &whole[..end])]) {
                assert!(cut.counts.rules <= all);
            }
        }
    }
}

// The other kinds.

#[test]
fn service_probes_are_read_with_their_softmatches_and_what_cannot_be_used_is_counted() {
    let findings = proved("lists/service-probes");
    let counts = findings.counts;
    assert_eq!((counts.rules, counts.usable, counts.observed, counts.fancy), (11, 8, 6, 2));
    let reasons: Vec<_> = findings.reasons.keys().map(String::as_str).collect();
    let wanted = [
        "has branches that share their groups (?|",
        "is no match with an expression between two marks",
        "is wrong in itself",
    ];
    assert_eq!(reasons, wanted);
    let lines: Vec<usize> = findings.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [13, 14, 15]);
    let told = |field, value| said(&findings.collection, field, value);
    let rule = "service-probes:service-probes";
    assert_eq!(told("ssh.banner", "AcmeSSH_9_1"), [format!("{rule}:7 Acme|Gate sshd|-|9.1")]);
    assert_eq!(told("ssh.banner", "twin-twin_1_2"), [format!("{rule}:8 |Acme Twin|-|1.2")]);
    assert_eq!(
        told("ftp.banner", "Acme Post FTP 7"),
        [format!("{rule}:9 acme works|Post ftpd|-|7")]
    );
    assert_eq!(told("telnet.banner", "Acme login:"), [""; 0]);
    assert_eq!(told("http.header.server", "AcmeWeb/2.1"), [format!("{rule}:20 |Acme Web|-|2.1")]);
    // Whether that was the first line of the answer is not known.
    assert_eq!(told("http.header.server", "AcmeFirst"), [""; 0]);
    let soft = findings.collection.evidence("ftp.banner", "some ftp here");
    assert!(soft[0].generic && soft[0].confidence == Confidence::Weak, "{soft:?}");
    assert_eq!(soft[0].product, "ftp");
    let hard = findings.collection.evidence("ssh.banner", "AcmeSSH_9_1");
    assert_eq!((hard[0].confidence, hard[0].role), (Confidence::Firm, "firewall"));
}

#[test]
fn vendor_ids_name_products_what_is_spoken_or_nobody() {
    let findings = proved("lists/vendor-ids");
    let counts = findings.counts;
    assert_eq!((counts.rules, counts.usable, counts.silent), (7, 5, 1));
    let told = |value| said(&findings.collection, "ike.vendor_id", value);
    assert_eq!(told("0a1b2c3d4e5f607101020304"), ["vendor-ids:vendor-ids:5 |Acme Gate|-|9.1"]);
    assert_eq!(told("0a1b2c3d4e5f6071"), ["vendor-ids:vendor-ids:6 |Acme Gate|-|-"]);
    assert_eq!(told("ffeeddccbbaa0099"), [""; 0]);
    let confidence = |value| findings.collection.evidence("ike.vendor_id", value)[0].confidence;
    assert_eq!(confidence("0a1b2c3d4e5f6071"), Confidence::Firm);
    assert_eq!(confidence("aabbccddeeff0011"), Confidence::Weak);
    assert!(
        findings.collection.evidence("ike.vendor_id", "afcad71368a1f1c96b8696fc77570100")[0]
            .generic
    );
}

#[test]
fn hardware_addresses_are_the_same_in_every_spelling() {
    for list in ["oui.csv", "oui.txt", "manuf", "prefixes"] {
        let findings = proved(&format!("lists/{list}"));
        let vendor = |value| {
            let found = findings.collection.evidence("mac.oui", value);
            found.first().map(|one| (one.vendor.clone().into_owned(), one.specificity))
        };
        let (works, post, gate) = ("Acme Works, \"Kyoto\"", "Acme Post", "Acme Gate");
        assert_eq!(vendor("00:00:5e:00:53:01"), Some((works.to_owned(), 6)), "{list}");
        assert_eq!(vendor("00-5E-00-1F-00-00"), Some((post.to_owned(), 7)), "{list}");
        assert_eq!(vendor("005e00253abc"), Some((gate.to_owned(), 9)), "{list}");
        assert_eq!(vendor("00:5e:00:90:00:00"), None, "{list}");
        assert_eq!(vendor("02:00:5e:00:00:00"), None, "{list}");
        let evidence = findings.collection.evidence("mac.oui", "00:00:5e:00:53:01");
        assert_eq!(evidence[0].confidence, Confidence::Weak);
        assert_eq!(findings.collection.evidence("http.title", "00:00:5e:00:53:01"), []);
    }
}

#[test]
fn hostile_lists_end_in_an_error() {
    let many = "00005E Acme\n".repeat((1 << 18) + 1);
    refused(Kind::Hardware, "prefixes", many.as_bytes(), &["prefixes: has more than 262144 rules"]);
    let many = "Acme\t^0a1b2c3d4e5f6071\n".repeat((1 << 15) + 1);
    refused(Kind::VendorIds, "ids", many.as_bytes(), &["ids: has more than 32768 rules"]);
    let long = format!("Probe TCP NULL q||\nmatch ssh m|{}| p/x/\n", "a".repeat(70_000));
    refused(
        Kind::ServiceProbes,
        "probes",
        long.as_bytes(),
        &["probes:2: is longer than 65536 bytes"],
    );
    refused(Kind::VendorIds, "ids", b"\xff", &["ids:1: has bytes that are no UTF-8"]);
    refused(
        Kind::Hardware,
        "table",
        b"Registry,Assignment,Organization Name\n\"MA-L,00005E,Acme",
        &["table: none of its 1 rules"],
    );
}

#[test]
fn what_is_nothing_that_can_be_loaded_is_told_what_can_be() {
    for bytes in [
        &b""[..],
        b"hello\n",
        b"\0\x01\x02",
        b"<html></html>",
        b"a,b,c\n1,2,3\n",
        b"name = \"toml\"\n",
    ] {
        assert_eq!(Kind::of(bytes), None, "{bytes:?}");
    }
    let desk = Desk::new();
    fs::write(desk.path("page.html"), "<html>\n<body>").unwrap();
    fs::create_dir(desk.path("empty")).unwrap();
    let failed = |path: &str| stderr(&desk.run(&["signatures", "load", path]).code(3));
    assert!(failed("page.html").contains("page.html: is none of a folder of recog XML"));
    assert!(failed("empty").contains("empty: has no recog XML in it"));
    assert!(failed("nowhere").contains("nowhere: cannot be read"));
    assert!(failed("/dev/null").contains("it is no file"));
    let large = fs::File::create(desk.path("large.xml")).unwrap();
    large.set_len((64 << 20) + 1).unwrap();
    assert!(failed("large.xml").contains("large.xml: is larger than 67108864 bytes"));
}

// Keeping.

/// A folder to work in, with a data folder in it.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        for name in
            ["SEKISHO_STORE", "SEKISHO_LANG", "LC_ALL", "LC_MESSAGES", "LANG", "XDG_DATA_HOME"]
        {
            command.env_remove(name);
        }
        command.env("SEKISHO_DATA", self.path("data")).current_dir(self.0.path()).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Assert {
        self.command(arguments).assert()
    }

    /// The names of what is kept, with what lies beside.
    fn kept(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("data/knowledge")) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn fixture(name: &str) -> String {
    fs::canonicalize(name).unwrap().to_string_lossy().into_owned()
}

fn knowledge(name: &str) -> String {
    fixture(&format!("{FOLDER}/{name}"))
}

fn stdout(done: &Assert) -> String {
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

fn stderr(done: &Assert) -> String {
    String::from_utf8(done.get_output().stderr.clone()).unwrap()
}

#[test]
fn what_is_loaded_is_kept_listed_asked_and_taken_away() {
    let desk = Desk::new();
    let [recog, probes, csv] = ["recog", "lists/service-probes", "lists/oui.csv"].map(knowledge);
    let done = desk.run(&["signatures", "load", &recog, &probes, &csv, "--list"]).code(0);
    let told = stdout(&done);
    for line in [
        "recog (recog), from ",
        "  licence   CC0-1.0",
        "10 read, 8 usable",
        "  examples  9 of 10 pass (90.00 %)",
        "  not used  1: misses its own example",
        "http_servers.xml:57: misses its own example: `service.version` is `7`: Acme-Old/7",
        "service-probes:13: has branches that share their groups (?|: ^SSH-(?|a|b)",
        "  licence   none stated by the registry",
    ] {
        assert!(told.contains(line), "{line} is not in\n{told}");
    }
    assert_eq!(desk.kept(), ["oui", "recog", "service-probes"]);
    let listed = stdout(&desk.run(&["signatures", "loaded"]).code(0));
    assert!(listed.contains("oui (hardware)") && listed.contains("files     4 ("), "{listed}");

    let facts = r#"{"field": "http.header.server", "value": "Acme-Gate/9.1 (X20)", "id": 1}"#;
    let asked = |arguments: &[&str]| -> Value {
        let done = desk.command(arguments).write_stdin(facts).assert().code(0);
        serde_json::from_str(&stdout(&done)).unwrap()
    };
    assert_eq!(asked(&["identify"])["matches"], serde_json::json!([]));
    let own = r#"{"field": "ssh.banner", "value": "dropbear_2022.83"}"#;
    let own = stdout(&desk.command(&["identify", "--loaded"]).write_stdin(own).assert().code(0));
    assert!(own.contains("\"collection\":null"), "{own}");
    let told = &asked(&["identify", "--loaded"])["matches"][0];
    assert_eq!(
        (&told["collection"], &told["vendor"], &told["model"]),
        (&"recog".into(), &"Acme".into(), &"X20".into())
    );
    let matched = ["signatures", "match", "mac.oui", "00:00:5e:00:53:01", "--loaded"];
    let matched = stdout(&desk.run(&matched).code(0));
    assert!(
        matched.contains("matches  oui:oui.csv:2: Acme Works, \"Kyoto\" network interface"),
        "{matched}"
    );

    desk.run(&["signatures", "unload", "recog"]).code(0);
    assert_eq!(desk.kept(), ["oui", "service-probes"]);
    assert_eq!(asked(&["identify", "--loaded"])["matches"], serde_json::json!([]));
    let again = stderr(&desk.run(&["signatures", "unload", "recog"]).code(3));
    assert!(again.contains("has no collection `recog`"), "{again}");
    for name in ["..", "Recog", "a/b", ""] {
        let error = stderr(&desk.run(&["signatures", "unload", name]).code(3));
        assert!(error.contains("cannot be a name"), "{error}");
    }
}

#[test]
fn everything_that_is_named_is_kept_or_nothing() {
    let desk = Desk::new();
    let recog = knowledge("recog");
    fs::write(desk.path("broken.xml"), "<fingerprints>\n<fingerprint pattern='a'>").unwrap();
    let error = stderr(
        &desk.run(&["signatures", "load", &recog, "broken.xml", "--licence", "mine"]).code(3),
    );
    assert!(error.contains("broken.xml:2: ends in the middle"), "{error}");
    assert_eq!(desk.kept(), [""; 0]);
    desk.run(&["signatures", "load", &recog, "--check"]).code(0);
    assert_eq!(desk.kept(), [""; 0]);
    let error = stderr(&desk.run(&["signatures", "load", &recog, &recog]).code(3));
    assert!(error.contains("would both be `recog`"), "{error}");

    // What was there before stays when its successor is damaged, and gives way when it is whole.
    desk.run(&["signatures", "load", &recog]).code(0);
    desk.run(&["signatures", "load", "broken.xml", "--name", "recog", "--licence", "mine"]).code(3);
    assert!(desk.path("data/knowledge/recog/files/telnet_banners/switch").is_file());
    let probes = knowledge("lists/service-probes");
    desk.run(&["signatures", "load", &probes, "--name", "recog"]).code(0);
    let listed = stdout(&desk.run(&["signatures", "loaded"]).code(0));
    assert!(listed.starts_with("recog (service-probes)"), "{listed}");
    assert_eq!(desk.kept(), ["recog"]);

    fs::write(desk.path("taken"), "").unwrap();
    let error = desk.run(&["signatures", "load", &recog, "--data", "taken"]).code(3);
    assert!(stderr(&error).contains("cannot be written"), "{}", stderr(&error));
}

#[test]
fn without_a_licence_nothing_is_kept() {
    let desk = Desk::new();
    let prefixes = knowledge("lists/prefixes");
    let error = stderr(&desk.run(&["signatures", "load", &prefixes]).code(3));
    assert!(error.contains("states no licence") && error.contains("--licence TEXT"), "{error}");
    assert_eq!(desk.kept(), [""; 0]);
    let checked = stdout(&desk.run(&["signatures", "load", &prefixes, "--check"]).code(0));
    assert!(checked.contains("none stated that is known"), "{checked}");
    desk.run(&["signatures", "load", &prefixes, "--licence", "as its maker says"]).code(0);
    let listed = stdout(&desk.run(&["signatures", "loaded"]).code(0));
    assert!(listed.contains("licence   as its maker says"), "{listed}");
}

#[test]
fn licences_are_known_by_their_words() {
    let desk = Desk::new();
    for (text, wanted) in [
        (
            "# distributed under the Nmap\n# Public Source license",
            Some("Nmap Public Source License"),
        ),
        (
            "# GNU General Public License as published,\n# either version 3 of it",
            Some("GPL-3.0-or-later"),
        ),
        ("# SPDX-License-Identifier: GPL-2.0-or-later", Some("GPL-2.0-or-later")),
        ("# all rights reserved", None),
    ] {
        fs::write(desk.path("manuf"), format!("{text}\n00005E Acme\n")).unwrap();
        // The first is told by its exact name.
        let licence = keep::find(&desk.path("manuf")).unwrap().licence;
        assert_eq!(licence.as_deref(), wanted, "{text}");
    }
}

#[test]
fn a_copy_that_was_changed_is_not_asked() {
    let desk = Desk::new();
    desk.run(&["signatures", "load", &knowledge("lists/vendor-ids")]).code(0);
    let copy = desk.path("data/knowledge/vendor-ids/files/vendor-ids");
    let text = fs::read_to_string(&copy).unwrap();
    fs::write(&copy, text.replace("Acme", "Emca")).unwrap();
    let asked = ["signatures", "match", "ike.vendor_id", "0a1b2c3d4e5f6071", "--loaded"];
    let error = stderr(&desk.run(&asked).code(3));
    assert!(error.contains("files/vendor-ids: is not what was loaded; load it again"), "{error}");
    let page = desk.path("data/knowledge/vendor-ids/manifest.toml");
    let text = fs::read_to_string(&page).unwrap();
    fs::write(&page, text.replace("name = \"vendor-ids\"", "name = \"../../vendor-ids\"")).unwrap();
    assert!(stderr(&desk.run(&asked).code(3)).contains("written by somebody else"));
}

#[test]
fn rules_that_were_found_wrong_stay_out_when_the_copy_is_read() {
    let found = found("recog");
    let findings = Collection::prove("recog", found.kind, &found.files).unwrap();
    let ids: Vec<&str> = findings.left_out.iter().map(String::as_str).collect();
    assert_eq!(ids, ["recog:http_servers.xml:55", "recog:http_servers.xml:63"]);
    let trusted = Collection::trust("recog", found.kind, &found.files, findings.left_out).unwrap();
    assert_eq!(said(&trusted, "http.header.server", "Acme-Old/7"), [""; 0]);
    let told = said(&trusted, "http.header.server", "Acme-Gate/9.1");
    assert_eq!(told, said(&findings.collection, "http.header.server", "Acme-Gate/9.1"));
    assert_eq!(trusted.digest(), findings.collection.digest());
}

// Speaking.

/// A signature of our own for a text that the loaded rules know too.
const OWN: &str = "vendor = \"Acme\"\nproduct = \"Own\"\nrole = \"router\"\n\n[[rule]]\nid = \"acme-own.server\"\n\
    field = \"http.header.server\"\nmatches = '^Acme-Gate/'\nconfidence = \"weak\"\nsource = \"by hand\"\n\
    example = [{ value = \"Acme-Gate/9.1\" }]\nunlike = [\"Acme\"]\n";

const OWN_WORDS: &str = "vendors = [\"Acme\"]\n";

#[test]
fn a_signature_of_our_own_comes_before_other_peoples_knowledge() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("own/router")).unwrap();
    fs::write(desk.path("own/vocabulary.toml"), OWN_WORDS).unwrap();
    fs::write(desk.path("own/router/acme-own.toml"), OWN).unwrap();
    let own = Signatures::load(&desk.path("own")).unwrap();
    let loaded = Loaded::new(vec![proved("recog").collection]);
    let matcher = Matcher::new(&own).with(&loaded);
    let ranked = combine(&matcher.evidence("http.header.server", "Acme-Gate/9.1"));
    let order: Vec<_> = ranked.iter().map(|one| (&*one.product, one.collection)).collect();
    assert_eq!(order, [("Own", None), ("Gate", Some("recog"))]);
    assert!(ranked[1].confidence > ranked[0].confidence, "{ranked:?}");
}

/// The points of a capture, each as its kind, confidence and product.
fn points(desk: &Desk, capture: &str, more: &[&str]) -> Vec<Value> {
    let capture = fixture(&format!("fixtures/captures/{capture}/capture.pcap"));
    let arguments = [&["replay", &*capture, "--exit-zero", "--json", "-"], more].concat();
    let told: Value = serde_json::from_str(&stdout(&desk.run(&arguments).code(0))).unwrap();
    let keys = ["kind", "confidence", "grade", "product"];
    let points = told["points"].as_array().unwrap().iter();
    points.map(|point| keys.iter().map(|key| point[*key].clone()).collect()).collect()
}

#[test]
fn what_is_loaded_makes_no_point() {
    let desk = Desk::new();
    let rule = "<fingerprints matches='ssh.banner'><fingerprint pattern='^dropbear_(.*)$'>\
        <example>dropbear_1</example><param pos='0' name='hw.vendor' value='Acme'/>\
        <param pos='0' name='hw.product' value='Gate'/><param pos='0' name='hw.device' value='VPN'/>\
        </fingerprint></fingerprints>";
    fs::write(desk.path("ssh.xml"), rule).unwrap();
    desk.run(&["signatures", "load", "ssh.xml", "--licence", "mine"]).code(0);
    let matched = ["signatures", "match", "ssh.banner", "dropbear_2022.83", "--loaded"];
    assert!(stdout(&desk.run(&matched).code(0)).contains("ssh:ssh.xml:1: Acme Gate"));
    assert_eq!(points(&desk, "ssh_dropbear", &["--loaded"]), points(&desk, "ssh_dropbear", &[]));
    assert_eq!(points(&desk, "ssh_dropbear", &["--loaded"]), [Value::Null; 0]);
}

#[test]
fn what_is_loaded_may_name_the_product_of_a_point_that_protocols_proved() {
    let desk = Desk::new();
    fs::create_dir(desk.path("none")).unwrap();
    // What many say (RFC 3706), here as if one product said it.
    fs::write(desk.path("ids"), "Acme Gate 9.1\t^afcad71368a1f1c96b8696fc77570100\n").unwrap();
    desk.run(&["signatures", "load", "ids", "--licence", "mine"]).code(0);
    let without = points(&desk, "ikev1_strongswan_main", &["--signatures", "none"]);
    let with = points(&desk, "ikev1_strongswan_main", &["--signatures", "none", "--loaded"]);
    let named =
        serde_json::json!({ "vendor": "", "name": "Acme Gate", "model": null, "version": "9.1" });
    let gateway =
        |points: &[Value]| points.iter().find(|point| point[0] == "vpn_gateway").unwrap().clone();
    assert_eq!(gateway(&without)[3], Value::Null);
    assert_eq!(gateway(&with)[3], named);
    // Nothing else differs.
    let bare = |points: &[Value]| {
        points
            .iter()
            .map(|point| (0..3).map(|at| point[at].clone()).collect())
            .collect::<Vec<Value>>()
    };
    assert_eq!(bare(&without), bare(&with));
    let shown = stdout(
        &desk
            .run(&[
                "replay",
                &fixture("fixtures/captures/ikev1_strongswan_main/capture.pcap"),
                "--exit-zero",
                "--signatures",
                "none",
                "--loaded",
            ])
            .code(0),
    );
    assert!(shown.contains("Acme Gate 9.1"), "{shown}");
}

#[test]
fn the_same_captures_with_other_knowledge_are_another_run() {
    let desk = Desk::new();
    let capture = fixture("fixtures/captures/ssh_dropbear/capture.pcap");
    let run = |more: &[&str]| {
        let arguments = [&["replay", &*capture, "--exit-zero", "--json", "-"], more].concat();
        let told: BTreeMap<String, Value> =
            serde_json::from_str(&stdout(&desk.run(&arguments).code(0))).unwrap();
        told["run"].clone()
    };
    let nothing = run(&[]);
    assert_eq!(run(&["--loaded"]), nothing, "nothing is loaded");
    desk.run(&["signatures", "load", &knowledge("lists/vendor-ids")]).code(0);
    assert_eq!(run(&[]), nothing, "it was not asked for");
    assert_ne!(run(&["--loaded"]), nothing);
}

#[test]
fn errors_say_what_can_be_done() {
    let error = Error::Missing { path: PathBuf::from("data"), name: "x".to_owned() };
    assert!(error.to_string().contains("`sekisho signatures loaded` lists"));
    let desk = Desk::new();
    let mut homeless = desk.command(&["signatures", "loaded"]);
    let homeless = homeless.env_remove("SEKISHO_DATA").env_remove("HOME");
    let error = stderr(&homeless.assert().code(3));
    assert!(error.contains("--data DIR or SEKISHO_DATA"), "{error}");
}
