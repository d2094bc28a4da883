//! A scan of loopback: honest servers are heard, hostile ones are survived, and a run that is stopped, killed or
//! refused loses nothing, asks nothing twice, and says what to do.
#![expect(clippy::disallowed_types, reason = "the other end of a test's conversation")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what goes wrong should fail the test"
)]

#[path = "scan/desk.rs"]
mod desk;
#[path = "scan/ends.rs"]
mod ends;
#[path = "scan/hears.rs"]
mod hears;
#[path = "scan/server.rs"]
mod server;
