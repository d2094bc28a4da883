//! Bytes to messages and back. Knows no sockets, no clocks and no other stage.
//!
//! One protocol a file: what it is and where it is specified, its messages, `parse`, `emit` where we
//! ask or simulate, and its tests. Untrusted bytes pass only through [`Reader`], which names what it
//! reads and cannot run past the end. Numbers we do not know are kept: an unknown code is a finding.

pub mod ah;
pub mod anyconnect;
pub mod anydesk;
pub mod arp;
pub mod ayiya;
pub mod bacnet;
pub mod ber;
pub mod bgp;
pub mod cdp;
pub mod credssp;
pub mod dameware;
pub mod dcerpc;
pub mod der;
pub mod dhcp;
pub mod dhcpv6;
pub mod dicom;
pub mod dns;
pub mod dtls;
pub mod edp;
pub mod eigrp;
pub mod esp;
pub mod etherip;
pub mod ethernet;
pub mod field_lines;
pub mod geneve;
pub mod glbp;
pub mod gre;
pub mod greeting;
pub mod gtp;
pub mod hl7;
pub mod hsrp;
pub mod http;
pub mod ica;
pub mod icmp;
pub mod icmpv6;
pub mod igmp;
pub mod ike;
pub mod ipip;
pub mod ipv4;
pub mod ipv6;
pub mod isis;
pub mod l2tp;
pub mod link;
pub mod lldp;
pub mod mndp;
pub mod modbus;
pub mod mpls;
pub mod mqtt;
pub mod n2n;
pub mod nat_pmp;
pub mod nbns;
pub mod ndp;
pub mod nebula;
pub mod nhrp;
pub mod nomachine;
pub mod ntlm;
pub mod ntp;
pub mod openvpn;
pub mod ospf;
pub mod payload;
pub mod pcanywhere;
pub mod pcapng;
pub mod pim;
pub mod ppp;
pub mod pppoe;
pub mod pptp;
pub mod quic;
pub mod radius;
pub mod radmin;
pub mod rdp;
pub mod rdp_udp;
pub mod rip;
pub mod rustdesk;
pub mod screenconnect;
pub mod sip;
pub mod six_in_four;
pub mod smb;
pub mod snmp;
pub mod socks;
pub mod softether;
pub mod spice;
pub mod splashtop;
pub mod ssdp;
pub mod ssh;
pub mod sstp;
pub mod statement;
pub mod stun;
pub mod tailscale;
pub mod tcp;
pub mod teamviewer;
pub mod telnet;
pub mod teredo;
pub mod tinc;
pub mod tls;
pub mod ubiquiti;
pub mod udp;
pub mod upnp;
pub mod vnc;
pub mod vrrp;
pub mod vxlan;
pub mod wireguard;
pub mod x11;
pub mod x509;
pub mod xdmcp;
pub mod zerotier;

/// Why bytes were not the message we asked them to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input ended inside `field`. On a stream, more may follow.
    #[error("`{field}` is cut short by {missing} bytes")]
    Truncated {
        /// The field being read.
        field: &'static str,
        /// How many more bytes it needed, at least.
        missing: usize,
    },
    /// `field` holds a value that rules this protocol out.
    #[error("`{field}` is {found:#x}, expected {expected:#x}")]
    Unexpected {
        /// The field being read.
        field: &'static str,
        /// What it held.
        found: u64,
        /// What this protocol requires.
        expected: u64,
    },
    /// `field` cannot be what this protocol requires, for a reason that is not one value.
    #[error("`{field}` is not what this protocol says")]
    Foreign {
        /// The field being read.
        field: &'static str,
    },
}

impl Error {
    /// Whether more bytes could still make this the message we asked for.
    pub fn wants_more(&self) -> bool {
        matches!(self, Self::Truncated { .. })
    }
}

/// The result of reading wire bytes.
pub type Result<T> = std::result::Result<T, Error>;

