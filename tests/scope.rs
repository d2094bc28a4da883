//! Nothing is sent that the scope does not allow, and what it allows may be sent: held against plain lists.
#![expect(clippy::unwrap_used, reason = "a test's own input is known to be right")]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use proptest::{prelude::*, sample::select};
use sekisho::{
    fingerprint::{Condition, Signatures},
    scope::{
        Blocks, Consent, Contact, Facility, Foreign, Hours, Maker, Overrides, Pace, Profile,
        Refusal, Request, Tier, facility::KEYS, grant::FRAGILE_PORTS, target,
    },
    time::Timestamp,
};

/// A scope as a plain list: every address, port and minute by itself.
#[derive(Debug, Clone)]
struct Plain {
    include: Vec<(IpAddr, u8)>,
    exclude: Vec<(IpAddr, u8)>,
    fragile: Vec<(IpAddr, u8)>,
    ports: Vec<u16>,
    makers: Vec<[u8; 3]>,
    hours: Vec<(u16, u16)>,
    offset: i32,
    tier: u8,
    requests: Vec<(IpAddr, u16)>,
    lab: bool,
}

/// The addresses of ranges that begin somewhere and have a few more.
fn list(ranges: &[(IpAddr, u8)]) -> BTreeSet<IpAddr> {
    ranges.iter().flat_map(|(first, more)| (0..=*more).map(|step| later(*first, step))).collect()
}

fn blocks(ranges: &[(IpAddr, u8)]) -> Blocks {
    Blocks::new(ranges.iter().map(|(first, more)| (*first, later(*first, *more))))
}

fn later(address: IpAddr, step: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from(v4.to_bits() + u32::from(step)).into(),
        IpAddr::V6(v6) => Ipv6Addr::from(v6.to_bits() + u128::from(step)).into(),
    }
}

impl Plain {
    /// Whether a contact is allowed, by going through the list.
    fn allows(&self, contact: &Contact, minute: u16) -> bool {
        let address = contact.address;
        // Each minute of the day, one by one.
        let open = self.hours.iter().any(|(from, to)| {
            let mut minutes = (*from..).map(|at| at % 1440).take_while(|at| at != to);
            minutes.any(|at| at == minute)
        });
        let requested = contact.port.is_some_and(|port| self.requests.contains(&(address, port)));
        let made =
            contact.mac.is_some_and(|mac| self.makers.iter().any(|maker| mac[..3] == maker[..]));
        let port = contact.port.is_some_and(|port| {
            self.ports.contains(&port) || (!self.lab && FRAGILE_PORTS.contains(&port))
        });
        let fragile = list(&self.fragile).contains(&address) || made;
        list(&self.include).contains(&address)
            && !list(&self.exclude).contains(&address)
            && contact.tier != Tier::Listen
            && contact.tier.number() <= self.tier
            && (self.hours.is_empty() || open)
            && (requested || !(port || (fragile && !contact.resolves)))
    }

    /// The same as a value that decides.
    fn consent(&self) -> Consent {
        let mut fragile_ports = self.ports.clone();
        if !self.lab {
            fragile_ports.extend(FRAGILE_PORTS);
        }
        let request = |(host, port): &(IpAddr, u16)| Request {
            host: *host,
            probe: format!("probe_{port}"),
            ports: vec![*port],
        };
        let profile = if self.lab { Profile::Lab } else { Profile::Clinic };
        Consent {
            include: blocks(&self.include),
            exclude: blocks(&self.exclude),
            tier: Tier::of_number(self.tier).unwrap(),
            hours: Hours::new(self.hours.clone(), self.offset),
            pace: Pace::of(profile),
            fragile_ports,
            fragile_hosts: blocks(&self.fragile),
            fragile_makers: self.makers.iter().copied().map(Maker::from).collect(),
            on_request: self.requests.iter().map(request).collect(),
            responder: None,
            foreign: Foreign::default(),
        }
    }

