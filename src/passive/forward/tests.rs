//! Frames by hand, in recordings and in captures.

use std::{
    io::Cursor,
    net::{Ipv4Addr, Ipv6Addr},
};

use proptest::prelude::*;

use super::*;
use crate::{
    observe::{Heard, PacketId},
    passive::{Replay, capture::Capture, hear},
    wire::{
        ethernet::{self, Frame, Kind},
        icmp::{self, Icmp},
        icmpv6, ipv4, ipv6, link, ndp, pcapng, stun,
        udp::{self, Datagram},
    },
};

const WE: [u8; 6] = [2, 0, 0, 0, 0, 0x10];
const NEIGHBOUR: [u8; 6] = [2, 0, 0, 0, 0, 0xc];
const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 0xd];

const OUR_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 10);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 41, 0, 4);

/// A packet with what most questions have.
fn packet(source: Ipv4Addr, destination: Ipv4Addr, payload: &[u8]) -> ipv4::Packet<'_> {
    ipv4::Packet {
        source,
        destination,
        time_to_live: 1,
        protocol: 1,
        identification: 7,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        options: &[],
        payload,
        missing: 0,
    }
}

fn frame(source: [u8; 6], destination: [u8; 6], packet: &[u8]) -> Vec<u8> {
    let is_v4 = packet.first().is_some_and(|first| first >> 4 == 4);
    let kind = Kind::Type(if is_v4 { ethernet::IPV4 } else { ethernet::IPV6 });
    Frame { source, destination, vlan: None, kind, payload: packet }.emit()
}

/// A question to `mac` for an echo of the outside.
fn question(mac: [u8; 6], sequence: u16, time_to_live: u8) -> Vec<u8> {
    let echo = icmp::echo(0x5e5e, sequence, b"sekisho");
    let packet = ipv4::Packet { time_to_live, ..packet(OUR_ADDRESS, OUTSIDE, &echo) };
    frame(WE, mac, &packet.emit())
}

/// An error from `mac` and the gateway about a question, of which it quotes as much as RFC 792 asks for.
fn error(mac: [u8; 6], kind: u8, code: u8, argument: [u8; 4], about: &[u8]) -> Vec<u8> {
    let header = usize::from(about[14] & 15) * 4;
    let body = &about[14..14 + header + 8];
    let message = Icmp { kind, code, argument, body }.emit();
    let packet = ipv4::Packet { time_to_live: 64, ..packet(GATEWAY, OUR_ADDRESS, &message) };
    frame(mac, WE, &packet.emit())
}

/// A recording of these frames, a second apart, each with what the recorder says of it.
fn recording(frames: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file = pcapng::section("sekisho 0", "{}");
    file.extend(pcapng::interface(1, "eth1"));
    for (second, (comment, bytes)) in (1..).zip(frames) {
        let length = u32::try_from(bytes.len()).unwrap();
        file.extend(pcapng::packet(0, second * 1_000_000_000, bytes, length, comment));
    }
    file
}

fn replay(file: Vec<u8>) -> Replay {
    let capture = Capture::read(Box::new(Cursor::new(file)), "run.pcapng");
    let captures = capture.map(|capture| ("run.pcapng".to_owned(), capture));
    hear([captures], None, &|_| {}).unwrap()
}

/// What these frames show of forwarding.
fn told(frames: &[(&str, Vec<u8>)]) -> Vec<Observation> {
    let heard = replay(recording(frames));
    assert_eq!(heard.gaps.refused, 0);
    heard.observations.into_iter().filter(|o| o.protocol == "forward").collect()
}

/// The one thing that these frames show.
fn only(frames: &[(&str, Vec<u8>)]) -> Observation {
    let mut all = told(frames);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn fact<'o>(observation: &'o Observation, field: &str) -> Option<&'o str> {
    observation.facts.get(field)
}

const ASKED: &str = "asked forward -";
const REPLIED: &str = "replied - -";

