//! A run is written down so that it can be read like any capture, told from its own questions, and gone on with.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what cannot be set up should fail the test"
)]

use std::{
    collections::VecDeque,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use pcap_parser::{PcapBlockOwned, PcapError, pcapng::Block};
use sekisho::{
    correlate::coverage,
    link::{
        Act, Call, CallId, Event, Interface, Link, Refused, Speaker, What,
        journal::{self, Journal, Question},
        record::{self, Recorder},
    },
    observe::{Heard, Mac, Transport},
    passive::{self, Replay},
    scope::{Refusal, Tier},
    time::Timestamp,
    wire::{
        arp::{self, Arp},
        ethernet::{self, Frame, Kind},
    },
};

const PLAN: &str = r#"{"seed": 7, "name": "関所"}"#;

const OUR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
const ITS_MAC: [u8; 6] = [0, 0, 0x5e, 0, 0x53, 1];
const BROADCAST: [u8; 6] = [0xff; 6];

/// A network that does what it was told beforehand.
struct Script {
    now: Timestamp,
    interfaces: Vec<Interface>,
    events: VecDeque<What>,
}

impl Script {
    fn new() -> Self {
        let interface = Interface {
            name: "eth0".to_owned(),
            mac: Some(Mac(OUR_MAC)),
            addresses: vec!["10.0.0.9/24".parse().unwrap()],
            mtu: 1500,
            up: true,
            loopback: false,
        };
        let now = Timestamp::new(1_775_003_405, 0);
        Self { now, interfaces: vec![interface], events: VecDeque::new() }
    }
}

impl Link for Script {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn send(&mut self, _: Act<'_>) -> Result<(), Refusal> {
        self.now = self.now.after(Duration::from_millis(50));
        Ok(())
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        let what = self.events.pop_front();
        self.now = if what.is_some() { self.now.after(Duration::from_millis(5)) } else { until };
        what.map(|what| Event { at: self.now, what })
    }

    fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }
}

