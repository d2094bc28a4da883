//! The fixtures in the form of each fuzzing target.

use std::{
    collections::BTreeMap,
    fs,
    io::Cursor,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use sekisho::{
    fingerprint::Signatures,
    observe::{Mac, PROTOCOLS},
    passive::capture::{Capture, Chunk},
    probe::ALL,
    sweep::{Cookie, Way, arp, icmp, tcp_syn},
    wire::{
        ethernet::{self, Frame, Kind},
        icmp::{self as wire_icmp, Icmp},
        icmpv6, ipv4, ipv6, link, stun,
        udp::Datagram,
    },
};

use super::{journal, pcap, pcapng, round_trip};

/// The fixtures in each target's form.
pub(crate) fn all() -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let mut seeds: BTreeMap<&str, Vec<Vec<u8>>> = BTreeMap::new();
    for (name, case) in replies() {
        let field = |key: &str| case.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let port = |key: &str| case.get(key).and_then(toml::Value::as_integer).unwrap_or_default();
        let [bytes, answering, earlier] =
            ["bytes", "answering", "earlier"].map(|key| unhex(field(key)));
        let which = PROTOCOLS.iter().position(|protocol| protocol.name == name).unwrap();
        let carried =
            ["ethernet", "ip", "udp", "tcp"].iter().position(|t| *t == field("transport"));
        // Whole groups of four bytes, as the target reads them.
        let around = |bytes: &[u8]| bytes.len().min(1020) / 4 * 4;
        let (answered, before) = (around(&answering), around(&earlier));
        let [from, to] = ["from", "to"].map(|key| u16::try_from(port(key)).unwrap().to_be_bytes());
        let mut seed = vec![u8::try_from(which).unwrap(), u8::try_from(carried.unwrap()).unwrap()];
        seed.extend([from, to].concat());
        seed.extend([answered / 4, before / 4].map(|count| u8::try_from(count).unwrap()));
        seed.extend([&answering[..answered], &earlier[..before], &bytes].concat());
        seeds.entry("protocols").or_default().push(seed);
        for which in 0..round_trip::MESSAGES.len() {
            let seed = [&[u8::try_from(which).unwrap()], &bytes[..]].concat();
            seeds.entry("round_trip").or_default().push(seed);
        }
    }
    for file in captures() {
        let bytes = fs::read(&file).unwrap();
        if bytes.len() > 8192 {
            continue;
        }
        let mut frames = 1u16.to_be_bytes().to_vec();
        if let Ok(mut capture) = Capture::read(Box::new(Cursor::new(bytes.clone())), "seed") {
            let mut chunk = Chunk::default();
            while capture.read_chunk(&mut chunk, usize::MAX) {}
            for packet in &chunk.packets {
                frames[..2]
                    .copy_from_slice(&u16::try_from(packet.link_type).unwrap().to_be_bytes());
                frames.extend(u16::try_from(packet.length).unwrap().to_be_bytes());
                frames.extend(chunk.bytes_of(packet));
            }
        }
        seeds.entry("frames").or_default().push(frames);
        seeds.entry("capture").or_default().push(bytes);
    }
    seeds.entry("frames").or_default().extend(forwarding());
    seeds.insert("dialogues", dialogues());
    seeds.insert("journal", journals());
    seeds.insert("loaded", knowledge());
    seeds.insert("cells", cells());
    seeds.insert("network", networks());
    seeds.insert("register", registers());
    seeds.insert("sweep", sweeps());
    for file in [pcap(), pcapng()] {
        seeds.entry("capture").or_default().push(file.bytes);
    }
    let texts: [(&str, &[&str]); 2] = [
        (
            "facility",
            &[
                "[facility]\nname = \"x\"\n[scope]\ninclude = [\"10.0.0.0/8\", \"2001:db8::/32\"]\ninside = []\n",
                "[facility]\nname = \"x\"\n[scope]\nincluse = [\"10.0.0.1/8\"]\n[pace]\nrate = 20\n",
            ],
        ),
        (
            "identify",
            &[
                "{\"field\": \"ssh.banner\", \"value\": \"dropbear_2022.83\", \"id\": 1}\n",
                "\n{\"field\":\"http.title\",\"value\":\"\\u0000\",\"id\":{\"a\":[1]}}\n{}\n",
            ],
        ),
    ];
    for (name, texts) in texts {
        let all = texts.iter().map(|text| text.as_bytes().to_vec());
        seeds.entry(name).or_default().extend(all);
    }
    // A few hundred of them have every form there is.
    for signature in Signatures::load(Path::new("signatures")).unwrap().iter().step_by(5) {
        let name = format!("{}/{}.toml", signature.role, signature.id);
        let text = fs::read_to_string(Path::new("signatures").join(&name)).unwrap();
        if text.len() < 4000 {
            let seed = format!("# {name}\n{text}").into_bytes();
            seeds.entry("signature").or_default().push(seed);
        }
        let lines = signature.rules.iter().filter_map(|rule| {
            let (field, value) = (rule.fields.first()?, &rule.examples.first()?.value);
            Some(format!("{}\n", serde_json::json!({ "field": field, "value": value })))
        });
        seeds.entry("identify").or_default().push(lines.collect::<String>().into_bytes());
    }
    seeds
}

