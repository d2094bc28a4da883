//! What is heard, of honest servers and of hostile ones.

use std::{
    fs,
    io::{self, Write as _},
    net::Ipv4Addr,
    thread,
    time::Duration,
};

use hex_literal::hex;

use crate::{
    desk::{Desk, Done},
    server::{self, address, page, say, silent, tcp, udp, web},
};

/// How much memory a scan may take, whatever it hears.
const MOST_MEMORY: u64 = 256 << 20;

/// The arguments of a scan of `targets` with everything written into the folder.
fn scan<'a>(targets: &'a [String], ports: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["scan", "--yes", "--profile", "lab", "--seed", "7", "--ports", ports];
    words.extend(["--record", "run.pcapng", "--json", "points.json"]);
    words.extend(["--observations", "heard.ndjson", "--max-runtime", "10m"]);
    words.extend(more);
    words.extend(targets.iter().map(String::as_str));
    words
}

/// Reads the recording of a scan again, and holds what it gives against what the scan gave.
fn replayed_alike(desk: &Desk) {
    let again = desk.run(&[
        "replay",
        "run.pcapng",
        "--json",
        "again.json",
        "--observations",
        "again.ndjson",
    ]);
    assert!(matches!(again.code, Some(0..=2)), "{again:?}");
    assert_eq!(desk.read("heard.ndjson"), desk.read("again.ndjson"));
    let points = |name| String::from_utf8(desk.read(name)).unwrap();
    assert_eq!(points("points.json"), points("again.json"));
}

fn has(heard: &[(String, String, String)], speaker: Ipv4Addr, field: &str, value: &str) {
    let all: Vec<_> = heard.iter().filter(|(who, ..)| *who == speaker.to_string()).collect();
    let found = all.iter().any(|(_, known, said)| known == field && said.contains(value));
    assert!(found, "{speaker} {field} {value}: {all:#?}");
}

fn was_not_hurried(desk: &Desk, done: &Done) {
    assert!(matches!(done.code, Some(0..=2)), "{done:?}");
    let coverage = desk.coverage("points.json");
    let stopped = |line: &serde_json::Value| {
        ["run_stopped", "run_not_finished"].contains(&line["subject"].as_str().unwrap())
    };
    assert!(!coverage.iter().any(stopped), "{coverage:#?}");
    assert!(done.memory > 0 && done.memory < MOST_MEMORY, "{} MiB", done.memory >> 20);
}

// Honest servers.

#[test]
fn honest_servers_are_heard_and_the_recording_says_the_same() {
    let [shell, old, new, screen, desktop, tunnel] = [11, 12, 13, 14, 15, 16].map(address);
    tcp(shell, 2222, |stream| say(stream, b"SSH-2.0-OpenSSH_9.6\r\n"));
    tcp(shell, 8080, web(|_| page("Server: ward\r\n", b"<title>Ward 3</title>")));
    let answer = |out: &mut dyn io::Write, _: &str| {
        out.write_all(&page("Server: gate\r\n", b"<title>Gate</title>"))
    };
    tcp(old, 8443, server::secure("fortigate", &rustls::version::TLS12, answer));
    tcp(new, 8443, server::secure("sophos", &rustls::version::TLS13, answer));
    tcp(screen, 5900, |mut stream| {
        stream.write_all(b"RFB 003.008\n")?;
        server::question(&mut stream)?;
        stream.write_all(&[1, 2])?;
        silent(stream)
    });
    tcp(desktop, 3389, |mut stream| {
        if server::question(&mut stream)?.starts_with(&[3, 0]) {
            stream.write_all(&hex!("030000130ed000001234000200080000000000"))?;
        }
        server::hear_out(stream)
    });
    let questions = udp(tunnel, 1194, |socket, asked, from| {
        if asked.len() < 9 || asked[0] != 0x38 {
            return Ok(());
        }
        let mut answer = hex!("40 2c7a5760cf9275f8 01 00000000").to_vec();
        answer.extend(&asked[1..9]);
        answer.extend([0; 4]);
        socket.send_to(&answer, from).map(drop)
    });

    let desk = Desk::new();
    let targets = [shell, old, new, screen, desktop, tunnel].map(|one| one.to_string());
    let done = desk.run(&scan(&targets, "2222,8080,8443,5900,3389", &["--store", "s.sqlite"]));
    assert_eq!(done.code, Some(1), "{done:?}");
    was_not_hurried(&desk, &done);
    let heard = desk.heard("heard.ndjson");
    has(&heard, shell, "ssh.banner", "OpenSSH_9.6");
    has(&heard, shell, "http.title", "Ward 3");
    for gate in [old, new] {
        has(&heard, gate, "http.title", "Gate");
    }
    has(&heard, old, "tls.cert.subject", "FGT60F0000000000");
    has(&heard, new, "tls.cert.subject", "SophosApplianceCertificate");
    has(&heard, screen, "vnc.version", "3.8");
    has(&heard, desktop, "rdp.selected", "standard");
    has(&heard, tunnel, "openvpn.opcode", "hard_reset_server");
    assert!(!questions.lock().unwrap().is_empty());

    let points = desk.points("points.json");
    for (address, kind) in [
        (screen, "remote_desktop"),
        (desktop, "remote_desktop"),
        (tunnel, "vpn_gateway"),
        (old, "vpn_gateway"),
    ] {
        let address = address.to_string();
        let of = |point: &&serde_json::Value| {
            point["addresses"].as_array().unwrap().iter().any(|one| *one == *address)
        };
        let kinds: Vec<_> = points.iter().filter(of).map(|point| &point["kind"]).collect();
        assert!(kinds.iter().any(|one| **one == *kind), "{address}: {kinds:?}");
    }
    let again = desk.run(&[
        "replay",
        "run.pcapng",
        "--json",
        "again.json",
        "--observations",
        "again.ndjson",
        "--store",
        "other.sqlite",
    ]);
    assert_eq!(again.code, Some(1), "{again:?}");
    for (live, replayed) in [("heard.ndjson", "again.ndjson"), ("points.json", "again.json")] {
        let [live, replayed] = [live, replayed].map(|name| String::from_utf8(desk.read(name)));
        assert_eq!(live, replayed);
    }
}

