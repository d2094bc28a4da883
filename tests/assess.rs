//! What a version means: every scheme's order, every advisory, and the answers, which never read as safe for want of
//! advisories.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read should fail the test")]

use std::{cmp::Ordering, collections::BTreeSet, fs, path::Path};

use proptest::prelude::*;
use sekisho::{
    assess::{
        Advisories, Answer, Brought, Catalogue, Ends, Known, Subject, Support, SupportAnswer,
        version::{SCHEMES, Scheme, Version},
    },
    fingerprint::Signatures,
    time::Day,
};
use serde::Deserialize;

/// The cases of every scheme.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Versions {
    scheme: Vec<Case>,
}

/// The cases of one scheme.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    source: String,
    ascending: Vec<String>,
    same: Vec<Vec<String>>,
    unreadable: Vec<String>,
}

fn cases() -> Vec<Case> {
    let text = fs::read_to_string("fixtures/versions.toml").unwrap();
    toml::from_str::<Versions>(&text).unwrap().scheme
}

#[track_caller]
fn read(scheme: &Scheme, text: &str) -> Version {
    scheme.read(text).unwrap_or_else(|| panic!("{} does not read `{text}`", scheme.name))
}

#[test]
fn every_scheme_has_cases_with_their_sources() {
    let named: Vec<&str> = SCHEMES.iter().map(|scheme| scheme.name).collect();
    assert!(named.is_sorted(), "{named:?}");
    let cases = cases();
    let cased: BTreeSet<&str> = cases.iter().map(|case| &*case.name).collect();
    assert_eq!(cased, named.iter().copied().collect());
    for case in &cases {
        assert!(!case.source.is_empty() && case.ascending.len() > 8, "{}", case.name);
        assert!(!case.same.is_empty() && !case.unreadable.is_empty(), "{}", case.name);
    }
}

#[test]
fn versions_are_in_the_order_of_their_makers() {
    for case in cases() {
        let scheme = Scheme::named(&case.name).unwrap();
        let versions: Vec<Version> = case.ascending.iter().map(|text| read(scheme, text)).collect();
        for (at, a) in versions.iter().enumerate() {
            for (other, b) in versions.iter().enumerate() {
                assert_eq!(a.cmp(b), at.cmp(&other), "{}: {a} against {b}", case.name);
            }
        }
    }
}

#[test]
fn one_version_written_in_several_ways_is_one() {
    for case in cases() {
        let scheme = Scheme::named(&case.name).unwrap();
        for same in case.same {
            let first = read(scheme, &same[0]);
            for other in &same {
                assert_eq!(
                    read(scheme, other).cmp(&first),
                    Ordering::Equal,
                    "{}: {other}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn what_is_no_version_of_a_scheme_is_not_read() {
    for case in cases() {
        let scheme = Scheme::named(&case.name).unwrap();
        for text in &case.unreadable {
            assert!(scheme.read(text).is_none(), "{}: `{text}` is read", case.name);
        }
        let long = "1.".repeat(60) + "1";
        assert!(scheme.read(&long).is_none(), "{}", case.name);
    }
}

/// Texts that look like versions, of any scheme and of none.
fn like_a_version() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[0-9]{1,5}",
        prop::sample::select(vec![
            ".",
            ".",
            ".",
            "-",
            "R",
            "r",
            "-S",
            "X",
            "-D",
            "-h",
            "(",
            ")",
            "M",
            "T",
            "SE",
            "a",
            " Take ",
            " Patch ",
            "p",
            "_U",
            "rc",
            "_Beta",
            " MR",
            "sv",
            " (build 7)",
            "V",
            "Rev.",
            "NS",
            "%s",
            "版",
            "\u{0}",
            ":B2",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 1..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn reading_is_total_and_what_is_written_reads_back_the_same(text in like_a_version()) {
        for scheme in SCHEMES {
            if let Some(version) = scheme.read(&text) {
                let again = read(scheme, &version.to_string());
                prop_assert_eq!(&again, &version);
                prop_assert_eq!(again.parts(), version.parts());
            }
        }
    }

    #[test]
    fn the_order_is_one(a in like_a_version(), b in like_a_version(), c in like_a_version()) {
        for scheme in SCHEMES {
            let (Some(a), Some(b), Some(c)) = (scheme.read(&a), scheme.read(&b), scheme.read(&c)) else {
                continue;
            };
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&a), Ordering::Equal);
            if a <= b && b <= c {
                prop_assert!(a <= c, "{} {} {}", a, b, c);
            }
            prop_assert!(a <= a.last(scheme.whole));
        }
    }
}

/// The day that the cases of answers are held against.
const DAY: &str = "2026-08-07";

/// The cases of answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    case: Vec<Asked>,
}

/// A version, and some of the answers about it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    vendor: String,
    product: String,
    model: Option<String>,
    version: Option<String>,
    #[serde(default)]
    affected: Vec<String>,
    #[serde(default)]
    not_in_range: Vec<String>,
    #[serde(default)]
    version_unclear: Vec<String>,
    #[serde(default)]
    version_not_visible: Vec<String>,
    #[serde(default)]
    range_not_known: Vec<String>,
    /// A number, and a condition named with it.
    #[serde(default)]
    condition: Vec<String>,
    #[serde(default)]
    ended: bool,
    source: String,
}

impl Asked {
    fn subject(&self) -> Subject<'_> {
        Subject {
            vendor: &self.vendor,
            product: &self.product,
            model: self.model.as_deref(),
            version: self.version.as_deref(),
        }
    }
}

