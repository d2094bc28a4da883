//! What may be touched, when and how hard; and what counts as inside.
//!
//! [`Facility`] is the file that says so; [`Consent`] is what follows from it, or from targets named on the command
//! line: the one value that decides about every packet. It decides on plain values, so that tests can hold it
//! against a list.

pub mod block;
pub mod consent;
pub mod destination;
pub mod facility;
pub mod foreign;
pub mod grant;
pub mod hours;
pub mod inside;
pub mod maker;
pub mod order;
pub mod pace;
mod page;
pub mod reach;
pub mod target;
pub mod vantage;

pub use block::Blocks;
pub use consent::{Consent, Contact, Refusal, Request, Tier};
pub use destination::{DESTINATIONS_V4, DESTINATIONS_V6};
pub use facility::Facility;
pub use foreign::Foreign;
pub use grant::Overrides;
pub use hours::{Hours, Span};
pub use inside::Inside;
pub use maker::Maker;
pub use order::Order;
pub use pace::{Pace, Profile, Rate};
pub use vantage::Vantage;
