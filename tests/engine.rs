//! The engine asks in the order, at the pace and within the bounds that it promises, on a network in memory.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod engine {
    pub(crate) mod network;
}

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use engine::network::{Network, Server, web};
use sekisho::{
    fingerprint::{Matcher, Signatures, Vocabulary},
    link::Speaker,
    observe::Transport,
    probe::engine::{Context, Distress, Manner, Outcome, Past, Service, State, ask},
    scope::Profile,
};

const HOUR: u64 = 3_600_000;

fn tcp(text: &str) -> Service {
    let to = text.parse().unwrap();
    Service { to, transport: Transport::Tcp, state: State::Open }
}

fn udp(text: &str) -> Service {
    Service { transport: Transport::Udp, state: State::Unknown, ..tcp(text) }
}

fn asked(network: &mut Network, services: &[Service], manner: &Manner) -> Outcome {
    asked_with(network, services, manner, &(), &Signatures::default())
}

fn asked_with(
    network: &mut Network,
    services: &[Service],
    manner: &Manner,
    past: &dyn Past,
    signatures: &Signatures,
) -> Outcome {
    let matcher = Matcher::new(signatures);
    let context = Context {
        seed: 7,
        communities: &[],
        matcher: &matcher,
        requested: &[],
        names: &BTreeMap::new(),
        wanted: &[],
        past,
        first_call: 1,
    };
    let outcome = ask(network, services.iter().copied(), manner, &context, &mut |_| {});
    assert!(network.elapsed() < HOUR, "it takes {} ms", network.elapsed());
    assert_eq!(network.open_now(), 0, "conversations are left open");
    outcome
}

fn clinic() -> Manner {
    Manner::of(Profile::Clinic)
}

/// A gateway on 192.0.2.1 that has `ways` ways in, where its answer to a search sends us.
fn gateway(ways: usize) -> Network {
    const TOLD: &str = "HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\
        USN: uuid:1\r\nEXT:\r\nLOCATION: http://192.0.2.1:5000/root.xml\r\n\r\n";
    const DESCRIBED: &str = "<root><device><manufacturer>Example</manufacturer><serviceList><service>\
        <serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>/c\
        </controlURL></service></serviceList></device></root>";
    let mut network = Network::default();
    network.serve("192.0.2.1:1900", || Server::answers(|_| TOLD.into()));
    network.serve("192.0.2.1:5000", move || {
        Server::ends_after(move |asked| {
            let asked = String::from_utf8_lossy(asked).into_owned();
            let index =
                asked.split("PortMappingIndex>").nth(1).and_then(|rest| rest.split('<').next());
            let xml = match index.and_then(|index| index.parse::<usize>().ok()) {
                None => DESCRIBED.to_owned(),
                Some(index) if index < ways => format!(
                    "<a><NewExternalPort>{}</NewExternalPort><NewProtocol>TCP</NewProtocol>\
                     <NewInternalPort>80</NewInternalPort><NewInternalClient>192.0.2.9\
                     </NewInternalClient></a>",
                    40_000 + index
                ),
                Some(_) => "<errorCode>713</errorCode>".to_owned(),
            };
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length:";
            format!("{head} {}\r\n\r\n{xml}", xml.len()).into_bytes()
        })
    });
    network
}

#[test]
fn a_gateway_is_asked_for_one_way_in_after_the_other_and_for_no_more_than_so_many() {
    for (ways, questions) in [(0, 1), (3, 4), (usize::MAX, sekisho::probe::upnp::MOST_MAPPINGS)] {
        let mut network = gateway(ways);
        asked(&mut network, &[udp("192.0.2.1:1900")], &clinic());
        let of = |name: &str| network.questions().iter().filter(|asked| **asked == name).count();
        assert_eq!(of("igd_mappings"), questions, "of {ways}");
        assert_eq!((of("igd_outside"), of("igd_status")), (1, 1));
        let done = network.notes.iter().filter(|note| note.contains("igd_mappings")).count();
        assert_eq!(done, 1, "it is noted once, at the end");
    }
}

