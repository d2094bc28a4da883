//! The reply with which servers of the family of FTP and SMTP greet: a code and text (RFC 959, 4.2; RFC 5321, 4.2).

use super::{Error, Reader, Result, require};

/// How many lines a greeting may have.
const MOST_LINES: usize = 32;

/// How long a line may be, in bytes; both protocols say 512.
const LONGEST_LINE: usize = 1024;

/// What a server says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Three digits that tell how it went.
    pub code: u16,
    /// The text of every line without its code, lines apart by a line feed.
    pub text: Vec<u8>,
}

impl Greeting {
    /// Reads a reply of one line or of several.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let digits = r.take::<3>("code")?;
        require("code", matches!(digits, [b'1'..=b'5', b'0'..=b'5', b'0'..=b'9']))?;
        let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        let several = match r.u8("mark")? {
            b' ' => false,
            b'-' => true,
            _ => return Err(Error::Foreign { field: "mark" }),
        };
        let mut text = line(&mut r)?.to_vec();
        let mut lines = 1;
        let mut last = !several;
        while !last {
            require("lines", lines < MOST_LINES)?;
            lines += 1;
            let line = line(&mut r)?;
            let own = line.strip_prefix(&digits[..]);
            last = own.is_some_and(|rest| rest.is_empty() || rest.starts_with(b" "));
            let own = own.and_then(|rest| rest.strip_prefix(b" ").or(rest.strip_prefix(b"-")));
            text.push(b'\n');
            text.extend_from_slice(own.unwrap_or(if last { b"" } else { line }));
        }
        Ok(Self { code, text })
    }
}

/// The next line, without its end.
fn line<'a>(r: &mut Reader<'a>) -> Result<&'a [u8]> {
    let rest = r.rest();
    let end = rest.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n');
    let Some(end) = end else {
        require("line", rest.len() < LONGEST_LINE)?;
        return Err(Error::Truncated { field: "line", missing: 1 });
    };
    let line = r.bytes("line", end)?;
    r.skip("line end", 1)?;
    Ok(line.strip_suffix(b"\r").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_and_several_are_read() {
        let one = Greeting::parse(b"220 FTP server ready.\r\n220 more").unwrap();
        assert_eq!((one.code, &*one.text), (220, &b"FTP server ready."[..]));
        let several = Greeting::parse(b"220-Welcome\r\n free text\r\n220-still\r\n220 Ready\r\n");
        assert_eq!(several.unwrap().text, b"Welcome\n free text\nstill\nReady");
        assert_eq!(Greeting::parse(b"220-a\n220\n").unwrap().text, b"a\n");
    }

    #[test]
    fn other_beginnings_are_refused() {
        for other in
            [&b"SSH-2.0-x\r\n"[..], b"22x a\r\n", b"920 a\r\n", b"220;a\r\n", b"2200 a\r\n"]
        {
            assert!(Greeting::parse(other).is_err_and(|error| !error.wants_more()));
        }
        let endless = b"220-\r\n".repeat(MOST_LINES + 1);
        assert!(Greeting::parse(&endless).is_err_and(|error| !error.wants_more()));
        let long = [&b"220 "[..], &[b'a'; LONGEST_LINE]].concat();
        assert!(Greeting::parse(&long).is_err_and(|error| !error.wants_more()));
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(b"220-a\r\nb\r\n220 c\r\n", Greeting::parse);
    }
}
