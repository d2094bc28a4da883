//! From the tables of a file to hosts that answer.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use ipnetwork::IpNetwork;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::{
    file::{Error, File, HostTable, PageTable, RuleTable, ServiceTable, TlsTable, Version},
    keys,
    network::{Host, Nature, Network, Segment},
    roads,
    script::{Encryption, Page, Rule, Service, Then},
};
use crate::{link::Interface, observe::Mac};

/// The most hosts of one network.
const MOST_HOSTS: usize = 1 << 17;

pub(super) struct Builder<'a> {
    name: &'a str,
    text: &'a str,
    configs: HashMap<String, Arc<ServerConfig>>,
}

/// Reads the text of a network; `name` is for messages.
pub(super) fn network(text: &str, name: &str) -> Result<Network, Error> {
    let file: File = toml::from_str(text).map_err(|error| Error::Malformed {
        file: name.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    })?;
    let mut builder = Builder { name, text, configs: HashMap::new() };
    if file.origin.is_empty() {
        return builder.wrong("origin", "is empty; say where this network comes from");
    }
    let mut network = builder.segments(&file)?;
    builder.lines(&mut network, file.line, file.outside)?;
    let mut classes = HashMap::new();
    for table in file.class {
        let named = table.name.clone();
        if named.is_empty()
            || !table.addresses.is_empty()
            || table.first.is_some()
            || table.mac.is_some()
            || roads::is_of_one(&table)
        {
            return builder.wrong(&named, "is a class: it has a name, and no address");
        }
        let nature = builder.nature(table, &classes)?;
        if classes.insert(named.clone(), nature).is_some() {
            return builder.wrong(&named, "is a class that is there already");
        }
    }
    let mut roads = Vec::new();
    for mut table in file.host {
        let (addresses, mac) = (table.addresses.clone(), table.mac);
        if addresses.is_empty() || table.first.is_some() || table.count.is_some() {
            let host = table.name;
            return builder.wrong(&host, "has no `addresses`; `first` and `count` are for a farm");
        }
        roads.push((network.hosts.len(), roads::taken(&mut table)));
        let (name, nature) = (table.name.clone(), Arc::new(builder.nature(table, &classes)?));
        builder.join(&mut network, Host::new(name, addresses, mac, nature))?;
    }
    for table in file.farm {
        if roads::is_of_one(&table) {
            return builder
                .wrong(&table.name, "is a farm, whose hosts neither forward nor announce");
        }
        let (Some(first), Some(count)) = (table.first, table.count) else {
            let farm = table.name;
            return builder.wrong(&farm, "is a farm; it needs `first` and `count`");
        };
        let (name, mac) = (table.name.clone(), table.mac);
        let nature = Arc::new(builder.nature(table, &classes)?);
        for place in 0..count {
            let Some(address) = counted(first, place) else {
                return builder.wrong(&first.to_string(), "has too few addresses behind it");
            };
            let mac = mac.map(|mac| counted_mac(mac, place));
            let host = Host::new(name.clone(), vec![address], mac, nature.clone());
            builder.join(&mut network, host)?;
        }
    }
    for place in 0..network.segments.len() {
        builder.lead(&mut network, place)?;
    }
    for (place, road) in roads {
        builder.road(&mut network, place, road)?;
    }
    builder.check_lines(&network)?;
    Ok(network)
}

/// The address `place` after `first`.
fn counted(first: IpAddr, place: u32) -> Option<IpAddr> {
    match first {
        IpAddr::V4(first) => first.to_bits().checked_add(place).map(|bits| IpAddr::V4(bits.into())),
        IpAddr::V6(first) => {
            first.to_bits().checked_add(place.into()).map(|bits| IpAddr::V6(bits.into()))
        }
    }
}

/// The hardware address `place` after `first`, of the same maker.
fn counted_mac(first: Mac, place: u32) -> Mac {
    let [a, b, c, d, e, f] = first.0;
    let [_, d, e, f] = u32::from_be_bytes([0, d, e, f]).wrapping_add(place).to_be_bytes();
    Mac([a, b, c, d, e, f])
}