#[test]
fn an_unknown_service_that_speaks_is_asked_nothing_else() {
    let mut network = Network::default();
    network.serve("192.0.2.1:40000", || Server::speaks(b"SSH-2.0-Example_1.0\r\n"));
    let outcome = asked(&mut network, &[tcp("192.0.2.1:40000")], &clinic());
    assert_eq!(network.questions(), ["banner"]);
    assert_eq!(outcome.answered, 1);
    assert_eq!(
        network.notes,
        [
            "spoke tcp 192.0.2.1:40000 ssh",
            "done tcp 192.0.2.1:40000 banner answered",
            "finished tcp 192.0.2.1:40000"
        ]
    );
}

#[test]
fn an_unknown_service_that_is_mute_is_asked_as_broadly_as_the_manner_says() {
    let mut network = Network::default();
    network.serve("192.0.2.1:40000", Server::mute);
    let outcome = asked(&mut network, &[tcp("192.0.2.1:40000")], &clinic());
    assert_eq!(network.questions(), ["banner", "tls", "http"]);
    assert_eq!((outcome.answered, outcome.silent), (0, 3));
    assert_eq!(outcome.open, [("192.0.2.1:40000".parse().unwrap(), Transport::Tcp)]);
}

#[test]
fn what_speaks_something_unknown_is_left_alone() {
    let mut network = Network::default();
    network.serve("192.0.2.1:40000", || Server::speaks(b"\x01\x02\x03odd\n"));
    asked(&mut network, &[tcp("192.0.2.1:40000")], &clinic());
    assert_eq!(network.questions(), ["banner"]);
}

#[test]
fn one_host_has_one_conversation_at_a_time_and_many_hosts_have_many() {
    let mut network = Network::default();
    let mut services = Vec::new();
    for host in 1..=20 {
        for port in [22, 80, 40_000] {
            let to = format!("192.0.2.{host}:{port}");
            network.serve(&to, Server::mute);
            services.push(tcp(&to));
        }
    }
    asked(&mut network, &services, &clinic());
    assert_eq!(network.most_with_one_host, 1);
    assert_eq!(network.most_open, 20);
    let mut network = Network::default();
    for service in &services {
        network.serve(&service.to.to_string(), Server::mute);
    }
    asked(&mut network, &services, &Manner { at_once: 3, ..clinic() });
    assert_eq!(network.most_open, 3);
}

#[test]
fn nothing_is_sent_before_the_link_is_ready() {
    let mut network = Network::paced(500);
    let mut services = Vec::new();
    for host in 1..=3 {
        for port in [22, 8080] {
            let to = format!("192.0.2.{host}:{port}");
            network.serve(&to, || web("<title>x</title>"));
            services.push(tcp(&to));
        }
    }
    let outcome = asked(&mut network, &services, &clinic());
    assert!(network.too_soon == 0 && outcome.answered > 0, "{outcome:?}");
    let sent = network.sent_to(IpAddr::from([192, 0, 2, 1]));
    assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= 500), "{sent:?}");
    // Others go on while one waits.
    let first: Vec<u64> =
        (1..=3).map(|host| network.sent_to(IpAddr::from([192, 0, 2, host]))[0]).collect();
    assert_eq!(first, [0, 0, 0]);
}

#[test]
fn a_datagram_is_asked_again_after_silence_and_no_sooner() {
    let mut network = Network::default();
    let outcome = asked(&mut network, &[udp("192.0.2.1:5351")], &clinic());
    let said = network.said_at("nat_pmp");
    assert!(said.len() == 2 && (2000..2100).contains(&(said[1] - said[0])), "{said:?}");
    assert_eq!((outcome.silent, outcome.answered), (2, 0), "two questions are at home there");
    assert_eq!(network.notes[0], "done udp 192.0.2.1:5351 nat_pmp silent");
    assert!(outcome.open.is_empty());
}

