//! What may be touched, when and how hard; and what counts as inside.
//!
//! [`Facility`] is the file that says so; [`Consent`] is what follows from it, or from targets named on the command
//! line: the one value that decides about every packet. It decides on plain values, so that tests can hold it
//! against a list.

pub mod block;
pub mod consent;
pub mod facility;
pub mod inside;
pub mod order;

pub use block::Blocks;
pub use consent::{Consent, Contact, Hours, Pace, Profile, Refusal, Tier};
pub use facility::Facility;
pub use inside::Inside;
pub use order::Order;
