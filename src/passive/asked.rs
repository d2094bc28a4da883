//! What was sent to whom in a run that was recorded, and who answered.
//!
//! A packet that dies near is its neighbour's, whatever its destination, as far as the recording shows whose hardware
//! address it went to: it is the neighbour that must take it in and answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use super::{
    capture::{Captured, Role},
    forward::NEAR,
};
use crate::{
    observe::{Mac, Transport},
    scope::Vantage,
    wire::{
        arp::Arp,
        ethernet::{self, Kind},
        icmpv6, ipv4, ipv6,
        link::{Holds, Link},
        ndp::{Extra, Message, Ndp},
        tcp::{self, Segment, flag},
        udp::{self, Datagram},
    },
};

/// How many addresses are told apart.
const MOST_ADDRESSES: usize = 1 << 17;

/// How many probes are told apart.
const MOST_PROBES: usize = 1 << 10;

/// How many ports are told that were asked from outside, of all addresses together.
const MOST_DOORS: usize = 1 << 20;

/// How many ports are told that opened inside, of all addresses together.
const MOST_OPENED: usize = 1 << 18;

/// How many hardware addresses are known by whose they are.
const MOST_OWNERS: usize = 1 << 16;

/// How many addresses of one hardware address are known.
const MOST_OWNED: usize = 4;

/// The ledger of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Packets that were sent.
    pub packets: u64,
    /// Bytes of these packets, as far as they were kept; of sockets, from the IP header on.
    pub bytes: u64,
    /// Frames, datagrams and connections: what asks, without what only goes on or confirms.
    pub questions: u64,
    entries: BTreeMap<IpAddr, Entry>,
    /// Addresses for which there was no room, as often as they were asked.
    beyond: u64,
    probes: Vec<String>,
    /// Whose hardware addresses are, as ARP and neighbour discovery told, first things first.
    owners: BTreeMap<Mac, Vec<IpAddr>>,
    doors: BTreeMap<(Vantage, IpAddr), Doors>,
    /// How many ports stand in these.
    ports: usize,
    /// Ports of TCP that opened to a run from inside.
    opened: BTreeSet<(IpAddr, u16)>,
}

/// What an address was asked from outside, and what answered: each a transport and a port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doors {
    /// What was asked.
    pub asked: BTreeSet<(Transport, u16)>,
    /// What opened, or said something.
    pub open: BTreeSet<(Transport, u16)>,
}

/// What one address was sent, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Packets that were sent to it.
    pub packets: u64,
    /// Bytes of these packets.
    pub bytes: u64,
    /// Packets that came from it in answer.
    pub answers: u64,
    /// The probes, by their places in the ledger's list.
    probes: BTreeSet<u16>,
}

impl Asked {
    /// How many addresses were asked, at least.
    pub fn addresses(&self) -> u64 {
        self.entries.len() as u64
    }

    /// How many of them answered.
    pub fn answered(&self) -> u64 {
        self.entries.values().filter(|entry| entry.answers > 0).count() as u64
    }