    /// The same as the text of a facility file. Requests of hosts that are not asked are no text that is taken.
    fn text(&self) -> String {
        let ranges = |ranges: &[(IpAddr, u8)]| {
            let range =
                |(first, more): &(IpAddr, u8)| format!("\"{first}-{}\"", later(*first, *more));
            ranges.iter().map(range).collect::<Vec<_>>().join(", ")
        };
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let hours = |(from, to): &(u16, u16)| format!("\"{}-{}\"", clock(*from), clock(*to));
        let makers = self.makers.iter().map(|maker| format!("\"{}\"", Maker::from(*maker)));
        let requests = self.requests.iter().map(|(host, port)| {
            format!("{{ host = \"{host}\", probe = \"probe_{port}\", ports = [{port}] }}")
        });
        let mut text = "[facility]\nname = \"x\"\nauthorisation = \"y\"\n[scope]\n".to_owned();
        let lines = [
            ("include", ranges(&self.include)),
            ("exclude", ranges(&self.exclude)),
            ("hours", self.hours.iter().map(hours).collect::<Vec<_>>().join(", ")),
            ("on_request", requests.collect::<Vec<_>>().join(", ")),
        ];
        for (key, values) in lines {
            writeln!(text, "{key} = [{values}]").unwrap();
        }
        if self.tier == 3 {
            writeln!(text, "responder = \"198.51.100.9:3478\"").unwrap();
        }
        writeln!(text, "tier = {}", self.tier).unwrap();
        writeln!(text, "[pace]\nprofile = \"{}\"", if self.lab { "lab" } else { "clinic" })
            .unwrap();
        writeln!(text, "[fragile]\nports = {:?}", self.ports).unwrap();
        writeln!(text, "hosts = [{}]", ranges(&self.fragile)).unwrap();
        writeln!(text, "ouis = [{}]", makers.collect::<Vec<_>>().join(", ")).unwrap();
        text
    }
}

/// Addresses so few that they often meet.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        3 => (0_u8..30).prop_map(|last| Ipv4Addr::new(10, 10, 0, last).into()),
        1 => (240_u8..=255).prop_map(|last| Ipv4Addr::new(10, 10, 0, last).into()),
        2 => (0_u16..30).prop_map(|last| Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last).into()),
    ]
}

fn ranges(most: usize) -> impl Strategy<Value = Vec<(IpAddr, u8)>> {
    prop::collection::vec((address(), 0_u8..12), 0..most)
}

fn port() -> impl Strategy<Value = u16> {
    select(vec![22, 80, 102, 104, 443, 2575, 4242, 9100, 9107, 9108, 11_112])
}

fn maker() -> impl Strategy<Value = [u8; 3]> {
    select(vec![[2, 0, 0], [2, 0, 1], [0, 0x40, 0xd1]])
}

fn plain() -> impl Strategy<Value = Plain> {
    let hours = prop::collection::vec((0_u16..1440, 1_u16..1440), 0..3);
    // Parts of the day that are neither empty nor whole, so that they may be written either way.
    let hours = hours.prop_map(|all| {
        all.into_iter().map(|(from, length)| (from, (from + length) % 1440)).collect()
    });
    let sets = (ranges(5), ranges(4), ranges(3));
    let lists = (
        prop::collection::vec(port(), 0..3),
        prop::collection::vec(maker(), 0..3),
        prop::collection::btree_set((address(), port()), 0..3),
    );
    let rest = (hours, -43_200..43_200_i32, 0_u8..4, any::<bool>());
    (sets, lists, rest).prop_map(|(sets, lists, rest)| {
        let (include, exclude, fragile) = sets;
        let (ports, makers, requests) = lists;
        let (hours, offset, tier, lab) = rest;
        let requests = requests.into_iter().collect();
        Plain { include, exclude, fragile, ports, makers, hours, offset, tier, requests, lab }
    })
}

fn contact() -> impl Strategy<Value = Contact> {
    let mac = (maker(), any::<[u8; 3]>())
        .prop_map(|(maker, rest)| [maker[0], maker[1], maker[2], rest[0], rest[1], rest[2]]);
    let tier = select(Tier::ALL.to_vec());
    (address(), prop::option::of(mac), prop::option::of(port()), any::<bool>(), tier).prop_map(
        |(address, mac, port, resolves, tier)| {
            // A question for a hardware address has no port.
            let port = port.filter(|_| !resolves);
            Contact { address, mac, port, resolves, tier }
        },
    )
}

