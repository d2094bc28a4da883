//! What is listened to is kept within its bounds, told as it was, and read like any capture. Without an interface: the
//! frames come from the tests.
#![expect(clippy::unwrap_used, reason = "what cannot be set up should fail the test")]

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
    thread,
    time::Duration,
};

use etherparse::PacketBuilder;
use sekisho::{
    correlate::{CoverageState, coverage},
    link::{
        journal::Journal,
        listen::{Cut, Ear, Heard, Layer, Listener, Measure, Wire},
        raw::Inlet,
    },
    passive::{self, Replay},
    time::Timestamp,
};

/// More than any test waits for.
const LONG: Duration = Duration::from_mins(1);

const ALL: Measure = Measure { whole: false, most: 1 << 30 };

/// An interface of a test: what comes in, a turn at a time.
struct Script<F> {
    turn: F,
    lost: u64,
}

/// Where a turn puts the frames that come.
type Each<'a> = &'a mut dyn FnMut(Timestamp, &[u8]);

impl<F> Inlet for Script<F>
where
    F: FnMut(Duration, Each<'_>) -> io::Result<()> + Send,
{
    fn receive(&mut self, patience: Duration, each: Each<'_>) -> io::Result<()> {
        (self.turn)(patience, each)
    }

    fn dropped(&mut self) -> io::Result<u64> {
        Ok(self.lost)
    }
}

fn ear<F>(name: &str, lost: u64, turn: F) -> Ear
where
    F: FnMut(Duration, Each<'_>) -> io::Result<()> + Send + 'static,
{
    let inlet = Box::new(Script { turn, lost });
    Ear { name: name.to_owned(), layer: Layer::Ethernet, inlet }
}

/// An interface that brings these frames, a second apart, and is then taken away.
fn brings(name: &str, frames: Vec<Vec<u8>>) -> Ear {
    let mut frames = (1_775_003_405..).zip(frames).collect::<Vec<_>>().into_iter();
    ear(name, 0, move |_, each| {
        let (second, frame) = frames.next().ok_or(ErrorKind::NotConnected)?;
        each(Timestamp::new(second, 0), &frame);
        Ok(())
    })
}

fn listened(path: &Path, ears: Vec<Ear>, measure: Measure, time: Option<Duration>) -> Heard {
    Listener::begin(path, ears, measure).unwrap().listen(time, &mut |_| {})
}

fn datagram(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .ipv4([10, 0, 0, 7], [198, 51, 100, 7], 64)
        .udp(from, to);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

fn replayed(path: &Path) -> Replay {
    passive::replay(&[path.to_owned()], None, &|_| {}).unwrap()
}

#[test]
fn what_was_heard_on_two_wires_is_one_capture_with_what_was_missed() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("heard.pcapng");
    let banner = |name: &[u8]| datagram(53, 40_000, name);
    let stun = sekisho::wire::stun::ask(*b"of this host");
    let first = brings("eth1", vec![banner(b"x"), datagram(40_000, 3478, &stun)]);
    let second = brings("eth2", vec![banner(b"y"); 3]);
    let heard = listened(&path, vec![first, second], ALL, None);
    let told: Vec<(&str, u64, u64)> =
        heard.wires.iter().map(|wire| (&*wire.name, wire.frames, wire.kept)).collect();
    assert_eq!(told, [("eth1", 2, 2), ("eth2", 3, 3)]);
    assert!(heard.wires.iter().all(|wire| matches!(wire.cut, Some(Cut::Interface(_)))));
    heard.finish(&["coverage packets_lost partial 7 eth2".to_owned()]).unwrap();

    let replay = replayed(&path);
    let read = replay.files.first().unwrap();
    assert_eq!((read.packets, read.fault.clone(), read.unfinished), (5, None, false));
    assert!(replay.observations.iter().any(|heard| heard.protocol == "stun"));
    assert!(!replay.is_recording, "nothing was asked");
    let lines = coverage::of_replay(&replay, &["heard.pcapng".to_owned()]);
    let lost = lines.iter().find(|line| line.subject == "packets_lost").unwrap();
    assert_eq!((lost.state, lost.count), (CoverageState::Partial, Some(7)));
    assert!(lines.iter().any(|line| line.subject == "listens_only"));
    let error = Journal::read(&path).unwrap_err().to_string();
    assert!(error.contains("no recording of a run"), "{error}");
}

#[test]
fn a_capture_that_says_we_listened_cannot_say_what_was_asked() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("heard.pcapng");
    let frame = datagram(53, 40_000, b"x");
    let heard = listened(&path, vec![brings("eth1", vec![])], ALL, None);
    heard.finish(&["end".to_owned()]).unwrap();
    let mut file = fs::read(&path).unwrap();
    let length = u32::try_from(frame.len()).unwrap();
    file.extend(sekisho::wire::pcapng::packet(0, 1, &frame, length, "asked arp -"));
    fs::write(&path, file).unwrap();
    let replay = replayed(&path);
    assert_eq!((replay.asked.packets, replay.files.first().unwrap().packets), (0, 1));
    assert!(!replay.is_recording && !replay.files.first().unwrap().unfinished);
}

#[test]
fn when_nothing_passed_the_day_is_told_all_the_same() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("heard.pcapng");
    let heard = listened(&path, vec![brings("eth1", Vec::new())], ALL, None);
    heard.finish(&["coverage listening@@eth1 measured 0 seconds=1".to_owned()]).unwrap();
    let replay = replayed(&path);
    let read = replay.files.first().unwrap();
    assert_eq!((read.packets, read.began), (0, read.ended));
    assert!(read.began.is_some_and(|moment| moment > Timestamp::new(1_775_003_405, 0)));
}

