//! How a run ends that is stopped, killed, or never allowed to begin.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use sekisho::{link::journal::Journal, observe::Transport};

use crate::{
    desk::{Desk, Done, Running, within},
    server::{Asked, address, page, say, silent, tcp, udp, web},
};

/// The exit code of a run in which something was left out.
const PARTIAL: Option<i32> = Some(2);
/// The exit code of what the one who scans can mend.
const USAGE: Option<i32> = Some(3);

/// One line of error that says all of this.
fn told(done: &Done, words: &[&str]) {
    assert_eq!(done.code, USAGE, "{done:?}");
    for word in words {
        assert!(done.stderr.contains(word), "`{word}` is not said: {}", done.stderr);
    }
    assert!(done.stdout.is_empty() && !done.stderr.contains("panicked"), "{done:?}");
    assert_eq!(done.stderr.matches("sekisho: ").count(), 1, "{}", done.stderr);
}

fn subjects(desk: &Desk) -> Vec<String> {
    let coverage = desk.coverage("points.json");
    coverage.iter().map(|line| line["subject"].as_str().unwrap().to_owned()).collect()
}

// Ctrl-C.

/// Services that never say anything, and how often they were called.
fn tarpit(address: Ipv4Addr) -> Vec<Asked> {
    [2222, 5900, 8080].map(|port| tcp(address, port, silent)).to_vec()
}

const TARPIT: &str = "2222,5900,8080";

/// Begins a scan of a tarpit, and waits until it is well under way: every service was called for more than the sweep.
fn well_under_way(desk: &Desk, last: u8) -> Running {
    let called = tarpit(address(last));
    tcp(address(last), 2223, |stream| say(stream, b"SSH-2.0-before\r\n"));
    let target = address(last).to_string();
    let ports = format!("{TARPIT},2223");
    let running = Running::begin(desk.command(&[
        "scan",
        &target,
        "--yes",
        "--profile",
        "lab",
        "--ports",
        &ports,
        "--record",
        "run.pcapng",
        "--json",
        "points.json",
        "--observations",
        "heard.ndjson",
    ]));
    within("the services are asked", || called.iter().all(|one| one.times() > 1).then_some(()));
    running
}

#[test]
fn the_first_interrupt_ends_the_run_and_tells_what_was_found() {
    let desk = Desk::new();
    let running = well_under_way(&desk, 61);
    running.interrupt();
    let done = running.end();
    assert_eq!(done.code, PARTIAL, "{done:?}");
    assert!(done.stderr.contains("--resume run.pcapng"), "{}", done.stderr);
    assert!(subjects(&desk).contains(&"run_not_finished".to_owned()), "{:?}", subjects(&desk));
    assert!(desk.heard("heard.ndjson").iter().any(|(_, _, value)| value.contains("before")));
    // Read again it is the same: what was not finished stays so.
    let again = desk.run(&["replay", "run.pcapng", "--json", "points.json"]);
    assert_eq!(again.code, PARTIAL, "{again:?}");
}

#[test]
fn the_second_interrupt_ends_it_at_once() {
    let desk = Desk::new();
    let running = well_under_way(&desk, 62);
    running.interrupt();
    thread::sleep(Duration::from_millis(300));
    running.interrupt();
    let done = running.end();
    assert_eq!(done.code, PARTIAL, "{done:?}");
    assert!(done.stdout.is_empty() && !desk.path("points.json").exists(), "{done:?}");
    // What was heard until then stands in the recording, which goes on.
    let journal = Journal::read(&desk.path("run.pcapng")).unwrap();
    assert!(!journal.ended && !journal.questions.is_empty());
}

#[test]
fn a_run_that_takes_too_long_ends_as_if_it_were_interrupted() {
    let desk = Desk::new();
    tarpit(address(63));
    let target = address(63).to_string();
    let done = desk.run(&[
        "scan",
        &target,
        "--yes",
        "--profile",
        "lab",
        "--ports",
        TARPIT,
        "--record",
        "run.pcapng",
        "--json",
        "points.json",
        "--max-runtime",
        "2s",
    ]);
    assert_eq!(done.code, PARTIAL, "{done:?}");
    assert!(subjects(&desk).contains(&"run_not_finished".to_owned()), "{:?}", subjects(&desk));
}

// Kill.

