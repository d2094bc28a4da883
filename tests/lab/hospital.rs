//! A small hospital: one bridge, a namespace a host, real daemons of the system's packages in them. Everything that
//! was begun is ended with it, by its own number.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// The network of the hospital.
pub(crate) const NETWORK: &str = "10.77.0";

/// The packages that it needs, as the error says when a program is missing.
const PACKAGES: &str = "iproute2 tcpdump openssl openssh-server openvpn strongswan-charon strongswan-swanctl \
     charon-systemd xl2tpd pptpd ppp tigervnc-standalone-server xrdp nginx-light dnsmasq snmpd socat";

/// A hospital that stands while this value lives.
pub(crate) struct Hospital {
    prefix: String,
    desk: tempfile::TempDir,
    running: Vec<Child>,
    namespaces: Vec<String>,
}

/// A host: its last byte, its name, its hardware address where that matters, and what it runs, as a shell script
/// with `$D` for its folder. `/run` is its own.
pub(crate) struct Host {
    pub(crate) last: u8,
    pub(crate) name: &'static str,
    pub(crate) mac: Option<&'static str>,
    pub(crate) files: &'static [(&'static str, &'static str)],
    pub(crate) runs: &'static str,
    /// `tcp` and `udp` ports that must listen before the hospital is open.
    pub(crate) ready: &'static [(&'static str, u16)],
}

pub(crate) fn run(program: &str, words: &[&str]) -> String {
    let done = Command::new(program)
        .args(words)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; install {PACKAGES}"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {}: {said}", words.join(" "));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

fn ip(words: &str) {
    run("ip", &words.split(' ').collect::<Vec<_>>());
}

impl Hospital {
    /// Builds the hospital of these hosts. `name` tells it from others that stand at the same time.
    pub(crate) fn open(name: &str, hosts: &[Host]) -> Self {
        let prefix = format!("sk{name}");
        let desk = tempfile::tempdir().unwrap();
        let mut hospital = Self { prefix, desk, running: Vec::new(), namespaces: Vec::new() };
        hospital.certificate();
        let lan = hospital.namespace("lan");
        ip(&format!("-n {lan} link add br0 type bridge"));
        ip(&format!("-n {lan} link set br0 up"));
        hospital.join(240, "scan", None);
        for host in hosts {
            hospital.join(host.last, host.name, host.mac);
            hospital.start(host);
        }
        for host in hosts {
            hospital.await_ready(host);
        }
        hospital
    }

    /// The folder of this hospital's files.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.desk.path().join(name)
    }

    /// `program` in the scanner's namespace.
    pub(crate) fn at_scanner(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.named("scan")]).arg(program);
        command
    }

    /// Begins to write down every frame that the scanner sends.
    pub(crate) fn watch(&mut self, file: &str) {
        let path = self.path(file);
        let mut command = self.at_scanner(Path::new("tcpdump"));
        command.args([
            "-i",
            "eth0",
            "-Q",
            "out",
            "-U",
            "-n",
            "--immediate-mode",
            "-Z",
            "root",
            "-w",
        ]);
        let child = command.arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.running.push(child);
        wait_for("tcpdump", || path.metadata().is_ok_and(|data| data.len() >= 24));
    }

    /// Ends what [`Hospital::watch`] began, once everything is written.
    pub(crate) fn stop_watching(&mut self) {
        std::thread::sleep(Duration::from_millis(500));
        if let Some(mut child) = self.running.pop() {
            run("kill", &["-INT", &child.id().to_string()]);
            child.wait().unwrap();
        }
    }

    fn named(&self, host: &str) -> String {
        format!("{}-{host}", self.prefix)
    }

    fn namespace(&mut self, host: &str) -> String {
        let name = self.named(host);
        ip(&format!("netns add {name}"));
        self.namespaces.push(name.clone());
        ip(&format!("-n {name} link set lo up"));
        name
    }

    /// A namespace with one end of a cable in the bridge.
    fn join(&mut self, last: u8, host: &str, mac: Option<&str>) {
        let (name, lan) = (self.namespace(host), self.named("lan"));
        ip(&format!("-n {lan} link add p{last} type veth peer name eth0 netns {name}"));
        ip(&format!("-n {lan} link set p{last} master br0 up"));
        if let Some(mac) = mac {
            ip(&format!("-n {name} link set eth0 address {mac}"));
        }
        ip(&format!("-n {name} addr add {NETWORK}.{last}/24 dev eth0"));
        ip(&format!("-n {name} link set eth0 up"));
    }

    /// A certificate authority and one certificate, as an appliance's factory makes them.
    fn certificate(&self) {
        let script = "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 30 \
             -subj '/O=Example Hospital/CN=Example CA' && \
             openssl req -new -newkey rsa:2048 -nodes -keyout vpn.key -out vpn.csr \
             -subj '/C=US/ST=California/L=Sunnyvale/O=Fortinet/OU=FortiGate/CN=FGT60FTK00000000' && \
             openssl x509 -req -in vpn.csr -CA ca.crt -CAkey ca.key -set_serial 7 -days 30 -out vpn.crt && \
             chmod 600 *.key";
        let folder = self.desk.path();
        let done = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
        assert!(done.status.success(), "openssl: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn start(&mut self, host: &Host) {
        let folder = self.path(host.name);
        fs::create_dir_all(&folder).unwrap();
        let filled = |text: &str| text.replace("$D", &folder.display().to_string());
        for (name, text) in host.files {
            let up = self.desk.path().display().to_string();
            fs::write(folder.join(name), filled(text).replace("$UP", &up)).unwrap();
        }
        let up = self.desk.path().display();
        let script = format!(
            "mount -t tmpfs tmpfs /run && mount -t proc proc /proc && export D={} UP={up} && cd \"$D\" && {}",
            folder.display(),
            host.runs
        );
        let log = fs::File::create(folder.join("log")).unwrap();
        let child = Command::new("ip")
            .args(["netns", "exec", &self.named(host.name)])
            .args(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.running.push(child);
    }

    fn await_ready(&self, host: &Host) {
        for (transport, port) in host.ready {
            let list = format!("-Hln{}", if *transport == "tcp" { "t" } else { "u" });
            let name = self.named(host.name);
            let open = || {
                let listens = run("ip", &["netns", "exec", &name, "ss", &list]);
                listens.contains(&format!(":{port} "))
            };
            let log = self.path(host.name).join("log");
            let waited = wait(&open);
            let said = fs::read_to_string(log).unwrap_or_default();
            assert!(waited, "{} does not listen on {transport}/{port}: {said}", host.name);
        }
    }
}

fn wait(done: &dyn Fn() -> bool) -> bool {
    (0..300).any(|_| {
        let ready = done();
        if !ready {
            std::thread::sleep(Duration::from_millis(100));
        }
        ready
    })
}

pub(crate) fn wait_for(what: &str, done: impl Fn() -> bool) {
    assert!(wait(&done), "{what} did not begin in 30 seconds");
}

impl Drop for Hospital {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        for name in &self.namespaces {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}
