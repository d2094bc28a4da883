//! SIP: how calls are set up, and telephones and trunks register (RFC 3261).

use super::{Error, Reader, Result, field_lines::Lines, require};

/// How long all fields may be before we stop waiting for their end.
const LONGEST: usize = 16_384;

/// Methods (RFC 3261 and those that extend it).
const METHODS: &[&[u8]] = &[
    b"INVITE",
    b"ACK",
    b"BYE",
    b"CANCEL",
    b"OPTIONS",
    b"REGISTER",
    b"PRACK",
    b"SUBSCRIBE",
    b"NOTIFY",
    b"PUBLISH",
    b"INFO",
    b"REFER",
    b"MESSAGE",
    b"UPDATE",
];

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it says.
    pub start: Start<'a>,
    /// Its fields.
    pub lines: Lines<'a>,
}

/// The first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// A request.
    Request {
        /// Such as `REGISTER`.
        method: &'a [u8],
        /// Whom it is for; may hold a person's name or number.
        target: &'a [u8],
    },
    /// An answer.
    Answer {
        /// Such as 200.
        status: u16,
    },
}

impl<'a> Message<'a> {
    /// Reads a message; a cut one gives the fields before the cut.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if Reader::new(bytes).expect_bytes("version", b"SIP/2.0 ").is_err_and(|e| !e.wants_more()) {
            // Refuse others at the first byte that no method has in its place.
            let word = bytes.get(..10).unwrap_or(bytes);
            let begins = |method: &&[u8]| method.starts_with(word) || is_method(word, method);
            require("method", METHODS.iter().any(begins))?;
        }
        let lines = Lines::parse(bytes)?;
        let mut words = lines.first.split(|byte| *byte == b' ');
        let mut word = || words.next().unwrap_or_default();
        let (one, two, three) = (word(), word(), word());
        let start = if one == b"SIP/2.0" {
            let digits = std::str::from_utf8(two).ok().filter(|digits| digits.len() == 3);
            let status = digits.and_then(|digits| digits.parse().ok());
            let status = status.ok_or(Error::Foreign { field: "status" })?;
            require("status", (100..700).contains(&status))?;
            Start::Answer { status }
        } else {
            require("method", METHODS.contains(&one))?;
            require("version", three == b"SIP/2.0")?;
            Start::Request { method: one, target: two }
        };
        Ok(Self { start, lines })
    }

    /// Refuses what may still grow.
    pub fn whole(self) -> Result<Self> {
        if self.lines.length < LONGEST {
            self.lines.whole()?;
        }
        Ok(self)
    }

    /// The field called `name`, or `short` (RFC 3261, 7.3.3).
    pub fn get(&self, name: &[u8], short: &[u8]) -> Option<&'a [u8]> {
        self.lines.get(name).or_else(|| self.lines.get(short))
    }
}

fn is_method(word: &[u8], method: &[u8]) -> bool {
    word.strip_prefix(method).is_some_and(|rest| rest.first() == Some(&b' '))
}

/// The host of a `Via` value, such as `SIP/2.0/UDP 192.0.2.1:5060;branch=…`.
pub fn via_host(value: &[u8]) -> Option<&[u8]> {
    let at = value.iter().position(|byte| *byte == b' ')?;
    host(value.get(at..)?.trim_ascii_start())
}

/// The host of the first address in `value`, such as `"Reception" <sip:100@192.0.2.1:5060>;expires=60`.
pub fn address_host(value: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::find(value, b"sip")?;
    let rest = value.get(at + 3..)?;
    let rest = rest.strip_prefix(b"s").unwrap_or(rest).strip_prefix(b":")?;
    let end = rest.iter().position(|byte| matches!(byte, b'>' | b',')).unwrap_or(rest.len());
    let rest = rest.get(..end)?;
    let host_at = rest.iter().position(|byte| *byte == b'@').map_or(0, |at| at + 1);
    host(rest.get(host_at..)?)
}

/// The value of a parameter, such as `received` in `…;received=192.0.2.1`.
pub fn parameter<'a>(value: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    value.split(|byte| *byte == b';').skip(1).find_map(|part| {
        let at = part.iter().position(|byte| *byte == b'=')?;
        let (key, value) = part.split_at(at);
        key.trim_ascii().eq_ignore_ascii_case(name).then(|| value.get(1..).unwrap_or_default())
    })
}

/// A host and what follows it, up to its port or parameters.
fn host(text: &[u8]) -> Option<&[u8]> {
    let host = if text.first() == Some(&b'[') {
        let end = text.iter().position(|byte| *byte == b']')?;
        text.get(1..end)?
    } else {
        let ends = |byte: &u8| matches!(byte, b':' | b';' | b',' | b'?' | b'>' | b' ');
        text.get(..text.iter().position(ends).unwrap_or(text.len()))?
    };
    (!host.is_empty()).then_some(host)
}

/// Writes the question what `host` can do, asked from `own` in a datagram.
pub fn options(host: &str, own: &str, branch: u32) -> Vec<u8> {
    question("UDP", host, own, branch)
}

/// Writes the question what `host` can do, asked from `own` in a stream.
pub fn options_in_stream(host: &str, own: &str, branch: u32) -> Vec<u8> {
    question("TCP", host, own, branch)
}

fn question(transport: &str, host: &str, own: &str, branch: u32) -> Vec<u8> {
    format!(
        "OPTIONS sip:{host} SIP/2.0\r\nVia: SIP/2.0/{transport} {own};branch=z9hG4bK{branch:08x};rport\r\n\
         Max-Forwards: 1\r\nTo: <sip:{host}>\r\nFrom: <sip:{own}>;tag={branch:08x}\r\n\
         Call-ID: {branch:08x}@{own}\r\nCSeq: 1 OPTIONS\r\nContact: <sip:{own}>\r\n\
         Accept: application/sdp\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_goes_both_ways() {
        let bytes = options("192.0.2.1", "192.0.2.9", 7);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.start, Start::Request { method: b"OPTIONS", target: b"sip:192.0.2.1" });
        let via = message.get(b"via", b"v").unwrap();
        assert_eq!(via_host(via), Some(&b"192.0.2.9"[..]));
        crate::wire::refuses_every_truncation(&bytes, |b| Message::parse(b)?.whole());
        let streamed = options_in_stream("192.0.2.1", "192.0.2.9", 7);
        let via = Message::parse(&streamed).unwrap().get(b"via", b"v").unwrap();
        assert!(via.starts_with(b"SIP/2.0/TCP 192.0.2.9;"));
    }

    #[test]
    fn hosts_are_told_without_people() {
        let value = br#""Taro" <sip:taro:secret@[2001:db8::1]:5060;transport=udp>;expires=60"#;
        assert_eq!(address_host(value), Some(&b"2001:db8::1"[..]));
        assert_eq!(address_host(b"<sips:example.com>"), Some(&b"example.com"[..]));
        assert_eq!(address_host(b"tel:+81312345678"), None);
        let via = b"SIP/2.0/UDP 10.0.0.1:5060;branch=z9;received=192.0.2.1";
        assert_eq!(parameter(via, b"received"), Some(&b"192.0.2.1"[..]));
    }

    #[test]
    fn web_and_streaming_questions_are_refused() {
        for other in
            [&b"GET / HTTP/1.1\r\n"[..], b"OPTIONS rtsp://x RTSP/1.0\r\n", b"NOTIFY * HTTP/1.1\r\n"]
        {
            assert!(Message::parse(other).is_err_and(|e| !e.wants_more()), "{other:?}");
        }
    }
}
