//! NTP: how clocks are set (RFC 5905), and the control messages with which servers tell about themselves (RFC 9327).

use super::{Reader, Result, Writer, require};

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// Time is asked or told.
    Time {
        /// The version of the protocol.
        version: u8,
        /// 1 and 2 peers, 3 a client, 4 a server, 5 a broadcast.
        mode: u8,
        /// How far from a reference clock; 0 unknown, 1 at one.
        stratum: u8,
        /// The clock's name at stratum 1, the IPv4 address of the server above it otherwise.
        reference: [u8; 4],
        /// The time the client sent its question, which a server repeats.
        origin: [u8; 8],
        /// The time this was sent.
        transmit: [u8; 8],
    },
    /// A control message.
    Control {
        /// Whether it answers.
        answers: bool,
        /// What is asked: 2 reads variables.
        operation: u8,
        /// `name=value` pairs with commas between them.
        data: &'a [u8],
    },
}

impl<'a> Message<'a> {
    /// Reads a message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("mode")?;
        let (version, mode) = (first >> 3 & 7, first & 7);
        require("version", (1..=4).contains(&version))?;
        if mode == 6 {
            let second = r.u8("operation")?;
            r.skip("sequence, status and association", 6)?;
            require("offset", r.u16("offset")? < 4096)?;
            let length = r.u16("length")?;
            require("length", usize::from(length) <= r.remaining() && length <= 1024)?;
            let data = r.bytes_up_to(length.into());
            return Ok(Self::Control {
                answers: second & 0x80 != 0,
                operation: second & 0x1f,
                data,
            });
        }
        require("mode", (1..=5).contains(&mode))?;
        let stratum = r.u8("stratum")?;
        require("stratum", stratum <= 16)?;
        // Seconds between questions and a clock's step, as powers of two. Clients that hide theirs say 32.
        require("poll", (-8..=17).contains(&r.u8("poll")?.cast_signed()))?;
        require("precision", (-40..=32).contains(&r.u8("precision")?.cast_signed()))?;
        r.skip("delay and dispersion", 8)?;
        let reference = r.take("reference")?;
        r.skip("reference time", 8)?;
        let origin = r.take("origin")?;
        r.skip("receive", 8)?;
        let transmit = r.take("transmit")?;
        require("length", r.remaining().is_multiple_of(4))?;
        Ok(Self::Time { version, mode, stratum, reference, origin, transmit })
    }
}

/// The value of a variable that a control message tells.
pub fn variable<'a>(data: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = data;
    while !rest.is_empty() {
        let mut quoted = false;
        let comma = |byte: &u8| {
            quoted ^= *byte == b'"';
            *byte == b',' && !quoted
        };
        let end = rest.iter().position(comma).unwrap_or(rest.len());
        let pair = rest.get(..end)?.trim_ascii();
        rest = rest.get(end + 1..).unwrap_or_default();
        if let Some(value) = pair.strip_prefix(name).and_then(|pair| pair.strip_prefix(b"=")) {
            let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
            return Some(bare.unwrap_or(value));
        }
    }
    None
}

/// Writes the question for all variables of a server.
pub fn ask_variables(sequence: u16) -> Vec<u8> {
    Writer::new().u8(0x16).u8(2).u16(sequence).u64(0).finish()
}

/// Writes a client's question for the time. It tells nothing of our clock: `transmit` is only repeated.
pub fn ask_time(transmit: [u8; 8]) -> Vec<u8> {
    Writer::new().u8(0x23).zeros(39).bytes(&transmit).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_goes_both_ways() {
        let bytes = ask_variables(1);
        let wanted = Message::Control { answers: false, operation: 2, data: &[] };
        assert_eq!(Message::parse(&bytes), Ok(wanted));
        crate::wire::refuses_every_truncation(&bytes, Message::parse);
    }

    #[test]
    fn a_question_for_the_time_goes_both_ways() {
        let bytes = ask_time([1, 2, 3, 4, 5, 6, 7, 8]);
        let Ok(Message::Time { version: 4, mode: 3, transmit, .. }) = Message::parse(&bytes) else {
            panic!("{bytes:02x?}")
        };
        assert_eq!(transmit, [1, 2, 3, 4, 5, 6, 7, 8]);
        crate::wire::refuses_every_truncation(&bytes, Message::parse);
    }

    #[test]
    fn variables_may_hold_commas() {
        let data = b"version=\"ntpd 4.2.8p15, built\", processor=\"x86_64\",\r\nsystem=Linux/5.10";
        assert_eq!(variable(data, b"version"), Some(&b"ntpd 4.2.8p15, built"[..]));
        assert_eq!(variable(data, b"system"), Some(&b"Linux/5.10"[..]));
        assert_eq!(variable(data, b"refid"), None);
    }

    #[test]
    fn refuses_every_truncation() {
        let mut question = [0; 48];
        question[0] = 0x23;
        crate::wire::refuses_every_truncation(&question, Message::parse);
    }
}
