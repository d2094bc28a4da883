//! Conversations over the system's sockets say what happened, hold little, and end. All of it on loopback.
#![expect(clippy::disallowed_types, reason = "the other end of a test's conversation")]
#![expect(clippy::unwrap_used, reason = "what goes wrong should fail the test")]

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use sekisho::{
    link::{
        Act, Call, CallId, Event, Interface, Link, Refused, What,
        guard::Guard,
        live::{FramePort, Live, Options},
        stop,
    },
    observe::Transport,
    scope::{Blocks, Consent, Foreign, Hours, Pace, Profile, Refusal, Tier},
};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PATIENCE: Duration = Duration::from_secs(10);

fn live() -> Live {
    Live::new(&Options::default()).unwrap()
}

fn call(number: u32, to: SocketAddr, transport: Transport) -> Call {
    Call { id: CallId(number), to, transport, probe: "test", tier: Tier::Ask }
}

fn open(link: &mut impl Link, number: u32, to: SocketAddr, transport: Transport) {
    link.send(Act::Open(call(number, to, transport))).unwrap();
}

fn say(link: &mut impl Link, number: u32, bytes: &[u8]) {
    link.send(Act::Say { id: CallId(number), bytes }).unwrap();
}

fn close(link: &mut impl Link, number: u32) {
    link.send(Act::Close { id: CallId(number) }).unwrap();
}

fn next(link: &mut impl Link) -> What {
    let until = link.now().after(PATIENCE);
    link.wait(until).expect("something happens").what
}

fn within(link: &mut impl Link, milliseconds: u64) -> Option<Event> {
    let until = link.now().after(Duration::from_millis(milliseconds));
    link.wait(until)
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let to = listener.local_addr().unwrap();
    (listener, to)
}

/// What this process holds in memory, in bytes.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn a_conversation_is_opened_heard_and_ended_without_a_reset() {
    let (listener, to) = listener();
    let other = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 ready\r\n").unwrap();
        let mut heard = Vec::new();
        // A reset would be an error here.
        stream.read_to_end(&mut heard).unwrap();
        heard
    });
    let mut link = live();
    open(&mut link, 1, to, Transport::Tcp);
    let What::Opened { id: CallId(1), from } = next(&mut link) else { panic!("not opened") };
    assert_eq!(from.ip(), LOOPBACK);
    let heard = What::Heard { id: CallId(1), bytes: b"220 ready\r\n".to_vec() };
    assert_eq!(next(&mut link), heard);
    say(&mut link, 1, b"EHLO ");
    say(&mut link, 1, b"sekisho\r\n");
    close(&mut link, 1);
    assert_eq!(within(&mut link, 300), None, "nothing further is heard of it");
    assert_eq!(other.join().unwrap(), b"EHLO sekisho\r\n", "what was said last arrives");
    let said = link.send(Act::Say { id: CallId(1), bytes: b"?" });
    assert!(matches!(said, Err(Refusal::System(_))), "{said:?}");
}

#[test]
fn refusals_and_ends_are_told_apart() {
    let (listener, to) = listener();
    drop(listener);
    let mut link = live();
    open(&mut link, 1, to, Transport::Tcp);
    assert_eq!(next(&mut link), What::Refused { id: CallId(1), how: Refused::Port });
    let (listener, to) = self::listener();
    open(&mut link, 2, to, Transport::Tcp);
    assert!(matches!(next(&mut link), What::Opened { id: CallId(2), .. }));
    drop(listener.accept().unwrap());
    assert_eq!(next(&mut link), What::Ended { id: CallId(2), reset: false });
    open(&mut link, 3, to, Transport::Tcp);
    assert!(matches!(next(&mut link), What::Opened { id: CallId(3), .. }));
    let (stream, _) = listener.accept().unwrap();
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    assert_eq!(next(&mut link), What::Ended { id: CallId(3), reset: true });
}

#[test]
fn a_datagram_is_answered_or_refused_and_several_may_be_sent() {
    let other = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    let to = other.local_addr().unwrap();
    let mut link = live();
    open(&mut link, 1, to, Transport::Udp);
    let What::Opened { from, .. } = next(&mut link) else { panic!("not opened") };
    for number in 0..3 {
        say(&mut link, 1, &[number]);
        let mut buffer = [0; 8];
        assert_eq!(other.recv_from(&mut buffer).unwrap(), (1, from));
        other.send_to(&[number, 0, 0], from).unwrap();
        let heard = What::Heard { id: CallId(1), bytes: vec![number, 0, 0] };
        assert_eq!(next(&mut link), heard);
    }
    drop(other);
    for _ in 0..2 {
        say(&mut link, 1, b"?");
        assert_eq!(next(&mut link), What::Refused { id: CallId(1), how: Refused::Port });
    }
}

#[test]
fn ipv6_is_spoken_too() {
    let other = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    let to = other.local_addr().unwrap();
    let mut link = Live::new(&Options { interface: Some("lo".into()), from: Vec::new() }).unwrap();
    open(&mut link, 1, to, Transport::Udp);
    assert!(matches!(next(&mut link), What::Opened { .. }));
    say(&mut link, 1, b"?");
    assert_eq!(other.recv_from(&mut [0; 8]).unwrap().0, 1);
}

