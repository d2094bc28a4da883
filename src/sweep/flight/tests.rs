//! Frames fly through wires in memory: what is asked, counted, answered, and gone on with.

use super::*;
use crate::{
    link::raw::{contact_of, memory},
    scope::{Consent, Foreign, Hours, Pace as ScopePace, Profile, Tier},
    wire::{
        ethernet::Frame,
        ipv4,
        tcp::{Segment, flag},
    },
};

const OURS: Mac = Mac([2, 0, 0, 0, 0, 1]);
const THEIRS: Mac = Mac([2, 0, 0, 0, 0, 2]);

fn blocks(prefix: &str) -> Blocks {
    let prefix: ipnetwork::IpNetwork = prefix.parse().unwrap();
    Blocks::new([(prefix.network(), prefix.broadcast())])
}

fn consent(include: &str, exclude: &str) -> Consent {
    Consent {
        include: blocks(include),
        exclude: blocks(exclude),
        tier: Tier::Ask,
        hours: Hours::default(),
        pace: ScopePace::of(Profile::Lab),
        fragile_ports: vec![104],
        fragile_hosts: Blocks::default(),
        fragile_makers: Vec::new(),
        on_request: Vec::new(),
        responder: None,
        foreign: Foreign::default(),
    }
}

fn plan(targets: &str, ports: &[u16]) -> Plan {
    Plan {
        way: Way { our_mac: OURS, our_address: [192, 0, 2, 1].into(), next_mac: THEIRS },
        targets: blocks(targets),
        macs: HashMap::new(),
        questions: ports.iter().map(|port| Question::Syn(*port)).collect(),
        seed: 7,
        from: 0,
        rate: None,
        wait: Duration::from_millis(200),
    }
}

/// What a host says to a SYN: port 80 is open.
fn reply(frame: &[u8]) -> Vec<u8> {
    let frame = Frame::parse(frame).unwrap();
    let packet = ipv4::Packet::parse(frame.payload).unwrap();
    let segment = Segment::parse(packet.payload).unwrap();
    let open = segment.destination == 80;
    let back = Segment {
        source: segment.destination,
        destination: segment.source,
        sequence: 1,
        acknowledgement: segment.sequence.wrapping_add(1),
        flags: flag::ACK | if open { flag::SYN } else { flag::RST },
        ..segment
    };
    let mut answer = ipv4::Packet {
        source: packet.destination,
        destination: packet.source,
        payload: &[],
        ..packet
    };
    let bytes = back.emit(&answer.pseudo_header(24));
    answer.payload = &bytes;
    let packet = answer.emit();
    Frame { destination: frame.source, source: frame.destination, payload: &packet, ..frame }.emit()
}

#[test]
fn every_target_is_asked_once_and_every_answer_told_once() {
    // Every answer comes twice, as from a host that did not hear our end of it.
    let (outlet, inlet) = memory::wire(|frame| vec![reply(frame), reply(frame)]);
    let sent = outlet.sent();
    let gate = Gate::new(outlet, consent("10.0.0.0/22", "10.0.1.0/30"));
    let mut answers = Vec::new();
    let plan = plan("10.0.0.0/22", &[80, 443]);
    let tally =
        fly(vec![gate], inlet, &plan, &|| Stop::Not, |answer| answers.push(*answer), |_| ())
            .unwrap();
    assert_eq!((tally.count, tally.place, tally.refused), (2048, 2048, 8), "{tally:?}");
    assert_eq!((answers.len(), tally.answered), (2040, 2040), "{tally:?}");
    assert_eq!(answers.iter().filter(|answer| answer.how == How::SynAck).count(), 1020);
    assert!(tally.asked_again > 0 && tally.lost == 0, "{tally:?}");
    assert_eq!(tally.sent, 2040 + tally.asked_again, "{tally:?}");
    let excluded = blocks("10.0.1.0/30");
    let reached = |frame: &Vec<u8>| excluded.contains(contact_of(frame).unwrap().address);
    assert!(!sent().iter().any(reached), "what is excluded gets nothing");
}

#[test]
fn a_wire_that_loses_is_found_out() {
    let mut number = 0;
    // Half of what goes out is lost.
    let (outlet, inlet) = memory::wire(move |frame| {
        number += 1;
        if number % 2 == 0 { vec![reply(frame)] } else { Vec::new() }
    });
    let gate = Gate::new(outlet, consent("10.0.0.0/18", "192.0.2.0/32"));
    let plan = plan("10.0.0.0/18", &[80]);
    let tally = fly(vec![gate], inlet, &plan, &|| Stop::Not, |_| (), |_| ()).unwrap();
    assert!(tally.asked_again >= 8 && tally.lost > 0, "{tally:?}");
}

