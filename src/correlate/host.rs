//! A box that was heard, whether or not it is a connection point.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use serde::{Deserialize, Serialize};

use super::{
    Point, Product, Service,
    device::{Addresses, Device},
    weigh,
};
use crate::{
    observe::{Mac, Observation, Side, Transport},
    passive::asked::Asked,
    scope::{Inside, inside::is_nowhere},
};

/// How many boxes are kept of a run.
const MOST_HOSTS: usize = 1 << 16;

/// How many services are kept of a box.
const MOST_SERVICES: usize = 256;

/// How many names are kept of a box.
const MOST_NAMES: usize = 8;

/// The protocol of a port that opened and said nothing that anybody understood.
pub const UNKNOWN: &str = "unknown";

/// Protocols in which a box answers by saying that it does not serve, or that it is there.
const ERRORS: [&str; 2] = ["icmp", "icmpv6"];

/// A box inside that said something.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Host {
    /// Its addresses inside. Empty where only its hardware address was heard.
    pub addresses: BTreeSet<IpAddr>,
    /// Its hardware addresses.
    pub macs: BTreeSet<Mac>,
    /// Names that it gives itself.
    pub names: BTreeSet<String>,
    /// Services on which it answers.
    pub services: BTreeSet<Service>,
    /// Which product it is, when a signature says so.
    pub product: Option<Product>,
    /// The connection point that it is, if it is one.
    pub point: Option<String>,
}

/// What boxes say while observations are read.
#[derive(Default)]
pub(super) struct Hearing<'o> {
    boxes: BTreeMap<Device, Saying<'o>>,
}

/// What one box says.
#[derive(Default)]
struct Saying<'o> {
    names: BTreeSet<&'o str>,
    services: BTreeSet<(Transport, Option<u16>, &'o str)>,
    product: Option<Product>,
}

impl<'o> Hearing<'o> {
    /// Notes what a box says of itself.
    pub(super) fn note(&mut self, device: Device, o: &'o Observation, inside: &Inside) {
        // The far end of a line that was listened to tells its address there.
        let told = ["arp.ip", "ethernet.address"].map(|field| o.facts.all(field));
        let mut told = told.into_iter().flatten().filter_map(|text| text.parse().ok()).peekable();
        if o.speaker.ip.is_none()
            && told.peek().is_some()
            && !told.any(|address| inside.contains(address))
        {
            return;
        }
        let saying = self.boxes.entry(device).or_default();
        if o.side == Side::Server
            && o.speaker.transport != Transport::Ethernet
            && !ERRORS.contains(&o.protocol)
            && saying.services.len() < MOST_SERVICES
        {
            saying.services.insert((o.speaker.transport, o.speaker.port, o.protocol));
        }
        for name in weigh::NAMES.iter().flat_map(|field| o.facts.all(field)) {
            if saying.names.len() < MOST_NAMES {
                saying.names.insert(name);
            }
        }
    }

    /// Notes which product a box is, where it was heard.
    pub(super) fn name(&mut self, device: Device, product: Option<Product>) {
        if let Some(saying) = self.boxes.get_mut(&device) {
            saying.product = product;
        }
    }

    /// The boxes that were heard, in the order of their addresses. `points` are told with the names that are left of
    /// `makers`, which says who made which.
    pub(super) fn hosts(
        self,
        boxes: &BTreeMap<Device, Addresses>,
        makers: &BTreeMap<Device, String>,
        points: &[Point],
        inside: &Inside,
    ) -> Vec<Host> {
        let names: BTreeMap<&str, &Point> =
            points.iter().map(|point| (&*point.id, point)).collect();
        let mut having: BTreeMap<Mac, &Point> = BTreeMap::new();
        for point in points {
            having.extend(point.macs.iter().map(|mac| (*mac, point)));
        }
        let mut hosts: Vec<Host> = self
            .boxes
            .into_iter()
            .filter_map(|(device, saying)| {
                let (ips, macs) = boxes.get(&device)?;
                let ips = ips.iter().filter(|ip| inside.contains(**ip)).copied().collect();
                let addresses = weigh::shown(&ips, macs);
                if addresses.is_empty() && macs.is_empty() {
                    return None;
                }
                let own = makers.get(&device).and_then(|id| names.get(&**id));
                // Where two points became one, the name that went is that of the other.
                let joined = || macs.iter().find_map(|mac| having.get(mac));
                let point = own.or_else(joined);
                let product = point.and_then(|point| point.product.clone()).or(saying.product);
                Some(Host {
                    addresses,
                    macs: macs.clone(),
                    names: saying.names.into_iter().map(str::to_owned).collect(),
                    services: saying.services.into_iter().map(service).collect(),
                    product,
                    point: point.map(|point| point.id.clone()),
                })
            })
            .collect();
        hosts.sort();
        hosts
    }
}

