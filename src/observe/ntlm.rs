//! What an NTLM message tells, whichever protocol carries it.

use super::Facts;
use crate::{
    time::Timestamp,
    wire::ntlm::{Message, Version},
};

/// Adds what the message tells to `facts`. Never the user's name.
pub(super) fn tell(facts: &mut Facts, message: &Message) {
    match message {
        Message::Negotiate { version } => build(facts, *version),
        Message::Challenge(challenge) => {
            facts.add_text("ntlm.target", challenge.target.as_bytes());
            facts.add_text("ntlm.computer", challenge.computer.as_bytes());
            facts.add_text("ntlm.domain", challenge.domain.as_bytes());
            facts.add_text("ntlm.dns_computer", challenge.dns_computer.as_bytes());
            facts.add_text("ntlm.dns_domain", challenge.dns_domain.as_bytes());
            facts.add_text("ntlm.forest", challenge.forest.as_bytes());
            build(facts, challenge.version);
            if let Some(time) = challenge.time.and_then(moment) {
                facts.add("ntlm.time", time);
            }
        }
        Message::Authenticate { domain, workstation, version } => {
            facts.add_text("ntlm.domain", domain.as_bytes());
            facts.add_text("ntlm.workstation", workstation.as_bytes());
            build(facts, *version);
        }
    }
}

fn build(facts: &mut Facts, version: Option<Version>) {
    if let Some(Version { major, minor, build }) = version {
        facts.add("ntlm.os_build", format_args!("{major}.{minor}.{build}"));
    }
}

/// The moment of a Windows time: 100 ns since 1601-01-01 UTC.
pub(super) fn moment(time: u64) -> Option<Timestamp> {
    const EPOCH: i64 = 116_444_736_000_000_000;
    let since = i64::try_from(time).ok().filter(|time| *time > 0)?.checked_sub(EPOCH)?;
    Some(Timestamp::from_nanoseconds(since.checked_mul(100)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_windows_time_is_a_moment() {
        let time = moment(133_444_736_000_000_000).unwrap();
        assert_eq!(time.to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(moment(0), None);
    }
}
