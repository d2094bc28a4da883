//! Data flows down a list of stages, so imports may only point up it; and what else the layout promises.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read should fail the test")]

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
};

use sekisho::observe::PROTOCOLS;

/// The stages in the order of the flow, and what each may use.
const STAGES: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("wire", &[]),
    ("scope", &["time"]),
    ("observe", &["time", "wire"]),
    ("fingerprint", &["observe"]),
    ("link", &["time", "wire", "scope", "observe"]),
    ("sweep", &["time", "wire", "scope", "observe", "link"]),
    ("probe", &["time", "wire", "scope", "observe", "fingerprint", "link"]),
    ("passive", &["time", "wire", "scope", "observe"]),
    ("import", &["time", "observe"]),
    // `wire` for the names of link layers in lines of coverage.
    ("correlate", &["wire", "scope", "observe", "passive", "fingerprint", "import"]),
    ("assess", &["time", "scope", "observe", "import", "correlate"]),
    ("inventory", &["time", "observe", "import", "correlate"]),
    // `passive` for the ledger of what was sent.
    ("report", &["time", "observe", "passive", "import", "correlate", "assess", "inventory"]),
    (
        "cli",
        &[
            "time",
            "scope",
            "observe",
            "fingerprint",
            "link",
            "sweep",
            "probe",
            "passive",
            "import",
            "correlate",
            "assess",
            "inventory",
            "report",
        ],
    ),
];

/// Protocols whose name is no name of a file.
const SPELT: &[(&str, &str)] = &[("6in4", "six_in_four")];

/// Words that are a vendor's or a product's and may stand in the program: in which files, and why there.
/// Besides these the names of [`PROTOCOLS`] may: some protocols have no name but their product's.
const ALLOWED: &[(&str, &[&str], &str)] = &[
    (
        "src/correlate/",
        &[
            "anyconnect",
            "forticlient",
            "cisco_vpn",
            "teamviewer",
            "anydesk",
            "rustdesk",
            "radmin",
            "splashtop",
            "dameware",
            "screenconnect",
            "nomachine",
            "pcanywhere",
        ],
        "names of protocols, which make points whether or not the shelf has them yet",
    ),
    ("src/wire/link.rs", &["cisco_hdlc"], "a link layer, by its name among the LINKTYPE_ values"),
    ("src/wire/hsrp.rs", &["cisco"], "the text that RFC 2281 gives for no authentication"),
    (
        "src/observe/vnc.rs",
        &["apple_dh", "apple_rsa", "apple_kerberos", "apple_srp"],
        "security types of RFB, by their registered names",
    ),
    ("src/observe/http.rs", &["apple-"], "how names of page settings for a browser begin"),
    (
        "src/observe/quic.rs",
        &["google", "add_google", "google_hello"],
        "the QUIC that was there before RFC 9000 has no other name",
    ),
    ("src/wire/quic.rs", &["google", "google_hello", "parse_google"], "the same"),
    ("src/wire/quic.rs", &["hp"], "header protection, a label of RFC 9001"),
    (
        "src/probe/",
        &["openvpn_tcp", "rustdesk_tcp"],
        "names of probes, where a protocol is asked over two transports",
    ),
    ("src/report/pdf/font.rs", &["debian"], "whose packages of fonts they are, in the remedy"),
    ("src/cli/", &["dropbear_2022", "yamaha"], "what somebody may type, in an example of the help"),
];

/// The longest a file may be, in lines.
const LONGEST: usize = 900;

