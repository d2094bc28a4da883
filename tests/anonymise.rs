//! A capture without addresses and names makes the same points, and tells nobody whose it was.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read should fail the test")]

use std::{
    collections::BTreeMap,
    fs,
    io::Cursor,
    net::IpAddr,
    path::{Path, PathBuf},
};

use sekisho::{
    correlate,
    fingerprint::{Matcher, Signatures},
    passive::{
        self, Replay,
        anonymise::{self, Addresses, Anonymous},
        capture::Capture,
    },
    scope::{Facility, Inside},
    wire::{checksum, ipv4, link, tcp},
};

/// Fixtures that are fast enough to be read twice in a test.
const LARGEST: u64 = 3 << 20;

struct Case {
    name: String,
    before: Replay,
    after: Replay,
    inside: Option<Inside>,
    inside_after: Option<Inside>,
    done: Anonymous,
}

fn cases(rules: &dyn Fn(&str, &str) -> Vec<String>) -> Vec<Case> {
    let mut folders: Vec<PathBuf> = fs::read_dir("fixtures/captures")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("expect.toml").exists())
        .collect();
    folders.sort();
    folders.iter().filter_map(|folder| case(folder, rules)).collect()
}

fn case(folder: &Path, rules: &dyn Fn(&str, &str) -> Vec<String>) -> Option<Case> {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let file = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.to_string_lossy().contains(".pcap"))?;
    if fs::metadata(&file).unwrap().len() > LARGEST {
        return None;
    }
    let facility = folder.join("facility.toml");
    let inside = facility.exists().then(|| Facility::load(&facility).unwrap().inside);
    let inside = inside.filter(Inside::is_given);
    let key = name.as_bytes();
    let addresses = Addresses::new(key);
    let there = |inside: &Inside| {
        Inside::given(inside.prefixes().iter().map(|prefix| addresses.network(*prefix)).collect())
    };
    let inside_after = inside.as_ref().map(there);
    let before = passive::replay(std::slice::from_ref(&file), inside.as_ref(), &|_| {}).unwrap();
    let done = anonymise::anonymise(&anonymise::read(&file).unwrap(), &before, key, rules);
    let capture = Capture::read(Box::new(Cursor::new(done.bytes.clone())), &name).unwrap();
    let after =
        passive::hear([Ok((name.clone(), capture))], inside_after.as_ref(), &|_| {}).unwrap();
    Some(Case { name, before, after, inside, inside_after, done })
}

/// How many points of each kind and product there are.
fn points(
    replay: &Replay,
    matcher: &Matcher<'_>,
    inside: Option<&Inside>,
) -> BTreeMap<String, usize> {
    let points = correlate::points(&correlate::Heard {
        observations: &replay.observations,
        inside: inside.unwrap_or(&replay.inside),
        vantages: &replay.vantages(),
        matcher,
        packet: &|id| format!("#{}", id.number),
    });
    let mut counted = BTreeMap::new();
    for point in points {
        let product = point.product.map(|product| (product.vendor, product.name));
        *counted.entry(format!("{:?} {product:?}", point.kind)).or_default() += 1;
    }
    counted
}

