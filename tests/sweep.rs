//! `sekisho sweep` on a real wire: two network namespaces with a cable between them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a namespace that cannot be made, or an answer that lacks something, should fail the test"
)]

use std::{
    collections::BTreeSet,
    process::{Command, Output},
};

/// Two namespaces, taken down when dropped.
struct Cable {
    near: String,
    far: String,
}

const NEAR_MAC: &str = "02:00:00:00:00:01";
const FAR_MAC: &str = "02:00:00:00:00:02";

impl Cable {
    fn laid(name: &str) -> Self {
        let prefix = std::env::var("NAME").unwrap_or_else(|_| "sekisho".to_owned());
        let name = format!("{prefix}-{name}-{}", std::process::id());
        let cable = Self { near: format!("{name}-near"), far: format!("{name}-far") };
        ip(&["netns", "add", &cable.near]);
        ip(&["netns", "add", &cable.far]);
        let near = ["-n", &cable.near, "link", "add", "near", "address", NEAR_MAC];
        let far = ["type", "veth", "peer", "name", "far", "netns", &cable.far, "address", FAR_MAC];
        ip(&[&near[..], &far].concat());
        for (space, end) in [(&cable.near, "near"), (&cable.far, "far")] {
            ip(&["-n", space, "link", "set", "lo", "up"]);
            ip(&["-n", space, "link", "set", end, "up"]);
        }
        cable
    }

    fn address(&self, end: &str, address: &str) {
        let space = if end == "near" { &self.near } else { &self.far };
        ip(&["-n", space, "address", "add", address, "dev", end]);
    }

    fn sweep(&self, arguments: &[&str]) -> Output {
        let program = env!("CARGO_BIN_EXE_sekisho");
        let run = ["netns", "exec", &self.near, program, "sweep", "--yes", "--wait", "1"];
        Command::new("ip").args(run).args(arguments).output().unwrap()
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for space in [&self.near, &self.far] {
            let _ = Command::new("ip").args(["netns", "del", space]).status();
        }
    }
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().unwrap();
    assert!(output.status.success(), "ip {arguments:?}: {output:?}");
}

/// Address, port and kind of each answer.
fn answers(output: &Output) -> BTreeSet<(String, Option<u64>, String)> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let read = |line: &str| {
        let answer: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| answer[key].as_str().unwrap().to_owned();
        (text("address"), answer["port"].as_u64(), text("how"))
    };
    text.lines().map(read).collect()
}

#[test]
#[ignore = "needs the right to make network namespaces; .ci/run runs it"]
fn neighbours_answer_by_arp_and_then_their_ports() {
    let cable = Cable::laid("arp");
    cable.address("near", "10.9.0.1/24");
    for host in ["10.9.0.2/24", "10.9.0.77/24", "10.9.0.78/24"] {
        cable.address("far", host);
    }
    let asked = ["10.9.0.0/24", "--exclude", "10.9.0.78", "--ports", "22,80", "--rate", "2000"];
    let output = cable.sweep(&asked);
    let heard = answers(&output);
    let whole = ["10.9.0.2", "10.9.0.77"].into_iter().flat_map(|host| {
        let reset = |port| (host.to_owned(), Some(port), "reset".to_owned());
        [(host.to_owned(), None, "arp".to_owned()), reset(22), reset(80)]
    });
    assert_eq!(heard, whole.collect(), "{output:?}");
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[ignore = "needs the right to make network namespaces; .ci/run runs it"]
fn no_answer_is_lost_at_full_speed() {
    let cable = Cable::laid("fast");
    cable.address("near", "10.0.0.1/8");
    cable.address("far", "10.0.0.2/8");
    ip(&["-n", &cable.near, "neighbour", "add", "10.0.0.2", "lladdr", FAR_MAC, "dev", "near"]);
    ip(&["-n", &cable.far, "neighbour", "add", "10.0.0.1", "lladdr", NEAR_MAC, "dev", "far"]);
    ip(&["-n", &cable.far, "route", "add", "local", "10.64.0.0/16", "dev", "lo"]);
    let fast = ["--profile", "lab", "--rate", "0", "--gateway-mac", FAR_MAC];
    let output = cable.sweep(&[&["10.64.0.0/16", "--ports", "80"], &fast[..]].concat());
    assert_eq!(answers(&output).len(), 65_536, "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("lost 0 of"), "{output:?}");
    let echoes = cable.sweep(&[&["10.64.1.0/24", "--icmp"], &fast[..]].concat());
    assert!(answers(&echoes).iter().all(|(_, _, how)| how == "echo"), "{echoes:?}");
    assert_eq!(answers(&echoes).len(), 256);
    let udp = cable.sweep(&[&["10.64.1.0/28", "--udp", "5351"], &fast[..]].concat());
    let closed = answers(&udp);
    // A system sends few ICMP errors a second.
    assert!(!closed.is_empty() && closed.iter().all(|(.., how)| how == "port_unreachable"));
}

#[test]
#[ignore = "needs the right to make network namespaces; .ci/run runs it"]
fn a_clinic_is_swept_at_its_pace() {
    let cable = Cable::laid("pace");
    cable.address("near", "10.9.0.1/24");
    cable.address("far", "10.9.0.2/24");
    let output = cable.sweep(&["10.9.0.0-15"]);
    let words = String::from_utf8_lossy(&output.stderr);
    let seconds = words.rsplit("; ").next().unwrap().split(' ').next().unwrap().parse::<f64>();
    // 14 addresses at 10 packets a second to one network, and one of them again.
    assert!((1.2..3.0).contains(&seconds.unwrap()), "{words}");
    assert_eq!(answers(&output).len(), 1);
}
