//! Every signature file proves itself: its examples match, its near misses do not, and its words are
//! those of the vocabulary.
#![expect(clippy::unwrap_used, reason = "a signature that cannot be read should fail the test")]

use std::{collections::BTreeSet, fs, path::Path, sync::OnceLock};

use sekisho::{
    correlate,
    fingerprint::{
        Condition, Error, Evidence, Matcher, Rule, Signature, Signatures, Vocabulary, combine,
        explain, identify,
    },
    observe::{Confidence, Endpoint, Facts, Heard, Mac, Observation, PacketId, Side, Transport},
    scope::Inside,
    time::Timestamp,
};

/// The folder that is compiled in.
const FOLDER: &str = "signatures";

#[test]
fn every_file_is_taken_and_proves_itself() {
    // Loading from a folder runs every example and every near miss through the matcher.
    let (signatures, faults) = Signatures::load_leniently(Path::new(FOLDER));
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(signatures.len(), files().len());
}

#[test]
fn what_is_compiled_in_is_what_is_in_the_folder() {
    let built_in = Signatures::built_in().unwrap();
    let read = all();
    let proofless = |signature: &Signature| {
        let mut signature = signature.clone();
        for rule in &mut signature.rules {
            rule.examples.clear();
            rule.unlike.clear();
        }
        format!("{signature:?}")
    };
    assert_eq!(built_in.len(), read.len());
    for (compiled, written) in built_in.iter().zip(read) {
        assert_eq!(proofless(compiled), proofless(written), "{}", written.id);
    }
    assert!(built_in.len() >= 1500, "only {} products", built_in.len());
}

#[test]
fn every_example_reaches_its_rule_among_all_the_others() {
    let signatures = all();
    let matcher = Matcher::new(signatures);
    for (_, rule) in rules(signatures) {
        assert!(!rule.examples.is_empty(), "{} has no example", rule.id);
        for (field, example) in
            rule.fields.iter().flat_map(|f| rule.examples.iter().map(move |e| (f, e)))
        {
            let evidence = said_by(rule, &matcher, field, &example.value);
            let evidence =
                evidence.unwrap_or_else(|| panic!("{} misses {field} {}", rule.id, example.value));
            for (name, told) in [
                ("model", evidence.model),
                ("version", evidence.version),
                ("serial", evidence.serial),
            ] {
                let wanted = example.yields.get(name);
                assert_eq!(told.as_ref(), wanted, "{}: {name} of {}", rule.id, example.value);
            }
        }
    }
}

#[test]
fn no_rule_takes_a_near_miss_for_its_own() {
    let signatures = all();
    let matcher = Matcher::new(signatures);
    for (_, rule) in rules(signatures) {
        assert!(!rule.unlike.is_empty(), "{} has no near miss", rule.id);
        for (field, value) in
            rule.fields.iter().flat_map(|f| rule.unlike.iter().map(move |v| (f, v)))
        {
            let evidence = said_by(rule, &matcher, field, value);
            assert!(evidence.is_none(), "{} takes {field} {value} for its own", rule.id);
        }
    }
}

#[test]
fn the_best_product_for_a_certain_example_is_as_sure_as_the_rule() {
    let signatures = all();
    let matcher = Matcher::new(signatures);
    for (signature, rule) in rules(signatures).filter(|(_, r)| r.confidence == Confidence::Certain)
    {
        for example in &rule.examples {
            let evidence = matcher.evidence(&rule.fields[0], &example.value);
            let ranked = combine(&evidence);
            let own = ranked.iter().find(|ranked| ranked.signature == signature.id).unwrap();
            assert!(own.confidence >= 0.95, "{}: {}", rule.id, own.confidence);
            assert!(ranked[0].confidence >= own.confidence, "{}", rule.id);
        }
    }
}