fn asked() -> Vec<Asked> {
    let text = fs::read_to_string("fixtures/assess.toml").unwrap();
    toml::from_str::<Answers>(&text).unwrap().case
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

#[test]
fn the_answers_are_those_of_the_cases() {
    let advisories = Advisories::built_in().unwrap();
    for case in asked() {
        let about = format!("{} {} {:?} {:?}", case.vendor, case.product, case.model, case.version);
        assert!(!case.source.is_empty(), "{about}");
        let assessment = advisories.assess(case.subject(), Some(day(DAY))).unwrap();
        let listed = [
            (Answer::Affected, &case.affected),
            (Answer::NotInRange, &case.not_in_range),
            (Answer::VersionUnclear, &case.version_unclear),
            (Answer::VersionNotVisible, &case.version_not_visible),
            (Answer::RangeNotKnown, &case.range_not_known),
        ];
        for (answer, ids) in listed {
            for id in ids {
                let found = assessment.exploited.iter().find(|one| one.id == *id);
                let found = found.unwrap_or_else(|| panic!("{about}: {id} is not known"));
                assert_eq!(found.answer, answer, "{about}: {id}");
            }
        }
        if let [id, condition] = &case.condition[..] {
            let found = assessment.exploited.iter().find(|one| one.id == *id).unwrap();
            assert!(
                found.condition.iter().any(|one| one.name() == condition),
                "{about}: {found:?}"
            );
        }
        assert_eq!(assessment.has_ended(), case.ended, "{about}: {:?}", assessment.support);
    }
}

#[test]
fn what_was_not_seen_never_reads_as_safe() {
    let advisories = Advisories::built_in().unwrap();
    for line in advisories.lines() {
        for named in &line.products {
            for version in
                [None, Some(""), Some("no version at all"), Some("%s%n"), Some("\u{202e}7.2")]
            {
                let subject = Subject {
                    vendor: &named.vendor,
                    product: &named.product,
                    model: None,
                    version,
                };
                let assessment = advisories.assess(subject, Some(day(DAY))).unwrap();
                assert_eq!(assessment.count(Answer::NotInRange), 0, "{}: {version:?}", line.name);
                assert_ne!(assessment.affected(), Some(vec![]), "{}: {version:?}", line.name);
                let supported = |one: &Support| one.answer == SupportAnswer::SupportedUntil;
                assert!(!assessment.support.iter().any(supported), "{}: {version:?}", line.name);
                assert!(!assessment.support.is_empty(), "{}", line.name);
            }
        }
    }
    assert!(
        advisories
            .assess(
                Subject { vendor: "Acme", product: "EdgeGate", model: None, version: None },
                None
            )
            .is_none()
    );
}

#[test]
fn every_product_of_an_advisory_is_one_that_signatures_name() {
    let advisories = Advisories::built_in().unwrap();
    let signatures = Signatures::built_in().unwrap();
    let named = |vendor: &str, product: &str| {
        signatures
            .iter()
            .any(|signature| signature.vendor == vendor && signature.product == product)
    };
    let mut seen = BTreeSet::new();
    for line in advisories.lines() {
        for product in &line.products {
            let known = named(&product.vendor, &product.product);
            assert!(
                known || product.unnamed,
                "advisories/{}.toml: no signature names {} {}",
                line.name,
                product.vendor,
                product.product
            );
            for name in product.also.iter().chain([&product.product]) {
                assert!(
                    seen.insert((product.vendor.clone(), name.clone())),
                    "advisories/{}.toml: {} {name} is said twice",
                    line.name,
                    product.vendor
                );
            }
        }
    }
    assert!(advisories.lines().len() > 60, "{}", advisories.lines().len());
}

#[test]
fn what_is_shipped_is_no_newer_than_its_catalogue_and_says_where_it_is_from() {
    let advisories = Advisories::built_in().unwrap();
    let mut entries = 0;
    for line in advisories.lines() {
        for entry in &line.exploited {
            entries += 1;
            assert!(entry.added.is_none_or(|added| added <= advisories.shipped), "{}", entry.id);
            assert!(entry.ransomware <= entry.known.contains(&Known::Kev), "{}", entry.id);
        }
        for lifetime in &line.lifetimes {
            assert!(!lifetime.source.is_empty(), "{}: {}", line.name, lifetime.until);
        }
    }
    assert!(entries > 300, "{entries}");
}

#[test]
fn a_faulty_advisory_is_refused_with_its_place_and_the_way_out() {
    let head = "scheme = \"dotted\"\n[[product]]\nvendor = \"Acme\"\nproduct = \"EdgeGate\"\n";
    let entry = |more: &str| {
        format!(
            "{head}[[exploited]]\nid = \"CVE-2024-0001\"\nknown = [\"cve\"]\nsource = \"x\"\n{more}"
        )
    };
    let cases = [
        (
            "scheme = \"dotty\"\n[[product]]\nvendor = \"A\"\nproduct = \"B\"\n".to_owned(),
            "use one of bracket, build",
        ),
        (format!("whole = 9\n{head}"), "use 1 to 8"),
        (
            format!("{head}[[exploited]]\nid = \"CVE-24-1\"\nknown = [\"cve\"]\nsource = \"x\"\n"),
            "CVE-24-1",
        ),
        (entry("affected = [{ before = \"seven\" }]\n"), "write it like 7.2.3"),
        (entry("affected = [{ from = \"7.2.0\", before = \"7.1.0\" }]\n"), "turned round"),
        (entry("affected = [{ before = \"7.2.0\", line = true }]\n"), "say by `from`"),
        (entry("added = \"2024-01-01\"\n"), "`added` with \"kev\""),
        (entry("added = \"soon\"\n"), "acme.toml:9: `soon` is no day"),
        (entry("colour = \"red\"\n"), "acme.toml:9: unknown field `colour`"),
        (
            format!(
                "{}[[exploited]]\nid = \"CVE-2024-0001\"\nknown = [\"cve\"]\nsource = \"x\"\n",
                entry("")
            ),
            "make one of the two",
        ),
        (
            format!(
                "{head}[[support]]\nends = \"support\"\nuntil = \"2024-01-01\"\nsource = \"x\"\n"
            ),
            "say which versions or models",
        ),
    ];
    for (text, wanted) in cases {
        let files = [("acme.toml", &*text), ("catalogue.toml", "released = \"2026-08-07\"\n")];
        let error = Advisories::read(&files).unwrap_err().to_string();
        assert!(error.contains("acme.toml") && error.contains(wanted), "{error}\n{text}");
    }
    assert!(Advisories::read(&[("acme.toml", head)]).unwrap_err().to_string().contains("released"));
}

#[test]
fn support_is_held_against_the_day_that_is_given() {
    use SupportAnswer::{Ended, NotKnown, SupportedUntil, VersionNotVisible};

    let text = "scheme = \"dotted\"\n[[product]]\nvendor = \"Acme\"\nproduct = \"EdgeGate\"\n\
        [[support]]\nversions = { from = \"7.2\", through = \"7.2\" }\nends = \"maintenance\"\nuntil = \"2025-03-31\"\nsource = \"x\"\n\
        [[support]]\nversions = { from = \"7.2\", through = \"7.2\" }\nends = \"support\"\nuntil = \"2026-09-30\"\nsource = \"x\"\n";
    let advisories =
        Advisories::read(&[("acme.toml", text), ("catalogue.toml", "released = \"2026-08-07\"\n")])
            .unwrap();
    let answers = |version, at: &str| {
        let subject = Subject { vendor: "acme", product: "edgegate", model: None, version };
        let assessment = advisories.assess(subject, Some(day(at))).unwrap();
        let answers = assessment.support.iter().map(|one| (one.answer, one.what));
        answers.collect::<Vec<_>>()
    };
    let (maintenance, support) = (Some(Ends::Maintenance), Some(Ends::Support));
    assert_eq!(
        answers(Some("7.2.3"), "2025-03-31"),
        [(SupportedUntil, maintenance), (SupportedUntil, support)]
    );
    assert_eq!(
        answers(Some("7.2.3"), "2025-04-01"),
        [(Ended, maintenance), (SupportedUntil, support)]
    );
    assert_eq!(answers(Some("7.2"), "2026-10-01"), [(Ended, maintenance), (Ended, support)]);
    assert_eq!(answers(Some("7.4.1"), "2026-10-01"), [(NotKnown, None)]);
    assert_eq!(answers(Some("?"), "2026-10-01"), [(NotKnown, None)]);
    assert_eq!(answers(None, "2026-10-01"), [(VersionNotVisible, None)]);
}

/// A catalogue in the shape of the published one, of invented vulnerabilities.
const KEV: &str = "fixtures/kev/invented.json";

fn catalogue(
    change: impl FnOnce(&mut serde_json::Value),
) -> Result<Catalogue, sekisho::assess::Error> {
    let mut value: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(KEV).unwrap()).unwrap();
    change(&mut value);
    Catalogue::parse_published(Path::new("stick/kev.json"), &value.to_string())
}

