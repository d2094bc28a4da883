//! What real kernels answered in network namespaces, the simulated networks answer, packet by packet.

use std::{net::IpAddr, time::Duration};

use hex_literal::hex;
use sekisho::{
    link::{Act, Link as _, What, sim::Sim},
    scope::Tier,
    wire::{
        arp::{self, Arp},
        dhcp,
        ethernet::{self, Frame, Kind},
        icmpv6, ipv4, ipv6,
        ndp::{self, Extra, Message, Ndp},
        pppoe::{self, Pppoe},
        stun,
        udp::Datagram,
    },
};

use super::desk::{
    Asked, FAR, OURS, OWN, ask, ask_v6, exchange, frame, mac, network, one, reading, say, who_has,
};

#[expect(clippy::unnecessary_wraps, reason = "it stands beside silence, which is none")]
fn answer(kind: u8, code: u8, by: &str) -> Option<(u8, u8, String)> {
    Some((kind, code, by.to_owned()))
}

/// What is told of a packet that may go so far through a neighbour.
fn told(sim: &mut Sim, last: u8, ttl: u8) -> Option<(u8, u8, String)> {
    reading(one(sim, &Asked::echo(last, ttl)))
}

/// How many packets left, and the largest number of hops that one of them could still go.
fn left(sim: &Sim) -> (usize, Option<u8>) {
    (sim.crossed().len(), sim.crossed().iter().map(|crossed| crossed.time_to_live).max())
}

#[test]
fn hosts_that_do_not_forward_are_silent_at_every_time_to_live() {
    let mut sim = network("exits_plain_host");
    for last in [0x20, 0x21, 0x30] {
        for ttl in [1, 2, 64] {
            assert_eq!(told(&mut sim, last, ttl), None, "{last:02x} at {ttl}");
        }
    }
    assert_eq!(left(&sim), (0, None));
}

#[test]
fn a_gateway_says_itself_that_a_packet_expired_and_the_next_router_answers_one_hop_further() {
    let mut sim = network("exits_translating");
    let first = one(&mut sim, &Asked::echo(0x22, 1)).unwrap();
    assert_eq!((first.kind, first.code, first.by), (11, 0, IpAddr::from([10, 0, 0, 22])));
    assert_eq!(first.quoted, Some(OWN.into()));
    assert_eq!(first.echo, Some((0x5345, 7)));
    assert_eq!(first.quotes, 28, "a header and eight bytes");
    assert_eq!(left(&sim).0, 0, "nothing leaves at a time to live of 1");

    let second = one(&mut sim, &Asked::echo(0x22, 2)).unwrap();
    assert_eq!((second.kind, second.code, second.by), (11, 0, IpAddr::from([203, 0, 113, 1])));
    assert_eq!((second.mac, second.ttl), (0x22, 63));
    assert_eq!(second.quoted, Some(OWN.into()), "the translation is taken back in the quote");
    assert_eq!(left(&sim), (1, Some(1)));
    let crossed = &sim.crossed()[0];
    assert_eq!(crossed.source, IpAddr::from([203, 0, 113, 2]));
    assert_eq!((&*crossed.line, crossed.ours, crossed.further), ("fibre", true, false));

    assert_eq!(told(&mut sim, 0x22, 3), None, "it goes on, and nobody answers");
    assert!(sim.crossed()[1].further);
}

#[test]
fn a_relay_names_the_gateway_and_its_answer_comes_from_there() {
    let mut sim = network("exits_relay");
    assert_eq!(told(&mut sim, 0x23, 1), answer(11, 0, "10.0.0.23"));
    let said = ask(&mut sim, &Asked::echo(0x23, 2));
    let [redirect, expired] = &said[..] else { panic!("{said:?}") };
    assert_eq!((redirect.kind, redirect.code, redirect.argument), (5, 1, [10, 0, 0, 22]));
    assert_eq!((redirect.mac, expired.mac), (0x23, 0x22));
    assert_eq!((expired.kind, expired.by), (11, IpAddr::from([10, 0, 0, 22])));
    let third = ask(&mut sim, &Asked::echo(0x23, 3));
    let expired = third.iter().find(|said| said.kind == 11).unwrap();
    assert_eq!((expired.by, expired.mac), (IpAddr::from([203, 0, 113, 1]), 0x22));
}

