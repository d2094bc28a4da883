//! The hidden exits: who forwards to the outside, found in simulated networks of every role, without privileges.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "exits/desk.rs"]
mod desk;
#[path = "exits/readings.rs"]
mod readings;
