//! What others wrote down: the hospital's register, and lines that only papers and people know.
//!
//! [`entry`] is one line of any of them: what is said of one box or line, by column. Everything in these files is
//! somebody's typing, and as hostile as what comes from the network.

pub mod declared;
pub mod entry;

pub use entry::{Column, Entry, Register};
