//! An invented hospital that is looked at every night: addresses are leased anew, boxes come and go, versions change, and
//! some are not seen some nights. The same hospital and night give the same run.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use sekisho::{
    correlate::{
        Because, Coverage, CoverageState, Direction, Grade, Host, Inquiry, Kind, Line, Point,
        Product, Reason, Said, Seen, Service, Sides, Unrecognised, Vantage, restriction::Ports,
    },
    inventory::{Input, Run},
    observe::{Mac, Transport},
    time::Timestamp,
};

/// 2026-04-01, at two in the morning in Japan.
const FIRST_NIGHT: i64 = 1_774_976_400;

/// How often it is looked at from outside, in nights.
const OUTSIDE: u32 = 28;

/// How large it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hospital {
    /// Boxes that are heard, on most nights.
    pub(crate) hosts: u32,
    /// Connection points that there are in the course of time.
    pub(crate) points: u32,
    /// Boxes at the edge that no signature names.
    pub(crate) unrecognised: u32,
    /// Networks that are looked at.
    pub(crate) networks: u32,
    /// For how many nights it is looked at.
    pub(crate) nights: u32,
}

/// What is true of a connection point, whatever is seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// On a wire of ours, where it stays.
    Gateway,
    /// A computer on a wire of ours, whose address is leased.
    Computer,
    /// Behind a router, with a leased address; it tells its hardware address.
    Told,
    /// Behind a router, with a certificate of its own, and moved at times.
    Certified,
    /// Behind a router, where it stays.
    Far,
}