#[test]
fn what_a_rule_yields_has_no_torn_ends() {
    let torn = |text: &str| {
        let whole = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "()+".contains(c));
        !whole(text.chars().next()) || !whole(text.chars().last())
    };
    for (_, rule) in rules(all()) {
        for (name, text) in rule.examples.iter().flat_map(|example| &example.yields) {
            assert!(!torn(text), "{}: {name} `{text}`", rule.id);
        }
    }
}

#[test]
fn every_id_is_its_own() {
    let signatures = all();
    let mut seen = BTreeSet::new();
    for (signature, rule) in rules(signatures) {
        assert!(seen.insert(&rule.id), "`{}` is used twice", rule.id);
        assert!(rule.id.starts_with(&format!("{}.", signature.id)), "{}", rule.id);
    }
}

#[test]
fn every_file_is_in_the_folder_of_its_role() {
    let signatures = all();
    let files = files();
    for signature in signatures {
        let file = format!("{}/{}.toml", signature.role, signature.id);
        assert!(files.contains(&file), "{} is not at {file}", signature.id);
    }
}

#[test]
fn every_word_is_in_the_vocabulary_and_every_vendor_there_is_used() {
    let signatures = all();
    let words = Vocabulary::built_in().unwrap();
    let mut vendors = BTreeSet::new();
    for (signature, rule) in rules(signatures) {
        assert!(words.roles.contains_key(&signature.role), "{}: {}", rule.id, signature.role);
        for field in &rule.fields {
            assert!(words.fields.contains_key(field), "{}: {field}", rule.id);
        }
        vendors.insert(signature.vendor.clone());
    }
    assert_eq!(vendors, words.vendors);
    let undescribed = words.roles.iter().chain(&words.fields).find(|(_, what)| what.is_empty());
    assert_eq!(undescribed, None);
}

#[test]
fn every_field_of_the_vocabulary_is_observed() {
    // A rule for a field that no reader gives could never be reached.
    let read = |path: std::path::PathBuf| fs::read_to_string(path).unwrap();
    // What stands between, and who forwards, is no protocol's.
    let folders = ["src/observe", "src/passive", "src/passive/forward"];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let mut code: String = files.map(read).collect();
    code.push_str(&read("src/correlate/mod.rs".into()));
    let words = Vocabulary::built_in().unwrap();
    let unread: Vec<&String> =
        words.fields.keys().filter(|field| !code.contains(&format!("\"{field}\""))).collect();
    assert_eq!(unread, [""; 0]);
}

#[test]
fn an_address_block_alone_is_weak() {
    let signatures = all();
    for (_, rule) in rules(signatures) {
        if matches!(rule.condition, Condition::Oui(_)) || rule.fields.contains(&"mac.oui".into()) {
            assert_eq!(rule.confidence, Confidence::Weak, "{}", rule.id);
        }
    }
}

#[test]
fn no_product_is_named_in_the_source() {
    let signatures = all();
    let folders = [
        "src/fingerprint",
        "src/fingerprint/draft",
        "src/fingerprint/loaded",
        "src/fingerprint/loaded/dialect",
    ];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.file_name().is_some_and(|name| name != "tests.rs"));
    let code: String = files
        .map(|file| fs::read_to_string(file).unwrap())
        .map(|text| text.split("#[cfg(test)]").next().unwrap_or_default().to_lowercase())
        .collect();
    for signature in signatures {
        let quoted = format!("\"{}", signature.vendor.to_lowercase());
        assert!(!code.contains(&quoted), "src/fingerprint names {}", signature.vendor);
    }
}