fn service((transport, port, protocol): (Transport, Option<u16>, &str)) -> Service {
    Service { transport, port, protocol: protocol.to_owned() }
}

/// `hosts` with what the ledger of recordings tells besides: boxes that answered and said nothing of themselves, and ports
/// that opened. And how many boxes lost something, or everything, to the bounds.
pub fn with_ledger(mut hosts: Vec<Host>, asked: &Asked, inside: &Inside) -> (Vec<Host>, usize) {
    let mut places: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for (place, host) in hosts.iter().enumerate() {
        places.extend(host.addresses.iter().map(|address| (*address, place)));
    }
    let answered = asked.iter().filter(|(_, entry)| entry.answers > 0).map(|(address, _)| address);
    let is_box = |address: &IpAddr| inside.contains(*address) && !is_nowhere(*address);
    for address in answered.filter(is_box) {
        places.entry(address).or_insert_with(|| {
            hosts.push(Host { addresses: [address].into(), ..Host::default() });
            hosts.len() - 1
        });
    }
    let mut cut = BTreeSet::new();
    for (address, port) in asked.opened() {
        let Some(place) = places.get(&address) else { continue };
        let Some(host) = hosts.get_mut(*place) else { continue };
        let is_it = |one: &Service| one.transport == Transport::Tcp && one.port == Some(port);
        if host.services.iter().any(is_it) {
            continue;
        }
        if host.services.len() < MOST_SERVICES {
            host.services.insert(service((Transport::Tcp, Some(port), UNKNOWN)));
        } else {
            cut.insert(*place);
        }
    }
    hosts.sort();
    let beyond = hosts.len().saturating_sub(MOST_HOSTS);
    hosts.truncate(MOST_HOSTS);
    (hosts, cut.len() + beyond)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{
        correlate::{Heard, conclude},
        fingerprint::{Matcher, Signatures},
        observe::{self, Confidence, Endpoint, Facts, PacketId},
        passive::{capture::Capture, hear},
        wire::{
            ipv4, pcapng,
            tcp::{self, Segment, flag},
        },
    };

    fn said(
        ip: Option<[u8; 4]>,
        mac: Option<Mac>,
        protocol: &'static str,
        facts: Facts,
    ) -> Observation {
        let port = ip.map(|_| 22);
        let transport = if ip.is_some() { Transport::Tcp } else { Transport::Ethernet };
        Observation {
            at: crate::time::Timestamp::default(),
            packet: PacketId::default(),
            heard: observe::Heard::Overheard,
            speaker: Endpoint { ip: ip.map(IpAddr::from), mac, port, transport },
            listener: None,
            protocol,
            side: if ip.is_some() { Side::Server } else { Side::Peer },
            confidence: Confidence::Certain,
            facts,
        }
    }

    fn hosts(heard: &[Observation]) -> Vec<Host> {
        let signatures = Signatures::built_in().unwrap();
        conclude(&Heard {
            observations: heard,
            inside: &Inside::inferred([]),
            vantages: &[],
            matcher: &Matcher::new(&signatures),
            packet: &|id| id.number.to_string(),
        })
        .hosts
    }

    const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);

    #[test]
    fn a_box_is_told_with_all_its_addresses_and_what_it_answers_on() {
        let claim = Facts::default().with("arp.ip", "10.0.0.1");
        let heard = [
            said(None, Some(MAC), "arp", claim),
            said(Some([10, 0, 0, 1]), None, "ssh", Facts::default()),
            said(Some([10, 0, 0, 1]), None, "snmp", Facts::default().with("snmp.sysname", "gw")),
        ];
        let hosts = hosts(&heard);
        assert_eq!(hosts.len(), 1);
        assert_eq!(hosts[0].addresses, [IpAddr::from([10, 0, 0, 1])].into());
        assert_eq!(hosts[0].macs, [MAC].into());
        assert_eq!(hosts[0].names, ["gw".to_owned()].into());
        let services: Vec<String> = hosts[0].services.iter().map(ToString::to_string).collect();
        assert_eq!(services, ["snmp tcp/22", "ssh tcp/22"]);
    }

    #[test]
    fn who_speaks_from_outside_is_no_host() {
        let far = Facts::default().with("arp.ip", "203.0.113.1");
        let heard = [
            said(Some([203, 0, 113, 7]), None, "ssh", Facts::default()),
            said(None, Some(MAC), "arp", far),
        ];
        assert_eq!(hosts(&heard), []);
    }

    #[test]
    fn a_box_keeps_no_more_than_its_share() {
        let names: Vec<Observation> = (0..100)
            .map(|n| Facts::default().with("snmp.sysname", format!("name-{n}")))
            .map(|facts| said(Some([10, 0, 0, 1]), None, "snmp", facts))
            .collect();
        assert_eq!(hosts(&names)[0].names.len(), MOST_NAMES);
    }

    /// A TCP packet of a recorded run, with the line that the recording has of it.
    fn segment(role: &str, from: ([u8; 4], u16), to: ([u8; 4], u16), flags: u8) -> Vec<u8> {
        let segment = Segment {
            source: from.1,
            destination: to.1,
            sequence: 1,
            acknowledgement: 1,
            flags,
            window: 1024,
            options: &[],
            payload: &[],
        };
        let packet = |payload| ipv4::Packet {
            source: from.0.into(),
            destination: to.0.into(),
            time_to_live: 64,
            protocol: tcp::NUMBER,
            identification: 0,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            options: &[],
            payload,
            missing: 0,
        };
        let payload = segment.emit(&packet(&[]).pseudo_header(20));
        let bytes = packet(&payload).emit();
        let length = u32::try_from(bytes.len()).unwrap();
        pcapng::packet(0, 1, &bytes, length, role)
    }

    #[test]
    fn a_recording_tells_which_ports_opened_and_who_answered_without_a_word() {
        let (us, box_, shut, far) =
            ([10, 0, 0, 10], [10, 0, 0, 1], [10, 0, 0, 2], [203, 0, 113, 1]);
        let mut file = pcapng::section("sekisho 0", "{}");
        file.extend(pcapng::interface(101, "eth1"));
        for to in [(box_, 22), (box_, 8080), (shut, 80), (far, 443)] {
            file.extend(segment("asked tcp_syn -", (us, 50_000), to, flag::SYN));
            let answer = if to.0 == shut { flag::RST | flag::ACK } else { flag::SYN | flag::ACK };
            file.extend(segment("replied - -", to, (us, 50_000), answer));
        }
        let capture = Capture::read(Box::new(Cursor::new(file)), "run.pcapng");
        let captures = capture.map(|capture| ("run.pcapng".to_owned(), capture));
        let heard = hear([captures], None, &|_| {}).unwrap();
        let known = hosts(&[said(Some([10, 0, 0, 1]), None, "ssh", Facts::default())]);
        let (hosts, beyond) = with_ledger(known, &heard.asked, &heard.inside);
        let told: Vec<(String, Vec<String>)> = hosts
            .iter()
            .map(|host| {
                let services = host.services.iter().map(ToString::to_string).collect();
                (host.addresses.first().unwrap().to_string(), services)
            })
            .collect();
        let services = vec!["ssh tcp/22".to_owned(), "unknown tcp/8080".to_owned()];
        assert_eq!(told, [("10.0.0.1".to_owned(), services), ("10.0.0.2".to_owned(), Vec::new())]);
        assert_eq!(beyond, 0);
    }
}
