//! `sekisho listen`: what passes a mirror port, to connection points. Sends nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Exit,
    aloud::{notice, warning},
    conclude::{Desk, Outputs},
    output,
};
use crate::{
    link::{
        Interface, interface,
        listen::{Cut, Ear, Heard, Listener, Measure, Progress, Wire},
        live::Clock,
        stop,
    },
    passive::capture::COVERAGE,
    scope::{Facility, pace},
    sweep::listening,
};

/// List the connection points that show in what passes a mirror port
///
/// Listens on interfaces, sends nothing, and then does what `replay` does. Of each conversation as much is kept as is
/// read of it; announcements, names and errors are kept whole. Needs the right to packet sockets: root, or `CAP_NET_RAW`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sekisho listen -i eth1 --for 15m --scope facility.toml --store hospital.sqlite --report out\n  \
    sekisho listen -i eth1 -i eth2                            # until Ctrl-C\n  \
    sekisho listen -i eth1 --for 1h --write monday.pcapng     # and keep what was heard\n\n\
    The first Ctrl-C ends listening and tells what was found, the second stops at once.")]
pub(super) struct Arguments {
    /// Listen on this interface; may be given several times
    #[arg(long, short, required = true, value_name = "NAME")]
    interface: Vec<String>,
    /// Listen for this long, such as 15m or 2h; otherwise until Ctrl-C
    #[arg(long = "for", value_name = "TIME", value_parser = some_time)]
    time: Option<Duration>,
    /// Keep what was heard in this new file; otherwise it is removed when it has been read
    #[arg(long, value_name = "FILE.pcapng", value_parser = file)]
    write: Option<PathBuf>,
    /// The most bytes to write, such as 500M or 4G; then listening ends
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = size)]
    max_size: u64,
    /// Write every frame, not just as much of each conversation as is read of it
    #[arg(long)]
    whole: bool,
    /// Hear only frames to this machine and to groups: no mirror port then
    #[arg(long)]
    no_promiscuous: bool,
    /// The facility file: whose network this is, and which prefixes are inside
    #[arg(long, value_name = "FILE")]
    scope: Option<PathBuf>,
    #[command(flatten)]
    outputs: Outputs,
}

/// Why nothing was listened to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// There is no such interface.
    #[error("there is no interface `{0}` here; `sekisho scan --iflist` lists them")]
    NoInterface(String),
    /// Signals cannot be watched for.
    #[error("Ctrl-C cannot be watched for ({0})")]
    Signals(#[source] std::io::Error),
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let facility = arguments.scope.as_deref().map(Facility::load).transpose()?;
    let desk = arguments.outputs.open()?;
    let interfaces = interfaces(&arguments.interface)?;
    let open = |interface: &Interface| Ear::open(interface, !arguments.no_promiscuous);
    let ears = interfaces.iter().map(open).collect::<Result<Vec<Ear>, _>>()?;
    let path = place(arguments);
    let measure = Measure { whole: arguments.whole, most: arguments.max_size };
    let listener = Listener::begin(&path, ears, measure)?;
    let stopper = listener.stopper();
    // Results take their time, too, and the second Ctrl-C ends that.
    let _watch = stop::watch(move || stopper.stop(), stop::at_once).map_err(Error::Signals)?;
    let heard = listen(arguments, listener);
    tell(arguments, &path, &heard.wires);
    let of_wire = |wire: &Wire| {
        let interface = interfaces.iter().find(|known| known.name == wire.name);
        interface.map(|interface| lines(interface, wire, arguments.time)).unwrap_or_default()
    };
    let lines: Vec<String> = heard.wires.iter().flat_map(of_wire).collect();
    let exit =
        heard.finish(&lines).map_err(Into::into).and_then(|()| conclude(desk, &path, facility));
    if exit.is_err() {
        let path = path.display();
        warning!("sekisho: what was heard is kept; make its results by `sekisho replay {path}`");
    } else if arguments.write.is_none() {
        fs::remove_file(&path)?;
    }
    exit
}

fn conclude(desk: Desk<'_>, path: &Path, facility: Option<Facility>) -> anyhow::Result<Exit> {
    desk.conclude(&[path.to_owned()], facility)
}

/// The interfaces of these names, each once.
fn interfaces(names: &[String]) -> Result<Vec<Interface>, Error> {
    let all = interface::all();
    let mut named: Vec<Interface> = Vec::new();
    for name in names {
        let found = all.iter().find(|known| known.name == *name);
        let found = found.ok_or_else(|| Error::NoInterface(name.clone()))?;
        if !named.contains(found) {
            named.push(found.clone());
        }
    }
    Ok(named)
}

/// Where what is heard is written: beside the inventory, whose disk has room, or where temporary files are.
fn place(arguments: &Arguments) -> PathBuf {
    if let Some(path) = &arguments.write {
        return path.clone();
    }
    let beside = arguments.outputs.store.as_deref().and_then(Path::parent);
    let folder = beside.map_or_else(std::env::temp_dir, Path::to_owned);
    let moment = Clock::start().now().nanoseconds();
    folder.join(format!("sekisho-listen-{}-{moment}.pcapng", std::process::id()))
}

