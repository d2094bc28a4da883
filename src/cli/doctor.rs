//! `sekisho doctor`: what this machine can do, and what will be missing without the rest.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use super::{Exit, output};
use crate::{
    link::{Interface, interface, live::Clock, raw},
    sweep::cookie,
    time::Timestamp,
};

/// When this release was made, about: a clock that shows less is wrong.
const RELEASED: Timestamp = Timestamp::new(1_790_000_000, 0);
/// A clock that shows more is wrong too (the year 2100).
const FAR: Timestamp = Timestamp::new(4_102_444_800, 0);
/// Open files that conversations want at the widest.
const WANTED_FILES: u64 = 1024;

/// Say what this machine can do, and what will be missing without the rest
///
/// Nothing is sent. Ends with 0 when nothing is missing, with 2 otherwise.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  sekisho doctor\n  sekisho doctor --json | jq '.[] | select(.fine | not)'"
)]
pub(super) struct Arguments {
    /// Write it as JSON
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
struct Check {
    /// What it is, for programs.
    about: &'static str,
    /// Whether it is as it should be.
    fine: bool,
    /// What was found.
    found: String,
    /// What will be missing, and what to do; empty where it is fine.
    missing: &'static str,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let checks = examine();
    output::write(Path::new("-"), |out| {
        if arguments.json {
            serde_json::to_writer_pretty(&mut *out, &checks)?;
            return writeln!(out);
        }
        for check in &checks {
            let mark = if check.fine { "fine   " } else { "missing" };
            writeln!(out, "{mark}  {:<16} {}", check.about, check.found)?;
            if !check.fine {
                writeln!(out, "{:26}{}", "", check.missing)?;
            }
        }
        Ok(())
    })?;
    Ok(if checks.iter().all(|check| check.fine) { Exit::Clean } else { Exit::Partial })
}

/// Writes the interfaces and the routes of this machine, for `--iflist`.
pub(super) fn write_interfaces() -> Result<(), output::Error> {
    output::write(Path::new("-"), |out| list_interfaces(&interface::all(), out))
}

fn list_interfaces(interfaces: &[Interface], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{:<16} {:<6} {:<17} {:>6}  addresses", "interface", "state", "hardware", "mtu")?;
    for interface in interfaces {
        let addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
        writeln!(
            out,
            "{:<16} {:<6} {:<17} {:>6}  {}",
            interface.name,
            if interface.up { "up" } else { "down" },
            interface.mac.map_or_else(|| "-".to_owned(), |mac| mac.to_string()),
            interface.mtu,
            addresses.join(" ")
        )?;
    }
    writeln!(out, "\n{:<20} {:<16} router", "route", "interface")?;
    for route in interface::routes() {
        let gateway = route.gateway.map_or_else(|| "-".to_owned(), |gateway| gateway.to_string());
        writeln!(out, "{:<20} {:<16} {gateway}", route.prefix.to_string(), route.interface)?;
    }
    Ok(())
}

fn examine() -> Vec<Check> {
    let interfaces = interface::all();
    let mut checks = vec![frames(), ring(&interfaces), wires(&interfaces), routes()];
    checks.extend([clock(Clock::start().now()), own_ports(), echoes()]);
    #[cfg(unix)]
    checks.push(open_files());
    checks
}

fn frames() -> Check {
    let permitted = raw::permitted();
    Check {
        about: "raw_frames",
        fine: permitted.is_ok(),
        found: match permitted {
            Ok(()) => "packet sockets may be opened".to_owned(),
            Err(error) => format!("packet sockets may not be opened ({error})"),
        },
        missing: "no ARP, neighbour discovery, echoes, hardware addresses or TTL probes: hosts are found by TCP \
                  connections only. Run as root, or: setcap cap_net_raw+ep on the program",
    }
}

fn ring(interfaces: &[Interface]) -> Check {
    let up = interfaces.iter().find(|interface| interface.up);
    let opened = up.ok_or(io::ErrorKind::NotFound.into()).and_then(|up| raw::has_ring(&up.name));
    Check {
        about: "capture_ring",
        fine: opened.is_ok(),
        found: match opened {
            Ok(()) => "the kernel fills a ring for us".to_owned(),
            Err(error) => format!("the kernel fills no ring for us ({error})"),
        },
        missing: "frames are read one by one: answers may be lost above 100,000 a second",
    }
}

fn wires(interfaces: &[Interface]) -> Check {
    let usable: Vec<&str> = interfaces
        .iter()
        .filter(|interface| interface.up && !interface.loopback && interface.mac.is_some())
        .filter(|interface| !interface.addresses.is_empty())
        .map(|interface| &*interface.name)
        .collect();
    Check {
        about: "interfaces",
        fine: !usable.is_empty(),
        found: match usable.len() {
            0 => "no interface is up, with a hardware address and an address".to_owned(),
            _ => usable.join(", "),
        },
        missing: "nothing but this machine itself can be asked: plug in a cable, or set an address",
    }
}

fn routes() -> Check {
    let gateways = interface::default_gateways();
    let told: Vec<String> = gateways
        .iter()
        .map(|route| match route.gateway {
            Some(gateway) => format!("{gateway} by {}", route.interface),
            None => route.interface.clone(),
        })
        .collect();
    Check {
        about: "default_route",
        fine: !told.is_empty(),
        found: if told.is_empty() { "there is none".to_owned() } else { told.join(", ") },
        missing: "networks beyond our own wires are asked only where other routes lead to them",
    }
}

fn clock(now: Timestamp) -> Check {
    Check {
        about: "clock",
        fine: (RELEASED..FAR).contains(&now),
        found: now.to_string(),
        missing: "hours in which asking is allowed, and the dates of reports, follow from the clock: set it",
    }
}

fn own_ports() -> Check {
    let read = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let bounds: Vec<u16> = read.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let overlaps = matches!(bounds[..], [_, last] if last >= *cookie::PORTS.start());
    Check {
        about: "own_ports",
        fine: !overlaps,
        found: match bounds[..] {
            [first, last] => format!("connections of the system leave from {first} to {last}"),
            _ => "the system does not tell from which ports its connections leave".to_owned(),
        },
        missing: "SYNs leave from ports 61440 to 65535, and may meet the system's own connections: set \
                  net.ipv4.ip_local_port_range to end below",
    }
}

fn echoes() -> Check {
    let read = fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap_or_default();
    let bounds: Vec<u64> = read.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let group = own_group();
    let within = matches!((&bounds[..], group), ([first, last], Some(group)) if (*first..=*last).contains(&group));
    Check {
        about: "echo_sockets",
        fine: within || raw::permitted().is_ok(),
        found: match (within, &bounds[..]) {
            (true, _) => "ICMP sockets may be opened without privilege".to_owned(),
            (false, [first, last]) => format!("ICMP sockets are for groups {first} to {last}"),
            (false, _) => "the system does not tell who may open ICMP sockets".to_owned(),
        },
        missing: "without raw frames there are no echoes either: set net.ipv4.ping_group_range",
    }
}

/// The group that this process belongs to, as the system shows it.
#[cfg(unix)]
fn own_group() -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").ok().map(|data| data.gid().into())
}

