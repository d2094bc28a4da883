//! Finds every road that leaves a hospital's network, says what stands there, and proves it.
//!
//! Data flows one way, in the order of this list:
//!
//! 1. [`scope`] says what may be touched, and what counts as inside.
//! 2. [`sweep`] finds which addresses answer, and [`probe`] asks them, both through a [`link`] that records.
//! 3. [`passive`] hears what is said: the recording of a scan, or a capture of what is said anyway.
//! 4. [`observe`] is what was heard, whoever heard it.
//! 5. [`fingerprint`] says which product said it.
//! 6. [`correlate`] joins it into connection points, each with its because.
//! 7. [`import`] reads what people wrote down: the hospital's register, and lines that no network shows.
//! 8. [`assess`] says what the points mean: what is exploited, what is not in the register, what the ministry's checklist says.
//! 9. [`inventory`] remembers the points, and [`report`] tells them.
//!
//! [`wire`] turns bytes into messages for all of them, [`time`] holds moments, and [`cli`] runs the flow.

#![warn(
    clippy::print_stdout,
    reason = "it panics when the reader goes away; `cli::output` does not"
)]

pub mod assess;
pub mod cli;
pub mod correlate;
pub mod fingerprint;
pub mod import;
pub mod inventory;
pub mod link;
pub mod observe;
pub mod passive;
pub mod probe;
pub mod report;
pub mod scope;
pub mod sweep;
pub mod time;
pub mod wire;
