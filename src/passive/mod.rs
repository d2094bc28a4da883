//! What is said whether or not we ask: captures to observations.
//!
//! 1. [`capture`] reads packets from files.

pub mod capture;