#[test]
fn a_catalogue_updates_what_is_known_and_adds_what_is_new() {
    let mut advisories = Advisories::built_in().unwrap();
    let find = |advisories: &Advisories, line: &str, id: &str| {
        let line = advisories.lines().iter().find(|one| one.name == line).unwrap();
        line.exploited.iter().find(|entry| entry.id == id).cloned()
    };
    let before: usize = advisories.lines().iter().map(|line| line.exploited.len()).sum();
    let router = find(&advisories, "yamaha-rtx", "CVE-2021-20843").unwrap();
    assert_eq!((router.known, router.added), (vec![Known::Jvn], None));

    let brought = advisories.bring(&catalogue(|_| {}).unwrap());
    assert_eq!(brought, Brought { known: 2, changed: 2, new: 2 });
    assert_eq!(advisories.day().to_string(), "2027-01-15");
    // What only the notes knew is exploited now; its ranges stay.
    let router = find(&advisories, "yamaha-rtx", "CVE-2021-20843").unwrap();
    assert_eq!(router.known, [Known::Kev, Known::Jvn]);
    assert!(router.added.is_some() && !router.affected.is_empty());
    // Ransomware that was not known of.
    assert!(find(&advisories, "citrix-netscaler", "CVE-2026-3055").unwrap().ransomware);
    // New ones come without a range, to the product whose name the catalogue's contains.
    let new = find(&advisories, "fortinet-fortios", "CVE-2027-99001").unwrap();
    assert!(new.affected.is_empty() && new.known == [Known::Kev]);
    assert!(find(&advisories, "cisco-ios", "CVE-2027-99002").is_some());
    assert!(
        find(&advisories, "cisco-ios", "CVE-2027-99003").is_none(),
        "another product of a like name"
    );
    let after: usize = advisories.lines().iter().map(|line| line.exploited.len()).sum();
    assert_eq!(after, before + 2, "nothing is taken away");
    let subject = Subject {
        vendor: "Fortinet",
        product: "FortiGate (FortiOS)",
        model: None,
        version: Some("99.0.0"),
    };
    let assessment = advisories.assess(subject, None).unwrap();
    let new = assessment.exploited.iter().find(|one| one.id == "CVE-2027-99001").unwrap();
    assert_eq!(new.answer, Answer::RangeNotKnown);
    // A second time changes nothing.
    let again = advisories.bring(&catalogue(|_| {}).unwrap());
    assert_eq!(again, Brought { known: 4, changed: 0, new: 0 });
}

