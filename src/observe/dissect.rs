//! Which protocol is spoken: decided by content, with the port as a hint only.

use hashbrown::HashMap;

use super::{Carrier, Confidence, Finding, PROTOCOLS, Protocol, Said};

/// Protocols by a number that announces them.
type By<K> = HashMap<K, Vec<&'static Protocol>, foldhash::fast::RandomState>;

/// The protocols, by what can carry them.
#[derive(Debug, Default)]
pub struct Dissector {
    tcp: Carried,
    udp: Carried,
    ip: By<u8>,
    ethernet: By<u16>,
    snap: By<(u32, u16)>,
    llc: By<u8>,
}

/// Protocols with ports.
#[derive(Debug, Default)]
struct Carried {
    /// Asked about every port.
    anywhere: Vec<&'static Protocol>,
    /// Those at home on a port.
    at_home: By<u16>,
}

/// What came of asking.
#[derive(Debug)]
pub enum Verdict {
    /// This protocol understood it.
    Understood(&'static Protocol, Finding),
    /// It may be one, when more has arrived.
    Wait,
    /// No protocol we know.
    Unknown,
}

impl Carried {
    fn add(&mut self, protocol: &'static Protocol, ports: &[u16], anywhere: bool) {
        if anywhere {
            self.anywhere.push(protocol);
        }
        for port in ports {
            self.at_home.entry(*port).or_default().push(protocol);
        }
    }

    fn home(&self, port: u16) -> &[&'static Protocol] {
        self.at_home.get(&port).map_or(&[], Vec::as_slice)
    }
}

impl Dissector {
    /// All of [`PROTOCOLS`].
    pub fn new() -> Self {
        let mut all = Self::default();
        for protocol in PROTOCOLS {
            for carrier in protocol.carriers {
                match *carrier {
                    Carrier::Tcp(ports) => all.tcp.add(protocol, ports, true),
                    Carrier::TcpOnly(ports) => all.tcp.add(protocol, ports, false),
                    Carrier::Udp(ports) => all.udp.add(protocol, ports, true),
                    Carrier::UdpOnly(ports) => all.udp.add(protocol, ports, false),
                    Carrier::Ip(number) => all.ip.entry(number).or_default().push(protocol),
                    Carrier::Ethernet(number) => {
                        all.ethernet.entry(number).or_default().push(protocol);
                    }
                    Carrier::Snap(organisation, number) => {
                        all.snap.entry((organisation, number)).or_default().push(protocol);
                    }
                    Carrier::Llc(number) => all.llc.entry(number).or_default().push(protocol),
                }
            }
        }
        all
    }

    /// Asks about a stream, `known` first.
    pub fn stream(&self, said: &Said<'_>, known: Option<&'static Protocol>) -> Verdict {
        self.tcp.ask(said, known)
    }

    /// Asks about a datagram, `known` first.
    pub fn datagram(&self, said: &Said<'_>, known: Option<&'static Protocol>) -> Verdict {
        self.udp.ask(said, known)
    }

    /// Asks about the payload of an IP packet with this protocol number.
    pub fn packet(&self, number: u8, said: &Said<'_>) -> Verdict {
        ask_each(self.ip.get(&number), said)
    }

    /// Asks about the payload of a frame.
    pub fn frame(&self, kind: crate::wire::ethernet::Kind, said: &Said<'_>) -> Verdict {
        use crate::wire::ethernet::Kind;
        match kind {
            Kind::Type(number) => ask_each(self.ethernet.get(&number), said),
            Kind::Snap(organisation, number) => {
                ask_each(self.snap.get(&(organisation, number)), said)
            }
            Kind::Llc(number) => ask_each(self.llc.get(&number), said),
        }
    }
}

impl Carried {
    fn ask(&self, said: &Said<'_>, known: Option<&'static Protocol>) -> Verdict {
        let (from, to) = (self.home(said.from), self.home(said.to));
        if let Some(protocol) = known {
            // What rides on the known one and is at home here comes before it in the list, and may tell more.
            let before = from.iter().chain(to).take_while(|home| !std::ptr::eq(**home, protocol));
            for rider in before {
                if let Ok(finding) = (rider.read)(said)
                    && finding.confidence > Confidence::Weak
                {
                    return Verdict::Understood(rider, finding);
                }
            }
            match (protocol.read)(said) {
                Ok(finding) => return Verdict::Understood(protocol, finding),
                Err(error) if error.wants_more() && said.open => return Verdict::Wait,
                Err(_) => {}
            }
        }
        let at_home = from.iter().chain(to);
        let abroad = self
            .anywhere
            .iter()
            .filter(|protocol| !from.iter().chain(to).any(|home| std::ptr::eq(*home, **protocol)));
        let mut best: Option<(&'static Protocol, Finding)> = None;
        let mut waits = false;
        let asked = at_home
            .map(|protocol| (protocol, true))
            .chain(abroad.map(|protocol| (protocol, false)));
        for (protocol, home) in asked {
            match (protocol.read)(said) {
                Ok(finding) if finding.confidence == Confidence::Certain => {
                    return Verdict::Understood(protocol, finding);
                }
                // Off its usual port a shape is not enough.
                Ok(finding) if home || finding.confidence > Confidence::Weak => {
                    if best.as_ref().is_none_or(|(_, known)| finding.confidence > known.confidence)
                    {
                        best = Some((protocol, finding));
                    }
                }
                Ok(_) => {}
                Err(error) => waits |= error.wants_more() && said.open,
            }
        }
        match best {
            // A shape may turn out to be something better known.
            None if waits => Verdict::Wait,
            Some((_, ref finding)) if waits && finding.confidence == Confidence::Weak => {
                Verdict::Wait
            }
            Some((protocol, finding)) => Verdict::Understood(protocol, finding),
            None => Verdict::Unknown,
        }
    }
}

fn ask_each(protocols: Option<&Vec<&'static Protocol>>, said: &Said<'_>) -> Verdict {
    let understood = protocols.into_iter().flatten().find_map(|protocol| {
        (protocol.read)(said).ok().map(|finding| Verdict::Understood(protocol, finding))
    });
    understood.unwrap_or(Verdict::Unknown)
}