#[test]
fn a_neighbour_that_forwards_is_told_with_the_question_and_the_answer() {
    let asked = question(NEIGHBOUR, 1, 1);
    let answer = error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &asked);
    let told = only(&[(ASKED, asked), (REPLIED, answer)]);
    assert_eq!(told.speaker.mac, Some(Mac(NEIGHBOUR)));
    assert_eq!((told.speaker.ip, told.listener, told.side), (None, None, Side::Peer));
    assert_eq!((told.heard, told.confidence), (Heard::Replied, Confidence::Certain));
    assert_eq!(told.packet, PacketId { file: 0, number: 2 });
    let facts: Vec<(&str, &str)> = told.facts.iter().collect();
    let expected = [
        ("forward.destination", "198.41.0.4"),
        ("forward.source", "10.0.0.10"),
        ("forward.time_to_live", "1"),
        ("forward.answer", "expired"),
        ("forward.by", "10.0.0.1"),
        ("forward.by_mac", "02:00:00:00:00:0c"),
        ("forward.answer_time_to_live", "64"),
    ];
    assert_eq!(facts, expected);
}

#[test]
fn an_answer_from_another_hardware_address_is_about_whom_it_quotes() {
    let asked = question(OTHER, 1, 2);
    let answer = error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &asked);
    let told = only(&[(ASKED, asked), (REPLIED, answer)]);
    assert_eq!(told.speaker.mac, Some(Mac(OTHER)));
    assert_eq!(fact(&told, "forward.by_mac"), Some("02:00:00:00:00:0c"));
}

#[test]
fn every_error_has_its_word() {
    let words = [
        (11, 0, "expired"),
        (3, 0, "no_route"),
        (3, 1, "host_unreachable"),
        (3, 7, "host_unreachable"),
        (3, 9, "prohibited"),
        (3, 10, "prohibited"),
        (3, 13, "prohibited"),
        (3, 4, "too_big"),
        (5, 1, "redirect"),
        (3, 3, "unreachable"),
    ];
    for (kind, code, word) in words {
        let asked = question(NEIGHBOUR, 1, 1);
        let answer = error(NEIGHBOUR, kind, code, [0, 0, 5, 174], &asked);
        let told = only(&[(ASKED, asked), (REPLIED, answer)]);
        assert_eq!(fact(&told, "forward.answer"), Some(word), "{kind}/{code}");
        let mtu = (word == "too_big").then_some("1454");
        assert_eq!(fact(&told, "forward.mtu"), mtu);
        let gateway = (word == "redirect").then_some("0.0.5.174");
        assert_eq!(fact(&told, "forward.gateway"), gateway);
    }
    // That parts of a packet did not come, or that a header is wrong, is about neither.
    for (kind, code) in [(11, 1), (12, 0), (4, 0)] {
        let asked = question(NEIGHBOUR, 1, 1);
        let answer = error(NEIGHBOUR, kind, code, [0; 4], &asked);
        assert_eq!(told(&[(ASKED, asked), (REPLIED, answer)]), []);
    }
}

const OUR_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x10);
const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const OUTSIDE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x53);

fn packet_v6(source: Ipv6Addr, destination: Ipv6Addr, hop_limit: u8, payload: &[u8]) -> Vec<u8> {
    let packet = ipv6::Packet {
        source,
        destination,
        hop_limit,
        protocol: icmpv6::NUMBER,
        fragment: None,
        payload,
        missing: 0,
    };
    packet.emit()
}

/// A question and an error about it, of IPv6.
fn question_v6(hop_limit: u8, length: usize, kind: u8, code: u8, argument: u32) -> [Vec<u8>; 2] {
    let echo = icmpv6::echo(OUR_V6, OUTSIDE_V6, 1, 2, &vec![0; length - 48]);
    let asked = packet_v6(OUR_V6, OUTSIDE_V6, hop_limit, &echo);
    let body = [&argument.to_be_bytes()[..], &asked[..48]].concat();
    let mut message = icmpv6::seal(GATEWAY_V6, OUR_V6, kind, &body);
    message[1] = code;
    let answer = packet_v6(GATEWAY_V6, OUR_V6, 64, &message);
    [frame(WE, NEIGHBOUR, &asked), frame(NEIGHBOUR, WE, &answer)]
}