fn listen(arguments: &Arguments, listener: Listener) -> Heard {
    let bar = progress(arguments);
    let heard = listener.listen(arguments.time, &mut |now: Progress| {
        let megabytes = now.bytes >> 20;
        bar.set_message(format!(
            "listening: {} frames, {megabytes} MiB kept, {} lost",
            now.frames, now.lost
        ));
        bar.tick();
    });
    bar.finish_and_clear();
    heard
}

fn progress(arguments: &Arguments) -> ProgressBar {
    if arguments.outputs.quiet || !std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}");
    let bar = ProgressBar::new_spinner();
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar
}

/// Says what was heard, and why no more was.
fn tell(arguments: &Arguments, path: &Path, wires: &[Wire]) {
    for wire in wires {
        let Wire { name, frames, kept, lost, time, cut, .. } = wire;
        if !arguments.outputs.quiet {
            let seconds = time.as_secs();
            notice!("sekisho: {name}: {frames} frames in {seconds} s, {kept} kept, {lost} lost");
            if *frames == 0 {
                warning!(
                    "sekisho: {name}: nothing passed; is it the mirror port, and does the switch mirror to it?"
                );
            }
        }
        match cut {
            Some(Cut::Interface(reason)) => warning!(
                "sekisho: {name}: went down ({reason}); what was heard until then is kept. Bring it up, and listen again"
            ),
            Some(Cut::Disk(reason)) => warning!(
                "sekisho: {}: cannot be written further ({reason}); what was heard until then is kept. Make room, or name a \
                 file on another disk by --write",
                path.display()
            ),
            Some(Cut::Size(most)) => warning!(
                "sekisho: {}: has the {most} bytes that it may have; what was heard until then is kept. Allow more by --max-size",
                path.display()
            ),
            Some(Cut::User) | None => {}
        }
    }
}

/// What is told of an interface in lines of coverage, as recordings have them.
fn lines(interface: &Interface, wire: &Wire, wanted: Option<Duration>) -> Vec<String> {
    let reason = wire.cut.as_ref().map(Cut::name);
    let mut told = listening::told(interface, wire.frames, wire.time, reason);
    let of = wanted.filter(|_| reason.is_some()).map(|time| format!(" of={}", time.as_secs()));
    told.detail = format!("{}{} kept={}", told.detail, of.unwrap_or_default(), wire.kept);
    let mut lines = vec![format!("{COVERAGE} {}", told.line())];
    if wire.lost > 0 {
        lines.push(format!("{COVERAGE} packets_lost partial {} {}", wire.lost, wire.name));
    }
    lines
}

fn some_time(text: &str) -> Result<Duration, String> {
    let time = pace::duration(text).map_err(|error| error.to_string())?;
    if time.is_zero() { Err("in no time nothing is heard".to_owned()) } else { Ok(time) }
}

/// A file, which standard output is not: it is read when it is written.
fn file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if output::is_stdout(&path) {
        Err("what is heard is read again from the file; name one".to_owned())
    } else {
        Ok(path)
    }
}

/// A number of bytes: `500M`, `4G`.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size; write a number and a unit, such as 500M or 4G");
    let end = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text.get(end.len()..).unwrap_or_default() {
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        "t" | "T" => 40,
        _ => return Err(wrong()),
    };
    let number: u64 = end.parse().map_err(|_| wrong())?;
    let bytes = number.checked_mul(1 << shift).filter(|bytes| *bytes > 0).ok_or_else(wrong)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(addresses: &[&str]) -> Interface {
        Interface {
            name: "eth1".to_owned(),
            mac: None,
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            mtu: 1500,
            up: true,
            loopback: false,
        }
    }

    fn wire(cut: Option<Cut>, lost: u64) -> Wire {
        let (name, time) = ("eth1".to_owned(), Duration::from_millis(61_500));
        Wire { name, frames: 4000, kept: 900, lost, time, cut }
    }

    #[test]
    fn sizes_are_a_number_and_a_unit() {
        assert_eq!((size("500M"), size("4g")), (Ok(500 << 20), Ok(4 << 30)));
        for wrong in ["", "5", "M", "-1G", "0G", "5MB", "99999999999T"] {
            assert!(size(wrong).is_err_and(|said| said.contains("such as 500M")), "{wrong}");
        }
        assert!(some_time("0s").is_err() && file("-").is_err());
    }

    #[test]
    fn what_was_heard_is_told_for_each_wire_and_what_was_lost_makes_it_partial() {
        let ward = interface(&["10.10.1.9/24"]);
        assert_eq!(
            lines(&ward, &wire(None, 0), None),
            ["coverage listening@10.10.1.0/24@eth1 measured 4000 seconds=61 kept=900"]
        );
        let cut = wire(Some(Cut::Size(1 << 20)), 7);
        assert_eq!(
            lines(&ward, &cut, Some(Duration::from_mins(15))),
            [
                "coverage listening@10.10.1.0/24@eth1 partial 4000 file_full seconds=61 of=900 kept=900",
                "coverage packets_lost partial 7 eth1",
            ]
        );
        let mirror = lines(&interface(&["fe80::9/64"]), &wire(None, 0), None);
        assert_eq!(mirror, ["coverage listening@@eth1 measured 4000 seconds=61 kept=900"]);
    }
}
