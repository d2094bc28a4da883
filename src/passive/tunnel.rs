//! Which protocols carry others, and how to what they carry.

use crate::wire::{self, payload::Inner};

/// Reads what one message of a tunnel carries.
pub(super) type Open = fn(&[u8]) -> wire::Result<Inner<'_>>;

/// Every tunnel that is followed.
static TUNNELS: &[(&str, Open)] = &[
    ("gre", |bytes| Ok(wire::gre::Gre::parse(bytes)?.inner())),
    ("ipip", |bytes| Ok(Inner::ip(bytes))),
    ("6in4", |bytes| Ok(Inner::ip(bytes))),
    ("etherip", |bytes| Ok(wire::etherip::EtherIp::parse(bytes)?.inner())),
    ("vxlan", |bytes| Ok(wire::vxlan::Vxlan::parse(bytes)?.inner())),
    ("geneve", |bytes| Ok(wire::geneve::Geneve::parse(bytes)?.inner())),
    ("gtp", |bytes| Ok(wire::gtp::Gtp::parse(bytes)?.inner())),
    ("l2tp", |bytes| {
        let data = wire::l2tp::Data::parse(bytes)?;
        Ok(if data.is_ppp() { Inner::Ppp(data.frame) } else { Inner::Nothing })
    }),
    ("teredo", |bytes| Ok(wire::teredo::Teredo::parse(bytes)?.inner())),
    ("ayiya", |bytes| Ok(wire::ayiya::Ayiya::parse(bytes)?.inner())),
    ("ppp", |bytes| Ok(wire::ppp::Frame::parse(bytes)?.inner())),
    ("mpls", |bytes| Ok(wire::mpls::Stack::parse(bytes)?.inner())),
    ("pppoe", |bytes| Ok(wire::pppoe::Pppoe::parse(bytes)?.inner())),
];

/// How to what messages of `protocol` carry, if it is a tunnel.
pub(super) fn of(protocol: &str) -> Option<Open> {
    TUNNELS.iter().find(|(name, _)| *name == protocol).map(|(_, inner)| *inner)
}