impl Builder<'_> {
    pub(super) fn wrong<T>(&self, value: &str, reason: &str) -> Result<T, Error> {
        let line = self.text.lines().position(|line| line.contains(value));
        Err(Error::Wrong {
            file: self.name.to_owned(),
            line: line.map_or(0, |line| line + 1),
            value: value.to_owned(),
            reason: reason.to_owned(),
        })
    }

    fn segments(&self, file: &File) -> Result<Network, Error> {
        let mut network = Network { frames: file.frames, ..Network::default() };
        for table in &file.segment {
            for prefix in &table.prefixes {
                if prefix.ip() != prefix.network() {
                    let right = format!(
                        "has bits beyond its prefix; did you mean {}/{}?",
                        prefix.network(),
                        prefix.prefix()
                    );
                    return self.wrong(&prefix.to_string(), &right);
                }
            }
            if table.interface.is_some() == table.behind.is_some() {
                let reason = "is reached by our `interface` or `behind` a router: give one of them";
                return self.wrong(&table.name, reason);
            }
            let mut segment = Segment {
                name: table.name.clone(),
                prefixes: table.prefixes.clone(),
                interface: None,
                behind: table.behind,
                router: None,
            };
            if let Some(ours) = &table.interface {
                let mut addresses = Vec::new();
                for address in &ours.addresses {
                    let Some(prefix) = segment.prefixes.iter().find(|p| p.contains(*address))
                    else {
                        return self.wrong(&address.to_string(), "is in no prefix of its segment");
                    };
                    addresses.extend(IpNetwork::new(*address, prefix.prefix()));
                }
                segment.interface = Some(network.interfaces.len());
                network.interfaces.push(Interface {
                    name: ours.name.clone(),
                    mac: Some(ours.mac),
                    addresses,
                    mtu: 1500,
                    up: true,
                    loopback: false,
                });
            }
            network.segments.push(segment);
        }
        Ok(network)
    }

    /// Puts a host on its segments.
    fn join(&self, network: &mut Network, host: Host) -> Result<(), Error> {
        let place = network.hosts.len();
        if place >= MOST_HOSTS {
            return self.wrong(&host.name, &format!("is one host too many; {MOST_HOSTS} may be"));
        }
        for address in &host.addresses {
            let Some(segment) = network.segment_of(*address) else {
                return self.wrong(&address.to_string(), "is in no segment; add its prefix to one");
            };
            if network.by_address.insert(*address, place).is_some() {
                return self.wrong(&address.to_string(), "belongs to two hosts");
            }
            if let Some(mac) = host.mac {
                network.by_mac.entry((segment, mac)).or_insert(place);
            }
        }
        network.hosts.push(host);
        Ok(())
    }

    /// Finds the router that leads to a segment.
    fn lead(&self, network: &mut Network, place: usize) -> Result<(), Error> {
        let Some(behind) = network.segments.get(place).and_then(|segment| segment.behind) else {
            return Ok(());
        };
        let Some(router) = network.by_address.get(&behind).copied() else {
            return self
                .wrong(&behind.to_string(), "is the router of a segment, but no host has it");
        };
        let near = network.segment_of(behind).and_then(|near| network.segments.get(near));
        if near.is_none_or(|near| near.interface.is_none()) {
            let reason = "is a router that we have no interface beside; networks are one hop deep";
            return self.wrong(&behind.to_string(), reason);
        }
        if let Some(segment) = network.segments.get_mut(place) {
            segment.router = Some(router);
        }
        Ok(())
    }

    fn nature(
        &mut self,
        table: HostTable,
        classes: &HashMap<String, Nature>,
    ) -> Result<Nature, Error> {
        let mut nature = match &table.class {
            None => Nature::default(),
            Some(class) => match classes.get(class) {
                Some(nature) => nature.clone(),
                None => return self.wrong(class, "is no class; classes stand before their hosts"),
            },
        };
        nature.resolves = table.resolves.unwrap_or(nature.resolves);
        nature.echo = table.echo.unwrap_or(nature.echo);
        nature.closed = table.closed.unwrap_or(nature.closed);
        nature.ttl = table.ttl.unwrap_or(nature.ttl);
        nature.latency = table.latency.map_or(nature.latency, milliseconds);
        nature.loses = table.loses.or(nature.loses);
        nature.misses = table.misses.unwrap_or(nature.misses);
        nature.repeats = table.repeats.unwrap_or(nature.repeats);
        nature.distress = table.distress.or(nature.distress);
        nature.fragile = table.fragile.unwrap_or(nature.fragile);
        self.ways(&mut nature, &table)?;
        for service in table.tcp {
            let ports = ports(&service);
            let service = Arc::new(self.service(service, true)?);
            nature.tcp.extend(ports.into_iter().map(|port| (port, service.clone())));
        }
        for service in table.udp {
            let ports = ports(&service);
            let service = Arc::new(self.service(service, false)?);
            nature.udp.extend(ports.into_iter().map(|port| (port, service.clone())));
        }
        if nature.tcp.contains_key(&0) || nature.udp.contains_key(&0) {
            return self.wrong(&table.name, "has a service without a `port`");
        }
        Ok(nature)
    }

    fn service(&mut self, table: ServiceTable, stream: bool) -> Result<Service, Error> {
        let streams_only = table.tls.is_some() || !table.page.is_empty() || table.drips.is_some();
        if !stream && streams_only {
            let port = format!("port = {}", table.port);
            return self.wrong(&port, "is UDP: pages, TLS and drips are for TCP");
        }
        let encryption = table.tls.as_ref().map(|tls| self.encryption(tls)).transpose()?;
        let web = !table.page.is_empty() || !table.headers.is_empty();
        let missing = PageTable {
            path: String::new(),
            method: None,
            status: 404,
            reason: "Not Found".to_owned(),
            headers: Vec::new(),
            body: super::file::Bytes::default(),
            after: 0,
            then: Then::Close,
        };
        let missing = web.then(|| Box::new(page(missing, &table.headers)));
        let pages = table.page.into_iter().map(|entry| page(entry, &table.headers)).collect();
        let drips = table.drips.map(|saying| (saying.0, milliseconds(table.every.unwrap_or(1000))));
        if drips.as_ref().is_some_and(|(_, every)| every.is_zero()) {
            return self.wrong("every = 0", "would never end; give milliseconds");
        }
        Ok(Service {
            greets: table.greets.0,
            greets_after: milliseconds(table.greets_after),
            rules: table.rule.into_iter().map(rule).collect(),
            inside: table.inside.into_iter().map(rule).collect(),
            pages,
            missing,
            encryption,
            drips,
            otherwise: table.otherwise,
        })
    }

    fn encryption(&mut self, table: &TlsTable) -> Result<Encryption, Error> {
        let name = format!("{} {:?}", table.certificate, table.versions);
        let known = self.configs.get(&name).cloned();
        let Some(config) = known.or_else(|| config(table)) else {
            let reason = format!("is no certificate; there are {}", keys::names().join(", "));
            return self.wrong(&table.certificate, &reason);
        };
        self.configs.insert(name, config.clone());
        Ok(Encryption { config, on_request: table.on_request })
    }
}