#[test]
fn identify_answers_line_by_line_and_says_which_line_is_wrong() {
    let signatures = all();
    let matcher = Matcher::new(signatures);
    let asked = concat!(
        "{\"id\": 1, \"field\": \"http.title\", \"value\": \"FortiGate\"}\n",
        "\n",
        "{\"id\": 1, \"field\": \"http.title\", \"value\": \"Welcome\"}\n",
        "{\"field\": \"no.such\", \"value\": \"x\"}",
    );
    let mut answers = Vec::new();
    identify(&matcher, asked.as_bytes(), &mut answers).unwrap();
    let answers = String::from_utf8(answers).unwrap();
    let lines: Vec<serde_json::Value> =
        answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{answers}");
    assert_eq!(lines[0]["id"], 1);
    assert_eq!(lines[0]["matches"][0]["vendor"], "Fortinet");
    assert_eq!(lines[0]["matches"][0]["confidence"], 0.95);
    assert_eq!(lines[1]["matches"], serde_json::json!([]));
    assert_eq!(lines[2]["id"], serde_json::Value::Null);

    let wrong = "{\"field\": \"http.title\", \"value\": \"a\"}\n{\"field\": 3}\n";
    let error = identify(&matcher, wrong.as_bytes(), std::io::sink()).unwrap_err();
    assert!(matches!(error, Error::Line { line: 2, .. }), "{error}");
    assert!(error.to_string().contains("write one object a line"), "{error}");
}

/// A product that no single port tells: a card, an enterprise number and a page that others have too.
const SHY: &str = r#"
vendor = "Acme"
product = "EdgeGate"
role = "vpn-gateway"

[[rule]]
id = "acme-edgegate.mac-oui"
field = "mac.oui"
oui = "00005e"
confidence = "weak"
source = "by hand"
example = [{ value = "00:00:5e:00:53:01" }]
unlike = ["00:00:5f:00:53:01"]

[[rule]]
id = "acme-edgegate.enterprise"
field = "snmp.engineid.pen"
equals = "99999"
confidence = "weak"
source = "by hand"
example = [{ value = "99999" }]
unlike = ["9999"]

[[rule]]
id = "acme-edgegate.title"
field = "http.title"
matches = '^Remote access (?<model>EG[0-9]+)$'
confidence = "weak"
source = "by hand"
example = [{ value = "Remote access EG20", yields = { model = "EG20" } }]
unlike = ["Remote access"]
"#;

#[test]
fn what_several_ports_of_one_box_say_adds_up() {
    let words =
        Vocabulary { vendors: ["Acme".to_owned()].into(), ..Vocabulary::built_in().unwrap() };
    let (signatures, faults) = Signatures::from_text("vpn-gateway/acme-edgegate.toml", SHY, &words);
    assert!(faults.is_empty(), "{faults:?}");
    let mac: Mac = "00:00:5e:00:53:01".parse().unwrap();
    let said = |protocol: &'static str, port, field, value: &str| Observation {
        at: Timestamp::default(),
        packet: PacketId { file: 0, number: u64::from(port) },
        heard: Heard::Overheard,
        speaker: Endpoint {
            ip: Some([192, 168, 0, 1].into()),
            mac: Some(mac),
            port: Some(port),
            transport: if port == 161 { Transport::Udp } else { Transport::Tcp },
        },
        listener: None,
        protocol,
        side: Side::Server,
        confidence: Confidence::Certain,
        facts: Facts::default().with(field, value),
    };
    let card = Observation { side: Side::Peer, ..said("arp", 0, "arp.ip", "192.168.0.1") };
    let snmp = said("snmp", 161, "snmp.engineid.pen", "99999");
    let page = said("http", 443, "http.title", "Remote access EG20");
    let matcher = Matcher::new(&signatures);
    let product = |observations: &[Observation]| {
        let points = correlate::points(&correlate::Heard {
            observations,
            inside: &Inside::inferred([]),
            vantages: &[],
            matcher: &matcher,
            packet: &|id| id.number.to_string(),
        });
        points.first().and_then(|point| point.product.clone())
    };
    assert_eq!(product(std::slice::from_ref(&page)), None, "one weak sign names nothing");
    let named = product(&[card, snmp, page]).unwrap();
    assert_eq!((&*named.name, named.model.as_deref()), ("EdgeGate", Some("EG20")));
}