#[test]
fn imports_point_upstream() {
    let mut checked = 0;
    for (stage, upstream) in STAGES {
        for (file, text) in sources().into_iter().filter(|(file, _)| stage_of(file) == *stage) {
            for module in modules_named(&code(&text)) {
                let allowed = module == *stage || upstream.contains(&&*module);
                assert!(allowed, "{file} reaches into `{module}`; {stage} may use {upstream:?}");
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "only {checked} imports were found");
}

#[test]
fn every_folder_is_a_room() {
    let rooms: BTreeSet<&str> = STAGES.iter().map(|(stage, _)| *stage).collect();
    let found: BTreeSet<String> = fs::read_dir("src")
        .unwrap()
        .map(|entry| stem(&entry.unwrap().path()))
        .filter(|name| !["main", "lib"].contains(&name.as_str()))
        .collect();
    assert_eq!(found, rooms.into_iter().map(str::to_owned).collect(), "src against the flow");
    for entry in fs::read_dir("src").unwrap().map(|entry| entry.unwrap().path()) {
        assert!(
            !entry.is_dir() || entry.join("mod.rs").is_file(),
            "{} has no mod.rs",
            entry.display()
        );
    }
}

#[test]
fn a_protocol_has_one_name_on_every_shelf() {
    let names: BTreeSet<&str> = PROTOCOLS.iter().map(|protocol| protocol.name).collect();
    assert_eq!(names.len(), PROTOCOLS.len(), "two protocols have the same name");
    for name in &names {
        let file = SPELT.iter().find(|(spelt, _)| spelt == name).map_or(*name, |(_, file)| file);
        let observe = format!("src/observe/{file}.rs");
        let text = fs::read_to_string(&observe)
            .unwrap_or_else(|error| panic!("the protocol `{name}` has no {observe}: {error}"));
        assert!(
            text.contains(&format!("name: \"{name}\"")),
            "{observe} declares no protocol named `{name}`"
        );
        let own = format!("src/wire/{file}.rs");
        // Protocols of one family may share a reader: VRRP and CARP, DNS and its kin on a link.
        let shares = wire_files().into_iter().any(|wire| {
            let code = code(&text);
            code.contains(&format!(" {wire}::")) || code.contains(&format!("wire::{wire}"))
        });
        assert!(
            Path::new(&own).is_file() || shares,
            "`{name}` has no {own}, and {observe} reads with no other file of src/wire"
        );
        let replies = format!("fixtures/replies/{name}");
        assert!(Path::new(&replies).is_dir(), "`{name}` has no {replies}");
    }
    // The others hold what several protocols tell, such as `ppp`.
    for path in found_below(Path::new("src/observe"), "rs") {
        let file = stem(&path);
        let name = SPELT.iter().find(|(_, spelt)| *spelt == file).map_or(&*file, |(name, _)| name);
        let declares = fs::read_to_string(&path).unwrap().contains("pub static PROTOCOL: Protocol");
        assert_eq!(declares, names.contains(name), "{} against PROTOCOLS", path.display());
    }
    for entry in fs::read_dir("fixtures/replies").unwrap() {
        let name = stem(&entry.unwrap().path());
        assert!(names.contains(&*name), "fixtures/replies/{name} belongs to no protocol");
    }
}

#[test]
fn the_program_names_no_product() {
    let vocabulary: toml::Table =
        toml::from_str(&fs::read_to_string("signatures/vocabulary.toml").unwrap()).unwrap();
    let words_of = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let vendors: Vec<Vec<String>> = vocabulary["vendors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vendor| words_of(vendor.as_str().unwrap()))
        .collect();
    let first: HashSet<&str> = vendors.iter().map(|vendor| &*vendor[0]).collect();
    for (file, text) in sources() {
        for (number, line) in code(&text).lines().enumerate() {
            let words: Vec<String> = line
                .split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
                .filter(|word| !is_allowed(&file, &word.to_lowercase()))
                .flat_map(words_of)
                .collect();
            for at in (0..words.len()).filter(|at| first.contains(&*words[*at])) {
                let vendor = vendors.iter().find(|vendor| words[at..].starts_with(vendor));
                assert!(
                    vendor.is_none(),
                    "{file}:{}: {vendor:?} is a vendor; what is known of products belongs into \
                     signatures/",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (file, text) in sources() {
        assert!(text.starts_with("//! "), "{file} does not begin with a line on what it is for");
    }
}

#[test]
fn no_file_is_too_long_to_be_read() {
    for (file, text) in sources() {
        let lines = code(&text).lines().count();
        assert!(lines <= LONGEST, "{file} has {lines} lines before its tests; split it");
    }
}

#[test]
fn nothing_is_unsafe_but_packet_sockets_and_nothing_is_left_to_do() {
    for (file, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            for word in ["unsafe", "TODO", "FIXME", "XXX", "todo!", "unimplemented!"] {
                let found = line.split(|c: char| !c.is_alphanumeric() && c != '!' && c != '_');
                // Packet sockets have no safe interface (docs/adr/0012).
                let allowed = word == "unsafe" && file.starts_with("src/link/raw/");
                assert!(
                    allowed || !found.into_iter().any(|w| w == word),
                    "{file}:{}: {word}",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn the_living_page_knows_every_room() {
    let page = fs::read_to_string("docs/architecture.md").unwrap();
    for (stage, _) in STAGES {
        assert!(
            page.contains(&format!("`{stage}`")),
            "docs/architecture.md does not know `{stage}`"
        );
    }
}

#[test]
fn the_bounds_on_the_page_are_the_programs() {
    let page = fs::read_to_string("docs/architecture.md").unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `") && line.contains(".rs` `"))
        .map(|line| line.split('`').skip(1).step_by(2).collect())
        .collect();
    assert!(rows.len() > 20, "{rows:?}");
    for row in rows {
        let [file, name, value, ..] = row[..] else { panic!("{row:?}") };
        let text = fs::read_to_string(Path::new("src").join(file)).unwrap();
        let wanted = |line: &str| {
            line.contains(&format!("const {name}: ")) && line.ends_with(&format!(" = {value};"))
        };
        assert!(text.lines().any(wanted), "{file} does not say that {name} is {value}");
    }
}

#[test]
fn what_the_pages_link_to_is_there() {
    let mut pages = found_below(Path::new("docs"), "md");
    pages
        .extend(["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(PathBuf::from));
    for page in pages {
        let text = fs::read_to_string(&page).unwrap_or_else(|e| panic!("{}: {e}", page.display()));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let file = page.parent().unwrap().join(target);
            assert!(file.exists(), "{} links to {target}, which is not there", page.display());
        }
    }
}

/// Whether `word` may stand in `file`, though it is a vendor's or a product's.
fn is_allowed(file: &str, word: &str) -> bool {
    PROTOCOLS.iter().any(|protocol| protocol.name == word)
        || ALLOWED.iter().any(|(place, words, _)| file.starts_with(place) && words.contains(&word))
}

/// Every source file of the program, by its path with `/`.
fn sources() -> Vec<(String, String)> {
    found_below(Path::new("src"), "rs")
        .into_iter()
        .map(|path| {
            let name = path.to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// The files below `folder` whose names end in `.extension`, in order.
fn found_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(found_below(&path, extension));
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The files of `src/wire`, without their ending.
fn wire_files() -> Vec<String> {
    found_below(Path::new("src/wire"), "rs").iter().map(|path| stem(path)).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The stage that a file belongs to.
fn stage_of(file: &str) -> &str {
    file.split('/').nth(1).unwrap().trim_end_matches(".rs")
}

/// A file without its comments and without its tests, which stand last.
fn code(text: &str) -> String {
    let before_tests = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or(text);
    let lines = before_tests
        .lines()
        .map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

/// Every module that code names behind `crate::`.
fn modules_named(code: &str) -> Vec<String> {
    code.split("crate::").skip(1).flat_map(first_names).collect()
}

/// The first path segments in `a::b` or `{a::{b, c}, d}`.
fn first_names(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else {
        return vec![path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()];
    };
    let (mut depth, mut names, mut name) = (0, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(std::mem::take(&mut name)),
            _ if depth == 0 => name.push(c),
            _ => {}
        }
    }
    names.push(name);
    let first = |name: String| name.trim().split("::").next().map(str::to_owned);
    names.into_iter().filter_map(first).filter(|name| !name.is_empty()).collect()
}
