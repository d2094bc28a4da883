//! What leads outside: the boxes that forward, announce or own a way out, and the lines behind them.
//!
//! 1. [`signs`] says what one observation alone tells: what [`passed`], what was [`announced`], a [`second_network`].
//! 2. [`Ways`] holds all that was [`asked`] of every box, and who hands on to whom ([`relay`]); [`verdicts`] says what
//!    follows for each ([`forwards`]).
//! 3. [`Lines`] tells the lines of each box apart ([`line`]), and names them ([`access_lines`]).

mod access_lines;
mod announced;
mod asked;
mod forwards;
mod line;
mod overheard;
mod passed;
mod relay;
mod second_network;
#[cfg(test)]
mod tests;

pub use access_lines::AccessLines;
pub(super) use forwards::EGRESS;
pub(super) use line::Lines;
pub(super) use passed::{IS_SENT, of_an_exit};
pub(super) use relay::Ways;
pub(super) use second_network::of_a_router;

use super::{
    Direction, Kind,
    device::{Device, Devices},
    sign::Sign,
};
use crate::{observe::Observation, scope::Inside};

/// Fields in which a box tells its own outside address to anyone who asks.
const TELLS_OUTSIDE: [&str; 3] = ["nat_pmp.outside", "upnp.outside", "ssdp.outside"];

/// What `observation` says about ways out.
pub(super) fn signs<'a>(observation: &'a Observation, inside: &Inside) -> Vec<Sign<'a>> {
    let rules = [
        passed::forwards,
        passed::traces,
        announced::announces_ipv6,
        announced::tells_outside,
        announced::claims_gateway,
        announced::dials_access_line,
        announced::offers_access_line,
        announced::answers_for_the_internet,
    ];
    let signs = rules.iter().filter_map(|rule| rule(observation, inside));
    signs.chain(second_network::told(observation, inside)).collect()
}

/// What all observations together say about ways out, and about which box.
pub(super) fn verdicts<'o>(
    observations: &'o [Observation],
    ways: &Ways<'o>,
    devices: &mut Devices,
    inside: &Inside,
) -> Vec<(Device, Sign<'o>)> {
    let mut signs = forwards::signs(ways, inside);
    signs.extend(second_network::answered(observations, devices, inside));
    signs
}

/// A sign about whoever speaks, of a way out.
fn sign_of<'a>(
    o: &'a Observation,
    kind: Option<Kind>,
    evidence: &str,
    field: &str,
    value: &str,
    weight: f64,
) -> Sign<'a> {
    Sign {
        about: o.speaker,
        kind,
        evidence: evidence.to_owned(),
        field: field.to_owned(),
        value: value.to_owned(),
        observation: o,
        weight,
        proves: false,
        direction: Direction::Out,
        service: None,
        outside: None,
    }
}
