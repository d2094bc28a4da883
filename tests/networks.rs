//! Networks in text files: each answers as its lines say, and each says what a scan of it must give.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read should fail the test")]

#[path = "networks/expectation.rs"]
mod expectation;
#[path = "networks/scan.rs"]
mod scan;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use expectation::{Expectation, FoundPoint, Outcome};
use hex_literal::hex;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sekisho::{
    correlate::{self, Grade},
    fingerprint::{Matcher, Signatures},
    link::{Act, Call, CallId, Event, Link as _, Refused, What, sim::Sim},
    observe::{
        Endpoint, Facts, Finding, Heard, Observation, PROTOCOLS, PacketId, Said, Side, Transport,
    },
    scope::{Facility, Tier, Vantage},
    time::Timestamp,
    wire::{
        arp::{self, Arp},
        ethernet::{self, Frame, Kind},
        icmp, ipv4,
        tcp::{self, flag},
        udp,
        x509::Certificate,
    },
};
use serde::Deserialize;

const OURS: [u8; 6] = [2, 0, 0, 0, 0, 0xfa];

/// A network and what a scan of it must give.
struct Case {
    name: String,
    text: String,
    facility: String,
    vantage: Vantage,
    expect: Expectation,
}

#[derive(Deserialize)]
struct Beside {
    facility: String,
    #[serde(default)]
    vantage: Vantage,
    expect: Expectation,
}

/// Every network in `fixtures/networks`.
fn cases() -> Vec<Case> {
    let folder = PathBuf::from("fixtures/networks");
    let mut cases = Vec::new();
    for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".toml").filter(|name| !name.contains('.')) else {
            continue;
        };
        let text = fs::read_to_string(&path).unwrap();
        let expect = folder.join(format!("{name}.expect.toml"));
        let Beside { facility, vantage, expect } = if expect.exists() {
            let facility = folder.join(format!("{name}.facility.toml"));
            let expect = fs::read_to_string(expect).unwrap();
            Beside {
                facility: fs::read_to_string(facility).unwrap(),
                vantage: Vantage::default(),
                expect: toml::from_str(&expect).unwrap_or_else(|e| panic!("{name}: {e}")),
            }
        } else {
            toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        cases.push(Case { name: name.to_owned(), text, facility, vantage, expect });
    }
    cases
}

fn sim(name: &str) -> Sim {
    let file = format!("fixtures/networks/{name}.toml");
    Sim::parse(&fs::read_to_string(&file).unwrap(), &file).unwrap()
}

/// A network of one link and these hosts.
fn small(hosts: &str) -> Sim {
    let text = format!(
        "origin = \"this test\"\nsegment = [{{ name = \"link\", prefixes = [\"10.0.0.0/24\", \
         \"fe80::/64\"], interface = {{ name = \"link\", mac = \"02:00:00:00:00:fa\", addresses = \
         [\"10.0.0.250\", \"fe80::fa\"] }} }}]\n{hosts}"
    );
    Sim::parse(&text, "small.toml").unwrap()
}

fn soon(sim: &Sim) -> Timestamp {
    sim.now().after(Duration::from_mins(1))
}

fn call(id: u32, to: &str, transport: Transport) -> Call {
    let to = to.parse().unwrap();
    Call { id: CallId(id), to, transport, probe: "test", tier: Tier::Ask }
}

/// Opens a conversation, says each thing when the one before was answered, and gives what was heard.
fn talk(sim: &mut Sim, id: u32, to: &str, transport: Transport, says: &[&[u8]]) -> Vec<u8> {
    sim.send(Act::Open(call(id, to, transport))).unwrap();
    let mut says = says.iter();
    let mut heard = Vec::new();
    let until = sim.now().after(Duration::from_secs(30));
    while let Some(Event { what, .. }) = sim.wait(until) {
        match what {
            What::Heard { bytes, .. } => heard.extend(bytes),
            What::Opened { .. } => {}
            What::Ended { .. } | What::Refused { .. } => break,
            other => panic!("{other:?}"),
        }
        // Servers that greet are let to greet before they are asked.
        if let Some(bytes) = says.next() {
            sim.send(Act::Say { id: CallId(id), bytes }).unwrap();
        }
    }
    sim.send(Act::Close { id: CallId(id) }).unwrap();
    heard
}

/// Whoever answers is believed.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::ring::default_provider();
        provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The certificate, and what is heard inside TLS in answer to `question`. `before` goes before TLS.