/// A server's side of TLS, without tickets: every conversation is whole.
fn config(table: &TlsTable) -> Option<Arc<ServerConfig>> {
    let certificate =
        CertificateDer::from_pem_slice(keys::certificate(&table.certificate)?).ok()?;
    let key = PrivateKeyDer::from_pem_slice(keys::key()?).ok()?;
    let versions: Vec<&rustls::SupportedProtocolVersion> = match table.versions.as_slice() {
        [] => vec![&rustls::version::TLS12, &rustls::version::TLS13],
        versions => versions
            .iter()
            .map(|version| match version {
                Version::Two => &rustls::version::TLS12,
                Version::Three => &rustls::version::TLS13,
            })
            .collect(),
    };
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&versions)
            .ok()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .ok()?;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Some(Arc::new(config))
}

pub(super) fn milliseconds(number: u32) -> Duration {
    Duration::from_millis(number.into())
}

fn ports(table: &ServiceTable) -> Vec<u16> {
    if table.ports.is_empty() { vec![table.port] } else { table.ports.clone() }
}

fn rule(table: RuleTable) -> Rule {
    Rule {
        begins: table.begins.0.say(&[]),
        contains: table.contains.0.say(&[]),
        turn: table.turn,
        answer: table.answer.0,
        times: table.times,
        after: milliseconds(table.after),
        then: table.then,
    }
}

/// A page with the header lines of its server.
fn page(table: PageTable, headers: &[String]) -> Page {
    let body = table.body.0.say(&[]);
    let reason = match (table.reason.as_str(), table.status) {
        ("", 200) => "OK",
        ("", 301 | 302) => "Found",
        ("", 401) => "Unauthorized",
        ("", 403) => "Forbidden",
        (reason, _) => reason,
    };
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", table.status);
    let mut says_length = false;
    for line in headers.iter().chain(&table.headers) {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        says_length |= name == "content-length" || name == "transfer-encoding";
        head.push_str(line);
        head.push_str("\r\n");
    }
    if !says_length {
        head = format!("{head}Content-Length: {}\r\n", body.len());
    }
    if table.then == Then::Close {
        head.push_str("Connection: close\r\n");
    }
    head.push_str("\r\n");
    Page {
        method: table.method,
        path: table.path,
        head: head.into_bytes(),
        body,
        after: milliseconds(table.after),
        then: table.then,
    }
}
