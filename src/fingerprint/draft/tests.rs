//! What drafts keep, what they lose, and that they prove themselves.

use proptest::prelude::*;

use super::*;

const SECRETS: [&str; 2] = ["関所記念病院", "10.10.5.77"];

fn drafted(facts: &[(Option<u16>, &str, &str)], named: &Named<'_>) -> Draft {
    let secrets = SECRETS.map(str::to_owned);
    let macs = ["00:00:5e:00:53:17".parse().unwrap()];
    let seen = Seen { facts, macs: &macs, secrets: &secrets, month: "2026-04" };
    let none = Signatures::default();
    draft(&seen, named, &Vocabulary::built_in().unwrap(), &Matcher::new(&none))
}

const ACME: Named<'_> =
    Named { vendor: Some("Acme"), product: Some("EdgeGate"), role: Some("router"), file: None };

/// Reads a draft as `signatures check` would, where Acme is a known vendor.
fn read(draft: &Draft) -> Signatures {
    let mut known = Vocabulary::built_in().unwrap();
    known.vendors.insert("Acme".to_owned());
    let name = format!("router/{}.toml", draft.id);
    let (signatures, errors) = Signatures::from_text(&name, &draft.text, &known);
    assert!(errors.is_empty(), "{errors:?}\n{}", draft.text);
    signatures
}

#[track_caller]
fn pattern(field: &str, value: &str, wanted: &str) {
    let drafted = drafted(&[(Some(80), field, value)], &ACME);
    assert!(drafted.text.contains(&format!("matches = '{wanted}'")), "{}", drafted.text);
    let signatures = read(&drafted);
    assert!(!Matcher::new(&signatures).evidence(field, value).is_empty());
}

#[test]
fn the_products_words_stay_and_what_differs_is_a_group_or_a_class() {
    pattern("http.title", "EdgeGate X20 Login", r"^EdgeGate (?<model>X[0-9][0-9A-Za-z-]*) Login$");
    pattern(
        "snmp.sysdescr",
        "Acme EdgeGate MB-A200 Rev.14.01.40 (Tue Aug 27 10:21:10 2024)",
        r"^Acme EdgeGate (?<model>MB\-A[0-9][0-9A-Za-z-]*) Rev\.(?<version>[0-9][0-9A-Za-z._-]*) \([A-Za-z]+ [A-Za-z]+ [0-9]+ [0-9]+:[0-9]+:[0-9]+ [0-9]+\)$",
    );
    pattern("http.header.server", "EdgeHTTP/2.1.4", r"^EdgeHTTP/(?<version>[0-9][0-9A-Za-z._-]*)$");
    pattern("http.title", "EdgeGate かんたん設定 ver 3", r"^EdgeGate かんたん設定 ver [0-9]+$");
    pattern(
        "telnet.banner",
        "EdgeGate SN: EG4012345678 login:",
        r"^EdgeGate SN: EG[0-9A-Za-z]+ login:$",
    );
}

#[test]
fn what_a_place_added_behind_the_makers_words_is_left_open() {
    pattern("http.title", "EdgeGate Manager - 関所記念病院", r"^EdgeGate Manager\b");
    pattern(
        "http.title",
        "EdgeGate X20 - gw.kinen.example (関所記念病院)",
        "^EdgeGate (?<model>X[0-9][0-9A-Za-z-]*)",
    );
    // In the middle it is a class.
    pattern("http.title", "関所記念病院 EdgeGate", r"^\S+ EdgeGate$");
}