/// What happens in a conversation.
enum Happens<'a> {
    Opens,
    We(&'a [u8]),
    They(&'a [u8]),
    InClear(Speaker, &'a [u8]),
    Refuses(Refused),
    Ends,
    Closes,
}

/// A recorder that is told which events come; a recorded link is not ours to reach into.
struct Run {
    recorder: Recorder<Shared>,
    script: std::rc::Rc<std::cell::RefCell<Script>>,
}

struct Shared {
    script: std::rc::Rc<std::cell::RefCell<Script>>,
    interfaces: Vec<Interface>,
}

impl Link for Shared {
    fn now(&self) -> Timestamp {
        self.script.borrow().now()
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        self.script.borrow_mut().send(act)
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        self.script.borrow_mut().wait(until)
    }

    fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }
}

impl Run {
    fn link() -> Shared {
        let script = Script::new();
        let interfaces = script.interfaces.clone();
        Shared { script: std::rc::Rc::new(script.into()), interfaces }
    }

    fn create(path: &Path) -> Self {
        let link = Self::link();
        let script = link.script.clone();
        Self { recorder: Recorder::create(path, PLAN, link).unwrap(), script }
    }

    fn resume(path: &Path) -> (Self, Journal) {
        let link = Self::link();
        let script = link.script.clone();
        let (recorder, journal) = Recorder::resume(path, link).unwrap();
        (Self { recorder, script }, journal)
    }

    fn happens(&mut self, what: What) {
        self.script.borrow_mut().events.push_back(what);
        let until = self.recorder.now().after(Duration::from_secs(2));
        assert!(self.recorder.wait(until).is_some());
    }

    fn call(
        &mut self,
        id: u32,
        transport: Transport,
        to: &str,
        probe: &'static str,
        all: &[Happens<'_>],
    ) {
        let to: SocketAddr = to.parse().unwrap();
        let from: SocketAddr = match to {
            SocketAddr::V4(_) => "10.0.0.9:40000".parse().unwrap(),
            SocketAddr::V6(_) => "[fd00::9]:40000".parse().unwrap(),
        };
        let from = SocketAddr::new(from.ip(), 40_000 + u16::try_from(id).unwrap());
        let id = CallId(id);
        self.recorder.send(Act::Open(Call { id, to, transport, probe, tier: Tier::Ask })).unwrap();
        for happens in all {
            match happens {
                Happens::Opens => self.happens(What::Opened { id, from }),
                Happens::We(bytes) => self.recorder.send(Act::Say { id, bytes }).unwrap(),
                Happens::They(bytes) => self.happens(What::Heard { id, bytes: bytes.to_vec() }),
                Happens::InClear(speaker, bytes) => self.recorder.reveal(id, *speaker, bytes),
                Happens::Refuses(how) => self.happens(What::Refused { id, how: *how }),
                Happens::Ends => self.happens(What::Ended { id, reset: false }),
                Happens::Closes => self.recorder.send(Act::Close { id }).unwrap(),
            }
        }
    }

    fn resolves(&mut self) {
        let frame = |destination, sender: Arp| {
            let (source, kind) = (sender.sender_mac, Kind::Type(ethernet::ARP));
            Frame { source, destination, vlan: None, kind, payload: &sender.emit() }.emit()
        };
        let (we, it) = ([10, 0, 0, 9].into(), [10, 0, 0, 1].into());
        let question = Arp {
            operation: arp::REQUEST,
            sender_mac: OUR_MAC,
            sender: we,
            target_mac: [0; 6],
            target: it,
        };
        let answer = Arp {
            operation: arp::REPLY,
            sender_mac: ITS_MAC,
            sender: it,
            target_mac: OUR_MAC,
            target: we,
        };
        let bytes = frame(BROADCAST, question);
        let (interface, probe, tier) = (0, "arp", Tier::Ask);
        self.recorder.send(Act::Frame { interface, bytes: &bytes, probe, tier }).unwrap();
        self.happens(What::Frame { interface, bytes: frame(OUR_MAC, answer) });
        // Somebody else asks, which is no answer to us.
        let asks =
            Arp { sender_mac: [0, 0, 0x5e, 0, 0x53, 7], sender: [10, 0, 0, 7].into(), ..question };
        self.happens(What::Frame { interface, bytes: frame(BROADCAST, asks) });
    }

    /// A run that shows each kind of question and answer.
    fn play(&mut self) {
        use Happens::{Closes, Ends, InClear, Opens, Refuses, They, We};
        self.resolves();
        self.recorder.note("sweep arp 255");
        let banner = b"SSH-2.0-example_1.0\r\n";
        self.call(1, Transport::Tcp, "10.0.0.1:22", "ssh", &[Opens, They(banner), Closes]);
        let answer = [0, 0x80, 0, 0, 0, 0, 0, 42, 203, 0, 113, 9];
        let asks = [Opens, We(&[0, 0]), They(&answer), Closes];
        self.call(2, Transport::Udp, "10.0.0.1:5351", "nat_pmp", &asks);
        self.call(3, Transport::Tcp, "10.0.0.1:3389", "rdp", &[Refuses(Refused::Port)]);
        let asks = [Opens, We(&[0, 0]), Refuses(Refused::Port)];
        self.call(4, Transport::Udp, "10.0.0.2:5351", "nat_pmp", &asks);
        let (hello, sealed) = ([0x16, 3, 1, 0, 1, 0], [0x17, 3, 3, 0, 1, 0]);
        let question = b"GET / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n";
        let page = b"HTTP/1.1 200 OK\r\nServer: gate/2\r\nContent-Length: 20\r\n\r\n<title>Gate</title>\r\n";
        let asks = [
            Opens,
            We(&hello),
            They(&sealed),
            InClear(Speaker::We, question),
            InClear(Speaker::They, page),
            Ends,
            Closes,
        ];
        self.call(5, Transport::Tcp, "10.0.0.1:443", "http", &asks);
        self.call(6, Transport::Tcp, "[fd00::1]:22", "ssh", &[Opens, They(banner), Closes]);
        // Nobody answers, in the time that we are patient.
        self.call(7, Transport::Tcp, "10.0.0.3:22", "ssh", &[]);
        assert!(self.recorder.wait(self.recorder.now().after(Duration::from_secs(3))).is_none());
        self.recorder.send(Act::Close { id: CallId(7) }).unwrap();
        self.recorder.note("found 10.0.0.1");
    }

    fn finish(mut self) {
        self.recorder.note(journal::END);
        self.recorder.finish().unwrap();
    }
}

/// A recording of everything, in a folder of its own.
fn recorded() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.pcapng");
    let mut run = Run::create(&path);
    run.play();
    run.finish();
    (folder, path)
}

fn replayed(path: &Path) -> Replay {
    passive::replay(&[path.to_owned()], None, &|_| {}).unwrap()
}

/// What was heard, a line each.
fn lines(replay: &Replay) -> Vec<String> {
    let end = |ip: Option<std::net::IpAddr>, mac: Option<Mac>, port: Option<u16>| {
        let name = ip.map(|ip| ip.to_string()).or(mac.map(|mac| mac.to_string()));
        format!("{}{}", name.unwrap_or_default(), port.map_or(String::new(), |p| format!(":{p}")))
    };
    let line = |o: &sekisho::observe::Observation| {
        let heard = serde_json::to_value(o.heard).unwrap();
        let speaker = end(o.speaker.ip, o.speaker.mac, o.speaker.port);
        let facts: Vec<String> =
            o.facts.iter().map(|(field, value)| format!("{field}={value}")).collect();
        format!("{} {} {speaker} {}", heard.as_str().unwrap(), o.protocol, facts.join(" "))
    };
    replay.observations.iter().map(line).collect()
}

/// The places in a file at which a block ends.
fn borders(file: &[u8]) -> Vec<usize> {
    let mut borders = Vec::new();
    let mut at = 0;
    while at < file.len() {
        at += u32::from_le_bytes(file[at + 4..at + 8].try_into().unwrap()) as usize;
        borders.push(at);
    }
    borders
}

#[test]
fn what_answered_is_heard_and_what_we_asked_is_not() {
    let (_folder, path) = recorded();
    let replay = replayed(&path);
    let expected = [
        "replied arp 10.0.0.1 arp.op=reply arp.mac=00:00:5e:00:53:01 arp.ip=10.0.0.1",
        "overheard arp 10.0.0.7 arp.op=request arp.mac=00:00:5e:00:53:07 arp.ip=10.0.0.7",
        "replied ssh 10.0.0.1:22 ssh.version=2.0 ssh.banner=example_1.0",
        "replied nat_pmp 10.0.0.1:5351 nat_pmp.version=0 nat_pmp.opcode=address nat_pmp.result=0 \
         nat_pmp.outside=203.0.113.9",
        "replied http 10.0.0.1:443 http.status=200 http.version=1.1 http.header.server=gate/2 http.title=Gate",
        "replied ssh fd00::1:22 ssh.version=2.0 ssh.banner=example_1.0",
    ];
    assert_eq!(lines(&replay), expected);
    let ours = |o: &sekisho::observe::Observation| {
        o.speaker.ip == Some([10, 0, 0, 9].into()) || o.speaker.mac == Some(Mac(OUR_MAC))
    };
    assert!(!replay.observations.iter().any(ours));
    assert!(replay.observations.iter().all(|o| o.heard == Heard::Replied || o.protocol == "arp"));
}

#[test]
fn a_recording_tells_whom_it_asked_and_who_answered() {
    let (_folder, path) = recorded();
    let replay = replayed(&path);
    assert!(replay.is_recording);
    let of = |address: &str| {
        let entry = replay.asked.of(address.parse().unwrap()).unwrap();
        let probes: Vec<&str> = replay.asked.probes_of(entry).collect();
        (entry.answers > 0, probes)
    };
    assert_eq!(of("10.0.0.1"), (true, vec!["arp", "ssh", "nat_pmp", "rdp", "http"]));
    assert_eq!(of("10.0.0.2"), (true, vec!["nat_pmp"]));
    assert_eq!(of("10.0.0.3"), (false, vec!["ssh"]));
    let lines = coverage::of_replay(&replay, &["run.pcapng".to_owned()]);
    let count = |subject: &str| {
        lines.iter().find(|line| line.subject == subject).and_then(|line| line.count)
    };
    assert_eq!((count("addresses_asked"), count("addresses_answered")), (Some(4), Some(3)));
    // One frame, five connections and two datagrams.
    assert_eq!(count("questions_asked"), Some(8));
    assert!(!lines.iter().any(|line| line.subject == "listens_only"));
    let partial =
        lines.iter().find(|line| line.state == sekisho::correlate::CoverageState::Partial);
    assert!(partial.is_none(), "{partial:?}");
}

#[test]
fn a_recording_is_a_pcapng_that_others_read() {
    let (_folder, path) = recorded();
    let mut reader = pcap_parser::create_reader(65_536, fs::File::open(&path).unwrap()).unwrap();
    let (mut names, mut comments, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        match reader.next() {
            Ok((length, block)) => {
                let PcapBlockOwned::NG(block) = block else { panic!("an old pcap") };
                let text = |options: &[pcap_parser::pcapng::PcapNGOption<'_>], code| {
                    let found = options.iter().find(|option| option.code.0 == code);
                    let value = found.and_then(|option| option.as_bytes().ok());
                    value.map(|value| String::from_utf8(value.to_vec()).unwrap())
                };
                match block {
                    Block::SectionHeader(header) => {
                        assert!(text(&header.options, 4).unwrap().starts_with("sekisho "));
                        assert_eq!(text(&header.options, 1).as_deref(), Some(PLAN));
                    }
                    Block::InterfaceDescription(of) => {
                        assert_eq!(of.ts_resolution().unwrap(), 1_000_000_000);
                        names.push((of.linktype.0, text(&of.options, 2).unwrap()));
                    }
                    Block::EnhancedPacket(packet) => {
                        assert!(packet.caplen <= packet.origlen);
                        comments.push((packet.if_id, text(&packet.options, 1)));
                    }
                    Block::InterfaceStatistics(of) => lines.push(text(&of.options, 1).unwrap()),
                    other => panic!("{other:?}"),
                }
                reader.consume(length);
            }
            Err(PcapError::Eof) => break,
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(error) => panic!("{error:?}"),
        }
    }
    let named = [(1, "eth0"), (101, record::CONVERSATIONS), (101, record::INSIDE_TLS)];
    assert_eq!(names, named.map(|(kind, name)| (kind, name.to_owned())));
    let comment = |text: &str| Some(text.to_owned());
    assert_eq!(
        comments[..3],
        [(0, comment("asked arp -")), (0, comment("replied arp -")), (0, None)]
    );
    assert_eq!(comments[3..6].iter().map(|(of, _)| *of).collect::<Vec<_>>(), [1, 1, 1]);
    assert!(comments.contains(&(2, comment("replied http 5"))));
    assert!(lines.iter().any(|line| line == "open 1 tcp 10.0.0.1:22 ssh"), "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some(journal::END));
}

#[test]
fn what_could_be_a_patients_is_left_out_and_the_run_is_whole() {
    use Happens::{Closes, Opens, They};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.pcapng");
    let mut run = Run::create(&path);
    run.recorder.bound("hl7", record::MOST_BOUNDED);
    let said = [vec![b'.'; 256], b"PATIENT^NAME".repeat(500)].concat();
    run.call(1, Transport::Tcp, "10.0.0.1:2575", "hl7", &[Opens, They(&said), They(&said), Closes]);
    run.call(2, Transport::Udp, "10.0.0.1:2575", "hl7", &[Opens, They(&said), Closes]);
    let endless = vec![b'A'; 300_000];
    run.call(3, Transport::Tcp, "10.0.0.1:23", "telnet", &[Opens, They(&endless), Closes]);
    run.finish();
    let file = fs::read(&path).unwrap();
    assert!(memchr::memmem::find(&file, b"PATIENT").is_none());
    assert!(file.len() < 100_000, "{}", file.len());
    let replay = replayed(&path);
    assert_eq!((replay.gaps.cut, replay.files[0].fault.clone()), (0, None));
}

#[test]
fn what_was_given_in_confidence_is_not_written() {
    use Happens::{Closes, Opens, They, We};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.pcapng");
    let mut run = Run::create(&path);
    run.recorder.conceal("of-this-hospital");
    let asks = [Opens, We(b"\x04\x10of-this-hospital!"), They(b"of-this-hospital?"), Closes];
    run.call(1, Transport::Udp, "10.0.0.1:161", "snmp_system", &asks);
    run.finish();
    let file = fs::read(&path).unwrap();
    let found = |text: &[u8]| memchr::memmem::find(&file, text).is_some();
    assert!(!found(b"of-this-hospital"));
    assert!(found(b"\x04\x10****************!") && found(b"****************?"));
}

#[test]
fn a_journal_tells_how_far_a_run_came() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.pcapng");
    let mut run = Run::create(&path);
    run.play();
    // Killed before a note that ends it, in a conversation that never came to its end.
    run.call(8, Transport::Tcp, "10.0.0.4:22", "ssh", &[Happens::Opens]);
    run.recorder.note("sweep icmp 12");
    drop(run);
    let journal = Journal::read(&path).unwrap();
    assert_eq!((journal.plan.as_str(), journal.ended, journal.torn), (PLAN, false, false));
    assert_eq!(journal.highest, Some(CallId(8)));
    assert_eq!(journal.sweeps.get("arp"), Some(&255));
    assert_eq!(journal.sweeps.get("icmp"), Some(&12));
    assert_eq!(journal.notes, ["found 10.0.0.1"]);
    let of = |to: &str, transport, probe: &str| {
        journal.questions.get(&(to.parse().unwrap(), transport, probe.to_owned())).copied()
    };
    let question = |answered, finished| Some(Question { times: 1, answered, finished });
    assert_eq!(of("10.0.0.1:22", Transport::Tcp, "ssh"), question(true, true));
    assert_eq!(of("10.0.0.1:3389", Transport::Tcp, "rdp"), question(false, true));
    assert_eq!(of("10.0.0.3:22", Transport::Tcp, "ssh"), question(false, true));
    assert_eq!(of("10.0.0.4:22", Transport::Tcp, "ssh"), question(false, false));
    assert_eq!(of("10.0.0.5:22", Transport::Tcp, "ssh"), None);
}

#[test]
fn a_run_that_was_killed_anywhere_goes_on_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.pcapng");
    let mut run = Run::create(&path);
    run.play();
    drop(run.recorder.finish().unwrap());
    let whole = fs::read(&path).unwrap();
    let borders = borders(&whole);
    assert_eq!(borders.last(), Some(&whole.len()));
    let mut ends: Vec<usize> =
        borders.iter().flat_map(|at| [*at, at + 3, at + 9, at + 29]).collect();
    ends.retain(|end| *end <= whole.len());
    for end in ends {
        fs::write(&path, &whole[..end]).unwrap();
        let before = *borders.iter().rev().find(|border| **border <= end).unwrap();
        let torn = replayed(&path);
        assert!(torn.files[0].unfinished, "{end}");
        assert_eq!(torn.files[0].fault.is_some(), before != end, "{end}");
        let (mut run, journal) = Run::resume(&path);
        assert_eq!((journal.length, journal.torn), (before as u64, before != end), "{end}");
        assert!(fs::metadata(&path).unwrap().len() > before as u64, "{end}");
        let banner = b"SSH-2.0-later_2.0\r\n";
        let asks = [Happens::Opens, Happens::They(banner), Happens::Closes];
        run.call(9, Transport::Tcp, "10.0.0.1:22", "ssh", &asks);
        run.finish();
        let replay = replayed(&path);
        let read = &replay.files[0];
        assert_eq!((read.fault.clone(), read.unfinished), (None, false), "{end}");
        assert_eq!(read.packets, torn.files[0].packets + 6, "{end}");
        let last =
            replay.observations.iter().find(|o| o.facts.get("ssh.banner") == Some("later_2.0"));
        assert_eq!(last.map(|o| o.packet.number > torn.files[0].packets), Some(true), "{end}");
        assert!(matches!(Recorder::resume(&path, Run::link()), Err(record::Error::Ended(_))));
    }
    // Not even the header was written.
    fs::write(&path, &whole[..borders[0] - 1]).unwrap();
    let error = Recorder::resume(&path, Run::link()).err().unwrap().to_string();
    assert!(error.contains("no recording"), "{error}");
}