// Hostile servers.

/// What escapes of terminals and pages do where they are shown as they come.
const ESCAPES: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J<script>alert(1)</script>\u{202e}";

/// A ServerHello of TLS 1.2, as a record.
const HELLO: [u8; 85] = hex!(
    "1603030050 0200004c0303 3f32b612f54102a8b76bbf2f69b2536ece34ae769382d115dc29ba557ee54c98 00 c02c 00"
    "0024 ff01000100 000b000403000102 00230000 0010000b000908687474702f312e31 00170000"
);

#[test]
#[expect(clippy::too_many_lines, reason = "one server after another")]
fn hostile_servers_are_survived_and_those_beside_them_are_heard() {
    let redirected_to = tcp(address(99), 8080, silent);
    let every = Duration::from_secs(1);
    let none = Duration::ZERO;
    tcp(address(21), 8080, silent);
    tcp(address(22), 8080, server::endless(b"", b"x".to_vec(), every));
    tcp(address(23), 8080, server::endless(b"HTTP/1.1 200 OK\r\nX: ", b"x".to_vec(), every));
    tcp(address(24), 2222, server::endless(b"SSH-2.0-", vec![b'A'; 1 << 20], none));
    tcp(address(25), 2222, server::endless(b"220 ", b"hello\r\n".repeat(10_000), none));
    let header = b"X-Header: and another\r\n".repeat(10_000);
    tcp(address(26), 8080, server::endless(b"HTTP/1.1 200 OK\r\n", header, none));
    tcp(
        address(27),
        8080,
        web(|path| format!("HTTP/1.1 302 Found\r\nLocation: {path}x\r\n\r\n").into_bytes()),
    );
    let elsewhere = format!("http://{}:8080/", address(99));
    tcp(
        address(28),
        8080,
        web(move |_| format!("HTTP/1.1 302 Found\r\nLocation: {elsewhere}\r\n\r\n").into_bytes()),
    );
    let elsewhere =
        format!("<meta http-equiv=refresh content='0; url=http://{}:8080/'>", address(99));
    tcp(address(29), 8080, web(move |_| page("Server: meta\r\n", elsewhere.as_bytes())));
    let bomb = server::bomb();
    assert!(bomb.len() < 3 << 19, "{} bytes are no bomb", bomb.len());
    tcp(address(30), 8080, web(move |_| page("Server: bomb\r\nContent-Encoding: gzip\r\n", &bomb)));
    tcp(address(31), 8080, web(|_| page("Server: bytes\r\n", b"<title>\xff\xfe\x80\xc0</title>")));
    let (title, ..) = encoding_rs::SHIFT_JIS.encode("<title>病院ルータ設定</title>");
    let title = title.into_owned();
    tcp(
        address(32),
        8080,
        web(move |_| page("Content-Type: text/html; charset=Shift_JIS\r\n", &title)),
    );
    let lies =
        b"HTTP/1.1 200 OK\r\nServer: liar\r\nContent-Length: 18446744073709551615\r\n\r\nshort";
    tcp(address(33), 8080, web(|_| lies.to_vec()));
    tcp(address(34), 8080, |mut stream| {
        server::question(&mut stream)?;
        stream.write_all(
            b"HTTP/1.1 200 OK\r\nServer: liar\r\nContent-Length: 999999999\r\n\r\nshort",
        )?;
        silent(stream)
    });
    let chunked = b"HTTP/1.1 200 OK\r\nServer: chunks\r\nTransfer-Encoding: chunked\r\n\r\n";
    tcp(address(35), 8080, server::endless(chunked, b"5\r\nhello\r\n".repeat(1000), none));
    tcp(
        address(36),
        8080,
        web(|_| [&chunked[..], b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n"].concat()),
    );
    tcp(address(37), 8443, |mut stream| {
        server::question(&mut stream)?;
        stream.write_all(&hex!("160303ffff 0200fffc 0303 00"))?;
        silent(stream)
    });
    tcp(address(38), 8443, |mut stream| {
        server::question(&mut stream)?;
        stream.write_all(&[&HELLO[..], &[0x5a; 3000]].concat())?;
        silent(stream)
    });
    // A certificate of 16 MiB, in records that never end.
    let record = [&hex!("160303 4000")[..], &[0x30; 0x4000]].concat();
    tcp(address(39), 8443, move |mut stream| {
        server::question(&mut stream)?;
        stream.write_all(&HELLO)?;
        stream.write_all(&hex!("160303 0004 0bffffff"))?;
        loop {
            stream.write_all(&record)?;
        }
    });
    tcp(
        address(40),
        8443,
        server::secure("plain", &rustls::version::TLS13, |out, _| {
            out.write_all(b"HTTP/1.1 200 OK\r\nServer: endless\r\n\r\n")?;
            loop {
                out.write_all(&[b'a'; 16 << 10])?;
            }
        }),
    );
    tcp(address(41), 8080, |mut stream| {
        server::question(&mut stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nServer: half\r\nContent-Length: 100\r\n\r\nhalf")?;
        thread::sleep(Duration::from_millis(50));
        server::reset(&stream)
    });
    tcp(address(42), 8080, |_| Ok(()));
    tcp(address(43), 8080, |stream| server::reset(&stream));
    for port in [1194, 3478, 5060, 5353] {
        udp(address(44), port, |socket, _, from| {
            socket.send_to(&vec![0x5a; 65_507], from).map(drop)
        });
        udp(address(45), port, |socket, asked, from| {
            (0..5000).try_for_each(|_| socket.send_to(asked, from).map(drop))
        });
        udp(address(46), port, |socket, _, from| socket.send_to(&[], from).map(drop));
    }
    tcp(address(47), 2222, |stream| say(stream, format!("SSH-2.0-{ESCAPES}\r\n").as_bytes()));
    let escapes = format!("<title>{ESCAPES}</title>");
    tcp(
        address(47),
        8080,
        web(move |_| page(&format!("Server: {ESCAPES}\r\n"), escapes.as_bytes())),
    );
    // One among them that is honest.
    tcp(address(48), 2222, |stream| say(stream, b"SSH-2.0-honest\r\n"));

    let desk = Desk::new();
    let targets: Vec<String> = (21..=48).map(|last| address(last).to_string()).collect();
    let done = desk.run(&scan(&targets, "2222,8080,8443", &["--report", "report", "--lang", "ja"]));
    was_not_hurried(&desk, &done);
    assert_eq!(redirected_to.times(), 0, "another host was asked");

    let heard = desk.heard("heard.ndjson");
    has(&heard, address(48), "ssh.banner", "honest");
    for (last, server) in
        [(30, "bomb"), (31, "bytes"), (33, "liar"), (34, "liar"), (36, "chunks"), (40, "endless")]
    {
        has(&heard, address(last), "http.header.server", server);
    }
    has(&heard, address(32), "http.title", "病院ルータ設定");
    for name in ["points.json", "heard.ndjson"] {
        let text = String::from_utf8(desk.read(name)).unwrap();
        let harmful = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!text.contains(harmful), "{name}");
    }
    for entry in fs::read_dir(desk.path("report")).unwrap() {
        let file = entry.unwrap().path();
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let bare =
            text.contains("<script>alert(1)") && file.extension().is_some_and(|e| e == "html");
        assert!(!bare && !text.contains("\u{1b}]0;"), "{}", file.display());
    }
    assert!(!done.stderr.contains('\u{1b}') && !done.stdout.contains('\u{1b}'), "{done:?}");
    let recording = fs::metadata(desk.path("run.pcapng")).unwrap().len();
    assert!(recording < 32 << 20, "{} MiB of recording", recording >> 20);
    replayed_alike(&desk);
}