/// Hosts that serve a little of everything, and what they were asked.
struct Ward {
    targets: Vec<String>,
    called: BTreeMap<SocketAddr, Asked>,
    datagrams: BTreeMap<SocketAddr, Arc<Mutex<Vec<Vec<u8>>>>>,
}

const SERVED: &str = "2222,5900,8080,9999";

impl Ward {
    fn open(from: u8, hosts: u8) -> Self {
        let all: Vec<Ipv4Addr> = (from..from + hosts).map(address).collect();
        let (mut called, mut datagrams) = (BTreeMap::new(), BTreeMap::new());
        for one in &all {
            let mut keep = |port, asked| called.insert((*one, port).into(), asked);
            keep(2222, tcp(*one, 2222, |stream| say(stream, b"SSH-2.0-ward\r\n")));
            keep(5900, tcp(*one, 5900, |stream| say(stream, b"RFB 003.008\n")));
            keep(8080, tcp(*one, 8080, web(|_| page("Server: ward\r\n", b"<title>Ward</title>"))));
            keep(9999, tcp(*one, 9999, silent));
            for port in [1194, 3478, 5060] {
                datagrams.insert((*one, port).into(), udp(*one, port, |_, _, _| Ok(())));
            }
        }
        Self { targets: all.iter().map(ToString::to_string).collect(), called, datagrams }
    }

    fn calls(&self) -> usize {
        self.called.values().map(Asked::times).sum()
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let mut words = vec!["scan", "--yes", "--profile", "lab", "--seed", "7", "--ports", SERVED];
        words.extend(["--json", "points.json", "--observations", "heard.ndjson"]);
        words.extend(more);
        words.extend(self.targets.iter().map(String::as_str));
        words
    }

    /// How often each service was called, and each datagram sent to it.
    fn counts(&self) -> (BTreeMap<SocketAddr, usize>, BTreeMap<SocketAddr, usize>) {
        let called = self.called.iter().map(|(to, asked)| (*to, asked.times()));
        let datagrams = self.datagrams.iter().map(|(to, asked)| (*to, asked.lock().unwrap().len()));
        (called.collect(), datagrams.collect())
    }
}

/// What was found, whenever.
fn found(desk: &Desk) -> Vec<(String, String, String)> {
    let mut all = desk.heard("heard.ndjson");
    // How a conversation ended, and what is drawn at random, may differ.
    all.retain(|(_, field, _)| {
        ["ssh.banner", "vnc.version", "http.title", "http.header.server"].contains(&field.as_str())
    });
    all.sort();
    all.dedup();
    all
}

fn kinds(desk: &Desk) -> Vec<(String, String)> {
    let points = desk.points("points.json");
    let each =
        points.iter().map(|point| (point["addresses"].to_string(), point["kind"].to_string()));
    let mut all: Vec<_> = each.collect();
    all.sort();
    all
}

/// The questions that were asked to their end, and how often they were asked until then.
fn finished(journal: &Journal) -> BTreeMap<Question, u32> {
    let of = |note: &String| match note.split(' ').collect::<Vec<_>>()[..] {
        ["done", transport, to, probe, _] => {
            let transport = if transport == "tcp" { Transport::Tcp } else { Transport::Udp };
            let question = (to.parse().unwrap(), transport, probe.to_owned());
            let times = journal.questions.get(&question)?.times;
            Some((question, times))
        }
        _ => None,
    };
    journal.notes.iter().filter_map(of).collect()
}

type Question = (SocketAddr, Transport, String);