#[test]
fn gateways_that_hide_show_one_hop_further() {
    for (name, last, far) in
        [("exits_hides_errors", 0x24, "203.0.113.5"), ("exits_hides_itself", 0x25, "203.0.113.9")]
    {
        let mut sim = network(name);
        assert!(who_has(&mut sim, OWN, [10, 0, 0, if last == 0x24 { 24 } else { 25 }]).is_some());
        assert_eq!(told(&mut sim, last, 1), None, "{name}");
        assert_eq!(told(&mut sim, last, 2), answer(11, 0, far), "{name}");
    }
    // The one answers for its own addresses, the other for nothing.
    let mut errors = network("exits_hides_errors");
    let own = Asked::to(0x24, 1, [203, 0, 113, 6]);
    assert_eq!(reading(one(&mut errors, &own)), answer(0, 0, "203.0.113.6"));
    let mut itself = network("exits_hides_itself");
    for own in [[203, 0, 113, 10], [10, 0, 0, 25]] {
        assert_eq!(one(&mut itself, &Asked::to(0x25, 64, own)), None);
    }
}

#[test]
fn routers_without_a_route_say_so_and_one_with_some_tells_which() {
    let mut sim = network("exits_no_route");
    assert_eq!(told(&mut sim, 0x31, 1), answer(3, 0, "10.0.0.31"));
    let mut sim = network("exits_vendor_routes");
    let mut oracle = |to: [u8; 4]| reading(one(&mut sim, &Asked::to(0x29, 1, to)));
    assert_eq!(oracle(FAR), answer(3, 0, "10.0.0.29"));
    assert_eq!(oracle([172, 30, 0, 1]), answer(11, 0, "10.0.0.29"));
    assert_eq!(oracle([172, 29, 0, 1]), answer(3, 1, "10.0.0.29"));
    assert_eq!(oracle([172, 28, 0, 1]), answer(3, 0, "10.0.0.29"));
    assert_eq!(oracle([172, 27, 0, 1]), answer(3, 13, "10.0.0.29"));
    assert_eq!(oracle([10, 9, 0, 1]), None);
    assert_eq!(left(&sim).0, 0);
    let second = one(&mut sim, &Asked::to(0x29, 2, [172, 30, 0, 1]));
    assert_eq!(reading(second), answer(11, 0, "192.0.2.29"));
}

#[test]
fn a_closed_network_s_router_has_no_route_for_the_internet() {
    let mut sim = network("exits_two_lines");
    assert_eq!(told(&mut sim, 0x34, 2), answer(11, 0, "203.0.113.41"));
    let second = one(&mut sim, &Asked::to(0x34, 2, [172, 20, 0, 1]));
    assert_eq!(reading(second), answer(11, 0, "192.0.2.41"));
    let beyond = Asked { destination: [172, 20, 0, 1], ..Asked::echo(0x34, 2) };
    one(&mut sim, &beyond);
    let lines: Vec<&str> = sim.crossed().iter().map(|crossed| &*crossed.line).collect();
    assert_eq!(lines, ["fibre", "closed", "closed"]);
}

