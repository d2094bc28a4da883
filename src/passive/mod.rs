//! What is said whether or not we ask: captures to observations.
//!
//! 1. `capture` reads packets from files.
//! 2. `replay` shares them out by their addresses, so that all cores work and the result is the same.
//! 3. A `shard` takes each packet out of its link layer and tunnels, puts `fragment`s and streams
//!    (`reassemble`) together by conversation (`flow`), asks the protocols what they understand
//!    ([`crate::observe::dissect`]), and keeps what is new (`keep`).
//! 4. `gateway` notes which hardware addresses stand between the inside and the outside, `lines` what shows of the
//!    lines behind them, and `forward` what came back to questions that show who forwards.

pub mod anonymise;
pub mod asked;
pub mod capture;
mod flow;
mod forward;
mod fragment;
mod gateway;
mod keep;
mod lines;
mod reassemble;
pub mod replay;
mod seen;
mod shard;
mod tunnel;

pub use replay::{Replay, hear, replay};