    /// Every address that was asked.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, &Entry)> {
        self.entries.iter().map(|(address, entry)| (*address, entry))
    }

    /// What `address` was sent.
    pub fn of(&self, address: IpAddr) -> Option<&Entry> {
        self.entries.get(&address)
    }

    /// The names of the probes that asked an address.
    pub fn probes_of<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = &'a str> {
        let names = |place: &u16| self.probes.get(usize::from(*place)).map(String::as_str);
        entry.probes.iter().filter_map(names)
    }

    /// What was asked from outside, by vantage and address.
    pub fn from_outside(&self) -> impl Iterator<Item = (&Vantage, IpAddr, &Doors)> {
        self.doors.iter().map(|((vantage, address), doors)| (vantage, *address, doors))
    }

    /// The ports of TCP that opened to runs from inside, by address; at most 262,144.
    pub fn opened(&self) -> impl Iterator<Item = (IpAddr, u16)> {
        self.opened.iter().copied()
    }

    /// Packets and bytes that went to addresses for which there was no room.
    pub fn others(&self) -> (u64, u64) {
        let told: u64 = self.entries.values().map(|entry| entry.bytes).sum();
        (self.beyond, self.bytes.saturating_sub(told))
    }

    /// Whether every address that was asked is told.
    pub fn is_whole(&self) -> bool {
        self.beyond == 0
    }

    /// Learns from a packet of a recording whose hardware addresses are. What we say ourselves tells nothing.
    pub(super) fn hear(&mut self, packet: &Captured, bytes: &[u8]) {
        if packet.role == Role::Asked || packet.clear {
            return;
        }
        let Ok(link) = Link::parse(packet.link_type, bytes) else { return };
        let source = link.source.map(Mac);
        let Holds::Ethernet(Kind::Type(kind)) = link.holds else { return };
        match kind {
            ethernet::ARP => {
                if let Ok(arp) = Arp::parse(link.payload) {
                    for mac in [Some(Mac(arp.sender_mac)), source] {
                        self.learn(mac, arp.sender.into());
                    }
                }
            }
            ethernet::IPV6 => {
                let Ok(packet) = ipv6::Packet::parse(link.payload) else { return };
                if packet.protocol != icmpv6::NUMBER || packet.hop_limit != 255 {
                    return;
                }
                let Ok(said) = Ndp::parse(packet.payload) else { return };
                let about = match said.message {
                    Message::NeighborAdvertisement { target, .. } => target,
                    _ => packet.source,
                };
                self.learn(source, about.into());
                for extra in said.extras() {
                    if let Extra::SourceMac(mac) | Extra::TargetMac(mac) = extra {
                        self.learn(Some(Mac(mac)), about.into());
                    }
                }
            }
            _ => {}
        }
    }

    fn learn(&mut self, mac: Option<Mac>, address: IpAddr) {
        let Some(mac) = mac.filter(|mac| !mac.is_group() && !mac.is_zero()) else { return };
        let full = self.owners.len() >= MOST_OWNERS && !self.owners.contains_key(&mac);
        if full || address.is_unspecified() || address.is_multicast() {
            return;
        }
        let owned = self.owners.entry(mac).or_default();
        if owned.len() < MOST_OWNED && !owned.contains(&address) {
            owned.push(address);
        }
    }

    /// An address of the machine with this hardware address: one that was asked, if there is one.
    fn owner(&self, mac: Option<Mac>) -> Option<IpAddr> {
        let owned = self.owners.get(&mac?)?;
        let asked = owned.iter().find(|address| self.entries.contains_key(address));
        asked.or(owned.first()).copied()
    }

    /// Counts a packet that was sent, or came in answer, in a run from `vantage`; `comment` is what the recording says of
    /// it.
    pub(super) fn count(
        &mut self,
        packet: &Captured,
        bytes: &[u8],
        comment: &str,
        vantage: &Vantage,
    ) {
        let Some(mut ends) = Ends::of(packet.link_type, bytes) else { return };
        if vantage.is_outside() {
            self.knock(packet.role, &ends, vantage);
        } else if packet.role == Role::Replied
            && let Some(Carries { from, opens: true, .. }) = ends.carries
            && self.opened.len() < MOST_OPENED
        {
            self.opened.insert((ends.from, from));
        }
        if packet.role == Role::Replied {
            let known = self.entries.contains_key(&ends.from);
            let from = if known { Some(ends.from) } else { self.owner(ends.source) };
            if let Some(entry) = from.and_then(|from| self.entries.get_mut(&from)) {
                entry.answers += 1;
            }
            return;
        }
        if ends.dies_near
            && let Some(owner) = self.owner(ends.destination)
        {
            ends.to = owner;
        }
        self.packets += 1;
        self.bytes += bytes.len() as u64;
        self.questions += u64::from(ends.asks);
        if self.entries.len() >= MOST_ADDRESSES && !self.entries.contains_key(&ends.to) {
            self.beyond += 1;
            return;
        }
        let probe = comment.split(' ').nth(1).and_then(|name| self.place(name));
        let entry = self.entries.entry(ends.to).or_default();
        entry.packets += 1;
        entry.bytes += bytes.len() as u64;
        entry.probes.extend(probe);
    }

    /// Notes at which port somebody was asked from outside, and whether it answered.
    fn knock(&mut self, role: Role, ends: &Ends, vantage: &Vantage) {
        let Some(port) = ends.port(role) else { return };
        let address = if role == Role::Asked { ends.to } else { ends.from };
        let key = (vantage.clone(), address);
        let full = self.ports >= MOST_DOORS;
        if role == Role::Asked {
            if full || self.doors.len() >= MOST_ADDRESSES && !self.doors.contains_key(&key) {
                return;
            }
            self.ports += usize::from(self.doors.entry(key).or_default().asked.insert(port));
        } else if let Some(doors) = self.doors.get_mut(&key)
            && doors.asked.contains(&port)
        {
            doors.open.insert(port);
        }
    }

    /// The place of a probe in the list of their names.
    fn place(&mut self, name: &str) -> Option<u16> {
        let known = self.probes.iter().position(|known| known == name);
        let place = known.unwrap_or(self.probes.len());
        if known.is_none() && place < MOST_PROBES {
            self.probes.push(name.to_owned());
        }
        u16::try_from(place).ok().filter(|_| place < MOST_PROBES)
    }
}