#[test]
fn our_address_can_be_chosen_and_an_interface_must_be_there() {
    let (_listener, to) = listener();
    let ours: IpAddr = "127.0.0.77".parse().unwrap();
    let mut link = Live::new(&Options { interface: None, from: vec![ours] }).unwrap();
    open(&mut link, 1, to, Transport::Tcp);
    let What::Opened { from, .. } = next(&mut link) else { panic!("not opened") };
    assert_eq!(from.ip(), ours);
    let options = Options { interface: Some("nowhere7".into()), from: Vec::new() };
    let error = Live::new(&options).unwrap_err().to_string();
    assert!(error.contains("`nowhere7`"), "{error}");
}

#[test]
fn a_server_that_never_stops_costs_no_memory() {
    let (listener, to) = listener();
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let other = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let piece = vec![b'A'; 1 << 16];
        while let Ok(length) = stream.write(&piece) {
            counter.fetch_add(length, Ordering::Relaxed);
        }
    });
    let mut link = live();
    open(&mut link, 1, to, Transport::Tcp);
    assert!(matches!(next(&mut link), What::Opened { .. }));
    let before = resident();
    let mut heard = 0;
    while heard < 64 << 20 {
        if let What::Heard { id, bytes } = next(&mut link) {
            assert_eq!(id, CallId(1));
            assert!(bytes.len() <= 4 << 10, "{} bytes at once", bytes.len());
            heard += bytes.len();
        }
    }
    // Nobody takes what is heard: nothing more is read.
    thread::sleep(Duration::from_millis(300));
    let ahead = written.load(Ordering::Relaxed) - heard;
    assert!(ahead < 8 << 20, "{ahead} bytes were taken from the other end ahead");
    let grown = resident().saturating_sub(before);
    assert!(grown < 32 << 20, "memory grew by {grown} bytes");
    close(&mut link, 1);
    assert_eq!(within(&mut link, 100), None);
    drop(link);
    other.join().unwrap();
}

#[test]
fn a_server_that_takes_nothing_is_told_only_so_much() {
    let (_listener, to) = listener();
    let mut link = live();
    open(&mut link, 1, to, Transport::Tcp);
    assert!(matches!(next(&mut link), What::Opened { .. }));
    // The system takes what its buffers hold; then a few wait here; then it is refused.
    let piece = vec![0; 1 << 20];
    let mut taken = 0;
    let refused = loop {
        match link.send(Act::Say { id: CallId(1), bytes: &piece }) {
            Ok(()) => taken += 1,
            refused => break refused,
        }
        within(&mut link, 5);
        assert!(taken < 64, "{taken} MiB were taken");
    };
    assert!(matches!(refused, Err(Refusal::System(_))), "{refused:?}");
    close(&mut link, 1);
    let began = link.now();
    drop(link);
    let clock = live().now();
    assert!(clock.since(began) < 3_000_000_000, "the end is not waited for");
}

