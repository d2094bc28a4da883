//! Each file in `fixtures/replies/<protocol>` is something a real or a specified speaker said, and what
//! it must tell. No other protocol may claim the same bytes.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read should fail the test")]

use std::{collections::BTreeMap, fs, path::Path};

use sekisho::observe::{Carrier, Confidence, End, PROTOCOLS, Protocol, Said, Transport};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Where the bytes come from.
    origin: String,
    transport: Carried,
    #[serde(default)]
    from: u16,
    #[serde(default)]
    to: u16,
    /// Hexadecimal, spaces and line ends ignored.
    bytes: String,
    /// What the other side said before, in hexadecimal.
    #[serde(default)]
    answering: String,
    /// The same side's datagram before, in hexadecimal.
    #[serde(default)]
    earlier: String,
    /// More of the stream can come.
    #[serde(default)]
    open: bool,
    begun_by: Option<Begun>,
    side: String,
    confidence: Confidence,
    /// Facts that must be among those told; a list for a field said more than once.
    #[serde(default)]
    facts: BTreeMap<String, OneOrMore>,
    /// Other protocols that rightly read the same bytes.
    #[serde(default)]
    also: Vec<String>,
}

#[derive(Debug, Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Carried {
    Ethernet,
    Ip,
    Udp,
    Tcp,
}

#[derive(Debug, Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Begun {
    Speaker,
    Listener,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[test]
fn every_reply_tells_what_its_case_says() {
    for (name, file, case) in cases() {
        let (bytes, answering, earlier) = bytes(&case);
        let said = said(&case, &bytes, &answering, &earlier);
        assert!(!case.origin.is_empty(), "{file} does not say where it comes from");
        let finding = (protocol(&name).read)(&said).unwrap_or_else(|e| panic!("{file}: {e}"));
        let side = serde_json::to_value(finding.side).unwrap();
        assert_eq!(side, case.side, "{file}: side; facts {:?}", finding.facts);
        assert_eq!(finding.confidence, case.confidence, "{file}: confidence");
        for (field, wanted) in &case.facts {
            let values: Vec<String> = finding.facts.all(field).map(str::to_owned).collect();
            let told = match values.as_slice() {
                [one] => OneOrMore::One(one.clone()),
                _ => OneOrMore::More(values),
            };
            assert_eq!(&told, wanted, "{file}: {field}; facts {:#?}", finding.facts);
        }
    }
}

#[test]
fn every_protocol_has_a_case() {
    let have: Vec<String> = cases().map(|(name, ..)| name).collect();
    for protocol in PROTOCOLS {
        assert!(have.iter().any(|name| name == protocol.name), "{} has no case", protocol.name);
    }
}

#[test]
fn no_other_protocol_claims_a_reply() {
    for (name, file, case) in cases() {
        let (bytes, answering, earlier) = bytes(&case);
        // On ports that tell nothing, so that only content decides.
        let at_home = said(&case, &bytes, &answering, &earlier);
        let abroad =
            Said { from: 40_000 + case.from % 1000, to: 50_000 + case.to % 1000, ..at_home };
        for other in
            PROTOCOLS.iter().filter(|p| p.name != name && !case.also.iter().any(|a| a == p.name))
        {
            if !other.carriers.iter().any(|carrier| carries(*carrier, case.transport)) {
                continue;
            }
            if let Ok(finding) = (other.read)(&abroad) {
                assert!(
                    finding.confidence == Confidence::Weak,
                    "{file}: {} claims it too: {:?}",
                    other.name,
                    finding
                );
            }
        }
    }
}

#[test]
fn no_truncation_and_no_flipped_byte_makes_a_reader_panic() {
    for (_, _, case) in cases() {
        let (bytes, answering, earlier) = bytes(&case);
        for protocol in PROTOCOLS {
            for end in 0..bytes.len().min(400) {
                for open in [false, true] {
                    let cut = &bytes[..end];
                    let said = Said { open, ..said(&case, cut, &answering, &earlier) };
                    let _ = (protocol.read)(&said);
                }
                let mut flipped = bytes.clone();
                flipped[end] ^= 0xff;
                let _ = (protocol.read)(&said(&case, &flipped, &answering, &earlier));
            }
        }
    }
}

/// Whether `carrier` is asked about what `carried` carries, whatever the ports.
fn carries(carrier: Carrier, carried: Carried) -> bool {
    matches!((carrier, carried), (Carrier::Udp(_), Carried::Udp) | (Carrier::Tcp(_), Carried::Tcp))
}

fn protocol(name: &str) -> &'static Protocol {
    PROTOCOLS
        .iter()
        .find(|protocol| protocol.name == name)
        .unwrap_or_else(|| panic!("fixtures/replies/{name}: no such protocol"))
}

fn said<'a>(case: &Case, bytes: &'a [u8], answering: &'a [u8], earlier: &'a [u8]) -> Said<'a> {
    Said {
        transport: match case.transport {
            Carried::Ethernet => Transport::Ethernet,
            Carried::Ip => Transport::Ip,
            Carried::Udp => Transport::Udp,
            Carried::Tcp => Transport::Tcp,
        },
        answering,
        earlier,
        open: case.open,
        begun_by: case.begun_by.map(|end| match end {
            Begun::Speaker => End::Speaker,
            Begun::Listener => End::Listener,
        }),
        ..Said::datagram(case.from, case.to, bytes)
    }
}

fn bytes(case: &Case) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    (unhex(&case.bytes), unhex(&case.answering), unhex(&case.earlier))
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).unwrap_or_else(|| panic!("`{c}` is no hexadecimal digit")))
        .collect();
    assert!(digits.len().is_multiple_of(2), "an odd number of digits");
    digits
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[high, low]| u8::try_from(high * 16 + low).unwrap())
        .collect()
}

/// Every case: the protocol's name, the file and what it holds.
fn cases() -> impl Iterator<Item = (String, String, Case)> {
    let mut found = Vec::new();
    for folder in fs::read_dir(Path::new("fixtures/replies")).unwrap().map(|e| e.unwrap().path()) {
        for file in fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()) {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&file).unwrap();
            let case = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            found.push((name, file.display().to_string(), case));
        }
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    assert!(!found.is_empty());
    found.into_iter()
}