#[test]
fn routers_write_their_addresses_into_the_record_route_option() {
    let route = |sim: &mut Sim, last, ttl| {
        let asked = Asked { options: ipv4::record_route(9), ..Asked::echo(last, ttl) };
        let said = ask(sim, &asked).into_iter().find(|said| said.kind == 11).unwrap();
        said.route.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let mut gateway = network("exits_translating");
    assert_eq!(route(&mut gateway, 0x22, 2), ["203.0.113.2", "203.0.113.1"]);
    assert_eq!(route(&mut gateway, 0x22, 1), ["10.0.0.22"]);
    let mut relay = network("exits_relay");
    assert_eq!(route(&mut relay, 0x23, 2), ["10.0.0.23", "10.0.0.22"]);
    let mut hides = network("exits_hides_errors");
    assert_eq!(route(&mut hides, 0x24, 2), ["203.0.113.6", "203.0.113.5"]);
    // An answer to an echo brings the option back.
    let asked = Asked { options: ipv4::record_route(9), ..Asked::to(0x22, 64, [10, 0, 0, 22]) };
    let said = one(&mut gateway, &asked).unwrap();
    assert_eq!((said.kind, said.route), (0, vec![[10, 0, 0, 22].into()]));
}

#[test]
fn only_the_owner_of_an_address_answers_for_it_at_a_time_to_live_of_one() {
    let mut sim = network("exits_relay");
    let owns = |sim: &mut Sim, last| reading(one(sim, &Asked::to(last, 1, [203, 0, 113, 2])));
    assert_eq!(owns(&mut sim, 0x22), answer(0, 0, "203.0.113.2"));
    assert_eq!(owns(&mut sim, 0x23), answer(11, 0, "10.0.0.23"));
    assert_eq!(owns(&mut sim, 0x20), None);
    assert_eq!(left(&sim).0, 0);
}

#[test]
fn a_gateway_says_what_its_line_takes_and_nothing_leaves() {
    let mut sim = network("exits_narrow_line");
    let long = |ttl| Asked { dont_fragment: true, data: 1472, ..Asked::echo(0x26, ttl) };
    let said = one(&mut sim, &long(2)).unwrap();
    assert_eq!((said.kind, said.code, said.argument), (3, 4, [0, 0, 5, 0xae]));
    assert_eq!(said.by, IpAddr::from([10, 0, 0, 26]));
    assert_eq!(left(&sim).0, 0);
    assert_eq!(one(&mut sim, &long(1)).unwrap().kind, 11, "the time to live comes first");
    let fits = Asked { dont_fragment: true, data: 1454 - 28, ..Asked::echo(0x26, 2) };
    assert_eq!(reading(one(&mut sim, &fits)), answer(11, 0, "203.0.113.13"));
}

#[test]
fn the_responder_sees_the_line_s_address_or_our_own() {
    let asks = stun::ask([7; 12]);
    let mapped = |name: &str, last| {
        let said = say(&mut network(name), last, ([198, 51, 100, 7], 3478), &asks)?;
        let message = stun::Message::parse(&said).unwrap();
        let (_, value) = *message.attributes.iter().find(|(number, _)| *number == 0x20)?;
        Some(message.address(value, true).unwrap().to_string())
    };
    assert_eq!(mapped("exits_relay", 0x22).unwrap(), "203.0.113.2:40000");
    assert_eq!(mapped("exits_relay", 0x23).unwrap(), "203.0.113.2:40000");
    assert_eq!(mapped("exits_hides_errors", 0x24).unwrap(), "203.0.113.6:40000");
    assert_eq!(mapped("exits_hides_itself", 0x25).unwrap(), "203.0.113.10:40000");
    assert_eq!(mapped("exits_routed", 0x27).unwrap(), "10.0.0.250:40000");
    assert_eq!(mapped("exits_plain_host", 0x20), None);
}

#[test]
fn a_weak_host_answers_for_its_other_card_and_a_mute_one_only_packets() {
    let other = [192, 168, 42, 129];
    for (name, last, answers) in [("exits_weak_host", 0x32, true), ("exits_mute_host", 0x28, false)]
    {
        let mut sim = network(name);
        assert_eq!(who_has(&mut sim, OWN, other), answers.then_some(mac(last)), "{name}");
        let echo = one(&mut sim, &Asked::to(last, 1, other));
        assert_eq!(reading(echo), answer(0, 0, "192.168.42.129"), "{name}");
    }
    let mut strong = network("exits_second_card");
    assert_eq!(who_has(&mut strong, OWN, [172, 31, 9, 70]), None);
    assert_eq!(one(&mut strong, &Asked::to(0x70, 1, [172, 31, 9, 70])), None);
}

/// The forgotten router of another prefix, as it is or without looking where packets come from.
fn forgotten(checks: bool) -> Sim {
    let file = "fixtures/networks/exits_foreign_prefix.toml";
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.replace("checks_sources = true", &format!("checks_sources = {checks}"));
    Sim::parse(&text, file).unwrap()
}

const FORGOTTEN: [u8; 6] = [2, 0, 0, 0, 1, 1];

#[test]
fn a_gateway_of_another_prefix_is_silent_to_our_own_address() {
    for checks in [true, false] {
        let mut sim = forgotten(checks);
        assert_eq!(who_has(&mut sim, OWN, [192, 168, 1, 1]), Some(FORGOTTEN));
        for ttl in [1, 2, 64] {
            let asked = frame(FORGOTTEN, ethernet::IPV4, &Asked::echo(0, ttl).bytes());
            assert_eq!(exchange(&mut sim, &asked), Vec::<Vec<u8>>::new(), "{checks} at {ttl}");
        }
        // Where it does not look, its own errors leave by its line, and so do packets that may.
        let ours = sim.crossed().iter().filter(|crossed| crossed.ours).count();
        assert_eq!((ours, sim.crossed().len()), if checks { (0, 0) } else { (2, 4) });
    }
}

#[test]
fn a_borrowed_address_is_asked_for_before_it_is_answered() {
    let borrowed = [192, 168, 1, 77];
    for checks in [true, false] {
        let mut sim = forgotten(checks);
        assert_eq!(who_has(&mut sim, [0; 4], borrowed), None, "nobody has it");
        let asked = Asked { source: borrowed, ..Asked::echo(0, 1) };
        let heard = exchange(&mut sim, &frame(FORGOTTEN, ethernet::IPV4, &asked.bytes()));
        let [question] = &heard[..] else { panic!("{heard:?}") };
        let question = Frame::parse(question).unwrap();
        assert_eq!((question.destination, question.source), ([0xff; 6], FORGOTTEN));
        let question = Arp::parse(question.payload).unwrap();
        assert_eq!((question.operation, question.target), (arp::REQUEST, borrowed.into()));

        let claim = Arp {
            operation: arp::REPLY,
            sender_mac: OURS,
            sender: borrowed.into(),
            target_mac: FORGOTTEN,
            target: question.sender,
        };
        let asked = Asked { source: borrowed, ..Asked::echo(0, 1) };
        sim.send(Act::Frame {
            interface: 0,
            bytes: &frame(FORGOTTEN, ethernet::IPV4, &asked.bytes()),
            probe: "test",
            tier: Tier::Ask,
        })
        .unwrap();
        let heard = exchange(&mut sim, &frame(FORGOTTEN, ethernet::ARP, &claim.emit()));
        let expired: Vec<_> = heard
            .iter()
            .filter_map(|bytes| ipv4::Packet::parse(Frame::parse(bytes).unwrap().payload).ok())
            .collect();
        assert!(!expired.is_empty());
        for packet in expired {
            assert_eq!(packet.source.octets(), [192, 168, 1, 1]);
            assert_eq!(packet.destination.octets(), borrowed);
            assert_eq!(packet.payload[0], 11);
        }
    }
}

#[test]
fn a_router_of_ipv6_says_what_expired_and_what_may_not_leave_the_link() {
    let mut sim = network("exits_ipv6_router");
    let ours = "fe80::fa".parse().unwrap();
    let far = "2001:503:ba3e::2:30".parse().unwrap();
    let told = |sim: &mut Sim, last, hops| reading(ask_v6(sim, last, ours, far, hops, 8));
    assert_eq!(told(&mut sim, 0x33, 1), answer(3, 0, "fe80::33"));
    assert_eq!(told(&mut sim, 0x33, 2), answer(1, 2, "fe80::33"));
    assert_eq!(left(&sim).0, 0, "a link-local source stays on its link");
    // A host that forwards nothing says that it has no route.
    assert_eq!(told(&mut sim, 0x30, 1), answer(1, 0, "fe80::30"));
    assert_eq!(told(&mut sim, 0x30, 2), answer(1, 0, "fe80::30"));
    assert_eq!(told(&mut sim, 0x20, 1), None);
}

#[test]
fn a_router_of_ipv6_sends_on_what_comes_from_a_global_address_and_says_what_its_line_takes() {
    let text = std::fs::read_to_string("fixtures/networks/exits_ipv6_router.toml").unwrap();
    let text = text
        .replace(
            "\"10.0.0.0/24\", \"fe80::/64\"",
            "\"10.0.0.0/24\", \"fe80::/64\", \"2001:db8:1::/64\"",
        )
        .replace("\"10.0.0.250\", \"fe80::fa\"", "\"10.0.0.250\", \"fe80::fa\", \"2001:db8:1::fa\"")
        .replace("\"10.0.0.33\", \"fe80::33\"", "\"10.0.0.33\", \"fe80::33\", \"2001:db8:1::33\"")
        .replace("router = \"carrier\"", "router = \"carrier\"\nmtu = 1460");
    let mut sim = Sim::parse(&text, "n.toml").unwrap();
    let ours = "2001:db8:1::fa".parse().unwrap();
    let far = "2001:503:ba3e::2:30".parse().unwrap();
    assert_eq!(reading(ask_v6(&mut sim, 0x33, ours, far, 2, 8)), answer(3, 0, "2001:db8:ffff::1"));
    let long = ask_v6(&mut sim, 0x33, ours, far, 2, 1440).unwrap();
    assert_eq!((long.kind, long.code, long.argument), (2, 0, [0, 0, 5, 0xb4]));
    assert_eq!(long.quotes, 1232);
}

#[test]
fn the_one_in_charge_answers_for_the_virtual_router() {
    let mut sim = network("exits_virtual_pair");
    let virtual_mac = hex!("00005e00010a");
    assert_eq!(who_has(&mut sim, OWN, [10, 0, 0, 1]), Some(virtual_mac));
    let heard = exchange(&mut sim, &frame(virtual_mac, ethernet::IPV4, &Asked::echo(0, 1).bytes()));
    let errors: Vec<Frame<'_>> = heard
        .iter()
        .map(|bytes| Frame::parse(bytes).unwrap())
        .filter(|frame| frame.destination == OURS)
        .collect();
    let [error] = &errors[..] else { panic!("{errors:?}") };
    assert_eq!(error.source, mac(2), "it answers from its own hardware address");
    let packet = ipv4::Packet::parse(error.payload).unwrap();
    assert_eq!(packet.source.octets(), [10, 0, 0, 2]);
    // And it announces itself every second.
    let (from, until) = (sim.now(), sim.now().after(Duration::from_secs(10)));
    let announced = std::iter::from_fn(|| sim.wait(until)).count();
    assert!((9..=11).contains(&announced), "{announced} since {from}");
}

#[test]
fn concentrators_servers_of_addresses_and_routers_answer_who_looks_for_them() {
    let mut sim = network("exits_access_line");
    let heard = exchange(&mut sim, &frame([0xff; 6], 0x8863, &pppoe::ask(7)));
    let [offer] = &heard[..] else { panic!("{heard:?}") };
    let offer = Frame::parse(offer).unwrap();
    assert_eq!((offer.destination, offer.source), (OURS, mac(0x36)));
    let offer = Pppoe::parse(offer.payload).unwrap();
    assert_eq!(offer.code, pppoe::PADO);
    let tags: Vec<_> = offer.tags().collect();
    assert!(tags.contains(&(pppoe::AC_NAME, b"BAS1-OSAKA")));
    assert!(tags.contains(&(pppoe::HOST_UNIQ, &[0, 0, 0, 7])));

    let mut sim = network("exits_ipv6_router");
    let (ours, routers) = ("fe80::fa".parse().unwrap(), "ff02::2".parse().unwrap());
    let packet = ipv6::Packet {
        source: ours,
        destination: routers,
        hop_limit: 255,
        protocol: icmpv6::NUMBER,
        fragment: None,
        payload: &ndp::ask_routers(ours, routers, OURS),
        missing: 0,
    };
    let heard = exchange(&mut sim, &frame(hex!("333300000002"), ethernet::IPV6, &packet.emit()));
    let [told] = &heard[..] else { panic!("{heard:?}") };
    let told = ipv6::Packet::parse(Frame::parse(told).unwrap().payload).unwrap();
    let told = Ndp::parse(told.payload).unwrap();
    let advertises = Message::RouterAdvertisement { hop_limit: 64, flags: 0, lifetime: 1800 };
    assert_eq!(told.message, advertises);
    let prefix = Extra::Prefix(64, 0xc0, "2001:db8:1::".parse().unwrap());
    assert!(told.extras().contains(&prefix) && told.extras().contains(&Extra::Mtu(1500)));
}

/// A network of one wire with these hosts and lines.
fn small(rest: &str) -> Sim {
    let text = format!(
        "origin = \"this test\"\nsegment = [{{ name = \"wire\", prefixes = [\"10.0.0.0/24\"], interface = {{ \
         name = \"wire\", mac = \"02:00:00:00:00:fa\", addresses = [\"10.0.0.250\"] }} }}]\n{rest}"
    );
    Sim::parse(&text, "small.toml").unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_server_of_addresses_offers_and_reserves_nothing() {
    let mut sim = small(
        "[[host]]\naddresses = [\"10.0.0.1\"]\nmac = \"02:00:00:00:00:01\"\noffers = { address = \"10.0.0.77\", \
         options = { hex = \"0304 0a000001\" } }\n",
    );
    // A search is an inform whose kind says so.
    let mut asks = dhcp::inform(7, [0, 0, 0, 0].into(), OURS);
    let kind = asks.windows(3).position(|window| window == [53, 1, 8]).unwrap() + 2;
    asks[kind] = 1;
    let bare = ipv4::Packet {
        source: [0, 0, 0, 0].into(),
        destination: [255; 4].into(),
        time_to_live: 64,
        protocol: 17,
        identification: 1,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        options: &[],
        payload: &[],
        missing: 0,
    };
    let datagram = Datagram { source: 68, destination: 67, payload: &asks };
    let payload = datagram.emit(&bare.pseudo_header(8 + asks.len()));
    let asked = ipv4::Packet { payload: &payload, ..bare }.emit();
    let heard = exchange(&mut sim, &frame([0xff; 6], ethernet::IPV4, &asked));
    let [offer] = &heard[..] else { panic!("{heard:?}") };
    let packet = ipv4::Packet::parse(Frame::parse(offer).unwrap().payload).unwrap();
    let offer = Datagram::parse(packet.payload).unwrap();
    let message = dhcp::Message::parse(offer.payload).unwrap();
    assert_eq!((message.op, message.yours.octets()), (2, [10, 0, 0, 77]));
    assert_eq!((message.option(53), message.option(3)), (Some(&[2][..]), Some(&[10, 0, 0, 1][..])));
    assert_eq!(message.option(54), Some(&[10, 0, 0, 1][..]));
}

const GATEWAY: &str = "[[outside]]\nname = \"carrier\"\nbehind = [\"0.0.0.0/0\"]\nanswers = [\"198.51.100.80\"]\nOUTSIDE\n\
                       [[line]]\nname = \"fibre\"\nnear = [\"203.0.113.2\"]\nfar = [\"203.0.113.1\"]\nrouter = \"carrier\"\n\
                       translates = true\nLINE\n\
                       [[host]]\nname = \"gateway\"\naddresses = [\"10.0.0.22\"]\nmac = \"02:00:00:00:00:22\"\n\
                       forwards = [{ to = \"0.0.0.0/0\", line = \"fibre\" }]\nHOST\n";

fn gateway(outside: &str, line: &str, host: &str) -> Sim {
    small(&GATEWAY.replace("OUTSIDE", outside).replace("LINE", line).replace("HOST", host))
}

#[test]
fn errors_are_rationed_as_linux_does_or_more_strictly() {
    let burst = |sim: &mut Sim| {
        let asked = frame(mac(0x22), ethernet::IPV4, &Asked::echo(0x22, 1).bytes());
        for _ in 0..10 {
            let act = Act::Frame { interface: 0, bytes: &asked, probe: "test", tier: Tier::Ask };
            sim.send(act).unwrap();
        }
        let until = sim.now().after(Duration::from_millis(10));
        std::iter::from_fn(|| sim.wait(until)).count()
    };
    assert_eq!(burst(&mut gateway("", "", "")), 10);
    let mut linux = gateway("", "", "errors = { every = 1000, burst = 6 }");
    assert_eq!((burst(&mut linux), burst(&mut linux)), (6, 0));
    let mut strict = gateway("", "", "errors = { every = 1000 }");
    assert_eq!(burst(&mut strict), 1);
    strict.wait(strict.now().after(Duration::from_secs(1)));
    assert_eq!(burst(&mut strict), 1);
    // What routers outside say is not the gateway's to ration.
    let until = strict.now().after(Duration::from_millis(10));
    let asked = frame(mac(0x22), ethernet::IPV4, &Asked::echo(0x22, 2).bytes());
    for _ in 0..3 {
        let act = Act::Frame { interface: 0, bytes: &asked, probe: "test", tier: Tier::Ask };
        strict.send(act).unwrap();
    }
    assert_eq!(std::iter::from_fn(|| strict.wait(until)).count(), 3);
}

#[test]
fn outside_routers_answer_drop_or_hide_as_their_lines_say() {
    let mut sim = gateway("", "", "");
    let echo = one(&mut sim, &Asked::to(0x22, 64, [198, 51, 100, 80]));
    assert_eq!(reading(echo), answer(0, 0, "198.51.100.80"));
    let far = one(&mut sim, &Asked::to(0x22, 2, [203, 0, 113, 1]));
    assert_eq!(reading(far), answer(0, 0, "203.0.113.1"));
    let private = one(&mut sim, &Asked::to(0x22, 2, [172, 16, 0, 1]));
    assert_eq!(reading(private), answer(3, 0, "203.0.113.1"));
    let route = Asked { options: ipv4::record_route(9), ..Asked::echo(0x22, 2) };
    let mut drops = gateway("drops_options = true", "", "");
    assert_eq!(one(&mut drops, &route), None);
    assert!(one(&mut drops, &Asked::echo(0x22, 2)).is_some());
    let mut silent = gateway("silent = true", "", "");
    assert_eq!(one(&mut silent, &Asked::echo(0x22, 2)), None);
    assert_eq!(left(&silent).0, 1);
    let mut talks = gateway("quotes = 548", "", "quotes = 128");
    let long = |ttl| Asked { data: 1000, ..Asked::echo(0x22, ttl) };
    assert_eq!(one(&mut talks, &long(1)).unwrap().quotes, 20 + 128);
    assert_eq!(one(&mut talks, &long(2)).unwrap().quotes, 20 + 548);
}

#[test]
fn a_gateway_may_answer_arp_for_the_outside() {
    let mut sim = gateway("", "", "proxies = true");
    assert_eq!(who_has(&mut sim, OWN, [198, 51, 100, 7]), Some(mac(0x22)));
    assert_eq!(who_has(&mut sim, OWN, [10, 0, 0, 99]), None, "not for what is on the wire itself");
    assert_eq!(who_has(&mut gateway("", "", ""), OWN, [198, 51, 100, 7]), None);
}

#[test]
fn what_is_lost_follows_from_the_seed_and_is_as_much_as_the_file_says() {
    let answered = |line: &str, host: &str, seed| {
        let mut sim = gateway("", line, host).seeded(seed);
        let asked = Asked::echo(0x22, 2);
        (0..400).map(|_| one(&mut sim, &asked).is_some()).collect::<Vec<_>>()
    };
    let share = |answered: &[bool]| answered.iter().filter(|heard| **heard).count();
    let (one_seed, other) = (answered("", "loss = 20", 3), answered("", "loss = 20", 4));
    assert_eq!(one_seed, answered("", "loss = 20", 3));
    assert_ne!(one_seed, other);
    // Of a hundred 64 come through both ways.
    assert!((220..292).contains(&share(&one_seed)), "{}", share(&one_seed));
    let line = answered("loss = 20", "", 3);
    assert!((220..292).contains(&share(&line)), "{}", share(&line));
    assert_eq!(share(&answered("", "loss = 100", 3)), 0);
}

#[test]
fn lines_are_as_slow_and_hosts_say_things_as_often_as_the_file_says() {
    let mut sim = gateway("", "latency = 80", "");
    let began = sim.now();
    let asked = frame(mac(0x22), ethernet::IPV4, &Asked::echo(0x22, 2).bytes());
    sim.send(Act::Frame { interface: 0, bytes: &asked, probe: "test", tier: Tier::Ask }).unwrap();
    let heard = sim.wait(began.after(Duration::from_secs(1))).unwrap();
    assert!(matches!(heard.what, What::Frame { .. }));
    assert_eq!(heard.at.since(began) / 1_000_000, 80);
    let mut sim = gateway("", "", "repeats = 3");
    assert_eq!(ask(&mut sim, &Asked::echo(0x22, 1)).len(), 3);
}

#[test]
fn routers_behind_routers_forward_there_and_back() {
    let mut sim = Sim::parse(
        "origin = \"this test\"\nsegment = [{ name = \"wire\", prefixes = [\"10.0.0.0/24\"], interface = { name = \
         \"wire\", mac = \"02:00:00:00:00:fa\", addresses = [\"10.0.0.250\"] } }, { name = \"transit\", prefixes = \
         [\"10.0.9.0/30\"], behind = \"10.0.0.1\" }]\n\
         [[outside]]\nname = \"carrier\"\nbehind = [\"0.0.0.0/0\"]\n\
         [[line]]\nname = \"fibre\"\nnear = [\"203.0.113.2\"]\nfar = [\"203.0.113.1\"]\nrouter = \"carrier\"\ntranslates = true\n\
         [[host]]\nname = \"core\"\naddresses = [\"10.0.0.1\", \"10.0.9.1\"]\nmac = \"02:00:00:00:00:01\"\n\
         forwards = [{ to = \"0.0.0.0/0\", by = \"10.0.9.2\" }]\n\
         [[host]]\nname = \"firewall\"\naddresses = [\"10.0.9.2\"]\nmac = \"02:00:00:00:09:02\"\n\
         forwards = [{ to = \"0.0.0.0/0\", line = \"fibre\" }, { to = \"10.0.0.0/16\", by = \"10.0.9.1\" }]\n",
        "n.toml",
    )
    .unwrap();
    assert_eq!(told(&mut sim, 1, 1), answer(11, 0, "10.0.0.1"));
    let second = one(&mut sim, &Asked::echo(1, 2)).unwrap();
    assert_eq!((second.by, second.mac, second.ttl), (IpAddr::from([10, 0, 9, 2]), 1, 63));
    let third = one(&mut sim, &Asked::echo(1, 3)).unwrap();
    assert_eq!((third.by, third.ttl), (IpAddr::from([203, 0, 113, 1]), 62));
    assert_eq!(left(&sim), (1, Some(1)));
}

#[test]
fn one_frame_for_all_that_is_for_somebody_outside_is_answered_by_nobody() {
    let mut sim = network("exits_relay");
    for ttl in [1, 2, 64] {
        let asked = frame([0xff; 6], ethernet::IPV4, &Asked::echo(0, ttl).bytes());
        assert_eq!(exchange(&mut sim, &asked), Vec::<Vec<u8>>::new());
    }
}

#[test]
fn what_comes_through_a_hosts_hardware_address_is_counted_to_it() {
    let mut sim = small(
        "[[host]]\naddresses = [\"10.0.0.7\"]\nmac = \"02:00:00:00:00:07\"\nfragile = true\n",
    );
    let address = IpAddr::from([10, 0, 0, 7]);
    assert!(who_has(&mut sim, OWN, [10, 0, 0, 7]).is_some());
    assert_eq!((sim.reached(address), sim.harmed().len()), (0, 0));
    assert_eq!(one(&mut sim, &Asked::echo(7, 1)), None);
    assert_eq!((sim.reached(address), sim.harmed().len()), (1, 1));
    assert_eq!(sim.count(address).packets, 0, "it was for somebody else");
}

#[test]
fn what_is_wrong_with_a_road_is_told_with_line_value_and_fix() {
    let faults = [
        (
            "forwards = [{ to = \"0.0.0.0/0\", line = \"fiber\" }]",
            "`fiber` is no line; there are fibre",
        ),
        ("forwards = [{ to = \"0.0.0.0/0\" }]", "give one of `by`, `line` and `ends`"),
        ("forwards = [{ to = \"10.1.0.1/8\", by = \"10.0.0.1\" }]", "did you mean 10.0.0.0/8?"),
        (
            "forwards = [{ to = \"0.0.0.0/0\", by = \"10.9.0.1\" }]",
            "`10.9.0.1` leads on, but is on no segment",
        ),
        ("forwards = [{ to = \"0.0.0.0/0\", via = \"10.0.0.1\" }]", "unknown field `via`"),
        ("elsewhere = [\"10.0.0.9\"]", "`10.0.0.9` is elsewhere, yet lies in a segment"),
        ("loss = 101", "`loss = 101` is more than a hundred"),
        ("quotes = 4", "`quotes = 4` is quoted; errors take 8 to 548"),
        ("errors = { every = 0 }", "begin at 1"),
        ("announces = [{ every = 0, frame = { hex = \"00\" } }]", "`every = 0` milliseconds apart"),
        (
            "acts_as = [{ address = \"10.0.0.5\", mac = \"02:00:00:00:00:05\" }]",
            "`10.0.0.5` belongs to two",
        ),
    ];
    let text = |host: &str| {
        format!(
            "origin = \"this test\"\nsegment = [{{ name = \"wire\", prefixes = [\"10.0.0.0/24\"], interface = {{ \
             name = \"wire\", mac = \"02:00:00:00:00:fa\", addresses = [\"10.0.0.250\"] }} }}]\n\
             [[outside]]\nname = \"carrier\"\nbehind = [\"0.0.0.0/0\"]\n[[line]]\nname = \"fibre\"\nnear = \
             [\"203.0.113.2\"]\nfar = [\"203.0.113.1\"]\nrouter = \"carrier\"\n[[host]]\naddresses = [\"10.0.0.5\"]\n\
             [[host]]\nname = \"gateway\"\naddresses = [\"10.0.0.1\"]\n{host}\n"
        )
    };
    for (host, wanted) in faults {
        let Err(error) = Sim::parse(&text(host), "n.toml") else { panic!("{host} is taken") };
        let error = error.to_string();
        assert!(error.starts_with("n.toml: ") && error.contains(wanted), "{error}");
        assert!(error.contains("line ") && !error.contains("line 0"), "{error}");
    }
    let Err(error) = Sim::parse(&text(""), "n.toml") else { panic!("a line of nobody") };
    assert!(error.to_string().contains("no host has a route over"), "{error}");
}

#[test]
fn a_frame_of_another_kind_is_nobodys() {
    let mut sim = network("exits_access_line");
    assert!(exchange(&mut sim, &frame([0xff; 6], 0x88cc, b"abc")).is_empty());
    let session = Pppoe { code: pppoe::PADR, session: 0, payload: &[] }.emit();
    assert!(exchange(&mut sim, &frame(mac(0x36), 0x8863, &session)).is_empty());
    let kind = Frame::parse(&frame([0xff; 6], 0x8863, &session)).map(|frame| frame.kind);
    assert_eq!(kind, Ok(Kind::Type(0x8863)));
}
