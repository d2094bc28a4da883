//! HTTP/1: a message's head, its body's borders, and what a page says about the software that made it
//! (RFC 9110 and 9112). Lenient: old equipment writes heads no standard allows.

use std::io::Read as _;

use flate2::read::{GzDecoder, ZlibDecoder};
use md5::{Digest, Md5};

use super::{Error, Reader, Result, require};

/// How long a start line or a header may be.
const LONGEST_LINE: usize = 16 << 10;

/// How long a head may be; what comes after is not read.
const LONGEST_HEAD: usize = 64 << 10;

/// How many headers are kept.
const MOST_HEADERS: usize = 128;

/// How long a method may be; the longest known is `SSTP_DUPLEX_POST`.
const LONGEST_METHOD: usize = 24;

/// The start line and headers of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head<'a> {
    /// Asks or answers.
    pub start: Start<'a>,
    /// Names and values as sent, without spaces around them.
    pub headers: Vec<(&'a [u8], &'a [u8])>,
    /// How many bytes it took, with the empty line.
    pub length: usize,
    /// The empty line was there.
    pub whole: bool,
}

/// The first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// A client asks.
    Request {
        /// What to do, in capitals.
        method: &'a [u8],
        /// With what: a path, an address, or `host:port`.
        target: &'a [u8],
        /// `1.1`, `1.0` or, in the preface of HTTP/2, `2.0`.
        version: &'a [u8],
    },
    /// A server answers.
    Response {
        /// `1.1` or `1.0`.
        version: &'a [u8],
        /// How it went.
        status: u16,
        /// The same in words.
        reason: &'a [u8],
    },
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// After this many bytes.
    Sized(u64),
    /// After the last chunk.
    Chunked,
    /// With the stream.
    ToTheEnd,
}

impl<'a> Head<'a> {
    /// Reads a head. Refuses at the first byte that cannot begin one.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let start = Start::parse(&mut r)?;
        let mut head = Self { start, headers: Vec::new(), length: r.position(), whole: false };
        head.read_headers(&mut r)?;
        Ok(head)
    }

    /// Reads what is there of a head that was cut short or is too long; the first line must be whole.
    pub fn parse_cut(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let start = Start::parse(&mut r)?;
        let mut head = Self { start, headers: Vec::new(), length: r.position(), whole: false };
        let _ = head.read_headers(&mut r);
        Ok(head)
    }

    fn read_headers(&mut self, r: &mut Reader<'a>) -> Result<()> {
        while r.position() < LONGEST_HEAD {
            let line = line(r, "header")?;
            self.length = r.position();
            if line.is_empty() {
                self.whole = true;
                return Ok(());
            }
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let name = line.get(..colon).unwrap_or_default().trim_ascii();
            let value = line.get(colon + 1..).unwrap_or_default().trim_ascii();
            if !name.is_empty() && self.headers.len() < MOST_HEADERS {
                self.headers.push((name, value));
            }
        }
        Err(Error::Foreign { field: "head" })
    }

    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// Every value of a header.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let named = move |(n, _): &&(&[u8], &[u8])| n.eq_ignore_ascii_case(name.as_bytes());
        self.headers.iter().filter(named).map(|(_, value)| *value)
    }

    /// Where the body ends; `bodiless` is an answer to `HEAD`.
    pub fn body(&self, bodiless: bool) -> Body {
        if bodiless || matches!(self.start, Start::Response { status: 100..=199 | 204 | 304, .. }) {
            return Body::None;
        }
        if self.get("transfer-encoding").is_some_and(|value| contains(value, b"chunked")) {
            return Body::Chunked;
        }
        let sized = self
            .get("content-length")
            .and_then(|value| std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()));
        match (sized, self.start) {
            (Some(length), _) => Body::Sized(length),
            (None, Start::Request { .. }) => Body::None,
            (None, Start::Response { .. }) => Body::ToTheEnd,
        }
    }
}

impl<'a> Start<'a> {
    fn parse(r: &mut Reader<'a>) -> Result<Self> {
        let bytes = r.rest();
        let answers = b"HTTP/";
        let alike = bytes.iter().zip(answers).all(|(a, b)| a.eq_ignore_ascii_case(b));
        if alike && bytes.len() < answers.len() {
            return Err(Error::Truncated { field: "start", missing: answers.len() - bytes.len() });
        }
        if alike { Self::parse_response(r) } else { Self::parse_request(r) }
    }

