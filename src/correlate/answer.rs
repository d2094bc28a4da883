//! Who was heard, so that a question is told from a conversation.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::{
    observe::{Observation, Side},
    scope::Inside,
};

/// How many inside addresses somebody outside may ask before it is a sweep, which says nothing about those that
/// it asks.
const MOST_ASKED: usize = 8;

/// Who answers in which protocol, and who sweeps.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Who said anything in a protocol, and whether that was more than asking.
    heard: BTreeMap<(&'static str, IpAddr), bool>,
    sweepers: BTreeSet<IpAddr>,
    /// Where TLS is served.
    encrypted: BTreeSet<(IpAddr, Option<u16>)>,
}

impl Answers {
    pub(super) fn new(observations: &[Observation], inside: &Inside) -> Self {
        let mut answers = Self::default();
        let mut asked: BTreeMap<IpAddr, BTreeSet<IpAddr>> = BTreeMap::new();
        for o in observations {
            let Some(speaker) = o.speaker.ip else { continue };
            if o.protocol == "tls" && o.side == Side::Server {
                answers.encrypted.insert((speaker, o.speaker.port));
            }
            *answers.heard.entry((o.protocol, speaker)).or_default() |= o.side != Side::Client;
            let listener = o.listener.and_then(|listener| listener.ip);
            if let Some(listener) = listener.filter(|_| o.side == Side::Client)
                && inside.is_outside(speaker)
                && inside.contains(listener)
            {
                asked.entry(speaker).or_default().insert(listener);
            }
        }
        let sweeps = |(_, asked): &(IpAddr, BTreeSet<IpAddr>)| asked.len() > MOST_ASKED;
        answers.sweepers = asked.into_iter().filter(sweeps).map(|(speaker, _)| speaker).collect();
        answers
    }

    /// Whether `address` says anything in `protocol`.
    pub(super) fn speaks(&self, protocol: &'static str, address: IpAddr) -> bool {
        self.heard.contains_key(&(protocol, address))
    }

    /// Whether `address` does more in `protocol` than ask.
    pub(super) fn answers(&self, protocol: &'static str, address: IpAddr) -> bool {
        self.heard.get(&(protocol, address)).copied().unwrap_or(false)
    }

    /// Whether what is said at `port` of `address` is said inside TLS.
    pub(super) fn inside_tls(&self, address: IpAddr, port: Option<u16>) -> bool {
        self.encrypted.contains(&(address, port))
    }

    /// Whether `address` is outside and asks everybody.
    pub(super) fn sweeps(&self, address: IpAddr) -> bool {
        self.sweepers.contains(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Confidence, Endpoint, Facts, Heard, PacketId, Transport};

    fn end(ip: [u8; 4]) -> Endpoint {
        Endpoint { ip: Some(ip.into()), mac: None, port: Some(500), transport: Transport::Udp }
    }

    fn said(speaker: [u8; 4], listener: [u8; 4], side: Side) -> Observation {
        Observation {
            at: crate::time::Timestamp::default(),
            packet: PacketId::default(),
            heard: Heard::Overheard,
            speaker: end(speaker),
            listener: Some(end(listener)),
            protocol: "ike",
            side,
            confidence: Confidence::Certain,
            facts: Facts::default(),
        }
    }

    fn weights(observations: &[Observation]) -> Vec<(String, f64, bool)> {
        let inside = Inside::inferred([]);
        let answers = Answers::new(observations, &inside);
        let signs =
            observations.iter().flat_map(|o| super::super::sign::of_protocol(o, &inside, &answers));
        signs.map(|sign| (sign.evidence, sign.weight, sign.proves)).collect()
    }

    #[test]
    fn a_question_alone_is_a_hint() {
        let asks = said([10, 0, 0, 5], [203, 0, 113, 1], Side::Client);
        let [(rule, weight, proves)] = &weights(std::slice::from_ref(&asks))[..] else { panic!() };
        assert_eq!((rule.as_str(), *proves), ("asks_outside", false));
        assert!(*weight < 0.5);
        let answered = weights(&[asks, said([203, 0, 113, 1], [10, 0, 0, 5], Side::Server)]);
        assert!(answered.iter().all(|(rule, ..)| rule == "dials_vpn"));
    }

    #[test]
    fn a_shell_inside_tls_is_made_to_be_reached_from_elsewhere() {
        let served = |protocol| {
            let shell = said([10, 0, 0, 30], [10, 0, 0, 9], Side::Server);
            Observation { protocol, ..shell }
        };
        assert!(weights(&[served("ssh")]).is_empty());
        let wrapped = weights(&[served("tls"), served("ssh")]);
        assert_eq!(
            wrapped.iter().map(|(rule, ..)| rule.as_str()).collect::<Vec<_>>(),
            ["shell_inside_tls"]
        );
    }

    #[test]
    fn whoever_is_asked_from_outside_is_a_hint_and_a_sweep_is_none() {
        let ask = |host| said([203, 0, 113, 1], [10, 0, 0, host], Side::Client);
        let [(rule, weight, _)] = &weights(&[ask(1)])[..] else { panic!() };
        assert!(rule == "asked_from_outside" && *weight < 0.5);
        let sweep: Vec<Observation> = (1..200).map(ask).collect();
        assert!(weights(&sweep).is_empty());
    }
}
