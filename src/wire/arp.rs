//! ARP: which hardware address has an IPv4 address (RFC 826, 5227).

use std::net::Ipv4Addr;

use super::{Reader, Result, Writer, require};

/// Asks who has the target's address.
pub const REQUEST: u16 = 1;
/// Says that the sender has it.
pub const REPLY: u16 = 2;

/// A question or an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp {
    /// 1 asks, 2 answers, 3 and 4 the same for RARP, 8 and 9 for `InARP`.
    pub operation: u16,
    /// The sender's hardware address.
    pub sender_mac: [u8; 6],
    /// The sender's address; 0.0.0.0 while it tries one.
    pub sender: Ipv4Addr,
    /// The target's hardware address; zero when asking.
    pub target_mac: [u8; 6],
    /// The target's address.
    pub target: Ipv4Addr,
}

impl Arp {
    /// Reads a message about Ethernet and IPv4; padding may follow.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let hardware = r.u16("hardware")?;
        require("hardware", matches!(hardware, 1 | 6))?;
        r.expect_u16("protocol", super::payload::IPV4)?;
        r.expect("hardware length", 6)?;
        r.expect("protocol length", 4)?;
        Ok(Self {
            operation: r.u16("operation")?,
            sender_mac: r.take("sender hardware")?,
            sender: r.take::<4>("sender")?.into(),
            target_mac: r.take("target hardware")?,
            target: r.take::<4>("target")?.into(),
        })
    }

    /// Writes the message.
    pub fn emit(&self) -> Vec<u8> {
        Writer::new()
            .bytes(&[0, 1, 8, 0, 6, 4])
            .u16(self.operation)
            .bytes(&self.sender_mac)
            .bytes(&self.sender.octets())
            .bytes(&self.target_mac)
            .bytes(&self.target.octets())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const REQUESTED: &[u8] = &hex!("0001080006040001 00005e005301 c0000201 000000000000 c0000202");

    #[test]
    fn reads_who_asks() {
        let arp = Arp::parse(REQUESTED).unwrap();
        assert_eq!((arp.operation, arp.sender), (REQUEST, Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(arp.emit(), REQUESTED);
        crate::wire::refuses_every_truncation(REQUESTED, Arp::parse);
    }

    #[test]
    fn refuses_other_networks() {
        assert!(!Arp::parse(&hex!("0007080006040001")).unwrap_err().wants_more());
        assert!(!Arp::parse(&hex!("0001809b06040001")).unwrap_err().wants_more());
    }
}
