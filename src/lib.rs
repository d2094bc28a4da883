//! Finds every road that leaves a hospital's network, says what stands there, and proves it.
//!
//! Data flows one way, in the order of this list:
//!
//! 1. [`observe`] is what was heard, whoever heard it.
//! 2. [`fingerprint`] says which product said it.
//! 3. [`correlate`] joins it into connection points, each with its because.
//!
//! [`wire`] turns bytes into messages for all of them, [`time`] holds moments.

pub mod correlate;
pub mod fingerprint;
pub mod observe;
pub mod time;
pub mod wire;
