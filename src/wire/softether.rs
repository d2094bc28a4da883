//! SoftEther VPN: its packs, the HTTP requests that begin a session, and what it says to the servers
//! that help it through address translation (from the project's source).

use super::{Error, Reader, Result, Writer, require};

/// How many elements, and values of one, are read.
const MOST: u32 = 64;

/// The longest name of an element.
const LONGEST_NAME: u32 = 64;

/// What a session begins with over HTTP.
pub const REQUESTS: [&[u8]; 3] =
    [b"POST /vpnsvc/connect.cgi", b"POST /vpnsvc/vpn.cgi", b"POST /ddns/ddns.aspx"];

/// Where a request asks, and what it brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The path, without a query.
    pub path: &'a [u8],
    /// The headers, without the first line.
    pub headers: &'a [u8],
    /// The body, as much as is there.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads a request to one of SoftEther's paths, to the end of its headers.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let path = REQUESTS.iter().find_map(|start| {
            let known = start.len().min(bytes.len());
            (bytes.get(..known) == start.get(..known)).then(|| start.get(5..).unwrap_or_default())
        });
        let path = path.ok_or(Error::Foreign { field: "request" })?;
        let mut r = Reader::new(bytes);
        r.skip("request", 5 + path.len())?;
        r.until("request", b"\r\n", 1024)?;
        let headers = r.until("headers", b"\r\n\r\n", 4096)?;
        Ok(Self { path, headers, body: r.rest() })
    }
}

/// One value of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number.
    Number(u64),
    /// Bytes or text.
    Bytes(&'a [u8]),
}

/// Walks the elements of a pack, giving each name with its first value. Gives how many there are, or why
/// it is none.
pub fn pack<'a>(bytes: &'a [u8], mut each: impl FnMut(&'a [u8], Value<'a>)) -> Result<u32> {
    let mut r = Reader::new(bytes);
    let count = r.u32("elements")?;
    require("elements", (1..=MOST).contains(&count))?;
    for _ in 0..count {
        // Names are told one longer than they are.
        let length = r.u32("name length")?;
        require("name length", (2..=LONGEST_NAME).contains(&length))?;
        let name = r.bytes("name", length as usize - 1)?;
        require("name", name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'))?;
        let kind = r.u32("type")?;
        require("type", kind <= 4)?;
        let values = r.u32("values")?;
        require("values", values <= MOST)?;
        for at in 0..values {
            let value = match kind {
                0 => Value::Number(r.u32("value")?.into()),
                4 => Value::Number(r.u64("value")?),
                _ => {
                    let length = r.u32("value length")?;
                    require("value length", length <= 1 << 16)?;
                    Value::Bytes(r.bytes("value", length as usize)?)
                }
            };
            if at == 0 {
                each(name, value);
            }
        }
    }
    Ok(count)
}

/// The address and port that a helper saw, from its answer to a one-byte question.
pub fn seen_address(bytes: &[u8]) -> Result<&[u8]> {
    let mut r = Reader::new(bytes);
    r.expect_bytes("address", b"IP=")?;
    let address = r.until("address", b",PORT=", 46)?;
    let valid = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
    require("address", address.len() >= 3 && address.iter().all(valid))?;
    let port = r.rest();
    require("port", (1..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit))?;
    Ok(address)
}

/// The request that asks a server for its greeting.
pub fn ask(host: &str) -> Vec<u8> {
    let body = "VPNCONNECT";
    format!(
        "POST /vpnsvc/connect.cgi HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/jpeg\r\n\
         Content-Length: {}\r\nConnection: Keep-Alive\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A server's greeting, as the body of its answer to [`ask`].
pub fn hello(product: &[u8], version: u32, build: u32) -> Vec<u8> {
    let named = |w: Writer, name: &[u8], kind: u32| {
        let length = u32::try_from(name.len() + 1).unwrap_or(u32::MAX);
        w.u32(length).bytes(name).u32(kind).u32(1)
    };
    let length = u32::try_from(product.len()).unwrap_or(u32::MAX);
    let w = named(Writer::new().u32(3), b"hello", 2).u32(length).bytes(product);
    let w = named(w, b"version", 0).u32(version);
    named(w, b"build", 0).u32(build).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_read_back() {
        let greeting = hello(b"a server", 444, 9807);
        let mut told = Vec::new();
        assert_eq!(pack(&greeting, |name, value| told.push((name, value))), Ok(3));
        assert_eq!(told[0], (&b"hello"[..], Value::Bytes(b"a server")));
        assert_eq!(told[2], (&b"build"[..], Value::Number(9807)));
        crate::wire::refuses_every_truncation(&greeting, |bytes| pack(bytes, |_, _| {}));
    }

    #[test]
    fn a_question_is_read_back() {
        let question = ask("192.0.2.1");
        let request = Request::parse(&question).unwrap();
        assert_eq!((request.path, request.body), (&b"/vpnsvc/connect.cgi"[..], &b"VPNCONNECT"[..]));
        let head = question.len() - 10;
        crate::wire::refuses_every_truncation(&question[..head], Request::parse);
        assert!(!Request::parse(b"POST /index.html").unwrap_err().wants_more());
        assert!(!Request::parse(b"GET").unwrap_err().wants_more());
    }

    #[test]
    fn reads_the_address_that_a_helper_saw() {
        assert_eq!(seen_address(b"IP=203.0.113.9,PORT=51381"), Ok(&b"203.0.113.9"[..]));
        assert!(seen_address(b"IP=example,PORT=1").is_err());
    }
}