/// A moment, and the minute of the day that it is `offset` seconds ahead of UTC.
fn minute_of(second: i64, offset: i32) -> (Timestamp, u16) {
    let local = (second + i64::from(offset)).rem_euclid(86_400);
    (Timestamp::new(second, 0), u16::try_from(local / 60).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn consent_allows_what_the_plain_list_allows_and_nothing_else(
        plain in plain(),
        contacts in prop::collection::vec(contact(), 40),
        second in -100_000_i64..2_000_000_000,
    ) {
        let (moment, minute) = minute_of(second, plain.offset);
        let consent = plain.consent();
        for contact in contacts {
            let answer = consent.allows(&contact, moment);
            prop_assert_eq!(answer.is_ok(), plain.allows(&contact, minute), "{:?}: {:?}", contact, answer);
            if plain.exclude.iter().any(|range| list(&[*range]).contains(&contact.address)) {
                prop_assert_eq!(answer, Err(Refusal::Excluded(contact.address)), "an exclusion wins");
            }
        }
    }

    #[test]
    fn a_facility_file_becomes_the_consent_that_it_describes(
        mut plain in plain(),
        contacts in prop::collection::vec(contact(), 40),
        second in 0_i64..2_000_000_000,
    ) {
        let asked: BTreeSet<_> = list(&plain.include).difference(&list(&plain.exclude)).copied().collect();
        plain.requests.retain(|(host, _)| asked.contains(host));
        let facility = Facility::parse(&plain.text(), "f.toml");
        if asked.is_empty() {
            let consent = facility.map(|facility| {
                facility.consent(&Overrides::default(), &[], Some(plain.offset)).is_err()
            });
            prop_assert!(consent.unwrap_or(true), "there is nothing to ask");
            return Ok(());
        }
        let consent = facility.unwrap().consent(&Overrides::default(), &[], Some(plain.offset)).unwrap();
        if !plain.lab {
            plain.makers.extend([[0, 0x40, 0xd1]]);
        }
        let (moment, minute) = minute_of(second, plain.offset);
        for contact in contacts {
            let answer = consent.allows(&contact, moment);
            prop_assert_eq!(answer.is_ok(), plain.allows(&contact, minute), "{:?}: {:?}\n{}", contact, answer, plain.text());
        }
    }

    #[test]
    fn whatever_stands_in_a_facility_file_is_read_or_refused_with_its_name(
        key in select(KEYS.iter().flat_map(|(table, keys)| keys.iter().map(move |key| (*table, *key))).collect::<Vec<_>>()),
        value in "-?[0-9]{1,20}|\"[ -~]{0,20}\"|\\[\"[0-9a-f.:/*,-]{0,20}\"\\]|\\PC{0,20}",
    ) {
        let (table, key) = key;
        let text = match (table, key) {
            ("facility", "name") => format!("[facility]\nname = {value}\n"),
            ("facility", _) => format!("[facility]\nname = \"x\"\n{key} = {value}\n"),
            _ => format!("[facility]\nname = \"x\"\n[{table}]\n{key} = {value}\n"),
        };
        if let Err(error) = Facility::parse(&text, "f.toml") {
            prop_assert!(error.to_string().starts_with("f.toml: "), "{}: {}", text, error);
        }
    }

    #[test]
    fn targets_that_are_garbage_are_no_end(text in "[0-9a-f.:/*,# \n-]{0,60}|\\PC{0,60}") {
        if let Err(error) = target::listed(&text, "list") {
            prop_assert!(error.to_string().starts_with("list: line "), "{}", error);
        }
    }
}

#[test]
fn the_responder_is_asked_as_far_as_the_tier_goes_and_nobody_else_outside() {
    let text = "[facility]\nname = \"x\"\nauthorisation = \"y\"\n[scope]\ninclude = [\"10.10.0.0/24\"]\ntier = 3\nresponder = \"198.51.100.9:3478\"\n";
    let facility = Facility::parse(text, "f.toml").unwrap();
    let consent = facility.consent(&Overrides::default(), &[], None).unwrap();
    let nearer = Overrides { tier: Some(Tier::FirstRouter), ..Overrides::default() };
    let nearer = facility.consent(&nearer, &[], None).unwrap();
    let contact = |last: u8, port, tier| {
        let address = [198, 51, 100, last].into();
        Contact { address, mac: None, port, resolves: false, tier }
    };
    let now = Timestamp::default();
    assert_eq!(consent.allows(&contact(9, Some(3478), Tier::Responder), now), Ok(()));
    assert_eq!(consent.allows(&contact(9, None, Tier::FirstRouter), now), Ok(()));
    assert_eq!(nearer.allows(&contact(9, None, Tier::FirstRouter), now), Ok(()));
    assert_eq!(nearer.allows(&contact(9, Some(3478), Tier::Responder), now), Err(Refusal::Tier));
    for other in [
        contact(9, Some(80), Tier::Responder),
        contact(9, Some(3478), Tier::Ask),
        contact(8, Some(3478), Tier::Responder),
    ] {
        assert_eq!(
            consent.allows(&other, now),
            Err(Refusal::NotIncluded(other.address)),
            "{other:?}"
        );
    }
}

#[test]
fn what_is_asked_on_request_is_asked_of_that_host_on_those_ports_alone() {
    let text = "[facility]\nname = \"x\"\nauthorisation = \"y\"\n[scope]\ninclude = [\"10.10.0.0/24\"]\non_request = [{ host = \"10.10.0.50\", probe = \"dicom\" }]\n[fragile]\nhosts = [\"10.10.0.50\"]\n";
    let facility = Facility::parse(text, "f.toml").unwrap();
    let consent = facility.consent(&Overrides::default(), &[], None).unwrap();
    let host = |last: u8| IpAddr::from([10, 10, 0, last]);
    let allowed = |last, port| {
        let contact = Contact {
            address: host(last),
            mac: None,
            port: Some(port),
            resolves: false,
            tier: Tier::Ask,
        };
        consent.allows(&contact, Timestamp::default())
    };
    assert_eq!(consent.requested(host(50), "dicom"), [104, 2761, 2762, 11_112]);
    assert_eq!(consent.requested(host(51), "dicom"), [0_u16; 0]);
    assert_eq!(consent.requested(host(50), "hl7"), [0_u16; 0]);
    assert_eq!(allowed(50, 104), Ok(()));
    assert_eq!(allowed(50, 80), Err(Refusal::FragileHost(host(50))));
    assert_eq!(allowed(50, 9100), Err(Refusal::FragilePort(9100)));
    assert_eq!(allowed(51, 104), Err(Refusal::FragilePort(104)));
}

#[test]
fn makers_that_signatures_call_medical_are_fragile() {
    let signatures = Signatures::built_in().unwrap();
    let rules =
        signatures.iter().filter(|signature| signature.role == "medical").flat_map(|s| &s.rules);
    let mut seen = 0;
    for rule in rules {
        let Condition::Oui(prefixes) = &rule.condition else { continue };
        for prefix in prefixes {
            let maker: Maker = prefix.parse().unwrap();
            let known = Maker::built_in().iter().any(|(known, _)| *known == maker);
            assert!(known, "{}: {maker} is not in signatures/fragile-makers.tsv", rule.id);
            seen += 1;
        }
    }
    assert!(seen >= 20, "only {seen} prefixes");
}

#[test]
fn every_key_stands_on_the_page_and_the_page_s_example_is_taken() {
    let page = fs::read_to_string(Path::new("docs/scope.md")).unwrap();
    for (table, keys) in KEYS {
        for key in *keys {
            let row = format!("| `[{table}]` `{key}` |");
            assert!(page.contains(&row), "docs/scope.md has no row that begins {row}");
        }
    }
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let facility = Facility::parse(example, "docs/scope.md").unwrap();
    let consent = facility.consent(&Overrides::default(), &[], Some(0)).unwrap();
    assert_eq!(consent.pace, Pace::of(Profile::Clinic), "the example says what the profile says");
    for port in FRAGILE_PORTS {
        let named = page.contains(&format!("{port}")) || (9101..=9106).contains(&port);
        assert!(named, "docs/scope.md does not name the fragile port {port}");
    }
}
