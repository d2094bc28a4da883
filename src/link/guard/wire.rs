//! Whether a question to a whole wire may go out, and one about a prefix that is not the hospital's.
//!
//! What nobody but servers answers, and what must not reach somebody all the same, goes to a wire whose network is in the
//! scope as a whole. Prefixes of others are looked for only where the facility file says so, and addresses of theirs
//! come from us only when they were tried and nobody has them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnetwork::{IpNetwork, Ipv4Network};

use super::Guard;
use crate::{
    link::{
        Interface, Link,
        receiver::{self, ALL_ROUTERS, require},
        strangers::Stranger,
    },
    observe::Mac,
    scope::{Blocks, Contact, Refusal, Tier, destination},
    time::Timestamp,
    wire::{
        arp::{self, Arp},
        dhcp,
        ethernet::{self, Frame, Kind},
        icmp::{self, Icmp},
        ipv4,
        pppoe::{self, Pppoe},
        udp::{self, Datagram},
    },
};

/// What is known of a frame that may go out.
pub(super) struct Judged {
    /// Whom it reaches.
    pub(super) to: IpAddr,
    /// Whether that is a gateway, which must answer itself.
    pub(super) answers_itself: bool,
    /// Whose pace it waits for.
    pub(super) pace: IpAddr,
}

impl Judged {
    /// A frame to `to`, at its pace.
    pub(super) const fn to(to: IpAddr, answers_itself: bool) -> Self {
        Self { to, answers_itself, pace: to }
    }
}

/// Everybody on a wire.
const EVERYBODY: IpAddr = IpAddr::V4(Ipv4Addr::BROADCAST);
/// ICMP among IP protocols.
const ICMP: u8 = 1;
/// Networks with this prefix, or a longer one, have too few addresses to borrow one of.
const TIGHT: u8 = 28;
/// The longest mark that a search for concentrators carries, in bytes.
const LONGEST_MARK: usize = 32;
/// What a search for DHCP servers may say: what it is, who asks by hardware address, what is wanted.
const SAID: [u8; 3] = [dhcp::MESSAGE, 61, 55];

impl<L: Link> Guard<L> {
    /// Judges a frame that is for a whole wire, or about a prefix of others; none when it is another's to judge.
    pub(super) fn judge_wire(
        &self,
        interface: usize,
        bytes: &[u8],
        tier: Tier,
        now: Timestamp,
    ) -> Option<Result<Judged, Refusal>> {
        let out = self.link.interfaces().get(interface)?;
        let frame = Frame::parse(bytes).ok().filter(|frame| frame.vlan.is_none())?;
        out.mac.filter(|mac| mac.0 == frame.source && !out.loopback)?;
        match frame.kind {
            Kind::Type(ethernet::PPPOE_DISCOVERY) => {
                Some(self.judge_search_for_lines(&frame, out, tier, now))
            }
            Kind::Type(ethernet::ARP) => {
                let arp = Arp::parse(frame.payload).ok()?;
                if arp.operation == arp::REPLY {
                    return Some(self.judge_answer(interface, &frame, &arp, out, tier, now));
                }
                let abroad = self.network_abroad(interface, out, arp.target).is_some();
                let outside = self.is_outside(arp.target.into(), out);
                (abroad || outside).then(|| {
                    // It has to be a question like any other first.
                    receiver::read(bytes, out, tier)?;
                    if outside {
                        self.judge_outside(arp.target.into(), out, tier, now)
                    } else {
                        self.judge_look(interface, &arp, out, tier, now)
                    }
                })
            }
            Kind::Type(ethernet::IPV4) => {
                let packet = ipv4::Packet::parse(frame.payload).ok()?;
                if packet.source.is_unspecified() {
                    return Some(self.judge_search_for_servers(&frame, &packet, out, tier, now));
                }
                let own = receiver::is_own(out, packet.source.into());
                let abroad = self.network_abroad(interface, out, packet.source).filter(|_| !own)?;
                Some(self.judge_borrowed(interface, abroad, &frame, &packet, out, tier, now))
            }
            _ => None,
        }
    }