#[test]
fn the_fixtures_make_the_same_points_and_name_nobody() {
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
    let rules = |field: &str, value: &str| -> Vec<String> {
        matcher.evidence(field, value).into_iter().map(|e| e.rule.to_owned()).collect()
    };
    let mut faults = Vec::new();
    let mut names = 0;
    let cases = cases(&rules);
    assert!(cases.len() > 90, "only {} cases", cases.len());
    for Case { name, before, after, inside, inside_after, done } in &cases {
        let (was, is) = (
            points(before, &matcher, inside.as_ref()),
            points(after, &matcher, inside_after.as_ref()),
        );
        if was != is {
            faults.push(format!("{name}: {was:#?} became {is:#?}"));
        }
        if before.gaps.unreadable != after.gaps.unreadable {
            faults.push(format!("{name}: {:?} became {:?}", before.gaps, after.gaps));
        }
        names += done.names.len();
        faults.extend(left(done).into_iter().map(|left| format!("{name}: {left} is left")));
        for observation in &after.observations {
            let ends = [Some(observation.speaker), observation.listener];
            let ips = ends.iter().flatten().filter_map(|end| end.ip);
            for ip in ips.filter(|ip| is_gone(*ip, done)) {
                faults.push(format!("{name}: {ip} speaks or listens still: {observation:?}"));
            }
            let told = observation.facts.iter().filter_map(|(_, value)| value.parse().ok());
            for ip in told.filter(|ip| is_gone(*ip, done)) {
                faults.push(format!("{name}: {ip} is told still: {observation:?}"));
            }
        }
    }
    assert!(names > 30, "only {names} names were told");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Whether an address was replaced, and is not what another was replaced by.
fn is_gone(ip: IpAddr, done: &Anonymous) -> bool {
    done.addresses.contains_key(&ip) && !done.addresses.values().any(|there| *there == ip)
}

/// Names and addresses as text that are left in the bytes.
fn left(done: &Anonymous) -> Vec<String> {
    let lower = done.bytes.to_ascii_lowercase();
    let mut left = Vec::new();
    for (here, there) in &done.names {
        // What another name was replaced by may happen to hold it.
        let by_chance = done.names.values().any(|other| other.contains(here.as_str()));
        let wide: Vec<u8> = here.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for form in [here.as_bytes(), &wide] {
            if !by_chance && here != there && memchr::memmem::find(&lower, form).is_some() {
                left.push(here.clone());
            }
        }
    }
    for ip in done.addresses.keys().filter(|ip| is_gone(**ip, done)) {
        let text = ip.to_string();
        let digit =
            |at: Option<usize>| at.and_then(|at| lower.get(at)).is_some_and(u8::is_ascii_digit);
        let whole = |at: usize| !digit(at.checked_sub(1)) && !digit(Some(at + text.len()));
        if ip.is_ipv4() && text.len() > 8 && memchr::memmem::find_iter(&lower, &text).any(whole) {
            left.push(text.clone());
        }
    }
    for mac in done.macs.keys().filter(|mac| !done.macs.values().any(|there| there == *mac)) {
        let zeros = mac.0.iter().map(|byte| u8::from(*byte == 0)).sum::<u8>();
        if zeros < 4 && memchr::memmem::find(&done.bytes, &mac.0).is_some() {
            left.push(mac.to_string());
        }
    }
    left
}

#[test]
fn the_same_key_gives_the_same_bytes() {
    let file = Path::new("fixtures/captures/format_pcapng/capture.pcapng");
    let heard = passive::replay(&[file.to_owned()], None, &|_| {}).unwrap();
    let capture = anonymise::read(file).unwrap();
    let bytes = |key: &[u8]| anonymise::anonymise(&capture, &heard, key, &|_, _| Vec::new()).bytes;
    assert_eq!(bytes(b"a"), bytes(b"a"));
    assert_ne!(bytes(b"a"), bytes(b"b"));
}

#[test]
fn checksums_are_as_right_as_they_were() {
    let sums = |bytes: &[u8]| {
        let mut capture = Capture::read(Box::new(Cursor::new(bytes.to_vec())), "a.pcap").unwrap();
        let mut chunk = passive::capture::Chunk::default();
        while capture.read_chunk(&mut chunk, usize::MAX) {}
        let right = |packet: &passive::capture::Captured| {
            let link = link::Link::parse(packet.link_type, chunk.bytes_of(packet)).unwrap();
            let bytes = link.payload;
            let ip = ipv4::Packet::parse(bytes).ok()?;
            let head = checksum(&[&bytes[..20 + ip.options.len()]]) == 0;
            let pseudo = ip.pseudo_header(ip.payload.len());
            let sum =
                matches!(ip.protocol, tcp::NUMBER | 17 if ip.payload.get(6..8) != Some(&[0; 2]))
                    .then(|| checksum(&[&pseudo, ip.payload]) == 0);
            Some((head, sum))
        };
        chunk.packets.iter().map(right).collect::<Vec<_>>()
    };
    for name in ["scan_services", "background_modality", "ssh_openssh", "scan_udp"] {
        let file = PathBuf::from(format!("fixtures/captures/{name}/capture.pcap"));
        let heard = passive::replay(std::slice::from_ref(&file), None, &|_| {}).unwrap();
        let capture = anonymise::read(&file).unwrap();
        let done = anonymise::anonymise(&capture, &heard, b"key", &|_, _| Vec::new());
        let (was, is) = (sums(&capture), sums(&done.bytes));
        assert!(was.len() > 10 && was == is, "{name}");
        assert_eq!(capture.len(), done.bytes.len(), "{name}");
    }
}