#[test]
fn a_run_that_was_killed_goes_on_to_the_same_end_and_asks_nothing_twice() {
    // What a run gives that nobody disturbs.
    let ward = Ward::open(70, 6);
    let quiet = Desk::new();
    let done = quiet.run(&ward.arguments(&["--record", "run.pcapng"]));
    assert_eq!(done.code, Some(1), "{done:?}");
    let (calls_once, datagrams_once) = ward.counts();
    let whole = Journal::read(&quiet.path("run.pcapng")).unwrap();
    assert!(whole.ended);

    // The same, killed three times, each time later.
    let ward = Ward::open(80, 6);
    let desk = Desk::new();
    let recorded = ["--store", "s.sqlite", "--record", "run.pcapng", "--rate", "400"];
    let goes_on = ["scan", "--resume", "run.pcapng", "--store", "s.sqlite"];
    let (mut kills, mut done_before) = (0, BTreeMap::new());
    for part in 1..=3 {
        let command = if part == 1 { ward.arguments(&recorded) } else { goes_on.to_vec() };
        let mut running = Running::begin(desk.command(&command));
        let until = calls_once.values().sum::<usize>() * part / 4;
        let over = within("it is well under way", || {
            (ward.calls() >= until).then_some(false).or_else(|| running.is_over().then_some(true))
        });
        if over {
            break;
        }
        running.kill();
        kills += 1;
        let runs = desk.run(&["runs", "--store", "s.sqlite"]);
        assert_eq!(runs.code, Some(0), "the store opens: {runs:?}");
        for (question, times) in finished(&Journal::read(&desk.path("run.pcapng")).unwrap()) {
            done_before.entry(question).or_insert(times);
        }
    }
    assert!(kills > 0, "it was never killed");
    let last =
        [&goes_on[..], &["--json", "points.json", "--observations", "heard.ndjson"]].concat();
    let done = desk.run(&last);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(!subjects(&desk).contains(&"run_not_finished".to_owned()), "{:?}", subjects(&desk));
    assert!(!desk.run(&["runs", "--store", "s.sqlite"]).stdout.is_empty(), "the run is kept");

    let here = |text: &str| {
        let mut text = text.to_owned();
        for last in 0..6 {
            text = text.replace(&address(80 + last).to_string(), &address(70 + last).to_string());
        }
        text
    };
    let facts = found(&desk).into_iter().map(|(who, field, value)| (here(&who), field, value));
    assert_eq!(facts.collect::<Vec<_>>(), found(&quiet), "everything was found");
    let points = kinds(&desk).into_iter().map(|(who, kind)| (here(&who), kind));
    assert_eq!(points.collect::<Vec<_>>(), kinds(&quiet));

    // What was under way when it was killed may be asked once more for each kill, and the sweep's call, too.
    let (calls, datagrams) = ward.counts();
    for ((to, often), once) in calls.iter().zip(calls_once.values()) {
        assert!(*often <= once + 2 * kills, "{to} was called {often} times, for {once}");
    }
    for ((to, often), once) in datagrams.iter().zip(datagrams_once.values()) {
        assert!(*often <= once + kills, "{to} was asked {often} times, for {once}");
    }
    // What was done before a kill was not asked again at all.
    let journal = Journal::read(&desk.path("run.pcapng")).unwrap();
    assert!(journal.ended && !done_before.is_empty());
    for (question, times) in done_before {
        assert_eq!(journal.questions[&question].times, times, "{question:?}");
    }
}

#[test]
fn what_cannot_be_gone_on_with_is_told() {
    let host = address(64);
    tcp(host, 2222, |stream| say(stream, b"SSH-2.0-ward\r\n"));
    let desk = Desk::new();
    let facility = format!(
        "[facility]\nname = \"ward\"\nauthorisation = \"x\"\n[scope]\ninclude = [\"{host}\"]\n[pace]\nprofile = \"lab\"\n"
    );
    desk.put("facility.toml", facility.as_bytes());
    let scan = ["scan", "--scope", "facility.toml", "--ports", "2222", "--record"];
    assert!(desk.run(&[&scan[..], &["done.pcapng"]].concat()).code < PARTIAL);
    let finished = desk.read("done.pcapng");
    told(
        &desk.run(&["scan", "--resume", "done.pcapng"]),
        &["done.pcapng", "came to its end", "sekisho replay done.pcapng"],
    );
    assert_eq!(desk.read("done.pcapng"), finished, "a run that is done stays as it is");
    told(&desk.run(&["scan", "--resume", "none.pcapng"]), &["none.pcapng", "No such file"]);

    desk.put("letter.pcapng", b"Dear administrator, this is no recording at all");
    let capture =
        format!("{}/fixtures/captures/format_pcapng/capture.pcapng", env!("CARGO_MANIFEST_DIR"));
    desk.put("theirs.pcapng", &fs::read(capture).unwrap());
    desk.put("empty.pcapng", b"");
    for name in ["letter.pcapng", "theirs.pcapng", "empty.pcapng"] {
        let before = desk.read(name);
        let done = desk.run(&["scan", "--resume", name]);
        told(&done, &[name, "no recording of a run", "--record"]);
        assert_eq!(desk.read(name), before);
    }

    // Cut off in the middle of a block, as a kill does: it goes on.
    let end = finished.windows(3).rposition(|three| three == b"end").unwrap();
    desk.put("cut.pcapng", &finished[..end - 100]);
    let done = desk.run(&["scan", "--resume", "cut.pcapng", "--json", "points.json"]);
    assert!(done.code < PARTIAL, "{done:?}");
    assert!(!subjects(&desk).contains(&"run_not_finished".to_owned()));

    // The facility file is another by now, or gone.
    desk.put("cut.pcapng", &finished[..end - 100]);
    desk.put("facility.toml", facility.replace("\"lab\"", "\"office\"").as_bytes());
    let done = desk.run(&["scan", "--resume", "cut.pcapng"]);
    told(&done, &["facility.toml", "another than when this run began", "--scope"]);
    fs::remove_file(desk.path("facility.toml")).unwrap();
    told(&desk.run(&["scan", "--resume", "cut.pcapng"]), &["facility.toml", "No such file"]);
    assert_eq!(desk.read("cut.pcapng"), finished[..end - 100], "nothing of it was lost");
}

