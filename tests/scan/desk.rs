//! Runs scans in a folder of their own, and reads what they leave there.

use std::{
    fs,
    io::Read as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything is waited for that must come by itself.
const PATIENCE: Duration = Duration::from_mins(5);

/// A folder, and what runs in it.
pub(crate) struct Desk(TempDir);

/// A scan under way.
pub(crate) struct Running(Child);

/// A scan that ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The most memory that it had, in bytes.
    pub(crate) memory: u64,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn points(&self, name: &str) -> Vec<Value> {
        let all: Value = serde_json::from_slice(&self.read(name)).unwrap();
        all["points"].as_array().unwrap().clone()
    }

    pub(crate) fn coverage(&self, name: &str) -> Vec<Value> {
        let all: Value = serde_json::from_slice(&self.read(name)).unwrap();
        all["coverage"].as_array().unwrap().clone()
    }

    /// The facts of the observations in `name`: speaker's address, field, value.
    pub(crate) fn heard(&self, name: &str) -> Vec<(String, String, String)> {
        let text = String::from_utf8(self.read(name)).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let facts = |line: Value| {
            let speaker = line["speaker"]["ip"].as_str().unwrap_or_default().to_owned();
            let facts = line["facts"].as_object().unwrap().clone();
            facts.into_iter().map(move |(field, value)| {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (speaker.clone(), field, value)
            })
        };
        lines.flat_map(facts).collect()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_sekisho"), arguments)
    }

    /// The same through a shell that does something before.
    pub(crate) fn shell(&self, before: &str, arguments: &[&str]) -> Command {
        let script = format!("{before}; exec \"$0\" \"$@\"");
        let words = ["-c", &script, env!("CARGO_BIN_EXE_sekisho")];
        self.command_of("sh", &[&words, arguments].concat())
    }

    fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        for name in ["SEKISHO_STORE", "SEKISHO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"] {
            command.env_remove(name);
        }
        command.env("SEKISHO_DATA", "no-data");
        command.env("RAYON_NUM_THREADS", "2").current_dir(self.0.path()).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        Running::begin(self.command(arguments)).end()
    }
}

impl Running {
    pub(crate) fn begin(mut command: Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    pub(crate) fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.0.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Waits for its end, and looks at its memory meanwhile.
    pub(crate) fn end(mut self) -> Done {
        let text = |mut pipe: Box<dyn std::io::Read + Send>| {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                pipe.read_to_end(&mut bytes).unwrap();
                String::from_utf8(bytes).unwrap()
            })
        };
        let stdout = text(Box::new(self.0.stdout.take().unwrap()));
        let stderr = text(Box::new(self.0.stderr.take().unwrap()));
        let mut memory = 0;
        let status = within("the scan ends", || {
            memory = memory.max(peak(self.0.id()));
            self.0.try_wait().unwrap()
        });
        let [stdout, stderr] = [stdout, stderr].map(|reader| reader.join().unwrap());
        Done { code: status.code(), stdout, stderr, memory }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed leaves nobody behind.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something is there.
#[expect(clippy::disallowed_methods, reason = "a scan that does not end should fail the test")]
pub(crate) fn within<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The most memory that a process had, in bytes; 0 when it is gone.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    number.unwrap_or_default() * 1024
}
