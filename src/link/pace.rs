//! How fast: packets in all, to one host, to one network, and to a gateway that must answer itself.
//!
//! A bucket is one number, the moment at which it will be full again (the generic cell rate algorithm of ITU-T
//! I.371): in any window of `t` seconds no more than `rate × t` packets pass and one burst.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use crate::{scope::Pace, time::Timestamp};

/// Hosts, and networks, whose buckets are kept at a time. Those that are full again give way.
const MOST_BUCKETS: usize = 1 << 16;

/// How long a new host waits when no bucket gives way.
const CROWDED: Duration = Duration::from_millis(20);

/// Bits that make a network of IPv4 and of IPv6.
const NETWORK_BITS: (u32, u32) = (24, 64);

/// The pace of a run.
#[derive(Debug)]
pub struct Pacer {
    all: Option<Rate>,
    per_host: Option<Rate>,
    per_network: Option<Rate>,
    gateway_interval: Duration,
    full_again: Timestamp,
    hosts: Buckets,
    networks: Buckets,
    gateways: Buckets,
}

/// So many packets a second, and how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rate {
    /// Nanoseconds that one packet takes.
    interval: i64,
    /// Packets that may go at once.
    burst: u32,
}

impl Rate {
    fn new(packets_a_second: u32) -> Self {
        let interval = i64::from(1_000_000_000_u32.div_ceil(packets_a_second.max(1)));
        Self { interval, burst: burst(packets_a_second) }
    }

    /// When `packets` may go from a bucket that is full again at `full_again`. What is more than a burst may go
    /// when the bucket is full.
    fn ready(self, full_again: Timestamp, packets: u32) -> Timestamp {
        let lacking = self.burst.saturating_sub(packets);
        let early = self.interval.saturating_mul(lacking.into());
        Timestamp::from_nanoseconds(full_again.nanoseconds().saturating_sub(early))
    }

    fn spend(self, full_again: Timestamp, packets: u32, now: Timestamp) -> Timestamp {
        let cost = self.interval.saturating_mul(packets.into());
        let from = full_again.max(now).nanoseconds();
        Timestamp::from_nanoseconds(from.saturating_add(cost))
    }
}

/// How many packets may go at once at this many a second.
pub fn burst(packets_a_second: u32) -> u32 {
    (packets_a_second / 10).max(2)
}

/// When each of many buckets is full again.
#[derive(Debug, Default)]
struct Buckets {
    full_again: HashMap<IpAddr, Timestamp>,
    /// Not before this moment it is worth looking for buckets that give way.
    look: Timestamp,
}

impl Buckets {
    /// Since when the bucket of `key` is full, or when it will be; when nothing is known, always.
    fn get(&self, key: IpAddr) -> Timestamp {
        self.full_again.get(&key).copied().unwrap_or(Timestamp::from_nanoseconds(i64::MIN))
    }

    fn has_room(&self, key: IpAddr) -> bool {
        self.full_again.len() < MOST_BUCKETS || self.full_again.contains_key(&key)
    }

    fn set(&mut self, key: IpAddr, full_again: Timestamp, now: Timestamp) {
        self.full_again.insert(key, full_again);
        self.give_way(now);
    }

    fn give_way(&mut self, now: Timestamp) {
        if self.full_again.len() >= MOST_BUCKETS && now >= self.look {
            self.full_again.retain(|_, full_again| *full_again > now);
            self.look = now.after(CROWDED / 2);
        }
    }
}

impl Pacer {
    /// The pace that was consented to.
    pub fn new(pace: &Pace) -> Self {
        Self {
            all: pace.rate.map(Rate::new),
            per_host: pace.per_host.map(Rate::new),
            per_network: pace.per_network.map(Rate::new),
            gateway_interval: pace.gateway_interval,
            full_again: Timestamp::from_nanoseconds(i64::MIN),
            hosts: Buckets::default(),
            networks: Buckets::default(),
            gateways: Buckets::default(),
        }
    }

    /// The first moment from `now` on at which `packets` packets may go to `to`.
    pub fn ready(&self, to: IpAddr, packets: u32, now: Timestamp) -> Timestamp {
        let mut ready = now;
        if packets == 0 {
            return ready;
        }
        if let Some(rate) = self.all {
            ready = ready.max(rate.ready(self.full_again, packets));
        }
        for (rate, buckets, key) in
            [(self.per_host, &self.hosts, to), (self.per_network, &self.networks, network(to))]
        {
            let Some(rate) = rate else { continue };
            ready = ready.max(rate.ready(buckets.get(key), packets));
            if !buckets.has_room(key) {
                ready = ready.max(now.after(CROWDED));
            }
        }
        ready.max(self.gateways.get(to))
    }

    /// Counts `packets` packets to `to` as sent at `now`.
    pub fn spend(&mut self, to: IpAddr, packets: u32, now: Timestamp) {
        if packets == 0 {
            return;
        }
        if let Some(rate) = self.all {
            self.full_again = rate.spend(self.full_again, packets, now);
        }
        for (rate, buckets, key) in [
            (self.per_host, &mut self.hosts, to),
            (self.per_network, &mut self.networks, network(to)),
        ] {
            let Some(rate) = rate else { continue };
            let full_again = rate.spend(buckets.get(key), packets, now);
            buckets.set(key, full_again, now);
        }
    }

