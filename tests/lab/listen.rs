//! Listening on a real interface: a cable between two namespaces, one end of which is the mirror port.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use etherparse::PacketBuilder;
use sekisho::{
    passive::capture::{Capture, Chunk},
    wire::ethernet::{Frame, Kind},
};
use serde_json::Value;

use crate::SEKISHO;

const ROUTER: [u8; 6] = [2, 0, 0, 0, 0, 1];
const GATEWAY: [u8; 6] = [2, 0, 0, 0, 0, 2];
const NEITHER: &str = "02:00:00:00:00:09";

/// A cable between two namespaces. What was begun on it ends with it.
struct Cable {
    name: String,
    desk: tempfile::TempDir,
    running: Vec<Child>,
}

fn ip(words: &str) -> String {
    let done = Command::new("ip").args(words.split(' ')).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "ip {words}: {said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

impl Cable {
    fn lay(name: &str) -> Self {
        let desk = tempfile::tempdir().unwrap();
        let cable = Self { name: format!("skl{name}"), desk, running: Vec::new() };
        let [near, far] = [cable.end("near"), cable.end("far")];
        for end in [&near, &far] {
            ip(&format!("netns add {end}"));
            let quiet =
                "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1";
            ip(&format!("netns exec {end} {quiet}"));
        }
        ip(&format!(
            "-n {near} link add near address {NEITHER} type veth peer name far netns {far}"
        ));
        ip(&format!("-n {near} link set near up"));
        ip(&format!("-n {far} link set far up"));
        cable
    }

    fn end(&self, which: &str) -> String {
        format!("{}-{which}", self.name)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.desk.path().join(name)
    }

    /// `program` at one end.
    fn at(&self, which: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.end(which), program]).current_dir(self.desk.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn begin(&mut self, mut command: Command) -> usize {
        self.running.push(command.spawn().unwrap());
        self.running.len() - 1
    }

    /// Listens at the near end, once the interface takes everything.
    fn listen(&mut self, words: &[&str]) -> usize {
        let mut command = self.at("near", SEKISHO);
        command
            .env_remove("SEKISHO_STORE")
            .args(["listen", "-i", "near", "--exit-zero"])
            .args(words);
        let running = self.begin(command);
        for _ in 0..300 {
            if self.is_promiscuous() {
                return running;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the interface did not become promiscuous");
    }

    fn is_promiscuous(&self) -> bool {
        ip(&format!("-d -n {} link show near", self.end("near"))).contains("promiscuity 1")
    }

    /// Sends a frame into the far end.
    fn send(&self, frame: &[u8]) {
        fs::write(self.path("frame"), frame).unwrap();
        let mut command = self.at("far", "socat");
        let done = command.args(["-u", "FILE:frame", "INTERFACE:far"]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// How a program ended, and what it said on standard error.
    fn wait(&mut self, running: usize) -> (Option<i32>, String) {
        let mut child = self.running.remove(running);
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
        (child.wait().unwrap().code(), said)
    }

    fn interrupt(&self, running: usize) {
        let id = self.running[running].id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        for which in ["near", "far"] {
            let _ = Command::new("ip").args(["netns", "del", &self.end(which)]).status();
        }
    }
}

/// The bytes of a case of `fixtures/replies`.
fn reply(case: &str) -> Vec<u8> {
    let case: toml::Table =
        toml::from_str(&fs::read_to_string(format!("fixtures/replies/{case}.toml")).unwrap())
            .unwrap();
    let digits: Vec<u8> =
        case["bytes"].as_str().unwrap().bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.as_chunks::<2>().0.iter();
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A question and an answer of a tunnel's handshake between others than whoever listens, in VLAN 100.
fn handshake() -> [Vec<u8>; 2] {
    let (outside, inside) = ([198, 51, 100, 7], [192, 168, 0, 1]);
    let frame = |from: ([u8; 6], [u8; 4], u16), to: ([u8; 6], [u8; 4], u16), payload: &[u8]| {
        let builder = PacketBuilder::ethernet2(from.0, to.0)
            .single_vlan(100.try_into().unwrap())
            .ipv4(from.1, to.1, 64)
            .udp(from.2, to.2);
        let mut frame = Vec::new();
        builder.write(&mut frame, payload).unwrap();
        frame
    };
    let (asks, answers) = ((ROUTER, outside, 40_001), (GATEWAY, inside, 51_820));
    [
        frame(asks, answers, &reply("wireguard/initiation")),
        frame(answers, asks, &reply("wireguard/response")),
    ]
}

fn frames_in(file: &Path) -> Vec<Vec<u8>> {
    let mut capture = Capture::open(file).unwrap();
    let mut chunk = Chunk::default();
    while capture.read_chunk(&mut chunk, usize::MAX) {}
    chunk.packets.iter().map(|packet| chunk.bytes_of(packet).to_vec()).collect()
}

fn counter(cable: &Cable, which: &str) -> u64 {
    let file = format!("/sys/class/net/near/statistics/{which}");
    // A namespace shows its own interfaces where /sys is mounted anew, as `ip netns exec` does.
    let done = cable.at("near", "cat").arg(file).output().unwrap();
    String::from_utf8(done.stdout).unwrap().trim().parse().unwrap()
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn a_mirror_port_is_heard_with_its_tags_and_nothing_is_sent() {
    let mut cable = Cable::lay("a");
    let mut watch = cable.at("near", "tcpdump");
    watch.args(["-i", "near", "-Q", "out", "-p", "-U", "-n", "-Z", "root", "-w", "sent.pcap"]);
    let watch = cable.begin(watch);
    while !cable.path("sent.pcap").metadata().is_ok_and(|file| file.len() >= 24) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let words = ["--for", "5s", "--write", "heard.pcapng", "--json", "points.json"];
    let words = [&words[..], &["--observations", "live.ndjson", "--quiet"]].concat();
    let listening = cable.listen(&words);
    for frame in handshake() {
        cable.send(&frame);
    }
    let (code, said) = cable.wait(listening);
    assert_eq!((code, &*said), (Some(0), ""));
    assert!(!cable.is_promiscuous(), "the interface is left as it was");

    let points: Value =
        serde_json::from_slice(&fs::read(cable.path("points.json")).unwrap()).unwrap();
    assert_eq!(points["points"][0]["kind"], "vpn_gateway");
    assert_eq!(points["points"][0]["addresses"][0], "192.168.0.1");
    assert_eq!(frames_in(&cable.path("heard.pcapng")), handshake(), "as they were on the wire");

    cable.interrupt(watch);
    cable.wait(watch);
    assert_eq!(frames_in(&cable.path("sent.pcap")).len(), 0);
    assert_eq!((counter(&cable, "tx_packets"), counter(&cable, "rx_packets")), (0, 2));

    // What was kept says the same again.
    let again = Command::new(SEKISHO)
        .args(["replay", "--exit-zero", "--quiet", "--json", "again.json"])
        .args(["--observations", "again.ndjson", "heard.pcapng"])
        .env_remove("SEKISHO_STORE")
        .current_dir(cable.desk.path())
        .output()
        .unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    let read = |name: &str| fs::read_to_string(cable.path(name)).unwrap();
    assert_eq!(read("live.ndjson"), read("again.ndjson"));
    assert_eq!(read("points.json"), read("again.json"));
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn an_interface_that_goes_down_ends_it_with_what_was_heard() {
    let mut cable = Cable::lay("d");
    let listening = cable.listen(&["--for", "60s", "--json", "points.json"]);
    for frame in handshake() {
        cable.send(&frame);
    }
    std::thread::sleep(Duration::from_millis(300));
    ip(&format!("-n {} link set near down", cable.end("near")));
    let (code, said) = cable.wait(listening);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("near: went down") && said.contains("listen again"), "{said}");
    let points = fs::read_to_string(cable.path("points.json")).unwrap();
    assert!(points.contains("192.168.0.1") && points.contains("interface_lost"), "{points}");
    let done = cable.at("near", SEKISHO).args(["listen", "-i", "near"]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(3), "{said}");
    assert!(said.contains("ip link set near up"), "{said}");
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn a_full_disk_ends_it_with_what_was_heard_and_the_user_may_end_it_early() {
    let mut cable = Cable::lay("f");
    // A disk of its own, which ends with the mount namespace that `ip netns exec` makes.
    let script = "mkdir disk && mount -t tmpfs -o size=64k tmpfs disk && exec \"$0\" \"$@\"";
    let mut command = cable.at("near", "sh");
    command.env_remove("SEKISHO_STORE").args(["-c", script, SEKISHO, "listen", "-i", "near"]);
    command.args(["--exit-zero", "--whole", "--for", "60s", "--write", "disk/heard.pcapng"]);
    command.args(["--json", "points.json"]);
    let listening = cable.begin(command);
    while !cable.is_promiscuous() {
        std::thread::sleep(Duration::from_millis(50));
    }
    for frame in handshake() {
        cable.send(&frame);
    }
    std::thread::sleep(Duration::from_millis(300));
    for _ in 0..60 {
        cable.send(&[&[0xff; 6][..], &ROUTER, &[0x88, 0xb5], &[0; 1400]].concat());
    }
    let (code, said) = cable.wait(listening);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cannot be written further") && said.contains("--write"), "{said}");
    let points = fs::read_to_string(cable.path("points.json")).unwrap();
    assert!(points.contains("192.168.0.1") && points.contains("disk_full"), "{points}");

    let listening = cable.listen(&["--for", "60s", "--json", "early.json"]);
    cable.interrupt(listening);
    let (code, said) = cable.wait(listening);
    assert_eq!(code, Some(2), "it was to listen for longer: {said}");
    let listening = cable.listen(&["--json", "wished.json"]);
    cable.interrupt(listening);
    let (code, said) = cable.wait(listening);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("nothing passed"), "{said}");
}

/// A frame with what a case of `fixtures/replies` says, to a group.
fn announced(to: [u8; 6], kind: Kind, payload: &[u8]) -> Vec<u8> {
    Frame { destination: to, source: ROUTER, vlan: None, kind, payload }.emit()
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn a_scan_hears_what_is_announced_by_groups_it_joins_without_a_word() {
    let mut cable = Cable::lay("s");
    ip(&format!("-n {} address add 10.66.0.250/24 dev near", cable.end("near")));
    let facility = "[facility]\nname = \"x\"\nauthorisation = \"y\"\n[scope]\ninclude = [\"10.66.0.0/29\"]\n\
         [pace]\nprofile = \"lab\"\n";
    fs::write(cable.path("facility.toml"), facility).unwrap();
    let mut watch = cable.at("near", "tcpdump");
    watch.args(["-i", "near", "-Q", "out", "-p", "-U", "-n", "-Z", "root", "-w", "sent.pcap"]);
    let watch = cable.begin(watch);
    let mut command = cable.at("near", SEKISHO);
    command.env_remove("SEKISHO_STORE").args(["scan", "--scope", "facility.toml", "--no-ports"]);
    command.args(["--exit-zero", "--quiet", "--listen", "6s", "--record", "run.pcapng"]);
    command.args(["--observations", "heard.ndjson", "--json", "points.json"]);
    let scanning = cable.begin(command);
    let near = cable.end("near");
    let groups = || ip(&format!("-n {near} maddress show dev near"));
    while !groups().contains("01:00:5e:00:00:12") {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(groups().contains("01:80:c2:00:00:0e") && !cable.is_promiscuous());
    let virtual_router = PacketBuilder::ethernet2([0, 0, 0x5e, 0, 1, 51], [1, 0, 0x5e, 0, 0, 18])
        .ipv4([10, 66, 0, 2], [224, 0, 0, 18], 255);
    let mut stands_in = Vec::new();
    virtual_router.write(&mut stands_in, 112.into(), &reply("vrrp/keepalived_v2")).unwrap();
    let bridges = [1, 0x80, 0xc2, 0, 0, 0x0e];
    let conversation =
        handshake().map(|frame| frame[..12].iter().chain(&frame[16..]).copied().collect());
    let [asks, answers]: [Vec<u8>; 2] = conversation;
    for frame in [
        stands_in,
        announced(bridges, Kind::Type(0x88cc), &reply("lldp/inventory")),
        announced([1, 0, 12, 0xcc, 0xcc, 0xcc], Kind::Snap(0x0c, 0x2000), &reply("cdp/gateway")),
        asks.clone(),
        answers.clone(),
    ] {
        cable.send(&frame);
    }
    let before = frames_in(&cable.path("sent.pcap")).len();
    assert_eq!(before, 0, "nothing is sent while it listens");
    let (code, said) = cable.wait(scanning);
    assert_eq!((code, &*said), (Some(0), ""));
    let heard = fs::read_to_string(cable.path("heard.ndjson")).unwrap();
    for protocol in ["vrrp", "lldp", "cdp"] {
        let named = format!("\"protocol\":\"{protocol}\"");
        let line = heard.lines().find(|line| line.contains(&named));
        assert!(line.is_some_and(|line| line.contains("overheard")), "{protocol}: {heard}");
    }
    let recorded = frames_in(&cable.path("run.pcapng"));
    assert!(!recorded.contains(&asks) && !recorded.contains(&answers), "others' conversation");
    let points = fs::read_to_string(cable.path("points.json")).unwrap();
    assert!(points.contains("\"listening\"") && points.contains("seconds=6"), "{points}");
    assert!(!groups().contains("01:00:5e:00:00:12"), "the interface is left as it was");
    cable.interrupt(watch);
    cable.wait(watch);
    assert!(!frames_in(&cable.path("sent.pcap")).is_empty(), "and then it asks");
}