/// Questions through a neighbour and what came back, as frames.
fn forwarding() -> Vec<Vec<u8>> {
    let (us, gateway) = (Ipv4Addr::new(10, 0, 0, 10), Ipv4Addr::new(10, 0, 0, 1));
    let outside = Ipv4Addr::new(198, 41, 0, 4);
    let route = ipv4::record_route(9);
    let packet =
        |source: Ipv4Addr, destination: Ipv4Addr, protocol, options: &[u8], payload: &[u8]| {
            let packet = ipv4::Packet {
                source,
                destination,
                time_to_live: 1,
                protocol,
                identification: 1,
                dont_fragment: true,
                more_fragments: false,
                fragment_offset: 0,
                options,
                payload,
                missing: 0,
            };
            packet.emit()
        };
    let frame = |ours: bool, kind: u16, packet: &[u8]| {
        let (near, far) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let (source, destination) = if ours { (near, far) } else { (far, near) };
        Frame { source, destination, vlan: None, kind: Kind::Type(kind), payload: packet }.emit()
    };
    let seed = |kind: u16, asked: &[u8], answer: &[u8]| {
        let mut seed = u16::try_from(link::ETHERNET).unwrap().to_be_bytes().to_vec();
        for packet in [frame(true, kind, asked), frame(false, kind, answer)] {
            seed.extend(u16::try_from(packet.len()).unwrap().to_be_bytes());
            seed.extend(packet);
        }
        seed
    };
    let mut seeds = Vec::new();
    for options in [&[][..], &route] {
        let echo = wire_icmp::echo(1, 2, b"sekisho");
        let asked = packet(us, outside, 1, options, &echo);
        for (kind, code) in [(11, 0), (3, 0), (3, 4), (5, 1)] {
            let error = Icmp { kind, code, argument: [0, 0, 5, 174], body: &asked }.emit();
            seeds.push(seed(ethernet::IPV4, &asked, &packet(gateway, us, 1, &[], &error)));
        }
        let reply = Icmp { kind: 0, code: 0, argument: [0, 1, 0, 2], body: b"sekisho" }.emit();
        seeds.push(seed(ethernet::IPV4, &asked, &packet(outside, us, 1, options, &reply)));
    }
    let ask = Datagram { source: 50_000, destination: 3478, payload: &stun::ask([9; 12]) };
    let mapped = [&[1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42][..], &[9; 12], &[0, 0x20, 0, 8]].concat();
    let mapped = [&mapped[..], &[0, 1, 0xbd, 0x52, 0xea, 0x12, 0xd5, 0x40]].concat();
    let tell = Datagram { source: 3478, destination: 50_000, payload: &mapped };
    let asked = packet(us, outside, 17, &[], &ask.emit(&[]));
    seeds.push(seed(ethernet::IPV4, &asked, &packet(outside, us, 17, &[], &tell.emit(&[]))));
    let [ours, router] = ["fe80::10", "fe80::1"].map(|text| text.parse::<Ipv6Addr>().unwrap());
    let far = "2001:db8::53".parse().unwrap();
    let packet = |source: Ipv6Addr, destination: Ipv6Addr, payload: &[u8]| {
        let (hop_limit, protocol, fragment, missing) = (1, icmpv6::NUMBER, None, 0);
        ipv6::Packet { source, destination, hop_limit, protocol, fragment, payload, missing }.emit()
    };
    let asked = packet(ours, far, &icmpv6::echo(ours, far, 1, 2, b"sekisho"));
    for kind in [1, 2, 3] {
        let error = icmpv6::seal(router, ours, kind, &[&[0; 4][..], &asked].concat());
        seeds.push(seed(ethernet::IPV6, &asked, &packet(router, ours, &error)));
    }
    seeds
}

/// Files of every kind of knowledge that can be loaded, after a byte for the kind.
fn knowledge() -> Vec<Vec<u8>> {
    let folder = Path::new("fixtures/knowledge");
    let files = [
        (0, "recog/http_servers.xml"),
        (0, "recog/teapots.xml"),
        (1, "lists/service-probes"),
        (2, "lists/vendor-ids"),
        (3, "lists/oui.csv"),
        (3, "lists/oui.txt"),
        (3, "lists/manuf"),
        (3, "lists/prefixes"),
    ];
    files.map(|(kind, name)| [&[kind][..], &fs::read(folder.join(name)).unwrap()].concat()).to_vec()
}

