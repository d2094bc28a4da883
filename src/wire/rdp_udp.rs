//! RDP over UDP: the two datagrams that open it (MS-RDPEUDP 2.2.2).

use super::{Reader, Result, require};

/// Flags of the header (MS-RDPEUDP 2.2.2.1).
pub mod flag {
    /// Opens.
    pub const SYN: u16 = 0x0001;
    /// Acknowledges.
    pub const ACK: u16 = 0x0004;
    /// Asks for the transport without retransmission.
    pub const LOSSY: u16 = 0x0200;
    /// A correlation identifier follows.
    pub const CORRELATION: u16 = 0x0800;
    /// The version follows.
    pub const EXTENDED: u16 = 0x1000;
}

/// A SYN acknowledges nothing: all ones.
const NOTHING: u32 = u32::MAX;

/// The datagram that opens, or that answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Answers: acknowledges the sequence number the client begins with.
    pub acknowledges: Option<u32>,
    /// The header's flags.
    pub flags: u16,
    /// The sequence number the sender begins with.
    pub sequence: u32,
    /// The longest datagram to the server and to the client, in bytes.
    pub longest: (u16, u16),
    /// The version spoken: 1, 2, or 0x101 for 3.
    pub version: Option<u16>,
}

impl Open {
    /// Reads the datagram. Its length is the longest that passes, so that the path is tested.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let acknowledged = r.u32("acknowledged")?;
        r.skip("window", 2)?;
        let flags = r.u16("flags")?;
        let known = flag::SYN | flag::ACK | flag::LOSSY | flag::CORRELATION | flag::EXTENDED;
        require("flags", flags & flag::SYN != 0 && flags & !known == 0)?;
        let answers = flags & flag::ACK != 0;
        require("acknowledged", answers != (acknowledged == NOTHING))?;
        let sequence = r.u32("sequence")?;
        let longest = (r.u16("longest up")?, r.u16("longest down")?);
        // MS-RDPEUDP 2.2.2.5 bounds both.
        let fits = |length: u16| (1132..=1232).contains(&length);
        require("longest", fits(longest.0) && fits(longest.1))?;
        if flags & flag::CORRELATION != 0 {
            r.skip("correlation", 32)?;
        }
        let mut version = None;
        if flags & flag::EXTENDED != 0 {
            r.skip("extended flags", 2)?;
            version = Some(r.u16("version")?);
        }
        let acknowledges = answers.then_some(acknowledged);
        Ok(Self { acknowledges, flags, sequence, longest, version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const SYN: &[u8] = &hex!("ffffffff 0040 1001 00001000 04d0 04d0 0001 0002");

    #[test]
    fn reads_the_version() {
        let open = Open::parse(SYN).unwrap();
        assert_eq!((open.version, open.acknowledges), (Some(2), None));
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(SYN, Open::parse);
    }
}
