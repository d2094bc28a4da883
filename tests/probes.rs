//! What is asked is well-formed, holds no credential, ends, and is what `docs/probes.md` says.
#![expect(clippy::unwrap_used, reason = "a page that cannot be read should fail the test")]

use std::{collections::BTreeSet, env, fmt::Write as _, fs};

use sekisho::{
    observe::{End, Facts, Said, Side, Transport},
    probe::{self, ALL, Ask, Heard, Intrusion, Probe, Step},
    scope::Tier,
    sweep::{announced, foreign, forward},
};

const PAGE: &str = "docs/probes.md";

/// The longest datagram that no path splits (RFC 8200, 5), and no stream's question is longer.
const LONGEST: usize = 1280;

/// How long a dialogue may be, in steps.
const MOST_STEPS: u32 = 200;

/// Words that only credentials have. Names of protocols and of what is asked for may not hold them either.
const SECRETS: &[&str] =
    &["public", "private", "passw", "secret", "admin", "guest", "authorization", "cookie:"];

#[test]
fn a_probe_is_known_by_its_name() {
    let names: BTreeSet<&str> = ALL.iter().map(|probe| probe.name).collect();
    assert_eq!(names.len(), ALL.len(), "two probes have the same name");
    for probe in ALL {
        let spelt = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(probe.name.bytes().all(spelt), "{} is not in snake case", probe.name);
        assert!(!probe.ports.contains(&0), "{}: ports", probe.name);
        assert!(!probe.source.is_empty(), "{} does not say where it comes from", probe.name);
        let sentence = !probe.asks.is_empty() && !probe.asks.ends_with('.');
        assert!(sentence && !probe.asks.contains('|'), "{}: {:?}", probe.name, probe.asks);
    }
}

#[test]
fn a_first_question_is_read_as_a_clients() {
    let mut read = 0;
    for probe in ALL {
        for port in probe.ports {
            let (known, communities) = (everything(*port), ["example".to_owned()]);
            let ask = ask(*port, &known, &communities);
            let Some(question) = probe.question(&ask) else { continue };
            let stream = probe.transport == Transport::Tcp;
            let said = Said {
                transport: probe.transport,
                bytes: &question,
                from: 40_000,
                to: *port,
                answering: &[],
                earlier: &[],
                open: stream,
                begun_by: Some(End::Speaker),
            };
            match (probe.protocol.read)(&said) {
                Ok(finding) => assert_ne!(finding.side, Side::Server, "{}", probe.name),
                // Some streams' readers wait for what comes behind the first message.
                Err(error) => assert!(stream && error.wants_more(), "{}: {error}", probe.name),
            }
            read += 1;
        }
    }
    assert!(read > 20, "only {read} questions were read");
}

#[test]
fn nothing_that_is_said_is_long_or_holds_a_credential() {
    for probe in ALL {
        for port in probe.ports {
            let known = everything(*port);
            every_step(probe, &ask(*port, &known, &[]), |said| {
                assert!(said.len() <= LONGEST, "{}: {} bytes", probe.name, said.len());
                let text = String::from_utf8_lossy(said).to_lowercase();
                for secret in SECRETS {
                    assert!(!text.contains(secret), "{} says {secret:?}", probe.name);
                }
            });
        }
    }
}

#[test]
fn a_community_is_said_only_where_the_facility_gave_one() {
    let known = Facts::default();
    let communities = ["xexamplex".to_owned()];
    let mut told = BTreeSet::new();
    for probe in ALL {
        let port = first_port(probe);
        every_step(probe, &ask(port, &known, &communities), |said| {
            if said.windows(9).any(|word| word == b"xexamplex") {
                told.insert(probe.name);
            }
        });
    }
    assert_eq!(told, BTreeSet::from(["snmp_system"]));
}

#[test]
fn every_dialogue_ends_in_silence_and_in_noise() {
    let noise: Vec<Vec<u8>> = vec![vec![], vec![0; 64], b"x".repeat(4096), (0..=255).collect()];
    for probe in ALL {
        for bytes in &noise {
            let known = everything(first_port(probe));
            let ask = ask(first_port(probe), &known, &[]);
            let (mut turn, mut heard) = (0, Heard::default());
            let mut steps = 0;
            loop {
                steps += 1;
                assert!(steps < MOST_STEPS, "{} does not end", probe.name);
                heard = match (probe.next)(&ask, &Heard { turn, ..heard }) {
                    Step::Say(_) => {
                        turn += 1;
                        Heard { bytes, waited: bytes.is_empty(), ..Heard::default() }
                    }
                    Step::StartTls => Heard { bytes, ..Heard::default() },
                    Step::Wait => Heard { waited: true, ..heard },
                    Step::Last(_) | Step::Done => break,
                };
            }
        }
    }
}

#[test]
fn what_is_random_follows_from_the_seed() {
    let known = Facts::default();
    for probe in ALL {
        let ask = ask(first_port(probe), &known, &[]);
        assert_eq!(probe.question(&ask), probe.question(&ask), "{}", probe.name);
        assert_eq!(probe.example(), probe.example(), "{}", probe.name);
    }
    let of = |seed| {
        let probe = ALL.iter().find(|probe| probe.name == "ike_sa_init").unwrap();
        probe.question(&Ask { seed, ..ask(500, &known, &[]) }).unwrap()
    };
    assert_ne!(of(1)[..8], of(2)[..8], "cookies of two runs");
}

#[test]
fn machines_that_treat_patients_or_move_things_are_asked_on_request_only() {
    let careful = ["dicom", "hl7", "modbus", "bacnet"];
    for probe in ALL.iter().filter(|probe| careful.contains(&probe.protocol.name)) {
        let listens = probe.intrusion == Intrusion::Listens;
        assert!(listens || probe.intrusion == Intrusion::OnRequest, "{}", probe.name);
    }
}