#[test]
fn what_is_kept_of_a_catalogue_reads_back_the_same() {
    let catalogue = catalogue(|_| {}).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kev.json");
    assert_eq!(Catalogue::open_kept(&path).unwrap(), None);
    let mut kept = Vec::new();
    catalogue.write(&mut kept).unwrap();
    fs::write(&path, &kept).unwrap();
    assert_eq!(Catalogue::open_kept(&path).unwrap(), Some(catalogue));
    // The published one is not what is kept, and says so.
    let error = Catalogue::open_kept(Path::new(KEV)).unwrap_err().to_string();
    assert!(error.contains(KEV), "{error}");
}

/// What is done to a catalogue before it is read.
type Change = dyn FnOnce(&mut serde_json::Value);

#[test]
fn a_hostile_catalogue_is_refused_with_its_place_and_the_way_out() {
    let text = fs::read_to_string(KEV).unwrap();
    for end in (0..text.len()).step_by(7).filter(|end| text.is_char_boundary(*end)) {
        let parsed = Catalogue::parse_published(Path::new("stick/kev.json"), &text[..end]);
        let Err(error) = parsed else {
            assert!(text[end..].trim().is_empty(), "{end} of {} bytes are a catalogue", text.len());
            continue;
        };
        assert!(error.to_string().starts_with("stick/kev.json:"), "{error}");
    }
    let cases: [(&str, Box<Change>, &str); 10] = [
        ("no list", Box::new(|value| value["vulnerabilities"] = "many".into()), "invalid type"),
        (
            "a list of numbers",
            Box::new(|value| value["vulnerabilities"] = vec![1].into()),
            "invalid type",
        ),
        ("a wrong count", Box::new(|value| value["count"] = 9.into()), "`count` is 9"),
        (
            "nothing",
            Box::new(|value| {
                value["vulnerabilities"] = Vec::<u8>::new().into();
                value["count"] = 0.into();
            }),
            "0 vulnerabilities",
        ),
        (
            "a number that is none",
            Box::new(|value| value["vulnerabilities"][0]["cveID"] = "CVE-2027-1; rm".into()),
            "is no entry",
        ),
        (
            "a number that turns text round",
            Box::new(|value| value["vulnerabilities"][0]["cveID"] = "\u{202e}CVE".into()),
            "\\u{202e}CVE",
        ),
        (
            "an endless name",
            Box::new(|value| value["vulnerabilities"][0]["product"] = "x".repeat(1000).into()),
            "is no entry",
        ),
        (
            "no day",
            Box::new(|value| value["vulnerabilities"][0]["dateAdded"] = "soon".into()),
            "`soon` is no day",
        ),
        (
            "no date",
            Box::new(|value| {
                value.as_object_mut().unwrap().remove("dateReleased");
            }),
            "missing field `dateReleased`",
        ),
        (
            "one twice",
            Box::new(|value| value["vulnerabilities"][1] = value["vulnerabilities"][0].clone()),
            "is listed twice",
        ),
    ];
    for (what, change, wanted) in cases {
        let error = catalogue(change).unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains("stick/kev.json:"), "{what}: {error}");
        assert!(error.contains("give the JSON file as it is published"), "{what}: {error}");
    }
    assert!(
        Catalogue::open_published(Path::new("/no/such/kev.json"))
            .unwrap_err()
            .to_string()
            .contains("cannot be read")
    );
    assert!(
        Catalogue::open_published(Path::new("/dev/zero"))
            .unwrap_err()
            .to_string()
            .contains("larger than")
    );
}