    fn parse_response(r: &mut Reader<'a>) -> Result<Self> {
        r.skip("protocol", 5)?;
        let digit = |r: &mut Reader<'a>, field| {
            let byte = r.u8(field)?;
            require(field, byte.is_ascii_digit()).map(|()| u16::from(byte - b'0'))
        };
        let version = r.rest();
        require("version", digit(r, "version")? <= 2)?;
        r.expect("version", b'.')?;
        digit(r, "version")?;
        r.expect("space", b' ')?;
        let status = 100 * digit(r, "status")? + 10 * digit(r, "status")? + digit(r, "status")?;
        let rest = line(r, "reason")?;
        require("reason", matches!(rest.first(), None | Some(b' ')))?;
        let version = version.get(..3).unwrap_or_default();
        Ok(Self::Response { version, status, reason: rest.trim_ascii() })
    }

    fn parse_request(r: &mut Reader<'a>) -> Result<Self> {
        let bytes = r.rest();
        let is_method = |byte: &u8| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-');
        let method = bytes.iter().take(LONGEST_METHOD + 1).take_while(|b| is_method(b)).count();
        require("method", method <= LONGEST_METHOD)?;
        match bytes.get(method) {
            None => return Err(Error::Truncated { field: "method", missing: 1 }),
            Some(byte) => require("method", *byte == b' ' && method >= 3)?,
        }
        let line = match line(r, "request line") {
            Ok(line) => line,
            Err(error) => {
                let is_text =
                    bytes.iter().take(LONGEST_LINE).all(|byte| *byte >= b' ' || *byte == b'\r');
                require("request line", is_text)?;
                return Err(error);
            }
        };
        // Clients that forget to encode a space exist, so the version is what stands last.
        let at =
            memchr::memmem::rfind(line, b" HTTP/").ok_or(Error::Foreign { field: "version" })?;
        let version = line.get(at + 6..).unwrap_or_default().trim_ascii();
        require("version", matches!(version, [b'0'..=b'2', b'.', b'0'..=b'9']))?;
        let target = line.get(method + 1..at).unwrap_or_default().trim_ascii();
        require("target", !target.is_empty() && target.iter().all(|byte| *byte >= b' '))?;
        Ok(Self::Request { method: line.get(..method).unwrap_or_default(), target, version })
    }
}