#[test]
fn what_identifies_is_gone_and_the_rule_still_matches() {
    let facts = [
        (Some(80), "http.title", "EdgeGate X20 - gw-er.kinen.example (関所記念病院 救急外来)"),
        (Some(161), "snmp.sysname", "gw-er.kinen.example"),
        (Some(161), "snmp.syslocation", "Main building, server room"),
        (
            Some(161),
            "snmp.sysdescr",
            "EdgeGate gw-er 2.4.1 at 10.10.5.77, admin@kinen.example, 03-5550-0123",
        ),
        (Some(161), "snmp.serial", "EG4012345678"),
        (Some(443), "tls.cert.subject.o", "Kinen-kai"),
        (Some(443), "tls.cert.subject.cn", "gw-er.kinen.example"),
        (Some(443), "tls.cert.self_signed", "true"),
        (
            Some(23),
            "telnet.banner",
            "EdgeGate of Sekisho Memorial Hospital, 00:00:5e:00:53:17 SN EG4012345678",
        ),
    ];
    let drafted = drafted(&facts, &ACME);
    let signatures = read(&drafted);
    let lower = drafted.text.to_lowercase();
    for secret in [
        "関所",
        "救急",
        "gw-er",
        "kinen",
        "10.10.5.77",
        "5550",
        "main building",
        "eg4012345678",
        "sekisho memorial",
        "00:00:5e:00:53:17",
        "53:17",
        "hospital",
    ] {
        assert!(!lower.contains(secret), "{secret}\n{}", drafted.text);
    }
    let matcher = Matcher::new(&signatures);
    for (_, field, value) in
        facts.iter().filter(|(_, field, _)| ["http.title", "snmp.sysdescr"].contains(field))
    {
        assert!(!matcher.evidence(field, value).is_empty(), "{field}\n{}", drafted.text);
    }
    assert!(drafted.text.contains("tls.cert.subject.o: the certificate"), "{}", drafted.text);
}

#[test]
fn names_that_nothing_else_tells_are_known_by_how_they_are_written() {
    for (value, secret) in [
        ("EdgeGate X20 KINEN-FW", "kinen"),
        ("EdgeGate er-router1 5.10.0 up", "er-router1"),
        ("EdgeGate/192.168.77.1 up", "192.168.77.1"),
        ("EdgeGate 65D554F SN-01UT4756", "4756"),
        ("Mfg=Acme;Mod=EdgeGate;Ser=12-345-67;Loc=Print Room", "print room"),
        ("EdgeGate, serial number: AB-1234", "1234"),
        ("EdgeGate gw01 login:", "gw01"),
        ("Kinen Memorial Clinic EdgeGate portal", "kinen"),
        ("EdgeGate (3F 放射線科)", "放射線"),
        ("EdgeGate 03-5550-0123", "5550"),
        ("EdgeGate 2001:db8::77 up", "2001:db8"),
    ] {
        let drafted = drafted(&[(Some(161), "snmp.sysdescr", value)], &ACME);
        assert!(!drafted.text.to_lowercase().contains(secret), "{secret}\n{}", drafted.text);
        assert!(drafted.text.contains("field = \"snmp.sysdescr\""), "{value}\n{}", drafted.text);
    }
}

#[test]
fn people_and_parts_of_a_house_are_known_by_what_stands_beside_them() {
    for (told, secrets) in [
        ("EdgeGate X20 院長 山田太郎", &["山田", "太郎"][..]),
        ("EdgeGate X20 連絡先：佐藤", &["佐藤"]),
        ("EdgeGate X20 医事課 鈴木", &["医事", "鈴木"]),
        ("EdgeGate X20 Sekisho Hsp. 救命センター", &["Sekisho", "救命"]),
        ("EdgeGate X20 SUZUKI-IIN", &["SUZUKI"]),
        ("EdgeGate X20 (yamada-iin)", &["yamada"]),
        ("EdgeGate X20 山田会", &["山田"]),
    ] {
        let drafted = drafted(&[(Some(80), "http.title", told)], &ACME);
        for secret in secrets {
            assert!(!drafted.text.contains(secret), "{told}: {}", drafted.text);
        }
        let signatures = read(&drafted);
        assert!(!Matcher::new(&signatures).evidence("http.title", told).is_empty(), "{told}");
    }
}

#[test]
fn what_anybody_says_is_listed_and_makes_no_rule() {
    let facts = [
        (Some(80), "http.header.server", "httpd"),
        (Some(80), "http.title", "Login"),
        (Some(22), "ssh.banner", "OpenSSH_9.2"),
        (None, "ike.vendor_id", "afcad71368a1f1c96b8696fc77570100"),
    ];
    let drafted = drafted(&facts, &Named::default());
    assert_eq!(drafted.rules, 1, "only the maker's half of the hardware address\n{}", drafted.text);
    assert!(drafted.text.contains("http.header.server: boxes of many makers"), "{}", drafted.text);
    assert!(drafted.text.contains("http.title: without names"), "{}", drafted.text);
}