#[test]
fn a_torn_end_behind_the_end_of_a_run_is_no_fault() {
    let (_folder, path) = recorded();
    let mut file = fs::read(&path).unwrap();
    file.extend([6, 0, 0, 0, 80, 0, 0, 0, 1]);
    fs::write(&path, file).unwrap();
    let read = &replayed(&path).files[0];
    assert_eq!((read.fault.clone(), read.unfinished), (None, false));
}

#[test]
fn a_run_is_on_the_disk_within_a_second_and_at_every_note() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.pcapng");
    let mut run = Run::create(&path);
    let size = || fs::metadata(&path).unwrap().len();
    let begun = size();
    assert!(begun > 0);
    run.call(1, Transport::Udp, "10.0.0.1:5351", "nat_pmp", &[]);
    assert_eq!(size(), begun);
    assert!(run.recorder.wait(run.recorder.now().after(Duration::from_secs(2))).is_none());
    let waited = size();
    assert!(waited > begun);
    run.recorder.note("sweep arp 1");
    assert!(size() > waited);
}

#[test]
fn an_anonymised_recording_is_a_recording_of_somebody_elses_network() {
    let (_folder, path) = recorded();
    let before = replayed(&path);
    let capture = passive::anonymise::read(&path).unwrap();
    let rules = |_: &str, _: &str| Vec::new();
    let done = passive::anonymise::anonymise(&capture, &before, b"a key", &rules);
    fs::write(&path, &done.bytes).unwrap();
    let after = replayed(&path);
    let count = |replay: &Replay| {
        let asked = &replay.asked;
        (asked.addresses(), asked.answered(), asked.questions, asked.packets, asked.bytes)
    };
    assert_eq!(count(&before), count(&after));
    assert_eq!((after.files[0].fault.clone(), after.files[0].unfinished), (None, false));
    let heard = |replay: &Replay| {
        let all = replay.observations.iter();
        all.map(|o| (o.packet, o.heard, o.protocol, o.side)).collect::<Vec<_>>()
    };
    assert_eq!(heard(&before), heard(&after));
    // The journal speaks of the same addresses as the packets, and the plan no longer says whose they are.
    let journal = Journal::read(&path).unwrap();
    assert!(journal.ended && !journal.plan.contains("関所") && journal.plan.contains("seed"));
    let there = done.addresses[&"10.0.0.3".parse().unwrap()];
    let key = (SocketAddr::new(there, 22), Transport::Tcp, "ssh".to_owned());
    assert!(journal.questions.contains_key(&key), "{:?}", journal.questions);
    assert!(after.asked.of(there).is_some() && after.asked.of([10, 0, 0, 3].into()).is_none());
}