#[test]
fn the_page_says_what_is_asked() {
    let page = page();
    if env::var_os("BLESS").is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    let there = fs::read_to_string(PAGE).unwrap();
    assert!(there == page, "{PAGE} is old; BLESS=1 cargo test --test probes writes it anew");
}

/// Gives everything that a probe says in answer to silence, to nothing and to noise, to `each`.
fn every_step(probe: &Probe, ask: &Ask<'_>, mut each: impl FnMut(&[u8])) {
    for turn in 0..12 {
        for bytes in [&[][..], &[0; 32], b"x"] {
            for (waited, ended) in [(false, false), (true, false), (false, true)] {
                let heard = Heard { turn, bytes, ended, waited, ..Heard::default() };
                if let Step::Say(said) | Step::Last(said) = (probe.next)(ask, &heard) {
                    each(&said);
                }
            }
        }
    }
}

/// Where a probe is at home, or anywhere if it is at home nowhere.
fn first_port(probe: &Probe) -> u16 {
    probe.ports.first().copied().unwrap_or(40_000)
}

fn ask<'a>(port: u16, known: &'a Facts, communities: &'a [String]) -> Ask<'a> {
    Ask {
        to: ([192, 0, 2, 1], port).into(),
        from: ([192, 0, 2, 10], 40_000).into(),
        seed: 7,
        known,
        communities,
    }
}

/// What answers could have told before, so that every probe knows what to ask with.
fn everything(port: u16) -> Facts {
    Facts::default()
        .with("ssdp.location", format_args!("http://192.0.2.1:{port}/description.xml"))
        .with("upnp.service", "urn:schemas-upnp-org:service:WANIPConnection:1")
        .with("upnp.control", "/control")
        .with(probe::names::WANTED, "192.0.2.7")
}

fn page() -> String {
    let mut page = String::from(
        "# What is asked\n\n\
         Written from the program's own list; `BLESS=1 cargo test --test probes` writes it anew, and the test fails while it is \
         old.\n`sekisho probes list` shows the same, `--json` for programs.\n\n\
         *Intrusion*: `listens` connects and says nothing; `ordinary` is one small well-formed message that any client sends first; \
         `dialogue` is a\ncomplete dialogue up to, and never including, a logon; `on_request` is asked only of hosts that the \
         facility file names for it.\n\n\
         | probe | protocol | where | intrusion | asks | source |\n|---|---|---|---|---|---|\n",
    );
    for probe in ALL {
        let ports: Vec<String> = probe.ports.iter().map(u16::to_string).collect();
        let anywhere = if probe.anywhere { ", and unknown services elsewhere" } else { "" };
        let inside = if probe.inside_tls { ", inside TLS" } else { "" };
        writeln!(
            page,
            "| `{}` | {} | {} {}{inside}{anywhere} | `{}` | {} | {} |",
            probe.name,
            probe.protocol.name,
            probe.transport.name(),
            ports.join(", "),
            probe.intrusion.name(),
            probe.asks,
            probe.source
        )
        .unwrap();
    }
    page.push_str(
        "\n## Ways to find exits\n\n\
         Packets that go through a neighbour, or to a whole wire ([hidden-exits.md](hidden-exits.md)); tier 1 unless it says otherwise.\n\n\
         | mechanism | asks | source |\n|---|---|---|\n",
    );
    let through = forward::ALL.iter().map(|way| (way.name, way.tier, way.finds, way.source));
    let all = announced::ALL.iter().map(|way| (way.name, Tier::Ask, way.asks, way.source));
    let others = foreign::LOOKS.iter().map(|way| (way.0, Tier::Ask, way.1, way.2));
    for (name, tier, asks, source) in through.chain(all).chain(others) {
        let tier =
            if tier > Tier::Ask { format!(" (tier {})", tier.number()) } else { String::new() };
        writeln!(page, "| `{name}`{tier} | {asks} | {source} |").unwrap();
    }
    page.push_str(
        "\n## What is not asked\n\n\
         - WireGuard, ZeroTier and Tailscale answer strangers nothing: they are found by what they send themselves, in captures.\n\
         - AnyDesk has no question in UDP; RustDesk's servers would note a peer that asks them in UDP.\n\
         - IKE is never begun in aggressive mode, which makes a gateway send a digest of its shared key.\n\
         - SNMP with a community is asked only with one that the facility file gives; none is ever tried out.\n\
         - TFTP, BACnet and Modbus are not asked at all.\n\
         - NAT-PMP, PCP and UPnP are not asked to open a way in; UPnP is asked for the list of those that there are, which changes nothing.\n\
         - Names are asked without recursion, and only of servers that may be asked ([ADR 14](adr/0014-the-resolvers-messages-not-its-sockets.md)).\n\n\
         ## First questions, byte by byte\n\n\
         To 192.0.2.1 from 192.0.2.10, port 40000, with seed 0, when nothing is known yet. What is random differs with the seed and with whom it is for.\n",
    );
    for probe in ALL {
        let Some(bytes) = probe.example() else { continue };
        write!(page, "\n`{}`, {} bytes\n\n```text\n", probe.name, bytes.len()).unwrap();
        for line in bytes.chunks(48) {
            let digits = line.iter().fold(String::new(), |mut digits, byte| {
                write!(digits, "{byte:02x}").unwrap();
                digits
            });
            page.push_str(&digits);
            page.push('\n');
        }
        page.push_str("```\n");
    }
    page
}