#[test]
fn a_draft_that_nobody_named_says_what_is_missing() {
    let drafted = drafted(&[(Some(80), "http.title", "EdgeGate X20")], &Named::default());
    let known = Vocabulary::built_in().unwrap();
    let (_, errors) = Signatures::from_text("router/vendor-product.toml", &drafted.text, &known);
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for missing in [WHICH_VENDOR, WHICH_PRODUCT, WHICH_ROLE] {
        let told = said.iter().any(|error| error.contains(missing) && error.contains("instead"));
        assert!(told, "{missing}: {said:#?}");
    }
}

#[test]
fn a_maker_s_certificate_makes_rules_where_another_field_agrees() {
    let facts = [
        (Some(443), "tls.cert.subject.o", "EdgeGate Networks"),
        (Some(443), "tls.cert.self_signed", "true"),
        (Some(80), "http.title", "EdgeGate X20"),
    ];
    let drafted = drafted(&facts, &Named::default());
    assert!(drafted.text.contains("matches = '^EdgeGate Networks$'"), "{}", drafted.text);
}

#[test]
fn a_value_cannot_leave_its_quotes() {
    let odd = "EdgeGate '''\" \\ \u{202e} ]] # = \"x\" X20";
    let drafted = drafted(&[(Some(80), "http.title", odd)], &ACME);
    let signatures = read(&drafted);
    assert!(!Matcher::new(&signatures).evidence("http.title", odd).is_empty(), "{}", drafted.text);
}

/// Words that may stand around what identifies.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("EdgeGate".to_owned()),
        Just("Acme".to_owned()),
        Just("Login".to_owned()),
        Just("X20".to_owned()),
        Just("v2.4.1".to_owned()),
        Just("(build 1234)".to_owned()),
        Just("設定画面".to_owned()),
        "[ -~]{0,12}",
        "[あ-ん]{1,4}",
    ];
    prop::collection::vec(word, 0..5).prop_map(|words| words.join(" "))
}

/// What identifies, as it might be told in a name and stand in any text.
fn identifying() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{3,8}-[a-z]{2,5}[0-9]{1,2}",
        "[A-Z]{4,12}",
        "[a-z]{4,8}\\.[a-z]{4,8}\\.example",
        "[A-Z]{2}[0-9]{8,10}",
        "[一-龠]{3,5}病院",
        "10\\.[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{1,2}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_draft_tells_whose_box_it_is_and_every_rule_matches_it(
        name in identifying(), before in words(), after in words(),
        field in prop::sample::select(vec!["http.title", "snmp.sysdescr", "telnet.banner", "http.header.server"]),
    ) {
        prop_assume!(!["edgegate", "acme", "login"].contains(&name.to_lowercase().as_str()));
        let value = format!("{before} {name} {after}");
        let facts = [(Some(80), field, value.as_str()), (Some(161), "snmp.sysname", name.as_str())];
        let drafted = drafted(&facts, &ACME);
        let body: String = drafted.text.lines().filter(|line| !line.starts_with('#')).collect();
        prop_assert!(!body.to_lowercase().contains(&name.to_lowercase()), "{}\n{}", name, drafted.text);
        let signatures = read(&drafted);
        let rules = signatures.iter().flat_map(|signature| &signature.rules);
        for _ in rules.filter(|rule| rule.fields.iter().any(|known| known == field)) {
            prop_assert!(!Matcher::new(&signatures).evidence(field, &value).is_empty(), "{}", drafted.text);
        }
    }
}

#[test]
fn a_name_that_is_written_in_digits_is_no_rule() {
    let digits = |text: &str| crate::observe::facts::hex(text.as_bytes());
    let (named, serial) = (digits("Acme gw-er\0\u{1}"), digits("Acme EG4012345678"));
    let (plain, hash) = (digits("Acme EdgeGate"), "8f9cc94e01248ecdf147594c284b213b");
    for (value, is_made) in [(&*named, false), (&serial, false), (&plain, true), (hash, true)] {
        let facts = [(None, "snmp.sysname", "gw-er"), (None, "ike.vendor_id", value)];
        let drafted = drafted(&facts, &ACME);
        assert_eq!(drafted.text.contains(value), is_made, "{}", drafted.text);
    }
}