#[cfg(not(unix))]
fn own_group() -> Option<u64> {
    None
}

#[cfg(unix)]
fn open_files() -> Check {
    let limit = raw::open_files();
    Check {
        about: "open_files",
        fine: matches!(limit, Ok((now, _)) if now >= WANTED_FILES),
        found: match limit {
            Ok((now, most)) if now == most => format!("{now} at a time"),
            Ok((now, most)) => format!("{now} at a time, {most} if asked for"),
            Err(error) => format!("the system does not tell how many ({error})"),
        },
        missing: "fewer conversations can be open at a time: ulimit -n 4096",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_found_out() {
        assert!(!clock(Timestamp::default()).fine);
        assert!(!clock(Timestamp::new(5_000_000_000, 0)).fine);
        assert!(clock(Timestamp::new(1_800_000_000, 0)).fine);
    }

    #[test]
    fn a_machine_without_a_wire_is_told_what_is_missing() {
        let loopback = Interface {
            name: "lo".to_owned(),
            mac: None,
            addresses: vec!["127.0.0.1/8".parse().unwrap()],
            mtu: 65_536,
            up: true,
            loopback: true,
        };
        let check = wires(std::slice::from_ref(&loopback));
        assert!(!check.fine && check.missing.contains("cable"));
        let mut list = Vec::new();
        list_interfaces(&[loopback], &mut list).unwrap();
        let list = String::from_utf8(list).unwrap();
        assert!(
            list.contains("lo               up     -                  65536  127.0.0.1/8"),
            "{list}"
        );
    }

    #[test]
    fn every_check_says_what_it_found_and_what_would_be_missing() {
        let checks = examine();
        assert!(checks.len() >= 7);
        assert!(checks.iter().all(|check| !check.found.is_empty() && !check.missing.is_empty()));
    }
}
