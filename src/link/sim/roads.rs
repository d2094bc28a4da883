//! From the tables of a file to roads: what hosts forward, lines out of the house, routers outside, announcements.

use std::{net::IpAddr, time::Duration};

use ipnetwork::IpNetwork;

use super::{
    announce::{Advertised, Announced, Offered},
    build::{Builder, milliseconds},
    file::{
        ActsTable, AdvertiseTable, AnnounceTable, Error, HostTable, LineTable, OfferTable,
        OutsideTable, RouteTable,
    },
    line::{Line, Outside},
    network::{Loss, Nature, Network},
    routing::{Leads, Route},
};

/// How many bytes a line takes where nothing is said.
const USUAL_MTU: u16 = 1500;

/// How many bytes behind a header are quoted where nothing is said: those that RFC 792 asks for.
const USUAL_QUOTE: usize = 8;

/// The most bytes behind a header that are quoted: with the longest header they are as much as an error may have
/// (RFC 1812, 4.3.2.3).
const MOST_QUOTED: usize = 548;

/// The longest frame without its check sequence.
const LONGEST_FRAME: usize = 1514;

/// What a file says of one host's roads.
pub(super) struct Road {
    elsewhere: Vec<IpAddr>,
    acts_as: Vec<ActsTable>,
    forwards: Option<Vec<RouteTable>>,
    announces: Vec<AnnounceTable>,
    offers: Option<OfferTable>,
    advertises: Option<AdvertiseTable>,
    concentrator: Option<String>,
}

/// Takes what a table says of roads.
pub(super) fn taken(table: &mut HostTable) -> Road {
    Road {
        elsewhere: std::mem::take(&mut table.elsewhere),
        acts_as: std::mem::take(&mut table.acts_as),
        forwards: table.forwards.take(),
        announces: std::mem::take(&mut table.announces),
        offers: table.offers.take(),
        advertises: table.advertises.take(),
        concentrator: table.concentrator.take(),
    }
}

/// Whether a table says what only one host can have.
pub(super) fn is_of_one(table: &HostTable) -> bool {
    !table.elsewhere.is_empty()
        || !table.acts_as.is_empty()
        || table.forwards.is_some()
        || !table.announces.is_empty()
        || table.offers.is_some()
        || table.advertises.is_some()
        || table.concentrator.is_some()
}