#[test]
fn a_path_is_one_that_a_page_would_link_to() {
    let words =
        Vocabulary { vendors: ["Acme".to_owned()].into(), ..Vocabulary::built_in().unwrap() };
    let taken = |path: &str| {
        let text = SHY.replacen("\n\n[[rule]]", &format!("\npaths = ['{path}']\n\n[[rule]]"), 1);
        let file = "vpn-gateway/acme-edgegate.toml";
        let (left, faults) = Signatures::from_text(file, &text, &words);
        assert_eq!(left.is_empty(), !faults.is_empty(), "{faults:?}");
        left.len() == 1
    };
    for path in
        ["/login/version.js", "/a-b_c.d~e/", "/session?field=fwVersion&x=1", "/lang/en.json.gz"]
    {
        assert!(taken(path), "{path}");
    }
    for path in [
        "/../../etc/passwd",
        "/a/./b",
        "//other.example/x",
        "/a;b",
        "/%2e%2e/x",
        "/a b",
        "relative",
        "/x?a=b;c",
        "/x?cmd=$(a)",
        "/a\\b",
        "/<x>",
        "/x?a=/etc",
    ] {
        assert!(!taken(path), "{path}");
    }
}

#[test]
fn what_is_added_to_a_known_product_takes_nothing_away() {
    let words =
        Vocabulary { vendors: ["Acme".to_owned()].into(), ..Vocabulary::built_in().unwrap() };
    let read = |text: &str| Signatures::from_text("vpn-gateway/acme-edgegate.toml", text, &words).0;
    let draft = SHY.replace("Remote access", "Our access");
    let both = read(SHY).with(read(&draft));
    assert_eq!(both.len(), 1);
    let matcher = Matcher::new(&both);
    for title in ["Remote access EG20", "Our access EG20"] {
        assert_eq!(matcher.evidence("http.title", title).len(), 1, "{title}");
    }
    let ids: BTreeSet<&str> = rules(&both).map(|(_, rule)| rule.id.as_str()).collect();
    assert_eq!(ids.len(), 6, "{ids:?}");
}

#[test]
fn a_visit_to_a_makers_pages_is_no_use_of_its_product() {
    let matcher = Matcher::new(all());
    let rule = |name: &str| matcher.evidence("tls.sni", name).len();
    let domains = rules(all()).filter_map(|(_, rule)| match &rule.condition {
        Condition::Domain(names) if rule.fields.iter().any(|field| field == "tls.sni") => {
            Some(names)
        }
        _ => None,
    });
    for name in domains.flatten() {
        assert!(rule(name) > 0, "{name}");
        let listed = rules(all()).any(|(_, rule)| {
            matches!(&rule.condition, Condition::Domain(names) if names.contains(&format!("www.{name}")))
        });
        assert!(listed || rule(&format!("www.{name}")) < rule(name), "www.{name}");
    }
}

#[test]
fn no_two_products_claim_the_same_words() {
    let twin = SHY.replace("acme-edgegate", "acme-twin");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("vpn-gateway")).unwrap();
    fs::write(folder.path().join("vocabulary.toml"), "vendors = [\"Acme\"]").unwrap();
    for (name, text) in [("acme-edgegate", SHY), ("acme-twin", &twin)] {
        fs::write(folder.path().join(format!("vpn-gateway/{name}.toml")), text).unwrap();
    }
    let (left, faults) = Signatures::load_leniently(folder.path());
    assert_eq!(left.len(), 1, "the first stays");
    assert_eq!(faults.len(), 3, "{faults:?}");
    for fault in faults {
        let fault = fault.to_string();
        assert!(fault.starts_with("vpn-gateway/acme-twin.toml:"), "{fault}");
        assert!(fault.contains("the same stands in acme-edgegate"), "{fault}");
    }
}