#[test]
fn a_datagram_that_is_answered_is_asked_once() {
    let mut network = Network::default();
    network.serve("192.0.2.1:5351", || {
        Server::answers(|_| b"\0\x80\0\0\0\0\x02\xca\xcb\0\x71\x09".to_vec())
    });
    let outcome = asked(&mut network, &[udp("192.0.2.1:5351")], &clinic());
    assert_eq!((network.said_at("nat_pmp").len(), network.said_at("pcp").len()), (1, 1));
    assert_eq!(outcome.answered, 2);
}

#[test]
fn a_refused_stream_is_never_tried_again() {
    let mut network = Network::default();
    network.refuse("192.0.2.1:443");
    let outcome = asked(&mut network, &[tcp("192.0.2.1:443")], &clinic());
    assert_eq!(network.questions(), ["tls"]);
    assert_eq!(outcome.refused, 1);
    assert_eq!(network.notes[0], "done tcp 192.0.2.1:443 tls refused");
}

#[test]
fn a_server_that_drips_without_end_is_left_within_its_time() {
    let mut network = Network::default();
    network.serve("192.0.2.1:22", || Server::drips(b"x", 900));
    network.serve("192.0.2.2:80", || Server::drips(b"HTTP/1.1 200 OK\r\nA: ", 900));
    let services = [tcp("192.0.2.1:22"), tcp("192.0.2.2:80")];
    asked(&mut network, &services, &clinic());
    assert!(network.elapsed() < 4 * 60_000, "{}", network.elapsed());
}

#[test]
fn a_server_that_floods_is_left_within_its_bytes() {
    let mut network = Network::default();
    network.serve("192.0.2.1:80", || Server::floods(1 << 30));
    asked(&mut network, &[tcp("192.0.2.1:80")], &clinic());
    assert!(network.heard < 3 << 20, "{} bytes were heard", network.heard);
}

#[test]
fn a_host_that_stops_answering_is_left_alone_and_told() {
    let mut network = Network::default();
    network.serve("192.0.2.1:22", || Server::speaks(b"SSH-2.0-x\r\n"));
    let mut services = vec![tcp("192.0.2.1:22")];
    // The sweep found these open; now they say nothing.
    services.extend((1..=50).map(|port| tcp(&format!("192.0.2.1:{}", 41_000 + port))));
    network.serve("192.0.2.2:22", || Server::speaks(b"SSH-2.0-x\r\n"));
    services.push(tcp("192.0.2.2:22"));
    let outcome = asked(&mut network, &services, &clinic());
    assert_eq!(outcome.left, [("192.0.2.1".parse().unwrap(), Distress::Stopped)]);
    assert!(outcome.is_partial() && outcome.unfinished > 40);
    assert!(network.opened.len() < 8, "{:?}", network.opened);
    assert!(network.notes.contains(&"left 192.0.2.1 stopped".to_owned()));
    assert_eq!(outcome.answered, 2, "the other host is asked as before");
}

#[test]
fn a_host_that_slows_down_is_left_alone() {
    let mut network = Network::default();
    let mut services = Vec::new();
    for port in 1..=20 {
        let to = format!("192.0.2.1:{}", 41_000 + port);
        network.serve(&to, move || {
            Server::speaks(b"SSH-2.0-x\r\n").late(if port > 5 { 3000 } else { 2 })
        });
        services.push(tcp(&to));
    }
    let outcome = asked(&mut network, &services, &clinic());
    assert_eq!(outcome.left, [("192.0.2.1".parse().unwrap(), Distress::Slow)]);
    assert_eq!(network.opened.len(), 8);
}

#[test]
fn a_network_whose_hosts_stop_is_left_alone() {
    let mut network = Network::default();
    let mut services = Vec::new();
    for host in 1..=20 {
        let to = format!("192.0.2.{host}:22");
        network.serve(&to, || Server::speaks(b"SSH-2.0-x\r\n"));
        services.push(tcp(&to));
        services.extend((1..=30).map(|port| tcp(&format!("192.0.2.{host}:{}", 41_000 + port))));
    }
    let outcome = asked(&mut network, &services, &Manner { at_once: 4, ..clinic() });
    let of_network = outcome.left.iter().filter(|(_, why)| *why == Distress::Network).count();
    assert!(of_network >= 12, "{:?}", outcome.left);
}

