//! The hidden exits: who forwards to the outside, found in simulated networks of every sort, without privileges.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a fixture that cannot be read, or an answer that lacks something, should fail the test"
)]

#[path = "exits/desk.rs"]
mod desk;
#[path = "networks/expectation.rs"]
mod expectation;
#[path = "exits/observed.rs"]
mod observed;
#[path = "exits/readings.rs"]
mod readings;
#[path = "exits/scan.rs"]
mod scan;
#[path = "exits/seeds.rs"]
mod seeds;
#[path = "exits/verdicts.rs"]
mod verdicts;
