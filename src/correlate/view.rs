//! What is inside to whom. A run from the Internet asks the facility's own addresses there: whoever answers is the
//! facility's, though the same address is outside to everybody in it.

use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    observe::{Heard, Observation},
    scope::{Inside, Vantage, inside::is_nowhere},
};

/// From where each observation was made, and what counts as inside there.
pub(super) struct Views<'a> {
    inside: &'a Inside,
    /// From where each file was heard, by its number.
    vantages: &'a [Vantage],
    usual: Vantage,
    outside: Inside,
}

impl<'a> Views<'a> {
    pub(super) fn new(
        observations: &[Observation],
        inside: &'a Inside,
        vantages: &'a [Vantage],
    ) -> Self {
        let usual = Vantage::default();
        let mut views = Self { inside, vantages, usual, outside: Inside::default() };
        let (mut faces, mut lookers) = (BTreeSet::new(), BTreeSet::new());
        for o in observations.iter().filter(|o| views.is_from_outside(o)) {
            faces.extend(o.speaker.ip);
            lookers.extend(o.listener.and_then(|listener| listener.ip));
        }
        views.outside = inside.seen_from_outside(faces, lookers);
        views
    }

    /// From where it was observed.
    pub(super) fn vantage(&self, o: &Observation) -> &Vantage {
        self.vantages.get(o.packet.file as usize).unwrap_or(&self.usual)
    }

    /// Whether it is what one of the facility's addresses in the Internet answered to us there. A port that says that
    /// nobody listens is no answer.
    pub(super) fn is_from_outside(&self, o: &Observation) -> bool {
        let answers = o.speaker.ip.is_some_and(|ip| !is_nowhere(ip)) && o.speaker.port.is_some();
        answers && o.heard == Heard::Replied && self.vantage(o).is_outside()
    }

    /// What counted as inside where it was observed.
    pub(super) fn inside(&self, o: &Observation) -> &Inside {
        if self.is_from_outside(o) { &self.outside } else { self.inside }
    }

    /// Those of `addresses` that are the facility's in the Internet, and answered there.
    pub(super) fn faces<'b>(
        &self,
        addresses: impl IntoIterator<Item = &'b IpAddr>,
    ) -> BTreeSet<IpAddr> {
        addresses.into_iter().filter(|ip| self.outside.faces(**ip)).copied().collect()
    }

    /// Whether `address` is inside to those who are.
    pub(super) fn is_inside(&self, address: IpAddr) -> bool {
        self.inside.contains(address)
    }
}