#[test]
fn a_stop_begins_nothing_new_and_lets_finish_what_is_open() {
    let mut network = Network::stopping_at(100);
    let mut services = Vec::new();
    for host in 1..=10 {
        for port in [22, 40_000] {
            let to = format!("192.0.2.{host}:{port}");
            network.serve(&to, || Server::mute().late(50));
            services.push(tcp(&to));
        }
    }
    let outcome = asked(&mut network, &services, &Manner { at_once: 5, ..clinic() });
    assert!(outcome.stopped && outcome.is_partial());
    assert_eq!(network.opened.len(), 5);
    assert!(network.elapsed() <= 100 + 5000, "{}", network.elapsed());
    assert!(network.notes.is_empty(), "what was cut off is not done: {:?}", network.notes);
}

#[test]
fn what_was_done_before_is_not_asked_again() {
    struct Journal;
    impl Past for Journal {
        fn done(&self, to: &SocketAddr, _: Transport, probe: &str) -> bool {
            to.port() == 40_000 && (probe == "banner" || probe == "tls")
        }
        fn attempts(&self, _: &SocketAddr, _: Transport, probe: &str) -> u32 {
            u32::from(probe == "nat_pmp")
        }
        fn finished(&self, to: &SocketAddr, _: Transport) -> bool {
            to.port() == 22
        }
    }
    let mut network = Network::default();
    for to in ["192.0.2.1:40000", "192.0.2.2:22"] {
        network.serve(to, Server::mute);
    }
    let services = [tcp("192.0.2.1:40000"), tcp("192.0.2.2:22"), udp("192.0.2.3:5351")];
    asked_with(&mut network, &services, &clinic(), &Journal, &Signatures::default());
    assert_eq!(network.questions(), ["http", "nat_pmp", "pcp"]);
    assert_eq!(network.said_at("nat_pmp").len(), 1, "once before, once now");
}

#[test]
fn the_same_network_is_asked_the_same() {
    let run = || {
        let mut network = Network::paced(100);
        let mut services = Vec::new();
        for host in 1..=30 {
            let to = format!("192.0.2.{host}:80");
            network.serve(&to, || web("<title>x</title>"));
            services.extend([tcp(&to), udp(&format!("192.0.2.{host}:5351"))]);
        }
        asked(&mut network, &services, &clinic());
        (network.opened, network.notes)
    };
    assert_eq!(run(), run());
}

#[test]
fn sixty_thousand_services_are_asked_to_the_end() {
    let mut network = Network::default();
    let hosts = (0..60_000_u32).map(|number| IpAddr::from((0x0a00_0000 + number).to_be_bytes()));
    let services: Vec<Service> =
        hosts.map(|host| Service { to: (host, 5351).into(), ..udp("192.0.2.1:1") }).collect();
    let manner = Manner { at_once: 1000, ..Manner::of(Profile::Lab) };
    let outcome = asked(&mut network, &services, &manner);
    assert_eq!(outcome.silent, 2 * 60_000, "two questions are at home there");
    assert!(!outcome.is_partial());
}

#[test]
fn the_web_is_fetched_one_request_a_connection() {
    let mut network = Network::default();
    network.serve("192.0.2.1:80", || {
        Server::ends_after(|request| {
            let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
            match line {
                b"GET / HTTP/1.1" => b"HTTP/1.1 302 Found\r\nLocation: /start\r\n\r\n".to_vec(),
                b"GET /start HTTP/1.1" => page("<title>Gate</title><link rel=icon href=i.png>"),
                _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
            }
        })
    });
    asked(&mut network, &[tcp("192.0.2.1:80")], &clinic());
    assert_eq!(network.paths(), ["/", "/start", "/i.png"]);
    assert_eq!(network.opened.len(), 3);
    let request = network.said.iter().map(|(_, _, said)| said).next().unwrap();
    let request = String::from_utf8_lossy(request);
    assert!(request.contains("Host: 192.0.2.1\r\n") && request.contains("authorised inspection"));
    assert_eq!(network.notes[1], "done tcp 192.0.2.1:80 http answered", "{:?}", network.notes);
}