#[test]
fn every_error_of_ipv6_has_its_word() {
    let words = [
        (3, 0, "expired"),
        (1, 0, "no_route"),
        (1, 1, "prohibited"),
        (1, 5, "prohibited"),
        (1, 6, "prohibited"),
        (1, 2, "beyond_scope"),
        (1, 3, "host_unreachable"),
        (1, 4, "unreachable"),
        (2, 0, "too_big"),
    ];
    for (kind, code, word) in words {
        let [asked, answer] = question_v6(2, 60, kind, code, 1492);
        let told = only(&[(ASKED, asked), (REPLIED, answer)]);
        assert_eq!(fact(&told, "forward.answer"), Some(word), "{kind}/{code}");
        assert_eq!(fact(&told, "forward.source"), Some("fe80::10"));
        assert_eq!(fact(&told, "forward.size"), None);
        assert_eq!(fact(&told, "forward.mtu"), (word == "too_big").then_some("1492"));
    }
    let [asked, answer] = question_v6(2, 1500, 2, 0, 1454);
    let told = only(&[(ASKED, asked), (REPLIED, answer)]);
    assert_eq!(fact(&told, "forward.size"), Some("1500"));
}

#[test]
fn a_redirect_of_ipv6_names_the_nearer_router() {
    let [asked, _] = question_v6(2, 60, 3, 0, 0);
    let nearer = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
    let quote = [&[4, 7, 0, 0, 0, 0, 0, 0], &asked[14..14 + 48]].concat();
    let body = [&[0; 4][..], &nearer.octets(), &OUTSIDE_V6.octets(), &quote].concat();
    let message = icmpv6::seal(GATEWAY_V6, OUR_V6, ndp::REDIRECT, &body);
    let from = |hop_limit| {
        let answer = packet_v6(GATEWAY_V6, OUR_V6, hop_limit, &message);
        told(&[(ASKED, asked.clone()), (REPLIED, frame(NEIGHBOUR, WE, &answer))])
    };
    assert_eq!(fact(&from(255)[0], "forward.gateway"), Some("fe80::2"));
    assert_eq!(from(254), [], "it came from afar");
}

#[test]
fn who_quotes_what_was_never_asked_is_not_believed() {
    let asked = question(NEIGHBOUR, 1, 1);
    let another = question(NEIGHBOUR, 2, 1);
    let lie = error(OTHER, icmp::TIME_EXCEEDED, 0, [0; 4], &another);
    assert_eq!(told(&[(ASKED, asked.clone()), (REPLIED, lie)]), []);
    let mut to_another = asked.clone();
    to_another[30..34].copy_from_slice(&[198, 41, 0, 5]);
    let lie = error(OTHER, icmp::TIME_EXCEEDED, 0, [0; 4], &to_another);
    assert_eq!(told(&[(ASKED, asked.clone()), (REPLIED, lie)]), []);
    // A quote that ends before the echo's number could be about any.
    let mut short = error(OTHER, icmp::TIME_EXCEEDED, 0, [0; 4], &asked);
    short.truncate(short.len() - 2);
    assert_eq!(told(&[(ASKED, asked), (REPLIED, short)]), []);
}

#[test]
fn asked_three_times_and_answered_twice_is_one_thing() {
    let asked = || (ASKED, question(NEIGHBOUR, 1, 1));
    let answer = || {
        let about = question(NEIGHBOUR, 1, 1);
        (REPLIED, error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &about))
    };
    let told = only(&[asked(), asked(), answer(), asked(), answer()]);
    assert_eq!(told.packet.number, 3, "the first answer shows it");
}