/// Between whom a packet goes, and whether it asks.
struct Ends {
    from: IpAddr,
    to: IpAddr,
    asks: bool,
    /// No more than one router may hand it on.
    dies_near: bool,
    /// The frame's sender and receiver.
    source: Option<Mac>,
    destination: Option<Mac>,
    carries: Option<Carries>,
}

/// What an IP packet carries from port to port.
#[derive(Clone, Copy)]
struct Carries {
    transport: Transport,
    from: u16,
    to: u16,
    /// It is not the word of a port at which nobody listens.
    says: bool,
    /// It accepts a connection.
    opens: bool,
}

impl Ends {
    fn of(link_type: i32, bytes: &[u8]) -> Option<Self> {
        let link = Link::parse(link_type, bytes).ok()?;
        let ends = match link.holds {
            Holds::Ethernet(Kind::Type(ethernet::ARP)) => {
                let arp = Arp::parse(link.payload).ok()?;
                Self::between(arp.sender.into(), arp.target.into(), true)
            }
            // It has no address of IP: everybody on the wire is asked, and offers are to us alone.
            Holds::Ethernet(Kind::Type(ethernet::PPPOE_DISCOVERY)) => {
                let everybody = IpAddr::V4(Ipv4Addr::BROADCAST);
                Self::between(everybody, everybody, true)
            }
            Holds::Ip | Holds::Ethernet(Kind::Type(ethernet::IPV4 | ethernet::IPV6)) => {
                Self::of_ip(link.payload)?
            }
            _ => return None,
        };
        let (source, destination) = (link.source.map(Mac), link.destination.map(Mac));
        Some(Self { source, destination, ..ends })
    }

    fn between(from: IpAddr, to: IpAddr, asks: bool) -> Self {
        let (dies_near, source, destination, carries) = (false, None, None, None);
        Self { from, to, asks, dies_near, source, destination, carries }
    }