#[test]
fn redirects_lead_nowhere_else_and_not_in_circles() {
    let mut network = Network::default();
    let count = std::cell::Cell::new(0);
    network.serve("192.0.2.1:80", move || {
        count.set(count.get() + 1);
        let next = format!("HTTP/1.1 302 Found\r\nLocation: /{}\r\n\r\n", count.get());
        Server::ends_after(move |_| next.clone().into_bytes())
    });
    network.serve("192.0.2.2:80", || {
        Server::ends_after(|_| {
            b"HTTP/1.1 302 Found\r\nLocation: http://203.0.113.9/\r\n\r\n".to_vec()
        })
    });
    asked(&mut network, &[tcp("192.0.2.1:80"), tcp("192.0.2.2:80")], &clinic());
    assert_eq!(
        network.paths_of("192.0.2.1:80"),
        ["/", "/1", "/2", "/favicon.ico"],
        "two redirects are followed"
    );
    assert_eq!(network.paths_of("192.0.2.2:80"), ["/", "/favicon.ico"]);
    assert!(network.opened.iter().all(|(_, to, _)| to.ip() != IpAddr::from([203, 0, 113, 9])));
}

#[test]
fn a_redirect_to_the_safe_port_of_the_same_host_finds_it() {
    let mut network = Network::default();
    network.serve("192.0.2.1:80", || {
        Server::ends_after(|_| {
            b"HTTP/1.1 301 Moved\r\nLocation: https://192.0.2.1:8443/login\r\n\r\n".to_vec()
        })
    });
    network.serve("192.0.2.1:8443", secure);
    asked(&mut network, &[tcp("192.0.2.1:80")], &clinic());
    let revealed = network.revealed(Speaker::We);
    assert!(revealed.contains("GET / HTTP") && revealed.contains("GET /login HTTP"), "{revealed}");
}

#[test]
fn a_path_is_asked_for_only_where_its_product_was_seen() {
    let text = r#"
vendor = "Fortinet"
product = "FortiGate"
role = "vpn-gateway"
paths = ["/remote/login", "/version"]
[[rule]]
id = "a-b.title"
field = "http.title"
equals = "Gate"
confidence = "firm"
source = "a test"
example = [{ value = "Gate" }]
"#;
    let known = Vocabulary::built_in().unwrap();
    let (signatures, errors) = Signatures::from_text("vpn-gateway/a-b.toml", text, &known);
    assert!(errors.is_empty(), "{errors:?}");
    let mut network = Network::default();
    network.serve("192.0.2.1:80", || web("<title>Gate</title>"));
    network.serve("192.0.2.2:80", || web("<title>Other</title>"));
    let services = [tcp("192.0.2.1:80"), tcp("192.0.2.2:80")];
    asked_with(&mut network, &services, &clinic(), &(), &signatures);
    let asked = network.paths_of("192.0.2.1:80");
    assert_eq!(asked, ["/", "/favicon.ico", "/remote/login", "/version"]);
    assert_eq!(network.paths_of("192.0.2.2:80"), ["/", "/favicon.ico"]);
    let broken = text.replace("/version", "version of it");
    let (_, errors) = Signatures::from_text("vpn-gateway/a-b.toml", &broken, &known);
    assert!(errors[0].to_string().contains("begin it with `/`"), "{errors:?}");
}