#[test]
fn what_a_sweep_asks_shows_no_forwarding() {
    let host = Ipv4Addr::new(10, 0, 9, 9);
    let echo = icmp::echo(1, 2, b"sekisho");
    let ordinary =
        ipv4::Packet { time_to_live: 64, dont_fragment: true, ..packet(OUR_ADDRESS, host, &echo) };
    let asked = frame(WE, NEIGHBOUR, &ordinary.emit());
    let reply = Icmp { kind: icmp::ECHO_REPLY, code: 0, argument: [0, 1, 0, 2], body: b"sekisho" };
    let reply = packet(host, OUR_ADDRESS, &reply.emit()).emit();
    let reply = frame(NEIGHBOUR, WE, &reply);
    let dead = error(NEIGHBOUR, icmp::UNREACHABLE, 1, [0; 4], &asked);
    let closed = error(NEIGHBOUR, icmp::UNREACHABLE, 3, [0; 4], &asked);
    let sweep = "asked echo -";
    let all = [(sweep, asked.clone()), (REPLIED, reply), (REPLIED, dead), (REPLIED, closed)];
    assert_eq!(told(&all), []);
    // What a router says about the way is worth telling even so.
    let shorter = error(NEIGHBOUR, icmp::REDIRECT, 1, [10, 0, 0, 2], &asked);
    let shown = only(&[(sweep, asked), (REPLIED, shorter)]);
    assert_eq!(fact(&shown, "forward.gateway"), Some("10.0.0.2"));
    assert_eq!(fact(&shown, "forward.time_to_live"), Some("64"));
}

#[test]
fn what_a_host_refuses_itself_is_not_about_the_way() {
    let segment = [0x9c, 0x40, 0, 22, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 4, 0, 0, 0, 0, 0];
    let tcp =
        |to| ipv4::Packet { time_to_live: 64, protocol: 6, ..packet(OUR_ADDRESS, to, &segment) };
    let refused = |to| {
        let asked = frame(WE, NEIGHBOUR, &tcp(to).emit());
        let answer = error(NEIGHBOUR, icmp::UNREACHABLE, 10, [0; 4], &asked);
        told(&[("asked tcp_syn -", asked), (REPLIED, answer)])
    };
    assert_eq!(refused(GATEWAY), []);
    let behind = refused(Ipv4Addr::new(10, 0, 9, 9));
    assert_eq!(fact(&behind[0], "forward.answer"), Some("prohibited"));
}

#[test]
fn the_way_that_a_question_wrote_down_comes_back_with_its_answer() {
    let mut option = ipv4::record_route(9);
    let echo = icmp::echo(0x5e5e, 1, b"sekisho");
    let asked =
        ipv4::Packet { options: &option, time_to_live: 2, ..packet(OUR_ADDRESS, OUTSIDE, &echo) };
    let asked = frame(WE, NEIGHBOUR, &asked.emit());
    option[2] = 12;
    option[3..11].copy_from_slice(&[203, 0, 113, 2, 203, 0, 113, 1]);
    let taken =
        ipv4::Packet { options: &option, time_to_live: 1, ..packet(OUR_ADDRESS, OUTSIDE, &echo) };
    let expired =
        error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &frame(WE, NEIGHBOUR, &taken.emit()));
    let reply =
        Icmp { kind: icmp::ECHO_REPLY, code: 0, argument: [0x5e, 0x5e, 0, 1], body: b"sekisho" };
    let reply = reply.emit();
    let reply = ipv4::Packet { options: &option, ..packet(OUTSIDE, OUR_ADDRESS, &reply) };
    let reply = frame(NEIGHBOUR, WE, &reply.emit());
    for answer in [expired, reply] {
        let told = only(&[("asked record_route -", asked.clone()), (REPLIED, answer)]);
        let route: Vec<&str> = told.facts.all("forward.route").collect();
        assert_eq!(route, ["203.0.113.2", "203.0.113.1"]);
    }
}

#[test]
fn a_line_is_measured_by_what_may_not_be_cut() {
    for (time_to_live, says) in
        [(2, icmp::UNREACHABLE), (64, icmp::UNREACHABLE), (2, icmp::TIME_EXCEEDED)]
    {
        let echo = icmp::echo(0x5e5e, 1, &[0; 1472]);
        let asked = ipv4::Packet {
            time_to_live,
            dont_fragment: true,
            ..packet(OUR_ADDRESS, OUTSIDE, &echo)
        };
        let asked = frame(WE, NEIGHBOUR, &asked.emit());
        let code = if says == icmp::UNREACHABLE { 4 } else { 0 };
        let answer = error(NEIGHBOUR, says, code, [0, 0, 5, 174], &asked);
        let told = only(&[("asked line_mtu -", asked), (REPLIED, answer)]);
        assert_eq!(fact(&told, "forward.size"), Some("1500"));
        assert_eq!(fact(&told, "forward.mtu"), (code == 4).then_some("1454"));
    }
}