/// Reads a line, without its end.
fn line<'a>(r: &mut Reader<'a>, field: &'static str) -> Result<&'a [u8]> {
    let line = r.until(field, b"\n", LONGEST_LINE)?;
    Ok(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Joins the chunks of a body, up to `limit` bytes; with them, how many bytes the chunks took if the last
/// one was there.
pub fn join_chunks(bytes: &[u8], limit: usize) -> (Vec<u8>, Option<usize>) {
    let mut r = Reader::new(bytes);
    let mut body = Vec::new();
    let end = join(&mut r, &mut body, limit).ok().map(|()| r.position());
    (body, end)
}

fn join(r: &mut Reader<'_>, body: &mut Vec<u8>, limit: usize) -> Result<()> {
    while body.len() < limit {
        let size = line(r, "chunk size")?;
        let digits = size.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let size = std::str::from_utf8(digits).ok().and_then(|d| usize::from_str_radix(d, 16).ok());
        let size = size.ok_or(Error::Foreign { field: "chunk size" })?;
        if size == 0 {
            while !line(r, "trailer")?.is_empty() {}
            return Ok(());
        }
        let part = r.bytes_up_to(size);
        body.extend_from_slice(part.get(..limit - body.len()).unwrap_or(part));
        if part.len() < size {
            return Err(Error::Truncated { field: "chunk", missing: size - part.len() });
        }
        line(r, "chunk end")?;
    }
    Err(Error::Foreign { field: "chunks" })
}

/// What is there of a body, out of its chunks and uncompressed, up to `limit` bytes. A kind of compression that is
/// not known leaves nothing.
pub fn body(head: &Head<'_>, there: &[u8], limit: usize) -> Vec<u8> {
    let raw = match head.body(false) {
        Body::None => Vec::new(),
        Body::Chunked => join_chunks(there, limit).0,
        Body::Sized(length) => {
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(limit);
            there.get(..length).unwrap_or(there).to_owned()
        }
        Body::ToTheEnd => there.get(..limit).unwrap_or(there).to_owned(),
    };
    match head.get("content-encoding") {
        Some(encoding) => inflate(encoding, &raw, limit),
        None => raw,
    }
}

/// Uncompressed bytes, up to `limit`, however much they would make; what cannot be read leaves what came before it.
pub fn inflate(encoding: &[u8], bytes: &[u8], limit: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let most = limit as u64;
    let _ = match encoding.to_ascii_lowercase().as_slice() {
        b"gzip" | b"x-gzip" => GzDecoder::new(bytes).take(most).read_to_end(&mut out),
        b"deflate" => ZlibDecoder::new(bytes).take(most).read_to_end(&mut out),
        b"identity" => bytes.take(most).read_to_end(&mut out),
        _ => Ok(0),
    };
    out
}

/// Text in the encoding `label` names (WHATWG); without one UTF-8, or `Shift_JIS` if it is not that.
pub fn decode(bytes: &[u8], label: Option<&[u8]>) -> String {
    let named = label.and_then(encoding_rs::Encoding::for_label);
    let utf8 = || {
        // The end may have been cut inside a character.
        let valid =
            std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
        if valid { encoding_rs::UTF_8 } else { encoding_rs::SHIFT_JIS }
    };
    named.unwrap_or_else(utf8).decode(bytes).0.into_owned()
}

/// The encoding that a `Content-Type`, or a page's start, names.
pub fn charset(text: &[u8]) -> Option<&[u8]> {
    let text = text.get(..2048).unwrap_or(text);
    let at = find(text, b"charset")?;
    let rest = text.get(at + 7..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    let is_label = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let length = rest.iter().take(32).take_while(|byte| is_label(byte)).count();
    rest.get(..length).filter(|label| !label.is_empty())
}

/// What a page says about the software that made it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Its title.
    pub title: Option<String>,
    /// Names and contents of `meta` elements.
    pub metas: Vec<(String, String)>,
    /// Scripts and style sheets it loads.
    pub assets: Vec<String>,
    /// Where a script or a `meta` element sends the browser.
    pub redirects: Vec<String>,
    /// The icon it names, whatever its size.
    pub icon: Option<String>,
    /// Where its first form is sent.
    pub form: Option<String>,
}

/// How many of each kind a page may give.
const MOST_ELEMENTS: usize = 12;

/// How many `meta` elements of a page are kept: most describe the page, before one that tells what made it.
const MOST_METAS: usize = 32;

/// How many tags of a page are looked at.
const MOST_TAGS: usize = 512;

/// How long a title or an attribute may be, in bytes; longer ones are cut.
const LONGEST_TEXT: usize = 256;

impl Page {
    /// Reads HTML, as lenient as browsers are.
    pub fn read(html: &str) -> Self {
        let mut page = Self::default();
        let mut rest = html;
        for _ in 0..MOST_TAGS {
            let Some((_, after)) = rest.split_once('<') else { break };
            rest = after;
            let name: &str = after
                .get(..after.bytes().take(8).take_while(u8::is_ascii_alphabetic).count())
                .unwrap_or_default();
            let tag = cut(after, 2048);
            let tag = tag.split_once('>').map_or(tag, |(tag, _)| tag);
            match name.to_ascii_lowercase().as_str() {
                "title" if page.title.is_none() => {
                    let Some((_, text)) = after.split_once('>') else { break };
                    let text = cut(text, LONGEST_TEXT);
                    let text = text.split_once('<').map_or(text, |(text, _)| text);
                    page.title = Some(unescape(text));
                }
                "meta" => page.read_meta(tag),
                "script" => page.add_asset(attribute(tag, "src")),
                "form" if page.form.is_none() => {
                    let leads = |target: &String| {
                        !target.is_empty()
                            && !target.starts_with(['#', '?'])
                            && !target.starts_with("javascript:")
                    };
                    page.form = attribute(tag, "action").filter(leads);
                }
                "link" => {
                    let rel = attribute(tag, "rel").unwrap_or_default().to_ascii_lowercase();
                    if page.icon.is_none() && ["icon", "shortcut icon"].contains(&&*rel) {
                        page.icon =
                            attribute(tag, "href").filter(|path| !path.starts_with("data:"));
                    }
                    // Other links lead to pages, or to the same icon in many sizes.
                    let wanted = attribute(tag, "rel").is_none_or(|rel| {
                        ["stylesheet", "shortcut icon", "icon"]
                            .contains(&&*rel.to_ascii_lowercase())
                    }) && attribute(tag, "sizes").is_none();
                    page.add_asset(attribute(tag, "href").filter(|_| wanted));
                }
                _ => {}
            }
        }
        page.read_redirects(html);
        page
    }

    fn read_meta(&mut self, tag: &str) {
        let Some(content) = attribute(tag, "content") else { return };
        if let Some(name) = attribute(tag, "name") {
            if self.metas.len() < MOST_METAS {
                self.metas.push((name.to_ascii_lowercase(), content));
            }
        } else if attribute(tag, "http-equiv").is_some_and(|n| n.eq_ignore_ascii_case("refresh")) {
            let at = content.to_ascii_lowercase().find("url=");
            let target = at.and_then(|at| content.get(at + 4..));
            self.add_redirect(target.map(|target| target.trim_matches(['\'', '"', ' '])));
        }
    }

    /// Finds `location = "…"` and `location.replace("…")`.
    fn read_redirects(&mut self, html: &str) {
        for (at, word) in html.match_indices("location").take(MOST_ELEMENTS) {
            let after = html.get(at + word.len()..).unwrap_or_default();
            let between = cut(after, 24).find(['"', '\'']);
            let Some((between, rest)) = between.and_then(|quote| after.split_at_checked(quote))
            else {
                continue;
            };
            let is_call = |c: char| c.is_ascii_lowercase() || " .=(".contains(c);
            if between.contains(['=', '(']) && between.chars().all(is_call) {
                let quote = rest.chars().next().unwrap_or_default();
                let target = rest.get(1..).unwrap_or_default().split(quote).next();
                self.add_redirect(target.map(|target| cut(target, LONGEST_TEXT)));
            }
        }
    }

    fn add_redirect(&mut self, target: Option<&str>) {
        let target = target.filter(|target| target.starts_with('/') || target.contains("://"));
        if let Some(target) = target
            && self.redirects.len() < MOST_ELEMENTS
        {
            self.redirects.push(cut(target, LONGEST_TEXT).to_owned());
        }
    }

    fn add_asset(&mut self, path: Option<String>) {
        let path = path.filter(|path| !path.is_empty() && !path.starts_with("data:"));
        self.assets.extend(path.filter(|_| self.assets.len() < MOST_ELEMENTS));
    }
}

/// The value of an attribute of a tag's inside.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let (at, _) = lower.match_indices(name).find(|(at, _)| {
        let before = lower.get(..*at).and_then(|text| text.chars().next_back());
        let after = lower.get(at + name.len()..).unwrap_or_default().trim_start();
        before.is_some_and(|c| c.is_whitespace() || c == '"' || c == '\'') && after.starts_with('=')
    })?;
    let value = tag.get(at + name.len()..)?.trim_start().strip_prefix('=')?.trim_start();
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value.get(1..)?.split(quote).next()?,
        _ => value.split(char::is_whitespace).next()?,
    };
    Some(unescape(cut(value, LONGEST_TEXT)))
}

