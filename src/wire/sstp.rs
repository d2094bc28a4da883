//! SSTP: the HTTP request with which a tunnel inside HTTPS begins (MS-SSTP 3.2.4.1). Its answer is HTTP's.

use std::fmt::Write as _;

/// The method that only SSTP has.
pub const METHOD: &[u8] = b"SSTP_DUPLEX_POST ";

/// The one path that there is.
pub const PATH: &str = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/";

/// The body that both sides promise: it has no end.
pub const ENDLESS: &str = "18446744073709551615";

/// Writes the request to `host`. `correlation` is random, and names the attempt in a server's log.
pub fn ask(host: &str, correlation: &[u8; 16]) -> Vec<u8> {
    let method = String::from_utf8_lossy(METHOD);
    let mut identifier = String::new();
    for (at, byte) in correlation.iter().enumerate() {
        let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
        let _ = write!(identifier, "{dash}{byte:02X}");
    }
    format!(
        "{method}{PATH} HTTP/1.1\r\nHost: {host}\r\nSSTPCORRELATIONID: {{{identifier}}}\r\n\
         Content-Length: {ENDLESS}\r\n\r\n"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::{Head, Start};

    #[test]
    fn a_request_reads_back() {
        let bytes = ask("192.0.2.1", &[0xa5; 16]);
        let head = Head::parse(&bytes).unwrap();
        let Start::Request { method, target, .. } = head.start else { panic!("{head:?}") };
        assert_eq!((method, target), (METHOD.trim_ascii(), PATH.as_bytes()));
        let identifier = &b"{A5A5A5A5-A5A5-A5A5-A5A5-A5A5A5A5A5A5}"[..];
        assert_eq!(head.get("sstpcorrelationid"), Some(identifier));
        assert_eq!((head.get("host"), head.length), (Some(&b"192.0.2.1"[..]), bytes.len()));
        crate::wire::refuses_every_truncation(&bytes, Head::parse);
    }
}