#[test]
fn an_address_that_a_neighbour_owns_answers_itself() {
    let outside_address = Ipv4Addr::new(203, 0, 113, 2);
    let echo = icmp::echo(3, 4, b"sekisho");
    let asked = frame(WE, NEIGHBOUR, &packet(OUR_ADDRESS, outside_address, &echo).emit());
    let reply = Icmp { kind: icmp::ECHO_REPLY, code: 0, argument: [0, 3, 0, 4], body: b"sekisho" };
    let reply = frame(OTHER, WE, &packet(outside_address, OUR_ADDRESS, &reply.emit()).emit());
    let told = only(&[("asked ownership -", asked), (REPLIED, reply)]);
    assert_eq!(fact(&told, "forward.answer"), Some("reply"));
    assert_eq!(
        (told.speaker.mac, fact(&told, "forward.by")),
        (Some(Mac(NEIGHBOUR)), Some("203.0.113.2"))
    );
}

#[test]
fn a_question_from_a_borrowed_address_says_so() {
    let asked = question(NEIGHBOUR, 1, 1);
    let answer = error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &asked);
    let told = only(&[("asked borrowed -", asked), (REPLIED, answer)]);
    assert_eq!(fact(&told, "forward.borrowed"), Some("yes"));
}

/// A datagram between two ends.
fn datagram(source: (Ipv4Addr, u16), destination: (Ipv4Addr, u16), payload: &[u8]) -> Vec<u8> {
    let datagram = Datagram { source: source.1, destination: destination.1, payload }.emit(&[]);
    let packet = packet(source.0, destination.0, &datagram);
    ipv4::Packet { time_to_live: 64, protocol: udp::NUMBER, ..packet }.emit()
}

/// A question to a responder at `server` and its answer, which is of the exchange `answered`.
fn mapping(server: Ipv4Addr, answered: [u8; 12]) -> [Vec<u8>; 2] {
    let (us, responder) = ((OUR_ADDRESS, 50_000), (server, 3478));
    let asked = datagram(us, responder, &stun::ask([9; 12]));
    // 203.0.113.2 and port 40000, hidden by the cookie.
    let address = [0, 0x20, 0, 8, 0, 1, 0xbd, 0x52, 0xea, 0x12, 0xd5, 0x40];
    let head = [1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42];
    let answer = datagram(responder, us, &[&head[..], &answered, &address].concat());
    [frame(WE, NEIGHBOUR, &asked), frame(NEIGHBOUR, WE, &answer)]
}

#[test]
fn a_responder_tells_the_outside_address_of_whom_the_question_went_through() {
    let [asked, answer] = mapping(OUTSIDE, [9; 12]);
    let told_by =
        |asked_as, answered_as| told(&[(asked_as, asked.clone()), (answered_as, answer.clone())]);
    for all in [told_by("asked responder -", "replied responder -"), told_by("", "")] {
        assert_eq!(all.len(), 1);
        assert_eq!(fact(&all[0], "forward.mapped"), Some("203.0.113.2"));
        assert_eq!(fact(&all[0], "forward.answer"), Some("reply"));
    }
    let [asked, answer] = mapping(OUTSIDE, [8; 12]);
    assert_eq!(told(&[("asked responder -", asked), (REPLIED, answer)]), [], "another exchange");
    // Somebody's own server on the inside shows no way out.
    let [asked, answer] = mapping(Ipv4Addr::new(10, 0, 9, 9), [9; 12]);
    assert_eq!(told(&[("", asked), ("", answer)]), []);
}

#[test]
fn somebody_elses_traceroute_shows_the_same() {
    let asked = question(NEIGHBOUR, 1, 1);
    let answer = error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &asked);
    let told = only(&[("", asked), ("", answer)]);
    assert_eq!((told.heard, fact(&told, "forward.answer")), (Heard::Overheard, Some("expired")));
}