#[test]
fn hostile_answers_end_within_bounds() {
    let bodies: [&[u8]; 5] = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n<title>\xff\xfe\x83</title>",
        b"HTTP/1.1 302 \xff\r\nLocation: \xff\xfe://\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0",
        b"HTTP/9.9 999\r\n\r\n",
    ];
    for body in bodies {
        let mut network = Network::default();
        network.serve("192.0.2.1:80", move || Server::answers(move |_| body.to_vec()));
        let outcome = asked(&mut network, &[tcp("192.0.2.1:80")], &clinic());
        assert!(outcome.answered > 0 && network.opened.len() <= 4, "{outcome:?}");
    }
}

#[test]
fn a_certificate_that_is_encrypted_is_shown_before_what_is_said() {
    let mut network = Network::default();
    network.serve("192.0.2.1:443", secure);
    let outcome = asked(&mut network, &[tcp("192.0.2.1:443")], &clinic());
    assert!(outcome.answered >= 2, "{outcome:?}");
    let (_, speaker, first) = &network.clear[0];
    assert_eq!((*speaker, &first[..3]), (Speaker::They, &[22, 3, 3][..]));
    assert!(first.windows(12).any(|part| part == b"gate.example"));
    let revealed = network.revealed(Speaker::They);
    assert!(revealed.contains("<title>Secure</title>"), "{revealed}");
    assert!(network.notes.contains(&"spoke tcp 192.0.2.1:443 tls".to_owned()));
    assert!(network.notes.contains(&"spoke tcp 192.0.2.1:443 tls/http".to_owned()));
    let wire = network.said.iter().map(|(_, _, said)| String::from_utf8_lossy(said).into_owned());
    assert!(!wire.collect::<String>().contains("GET "), "nothing is said in clear");
}

#[test]
fn a_dialogue_that_begins_tls_itself_goes_on_inside() {
    // Confirms CredSSP in clear (MS-RDPBCGR 2.2.1.2), then is asked who it is.
    const CONFIRM: &[u8] = b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0";
    let mut network = Network::default();
    network.serve("192.0.2.1:3389", || {
        let mut inside = tls_layer(&[&rustls::version::TLS13], challenge);
        Server::decides(move |bytes| match bytes {
            [3, ..] => (CONFIRM.to_vec(), false),
            _ => inside(bytes),
        })
    });
    asked(&mut network, &[tcp("192.0.2.1:3389")], &clinic());
    assert_eq!(network.questions(), ["rdp"]);
    let revealed = |by| network.clear.iter().filter(move |(_, speaker, _)| *speaker == by);
    let ours: Vec<&Vec<u8>> = revealed(Speaker::We).map(|(_, _, said)| said).collect();
    assert_eq!(ours.len(), 1, "it is asked once, whatever TLS itself still sends");
    assert!(ours[0].windows(8).any(|part| part == b"NTLMSSP\0"));
    assert!(revealed(Speaker::They).any(|(_, _, heard)| *heard == challenge()));
    for spoken in ["rdp", "tls/credssp"] {
        let line = format!("spoke tcp 192.0.2.1:3389 {spoken}");
        assert!(network.notes.contains(&line), "{:?}", network.notes);
    }
}

/// What a server answers inside TLS that is asked who it is (MS-CSSP 2.2.1, MS-NLMP 2.2.1.2): its computer is `A`.
fn challenge() -> Vec<u8> {
    let ntlm = [
        &b"NTLMSSP\0\x02\0\0\0\0\0\0\0\x38\0\0\0\x05\x82\x89\xe2"[..],
        &[7; 16],
        b"\x0a\0\x0a\0\x38\0\0\0\x0a\0\x63\x45\0\0\0\x0f",
        b"\x01\0\x02\0A\0\0\0\0\0",
    ];
    sekisho::wire::credssp::Request::emit(6, &ntlm.concat())
}

