//! The boxes and services that were heard, in the format of a common port scanner's `-oX`, which many programs read.
//!
//! Only what was seen is in it: ports that are open. Its document type leaves no other name for who scanned, so our own
//! stands in `args` and `version`.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    net::IpAddr,
};

use super::{Report, Words, words::moment, xml::Element};
use crate::{
    correlate::{Host, Point, Product, Service, host::UNKNOWN},
    observe::Transport,
    time::Timestamp,
};

/// The version of the format that we write.
const VERSION: &str = "1.05";

/// The protocol that carries others.
const TLS: &str = "tls";

/// Writes the hosts of a run, and the points of which no host is known.
pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let run = report.run;
    let points: BTreeMap<&str, &Point> =
        run.points.iter().map(|point| (&*point.id, point)).collect();
    let known: BTreeSet<&str> = run.hosts.iter().filter_map(|host| host.point.as_deref()).collect();
    let others = report.points().into_iter().filter(|point| !known.contains(&*point.id));
    let others: Vec<Host> = others.map(host_of).collect();
    // A host without an address of IP is none to those who read this.
    let hosts: Vec<&Host> =
        run.hosts.iter().chain(&others).filter(|host| !host.addresses.is_empty()).collect();
    let (began, ended) = (seconds(run.began), seconds(run.ended));
    let up = hosts.len().to_string();
    let finished = Element::new("finished")
        .with("time", ended.to_string())
        .with("timestr", moment(run.ended))
        .with("elapsed", (ended - began).max(0).to_string())
        .with("exit", "success");
    let sum = Element::new("hosts").with("up", &up).with("down", "0").with("total", &up);
    let root = Element::new("nmaprun")
        .with("scanner", "nmap")
        .with("args", format!("sekisho {} run {}", env!("CARGO_PKG_VERSION"), run.id))
        .with("start", began.to_string())
        .with("startstr", moment(run.began))
        .with("version", env!("CARGO_PKG_VERSION"))
        .with("xmloutputversion", VERSION)
        .child(Element::new("verbose").with("level", "0"))
        .child(Element::new("debugging").with("level", "0"))
        .children(hosts.into_iter().map(|host| {
            let point = host.point.as_deref().and_then(|id| points.get(id));
            element(host, point.copied(), (began, ended), report.words)
        }))
        .child(Element::new("runstats").child(finished).child(sum));
    root.write(out)
}

/// A point as a host, where no list of hosts tells of it.
fn host_of(point: &Point) -> Host {
    let listens = |service: &&Service| point.sides.of_service(service).is_some() || serves(point);
    Host {
        addresses: point.addresses.clone(),
        macs: point.macs.clone(),
        names: point.names.clone(),
        services: point.services.iter().filter(listens).cloned().collect(),
        product: point.product.clone(),
        point: Some(point.id.clone()),
    }
}

/// Whether all services of a point are its own, and none is what it dials.
fn serves(point: &Point) -> bool {
    point.direction == crate::correlate::Direction::In
}

fn element(
    host: &Host,
    point: Option<&Point>,
    (began, ended): (i64, i64),
    words: &Words,
) -> Element {
    let status = Element::new("status")
        .with("state", "up")
        .with("reason", "unknown-response")
        .with("reason_ttl", "0");
    let sort = |address: &IpAddr| if address.is_ipv4() { "ipv4" } else { "ipv6" };
    let address = |address: String, sort: &str| {
        Element::new("address").with("addr", address).with("addrtype", sort)
    };
    let addresses = host.addresses.iter().map(|one| address(one.to_string(), sort(one)));
    let macs = host.macs.iter().map(|mac| address(mac.to_string().to_uppercase(), "mac"));
    let names = host
        .names
        .iter()
        .map(|name| Element::new("hostname").with("name", name).with("type", "user"));
    let mut element = Element::new("host")
        .with("starttime", began.to_string())
        .with("endtime", ended.to_string())
        .child(status)
        .children(addresses)
        .children(macs)
        .child(Element::new("hostnames").children(names))
        .child(Element::new("ports").children(ports(host)));
    if let Some(point) = point {
        let product = host.product.as_ref().map(Product::to_string).unwrap_or_default();
        let said = [
            point.id.as_str(),
            words.kind(point.kind),
            words.grade(point.grade),
            words.direction(point.direction),
            &product,
        ];
        let said: Vec<&str> = said.into_iter().filter(|part| !part.is_empty()).collect();
        let script = Element::new("script")
            .with("id", "sekisho-point")
            .with("output", said.join(words.get("language", "comma")));
        element = element.child(Element::new("hostscript").child(script));
    }
    element
}

/// The ports of a host, each once.
fn ports(host: &Host) -> Vec<Element> {
    let mut ports: BTreeMap<(&str, u16), BTreeSet<&str>> = BTreeMap::new();
    for service in &host.services {
        let Some(port) = service.port else { continue };
        if matches!(service.transport, Transport::Tcp | Transport::Udp) {
            let port = (service.transport.name(), port);
            ports.entry(port).or_default().insert(&service.protocol);
        }
    }
    ports.into_iter().map(|((transport, port), names)| of_port(transport, port, &names)).collect()
}

fn of_port(transport: &str, port: u16, names: &BTreeSet<&str>) -> Element {
    let reason = if transport == "tcp" { "syn-ack" } else { "udp-response" };
    let state =
        Element::new("state").with("state", "open").with("reason", reason).with("reason_ttl", "0");
    let port = Element::new("port")
        .with("protocol", transport)
        .with("portid", port.to_string())
        .child(state);
    // What is carried tells more than what carries it.
    let says = |name: &&str| match *name {
        TLS => 0,
        "http" => 1,
        _ => 2,
    };
    let known = names.iter().filter(|name| **name != UNKNOWN).copied();
    let Some(name) = known.max_by_key(says) else { return port };
    let mut service =
        Element::new("service").with("name", name).with("method", "probed").with("conf", "10");
    if name != TLS && names.contains(TLS) {
        service = service.with("tunnel", "ssl");
    }
    port.child(service)
}

fn seconds(moment: Timestamp) -> i64 {
    moment.nanoseconds().div_euclid(1_000_000_000)
}
