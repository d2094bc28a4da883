//! MPLS: a stack of labels before a packet or a frame (RFC 3032, 4385, 4448).

use super::{
    Error, Reader, Result,
    payload::{Inner, is_frame, is_packet},
};

/// How deep a stack may be.
const DEEPEST: usize = 16;

/// A label stack and what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stack<'a> {
    /// The label on top.
    pub outermost: u32,
    /// The label at the bottom, next to the payload.
    pub innermost: u32,
    /// How many labels there are.
    pub depth: usize,
    /// What is carried.
    pub payload: &'a [u8],
}

impl<'a> Stack<'a> {
    /// Reads a stack down to its bottom.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let mut outermost = None;
        for depth in 1..=DEEPEST {
            let entry = r.u32("label")?;
            let outermost = *outermost.get_or_insert(entry >> 12);
            if entry & 0x100 != 0 {
                return Ok(Self { outermost, innermost: entry >> 12, depth, payload: r.rest() });
            }
        }
        Err(Error::Foreign { field: "label" })
    }

    /// What is inside. The stack does not say; the payload's first nibble and shape do (RFC 4385).
    pub fn inner(&self) -> Inner<'a> {
        match self.payload {
            [0x40..=0x6f, ..] if is_packet(self.payload) => Inner::Ip(self.payload),
            [0, _, _, _, frame @ ..] if is_frame(frame) => Inner::Ethernet(frame),
            // An associated channel: no customer's traffic.
            [0x10..=0x1f, ..] if !is_frame(self.payload) => Inner::Nothing,
            _ if is_frame(self.payload) => Inner::Ethernet(self.payload),
            _ => Inner::ip(self.payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const PACKET: &[u8] = &hex!("4500001c000100004001 0000 c0000201 c0000202 0800f7ff00000000");

    #[test]
    fn reads_down_to_the_packet() {
        let bytes = [&hex!("000120ff 00064140")[..], PACKET].concat();
        let stack = Stack::parse(&bytes).unwrap();
        assert_eq!((stack.outermost, stack.innermost, stack.depth), (18, 100, 2));
        assert_eq!(stack.inner(), Inner::Ip(PACKET));
        crate::wire::refuses_every_truncation(&bytes[..8], Stack::parse);
    }

    #[test]
    fn reads_a_frame_behind_a_control_word() {
        let frame = [&hex!("00005e005301 00005e005302 0800"), PACKET].concat();
        let bytes = [&hex!("00064140 00000001")[..], &frame].concat();
        assert_eq!(Stack::parse(&bytes).unwrap().inner(), Inner::Ethernet(&frame));
    }

    #[test]
    fn a_stack_ends() {
        assert!(!Stack::parse(&[0; 200]).unwrap_err().wants_more());
    }
}