#[test]
fn a_fault_costs_its_rule_and_names_its_line() {
    let words =
        Vocabulary { vendors: ["Acme".to_owned()].into(), ..Vocabulary::built_in().unwrap() };
    let left = |text: &str| {
        let (left, faults) = Signatures::from_text("vpn-gateway/acme-edgegate.toml", text, &words);
        let rules = left.iter().map(|signature| signature.rules.len()).sum::<usize>();
        (rules, faults.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let (rules, faults) = left(&SHY.replace("'^Remote", "'Remote").replace("]+)$'", "]+)'"));
    assert_eq!(rules, 2);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("acme-edgegate.toml:25: rule `acme-edgegate.title`"), "{faults:?}");
    assert!(faults[0].contains("not anchored"), "{faults:?}");
    // What is no TOML of a rule costs that rule too, and lines are still right behind it.
    let broken = SHY.replace("equals = \"99999\"", "equal = \"99999\"");
    let (rules, faults) = left(&broken.replace("value = \"Remote access EG20\"", "value = \"No\""));
    assert_eq!(rules, 1);
    assert!(
        faults[0].contains("acme-edgegate.toml:18: rule `acme-edgegate.enterprise`"),
        "{faults:?}"
    );
    assert!(faults[1].contains("acme-edgegate.toml:25: rule `acme-edgegate.title`"), "{faults:?}");
    // What belongs to no rule costs the file.
    let (rules, faults) = left(&SHY.replace("vendor =", "maker ="));
    assert_eq!((rules, faults.len()), (0, 1), "{faults:?}");
}

#[test]
fn a_near_miss_is_explained() {
    let signatures = all();
    let matcher = Matcher::new(signatures);
    let explanation = explain(&matcher, "http.title", "My FortiGate");
    assert_eq!(explanation.evidence, []);
    let near =
        explanation.near_misses.iter().find(|near| near.rule == "fortinet-fortigate.http-title");
    assert_eq!(near.unwrap().has, "fortigate");
}

#[test]
fn any_value_in_any_field_is_answered_without_a_panic() {
    let signatures = all();
    let matcher = Matcher::new(signatures);
    let words = Vocabulary::built_in().unwrap();
    let odd =
        ["", ".", "..", "\u{0}", "·", "ſſſK", "1.3.6.1.4.1.", "ff", "関所", &"a.".repeat(5000)];
    for field in words.fields.keys().filter(|field| !words.own.contains(*field)) {
        for value in odd {
            let evidence = matcher.evidence(field, value);
            assert!(evidence.is_empty(), "{field} `{value}`: {evidence:?}");
        }
    }
}

/// What `rule` says about a fact, when all rules are asked.
fn said_by<'s>(
    rule: &Rule,
    matcher: &Matcher<'s>,
    field: &str,
    value: &str,
) -> Option<Evidence<'s>> {
    matcher.evidence(field, value).into_iter().find(|evidence| evidence.rule == rule.id)
}

/// Every signature of the folder, with its proof.
fn all() -> &'static Signatures {
    static ALL: OnceLock<Signatures> = OnceLock::new();
    ALL.get_or_init(|| Signatures::load(Path::new(FOLDER)).unwrap())
}

fn rules(signatures: &Signatures) -> impl Iterator<Item = (&Signature, &Rule)> {
    signatures
        .iter()
        .flat_map(|signature| signature.rules.iter().map(move |rule| (signature, rule)))
}

/// Every signature file, as `<role>/<vendor-product>.toml`.
fn files() -> BTreeSet<String> {
    let folders = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap());
    let folders = folders.filter(|entry| entry.path().is_dir());
    let files = folders.flat_map(|folder| {
        let role = folder.file_name().to_string_lossy().into_owned();
        let names = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name());
        names.map(move |name| format!("{role}/{}", name.to_string_lossy())).collect::<Vec<_>>()
    });
    files.collect()
}