#[test]
fn a_recording_that_is_damaged_in_the_middle_is_not_cut_there() {
    let ward = Ward::open(90, 4);
    let desk = Desk::new();
    let done = desk.run(&ward.arguments(&["--record", "run.pcapng"]));
    assert_eq!(done.code, Some(1), "{done:?}");
    let mut bytes = desk.read("run.pcapng");
    let place = bytes.len() / 4 * 4 / 2;
    bytes[place..place + 4096].fill(0xff);
    desk.put("run.pcapng", &bytes);
    let done = desk.run(&["scan", "--resume", "run.pcapng"]);
    told(&done, &["run.pcapng", "damaged at byte", "sekisho replay run.pcapng"]);
    assert_eq!(desk.read("run.pcapng"), bytes, "what lies behind the damage is kept");
    // Zeros at the end are what a machine leaves that lost its power.
    bytes.truncate(place);
    bytes.extend([0; 9000]);
    desk.put("run.pcapng", &bytes);
    assert_eq!(desk.run(&["scan", "--resume", "run.pcapng"]).code, Some(1));
}

// Where nothing can be written.

#[test]
fn what_cannot_be_written_is_told_before_anybody_is_asked_or_loses_nothing() {
    let host = address(65);
    let asked = tcp(host, 2222, |stream| say(stream, b"SSH-2.0-ward\r\n"));
    let target = host.to_string();
    let desk = Desk::new();
    let scan = ["scan", &target, "--yes", "--profile", "lab", "--ports", "2222"];
    let with = |more: &[&str]| desk.run(&[&scan[..], more].concat());
    desk.put("kept.pcapng", b"a year of work");
    for (more, words) in [
        (&["--record", "/proc/run.pcapng"][..], &["/proc/run.pcapng", "cannot be written"][..]),
        (&["--record", "none/run.pcapng"], &["none/run.pcapng", "folder exists"]),
        (&["--record", "kept.pcapng"], &["kept.pcapng", "name another", "--resume"]),
        (&["--record", "/dev/full"], &["/dev/full"]),
        (&["--json", "none/points.json"], &["none/points.json", "folder exists"]),
        (&["--json", "."], &["directory"]),
        (&["--store", "none/s.sqlite"], &["none/s.sqlite"]),
        (&["--report", "kept.pcapng"], &["kept.pcapng"]),
    ] {
        told(&with(more), words);
    }
    assert_eq!(asked.times(), 0, "nobody was asked in vain");
    assert_eq!(desk.read("kept.pcapng"), b"a year of work");

    // A disk that is full only when the results come: the recording is kept, and told.
    let done = with(&["--record", "run.pcapng", "--json", "/dev/full"]);
    assert_eq!(done.code, USAGE, "{done:?}");
    for word in ["/dev/full: cannot be written", "room", "sekisho replay run.pcapng"] {
        assert!(done.stderr.contains(word), "{word}: {}", done.stderr);
    }
    let again = desk.run(&["replay", "run.pcapng", "--observations", "heard.ndjson"]);
    assert!(again.code < PARTIAL, "{again:?}");
    assert!(desk.heard("heard.ndjson").iter().any(|(_, _, value)| value.contains("ward")));
}

