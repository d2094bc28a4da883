//! Every signature file proves itself: its examples match, its near misses do not, and its words are
//! those of the vocabulary.
#![expect(clippy::unwrap_used, reason = "a signature that cannot be read should fail the test")]

use std::{collections::BTreeSet, fs, path::Path};

use sekisho::{
    fingerprint::{
        Condition, Error, Evidence, Matcher, Rule, Signature, Signatures, Vocabulary, combine,
        explain, identify,
    },
    observe::Confidence,
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
    let read = Signatures::load(Path::new(FOLDER)).unwrap();
    let ids = |signatures: &Signatures| {
        signatures.iter().map(|signature| signature.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&built_in), ids(&read));
    assert!(built_in.len() >= 60, "only {} products", built_in.len());
}

#[test]
fn every_example_reaches_its_rule_among_all_the_others() {
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
    for (_, rule) in rules(&signatures) {
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
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
    for (_, rule) in rules(&signatures) {
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
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
    for (signature, rule) in rules(&signatures).filter(|(_, r)| r.confidence == Confidence::Certain)
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
fn every_id_is_its_own() {
    let signatures = Signatures::built_in().unwrap();
    let mut seen = BTreeSet::new();
    for (signature, rule) in rules(&signatures) {
        assert!(seen.insert(&rule.id), "`{}` is used twice", rule.id);
        assert!(rule.id.starts_with(&format!("{}.", signature.id)), "{}", rule.id);
    }
}

#[test]
fn every_file_is_in_the_folder_of_its_role() {
    let signatures = Signatures::built_in().unwrap();
    let files = files();
    for signature in &signatures {
        let file = format!("{}/{}.toml", signature.role, signature.id);
        assert!(files.contains(&file), "{} is not at {file}", signature.id);
    }
}

#[test]
fn every_word_is_in_the_vocabulary_and_every_vendor_there_is_used() {
    let signatures = Signatures::built_in().unwrap();
    let words = Vocabulary::built_in().unwrap();
    let mut vendors = BTreeSet::new();
    for (signature, rule) in rules(&signatures) {
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
fn an_address_block_alone_is_weak() {
    let signatures = Signatures::built_in().unwrap();
    for (_, rule) in rules(&signatures) {
        if matches!(rule.condition, Condition::Oui(_)) || rule.fields.contains(&"mac.oui".into()) {
            assert_eq!(rule.confidence, Confidence::Weak, "{}", rule.id);
        }
    }
}

#[test]
fn no_product_is_named_in_the_source() {
    let signatures = Signatures::built_in().unwrap();
    let folders = ["src/fingerprint", "src/fingerprint/loaded", "src/fingerprint/loaded/dialect"];
    let entries = folders.into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let code: String = files
        .map(|file| fs::read_to_string(file).unwrap())
        .map(|text| text.split("#[cfg(test)]").next().unwrap_or_default().to_lowercase())
        .collect();
    for signature in &signatures {
        let quoted = format!("\"{}", signature.vendor.to_lowercase());
        assert!(!code.contains(&quoted), "src/fingerprint names {}", signature.vendor);
    }
}

#[test]
fn identify_answers_line_by_line_and_says_which_line_is_wrong() {
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
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

#[test]
fn a_near_miss_is_explained() {
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
    let explanation = explain(&matcher, "http.title", "My FortiGate");
    assert_eq!(explanation.evidence, []);
    let near =
        explanation.near_misses.iter().find(|near| near.rule == "fortinet-fortigate.http-title");
    assert_eq!(near.unwrap().has, "fortigate");
}

#[test]
fn any_value_in_any_field_is_answered_without_a_panic() {
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
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