#[test]
fn what_was_stopped_goes_on_from_its_place() {
    let flown = |from, stop: &(dyn Fn() -> Stop + Sync)| {
        let (outlet, inlet) = memory::wire(|_| Vec::new());
        let sent = outlet.sent();
        let gate = Gate::new(outlet, consent("10.0.0.0/22", "192.0.2.0/32"));
        let plan = Plan { from, ..plan("10.0.0.0/22", &[80]) };
        let tally = fly(vec![gate], inlet, &plan, stop, |_| (), |_| ()).unwrap();
        (tally, sent())
    };
    let turns = AtomicU64::new(0);
    let after_two = || {
        if turns.fetch_add(1, Ordering::Relaxed) < 2 { Stop::Not } else { Stop::Drain }
    };
    let (tally, mut sent) = flown(0, &after_two);
    assert_eq!(tally.place, 512);
    let (tally, rest) = flown(tally.place, &|| Stop::Not);
    assert_eq!((tally.sent, rest.len()), (512, 512));
    sent.extend(rest);
    let whole: HashSet<IpAddr> =
        sent.iter().map(|frame| contact_of(frame).unwrap().address).collect();
    assert_eq!((sent.len(), whole.len()), (1024, 1024));
}

#[test]
fn a_rate_is_kept() {
    let (outlet, inlet) = memory::wire(|_| Vec::new());
    let gate = Gate::new(outlet, consent("10.0.0.0/24", "192.0.2.0/32"));
    let plan = Plan { rate: Some(1000), ..plan("10.0.0.0/24", &[80]) };
    let tally = fly(vec![gate], inlet, &plan, &|| Stop::Not, |_| (), |_| ()).unwrap();
    let took = tally.ended.since(tally.began);
    assert!((240_000_000..300_000_000).contains(&took), "256 packets took {took} ns");
}

#[test]
fn a_fragile_port_is_not_asked() {
    let (outlet, inlet) = memory::wire(|frame| vec![reply(frame)]);
    let sent = outlet.sent();
    let gate = Gate::new(outlet, consent("10.0.0.0/24", "192.0.2.0/32"));
    let plan = plan("10.0.0.0/24", &[104, 443]);
    let tally = fly(vec![gate], inlet, &plan, &|| Stop::Not, |_| (), |_| ()).unwrap();
    assert_eq!((tally.refused, tally.answered), (256, 256));
    assert!(sent().iter().all(|frame| contact_of(frame).unwrap().port == Some(443)));
}

#[test]
fn a_target_on_the_wire_is_asked_by_its_own_hardware_address() {
    let (outlet, inlet) = memory::wire(|_| Vec::new());
    let sent = outlet.sent();
    let gate = Gate::new(outlet, consent("10.0.0.0/24", "192.0.2.0/32"));
    let target = Ipv4Addr::new(10, 0, 0, 9);
    let macs = HashMap::from([(target, Mac([8; 6]))]);
    let plan = Plan { targets: blocks("10.0.0.9/32"), macs, ..plan("10.0.0.0/24", &[80]) };
    fly(vec![gate], inlet, &plan, &|| Stop::Not, |_| (), |_| ()).unwrap();
    assert_eq!(sent().len(), 1);
    assert_eq!(contact_of(&sent()[0]).unwrap().mac, Some([8; 6]));
}

#[test]
fn two_that_ask_share_the_targets() {
    let (first, inlet) = memory::wire(|frame| vec![reply(frame)]);
    let second = first.twin(|frame| vec![reply(frame)]);
    let sent = first.sent();
    let gates = [first, second]
        .map(|outlet| Gate::new(outlet, consent("10.0.0.0/18", "10.0.1.0/30")))
        .into_iter()
        .collect();
    let plan = plan("10.0.0.0/18", &[80]);
    let tally = fly(gates, inlet, &plan, &|| Stop::Not, |_| (), |_| ()).unwrap();
    assert_eq!((tally.answered, tally.refused), (16_380, 4), "{tally:?}");
    let whole: HashSet<IpAddr> =
        sent().iter().map(|frame| contact_of(frame).unwrap().address).collect();
    assert_eq!((whole.len(), tally.place), (16_380, 16_384));
    assert_eq!(tally.sent, 16_380 + tally.asked_again);
}

#[test]
fn a_quarter_of_a_million_answers_are_each_remembered() {
    let mut seen = Seen::new();
    let key = |number: u32| (Ipv4Addr::from(number), Some(443), How::SynAck);
    let new = (0..250_000).filter(|number| seen.add(&key(*number))).count();
    let again = (0..250_000).filter(|number| seen.add(&key(*number))).count();
    assert_eq!(new, 250_000);
    assert!(again < 1000, "{again} are told twice");
    assert!(seen.add(&(Ipv4Addr::from(1), Some(443), How::Reset)), "another answer is new");
}