/// Refuses the bytes: `field` is not what the protocol says. For `require(…)?`-style checks.
pub fn require(field: &'static str, holds: bool) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Foreign { field }) }
}

/// A cursor over untrusted bytes: it names what it reads and cannot run past the end.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { all: bytes, at: 0 }
    }

    /// How many bytes were read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.all.get(self.at..).unwrap_or_default()
    }

    /// How many bytes are not read yet.
    pub fn remaining(&self) -> usize {
        self.all.len().saturating_sub(self.at)
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// Reads the next `N` bytes.
    pub fn take<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N]> {
        let missing = N.saturating_sub(self.remaining());
        let head = *self.rest().first_chunk().ok_or(Error::Truncated { field, missing })?;
        self.at += N;
        Ok(head)
    }

    /// Reads the next `length` bytes.
    pub fn bytes(&mut self, field: &'static str, length: usize) -> Result<&'a [u8]> {
        let missing = length.saturating_sub(self.remaining());
        let head = self.rest().get(..length).ok_or(Error::Truncated { field, missing })?;
        self.at += length;
        Ok(head)
    }

    /// Reads up to `length` bytes: what is there when the input is shorter.
    pub fn bytes_up_to(&mut self, length: usize) -> &'a [u8] {
        let head = self.rest();
        let head = head.get(..length).unwrap_or(head);
        self.at += head.len();
        head
    }

    /// A reader over the next `length` bytes, which this one skips.
    pub fn inner(&mut self, field: &'static str, length: usize) -> Result<Self> {
        self.bytes(field, length).map(Self::new)
    }

    /// Skips `length` bytes.
    pub fn skip(&mut self, field: &'static str, length: usize) -> Result<()> {
        self.bytes(field, length).map(drop)
    }

    /// Reads one byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8> {
        self.take::<1>(field).map(|[byte]| byte)
    }

    /// Reads a big-endian 16-bit number.
    pub fn u16(&mut self, field: &'static str) -> Result<u16> {
        self.take(field).map(u16::from_be_bytes)
    }

    /// Reads a big-endian 24-bit number.
    pub fn u24(&mut self, field: &'static str) -> Result<u32> {
        self.take(field).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Reads a big-endian 32-bit number.
    pub fn u32(&mut self, field: &'static str) -> Result<u32> {
        self.take(field).map(u32::from_be_bytes)
    }

    /// Reads a big-endian 64-bit number.
    pub fn u64(&mut self, field: &'static str) -> Result<u64> {
        self.take(field).map(u64::from_be_bytes)
    }

    /// Reads a little-endian 16-bit number.
    pub fn u16_le(&mut self, field: &'static str) -> Result<u16> {
        self.take(field).map(u16::from_le_bytes)
    }

    /// Reads a little-endian 32-bit number.
    pub fn u32_le(&mut self, field: &'static str) -> Result<u32> {
        self.take(field).map(u32::from_le_bytes)
    }

    /// Reads one byte that can only be `expected`.
    pub fn expect(&mut self, field: &'static str, expected: u8) -> Result<()> {
        let found = self.u8(field)?;
        same(field, found.into(), expected.into())
    }

    /// Reads a big-endian 16-bit number that can only be `expected`.
    pub fn expect_u16(&mut self, field: &'static str, expected: u16) -> Result<()> {
        let found = self.u16(field)?;
        same(field, found.into(), expected.into())
    }

    /// Reads a big-endian 32-bit number that can only be `expected`.
    pub fn expect_u32(&mut self, field: &'static str, expected: u32) -> Result<()> {
        let found = self.u32(field)?;
        same(field, found.into(), expected.into())
    }

    /// Reads bytes that can only be `expected`. A wrong byte is told before a missing one, so that a
    /// stream of another protocol is refused at its first byte.
    pub fn expect_bytes(&mut self, field: &'static str, expected: &[u8]) -> Result<()> {
        let rest = self.rest();
        for (found, wanted) in rest.iter().zip(expected) {
            same(field, (*found).into(), (*wanted).into())?;
        }
        self.skip(field, expected.len())
    }

    /// Reads up to and over `end`, and gives what stood before it. At most `limit` bytes are searched.
    pub fn until(&mut self, field: &'static str, end: &[u8], limit: usize) -> Result<&'a [u8]> {
        let rest = self.rest();
        let window = rest.get(..limit.min(rest.len())).unwrap_or(rest);
        match memchr::memmem::find(window, end) {
            Some(length) => {
                self.at += length + end.len();
                Ok(window.get(..length).unwrap_or_default())
            }
            None if rest.len() >= limit => Err(Error::Foreign { field }),
            None => Err(Error::Truncated { field, missing: 1 }),
        }
    }
}

fn same(field: &'static str, found: u64, expected: u64) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::Unexpected { field, found, expected }) }
}

/// Builds a message. Lengths that depend on what follows are written by [`Writer::sized_u16`].
#[derive(Debug, Default, Clone)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes bytes as they are.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Writes `count` zero bytes, as padding.
    pub fn zeros(mut self, count: usize) -> Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }

    /// Writes one byte.
    pub fn u8(self, value: u8) -> Self {
        self.bytes(&[value])
    }

    /// Writes a big-endian 16-bit number.
    pub fn u16(self, value: u16) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Writes a big-endian 32-bit number.
    pub fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Writes a big-endian 64-bit number.
    pub fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Writes `body` behind its length plus `extra`, in 16 bits; a longer body is refused by saturation.
    pub fn sized_u16(self, extra: usize, body: &[u8]) -> Self {
        let length = u16::try_from(body.len() + extra).unwrap_or(u16::MAX);
        self.u16(length).bytes(body)
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// The Internet checksum over `parts` laid end to end (RFC 1071). All parts but the last have even length.
pub fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u64;
    for part in parts {
        let (words, last) = part.as_chunks::<2>();
        sum += words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>();
        sum += last.first().map_or(0, |byte| u64::from(*byte) << 8);
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

/// Checks that `parse` answers every truncation of `whole` with [`Error::Truncated`].
#[cfg(test)]
#[track_caller]
pub(crate) fn refuses_every_truncation<'a, T: std::fmt::Debug>(
    whole: &'a [u8],
    parse: impl Fn(&'a [u8]) -> Result<T>,
) {
    for end in 0..whole.len() {
        let parsed = parse(&whole[..end]);
        assert!(matches!(parsed, Err(Error::Truncated { .. })), "{end} bytes: {parsed:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_cannot_run_past_the_end() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16("a"), Ok(0x0102));
        assert_eq!(reader.u16("b"), Err(Error::Truncated { field: "b", missing: 1 }));
        assert_eq!(reader.u8("c"), Ok(3), "a failed read takes nothing");
        assert!(reader.is_empty());
    }

    #[test]
    fn a_wrong_byte_is_told_before_a_missing_one() {
        let mut reader = Reader::new(b"HT");
        assert!(!reader.expect_bytes("magic", b"SSH-").unwrap_err().wants_more());
        assert!(Reader::new(b"SS").expect_bytes("magic", b"SSH-").unwrap_err().wants_more());
    }

    #[test]
    fn a_search_ends_at_its_limit() {
        let text = b"a line without an end";
        assert!(Reader::new(text).until("line", b"\n", 8).is_err_and(|e| !e.wants_more()));
        assert!(Reader::new(text).until("line", b"\n", 80).is_err_and(|e| e.wants_more()));
        assert_eq!(Reader::new(b"ab\r\ncd").until("line", b"\r\n", 80), Ok(&b"ab"[..]));
    }

    #[test]
    fn a_checksum_over_a_right_header_is_zero() {
        let header = hex_literal::hex!("45000073000040004011b861c0a80001c0a800c7");
        assert_eq!(checksum(&[&header]), 0);
    }
}