/// A number that looks drawn, and is the same every time.
fn drawn(parts: [u32; 3]) -> u32 {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    for part in parts {
        x = (x ^ u64::from(part)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^= x >> 31;
    }
    u32::try_from(x >> 33).expect("31 bits are left")
}

fn mac(first: u8, number: u32) -> Mac {
    let [a, b, c, d] = number.to_be_bytes();
    Mac([2, first, a, b, c, d])
}

fn service(protocol: &str, port: u16) -> Service {
    Service { transport: Transport::Tcp, port: Some(port), protocol: protocol.into() }
}

/// The name of the one vantage inside, or outside.
fn from(outside: bool) -> BTreeSet<Vantage> {
    BTreeSet::from([if outside { "outside" } else { "inside" }.parse().expect("it is a name")])
}

impl Hospital {
    /// Every run, in the order of the nights; at times one from outside in the evening after.
    pub(crate) fn runs(self) -> impl Iterator<Item = Run> {
        (0..self.nights).flat_map(move |night| {
            let outside = night % OUTSIDE == OUTSIDE / 2;
            [Some(self.night(night)), outside.then(|| self.outside(night))].into_iter().flatten()
        })
    }

    /// The numbers of the points that a night's run sees.
    pub(crate) fn seen(self, night: u32) -> impl Iterator<Item = u32> {
        (0..self.points).filter(move |number| {
            let (came, left) = self.stay(*number);
            (came..left).contains(&night)
                && (night == came || !drawn([*number, night, 1]).is_multiple_of(16))
        })
    }

    /// The nights between which a point is there: one in five comes later, one in ten leaves.
    fn stay(self, number: u32) -> (u32, u32) {
        let came = if number % 5 == 4 { drawn([number, 0, 2]) % self.nights } else { 0 };
        let left = if number % 10 == 3 { self.nights / 2 + number } else { u32::MAX };
        (came, left)
    }

    fn sort(number: u32) -> Sort {
        match number % 8 {
            0 | 4 => Sort::Gateway,
            1 | 3 | 5 => Sort::Computer,
            2 => Sort::Told,
            6 => Sort::Certified,
            _ => Sort::Far,
        }
    }

    /// The address of a point on a night. Leases last ten nights, and what one had is another's afterwards.
    fn address(number: u32, night: u32) -> Ipv4Addr {
        let low = |n: u32| u8::try_from(n % 250 + 1).expect("it is less than 251");
        let lease = |net: u8, every: u32| {
            let turn = (night + 3) / every;
            Ipv4Addr::new(10, 1, net, low(number + turn * 7))
        };
        match Self::sort(number) {
            Sort::Gateway => Ipv4Addr::new(10, 1, 1, low(number)),
            Sort::Far => Ipv4Addr::new(10, 1, 2, low(number)),
            Sort::Computer => lease(3, 10),
            Sort::Told => lease(4, 10),
            // It is moved among places that are nobody else's.
            Sort::Certified => Ipv4Addr::new(
                10,
                1,
                5 + u8::try_from(night / 90 % 3).expect("it is less than 3"),
                low(number),
            ),
        }
    }

    /// A point as a night's run sees it.
    fn point(number: u32, night: u32) -> Point {
        let sort = Self::sort(number);
        let address = Self::address(number, night);
        let on_wire = matches!(sort, Sort::Gateway | Sort::Computer);
        let kind = match sort {
            Sort::Gateway => Kind::VpnGateway,
            Sort::Computer | Sort::Told => Kind::RemoteDesktop,
            Sort::Certified => Kind::RemoteControl,
            Sort::Far => Kind::MaintenanceRouter,
        };
        // What identifies a box on the wire is its hardware; of others, there is only an address.
        let named = if on_wire { drawn([number, 0, 3]) } else { drawn([address.into(), 0, 4]) };
        let identity = match sort {
            Sort::Told => Some(format!("mac={}", mac(1, number))),
            Sort::Certified => Some(format!("tls.cert.sha256={:064x}", number + 1)),
            _ => None,
        };
        let face = IpAddr::from(Ipv4Addr::new(
            203,
            0,
            113,
            u8::try_from(number % 200 + 1).expect("it is less than 256"),
        ));
        let claims = (sort == Sort::Gateway).then_some(face);
        let services: BTreeSet<Service> =
            BTreeSet::from([service("tls", 443), service("ssh", 22), service("http", 8080)]);
        let version = format!("{}.{}", number % 7, (night + number * 13) / 60);
        Point {
            id: format!("p{named:08x}"),
            kind,
            grade: Grade::Proved,
            confidence: f64::from(900 + drawn([number, night, 5]) % 90) / 1000.0,
            direction: Direction::In,
            addresses: BTreeSet::from([address.into()]),
            macs: on_wire.then(|| mac(1, number)).into_iter().collect(),
            outside: claims.into_iter().collect(),
            product: Some(Product {
                vendor: "Example".into(),
                name: "EdgeGate".into(),
                model: Some(format!("X{number}")),
                version: Some(version.clone()),
            }),
            names: BTreeSet::from([format!("box-{number}")]),
            lines: vec![Line {
                kind: "flets_pppoe".into(),
                carrier: Some("Example".into()),
                mtu: Some(1454),
                outside: claims,
                next_hop: None,
                because: because(number, night, 6, 1, ""),
            }],
            because: because(number, night, 7, 8, &version),
            sides: Sides {
                seen_from: from(false),
                services: services
                    .iter()
                    .map(|service| Seen {
                        service: service.clone(),
                        listens: true,
                        seen_from: from(false),
                    })
                    .collect(),
                claims: claims.into_iter().collect(),
                identities: identity.into_iter().collect(),
                ..Sides::default()
            },
            services,
        }
    }

    /// What a night's run finds.
    pub(crate) fn night(self, night: u32) -> Run {
        let points: Vec<Point> =
            self.seen(night).map(|number| Self::point(number, night)).collect();
        let mut hosts: Vec<Host> = (0..self.hosts)
            .filter(|number| !drawn([*number, night, 8]).is_multiple_of(10))
            .map(|number| host(number, night))
            .collect();
        hosts.extend(points.iter().map(|point| Host {
            addresses: point.addresses.clone(),
            macs: point.macs.clone(),
            names: point.names.clone(),
            services: point.services.clone(),
            product: point.product.clone(),
            point: Some(point.id.clone()),
        }));
        hosts.sort_by(|a, b| a.addresses.cmp(&b.addresses));
        let unrecognised = (0..self.unrecognised).map(|number| unrecognised(number, night));
        Run {
            points,
            hosts,
            unrecognised: unrecognised.collect(),
            coverage: self.coverage(night),
            ..Self::empty(night, false)
        }
    }

    /// What a run from outside finds: the faces of the gateways.
    fn outside(self, night: u32) -> Run {
        let ports = |text: &str| Ports {
            tcp: text.to_owned().try_into().expect("they are ports"),
            udp: String::new().try_into().expect("they are ports"),
        };
        let gateways = self.seen(night).filter(|number| Self::sort(*number) == Sort::Gateway);
        let points: Vec<Point> = gateways
            .map(|number| {
                let inside = Self::point(number, night);
                let face = inside.outside.first().copied().expect("a gateway has one");
                let open = service("tls", 443);
                Point {
                    id: format!("p{:08x}", drawn([number, 0, 9])),
                    addresses: BTreeSet::new(),
                    macs: BTreeSet::new(),
                    names: BTreeSet::new(),
                    services: BTreeSet::from([open.clone()]),
                    sides: Sides {
                        seen_from: from(true),
                        services: vec![Seen {
                            service: open,
                            listens: true,
                            seen_from: from(true),
                        }],
                        faces: BTreeSet::from([face]),
                        ..Sides::default()
                    },
                    ..inside
                }
            })
            .collect();
        let inquiry = Inquiry {
            vantage: "outside".parse().expect("it is a name"),
            addresses: points.iter().flat_map(|point| point.outside.clone()).collect(),
            asked: ports("1-65535"),
            open: ports("443"),
        };
        Run { points, inquiries: vec![inquiry], ..Self::empty(night, true) }
    }

    fn empty(night: u32, outside: bool) -> Run {
        let later = if outside { 57_600 } else { 0 };
        let began = FIRST_NIGHT + 86_400 * i64::from(night) + later;
        Run {
            id: format!("r{}{night:011x}", u8::from(outside)),
            facility: Some("関所記念病院".into()),
            began: Timestamp::new(began, 17),
            ended: Timestamp::new(began + 3_600, 0),
            inputs: vec![Input {
                name: file(night),
                packets: u64::from(100_000 + drawn([night, 0, 10]) % 5_000),
                bytes: u64::from(20_000_000 + drawn([night, 0, 11]) % 500_000),
            }],
            coverage: Vec::new(),
            points: Vec::new(),
            unrecognised: Vec::new(),
            hosts: Vec::new(),
            vantages: from(outside),
            inquiries: Vec::new(),
        }
    }

    /// A few lines about the run, and one a way to find exits in each network.
    fn coverage(self, night: u32) -> Vec<Coverage> {
        let subjects = ["packets_read", "flows_followed", "addresses_asked", "packets_sent"];
        let of_run = subjects.into_iter().zip(0..).map(|(subject, place)| {
            let count = u64::from(drawn([night, place, 12]));
            Coverage::of_run(subject, CoverageState::Measured, Some(count), None)
        });
        let ways = ["forward", "routes", "mapped_address", "record_route", "announced", "line_mtu"];
        let of_networks = (0..self.networks).flat_map(move |network| {
            ways.into_iter().zip(0..).map(move |(subject, place)| {
                let answered = drawn([night, network * 6 + place, 13]) % 12;
                let detail = Some(format!("asked=253 answered={answered} forwards=1"));
                let line = Coverage::of_run(subject, CoverageState::Measured, Some(253), detail);
                let prefix = Some(format!("10.{}.{network}.0/24", 2 + place % 2));
                Coverage { network: prefix, vantage: Some("eth1".into()), ..line }
            })
        });
        of_run.chain(of_networks).collect()
    }
}

fn file(night: u32) -> String {
    format!("night-{night:05}.pcapng")
}

/// Reasons whose values stay while the packets that show them differ every night.
fn because(number: u32, night: u32, salt: u32, many: u32, version: &str) -> Vec<Because> {
    (0..many)
        .map(|place| Because {
            evidence: format!("example-edgegate.rule-{place}"),
            field: "http.header.server".into(),
            value: format!("EdgeGate X{number} {version}, which says more than it would have to"),
            observation: format!(
                "{}#{}",
                file(night),
                drawn([number, night, salt + place * 64]) % 100_000
            ),
        })
        .collect()
}

/// One of many boxes: most stay as they are, two in five have leased addresses.
fn host(number: u32, night: u32) -> Host {
    let turn = if number % 5 < 2 { (night + drawn([number, 0, 14]) % 30) / 30 } else { 0 };
    let low = number + turn * 977;
    let address = Ipv4Addr::from(0x0a02_0000 + ((number % 5 / 2) << 16) + low % 60_000);
    let ports = [22_u16, 80, 135, 445, 3389, 5900, 8080, 9100];
    let listens =
        ports.into_iter().filter(|port| drawn([number, u32::from(*port), 15]).is_multiple_of(3));
    Host {
        addresses: BTreeSet::from([address.into()]),
        macs: (number % 10 != 9).then(|| mac(2, number)).into_iter().collect(),
        names: BTreeSet::from([format!("PC-{number:05}"), format!("pc-{number:05}.example.jp")]),
        services: listens.map(|port| service("tcp", port)).collect(),
        product: number.is_multiple_of(3).then(|| Product {
            vendor: "Example".into(),
            name: "Desk".into(),
            model: None,
            version: Some(format!("10.{}", (night + number) / 90)),
        }),
        point: None,
    }
}

/// A box at the edge that says the same every night, in other packets.
fn unrecognised(number: u32, night: u32) -> Unrecognised {
    let said = (0..40).map(|place| Said {
        protocol: "http".into(),
        transport: Transport::Tcp,
        port: Some(80),
        field: format!("http.header.x-{place}"),
        value: format!("{number} says what it says, {place}"),
        observation: format!("{}#{}", file(night), drawn([number, night, 16 + place]) % 100_000),
    });
    Unrecognised {
        id: format!("p{:08x}", drawn([number, 0, 99])),
        addresses: BTreeSet::from([Ipv4Addr::new(
            10,
            9,
            0,
            u8::try_from(number % 250).expect("it is less than 256"),
        )
        .into()]),
        macs: BTreeSet::from([mac(3, number)]),
        why: BTreeSet::from([Reason::LoginPage]),
        said: said.collect(),
    }
}