    /// Remembers what such a frame did that went out.
    pub(super) fn note_wire(&mut self, interface: usize, bytes: &[u8], now: Timestamp) {
        if self.consent.foreign.is_nothing() {
            return;
        }
        let Ok(frame) = Frame::parse(bytes) else { return };
        let Some(out) = self.link.interfaces().get(interface) else { return };
        match frame.kind {
            Kind::Type(ethernet::ARP) => {
                let Ok(arp) = Arp::parse(frame.payload) else { return };
                if arp.operation == arp::REPLY {
                    self.loans.answered(interface, arp.sender);
                } else if self.network_abroad(interface, out, arp.target).is_some() {
                    self.loans.looked(interface, now);
                    if arp.sender.is_unspecified() {
                        self.loans.tried(interface, arp.target, now);
                    }
                }
            }
            Kind::Type(ethernet::IPV4) => {
                if let Ok(packet) = ipv4::Packet::parse(frame.payload) {
                    self.loans.used(interface, packet.source);
                }
            }
            _ => {}
        }
    }

    /// A question to everybody, or to all routers, on a link.
    pub(super) fn allow_group(
        &self,
        address: IpAddr,
        out: &Interface,
        tier: Tier,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if address != IpAddr::V6(ALL_ROUTERS) {
            return self.allow_everyone(address, out, tier, now);
        }
        // It is neighbour discovery, which fragile equipment is asked, too; and only routers hear it.
        if touches(&self.consent.exclude, out) {
            return Err(Refusal::Excluded(address));
        }
        let network = self.whole(out).ok_or(Refusal::NotIncluded(address))?;
        let (address, mac, port) = (network.network(), None, None);
        self.allow(&Contact { address, mac, port, resolves: true, tier }, now)
    }

    /// A question to everybody on a link is allowed where one of its prefixes is in the scope as a whole, and nobody
    /// is known there who must not be asked.
    pub(super) fn allow_everyone(
        &self,
        address: IpAddr,
        out: &Interface,
        tier: Tier,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if touches(&self.consent.exclude, out) {
            return Err(Refusal::Excluded(address));
        }
        if touches(&self.consent.fragile_hosts, out) || self.neighbours.has_untouchable(out) {
            return Err(Refusal::FragileHost(address));
        }
        let network = self.whole(out).ok_or(Refusal::NotIncluded(address))?;
        let (address, mac, port) = (network.network(), None, None);
        self.allow(&Contact { address, mac, port, resolves: false, tier }, now)
    }