#[test]
fn a_packet_before_and_behind_a_router_is_a_question_to_both() {
    let before = question(NEIGHBOUR, 1, 2);
    let behind = question(OTHER, 1, 1);
    let answer = error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &behind);
    let all = told(&[("", before), ("", behind), ("", answer)]);
    let asked: Vec<_> =
        all.iter().map(|o| (o.speaker.mac, fact(o, "forward.time_to_live"))).collect();
    assert_eq!(asked, [(Some(Mac(NEIGHBOUR)), Some("2")), (Some(Mac(OTHER)), Some("1"))]);
}

#[test]
fn one_question_to_two_neighbours_is_answered_for_neither() {
    let first = question(NEIGHBOUR, 1, 1);
    let second = question(OTHER, 1, 1);
    let answer = error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &second);
    assert_eq!(told(&[(ASKED, first.clone()), (ASKED, second), (REPLIED, answer)]), []);
    // Unless the datagram's own number tells which it was.
    let echo = icmp::echo(0x5e5e, 1, b"sekisho");
    let numbered = ipv4::Packet { identification: 8, ..packet(OUR_ADDRESS, OUTSIDE, &echo) };
    let second = frame(WE, OTHER, &numbered.emit());
    let answer = error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &second);
    let told = only(&[(ASKED, first), (ASKED, second), (REPLIED, answer)]);
    assert_eq!(told.speaker.mac, Some(Mac(OTHER)));
}

#[test]
fn an_answer_that_comes_much_later_is_anothers() {
    let asked = question(NEIGHBOUR, 1, 1);
    let answer = error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &asked);
    let idle = frame(OTHER, WE, &datagram((GATEWAY, 9), (OUR_ADDRESS, 9), &[]));
    let after = |seconds: usize| {
        let mut frames = vec![(ASKED, asked.clone())];
        frames.extend(std::iter::repeat_n(("", idle.clone()), seconds - 1));
        frames.push((REPLIED, answer.clone()));
        told(&frames).len()
    };
    assert_eq!((after(30), after(31)), (1, 0));
}

#[test]
fn an_answer_that_was_noted_before_its_question_is_matched() {
    let asked = question(NEIGHBOUR, 1, 1);
    let answer = error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &asked);
    let told = only(&[(REPLIED, answer), (ASKED, asked)]);
    assert_eq!(told.packet.number, 1);
}

#[test]
fn frames_to_everybody_ask_nobody() {
    let group = [0x01, 0, 0x5e, 0, 0, 1];
    let asked = question(group, 1, 1);
    let answer = error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &asked);
    assert_eq!(told(&[("", asked), ("", answer)]), []);
}

#[test]
fn a_flood_of_questions_is_bounded_and_told() {
    let mut forwarding = Forwarding::default();
    let flows = Flows::default();
    let mut take_in = |number: u32, second: i64| {
        let echo = icmp::echo(1, 1, b"");
        let bytes = packet(Ipv4Addr::from_bits(number), OUTSIDE, &echo).emit();
        let seen = Seen {
            destination: Some(Mac(NEIGHBOUR)),
            ..Seen::new(Timestamp::new(second, 0), PacketId::default())
        };
        forwarding.packet(&seen, &bytes, &flows);
        (forwarding.questions.len(), forwarding.lost)
    };
    let most = u32::try_from(MOST_QUESTIONS).unwrap();
    for number in 0..most {
        take_in(number, 0);
    }
    // What gives way when it is long past any answer is no loss.
    assert_eq!(take_in(most, 31), (MOST_QUESTIONS, 0));
    for number in 1..=most {
        take_in(most + number, 31);
    }
    assert_eq!(take_in(3 * most, 31), (MOST_QUESTIONS, 2));
}

#[test]
fn unasked_answers_are_bounded() {
    let mut forwarding = Forwarding::default();
    let flows = Flows::default();
    for number in 0..50_000u32 {
        let echo = icmp::echo(1, 1, b"");
        let about = packet(Ipv4Addr::from_bits(number), OUTSIDE, &echo).emit();
        let message = Icmp { kind: 11, code: 0, argument: [0; 4], body: &about }.emit();
        let bytes = packet(GATEWAY, OUR_ADDRESS, &message).emit();
        let seen = Seen::new(Timestamp::default(), PacketId::default());
        assert_eq!(forwarding.packet(&seen, &bytes, &flows), []);
    }
    assert_eq!(forwarding.waiting.len(), MOST_WAITING);
}

