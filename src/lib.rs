//! Finds every road that leaves a hospital's network, says what stands there, and proves it.
//!
//! Data flows one way, in the order of this list:
//!
//! 1. [`observe`] is what was heard, whoever heard it.
//! 2. [`correlate`] joins it into connection points, each with its because.
//! 3. [`inventory`] is what was known before, and what a run changes in it.
//! 4. [`report`] says it, to people and to programs.
//!
//! [`wire`] turns bytes into messages for all of them, [`time`] holds moments.

pub mod correlate;
pub mod inventory;
pub mod observe;
pub mod report;
pub mod time;
pub mod wire;