fn talk_tls(
    sim: &mut Sim,
    id: u32,
    to: &str,
    before: Option<&[u8]>,
    question: &[u8],
) -> (Vec<u8>, Vec<u8>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    let name = ServerName::try_from("server.example").unwrap();
    let mut tls = ClientConnection::new(Arc::new(config), name).unwrap();
    tls.writer().write_all(question).unwrap();
    let id = CallId(id);
    sim.send(Act::Open(call(id.0, to, Transport::Tcp))).unwrap();
    let until = sim.now().after(Duration::from_secs(30));
    let mut clear = Vec::new();
    let mut began = before.is_none();
    while let Some(Event { what, .. }) = sim.wait(until) {
        match what {
            What::Opened { .. } => {
                if let Some(bytes) = before {
                    sim.send(Act::Say { id, bytes }).unwrap();
                }
            }
            What::Heard { .. } if !began => began = true,
            What::Heard { bytes, .. } => {
                let mut bytes = bytes.as_slice();
                while !bytes.is_empty() {
                    tls.read_tls(&mut bytes).unwrap();
                    let state = tls.process_new_packets().unwrap();
                    let mut part = vec![0; state.plaintext_bytes_to_read()];
                    tls.reader().read_exact(&mut part).unwrap();
                    clear.extend(part);
                }
            }
            _ => break,
        }
        let mut out = Vec::new();
        while began && tls.wants_write() {
            tls.write_tls(&mut out).unwrap();
        }
        if !out.is_empty() {
            sim.send(Act::Say { id, bytes: &out }).unwrap();
        }
    }
    sim.send(Act::Close { id }).unwrap();
    let certificate = tls.peer_certificates().unwrap().first().unwrap().to_vec();
    (certificate, clear)
}

fn arp_question(target: [u8; 4]) -> Vec<u8> {
    let question = Arp {
        operation: arp::REQUEST,
        sender_mac: OURS,
        sender: [10, 0, 0, 250].into(),
        target_mac: [0; 6],
        target: target.into(),
    };
    frame([0xff; 6], ethernet::ARP, &question.emit())
}

fn frame(destination: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    let kind = Kind::Type(kind);
    Frame { destination, source: OURS, vlan: None, kind, payload }.emit()
}

fn packet(mac: [u8; 6], to: [u8; 4], ttl: u8, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let packet = ipv4::Packet { time_to_live: ttl, ..bare(to, protocol, payload) };
    frame(mac, ethernet::IPV4, &packet.emit())
}

fn bare(to: [u8; 4], protocol: u8, payload: &[u8]) -> ipv4::Packet<'_> {
    ipv4::Packet {
        source: [10, 0, 0, 250].into(),
        destination: to.into(),
        time_to_live: 64,
        protocol,
        identification: 1,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        options: &[],
        payload,
        missing: 0,
    }
}

fn syn(to: [u8; 4], port: u16) -> Vec<u8> {
    let segment = tcp::Segment {
        source: 40_000,
        destination: port,
        sequence: 7,
        acknowledgement: 0,
        flags: flag::SYN,
        window: 1024,
        options: &[],
        payload: &[],
    };
    segment.emit(&bare(to, tcp::NUMBER, &[]).pseudo_header(20))
}