#[test]
fn errors_about_what_passes_are_told_so_often_and_no_more() {
    let mut frames = Vec::new();
    for number in 0..2000u32 {
        let to = Ipv4Addr::from_bits(0xc633_6400 + number);
        let segment = Datagram { source: 5000, destination: 6000, payload: b"" }.emit(&[]);
        let sent =
            ipv4::Packet { time_to_live: 64, protocol: 17, ..packet(OUR_ADDRESS, to, &segment) };
        let sent = frame(WE, NEIGHBOUR, &sent.emit());
        let answer = error(NEIGHBOUR, icmp::UNREACHABLE, 0, [0; 4], &sent);
        frames.extend([("", sent), ("", answer)]);
    }
    let told = told(&frames).len();
    assert!((MOST_PASSING..=8 * MOST_PASSING).contains(&told), "{told}");
}

/// A byte of a frame that is another.
type Flip = (prop::sample::Index, u8);

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_frame_harms_it(
        which in prop::collection::vec(0usize..8, 1..12),
        flips in prop::collection::vec(any::<Flip>(), 0..24),
        noise in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let asked = question(NEIGHBOUR, 1, 1);
        let [asked_v6, answer_v6] = question_v6(2, 60, 3, 0, 0);
        let [asks, maps] = mapping(OUTSIDE, [9; 12]);
        let answer = error(OTHER, icmp::TIME_EXCEEDED, 0, [0; 4], &asked);
        let known = [asked, answer, asked_v6, answer_v6, asks, maps, noise, question(OTHER, 1, 64)];
        let mut frames: Vec<(&str, Vec<u8>)> = which
            .iter()
            .map(|place| ([ASKED, REPLIED, ""][place % 3], known[*place].clone()))
            .collect();
        for (at, (index, value)) in flips.iter().enumerate() {
            let turn = at % frames.len();
            let bytes = &mut frames[turn].1;
            if !bytes.is_empty() {
                let place = index.index(bytes.len());
                bytes[place] = *value;
            }
        }
        replay(recording(&frames));
    }

    #[test]
    fn only_what_was_asked_is_answered_in_whatever_order_it_was_noted(
        order in Just((0..24usize).collect::<Vec<_>>()).prop_shuffle(),
        lies in prop::collection::btree_set(0u16..8, 0..8),
    ) {
        // Eight questions to as many neighbours; some answers lie about what they quote, others are true.
        let mac = |number: u16| [2, 0, 0, 0, 1, number.to_be_bytes()[1]];
        let mut frames = Vec::new();
        for number in 0..8u16 {
            let asked = question(mac(number), number, 1);
            let quotes = if lies.contains(&number) { question(OTHER, 100 + number, 1) } else { asked.clone() };
            let answer = error(OTHER, icmp::TIME_EXCEEDED, 0, [0; 4], &quotes);
            frames.extend([(ASKED, asked.clone()), (REPLIED, answer), (ASKED, asked)]);
        }
        let shuffled: Vec<_> = order.iter().map(|place| frames[*place].clone()).collect();
        let mut found: Vec<Option<Mac>> = told(&shuffled).iter().map(|o| o.speaker.mac).collect();
        found.sort();
        let expected: Vec<Option<Mac>> =
            (0..8).filter(|number| !lies.contains(number)).map(|number| Some(Mac(mac(number)))).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn what_came_by_a_link_without_hardware_addresses_shows_nobody() {
    let asked = question(NEIGHBOUR, 1, 1);
    let answer = error(NEIGHBOUR, icmp::TIME_EXCEEDED, 0, [0; 4], &asked);
    let mut file = pcapng::section("dumpcap", "");
    file.extend(pcapng::interface(u16::try_from(link::RAW).unwrap(), "tun0"));
    for bytes in [&asked[14..], &answer[14..]] {
        let length = u32::try_from(bytes.len()).unwrap();
        file.extend(pcapng::packet(0, 0, bytes, length, ""));
    }
    assert!(replay(file).observations.iter().all(|o| o.protocol != "forward"));
}
