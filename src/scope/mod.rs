//! What may be touched, and what counts as inside.

pub mod facility;
pub mod inside;

pub use facility::Facility;
pub use inside::Inside;