/// Registers of every kind, those small enough to be changed byte by byte.
fn registers() -> Vec<Vec<u8>> {
    let cases = fs::read_dir("fixtures/imports/register").unwrap();
    let files = cases.map(|case| case.unwrap().path()).filter(|path| path.is_dir());
    let files = files.flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.file_stem().is_some_and(|stem| stem == "register"));
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Cells as people fill them.
fn cells() -> Vec<Vec<u8>> {
    let texts = [
        "令和8年8月7日",
        "Ｒ８．８．７",
        "H30/4/1",
        "平成30年",
        "2026/8/7 0:00",
        "20260807",
        "46241",
        "8月7日",
        "昭和64年1月7日(土)",
        "10.1.1.5\n10.1.1.6、10.1.1.7",
        "10.1.1.5-8",
        "10.1.1.254～10.1.2.1",
        "192.168.001.005/24",
        "192.168.1.0/24",
        "https://10.1.1.5:8443/",
        "LAN:10.1.1.5 予備:2001:db8::5",
        "00-00-5E-00-53-01",
        "0000.5e00.5301 (無線)",
        "00005E005301",
        "０：０：5e:0:53:1",
        "㈱アクメ製作所",
        "ＡＣＭＥ Co., Ltd.",
        "ﾙｰﾀｰ\u{200b}ー１",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

/// Every probe, and what was ever heard of its protocol.
fn dialogues() -> Vec<Vec<u8>> {
    let replies = replies();
    let mut seeds = Vec::new();
    for (which, probe) in (0u8..).zip(ALL) {
        let of = replies.iter().filter(|(name, _)| name == probe.protocol.name);
        let heard = of.filter_map(|(_, case)| case.get("bytes").and_then(toml::Value::as_str));
        for bytes in heard.map(unhex).chain([b"192.0.2.7 http://192.0.2.1:5000/x".to_vec()]) {
            for how in 0..4 {
                let known = bytes.len().min(40);
                let mut seed = vec![which, how, u8::try_from(known).unwrap()];
                seed.extend(&bytes[..known]);
                let half = bytes.len().min(4000) / 2;
                for piece in [&bytes[..half], &bytes[half..2 * half], &bytes[..2 * half]] {
                    seed.extend(u16::try_from(piece.len()).unwrap().to_be_bytes());
                    seed.extend(piece);
                }
                seeds.push(seed);
            }
        }
    }
    seeds
}

/// Recordings, whole and as lines of their journal.
fn journals() -> Vec<Vec<u8>> {
    let lines = "sweep arp 7\nsweep host 192.0.2.7 02:00:00:00:00:07 0 arp,echo\nsweep open 192.0.2.7 22\n\
        open 1 tcp 192.0.2.7:22 ssh\nclosed 1 ended\nopen 2 udp [2001:db8::7]:161 snmp\nclosed 2 unsent\n\
        spoke tcp 192.0.2.7:443 tls/http\ndone tcp 192.0.2.7:22 ssh answered\nfinished tcp 192.0.2.7:22\nend";
    let whole = journal::recording(lines.as_bytes());
    let zeros = [&whole[..], &[0; 64]].concat();
    [(1, lines.as_bytes()), (0, &whole), (0, &zeros)]
        .map(|(which, bytes)| [&[which], bytes].concat())
        .to_vec()
}

/// Every small network among the fixtures.
fn networks() -> Vec<Vec<u8>> {
    let files = fs::read_dir("fixtures/networks").unwrap().map(|entry| entry.unwrap().path());
    let texts = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| fs::read(path).unwrap());
    texts.filter(|text| text.len() < 4096).collect()
}

/// What a sweep sends to one in the scope and to one beyond it, and what others send.
fn sweeps() -> Vec<Vec<u8>> {
    let cookie = Cookie::new(7);
    let (ours, own) = (Mac([2, 0, 0, 0, 0, 1]), [192, 0, 2, 1].into());
    let way =
        Way { our_mac: ours, our_address: IpAddr::V4(own), next_mac: Mac([2, 0, 0, 0, 0, 9]) };
    let mut seeds = Vec::new();
    for to in [[192, 0, 2, 9], [192, 0, 2, 99], [198, 51, 100, 9]].map(Ipv4Addr::from) {
        seeds.push(arp::ask(ours, own, to));
        seeds.extend(icmp::ask(&way, &cookie, to));
        seeds.extend(tcp_syn::ask(&way, &cookie, to.into(), 443));
    }
    for file in captures() {
        let Ok(mut capture) = Capture::open(&file) else { continue };
        let mut chunk = Chunk::default();
        capture.read_chunk(&mut chunk, 1 << 16);
        let frames = chunk.packets.iter().filter(|packet| packet.link_type == link::ETHERNET);
        seeds.extend(frames.take(20).map(|packet| chunk.bytes_of(packet).to_vec()));
    }
    seeds
}

/// Every reply: its protocol and its case.
fn replies() -> Vec<(String, toml::Table)> {
    let mut all = Vec::new();
    for folder in fs::read_dir("fixtures/replies").unwrap().map(|entry| entry.unwrap().path()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            all.push((name.clone(), toml::from_str(&fs::read_to_string(file).unwrap()).unwrap()));
        }
    }
    all
}

/// Every capture among the fixtures.
fn captures() -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for folder in fs::read_dir("fixtures/captures").unwrap().map(|entry| entry.unwrap().path()) {
        if folder.is_dir() {
            found.extend(fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found.retain(|path| path.extension().is_none_or(|extension| extension != "toml"));
    found.sort();
    found
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.as_chunks::<2>().0.iter().map(|[a, b]| u8::try_from(a * 16 + b).unwrap()).collect()
}