    fn of_ip(bytes: &[u8]) -> Option<Self> {
        if bytes.first()? >> 4 == 4 {
            let packet = ipv4::Packet::parse(bytes).ok()?;
            let asks = asks(packet.protocol, packet.payload);
            let carries = carries(packet.protocol, packet.payload);
            let ends = Self::between(packet.source.into(), packet.destination.into(), asks);
            return Some(Self { dies_near: packet.time_to_live <= NEAR, carries, ..ends });
        }
        let packet = ipv6::Packet::parse(bytes).ok()?;
        let asks = asks(packet.protocol, packet.payload);
        let neighbour = (packet.protocol == 58).then(|| Ndp::parse(packet.payload).ok()).flatten();
        let (from, to) = match neighbour.map(|ndp| ndp.message) {
            Some(Message::NeighborSolicitation { target }) => (packet.source, target),
            Some(Message::NeighborAdvertisement { target, .. }) => (target, packet.destination),
            _ => (packet.source, packet.destination),
        };
        let carries = carries(packet.protocol, packet.payload);
        let ends = Self::between(from.into(), to.into(), asks);
        Some(Self { dies_near: packet.hop_limit <= NEAR, carries, ..ends })
    }

    /// The other end's transport and port, where this packet asks there, or shows that somebody listens there.
    fn port(&self, role: Role) -> Option<(Transport, u16)> {
        let Carries { transport, from, to, says, .. } = self.carries?;
        match role {
            Role::Asked => Some((transport, to)),
            Role::Replied => says.then_some((transport, from)),
            Role::Overheard => None,
        }
    }
}

/// What a packet carries, where it goes from port to port.
fn carries(protocol: u8, payload: &[u8]) -> Option<Carries> {
    match protocol {
        tcp::NUMBER => {
            let segment = Segment::parse(payload).ok()?;
            let (from, to) = (segment.source, segment.destination);
            let says = !segment.has(flag::RST);
            let opens = says && segment.has(flag::SYN) && segment.has(flag::ACK);
            Some(Carries { transport: Transport::Tcp, from, to, says, opens })
        }
        udp::NUMBER => {
            let datagram = Datagram::parse(payload).ok()?;
            let (from, to) = (datagram.source, datagram.destination);
            Some(Carries { transport: Transport::Udp, from, to, says: true, opens: false })
        }
        _ => None,
    }
}