    /// Counts a packet that `gateway` must answer itself, so that the next waits.
    pub fn spend_gateway(&mut self, gateway: IpAddr, now: Timestamp) {
        if !self.gateway_interval.is_zero() {
            self.gateways.set(gateway, now.after(self.gateway_interval), now);
        }
    }

    /// Lets buckets that are full again give way, when there are too many.
    pub fn tidy(&mut self, now: Timestamp) {
        for buckets in [&mut self.hosts, &mut self.networks, &mut self.gateways] {
            buckets.give_way(now);
        }
    }
}

/// The first address of the network that `address` is in.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            IpAddr::V4((v4.to_bits() & (u32::MAX << (u32::BITS - NETWORK_BITS.0))).into())
        }
        IpAddr::V6(v6) => {
            IpAddr::V6((v6.to_bits() & (u128::MAX << (u128::BITS - NETWORK_BITS.1))).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::scope::Profile;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_nanoseconds(1_700_000_000_000_000_000 + milliseconds * 1_000_000)
    }

    fn host(number: u32) -> IpAddr {
        Ipv4Addr::from(0x0a00_0000 + number).into()
    }

    /// When each of `count` packets to hosts that `to` chooses may go, one after the other.
    fn moments(pacer: &mut Pacer, count: u32, to: impl Fn(u32) -> IpAddr) -> Vec<Timestamp> {
        let mut now = at(0);
        (0..count)
            .map(|number| {
                let to = to(number);
                now = pacer.ready(to, 1, now);
                pacer.spend(to, 1, now);
                now
            })
            .collect()
    }

    fn most_in_a_second(moments: &[Timestamp]) -> usize {
        let within = |from: &Timestamp| {
            moments.iter().filter(|at| (0..1_000_000_000).contains(&at.since(*from))).count()
        };
        moments.iter().map(within).max().unwrap_or_default()
    }

    #[test]
    fn a_clinic_gets_twenty_packets_a_second_and_a_host_two() {
        let mut pacer = Pacer::new(&Pace::of(Profile::Clinic));
        let all = moments(&mut pacer, 200, |number| host(number << 8));
        assert!((20..=22).contains(&most_in_a_second(&all)), "{}", most_in_a_second(&all));
        let mut pacer = Pacer::new(&Pace::of(Profile::Clinic));
        let one = moments(&mut pacer, 40, |_| host(1));
        assert!((2..=4).contains(&most_in_a_second(&one)), "{}", most_in_a_second(&one));
        assert!(one[39].since(at(0)) >= 18_900_000_000, "2 a second over the whole time");
        let mut pacer = Pacer::new(&Pace::of(Profile::Clinic));
        let network = moments(&mut pacer, 100, host);
        assert!((10..=12).contains(&most_in_a_second(&network)));
    }

    #[test]
    fn a_laboratory_does_not_wait() {
        let mut pacer = Pacer::new(&Pace::of(Profile::Lab));
        assert!(moments(&mut pacer, 1000, |_| host(1)).iter().all(|moment| *moment == at(0)));
        assert!(pacer.hosts.full_again.is_empty(), "and nothing is remembered");
    }

    #[test]
    fn a_large_message_goes_from_a_full_bucket_and_is_paid_for_later() {
        let mut pacer = Pacer::new(&Pace::of(Profile::Clinic));
        assert_eq!(pacer.ready(host(1), 10, at(0)), at(0));
        pacer.spend(host(1), 10, at(0));
        assert_eq!(pacer.ready(host(1), 1, at(0)), at(4500));
        assert_eq!(pacer.ready(host(1), 10, at(0)), at(5000));
    }

    #[test]
    fn a_gateway_is_given_time() {
        let mut pacer = Pacer::new(&Pace::of(Profile::Clinic));
        pacer.spend_gateway(host(1), at(0));
        assert_eq!(pacer.ready(host(1), 1, at(0)), at(1000));
        assert_eq!(pacer.ready(host(2), 1, at(0)), at(0));
    }

    #[test]
    fn only_so_many_hosts_are_remembered() {
        let pace = Pace { rate: None, per_network: None, ..Pace::of(Profile::Clinic) };
        let mut pacer = Pacer::new(&pace);
        let most = u32::try_from(MOST_BUCKETS).unwrap();
        for number in 0..most {
            pacer.spend(host(number), 1, at(0));
        }
        assert!(pacer.ready(host(most), 1, at(0)) > at(0), "a new host waits for room");
        assert!(pacer.ready(host(1), 1, at(0)) == at(0), "one that is known does not");
        pacer.tidy(at(600));
        assert_eq!(pacer.ready(host(most), 1, at(600)), at(600));
        assert!(pacer.hosts.full_again.is_empty());
    }
}