#[test]
fn a_recording_that_no_longer_fits_ends_the_run_and_can_be_gone_on_with() {
    let ward = Ward::open(100, 6);
    let desk = Desk::new();
    // Of 512 bytes each.
    let full = "trap '' XFSZ; ulimit -f 40";
    let words = ward.arguments(&["--record", "run.pcapng"]);
    let done = Running::begin(desk.shell(full, &words)).end();
    assert_eq!(done.code, USAGE, "{done:?}");
    for word in ["run.pcapng", "cannot be written", "room"] {
        assert!(done.stderr.contains(word), "{word}: {}", done.stderr);
    }
    assert!(fs::metadata(desk.path("run.pcapng")).unwrap().len() <= 40 * 1024);
    let before = ward.calls();
    let done = desk.run(&[
        "scan",
        "--resume",
        "run.pcapng",
        "--json",
        "points.json",
        "--observations",
        "heard.ndjson",
    ]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(ward.calls() > before);
    assert_eq!(kinds(&desk).len(), 6, "{:?}", kinds(&desk));
}

// Whom nobody may ask.

#[test]
fn whom_nobody_may_ask_is_not_asked_and_what_to_do_is_said() {
    let desk = Desk::new();
    let facility = |include: &str, authorisation: &str| {
        format!("[facility]\nname = \"x\"\n{authorisation}[scope]\ninclude = [\"{include}\"]\n")
    };
    desk.put("nameless.toml", facility("10.99.0.0/16", "").as_bytes());
    desk.put("blank.toml", facility("10.99.0.0/16", "authorisation = \" \"\n").as_bytes());
    desk.put("public.toml", facility("8.8.8.0/24", "authorisation = \"x\"\n").as_bytes());
    desk.put("everything.toml", facility("0.0.0.0/0", "authorisation = \"x\"\n").as_bytes());
    desk.put("group.toml", facility("224.0.0.0/24", "authorisation = \"x\"\n").as_bytes());
    desk.put("named.toml", facility("ward.example", "authorisation = \"x\"\n").as_bytes());
    desk.put("list", b"127.0.0.1\nward.example\n");
    for (words, said) in [
        (&["8.8.8.8", "--yes"][..], &["8.8.8.8", "--scope"][..]),
        (&["10.99.0.1", "--yes"], &["10.99.0.1", "--scope"]),
        (&["224.0.0.1", "--yes"], &["224.0.0.1"]),
        (&["255.255.255.255", "--yes"], &["255.255.255.255"]),
        (&["0.0.0.0/0", "--yes"], &["0.0.0.0"]),
        (&["::/0", "--yes"], &["::"]),
        (&["ff02::1", "--yes"], &["ff02::1"]),
        (&["localhost", "--yes"], &["localhost", "host name"]),
        (&["-iL", "list", "--yes"], &["list", "line 2", "ward.example", "host name"]),
        (&["-iL", "none", "--yes"], &["none", "No such file"]),
        (&["127.0.0.1"], &["127.0.0.1", "--yes"]),
        (&["--yes"], &["name targets", "--scope"]),
        (&["127.0.0.1", "--exclude", "127.0.0.0/8", "--yes"], &["excluded"]),
        (&["127.0.0.1", "--yes", "--tier", "0"], &["tier 0", "--tier 1"]),
        (&["127.0.0.1", "--yes", "--tier", "3"], &["tier 3", "facility file"]),
        (&["127.0.0.1", "--yes", "-e", "none0"], &["none0", "--iflist"]),
        (&["--scope", "nameless.toml"], &["authorisation"]),
        (&["--scope", "blank.toml"], &["authorisation"]),
        (&["--scope", "public.toml"], &["public.toml", "8.8.8.0"]),
        (&["--scope", "everything.toml"], &["everything.toml", "0.0.0.0"]),
        (&["--scope", "group.toml"], &["group.toml", "224.0.0.0"]),
        (&["--scope", "named.toml"], &["named.toml", "ward.example"]),
        (&["--scope", "none.toml"], &["none.toml", "No such file"]),
    ] {
        let done = desk.run(&[&["scan", "--record", "run.pcapng"], words].concat());
        told(&done, said);
        assert!(!desk.path("run.pcapng").exists(), "{words:?}");
    }
}