#[test]
fn a_service_that_would_be_asked_nothing_is_not_called() {
    // A web server inside TLS that grants no SSTP is not called for what imitates it.
    let refusal = || b"HTTP/1.1 405 Not Allowed\r\nContent-Length: 0\r\n\r\n".to_vec();
    let mut network = Network::default();
    network.serve("192.0.2.1:443", move || {
        Server::decides(tls_layer(&[&rustls::version::TLS13], refusal))
    });
    asked(&mut network, &[tcp("192.0.2.1:443")], &clinic());
    let questions = network.questions();
    assert!(questions.contains(&"sstp") && !questions.contains(&"softether"), "{questions:?}");
}

#[test]
fn a_certificate_in_clear_is_not_shown_again() {
    let mut network = Network::default();
    network.serve("192.0.2.1:443", || tls_server(&[&rustls::version::TLS12]));
    asked(&mut network, &[tcp("192.0.2.1:443")], &clinic());
    assert!(network.clear.iter().all(|(_, _, bytes)| bytes[0] != 22));
    assert!(network.revealed(Speaker::They).contains("<title>Secure</title>"));
    // The offer in clear is answered, and ended with a goodbye and nothing more.
    let offers: Vec<&[u8]> = network.said_by("tls");
    assert_eq!((offers[0][0], offers[0][5], offers.len()), (22, 1, 2));
    assert_eq!(offers[1], [21, 3, 3, 0, 2, 1, 0]);
}

#[test]
fn a_server_that_cannot_bear_new_offers_gets_older_ones() {
    let mut network = Network::default();
    network.serve("192.0.2.1:443", || {
        Server::decides(|offer| match (offer.get(9), offer.get(10)) {
            (Some(3), Some(0)) => (old_hello(), false),
            _ => (Vec::new(), true),
        })
    });
    asked(&mut network, &[tcp("192.0.2.1:443")], &clinic());
    assert_eq!(network.questions()[..3], ["tls", "tls_old", "tls_oldest"]);
    assert!(network.notes.contains(&"spoke tcp 192.0.2.1:443 tls".to_owned()));
}

/// SSL 3.0 chosen, and the end of the hello.
fn old_hello() -> Vec<u8> {
    let hello = [&[2, 0, 0, 38, 3, 0][..], &[7; 32], &[0, 0, 5, 0], &[14, 0, 0, 0]].concat();
    let length = u16::try_from(hello.len()).unwrap().to_be_bytes();
    [&[22, 3, 0][..], &length, &hello].concat()
}

fn page(html: &str) -> Vec<u8> {
    let length = html.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{html}")
        .into_bytes()
}

fn secure() -> Server {
    tls_server(&[&rustls::version::TLS13])
}

/// A web server inside TLS.
fn tls_server(versions: &[&'static rustls::SupportedProtocolVersion]) -> Server {
    Server::decides(tls_layer(versions, || page("<title>Secure</title>")))
}

/// What stands inside TLS, and gives this to whoever says something.
fn tls_layer(
    versions: &[&'static rustls::SupportedProtocolVersion],
    answer: impl Fn() -> Vec<u8> + 'static,
) -> impl FnMut(&[u8]) -> (Vec<u8>, bool) + 'static {
    let certificate = include_bytes!("engine/certificate.der").as_slice().into();
    let key =
        rustls::pki_types::PrivatePkcs8KeyDer::from(include_bytes!("engine/key.der").as_slice());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    let mut connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
    move |bytes| {
        let mut rest = bytes;
        let mut broken = false;
        while !rest.is_empty() && !broken {
            broken = !matches!(connection.read_tls(&mut rest), Ok(1..))
                || connection.process_new_packets().is_err();
        }
        let mut asked = [0; 4096];
        if let Ok(1..) = connection.reader().read(&mut asked) {
            connection.writer().write_all(&answer()).unwrap();
        }
        let mut out = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut out).unwrap();
        }
        (out, broken)
    }
}

#[test]
fn patience_is_what_the_profile_says() {
    assert!(clinic().again_after >= Duration::from_secs(2), "two seconds between two tries");
    assert_eq!((clinic().per_host, Manner::of(Profile::Office).per_host), (1, 1));
}