/// Whether a packet that we send asks, and does not just go on or confirm.
fn asks(protocol: u8, payload: &[u8]) -> bool {
    let begins = |segment: Segment<'_>| segment.has(flag::SYN);
    protocol != tcp::NUMBER || Segment::parse(payload).is_ok_and(begins)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{
        passive::{capture::Capture, hear},
        wire::{
            arp,
            ethernet::Frame,
            icmp::{self, Icmp},
            pcapng,
        },
    };

    const WE: [u8; 6] = [2, 0, 0, 0, 0, 0x10];
    const GATEWAY: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const STRANGER: [u8; 6] = [2, 0, 0, 0, 0, 2];

    const OUR_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 10);
    const GATEWAYS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 41, 0, 4);
    const CARRIERS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

    fn frame(source: [u8; 6], destination: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
        Frame { source, destination, vlan: None, kind: Kind::Type(kind), payload }.emit()
    }

    fn packet(source: Ipv4Addr, destination: Ipv4Addr, age: u8, payload: &[u8]) -> Vec<u8> {
        let packet = ipv4::Packet {
            source,
            destination,
            time_to_live: age,
            protocol: 1,
            identification: 0,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            options: &[],
            payload,
            missing: 0,
        };
        packet.emit()
    }

    /// A question for an echo of `destination` to this hardware address.
    fn question(mac: [u8; 6], destination: Ipv4Addr, age: u8) -> Vec<u8> {
        let echo = icmp::echo(1, 2, b"sekisho");
        frame(WE, mac, ethernet::IPV4, &packet(OUR_ADDRESS, destination, age, &echo))
    }

    /// Who has the gateway's address, and that it does.
    fn resolved() -> [(&'static str, Vec<u8>); 2] {
        let asked = Arp {
            operation: arp::REQUEST,
            sender_mac: WE,
            sender: OUR_ADDRESS,
            target_mac: [0; 6],
            target: GATEWAYS,
        };
        let told = Arp {
            operation: arp::REPLY,
            sender_mac: GATEWAY,
            sender: GATEWAYS,
            target_mac: WE,
            target: OUR_ADDRESS,
        };
        [
            ("asked arp -", frame(WE, [0xff; 6], ethernet::ARP, &asked.emit())),
            ("replied arp -", frame(GATEWAY, WE, ethernet::ARP, &told.emit())),
        ]
    }

    fn ledger(frames: &[(&str, Vec<u8>)]) -> Asked {
        let mut file = pcapng::section("sekisho 0", "{}");
        file.extend(pcapng::interface(1, "eth1"));
        for (at, (comment, bytes)) in (1..).zip(frames) {
            let length = u32::try_from(bytes.len()).unwrap();
            file.extend(pcapng::packet(0, at, bytes, length, comment));
        }
        let capture = Capture::read(Box::new(Cursor::new(file)), "run.pcapng");
        let captures = capture.map(|capture| ("run.pcapng".to_owned(), capture));
        hear([captures], None, &|_| {}).unwrap().asked
    }

    /// How many packets, and answers, each address has.
    fn rows(asked: &Asked) -> Vec<(String, u64, u64)> {
        asked.iter().map(|(ip, entry)| (ip.to_string(), entry.packets, entry.answers)).collect()
    }

    #[test]
    fn what_dies_at_a_neighbour_was_sent_to_it_and_not_to_the_outside() {
        let asked = question(GATEWAY, OUTSIDE, 1);
        let further = question(GATEWAY, OUTSIDE, 2);
        let error = |source, about: &[u8]| {
            let body = &about[14..];
            let message = Icmp { kind: 11, code: 0, argument: [0; 4], body }.emit();
            frame(GATEWAY, WE, ethernet::IPV4, &packet(source, OUR_ADDRESS, 64, &message))
        };
        let (near, far) = (error(GATEWAYS, &asked), error(CARRIERS, &further));
        let [who, told] = resolved();
        let all = [
            who,
            told,
            ("asked forward -", asked),
            ("replied - -", near),
            ("asked second_hop -", further),
            ("replied - -", far),
        ];
        let asked = ledger(&all);
        assert_eq!(rows(&asked), [("10.0.0.1".to_owned(), 3, 3)]);
        let entry = asked.of(GATEWAYS.into()).unwrap();
        assert_eq!(asked.probes_of(entry).collect::<Vec<_>>(), ["arp", "forward", "second_hop"]);
    }

    #[test]
    fn what_may_travel_on_was_sent_to_its_destination() {
        let [who, told] = resolved();
        let all = [who, told, ("asked responder -", question(GATEWAY, OUTSIDE, 64))];
        assert_eq!(
            rows(&ledger(&all)),
            [("10.0.0.1".to_owned(), 1, 1), ("198.41.0.4".to_owned(), 1, 0)]
        );
    }

    #[test]
    fn a_neighbour_of_which_nothing_is_known_is_its_destination() {
        let [who, told] = resolved();
        let all = [who, told, ("asked forward -", question(STRANGER, OUTSIDE, 1))];
        assert_eq!(rows(&ledger(&all))[1], ("198.41.0.4".to_owned(), 1, 0));
    }

    #[test]
    fn of_several_addresses_the_one_that_was_asked_is_told() {
        let announced = Arp {
            operation: arp::REPLY,
            sender_mac: GATEWAY,
            sender: CARRIERS,
            target_mac: WE,
            target: OUR_ADDRESS,
        };
        let announced = ("", frame(GATEWAY, WE, ethernet::ARP, &announced.emit()));
        let [who, told] = resolved();
        let all = [announced, who, told, ("asked forward -", question(GATEWAY, OUTSIDE, 1))];
        assert_eq!(rows(&ledger(&all)), [("10.0.0.1".to_owned(), 2, 1)]);
    }
}