    /// A network of the interface that is in the scope as a whole.
    pub(super) fn whole<'o>(&self, out: &'o Interface) -> Option<&'o IpNetwork> {
        let is_whole = |network: &&IpNetwork| {
            Blocks::of_networks([*network]).minus(&self.consent.include).is_empty()
        };
        out.addresses.iter().find(is_whole)
    }

    /// An address on the wire that is in the scope: who asks there has something to do there.
    fn included_on(&self, out: &Interface, like: IpAddr) -> Result<IpAddr, Refusal> {
        let wire = Blocks::of_networks(&out.addresses).intersection(&self.consent.include);
        wire.minus(&self.consent.exclude).first().ok_or(Refusal::NotIncluded(like))
    }

    /// The network of others that `address` is in, where the facility lets it be looked for on this wire.
    fn network_abroad(
        &self,
        interface: usize,
        out: &Interface,
        address: Ipv4Addr,
    ) -> Option<Ipv4Network> {
        let foreign = &self.consent.foreign;
        let on_wire = || out.addresses.iter().any(|network| network.contains(address.into()));
        if foreign.is_nothing() || self.consent.include.contains(address.into()) || on_wire() {
            return None;
        }
        let heard = self.strangers.network_of(interface, address);
        let heard = heard.filter(|_| foreign.counts_heard());
        let both = foreign.network_of(address).into_iter().chain(heard);
        both.max_by_key(|network| network.prefix())
    }

    /// Whether `address` is one that outside questions are addressed to, and nowhere near.
    fn is_outside(&self, address: IpAddr, out: &Interface) -> bool {
        let of_responder = self.consent.responder.map(|to: SocketAddr| to.ip()) == Some(address);
        (of_responder || destination::is_destination(address))
            && !self.consent.include.contains(address)
            && !out.addresses.iter().any(|network| network.contains(address))
    }

    /// Who has an address that nobody here can have: a router that answers in its place. ARP goes no further than the wire.
    fn judge_outside(
        &self,
        address: IpAddr,
        out: &Interface,
        tier: Tier,
        now: Timestamp,
    ) -> Result<Judged, Refusal> {
        if self.consent.exclude.contains(address) {
            return Err(Refusal::Excluded(address));
        }
        let here = self.included_on(out, address)?;
        let (mac, port, resolves) = (None, None, true);
        self.allow(&Contact { address: here, mac, port, resolves, tier }, now)?;
        Ok(Judged::to(address, false))
    }

    /// A search for access concentrators (RFC 2516, 5.1), and nothing that would go on from there.
    fn judge_search_for_lines(
        &self,
        frame: &Frame<'_>,
        out: &Interface,
        tier: Tier,
        now: Timestamp,
    ) -> Result<Judged, Refusal> {
        let search = Pppoe::parse(frame.payload).map_err(receiver::unreadable)?;
        require(frame.destination == [0xff; 6] && search.code == pppoe::PADI)?;
        require(search.session == 0)?;
        let plain = |(kind, value): (u16, &[u8])| match kind {
            pppoe::SERVICE_NAME => value.is_empty(),
            pppoe::HOST_UNIQ => value.len() <= LONGEST_MARK,
            _ => false,
        };
        require(search.tags().all(plain))?;
        self.allow_everyone(EVERYBODY, out, tier, now)?;
        Ok(Judged::to(EVERYBODY, false))
    }

    /// A search for DHCP servers (RFC 2131, 4.4.1) that asks for no address in particular.
    fn judge_search_for_servers(
        &self,
        frame: &Frame<'_>,
        packet: &ipv4::Packet<'_>,
        out: &Interface,
        tier: Tier,
        now: Timestamp,
    ) -> Result<Judged, Refusal> {
        require(frame.destination == [0xff; 6] && packet.destination.is_broadcast())?;
        let whole = !packet.is_fragment() && packet.missing == 0 && packet.options.is_empty();
        require(whole && packet.time_to_live > 0 && packet.protocol == udp::NUMBER)?;
        let datagram = Datagram::parse(packet.payload).map_err(receiver::unreadable)?;
        let ports = (datagram.source, datagram.destination);
        require(ports == (dhcp::CLIENT_PORT, dhcp::SERVER_PORT))?;
        let message = dhcp::Message::parse(datagram.payload).map_err(receiver::unreadable)?;
        let bare = message.client.is_unspecified() && message.relay.is_unspecified();
        let ours = message.hardware == Some(frame.source);
        require(message.op == 1 && bare && ours && message.yours.is_unspecified())?;
        require(message.option(dhcp::MESSAGE) == Some(&[dhcp::DISCOVER]))?;
        require(message.options.iter().all(|(code, _)| SAID.contains(code)))?;
        self.allow_everyone(EVERYBODY, out, tier, now)?;
        Ok(Judged::to(EVERYBODY, false))
    }

    /// ARP for an address of another network: whether somebody has it, or, without a sender, whether nobody does.
    fn judge_look(
        &self,
        interface: usize,
        arp: &Arp,
        out: &Interface,
        tier: Tier,
        now: Timestamp,
    ) -> Result<Judged, Refusal> {
        let address = IpAddr::V4(arp.target);
        self.included_on(out, address)?;
        let contact = Contact { address, mac: None, port: None, resolves: true, tier };
        self.consent.allows_foreign(&contact, now)?;
        self.loans.may_look(interface, now)?;
        if arp.sender.is_unspecified() {
            if self.strangers.on(interface).any(|stranger| stranger.address == arp.target) {
                return Err(Refusal::System(format!("{address} is somebody's")));
            }
            self.loans.may_try(interface, arp.target, now)?;
        }
        Ok(Judged::to(address, false))
    }

    /// An answer to ARP: only for an address that is borrowed, and only to whoever asks for it.
    fn judge_answer(
        &self,
        interface: usize,
        frame: &Frame<'_>,
        arp: &Arp,
        out: &Interface,
        tier: Tier,
        now: Timestamp,
    ) -> Result<Judged, Refusal> {
        let network = self.network_abroad(interface, out, arp.sender).ok_or(Refusal::Unreadable)?;
        require(arp.sender_mac == frame.source && network.contains(arp.target))?;
        let stranger = self.stranger(interface, network, frame.destination, arp.sender)?;
        self.loans.may_answer(interface, arp, frame.destination, now)?;
        let (mac, address) = (Some(frame.destination), stranger.address.into());
        let contact = Contact { address, mac, port: None, resolves: true, tier };
        self.consent.allows_foreign(&contact, now)?;
        // Who asks waits for the answer, and asks no more often than systems do.
        Ok(Judged { to: address, answers_itself: false, pace: arp.sender.into() })
    }

    /// An echo from a borrowed address to a stranger's hardware address, which dies there or one router further.
    #[expect(clippy::too_many_arguments, reason = "all of it decides, and nothing of it is kept")]
    fn judge_borrowed(
        &self,
        interface: usize,
        network: Ipv4Network,
        frame: &Frame<'_>,
        packet: &ipv4::Packet<'_>,
        out: &Interface,
        tier: Tier,
        now: Timestamp,
    ) -> Result<Judged, Refusal> {
        let whole = !packet.is_fragment() && packet.missing == 0 && packet.options.is_empty();
        require(whole && packet.protocol == ICMP)?;
        let message = Icmp::parse(packet.payload).map_err(receiver::unreadable)?;
        require(message.kind == icmp::ECHO && message.code == 0)?;
        let dies = match packet.time_to_live {
            1 => true,
            2 => tier == Tier::FirstRouter,
            _ => false,
        };
        if !dies {
            return Err(Refusal::Tier);
        }
        let source = IpAddr::V4(packet.source);
        if !self.is_outside(packet.destination.into(), out) {
            return Err(Refusal::NotIncluded(packet.destination.into()));
        }
        let stranger = self.stranger(interface, network, frame.destination, packet.source)?;
        let (mac, address) = (Some(frame.destination), IpAddr::V4(stranger.address));
        let contact = Contact { address, mac, port: None, resolves: false, tier };
        self.consent.allows_foreign(&contact, now)?;
        let borrowed = Contact { address: source, mac: None, resolves: true, ..contact };
        self.consent.allows_foreign(&borrowed, now)?;
        self.loans.may_use(interface, packet.source, now)?;
        Ok(Judged::to(address, true))
    }

    /// The one in `network` that has this hardware address, and may be spoken with from the address `borrowed`.
    fn stranger(
        &self,
        interface: usize,
        network: Ipv4Network,
        mac: [u8; 6],
        borrowed: Ipv4Addr,
    ) -> Result<Stranger, Refusal> {
        let refusal = Refusal::NotIncluded(borrowed.into());
        let size = 1_usize << (32 - network.prefix()).min(24);
        let crowded = self.strangers.crowd(interface, network) * 2 >= size;
        let ends = [network.network(), network.broadcast()];
        if network.prefix() >= TIGHT || crowded || ends.contains(&borrowed) {
            return Err(refusal);
        }
        if self.neighbours.is_excluded(mac) {
            return Err(Refusal::Excluded(self.neighbours.owner(mac).unwrap_or(borrowed.into())));
        }
        // Who has an address in the scope, too, is asked from our own.
        if self.neighbours.owner(mac).is_some() {
            return Err(refusal);
        }
        let is_it = |stranger: &&Stranger| {
            stranger.mac == Some(Mac(mac)) && network.contains(stranger.address)
        };
        self.strangers.on(interface).find(is_it).copied().ok_or(refusal)
    }
}

/// Whether something of `blocks` is in a network of the interface.
fn touches(blocks: &Blocks, out: &Interface) -> bool {
    !Blocks::of_networks(&out.addresses).intersection(blocks).is_empty()
}