impl Builder<'_> {
    /// Reads lines and the routers at their other ends.
    pub(super) fn lines(
        &self,
        network: &mut Network,
        lines: Vec<LineTable>,
        routers: Vec<OutsideTable>,
    ) -> Result<(), Error> {
        for table in routers {
            if network.routers.iter().any(|known| known.name == table.name) {
                return self.wrong(&table.name, "is a router outside that is there already");
            }
            for prefix in &table.behind {
                self.whole(*prefix)?;
            }
            network.routers.push(Outside {
                quotes: self.quotes(table.quotes.unwrap_or(USUAL_QUOTE))?,
                name: table.name,
                behind: table.behind,
                answers: table.answers,
                responder: table.responder,
                silent: table.silent,
                drops_options: table.drops_options,
            });
        }
        for table in lines {
            let name = table.name;
            if network.lines.iter().any(|known| *known.name == *name) {
                return self.wrong(&name, "is a line that is there already");
            }
            let Some(router) = network.routers.iter().position(|known| known.name == table.router)
            else {
                let known: Vec<&str> =
                    network.routers.iter().map(|known| known.name.as_str()).collect();
                let reason = format!("is no router outside; there are {}", known.join(", "));
                return self.wrong(&table.router, &reason);
            };
            let versions = |addresses: &[IpAddr], is_ipv4: bool| {
                addresses.iter().any(|address| address.is_ipv4() == is_ipv4)
            };
            let alike = [true, false]
                .iter()
                .all(|v4| versions(&table.near, *v4) == versions(&table.far, *v4));
            if table.near.is_empty() || !alike {
                let reason = "is a line; `near` and `far` have addresses of the same versions";
                return self.wrong(&name, reason);
            }
            network.lines.push(Line {
                loss: self.percent(table.loss)?,
                name: name.into(),
                near: table.near,
                far: table.far,
                router,
                host: None,
                mtu: table.mtu.unwrap_or(USUAL_MTU),
                latency: milliseconds(table.latency),
                translates: table.translates,
            });
        }
        Ok(())
    }

    /// Every line belongs to a host.
    pub(super) fn check_lines(&self, network: &Network) -> Result<(), Error> {
        match network.lines.iter().find(|line| line.host.is_none()) {
            None => Ok(()),
            Some(line) => {
                let reason = "is a line that no host has a route over; name it in `forwards`";
                self.wrong(&line.name, reason)
            }
        }
    }

    /// What a host, or a class, does with packets on their way.
    pub(super) fn ways(&self, nature: &mut Nature, table: &HostTable) -> Result<(), Error> {
        if let Some(loss) = table.loss {
            let loss = self.percent(loss)?;
            nature.loss = Loss { to: loss, from: loss };
        }
        nature.ends = table.ends.unwrap_or(nature.ends);
        nature.hides = table.hides.unwrap_or(nature.hides);
        nature.proxies = table.proxies.unwrap_or(nature.proxies);
        nature.checks_sources = table.checks_sources.unwrap_or(nature.checks_sources);
        nature.refuses_ipv6 = table.refuses_ipv6.unwrap_or(nature.refuses_ipv6);
        nature.quotes = self.quotes(table.quotes.unwrap_or(nature.quotes))?;
        if let Some(errors) = &table.errors {
            if errors.every == 0 || errors.burst == 0 {
                return self.wrong(&table.name, "rations errors; `every` and `burst` begin at 1");
            }
            nature.errors = Some((milliseconds(errors.every), errors.burst));
        }
        Ok(())
    }

    /// Gives a host its roads.
    pub(super) fn road(
        &self,
        network: &mut Network,
        place: usize,
        road: Road,
    ) -> Result<(), Error> {
        let mut elsewhere = road.elsewhere;
        let routes = match road.forwards {
            None => None,
            Some(tables) => Some(self.routes(network, place, tables)?),
        };
        for line in network.lines.iter().filter(|line| line.host == Some(place)) {
            elsewhere.extend(&line.near);
        }
        for address in &elsewhere {
            if network.home(*address).is_some() {
                let reason = "is elsewhere, yet lies in a segment; give it in `addresses`";
                return self.wrong(&address.to_string(), reason);
            }
            if network.elsewhere.insert(*address, place).is_some_and(|other| other != place) {
                return self.wrong(&address.to_string(), "belongs to two hosts");
            }
        }
        for ActsTable { address, mac } in &road.acts_as {
            let Some(segment) = network.segment_of(*address) else {
                return self.wrong(&address.to_string(), "is in no segment; add its prefix to one");
            };
            if network.by_address.insert(*address, place).is_some() {
                return self.wrong(&address.to_string(), "belongs to two hosts");
            }
            network.by_mac.entry((segment, *mac)).or_insert(place);
        }
        let mut announces = Vec::new();
        for table in road.announces {
            announces.push(self.announced(network, place, table)?);
        }
        let Some(host) = network.hosts.get_mut(place) else { return Ok(()) };
        if host.nature.proxies {
            network.proxies.push(place);
        }
        host.elsewhere = elsewhere;
        host.acts_as =
            road.acts_as.iter().map(|ActsTable { address, mac }| (*address, *mac)).collect();
        host.routes = routes;
        host.announces = announces;
        host.offers = road
            .offers
            .map(|table| Offered { address: table.address, options: table.options.0.say(&[]) });
        host.advertises = road.advertises.map(|table| Advertised {
            lifetime: table.lifetime,
            prefixes: table.prefixes,
            mtu: table.mtu,
        });
        host.concentrator = road.concentrator;
        Ok(())
    }

    fn routes(
        &self,
        network: &mut Network,
        place: usize,
        tables: Vec<RouteTable>,
    ) -> Result<Vec<Route>, Error> {
        let mut routes = Vec::new();
        for RouteTable { to, by, line, ends } in tables {
            self.whole(to)?;
            let leads = match (by, line, ends) {
                (Some(by), None, None) => {
                    let near = network.segment_of(by);
                    let host = network.hosts.get(place);
                    let addresses = host.into_iter().flat_map(|host| &host.addresses);
                    let stands = addresses
                        .into_iter()
                        .any(|own| near.is_some() && network.segment_of(*own) == near);
                    if !stands {
                        let reason = "leads on, but is on no segment of the host that forwards";
                        return self.wrong(&by.to_string(), reason);
                    }
                    Leads::By(by)
                }
                (None, Some(name), None) => {
                    let found = network.lines.iter().position(|line| *line.name == *name);
                    let Some(found) = found else {
                        let known: Vec<&str> =
                            network.lines.iter().map(|line| &*line.name).collect();
                        let reason = format!("is no line; there are {}", known.join(", "));
                        return self.wrong(&name, &reason);
                    };
                    if let Some(line) = network.lines.get_mut(found)
                        && line.host.replace(place).is_some_and(|other| other != place)
                    {
                        return self.wrong(&name, "is a line of two hosts");
                    }
                    Leads::Line(found)
                }
                (None, None, Some(end)) => Leads::Ends(end),
                _ => {
                    let reason = "is forwarded to; give one of `by`, `line` and `ends`";
                    return self.wrong(&to.to_string(), reason);
                }
            };
            routes.push(Route { to, leads });
        }
        Ok(routes)
    }

    fn announced(
        &self,
        network: &Network,
        place: usize,
        table: AnnounceTable,
    ) -> Result<Announced, Error> {
        let frame = table.frame.0.say(&[]);
        let every = milliseconds(table.every);
        if every < Duration::from_millis(1) || !(14..=LONGEST_FRAME).contains(&frame.len()) {
            let reason = "milliseconds apart a frame of 14 to 1514 bytes may be said, from 1 on";
            return self.wrong(&format!("every = {}", table.every), reason);
        }
        let first = network.hosts.get(place).and_then(|host| host.addresses.first());
        let segment = match &table.on {
            None => first.and_then(|first| network.segment_of(*first)),
            Some(name) => network.segments.iter().position(|segment| segment.name == *name),
        };
        let interface = segment.and_then(|segment| network.segments.get(segment)?.interface);
        let Some(interface) = interface else {
            let on = table.on.or_else(|| first.map(ToString::to_string)).unwrap_or_default();
            return self
                .wrong(&on, "is where a frame is announced, but we have no interface there");
        };
        Ok(Announced { every, interface, frame: frame.into() })
    }

    /// Refuses a prefix that is none.
    fn whole(&self, prefix: IpNetwork) -> Result<(), Error> {
        if prefix.ip() == prefix.network() {
            return Ok(());
        }
        let (network, length) = (prefix.network(), prefix.prefix());
        let right = format!("has bits beyond its prefix; did you mean {network}/{length}?");
        self.wrong(&prefix.to_string(), &right)
    }

    fn percent(&self, loss: u8) -> Result<u8, Error> {
        match loss {
            0..=100 => Ok(loss),
            _ => self.wrong(&format!("loss = {loss}"), "is more than a hundred of a hundred"),
        }
    }

    fn quotes(&self, bytes: usize) -> Result<usize, Error> {
        match bytes {
            USUAL_QUOTE..=MOST_QUOTED => Ok(bytes),
            _ => self.wrong(&format!("quotes = {bytes}"), "is quoted; errors take 8 to 548"),
        }
    }
}
