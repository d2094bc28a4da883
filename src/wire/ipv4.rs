//! IPv4 (RFC 791): header, options, fragments.

use std::net::Ipv4Addr;

use super::{Reader, Result, Writer, checksum, require};

/// A packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Where it comes from.
    pub source: Ipv4Addr,
    /// Where it goes.
    pub destination: Ipv4Addr,
    /// How many more routers may forward it.
    pub time_to_live: u8,
    /// What it carries (IANA protocol numbers).
    pub protocol: u8,
    /// Which datagram it is part of.
    pub identification: u16,
    /// Routers may not cut it.
    pub dont_fragment: bool,
    /// Parts of its datagram follow.
    pub more_fragments: bool,
    /// Where in its datagram the payload belongs, in bytes.
    pub fragment_offset: u16,
    /// Options, as sent.
    pub options: &'a [u8],
    /// What follows the header, without padding.
    pub payload: &'a [u8],
    /// How many bytes of the payload were not captured.
    pub missing: usize,
}

impl<'a> Packet<'a> {
    /// Reads a packet. What the capture cut off is counted, not refused; a total length of 0, as network
    /// cards that cut segments themselves leave it, means all there is.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("version")?;
        require("version", first >> 4 == 4)?;
        let header = usize::from(first & 0x0f) * 4;
        require("header length", header >= 20)?;
        r.u8("service")?;
        let total = usize::from(r.u16("total length")?);
        let identification = r.u16("identification")?;
        let fragment = r.u16("fragment")?;
        let time_to_live = r.u8("time to live")?;
        let protocol = r.u8("protocol")?;
        r.u16("checksum")?;
        let source = r.take::<4>("source")?.into();
        let destination = r.take::<4>("destination")?.into();
        let options = r.bytes("options", header - 20)?;
        let length = if total == 0 { r.remaining() } else { total.saturating_sub(header) };
        let payload = r.bytes_up_to(length);
        Ok(Self {
            source,
            destination,
            time_to_live,
            protocol,
            identification,
            dont_fragment: fragment & 0x4000 != 0,
            more_fragments: fragment & 0x2000 != 0,
            fragment_offset: (fragment & 0x1fff) << 3,
            options,
            payload,
            missing: length - payload.len(),
        })
    }

    /// Whether this is only a part of its datagram.
    pub fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }

    /// Writes the packet with its checksum. Options longer than 40 bytes and payloads beyond 65,535 are cut.
    pub fn emit(&self) -> Vec<u8> {
        let options = self.options.get(..40).unwrap_or(self.options);
        let padding = options.len().next_multiple_of(4) - options.len();
        let header = 20 + options.len() + padding;
        let payload = self.payload.get(..usize::from(u16::MAX) - header).unwrap_or(self.payload);
        let flags = u16::from(self.dont_fragment) << 14 | u16::from(self.more_fragments) << 13;
        let words = u8::try_from(header / 4).unwrap_or(15);
        let head = |sum: u16| {
            Writer::new()
                .u8(0x40 | words)
                .u8(0)
                .sized_u16(header + payload.len(), &[])
                .u16(self.identification)
                .u16(flags | self.fragment_offset >> 3)
                .u8(self.time_to_live)
                .u8(self.protocol)
                .u16(sum)
                .bytes(&self.source.octets())
                .bytes(&self.destination.octets())
                .bytes(options)
                .zeros(padding)
                .finish()
        };
        let sum = checksum(&[&head(0)]);
        [head(sum).as_slice(), payload].concat()
    }

    /// The pseudo header that UDP and TCP checksums cover, for a payload of `length` bytes.
    pub fn pseudo_header(&self, length: usize) -> Vec<u8> {
        Writer::new()
            .bytes(&self.source.octets())
            .bytes(&self.destination.octets())
            .u8(0)
            .u8(self.protocol)
            .sized_u16(length, &[])
            .finish()
    }
}

/// An option's number and data (RFC 791, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpOption<'a> {
    /// Copied flag, class and number in one byte: 7 is record route, 148 router alert.
    pub number: u8,
    /// What follows the length.
    pub data: &'a [u8],
}