/// Replaces the character references that titles use, and joins spaces.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let end = cut(after, 10).find(';');
        let known = end.and_then(|end| Some((reference(after.get(..end)?)?, end)));
        if let Some((character, end)) = known {
            out.push(character);
            rest = after.get(end + 1..).unwrap_or_default();
        } else {
            out.push('&');
            rest = after;
        }
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn reference(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "copy" => '\u{a9}',
        "reg" => '\u{ae}',
        "trade" => '\u{2122}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

fn cut(text: &str, length: usize) -> &str {
    text.get(..text.floor_char_boundary(length)).unwrap_or(text)
}

/// Whether `text` holds `word`, in whatever case.
pub fn contains(text: &[u8], word: &[u8]) -> bool {
    find(text, word).is_some()
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    let first = *word.first()?;
    let starts = memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text);
    let is_there = |at: &usize| {
        text.get(*at..*at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
    };
    starts.into_iter().find(is_there)
}

/// The MD5 of an icon, as lists of icons give it.
pub fn icon_md5(image: &[u8]) -> [u8; 16] {
    Md5::digest(image).into()
}

/// The hash by which search engines know an icon: `MurmurHash3` (x86, 32 bits, seed 0) of its Base64 text
/// with a line break after every 76 characters and at the end, signed.
pub fn icon_mmh3(image: &[u8]) -> i32 {
    murmur3(&base64_lines(image)).cast_signed()
}

fn base64_lines(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::with_capacity(bytes.len() * 3 / 2);
    for line in bytes.chunks(57) {
        for group in line.chunks(3) {
            let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
            let bits = bits << (8 * (3 - group.len()));
            for place in 0..4 {
                let digit = (bits >> (18 - 6 * place) & 63) as usize;
                let digit = DIGITS.get(digit).filter(|_| place <= group.len());
                text.push(*digit.unwrap_or(&b'='));
            }
        }
        text.push(b'\n');
    }
    text
}

fn murmur3(bytes: &[u8]) -> u32 {
    let scramble =
        |word: u32| word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (words, tail) = bytes.as_chunks::<4>();
    let mut hash = 0u32;
    for word in words {
        hash ^= scramble(u32::from_le_bytes(*word));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let last = tail.iter().rev().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
    hash ^= scramble(last);
    hash ^= u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] =
        b"GET /remote/login?lang=en HTTP/1.1\r\nHost: vpn.example\r\nX-Odd:1\r\n\r\n";
    const RESPONSE: &[u8] =
        b"HTTP/1.1 401 Unauthorized\r\nserver : xxxxxxxx-xxxxx\r\nContent-Length: 12\r\n\r\n";

    #[test]
    fn reads_heads() {
        let head = Head::parse(REQUEST).unwrap();
        let Start::Request { method, target, version } = head.start else { panic!("{head:?}") };
        assert_eq!((method, version), (&b"GET"[..], &b"1.1"[..]));
        assert_eq!(target, b"/remote/login?lang=en");
        assert_eq!(head.get("HOST"), Some(&b"vpn.example"[..]));
        assert_eq!((head.length, head.body(false)), (REQUEST.len(), Body::None));
        let head = Head::parse(RESPONSE).unwrap();
        assert!(matches!(head.start, Start::Response { status: 401, reason: b"Unauthorized", .. }));
        assert_eq!(head.get("server"), Some(&b"xxxxxxxx-xxxxx"[..]));
        assert_eq!(head.body(false), Body::Sized(12));
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(REQUEST, Head::parse);
        crate::wire::refuses_every_truncation(RESPONSE, Head::parse);
    }

    #[test]
    fn reads_what_old_equipment_writes() {
        for (bytes, status) in [
            (&b"HTTP/1.0 200\r\n\r\n"[..], 200),
            (b"http/1.1 302 Found\nLocation: /\n\n", 302),
            (b"HTTP/1.1 200 OK\r\nno colon here\r\nServer: a\0b\r\n\r\n", 200),
        ] {
            let head = Head::parse(bytes).unwrap();
            assert!(matches!(head.start, Start::Response { status: s, .. } if s == status));
        }
    }

    #[test]
    fn refuses_other_protocols_at_once() {
        for bytes in [
            &b"SSH-2.0-OpenSSH_9.2"[..],
            b"\x16\x03\x01\x02\x00",
            b"RFB 003.008\n",
            b"USER anonymous\r\n",
            b"INVITE sip:a@example SIP/2.0\r\n",
            b"HTTP/1.1/200",
            b"HTTP/9.1 200 OK\r\n",
            b"GET \x01\x02\x03 ",
            b"get / HTTP/1.1\r\n",
            b"220 ready\r\n",
            b"THISMETHODISMUCHTOOLONGTOBEONE ",
        ] {
            let parsed = Head::parse(bytes);
            assert!(parsed.as_ref().is_err_and(|e| !e.wants_more()), "{bytes:?}: {parsed:?}");
        }
    }

    #[test]
    fn hostile_heads_are_bounded() {
        let long = [&b"HTTP/1.1 200 OK\r\nServer: a\r\nX: "[..], &vec![b'x'; 1 << 20]].concat();
        assert!(Head::parse(&long).is_err_and(|e| !e.wants_more()));
        let head = Head::parse_cut(&long).unwrap();
        assert_eq!(head.headers.len(), 1);
        let many = [&b"HTTP/1.1 200 OK\r\n"[..], &b"A: b\r\n".repeat(100_000)].concat();
        let head = Head::parse_cut(&many).unwrap();
        assert_eq!((head.headers.len(), head.whole), (MOST_HEADERS, false));
        let target = [&b"GET /"[..], &vec![b'x'; 1 << 20]].concat();
        assert!(Head::parse(&target).is_err_and(|e| !e.wants_more()));
    }

    #[test]
    fn joins_chunks() {
        let chunks = b"4\r\n<tit\r\n6;a=b\r\nle>abc\r\n0\r\nTrailer: x\r\n\r\nHTTP";
        assert_eq!(join_chunks(chunks, 100), (b"<title>abc".to_vec(), Some(chunks.len() - 4)));
        assert_eq!(join_chunks(chunks, 6), (b"<title".to_vec(), None));
        assert_eq!(join_chunks(b"ffffffffffffffff\r\nabc", 100), (b"abc".to_vec(), None));
        assert_eq!(join_chunks(b"no\r\n", 100), (Vec::new(), None));
    }

    #[test]
    fn reads_a_page() {
        let page = Page::read(concat!(
            "<html><head><META NAME='Generator' content=\"Acme 1.2\">\n",
            "<title>\n  Router &amp; Gateway &#x2122;</title>",
            "<link rel=stylesheet href=/css/login.css?v=7.0.1>",
            "<form action='#'><form name=a method=post ACTION=\"/my.login?a=b\"><form action=/other>",
            "<script type='text/javascript' src='/js/a.js'></script>",
            "<script>top.location=\"/remote/login\"; document.location.replace('/+CSCOE+/logon.html');",
            "var location_name = 'x'</script>",
        ));
        assert_eq!(page.title.as_deref(), Some("Router & Gateway \u{2122}"));
        assert_eq!(page.metas, [("generator".to_owned(), "Acme 1.2".to_owned())]);
        assert_eq!(page.assets, ["/css/login.css?v=7.0.1", "/js/a.js"]);
        assert_eq!(page.redirects, ["/remote/login", "/+CSCOE+/logon.html"]);
        assert_eq!(page.form.as_deref(), Some("/my.login?a=b"));
    }

    #[test]
    fn hostile_pages_are_bounded() {
        let endless = format!("<title>{}", "\u{95a2}".repeat(10_000));
        assert!(Page::read(&endless).title.unwrap().len() <= LONGEST_TEXT);
        let many = "<script src=a><meta name=b content=c>location='/x'".repeat(2_000);
        let page = Page::read(&many);
        assert_eq!((page.assets.len(), page.metas.len()), (MOST_ELEMENTS, MOST_METAS));
        assert!(page.redirects.len() <= MOST_ELEMENTS);
        Page::read(&"<".repeat(50_000));
        Page::read("<meta content=<script src=<title");
        Page::read("<title>&#xffffffff;&#;&;");
    }

    #[test]
    fn japanese_encodings_are_read() {
        let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode("関所ルータ");
        let (euc, ..) = encoding_rs::EUC_JP.encode("関所ルータ");
        assert_eq!(decode(&shift_jis, None), "関所ルータ");
        assert_eq!(decode(&euc, charset(b"text/html; charset=EUC-JP")), "関所ルータ");
        assert_eq!(decode("関所".as_bytes(), None), "関所");
        assert_eq!(decode(&"関所".as_bytes()[..4], None), "関\u{fffd}");
        assert_eq!(
            charset(b"<meta http-equiv=x content='text/html; charset=\"shift_jis\"'>"),
            Some(&b"shift_jis"[..])
        );
    }

    #[test]
    fn icons_hash_as_search_engines_do() {
        assert_eq!(murmur3(b""), 0);
        assert_eq!(murmur3(b"hello"), 0x248b_fa47);
        assert_eq!(murmur3(b"The quick brown fox jumps over the lazy dog"), 0x2e4f_f723);
        assert_eq!(base64_lines(b"Man"), b"TWFu\n");
        assert_eq!(base64_lines(b"Ma"), b"TWE=\n");
        assert_eq!(base64_lines(&[0; 58]), [&[b'A'; 76][..], b"\nAA==\n"].concat());
    }
}