#[test]
fn an_endless_flood_fills_the_file_as_far_as_it_may_and_no_memory() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("heard.pcapng");
    let before = resident();
    let most = 8 << 20;
    let mut port = 0_u16;
    // 400 MB a turn: what comes in one turn alone is not held.
    let flood = ear("eth1", 0, move |_, each| {
        for _ in 0..400_000 {
            port = port.wrapping_add(1);
            each(Timestamp::new(1_775_003_405, 0), &datagram(port, 443, &[0; 1000]));
        }
        Ok(())
    });
    let idle = ear("eth2", 0, |_, _| {
        thread::sleep(Duration::from_millis(1));
        Ok(())
    });
    let heard = listened(&path, vec![flood, idle], Measure { whole: true, most }, Some(LONG));
    let grown = resident().saturating_sub(before);
    let cuts: Vec<Option<Cut>> = heard.wires.iter().map(|wire| wire.cut.clone()).collect();
    assert_eq!(cuts, [Some(Cut::Size(most)), Some(Cut::Size(most))], "both end with the file");
    heard.finish(&[]).unwrap();
    let length = fs::metadata(&path).unwrap().len();
    assert!((most - (1 << 20)..=most + 64).contains(&length), "{length} bytes");
    // Other tests hold something meanwhile.
    assert!(grown < 200 << 20, "memory grew by {grown} bytes");
    assert!(replayed(&path).files.first().unwrap().fault.is_none());
}

#[test]
fn of_a_flood_of_one_conversation_only_its_beginning_is_kept() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("heard.pcapng");
    let frames = vec![datagram(4500, 4500, &[7; 1000]); 1000];
    let heard = listened(&path, vec![brings("eth1", frames.clone())], ALL, None);
    let wire = heard.wires.first().unwrap();
    assert_eq!((wire.frames, wire.kept), (1000, 64));
    let whole = Measure { whole: true, ..ALL };
    let other = desk.path().join("whole.pcapng");
    let heard = listened(&other, vec![brings("eth1", frames)], whole, None);
    assert_eq!(heard.wires.first().unwrap().kept, 1000);
}

#[test]
fn listening_ends_when_its_time_is_over_or_the_user_wants_it_and_tells_the_difference() {
    let desk = tempfile::tempdir().unwrap();
    let quiet = || {
        ear("eth1", 3, |_, _| {
            thread::sleep(Duration::from_millis(1));
            Ok(())
        })
    };
    let of = |name: &str, time: Option<Duration>, stops: bool| -> Wire {
        let listener = Listener::begin(&desk.path().join(name), vec![quiet()], ALL).unwrap();
        let stopper = listener.stopper();
        if stops {
            stopper.stop();
        }
        let heard = listener.listen(time, &mut |_| {});
        // Whoever stops it late harms nobody.
        stopper.stop();
        heard.wires.first().unwrap().clone()
    };
    let in_time = of("in_time", Some(Duration::from_millis(50)), false);
    assert_eq!((in_time.cut, in_time.lost), (None, 3));
    assert!(in_time.time >= Duration::from_millis(50));
    assert_eq!(of("early", Some(LONG), true).cut, Some(Cut::User));
    assert_eq!(of("as_wished", None, true).cut, None, "no time was given: that is its end");
}

#[test]
fn what_lies_in_the_ring_when_the_end_comes_is_heard_too() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("heard.pcapng");
    let mut usual = None;
    // Only the last turn is not waited for as long as the others.
    let late = ear("eth1", 0, move |patience, each| {
        if patience < *usual.get_or_insert(patience) {
            each(Timestamp::new(1_775_003_405, 0), &datagram(1, 2, b"late"));
        }
        thread::sleep(Duration::from_millis(1));
        Ok(())
    });
    let heard = listened(&path, vec![late], ALL, Some(Duration::from_millis(20)));
    assert_eq!(heard.wires.first().unwrap().frames, 1);
}

/// What this process holds in memory, in bytes.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