/// The options in `bytes`, up to the end marker or the first that lies about its length.
pub fn options(bytes: &[u8]) -> impl Iterator<Item = IpOption<'_>> {
    let mut r = Reader::new(bytes);
    std::iter::from_fn(move || {
        loop {
            match r.u8("option").ok()? {
                0 => return None,
                1 => {}
                number => {
                    let length = usize::from(r.u8("option length").ok()?).checked_sub(2)?;
                    return Some(IpOption { number, data: r.bytes("option", length).ok()? });
                }
            }
        }
    })
}

/// The number of the record-route option.
pub const RECORD_ROUTE: u8 = 7;

/// How many addresses a record-route option has room for at most.
pub const MOST_RECORDED: u8 = 9;

/// The record-route option with room for `places` addresses, up to [`MOST_RECORDED`], none of which is written
/// (RFC 791, 3.1), padded to whole words.
pub fn record_route(places: u8) -> Vec<u8> {
    let room = usize::from(places.min(MOST_RECORDED)) * 4;
    let length = u8::try_from(3 + room).unwrap_or(u8::MAX);
    Writer::new().u8(RECORD_ROUTE).u8(length).u8(4).zeros(room + 1).finish()
}

/// The addresses that routers wrote into the record-route option among `bytes`, in their order.
pub fn recorded(bytes: &[u8]) -> Vec<Ipv4Addr> {
    let Some(route) = options(bytes).find(|option| option.number == RECORD_ROUTE) else {
        return Vec::new();
    };
    let mut r = Reader::new(route.data);
    // The pointer counts from the option's own first byte, from 1; addresses begin at its fourth.
    let next = usize::from(r.u8("pointer").unwrap_or_default());
    let written = next.saturating_sub(4) / 4;
    (0..written).map_while(|_| r.take::<4>("address").ok().map(Ipv4Addr::from)).collect()
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    const PACKET: [u8; 32] =
        hex!("46 00 0020 1c46 4000 40 11 0000 c0000201 c6336407 94040000 0035 0035 0008 0000");

    #[test]
    fn reads_options_and_payload() {
        let packet = Packet::parse(&PACKET).unwrap();
        assert_eq!(packet.source, Ipv4Addr::new(192, 0, 2, 1));
        assert!(packet.dont_fragment && !packet.is_fragment());
        let alert = options(packet.options).next();
        assert_eq!(alert, Some(IpOption { number: 148, data: &[0, 0] }));
        assert_eq!(packet.payload.len(), 8);
    }

    #[test]
    fn what_it_emits_parses_back() {
        let packet = Packet::parse(&PACKET).unwrap();
        let bytes = packet.emit();
        assert_eq!(checksum(&[&bytes[..24]]), 0);
        assert_eq!(Packet::parse(&bytes), Ok(packet));
    }

    #[test]
    fn refuses_every_truncation_of_the_header() {
        crate::wire::refuses_every_truncation(&PACKET[..24], Packet::parse);
    }

    #[test]
    fn counts_what_the_capture_cut_off() {
        let packet = Packet::parse(&PACKET[..28]).unwrap();
        assert_eq!((packet.payload.len(), packet.missing), (4, 4));
    }

    #[test]
    fn options_that_lie_end_the_list() {
        assert_eq!(options(&hex!("01 07 ff 04")).count(), 0);
        assert_eq!(options(&hex!("01 07 01 04")).count(), 0);
    }

    #[test]
    fn a_route_is_what_was_written_up_to_the_pointer() {
        let empty = record_route(9);
        assert_eq!((empty.len(), recorded(&empty)), (40, Vec::new()));
        let mut taken = empty.clone();
        taken[2] = 8;
        taken[3..7].copy_from_slice(&[203, 0, 113, 2]);
        assert_eq!(recorded(&taken), [Ipv4Addr::new(203, 0, 113, 2)]);
        // A pointer that lies names no more than there is.
        taken[2] = 255;
        assert_eq!(recorded(&taken).len(), 9);
        assert_eq!(recorded(&[7, 3, 255]), Vec::<Ipv4Addr>::new());
    }
}