#[test]
fn a_thousand_conversations_are_held_at_once() {
    let (listener, to) = listener();
    // A short queue would drop SYNs while the other thread sleeps.
    socket2::SockRef::from(&listener).listen(2000).unwrap();
    let other = thread::spawn(move || {
        let streams: Vec<_> = listener.incoming().take(1000).map(Result::unwrap).collect();
        for mut stream in streams {
            stream.write_all(b"hello").unwrap();
        }
    });
    let mut link = live();
    let (mut opened, mut heard) = (0, 0);
    for number in 0..1000 {
        open(&mut link, number, to, Transport::Tcp);
    }
    while heard < 1000 {
        match next(&mut link) {
            What::Opened { .. } => opened += 1,
            What::Heard { id, bytes } => {
                assert_eq!(bytes, b"hello");
                link.send(Act::Close { id }).unwrap();
                heard += 1;
            }
            What::Ended { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(opened, 1000);
    other.join().unwrap();
}

#[test]
fn an_attempt_that_nobody_answers_is_given_up_before_the_second_syn() {
    // A queue of one that is full: the system drops further SYNs without a word.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(LOOPBACK, 0).into()).unwrap();
    socket.listen(0).unwrap();
    let to = socket.local_addr().unwrap().as_socket().unwrap();
    let mut link = live();
    open(&mut link, 1, to, Transport::Tcp);
    assert!(matches!(next(&mut link), What::Opened { .. }));
    open(&mut link, 2, to, Transport::Tcp);
    assert_eq!(within(&mut link, 1500), None);
    let waits = |state: &str| {
        let port = format!(":{:04X}", to.port());
        let table = fs::read_to_string("/proc/self/net/tcp").unwrap();
        table.lines().any(|line| {
            let mut words = line.split_whitespace().skip(2);
            words.next().is_some_and(|to| to.ends_with(&port)) && words.next() == Some(state)
        })
    };
    assert!(!waits("02"), "a SYN is still out");
    close(&mut link, 1);
    close(&mut link, 2);
}

/// A port that sends nothing and says what it was given.
struct Port(Vec<Interface>, Arc<AtomicUsize>);

impl FramePort for Port {
    fn interfaces(&self) -> &[Interface] {
        &self.0
    }

    fn send(&mut self, _: usize, bytes: &[u8]) -> std::io::Result<()> {
        self.1.fetch_add(bytes.len(), Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn frames_come_and_go_through_a_port_and_those_too_many_are_counted() {
    let mut link = live();
    let frame = Act::Frame { interface: 0, bytes: &[0; 60], probe: "test", tier: Tier::Ask };
    assert!(matches!(link.send(frame), Err(Refusal::System(_))), "there is no port");
    let sent = Arc::new(AtomicUsize::new(0));
    link.attach(Box::new(Port(Vec::new(), Arc::clone(&sent))));
    link.send(frame).unwrap();
    assert_eq!(sent.load(Ordering::Relaxed), 60);
    let inlet = link.inlet();
    let capture = thread::spawn(move || {
        for number in 0..20_000_u32 {
            inlet.frame(inlet.clock().now(), 0, number.to_be_bytes().to_vec());
        }
    });
    capture.join().unwrap();
    let mut last = None;
    let mut count = 0_u64;
    while let Some(event) = within(&mut link, 0) {
        assert!(last <= Some(event.at), "in order");
        last = Some(event.at);
        count += 1;
    }
    assert_eq!(count + link.lost(), 20_000);
    assert!(link.lost() > 0);
}

#[test]
fn the_first_signal_drains_and_the_second_ends() {
    let mut link = live();
    let inlet = link.inlet();
    let ended = Arc::new(AtomicBool::new(false));
    let second = Arc::clone(&ended);
    let watch =
        stop::watch(move || inlet.stop(), move || second.store(true, Ordering::Relaxed)).unwrap();
    let signal = |name: &str| {
        let me = std::process::id().to_string();
        let killed = std::process::Command::new("kill").args(["-s", name, &me]).status().unwrap();
        assert!(killed.success());
    };
    signal("INT");
    assert_eq!(next(&mut link), What::Stop);
    assert!(!ended.load(Ordering::Relaxed));
    signal("TERM");
    for _ in 0..200 {
        if ended.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    assert!(ended.load(Ordering::Relaxed), "the second ends");
    assert_eq!(within(&mut link, 50), None, "and the link says it once");
    drop(watch);
}

#[test]
fn the_guard_keeps_the_pace_of_sockets() {
    let (listener, to) = listener();
    let ends = [Ipv4Addr::new(127, 0, 0, 0), Ipv4Addr::new(127, 255, 255, 255)];
    let consent = Consent {
        include: Blocks::new([(ends[0].into(), ends[1].into())]),
        exclude: Blocks::default(),
        tier: Tier::Ask,
        hours: Hours::default(),
        pace: Pace { per_host: Some(10), ..Pace::of(Profile::Clinic) },
        fragile_ports: Vec::new(),
        fragile_hosts: Blocks::default(),
        fragile_makers: Vec::new(),
        on_request: Vec::new(),
        responder: None,
        foreign: Foreign::default(),
    };
    let mut guard = Guard::new(live(), consent);
    let began = guard.now();
    for number in 0..4 {
        let ready = guard.ready(LOOPBACK, 2);
        while guard.now() < ready {
            guard.wait(ready);
        }
        open(&mut guard, number, to, Transport::Tcp);
    }
    // The first two packets are a burst; the other six take 0.1 seconds each.
    assert!(guard.now().since(began) >= 600_000_000);
    let early = guard.send(Act::Open(call(9, to, Transport::Tcp)));
    assert!(matches!(early, Err(Refusal::TooSoon(_))), "{early:?}");
    guard.finish(guard.now().after(Duration::from_secs(5)));
    drop(guard);
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.incoming().take_while(Result::is_ok).count(), 4);
}

#[test]
fn a_run_goes_on_when_the_system_has_no_socket_left() {
    const FEW: &str = "SEKISHO_TEST_FEW_SOCKETS";
    if std::env::var_os(FEW).is_none() {
        let shell = "ulimit -n 64 && exec \"$0\" --exact --test-threads 1 \
                     a_run_goes_on_when_the_system_has_no_socket_left";
        let mut again = std::process::Command::new("sh");
        again.args(["-c", shell]).arg(std::env::current_exe().unwrap()).env(FEW, "1");
        let output = again.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let (_listener, to) = listener();
    let mut link = live();
    let (mut opened, mut refused) = (0, 0);
    for number in 0..100 {
        open(&mut link, number, to, Transport::Tcp);
        match next(&mut link) {
            What::Opened { .. } => opened += 1,
            What::Refused { how: Refused::System, .. } => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(opened > 20 && refused > 20, "{opened} opened, {refused} refused");
    for number in 0..100 {
        close(&mut link, number);
    }
    while within(&mut link, 1200).is_some() {}
    open(&mut link, 100, to, Transport::Tcp);
    assert!(matches!(next(&mut link), What::Opened { .. }), "there is room again");
}