fn send_frame(sim: &mut Sim, bytes: &[u8]) -> Option<Vec<u8>> {
    sim.send(Act::Frame { interface: 0, bytes, probe: "test", tier: Tier::Ask }).unwrap();
    match sim.wait(soon(sim))?.what {
        What::Frame { interface: 0, bytes } => Some(bytes),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_network_is_read_and_says_what_a_scan_gives() {
    let cases = cases();
    assert!(cases.len() > 13, "only {} networks", cases.len());
    for Case { name, text, facility, expect, .. } in cases {
        let sim = Sim::parse(&text, &name).unwrap_or_else(|error| panic!("{error}"));
        assert!(sim.addresses() > 0, "{name}");
        let facility = Facility::parse(&facility, &name).unwrap_or_else(|e| panic!("{e}"));
        for wanted in &expect.point {
            let foreign = match wanted.address {
                IpAddr::V4(v4) => facility.foreign.network_of(v4).is_some(),
                IpAddr::V6(_) => false,
            };
            let own = facility.outside.iter().any(|network| network.contains(wanted.address));
            let known = facility.inside.contains(wanted.address) || foreign || own;
            assert!(known, "{name}: {wanted:?}");
        }
        let missing = expect.faults(&Outcome::default(), &sim, facility.tier).len();
        let wanted = expect.wanted(facility.tier).count();
        assert!(missing >= wanted, "{name}: nothing is found, and nothing is missed");
    }
}

#[test]
fn the_hospital_is_as_large_as_it_says() {
    let sim = Sim::hospital().unwrap();
    assert_eq!(sim.addresses(), 1200);
    let hospital = cases().into_iter().find(|case| case.name == "hospital").unwrap();
    assert_eq!(hospital.expect.point.len(), 32);
    assert_eq!(Sim::hospital_facility(), hospital.facility);
}

/// Something that a host of the hospital is asked, and what its answer must tell.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    to: String,
    transport: Transport,
    /// Inside TLS: what is asked before TLS begins, in hexadecimal; empty where it begins at once.
    tls: Option<String>,
    #[serde(default)]
    asks: String,
    /// The same in hexadecimal.
    #[serde(default)]
    hex: String,
    protocol: String,
    field: String,
    value: String,
}

fn bytes_of(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// Asks hosts of the hospital one by one, and gives what was observed and what was not understood.
fn asked(sim: &mut Sim) -> (Vec<Observation>, Vec<String>) {
    #[derive(Deserialize)]
    struct Answers {
        answer: Vec<Answer>,
    }
    let text = fs::read_to_string("fixtures/networks/hospital.answers.toml").unwrap();
    let Answers { answer } = toml::from_str(&text).unwrap();
    assert!(answer.len() >= 30, "only {} answers", answer.len());
    let (mut observations, mut faults) = (Vec::new(), Vec::new());
    for (id, answer) in (1..).zip(&answer) {
        let question = match answer.hex.as_str() {
            "" => answer.asks.clone().into_bytes(),
            digits => bytes_of(digits),
        };
        let to = answer.to.parse::<SocketAddr>().unwrap();
        let (certificate, heard) = match &answer.tls {
            None if question.is_empty() => {
                (Vec::new(), talk(sim, id, &answer.to, answer.transport, &[]))
            }
            None => (Vec::new(), talk(sim, id, &answer.to, answer.transport, &[&question])),
            Some(before) => {
                let before = bytes_of(before);
                let before = (!before.is_empty()).then_some(before.as_slice());
                talk_tls(sim, id, &answer.to, before, &question)
            }
        };
        if answer.protocol == "tls" {
            let names = Certificate::parse(&certificate).unwrap();
            let subject = names.subject.to_string();
            if !subject.contains(&answer.value) {
                faults.push(format!("{answer:?}: the certificate says {subject}"));
            }
            let facts = Facts::default().with("tls.cert.subject", subject);
            observations.push(observed(
                sim.now(),
                to,
                answer.transport,
                "tls",
                Finding::certain(Side::Server, facts),
            ));
            continue;
        }
        let protocol = PROTOCOLS.iter().find(|protocol| protocol.name == answer.protocol).unwrap();
        let said = match answer.transport {
            Transport::Udp => Said::datagram(to.port(), 40_000, &heard),
            _ => Said::stream(to.port(), 40_000, &heard),
        };
        match (protocol.read)(&Said { answering: &question, open: false, ..said }) {
            Ok(finding) if finding.facts.all(&answer.field).any(|v| v.contains(&answer.value)) => {
                observations.push(observed(
                    sim.now(),
                    to,
                    answer.transport,
                    protocol.name,
                    finding,
                ));
            }
            other => faults.push(format!("{answer:?}: {other:?} in {heard:02x?}")),
        }
    }
    (observations, faults)
}

fn observed(
    at: Timestamp,
    from: SocketAddr,
    transport: Transport,
    protocol: &'static str,
    finding: Finding,
) -> Observation {
    let end = |ip: SocketAddr| Endpoint {
        ip: Some(ip.ip()),
        mac: None,
        port: Some(ip.port()),
        transport,
    };
    Observation {
        at,
        packet: PacketId::default(),
        heard: Heard::Replied,
        speaker: end(from),
        listener: Some(end(SocketAddr::from(([10, 10, 0, 250], 40_000)))),
        protocol,
        side: finding.side,
        confidence: finding.confidence,
        facts: finding.facts,
    }
}

#[test]
fn what_the_hospital_says_makes_its_points() {
    let mut sim = Sim::hospital().unwrap();
    let (observations, faults) = asked(&mut sim);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    let mut hospital = cases().into_iter().find(|case| case.name == "hospital").unwrap();
    // What answers nothing is not asked one by one.
    hospital.expect.point.retain(|wanted| !wanted.hidden);
    let facility = Facility::parse(&hospital.facility, "hospital").unwrap();
    let signatures = Signatures::built_in().unwrap();
    let points = correlate::points(&correlate::Heard {
        observations: &observations,
        inside: &facility.inside,
        vantages: &[],
        matcher: &Matcher::new(&signatures),
        packet: &|id| format!("hospital#{}", id.number),
    });
    let points = points.iter().map(FoundPoint::from).collect();
    let outcome = Outcome { points, observations, ..Outcome::default() };
    let faults = hospital.expect.faults(&outcome, &sim, facility.tier);
    // The image archive is not asked, so its ports are untouched.
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_host_tells_its_hardware_address() {
    let mut sim = sim("excluded");
    let answer = send_frame(&mut sim, &arp_question([10, 0, 0, 4])).unwrap();
    let answer = Frame::parse(&answer).unwrap();
    assert_eq!((answer.destination, answer.source), (OURS, hex!("020000000004")));
    let told = Arp::parse(answer.payload).unwrap();
    assert_eq!((told.operation, told.sender_mac), (arp::REPLY, hex!("020000000004")));
    assert_eq!(send_frame(&mut sim, &arp_question([10, 0, 0, 99])), None);
    let counts = ["10.0.0.4", "10.0.0.99", "10.0.0.5"].map(|ip| sim.count(ip.parse().unwrap()));
    assert_eq!(counts.map(|count| count.resolving), [1, 1, 0]);
}

#[test]
fn a_neighbour_tells_its_hardware_address() {
    use sekisho::wire::{ipv6, ndp};
    let mut sim = small("[[host]]\naddresses = [\"fe80::1\"]\nmac = \"02:00:00:00:00:01\"\n");
    let (ours, target): (std::net::Ipv6Addr, _) =
        ("fe80::fa".parse().unwrap(), "fe80::1".parse().unwrap());
    let group = "ff02::1:ff00:1".parse().unwrap();
    let question = ndp::ask_neighbor(ours, group, target, OURS);
    let packet = ipv6::Packet {
        source: ours,
        destination: group,
        hop_limit: 255,
        protocol: 58,
        fragment: None,
        payload: &question,
        missing: 0,
    };
    let asked = frame(hex!("3333ff000001"), ethernet::IPV6, &packet.emit());
    let answer = send_frame(&mut sim, &asked).unwrap();
    let answer = ipv6::Packet::parse(Frame::parse(&answer).unwrap().payload).unwrap();
    let told = ndp::Ndp::parse(answer.payload).unwrap();
    assert_eq!(told.message, ndp::Message::NeighborAdvertisement { flags: 0x60, target });
    assert_eq!(told.extras(), [ndp::Extra::TargetMac(hex!("020000000001"))]);
    assert_eq!(sim.count(target.into()).resolving, 1);
}

#[test]
fn open_ports_greet_and_closed_ones_refuse() {
    let mac = hex!("020000000004");
    let mut sim = sim("excluded");
    for (port, flags) in [(5900, flag::SYN | flag::ACK), (23, flag::RST | flag::ACK)] {
        let to = [10, 0, 0, 4];
        let asked = packet(mac, to, 64, tcp::NUMBER, &syn(to, port));
        let answer = send_frame(&mut sim, &asked).unwrap();
        let answer = ipv4::Packet::parse(Frame::parse(&answer).unwrap().payload).unwrap();
        let segment = tcp::Segment::parse(answer.payload).unwrap();
        assert_eq!((segment.source, segment.destination), (port, 40_000));
        assert_eq!((segment.flags, segment.acknowledgement), (flags, 8), "port {port}");
    }
    assert_eq!(sim.count([10, 0, 0, 4].into()).packets, 2);
}

#[test]
fn a_router_lowers_what_it_forwards_and_tells_what_came_too_far() {
    let router = hex!("020000000001");
    let mut sim = sim("silent_subnet");
    let echo = icmp::echo(1, 1, b"sekisho");
    let mut ask = |to: [u8; 4], ttl| {
        let answer = send_frame(&mut sim, &packet(router, to, ttl, 1, &echo))?;
        let answer = Frame::parse(&answer).unwrap();
        assert_eq!(answer.source, router, "answers come from the router");
        let packet = ipv4::Packet::parse(answer.payload).unwrap();
        let kind = icmp::Icmp::parse(packet.payload).unwrap().kind;
        Some((IpAddr::from(packet.source), kind, packet.time_to_live))
    };
    let (near, far) = ([10, 0, 0, 1].into(), IpAddr::from([10, 0, 1, 20]));
    assert_eq!(ask([10, 0, 1, 20], 64), Some((far, icmp::ECHO_REPLY, 63)));
    assert_eq!(ask([10, 0, 1, 20], 1), Some((near, icmp::TIME_EXCEEDED, 255)));
    assert_eq!(ask([10, 0, 1, 21], 64), None, "nothing comes from what is not there");
}

#[test]
fn conversations_are_opened_refused_or_left_without_an_answer() {
    let mut sim = small(
        "[[host]]\naddresses = [\"10.0.0.1\"]\n[[host.tcp]]\nport = 22\ngreets = \"SSH-2.0-x\\r\\n\"\n\
         [[host]]\naddresses = [\"10.0.0.2\"]\nclosed = \"drop\"\n",
    );
    let began = sim.now();
    let mut first = |id, to: &str, transport| {
        sim.send(Act::Open(call(id, to, transport))).unwrap();
        if transport == Transport::Udp {
            sim.wait(soon(&sim));
            sim.send(Act::Say { id: CallId(id), bytes: b"?" }).unwrap();
        }
        sim.wait(soon(&sim)).map(|event| event.what)
    };
    let refused = |id, how| Some(What::Refused { id: CallId(id), how });
    let opened = first(1, "10.0.0.1:22", Transport::Tcp);
    assert!(
        matches!(opened, Some(What::Opened { id: CallId(1), from }) if from.ip() == IpAddr::from([10, 0, 0, 250]))
    );
    assert_eq!(
        first(2, "10.0.0.1:23", Transport::Tcp),
        Some(What::Heard { id: CallId(1), bytes: b"SSH-2.0-x\r\n".to_vec() })
    );
    assert_eq!(first(3, "10.0.0.2:22", Transport::Tcp), refused(2, Refused::Port));
    assert_eq!(first(4, "10.0.0.9:22", Transport::Tcp), refused(4, Refused::Unreachable));
    assert_eq!(first(5, "10.0.0.1:161", Transport::Udp), refused(5, Refused::Port));
    assert_eq!(first(6, "10.0.0.2:161", Transport::Udp), None);
    assert!(sim.now().since(began) > 3_000_000_000, "the clock went on by itself");
    let outside = call(7, "192.0.2.1:22", Transport::Tcp);
    assert!(sim.send(Act::Open(outside)).unwrap_err().to_string().contains("no route"));
}

#[test]
fn the_first_question_is_missed_and_the_second_answered() {
    let mut sim = sim("misses_the_first_question");
    let to = "10.0.0.1:5351";
    assert_eq!(talk(&mut sim, 1, to, Transport::Udp, &[&[0, 0]]), b"");
    assert_eq!(talk(&mut sim, 2, to, Transport::Udp, &[&[0, 0]])[..2], [0, 0x80]);
}

#[test]
fn a_host_in_distress_is_slow_and_then_silent() {
    let mut sim = small(
        "[[host]]\naddresses = [\"10.0.0.1\"]\ndistress = 3\nudp = [{ port = 7, rule = [{ answer = { hex = \"{0..}\" } }] }]\n",
    );
    let mut delay = |id| {
        sim.send(Act::Open(call(id, "10.0.0.1:7", Transport::Udp))).unwrap();
        sim.wait(soon(&sim)).unwrap();
        let asked = sim.now();
        sim.send(Act::Say { id: CallId(id), bytes: b"echo" }).unwrap();
        let heard = sim.wait(soon(&sim))?;
        assert_eq!(heard.what, What::Heard { id: CallId(id), bytes: b"echo".to_vec() });
        Some(heard.at.since(asked) / 1_000_000)
    };
    let delays: Vec<_> = (1..=7).map(&mut delay).collect();
    assert_eq!(delays[..3], [Some(1); 3]);
    assert_eq!(delays[3..6], [Some(2001); 3]);
    assert_eq!(delays[6], None);
    assert_eq!(sim.harmed().len(), 1);
}

#[test]
fn fragile_equipment_answers_arp_and_nothing_after_anything_else() {
    let mut sim = sim("fragile_maker");
    assert!(send_frame(&mut sim, &arp_question([10, 0, 0, 7])).is_some());
    assert!(sim.harmed().is_empty());
    let echo = packet(hex!("0040d1000007"), [10, 0, 0, 7], 64, 1, &icmp::echo(1, 1, b""));
    assert_eq!(send_frame(&mut sim, &echo), None);
    assert_eq!(sim.harmed(), [("modality", IpAddr::from([10, 0, 0, 7]))]);
    assert!(send_frame(&mut sim, &arp_question([10, 0, 0, 7])).is_none());
}

#[test]
fn every_nth_packet_is_lost_and_a_stream_says_it_again() {
    let mut sim = small(
        "[[host]]\naddresses = [\"10.0.0.1\"]\nloses = 2\nudp = [{ port = 7, rule = [{ answer = { hex \
         = \"{0..}\" } }] }]\ntcp = [{ port = 7, rule = [{ answer = { hex = \"{0..}\" } }] }]\n",
    );
    let heard: Vec<usize> = (1..=4)
        .map(|id| talk(&mut sim, id, "10.0.0.1:7", Transport::Udp, &[b"echo"]).len())
        .collect();
    assert_eq!(heard, [4, 0, 4, 0]);
    let began = sim.now();
    sim.send(Act::Open(call(5, "10.0.0.1:7", Transport::Tcp))).unwrap();
    sim.wait(soon(&sim)).unwrap();
    sim.send(Act::Say { id: CallId(5), bytes: b"echo" }).unwrap();
    assert!(matches!(sim.wait(soon(&sim)).unwrap().what, What::Heard { .. }));
    assert_eq!(sim.now().since(began) / 1_000_000, 1002, "one second and two ways");
}

#[test]
fn without_the_right_to_frames_there_are_no_interfaces() {
    let text = "origin = \"a test\"\nframes = false\nsegment = [{ name = \"link\", prefixes = \
                [\"10.0.0.0/24\"], interface = { name = \"l\", mac = \"02:00:00:00:00:fa\", addresses = \
                [\"10.0.0.250\"] } }]\nhost = [{ addresses = [\"10.0.0.1\"], tcp = [{ port = 9 }] }]\n";
    let mut sim = Sim::parse(text, "n.toml").unwrap();
    assert!(sim.interfaces().is_empty());
    let bytes = &arp_question([10, 0, 0, 1]);
    let act = Act::Frame { interface: 0, bytes, probe: "test", tier: Tier::Ask };
    assert!(sim.send(act).unwrap_err().to_string().contains("no interface 0"));
    sim.send(Act::Open(call(1, "10.0.0.1:9", Transport::Tcp))).unwrap();
    assert!(matches!(sim.wait(soon(&sim)).unwrap().what, What::Opened { .. }));
}

#[test]
fn what_is_said_to_everybody_is_answered_by_those_who_serve_it() {
    let mut sim = Sim::hospital().unwrap();
    let datagram = udp::Datagram { source: 40_000, destination: 1900, payload: b"M-SEARCH *" };
    let group = [239, 255, 255, 250];
    let ours = [10, 10, 0, 250].into();
    let asked = ipv4::Packet { source: ours, ..bare(group, udp::NUMBER, &[]) };
    let payload = datagram.emit(&asked.pseudo_header(18));
    let asked = ipv4::Packet { time_to_live: 4, payload: &payload, ..asked };
    let asked = frame(hex!("01005e7ffffa"), ethernet::IPV4, &asked.emit());
    let answer = send_frame(&mut sim, &asked).unwrap();
    let answer = ipv4::Packet::parse(Frame::parse(&answer).unwrap().payload).unwrap();
    assert_eq!(answer.source, std::net::Ipv4Addr::new(10, 10, 0, 2));
    let said = udp::Datagram::parse(answer.payload).unwrap();
    assert!(said.source == 1900 && said.destination == 40_000);
    assert!(said.payload.starts_with(b"HTTP/1.1 200 OK"));
    assert_eq!(sim.wait(soon(&sim)), None, "nobody else serves it");
}

#[test]
fn the_user_can_want_an_end() {
    let mut sim = small("");
    let moment = sim.now().after(Duration::from_secs(5));
    sim.stop_at(moment);
    assert_eq!(sim.wait(soon(&sim)), Some(Event { at: moment, what: What::Stop }));
}

#[test]
fn a_server_that_never_ends_goes_on_until_it_is_left() {
    let mut sim = sim("endless_banner");
    sim.send(Act::Open(call(1, "10.0.0.11:22", Transport::Tcp))).unwrap();
    let mut heard = 0;
    while heard < 1 << 20 {
        if let What::Heard { bytes, .. } = sim.wait(soon(&sim)).unwrap().what {
            heard += bytes.len();
        }
    }
    sim.send(Act::Close { id: CallId(1) }).unwrap();
    assert_eq!(sim.wait(soon(&sim)), None, "nothing is heard after the end");
}

#[test]
fn what_is_said_five_times_is_heard_five_times() {
    let mut sim = sim("duplicates");
    assert_eq!(talk(&mut sim, 1, "10.0.0.19:5351", Transport::Udp, &[&[0, 0]]).len(), 5 * 12);
}

#[test]
fn pages_are_given_by_path_and_method() {
    let mut sim = sim("redirect_loop");
    let mut get = |id, path: &str| {
        let asked = format!("GET {path} HTTP/1.1\r\nHost: 10.0.0.13\r\n\r\n");
        let heard = talk(&mut sim, id, "10.0.0.13:80", Transport::Tcp, &[asked.as_bytes()]);
        String::from_utf8(heard).unwrap()
    };
    assert!(get(1, "/").starts_with("HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n"));
    assert!(get(2, "/b?q").contains("Location: /a\r\n"));
    assert!(get(3, "/nothing").starts_with("HTTP/1.1 404 Not Found\r\n"));
}

#[test]
fn a_page_in_another_encoding_and_a_packed_one_are_as_their_lines_say() {
    let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let titles = talk(&mut sim("titles"), 1, "10.0.0.15:80", Transport::Tcp, &[get]);
    let shift_jis = hex!("95618940838b815b835e90dd92e8");
    assert!(titles.windows(shift_jis.len()).any(|window| window == shift_jis));
    let bomb = talk(&mut sim("gzip_bomb"), 1, "10.0.0.14:80", Transport::Tcp, &[get]);
    let body = bomb.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let mut page = Vec::new();
    flate2::read::GzDecoder::new(&bomb[body..]).read_to_end(&mut page).unwrap();
    assert!(page.len() > 400 * (bomb.len() - body), "{} in {}", page.len(), bomb.len());
}

#[test]
fn the_same_acts_give_the_same_events() {
    let run = || {
        let mut sim = Sim::hospital().unwrap();
        let mut heard = Vec::new();
        for (id, port) in (1..).zip([500, 1701, 5351, 161, 1900]) {
            for last in 1..30_u8 {
                let (id, to) = (id * 100 + u32::from(last), format!("10.10.0.{last}:{port}"));
                sim.send(Act::Open(call(id, &to, Transport::Udp))).unwrap();
                sim.send(Act::Say { id: CallId(id), bytes: &[0, 0] }).unwrap();
            }
        }
        while let Some(event) = sim.wait(soon(&sim)) {
            heard.push(event);
        }
        (heard, sim.now())
    };
    let (first, second) = (run(), run());
    assert!(first.0.len() > 100);
    assert_eq!(first, second);
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_line_value_and_fix() {
    let segment = "segment = [{ name = \"link\", prefixes = [\"10.0.0.0/24\"], interface = { name = \"l\", mac = \"02:00:00:00:00:fa\", addresses = [\"10.0.0.250\"] } }]\n";
    let faults = [
        ("[[host]]\naddresses = [\"10.0.0.1\"]\nadress = 1\n", "unknown field `adress`"),
        ("[[host]]\naddresses = [\"10.0.1.1\"]\n", "line 4: `10.0.1.1` is in no segment"),
        (
            "[[host]]\naddresses = [\"10.0.0.1\"]\n[[host]]\naddresses = [\"10.0.0.1\"]\n",
            "`10.0.0.1` belongs to two hosts",
        ),
        ("[[host]]\naddresses = [\"10.0.0.1\"]\nclass = \"pc\"\n", "line 5: `pc` is no class"),
        (
            "[[host]]\naddresses = [\"10.0.0.1\"]\nudp = [{ port = 9, rule = [{ answer = { hex = \"0g\" } }] }]\n",
            "`0g` is no hexadecimal byte",
        ),
        (
            "[[host]]\naddresses = [\"10.0.0.1\"]\ntcp = [{ port = 443, tls = { certificate = \"mine\" } }]\n",
            "`mine` is no certificate; there are anydesk, ",
        ),
        (
            "[[host]]\naddresses = [\"10.0.0.1\"]\nudp = [{ port = 9, drips = \"x\" }]\n",
            "are for TCP",
        ),
        ("[[farm]]\nfirst = \"10.0.0.1\"\n", "it needs `first` and `count`"),
    ];
    for (hosts, wanted) in faults {
        let text = format!("origin = \"a test\"\n{segment}{hosts}");
        let Err(error) = Sim::parse(&text, "n.toml") else { panic!("{hosts} is taken") };
        let error = error.to_string();
        assert!(error.starts_with("n.toml: ") && error.contains(wanted), "{error}");
        assert!(error.contains("line "), "{error}");
    }
}

#[test]
fn an_expectation_tells_every_fault() {
    let expect: Expectation = toml::from_str(
        "point = [{ kind = \"vpn_gateway\", address = \"10.0.0.1\", vendor = \"Acme\" }]\n\
         untouched = [\"10.0.0.7\"]\nunharmed = true\narp_only = [\"10.0.0.8\"]\n\
         most_packets = { \"10.0.0.8\" = 0 }\nuntouched_ports = [104]\nwithin_seconds = 1\n",
    )
    .unwrap();
    let found = |vendor: &str| FoundPoint {
        kind: correlate::Kind::VpnGateway,
        addresses: [IpAddr::from([10, 0, 0, 1])].into(),
        vendor: Some(vendor.to_owned()),
        product: None,
        grade: Grade::Corroborated,
        outside: [IpAddr::from([203, 0, 113, 2])].into(),
        lines: 1,
        macs: [].into(),
        services: 0,
    };
    let mut sim = sim("fragile_maker");
    let right = Outcome { points: vec![found("Acme")], ..Outcome::default() };
    assert_eq!(expect.faults(&right, &sim, Tier::Ask), Vec::<String>::new());
    sim.send(Act::Open(call(1, "10.0.0.7:104", Transport::Tcp))).unwrap();
    sim.send(Act::Open(call(2, "10.0.0.8:80", Transport::Tcp))).unwrap();
    let took = Duration::from_secs(2);
    let wrong = Outcome { points: vec![found("Other")], took, ..Outcome::default() };
    let faults = expect.faults(&wrong, &sim, Tier::Ask).join("\n");
    for word in [
        "missing",
        "wrong",
        "10.0.0.7 was touched",
        "10.0.0.7:104 was touched",
        "harmed",
        "more than ARP",
        "0 are enough",
        "it took 2s",
    ] {
        assert!(faults.contains(word), "{word} is not in {faults}");
    }
}

#[test]
fn an_expectation_names_grades_outside_addresses_and_tiers() {
    let expect: Expectation = toml::from_str(
        "point = [{ kind = \"internet_gateway\", address = \"10.0.0.1\", grade = \"proved\", outside = \
         [\"203.0.113.2\"], tiers = [2, 3] }]\nno_point = [\"10.0.0.7\"]\nunsure = [\"10.0.0.1\", \"10.0.0.2\"]\n",
    )
    .unwrap();
    let sim = small("");
    let found = |last: u8, grade, outside: u8| FoundPoint {
        kind: correlate::Kind::InternetGateway,
        addresses: [IpAddr::from([10, 0, 0, last])].into(),
        vendor: None,
        product: None,
        grade,
        outside: [IpAddr::from([203, 0, 113, outside])].into(),
        lines: 1,
        macs: [].into(),
        services: 0,
    };
    let faults = |points: &[FoundPoint], tier| {
        let outcome = Outcome { points: points.to_vec(), ..Outcome::default() };
        expect.faults(&outcome, &sim, tier).len()
    };
    let (inferred, proved) = (Grade::Inferred, Grade::Proved);
    assert_eq!(faults(&[found(1, proved, 2)], Tier::FirstRouter), 0);
    assert_eq!(faults(&[found(1, inferred, 2)], Tier::FirstRouter), 1, "it is not proved");
    assert_eq!(faults(&[found(1, proved, 3)], Tier::FirstRouter), 2, "it leads elsewhere");
    assert_eq!(faults(&[], Tier::FirstRouter), 1);
    assert_eq!(faults(&[], Tier::Ask), 0);
    assert_eq!(faults(&[found(2, inferred, 2)], Tier::Ask), 0, "nobody can be sure");
    assert_eq!(faults(&[found(2, proved, 2)], Tier::Ask), 1, "nor can this");
    assert_eq!(faults(&[found(7, inferred, 2)], Tier::Ask), 1);
}
