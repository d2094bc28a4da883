//! Any frame as an answer to a sweep, and any frame that somebody wants to send: what passes the guard goes to the
//! scope.
//!
//! Input: a frame, from its Ethernet header.

use std::net::{IpAddr, Ipv4Addr};

use sekisho::{
    link::{Act, Event, Interface, Link, What, guard::Guard},
    observe::Mac,
    scope::{Blocks, Consent, Foreign, Hours, Pace, Profile, Refusal, Tier},
    sweep::{Cookie, read},
    time::Timestamp,
};

/// The scope: 192.0.2.0 to 192.0.2.63.
const SCOPE: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 0), Ipv4Addr::new(192, 0, 2, 63)];

/// A network that takes everything, after saying one thing.
struct Paper {
    says: Option<What>,
    interface: [Interface; 1],
}

impl Link for Paper {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn send(&mut self, _: Act<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn wait(&mut self, _: Timestamp) -> Option<Event> {
        Some(Event { at: self.now(), what: self.says.take()? })
    }

    fn interfaces(&self) -> &[Interface] {
        &self.interface
    }
}

/// Hears `input`, and sends it.
pub(crate) fn run(input: &[u8]) {
    if let Some(answer) = read(input, &Cookie::new(7), Timestamp::default()) {
        assert!(answer.port.is_none() || !answer.address.is_unspecified(), "{answer:?}");
    }
    // Whoever was heard before may have said where hardware addresses are.
    for says in [None, Some(What::Frame { interface: 0, bytes: input.to_vec() })] {
        let mut guard = Guard::new(Paper { says, interface: [interface()] }, consent());
        while guard.wait(Timestamp::default()).is_some() {}
        let act = Act::Frame { interface: 0, bytes: input, probe: "fuzz", tier: Tier::Ask };
        if guard.send(act).is_ok() {
            passed(input);
        }
    }
}

/// A frame that passed is ARP for somebody in the scope, or IPv4 to somebody there.
fn passed(frame: &[u8]) {
    let to = match frame.get(12..14) {
        Some([8, 6]) => frame.get(38..42),
        Some([8, 0]) => frame.get(30..34),
        kind => panic!("{kind:?} passed"),
    };
    let to: [u8; 4] = to.and_then(|to| to.try_into().ok()).expect("whom it goes to is there");
    let to = Ipv4Addr::from(to);
    assert!((SCOPE[0]..=SCOPE[1]).contains(&to), "{to} is not in the scope");
}

fn interface() -> Interface {
    Interface {
        name: "eth0".to_owned(),
        mac: Some(Mac([2, 0, 0, 0, 0, 1])),
        addresses: vec!["192.0.2.1/24".parse().expect("a network")],
        mtu: 1500,
        up: true,
        loopback: false,
    }
}

fn consent() -> Consent {
    Consent {
        include: Blocks::new([(IpAddr::from(SCOPE[0]), IpAddr::from(SCOPE[1]))]),
        exclude: Blocks::default(),
        tier: Tier::Ask,
        hours: Hours::default(),
        pace: Pace::of(Profile::Lab),
        fragile_ports: Vec::new(),
        fragile_hosts: Blocks::default(),
        fragile_makers: Vec::new(),
        on_request: Vec::new(),
        responder: None,
        foreign: Foreign::default(),
    }
}
