//! A hospital with roads that lead outside, and a carrier behind them: a namespace a box, a bridge a wire. Forwarding,
//! NAT and every error are the kernel's own, at its own rate.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{
    hospital::{run, wait_for},
    roles::{Role, SCANNER, WIRES},
};

/// The packages that it needs, as the error says when a program is missing.
const PACKAGES: &str = "iproute2 tcpdump nftables keepalived radvd dnsmasq pppoe socat";

/// What every box begins with: what a namespace takes over from the machine it stands on is set back to what Linux is
/// born with, and the words that roles are written in.
const PRELUDE: &str = r#"
set -e
cd /proc/sys/net
for kind in all default; do
  echo 1 > ipv6/conf/$kind/disable_ipv6
  echo 0 > ipv6/conf/$kind/accept_dad
  for word in rp_filter=0 arp_ignore=0 arp_announce=0 arp_filter=0 proxy_arp=0 send_redirects=1 accept_redirects=0; do
    echo ${word#*=} > ipv4/conf/$kind/${word%=*}
  done
done
echo 0 > ipv4/ip_forward
cd - > /dev/null
lan() { ip address add $1/24 dev office; }
forward() { echo 1 > /proc/sys/net/ipv4/ip_forward; }
line() { ip address add 203.0.113.$1/24 dev line; ip route add default via 203.0.113.1; }
masquerade() { nft "table ip nat { chain out { type nat hook postrouting priority 100; oifname $1 masquerade; }; }"; }
drops() { nft "table ip drop$1 { chain own { type filter hook $1 priority 0; $2 drop; }; }"; }
six() { echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6; }
"#;

/// A hospital that stands while this value lives.
pub(crate) struct Topology {
    prefix: String,
    desk: tempfile::TempDir,
    running: Vec<Child>,
    watching: Vec<(Child, PathBuf)>,
    namespaces: Vec<String>,
}

impl Topology {
    /// Builds the hospital of these roles. `name` tells it from others that stand at the same time.
    pub(crate) fn open(name: &str, roles: &[&Role]) -> Self {
        let prefix = format!("ex{name}-{}", std::process::id());
        let desk = tempfile::tempdir().unwrap();
        let (running, watching, namespaces) = (Vec::new(), Vec::new(), Vec::new());
        let mut topology = Self { prefix, desk, running, watching, namespaces };
        topology.wires();
        for role in roles.iter().chain([&&SCANNER]) {
            topology.plug(role);
        }
        for role in roles.iter().chain([&&SCANNER]) {
            topology.start(role);
        }
        topology
    }

    /// The folder of this hospital's files.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.desk.path().join(name)
    }

    /// `program` where `role` stands.
    pub(crate) fn at(&self, role: &str, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.named(role)]).arg(program);
        command.stdin(Stdio::null());
        command
    }

    /// Begins to write down what comes to an interface of a role, or, of `wires`, whatever passes that wire.
    pub(crate) fn watch(&mut self, role: &str, interface: &str) {
        let path = self.path(&format!("{role}-{interface}.pcap"));
        let log = path.with_extension("log");
        let mut command = self.at(role, Path::new("tcpdump"));
        // Short pieces of frames, so that many find room until they are written.
        let words =
            format!("-i {interface} -Q in -U -n --immediate-mode -s 256 -B 16384 -Z root -w");
        command.args(words.split(' ')).arg(&path).stdout(Stdio::null());
        let child = command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
        self.watching.push((child, log));
        wait_for("tcpdump", || path.metadata().is_ok_and(|data| data.len() >= 24));
    }

    /// Ends everything that [`Topology::watch`] began, once it is written. Nothing may be missing: what is not in a
    /// capture was not sent.
    pub(crate) fn stop_watching(&mut self) {
        std::thread::sleep(Duration::from_millis(500));
        for (mut child, log) in self.watching.drain(..) {
            run("kill", &["-INT", &child.id().to_string()]);
            child.wait().unwrap();
            let said = std::fs::read_to_string(&log).unwrap();
            assert!(said.contains("\n0 packets dropped by kernel"), "{}: {said}", log.display());
        }
    }

    /// Waits until a role's interface has this address.
    pub(crate) fn await_address(&self, role: &str, address: &str) {
        let name = self.named(role);
        let has = || run("ip", &["-n", &name, "-o", "address"]).contains(&format!(" {address}/"));
        wait_for(&format!("{address} at {role}"), has);
    }

    /// Runs `program` where `role` stands until the end; what it says goes into a file.
    pub(crate) fn begin(&mut self, role: &str, program: &str, words: &[&str], file: &str) {
        let out = std::fs::File::create(self.path(file)).unwrap();
        let mut command = self.at(role, program.as_ref());
        command.args(words).stdout(out).stderr(Stdio::null());
        self.running.push(command.spawn().unwrap());
    }

    /// Waits until somebody listens on this port over UDP where `role` stands.
    pub(crate) fn await_port(&self, role: &str, port: &str) {
        let name = self.named(role);
        let listens = || run("ip", &["netns", "exec", &name, "ss", "-Hlnu"]);
        wait_for(&format!("port {port}"), || listens().contains(&format!(":{port} ")));
    }

    fn named(&self, role: &str) -> String {
        format!("{}-{role}", self.prefix)
    }

    fn namespace(&mut self, role: &str) -> String {
        let name = self.named(role);
        run("ip", &["netns", "add", &name]);
        self.namespaces.push(name.clone());
        name
    }

    /// The switches, in a namespace of their own.
    fn wires(&mut self) {
        let name = self.namespace("wires");
        let quiet = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6";
        run("ip", &["netns", "exec", &name, "sh", "-c", quiet]);
        let lay = |wire: &&str| format!("link add {wire} type bridge\nlink set {wire} up\n");
        batch(&name, &WIRES.iter().map(lay).collect::<String>());
    }

    /// A namespace with a cable to each of its wires.
    fn plug(&mut self, role: &Role) {
        let (name, wires) = (self.namespace(role.name), self.named("wires"));
        let cable = |(wire, mac): &(&str, &str)| {
            let end = format!("{}.{}", &wire[..2], role.name);
            format!(
                "link add {end} type veth peer name {wire} address {mac} netns {name}\nlink set {end} master {wire} up\n"
            )
        };
        batch(&wires, &role.legs.iter().map(cable).collect::<String>());
    }

    /// Brings a role up; what it runs goes on until the end.
    fn start(&mut self, role: &Role) {
        let up = |(wire, _): &(&str, &str)| format!("ip link set {wire} up\n");
        let legs: String = role.legs.iter().map(up).collect();
        let script = format!("{PRELUDE}ip link set lo up\n{legs}{}", role.script);
        let name = self.named(role.name);
        run("ip", &["netns", "exec", &name, "sh", "-c", &script]);
        if role.runs.is_empty() {
            return;
        }
        let folder = self.path(role.name);
        std::fs::create_dir_all(&folder).unwrap();
        for (file, text) in role.files {
            std::fs::write(folder.join(file), text).unwrap();
        }
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let script =
            format!("mount -t tmpfs tmpfs /run && mount -t proc proc /proc && {}", role.runs);
        let child = Command::new("ip")
            .args(["netns", "exec", &name])
            .args(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", &script])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.running.push(child);
    }
}

/// Lines for `ip` in one namespace.
fn batch(name: &str, lines: &str) {
    let mut child = Command::new("ip")
        .args(["-n", name, "-batch", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("ip: {error}; install {PACKAGES}"));
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{lines}: {}", String::from_utf8_lossy(&done.stderr));
}

impl Drop for Topology {
    fn drop(&mut self) {
        let watching = self.watching.iter_mut().map(|(child, _)| child);
        for child in watching.chain(&mut self.running) {
            let _ = child.kill();
            let _ = child.wait();
        }
        for name in &self.namespaces {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}
